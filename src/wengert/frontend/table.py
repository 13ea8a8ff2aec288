"""Which functions of NumPy, SciPy, ``math`` and ``cmath`` a captured program may call, and what they build.

Each entry is a Python function on expressions with the signature of the function that it stands for. The
annotations of its parameters say how arguments arrive:

* ``Value``: an expression (numbers and arrays are lifted);
* ``Values``: a list of expressions (an array stays one expression: its rows are meant);
* ``Nested``: lists and tuples of expressions to any depth; texts and ``...`` stay what they are;
* ``Shape``, ``Length``: extents, several or one; ``Number``: an extent or any other number that is known;
* anything else: a Python value that has to be known at capture.

A parameter of the original that the entry lacks is refused by name, unless it has its default value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import Any, TypeAlias

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.algebra import lift

__all__ = [
    "Entry",
    "Length",
    "Nested",
    "Number",
    "Shape",
    "Value",
    "Values",
    "apply",
    "described",
    "entries",
    "entry_of",
    "maps",
    "title_of",
]

# Any: an original argument may be whatever Python value the user wrote.
Value: TypeAlias = Expr
Values: TypeAlias = list[Expr]
Shape: TypeAlias = tuple[Extent, ...]
Length: TypeAlias = Extent
Number: TypeAlias = Any
Nested: TypeAlias = Any

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Entry:
    """A function that may be called, and the function on expressions that stands for it.

    What its signature says is found out when it is first wanted: there are hundreds of entries, and a
    program calls a few.
    """

    title: str
    original: Callable[..., Any]
    function: Callable[..., Any]
    group: str

    @cached_property
    def signature(self) -> inspect.Signature:
        """Of the function on expressions."""
        return inspect.signature(self.function)

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """By parameter: "value", "values", "nested", "shape", "length", "number", "static"."""
        return {name: _kind(p.annotation) for name, p in self.signature.parameters.items()}

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """Parameters of the original that are refused unless they have these."""
        return _unsupported(self.original, self.signature)

    @cached_property
    def positional(self) -> tuple[tuple[str, str], ...]:
        """Names and kinds of what may be given by position."""
        return tuple((p.name, self.kinds[p.name]) for p in self._ordered)

    @cached_property
    def least(self) -> int | None:
        """How many of them have no default; ``None`` where position is not all that counts."""
        if any(map(_is_beyond_position, self.signature.parameters.values())):
            return None
        return sum(p.default is p.empty for p in self._ordered)

    @property
    def _ordered(self) -> list[inspect.Parameter]:
        return [p for p in self.signature.parameters.values() if p.kind in _POSITIONAL]


_entries: dict[Any, Entry] = {}
_KINDS = {
    "Value": "value",
    "Values": "values",
    "Nested": "nested",
    "Shape": "shape",
    "Length": "length",
    "Number": "number",
}


def _kind(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return _KINDS.get(text.replace(" | None", ""), "static")


def title_of(function: Any) -> str:
    """``numpy.linalg.solve`` as people write it."""
    module = getattr(function, "__module__", None) or type(function).__module__
    name = getattr(function, "__name__", type(function).__name__)
    # Private modules are where a function is written, not where people find it.
    public = [part for part in module.split(".") if not part.startswith("_")]
    return ".".join([*public, name])


def maps(
    *originals: Callable[..., Any], group: str = "", title: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function on expressions for one or several functions that people call.

    ``group`` is the section of the table in the documentation.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for original in originals:
            _entries[original] = described(original, function, group, title)
        return function

    return register


def described(
    original: Callable[..., Any], function: Callable[..., Any], group: str = "", title: str = ""
) -> Entry:
    """The entry of a function, not registered."""
    return Entry(title or title_of(original), original, function, group)


def _is_beyond_position(parameter: inspect.Parameter) -> bool:
    kind = parameter.kind
    return kind is parameter.VAR_POSITIONAL or (
        kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    )


def _unsupported(original: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    try:
        theirs = inspect.signature(original).parameters
    except (TypeError, ValueError):
        return {}
    return {
        name: parameter.default
        for name, parameter in theirs.items()
        if name not in signature.parameters and parameter.kind not in _VARIADIC
    }


def entry_of(original: Any) -> Entry | None:
    """The entry of a function, if it is covered."""
    try:
        return _entries.get(original)
    except TypeError:  # not hashable
        return None


def entries() -> Iterable[Entry]:
    """All entries."""
    return _entries.values()


def bind(entry: Entry, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
    """The arguments by parameter.

    Raises:
        TypeMismatchError: an argument that is not supported.
    """
    kept = dict(kwargs)
    for name in kwargs:
        if name in entry.signature.parameters:
            continue
        if name in entry.defaults and _is_default(kwargs[name], entry.defaults[name]):
            del kept[name]
            continue
        if not any(p.kind is p.VAR_KEYWORD for p in entry.signature.parameters.values()):
            supported = ", ".join(entry.signature.parameters)
            raise TypeMismatchError(
                worded(
                    f"{entry.title}: argument `{name}`",
                    expected=f"one of those that can be captured ({supported})",
                    got=f"{name}={kwargs[name]!r}",
                    hint="leave it out, or mode='tape'",
                )
            )
    try:
        return entry.signature.bind(*args, **kept)
    except TypeError as error:
        raise TypeMismatchError(
            worded(entry.title, expected=f"arguments {entry.signature}", got=str(error))
        ) from None


def _is_default(given: Any, default: Any) -> bool:
    if given is default:
        return True
    try:
        return bool(given == default)
    except (TypeError, ValueError):
        return False


def apply(
    entry: Entry,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    convert: Callable[[str, str, Any], Any] | None = None,
) -> Any:
    """Call the entry; ``convert(kind, name, argument)`` prepares each argument."""
    convert = convert or _lifted
    count = len(args)
    if not kwargs and entry.least is not None and entry.least <= count <= len(entry.positional):
        pairs = zip(entry.positional, args, strict=False)
        return entry.function(*(convert(kind, name, value) for (name, kind), value in pairs))
    bound = bind(entry, args, kwargs)
    for name, value in bound.arguments.items():
        kind = entry.kinds[name]
        parameter = entry.signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            bound.arguments[name] = tuple(convert(kind, name, v) for v in value)
        elif parameter.kind is not parameter.VAR_KEYWORD:
            bound.arguments[name] = convert(kind, name, value)
    return entry.function(*bound.args, **bound.kwargs)


def _lifted(kind: str, name: str, value: Any) -> Any:
    """How arguments are prepared outside capture: for use with expressions, numbers and arrays."""
    if value is None:
        return None
    if kind == "value":
        return lift(value)
    if kind == "values":
        return value if isinstance(value, Expr) else [lift(v) for v in value]
    if kind == "nested":
        return _lifted_leaves(value)
    if kind == "shape":
        return tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return value


def _lifted_leaves(value: Any) -> Any:
    """Lists and tuples with their members lifted, as deep as somebody wrote them."""
    if isinstance(value, (list, tuple)):
        return type(value)([_lifted_leaves(v) for v in value])
    return value if isinstance(value, (str, EllipsisType)) else lift(value)
