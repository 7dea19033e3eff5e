;; Is a component without the interface of a skill.
(component
  (core module $module (func (export "run")))
  (core instance $guest (instantiate $module))
  (func (export "run") (canon lift (core func $guest "run"))))
