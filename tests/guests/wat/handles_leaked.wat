;; Takes handles without end and gives none back.
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
      (loop $again
        (drop (call $get-stdout))
        (br $again))
      (i32.const 208))
  )
  (core instance $guest (instantiate $module
    (with "libc" (instance $libc))
    (with "host" (instance $host))))
  ;; include: tools
)
