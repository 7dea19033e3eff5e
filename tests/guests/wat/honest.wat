;; Nothing: the honest component beside the others.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
