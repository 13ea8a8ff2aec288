# ruff: noqa: UP031, UP032, RUF010, C416 - the spellings are what is tested
"""Texts with run-time values in them: printed, logged, raised and returned as Python has them, or refused."""

import contextlib
import io
import logging
import re
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest

import wengert as wg
from wengert.errors import CaptureError

X = np.array([1.0, 2.0, 3.0])
_LOG = logging.getLogger("wengert.tests.texts")


@dataclass
class Point:
    place: object
    weight: float


class OwnError(Exception):
    def __init__(self, code, value):
        super().__init__(f"code {code} at {value}")
        self.code, self.value = code, value


def shows_reprs(x):
    print(f"{x!r} {x} {x!s} {x[0]=}", [x, x[0]], {"k": x[0]}, Point(x, x[0]))
    return x.sum()


def pads(x):
    print(f"{x[0]!r:>20}|{x[0]!s:>12}|{str(x[0]):<12}|{x[0]:>12}|{x[0]:{5 + 5}.3f}|")
    print(str(x[0]).ljust(12) + "|" + str(x[1]).rjust(12, "."), "{:>12}|{}".format(str(x[0]), x))
    return x.sum()


def percents(x):
    print("%-12.3f|%s|%r|%d|%5s%%" % (x[0], x, x[1], int(x[2]), str(x[0])))
    print("%(a)s %(b).2f" % {"a": x[0], "b": x[1]}, "%s" % [x[0]], "%s" % "a")
    return x.sum()


def joins(x):
    line = "sum"
    line += f" {x[0]}" * 2
    print(", ".join(f"{v:.2f}" for v in x) + "! " + line)
    return x.sum()


def quotes(x):
    print([f"{x[0]}", f"it's {x[1]}", f'"{x[2]}"', f"it's \"{x[1]}\n"])
    return x.sum()


def braces(x):
    print(f"{{{x[0]:.1f}}} {{}} %d")
    return x.sum()


def in_loops(x):
    i = 0
    while x[0] + i < 3:
        print(f"{i}: {x[i]:8.3f}", "a%d" % i, end=" ")
        i += 1
    return x.sum()


def to_the_stream(x):
    sys.stdout.write(f"{x[0]:.3f}\n")
    sys.stdout.write("done\n")
    sys.stdout.flush()
    return x.sum()


def logs(x):
    _LOG.info("at %s and %.2f", x[0], x[1])
    _LOG.log(logging.WARNING, f"{x}")
    _LOG.debug("not shown")
    time.sleep(0.0)
    return x.sum()


def returns_texts(x):
    return {"t": f"{x[0]:.2f}", "r": [str(x), repr(x)]}


def raises_repr(x):
    raise ValueError(f"bad {x!r} {{}}")


def raises_several(x):
    raise ValueError("bad", x)


def raises_key(x):
    raise KeyError(x[0])


def raises_after_printing(x):
    print("before", x[0])
    raise OwnError(3, x[1])


def raises_on_a_path(x):
    if x[0] > 0:
        raise OwnError(3, x[1])
    return x.sum()


def asserts(x):
    assert x[0] < 0, ("negative", x[0])


def _outcome(function, *args):
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    try:
        with contextlib.redirect_stdout(out):
            try:
                result = repr(function(*args))
            except CaptureError:
                raise
            except Exception as error:
                result = (type(error), str(error), repr(error.args), getattr(error, "code", None))
    finally:
        _LOG.removeHandler(handler)
    return out.getvalue(), result


@pytest.mark.parametrize(
    "function",
    [shows_reprs, pads, percents, joins, quotes, braces, in_loops, to_the_stream, logs, returns_texts,
     raises_repr, raises_several, raises_key, raises_after_printing, raises_on_a_path, asserts],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_texts_are_those_of_python(function):
    compiled = wg.jit(function)
    for x in (X, 0.25 * X, X):
        assert _outcome(compiled, x) == _outcome(function, x)


def test_a_gradient_raises_the_error_of_the_function():
    for function in (raises_repr, raises_several, raises_key, raises_on_a_path, asserts):
        assert _outcome(wg.grad(function), X) == _outcome(function, X)


def test_a_gradient_logs_as_the_function():
    assert _outcome(wg.grad(logs), X)[0] == _outcome(logs, X)[0]


def test_logging_in_source(caplog):
    space = {}
    exec(wg.jit(logs).source("python", X), space)
    (made,) = (v for v in space.values() if getattr(v, "__name__", "").endswith("logs"))
    with caplog.at_level(logging.INFO, logger=_LOG.name):
        made(X)
    assert [r.getMessage() for r in caplog.records] == ["at 1.0 and 2.00", "[1. 2. 3.]"]


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (lambda x: len(str(x)), "takes the length of a text with run-time values in it"),
        (lambda x: str(x)[:4], "takes a part of a text"),
        (lambda x: "1" in str(x), "looks for something in a text"),
        (lambda x: str(x[0]) in "1.0", "looks for a text"),
        (lambda x: [c for c in str(x[0])], "runs over the characters of a text"),
        (lambda x: str(x[0]).startswith("1"), "str.startswith of a text"),
        (lambda x: "abc".count(str(x[0])), "str.count with a text"),
        (lambda x: f"{x[0]}|".center(40), "str.center of a text"),
        (lambda x: f"{f'{x[0]}|':>40}", "pads a text"),
        (lambda x: str(x[0]) == "1.0", "is compared"),
        (lambda x: str(x[0]) < "1.0", "is compared"),
        (lambda x: {"1.0": 3}[str(x[0])], "used as a dictionary key"),
        (lambda x: float(f"{x[0]:.1f}"), "to a number"),
        (lambda x: re.sub("1", "2", str(x[0])), "sub with a text"),
        (lambda x: f"{1.0:{'>' + str(x[0])}}", "Invalid format specifier|text"),
    ],
)  # fmt: skip
def test_what_looks_into_a_text_is_refused(look, words):
    with pytest.raises(CaptureError, match=words):
        wg.jit(look)(X)


def test_a_text_of_very_many_is_refused():
    def spelled(x, n):
        text = ""
        for k in range(n):
            text += "ab" if k * x > 2 else "c"
        return text

    assert wg.jit(spelled)(1.3, 4) == spelled(1.3, 4)
    with pytest.raises(CaptureError, match="one of more than 24 texts"):
        wg.jit(spelled)(0.3, 30)
