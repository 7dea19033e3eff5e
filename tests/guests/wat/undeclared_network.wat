;; Imports the network, whatever its manifest says.
(component
  (import "wasi:http/types@0.2.12" (instance
    (export "fields" (type $fields (sub resource)))
    (export "[constructor]fields" (func (result (own $fields))))))
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
