;; Lists 100,000 tools that share one description of 4 MiB: 400 GB for whoever copies each.
(component
  (core module $module
    (memory (export "memory") 128)
    (data (i32.const 1024) "\00\00\02\00\a0\86\01\00")
    ;; include: data
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
    (func (export "list") (result i32)
      (local $n i32) (local $at i32)
      (memory.fill (i32.const 0x400000) (i32.const 0x61) (i32.const 0x400000))
      (local.set $at (i32.const 0x20000))
      (loop $next
        (i32.store (local.get $at) (i32.const 16))
        (i32.store offset=4 (local.get $at) (i32.const 3))
        (i32.store offset=8 (local.get $at) (i32.const 0x400000))
        (i32.store offset=12 (local.get $at) (i32.const 0x400000))
        (i32.store offset=16 (local.get $at) (i32.const 48))
        (i32.store offset=20 (local.get $at) (i32.const 17))
        (local.set $at (i32.add (local.get $at) (i32.const 36)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $n) (i32.const 100000))))
      (i32.const 1024))
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
