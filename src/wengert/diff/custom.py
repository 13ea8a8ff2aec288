"""Rules and ops of one's own: built from plain functions, and checked before they are used.

* :func:`check_rules`: do the rules of a function agree with each other, and with its body?
* :func:`numeric_function`: Python code as an opaque function whose derivatives are taken numerically.
* :func:`register_op`: a new op from a NumPy function and its partial derivatives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from wengert.diff import numeric
from wengert.diff.check_grad import check_derivatives
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import (
    GraphError,
    NoDerivativeError,
    NumericError,
    TypeMismatchError,
    VerificationError,
    worded,
)
from wengert.ir.function import Function
from wengert.ir.node import Expr, make
from wengert.ir.op import (
    Domain,
    Linear,
    NoDerivative,
    Op,
    Pointwise,
    Rule,
    Spelling,
    register,
    registered,
)
from wengert.ir.types import Type, is_inexact
from wengert.ops.algebra import broadcast_together, lift, zeros
from wengert.ops.apply import applied
from wengert.ops.custom import Rules, custom
from wengert.ops.external import Opaque
from wengert.ops.leaves import fresh, symbol
from wengert.ops.shapes import real_shape
from wengert.run.reference import evaluate_nodes

__all__ = ["NumericRule", "OwnOp", "check_rules", "numeric_function", "register_op"]

NumericRule: TypeAlias = Literal["adaptive", "central", "complex"]
# Any, throughout: values are numbers and arrays, functions are the user's.

_ROUNDING = 1e-9
_POINTS = 2


# --- rules of a function -----------------------------------------------------------------------------------
def check_rules(
    function: Callable[..., Any],
    rules: Rules,
    *values: Any,
    body: bool = True,
    tolerance: float = _ROUNDING,
) -> None:
    """Compare the rules of a function at a point: with each other, and (``body``) with the function itself.

    Rules may differ from the derivative of the body on purpose (a straight-through estimator); then say
    ``body=False``.

    Raises:
        VerificationError: they differ; the message says where and by how much.

    >>> from wengert.ops.trig import cos, sin
    >>> wrong = Rules(jvp=lambda xs, ts: -cos(xs[0]) * ts[0], name="sine")
    >>> check_rules(sin, wrong, 0.3)
    Traceback (most recent call last):
        ...
    wengert.errors.VerificationError: jvp rule of `sine`: expected ...
    """
    symbols = [_symbol_for(i, np.asarray(v)) for i, v in enumerate(values)]
    point = {s.attr.name: v for s, v in zip(symbols, values, strict=True)}
    smooth = [s for s in symbols if is_inexact(s.value_type)]
    rng = np.random.default_rng(7)
    seeds = {s: fresh(Type(s.value_type.dtype, s.shape)) for s in smooth}
    point |= {seeds[s].attr.name: _direction(s, point[s.attr.name], rng) for s in smooth}
    pair = _outputs(custom(function, *symbols, rules=rules))
    plain = _outputs(function(*symbols))
    if rules.jvp is not None and rules.vjp is not None:
        _compare_pair(function, rules, symbols, seeds, point, rng, tolerance)
    if not body:
        return
    try:
        want = _values(jvp(plain, seeds), plain, point)
    except NoDerivativeError:
        return
    got = _values(jvp(pair, seeds), pair, point)
    kind = "jvp" if rules.jvp is not None else "vjp"
    for i, (a, b) in enumerate(zip(got, want, strict=True)):
        _agree(f"{kind} rule of `{rules.name}`", a, b, f"result {i}", tolerance)


def _symbol_for(position: int, value: Any) -> Expr:
    dtype: Any = (
        "float64" if value.dtype.kind == "f" and value.dtype.itemsize == 8 else value.dtype.name
    )
    return symbol(f"argument{position}", value.shape, dtype=dtype)


def _direction(node: Expr, value: Any, rng: np.random.Generator) -> Any:
    found = rng.normal(size=np.shape(value))
    if node.value_type.dtype.startswith("complex"):
        found = found + 1j * rng.normal(size=np.shape(value))
    return found.astype(node.value_type.dtype)[()]


def _outputs(found: Any) -> list[Expr]:
    return [lift(f) for f in (found if isinstance(found, (tuple, list)) else (found,))]


def _values(
    changes: Sequence[Expr | None], like: Sequence[Expr], point: dict[str, Any]
) -> list[Any]:
    nodes = [zeros(o.shape) if c is None else c for c, o in zip(changes, like, strict=True)]
    return evaluate_nodes(nodes, point)


def _compare_pair(
    function: Callable[..., Any],
    rules: Rules,
    symbols: Sequence[Expr],
    seeds: dict[Expr, Expr],
    point: dict[str, Any],
    rng: np.random.Generator,
    tolerance: float,
) -> None:
    """``<ct, J t> == <J' ct, t>`` with J from one rule and J' from the other."""
    outputs = _outputs(custom(function, *symbols, rules=rules))
    cts = [fresh(Type(o.value_type.dtype, o.shape)) for o in outputs]
    values = evaluate_nodes(outputs, point)
    point = point | {
        c.attr.name: _direction(o, v, rng) for c, o, v in zip(cts, outputs, values, strict=True)
    }
    changes = _values(jvp(outputs, seeds), outputs, point)
    wrt = list(seeds)
    pulled = _values(vjp(outputs, cts, wrt), wrt, point)
    there = [
        np.sum(np.real(np.conj(point[c.attr.name]) * t)) for c, t in zip(cts, changes, strict=True)
    ]
    back = [
        np.sum(np.real(np.conj(p) * point[seeds[s].attr.name]))
        for p, s in zip(pulled, wrt, strict=True)
    ]
    size = max(map(abs, [*there, *back]), default=1.0)
    if not abs(sum(there) - sum(back)) <= tolerance * max(float(size), 1e-300):
        raise VerificationError(
            worded(
                f"rules of `{rules.name}`",
                expected=f"jvp and vjp of one map: <ct, jvp(t)> = {sum(there):.12g}",
                got=f"<vjp(ct), t> = {sum(back):.12g}",
                where=f"at {point}",
                hint="one is not the transpose of the other",
            )
        )


def _agree(what: str, got: Any, want: Any, which: str, tolerance: float) -> None:
    size = float(np.max(np.abs(want), initial=0.0))
    off = float(np.max(np.abs(np.asarray(got) - np.asarray(want)), initial=0.0))
    if not off <= tolerance * max(size, 1e-6):
        raise VerificationError(
            worded(
                what,
                expected=f"{want} for {which}, as the body says",
                got=f"{got}",
                hint="if the rule differs on purpose, body=False",
            )
        )


# --- black boxes -------------------------------------------------------------------------------------------
def numeric_function(
    function: Callable[..., Any],
    *,
    method: NumericRule = "adaptive",
    order: int = 2,
    name: str = "",
) -> Opaque:
    """Python code for :func:`~wengert.ops.external.external`, its derivatives to ``order`` taken numerically.

    ``method="complex"`` calls the code with complex numbers (for code that is analytic); its second
    derivatives are adaptive differences of its first ones. Derivatives of an order above two are refused.

    Raises:
        NumericError: (at evaluation) no trustworthy derivative was found.
    """
    title = name or getattr(function, "__name__", type(function).__name__)

    def derivative(slot: int) -> Opaque:
        def jacobian(*values: Any) -> tuple[Any, ...]:
            return _jacobian(function, values, slot, method, title)

        # Differences of differences of differences are noise.
        next_method: NumericRule = "adaptive" if method == "complex" else method
        return numeric_function(jacobian, method=next_method, order=order - 1, name=f"d{title}")

    if order < 1:
        return Opaque(function, title, None, "its derivatives were taken numerically already")
    return Opaque(function, title, derivative)


def _jacobian(
    function: Callable[..., Any], values: Sequence[Any], slot: int, method: NumericRule, name: str
) -> tuple[Any, ...]:
    """One array for each result, of shape ``result.shape + argument.shape``."""

    def results(x: Any) -> list[Any]:
        given = list(values)
        given[slot] = x if np.ndim(x) else x[()] if isinstance(x, np.ndarray) else x
        found = function(*given)
        return [np.asarray(f) for f in (found if isinstance(found, tuple) else (found,))]

    like = results(values[slot])

    def flat(x: Any) -> Any:
        return np.concatenate([r.ravel() for r in results(x)])

    point = np.asarray(values[slot], np.float64)
    found = numeric.jacobian(flat, point, method=method)
    if not found.reliable:
        raise NumericError(
            worded(
                f"derivative of the external function `{name}`",
                expected="differences that settle",
                got="; ".join(found.notes) or "none",
                where=f"at {values[slot]}",
                hint="a rule by hand",
            )
        )
    rows = np.reshape(np.asarray(found.value), (-1, *point.shape))
    ends = np.cumsum([r.size for r in like])[:-1]
    return tuple(
        part.reshape((*r.shape, *point.shape))
        for part, r in zip(np.split(rows, ends), like, strict=True)
    )


# --- new ops -----------------------------------------------------------------------------------------------
def register_op(
    name: str,
    evaluate: Callable[..., Any],
    *,
    partials: Sequence[Callable[..., Any] | None] | None = None,
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    linear: Callable[..., Any] | None = None,
    result: Callable[..., Any] | None = None,
    doc: str = "",
    why: str = "",
    domain: Sequence[tuple[float, float]] = (),
    latex: str = "",
    check: bool = True,
) -> OwnOp:
    """Register an op of one's own, and give its function; formulas then know its name.

    ``evaluate`` computes the value from NumPy arrays. The differential is one of

    * ``partials``: one function per argument, of the arguments (and, if it takes one more, of the result),
      for functions that work element by element;
    * ``jvp(args, tangents, out)``, and optionally ``vjp(args, ct, out)``, for others; tangents may be
      ``None`` for zero, and ``result(*types)`` gives the type (default: the same shape);
    * ``linear(ct, *args)``: the cotangent of the one argument of a linear op;
    * ``why``: the reason why there is none.

    ``domain`` has an interval for each argument in which it is smooth; unless ``check`` is false the
    differential is compared there with differences, before the op is registered for good.

    Raises:
        GraphError: the name is taken.
        TypeMismatchError: no differential, or several.
        VerificationError: the differential is not that of ``evaluate``.

    >>> from wengert.ops.exponential import exp
    >>> softsign = register_op(
    ...     "doctest_softsign",
    ...     lambda x: x / (1 + np.abs(x)),
    ...     partials=[lambda x: (1 + abs(x)) ** -2],
    ... )
    >>> softsign(symbol("x")).evaluate(x=1.0)
    0.5
    """
    if name in registered():
        raise GraphError(worded(f"op `{name}`", expected="a new name", got="one that is taken"))
    given = [
        k for k, v in (("partials", partials), ("jvp", jvp), ("linear", linear)) if v is not None
    ]
    if len(given) + bool(why) != 1 or (vjp is not None and jvp is None):
        raise TypeMismatchError(
            worded(
                f"op `{name}`",
                expected="one of partials, jvp, linear and why",
                got=", ".join([*given, *(["why"] if why else []), *(["vjp"] if vjp else [])])
                or "none",
            )
        )
    arity = len(partials) if partials is not None else _arity(evaluate)
    diff, elementwise = _differential(partials, jvp, vjp, linear, why)
    op = Op(
        name=name,
        doc=doc or f"The function {name} of its user.",
        result=result or real_shape,
        evaluate=_in_dtype(evaluate) if result is None else evaluate,
        diff=diff,
        domain=Domain(sample=tuple(domain)),
        spell=Spelling(latex=latex, numpy=_source_of(name, evaluate), helpers=(_own_op,)),
        elementwise=elementwise,
        arity=arity,
    )
    function = applied(op) if elementwise else _plain(op)
    if check and not why:
        _check_op(op, function, arity, domain)
    register(op)
    return OwnOp(op, function)


class OwnOp:
    """The function of an op of one's own: of expressions, of numbers and arrays, and in captured programs."""

    def __init__(self, op: Op, function: Callable[..., Expr]) -> None:
        self.op, self.function = op, function
        self.__name__ = self.__qualname__ = op.name
        self.__doc__ = op.doc

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __call__(self, *args: Any) -> Any:
        if any(isinstance(a, Expr) for a in args):
            return self.function(*args)
        return self.op.evaluate(*args)

    def __wengert_call__(self, context: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expr:
        return self.function(*args, **kwargs)


def _arity(function: Callable[..., Any]) -> int:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C
        return 1
    return max(sum(p.kind in kinds and p.default is p.empty for p in parameters), 1)


def _in_dtype(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """In the precision of the arguments, whatever the function computes in."""

    def call(*args: Any) -> Any:
        dtype = np.result_type(*args)
        value = np.asarray(evaluate(*args))
        return value.astype(dtype if dtype.kind in "fc" else np.float64)[()]

    call.__name__ = getattr(evaluate, "__name__", "call")
    return call


def _source_of(name: str, evaluate: Callable[..., Any]) -> Callable[[Expr], str]:
    """The text of a call: of NumPy's or SciPy's own function by its name, of others by ours."""
    module = getattr(evaluate, "__module__", "") or ""
    title = getattr(evaluate, "__name__", "")
    text = f"_own_op({name!r}"
    if isinstance(evaluate, np.ufunc) and getattr(np, title, None) is evaluate:
        text = f"np.{title}("
    elif module.startswith("scipy.") and title.isidentifier():
        text = f"{module}.{title}("

    def template(node: Expr) -> str:
        places = [f"{{{i}}}" for i in range(len(node.args))]
        return (
            f"{text}{', '.join(places)})"
            if text.endswith("(")
            else f"{', '.join([text, *places])})"
        )

    return template


def _own_op(name: str, *values: Any) -> Any:
    # The function of an op that a user registered: in the process that wrote this source.
    from importlib import import_module

    return import_module("wengert.ir.op").lookup(name).evaluate(*values)


def _differential(
    partials: Sequence[Callable[..., Any] | None] | None,
    jvp: Callable[..., Any] | None,
    vjp: Callable[..., Any] | None,
    linear: Callable[..., Any] | None,
    why: str,
) -> tuple[Any, bool]:
    if partials is not None:
        missing = "its author gives no partial derivative there" if None in partials else ""
        return Pointwise(
            *(None if p is None else _partial(p, len(partials)) for p in partials), why=missing
        ), True
    if jvp is not None:
        forward, back = jvp, vjp

        def push(args: Any, tangents: Any, out: Any, **_: Any) -> Any:
            return forward(args, tangents, out)

        if back is None:
            return Rule(push), False
        return Rule(push, lambda args, wanted, ct, out, **_: list(back(args, ct, out))), False
    if linear is not None:
        transpose = linear
        return Linear(lambda ct, slot, *args: lift(transpose(ct, *args)), slots=(0,)), False
    return NoDerivative(why), False


def _partial(function: Callable[..., Any], arity: int) -> Callable[..., Expr]:
    takes_out = _arity(function) > arity

    def partial(*args: Expr) -> Expr:
        found = lift(function(*(args if takes_out else args[:-1])))
        return broadcast_together(found, args[-1])[0]

    return partial


def _plain(op: Op) -> Callable[..., Expr]:
    def function(*args: Any) -> Expr:
        return make(op, tuple(lift(a) for a in args))

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc
    return function


def _check_op(
    op: Op, function: Callable[..., Expr], arity: int, domain: Sequence[tuple[float, float]]
) -> None:
    """Values and derivatives at points of the domain, of vectors where the op takes them."""
    spans = domain or ((0.3, 1.7),) * arity
    rng = np.random.default_rng(11)
    for shape in ((), (3,)) if op.elementwise else ((3,),):
        symbols = tuple(symbol(f"argument{i}", shape) for i in range(arity))
        try:
            output = function(*symbols)
        except Exception as error:
            if op.elementwise:
                raise
            raise TypeMismatchError(
                worded(
                    f"op `{op.name}`",
                    expected="an op that can be tried on vectors",
                    got=str(error),
                    hint="check=False, and wengert.check_grad on a function that uses it",
                )
            ) from error
        for _ in range(_POINTS):
            values = [low + (high - low) * rng.uniform(0.1, 0.9, shape) for low, high in spans]
            check_derivatives(Function(symbols, (output,), op.name), values, order=1)
