;; Answers a call with bytes that are not UTF-8.
(component
  (core module $module
    (memory (export "memory") 1)
    (data (i32.const 1024) "\00\00\00\00\10\04\00\00\04\00\00\00")
    (data (i32.const 1040) "\22\ff\fe\22")
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
