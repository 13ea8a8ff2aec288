"""How a node is executed: a form of operators and calls over other nodes.

Unlike the forms that people read (``show.reading``), these keep the order of execution of the graph, and
leave broadcasts to NumPy wherever a neighbour has the full shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from wengert.emit.python.products import product, spread_axes
from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.einstein import is_ones
from wengert.ops.leaves import Number, is_negative, machine_number, number_of
from wengert.ops.spans import Index, Span
from wengert.show.forms import Form, Part

__all__ = ["Order", "Places", "form_of", "is_allocation", "merged_places"]

# How operands that commute are sorted: what is small comes first.
Order: TypeAlias = "Mapping[Expr, tuple[int, int, int]]"
Reader: TypeAlias = "Callable[[Expr, Order], Form]"

_EXACT = 2**53  # numerators and denominators below are floats


def form_of(node: Expr, order: Order) -> Form:
    """How a node (which is no leaf of the program, and has no body) is executed."""
    spell = node.op.spell
    reader = _call if spell.numpy is not None else _READERS.get(spell.notation, _call)
    return reader(node, order)


def is_allocation(form: Form) -> bool:
    """Whether a form only makes a new array of known contents, which is better made than copied."""
    return form.kind in ("zeros", "ones", "full", "eye")


# --- broadcasts that a neighbour makes unnecessary -------------------------------------------------------
def shown_operands(args: Sequence[Expr], shape: tuple[Extent, ...]) -> tuple[Part, ...]:
    """Operands of one elementwise operation, without the broadcasts that NumPy makes by itself."""
    rank = len(shape)
    if not rank:
        return tuple(args)
    spreads = [_spread(arg) if arg.ndim == rank else None for arg in args]
    covered: set[int] = set()
    for arg, spread in zip(args, spreads, strict=True):
        if arg.ndim == rank:
            covered |= set(range(rank)) if spread is None else set(spread[1])
    kept = -1
    if len(covered) < rank:  # one of them has to bring in the rest
        kept = next(i for i, arg in enumerate(args) if arg.ndim == rank)
    return tuple(
        arg if spread is None or i == kept else spread[0]
        for i, (arg, spread) in enumerate(zip(args, spreads, strict=True))
    )


def _spread(node: Expr) -> tuple[Part, tuple[int, ...]] | None:
    """What a broadcast spreads, indexed so that NumPy spreads it likewise, and the axes that it has."""
    number = _filled_with(node)
    if number is not None:
        return Form("number", (), number), ()
    axes = spread_axes(node)
    if axes is None:
        return None
    inner = node.args[0]
    if not axes or axes == tuple(range(node.ndim - len(axes), node.ndim)):
        return inner, axes
    entries = [":" if axis in axes else "None" for axis in range(axes[0], node.ndim)]
    return Form("spread", (inner,), ", ".join(entries)), axes


def _filled_with(node: Expr) -> Number | None:
    """The number with which an array is filled, if it is one number."""
    if not node.ndim:
        return None
    if is_ones(node):
        return 1
    if node.op.spell.notation == "sum" and len(node.args) == 1 and is_ones(node.args[0]):
        coefficient: Number = node.attr[0]
        return coefficient
    return None


# --- sums ------------------------------------------------------------------------------------------------
def _sum(node: Expr, order: Order) -> Form:
    number = _filled_with(node)
    if number is not None:
        return Form("zeros", (), node) if number == 0 else Form("full", (), (number, node))
    terms: list[tuple[Number, Expr]] = list(zip(node.attr, node.args, strict=True))
    if len(terms) == 2:
        terms.sort(key=lambda t: (is_negative(t[0]), _is_number(t[1]), order.get(t[1], _LAST)))
    shown = shown_operands([t for _, t in terms], node.shape)
    parts = [
        _scaled(-c if is_negative(c) else c, part, term)
        for (c, term), part in zip(terms, shown, strict=True)
    ]
    total: Part = parts[0]
    if is_negative(terms[0][0]):
        total = Form("neg", (total,))
    elif len(parts) == 1 and isinstance(total, Expr):
        total = Form("same", (total,))
    for part, (coefficient, _) in zip(parts[1:], terms[1:], strict=True):
        total = Form("sub" if is_negative(coefficient) else "add", (total, part))
    assert isinstance(total, Form)
    return total


_LAST = (1 << 60, 0, 0)


def _is_number(node: Expr) -> bool:
    return node.op.spell.notation == "literal" or _filled_with(node) is not None


def _scaled(size: Number, part: Part, term: Expr) -> Part:
    """A positive number times a term, in the operations of the reference."""
    if isinstance(part, Form) and part.kind == "number":
        return Form("number", (), size * part.data)
    if isinstance(part, Expr) and not part.args:
        number = number_of(part)
        if number is not None and type(part.attr) in (int, float, Fraction):
            return Form("number", (), size * number)
    if size == 1:
        return _counted(part, term)
    part = _counted(part, term)
    if isinstance(size, Fraction):
        if max(size.numerator, size.denominator) >= _EXACT:
            return Form("mul", (Form("number", (), machine_number(size)), part))
        if size.numerator != 1:
            part = Form("mul", (Form("number", (), size.numerator), part))
        return Form("div", (part, Form("number", (), size.denominator)), 0)
    return Form("mul", (Form("number", (), machine_number(size)), part))


def _counted(part: Part, term: Expr) -> Part:
    """Truth values in a sum count: NumPy would join them by *or*."""
    return Form("counted", (part,)) if term.value_type.dtype == "bool" else part


# --- the others ------------------------------------------------------------------------------------------
def _product(node: Expr, order: Order) -> Form:
    return product(node, order)


def _infix(kind: str) -> Reader:
    def reader(node: Expr, order: Order) -> Form:
        # Whether the values are integers decides how division and powers behave.
        return Form(kind, shown_operands(node.args, node.shape), node)

    return reader


_FLIPPED = {"<": ">", "<=": ">=", "==": "==", "!=": "!="}


def _compare(node: Expr, order: Order) -> Form:
    shown = shown_operands(node.args, node.shape)
    sign = node.op.spell.symbol
    if _stands_right(shown[0]) and not _stands_right(shown[1]):
        return Form("compare", shown[::-1], _FLIPPED[sign])
    return Form("compare", shown, sign)


def _stands_right(part: Part) -> bool:
    return isinstance(part, Form) or part.op.spell.notation == "literal"


def _logic(node: Expr, order: Order) -> Form:
    kind = "logic" if node.ndim else "logic_of_truths"
    return Form(kind, shown_operands(node.args, node.shape), node.op.spell.symbol)


def _not(node: Expr, order: Order) -> Form:
    return Form("not" if node.ndim else "not_truth", node.args)


def _call(node: Expr, order: Order) -> Form:
    indexed = _indexed(node)
    if indexed is not None:
        return indexed
    if node.op.elementwise and len(node.args) > 1:
        return Form("call", shown_operands(node.args, node.shape), node)
    return Form("call", node.args, node)


# --- parts of parts --------------------------------------------------------------------------------------
_INDEXING = re.compile(r"\{0\}\[(.*)\]")


class Places(NamedTuple):
    """An index with some of its whole axes taken at places: ``A[i, k + 1:]`` of ``A[:, k + 1:]``.

    ``entries`` has one entry for each axis that the index keeps, ``{1}`` for the first place.
    """

    within: Index
    entries: tuple[str, ...]


def _indexed(node: Expr) -> Form | None:
    """Elements of a part of an array as elements of the array."""
    if not node.args or node.args[0].op.spell.notation != "index" or node.op.spell.numpy is None:
        return None
    found = _INDEXING.fullmatch(node.op.spell.numpy(node))
    if found is None:
        return None
    places = merged_places(node.args[0].attr, found.group(1), node.args[1:])
    part = node.args[0]
    return None if places is None else Form("indexed", (part.args[0], *node.args[1:]), places)


def merged_places(index: Index, entries: str, places: Sequence[Expr]) -> Places | None:
    """One index for two in a row, if NumPy then takes the same."""
    if any(p.ndim for p in places):  # arrays of places move axes about
        return None
    kept = [(s, e) for s, e in zip(index.spans, index.shape, strict=True) if s.keep]
    texts = entries.split(", ")
    texts += [":"] * (len(kept) - len(texts))
    for (span, extent), text in zip(kept, texts, strict=True):
        if text != ":" and span != Span(0, extent, 1, True):
            return None
    return Places(index, tuple(texts))


def _literal(node: Expr, order: Order) -> Form:
    return Form("literal", (), node)


def _symbol(node: Expr, order: Order) -> Form:
    return Form("named" if hasattr(node.attr, "name") else "length", (), node)


def _identity(node: Expr, order: Order) -> Form:
    return Form("eye", (), node)


_READERS: dict[str, Reader] = {
    "literal": _literal,
    "symbol": _symbol,
    "identity": _identity,
    "sum": _sum,
    "product": _product,
    "quotient": _infix("quotient"),
    "quotient_down": _infix("quotient_down"),
    "power": _infix("power"),
    "compare": _compare,
    "logic": _logic,
    "not": _not,
    "hidden": lambda node, order: Form("same", node.args[:1]),
}
