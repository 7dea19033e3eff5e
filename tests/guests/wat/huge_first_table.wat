;; Has a table of ten million elements to begin with.
(component
  (core module $module
    (memory (export "memory") 1)
    (table 10000000 funcref)
    ;; include: data
    ;; include: realloc
    ;; include: list
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
