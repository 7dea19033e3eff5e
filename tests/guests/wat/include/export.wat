  (instance $tools
    (export "tool" (type $tool))
    (export "tool-error" (type $tool-error))
    (export "list" (func $list))
    (export "call" (func $call)))
  (export "openclaw:skill/tools@1.0.0" (instance $tools))
