"""Forward mode: carry each node's change along the graph (Wengert 1964)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from wengert.diff.rules import Cotangent, Tangent, push_forward
from wengert.ir.node import Expr, paused_gc
from wengert.ir.op import NoDerivative
from wengert.ir.types import TupleType
from wengert.ops.leaves import ZERO

__all__ = ["TRANSFORMS", "jvp"]


def jvp(outputs: Sequence[Expr], tangents: Mapping[Expr, Expr]) -> list[Expr | None]:
    """Changes of the outputs for given changes of nodes (usually symbols); ``None`` is zero.

    Costs a small multiple of the graph. With a unit change of one symbol the result *is* the symbolic
    derivative.
    """
    with paused_gc():
        change: dict[Expr, Tangent] = dict(tangents)
        changed = change.get
        for node in _order(outputs, tangents):
            args = node.args
            if not args or node in change:
                continue
            if args[0].type.__class__ is TupleType:  # a result picked from an op with several
                several = changed(args[0])
                picked = several[node.attr] if isinstance(several, list) else None
                if picked is not None:
                    change[node] = picked
                continue
            incoming: list[Expr | None] = [changed(arg) for arg in args]  # type: ignore[misc]
            for t in incoming:
                if t is not None:
                    outgoing = push_forward(node, incoming, TRANSFORMS)
                    if outgoing is not None and outgoing is not ZERO:  # x - x does not change
                        change[node] = outgoing
                    break
        return [change.get(out) for out in outputs]  # type: ignore[misc]  # outputs have one result


def _order(outputs: Sequence[Expr], tangents: Mapping[Expr, Expr]) -> list[Expr]:
    """All nodes through which a change may reach the outputs, arguments before users.

    Not those below a node that has no change whatever they do: they need no differential either.
    """
    stack = list(outputs)
    seen = set(stack)
    while stack:
        node = stack.pop()
        diff = node.op.diff
        if (diff.__class__ is NoDerivative and diff.zero) or node in tangents:
            continue
        for arg in node.args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen, key=_by_age)


_by_age = attrgetter("serial")


class _Transforms:
    """The transforms, as handed to rules of ops that have bodies."""

    def jvp(self, outputs: Sequence[Expr], tangents: dict[Expr, Expr]) -> list[Expr | None]:
        return jvp(outputs, tangents)

    def vjp(
        self,
        outputs: Sequence[Expr],
        cotangents: Sequence[Cotangent | None],
        wrt: Sequence[Expr],
    ) -> list[Expr | None]:
        from wengert.diff.reverse import vjp  # the two modes hand each other to rules

        return vjp(outputs, cotangents, wrt)


TRANSFORMS = _Transforms()
