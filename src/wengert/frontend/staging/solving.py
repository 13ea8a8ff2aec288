"""Functions of SciPy that are given functions, called in a captured program.

The function of the user is recorded once for each kind of arguments, as a body of its own: it runs as often
as the solver likes, so it must not change anything around it. Checks in it (a division by zero, an
``assert``) go with its value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import CaptureError, ShapeError, TypeMismatchError
from wengert.frontend.scipy_samples import interpolant_of
from wengert.frontend.scipy_solvers import solver_of
from wengert.frontend.staging.context import Context, Layer, active, capturing, refuse
from wengert.frontend.staging.effects import TokenSlot, require
from wengert.frontend.staging.handles import Handle, Partial, to_expr
from wengert.frontend.staging.nested import as_exprs, as_handles
from wengert.frontend.table import title_of
from wengert.frontend.trees import Tree, flatten
from wengert.ir.node import Expr
from wengert.ir.walk import substitute
from wengert.ops.effects import first_token
from wengert.ops.leaves import fresh
from wengert.ops.sequence import after

__all__ = ["solver_call"]

# Any: functions, arguments and results are the program's.


def solver_call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call what stands for a function of SciPy, or for an interpolant that it has made.

    ``NotImplemented`` where nothing does.
    """
    stands = solver_of(function) or interpolant_of(function)
    title = title_of(function)
    if stands is None:
        bodies = any(map(_is_body, (*args, *kwargs.values())))
        return _by_scipy(function, title, args, kwargs) if bodies else NotImplemented
    try:
        given = [_argument(a, title) for a in args]
        result = stands(*given, **{k: _argument(v, title) for k, v in kwargs.items()})
    except (ShapeError, TypeMismatchError) as error:
        refuse(str(error))
    return wrapped(result)


def _by_scipy(function: Any, title: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function of SciPy that is given functions of values that are known."""
    from wengert.frontend.staging.calls import native

    try:
        return native(function, args, kwargs)
    except CaptureError:
        refuse(
            f"{title} is given a function of traced values and wengert has no rule for it; "
            "use mode='tape' or register one with wengert.custom_rule"
        )


def _is_body(value: Any) -> bool:
    return callable(value) and not isinstance(value, (type, Expr, np.ndarray, Handle))


def wrapped(result: Any) -> Any:
    """A result of expressions as handles, with the checks that go with it."""
    guards = getattr(result, "guards", None)
    if guards is not None:
        for guard in guards:
            require(*guard)
        return wrapped(result.value)
    return as_handles(result)


# --- arguments ---------------------------------------------------------------------------------------------
def _argument(value: Any, title: str) -> Any:
    if isinstance(value, Partial):
        value = value.certain()
    if isinstance(value, Handle):
        return to_expr(value)
    if isinstance(value, (list, tuple)):
        return type(value)([_argument(v, title) for v in value])
    if isinstance(value, dict):
        return {k: _argument(v, title) for k, v in value.items()}
    if _is_body(value):
        return Body(value, title)
    return value


class _Record(NamedTuple):
    """A body: what it was given (kept, for it is known by identity), its symbols, and what it returned."""

    given: list[Any]
    symbols: list[Expr]
    leaves: list[Any]
    tree: Tree


class Body:
    """A function of the program as a function of expressions, and of values that are known."""

    def __init__(self, function: Callable[..., Any], title: str) -> None:
        self.function, self.title = function, title
        self.known: dict[tuple[Hashable, ...], _Record] = {}

    def __call__(self, *args: Any) -> Any:
        given, structure = flatten(args)
        key = (structure, *(e.type if isinstance(e, Expr) else id(e) for e in given))
        if key not in self.known:
            self.known[key] = self._recorded(given, structure)
        _, symbols, leaves, tree = self.known[key]
        values = [e for e in given if isinstance(e, Expr)]
        nodes = [leaf for leaf in leaves if isinstance(leaf, Expr)]
        found = iter(substitute(nodes, dict(zip(symbols, values, strict=True))))
        return tree.unflatten([next(found) if isinstance(leaf, Expr) else leaf for leaf in leaves])

    def _recorded(self, given: list[Any], structure: Tree) -> _Record:
        from wengert.frontend.staging.calls import call

        inner = [fresh(e.value_type, "u") if isinstance(e, Expr) else e for e in given]
        with _body() as (context, layer):
            result = call(self.function, *structure.unflatten(as_handles(inner)))
            leaves, tree = flatten(as_exprs(result))
            token = context.token
            changed = _changed(context, layer)
        if changed:
            refuse(
                f"the function given to {self.title} changes `{changed}`, and {self.title} calls it as often "
                "as it likes; return what is wanted, or mode='tape'"
            )
        if token is not first_token():
            place = next((i for i, leaf in enumerate(leaves) if isinstance(leaf, Expr)), None)
            if place is not None:
                leaves[place] = after(leaves[place], token)
        symbols = [s for s, e in zip(inner, given, strict=True) if isinstance(e, Expr)]
        return _Record(given, symbols, leaves, tree)


@contextmanager
def _body() -> Iterator[tuple[Context, Layer]]:
    """A region whose effects start anew; in tape mode, a capture of its own, for it runs at many points."""
    outer = active()
    if outer.eager:
        inner = Context()
        inner.adopted, inner.token = outer.adopted, first_token()
        with capturing(inner), inner.region("function") as layer:
            yield inner, layer
        return
    with outer.region("function") as layer:
        outer.touch(TokenSlot(outer))
        outer.token = first_token()
        yield outer, layer


def _changed(context: Context, layer: Layer) -> str:
    """The name of something that a body changed, if it did."""
    for slot, old in layer.journal.values():
        if not isinstance(slot, TokenSlot) and not _same(slot.get(), old):
            return str(getattr(slot, "name", "something"))
    return ""


def _same(new: Any, old: Any) -> bool:
    if new is old:
        return True
    if (
        type(new) is not type(old)
        or not isinstance(new, (list, tuple, dict))
        or len(new) != len(old)
    ):
        return False
    if isinstance(new, dict):
        return all(k in old and v is old[k] for k, v in new.items())
    return all(a is b for a, b in zip(new, old, strict=True))
