"""Random matrix formulas, built as text and as NumPy function together, against differences."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from identities.points import Point, differences, distance
from identities.table import SIZES

import wengert as wg
from wengert.run.reference import evaluate_nodes

FORMULAS = 150
TOLERANCE = 1e-7

SHAPES = {
    "x": "n", "a": "n", "y": "m", "X": "mn", "Y": "mn", "A": "nn", "B": "nn", "C": "mm", "t": "",
    "S": "nn", "P": "mm", "Q": "nn", "D": "nn", "r": "", "w": "m",
}  # fmt: skip
# Nothing is differentiated by the first four: their elements are not free.
ASSUMED = {
    "S": "symmetric", "P": "pd", "Q": "orthogonal", "D": "diagonal", "r": "positive", "w": "positive",
}  # fmt: skip


@dataclass(frozen=True)
class Built:
    """A formula: its text, as an atom, its axes, and its value in NumPy."""

    text: str
    axes: str
    value: Callable[[Point], Any]


# Functions element by element (softmax: of a vector); `v` is the argument.
EACH: dict[str, Callable[[Any], Any]] = {
    "sin(v)": np.sin,
    "tanh(v)": np.tanh,
    "sigmoid(v)": lambda v: 1 / (1 + np.exp(-v)),
    "softmax(v)": lambda v: np.exp(v) / np.sum(np.exp(v)),
    "log(1 + v**2)": lambda v: np.log(1 + v**2),
    "sqrt(1 + v**2)": lambda v: np.sqrt(1 + v**2),
    "(1/(1 + v**2))": lambda v: 1 / (1 + v**2),
    "(v**2)": lambda v: v**2,
    "exp(-v**2)": lambda v: np.exp(-(v**2)),
    "log(1 + exp(v))": lambda v: np.log(1 + np.exp(v)),
}


def named(name: str) -> Built:
    return Built(name, SHAPES[name], lambda p: p[name])


class Builder:
    """Grows random formulas from the symbols, with axes that fit."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one_of(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def scalar(self, depth: int) -> Built:
        """A formula without axes."""
        if depth == 0:
            return named(self.one_of("t", "t", "r"))
        make = self.one_of(
            self._dot, self._dot, self._form, self._trace, self._trace, self._sum, self._norm,
            self._logdet, self._product, self._smooth, self._logsumexp, self._power,
        )  # fmt: skip
        return make(depth)

    def array(self, axes: str, depth: int) -> Built:
        """A formula with the given axes."""
        if depth == 0:
            return self._leaf(axes)
        choices = [self._plus, self._plus, self._hadamard, self._times_scalar, self._each]
        choices += [self._matmul] * 3
        if len(axes) == 2:
            choices += [self._transposed, self._outer]
        else:
            choices += [self._sum_of_rows, self._solution]
        if len(axes) == 2 and axes[0] == axes[1]:
            choices += [self._diagonal, self._inverse]
        return self.one_of(*choices)(axes, depth)

    def _leaf(self, axes: str) -> Built:
        names = [n for n, a in SHAPES.items() if a == axes]
        if names:
            return named(self.one_of(*names))
        return self._transposed(axes, 0)

    # scalars
    def _dot(self, depth: int) -> Built:
        axis = self.one_of("m", "n")
        a, b = self.array(axis, depth - 1), self.array(axis, depth - 1)
        return Built(f"({a.text} @ {b.text})", "", lambda p: a.value(p) @ b.value(p))

    def _form(self, depth: int) -> Built:
        a, b = self.array("m", depth - 1), self.array("n", depth - 1)
        c = self.array("mn", depth - 1)
        return Built(
            f"({a.text} @ {c.text} @ {b.text})", "", lambda p: a.value(p) @ c.value(p) @ b.value(p)
        )

    def _trace(self, depth: int) -> Built:
        axis = self.one_of("m", "n")
        a = self.array(axis + axis, depth - 1)
        return Built(f"trace({a.text})", "", lambda p: np.trace(a.value(p)))

    def _sum(self, depth: int) -> Built:
        a = self.array(self.one_of("m", "n", "mn", "nn"), depth - 1)
        return Built(f"sum({a.text})", "", lambda p: np.sum(a.value(p)))

    def _norm(self, depth: int) -> Built:
        a = self.array(self.one_of("m", "mn"), depth - 1)
        power = self.one_of("", "^2")
        exponent = 2 if power else 1
        return Built(
            f"(norm({a.text}){power})", "", lambda p: np.sqrt(np.sum(a.value(p) ** 2)) ** exponent
        )

    def _logdet(self, depth: int) -> Built:
        a = self.array("mn", depth - 1)
        return Built(
            f"logdet({a.text}.T @ {a.text} + eye(n))",
            "",
            lambda p: np.linalg.slogdet(a.value(p).T @ a.value(p) + np.eye(SIZES["n"]))[1],
        )

    def _product(self, depth: int) -> Built:
        a, b = self.scalar(depth - 1), self.scalar(depth - 1)
        if self.one_of(True, False):
            return Built(f"({a.text}*{b.text})", "", lambda p: a.value(p) * b.value(p))
        return Built(
            f"({a.text}/(1 + {b.text}^2))", "", lambda p: a.value(p) / (1 + b.value(p) ** 2)
        )

    def _logsumexp(self, depth: int) -> Built:
        a = self.array(self.one_of("m", "n"), depth - 1)
        return Built(f"logsumexp({a.text})", "", lambda p: np.log(np.sum(np.exp(a.value(p)))))

    def _power(self, depth: int) -> Built:
        a = self.scalar(depth - 1)
        exponent = self.one_of(2, 3, -1, 0.5, -1.5)
        if exponent in (2, 3):
            return Built(f"({a.text}**{exponent})", "", lambda p: a.value(p) ** exponent)
        return Built(
            f"((1 + {a.text}**2)**({exponent}))", "", lambda p: (1 + a.value(p) ** 2) ** exponent
        )

    def _smooth(self, depth: int) -> Built:
        a = self.scalar(depth - 1)
        name = self.one_of("sin", "tanh")
        function = getattr(np, name)
        return Built(f"{name}({a.text})", "", lambda p: function(a.value(p)))

    # arrays
    def _plus(self, axes: str, depth: int) -> Built:
        a, b = self.array(axes, depth - 1), self.array(axes, depth - 1)
        if self.one_of(True, False):
            return Built(f"({a.text} + {b.text})", axes, lambda p: a.value(p) + b.value(p))
        return Built(f"({a.text} - 2*{b.text})", axes, lambda p: a.value(p) - 2 * b.value(p))

    def _hadamard(self, axes: str, depth: int) -> Built:
        a, b = self.array(axes, depth - 1), self.array(axes, depth - 1)
        return Built(f"({a.text}*{b.text})", axes, lambda p: a.value(p) * b.value(p))

    def _times_scalar(self, axes: str, depth: int) -> Built:
        a, b = self.scalar(depth - 1), self.array(axes, depth - 1)
        return Built(f"({a.text}*{b.text})", axes, lambda p: a.value(p) * b.value(p))

    def _each(self, axes: str, depth: int) -> Built:
        a = self.array(axes, depth - 1)
        names = list(EACH) if len(axes) == 1 else [n for n in EACH if "softmax" not in n]
        name = self.one_of(*names)
        return Built(name.replace("v", a.text), axes, lambda p: EACH[name](a.value(p)))

    def _sum_of_rows(self, axes: str, depth: int) -> Built:
        inner = self.one_of("m", "n")
        a = self.array(axes + inner, depth - 1)
        return Built(f"sum({a.text}, axis=1)", axes, lambda p: np.sum(a.value(p), axis=1))

    def _solution(self, axes: str, depth: int) -> Built:
        a, b = self.array(axes + axes, depth - 1), self.array(axes, depth - 1)
        eye = np.eye(SIZES[axes])
        return Built(
            f"solve({a.text} @ {a.text}.T + eye({axes}), {b.text})",
            axes,
            lambda p: np.linalg.solve(a.value(p) @ a.value(p).T + eye, b.value(p)),
        )

    def _matmul(self, axes: str, depth: int) -> Built:
        inner = self.one_of("m", "n")
        if len(axes) == 1 and self.one_of(True, False):
            a, b = self.array(inner, depth - 1), self.array(inner + axes, depth - 1)
        else:
            a, b = self.array(axes[0] + inner, depth - 1), self.array(inner + axes[1:], depth - 1)
        return Built(f"({a.text} @ {b.text})", axes, lambda p: a.value(p) @ b.value(p))

    def _transposed(self, axes: str, depth: int) -> Built:
        a = self.array(axes[::-1], max(depth - 1, 0))
        return Built(f"{a.text}.T", axes, lambda p: a.value(p).T)

    def _outer(self, axes: str, depth: int) -> Built:
        a, b = self.array(axes[0], depth - 1), self.array(axes[1], depth - 1)
        return Built(f"outer({a.text}, {b.text})", axes, lambda p: np.outer(a.value(p), b.value(p)))

    def _diagonal(self, axes: str, depth: int) -> Built:
        a = self.array(axes[0], depth - 1)
        return Built(f"diag({a.text})", axes, lambda p: np.diag(a.value(p)))

    def _inverse(self, axes: str, depth: int) -> Built:
        a = self.array(axes, depth - 1)
        size = SIZES[axes[0]]
        return Built(
            f"inv({a.text} @ {a.text}.T + eye({axes[0]}))",
            axes,
            lambda p: np.linalg.inv(a.value(p) @ a.value(p).T + np.eye(size)),
        )


def random_point(rng: np.random.Generator) -> Point:
    """Values for all symbols, that satisfy their assumptions."""
    return {name: _drawn(name, rng) for name in SHAPES}


def _drawn(name: str, rng: np.random.Generator) -> Any:
    value = rng.normal(size=[SIZES[axis] for axis in SHAPES[name]]) / 2
    match ASSUMED.get(name):
        case "symmetric":
            return value + value.T
        case "pd":
            return value @ value.T + np.eye(len(value)) / 2
        case "orthogonal":
            return np.linalg.qr(value)[0]
        case "diagonal":
            return np.diag(np.diag(value))
        case "positive":
            return np.abs(value) + 0.1
    return value


def read(text: str) -> Any:
    """A text parsed with the declarations of those names that occur in it."""
    names = set(re.findall(r"\w+", text))
    shapes = {n: tuple(axes) for n, axes in SHAPES.items() if n in names}
    assume = {n: fact for n, fact in ASSUMED.items() if n in names}
    return wg.parse(text, assume=assume or None, **shapes)


def random_formula(rng: np.random.Generator) -> tuple[Built, str]:
    """A formula and one of its symbols."""
    builder = Builder(rng)
    axes = str(rng.choice(["", "", "", "n", "m", "mn"]))
    depth = int(rng.integers(1, 4))
    built = builder.array(axes, depth) if axes else builder.scalar(depth)
    names = [n for n in SHAPES if re.search(rf"\b{n}\b", built.text)]
    # By a matrix, an array has too many derivatives for a quick comparison with differences.
    few = [n for n in names if len(SHAPES[n]) + len(axes) <= 3 and n not in "SPQD"]
    return (built, str(rng.choice(few))) if few else random_formula(rng)


@pytest.mark.parametrize("number", range(FORMULAS))
def test_random_formula(number: int) -> None:
    rng = np.random.default_rng([20, number])
    built, by = random_formula(rng)
    point = random_point(rng)
    formula = read(built.text)

    def compare(result: Any, want: Any, tolerance: float) -> None:
        roots = [read(f"sum({n})") for n in SHAPES]  # they tell the sizes of all axes
        got = evaluate_nodes([*roots, result], point)[-1]
        assert distance(got, want) < tolerance, f"{built.text}\n by {by}: {result}"

    compare(formula, built.value(point), 1e-12)
    want = differences(built.value, point, [by])
    for simplify in (False, True):
        derivative = wg.diff(formula, by, simplify=simplify)
        compare(derivative, want, TOLERANCE)
        compare(read(str(derivative)), want, TOLERANCE)
        compare(wg.simplify(derivative), want, TOLERANCE)
