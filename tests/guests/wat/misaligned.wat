;; Answers a call with a pointer that is not aligned.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 209))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
