"""What names mean in a formula: functions, constants, and the reserved words.

An op is called by its name or an alias, as its record says (``Op.call``). The table here has the functions
that are no op of their own, such as ``sum`` or ``trace``, which are spellings of the Einstein product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from importlib import import_module
from inspect import Parameter, signature
from keyword import kwlist
from pkgutil import iter_modules
from typing import Any, TypeAlias

import wengert.ops
from wengert.errors import ShapeError, TypeMismatchError, UnknownNameError, nearest, worded
from wengert.ir.dims import Dim, Extent, size_of
from wengert.ir.greek import GREEK
from wengert.ir.node import Expr, make
from wengert.ir.op import Op, registered
from wengert.ir.walk import order
from wengert.ops.algebra import lift, matmul, times, trace, zeros
from wengert.ops.apply import applied
from wengert.ops.choice import maximum, minimum
from wengert.ops.einstein import EIN, ein, eye, ones, transpose
from wengert.ops.leaves import CONSTANT, SIZE, SYMBOL, as_extent, const, e_const, pi
from wengert.ops.sums import LIN

__all__ = [
    "CONSTANTS",
    "KEYWORDS",
    "Callee",
    "callee",
    "extent_of",
    "function_names",
    "is_function",
    "load_ops",
    "wants_brackets",
]

Value: TypeAlias = Any  # an expression, or what only arguments can be: text, a tuple, None, a slice

CONSTANTS: Mapping[str, Value] = {
    "pi": pi,
    "e": e_const,
    "inf": const(math.inf),
    "∞": const(math.inf),
    "nan": const(math.nan),
    "True": const(True),
    "False": const(False),
    "None": None,
    "newaxis": None,
}
KEYWORDS = frozenset(kwlist) - {"lambda", "True", "False", "None"}


# --- sizes -------------------------------------------------------------------------------------------
def extent_of(node: Expr) -> Extent | None:
    """The extent that ``3``, ``n`` or ``2*m*n + 1`` stands for, if it can be one."""
    known: dict[Expr, Extent] = {}
    for part in order([node]):
        extent = _extent(part, [known.get(a) for a in part.args])
        if extent is None:
            return None
        known[part] = extent
    return known[node]


def _extent(node: Expr, args: Sequence[Extent | None]) -> Extent | None:
    if node.op is CONSTANT and type(node.attr) is int:
        return node.attr
    if node.op is SIZE:
        return node.attr  # type: ignore[no-any-return]  # a size has its extent as attribute
    if node.op is SYMBOL and not node.shape:
        return Dim.named(node.attr.name)
    total: Extent = 0
    if node.op is LIN and all(type(c) is int for c in node.attr):
        for coefficient, extent in zip(node.attr, args, strict=True):
            total = total + (extent or 0) * coefficient
        return total
    if node.op is EIN and not any(node.attr.factors) and not node.attr.out:
        return size_of(extent or 0 for extent in args)
    return None


# --- functions that are no op of their own ---------------------------------------------------------------
def _eye(n: Extent) -> Expr:
    """The identity matrix with n rows."""
    return eye(as_extent(n))


def _shape(shape: tuple[Any, ...]) -> tuple[Extent, ...]:
    """``ones(n)``, ``ones(m, n)`` and ``ones((m, n))``."""
    listed = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    return tuple(as_extent(extent) for extent in listed)


def _ones(*shape: Extent) -> Expr:
    """An array of ones: ones(n), ones(m, n)."""
    return ones(_shape(shape))


def _zeros(*shape: Extent) -> Expr:
    """An array of zeros: zeros(n), zeros(m, n)."""
    return zeros(_shape(shape))


def _transpose(a: Any, axes: Sequence[int] | None = None) -> Expr:
    """The axes in another order, reversed by default."""
    return transpose(lift(a), axes)


def _dot(a: Any, b: Any) -> Expr:
    """NumPy's dot: the product of scalars, the inner product of vectors, the matrix product."""
    a, b = lift(a), lift(b)
    return times(a, b) if not a.ndim or not b.ndim else matmul(a, b)


def _extremum(of_two: Callable[..., Expr], name: str) -> Callable[..., Expr]:
    def function(*xs: Any, axis: Any = None, keepdims: bool = False) -> Expr:
        if len(xs) == 1:
            if not lift(xs[0]).ndim and axis is None:
                return lift(xs[0])
            whole: Expr = callee(name, composed=False).function(xs[0], axis=axis, keepdims=keepdims)
            return whole
        if axis is not None or keepdims or not xs:
            raise TypeMismatchError(
                worded(
                    name, expected="one array with axis=, or several values", hint=f"{name}(x, y)"
                )
            )
        result: Expr = reduce(of_two, xs)
        return result

    function.__doc__ = (
        f"The {name} of several values element by element, or of the elements of one array."
    )
    return function


def _einsum(subscripts: str, *operands: Any) -> Expr:
    """The Einstein sum of the operands: einsum('ij,jk->ik', A, B)."""
    if not isinstance(subscripts, str):
        raise TypeMismatchError(
            worded("einsum", expected="subscripts as text", hint="einsum('ij,jk->ik', A, B)")
        )
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    labels = left.split(",")
    letters = left.replace(",", "")
    if not all(c.isalpha() for c in letters + out) or len(labels) != len(operands):
        raise ShapeError(
            worded(
                "einsum",
                expected=f"letters for each of the {len(operands)} operands",
                got=repr(subscripts),
                hint="einsum('ij,jk->ik', A, B)",
            )
        )
    if not arrow:  # NumPy: the labels that occur once, in alphabetical order
        out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(set(out)) != len(out) or not set(out) <= set(letters):
        raise ShapeError(
            worded("einsum", expected="output labels that occur, each once", got=repr(subscripts))
        )
    return ein([(lift(a), tuple(ls)) for a, ls in zip(operands, labels, strict=True)], tuple(out))


def _root(name: str) -> Callable[..., Expr]:
    def function(x: Any) -> Expr:
        root: Expr = callee(name).function(x)
        return root

    function.__doc__ = f"The sign of {name}."
    return function


_COMPOSED: dict[str, Callable[..., Any]] = {
    "I": _eye,
    "dot": _dot,
    "einsum": _einsum,
    "eye": _eye,
    "identity": _eye,
    "max": _extremum(maximum, "max"),
    "min": _extremum(minimum, "min"),
    "ones": _ones,
    "tr": trace,
    "transpose": _transpose,
    "zeros": _zeros,
    "√": _root("sqrt"),
    "∛": _root("cbrt"),
}


# Functions of ops modules that are no op of their own either, by module; a trailing _ is no part of the name.
_OF_MODULES = {
    "algebra": "diag matmul outer trace",
    "choice": "clip ge gt",
    "gamma": "trigamma",
    "indexing": "flip",
    "joining": "pad",
    "layout": "kron ravel squeeze swapaxes moveaxis expand_dims",
    "linalg": "matrix_power",
    "norms": "norm std",
    "powers": "square",
    "reductions": "log_softmax mean sum_ var vdot",
}
_MODULE_OF = {
    name.rstrip("_"): (module, name)
    for module, names in _OF_MODULES.items()
    for name in names.split()
}
_MODULE_OF |= {
    name.upper(): ("bessel", name) for name in ("j0", "j1", "y0", "y1", "i0", "i1", "k0", "k1")
}


def _composed(name: str) -> Callable[..., Any] | None:
    if name in _COMPOSED:
        return _COMPOSED[name]
    module, attribute = _MODULE_OF.get(name, ("", ""))
    if not module:
        return None
    function: Callable[..., Any] = getattr(import_module(f"wengert.ops.{module}"), attribute)
    return function


# --- looking functions up ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Callee:
    """A function that formulas may call.

    ``least`` and ``most`` positional arguments (``most`` is ``None`` if there is no limit). ``kinds`` says by
    position and by name which arguments are no expressions: ``"plain"`` numbers and texts, an ``"extent"``,
    or a ``"list"`` of expressions; ``rest`` says it of the arguments without limit. ``elementwise``: it works
    on each element.
    """

    name: str
    function: Callable[..., Expr]
    usage: str
    least: int
    most: int | None
    kinds: Mapping[int | str, str]
    options: frozenset[str]
    rest: str = ""
    elementwise: bool = False

    def kind(self, slot: int | str) -> str:
        """``"plain"``, ``"extent"``, ``"list"``, or nothing for an expression."""
        return self.kinds.get(slot, self.rest if isinstance(slot, int) else "")


@cache
def load_ops() -> None:
    """Import every ops module, so that all records are registered."""
    for module in iter_modules(wengert.ops.__path__, "wengert.ops."):
        if not module.ispkg:  # ops with bodies are no part of the formula language
            import_module(module.name)


def callee(name: str, *, composed: bool = True) -> Callee:
    """What calling ``name`` means.

    Raises:
        UnknownNameError: no function is called so; the message suggests the nearest.
    """
    load_ops()
    own = _composed(name) if composed else None
    if own is not None:
        return _described(name, own)
    op = _op(name)
    if op is None:
        raise UnknownNameError(
            f"no function is called `{name}`" + _suggested(nearest(name, function_names()))
        )
    if op.call is None and op.build is None and op.arity is not None:
        return Callee(
            name, _plain(op), _usage(op), op.arity, op.arity, {}, frozenset(), "", op.elementwise
        )
    function = op.call or op.build
    assert function is not None
    if not function.__doc__:
        function.__doc__ = op.doc  # what help() shows
    return replace(_described(name, function), elementwise=op.elementwise)


def _suggested(text: str) -> str:
    return f"; {text}" if text else ""


def is_function(name: str) -> bool:
    """Whether formulas can call ``name``."""
    load_ops()
    return name in _COMPOSED or name in _MODULE_OF or _op(name) is not None


def wants_brackets(name: str) -> bool:
    """Whether ``name`` without brackets is more likely a forgotten call than a symbol.

    Greek letters and names such as ``K1`` and ``re`` are common symbols, and functions only where called.
    """
    return is_function(name) and name not in GREEK and (len(name) > 2 or name in ("ln", "tr"))


def function_names() -> list[str]:
    """All names that formulas can call, in order."""
    load_ops()
    return sorted({*_callable_ops(len(registered())), *_COMPOSED, *_MODULE_OF})


def _op(name: str) -> Op | None:
    return _callable_ops(len(registered())).get(name)


@cache
def _callable_ops(_count: int) -> dict[str, Op]:
    """By name and alias; anew when records were added."""
    ops = [op for op in registered().values() if _may_be_called(op)]
    return {name: op for op in ops for name in (op.name, *op.aliases)}


def _may_be_called(op: Op) -> bool:
    """Leaves and ops that exist only with a static attribute are reached in other ways."""
    return op.call is not None or op.arity is not None


@cache
def _plain(op: Op) -> Callable[..., Expr]:
    if op.elementwise:
        return applied(op)

    def function(*xs: Any) -> Expr:
        return make(op, tuple(lift(x) for x in xs))

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc
    return function


def _usage(op: Op) -> str:
    return f"{op.name}({', '.join('xyzuvw'[: op.arity or 0])})"


@cache
def _described(name: str, function: Callable[..., Any]) -> Callee:
    least, most, rest = 0, 0, ""
    endless = False
    kinds: dict[int | str, str] = {}
    shown: list[str] = []
    options: set[str] = set()
    for parameter in signature(function).parameters.values():
        kind = _kind(parameter)
        if parameter.kind is Parameter.VAR_POSITIONAL:
            endless, rest = True, kind
            shown.append(f"{parameter.name}, ...")
        elif parameter.kind is not Parameter.VAR_KEYWORD:
            optional = parameter.default is not Parameter.empty
            shown.append(f"{parameter.name}={parameter.default}" if optional else parameter.name)
            kinds[parameter.name] = kind
            options.add(parameter.name)
            if parameter.kind is not Parameter.KEYWORD_ONLY:
                kinds[most] = kind
                most += 1
                least += not optional
    usage = f"{name}({', '.join(shown)})"
    return Callee(
        name, function, usage, least, None if endless else most, kinds, frozenset(options), rest
    )


def _kind(parameter: Parameter) -> str:
    """Options have a default; other plain arguments say so in their annotation."""
    annotation = str(parameter.annotation)
    if parameter.name == "shape" or "Extent" in annotation:
        return "extent"
    if parameter.default is not Parameter.empty:
        return "plain"
    if annotation != str(Parameter.empty) and "Any" not in annotation and "Expr" not in annotation:
        return "plain"
    return "list" if "Sequence" in annotation else ""
