r"""The expression in LaTeX: ``\frac{x^{2}}{y}``, ``A^{\top} \left(A x - b\right)``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from wengert.ir.dims import Dim, Extent
from wengert.ir.greek import GREEK
from wengert.ir.node import Expr
from wengert.show.forms import Form, Part
from wengert.show.mathematics import MathWriter
from wengert.show.precedence import ATOM, NEG, POWER, PRODUCT, Text

__all__ = ["LatexWriter", "latex_name"]

_SIGNS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", "==": "=", "&": r"\wedge", "|": r"\vee"}
_NAME = re.compile(r"(.*?[^\W\d_])_?(\d+)")
# Letters that look like Latin ones have no command of their own.
_COMMANDS = {name for name, letter in GREEK.items() if letter not in "οΑΒΕΖΗΙΚΜΝΟΡΤΧ"}
_COMMAND = re.compile(r"(\\(?!left|exp)[a-z]+|\\operatorname\{[a-z]+\})(\\left\()")
_MOST_BELOW = 4  # factors below one line of division
_FUNCTIONS = {
    "∑": r"\sum",
    "tr": r"\operatorname{tr}",
    "det": r"\det",
    "max": r"\max",
    "min": r"\min",
}


def latex_name(name: str) -> str:
    r"""A symbol's name: Greek letters, subscripts, and words upright.

    >>> latex_name("alpha_1"), latex_name("x1"), latex_name("rate"), latex_name("x_max")
    ('\\alpha_{1}', 'x_{1}', '\\mathrm{rate}', 'x_{\\mathrm{max}}')
    """
    match = _NAME.fullmatch(name)
    stem, digits = match.groups() if match else (name, "")
    head, _, rest = stem.partition("_")
    below = ", ".join(filter(None, [*(_letter(part) for part in rest.split("_") if part), digits]))
    return f"{_letter(head)}_{{{below}}}" if below else _letter(head)


def _letter(word: str) -> str:
    if word in _COMMANDS:
        return f"\\{word}"
    if word in GREEK:
        return GREEK[word]
    return word if len(word) <= 1 else f"\\mathrm{{{word}}}"


class LatexWriter(MathWriter):
    """LaTeX for mathematics mode, with amsmath."""

    brackets = (r"\left(", r"\right)")
    times = " "
    elementwise = r"\odot"
    kronecker = r"\otimes"
    minus = "-"

    def pretty(self, name: str) -> str:
        return latex_name(name)

    def plain_name(self, name: str) -> str:
        escaped = name.replace("_", r"\_")
        return rf"\mathrm{{{escaped}}}"

    def constant_name(self, node: Expr) -> str:
        return str(node.attr.latex)

    def special(self, name: str) -> str:
        return r"\infty" if name == "inf" else r"\mathrm{NaN}"

    def sign(self, sign: str) -> str:
        return _SIGNS.get(sign, sign)

    def digits(self, value: int | float) -> str:
        if isinstance(value, int):
            return super().digits(value)
        mantissa, _, exponent = super().digits(value).partition("e")
        if not exponent:
            return mantissa
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else f"{mantissa} \\cdot {power}"

    def number(self, value: int | Fraction | float) -> Text:
        if isinstance(value, Fraction) and value.denominator != 1:
            sign = self.minus if value < 0 else ""
            above, below = self.digits(abs(value.numerator)), self.digits(value.denominator)
            text = f"{sign}\\frac{{{above}}}{{{below}}}"
            return Text((text,), NEG if sign else PRODUCT, "fraction", raw=True)
        plain = super().number(value)
        return Text(plain.pieces, plain.level, "number")

    def real(self, value: float) -> Text:
        text = super().real(value)
        return Text(text.pieces, text.level, "number")

    def size(self, extent: Extent) -> Text:
        if isinstance(extent, Dim) and str(extent).isidentifier():
            return Text((latex_name(str(extent)),))
        return Text((str(extent).replace("*", " "),), NEG)

    def write_mul(self, form: Form) -> Text:
        left, right = self.parts(form)
        digit = (right.kind == "number" or right.raw) and right.level >= PRODUCT
        text = self.product(left, r" \cdot " if digit else " ", right, "mul")
        if right.kind == "matmul" and right.level == PRODUCT:
            text.kind = "matmul"  # (2 v A v) v, but 2 v A B
        text.raw = left.raw or left.kind == "number"  # begins with a digit
        return text

    def write_neg(self, form: Form) -> Text:
        text = self.part(form.parts[0])
        return Text((self.minus, self.at_least(text, PRODUCT)), NEG)

    def write_pow(self, form: Form) -> Text:
        text = super().write_pow(form)
        base, exponent = form.parts
        inner = exponent if isinstance(exponent, Form) else self.reading.form(exponent)
        if form.data or inner.kind != "literal" or type(inner.data) is not int or inner.data < 2:
            return text
        written = self.part(base).pieces
        command = _COMMAND.fullmatch(str(written[0])) if exponent not in self.bound else None
        if command is None or written[-1] != r"\right)":
            return text
        # cos^2(x), since cos(x)^2 could be the cosine of a square
        return Text((f"{command[1]}^{{{inner.data}}}{command[2]}", *written[1:]), PRODUCT, "mul")

    def raised(self, base: Text, exponent: Text, value: Any, *, elementwise: bool) -> Text:
        dot = r"\odot " if elementwise else ""
        if isinstance(value, Fraction):
            exponent = Text((f"{value.numerator}/{value.denominator}",))
        return Text(
            (base, f"^{{{dot}", exponent, "}"), POWER, raw=base.raw or base.kind == "number"
        )

    def fraction(self, above: Text, below: Text) -> Text:
        return Text((r"\frac{", above, "}{", below, "}"), PRODUCT, "fraction")

    def write_div(self, form: Form) -> Text:
        above, below = self.parts(form)
        if form.data:
            return self.product(above, r" \oslash ", below, "div")
        top, under = form.parts[0], [below]
        for _ in range(_MOST_BELOW):  # (x/y)/z has one line of division
            inner = self.fraction_form(top)
            if inner is None:
                break
            top = inner.parts[0]
            above = self.part(top)
            under.insert(0, self.part(inner.parts[1]))
        below = under[0]
        for factor in under[1:]:
            sign = r" \cdot " if factor.kind == "number" or factor.raw else " "
            below = self.product(below, sign, factor, "mul")
        return self.fraction(above, below)

    def fraction_form(self, part: Part) -> Form | None:
        """The form of a part that is written in place and is a quotient with a line of division."""
        if isinstance(part, Expr):
            if part in self.bound:
                return None
            part = self.reading.form(part)
        return part if part.kind == "div" and not part.data else None

    def write_floordiv(self, form: Form) -> Text:
        quotient = self.fraction(*self.parts(form))
        return Text((r"\left\lfloor ", quotient, r" \right\rfloor"))

    def function(self, name: str, args: Iterable[Text | str]) -> Text:
        shown = _FUNCTIONS.get(name) or "\\operatorname{" + name.replace("_", r"\_") + "}"
        return Text((shown, r"\left(", *self.list_of(args), r"\right)"))

    def plain(self, text: str) -> str:
        escaped = re.sub(r"([_#%&${}])", r"\\\1", text)
        return rf"\text{{{escaped}}}"

    def with_transpose(self, base: Text) -> Text:
        return Text((base, r"^{\top}"))

    def indexed(self, base: Text, letters: str) -> Text:
        if "_{" in str(base.pieces[0]):
            base = self.bracketed(base)
        return Text((base, f"_{{{letters}}}"))

    def summed(self, letters: str, term: Text) -> Text:
        return Text((f"\\sum_{{{letters.replace(' ', ', ')}}} ", term), NEG)

    def constant(self, name: str, shape: str) -> Text:
        sign = {"ones": r"\mathbf{1}", "zeros": r"\mathbf{0}", "eye": "I", "delta": r"\delta"}[name]
        return Text((f"{sign}_{{{shape}}}" if name in ("ones", "zeros") else sign,))

    def extents(self, shape: Any) -> str:
        return r" \times ".join(str(e).replace("*", " ") for e in shape)

    def write_not(self, form: Form) -> Text:
        return Text((r"\neg ", self.at_least(self.part(form.parts[0]), ATOM)), POWER)

    def template(self, node: Expr) -> str:
        return node.op.spell.latex

    def matrix(self, rows: list[list[Text]]) -> Text:
        pieces: list[Text | str] = [r"\begin{pmatrix} "]
        for number, row in enumerate(rows):
            pieces += [r" \\ "] if number else []
            for place, entry in enumerate(row):
                pieces += [" & ", entry] if place else [entry]
        return Text((*pieces, r" \end{pmatrix}"))
