"""When two nodes compute the same, and in what order operands stand that may be in any."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from wengert.emit.python.values import Value
from wengert.ir.node import Expr
from wengert.show.forms import Form

__all__ = ["Rank", "key_of", "rank_of"]


class Rank(NamedTuple):
    """Where an operand stands: its size, the number of its first leaf, a fingerprint."""

    weight: int
    lead: int
    mark: int


_FIRST = 1 << 20  # of leaves that have no number


def key_of(node: Expr, form: Form | None, values: Mapping[Expr, Value]) -> Hashable:
    """What tells a value from others: how it is executed, on which values."""
    op = node.op
    if form is not None:
        return _signature(form, values)
    attr = node.attr if op.key is None else op.key(node.attr)
    args = tuple(values.get(a, a) for a in node.args)
    return (op.name, attr, args)


def _signature(form: Form, values: Mapping[Expr, Value]) -> Hashable:
    data = form.data
    if isinstance(data, Expr):
        if form.kind == "literal":
            return data
        own = data.attr if data.op.key is None else data.op.key(data.attr)
        data = (data.op.name, own, data.type)
    elif isinstance(data, tuple) and form.kind == "full":
        data = (repr(data[0]), data[1].type)
    elif form.kind == "number":
        data = repr(data)
    parts = tuple(_signature(p, values) if isinstance(p, Form) else values[p] for p in form.parts)
    return (form.kind, data, parts)


# --- an order that does not depend on what was built before ---------------------------------------------
_MANY = 1 << 40
_INVENTED = re.compile(r"%\w+")


def rank_of(node: Expr, ranks: Mapping[Expr, Rank]) -> Rank:
    """Sorts operands that commute: small ones first, then by their first leaf, then by what they are."""
    inner = [ranks[a] for a in node.args]
    op = node.op
    if not inner:
        attr = node.attr
        place = attr[0] if op.bound else _FIRST if op.free else 0
        return Rank(1, place, crc32(f"{op.name} {_attr_text(node)}".encode()))
    weight = min(1 + sum(r.weight for r in inner), _MANY)
    if not op.laws.commutative:
        marks = [r.mark for r in inner]
        own = crc32(f"{op.name} {_attr_text(node)}".encode())
        return Rank(weight, inner[0].lead, hash((own, *marks)))
    # Attributes of commutative ops go with their arguments: coefficients, axes.
    paired: Sequence[object] = ("",) * len(inner)
    if isinstance(node.attr, tuple) and len(node.attr) == len(inner):
        paired = [str(c) for c in node.attr]
    elif node.attr is not None:
        paired = [str(len(axes)) for axes in node.attr.factors]
    marked = sorted((r.mark, crc32(str(p).encode())) for r, p in zip(inner, paired, strict=True))
    own = crc32(op.name.encode())
    return Rank(weight, min(r.lead for r in inner), hash((own, *(x for m in marked for x in m))))


def _attr_text(node: Expr) -> str:
    attr = node.attr
    if attr is None:
        return ""
    if isinstance(attr, np.ndarray):
        return f"{attr.dtype} {attr.shape} {crc32(attr.tobytes())}"
    if node.op.bodies is not None:
        return ""
    if type(attr) is int and attr.bit_length() > 64:
        return str(hash(attr))
    return _INVENTED.sub("%", str(attr))
