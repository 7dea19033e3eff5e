;; Grows its memory for as long as it may, and then answers as if nothing were.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (i32.const 208))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
