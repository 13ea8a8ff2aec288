"""The options that all differentiating functions share, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wengert.diff.numeric.book import Place
from wengert.diff.numeric.formulas import balanced_step, fixed, stencil
from wengert.diff.numeric.sampling import Floats, as_count
from wengert.diff.numeric.search import Requests, search
from wengert.errors import DomainError, NumericError, ShapeError, UnknownNameError, nearest, worded

Bounds = tuple[ArrayLike | None, ArrayLike | None]

METHODS = ("adaptive", "central", "forward", "backward", "complex")
HIGHEST_ORDER = 4
MOST_CALLS = 30


@dataclass(frozen=True)
class Options:
    """Checked options; ``lower`` and ``upper`` have the shape of ``x``."""

    where: str
    order: int
    method: str
    accuracy: int
    step: float | None
    noise: float
    lower: Floats
    upper: Floats
    max_calls: int


def checked(
    x: Floats,
    where: str,
    *,
    order: int,
    method: str,
    accuracy: int | None,
    step: float | None,
    noise: float | None,
    bounds: Bounds | None,
    max_calls: int,
) -> Options:
    """Options with defaults filled in; every misuse gets its message here."""
    if method not in METHODS:
        near = nearest(str(method), METHODS) or f"method={METHODS[0]!r}"
        raise UnknownNameError(
            worded(
                where, expected=f"method one of {', '.join(METHODS)}", got=repr(method), hint=near
            )
        )
    order = as_count(order, 1, "order", where)
    if order > HIGHEST_ORDER:
        raise DomainError(
            worded(where, expected=f"order from 1 to {HIGHEST_ORDER}", got=repr(order),
                   hint="differentiate the formula instead, or a numerical derivative again")
        )  # fmt: skip
    accuracy = 4 if accuracy is None else as_count(accuracy, 1, "accuracy", where)
    if accuracy > 12 or (method == "central" and accuracy % 2):
        raise DomainError(
            worded(where, expected="accuracy from 1 to 12, even for central formulas", got=repr(accuracy),
                   hint="accuracy=4")
        )  # fmt: skip
    for name, size in (("step", step), ("noise", noise)):
        if size is not None and not (
            np.isfinite(size) and (size > 0 or (size == 0 and name == "noise"))
        ):
            raise DomainError(
                worded(
                    where,
                    expected=f"a positive finite {name}",
                    got=repr(size),
                    hint=f"leave {name} out",
                )
            )
    lower, upper = _limits(x, bounds, where)
    least = {"adaptive": 10, "complex": 12}.get(method, 1)
    return Options(where, order, method, accuracy, step, noise or 0.0, lower, upper,
                   as_count(max_calls, least, "max_calls", where))  # fmt: skip


def _limits(x: Floats, bounds: Bounds | None, where: str) -> tuple[Floats, Floats]:
    try:
        low, high = (None, None) if bounds is None else bounds
        lower = np.broadcast_to(
            np.asarray(-np.inf if low is None else low, dtype=np.float64), x.shape
        )
        upper = np.broadcast_to(
            np.asarray(np.inf if high is None else high, dtype=np.float64), x.shape
        )
    except (TypeError, ValueError) as error:
        raise ShapeError(
            worded(where, expected=f"bounds=(low, high), numbers or of shape {x.shape}",
                   got=repr(bounds), hint="bounds=(0, None)")
        ) from error  # fmt: skip
    if not ((lower <= x) & (x <= upper) & (lower < upper)).all():
        raise DomainError(
            worded(where, expected="low <= x <= high and low < high", got=f"x = {x}, bounds = {bounds}",
                   hint="move x inside the bounds")
        )  # fmt: skip
    return lower, upper


def place_for(options: Options, center: Floats, ulp: float, *, origin: float, anchor: float,
              left: float, right: float, spent: int) -> Place:  # fmt: skip
    """Where a search along one line happens; ``spent`` calls of the budget are gone already."""
    return Place(
        center=center,
        origin=origin,
        anchor=anchor,
        left=left,
        right=right,
        budget=options.max_calls - spent,
        noise=np.full(center.shape, options.noise),
        ulp=ulp,
    )


def line_search(options: Options, place: Place) -> Requests:
    """The search or formula that the options ask for, at one place."""
    if options.method == "adaptive":
        if options.step is not None:
            place = Place(**{**vars(place), "anchor": options.step})
        return search(options.order, place)
    nodes = stencil(options.method, options.order, options.accuracy)
    room = _room(nodes, place)
    if room <= 0:
        raise DomainError(
            worded(options.where, expected=f"room within the bounds for a {options.method} formula",
                   got=f"{place.left:.3g} to the left of x and {place.right:.3g} to the right",
                   hint='method="adaptive" picks the side by itself')
        )  # fmt: skip
    step = options.step
    if step is not None and step > room:
        raise DomainError(
            worded(options.where, expected=f"a step of at most {room:.3g} for this formula within the bounds",
                   got=f"step={step:.3g}", hint="a smaller step, or step=None")
        )  # fmt: skip
    if step is None:
        step = balanced_step(place, options.order, options.accuracy, room)
    needed = 2 * np.count_nonzero(nodes)
    if needed > place.budget:
        raise NumericError(
            worded(options.where, expected=f"max_calls of at least {needed + 1} for this formula",
                   got=f"{options.max_calls}", hint="a lower accuracy")
        )  # fmt: skip
    return fixed(options.method, options.order, options.accuracy, step, place)


def _room(nodes: Floats, place: Place) -> float:
    """The largest step whose nodes stay within the bounds, a little less for rounding."""
    right, left = float(nodes.max(initial=0.0)), float(-nodes.min(initial=0.0))
    room = np.inf
    if right > 0:
        room = min(room, place.right / right)
    if left > 0:
        room = min(room, place.left / left)
    if room == np.inf:
        return room
    # A unit in the last place of x for the rounding of x + t.
    return room * (1.0 - 1e-9) - 4.0 * float(np.spacing(abs(place.origin)))
