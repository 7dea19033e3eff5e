;; Has two hundred tables of 10,000 elements each.
(component
  (core module $more (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref) (table 10000 funcref))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
  (core instance (instantiate $more))
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
