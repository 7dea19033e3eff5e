;; Loops in its start function, before any export is called.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    ;; include: call
    (func $start (loop $again (br $again)))
    (start $start)
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
