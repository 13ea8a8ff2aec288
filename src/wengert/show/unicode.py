"""The expression in Unicode mathematics: ``2·x²·sin(y)``, ``Aᵀ (A x − b)``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from wengert.ir.greek import GREEK
from wengert.ir.node import Expr
from wengert.show.mathematics import MathWriter
from wengert.show.precedence import ATOM, NEG, POWER, Text

__all__ = ["UnicodeWriter"]

_UP = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_DOWN = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "&": "∧", "|": "∨"}
_NAME = re.compile(r"(.*?[^\W\d_])_?(\d+)")


def pretty_name(name: str) -> str:
    """A name with Greek letters and lowered digits.

    >>> pretty_name("alpha_1"), pretty_name("x2"), pretty_name("rate")
    ('α₁', 'x₂', 'rate')
    """
    match = _NAME.fullmatch(name)
    stem, digits = match.groups() if match else (name, "")
    head, bar, rest = stem.partition("_")
    return f"{GREEK.get(head, head)}{bar}{rest}{digits.translate(_DOWN)}"


class UnicodeWriter(MathWriter):
    """Unicode text; meant to be read, but formulas without matrices can be parsed too."""

    def pretty(self, name: str) -> str:
        return pretty_name(name)

    def constant_name(self, node: Expr) -> str:
        return str(node.attr.unicode)

    def special(self, name: str) -> str:
        return "∞" if name == "inf" else "NaN"

    def sign(self, sign: str) -> str:
        return _SIGNS.get(sign, sign)

    def raised(self, base: Text, exponent: Text, value: Any, *, elementwise: bool) -> Text:
        if isinstance(value, int):
            digits = str(value).translate(_UP)
            return Text(
                (base, "^⊙" if elementwise else "", digits if not elementwise else str(value)),
                POWER,
            )
        if isinstance(value, Fraction) and value == Fraction(1, 2) and not elementwise:
            return Text(("√", self.bracketed(base) if base.pieces[0] != "(" else base))
        sign = "^⊙" if elementwise else "^"
        return Text((base, sign, self.at_least(exponent, ATOM)), POWER)

    def fraction(self, above: Text, below: Text) -> Text:
        return self.product(above, "/", below, "over")

    def write_div(self, form: Any) -> Text:  # Any: a Form
        above, below = self.parts(form)
        return self.product(
            above, " ⊘ " if form.data else "/", below, "div" if form.data else "over"
        )

    def function(self, name: str, args: Iterable[Text | str]) -> Text:
        return Text((f"{name}(", *self.list_of(args), ")"))

    def with_transpose(self, base: Text) -> Text:
        return Text((base, "ᵀ"))

    def indexed(self, base: Text, letters: str) -> Text:
        return Text((base, f"[{letters.replace(' ', ',')}]"))

    def summed(self, letters: str, term: Text) -> Text:
        return Text((f"∑[{letters.replace(' ', ',')}] ", term), NEG)

    def constant(self, name: str, shape: str) -> Text:
        sign = {"ones": "𝟏", "zeros": "𝟎", "eye": "I", "delta": "δ"}[name]
        return Text((f"{sign}[{shape}]" if name in ("ones", "zeros") else sign,))

    def template(self, node: Expr) -> str:
        spell = node.op.spell
        return spell.unicode or spell.text

    def matrix(self, rows: list[list[Text]]) -> Text:
        pieces: list[Text | str] = ["["]
        for number, row in enumerate(rows):
            pieces += ["; "] if number else []
            pieces += self.list_of(row)
        return Text((*pieces, "]"))
