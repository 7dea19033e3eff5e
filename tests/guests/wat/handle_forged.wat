;; Gives back a handle that it never had.
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
      (call $drop-stream (i32.const 1234))
      (i32.const 208))
  )
  (core instance $guest (instantiate $module
    (with "libc" (instance $libc))
    (with "host" (instance $host))))
  ;; include: tools
)
