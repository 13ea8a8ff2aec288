"""How many scalar operations an evaluation takes, and how many elements loops stack, counted as it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.node import Expr
from wengert.run import reference

__all__ = ["Counts", "counts"]

# Moving data is free, and so is choosing.
_FREE = frozenset(
    [
        "index",
        "update",
        "take",
        "set_at",
        "constant",
        "symbol",
        "param",
        "item",
        "size",
        "reshape",
        "stack",
        "concatenate",
        "where",
        "loop",
        "cond",
        "call",
        "recur",
        "cast",
        "eye",
        "named",
    ]
)


class Counts(NamedTuple):
    """Scalar operations, stacked elements, and iterations of loops."""

    operations: int
    stacked: int
    iterations: int


def _operations(op: Any, args: Sequence[Any], attr: Any, result: Any) -> int:
    if op.name == "ein":
        extents: dict[int, int] = {}
        for value, axes in zip(args, attr.factors, strict=True):
            extents.update(zip(axes, np.shape(value), strict=True))
        points = int(np.prod(list(extents.values()) or [1]))
        if len(args) == 1:
            return points if attr.summed else 0
        return points * (len(args) - 1 + bool(attr.summed))
    if op.name == "lin":
        terms = [c for c in attr if c != 0]
        scaled = sum(c not in (1, -1) for c in terms)
        return int(np.size(result)) * max(len(terms) - 1 + scaled, 0)
    if op.name == "add_at":
        return int(np.size(args[1]))
    return 0 if op.name in _FREE else int(np.size(result))


@contextmanager
def _metered(totals: list[int]) -> Iterator[None]:
    plain = reference._apply

    def apply(op: Any, args: Sequence[Any], attr: Any, *rest: Any) -> Any:
        result = plain(op, args, attr, *rest)
        totals[0] += _operations(op, args, attr, result)
        if op.name == "loop":
            spec = attr[0]
            rows = result[len(result) - spec.stacked :] if spec.stacked else ()
            totals[1] += sum(int(np.size(row)) for row in rows)
        return result

    def run(region: Any, *rest: Any) -> Any:
        totals[2] += 1
        return plain_run(region, *rest)

    plain_run = reference.run_region
    reference._apply, reference.run_region = apply, run  # type: ignore[assignment]
    try:
        yield
    finally:
        reference._apply, reference.run_region = plain, plain_run


def counts(roots: Sequence[Expr], values: Mapping[str, Any]) -> Counts:
    """What evaluating the roots takes."""
    totals = [0, 0, 0]
    with _metered(totals):
        reference.evaluate_nodes(roots, values)
    return Counts(*totals)
