"""Random formulas against another meaning of their text, to many digits, at ordinary and at odd points.

A simplified formula has the value of the original wherever that is defined; where it is defined in more
places, its conditions say so, and with ``strict`` there are no such places.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import mpmath as m
import pytest
from adversarial.formulas import formula
from adversarial.reals import TooLargeError, UndefinedError, value

import wengert as wg

Point = dict[str, float]
SPECIAL = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0)
WAYS: dict[str, Callable[[wg.Expr], wg.Expr]] = {
    "as typed": lambda e: e,
    "level 1": lambda e: wg.simplify(e, level=1),
    "level 2": wg.simplify,
    "strict": lambda e: wg.simplify(e, strict=True),
    "stable": lambda e: wg.simplify(e, target="stable"),
    "recognise": wg.recognise,
    "stabilise": wg.stabilise,
}


CONDITIONS = ("level 1", "level 2", "stable")
# Floats are lenient where real numbers are not: nan**0 is 1, 1**nan is 1, and nan < 0 is false.
LENIENT = re.compile(r"\*\*\(*0|1\)*\*\*|where")


def points(random: Random, names: str, count: int) -> list[Point]:
    """Ordinary points, near and far, and those where formulas like to break."""
    result: list[Point] = []
    for _ in range(count):
        size = random.choice([1.0, 1.0, 1.0, 3.0, 10.0, 50.0, 1e-8, 0.0])
        if size:
            result.append({n: random.gauss(0, size) for n in names})
        else:
            result.append({n: random.choice(SPECIAL) for n in names})
    return result


def known(text: str, point: Point, digits: int = 40) -> Any:
    """The value, ``None`` where there is none, NotImplemented where it is not worth the time."""
    with m.workdps(digits):
        try:
            return value(text, point)
        except UndefinedError:
            return None
        except TooLargeError:
            return NotImplemented


def agree(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= m.mpf(10) ** -12 * (abs(a) + abs(b)) + m.mpf(10) ** -28)


def differ(original: str, other: str, point: Point) -> bool:
    """Whether the original has a value and the other one has not the same."""
    for digits in (40, 300):
        a, b = known(original, point, digits), known(other, point, digits)
        if a is None or NotImplemented in (a, b) or (b is not None and agree(a, b)):
            return False
    return True


def appears(original: str, other: str, point: Point) -> bool:
    """Whether the other one has a value, of ordinary size, where the original has none."""
    b = known(other, point)
    ordinary = b is not None and b is not NotImplemented and abs(b) < 30
    return ordinary and known(original, point) is None and known(original, point, 300) is None


@pytest.mark.parametrize("seed", range(60))
def test_simplified_formulas_keep_their_values(seed: int) -> None:
    random = Random(1000 + seed)
    names = random.choice(["x", "xy"])
    text = formula(random, names, 3)
    expr = wg.parse(text)
    places = points(random, names, 8)
    for way, change in WAYS.items():
        result = change(expr)
        bare = result.args[0] if result.op.name == "given" else result
        written = str(result)
        assert wg.parse(written) is bare, (way, written)
        for point in places:
            assert not differ(text, written, point), (way, text, written, point)
            if LENIENT.search(text) or not appears(text, written, point):
                continue
            assert way != "strict", (text, written, point)
            if way in CONDITIONS:
                stated = [known(str(c), point) for c in result.conditions]
                assert not all(c is True for c in stated), (way, text, written, point)


@pytest.mark.parametrize("seed", range(40))
def test_derivatives_of_formulas(seed: int) -> None:
    random = Random(2000 + seed)
    names = random.choice(["x", "xy"])
    text = formula(random, names, 3)
    by = [random.choice(names) for _ in range(random.choice([1, 1, 2]))]
    written = str(wg.diff(text, *by))
    for point in points(random, names, 4):
        if 0.0 in point.values() or max(map(abs, point.values())) > 40:
            continue
        wanted = _numerical(text, by, point)
        found = known(written, point)
        if wanted is None or found is NotImplemented:
            continue
        assert found is not None, (text, by, written, point)
        gap = abs(found - wanted)
        assert gap <= 1e-8 * (abs(found) + abs(wanted)) + 1e-12, (text, by, written, point)


def _numerical(text: str, by: list[str], point: Point) -> Any:
    """By differences in many digits, from both sides; ``None`` where these disagree."""
    names = sorted(set(by))
    order = tuple(by.count(n) for n in names)
    found = []
    for digits in (45, 70):
        with m.workdps(digits):

            def function(*at: Any) -> Any:
                return value(text, {**point, **dict(zip(names, at, strict=True))})

            try:
                if len(names) > 1:
                    found.append(m.diff(function, tuple(point[n] for n in names), order))
                else:
                    for side in (0, 1, -1):
                        found.append(m.diff(function, point[names[0]], order[0], direction=side))
            except (UndefinedError, TooLargeError):
                return None
    same = all(abs(f - found[0]) <= 1e-9 * (1 + abs(found[0])) for f in found)
    return found[0] if same else None
