;; Grows a table for as long as it may, and then traps.
(component
  (core module $module
    (memory (export "memory") 1)
    (table $table 1 funcref)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (loop $again
        (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 4096)) (i32.const -1))))
      unreachable)
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
