"""Nested structures of values: taken apart into leaves and a :class:`Tree`, and put together again.

Inner nodes are tuples, lists, dicts, ``None`` (which has no leaf), NamedTuples, instances of dataclasses and
of classes registered with :func:`register_class`. Everything else is a leaf: numbers, arrays, strings,
functions, expressions. Objects are put together without running ``__init__`` or ``__post_init__``, because
what these would check or compute has been done when the original was made.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property
from inspect import getattr_static
from types import BuiltinFunctionType, MemberDescriptorType, SimpleNamespace
from typing import Any, Literal, TypeAlias, TypeVar, final, overload

from wengert.errors import TypeMismatchError, worded

__all__ = ["LEAF", "Tree", "flatten", "map_structure", "register_class", "structure"]

# Any, throughout: leaves and containers are whatever the user nests.
Kind: TypeAlias = Literal["leaf", "none", "list", "tuple", "named", "dict", "object", "custom"]
Flattener: TypeAlias = Callable[[Any], tuple[Iterable[Any], Hashable]]
Unflattener: TypeAlias = Callable[[Any, Sequence[Any]], Any]
C = TypeVar("C", bound=type)

_DEEPEST = (
    200  # nesting beyond that is a linked list or a mistake, and would exhaust Python's stack
)


@final
class Tree:
    """The structure of nested containers without their leaves; hashable, equal where alike.

    Dicts keep their order, and the order is part of the structure. ``size`` is the number of leaves.

    >>> leaves, tree = flatten({"w": [1.0, 2.0], "b": None})
    >>> leaves, tree.paths("p")
    ([1.0, 2.0], ["p['w'][0]", "p['w'][1]"])
    >>> tree.unflatten([3.0, 4.0])
    {'w': [3.0, 4.0], 'b': None}
    """

    __slots__ = ("_hash", "aux", "children", "cls", "keys", "kind", "size")
    kind: Kind
    cls: type | None
    keys: tuple[Any, ...]
    children: tuple[Tree, ...]
    aux: Hashable
    size: int

    def __init__(
        self,
        kind: Kind,
        cls: type | None = None,
        keys: tuple[Any, ...] = (),
        children: tuple[Tree, ...] = (),
        aux: Hashable = None,
    ) -> None:
        self.kind, self.cls, self.keys, self.children, self.aux = kind, cls, keys, children, aux
        self.size = 1 if kind == "leaf" else sum(child.size for child in children)
        self._hash = hash((kind, cls, keys, children, aux))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Tree) or self._hash != other._hash:
            return False
        mine = (self.kind, self.cls, self.keys, self.aux, self.children)
        return mine == (other.kind, other.cls, other.keys, other.aux, other.children)

    def __repr__(self) -> str:
        return f"Tree({self})"

    def __str__(self) -> str:
        return _text(self)

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The structure with the given leaves.

        Raises:
            TypeMismatchError: too few or too many leaves.
        """
        given = list(leaves)
        if len(given) != self.size:
            raise TypeMismatchError(
                worded("structure", expected=f"{self.size} leaves", got=f"{len(given)}")
            )
        return given[0] if self.kind == "leaf" else _built(self, iter(given))

    def paths(self, prefix: str = "") -> list[str]:
        """Where each leaf is, as people write it: ``p['w'][0]``, ``s.center``."""
        if self.kind == "leaf":
            return [prefix]
        return [
            path
            for step, child in zip(_steps(self), self.children, strict=True)
            for path in child.paths(prefix + step)
        ]

    def flatten_like(self, value: Any, name: str = "value") -> list[Any]:
        """The leaves of a value that must have this structure; dicts may have another order.

        What stands where this tree has a leaf is a leaf, whatever it is.

        Raises:
            TypeMismatchError: another structure; the message tells where.
        """
        found: list[Any] = []
        _gather(self, value, name, found)
        return found


LEAF = Tree("leaf")
_NONE = Tree("none")


# --- registered classes ---------------------------------------------------------------------------------
_custom: dict[type, tuple[Flattener, Unflattener] | None] = {SimpleNamespace: None}


@overload
def register_class(
    cls: C, flatten: Flattener | None = None, unflatten: Unflattener | None = None
) -> C: ...
@overload
def register_class(
    cls: None = None, flatten: Flattener | None = None, unflatten: Unflattener | None = None
) -> Callable[[C], C]: ...
def register_class(
    cls: Any = None, flatten: Flattener | None = None, unflatten: Unflattener | None = None
) -> Any:
    """Let instances of a class be inner nodes of structures; also a decorator.

    Without functions the attributes of an instance are its parts. ``flatten(instance)`` gives the parts
    and a hashable rest, and ``unflatten(rest, parts)`` the instance. Subclasses are registered on their own.

    Raises:
        TypeMismatchError: not a class, or only one of the two functions.

    >>> @register_class
    ... class Pendulum:
    ...     def __init__(self, length):
    ...         self.length = length
    >>> leaves, tree = flatten([Pendulum(2.0)])
    >>> leaves, tree.paths("systems")
    ([2.0], ['systems[0].length'])
    """
    if cls is None:
        return lambda decorated: register_class(decorated, flatten, unflatten)
    if not isinstance(cls, type):
        raise TypeMismatchError(worded("register_class", expected="a class", got=repr(cls)))
    if (flatten is None) != (unflatten is None):
        raise TypeMismatchError(
            worded("register_class", expected="flatten and unflatten, or neither", got="one")
        )
    _custom[cls] = None if flatten is None or unflatten is None else (flatten, unflatten)
    return cls


# --- taking apart -----------------------------------------------------------------------------------------
def flatten(
    value: Any, is_leaf: Callable[[Any], bool] | None = None, *, name: str = "value"
) -> tuple[list[Any], Tree]:
    """The leaves of nested containers in order, and the structure without them.

    What ``is_leaf`` accepts is not taken apart. ``name`` is for messages.

    Raises:
        TypeMismatchError: a container that contains itself, or nesting without end.

    >>> flatten((1.0, [2.0, None]))[0]
    [1.0, 2.0]
    """
    leaves: list[Any] = []
    return leaves, _taken(value, leaves, is_leaf, [], [name])


def structure(value: Any, is_leaf: Callable[[Any], bool] | None = None) -> Tree:
    """The structure of nested containers."""
    return flatten(value, is_leaf)[1]


def map_structure(function: Callable[..., Any], value: Any, *others: Any) -> Any:
    """The structure with ``function`` applied to each leaf, and to those of ``others`` in step.

    >>> map_structure(lambda p, g: p - g, {"a": 3.0}, {"a": 1.0})
    {'a': 2.0}
    """
    leaves, tree = flatten(value)
    rest = [tree.flatten_like(other) for other in others]
    return tree.unflatten([function(*row) for row in zip(leaves, *rest, strict=True)])


def _taken(
    value: Any,
    leaves: list[Any],
    is_leaf: Callable[[Any], bool] | None,
    above: list[int],
    path: list[str],
) -> Tree:
    if is_leaf is not None and is_leaf(value):
        leaves.append(value)
        return LEAF
    opened = _opened(value)
    if opened is None:
        leaves.append(value)
        return LEAF
    kind, keys, parts, aux = opened
    if kind == "none":
        return _NONE
    if id(value) in above:
        raise TypeMismatchError(
            worded(
                "".join(path),
                expected="nested values without cycles",
                got=f"a {type(value).__name__} that contains itself",
                hint="pass the parts that the function needs",
            )
        )
    if len(above) >= _DEEPEST:
        raise TypeMismatchError(
            worded(path[0], expected=f"at most {_DEEPEST} levels of nesting", hint="a flat list")
        )
    above.append(id(value))
    children = []
    for step, part in zip(_steps_of(kind, keys, len(parts)), parts, strict=True):
        path.append(step)
        children.append(_taken(part, leaves, is_leaf, above, path))
        path.pop()
    above.pop()
    return Tree(kind, type(value), keys, tuple(children), aux)


def _opened(value: Any) -> tuple[Kind, tuple[Any, ...], Sequence[Any], Hashable] | None:
    """Kind, keys, parts and rest of a container; ``None`` for a leaf."""
    cls = type(value)
    if cls in _LEAVES:
        return None
    if value is None:
        return "none", (), (), None
    if cls is tuple or cls is list:
        return ("tuple" if cls is tuple else "list"), (), value, None
    if cls is dict or cls is OrderedDict:
        return "dict", tuple(value), tuple(value.values()), None
    if cls in _custom:
        functions = _custom[cls]
        if functions is not None:
            parts, aux = functions[0](value)
            return "custom", (), tuple(parts), _hashable(aux, cls)
        return _opened_object(value, ())
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return "named", tuple(cls._fields), value, None
    if is_dataclass(cls):
        return _opened_object(value, [f.name for f in fields(cls)])
    return None


_LEAVES = frozenset({float, int, bool, complex, str, bytes})  # the common ones, for speed


def _opened_object(
    value: Any, first: Sequence[str]
) -> tuple[Kind, tuple[str, ...], Sequence[Any], Hashable]:
    """The state of an instance: fields, slots and what else has been set on it.

    Cached properties are left out: they are results, and follow from the rest again.
    """
    cls = type(value)
    names = dict.fromkeys(first)
    for base in reversed(cls.__mro__):
        slots = base.__dict__.get("__slots__", ())
        names |= dict.fromkeys((slots,) if isinstance(slots, str) else slots)
    names |= dict.fromkeys(getattr(value, "__dict__", ()))
    keys = tuple(
        name
        for name in names
        if name not in ("__dict__", "__weakref__")
        and not isinstance(getattr_static(cls, name, None), cached_property)
        and hasattr(value, name)
    )
    return "object", keys, [getattr(value, name) for name in keys], None


def _hashable(aux: Any, cls: type) -> Hashable:
    try:
        hash(aux)
    except TypeError:
        raise TypeMismatchError(
            worded(
                f"flatten of {cls.__name__}",
                expected="a hashable rest",
                got=repr(aux),
                hint="return arrays and lists among the parts",
            )
        ) from None
    found: Hashable = aux
    return found


# --- putting together ---------------------------------------------------------------------------------------
def _built(tree: Tree, leaves: Iterator[Any]) -> Any:
    kind, cls = tree.kind, tree.cls
    if kind == "leaf":
        return next(leaves)
    if kind == "none" or cls is None:
        return None
    parts = [_built(child, leaves) for child in tree.children]
    if kind == "list":
        return parts
    if kind == "tuple":
        return tuple(parts)
    if kind == "named":
        return tuple.__new__(cls, parts)
    if kind == "dict":
        return cls(zip(tree.keys, parts, strict=True))
    if kind == "custom":
        functions = _custom[cls]
        assert functions is not None
        return functions[1](tree.aux, parts)
    return _instance(cls, tree.keys, parts)


def _instance(cls: type, names: Sequence[str], parts: Sequence[Any]) -> Any:
    # The plain allocation of the innermost class that is not written in Python.
    base: Any = next(
        b for b in cls.__mro__ if isinstance(b.__dict__.get("__new__"), BuiltinFunctionType)
    )
    made = base.__new__(cls)
    for name, part in zip(names, parts, strict=True):
        if isinstance(getattr_static(cls, name, None), MemberDescriptorType):
            object.__setattr__(made, name, part)  # a slot, frozen or not
        else:
            made.__dict__[name] = part
    return made


# --- matching and paths -----------------------------------------------------------------------------------
def _gather(tree: Tree, value: Any, path: str, found: list[Any]) -> None:
    if tree.kind == "leaf":
        found.append(value)
        return
    opened = _opened(value)
    same = opened is not None and opened[0] == tree.kind and opened[3] == tree.aux
    if not same or (tree.kind != "none" and type(value) is not tree.cls):
        raise _misfit(path, tree, value)
    assert opened is not None
    _, keys, parts, _ = opened
    if tree.kind == "dict":
        if set(keys) != set(tree.keys):
            raise _misfit(path, tree, value)
        parts = [value[key] for key in tree.keys]
    elif keys != tree.keys or len(parts) != len(tree.children):
        raise _misfit(path, tree, value)
    for step, child, part in zip(_steps(tree), tree.children, parts, strict=True):
        _gather(child, part, path + step, found)


def _misfit(path: str, tree: Tree, value: Any) -> TypeMismatchError:
    leaf = _opened(value) is None
    got = f"a {type(value).__name__}" if leaf else str(structure(value))
    return TypeMismatchError(worded(path, expected=f"the structure {tree}", got=got))


def _steps(tree: Tree) -> list[str]:
    return _steps_of(tree.kind, tree.keys, len(tree.children))


def _steps_of(kind: Kind, keys: tuple[Any, ...], length: int) -> list[str]:
    if kind == "dict":
        return [f"[{key!r}]" for key in keys]
    if kind in ("named", "object"):
        return [f".{key}" for key in keys]
    return [f"[{i}]" for i in range(length)]


def _text(tree: Tree) -> str:
    parts = [_text(child) for child in tree.children]
    name = tree.cls.__name__ if tree.cls is not None else ""
    match tree.kind:
        case "leaf":
            return "*"
        case "none":
            return "None"
        case "list":
            return f"[{', '.join(parts)}]"
        case "tuple":
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        case "dict":
            both = zip(tree.keys, parts, strict=True)
            return f"{{{', '.join(f'{key!r}: {part}' for key, part in both)}}}"
        case "custom":
            return f"{name}({', '.join(parts)})"
        case "named" | "object":
            both = zip(tree.keys, parts, strict=True)
            return f"{name}({', '.join(f'{key}={part}' for key, part in both)})"
