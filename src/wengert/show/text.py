"""The text of an expression: the Python formula that builds it, which parses back to the same node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from wengert.ir.dims import Dim, extent_text
from wengert.ir.node import Expr
from wengert.show.forms import Form
from wengert.show.names import Names
from wengert.show.precedence import ATOM, NEG, POWER, PRODUCT, SUM, Text, flat
from wengert.show.templates import filled
from wengert.show.writer import Writer

__all__ = ["TextWriter"]

# Which products may stand on the left of another without brackets.
_LEFT = {
    "mul": frozenset(("mul", "scaled", "div")),
    "div": frozenset(("mul", "scaled", "div")),
    "matmul": frozenset(("matmul", "scaled")),
    "floordiv": frozenset[str](),
}
_MOST_ELEMENTS = 64  # an array with more is described, not listed


class TextWriter(Writer):
    """Python-like formula text."""

    target = "text"

    # --- operators -------------------------------------------------------------------------------------
    def product(self, left: Text, sign: str, right: Text, kind: str, shown: str = "") -> Text:
        """Two operands of ``*``, ``/``, ``@`` or ``//``, which group from the left."""
        raw = left.raw and left.level > SUM
        if left.level < PRODUCT or (left.level == PRODUCT and left.kind not in _LEFT[kind]):
            left = self.bracketed(left)
        return Text((left, sign, self.at_least(right, POWER)), PRODUCT, shown or kind, raw)

    def write_mul(self, form: Form) -> Text:
        left, right = self.parts(form)
        first = form.parts[0]
        scaled = isinstance(first, Form) and first.kind == "number" and left.level == ATOM
        return self.product(left, "*", right, "mul", "scaled" if scaled else "")

    write_hadamard = write_rows = write_mul

    def write_column(self, form: Form) -> Text:
        return Text((self.at_least(self.part(form.parts[0]), ATOM), "[:, None]"))

    def write_columns(self, form: Form) -> Text:
        column = self.write_column(Form("column", form.parts[:1]))
        return self.product(column, "*", self.part(form.parts[1]), "mul")

    def write_div(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.product(left, "/", right, "div")

    def write_floordiv(self, form: Form) -> Text:
        left, right = self.parts(form)
        text = self.product(left, " // ", right, "floordiv")
        text.raw = True  # -(x // y) is not (-x) // y
        return text

    def write_matmul(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.product(left, " @ ", right, "matmul")

    def write_pow(self, form: Form) -> Text:
        base, exponent = self.parts(form)
        return Text((self.at_least(base, ATOM), "**", self.exponent(exponent)), POWER, raw=base.raw)

    def exponent(self, text: Text) -> Text:
        """An exponent; negative numbers that are no fractions need no brackets: ``x**-2``."""
        is_number = text.raw and text.level == NEG and text.kind != "div"
        return text if is_number else self.at_least(text, ATOM)

    def write_transpose(self, form: Form) -> Text:
        return Text((self.at_least(self.part(form.parts[0]), ATOM), ".T"))

    def write_not(self, form: Form) -> Text:
        return Text(("~", self.at_least(self.part(form.parts[0]), ATOM)), POWER)

    # --- calls -------------------------------------------------------------------------------------------
    def write_apply(self, form: Form) -> Text:
        name, options = form.data
        return self.called(name, self.parts(form), options)

    def called(
        self, name: str, args: Iterable[Text | str], options: Mapping[str, Any] | None = None
    ) -> Text:
        """``name(args, option=value)``."""
        keywords = [f"{key}={option_text(value)}" for key, value in (options or {}).items()]
        return Text((f"{name}(", *self.list_of([*args, *keywords]), ")"))

    def write_call(self, form: Form) -> Text:
        node: Expr = form.data
        spell = node.op.spell
        args = self.parts(form)
        template = self.template(node)
        if template:
            return filled(template, args, node.attr, self)
        if spell.notation == "hidden":
            return args[0]
        if node.op.projection:
            return Text((args[0], f"[{node.attr}]"))
        options = spell.options(node) if spell.options else {}
        if spell.notation == "listed":
            args = [Text(("(", *self.list_of(args), ",)" if len(args) == 1 else ")"))]
        name = self.function_name(node)
        if node.attr is not None and spell.options is None:
            return Text((f"{name}(", *self.list_of(args), "; ", *self.attribute(node), ")"))
        return self.called(name, args, options)

    def template(self, node: Expr) -> str:
        """The template of an op for this dialect; empty for a plain call."""
        return node.op.spell.text

    def function_name(self, node: Expr) -> str:
        """What the op is called."""
        return node.op.name

    def attribute(self, node: Expr) -> tuple[Text | str, ...]:
        """A static attribute that has no options: bodies as anonymous functions, else as it prints."""
        if node.op.bodies is None:
            return (str(node.attr),)
        return self.list_of([self.body(region) for region in node.op.bodies(node.attr)])

    def body(self, region: Any) -> Text:  # Any: a Region
        """``(p0, p1) -> result``."""
        from wengert.show.letbind import written_with_lets

        names = Names([*region.params])
        lines, results = written_with_lets(type(self), region.outputs, names)
        head = flat(self.list_of([names.shown[p] for p in region.params]))
        tail = flat(self.list_of([flat([r]) for r in results]))
        result = tail if len(results) == 1 else f"({tail})"
        lets = f"let {'; '.join(f'{n} = {flat([t])}' for n, t in lines)}; " if lines else ""
        return Text((f"({head}) -> {lets}{result}",))

    # --- arrays and constants ------------------------------------------------------------------------
    def write_ones(self, form: Form) -> Text:
        return Text((f"ones({self.shape(form.data)})",))

    def write_zeros(self, form: Form) -> Text:
        # Raw, because minus zeros is zeros: -(zeros(n)/x) is not (-zeros(n))/x.
        return Text((f"zeros({self.shape(form.data)})",), raw=True)

    def write_eye(self, form: Form) -> Text:
        return Text((f"eye({form.data})",))

    def shape(self, shape: tuple[int | Dim, ...]) -> str:
        """A shape as an argument: one extent bare, several in brackets."""
        return str(shape[0]) if len(shape) == 1 else extent_text(shape)

    def write_einsum(self, form: Form) -> Text:
        return self.called("einsum", [f"'{form.data}'", *self.parts(form)])

    def of_numpy(self, value: Any) -> Text:
        if isinstance(value, np.generic):
            name = "bool_" if value.dtype.kind == "b" else value.dtype.name
            inner = value.item()
            if isinstance(inner, complex):
                return self.called(name, [self.complex_number(inner)])
            return self.called(name, [self.literal(inner)])
        if value.size > _MOST_ELEMENTS:
            return Text((f"array(<{extent_text(value.shape)} {value.dtype.name}>)",))
        rows = self.rows(value.tolist())
        dtype = {"f8": "", "i8": "", "b1": "", "c16": ""}.get(value.dtype.str[1:], value.dtype.name)
        return self.called("array", [rows], {"dtype": dtype}) if dtype else rows

    def rows(self, value: Any) -> Text:  # Any: nested lists of numbers
        """Nested lists, as Python writes them."""
        if isinstance(value, list):
            return Text(("[", *self.list_of([self.rows(v) for v in value]), "]"))
        return self.literal(value)


def option_text(value: Any) -> str:  # Any: what Spelling.options may give
    """The value of an option as Python writes it; extents by name."""
    if isinstance(value, tuple):
        return extent_text([option_text(v) for v in value])  # type: ignore[misc]  # texts print alike
    return str(value) if isinstance(value, Dim) else repr(value)
