;; Imports an interface that nobody offers.
(component
  (import "openclaw:skill/process@1.0.0" (instance
    (export "run" (func (param "command" string) (result string)))))
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
