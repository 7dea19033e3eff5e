;; Answers that it has a hundred million tools.
(component
  (core module $module
    (memory (export "memory") 1)
    (data (i32.const 1024) "\80\00\00\00\00\e1\f5\05")
    ;; include: data
    ;; include: realloc
    (func (export "list") (result i32) (i32.const 1024))
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
