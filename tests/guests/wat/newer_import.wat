;; Imports a version of an interface that is newer than the host.
(component
  (import "openclaw:skill/log@2.0.0" (instance
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
