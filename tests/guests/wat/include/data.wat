    ;; What every guest answers: one tool, `run`, and for a call of it `{"ok":true}`.
    (data (i32.const 16) "run")
    (data (i32.const 32) "Runs.")
    (data (i32.const 48) "{\"type\":\"object\"}")
    (data (i32.const 80) "{\"ok\":true}")
    ;; A tool: name, description and input schema as pointer and length, then no output schema.
    (data (i32.const 128) "\10\00\00\00\03\00\00\00\20\00\00\00\05\00\00\00\30\00\00\00\11\00\00\00")
    (data (i32.const 152) "\00\00\00\00\00\00\00\00\00\00\00\00")
    ;; The result of `list`: one tool. The result of `call`: ok, and the text above.
    (data (i32.const 192) "\80\00\00\00\01\00\00\00")
    (data (i32.const 208) "\00\00\00\00\50\00\00\00\0b\00\00\00\00\00\00\00")
