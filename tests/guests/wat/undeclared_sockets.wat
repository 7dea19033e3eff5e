;; Imports raw sockets, which no manifest can declare.
(component
  (import "wasi:sockets/instance-network@0.2.6" (instance
    (export "network" (type $network (sub resource)))
    (export "instance-network" (func (result (own $network))))))
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
