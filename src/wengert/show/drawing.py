"""What pictures of a graph share: the nodes in an order that is not that of their age, and their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.ir.types import TupleType
from wengert.ops.einstein import Spec
from wengert.ops.leaves import Number
from wengert.show.names import Names
from wengert.show.order import Look, product_key
from wengert.show.precedence import flat
from wengert.show.products import reading_factors
from wengert.show.reading import Reading
from wengert.show.sums import reading_terms
from wengert.show.text import option_text
from wengert.show.unicode import UnicodeWriter, pretty_name

__all__ = ["Drawing", "is_ordered", "type_text"]

_LONGEST = 28


class Drawing:
    """The nodes of a picture, arguments before users; ``args``: their arguments as people read them."""

    __slots__ = ("_names", "_reading", "args", "nodes", "roots")

    def __init__(self, roots: Iterable[Expr]) -> None:
        self.roots = tuple(roots)
        self._reading = Reading(self.roots)
        looks = self._reading.looks
        self.args = {node: _arguments(node, looks) for node in self._reading.nodes}
        self.nodes = _depth_first(self.roots, self.args)
        self._names = Names(self.nodes)

    def label(self, node: Expr) -> str:
        """A few signs for what the node does."""
        spell = node.op.spell
        match spell.notation:
            case "sum":
                return _sum_label([c for c, _ in reading_terms(node, self._reading.looks)])
            case "product":
                return "×" if node.attr.elementwise else self._axes(node)
            case "power":
                return "^"
            case "quotient":
                return "÷"
            case "compare" | "logic" | "not":
                return {"<=": "≤", "!=": "≠", "==": "="}.get(spell.symbol, spell.symbol)
            case "identity":
                return f"I ({node.attr})"
            case "literal" | "symbol":
                return _cut(self._leaf_label(node))
        options = dict(spell.options(node)) if spell.options is not None else {}
        shown = ", ".join(f"{key}={option_text(value)}" for key, value in options.items())
        if not shown and node.attr is not None and node.op.bodies is None and spell.options is None:
            shown = str(node.attr)
        return _cut(f"{node.op.name} {shown}".rstrip())

    def _axes(self, node: Expr) -> str:
        factors = reading_factors(node, self._reading.looks)
        return str(Spec(tuple(axes for _, axes in factors), node.attr.out))

    def _leaf_label(self, node: Expr) -> str:
        shown = self._names.shown
        if node in shown:
            return pretty_name(shown[node])
        return flat([UnicodeWriter(self._reading, self._names).write(self._reading.form(node))])


def _arguments(node: Expr, looks: dict[Expr, Look]) -> tuple[Expr, ...]:
    """Commutative operands as people read them; others in their own order."""
    if len(node.args) < 2:
        return node.args
    match node.op.spell.notation:
        case "sum":
            return tuple(term for _, term in reading_terms(node, looks))
        case "product":
            return tuple(factor for factor, _ in reading_factors(node, looks))
        case "compare" if node.op.laws.commutative:
            return tuple(sorted(node.args, key=lambda a: product_key(a, looks[a])))
    return node.args


def _depth_first(roots: Sequence[Expr], args: Mapping[Expr, Sequence[Expr]]) -> list[Expr]:
    """Arguments before users, each as soon as the first of its users needs it."""
    found: dict[Expr, None] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, finished = stack.pop()
        if finished:
            found[node] = None
        elif node not in found:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(args[node]) if arg not in found)
    return list(found)


def is_ordered(node: Expr) -> bool:
    """Whether it matters which argument is which."""
    return len(node.args) > 1 and not node.op.laws.commutative


def type_text(node: Expr) -> str:
    """The shape, and the dtype where it is not float64; empty for a plain scalar."""
    if isinstance(node.type, TupleType):
        return str(node.type)
    shape = extent_text(node.type.shape) if node.type.shape else ""
    dtype = "" if node.type.dtype == "float64" or not node.args else node.type.dtype
    return " ".join(filter(None, (shape, dtype)))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _sum_label(coefficients: Sequence[Number]) -> str:
    if all(c == 1 for c in coefficients):
        return "+"
    if len(coefficients) == 1:
        return "−" if coefficients[0] == -1 else f"{coefficients[0]} ×"
    terms = [f"{'−' if c < 0 else '+'}{'' if abs(c) == 1 else abs(c)}" for c in coefficients]
    return " ".join(terms)
