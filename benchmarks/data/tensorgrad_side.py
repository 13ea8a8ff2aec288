"""Formulas in tensorgrad 0.3: matrix notation over its named edges, and their values in NumPy.

tensorgrad names the edges of tensors and has no matrix notation; :class:`Matrix` gives it one, so that the
texts of the identities are its input as they stand. Its own evaluation uses PyTorch's named tensors, which
PyTorch 2.13 no longer has: :func:`value` evaluates its results instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
import tensorgrad as tg
import tensorgrad.functions as tf
from sympy import Symbol
from tensorgrad.tensor import Delta, Function, Product, Rename, Sum, Variable, Zero

# Any: tensorgrad's tensors, and NumPy arrays, are not annotated.
Tensor = Any

_fresh = count()


def _edge() -> str:
    return f"e{next(_fresh)}"


class Matrix:
    """A tensor and the order of its edges: a vector, a matrix or a scalar."""

    __array_ufunc__ = None

    def __init__(self, tensor: Tensor, axes: Sequence[str] = ()) -> None:
        self.tensor, self.axes = tensor, tuple(axes)

    def renamed(self, axes: Sequence[str]) -> Tensor:
        """The tensor with other edge names, by way of names that nobody else has."""
        inner = {old: _edge() for old in self.axes}
        fresh = self.tensor.rename(**inner) if inner else self.tensor
        new = {inner[old]: name for old, name in zip(self.axes, axes, strict=True)}
        return fresh.rename(**new) if new else fresh

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Matrix(self.tensor, self.axes[::-1])

    def __matmul__(self, other: Matrix) -> Matrix:
        axes = [_edge() for _ in other.axes]
        axes[0] = self.axes[-1]
        return Matrix(self.tensor @ other.renamed(axes), (*self.axes[:-1], *axes[1:]))

    def _aligned(self, other: Any) -> tuple[Tensor, Tensor, tuple[str, ...]]:
        if not isinstance(other, Matrix):
            return self.tensor, other, self.axes
        axes = self.axes or other.axes
        return self.tensor, other.renamed(axes if other.axes else ()), axes

    def __add__(self, other: Any) -> Matrix:
        a, b, axes = self._aligned(other)
        return Matrix(a + b, axes)

    def __sub__(self, other: Any) -> Matrix:
        a, b, axes = self._aligned(other)
        return Matrix(a - b, axes)

    def __mul__(self, other: Any) -> Matrix:
        a, b, axes = self._aligned(other)
        return Matrix(a * b, axes)

    def __truediv__(self, other: Any) -> Matrix:
        a, b, axes = self._aligned(other)
        return Matrix(a / b, axes)

    def __pow__(self, exponent: int) -> Matrix:
        return Matrix(tf.pow(self.tensor, exponent), self.axes)

    def __neg__(self) -> Matrix:
        return Matrix(-self.tensor, self.axes)

    __radd__ = __add__

    def __rmul__(self, other: Any) -> Matrix:
        return Matrix(other * self.tensor, self.axes)

    def each(self, function: Any) -> Matrix:
        """A function element by element."""
        return Matrix(function(self.tensor), self.axes)


def _inv(a: Matrix) -> Matrix:
    # The edges of an inverse cancel those of the same name: rows are named like columns.
    return Matrix(tf.inverse(a.tensor), a.axes[::-1])


def _diag(a: Matrix) -> Matrix:
    (size,) = set(a.tensor.shape.values())
    new = [_edge() for _ in range(3 - len(a.axes))]
    return Matrix(a.tensor @ Delta(size, *a.axes, *new), new)


def _sum(a: Matrix) -> Matrix:
    return Matrix(tf.sum(a.tensor))


def _outer(a: Matrix, b: Matrix) -> Matrix:
    axes = [_edge() for _ in b.axes]
    return Matrix(a.tensor @ b.renamed(axes), (*a.axes, *axes))


def _norm(a: Matrix) -> Matrix:
    return Matrix(tf.pow(tf.sum(tf.pow(a.tensor, 2)), Fraction(1, 2)))


def _logsumexp(a: Matrix) -> Matrix:
    return Matrix(tf.log(tf.sum(tf.exp(a.tensor))))


def _det(a: Matrix) -> Matrix:
    return Matrix(tf.det(a.tensor))


FUNCTIONS: dict[str, Any] = {
    "det": _det,
    "diag": _diag,
    "exp": lambda a: a.each(tf.exp),
    "inv": _inv,
    "log": lambda a: a.each(tf.log),
    "logdet": lambda a: _det(a).each(tf.log),
    "logsumexp": _logsumexp,
    "norm": _norm,
    "outer": _outer,
    "softmax": lambda a: Matrix(tf.softmax(a.tensor, set(a.axes)), a.axes),
    "solve": lambda a, b: _inv(a) @ b,
    "sum": _sum,
    "tanh": lambda a: a.each(tf.tanh),
    "trace": lambda a: Matrix(tf.trace(a.tensor)),
}


def symbols(
    names: Sequence[str], shapes: Mapping[str, str], symmetric: Sequence[str]
) -> dict[str, Matrix]:
    """The variables of a formula."""
    made = {}
    for name in names:
        axes = {f"{name}_{i}": Symbol(letter) for i, letter in enumerate(shapes.get(name, ""))}
        variable = tg.Variable(name, **axes)
        if name in symmetric:
            variable = variable.with_symmetries(" ".join(axes))
        made[name] = Matrix(variable, tuple(axes))
    return made


def derivative(value: Matrix, by: Sequence[Matrix]) -> Matrix:
    """The simplified derivative, axes in wengert's order."""
    tensor, axes = value.tensor, list(value.axes)
    for variable in by:
        new = {old: _edge() for old in variable.axes}
        tensor = tensor.grad(variable.tensor, new).full_simplify()
        axes += [new[a] for a in variable.axes]
    return Matrix(tensor, axes)


# --- values ----------------------------------------------------------------------------------------------
Named = tuple[Any, tuple[str, ...]]


def value(result: Matrix, point: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """A tensorgrad expression as an array, axes in the order of ``result.axes``."""
    array, names = _value(result.tensor, point, sizes)
    return np.einsum(
        array, [_number(names, n) for n in names], [_number(names, n) for n in result.axes]
    )


def _number(names: Sequence[str], name: str) -> int:
    return list(names).index(name)


def _value(t: Tensor, point: Mapping[str, Any], sizes: Mapping[str, int]) -> Named:
    match t:
        case Variable():
            return np.asarray(point[t.name], dtype=float), tuple(t.edges)
        case Rename():
            array, names = _value(t.tensor, point, sizes)
            return array, tuple(t.mapping.get(n, n) for n in names)
        case Delta():
            return _delta(sizes[str(t.size)], tuple(t.edges))
        case Zero():
            return np.zeros([sizes[str(s)] for s in t.shape.values()]), tuple(t.edges)
        case Sum():
            return _sum_value(t, point, sizes)
        case Product():
            return _contracted([_value(f, point, sizes) for f in t.factors], tuple(t.edges))
        case Function():
            return _applied(t.signature, [_value(i, point, sizes) for i in t.inputs])
    raise NotImplementedError(f"no value of {type(t).__name__}")


def _delta(size: int, names: tuple[str, ...]) -> Named:
    if not names:
        return np.asarray(float(size)), ()
    array = np.zeros([size] * len(names))
    array[(np.arange(size),) * len(names)] = 1
    return array, names


def _sum_value(t: Tensor, point: Mapping[str, Any], sizes: Mapping[str, int]) -> Named:
    names = tuple(t.edges)
    total = np.zeros(())
    for weight, term in zip(t.weights, t.terms, strict=True):
        total = total + float(weight) * _contracted([_value(term, point, sizes)], names)[0]
    return total, names


def _contracted(factors: list[Named], out: tuple[str, ...]) -> Named:
    numbers: dict[str, int] = {}
    operands: list[Any] = []
    for array, names in factors:
        operands += [array, [numbers.setdefault(n, len(numbers)) for n in names]]
    if not factors:
        return np.asarray(1.0), ()
    return np.einsum(*operands, [numbers[n] for n in out], optimize=True), out


def _applied(signature: Any, inputs: list[Named]) -> Named:
    ((array, names),) = inputs
    match type(signature).__name__:
        case "_PowerFunction":
            return array ** float(signature.k), names
        case "_ScaleFunction":
            inner, names = _applied(signature.inner, inputs)
            return float(signature.alpha) * inner, names
        case "_LogFunction":
            return np.log(array), names
        case "_SimpleFunction":
            return getattr(np, signature.name)(array), names
        case "_MatrixInverseFunction":
            return np.linalg.inv(array).T, names  # see `_inv` on the names
        case "_DeterminantFunction":
            return np.asarray(np.linalg.det(array)), ()
    raise NotImplementedError(f"no value of {signature.name}")
