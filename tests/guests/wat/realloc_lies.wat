;; Offers the host room that lies outside of its memory.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const -16))
    ;; include: list
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
