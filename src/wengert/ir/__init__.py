"""The expression graph; it knows no op by name.

``dims`` and ``types`` say what a value is, ``op`` what an operation is, ``node`` holds the interned
vertices, ``region`` and ``function`` close a graph over its inputs, ``walk`` goes through it without
recursion, ``verify`` and ``dump`` check and print it exactly. What the operations *are* stands in ``ops``.
"""
