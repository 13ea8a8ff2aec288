"""Which captured program serves which arguments.

A program is captured for the structure of its arguments, the types of numbers, short extents, and the
values of everything else. Longer extents are run-time values, and so are whole numbers once they have been
seen to vary: one capture serves every size. A program that cannot be captured so (it reshapes to fixed
extents, say) is captured for each size as it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from wengert.frontend.staging.adopting import is_changeable
from wengert.frontend.trees import flatten
from wengert.frontend.varying import FIXED, LEAST_EXTENT, Place, Varying

__all__ = ["Family", "Signature", "shared", "signature_of"]

# Any: arguments are whatever the user passes.

VARIANTS = 4  # captures kept for one signature, with different values of globals
CAPTURES = 256  # captures kept in all for one structure of the arguments
WHOLE_VALUES = 4  # with so many different values a whole number counts as varying
_REMEMBERED = 16  # signatures that tell what varies


class Holding(Protocol):
    """Something made for a signature that may rely on values outside."""

    def holds(self) -> bool:
        """Whether everything outside is as it was."""


B = TypeVar("B", bound=Holding)


@dataclass(frozen=True)
class Signature:
    """What a captured program depends on.

    ``family``: what has to be equal for any one program: structure, types, texts, functions.
    ``extents``: of all arrays, one after the other, by leaf and axis. ``wholes``: integers, and the contents
    of arrays of integers, by leaf.
    """

    family: Hashable
    extents: Mapping[Place, int]
    wholes: Mapping[int, Any]

    @property
    def exact(self) -> Hashable:
        """The key of these extents and whole numbers."""
        contents = tuple(
            v.tobytes() if isinstance(v, np.ndarray) else v for v in self.wholes.values()
        )
        return tuple(self.extents.values()), contents


def signature_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Signature:
    """The signature of a call."""
    leaves, tree = flatten((args, dict(kwargs)))
    kinds: list[Hashable] = []
    extents: dict[Place, int] = {}
    wholes: dict[int, Any] = {}
    for position, leaf in enumerate(leaves):
        kind: Any = type(leaf)
        if kind is float or kind is complex:
            kinds.append(kind)
        elif kind is np.ndarray or kind is np.memmap:
            kinds.append((leaf.dtype.str, leaf.ndim))
            for axis, extent in enumerate(leaf.shape):
                extents[position, axis] = extent
            if leaf.dtype.kind not in "fc":
                wholes[position] = leaf
        elif kind is int or isinstance(leaf, np.integer):
            kinds.append(kind)
            wholes[position] = leaf
        elif isinstance(leaf, np.inexact):
            kinds.append(kind)
        else:
            kinds.append(_by_value(leaf))
    twins = _twins((*args, *kwargs.values()))
    return Signature((tree, shared(leaves), twins, *kinds), extents, wholes)


def _twins(args: Sequence[Any]) -> Hashable:
    """Which lists, dicts and objects are passed more than once."""
    if len(args) < 2:
        return None
    ids = [id(arg) for arg in args]
    if len(set(ids)) == len(ids):
        return None
    return tuple(ids.index(id(arg)) if is_changeable(arg) else -1 for arg in args)


def _by_value(leaf: Any) -> Hashable:
    try:
        hash(leaf)
    except TypeError:
        return type(leaf), id(leaf)
    return type(leaf), leaf


def shared(leaves: Sequence[Any]) -> Hashable:
    """Which arrays among the leaves are one and the same: a store into one changes the other."""
    arrays = [id(leaf) for leaf in leaves if type(leaf) is np.ndarray]
    if len(arrays) < 2 or len(set(arrays)) == len(arrays):
        return None
    return tuple(map(arrays.index, arrays))


@dataclass(frozen=True)
class _General(Generic[B]):
    """What serves all signatures of a pattern."""

    varying: Varying
    extents: Mapping[Place, int]  # the fixed ones
    wholes: Mapping[int, Any]
    made: B

    def fits(self, signature: Signature) -> bool:
        """Whether a signature has the fixed values, and equal extents where one name stands for them."""
        sizes: dict[int, int] = {}
        for place, number in self.varying.extents:
            extent = signature.extents[place]
            if extent < self.varying.least or sizes.setdefault(number, extent) != extent:
                return False
        return all(signature.extents[p] == e for p, e in self.extents.items()) and all(
            _same(signature.wholes[p], v) for p, v in self.wholes.items()
        )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


@dataclass
class Family(Generic[B]):
    """What has been made for calls that differ in extents and whole numbers only."""

    exact: dict[Hashable, tuple[B, ...]] = field(default_factory=dict)
    general: list[_General[B]] = field(default_factory=list)
    seen: list[Signature] = field(default_factory=list)
    hopeless: set[Varying] = field(default_factory=set)  # could not be captured so

    def find(self, signature: Signature) -> B | None:
        """What serves a signature, if anything does."""
        if self.exact:
            for made in self.exact.get(signature.exact, ()):
                if made.holds():
                    return made
        for each in self.general:
            if each.fits(signature) and each.made.holds():
                return each.made
        return None

    def make(self, signature: Signature, build: Callable[[Varying], B]) -> B:
        """Capture for a signature, and for all like it if extents or whole numbers vary."""
        self._remember(signature)
        varying = self.varying(signature)
        if varying != FIXED and varying not in self.hopeless:
            try:
                made = build(varying)
            except Exception:  # whatever it is, with fixed sizes it comes again or is gone
                self.hopeless.add(varying)
            else:
                self._keep_general(varying, signature, made)
                return made
        return self.make_exact(signature, build)

    def make_exact(self, signature: Signature, build: Callable[[Varying], B]) -> B:
        """Capture for just one signature."""
        made = build(FIXED)
        key = signature.exact
        # The newest first; older ones may hold again when what they rely on is put back.
        self.exact[key] = (made, *self.exact.pop(key, ())[: VARIANTS - 1])
        while len(self.exact) > CAPTURES:
            del self.exact[next(iter(self.exact))]
        return made

    def _keep_general(self, varying: Varying, signature: Signature, made: B) -> None:
        named = {place for place, _ in varying.extents}
        extents = {p: e for p, e in signature.extents.items() if p not in named}
        wholes = {p: v for p, v in signature.wholes.items() if p not in varying.wholes}
        self.general.insert(0, _General(varying, extents, _copied(wholes), made))
        del self.general[CAPTURES:]

    def _remember(self, signature: Signature) -> None:
        kept = Signature(signature.family, signature.extents, _copied(signature.wholes))
        self.seen = [*self.seen[1 - _REMEMBERED :], kept]

    def varying(self, signature: Signature) -> Varying:
        """Long axes, of one size where their extents have always been equal; whole numbers that differ."""
        wholes = frozenset(
            position
            for position, value in signature.wholes.items()
            if _is_dynamic(value) and self._has_many(position)
        )
        numbers: dict[tuple[int, ...], int] = {}
        extents = set()
        for place, extent in signature.extents.items():
            column = tuple(s.extents[place] for s in self.seen)
            fixed = place[0] in signature.wholes and place[0] not in wholes
            if extent >= LEAST_EXTENT and not fixed:
                extents.add((place, numbers.setdefault(column, len(numbers))))
        return Varying(frozenset(extents), wholes)

    def _has_many(self, position: int) -> bool:
        distinct: list[Any] = []
        for each in self.seen:
            value = each.wholes[position]
            if not any(_same(value, other) for other in distinct):
                distinct.append(value)
        array = isinstance(distinct[0], np.ndarray)
        return len(distinct) >= (2 if array else WHOLE_VALUES)


def _is_dynamic(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.name in ("int64", "int32", "bool") and value.ndim > 0
    return type(value) in (int, np.int64) and abs(int(value)) < 2**62


def _copied(wholes: Mapping[int, Any]) -> dict[int, Any]:
    return {p: v.copy() if isinstance(v, np.ndarray) else v for p, v in wholes.items()}
