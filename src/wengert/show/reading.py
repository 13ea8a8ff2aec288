"""What a person would write for each node of a graph: its form, and the order of its operands.

The choice of a form is checked where it is not plain: it is kept only if its operators build the very node.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from wengert.errors import WengertError
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.algebra import broadcast_together
from wengert.ops.einstein import broadcast_to
from wengert.ops.leaves import const
from wengert.show.forms import Form, Part, gives
from wengert.show.order import Look, product_key, seen
from wengert.show.products import kron_form, product_form
from wengert.show.sums import sum_form

__all__ = ["Reading", "narrowed"]


class Reading:
    """Forms and looks of all nodes that the roots need, arguments before users."""

    __slots__ = ("looks", "nodes", "roots")

    def __init__(
        self,
        roots: Iterable[Expr],
        nodes: Sequence[Expr] | None = None,
        elided: Collection[Expr] = (),
    ) -> None:
        """``nodes``: those to read, where not all are wanted; ``elided``: those shown as dots."""
        self.roots = tuple(roots)
        self.nodes: Sequence[Expr] = order(self.roots) if nodes is None else nodes
        self.looks: dict[Expr, Look] = {}
        looks, readers = self.looks, _READERS
        for node in self.nodes:
            if node in elided:
                form = Form("elided")
            else:
                form = readers.get(node.op.spell.notation, _call)(node, looks)
            looks[node] = seen(form, looks)

    def form(self, node: Expr) -> Form:
        """How the node is written."""
        return self.looks[node].form


# --- explicit broadcasts that the operators make by themselves -----------------------------------------
def narrowed(node: Expr) -> Part | None:
    """What may stand for a broadcast next to a full operand: the scalar or the rows, or a number."""
    notation = node.op.spell.notation
    if notation == "product" and len(node.args) == 1 and node.attr.new:
        inner = node.args[0]
        try:
            return inner if broadcast_to(inner, node.shape) is node else None
        except WengertError:  # the new axis is not in front: no operator makes this broadcast
            return None
    if notation == "sum" and len(node.args) == 1:
        ones = node.args[0]
        if ones.op.spell.notation == "product" and len(ones.args) == 1 and not ones.args[0].args:
            number = Form("number", (), node.attr[0])
            return number if gives(Form("mul", (number, ones)), node) else None
    return None


def shown_operands(args: Sequence[Expr]) -> tuple[Part, ...]:
    """Operands with the broadcasts left out that their neighbours bring about."""
    if not args[0].shape:
        return tuple(args)
    parts: list[Part] = []
    for arg in args:
        narrow = narrowed(arg)
        parts.append(arg if narrow is None else narrow)
    for position, arg in enumerate(args):
        if _spread(parts) == list(args):
            break
        parts[position] = arg
    return tuple(parts)


def _spread(parts: Sequence[Part]) -> list[Expr] | None:
    from_numbers = [const(p.data) if isinstance(p, Form) else p for p in parts]
    try:
        return list(broadcast_together(*from_numbers))
    except WengertError:
        return None


# --- one reader per notation --------------------------------------------------------------------------
def _call(node: Expr, looks: dict[Expr, Look]) -> Form:
    args: tuple[Part, ...] = node.args
    if len(args) > 1 and node.op.elementwise:
        args = shown_operands(node.args)
    elif len(args) == 1 and node.args[0].op.spell.notation == "product":
        blocks = kron_form(node)
        if blocks is not None:
            return blocks
    return Form("call", args, node)


def _symbol(node: Expr, looks: dict[Expr, Look]) -> Form:
    return Form("symbol", (), node)


def _literal(node: Expr, looks: dict[Expr, Look]) -> Form:
    return Form("literal", (), node.attr)


def _identity(node: Expr, looks: dict[Expr, Look]) -> Form:
    return Form("eye", (), node.attr)


def _infix(kind: str) -> Callable[[Expr, dict[Expr, Look]], Form]:
    def reader(node: Expr, looks: dict[Expr, Look]) -> Form:
        args: tuple[Part, ...] = node.args
        if not node.type.shape:  # type: ignore[union-attr]  # these ops have one result
            return Form(kind, args, 0)
        same = node.args[1].ndim == node.ndim
        shown = shown_operands(node.args) if same else args
        form = Form(kind, shown, _elementwise_rank(kind, shown))
        if shown == args or kind == "floordiv" or gives(form, node):
            return form
        return Form(kind, args, _elementwise_rank(kind, args))

    return reader


def _elementwise_rank(kind: str, shown: Sequence[Part]) -> int:
    """Axes along which elements are paired: none if the base or one side of a quotient is a scalar."""
    ranks = [part.ndim if isinstance(part, Expr) else 0 for part in shown]
    return ranks[0] if kind == "pow" else min(ranks)


_FLIPPED = {"<": ">", "<=": ">=", "==": "==", "!=": "!="}


def _compare(node: Expr, looks: dict[Expr, Look]) -> Form:
    """Numbers stand on the right, otherwise as products are ordered: ``x > 0``."""
    shown = shown_operands(node.args)
    sides = [
        (isinstance(p, Form) or p.op.spell.notation == "literal", product_key(a, looks[a])[3:])
        for p, a in zip(shown, node.args, strict=True)
    ]
    sign = node.op.spell.symbol
    if sides[1] < sides[0]:
        return Form("compare", shown[::-1], _FLIPPED[sign])
    return Form("compare", shown, sign)


def _logic(node: Expr, looks: dict[Expr, Look]) -> Form:
    return Form("logic", shown_operands(node.args), node.op.spell.symbol)


def _not(node: Expr, looks: dict[Expr, Look]) -> Form:
    return Form("not", node.args)


_READERS: dict[str, Callable[[Expr, dict[Expr, Look]], Form]] = {
    "call": _call,
    "symbol": _symbol,
    "literal": _literal,
    "identity": _identity,
    "sum": sum_form,
    "product": product_form,
    "quotient": _infix("div"),
    "quotient_down": _infix("floordiv"),
    "power": _infix("pow"),
    "compare": _compare,
    "logic": _logic,
    "not": _not,
}
