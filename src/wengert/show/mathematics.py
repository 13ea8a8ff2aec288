"""What Unicode and LaTeX share: matrix notation as on paper, index notation beyond two axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.show.forms import Form, Part
from wengert.show.precedence import ATOM, POWER, PRODUCT, Text
from wengert.show.templates import filled
from wengert.show.text import option_text
from wengert.show.writer import Writer

__all__ = ["MathWriter"]

_LETTERS = "ijklmnpqrstuvwabcdefgh"
_MOST_FACTORS = 12  # of a product in index notation, before factors get brackets of their own
# Which products may stand before and behind a sign without brackets. Products of numbers and products of
# matrices are associative on paper, and a number in front goes with any of them.
_BEFORE = {
    "mul": frozenset(("mul", "fraction", "over", "template")),
    "over": frozenset(("mul", "fraction", "over", "template")),
    "matmul": frozenset(("matmul", "mul", "fraction")),
    "hadamard": frozenset(("hadamard",)),
    "div": frozenset(("div",)),
    "kron": frozenset(("kron",)),
}
_BEHIND = {
    "mul": frozenset(("mul", "fraction", "matmul")),
    "over": frozenset[str](),
    "matmul": frozenset(("matmul",)),
    "hadamard": frozenset[str](),
    "div": frozenset[str](),
    "kron": frozenset[str](),
}


class MathWriter(Writer):
    """Base of the two: the dialect says how powers, fractions, indices and functions look."""

    times = "·"
    elementwise = "⊙"
    kronecker = "⊗"
    minus = "−"
    _looks: Counter[str] | None = None

    def name(self, name: str) -> str:
        pretty = self.pretty(name)
        if self._looks is None:
            self._looks = Counter(self.pretty(n) for n in self.names.shown.values())
        return pretty if self._looks[pretty] <= 1 else self.plain_name(name)

    def pretty(self, name: str) -> str:
        """A name in mathematical dress."""
        return name

    def plain_name(self, name: str) -> str:
        """A name as it was typed, where two would look alike in mathematical dress."""
        return name

    # --- what a dialect says ---------------------------------------------------------------------------
    def raised(self, base: Text, exponent: Text, value: Any, *, elementwise: bool) -> Text:
        """A power; ``value`` is the exponent if it is a number."""
        raise NotImplementedError

    def fraction(self, above: Text, below: Text) -> Text:
        """A quotient."""
        raise NotImplementedError

    def function(self, name: str, args: Iterable[Text | str]) -> Text:
        """A function applied to arguments."""
        raise NotImplementedError

    def with_transpose(self, base: Text) -> Text:
        """A transpose."""
        raise NotImplementedError

    def indexed(self, base: Text, letters: str) -> Text:
        """An element of an array."""
        raise NotImplementedError

    def summed(self, letters: str, term: Text) -> Text:
        """A sum over indices."""
        raise NotImplementedError

    def constant(self, name: str, shape: str) -> Text:
        """``ones``, ``zeros``, ``eye`` or ``delta``."""
        raise NotImplementedError

    def template(self, node: Expr) -> str:
        """The template of an op for this dialect; empty for a plain call."""
        raise NotImplementedError

    # --- products --------------------------------------------------------------------------------------
    def product(self, left: Text, sign: str, right: Text, kind: str) -> Text:
        """Two operands of a product; a difference of kinds gets brackets."""
        if left.level < PRODUCT or (left.level == PRODUCT and left.kind not in _BEFORE[kind]):
            left = self.bracketed(left)
        if right.level < PRODUCT or (right.level == PRODUCT and right.kind not in _BEHIND[kind]):
            right = self.bracketed(right)
        return Text((left, sign, right), PRODUCT, kind, raw=left.raw)

    def write_mul(self, form: Form) -> Text:
        left, right = self.parts(form)
        text = self.product(left, self.times, right, "mul")
        if right.kind == "matmul" and right.level == PRODUCT:
            text.kind = "matmul"  # (2 v A v) v, but 2 v A B
        return text

    def write_hadamard(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.product(left, f" {self.elementwise} ", right, "hadamard")

    def diagonal(self, vector: Text) -> Text:
        """``diag(v)``."""
        return self.function("diag", [vector])

    def chained(self, left: Text, right: Text) -> Text:
        """A matrix product."""
        return self.product(left, " ", right, "matmul")

    def write_rows(self, form: Form) -> Text:
        matrix, vector = self.parts(form)
        return self.chained(matrix, self.diagonal(vector))

    def write_column(self, form: Form) -> Text:
        filled_row = self.transposed(self.constant("ones", self.extents((form.data,))))
        return self.chained(self.part(form.parts[0]), filled_row)

    def write_columns(self, form: Form) -> Text:
        vector, matrix = self.parts(form)
        return self.chained(self.diagonal(vector), matrix)

    def write_matmul(self, form: Form) -> Text:
        left, right = self.parts(form)
        first = form.parts[0]
        if form.data == (1, 2):  # a vector, so it is written as a column
            return self.chained(self.transposed(right), left)
        if form.data[0] == 1:
            left = self.row(first) or self.transposed(left)
        return self.chained(left, right)

    def row(self, part: Part) -> Text | None:
        """A row times a matrix, which is a row without being transposed."""
        form = part if isinstance(part, Form) else None
        if form is None or form.kind != "matmul" or form.data != (1, 2):
            return None
        vector, matrix = self.parts(form)
        return self.chained(self.transposed(vector), matrix)

    def transposed(self, text: Text) -> Text:
        """The transpose of a text that may need brackets."""
        return self.with_transpose(self.at_least(text, ATOM))

    def write_transpose(self, form: Form) -> Text:
        return self.transposed(self.part(form.parts[0]))

    def write_floordiv(self, form: Form) -> Text:
        quotient = self.fraction(*self.parts(form))
        return Text(("⌊", quotient, "⌋"))

    def write_pow(self, form: Form) -> Text:
        base, exponent = form.parts
        value: Any = None
        if isinstance(exponent, Expr) and exponent not in self.bound:
            inner = self.reading.form(exponent)
            if inner.kind == "literal" and isinstance(inner.data, (int, Fraction)):
                value = inner.data
        text = self.at_least(self.part(base), ATOM)
        return self.raised(text, self.part(exponent), value, elementwise=form.data > 0)

    # --- functions -------------------------------------------------------------------------------------
    def write_apply(self, form: Form) -> Text:
        name, options = form.data
        args = self.parts(form)
        if name == "kron":
            return self.product(args[0], f" {self.kronecker} ", args[1], "kron")
        if name == "outer":
            return self.chained(args[0], self.transposed(args[1]))
        keywords = [f"{self.plain(key)}={option_text(value)}" for key, value in options.items()]
        shown = {"sum": "∑", "trace": "tr"}.get(name, name) if not options else name
        return self.function(shown, [*args, *keywords])

    def write_call(self, form: Form) -> Text:
        node: Expr = form.data
        spell = node.op.spell
        args = self.parts(form)
        template = self.template(node)
        options = dict(spell.options(node)) if spell.options else {}
        if template and not options:
            return filled(template, args, node.attr, self)
        if spell.notation == "hidden":
            return args[0]
        if node.op.projection:
            return self.indexed(args[0], str(node.attr))
        extra = [f"{self.plain(key)}={self.plain(option_text(v))}" for key, v in options.items()]
        if node.attr is not None and spell.options is None and node.op.bodies is None:
            extra = [self.plain(str(node.attr))]
        return self.function(node.op.name, [*args, *extra])

    def plain(self, text: str) -> str:
        """Text that is no mathematics, such as the value of an option."""
        return text

    # --- arrays ----------------------------------------------------------------------------------------
    def write_ones(self, form: Form) -> Text:
        return self.constant("ones", self.extents(form.data))

    def write_zeros(self, form: Form) -> Text:
        return self.constant("zeros", self.extents(form.data))

    def write_eye(self, form: Form) -> Text:
        return self.constant("eye", "")

    def extents(self, shape: Any) -> str:  # Any: extents
        """A shape as a subscript."""
        return ", ".join(map(str, shape))

    def of_numpy(self, value: Any) -> Text:
        if isinstance(value, np.generic):
            inner = value.item()
            return self.complex_number(inner) if isinstance(inner, complex) else self.literal(inner)
        if value.ndim > 2 or value.size > 64 or not value.size:
            return self.function("array", [extent_text(value.shape)])
        return self.matrix(
            [[self.literal(x) for x in row] for row in np.atleast_2d(value.T).T.tolist()]
        )

    def matrix(self, rows: list[list[Text]]) -> Text:
        """The entries of a matrix; a vector is a column."""
        raise NotImplementedError

    # --- index notation ----------------------------------------------------------------------------------
    def write_einsum(self, form: Form) -> Text:
        factors, out, count = self._opened(form)
        letters = _letters(count, self.names.shown.values())
        texts: list[Text] = []
        for part, axes in factors:
            if not axes and isinstance(part, Form):
                continue
            subscript = " ".join(letters[a] for a in axes)
            if isinstance(part, Expr) and self._is_identity(part):
                texts.append(self.indexed(self.constant("delta", ""), subscript))
            elif isinstance(part, Form) and part.kind == "ones":
                continue
            elif axes:
                texts.append(self.indexed(self.at_least(self.part(part), ATOM), subscript))
            else:
                texts.append(self.part(part))
        term = texts[0] if texts else Text(("1",))
        for text in texts[1:]:
            term = self.product(term, self.times, text, "mul")
        gone = [letters[a] for a in range(count) if a not in out]
        return self.summed(" ".join(gone), term) if gone else term

    def _is_identity(self, node: Expr) -> bool:
        return node not in self.bound and self.reading.form(node).kind == "eye"

    def _opened(
        self, form: Form
    ) -> tuple[list[tuple[Part, tuple[int, ...]]], tuple[int, ...], int]:
        """Factors and their axes, factors that are products themselves looked into."""
        spec = form.data
        count = 1 + max((a for f in (*spec.factors, spec.out) for a in f), default=-1)
        queue: list[tuple[Part, tuple[int, ...]]] = list(zip(form.parts, spec.factors, strict=True))
        factors: list[tuple[Part, tuple[int, ...]]] = []
        while queue:
            part, axes = queue.pop(0)
            room = len(queue) + len(factors) < _MOST_FACTORS
            inside = _factors_of(part) if isinstance(part, Expr) and room else None
            if inside is None or part in self.bound:
                factors.append((part, axes))
                continue
            named: dict[int, int] = dict(zip(inside[1], axes, strict=True))
            for factor, own in inside[0]:
                for axis in own:
                    if axis not in named:
                        named[axis] = count
                        count += 1
                queue.append((factor, tuple(named[a] for a in own)))
        return factors, spec.out, count

    def write_not(self, form: Form) -> Text:
        return Text(("¬", self.at_least(self.part(form.parts[0]), ATOM)), POWER)


def _factors_of(node: Expr) -> tuple[list[tuple[Expr, tuple[int, ...]]], tuple[int, ...]] | None:
    if node.op.spell.notation != "product" or node.attr.new or not node.ndim:
        return None
    return list(zip(node.args, node.attr.factors, strict=True)), node.attr.out


def _letters(count: int, taken: Iterable[str]) -> list[str]:
    used = set(taken)
    free = [letter for letter in _LETTERS if letter not in used]
    return [free[i] if i < len(free) else f"i{i}" for i in range(count)]
