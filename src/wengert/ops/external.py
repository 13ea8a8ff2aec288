"""``external``: a call of Python code that cannot be looked into.

The op knows the code by identity and the types of what it returns by declaration. Its differential is
whatever is supplied with it: another such piece of code that computes the Jacobian, by a formula or by
differences (numerical differentiation is in ``diff.numeric``, which hands its functions in). The Jacobian
is a node of its own, shared by both modes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from wengert.errors import EvaluationError, GraphError, NoDerivativeError, TypeMismatchError, worded
from wengert.ir.dims import extent_text
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Op, Rule, Sample, Spelling, register
from wengert.ir.types import TupleType, Type, is_complex, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.complexes import conj
from wengert.ops.control.changes import Change, Transforms, batch_of, differentiable
from wengert.ops.control.item import item, items
from wengert.ops.einstein import ein
from wengert.ops.sums import add

__all__ = ["EXTERNAL", "External", "Opaque", "called", "external"]

_handles: WeakValueDictionary[int, Opaque] = WeakValueDictionary()
_numbers = count()


class Opaque:
    """A piece of Python code, known by identity; it lives as long as a node calls it.

    ``call(*values)`` returns a value, or a tuple of them. ``derivative(slot)`` gives the code that computes
    the Jacobians by argument ``slot``: for each result one array of shape ``result.shape + argument.shape``.
    Without one, ``why`` says why.
    """

    __slots__ = ("__weakref__", "_derivative", "_known", "call", "name", "number", "why")

    def __init__(
        self,
        call: Callable[..., Any],  # Any: arrays and numbers
        name: str = "",
        derivative: Callable[[int], Opaque] | None = None,
        why: str = "",
    ) -> None:
        self.call = call
        self.name = name or getattr(call, "__name__", type(call).__name__)
        self.why = why
        self._derivative = derivative
        self._known: dict[int, Opaque] = {}
        self.number = next(_numbers)
        _handles[self.number] = self

    def derivative(self, slot: int) -> Opaque:
        """The code of the Jacobians by one argument; the same object each time.

        Raises:
            NoDerivativeError: there is none.
        """
        if self._derivative is None:
            raise NoDerivativeError(
                worded(
                    f"derivative of the external function `{self.name}`",
                    expected="a rule for it",
                    got=self.why or "none: it runs outside of wengert",
                    hint="give it a rule of its own, or rule='adaptive' for differences",
                )
            )
        if slot not in self._known:
            self._known[slot] = self._derivative(slot)
        return self._known[slot]

    def __repr__(self) -> str:
        return f"<opaque {self.name}>"


def _restored(number: int) -> Opaque:
    """The code with that number, in the process in which the text was written."""
    handle = _handles.get(number)
    if handle is None:
        raise GraphError(
            worded("external", expected="a function of this process", got=f"number {number}")
        )
    return handle


codec(Opaque, lambda handle: handle.number, _restored)


class External(NamedTuple):
    """The code and the types of its results."""

    function: Opaque
    results: tuple[Type, ...]


codec(External)


def _external_value(*values: Any, attr: External, run: Any) -> tuple[Any, ...]:
    return _called(attr.function, attr.results, values)


def _called(function: Opaque, types: Sequence[Type], values: Sequence[Any]) -> tuple[Any, ...]:
    """The results, checked against what was declared. The code gets arrays of its own, to change as it likes.

    Raises:
        EvaluationError: a result is not of the declared shape or kind.
    """
    name = function.name
    found = function.call(*[np.array(v) if np.ndim(v) else v for v in values])
    results = found if isinstance(found, tuple) else (found,)
    if len(results) != len(types):
        raise EvaluationError(
            worded(f"external `{name}`", expected=f"{len(types)} results", got=f"{len(results)}")
        )
    return tuple(_checked(name, v, type_) for v, type_ in zip(results, types, strict=True))


def _checked(name: str, value: Any, type_: Type) -> Any:
    array = np.asarray(value)
    shape = array.shape
    free = [not isinstance(e, int) or e < 0 for e in type_.shape]
    wanted = tuple(s if f else e for e, s, f in zip(type_.shape, shape, free, strict=False))
    if len(shape) != len(type_.shape) or shape != wanted:
        raise EvaluationError(
            worded(
                f"result of the external function `{name}`",
                expected=f"shape {extent_text(type_.shape)}, as was declared",
                got=f"shape {extent_text(shape)}",
            )
        )
    if array.dtype.kind not in "biufc" or not np.can_cast(array.dtype, type_.dtype, "same_kind"):
        raise EvaluationError(
            worded(
                f"result of the external function `{name}`",
                expected=f"{type_.dtype}, as was declared",
                got=str(array.dtype),
            )
        )
    cast = array.astype(type_.dtype)
    return cast[()] if array.ndim == 0 else cast


# --- source ------------------------------------------------------------------------------------------------
def called(
    number: int, results: Sequence[tuple[Any, Sequence[int]]], *values: Any
) -> tuple[Any, ...]:
    """What emitted source calls: the code with that number, with the dtypes and shapes of its results.

    Raises:
        GraphError: the source was written by another process, which had the code.
    """
    types = [Type(dtype, tuple(shape)) for dtype, shape in results]
    return _called(_restored(number), types, values)


def _external(number: int, results: Any, *values: Any) -> Any:
    # The code itself is in the process that wrote this source.
    from importlib import import_module

    return import_module("wengert.ops.external").called(number, results, *values)


def _external_source(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: External = node.attr
    # An extent with a name is not checked here: -1 for whatever it is.
    types = tuple(
        (t.dtype, tuple(e if isinstance(e, int) else -1 for e in t.shape)) for t in attr.results
    )
    given = ", ".join([str(attr.function.number), repr(types), *args])
    comma = "," if len(names) == 1 else ""
    return [f"{', '.join(names)}{comma} = _external({given})"]


# --- differentials -----------------------------------------------------------------------------------------
def _jacobians(args: Sequence[Expr], slot: int, attr: External) -> list[Expr | None]:
    """One Jacobian per result by one argument; ``None`` for results that do not vary."""
    by = args[slot].value_type
    if is_complex(by) or any(is_complex(t) for t in attr.results):
        raise NoDerivativeError(
            worded(
                f"derivative of the external function `{attr.function.name}`",
                expected="real arguments and results",
                got="complex ones",
                hint="pass real and imaginary parts",
            )
        )
    smooth = [i for i, t in enumerate(attr.results) if is_inexact(t)]
    types = tuple(
        Type(t.dtype, (*t.shape, *by.shape))
        if is_inexact(t)
        else Type("float64", (*t.shape, *by.shape))
        for t in attr.results
    )
    node = make(EXTERNAL, tuple(args), External(attr.function.derivative(slot), types))
    return [item(node, i) if i in smooth else None for i in range(len(types))]


def _labels(type_: Type, kind: str) -> tuple[tuple[str, int], ...]:
    return tuple((kind, i) for i in range(len(type_.shape)))


def _external_jvp(
    args: Sequence[Expr],
    tangents: Sequence[Change],
    out: Expr,
    *,
    attr: External,
    diff: Transforms,
) -> list[Change]:
    changes: list[Change] = [None] * len(attr.results)
    for slot, t in enumerate(tangents):
        if t is None or not differentiable(args[slot]):
            continue
        inside = _labels(args[slot].value_type, "in")
        for i, jacobian in enumerate(_jacobians(args, slot, attr)):
            if jacobian is None:
                continue
            result = _labels(attr.results[i], "out")
            term = ein([(jacobian, (*result, *inside)), (t, inside)], result)
            known = changes[i]
            changes[i] = term if known is None else add(known, term)
    return changes


def _external_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: External,
    diff: Transforms,
) -> list[Change]:
    batch = tuple(("batch", i) for i in range(len(batch_of(ct, attr.results))))
    found: list[Change] = [None] * len(args)
    for slot, arg in enumerate(args):
        if not wanted[slot] or not differentiable(arg):
            continue
        inside = _labels(arg.value_type, "in")
        total: Change = None
        for jacobian, cotangent, type_ in zip(
            _jacobians(args, slot, attr), ct, attr.results, strict=True
        ):
            if jacobian is None or cotangent is None:
                continue
            result = _labels(type_, "out")
            term = ein(
                [(cotangent, (*batch, *result)), (conj(jacobian), (*result, *inside))],
                (*batch, *inside),
            )
            total = term if total is None else add(total, term)
        found[slot] = total
    return found


# --- building ----------------------------------------------------------------------------------------------
def external(
    function: Opaque | Callable[..., Any], results: Sequence[Type], *args: Any
) -> tuple[Expr, ...]:
    """The results of a call of Python code, of the given types.

    A plain function has no differential; an :class:`Opaque` may have one.

    Raises:
        TypeMismatchError: no result types.
        EvaluationError: (at evaluation) results that are not of these types.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> (y,) = external(lambda x: x**2, [Type("float64")], x)
    >>> y.evaluate(x=3.0)
    9.0
    """
    if not results:
        raise TypeMismatchError(worded("external", expected="the types of its results", got="none"))
    handle = function if isinstance(function, Opaque) else Opaque(function)
    return items(make(EXTERNAL, tuple(lift(a) for a in args), External(handle, tuple(results))))


# --- record ------------------------------------------------------------------------------------------------
def _example() -> Opaque:
    """``x * y**2`` for a number and a vector, to any order by formulas."""

    def by(slot: int) -> Opaque:
        if slot == 0:
            return Opaque(lambda x, y: y**2, "square", by_second)
        return Opaque(lambda x, y: np.diag(2 * x * y), "slope", by_last)

    def by_second(slot: int) -> Opaque:
        return Opaque((lambda x, y: 0 * y) if slot == 0 else (lambda x, y: np.diag(2 * y)))

    def by_last(slot: int) -> Opaque:
        if slot == 0:
            return Opaque(lambda x, y: np.diag(2 * y))
        return Opaque(lambda x, y: 2 * x * np.einsum("ij,jk->ijk", np.eye(len(y)), np.eye(len(y))))

    return Opaque(lambda x, y: x * y**2, "example", by)


_EXAMPLE = _example()


def _sample(*symbols: Expr) -> Expr:
    x, y = symbols
    return external(_EXAMPLE, [Type("float64", y.shape)], x, y)[0]


EXTERNAL = register(
    Op(
        name="external",
        doc="A call of Python code that cannot be looked into.",
        result=lambda *types, attr: TupleType(attr.results),
        evaluate=_external_value,
        diff=Rule(_external_jvp, _external_vjp, batched=True),
        spell=Spelling(statement=_external_source, helpers=(_external,)),
        foreign=True,
        bodies=lambda attr: (),  # so that nodes, and with them the code, go when nobody holds them
        with_bodies=lambda attr, bodies: attr,
        exempt={"text": "its code is no formula"},
        samples=(Sample((Argument(), Argument((3,))), build=_sample),),
    )
)
