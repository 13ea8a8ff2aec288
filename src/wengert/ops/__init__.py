"""One record per op, one file per family; a record is the only place to touch.

``leaves`` constants and symbols · ``einstein`` and ``algebra`` sums and products of every kind ·
``arithmetic`` quotients and powers · ``exponential`` ``trig`` ``special`` functions · ``choice``
comparisons, selection, rounding · ``reductions`` ``norms`` ``scans`` over axes · ``layout`` ``indexing``
``gathering`` ``joining`` ``subscripts`` parts and arrangements of arrays · ``linalg`` ``systems``
``matrix_exponential`` matrices · ``complexes`` ·
``control`` cond, loop, call. ``trig`` is the model to read first.
"""
