"""What all dialects share: forms to text, node by node, with brackets by binding strength."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.show.forms import Form, Part
from wengert.show.names import Names
from wengert.show.precedence import ATOM, COMPARE, NEG, POWER, PRODUCT, SUM, Text
from wengert.show.reading import Reading

__all__ = ["Writer"]


class Writer:
    """Base of the dialects: a method ``write_<kind>`` for each kind of form gives its :class:`Text`.

    ``bound`` maps nodes to the names under which they are written.
    """

    brackets = ("(", ")")
    minus = "-"

    def __init__(
        self, reading: Reading, names: Names, bound: Mapping[Expr, str] | None = None
    ) -> None:
        self.reading, self.names, self.bound = reading, names, dict(bound or {})
        self.done: dict[Expr, Text] = {}
        self._texts: dict[Expr, Text] = {}
        self._methods: dict[str, Callable[[Form], Text]] = {}

    @classmethod
    def always_bound(cls, reading: Reading) -> frozenset[Expr]:
        """The nodes that this dialect can only write under a name."""
        return frozenset()

    # --- driving -------------------------------------------------------------------------------------
    def written(self, root: Expr) -> Text:
        """The text of a node written out (even if it is bound)."""
        if not self._texts:
            self._write_all()
        return self._texts[root]

    def _write_all(self) -> None:
        done, looks, texts = self.done, self.reading.looks, self._texts
        bound = self.bound
        for node in self.reading.nodes:
            texts[node] = text = self.write(looks[node].form)
            done[node] = Text((self.name(bound[node]),)) if node in bound else text

    def write(self, form: Form) -> Text:
        """The text of a form whose nodes are written already."""
        method = self._methods.get(form.kind)
        if method is None:
            method = self._methods[form.kind] = getattr(self, f"write_{form.kind}")
        return method(form)

    def part(self, part: Part) -> Text:
        """The text of a part."""
        if isinstance(part, Form):
            return self.write(part)
        return self.done[part]

    def parts(self, form: Form) -> list[Text]:
        """The texts of all parts of a form."""
        return [self.part(p) for p in form.parts]

    # --- helpers ---------------------------------------------------------------------------------------
    def bracketed(self, text: Text) -> Text:
        """The text in brackets."""
        return Text((self.brackets[0], text, self.brackets[1]))

    def at_least(self, text: Text, level: int) -> Text:
        """The text, in brackets if it binds less than ``level``."""
        return text if text.level >= level else self.bracketed(text)

    def name(self, name: str) -> str:
        """A name as this dialect writes it."""
        return name

    def list_of(self, texts: Iterable[Text | str]) -> tuple[Text | str, ...]:
        """The texts with commas between them."""
        pieces: list[Text | str] = []
        for text in texts:
            pieces += [", ", text] if pieces else [text]
        return tuple(pieces)

    # --- forms that look alike in all dialects -----------------------------------------------------------
    def write_add(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.sum_of(left, "+", right)

    def write_sub(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.sum_of(left, self.minus, right)

    def sum_of(self, left: Text, sign: str, right: Text) -> Text:
        """A sum or difference; sums group from the left."""
        return Text(
            (self.at_least(left, SUM), f" {sign} ", self.at_least(right, PRODUCT)),
            SUM,
            raw=left.raw,
        )

    def write_neg(self, form: Form) -> Text:
        part = form.parts[0]
        text = self.part(part)
        raw = text.raw and not self._over_number(part)
        if text.level < PRODUCT or (raw and text.level == PRODUCT):
            text = self.bracketed(text)
        return Text((self.minus, text), NEG)

    def _over_number(self, part: Part) -> bool:
        """Whether it is a number divided by something: ``-1/x`` is ``-(1/x)``, whoever takes the sign."""
        form = part if isinstance(part, Form) else self.reading.looks[part].form
        if form.kind != "div":
            return False
        above = form.parts[0]
        top = above if isinstance(above, Form) else self.reading.looks[above].form
        return top.kind in ("number", "literal") and top.data != 0

    def write_symbol(self, form: Form) -> Text:
        node: Expr = form.data
        shown = self.names.shown.get(node)
        if shown is not None:
            return Text((self.name(shown),))
        name = getattr(node.attr, "name", None)
        return self.named_constant(node, name) if name else self.size(node.attr)

    def named_constant(self, node: Expr, name: str) -> Text:
        """A constant with a name; its value if a symbol has taken the name."""
        if self.names.is_taken(name):
            return self.literal(node.attr.value)
        return Text((self.constant_name(node),))

    def constant_name(self, node: Expr) -> str:
        """How the dialect calls a constant such as pi."""
        return str(node.attr.name)

    def size(self, extent: Extent) -> Text:
        """An extent as a number; it needs no brackets anywhere."""
        text = str(extent)
        return Text((text,)) if text.isidentifier() else Text((f"({text})",))

    def write_number(self, form: Form) -> Text:
        return self.number(form.data)

    def number(self, value: int | Fraction | float) -> Text:
        """A coefficient."""
        if isinstance(value, Fraction):
            if value.denominator == 1:
                is_float = abs(value) < 1 << 1023 and float(value) == value
                return self.number(float(value) if is_float else int(value))
            sign = self.minus if value.numerator < 0 else ""
            digits = f"{self.digits(abs(value.numerator))}/{self.digits(value.denominator)}"
            return Text((f"{sign}{digits}",), NEG if sign else PRODUCT, "div")
        sign = self.minus if value < 0 else ""
        return Text((f"{sign}{self.digits(abs(value))}",), NEG if sign else ATOM)

    def digits(self, value: int | float) -> str:
        """A real number that is neither infinite nor NaN."""
        if isinstance(value, int) and value.bit_length() > 13_000:
            return hex(value)  # Python refuses to write such numbers in decimal
        return repr(value)

    def write_literal(self, form: Form) -> Text:
        text = self.literal(form.data)
        text.raw = True
        return text

    def literal(self, value: Any) -> Text:  # Any: whatever a constant may hold
        """A typed constant: a number of any kind, or an array."""
        if isinstance(value, bool):
            return Text((str(value),))
        if isinstance(value, (int, Fraction)):
            return self.number(value)
        if type(value) is float:
            return self.real(value)
        if type(value) is complex:
            return self.complex_number(value)
        return self.of_numpy(value)

    def real(self, value: float) -> Text:
        """A float, special values included."""
        if np.isnan(value):
            return Text((self.special("nan"),))
        sign = self.minus if np.signbit(value) else ""
        digits = self.special("inf") if np.isinf(value) else self.digits(abs(value))
        return Text((f"{sign}{digits}",), NEG if sign else ATOM)

    def special(self, name: str) -> str:
        """``inf`` or ``nan``."""
        return name

    def complex_number(self, value: complex) -> Text:
        """A complex constant."""
        signs = np.signbit(value.real) or np.signbit(value.imag)
        if value.real == 0 and np.isfinite(value.imag) and not signs:
            return Text((f"{value.imag!r}j",))
        return Text(("complex(", self.real(value.real), ", ", self.real(value.imag), ")"))

    def of_numpy(self, value: Any) -> Text:  # Any: an array or a NumPy scalar
        """A NumPy scalar or array."""
        raise NotImplementedError

    def write_compare(self, form: Form) -> Text:
        left, right = (self.at_least(t, SUM) for t in self.parts(form))
        return Text((left, f" {self.sign(form.data)} ", right), COMPARE)

    def sign(self, sign: str) -> str:
        """The sign of a comparison or of a logical operation."""
        return sign

    def write_logic(self, form: Form) -> Text:
        left, right = (self.at_least(t, POWER) for t in self.parts(form))
        return Text((left, f" {self.sign(form.data)} ", right), COMPARE)
