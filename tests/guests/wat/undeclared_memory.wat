;; Imports the key-value store, whatever its manifest says.
(component
  (import "openclaw:skill/memory@1.0.0" (instance
    (type $error' (variant
      (case "denied" string) (case "quota-exceeded" u64) (case "invalid-key") (case "invalid-query")
      (case "unavailable" string)))
    (export "error" (type $error (eq $error')))
    (export "delete" (func (param "key" string) (result (result bool (error $error)))))))
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
