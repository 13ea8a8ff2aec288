"""Reads an op's differential out of its record, forwards and backwards.

:func:`push_forward` is the change of a node for changes of its arguments, :func:`pull_back` the same linear
map transposed. Both read the one differential that the record states; ``None`` is a change of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, assert_never

from wengert.errors import NoDerivativeError, worded
from wengert.ir.node import Expr, make
from wengert.ir.op import Linear, NoDerivative, Pointwise, Rule, Scaled
from wengert.ir.types import FLOAT, TupleType, Type, is_complex
from wengert.ops.algebra import times
from wengert.ops.complexes import conj, real
from wengert.ops.leaves import fresh
from wengert.ops.sums import add

__all__ = [
    "Cotangent",
    "Tangent",
    "Transforms",
    "pull_back",
    "push_forward",
    "strong_times",
    "total",
]

# An op with several results has a list of changes, one per result.
Tangent: TypeAlias = "Expr | list[Expr | None]"
Cotangent: TypeAlias = "Expr | list[Expr | None]"


class Transforms(Protocol):
    """What a rule of an op with bodies may ask for: the transforms themselves."""

    def jvp(self, outputs: Sequence[Expr], tangents: dict[Expr, Expr]) -> list[Expr | None]:
        """Changes of the outputs for changes of nodes."""

    def vjp(
        self, outputs: Sequence[Expr], cotangents: Sequence[Cotangent | None], wrt: Sequence[Expr]
    ) -> list[Expr | None]:
        """Cotangents of nodes for cotangents of the outputs."""


def strong_times(t: Expr, factor: Expr) -> Expr:
    """``t * factor``, where a zero of ``t`` that comes from a choice stays zero whatever the factor is."""
    if t.op.absorb is not None:
        inside = t.op.absorb(t, lambda u: strong_times(u, factor))
        if inside is not None:
            return inside
    return times(t, factor)


def _scaled(partial: Any, t: Expr, node: Expr) -> Expr | None:
    """One partial times ``t``; ``partial`` is a function of the arguments or a :class:`Scaled` action."""
    if partial is None:
        return None
    if partial.__class__ is Scaled:
        return _acted(partial.action, t, node)
    args, attr = node.args, node.attr
    value = partial(*args, node) if attr is None else partial(*args, node, attr=attr)
    return None if value is None else strong_times(t, value)


def _acted(action: Callable[..., Expr], t: Expr, node: Expr) -> Expr:
    def act(u: Expr) -> Expr:
        args, attr = node.args, node.attr
        return action(u, *args, node) if attr is None else action(u, *args, node, attr=attr)

    if t.op.absorb is not None:
        inside = t.op.absorb(t, act)
        if inside is not None:
            return inside
    return act(t)


def total(terms: Sequence[Expr | None]) -> Expr | None:
    """The sum of changes; ``None`` where all are zero."""
    result: Expr | None = None
    for term in terms:
        if term is not None:
            result = term if result is None else add(result, term)
    return result


def _refuse(node: Expr, why: str) -> NoDerivativeError:
    return NoDerivativeError(
        worded(
            f"derivative of `{node.op.name}`",
            expected="an op with a differential",
            got=f"one that has none: {why}",
            hint="treat it as constant, or register a rule",
        )
    )


def push_forward(
    node: Expr, tangents: Sequence[Expr | None], transforms: Transforms
) -> Tangent | None:
    """The change of ``node`` for changes of its arguments (not all of them zero).

    Raises:
        NoDerivativeError: the op declares that it has no differential.
    """
    diff = node.op.diff
    match diff:
        case Pointwise():
            return total(
                [
                    None if t is None else _scaled(partial, t, node)
                    for partial, t in zip(diff.partials, tangents, strict=True)
                ]
            )
        case Linear():
            return _push_linear(node, diff, tangents)
        case Rule():
            return diff.jvp(node.args, tangents, node, attr=node.attr, diff=transforms)
        case NoDerivative():
            if diff.zero:
                return None
            raise _refuse(node, diff.why)
        case _:
            assert_never(diff)


def _push_linear(node: Expr, diff: Linear, tangents: Sequence[Expr | None]) -> Expr | None:
    op, args, attr = node.op, node.args, node.attr
    if diff.slots is not None:
        tangents = [t if slot in diff.slots else None for slot, t in enumerate(tangents)]
        if all(t is None for t in tangents):
            return None
    if diff.joint is not None:
        return diff.joint(tangents, args) if attr is None else diff.joint(tangents, args, attr=attr)
    change: Expr | None = None
    for slot, t in enumerate(tangents):
        if t is None:
            continue
        replaced = (*args[:slot], t, *args[slot + 1 :])
        if op.build is None:
            term = make(op, replaced, attr)
        else:
            term = op.build(*replaced) if attr is None else op.build(*replaced, attr=attr)
        change = term if change is None else add(change, term)
    return change


def pull_back(
    node: Expr, ct: Cotangent, wanted: Sequence[bool], transforms: Transforms
) -> list[Cotangent | None]:
    """Cotangents of the wanted arguments for the cotangent of ``node``.

    ``ct`` may have extra leading axes; they come out in front of every result. The cotangent of a complex
    ``z = x + i y`` is ``dL/dx + i dL/dy``.

    Raises:
        NoDerivativeError: the op declares that it has no differential.
    """
    type_ = node.type
    if type_ is not FLOAT and isinstance(type_, Type) and is_complex(type_):
        return _pull_back_complex(node, ct, wanted, transforms)
    diff = node.op.diff
    if isinstance(diff, Linear) and isinstance(ct, Expr):  # the commonest first
        return _pull_linear(node, diff, ct, wanted)
    return _pull_back(node, ct, wanted, transforms)


def _pull_back_complex(
    node: Expr, ct: Cotangent, wanted: Sequence[bool], transforms: Transforms
) -> list[Cotangent | None]:
    """The adjoint of a complex-linear map is its transpose between two conjugations.

    Rules pull back by the records of others, or do it by themselves. What reaches a real argument is
    projected to the real numbers.
    """
    if isinstance(node.op.diff, Rule):
        found = _pull_back(node, ct, wanted, transforms)
    else:
        transposed = _pull_back(node, conj(_one(ct)), wanted, transforms)
        found = [conj(_one(part)) if part is not None else None for part in transposed]
    return [
        real(part) if isinstance(part, Expr) and not is_complex(arg.value_type) else part
        for part, arg in zip(found, node.args, strict=True)
    ]


def _pull_back(
    node: Expr, ct: Cotangent, wanted: Sequence[bool], transforms: Transforms
) -> list[Cotangent | None]:
    diff = node.op.diff
    match diff:
        case Pointwise():
            single = _one(ct)
            return [
                _scaled(partial, single, node) if want else None
                for partial, want in zip(diff.partials, wanted, strict=True)
            ]
        case Linear():
            return _pull_linear(node, diff, _one(ct), wanted)
        case Rule():
            return _pull_rule(node, diff, ct, wanted, transforms)
        case NoDerivative():
            if diff.zero:
                return [None] * len(wanted)
            raise _refuse(node, diff.why)
        case _:
            assert_never(diff)


def _one(ct: Cotangent) -> Expr:
    assert isinstance(ct, Expr), "only ops with several results have a list of cotangents"
    return ct


def _pull_linear(
    node: Expr, diff: Linear, ct: Expr, wanted: Sequence[bool]
) -> list[Cotangent | None]:
    if not diff.elementwise and not diff.batched and ct.ndim != node.ndim:
        raise _not_batched(node)
    args, attr, slots, transpose = node.args, node.attr, diff.slots, diff.transpose
    found: list[Cotangent | None] = []
    for slot, want in enumerate(wanted):
        if not want or (slots is not None and slot not in slots):
            found.append(None)
        elif attr is None:
            found.append(transpose(ct, slot, *args))
        else:
            found.append(transpose(ct, slot, *args, attr=attr))
    return found


def _not_batched(node: Expr) -> NoDerivativeError:
    return NoDerivativeError(
        worded(
            f"Jacobian through `{node.op.name}`",
            expected="ops whose transpose takes a stack of cotangents",
            got="one that takes a single cotangent",
            hint="differentiate a scalar, or one output element at a time",
        )
    )


def _is_stack(node: Expr, ct: Cotangent) -> bool:
    """Whether a cotangent has extra leading axes."""
    if isinstance(ct, Expr):
        return ct.ndim != node.ndim
    assert isinstance(node.type, TupleType)
    return any(
        part is not None and part.ndim != item.rank
        for part, item in zip(ct, node.type.items, strict=True)
    )


def _pairs(change: Tangent, ct: Cotangent) -> list[tuple[Expr, Cotangent]]:
    """Changes that are not zero with their cotangents, for one result or several."""
    if isinstance(change, Expr):
        return [(change, ct)]
    assert isinstance(ct, list)
    both = zip(change, ct, strict=True)
    return [(c, t) for c, t in both if c is not None and t is not None]


def _pull_rule(
    node: Expr, rule: Rule, ct: Cotangent, wanted: Sequence[bool], transforms: Transforms
) -> list[Cotangent | None]:
    """By the hand-made reverse where there is one, else by linearizing and transposing the forward rule."""
    if rule.vjp is not None and (rule.batched or not _is_stack(node, ct)):
        return list(rule.vjp(node.args, wanted, ct, node, attr=node.attr, diff=transforms))
    seeds = [
        fresh(arg.value_type) if want else None for arg, want in zip(node.args, wanted, strict=True)
    ]
    change = rule.jvp(node.args, seeds, node, attr=node.attr, diff=transforms)
    if change is None:
        return [None] * len(seeds)
    active = [s for s in seeds if s is not None]
    pairs = _pairs(change, ct)
    results = iter(transforms.vjp([c for c, _ in pairs], [t for _, t in pairs], active))
    return [None if seed is None else next(results) for seed in seeds]
