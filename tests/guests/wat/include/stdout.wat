  (import "wasi:io/streams@0.2.6" (instance $streams (export "output-stream" (type (sub resource)))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.6" (instance $stdout
    (alias outer 1 $output-stream (type $shared))
    (export "output-stream" (type $stream (eq $shared)))
    (export "get-stdout" (func (result (own $stream))))))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core instance $host
    (export "get-stdout" (func $get-stdout))
    (export "drop-stream" (func $drop-stream)))
