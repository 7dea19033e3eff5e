    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (export "memory" (memory 0))
    (export "realloc" (func $realloc))
