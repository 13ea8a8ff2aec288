"""Names in C: the user's where they can stand there, never one that means something already."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wengert.emit.c.helpers import helper_names
from wengert.ir.greek import GREEK

__all__ = ["LIBRARY", "Naming", "identifier"]

_KEYWORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
    while bool true false main NULL NAN INFINITY errno asm typeof nullptr constexpr thread_local alignas
    alignof static_assert class delete new this template typename namespace operator private public protected
    virtual friend try catch throw using explicit export mutable and or not xor compl bitand bitor
"""
_MATH = """
    acos asin atan atan2 cos sin tan acosh asinh atanh cosh sinh tanh exp exp2 expm1 frexp ilogb ldexp log
    log10 log1p log2 logb modf scalbn scalbln cbrt fabs hypot pow sqrt erf erfc lgamma tgamma ceil floor
    nearbyint rint lrint llrint round lround llround trunc fmod remainder remquo copysign nan nextafter
    nexttoward fdim fmax fmin fma isnan isinf isfinite isnormal signbit
"""
LIBRARY = tuple(_MATH.split())
# Other functions of C's libraries may have a variable's name beside them: gamma, y0, j1, div.
_RESERVED = frozenset(
    (*_KEYWORDS.split(), *LIBRARY, *(f"{n}f" for n in LIBRARY), "malloc", "free", "realloc")
)
_INDICES = ("i", "j", "k", "l")
_SPELT = {letter: name for name, letter in GREEK.items()}


def identifier(hint: str) -> str:
    """A name of C that is as near to a hint as can be.

    >>> identifier("params['w']"), identifier("α"), identifier("%x12"), identifier("2nd")
    ('params_w', 'alpha', 'x12', 't_2nd')
    """
    spelt = "".join(_SPELT.get(c, c) for c in hint)
    text = re.sub(r"[^A-Za-z0-9]+", "_", spelt).strip("_") or "t"
    return f"t_{text}" if text[0].isdigit() else text


class Naming:
    """The names of one function; no two are equal."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*_RESERVED, *helper_names(), *taken}
        self._last: dict[str, int] = {}

    def copy(self) -> Naming:
        """The same names taken."""
        other = Naming()
        other._taken, other._last = set(self._taken), dict(self._last)
        return other

    def new(self, hint: str) -> str:
        """The hint, with a number if it is taken: ``x``, ``x_2``."""
        name = stem = identifier(hint)
        number = 1
        while name in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name)
        return name

    def numbered(self, stem: str = "t") -> str:
        """The stem with a number in any case: ``t1``, ``t2``."""
        while True:
            number = self._last[stem] = self._last.get(stem, 0) + 1
            name = f"{stem}{number}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def index(self) -> str:
        """A name for the counter of a loop, until it is released."""
        for name in _INDICES:
            if name not in self._taken:
                self._taken.add(name)
                return name
        return self.numbered("i")

    def release(self, name: str) -> None:
        """The name may be given again."""
        self._taken.discard(name)
