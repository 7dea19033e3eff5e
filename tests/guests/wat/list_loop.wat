;; Loops when it is asked for its tools.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    (func (export "list") (result i32) (loop $again (br $again)) unreachable)
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
