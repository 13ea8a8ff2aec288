"""Programs that print and build texts of numbers."""

import math

import numpy as np
from programs.corpus.registry import program


@program(2.2, 4, others=[(-1.0, 4)], wrt=[0])
def printing(x, n):
    total = 0.0
    for k in range(n):
        if x > k:
            total += x * k
            print("step", k, "total", total)
        else:
            print(f"skip {k}: x={x:.3f}", end=";\n")
    print("done", total > 1, sep="|")
    return total


@program(np.arange(6.0).reshape(2, 3) / 7, wrt=[0])
def percent_format(A):
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total += A[i, j] * (i + 1)
        print("row %d sum %.3f" % (i, total))
    return total


@program(1.25, others=[(-7.0,)])
def text_results(x):
    label = "big" if x > 1 else "small"
    parts = [f"{x:+.2f}", "{:8.3e}".format(x * 2), "%5.1f" % x, str(x), repr(x)]
    text = ", ".join(parts)
    return label, text, len(parts)


@program(2.0, others=[(9.0,)], wrt=[0])
def texts_choose_static_things(x):
    total = 0.0
    for name in ("sin", "cos", "exp"):
        total += getattr(math, name)(x)
    table = {"a": 1.0, "b": 2.0}
    for key in "ab":
        total += table[key] * x
    return total, name.upper(), "-".join(sorted(table))


@program(3.0, others=[(0.5,), (-2.0,)], wrt=[0])
def branch_text_then_compare(x):
    kind = "large" if x > 1 else "medium" if x > 0 else "small"
    if kind == "large":
        y = x * 2
    elif kind == "medium":
        y = x + 1
    else:
        y = -x
    return y, kind


@program(4.0, others=[(2.0,)])
def messages_in_a_list(x):
    log = []
    y = x
    while y > 1:
        y /= 2
        log.append(y)
    print("log:", len(log), "last", log[-1])
    return y


@program(0.3, others=[(-0.3,)], wrt=[0])
def assert_with_text(x):
    assert abs(x) < 1, f"out of range: {x}"
    y = math.sqrt(1 - x * x)
    assert y > 0
    return y
