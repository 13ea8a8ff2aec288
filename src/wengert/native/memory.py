"""Buffers of a program: where they are, and how an element is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wengert.ir.dims import Extent, is_defined
from wengert.ir.node import Expr
from wengert.lower.nest import Buffer, Unsupported
from wengert.native.conversions import kind_of, memory_kind
from wengert.native.text import I64, Function, Kind, kind

__all__ = ["Memory", "Sizes"]

# Above so many buffers nothing is said about which of them are apart: the lists would be long.
MOST_SCOPES = 64


class Sizes:
    """Sizes with names, and polynomials of them, as values of one function."""

    def __init__(self, f: Function, names: Mapping[str, str]) -> None:
        self.f = f
        self.names = names

    def value(self, extent: Extent) -> str:
        """An extent as an ``i64``."""
        if isinstance(extent, int):
            return str(extent)
        f, total = self.f, ""
        for monomial, coefficient in extent.terms:
            product = "" if coefficient == 1 and monomial else str(coefficient)
            for name in monomial:
                found = self.names.get(name)
                if found is None:
                    what = "that a node defines" if is_defined(name) else f"`{name}`"
                    raise Unsupported(f"an extent {what}")
                product = f.mul(I64, product, found, "nsw ") if product else found
            total = f.add(I64, total, product, "nsw ") if total else product
        return total or "0"

    def bytes(self, buffer: Buffer) -> str:
        """The bytes of a buffer, rounded up to 64."""
        f, total = self.f, str(memory_kind(buffer.dtype).bytes)
        for extent in buffer.shape:
            total = f.mul(I64, total, self.value(extent), "nsw ")
        return f.binary("and", I64, f.add(I64, total, "63", "nsw "), "-64")


class Memory:
    """Loads and stores of elements.

    An element's index is ``lead*extent + last``, where ``lead`` counts rows: all but the last place.
    ``held`` tells where the block of a heap buffer is now, ``number`` the value of a variable.
    """

    held: Callable[[Buffer], str]
    number: Callable[[Expr], str]

    def __init__(
        self,
        f: Function,
        sizes: Sizes,
        pointers: Mapping[Buffer, str],
        heap: Sequence[Buffer] = (),
    ) -> None:
        self.f = f
        self.heap = list(heap)
        self.sizes = sizes
        self.pointers = dict(pointers)
        self._metadata: dict[Buffer, str] = {}
        self._scopes()

    def _scopes(self) -> None:
        """Buffers do not overlap; inputs may, but are never stored to, and share one scope."""
        module = self.f.module
        written = [b for b in self.pointers if b.role in ("output", "local")] + self.heap
        if not 0 < len(written) <= MOST_SCOPES:
            return
        domain = module.metadata("!{self}", distinct=True)
        shared = module.metadata(f"!{{self, {domain}}}", distinct=True)
        own = {b: module.metadata(f"!{{self, {domain}}}", distinct=True) for b in written}
        for buffer in [*self.pointers, *self.heap]:
            mine = own.get(buffer, shared)
            others = [s for s in (shared, *own.values()) if s != mine]
            scope = module.metadata(f"!{{{mine}}}")
            apart = module.metadata(f"!{{{', '.join(others)}}}")
            self._metadata[buffer] = f", !alias.scope {scope}, !noalias {apart}"

    def pointer(self, buffer: Buffer) -> str:
        """Where a buffer is; a table is put into the module at its first use."""
        if buffer.role == "heap":
            return self.held(buffer)
        found = self.pointers.get(buffer)
        if found is None:
            if buffer.role != "table":
                raise Unsupported(f"a buffer `{buffer.name}` that the program does not list")
            tables = self.f.module.tables
            if buffer not in tables:
                tables[buffer] = _table(self.f, buffer, len(tables))
            found = self.pointers[buffer] = tables[buffer]
        return found

    def extent(self, buffer: Buffer, axis: int) -> str:
        """How many elements a buffer has along an axis."""
        if buffer.role == "heap":
            return self.number(buffer.extents[axis])
        return self.sizes.value(buffer.shape[axis])

    def lead(self, buffer: Buffer, places: Sequence[str]) -> str:
        """The count of elements (of the axes so far) in front of some first places."""
        f, total = self.f, "0"
        for axis, place in enumerate(places):
            if total != "0":
                total = f.mul(I64, total, self.extent(buffer, axis), "nsw ")
                total = place_sum(f, total, place)
            else:
                total = place
        return total

    def row(self, buffer: Buffer, places: Sequence[str]) -> str:
        """The address of the row at all places but the last."""
        if len(buffer.shape) < 2:
            return self.pointer(buffer)
        f = self.f
        start = f.mul(I64, self.lead(buffer, places), self.extent(buffer, -1), "nsw ")
        return f.element(memory_kind(buffer.dtype), self.pointer(buffer), start)

    def address(self, buffer: Buffer, places: Sequence[str]) -> str:
        """The address of an element."""
        if not places:
            return self.pointer(buffer)
        row = self.row(buffer, places[:-1])
        return self.f.element(memory_kind(buffer.dtype), row, places[-1])

    def load(self, buffer: Buffer, address: str, lanes: int = 1, mask: str = "") -> str:
        """One element, or as many as there are lanes; zeros in the lanes that a mask leaves out."""
        f, k = self.f, memory_kind(buffer.dtype, lanes)
        if mask:
            value = f.masked_load(k, address, mask, "zeroinitializer")
        else:
            value = f.load(k, address, metadata=self._metadata.get(buffer, ""))
        return self._from_memory(buffer, k, value)

    def store(
        self, buffer: Buffer, value: str, address: str, lanes: int = 1, mask: str = ""
    ) -> None:
        """Put one element, or as many as there are lanes."""
        f, k = self.f, memory_kind(buffer.dtype, lanes)
        value = self._to_memory(buffer, k, value)
        if mask:
            f.masked_store(k, value, address, mask)
        else:
            f.store(k, value, address, metadata=self._metadata.get(buffer, ""))

    def addresses(self, buffer: Buffer, places: Sequence[str], lanes: int) -> str:
        """An address per lane; the places are vectors."""
        f, k, total = self.f, kind("i64", lanes), "zeroinitializer"
        for axis, place in enumerate(places):
            if total != "zeroinitializer":
                total = f.mul(k, total, f.splat(k, self.extent(buffer, axis)), "nsw ")
                total = f.add(k, total, place, "nsw ")
            else:
                total = place
        element = memory_kind(buffer.dtype)
        return f.pure(f"getelementptr {element.text}, ptr {self.pointer(buffer)}, {k.text} {total}")

    def gather(self, buffer: Buffer, addresses: str, lanes: int, mask: str) -> str:
        """An element from each address."""
        f, k = self.f, memory_kind(buffer.dtype, lanes)
        name = f"llvm.masked.gather.{k.suffix}.v{lanes}p0"
        f.module.declare(name, f"<{lanes} x ptr>, i32, {k.mask.text}, {k.text}", k.text)
        value = f.value(
            f"call {k.text} @{name}(<{lanes} x ptr> {addresses}, i32 {k.bytes}, "
            f"{k.mask.text} {mask or k.mask.constant(True)}, {k.text} zeroinitializer)"
        )
        return self._from_memory(buffer, k, value)

    def scatter(self, buffer: Buffer, value: str, addresses: str, lanes: int, mask: str) -> None:
        """An element to each address, the last lane last."""
        f, k = self.f, memory_kind(buffer.dtype, lanes)
        name = f"llvm.masked.scatter.{k.suffix}.v{lanes}p0"
        f.module.declare(name, f"{k.text}, <{lanes} x ptr>, i32, {k.mask.text}", "void")
        f.effect(
            f"call void @{name}({k.text} {self._to_memory(buffer, k, value)}, "
            f"<{lanes} x ptr> {addresses}, i32 {k.bytes}, "
            f"{k.mask.text} {mask or k.mask.constant(True)})"
        )

    def _from_memory(self, buffer: Buffer, k: Kind, value: str) -> str:
        return self.f.compare(k, "ne", value, k.constant(0)) if buffer.dtype == "bool" else value

    def _to_memory(self, buffer: Buffer, k: Kind, value: str) -> str:
        return self.f.convert("zext", k.mask, value, k) if buffer.dtype == "bool" else value


def place_sum(f: Function, a: str, b: str) -> str:
    """The sum of two places."""
    return a if b == "0" else f.add(I64, a, b, "nsw ")


def _table(f: Function, buffer: Buffer, number: int) -> str:
    k = kind_of(buffer.dtype)
    element = memory_kind(buffer.dtype)
    values = np.ascontiguousarray(buffer.table).astype(buffer.dtype).ravel()
    if k is element:
        parts = [f"{k.text} {k.literal(v)}" for v in values.tolist()]
    else:
        parts = [f"i8 {int(v)}" for v in values.tolist()]
    text = f"[{', '.join(parts)}]" if parts else "zeroinitializer"
    return f.module.constant(f"table{number}", f"[{len(parts)} x {element.text}]", text)
