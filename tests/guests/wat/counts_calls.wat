;; Counts its calls in a memory of 5 MiB and in a global, each of which has to be new in each call.
(component
  (core module $module
    (memory (export "memory") 80)
    ;; include: data
    ;; include: realloc
    ;; include: list
    (data (i32.const 256) "{\"memory\":0,\"global\":0}")
    (data (i32.const 320) "\00\00\00\00\00\01\00\00\17\00\00\00\00\00\00\00")
    (global $calls (mut i32) (i32.const 0))
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (i32.store8 (i32.const 266) (i32.add (i32.load8_u (i32.const 266)) (i32.const 1)))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.store8 (i32.const 277) (i32.add (i32.const 48) (global.get $calls)))
      (i32.const 320))
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
