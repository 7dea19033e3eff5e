;; Gives one handle back twice.
(component
  ;; include: libc
  ;; include: stdout
  (core module $module
    ;; include: use-libc
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))
    ;; include: data
    ;; include: list
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (local $handle i32)
      (local.set $handle (call $get-stdout))
      (call $drop-stream (local.get $handle))
      (call $drop-stream (local.get $handle))
      (i32.const 208))
  )
  (core instance $guest (instantiate $module
    (with "libc" (instance $libc))
    (with "host" (instance $host))))
  ;; include: tools
)
