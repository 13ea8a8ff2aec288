"""The arguments by which a derivative is taken: which they are, what they may be, and their structure.

A Python integer is taken for the float it equals. Integer and truth values in arrays have no derivative and
are refused. What is no number at all (a name, a function) stays what it is, and its derivative is ``None``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.trees import Tree, flatten
from wengert.ir.node import Expr
from wengert.ir.types import is_complex, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.layout import cast
from wengert.ops.leaves import fresh

__all__ = [
    "Argnums",
    "Inputs",
    "as_positions",
    "call_name",
    "opened",
    "parameter_names",
    "promoted",
]

Argnums: TypeAlias = "int | Sequence[int]"
# Any, below: arguments are whatever the user passes.


# --- names and positions -------------------------------------------------------------------------------
def call_name(function: Any) -> str:
    """The name by which people know a function."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _signature(function: Any) -> inspect.Signature | None:
    try:
        return _known_signature(function)
    except (TypeError, ValueError):
        return None


@lru_cache(maxsize=256)
def _known_signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def parameter_names(function: Any, count: int) -> list[str]:
    """The names of the first ``count`` positional parameters."""
    signature = _signature(function)
    names: list[str] = []
    for parameter in [] if signature is None else signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{i}]" for i in range(count - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return (names + [f"argument {i}" for i in range(len(names), count)])[:count]


def positional(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], argnums: Argnums
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with those given by name in their places, as far as ``argnums`` needs them."""
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    signature = _signature(function)
    if not kwargs or signature is None or all(0 <= p < len(args) for p in places):
        return list(args), dict(kwargs)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return list(args), dict(kwargs)
    return list(bound.args), dict(bound.kwargs)


def as_positions(argnums: Argnums, count: int, what: str) -> tuple[int, ...]:
    """Positions counted from the front.

    Raises:
        TypeMismatchError: not an int or several, or a position without an argument.
    """
    places = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    found: list[int] = []
    for place in places:
        if isinstance(place, bool) or not isinstance(place, (int, np.integer)):
            raise TypeMismatchError(
                worded(f"{what}: argnums", expected="an int or a tuple of ints", got=repr(argnums))
            )
        if not -count <= place < count:
            raise TypeMismatchError(
                worded(
                    f"{what}: argnums",
                    expected=f"positions below {count}, the number of positional arguments",
                    got=str(place),
                    hint="pass what is to be varied by position",
                )
            )
        found.append(int(place) % count)
    if len(set(found)) != len(found):
        raise TypeMismatchError(
            worded(f"{what}: argnums", expected="distinct positions", got=repr(argnums))
        )
    return tuple(found)


# --- leaves --------------------------------------------------------------------------------------------
def promoted(value: Any, path: str, what: str) -> Any:
    """A leaf to vary: numbers as floats, arrays as they are; what is no number stays as it is.

    Raises:
        TypeMismatchError: integers in an array, truth values, or a masked array.
    """
    if isinstance(value, (bool, np.bool_)):
        raise _discrete(what, path, "bool")
    if isinstance(value, (int, np.integer)):
        return float(value)
    if isinstance(value, np.ma.MaskedArray):
        raise TypeMismatchError(
            worded(
                f"{what} by `{path}`",
                expected="an array all of whose elements count",
                got="a masked array",
                hint=f"{path}.filled(0), with the mask as an argument of its own",
            )
        )
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fc":
        raise _discrete(what, path, f"{value.dtype}{list(value.shape)}")
    if isinstance(value, Expr) and not is_inexact(value.value_type):
        type_ = value.value_type
        if type_.shape or not type_.weak or type_.dtype == "bool":
            raise _discrete(what, path, str(type_))
        return cast(value, "float64")
    return value


def _discrete(what: str, path: str, got: str) -> TypeMismatchError:
    fixed = what.split(" ", 1)[0] in ("jvp", "vjp", "linearize")
    rest = "fix it: lambda x: f(x, ...)" if fixed else "leave it out of argnums"
    return TypeMismatchError(
        worded(
            f"{what} by `{path}`",
            expected="floating-point values",
            got=got,
            hint=f"{path}.astype(float), or {rest}",
        )
    )


def is_number(value: Any) -> bool:
    """Whether a leaf has a derivative at all."""
    return isinstance(value, (Expr, float, complex, np.inexact, np.ndarray))


def promoted_arguments(
    args: Sequence[Any], positions: Iterable[int], names: Sequence[str], what: str
) -> list[Any]:
    """The arguments with the leaves to vary made floats."""
    changed = list(args)
    for place in positions:
        leaves, tree = flatten(args[place], name=names[place])
        paths = tree.paths(names[place])
        new = [promoted(leaf, path, what) for leaf, path in zip(leaves, paths, strict=True)]
        changed[place] = tree.unflatten(new)
    return changed


# --- inputs --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Inputs:
    """Symbols for the arguments to vary, with the expressions that they stand for.

    ``trees`` has one structure per position; ``live`` tells which of the leaves are numbers.
    """

    symbols: tuple[Expr, ...]
    values: tuple[Expr, ...]
    paths: tuple[str, ...]
    trees: tuple[Tree, ...]
    live: tuple[bool, ...]
    args: tuple[Any, ...]
    single: bool

    def structured(self, values: Iterable[Any]) -> Any:
        """One value per symbol, in the structure of the arguments (``None`` where there is no number)."""
        left = iter(values)
        flat = iter([next(left) if live else None for live in self.live])
        found = tuple(tree.unflatten([next(flat) for _ in range(tree.size)]) for tree in self.trees)
        return found[0] if self.single else found

    def gathered(self, values: Sequence[Any], what: str) -> list[Any]:
        """One value per symbol from values structured like the arguments."""
        found = []
        live = iter(self.live)
        for tree, value in zip(self.trees, values, strict=True):
            found += [v for v in tree.flatten_like(value, what) if next(live)]
        return found

    @property
    def complex(self) -> bool:
        """Whether any of the values is complex."""
        return any(is_complex(s.value_type) for s in self.symbols)


def opened(function: Any, args: Sequence[Any], argnums: Argnums, what: str) -> Inputs:
    """Fresh symbols in place of the numbers among the arguments at ``argnums``.

    Raises:
        TypeMismatchError: no such argument, or values without a derivative.
    """
    positions = as_positions(argnums, len(args), what)
    names = parameter_names(function, len(args))
    changed = promoted_arguments(args, positions, names, what)
    symbols: list[Expr] = []
    values: list[Expr] = []
    paths: list[str] = []
    trees: list[Tree] = []
    live: list[bool] = []
    for place in positions:
        leaves, tree = flatten(changed[place], name=names[place])
        if leaves and not any(map(is_number, leaves)):
            got = f"{leaves[0]!r} ({type(leaves[0]).__name__})"
            raise TypeMismatchError(
                worded(f"{what} by `{names[place]}`", expected="numbers or arrays", got=got)
            )
        for i, path in enumerate(tree.paths(names[place])):
            live.append(is_number(leaves[i]))
            if live[-1]:
                values.append(lift(leaves[i]))
                symbols.append(fresh(values[-1].value_type, "x"))
                paths.append(path)
                leaves[i] = symbols[-1]
        trees.append(tree)
        changed[place] = tree.unflatten(leaves)
    return Inputs(
        tuple(symbols),
        tuple(values),
        tuple(paths),
        tuple(trees),
        tuple(live),
        tuple(changed),
        not isinstance(argnums, (tuple, list)),
    )
