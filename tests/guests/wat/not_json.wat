;; Answers a call with a text that is not JSON.
(component
  (core module $module
    (memory (export "memory") 1)
    (data (i32.const 1024) "\00\00\00\00\20\00\00\00\05\00\00\00")
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
