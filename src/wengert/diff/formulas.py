"""Derivatives of formulas: differentiate, then simplify for reading.

Layout: the derivative of an output of shape ``S`` by an input of shape ``T`` has shape ``S + T``, so the
gradient of a scalar has the shape of its argument and a Jacobian has one row per output.

A matrix that is assumed symmetric can only change symmetrically, so its gradient G is a matter of
convention: ``symmetric="projected"`` (the default) is the gradient in the space of symmetric matrices,
(G + G')/2, a symmetric matrix whose inner product with a symmetric change is the change of the
function; ``"constrained"`` holds the derivatives by the independent elements, G + G' - diag(G). For a
matrix whose elements all vary on their own, do not assume symmetry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias, overload

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.diff.single import Symmetric, derivative_by, structured
from wengert.diff.verify import check_derivative, check_equal
from wengert.errors import ShapeError, TypeMismatchError, UnknownNameError, nearest, worded
from wengert.frontend.parse import parse
from wengert.ir.dims import extent_text
from wengert.ir.greek import canonical
from wengert.ir.node import Expr, provide
from wengert.ir.types import Type, is_inexact
from wengert.ir.walk import leaves, order
from wengert.ops.algebra import lift, zeros
from wengert.ops.einstein import broadcast_to
from wengert.ops.leaves import ONE, SYMBOL, symbol
from wengert.rewrite.simplify import recognise, simplify

__all__ = [
    "Formula",
    "Partials",
    "Wrt",
    "diff",
    "free_symbols",
    "gradient",
    "hessian",
    "jacobian",
    "jvp_graph",
    "simplify_formula",
    "vjp_graph",
]

Formula: TypeAlias = "Expr | str"
Wrt: TypeAlias = "Expr | str | tuple[Expr | str, int]"

# Derivatives larger than this are for machines: nobody reads them, and simplifying them for reading
# would cost more than making them.
_READABLE = 2000
_SMALL = 300


class Partials(tuple[Any, ...]):
    """Derivatives by several symbols: a tuple that can also be indexed by name."""

    names: tuple[str, ...]

    def __new__(cls, names: Sequence[str], values: Sequence[Any]) -> Partials:
        self = super().__new__(cls, values)
        self.names = tuple(names)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.names, tuple(self)

    @overload
    def __getitem__(self, key: SupportsIndex | str, /) -> Any: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[Any, ...]: ...
    def __getitem__(self, key: Any, /) -> Any:
        if isinstance(key, str):
            if key not in self.names:
                raise UnknownNameError(
                    worded(
                        f"derivative by `{key}`",
                        expected=f"one of {', '.join(self.names)}",
                        hint=nearest(key, self.names),
                    )
                )
            key = self.names.index(key)
        return super().__getitem__(key)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Pairs of name and derivative."""
        return zip(self.names, self, strict=True)

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.items())

    def __repr__(self) -> str:
        return f"Partials({', '.join(f'{n}={v}' for n, v in self.items())})"


# --- arguments -----------------------------------------------------------------------------------------
def as_formula(formula: object) -> Expr:
    """An expression as it is, a text parsed.

    Raises:
        TypeMismatchError: neither.
    """
    if isinstance(formula, Expr):
        return formula
    if isinstance(formula, str):
        return parse(formula)
    if isinstance(formula, (int, float)):
        return lift(formula)
    raise TypeMismatchError(
        worded(
            "formula",
            expected="an expression or its text",
            got=f"{formula!r} ({type(formula).__name__})",
            hint="wg.parse('x^2')",
        )
    )


def free_symbols(expr: Expr) -> tuple[Expr, ...]:
    """The symbols that occur in an expression, by name."""
    found = [leaf for leaf in leaves([expr]) if leaf.op is SYMBOL]
    return tuple(sorted(found, key=lambda s: (s.attr.name, s.serial)))


def find_symbol(expr: Expr, wrt: object) -> Expr:
    """The symbol meant by ``wrt``.

    A name that does not occur is a new scalar symbol (the derivative by it is zero), unless it is
    close to one that does: then it is taken for a misspelling.

    Raises:
        UnknownNameError: a probable misspelling, or a name shared by two symbols.
        TypeMismatchError: not a symbol, or one whose values are not floating-point numbers.
    """
    if isinstance(wrt, str):
        wrt = canonical(wrt)
        known = free_symbols(expr)
        named = [s for s in known if s.attr.name == wrt]
        if len(named) > 1:
            raise UnknownNameError(
                worded(
                    f"symbol `{wrt}`", expected="one", got="two of different type or assumptions"
                )
            )
        if not named:
            close = nearest(wrt, [s.attr.name for s in known]) if len(wrt) > 1 else ""
            if close or not wrt.isidentifier():
                names = ", ".join(s.attr.name for s in known) or "none"
                raise UnknownNameError(
                    worded(f"symbol `{wrt}`", expected=f"one of {names}", hint=close)
                )
        wrt = named[0] if named else symbol(wrt)
    if not isinstance(wrt, Expr) or wrt.op is not SYMBOL:
        raise TypeMismatchError(
            worded("derivative", expected="a symbol to differentiate by", got=f"`{wrt}`")
        )
    if not is_inexact(wrt.value_type):
        raise TypeMismatchError(
            worded(
                f"derivative by `{wrt}`",
                expected="a symbol with floating-point values",
                got=wrt.value_type.dtype,
            )
        )
    return wrt


def _repeated(expr: Expr, wrts: Sequence[Any]) -> list[Expr]:
    """``("x", 2, ("y", 3))`` spelled out: x x y y y."""
    result: list[Expr] = []
    for item in wrts:
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], int):
            symbol_, times = find_symbol(expr, item[0]), item[1]
            if times < 0:
                raise TypeMismatchError(
                    worded("derivative", expected="an order of at least 0", got=str(times))
                )
            result += [symbol_] * times
        elif isinstance(item, int) and not isinstance(item, bool) and result and item >= 1:
            result += [result[-1]] * (item - 1)
        else:
            result.append(find_symbol(expr, item))
    return result


def _only_symbol(expr: Expr, what: str) -> Expr:
    known = free_symbols(expr)
    if len(known) == 1:
        return known[0]
    if not known:
        raise TypeMismatchError(worded(what, expected="a formula with a symbol", got=f"`{expr}`"))
    names = ", ".join(s.attr.name for s in known)
    raise TypeMismatchError(
        worded(what, expected="the symbol to differentiate by", got=f"several: {names}")
    )


# --- finishing -------------------------------------------------------------------------------------------
def _prepared(expr: Expr, wanted: bool) -> Expr:
    return recognise(expr) if wanted and len(order([expr])) <= _READABLE else expr


def _finished(expr: Expr, wanted: bool) -> Expr:
    """Simplified for reading, if it is of a size that people read."""
    if not wanted:
        return expr
    size = len(order([expr]))
    if size > _READABLE:
        return expr
    return simplify(expr, level=2 if size <= _SMALL else 1, keep_conditions=False)


def simplify_formula(
    formula: Formula,
    *,
    level: int = 2,
    strict: bool = False,
    target: Literal["formula", "stable"] = "formula",
    verify: bool = False,
) -> Expr:
    """The formula, simplified.

    ``level``: 0 none, 1 local rules, 2 also rewriting that is kept only if the formula gets shorter.
    ``strict``: no rule that makes the formula defined where it was not; otherwise such conditions are
    kept in ``.conditions`` of the result. ``target="stable"`` prefers accuracy to brevity.

    Raises:
        VerificationError: with ``verify``, the result differs from the formula at a random point.

    >>> import wengert as wg
    >>> print(wg.simplify("sin(x)^2 + cos(x)^2"))
    1
    """
    expr = _checked(as_formula(formula))
    result = simplify(expr, level=level, strict=strict, target=target)
    if verify:
        check_equal(expr, result)
    return result


# --- derivatives -----------------------------------------------------------------------------------------
def _checked(expr: Expr) -> Expr:
    if not isinstance(expr.type, Type):
        raise TypeMismatchError(worded("derivative", expected="a formula with one value"))
    return expr


def diff(formula: Formula, *wrt: Any, simplify: bool = True, verify: bool = False) -> Expr:
    """The derivative of a formula by one symbol after another.

    ``wrt``: symbols or their names; ``("x", 3)`` or ``"x", 3`` repeats. By an array the
    derivative has the output's shape followed by the array's (so the gradient of a scalar has the
    array's shape). With one scalar symbol and no more the result is ``jvp_graph(formula, x=1)``,
    the very same node. ``verify`` checks the result at random points.

    Raises:
        UnknownNameError, TypeMismatchError: a symbol that is none.
        NoDerivativeError: the formula contains an op that has no derivative.
        VerificationError: the result failed its check.

    >>> import wengert as wg
    >>> print(wg.diff("x^2 * sin(y)", "x"))
    2*x*sin(y)
    >>> print(wg.diff("exp(-x^2)", ("x", 2)))
    2*exp(-x**2)*(2*x**2 - 1)
    """
    expr = _checked(as_formula(formula))
    symbols = _repeated(expr, wrt) if wrt else [_only_symbol(expr, "diff")]
    result = _prepared(expr, simplify)
    for position, by in enumerate(symbols):
        if position:
            result = _finished(result, simplify)
        result = derivative_by(result, by)
    result = _finished(result, simplify)
    if verify and symbols:
        check_derivative(expr, symbols, result)
    return result


def jvp_graph(formula: Formula, /, *, simplify: bool = True, **tangents: Any) -> Expr:
    """The change of a formula along a direction: forward mode, as a graph.

    ``tangents``: one change per symbol, by name: a number, an expression of the symbol's shape, or
    a name for a new symbol of that shape.

    >>> import wengert as wg
    >>> e = wg.parse("x^2 * sin(x)")
    >>> wg.jvp_graph(e, x=1) is wg.diff(e, "x")
    True
    >>> print(wg.jvp_graph("x*y", x="u", y="v"))
    u*y + v*x
    """
    expr = _checked(as_formula(formula))
    if not tangents:
        raise TypeMismatchError(
            worded("jvp_graph", expected="a change of at least one symbol", hint="x=1")
        )
    seeds = {}
    for name, change in tangents.items():
        by = find_symbol(expr, name)
        seeds[by] = _seed(f"tangent of `{name}`", change, by, expr)
    change = jvp([_prepared(expr, simplify)], seeds)[0]
    filled = zeros(expr.shape) if change is None else broadcast_to(change, expr.shape)
    return _finished(filled, simplify)


def _seed(what: str, value: Any, like: Expr, expr: Expr) -> Expr:
    if isinstance(value, str):
        _check_new(what, value, expr)
        return symbol(value, like.shape, dtype=like.value_type.dtype)
    seed = lift(value)
    if seed.shape == () and like.shape:
        return broadcast_to(seed, like.shape)
    if seed.shape != like.shape:
        raise ShapeError(
            worded(what, expected=f"shape {extent_text(like.shape)}", got=extent_text(seed.shape))
        )
    return seed


def _check_new(what: str, name: str, expr: Expr) -> None:
    """A direction that is only named must not mean something else already."""
    taken = [s.attr.name for s in free_symbols(expr)]
    if not name.isidentifier() or canonical(name) in taken:
        raise UnknownNameError(
            worded(
                what,
                expected=f"a new name, none of {', '.join(taken)}",
                got=repr(name),
                hint=f"wg.parse({name!r}) if the expression is meant",
            )
        )


def vjp_graph(
    formula: Formula, *wrt: Expr | str, cotangent: Any = 1, simplify: bool = True
) -> Any:  # an Expr for one symbol, Partials for several
    """Cotangents of the symbols for a cotangent of the formula: reverse mode, as a graph.

    ``cotangent``: a number, an expression of the formula's shape, or a name for a new symbol of
    that shape. By default all symbols; one symbol gives one expression, several give
    :class:`Partials`.

    >>> import wengert as wg
    >>> print(wg.vjp_graph(wg.parse("A @ x", A=("m", "n"), x="n"), "x", cotangent="c"))
    A.T @ c
    """
    expr = _checked(as_formula(formula))
    seed = _seed("cotangent", cotangent, expr, expr)
    symbols = [find_symbol(expr, w) for w in wrt] or list(free_symbols(expr))
    found = vjp([_prepared(expr, simplify)], [seed], symbols)
    results = [
        _finished(zeros(by.shape) if ct is None else structured(ct, by), simplify)
        for by, ct in zip(symbols, found, strict=True)
    ]
    return results[0] if len(wrt) == 1 else Partials([s.attr.name for s in symbols], results)


def gradient(
    formula: Formula,
    *wrt: Expr | str,
    simplify: bool = True,
    symmetric: Symmetric = "projected",
    verify: bool = False,
) -> Any:  # an Expr for one symbol, Partials for several
    """The gradient of a scalar formula, by reverse mode: each part has the shape of its symbol.

    By default all symbols, by name; one symbol named in ``wrt`` gives one expression. ``symmetric``
    says how the gradient by a symmetric matrix is written (see the head of this module).

    Raises:
        ShapeError: the formula is not a scalar.
        TypeMismatchError: an unknown convention.

    >>> import wengert as wg
    >>> q = wg.parse("norm(A @ x - b)^2", A=("m", "n"), x="n", b="m")
    >>> print(wg.gradient(q, "x"))
    2*A.T @ (A @ x - b)
    """
    expr = _scalar(formula, "gradient")
    if symmetric not in ("projected", "constrained"):
        raise TypeMismatchError(
            worded("symmetric", expected="'projected' or 'constrained'", got=repr(symmetric))
        )
    symbols = [find_symbol(expr, w) for w in wrt] or list(free_symbols(expr))
    primal = _prepared(expr, simplify)
    results = [_finished(g, simplify) for g in _gradients(primal, symbols, symmetric)]
    if verify:
        for g, by in zip(results, symbols, strict=True):
            if symmetric == "projected":
                check_derivative(expr, [by], g)
    return results[0] if len(wrt) == 1 else Partials([s.attr.name for s in symbols], results)


def _gradients(primal: Expr, symbols: Sequence[Expr], symmetric: Symmetric) -> list[Expr]:
    """One reverse sweep for all symbols together."""
    found = vjp([primal], [ONE], symbols)
    return [
        zeros(by.shape) if ct is None else structured(ct, by, symmetric)
        for by, ct in zip(symbols, found, strict=True)
    ]


def _scalar(formula: Formula, what: str) -> Expr:
    expr = _checked(as_formula(formula))
    if expr.shape:
        raise ShapeError(
            worded(
                what,
                expected="a scalar formula",
                got=f"shape {extent_text(expr.shape)}",
                hint="jacobian, or reduce it with sum or norm",
            )
        )
    return expr


def jacobian(
    formula: Formula, *wrt: Expr | str, simplify: bool = True, verify: bool = False
) -> Any:  # an Expr for one symbol, Partials for several
    """The Jacobian: shape of the formula followed by the shape of the symbol.

    >>> import wengert as wg
    >>> print(wg.jacobian(wg.parse("softmax(x)", x="n"), "x"))
    diag(softmax(x)) - outer(softmax(x), softmax(x))
    """
    expr = _checked(as_formula(formula))
    symbols = [find_symbol(expr, w) for w in wrt] or list(free_symbols(expr))
    results = [diff(expr, by, simplify=simplify, verify=verify) for by in symbols]
    return results[0] if len(symbols) == 1 else Partials([s.attr.name for s in symbols], results)


def hessian(
    formula: Formula, *wrt: Expr | str, simplify: bool = True, verify: bool = False
) -> Any:  # an Expr for one symbol, nested Partials for several
    """The second derivatives of a scalar formula: one block for each pair of symbols.

    >>> import wengert as wg
    >>> print(wg.hessian(wg.parse("x @ A @ x", A=("n", "n"), x="n"), "x"))
    A + A.T
    """
    expr = _scalar(formula, "hessian")
    symbols = [find_symbol(expr, w) for w in wrt] or list(free_symbols(expr))
    if len(symbols) == 1:
        return diff(expr, symbols[0], symbols[0], simplify=simplify, verify=verify)
    names = [s.attr.name for s in symbols]
    rows = [
        Partials(names, [diff(expr, a, b, simplify=simplify, verify=verify) for b in symbols])
        for a in symbols
    ]
    return Partials(names, rows)


provide("free_symbols", free_symbols)
