;; Imports an interface whose name is one letter off.
(component
  (import "openclaw:skill/iog@1.0.0" (instance
    (export "write" (func (param "message" string)))))
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
