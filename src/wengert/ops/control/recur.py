"""``recur``: inside the body of a recursive call, the same call again on other arguments.

Which call is meant is a number: 0 is the innermost recursive call around the node, 1 the next, through any
branches and loops between. A node knows the signature of what it calls, not its body; so a body that calls
itself is a finite, closed region, and the differential of a node is a node that calls the differential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wengert.errors import EvaluationError, TypeMismatchError, worded
from wengert.ir.dims import Extent
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Op, Rule, register
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type, is_inexact
from wengert.ir.walk import build, order, renamed, renaming
from wengert.ops.control.changes import (
    Change,
    Transforms,
    batch_of,
    change_type,
    or_zeros,
    result_types,
)
from wengert.ops.control.depths import depth_of
from wengert.ops.control.item import items
from wengert.ops.control.regions import fits, outer_sizes, outer_type, retyped
from wengert.ops.leaves import param

__all__ = [
    "RECUR",
    "Recur",
    "active",
    "again",
    "backward_signature",
    "forward_signature",
    "rewritten",
    "shifted",
    "signature_of",
]


class Recur(NamedTuple):
    """Which call (a negative number while it is being built), and its signature.

    The signature is a region without inside: parameters for the arguments and then for the results, which
    are also its outputs. ``site`` keeps calls apart that are made at several places of a body being built:
    one of them may never be reached.
    """

    level: int
    signature: Region
    site: int = 0


codec(Recur)


def signature_of(params: Sequence[Expr], results: Sequence[Type]) -> Region:
    """The signature of a call with these parameters, whose results are seen from inside the body."""
    found = tuple(param(len(params) + i, type_) for i, type_ in enumerate(results))
    return Region((*params, *found), found)


def _split(signature: Region) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    count = len(signature.params) - len(signature.outputs)
    return signature.params[:count], signature.outputs


def again(level: int, signature: Region, args: Sequence[Expr], site: int = 0) -> tuple[Expr, ...]:
    """The results of calling once more."""
    return items(make(RECUR, tuple(args), Recur(level, signature, site)))


# --- signatures of differentials -----------------------------------------------------------------------
def active(types: Sequence[Type]) -> list[int]:
    """Which arguments or results have changes: all floating-point ones."""
    return [i for i, type_ in enumerate(types) if is_inexact(type_)]


def forward_signature(signature: Region) -> Region:
    """Arguments and their changes to changes of the results."""
    params, results = _split(signature)
    types = [p.value_type for p in params]
    changes = [change_type(types[i]) for i in active(types)]
    found = [change_type(r.value_type) for r in results if is_inexact(r.value_type)]
    return signature_of((*params, *_numbered(len(params), changes)), found)


def backward_signature(signature: Region, batch: tuple[Extent, ...]) -> Region:
    """Arguments and cotangents of the results to cotangents of the arguments."""
    params, results = _split(signature)
    types = [p.value_type for p in params]
    cts = [change_type(r.value_type, batch) for r in results if is_inexact(r.value_type)]
    found = [change_type(types[i], batch) for i in active(types)]
    return signature_of((*params, *_numbered(len(params), cts)), found)


def _numbered(first: int, types: Sequence[Type]) -> list[Expr]:
    return [param(i, type_) for i, type_ in enumerate(types, start=first)]


# --- the record ------------------------------------------------------------------------------------------
def _recur_type(*types: Type, attr: Recur, args: Sequence[Expr]) -> TupleType:
    params, results = _split(attr.signature)
    sizes = outer_sizes(attr.signature, [*args, *[None] * len(results)])
    wanted = [retyped(p.value_type, sizes) for p in params]
    if len(wanted) != len(types) or not all(map(fits, types, wanted)):
        raise TypeMismatchError(
            worded(
                "recursion",
                expected=f"arguments of types {', '.join(map(str, wanted))}",
                got=", ".join(map(str, types)),
                hint="give arguments the same shape and dtype at every depth",
            )
        )
    return TupleType(tuple(outer_type(r.value_type, sizes, "recursion") for r in results))


def _recur_value(*values: Any, attr: Recur, **_: Any) -> Any:
    raise EvaluationError(worded("recursion", expected="a call around it", got="none"))


def _recur_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Recur, diff: Transforms
) -> list[Change]:
    types = [a.value_type for a in _split(attr.signature)[0]]
    changes = [or_zeros(tangents[i], change_type(args[i].value_type)) for i in active(types)]
    found = again(attr.level, forward_signature(attr.signature), [*args, *changes])
    return _spread(found, result_types(out))


def _recur_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Recur,
    diff: Transforms,
) -> list[Change]:
    results = result_types(out)
    batch = batch_of(ct, results)
    cts = [or_zeros(ct[i], change_type(results[i], batch)) for i in active(results)]
    found = again(attr.level, backward_signature(attr.signature, batch), [*args, *cts])
    return _spread(found, [p.value_type for p in _split(attr.signature)[0]])


def _spread(changes: Sequence[Expr], types: Sequence[Type]) -> list[Change]:
    found: list[Change] = [None] * len(types)
    for position, change in zip(active(types), changes, strict=True):
        found[position] = change
    return found


RECUR = register(
    Op(
        name="recur",
        doc="Inside of a recursive call: the same call again, on other arguments.",
        result=_recur_type,
        evaluate=_recur_value,
        dependent=True,
        diff=Rule(_recur_jvp, _recur_vjp, batched=True),
        bodies=lambda attr: (attr.signature,),
        with_bodies=lambda attr, bodies: attr._replace(signature=bodies[0]),
        recurs=lambda attr: attr.level,
        exempt={
            "samples": "tried with calls, in whose bodies it occurs",
            "text": "a body is no formula",
        },
    )
)


# --- going through bodies ----------------------------------------------------------------------------------
def rewritten(
    outputs: Sequence[Expr],
    change: Callable[[Expr, tuple[Expr, ...], int], Expr | None],
    level: int = 0,
) -> list[Expr]:
    """The graphs with recursive calls replaced, inside of bodies too.

    ``change(node, args, level)`` gives what stands for a ``recur`` node, whose arguments have been
    rewritten, at a depth of ``level`` recursive calls, or ``None`` for the same on the new arguments.
    """
    done: dict[Expr, Expr] = {}
    for node in order(outputs):
        if not node.args and not node.needs:
            done[node] = node
            continue
        args = tuple([done[a] for a in node.args])
        sizes = renaming(node.needs, done)
        attr = renamed(node.attr, sizes) if sizes else node.attr
        if node.op.recurs is not None:
            changed = change(node, args, level)
            done[node] = build(node.op, args, attr) if changed is None else changed
        elif node.op.bodies is not None and depth_of(node):
            deeper = level + int(node.op.binds is not None and node.op.binds(attr))
            bodies = tuple(
                Region(b.params, tuple(rewritten(b.outputs, change, deeper)))
                for b in node.op.bodies(attr)
            )
            assert node.op.with_bodies is not None
            done[node] = build(node.op, args, node.op.with_bodies(attr, bodies))
        elif args == node.args and attr is node.attr:
            done[node] = node
        else:
            done[node] = build(node.op, args, attr)
    return [done[out] for out in outputs]


def shifted(node: Expr, by: int) -> Expr:
    """The node where ``by`` more recursive calls are around it."""

    def change(inner: Expr, args: tuple[Expr, ...], level: int) -> Expr | None:
        attr: Recur = inner.attr
        if attr.level < level:
            return None
        return make(RECUR, args, attr._replace(level=attr.level + by))

    return rewritten([node], change)[0] if by and depth_of(node) else node
