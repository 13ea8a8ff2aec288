"""One record per op, one file per family; a record is the only place to touch.

``leaves`` constants and symbols · ``einstein`` and ``algebra`` sums and products of every kind ·
``arithmetic`` quotients and powers · ``exponential`` ``trig`` ``special`` functions · ``choice``
comparisons, selection, rounding · ``reductions`` ``linalg`` ``layout`` arrays · ``complexes`` ·
``control`` cond, loop, call. ``trig`` is the model to read first.
"""
