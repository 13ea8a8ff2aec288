"""Derivatives of tabulated functions: only samples at given, possibly uneven, places."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wengert.diff.numeric.assess import TRUSTED
from wengert.diff.numeric.options import HIGHEST_ORDER
from wengert.diff.numeric.record import Estimate, plain
from wengert.diff.numeric.sampling import Floats, as_count, as_point
from wengert.diff.numeric.weights import fornberg_weights
from wengert.errors import DomainError, ShapeError, worded

__all__ = ["from_samples"]

WHERE = "numeric.from_samples"


def from_samples(
    x: ArrayLike,
    fx: ArrayLike,
    at: ArrayLike | None = None,
    *,
    order: int = 1,
    accuracy: int = 4,
    noise: float | None = None,
) -> Estimate:
    """The ``order``-th derivative from samples ``fx[i] = f(x[i])`` at uneven ``x``.

    ``x`` has shape ``(n,)``, distinct and in any order; ``fx`` has shape ``(n, ...)``. The result has
    shape ``at.shape + fx.shape[1:]``; ``at`` is ``x`` itself unless given and may lie beyond the ends.
    Each point uses the ``order + accuracy`` nearest samples with Fornberg's weights. The error is the
    distance to the narrower stencil that leaves two of them out, plus rounding (or ``noise``, the
    standard deviation of ``fx``) through the weights; structure of ``f`` between the samples is
    invisible to it. Raises ``ShapeError`` for shapes that do not fit and for too few samples,
    ``DomainError`` for values that are not finite.

    >>> import numpy as np
    >>> x = np.array([0.0, 0.1, 0.25, 0.3, 0.45, 0.6])
    >>> slope = from_samples(x, x**3, at=0.25)
    >>> round(slope.value, 9), slope.error >= abs(slope.value - 0.1875)
    (0.1875, True)
    """
    nodes, values = as_point(x, WHERE), as_point(fx, WHERE)
    order, accuracy = as_count(order, 1, "order", WHERE), as_count(accuracy, 1, "accuracy", WHERE)
    if order > HIGHEST_ORDER:
        raise DomainError(
            worded(
                WHERE, expected=f"order from 1 to {HIGHEST_ORDER}", got=repr(order), hint="order=1"
            )
        )
    if nodes.ndim != 1 or values.shape[:1] != nodes.shape or np.unique(nodes).size != nodes.size:
        raise ShapeError(
            worded(WHERE, expected="distinct x of shape (n,) and fx of shape (n, ...)",
                   got=f"{nodes.shape} and {values.shape}", hint="average repeated samples")
        )  # fmt: skip
    width = order + accuracy
    if nodes.size < order + 2:
        raise ShapeError(
            worded(WHERE, expected=f"at least {order + 2} samples for order {order}", got=f"{nodes.size}",
                   hint="more samples or a lower order")
        )  # fmt: skip
    width = min(width, nodes.size)
    places = nodes if at is None else as_point(at, WHERE)
    table = values.reshape(nodes.size, -1)
    rows = [_at(float(p), nodes, table, order, width, noise) for p in places.ravel()]
    shape = places.shape + values.shape[1:]

    def stack(k: int) -> Floats:
        return np.array([row[k] for row in rows]).reshape(shape)

    value, error = stack(0), stack(1)
    good = stack(2).astype(bool)
    outside = bool(((places < nodes.min()) | (places > nodes.max())).any())
    notes = ("some places lie outside the samples",) if outside else ()
    if not good.all():
        notes = (*notes, "two stencils of different width disagree: the samples do not resolve f")
    return Estimate(
        value=plain(value),
        error=plain(error),
        calls=0,
        points=nodes.size,
        method="samples",
        order=order,
        step=plain(np.array([row[3] for row in rows]).reshape(places.shape)),
        noise=noise or 0.0,
        reliable=bool(good.all()),
        notes=notes,
    )


def _at(
    place: float, nodes: Floats, table: Floats, order: int, width: int, noise: float | None
) -> tuple[Floats, Floats, Floats, float]:
    """Value, error, trust and reach at one place."""
    nearest = np.argsort(np.abs(nodes - place), kind="stable")
    narrow = max(width - 2, order + 1)
    results = []
    for chosen in (nearest[:width], nearest[:narrow]):
        weights = fornberg_weights(place, nodes[chosen], order)[order]
        results.append((weights @ table[chosen], float(np.linalg.norm(weights)), chosen))
    (value, gain, chosen), (other, _, _) = results
    rounding = np.finfo(np.float64).eps * np.max(np.abs(table[chosen]), axis=0)
    error = np.abs(value - other) + 2.0 * gain * np.maximum(rounding, noise or 0.0)
    reach = float(np.max(np.abs(nodes[chosen] - place)))
    size = np.maximum(np.abs(value), np.ptp(table[chosen], axis=0) / reach**order)
    good = (error <= TRUSTED * size) | (size == 0)
    return value, error, good.astype(np.float64), reach
