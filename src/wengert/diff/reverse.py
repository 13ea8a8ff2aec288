"""Reverse mode: the linear graph of the differential, run backwards.

Each node's differential is transposed as it stands in its record, and cotangents that reach a node by
several ways are added. So the gradient costs a small multiple of the function, however many inputs there are.
"""

from __future__ import annotations

from collections.abc import Sequence

from wengert.diff.forward import TRANSFORMS
from wengert.diff.rules import Cotangent, pull_back
from wengert.ir.node import Expr, paused_gc
from wengert.ir.types import FLOAT, TupleType
from wengert.ir.walk import depends_on, order
from wengert.ops.sums import add

__all__ = ["added", "vjp"]


def vjp(
    outputs: Sequence[Expr], cotangents: Sequence[Cotangent | None], wrt: Sequence[Expr]
) -> list[Expr | None]:
    """Cotangents of the nodes ``wrt`` for cotangents of the outputs; ``None`` is zero.

    A cotangent may have extra leading axes (a stack of seeds); every result then has them too.
    """
    with paused_gc():
        nodes = order(outputs)
        sources = set(wrt)
        active = depends_on(nodes, sources)
        found: dict[Expr, Cotangent] = {}
        for out, ct in zip(outputs, cotangents, strict=True):
            if ct is not None and out in active:
                _accumulate(found, out, ct)
        for node in reversed(nodes):
            args = node.args
            if not args or node not in active or node in sources:
                continue
            ct = found.pop(node, None)
            if ct is None:
                continue
            if args[0].type.__class__ is TupleType:
                _accumulate_item(found, args[0], node.attr, ct)
                continue
            wanted = [arg in active for arg in args]
            for arg, arg_ct in zip(args, pull_back(node, ct, wanted, TRANSFORMS), strict=True):
                if arg_ct is None:
                    continue
                known = found.get(arg)
                if known is None:
                    found[arg] = arg_ct
                elif isinstance(known, Expr) and known.type is FLOAT and isinstance(arg_ct, Expr):
                    found[arg] = add(known, arg_ct)  # the short way for scalars
                else:
                    _accumulate(found, arg, arg_ct)
        return [found.get(source) for source in wrt]  # type: ignore[misc]  # sources have one result


def _accumulate(found: dict[Expr, Cotangent], node: Expr, ct: Cotangent) -> None:
    known = found.get(node)
    if known is None:
        found[node] = ct
    elif isinstance(ct, Expr) and isinstance(known, Expr):
        found[node] = added(known, ct)
    elif isinstance(ct, list):
        for position, part in enumerate(ct):
            if part is not None:
                _accumulate_item(found, node, position, part)


def _accumulate_item(
    found: dict[Expr, Cotangent], node: Expr, position: int, ct: Cotangent
) -> None:
    assert isinstance(ct, Expr)
    assert isinstance(node.type, TupleType)
    items = found.setdefault(node, [None] * len(node.type.items))
    assert isinstance(items, list)
    known = items[position]
    items[position] = ct if known is None else added(known, ct)


def added(known: Expr, ct: Expr) -> Expr:
    """The sum; a cotangent of few elements only touches those."""
    for first, second in ((known, ct), (ct, known)):
        if second.op.into is not None:
            together = second.op.into(second, first)
            if together is not None:
                return together
    return add(known, ct)
