;; Has a memory of a gigabyte to begin with.
(component
  (core module $module
    (memory (export "memory") 16384)
    ;; include: data
    ;; include: realloc
    ;; include: list
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
