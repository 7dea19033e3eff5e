;; Imports a version of WASI that is newer than the host.
(component
  (import "wasi:cli/environment@0.3.0" (instance
    (export "get-arguments" (func (result (list string))))))
  (core module $module
    (memory (export "memory") 1)
    ;; include: data
    ;; include: realloc
    ;; include: list
    ;; include: call
  )
  (core instance $guest (instantiate $module))
  ;; include: tools
)
