;; Traps when it is called.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32) unreachable)
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
