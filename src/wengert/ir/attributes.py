"""Attributes of ops taken apart into plain things and put together again, for dumping and renaming.

Classes of attributes are made known by :func:`codec`.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import GraphError, worded
from wengert.ir.dims import Dim, Extent
from wengert.ir.types import Type

__all__ = ["PARTS", "by_tag", "codec", "codec_of", "mapped"]

# Any, here and below: attributes are of many classes, and their encoded form is JSON.
_Encoder = Callable[[Any], Any]


class _Codec(NamedTuple):
    tag: str
    encode: Callable[[Any, _Encoder], Any]
    decode: Callable[[Any, _Encoder], Any]


_by_class: dict[type, _Codec] = {}
by_tag: dict[str, _Codec] = {}


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
    other = by_tag.get(entry.tag)
    if other is not None and _by_class.get(cls) is not other:
        raise GraphError(
            worded(f"codec of {cls.__name__}", expected="a new tag", got=f"`{entry.tag}`, taken")
        )
    _by_class[cls] = by_tag[entry.tag] = entry


# --- attributes as JSON --------------------------------------------------------------------------------
def codec_of(value: Any) -> _Codec:
    """How values of the class of ``value`` are taken apart.

    Raises:
        GraphError: the class is unknown.
    """
    kind = type(value)
    known = _by_class.get(kind)
    if known is not None:
        return known
    if isinstance(value, np.generic):
        return by_tag["scalar"]
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


# The classes of parts that `mapped` changes: extents with names, and regions.
PARTS: set[type] = {Dim}


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """An attribute with ``change`` applied to all extents with names and all regions in it.

    Raises:
        GraphError: the attribute is of an unknown class.
    """
    kind = type(value)
    if kind in PARTS:
        return change(value)
    if kind is int or kind is str or kind is bool or value is None:
        return value
    if kind is tuple:
        return tuple([mapped(v, change) for v in value])
    known = codec_of(value)
    # Parts are changed on the way out; the way back takes them as they are.
    return known.decode(known.encode(value, lambda v: mapped(v, change)), lambda v: v)
