;; Answers a call with a string of 48 MiB that it does have.
(component
  (core module $module
    (memory (export "memory") 800)
    (data (i32.const 1024) "\00\00\00\00\00\00\01\00\00\00\00\03")
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (memory.fill (i32.const 0x10000) (i32.const 0x20) (i32.const 0x3000000))
      (i32.const 1024))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
