"""Exact text of a graph, one node a line, and back: ``load(dump(nodes))`` gives the very same nodes.

::

    wengert graph 1
    %0 : float64 = symbol() {"Name": ["x", {"type": "float64"}, 0]}
    %1 : float64 = sin(%0)
    %2 : float64 = lin(%0, %1) [1, -1]
    return %2

A line is ``%number : type = op(%arguments) attribute``; the attribute is JSON in which ``{"tag": ...}``
stands for what JSON lacks. Bodies of control flow stand indented before the node that has them. Numbers
are exact: floats by their bits. Classes of attributes are made known by :func:`codec`.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from fractions import Fraction
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import FormulaError, GraphError, worded
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr, intern, make, paused_gc, provide
from wengert.ir.op import Op, lookup
from wengert.ir.region import Region
from wengert.ir.types import AnyType, Type
from wengert.ir.walk import order

__all__ = ["codec", "dump", "load", "mapped"]

_HEADER = "wengert graph 1"

# Any, here and below: attributes are of many classes, and their encoded form is JSON.
_Encoder = Callable[[Any], Any]


class _Codec(NamedTuple):
    tag: str
    encode: Callable[[Any, _Encoder], Any]
    decode: Callable[[Any, _Encoder], Any]


_by_class: dict[type, _Codec] = {}
_by_tag: dict[str, _Codec] = {}


def codec(
    cls: type,
    encode: Callable[[Any], Any] | None = None,
    decode: Callable[[Any], Any] | None = None,
    *,
    tag: str = "",
) -> None:
    """Make a class of attributes known: ``encode(value)`` to plain things, ``decode`` back.

    Plain things are numbers, strings, tuples of them, and values of other known classes. By default a
    dataclass or named tuple is encoded by its fields.

    Raises:
        GraphError: the tag is taken by another class, or the class has no fields.
    """
    tag = tag or cls.__name__.lstrip("_")
    if encode is None or decode is None:
        names = _field_names(cls)

        def encode(value: Any) -> Any:
            return tuple(getattr(value, name) for name in names)

        def decode(values: Any) -> Any:
            return cls(*values)

    plain, back = encode, decode
    _known(cls, _Codec(tag, lambda v, inner: inner(plain(v)), lambda v, inner: back(inner(v))))


def _field_names(cls: type) -> tuple[str, ...]:
    if is_dataclass(cls):
        return tuple(f.name for f in fields(cls))
    names = getattr(cls, "_fields", None)
    if names is None:
        raise GraphError(worded(f"codec of {cls.__name__}", expected="a class with fields"))
    return tuple(names)


def _known(cls: type, entry: _Codec) -> None:
    other = _by_tag.get(entry.tag)
    if other is not None and _by_class.get(cls) is not other:
        raise GraphError(
            worded(f"codec of {cls.__name__}", expected="a new tag", got=f"`{entry.tag}`, taken")
        )
    _by_class[cls] = _by_tag[entry.tag] = entry


# --- attributes as JSON --------------------------------------------------------------------------------
def _codec_of(value: Any) -> _Codec:
    kind = type(value)
    known = _by_class.get(kind)
    if known is not None:
        return known
    if isinstance(value, np.generic):
        return _by_tag["scalar"]
    if _is_record_of_ours(kind):
        codec(kind)
        return _by_class[kind]
    raise GraphError(
        worded(
            "dump",
            expected="attributes of known classes",
            got=f"{kind.__module__}.{kind.__qualname__}",
            hint="register it with wengert.ir.dump.codec",
        )
    )


def _is_record_of_ours(kind: type) -> bool:
    """A dataclass or named tuple of this package: its fields say all."""
    package = __name__.partition(".")[0]
    has_fields = is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    return has_fields and kind.__module__.partition(".")[0] == package


def _scalar(entry: Any, _inner: _Encoder) -> Any:
    name, text = entry
    return np.frombuffer(bytes.fromhex(text), np.dtype(name))[0]


def _array(entry: Any, _inner: _Encoder) -> Any:
    name, shape, text = entry
    array = np.frombuffer(base64.b64decode(text), np.dtype(name)).reshape(shape)
    array.setflags(write=False)
    return array


def _type(entry: Any, inner: _Encoder) -> Type:
    if isinstance(entry, str):
        dtype: Any = entry.removeprefix("weak ")  # Any: Type checks it
        return Type(dtype, (), entry.startswith("weak "))
    return Type(entry[0], tuple(inner(e) for e in entry[1]), entry[2])


def _extents(shape: Iterable[Extent], inner: _Encoder) -> Any:
    return [inner(e) for e in shape]


_known(
    float,
    _Codec(
        "float",
        lambda v, _: [struct.pack(">d", v).hex(), repr(v)],  # the second is for the reader
        lambda v, _: struct.unpack(">d", bytes.fromhex(v[0]))[0],
    ),
)
_known(
    complex,
    _Codec(
        "complex",
        lambda v, _: struct.pack(">dd", v.real, v.imag).hex(),
        lambda v, _: complex(*struct.unpack(">dd", bytes.fromhex(v))),
    ),
)
_known(Fraction, _Codec("fraction", lambda v, _: str(v), lambda v, _: Fraction(v)))
_known(
    np.generic,
    _Codec("scalar", lambda v, _: [v.dtype.str, v.tobytes().hex()], _scalar),
)
_known(
    np.ndarray,
    _Codec(
        "array",
        lambda v, _: [v.dtype.str, list(v.shape), base64.b64encode(v.tobytes()).decode()],
        _array,
    ),
)
_known(
    Dim,
    _Codec(
        "dim",
        lambda v, _: [[list(m), c] for m, c in v.terms],
        lambda v, _: Dim(tuple((tuple(m), c) for m, c in v)),
    ),
)
_known(
    Type,
    _Codec(
        "type",
        lambda v, inner: [v.dtype, _extents(v.shape, inner), v.weak] if v.shape else str(v),
        _type,
    ),
)
_known(
    slice,
    _Codec(
        "slice",
        lambda v, inner: [inner(v.start), inner(v.stop), inner(v.step)],
        lambda v, inner: slice(*(inner(e) for e in v)),
    ),
)
_known(type(...), _Codec("ellipsis", lambda v, _: 0, lambda v, _: ...))
_known(
    frozenset,
    _Codec(
        "set",
        lambda v, inner: [inner(e) for e in sorted(v, key=repr)],
        lambda v, inner: frozenset(inner(e) for e in v),
    ),
)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """An attribute with ``change`` applied to all extents with names and all regions in it.

    Raises:
        GraphError: the attribute is of an unknown class.
    """
    kind = type(value)
    if kind is Dim or kind is Region:
        return change(value)
    if kind is int or kind is str or kind is bool or value is None:
        return value
    if kind is tuple:
        return tuple([mapped(v, change) for v in value])
    known = _codec_of(value)
    # Parts are changed on the way out; the way back takes them as they are.
    return known.decode(known.encode(value, lambda v: mapped(v, change)), lambda v: v)


# --- out -----------------------------------------------------------------------------------------------
class _Writer:
    """Numbers nodes and regions, and writes each once, where it is first needed."""

    def __init__(self) -> None:
        self.names: dict[Expr, str] = {}
        self.regions: dict[Region, int] = {}
        self.lines: list[str] = [_HEADER]

    def encoded(self, value: Any) -> Any:
        kind = type(value)
        if kind is int or kind is str or kind is bool or value is None:
            return value
        if kind is tuple:
            return [self.encoded(v) for v in value]
        if kind is Region:
            return {"region": self.regions[value]}
        known = _codec_of(value)
        return {known.tag: known.encode(value, self.encoded)}

    def write(self, roots: Sequence[Expr]) -> None:
        """All nodes below the roots; bodies are entered as they come, with a stack of our own."""
        scopes: list[tuple[Iterator[Expr], Region | None]] = [(iter(order(roots)), None)]
        while scopes:
            nodes, region = scopes[-1]
            node = next(nodes, None)
            if node is None:
                scopes.pop()
                if region is not None:
                    self._close(region, len(scopes))
            elif node not in self.names:
                body = self._unwritten(node)
                if body is None:
                    self._line(node, len(scopes) - 1)
                    continue
                scopes[-1] = (chain((node,), nodes), region)  # once more, after its body
                self.lines.append(f"{'  ' * (len(scopes) - 1)}region {{")
                scopes.append((iter((*body.params, *body.nodes)), body))

    def _unwritten(self, node: Expr) -> Region | None:
        if node.op.bodies is None:
            return None
        return next((b for b in node.op.bodies(node.attr) if b not in self.regions), None)

    def _close(self, region: Region, depth: int) -> None:
        self.regions[region] = number = len(self.regions)
        params = ", ".join(self.names[p] for p in region.params)
        results = ", ".join(self.names[o] for o in region.outputs)
        self.lines.append(f"{'  ' * (depth - 1)}}} @{number} ({params}) -> ({results})")

    def _line(self, node: Expr, depth: int) -> None:
        self.names[node] = name = f"%{len(self.names)}"
        args = ", ".join([self.names[a] for a in node.args])
        text = f"{'  ' * depth}{name} : {node.type} = {node.op.name}({args})"
        if node.attr is not None:
            text += " " + json.dumps(self.encoded(node.attr))
        self.lines.append(text)


def dump(nodes: Iterable[Expr]) -> str:
    """Exact text of the graphs below the given nodes.

    Raises:
        GraphError: an attribute is of an unknown class.
    """
    roots = list(nodes)
    writer = _Writer()
    with paused_gc():
        writer.write(roots)
    writer.lines.append(f"return {', '.join(writer.names[r] for r in roots)}")
    return "\n".join(writer.lines) + "\n"


# --- in ------------------------------------------------------------------------------------------------
class _Reader:
    def __init__(self) -> None:
        self.nodes: dict[str, Expr] = {}
        self.regions: dict[int, Region] = {}
        self.types: dict[AnyType, str] = {}
        self.ops: dict[str, Op] = {}

    def decoded(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple([self.decoded(v) for v in value])
        if isinstance(value, dict):
            ((tag, inner),) = value.items()
            if tag == "region":
                return self.regions[inner]
            return _by_tag[tag].decode(inner, self.decoded)
        return value

    def names(self, text: str) -> tuple[Expr, ...]:
        nodes = self.nodes
        return tuple([nodes[n] for n in text.split(", ")]) if text else ()

    def line(self, text: str) -> None:
        head, _, tail = text.partition(" = ")
        name, _, type_text = head.partition(" : ")
        op_name, _, tail = tail.partition("(")
        args, _, attr_text = tail.partition(")")
        op = self.ops.get(op_name)
        if op is None:
            op = self.ops[op_name] = lookup(op_name)
        attr = self.decoded(json.loads(attr_text)) if attr_text else None
        node = _made(op, self.names(args), attr)
        if self._type_text(node.type) != type_text:
            raise GraphError(worded(name, expected=type_text, got=str(node.type)))
        self.nodes[name] = node

    def _type_text(self, type_: AnyType) -> str:
        text = self.types.get(type_)
        if text is None:
            text = self.types[type_] = str(type_)
        return text

    def close(self, text: str) -> None:
        number, _, rest = text[3:].partition(" (")
        params, _, results = rest.removesuffix(")").partition(") -> (")
        self.regions[int(number)] = Region(self.names(params), self.names(results))


def _made(op: Op, args: tuple[Expr, ...], attr: Any) -> Expr:
    if op.key is not None:
        return intern(op, attr, args, op.result(attr=attr))
    if op.build is None:
        return make(op, args, attr)
    # Commutative arguments stand by age, which may be another one in this process.
    return op.build(*args) if attr is None else op.build(*args, attr=attr)


def load(text: str) -> list[Expr]:
    """The nodes that :func:`dump` was given.

    Raises:
        FormulaError: the text is no dump, with the line that is wrong.
    """
    reader = _Reader()
    roots: tuple[Expr, ...] | None = None
    lines = text.rstrip("\n").split("\n")
    if lines[0] != _HEADER:
        raise FormulaError(worded("load", expected=f"`{_HEADER}` in the first line", got=text[:20]))
    with paused_gc():
        for number, line in enumerate(lines[1:], start=2):
            stripped = line.lstrip(" ")
            try:
                if stripped[:1] == "%":
                    reader.line(stripped)
                elif stripped[:1] == "}":
                    reader.close(stripped)
                elif stripped.startswith("return "):
                    roots = reader.names(stripped[7:])
                elif stripped == "return":
                    roots = ()
                elif stripped and stripped != "region {":
                    raise GraphError(worded("load", expected="a node", got=stripped))
            except (KeyError, ValueError, TypeError) as error:
                raise FormulaError(
                    worded(f"line {number} of a dump", expected="a node", got=f"`{stripped}`")
                ) from error
    if roots is None:
        raise FormulaError(worded("load", expected="a last line `return ...`", got="none"))
    return list(roots)


provide("dump", lambda node: dump([node]))
provide("restore", lambda text: load(text)[0])
