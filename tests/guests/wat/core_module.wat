;; Is a core module and not a component.
(module
  (memory (export "memory") 1)
  (func (export "call")))
