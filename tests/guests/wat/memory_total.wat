;; Has seven memories of 16 MiB each: each is small, and together they are not.
(component
  (core module $more (memory 256))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
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
