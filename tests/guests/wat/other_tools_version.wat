;; Exports the tools of another version of the contract.
(component
  (core module $module (func (export "call") (result i32) (i32.const 1)))
  (core instance $guest (instantiate $module))
  (func $call (result u32) (canon lift (core func $guest "call")))
  (instance $tools (export "list" (func $call)))
  (export "openclaw:skill/tools@2.0.0" (instance $tools)))
