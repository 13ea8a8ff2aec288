"""The complex step and its multicomplex extension, each checked against real differences.

``f'(x) = Im f(x + ih) / h`` has no subtraction, so ``h`` can be tiny and the result is good to
rounding (Lyness & Moler 1967; Squire & Trapp 1998). It needs an analytic ``f``: through ``abs``, a
conjugate, ``.real`` or noise that happens to be analytic it is silently wrong. So an adaptive real
difference of low accuracy looks at the same derivative; where the two disagree, the result says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from wengert.diff.numeric.assess import Flags
from wengert.diff.numeric.multicomplex import coefficient, lifted
from wengert.diff.numeric.options import Options, place_for
from wengert.diff.numeric.sampling import OUTSIDE, Floats, Sampler, run
from wengert.diff.numeric.search import search
from wengert.diff.numeric.verdict import Verdict
from wengert.errors import TypeMismatchError, worded

TINY = (
    2.0**-80
)  # relative step: its square is far below rounding, its fourth power far above underflow
NUDGE = 8.0  # units in the last place by which x is moved to see how rounding in f spreads
ROUGH = 1e-5  # relative error at which the real check may stop

REFUSED = (
    "complex step and real differences disagree:"
    " f is not analytic (abs, conj, real, a comparison) or noisy"
)
UNCHECKED = "no real difference could be found to check the complex step with"


def extent(options: Options, point: Floats, direction: Floats) -> tuple[float, float, float]:
    """How far ``point + t direction`` may go to the left and to the right, and a first scale of ``t``."""
    v, x = direction.ravel(), point.ravel()
    used = v != 0
    with np.errstate(divide="ignore", over="ignore"):
        up = np.where(v > 0, options.upper.ravel() - x, x - options.lower.ravel())[used] / np.abs(
            v[used]
        )
        down = np.where(v > 0, x - options.lower.ravel(), options.upper.ravel() - x)[used] / np.abs(
            v[used]
        )
    size = float(np.max(np.abs(x[used]))) or 1.0
    return float(down.min()), float(up.min()), size / float(np.max(np.abs(v)))


def along(sampler: Sampler, options: Options, x: float, i: int) -> Verdict:
    """The derivative at a scalar ``x``, the ``i``-th of those asked for."""
    here = replace(
        options, lower=options.lower.ravel()[i : i + 1], upper=options.upper.ravel()[i : i + 1]
    )
    return _checked(sampler, here, np.array(x), np.array(1.0))


def toward(sampler: Sampler, options: Options, point: Floats, direction: Floats) -> Verdict:
    """The derivative along ``direction``."""
    return _checked(sampler, options, point, direction)


def partials(sampler: Sampler, options: Options, point: Floats, center: Floats) -> list[Verdict]:
    """One verdict for each coordinate; one real difference along a mixed direction checks them all."""
    units = np.eye(point.size).reshape(point.size, *point.shape)
    pairs = [_value_and_error(sampler, options, point, unit) for unit in units]
    if not pairs:
        return []
    direction = _oblique(point)
    total = np.tensordot(direction.ravel(), np.array([value for value, _ in pairs]), axes=1)
    agree, checked = _agreement(sampler, options, point, direction, center, total)
    return [_verdict(value, error, agree, checked) for value, error in pairs]


def witnessed(
    sampler: Sampler, options: Options, point: Floats, center: Floats, value: Floats, error: Floats
) -> Verdict:
    """A flat Hessian of a scalar ``f``, checked by one real second difference."""
    direction = _oblique(point)
    flat = direction.ravel()
    total = np.atleast_1d(flat @ value.reshape(flat.size, flat.size) @ flat)
    agree, checked = _agreement(sampler, options, point, direction, center, total)
    many = value.shape
    return _verdict(value, error, np.broadcast_to(agree, many), np.broadcast_to(checked, many))


def _oblique(point: Floats) -> Floats:
    """A direction without pattern, in units of each coordinate, so that no two errors cancel."""
    weights = (0.6 + 0.4 * np.sin(1.0 + 2.0 * np.arange(point.size))).reshape(point.shape)
    direction: Floats = weights * np.where(point != 0, np.abs(point), 1.0)
    return direction


def _checked(sampler: Sampler, options: Options, point: Floats, direction: Floats) -> Verdict:
    center = sampler.center(point)
    value, error = _value_and_error(sampler, options, point, direction)
    agree, checked = _agreement(sampler, options, point, direction, center, value)
    return _verdict(value, error, agree, checked)


def _verdict(value: Floats, error: Floats, agree: Flags, checked: Flags) -> Verdict:
    notes = () if agree.all() else (REFUSED,)
    if not checked.all():
        notes = (*notes, UNCHECKED)
    good = agree & checked & np.isfinite(value)
    zero = np.zeros(value.shape)
    return Verdict(value, np.where(good, error, np.inf), zero, zero, good, notes)


def _agreement(
    sampler: Sampler,
    options: Options,
    point: Floats,
    direction: Floats,
    center: Floats,
    value: Floats,
) -> tuple[Flags, Flags]:
    """Whether an adaptive real difference agrees, and whether there is one to compare with."""
    left, right, anchor = extent(options, point, direction)
    place = place_for(options, center, sampler.ulp, origin=anchor, anchor=anchor,
                      left=left, right=right, spent=3)  # fmt: skip
    place = replace(place, enough=ROUGH)

    def path(offsets: Floats) -> Floats:
        points = point + np.multiply.outer(offsets, direction)
        return np.clip(
            points, options.lower.reshape(point.shape), options.upper.reshape(point.shape)
        )

    real = run(sampler, [search(options.order, place)], [path])[0]
    agree: Flags = np.abs(real.value - value) <= 3.0 * real.error + 1e-9 * np.abs(value)
    return agree | ~real.reliable, real.reliable


def _value_and_error(
    sampler: Sampler, options: Options, point: Floats, direction: Floats
) -> tuple[Floats, Floats]:
    """The derivative at ``x``, and how much it changes a few units in the last place away."""
    method = _first if options.order == 1 else _higher
    value = method(sampler, options.order, point, direction)
    nudged = point + NUDGE * np.spacing(np.abs(point)) * np.where(direction < 0, -1.0, 1.0)
    inside = np.clip(nudged, options.lower.reshape(point.shape), options.upper.reshape(point.shape))
    error = np.abs(method(sampler, options.order, inside, direction) - value)
    return value, error + 8.0 * sampler.ulp * np.abs(value)


def _first(sampler: Sampler, order: int, point: Floats, direction: Floats) -> Floats:
    h = TINY * _size(point, direction)
    argument = point + 1j * h * direction
    result = np.asarray(_evaluate(sampler, complex(argument) if argument.ndim == 0 else argument))
    slope: Floats = np.imag(result).astype(np.float64).ravel() / h
    return slope


def _higher(sampler: Sampler, order: int, point: Floats, direction: Floats) -> Floats:
    h = TINY * _size(point, direction)

    def seed(x: float, v: float) -> object:
        return lifted(float(x), [h * float(v)] * order)

    argument = np.vectorize(seed, otypes=[object])(point, direction)
    result = _evaluate(sampler, argument if point.ndim else argument.item())
    entries = np.asarray(result, dtype=object).ravel()
    value = np.array([coefficient(entry, order) for entry in entries])
    for _ in range(order):
        value = value / h
    return value


def mixed(sampler: Sampler, point: Floats, i: int, j: int) -> float:
    """The second partial derivative in coordinates ``i`` and ``j`` of a scalar ``f``, bicomplex."""
    flat = point.ravel()
    sizes = [TINY * (abs(float(flat[k])) or 1.0) for k in (i, j)]
    seeds = [[sizes[0] * (k == i), sizes[1] * (k == j)] for k in range(flat.size)]
    argument = np.empty(flat.size, dtype=object)
    for k, x in enumerate(flat):
        argument[k] = lifted(float(x), seeds[k])
    result = _evaluate(sampler, argument.reshape(point.shape) if point.ndim else argument[0])
    entry = np.asarray(result, dtype=object).ravel()[0]
    return coefficient(entry, 2) / sizes[0] / sizes[1]


def _size(point: Floats, direction: Floats) -> float:
    used = direction != 0
    size = float(np.max(np.abs(point[used]), initial=0.0)) or 1.0
    return size / float(np.max(np.abs(direction)))


def _evaluate(sampler: Sampler, argument: object) -> object:
    call: Callable[..., object] = sampler.f
    batched = sampler.vectorized
    sampler.calls += 1
    sampler.points += 1
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a discarded imaginary part shows in the check
            result = call(np.asarray(argument)[None] if batched else argument)
    except (TypeError, AttributeError, NotImplementedError, *OUTSIDE) as error:
        raise TypeMismatchError(
            worded(f'{sampler.where}, method="complex"', expected="f to accept complex numbers",
                   got=f"{type(error).__name__}: {error}",
                   hint='NumPy functions (np.sin, not math.sin), or method="adaptive"')
        ) from error  # fmt: skip
    return np.asarray(result)[0] if batched else result
