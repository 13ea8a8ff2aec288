"""Text of the operations of a program: NumPy for arrays, Python and ``math`` for numbers.

Numbers run as Python or NumPy numbers, whichever they happen to be. Where Python would raise and NumPy
gives infinity or NaN, a helper is called instead, unless the operands are known to be harmless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from wengert.emit.python.helpers import MATH, OF_SCALARS, math_helper
from wengert.emit.python.precision import NARROW, dtype_name, guards, is_promoted, is_widened
from wengert.emit.python.reading import Places
from wengert.ir.dims import Dim, Extent
from wengert.ir.dump import mapped
from wengert.ir.facts import NONZERO
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex, is_inexact
from wengert.ops.leaves import machine_number
from wengert.ops.spans import span_texts
from wengert.show.forms import Form, Part
from wengert.show.names import Names
from wengert.show.numpy_text import NumpyWriter
from wengert.show.precedence import ATOM, COMPARE, POWER, SUM, Text, flat
from wengert.show.reading import Reading
from wengert.show.templates import CHOICE, filled

__all__ = ["CHOICE", "Home", "ProgramWriter", "dims_in"]

# How strongly Python's logic binds, below comparisons.
OR, AND, NOT = -3, -2, -1

_CALLED = re.compile(r"([\w.]+)\(\{0\}\)$")


class Home(Protocol):
    """What the writer asks of the program around it."""

    def text_of(self, node: Expr) -> Text:
        """How a node that is computed already is read."""

    def is_numpy(self, node: Expr) -> bool:
        """Whether a scalar surely is one of NumPy's, whose operators never raise."""

    def size(self, name: str) -> str:
        """The variable that has a size."""

    def constant(self, value: Any) -> str:  # Any: an array or a NumPy number
        """The variable that has a constant."""


def dims_in(attr: Any) -> set[str]:  # Any: whatever static attribute an op has
    """The names of sizes in an attribute."""
    if isinstance(attr, Dim):
        return set(attr.names)
    if isinstance(attr, tuple):
        return {name for part in attr for name in dims_in(part)}
    new = getattr(attr, "new", None)  # of an Einstein product
    return dims_in(new) if isinstance(new, tuple) else set()


class ProgramWriter(NumpyWriter):
    """One node's worth of Python source at a time, from the texts of its parts."""

    def __init__(self, home: Home) -> None:
        super().__init__(Reading(()), Names(()))
        self.home = home
        self.used: set[str] = set()  # helpers
        self._wrapped: Mapping[Expr, str] = {}

    # --- driving ---------------------------------------------------------------------------------------
    def text(self, node: Expr, form: Form) -> Text:
        """The text of a node, given its form."""
        self._wrapped = guards(node, form)
        text = self.write(form)
        if is_promoted(node, form):
            return Text((self.at_least(text, ATOM), f".astype({dtype_name(node.value_type)})"))
        if is_widened(node, form):
            if node.ndim:
                return Text((self.at_least(text, ATOM), f".astype({dtype_name(node.value_type)})"))
            return self.called(dtype_name(node.value_type), [text])
        return text

    def part(self, part: Part) -> Text:
        if isinstance(part, Form):
            return self.write(part)
        text = self.home.text_of(part)
        wrapped = self._wrapped.get(part)
        return text if wrapped is None else filled(wrapped, [text], None, self)

    def helper(self, name: str) -> str:
        """The name of a helper, which the header then brings."""
        self.used.add(name)
        return name

    def as_form(self, part: Part) -> Form:
        return part if isinstance(part, Form) else Form("", (part,))

    def _over_number(self, part: Part) -> bool:
        return False

    def is_numpy(self, part: Part) -> bool:
        """Whether a part surely is a number of NumPy's (or an array)."""
        if isinstance(part, Expr):
            return bool(part.ndim) or self.home.is_numpy(part)
        if part.kind in ("add", "sub", "mul", "div", "neg"):
            return any(self.is_numpy(p) for p in part.parts)
        return part.kind in ("matmul", "summed", "trace")

    # --- leaves ----------------------------------------------------------------------------------------
    def write_literal(self, form: Form) -> Text:
        node: Expr = form.data
        value = machine_number(node.attr)
        if isinstance(value, np.ndarray) or node.value_type.dtype in NARROW:
            return Text((self.home.constant(value),))
        text = self.literal(value.item() if isinstance(value, np.generic) else value)
        text.raw = True
        return text

    def write_number(self, form: Form) -> Text:
        value = machine_number(form.data)
        if isinstance(value, Fraction):  # exact, and divided when the source is compiled
            return self.number(value)
        text = self.literal(value)
        text.raw = True
        return text

    def special(self, name: str) -> str:
        return f"math.{name}"

    def write_named(self, form: Form) -> Text:
        return Text((f"math.{form.data.attr.name}",))

    def write_length(self, form: Form) -> Text:
        return self.size(form.data.attr)

    def one_size(self, name: str) -> str:
        return self.home.size(name)

    def length(self, extent: Extent) -> str:
        """An extent as a number of places, which is never negative."""
        text = self.extent(extent)
        if isinstance(extent, Dim) and extent.needs and len(extent.terms) > 1:
            return f"max({text}, 0)"
        return text

    def own_attr(self, node: Expr) -> Any:  # Any: the attribute with the names of the source in it
        if not dims_in(node.attr):
            return node.attr
        return mapped(node.attr, self._renamed)

    def renamed(self, node: Expr) -> Expr:
        """A node whose attribute has the sizes as the source names them; for spelling only."""
        if not dims_in(node.attr):
            return node
        spelt = object.__new__(Expr)
        for slot in ("op", "args", "type", "needs", "serial", "_facts"):
            setattr(spelt, slot, getattr(node, slot))
        spelt.attr = self.own_attr(node)
        return spelt

    def _renamed(self, part: Any) -> Any:  # Any: an extent or a region
        if not isinstance(part, Dim):
            return part
        total: Extent = 0
        for monomial, coefficient in part.terms:
            term: Extent = coefficient
            for name in monomial:
                shown = self.home.size(name)
                term = term * (int(shown) if shown.isdigit() else Dim.named(shown))
            total = total + term
        return total

    # --- new arrays ------------------------------------------------------------------------------------
    def shape_text(self, shape: Sequence[Extent]) -> str:
        """A shape as an argument: one extent bare, several in brackets."""
        texts = [self.length(e) for e in shape]
        return texts[0] if len(texts) == 1 else self.tuple_of(texts)

    def allocated(self, name: str, type_: Type, number: str = "") -> Text:
        """``np.zeros(shape)``; arrays of Python numbers are of floats."""
        plain = type_.dtype == "float64" or (type_.weak and not is_complex(type_))
        dtype = "" if plain else f", dtype={dtype_name(type_)}"
        return Text((f"np.{name}({self.shape_text(type_.shape)}{number}{dtype})",))

    def write_zeros(self, form: Form) -> Text:
        return self.allocated("zeros", form.data.value_type)

    def write_ones(self, form: Form) -> Text:
        return self.allocated("ones", form.data.value_type)

    def write_eye(self, form: Form) -> Text:
        return Text((f"np.eye({self.length(form.data.attr)})",))

    def write_full(self, form: Form) -> Text:
        number, node = form.data
        type_: Type = node.value_type
        if number is None:
            return self.allocated("full", type_, f", {flat([self.part(form.parts[0])])}")
        value = machine_number(number)
        if value == 1:
            return self.allocated("ones", type_)
        number = float(value) if is_inexact(type_) or type_.weak else value
        return self.allocated("full", type_, f", {flat([self.literal(number)])}")

    def write_broadcast(self, form: Form) -> Text:
        node: Expr = form.data
        shape = self.tuple_of([self.length(e) for e in node.shape])
        return self.called("np.broadcast_to", [self.part(form.parts[0]), shape])

    # --- arithmetic ------------------------------------------------------------------------------------
    def write_same(self, form: Form) -> Text:
        return self.part(form.parts[0])

    def write_counted(self, form: Form) -> Text:
        (part,) = form.parts
        text = self.part(part)
        if isinstance(part, Expr) and part.ndim:
            return Text((self.at_least(text, ATOM), ".astype(np.int64)"))
        return self.called("int", [text])

    def _is_harmless(self, below: Part, above: Part) -> bool:
        """Whether a division of scalars surely does not raise."""
        if self.is_numpy(below) or self.is_numpy(above):
            return True
        if isinstance(below, Form):
            return below.kind == "number" and below.data != 0
        return knows(below, NONZERO)

    def write_quotient(self, form: Form) -> Text:
        above, below = form.parts
        left, right = self.parts(form)
        if form.data.ndim or self._is_harmless(below, above):
            return self.product(left, "/", right, "div")
        return self.called(self.helper("_divide"), [left, right])

    def write_div(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.product(left, "/", right, "div")

    def write_quotient_down(self, form: Form) -> Text:
        above, below = form.parts
        left, right = self.parts(form)
        if form.data.ndim or self._is_harmless(below, above):
            return self.product(left, " // ", right, "floordiv")
        return self.called(self.helper("_floordiv"), [left, right])

    def write_power(self, form: Form) -> Text:
        node: Expr = form.data
        base, exponent = form.parts
        left, right = self.parts(form)
        number = None
        if isinstance(exponent, Expr) and not exponent.args and not exponent.ndim:
            number = exponent.attr
        plain = bool(node.ndim) or self.is_numpy(base)
        if number == 2 and not plain and left.level == ATOM and flat([left]).isidentifier():
            return self.product(left, "*", left, "mul")
        whole = not is_inexact(node.value_type) and type(number) is int and number >= 0
        if not plain and not whole:
            name = "_complex_power" if is_complex(node.value_type) else "_power"
            return self.called(self.helper(name), [left, right])
        if node.ndim and not self._has_array(form):
            return self.called("np.power", [left, right])
        return Text((self.at_least(left, ATOM), "**", self.exponent(right)), POWER, raw=left.raw)

    @staticmethod
    def _has_array(form: Form) -> bool:
        return any(isinstance(p, Form) or p.ndim for p in form.parts)

    # --- logic -----------------------------------------------------------------------------------------
    def write_compare(self, form: Form) -> Text:
        left, right = (self.at_least(t, SUM) for t in self.parts(form))
        return Text((left, f" {form.data} ", right), COMPARE)

    def write_logic_of_truths(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.joined("and" if form.data == "&" else "or", left, right)

    def joined(self, word: str, left: Text, right: Text) -> Text:
        """``left and right`` or ``left or right``."""
        level = AND if word == "and" else OR
        # The same level on the left: a chain needs no brackets.
        return Text(
            (self.at_least(left, level), f" {word} ", self.at_least(right, level + 1)), level
        )

    def write_not_truth(self, form: Form) -> Text:
        return Text(("not ", self.at_least(self.part(form.parts[0]), NOT)), NOT)

    def choice(self, condition: Text, first: Text, second: Text) -> Text:
        """``first if condition else second``."""
        left, middle = self.at_least(first, OR), self.at_least(condition, OR)
        return Text((left, " if ", middle, " else ", self.at_least(second, OR)), CHOICE)

    # --- products --------------------------------------------------------------------------------------
    def write_matmul(self, form: Form) -> Text:
        left, right = self.parts(form)
        return self.product(left, " @ ", right, "matmul")

    def write_spread(self, form: Form) -> Text:
        return Text((self.at_least(self.part(form.parts[0]), ATOM), f"[{form.data}]"))

    def write_diagonal(self, form: Form) -> Text:
        if form.data is None:
            return self.called("np.diag", self.parts(form))
        first, second = form.data
        return self.called("np.diagonal", self.parts(form), {"axis1": first, "axis2": second})

    def write_trace(self, form: Form) -> Text:
        return self.called("np.trace", self.parts(form))

    def write_summed(self, form: Form) -> Text:
        axes = form.data
        options = {} if axes is None else {"axis": axes[0] if len(axes) == 1 else axes}
        return self.called("np.sum", self.parts(form), options)

    def write_permuted(self, form: Form) -> Text:
        return self.called(
            "np.transpose", [*self.parts(form), self.tuple_of([*map(str, form.data)])]
        )

    def write_tensordot(self, form: Form) -> Text:
        return self.called("np.tensordot", self.parts(form), {"axes": form.data})

    def write_indexed(self, form: Form) -> Text:
        array, *places = self.parts(form)
        return Text((self.at_least(array, ATOM), f"[{self.places(form.data, places)}]"))

    def places(self, places: Places, texts: Sequence[Text]) -> str:
        """What stands between the brackets for places in a part of an array."""
        index = places.within
        if dims_in(index):
            index = mapped(index, self._renamed)
        spans = span_texts(index)
        entries = iter(places.entries)
        found: list[str] = []
        for span, text in zip(index.spans, spans, strict=True):
            entry = next(entries) if span.keep else ":"
            found.append(text if entry == ":" else flat([texts[int(entry[1:-1]) - 1]]))
        while len(found) > 1 and found[-1] == ":":
            found.pop()
        return ", ".join(found)

    # --- calls -----------------------------------------------------------------------------------------
    def write_call(self, form: Form) -> Text:
        node: Expr = form.data
        if isinstance(node.type, Type) and not node.ndim:
            text = self._of_scalars(form, node)
            if text is not None:
                return text
        spell = node.op.spell
        for helper in spell.helpers:
            self.helper(helper.__name__)
        if spell.numpy is None and not spell.python and spell.notation != "index":
            return self._plain_call(form, node)
        if spell.numpy is not None:
            return filled(
                spell.numpy(self.renamed(node)), self.parts(form), self.own_attr(node), self
            )
        if spell.notation == "index":
            return filled(spell.text, self.parts(form), self.own_attr(node), self)
        options = spell.options(self.renamed(node)) if spell.options is not None else {}
        inside = "".join(f", {key}={self.option(value)}" for key, value in options.items())
        args = self.parts(form)
        if spell.notation == "listed":
            args = [Text(("[", *self.list_of(args), "]"))]
        template = f"{spell.python[:-1]}{inside})" if inside else spell.python
        return filled(template, args, self.own_attr(node), self)

    def _plain_call(self, form: Form, node: Expr) -> Text:
        options = node.op.spell.options
        name = self.function_name(node)
        return self.called(
            name, self.parts(form), options(self.renamed(node)) if options is not None else {}
        )

    def option(self, value: Any) -> str:
        if isinstance(value, tuple):
            return self.tuple_of([self.option(v) for v in value])
        return str(value) if isinstance(value, Dim) else repr(value)

    def _of_scalars(self, form: Form, node: Expr) -> Text | None:
        """A function of numbers as Python's own, if it has it."""
        if any(a.ndim for a in node.args):
            return None
        name = self.function_name(node)
        called = _CALLED.fullmatch(node.op.spell.python)
        name = called.group(1) if called is not None else name
        types = [a.value_type for a in node.args]
        if name == "np.where":
            condition, first, second = self.parts(form)
            return self.choice(condition, first, second)
        if any(t.dtype in ("float32", "complex64", "complex128", "int32") for t in types):
            return None
        if name in OF_SCALARS and (is_inexact(node.value_type) or name == "np.absolute"):
            if name not in ("np.absolute", "np.maximum", "np.minimum") and not is_inexact(types[0]):
                return None
            template = OF_SCALARS[name]
            if template.startswith("_"):
                self.helper(template.partition("(")[0])
            return filled(template, self.parts(form), None, self)
        if name == "np.remainder":
            return self._remainder(form)
        if name in MATH:
            function, total = MATH[name]
            text = f"math.{function}" if total else self.helper(math_helper(name))
            return self.called(text, self.parts(form))
        return None

    def _remainder(self, form: Form) -> Text:
        above, below = form.parts
        left, right = self.parts(form)
        if self._is_harmless(below, above):
            return self.product(left, " % ", right, "floordiv")
        return self.called(self.helper("_mod"), [left, right])
