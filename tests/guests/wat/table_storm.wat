;; Fills and copies a large table without end.
(component
  (core module $module
    (memory (export "memory") 1)
    (table $table 10000 funcref)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (loop $again
        (table.fill $table (i32.const 0) (ref.null func) (i32.const 10000))
        (table.copy $table $table (i32.const 1) (i32.const 0) (i32.const 9999))
        (br $again))
      unreachable)
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
