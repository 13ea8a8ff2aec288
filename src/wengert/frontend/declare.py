"""Names with their shapes and assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from keyword import iskeyword
from typing import TypeAlias

from wengert.errors import FormulaError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Dim, extent_text
from wengert.ir.facts import DIAGONAL, ORTHOGONAL, SYMMETRIC, fact_bits
from wengert.ir.greek import canonical
from wengert.ir.node import Expr
from wengert.ops.leaves import symbol

__all__ = ["Assumed", "Declared", "Shape", "declared", "symbols"]

Shape: TypeAlias = int | str | Dim | Iterable[int | str | Dim]
Declared: TypeAlias = Shape | Expr
Assumed: TypeAlias = str | Iterable[str]

_OF_MATRICES = SYMMETRIC | ORTHOGONAL | DIAGONAL


def symbols(
    names: str | Iterable[str], shape: Shape = (), *, assume: Assumed = ()
) -> tuple[Expr, ...] | Expr:
    """New symbols with the given names, all of one shape and with the same assumptions.

    ``names``: separated by blanks or commas; ``"x1:4"`` stands for ``x1 x2 x3``. One name gives one symbol,
    several a tuple. ``shape``: an extent or several; an extent is a number or a name.

    Raises:
        FormulaError: not a name.
        TypeMismatchError, ShapeError: an unknown assumption, or one that does not fit the shape.

    >>> x, y = symbols("x y")
    >>> symbols("A", ("m", "n")).shape
    (Dim(m), Dim(n))
    """
    listed = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    shape = shape if isinstance(shape, (int, str, Dim)) else tuple(shape)
    made = tuple(named(name, shape, assume) for part in listed for name in _spread(part))
    if not made:
        raise FormulaError(
            worded("symbols", expected="a name", got=repr(names), hint="symbols('x y')")
        )
    return made[0] if len(made) == 1 else made


def _spread(name: str) -> Iterator[str]:
    head, sign, end = name.partition(":")
    stem = head.rstrip("0123456789")
    start = head[len(stem) :]
    if not sign or not stem or not end.isdigit():
        yield name
        return
    for number in range(int(start or 0), int(end)):
        yield f"{stem}{number}"


def named(name: str, shape: Shape, assume: Assumed) -> Expr:
    """The symbol called ``name``, with its assumptions checked against its shape."""
    name = checked_name(name)
    if not isinstance(shape, (int, str, Dim, Iterable)):
        raise TypeMismatchError(
            worded(
                f"declaration of `{name}`",
                expected="an extent, a tuple of extents, or an expression",
                got=f"{shape!r} ({type(shape).__name__})",
                hint=f'{name}=("m", "n"), {name}="n", {name}=3, or {name}=() for a scalar',
            )
        )
    try:
        assume = (assume,) if isinstance(assume, str) else tuple(assume)
        made = symbol(name, shape, assume=assume)
    except TypeMismatchError as error:
        raise TypeMismatchError(f"`{name}`: {error}") from None
    extents = made.shape
    if fact_bits(assume) & _OF_MATRICES and (len(extents) != 2 or extents[0] != extents[1]):
        raise ShapeError(
            worded(
                f"`{name}`, assumed {' and '.join(assume)}",
                expected="a square matrix",
                got=f"shape {extent_text(extents)}",
                hint=f'{name}=("n", "n")',
            )
        )
    return made


def checked_name(name: str) -> str:
    """The canonical form of a name.

    Raises:
        FormulaError: nothing that a formula could use as a name.
    """
    known = canonical(name)
    if not known.isidentifier() or (iskeyword(known) and known != "lambda"):
        raise FormulaError(
            worded("symbol", expected="a name (letters, digits, underscores)", got=f"`{name}`")
        )
    return known


def declared(
    shapes: Mapping[str, Declared], assume: Mapping[str, Assumed] | None
) -> dict[str, Expr]:
    """What each declared name stands for.

    ``shapes`` gives an extent, a tuple of extents (``()`` for a scalar) or an expression for a name;
    ``assume`` gives names of assumptions.

    Raises:
        FormulaError: no name, or assumptions beside an expression (which has its own).
        TypeMismatchError, ShapeError: what is declared makes no symbol.
    """
    if assume is not None and not isinstance(assume, Mapping):
        raise TypeMismatchError(
            worded(
                "assume",
                expected="assumptions by name",
                got=repr(assume),
                hint='assume={"x": "positive"}',
            )
        )
    facts = {checked_name(name): given for name, given in (assume or {}).items()}
    found: dict[str, Expr] = {}
    for key, shape in shapes.items():
        name = checked_name(key)
        if name in found:
            raise FormulaError(f"`{name}` is declared twice (as `{key}` too)")
        if isinstance(shape, Expr):
            if name in facts:
                raise FormulaError(
                    worded(
                        f"`{name}`",
                        expected="assumptions or an expression that has its own",
                        got="both",
                        hint=f"symbol({name!r}, ..., assume=...)",
                    )
                )
            found[name] = shape
        else:
            found[name] = named(name, shape, facts.get(name, ()))
    for name, given in facts.items():
        if name not in found:
            found[name] = named(name, (), given)
    return found
