;; Answers a call with a string of two gigabytes that it does not have.
(component
  (core module $module
    (memory (export "memory") 1)
    (data (i32.const 1024) "\00\00\00\00\50\00\00\00\00\00\00\80")
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
