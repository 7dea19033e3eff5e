;; Traps in its start function.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    ;; include: call
    (func $start unreachable)
    (start $start)
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
