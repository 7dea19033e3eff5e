;; Calls itself without end and without stack.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func $again (param i32 i32 i32 i32) (result i32)
      (return_call $again (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (return_call $again (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
