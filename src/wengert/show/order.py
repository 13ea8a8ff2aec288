"""The order in which a person reads commutative operands: by what they look like, never by their age.

In products: numbers, constants such as pi, then scalars, symbols and their powers alphabetically, sums of
these, functions, sums of functions: ``2*pi*x*(x + 1)*sin(x)``, ``tanh(x)*(1 - tanh(x))``. In sums: positive
terms, higher powers first, constants and numbers last, but before functions: ``x + 1``, ``1 + exp(-x)``.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from wengert.ir.node import Expr
from wengert.ops.leaves import Number, is_negative
from wengert.show.forms import Form

__all__ = ["NUMBER", "SUM", "SYMBOL", "Look", "product_key", "seen", "sum_key"]

NUMBER, NAMED, SYMBOL, SUM, FUNCTION, MIXED = 0, 1, 2, 3, 4, 5
_DIGITS = re.compile(r"\d+")
_HEAD = 24  # characters by which operands are compared before their fingerprints
_MANY = 1 << 40
_PLACES_IN_SUMS = {SYMBOL: 0, SUM: 1, NAMED: 2, NUMBER: 3, FUNCTION: 4, MIXED: 5}


class Look(NamedTuple):
    """What an operand looks like: its class, its beginning, a fingerprint of all of it, its length.

    ``tokens`` counts what is written when nothing is shared; it stops at a large number.
    """

    rank: int
    head: str
    print: int
    tokens: int
    form: Form


def seen(form: Form, looks: dict[Expr, Look]) -> Look:
    """The look of a form, given those of the nodes in it."""
    kind, parts = form.kind, form.parts
    if not parts:
        return _leaf(form)
    first = looks[parts[0]] if isinstance(parts[0], Expr) else seen(parts[0], looks)
    if len(parts) == 2:
        second = looks[parts[1]] if isinstance(parts[1], Expr) else seen(parts[1], looks)
        rank, head = _pair(form, first, second)
        mark = hash((crc32(kind.encode()), first.print, second.print, _stamp(form)))
        return Look(rank, head, mark, min(first.tokens + second.tokens + 1, _MANY), form)
    rest = [looks[p] if isinstance(p, Expr) else seen(p, looks) for p in parts[1:]]
    mark = hash((crc32(kind.encode()), first.print, *[r.print for r in rest], _stamp(form)))
    tokens = min(first.tokens + sum(r.tokens for r in rest) + len(parts), _MANY)
    if kind in ("neg", "transpose"):  # f(x) before f(-x), A before A.T
        return Look(first.rank, f"{first.head}~"[:_HEAD], mark, tokens, form)
    if kind == "call" and form.data.op.spell.text.startswith("{0}["):
        return Look(first.rank, _indexed(form, first), mark, tokens, form)
    return Look(FUNCTION, _called(form, first), mark, tokens, form)


def _leaf(form: Form) -> Look:
    match form.kind:
        case "number" | "literal":
            rank, head = NUMBER, ""
            text = _value_text(form.data)
        case "symbol":
            attr = form.data.attr
            is_named = hasattr(attr, "name") and not form.data.op.free
            rank, head = NAMED if is_named else SYMBOL, str(getattr(attr, "name", attr))
            text = f"{head} {form.data.type} {getattr(attr, 'facts', '')}"
        case "call":
            rank, head = FUNCTION, form.data.op.name
            text = f"{head} {form.data.attr}"
        case _:
            rank, head = FUNCTION, form.kind
            text = f"{head} {form.data}"
    return Look(rank, head[:_HEAD], crc32(text.encode()), 1, form)


def _value_text(value: Any) -> str:  # Any: what a constant may hold
    # Numbers by their hash: Python refuses to write integers of many thousand digits.
    exact = repr(value) if isinstance(value, (np.ndarray, float, complex)) else hash(value)
    return f"{type(value).__name__} {exact}"


def _pair(form: Form, first: Look, second: Look) -> tuple[int, str]:
    match form.kind:
        case "mul" | "hadamard" | "matmul" | "rows" | "columns":
            if first.rank == NUMBER:
                return second.rank, second.head
            rank, head = first.rank, f"{first.head}*{second.head}"
        case "div":
            if second.form.kind in ("number", "literal"):
                return first.rank, first.head
            if first.rank == NUMBER:
                return FUNCTION, second.head
            rank, head = first.rank, f"{first.head}/{second.head}"
        case "pow":
            # y*x**(y - 1), but x**2*y
            plain = first.rank != NUMBER and second.rank == NUMBER
            rank = first.rank if plain else max(first.rank, FUNCTION)
            head = f"{first.head}*{_degree(second)}"
        case "add" | "sub":
            rank = MIXED if max(first.rank, second.rank) >= FUNCTION else SUM
            head = f"{first.head}+{second.head}"
        case _:
            rank, head = FUNCTION, _called(form, first)
    return rank, head[:_HEAD]


def _degree(exponent: Look) -> str:
    value = exponent.form.data
    if exponent.form.kind == "literal" and isinstance(value, (int, float, Fraction)):
        return f"{5000 - float(min(max(value, -4999), 4999)):09.3f}"  # higher powers come first
    return exponent.head


def _called(form: Form, first: Look) -> str:
    match form.kind:
        case "call":
            name = form.data.op.name
        case "apply":
            name = form.data[0]
        case _:
            name = form.kind
    return f"{name}({first.head}"[:_HEAD]


def _indexed(form: Form, first: Look) -> str:
    """``v[2]`` before ``v[10]`` before ``v[-1]``."""
    places = _DIGITS.sub(lambda m: m[0].zfill(5), str(form.data.attr))
    return f"{first.head}[{places.replace('-', '~')}"[:_HEAD]


def _stamp(form: Form) -> int:
    match form.kind:
        case "call":
            node = form.data
            return crc32(f"{node.op.name} {node.attr}".encode())
        case "apply" | "einsum" | "compare" | "logic":
            return crc32(str(form.data).encode())
        case _:
            return 0


def product_key(part: Expr, look: Look) -> tuple[Any, ...]:  # Any: compared as a whole
    """Sorts the factors of a commutative product: a product first, because it needs no brackets there."""
    form = look.form
    is_product = form.kind in ("mul", "hadamard", "rows", "columns")
    led = is_product and isinstance(form.parts[0], Form) and form.parts[0].kind == "number"
    return (
        not led,
        part.ndim > 0,
        not is_product,
        look.rank,
        f"{look.head.lower()}~",
        look.head,
        look.print,
    )


def sum_key(
    coefficient: Number, look: Look, is_number: bool
) -> tuple[Any, ...]:  # Any: compared as a whole
    """Sorts the two terms of a sum: a sum first, because it needs no brackets there."""
    is_sum = coefficient == 1 and look.form.kind in ("add", "sub")
    rank = NUMBER if is_number else look.rank
    return (
        not is_sum,
        is_negative(coefficient),
        _PLACES_IN_SUMS[rank],
        f"{look.head.lower()}~",
        look.head,
        look.print,
        coefficient,
    )
