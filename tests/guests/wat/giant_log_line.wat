;; Writes log lines of 40 MiB, over and over.
(component
  (import "openclaw:skill/log@1.0.0" (instance $log
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func (param "level" $level) (param "message" string)))))
  ;; include: libc
  (core func $write (canon lower (func $log "write") (memory (core memory $libc "memory"))))
  (core instance $host (export "write" (func $write)))
  (core module $module
    ;; include: use-libc
    (import "host" "write" (func $write (param i32 i32 i32)))
    ;; include: data
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (local $lines i32)
      (drop (memory.grow (i32.const 640)))
      (memory.fill (i32.const 0x20000) (i32.const 0x61) (i32.const 0x2800000))
      (loop $again
        (call $write (i32.const 3) (i32.const 0x20000) (i32.const 0x2800000))
        (local.set $lines (i32.add (local.get $lines) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $lines) (i32.const 1000))))
      (i32.const 208))
  )
  (core instance $guest (instantiate $module
    (with "libc" (instance $libc))
    (with "host" (instance $host))))
  ;; include: tools
)
