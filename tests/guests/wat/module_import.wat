;; Imports a core module of the host's.
(component
  (import "openclaw:skill/native@1.0.0" (instance
    (export "code" (core module))))
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
