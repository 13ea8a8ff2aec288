"""Programs that cannot be captured, or that fail when run: the line that is to be named is marked.

``error`` names the class or classes that may be raised (of wengert, of NumPy or built in), ``words``
what the message has to say.
"""

import cmath  # noqa: F401  a module that programs reach
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

MARK = "# <-"
MISTAKES = {}
TABLE = np.zeros(5)
COUNTS = np.array([1, 2, 3])


@dataclass(frozen=True)
class Mistake:
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    error: tuple[str, ...]
    words: tuple[str, ...]


def mistake(*args, error="CaptureError", words=""):
    def register(function):
        name = function.__name__
        errors, parts = tuple(error.split()), tuple(w for w in words.split("|") if w)
        MISTAKES[name] = Mistake(name, function, args, errors, parts)
        return function

    return register


# --------------------------------------------------------------------------- refused when captured


@mistake(2.5, words="global|TABLE|argument")
def writes_into_a_global_array(x):
    TABLE[0] = x  # <-
    return TABLE.sum()


@mistake(2.5, words="returns|structure|line")
def returns_different_structures(x):
    if x > 0:
        return x, 1.0
    return x  # <-


@mistake(2.5, words="key")
def value_as_dictionary_key(x):
    d = {}
    d[x] = 1  # <-
    return d[x]


@mistake(2.5, error="CaptureError ValueError", words="truth value of an array|np.any()|np.all()")
def truth_of_an_array(x):
    a = np.array([x, 2 * x])
    if a > 0:  # <-
        return x
    return -x


@mistake(np.array([1, 2, 3]), 2.5, words="integer|int64|float")
def float_into_an_integer_array(counts, x):
    a = counts * 2
    a[0] = x  # <-
    return a.sum()


@mistake(2.5, error="CaptureError AttributeError", words="sinn")
def misspelled_function(x):
    if x > 0:
        y = np.sinn(x)  # <-
    else:
        y = x
    return y


@mistake(2.5, error="CaptureError ShapeError ValueError", words="3|4")
def shapes_that_do_not_fit(x):
    a = np.ones(3) * x
    for _ in range(10):
        a = a + np.ones(4)  # <-
    return a


@mistake(2.5, error="CaptureError ShapeError ValueError", words="3|4")
def matrices_that_do_not_fit(x):
    A = np.ones((2, 3)) * x
    return A @ np.ones((4, 2))  # <-


@mistake(2.5, words="`v`|float64[2|before the loop|after one iteration|final shape")
def shape_that_changes_in_a_loop(x):
    v = np.ones((2, 2))
    while v.sum() < 100 * x:  # <-
        v = np.kron(v, np.ones((1, 2))) + x
    return v.sum()


@mistake(2.5, words="scipy.optimize.basinhopping|no rule|mode='tape'|wengert.custom_rule")
def function_without_a_rule(x):
    r = scipy.optimize.basinhopping(lambda t: (t[0] - x) ** 2, [0.0])  # <-
    return r.x[0]


@mistake(np.array([1.0, -2.0]), words="packbits")
def numpy_function_without_a_rule(x):
    return np.packbits(x > 0)  # <-


_WAITING: deque[float] = deque()


@mistake(2.5, words="a deque from outside does not keep its length")
def deque_of_unknown_length(x):
    while x > 0.1:  # <-
        _WAITING.append(x)
        x = x / 2
    return _WAITING[0]


@mistake(2.5, words="input")
def asks_the_user(x):
    return x + float(input())  # <-


@mistake(2.5, words="open")
def writes_a_file(x):
    with open("/nonexistent/file", "w") as f:  # <-
        f.write(str(x))
    return x


@mistake(2.5, words="terms|generator")
def branch_inside_a_generator(x):
    def terms():
        t = x
        while t > 0.1:  # <-
            yield t
            t = t / 2

    return sum(terms())


@mistake(2.5, words="'half'|float")
def list_of_mixed_things(x):
    out = []
    while x > 0.1:
        out.append(x)
        out.append("half")  # <-
        x = x / 2
    return out[0]


@mistake(2.5, error="CaptureError RecursionError", words="recurs")
def recursion_without_end(x):
    return recursion_without_end(x + 1.0) if x > 0 else recursion_without_end(x - 1.0)  # <-


@mistake(2.5, words="TABLE|global")
def global_view_written(x):
    part = TABLE[1:3]
    part += x  # <-
    return part.sum()


# ------------------------------------------------------------------------------ wrong when plain too


@mistake(np.ones(3), error="IndexError", words="out of bounds|7|3")
def index_beyond_the_end(x):
    return x[7]  # <-


@mistake(np.ones(3), 5.0, error="IndexError", words="out of bounds|5|3")
def computed_index_beyond_the_end(x, t):
    return x[int(t)]  # <-


@mistake(np.ones(3), error="IndexError", words="too many indices")
def too_many_indices(x):
    return x[0, 0]  # <-


@mistake([1.0, 2.0], 5.0, error="IndexError", words="index")
def list_index_beyond_the_end(q, t):
    return q[int(t)]  # <-


@mistake(2.5, error="NameError", words="undefined_name")
def name_that_does_not_exist(x):
    return x + undefined_name  # noqa: F821  # <-


@mistake(-1.0, error="UnboundLocalError", words="y")
def unassigned_on_one_path(x):
    if x > 0:
        y = x
    return y  # <-


@mistake(2.5, error="UnboundLocalError", words="last")
def unassigned_without_a_trip(x):
    for i in range(int(x) - 2):
        last = x * i
    return last  # <-


@mistake(2.5, error="KeyError", words="b")
def key_that_does_not_exist(x):
    return {"a": x}["b"]  # <-


@mistake(-2.5, error="ValueError", words="negative input -2.5")
def raises_with_the_value(x):
    if x < 0:
        raise ValueError(f"negative input {x}")  # <-
    return math.sqrt(x)


@mistake(2.5, 3, error="RuntimeError", words="no convergence after 3 steps")
def raises_after_a_loop(x, n):
    for _ in range(n):
        x = x / 2
        if x < 1e-3:
            break
    else:
        raise RuntimeError(f"no convergence after {n} steps")  # <-
    return x


@mistake(2.5, error="AssertionError", words="too large: 2.500")
def assertion_that_fails(x):
    assert x < 1, f"too large: {x:.3f}"  # <-
    return x


@mistake(0.0, error="ZeroDivisionError", words="division")
def division_by_zero(x):
    return 1.0 / x  # <-


@mistake(0.0, error="ZeroDivisionError")
def remainder_by_zero(x):
    return 5.0 % x  # <-


@mistake(-1.0, error="ValueError", words="math domain error")
def root_of_a_negative_number(x):
    return math.sqrt(x)  # <-


@mistake(0.0, error="ValueError", words="math domain error")
def logarithm_of_zero(x):
    return math.log(x) + 1  # <-


@mistake(1000.0, error="OverflowError", words="range")
def exponential_too_large(x):
    return math.exp(x)  # <-


@mistake(1e200, error="OverflowError")
def power_too_large(x):
    return x**2.0  # <-


@mistake(2.5, error="OverflowError", words="64 bits|float")
def integer_too_large(x):
    f = 1
    k = 1
    while k < 10 * x:
        f = f * k  # <-
        k += 1
    return f * x


@mistake(float("nan"), error="ValueError", words="NaN")
def whole_number_of_nan(x):
    return int(x)  # <-


@mistake(2.5, error="TypeError", words="None")
def none_used_as_a_number(x):
    y = None if x > 0 else x
    return y + 1  # <-


@mistake(2.5, error="TypeError", words="tuple")
def assigns_into_a_tuple(x):
    t = (x, 1.0)
    t[0] = 2.0  # <-
    return t


@mistake(np.ones(3), error="ValueError", words="too many values to unpack|2")
def unpacks_too_many(x):
    a, b = x  # <-
    return a + b


@mistake(np.ones(3), error="TypeError CaptureError")
def number_of_an_array(x):
    return float(x)  # <-


@mistake(np.ones(3), error="ValueError CaptureError", words="read-only|broadcast")
def writes_into_a_broadcast(x):
    y = np.broadcast_to(x, (2, 3))
    y[0, 0] = 5.0  # <-
    return y


@mistake(np.zeros((2, 2)), error="LinAlgError", words="Singular matrix")
def singular_system(A):
    return np.linalg.solve(A, np.ones(2))  # <-


@mistake(-np.eye(2), error="LinAlgError", words="positive definite")
def not_positive_definite(A):
    return np.linalg.cholesky(A)  # <-


@mistake([], error="IndexError", words="pop from empty list")
def pops_from_nothing(q):
    return q.pop()  # <-


@mistake(np.ones(3), error="ValueError", words="could not broadcast|3|2")
def store_that_does_not_fit(x):
    y = x.copy()
    y[:2] = x  # <-
    return y


@mistake(np.ones(6), error="ValueError", words="reshape|6")
def reshape_that_does_not_fit(x):
    return x.reshape(4, 2)  # <-


@mistake(2.5, error="AttributeError", words="no_such_method")
def method_that_does_not_exist(x):
    a = np.ones(3) * x
    return a.no_such_method()  # <-
