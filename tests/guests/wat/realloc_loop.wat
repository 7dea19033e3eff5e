;; Loops when the host asks it for room for the arguments of a call.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (loop $again (br $again)) unreachable)
    ;; include: list
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
