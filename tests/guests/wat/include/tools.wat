  ;; The core instance `$guest` becomes the skill's interface.
  (type $tool (record
    (field "name" string) (field "description" string)
    (field "input-schema" string) (field "output-schema" (option string))))
  (type $tool-error (variant
    (case "unknown-tool") (case "invalid-input" string) (case "denied" string) (case "failed" string)))
  (func $list (result (list $tool))
    (canon lift (core func $guest "list") (memory (core memory $guest "memory"))))
  (func $call (param "name" string) (param "input" string) (result (result string (error $tool-error)))
    (canon lift (core func $guest "call") (memory (core memory $guest "memory")) (realloc (core func $guest "realloc"))))
  ;; include: export
