;; Imports a function that a known interface does not have.
(component
  (import "openclaw:skill/log@1.0.0" (instance
    (export "read-all" (func (result string)))))
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
