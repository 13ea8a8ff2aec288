"""Derivatives along lines: of one variable, along a direction, and all partial derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from wengert.diff.numeric import complex_step
from wengert.diff.numeric.options import (
    MOST_CALLS,
    Bounds,
    Options,
    checked,
    line_search,
    place_for,
)
from wengert.diff.numeric.record import Estimate, plain
from wengert.diff.numeric.sampling import Floats, Function, Sampler, as_point, run
from wengert.diff.numeric.verdict import Verdict
from wengert.errors import ShapeError, worded

__all__ = ["derivative", "directional", "gradient", "jacobian"]


# Steps of a size near x = 1e-303 would be so few spacings of floats that they are not exact any more.
_SMALLEST = 1e-303


def _anchor(x: float) -> float:
    """The size that steps start from: that of ``x``, or 1 where x is 0 or all but."""
    return abs(x) if abs(x) > _SMALLEST else 1.0


def derivative(
    f: Function,
    x: ArrayLike,
    *,
    order: int = 1,
    method: str = "adaptive",
    accuracy: int | None = None,
    step: float | None = None,
    noise: float | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    max_calls: int = MOST_CALLS,
) -> Estimate:
    """The ``order``-th derivative (1 to 4) of a function of one real variable that can only be sampled.

    ``f`` maps a float to a float or an array. ``x`` may be an array: then every element is a point
    of its own, and the value has shape ``x.shape + f(x).shape``. With ``vectorized=True`` ``f``
    is given arrays of points, shape ``(n,)``, and returns ``(n, ...)``.

    ``method``: ``"adaptive"`` searches steps over all scales, estimates the noise of ``f``, keeps to
    one side at the edge of a domain and uses at most ``max_calls`` points for each element of
    ``x``; ``"central"``, ``"forward"`` and ``"backward"`` are formulas of order ``accuracy`` (4 unless
    told otherwise) at ``step`` and, for the error, at a second step; ``"complex"`` is the complex step
    (Lyness & Moler 1967, SIAM J. Numer. Anal. 4; Squire & Trapp 1998, SIAM Review 40), for higher
    orders on multicomplex numbers, checked against real differences. ``step`` is a first guess of
    a scale for ``"adaptive"``. ``noise`` is the standard deviation of the noise of ``f``, where
    known. ``f`` is never evaluated outside ``bounds=(low, high)``; None is no bound.

    Raises ``DomainError`` for an ``x`` or ``f(x)`` that is not finite or outside the bounds and for
    options out of range, ``TypeMismatchError`` for what is no function or no real number,
    ``ShapeError`` for results whose shape changes, ``UnknownNameError`` for an unknown method.

    >>> import math
    >>> slope = derivative(math.sin, 0.0)
    >>> abs(slope.value - 1.0) <= slope.error < 1e-9, slope.reliable, slope.calls <= 30
    (True, True, True)
    """
    where = "numeric.derivative"
    point = as_point(x, where)
    options = checked(point, where, order=order, method=method, accuracy=accuracy, step=step,
                      noise=noise, bounds=bounds, max_calls=max_calls)  # fmt: skip
    flat = point.ravel()
    sampler = Sampler(f, np.zeros(()), vectorized=vectorized, where=where)
    if method == "complex":
        return _stacked([complex_step.along(sampler, options, v, i) for i, v in enumerate(flat)],
                        sampler, options, point.shape)  # fmt: skip
    centers = sampler.centers(flat)
    searches = [
        line_search(options, place_for(
            options, centers[i], sampler.ulp, origin=float(v), anchor=_anchor(float(v)),
            left=float(v - options.lower.flat[i]), right=float(options.upper.flat[i] - v), spent=1))
        for i, v in enumerate(flat)
    ]  # fmt: skip
    verdicts = run(
        sampler,
        searches,
        [_shift(v, options.lower.flat[i], options.upper.flat[i]) for i, v in enumerate(flat)],
    )
    verdicts = [_rounded(v, c, order) for v, c in zip(verdicts, centers, strict=True)]
    return _stacked(verdicts, sampler, options, point.shape)


def _rounded(verdict: Verdict, center: Floats, order: int) -> Verdict:
    """No error is exactly 0 unless ``f`` is: squares near 1e-300 vanish, their rounding does not."""
    exact = verdict.error == 0
    if not exact.any():
        return verdict
    steps = np.where(verdict.step > 0, verdict.step, np.inf)
    floor = 4.0 * np.finfo(float).eps * np.abs(center)
    with np.errstate(over="ignore"):
        for _ in range(order):
            floor = floor / steps
    return replace(verdict, error=np.where(exact & np.isfinite(floor), floor, verdict.error))


def _shift(v: float, lower: float, upper: float) -> Callable[[Floats], Floats]:
    # Clipped like every point: rounding of x + t must not leave the bounds by a unit in the last place.
    return lambda offsets: np.clip(v + offsets, lower, upper)


def _stacked(
    verdicts: list[Verdict], sampler: Sampler, options: Options, shape: tuple[int, ...]
) -> Estimate:
    """One estimate from one verdict for each element of ``x``; the elements of ``x`` come first."""

    def stack(rows: Iterable[Floats]) -> Floats:
        return np.array(list(rows)).reshape((*shape, *sampler.out_shape))

    return estimate(
        verdicts,
        sampler,
        options,
        stack(v.value for v in verdicts),
        stack(v.error for v in verdicts),
        shape,
    )


def estimate(
    verdicts: list[Verdict],
    sampler: Sampler,
    options: Options,
    value: Floats,
    error: Floats,
    shape: tuple[int, ...] | None,
) -> Estimate:
    """The record for results already in shape; ``shape`` is that of the steps, None for the largest one."""
    steps = np.array([v.step.max(initial=0.0) for v in verdicts])
    notes = dict.fromkeys(note for verdict in verdicts for note in verdict.notes)
    return Estimate(
        value=plain(value + 0.0),  # no negative zeros
        error=plain(error),
        calls=sampler.calls,
        points=sampler.points,
        method=options.method,
        order=options.order,
        step=plain(steps.max(initial=0.0) if shape is None else steps.reshape(shape)),
        noise=max((float(v.noise.max(initial=0.0)) for v in verdicts), default=0.0),
        reliable=all(bool(v.reliable.all()) for v in verdicts),
        notes=tuple(notes),
    )


def directional(
    f: Function,
    x: ArrayLike,
    v: ArrayLike,
    *,
    order: int = 1,
    method: str = "adaptive",
    accuracy: int | None = None,
    step: float | None = None,
    noise: float | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    max_calls: int = MOST_CALLS,
) -> Estimate:
    """The ``order``-th derivative of ``f(x + t v)`` in ``t`` at 0; shape ``f(x).shape``.

    ``v`` has the shape of ``x`` and any length. Steps, and the ``step`` of the result, are in units
    of ``t``; everything else is as for ``derivative``.

    >>> import numpy as np
    >>> slope = directional(lambda p: p @ p, [3.0, 4.0], [1.0, 1.0])
    >>> round(slope.value, 9)
    14.0
    """
    where = "numeric.directional"
    point, direction = as_point(x, where), as_point(v, where)
    if point.shape != direction.shape or not direction.any():
        raise ShapeError(
            worded(where, expected=f"a direction other than 0 of shape {point.shape}",
                   got=f"shape {direction.shape}", hint="v of the shape of x")
        )  # fmt: skip
    options = checked(point, where, order=order, method=method, accuracy=accuracy, step=step,
                      noise=noise, bounds=bounds, max_calls=max_calls)  # fmt: skip
    sampler = Sampler(f, point, vectorized=vectorized, where=where)
    if method == "complex":
        verdict = complex_step.toward(sampler, options, point, direction)
    else:
        verdict = _toward(sampler, options, point, direction)
    out = sampler.out_shape
    return estimate(
        [verdict], sampler, options, verdict.value.reshape(out), verdict.error.reshape(out), ()
    )


def _toward(sampler: Sampler, options: Options, point: Floats, direction: Floats) -> Verdict:
    center = sampler.center(point)
    left, right, anchor = complex_step.extent(options, point, direction)
    place = place_for(options, center, sampler.ulp, origin=anchor, anchor=anchor,
                      left=left, right=right, spent=1)  # fmt: skip

    def path(offsets: Floats) -> Floats:
        return np.clip(point + np.multiply.outer(offsets, direction), options.lower, options.upper)

    return run(sampler, [line_search(options, place)], [path])[0]


def partials(sampler: Sampler, options: Options, point: Floats, center: Floats) -> list[Verdict]:
    """One verdict for each coordinate of ``point``, all sharing ``f(x)``."""
    flat = point.ravel()
    searches = [
        line_search(options, place_for(
            options, center, sampler.ulp, origin=float(v), anchor=_anchor(float(v)),
            left=float(v - options.lower.flat[i]), right=float(options.upper.flat[i] - v), spent=1))
        for i, v in enumerate(flat)
    ]  # fmt: skip
    return run(sampler, searches, [coordinate_path(options, point, i) for i in range(flat.size)])


def coordinate_path(options: Options, point: Floats, i: int) -> Callable[[Floats], Floats]:
    """Offsets along coordinate ``i`` to points of the shape of ``point``."""

    def path(offsets: Floats) -> Floats:
        points = np.repeat(point.reshape(1, -1), offsets.size, axis=0)
        points[:, i] = np.clip(
            point.flat[i] + offsets, options.lower.flat[i], options.upper.flat[i]
        )
        return points.reshape((offsets.size, *point.shape))

    return path


def jacobian(
    f: Function,
    x: ArrayLike,
    *,
    method: str = "adaptive",
    accuracy: int | None = None,
    step: float | None = None,
    noise: float | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    max_calls: int = MOST_CALLS,
) -> Estimate:
    """All first partial derivatives of ``f``; the value has shape ``f(x).shape + x.shape``.

    Every coordinate has its own search and its own scale of steps, with at most ``max_calls`` points
    for each (``f(x)`` is shared). With ``vectorized=True`` ``f`` is given points of shape ``(n,) +
    x.shape``, those of all coordinates at once. Options and errors are those of ``derivative``.

    >>> import numpy as np
    >>> J = jacobian(lambda p: np.array([p[0] * p[1], p[0] ** 2]), [2.0, 3.0])
    >>> np.round(J.value, 6)
    array([[3., 2.],
           [4., 0.]])
    """
    where = "numeric.jacobian"
    point = as_point(x, where)
    options = checked(point, where, order=1, method=method, accuracy=accuracy, step=step,
                      noise=noise, bounds=bounds, max_calls=max_calls)  # fmt: skip
    return _jacobian(f, point, options, vectorized=vectorized, scalar=False)


def gradient(
    f: Function,
    x: ArrayLike,
    *,
    method: str = "adaptive",
    accuracy: int | None = None,
    step: float | None = None,
    noise: float | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    max_calls: int = MOST_CALLS,
) -> Estimate:
    """The gradient of a scalar function; value and error have the shape of ``x``.

    As ``jacobian``, but ``f`` must return a scalar: ``ShapeError`` otherwise.

    >>> import numpy as np
    >>> np.round(gradient(lambda p: p[0] ** 2 * p[1], [3.0, 5.0]).value, 6)
    array([30.,  9.])
    """
    where = "numeric.gradient"
    point = as_point(x, where)
    options = checked(point, where, order=1, method=method, accuracy=accuracy, step=step,
                      noise=noise, bounds=bounds, max_calls=max_calls)  # fmt: skip
    return _jacobian(f, point, options, vectorized=vectorized, scalar=True)


def _jacobian(
    f: Function, point: Floats, options: Options, *, vectorized: bool, scalar: bool
) -> Estimate:
    sampler = Sampler(f, point, vectorized=vectorized, where=options.where)
    center = sampler.center(point)
    if scalar:
        require_scalar(sampler)
    if options.method == "complex":
        verdicts = complex_step.partials(sampler, options, point, center)
    else:
        verdicts = partials(sampler, options, point, center)
    count = center.size

    def columns(rows: list[Floats]) -> Floats:
        table = np.array(rows).reshape(point.size, count).T
        return table.reshape((*sampler.out_shape, *point.shape))

    value, error = columns([v.value for v in verdicts]), columns([v.error for v in verdicts])
    return estimate(verdicts, sampler, options, value, error, point.shape)


def require_scalar(sampler: Sampler) -> None:
    """Refuse functions that return arrays."""
    if sampler.out_shape != ():
        raise ShapeError(
            worded(sampler.where, expected="f to return a scalar", got=f"shape {sampler.out_shape}",
                   hint="numeric.jacobian, or sum the result")
        )  # fmt: skip
