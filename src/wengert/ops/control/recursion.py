"""Functions that call themselves, built from a body in terms of a stand-in for the function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from wengert.errors import TypeMismatchError, worded
from wengert.ir.node import Expr, make
from wengert.ir.region import Region
from wengert.ir.types import Type
from wengert.ir.walk import build, order, renamed, renaming
from wengert.ops.algebra import lift
from wengert.ops.control.call import CALL, Call, as_dtype
from wengert.ops.control.depths import depth_of
from wengert.ops.control.item import item, items
from wengert.ops.control.recur import RECUR, Recur, again, signature_of
from wengert.ops.control.regions import as_results, fits, hoisted, retyped, unbound
from wengert.ops.leaves import param

__all__ = ["Recursion", "recursive"]

_serial = count(1)


class Recursion:
    """A recursive function under construction.

    ``arguments`` are fresh symbols for what it is given, ``results`` the types of what it returns. The body
    is built with :meth:`again` where the function calls itself; :meth:`closed` makes the function of it.
    """

    def __init__(self, name: str, arguments: Sequence[Expr], results: Sequence[Type]) -> None:
        self.name, self.arguments, self.results = name, tuple(arguments), tuple(results)
        self._token = -next(_serial)
        self._signature = _signature(self.arguments, self.results)
        self._site = count(1)

    def again(self, *values: Any) -> tuple[Expr, ...]:
        """The results of calling the function from its own body.

        Raises:
            TypeMismatchError: the arguments do not have the types of the function's.
        """
        args = [lift(v) for v in values]
        return again(self._token, self._signature, args, next(self._site))

    def closed(self, outputs: Sequence[Expr]) -> Callable[..., Expr]:
        """The function with this body: given arguments, it makes the ``call`` node.

        Raises:
            TypeMismatchError: the outputs do not have the types of the results.
        """
        region, captures = hoisted(self.arguments, self._fitted(outputs), once=True)
        results = region.result_types
        signature = signature_of(region.params, results)
        extra = region.params[len(self.arguments) :]
        inside = _threaded(region.outputs, self._token, signature, extra)
        body = Region(region.params, tuple(inside))
        attr = Call(body, self.name, recursive=True)
        return lambda *values: make(CALL, (*map(lift, values), *captures), attr)

    def _fitted(self, outputs: Sequence[Expr]) -> list[Expr]:
        found: list[Expr] = []
        for output, type_ in zip(outputs, self.results, strict=True):
            if not fits(output.value_type, type_):
                raise TypeMismatchError(
                    worded(
                        f"recursion of {self.name}",
                        expected=f"results of types {', '.join(map(str, self.results))}",
                        got=", ".join(str(o.type) for o in outputs),
                        hint="return the same types on all ways",
                    )
                )
            found.append(output if output.type is type_ else as_dtype(output, type_.dtype))
        return found


def _signature(arguments: Sequence[Expr], results: Sequence[Type]) -> Region:
    done: dict[Expr, Expr] = {}
    # What defines sizes comes before what mentions them.
    for place, symbol in sorted(enumerate(arguments), key=lambda pair: bool(pair[1].needs)):
        done[symbol] = param(place, retyped(symbol.value_type, renaming(symbol.type.needs, done)))
    inside = [retyped(type_, renaming(type_.needs, done)) for type_ in results]
    return signature_of([done[s] for s in arguments], inside)


def _threaded(
    outputs: Sequence[Expr],
    token: int,
    signature: Region,
    extra: Sequence[Expr],
    around: tuple[Region, ...] = (),
) -> list[Expr]:
    """The body with its calls of itself by level, given what the function captures (``extra``) as well.

    Bodies inside are given it as further captures. ``around`` are the signatures of recursive calls between,
    innermost first, which pass it on to themselves.
    """
    done: dict[Expr, Expr] = {}
    for node in order(outputs):
        args = tuple([done[a] for a in node.args])
        sizes = renaming(node.needs, done)
        attr = renamed(node.attr, sizes) if sizes else node.attr
        if node.op is RECUR and node.attr.level == token:
            done[node] = make(RECUR, (*args, *extra), Recur(len(around), signature))
        elif node.op is RECUR and 0 <= node.attr.level < len(around):
            level = node.attr.level
            done[node] = make(RECUR, (*args, *extra), Recur(level, around[level]))
        elif node.op.bodies is not None and _calls(node, token):
            bodies = tuple(
                _widened(node, b, token, signature, extra, around) for b in node.op.bodies(attr)
            )
            assert node.op.with_bodies is not None
            done[node] = build(node.op, (*args, *extra), node.op.with_bodies(attr, bodies))
        elif args == node.args and attr is node.attr:
            done[node] = node
        else:
            done[node] = build(node.op, args, attr)
    return [done[out] for out in outputs]


def _calls(node: Expr, token: int) -> bool:
    """Whether a body of the node, at any depth, calls the function that is being built."""
    if node.op is RECUR or not depth_of(node) or node.op.bodies is None:
        return False
    return any(
        (inner.op is RECUR and inner.attr.level == token) or _calls(inner, token)
        for body in node.op.bodies(node.attr)
        for inner in body.nodes
    )


def _widened(
    node: Expr,
    region: Region,
    token: int,
    signature: Region,
    extra: Sequence[Expr],
    around: tuple[Region, ...],
) -> Region:
    """A body of a node with parameters for ``extra``, which its calls of the function are given."""
    done: dict[Expr, Expr] = {}
    for place, value in enumerate(extra, start=len(region.params)):
        done[value] = param(place, retyped(value.value_type, renaming(value.type.needs, done)))
    added = tuple(done[value] for value in extra)
    params = (*region.params, *added)
    if node.op.binds is not None and node.op.binds(node.attr):
        around = (signature_of(params, region.result_types), *around)
    return Region(params, tuple(_threaded(region.outputs, token, signature, added, around)))


def recursive(
    name: str,
    arguments: Sequence[Type],
    results: Sequence[Type],
    body: Callable[..., Any],
) -> Callable[..., Any]:
    """A function that calls itself: ``body(f, *arguments)`` calls ``f`` where it does.

    The body may use expressions from around it. It has to reach a branch without such a call.

    Returns:
        A function of expressions; its result is one, or a tuple of them if there are several ``results``.

    Raises:
        TypeMismatchError: arguments or results of other types than said.

    >>> from wengert.ir.types import FLOAT, INT
    >>> from wengert.ops.control import branch
    >>> power = recursive(
    ...     "power",
    ...     [FLOAT, INT],
    ...     [FLOAT],
    ...     lambda f, x, n: branch(n > 0, lambda: x * f(x, n - 1), lambda: 1.0),
    ... )
    >>> power(1.5, 3).evaluate()
    3.375
    """
    symbols = unbound(arguments, "r")
    building = Recursion(name, symbols, results)
    single = len(results) == 1

    def inner(*values: Any) -> Any:
        found = building.again(*values)
        return found[0] if single else found

    function = building.closed(as_results(body(inner, *symbols)))

    def outer(*values: Any) -> Any:
        node = function(*values)
        return item(node, 0) if single else items(node)

    return outer
