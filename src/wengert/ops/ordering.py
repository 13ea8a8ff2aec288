"""Sorting in loops: stable, and in time that grows with the number of elements.

Elements have whole numbers as keys, in whose order they stand: NaN comes last, as in NumPy. Few are put in
order by how many stand before each one; many by one digit of their keys after the other, the last one
first (Knuth, The Art of Computer Programming 3, section 5.2.5). Digits that are the same in all keys cost
one look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex
from wengert.ops.algebra import minus, plus
from wengert.ops.bits import bits_of, float_of
from wengert.ops.choice import eq, le, logical_and, logical_or, lt, minimum, ne, where
from wengert.ops.complexes import imag, real
from wengert.ops.integers import bitwise_and, bitwise_xor, left_shift, right_shift
from wengert.ops.layout import cast
from wengert.ops.leaves import ONE, ZERO, const
from wengert.ops.places import Calls, Loops, Memory
from wengert.ops.routines import ARGSORT, SORT, Routine

__all__ = [
    "argsort_calls", "argsort_loops", "count_of_keys", "keys_of", "lexsort_loops", "ordered",
    "places_in_order", "sort_calls", "sort_loops",
]  # fmt: skip

FEW = 96
"""So many are put in order by counting, which costs their square."""

_BUCKETS = 2048
_MANY = 4096  # elements for which so many buckets are worth it
_LARGEST, _LEAST = 2**63 - 1, -(2**63)
_TRUE = const(True)

Key = Callable[[Expr], Expr]


# --- keys ------------------------------------------------------------------------------------------------
def _key(x: Expr, same_zeros: bool) -> Expr:
    """A whole number with the order of real ones; NaN has the largest."""
    if not x.value_type.dtype.startswith("float"):
        return cast(x, "int64")
    x = cast(x, "float64")
    bits = bits_of(where(eq(x, ZERO), cast(const(0.0), "float64"), x) if same_zeros else x)
    key = where(lt(bits, ZERO), bitwise_xor(bits, const(_LARGEST)), bits)
    return where(ne(x, x), cast(const(_LARGEST), "int64"), key)


def _element_of(key: Expr, dtype: str) -> Expr:
    """The element whose key it is, as one of its type."""
    if not dtype.startswith("float"):
        return cast(key, dtype)  # type: ignore[arg-type]  # of a type
    bits = where(lt(key, ZERO), bitwise_xor(key, const(_LARGEST)), key)
    return cast(float_of(bits), dtype)  # type: ignore[arg-type]


def count_of_keys(type_: Type) -> int:
    """How many keys an element has."""
    return 3 if is_complex(type_) else 1


def keys_of(x: Expr) -> list[Expr]:
    """The keys of an element, of which the last one decides first."""
    if not is_complex(x.value_type):
        return [_key(x, same_zeros=True)]
    a, b = real(x), imag(x)
    gone = [where(ne(part, part), const(number), ZERO) for part, number in ((a, 2), (b, 1))]
    # Sorted are first those with all parts, then by which part is NaN, as NumPy has it.
    return [
        _key(where(ne(b, b), cast(ZERO, b.value_type.dtype), b), same_zeros=True),
        _key(where(ne(a, a), cast(ZERO, a.value_type.dtype), a), same_zeros=True),
        cast(plus(*gone), "int64"),
    ]


# --- few -------------------------------------------------------------------------------------------------
def _ranked(
    ask: Loops, n: Expr, keys: Sequence[Memory], found: Callable[[Expr, Expr], None]
) -> None:
    """``found(rank, i)`` for each element."""

    def one(i: Expr) -> None:
        mine = [ask.keep(ask.element(key, (ZERO, i))) for key in keys]

        def before(j: Expr) -> Expr:
            is_before = lt(j, i)
            for key, own in zip(keys, mine, strict=True):
                other = ask.element(key, (ZERO, j))
                is_before = logical_or(lt(other, own), logical_and(eq(other, own), is_before))
            return where(is_before, ONE, ZERO)

        found(ask.fold("add", (n,), before, Type("int64")), i)

    ask.each((n,), one)


# --- many ------------------------------------------------------------------------------------------------
class _Digits:
    """The memory of a sort by digits: keys, and places if they are wanted, twice each."""

    def __init__(self, ask: Loops, extent: Extent, places: bool) -> None:
        self.ask, self.n = ask, ask.extent(extent)
        self.keys = ask.scratch((2, extent), "int64")
        self.places = ask.scratch((2, extent), "int64") if places else None
        self.counts = ask.scratch((_BUCKETS,), "int64")
        self.side = ask.number(ZERO)  # where the current ones are

    def sort(self) -> None:
        """Put the keys of the current side in order, with the places that belong to them."""
        ask, n = self.ask, self.n
        digits = ask.keep(where(lt(const(_MANY), n), const(11), const(8)))
        last = ask.keep(minus(left_shift(ONE, digits), ONE))
        shift = ask.number(ZERO)
        buckets = minimum(plus(last, ONE), const(_BUCKETS))
        more = ask.number(lt(ONE, n))

        def digit(key: Expr) -> Expr:
            high = right_shift(bitwise_xor(key, const(_LEAST)), shift)  # in order without signs
            return bitwise_and(high, last)

        def one(_: Expr) -> None:
            ask.each((buckets,), lambda b: ask.put(self.counts, (b,), ZERO))

            def count(i: Expr) -> None:
                ask.add(self.counts, (digit(ask.element(self.keys, (self.side, i))),), ONE)

            ask.each((n,), count, in_order=True)
            same = ask.element(self.counts, (digit(ask.element(self.keys, (self.side, ZERO))),))
            ask.when(lt(ask.keep(same), n), lambda: self._scatter(digit, buckets))
            ask.change(shift, plus(shift, digits))
            ask.change(more, lt(shift, const(64)))

        ask.going(more, one)

    def _scatter(self, digit: Key, buckets: Expr) -> None:
        ask, total = self.ask, self.ask.number(ZERO)

        def begin(b: Expr) -> None:
            here = ask.keep(ask.element(self.counts, (b,)))
            ask.put(self.counts, (b,), total)
            ask.change(total, plus(total, here))

        def move(i: Expr) -> None:
            key = ask.keep(ask.element(self.keys, (self.side, i)))
            bucket = ask.keep(digit(key))
            place = ask.keep(ask.element(self.counts, (bucket,)))
            ask.put(self.counts, (bucket,), plus(place, ONE))
            ask.put(self.keys, (other, place), key)
            if self.places is not None:
                ask.put(self.places, (other, place), ask.element(self.places, (self.side, i)))

        other = ask.keep(minus(ONE, self.side))
        ask.each((buckets,), begin, in_order=True)
        ask.each((self.n,), move, in_order=True)
        ask.change(self.side, other)


# --- both ------------------------------------------------------------------------------------------------
def _either(ask: Loops, extent: Extent, few: Callable[[], None], many: Callable[[], None]) -> None:
    if isinstance(extent, int):
        (few if extent <= FEW else many)()
    else:
        ask.either(le(ask.extent(extent), const(FEW)), few, many)


def ordered(
    ask: Loops, extent: Extent, element: Key, dtype: str, put: Callable[[Expr, Expr], None]
) -> None:
    """``put(k, x)`` for each element ``x`` of a vector of real numbers, where ``k`` is its rank."""
    memory = _Digits(ask, extent, places=False)
    n = memory.n
    ask.each((n,), lambda i: ask.put(memory.keys, (ZERO, i), _key(element(i), same_zeros=False)))

    def few() -> None:
        def found(rank: Expr, i: Expr) -> None:
            put(rank, _element_of(ask.element(memory.keys, (ZERO, i)), dtype))

        _ranked(ask, n, [memory.keys], found)

    def many() -> None:
        memory.sort()

        def one(k: Expr) -> None:
            put(k, _element_of(ask.element(memory.keys, (memory.side, k)), dtype))

        ask.each((n,), one)

    _either(ask, extent, few, many)


def places_in_order(
    ask: Loops,
    extent: Extent,
    keys: Callable[[Expr], Sequence[Expr]],
    count: int,
    put: Callable[[Expr, Expr], None],
) -> None:
    """``put(k, i)`` for each element ``i``, where ``k`` is its rank; equal ones keep their order.

    ``keys`` are the ``count`` ones of an element, of which the last one decides first.
    """
    n = ask.extent(extent)

    def few() -> None:
        memory = [ask.scratch((1, extent), "int64") for _ in range(count)]

        def note(i: Expr) -> None:
            for each, key in zip(memory, keys(i), strict=True):
                ask.put(each, (ZERO, i), key)

        ask.each((n,), note)
        _ranked(ask, n, memory, put)

    def many() -> None:
        memory = _Digits(ask, extent, places=True)
        places = memory.places
        ask.each((n,), lambda i: ask.put(places, (ZERO, i), i))
        for number in range(count):

            def note(i: Expr, number: int = number) -> None:
                place = ask.keep(ask.element(places, (memory.side, i)))
                ask.put(memory.keys, (memory.side, i), keys(place)[number])

            ask.each((n,), note)
            memory.sort()
        ask.each((n,), lambda k: put(k, ask.element(places, (memory.side, k))))

    _either(ask, extent, few, many)


# --- ops -------------------------------------------------------------------------------------------------
def _rows(node: Expr, axis: int, ask: Calls, row: Callable[..., None]) -> bool:
    """``row(at)`` for the places on the other axes, where ``at(k)`` are the places of an element."""
    others = node.shape[:axis] + node.shape[axis + 1 :]

    def one(*places: Expr) -> None:
        row(lambda k: (*places[:axis], k, *places[axis:]))

    ask.each(others, one, in_order=True)
    return True


def sort_loops(node: Expr, ask: Loops) -> bool:
    (x,), axis, result = node.args, node.attr, ask.result()
    extent, dtype = node.shape[axis], node.value_type.dtype

    def row(at: Callable[[Expr], Sequence[Expr]]) -> None:
        if not is_complex(node.value_type):
            put = lambda k, value: ask.put(result, at(k), value)  # noqa: E731
            ordered(ask, extent, lambda i: ask.part(0, at(i)), dtype, put)
            return
        put = lambda k, i: ask.put(result, at(k), ask.part(0, at(i)))  # noqa: E731
        count = count_of_keys(node.value_type)
        places_in_order(ask, extent, lambda i: keys_of(ask.part(0, at(i))), count, put)

    return _rows(x, axis, ask, row)


_SHORT = 8  # so few elements are in order before a routine has begun


def sort_calls(node: Expr, ask: Calls) -> bool:
    """By NumPy's own routine, in place."""
    axis, result, dtype = node.attr, ask.result(), node.value_type.dtype
    extent = node.shape[axis]
    if isinstance(extent, int) and extent <= _SHORT:
        return False
    ask.precision = dtype
    n = ask.extent(extent)
    if axis == node.ndim - 1:
        ask.each(node.shape, lambda *at: ask.put(result, at, ask.part(0, at)))
        ask.each(node.shape[:-1], lambda *at: _if_some(n, ask, SORT, (result, *at), n))
        return True
    memory = ask.scratch((extent,))

    def row(at: Callable[[Expr], Sequence[Expr]]) -> None:
        ask.each((extent,), lambda i: ask.put(memory, (i,), ask.part(0, at(i))))
        _if_some(n, ask, SORT, memory, n)
        ask.each((extent,), lambda i: ask.put(result, at(i), ask.element(memory, (i,))))

    return _rows(node, axis, ask, row)


def _if_some(n: Expr, ask: Calls, routine: Routine, *arguments: Any) -> None:
    """Call a routine if there is something to do; arguments are those of ``ask.call``."""
    ask.either(lt(ONE, n), lambda: _done(ask.call(routine, *arguments)), lambda: None)


def _done(report: Expr) -> None:
    """What a routine reports that cannot fail."""


def argsort_calls(node: Expr, ask: Calls) -> bool:
    """By NumPy's own routine where the order of equal elements is that routine's."""
    axis, result = node.attr.axis, ask.result()
    extent = node.shape[axis]
    if node.attr.stable:
        return False
    n, memory, places = ask.extent(extent), ask.scratch((extent,)), ask.scratch((extent,), "int64")

    def row(at: Callable[[Expr], Sequence[Expr]]) -> None:
        def begin(i: Expr) -> None:
            ask.put(memory, (i,), ask.part(0, at(i)))
            ask.put(places, (i,), i)

        ask.each((extent,), begin)
        _if_some(n, ask, ARGSORT, memory, places, n)
        ask.each((extent,), lambda i: ask.put(result, at(i), ask.element(places, (i,))))

    return _rows(node, axis, ask, row)


def argsort_loops(node: Expr, ask: Loops) -> bool:
    """Stable, whether that is wanted or not."""
    return _lexsorted(node, node.attr.axis, ask)


def lexsort_loops(node: Expr, ask: Loops) -> bool:
    return _lexsorted(node, node.attr, ask)


def _lexsorted(node: Expr, axis: int, ask: Loops) -> bool:
    result, count = ask.result(), sum(count_of_keys(a.value_type) for a in node.args)

    def row(at: Callable[[Expr], Sequence[Expr]]) -> None:
        def keys(i: Expr) -> list[Expr]:
            return [key for slot in range(len(node.args)) for key in keys_of(ask.part(slot, at(i)))]

        places_in_order(ask, node.shape[axis], keys, count, lambda k, i: ask.put(result, at(k), i))

    return _rows(node, axis, ask, row)
