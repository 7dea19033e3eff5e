;; Imports a function that belongs to no interface.
(component
  (import "system" (func (param "command" string) (result u32)))
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
