"""The expression as NumPy source: executable with ``import numpy as np`` (and ``scipy.special`` where named).

Diagonal matrices are never built for a product, and traces of products never form the product.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from keyword import kwlist
from typing import Any

import numpy as np

from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ir.op import Op
from wengert.ir.walk import order, transform
from wengert.show.forms import Form, Part
from wengert.show.precedence import ATOM, NEG, POWER, Text
from wengert.show.reading import Reading
from wengert.show.templates import filled
from wengert.show.text import TextWriter

__all__ = ["NumpyWriter", "all_spelled_out", "spelled_out"]


def spelled_out(root: Expr) -> Expr:
    """The expression with what NumPy and SciPy have no function for in simpler ops, as the records say."""
    return all_spelled_out([root])[0]


def all_spelled_out(roots: Sequence[Expr], *, helpers: bool = False) -> list[Expr]:
    """The same for several; ``helpers``: what a helper computes stays as it is."""
    found = list(roots)
    while any(_is_expanded(node, helpers) for node in order(found)):
        found = transform(found, lambda n: _expanded(n) if _is_expanded(n, helpers) else n)
    return found


def _is_expanded(node: Expr, helpers: bool) -> bool:
    op = node.op
    if op.expand is None or op.spell.notation != "call":
        return False
    if op.spell.helpers:
        return not helpers
    has_text = op.spell.python or op.spell.numpy or op.spell.text
    return not has_text and _numpy_name(op) == op.name


def _expanded(node: Expr) -> Expr:
    assert node.op.expand is not None
    if node.attr is None:
        return node.op.expand(*node.args)
    return node.op.expand(*node.args, attr=node.attr)


def _numpy_name(op: Op) -> str:
    """What the function behind the op is called in NumPy or SciPy; the op's own name if it is in neither."""
    function = op.evaluate
    module = getattr(function, "__module__", "") or ""
    name = getattr(function, "__name__", "")
    if isinstance(function, np.ufunc) or module.partition(".")[0] == "numpy":
        return f"np.{name}"
    return f"{module}.{name}" if module.startswith("scipy.") else op.name


# Names that mean something else in the source, whatever symbol of the user has them.
_PYTHON = frozenset((*kwlist, "np", "numpy", "scipy"))


class NumpyWriter(TextWriter):
    """NumPy source text."""

    def name(self, name: str) -> str:
        """A name that Python takes as one; others get underscores until nothing else has them."""
        plain = re.sub(r"\W", "_", name)
        changed = plain
        while changed in _PYTHON or not changed.isidentifier():
            changed = f"{changed}_" if changed in _PYTHON else f"_{changed}"
        while changed != name and self.names.is_taken(changed):
            changed += "_"
        return changed

    target = "python"

    @classmethod
    def always_bound(cls, reading: Reading) -> frozenset[Expr]:
        """Nodes that are made by statements, and so need a name."""
        spelled = (n for n in reading.nodes if n.op.spell.numpy is not None)
        return frozenset(n for n in spelled if "\n" in n.op.spell.numpy(n))  # type: ignore[misc]

    # --- names ---------------------------------------------------------------------------------------
    def constant_name(self, node: Expr) -> str:
        return f"np.{node.attr.name}"

    def special(self, name: str) -> str:
        return f"np.{name}"

    def function_name(self, node: Expr) -> str:
        return _numpy_name(node.op)

    def template(self, node: Expr) -> str:
        spell = node.op.spell
        if spell.python or self.function_name(node) != node.op.name:
            return spell.python
        return spell.text

    def write_call(self, form: Form) -> Text:
        node: Expr = form.data
        spell = node.op.spell
        if spell.numpy is not None:
            template = spell.numpy(node).replace("{name}", self.bound.get(node, ""))
            return filled(template, self.parts(form), node.attr, self)
        if not spell.python:
            return super().write_call(form)
        options = spell.options(node) if spell.options is not None else {}
        inside = "".join(f", {key}={self.option(value)}" for key, value in options.items())
        args = self.parts(form)
        if spell.notation == "listed":
            args = [Text(("[", *self.list_of(args), "]"))]
        template = f"{spell.python[:-1]}{inside})" if inside else spell.python
        return filled(template, args, node.attr, self)

    def option(self, value: Any) -> str:  # Any: what Spelling.options may give
        """The value of an option, its extents read off the arrays."""
        if isinstance(value, tuple):
            return self.tuple_of([self.option(v) for v in value])
        return self.extent(value) if isinstance(value, Dim) else repr(value)

    def called(
        self, name: str, args: Any, options: Mapping[str, Any] | None = None
    ) -> Text:  # Any: texts or strings
        keywords = [f"{key}={self.option(value)}" for key, value in (options or {}).items()]
        return Text((f"{name}(", *self.list_of([*args, *keywords]), ")"))

    # --- sizes ---------------------------------------------------------------------------------------
    def extent(self, extent: Extent) -> str:
        """An extent as it is read off an array."""
        if isinstance(extent, int):
            return str(extent)
        terms: list[str] = []
        for monomial, coefficient in extent.terms:
            sizes = [self.one_size(name) for name in monomial]
            terms.append(
                "*".join([*([] if coefficient == 1 and sizes else [str(coefficient)]), *sizes])
            )
        return " + ".join(terms).replace("+ -", "- ")

    def one_size(self, name: str) -> str:
        """The first axis of a symbol that has this size."""
        for symbol, shown in self.names.shown.items():
            for axis, extent in enumerate(symbol.shape):
                if extent is Dim.named(name):
                    return f"{shown}.shape[{axis}]"
        return name

    def size(self, extent: Extent) -> Text:
        text = self.extent(extent)
        return Text((f"({text})" if " " in text or "*" in text else text,))

    @staticmethod
    def tuple_of(texts: list[str]) -> str:
        """A tuple of texts."""
        return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"

    def filled_with(self, name: str, shape: tuple[Extent, ...]) -> Text:
        """``np.ones(shape)``."""
        extents = [self.extent(e) for e in shape]
        shown = extents[0] if len(extents) == 1 else self.tuple_of(extents)
        return Text((f"np.{name}({shown})",), raw=name == "zeros")

    # --- forms ---------------------------------------------------------------------------------------
    def write_ones(self, form: Form) -> Text:
        return self.filled_with("ones", form.data)

    def write_zeros(self, form: Form) -> Text:
        return self.filled_with("zeros", form.data)

    def write_eye(self, form: Form) -> Text:
        return Text((f"np.eye({self.extent(form.data)})",))

    def write_einsum(self, form: Form) -> Text:
        return self.called("np.einsum", [f"'{form.data}'", *self.parts(form)])

    def write_apply(self, form: Form) -> Text:
        name, options = form.data
        inner = self.as_form(form.parts[0])
        if name in ("trace", "diag") and inner.kind == "matmul" and inner.data == (2, 2):
            left, right = inner.parts
            product = Form("hadamard", (left, _turned(right)))
            return self.called(
                "np.sum", [self.write(product)], {"axis": 1} if name == "diag" else {}
            )
        return self.called(f"np.{name}", self.parts(form), options)

    def as_form(self, part: Part) -> Form:
        """The form of a part that is written in place."""
        if isinstance(part, Form):
            return part
        return Form("", (part,)) if part in self.bound else self.reading.form(part)

    def diagonal(self, part: Part) -> Part | None:
        """The vector of a ``diag(v)``."""
        form = self.as_form(part)
        if form.kind == "apply" and form.data[0] == "diag":
            vector = form.parts[0]
            if isinstance(vector, Expr) and vector.ndim == 1:
                return vector
        return None

    def write_matmul(self, form: Form) -> Text:
        left, right = form.parts
        diagonal = self.diagonal(left)
        if diagonal is not None:
            kind = "columns" if form.data[1] == 2 else "hadamard"
            return self.write(Form(kind, (diagonal, right)))
        diagonal = self.diagonal(right)
        if diagonal is not None:
            return self.write(Form("rows" if form.data[0] == 2 else "hadamard", (left, diagonal)))
        return super().write_matmul(form)

    def write_div(self, form: Form) -> Text:
        left, right = self.parts(form)
        if right.raw and right.pieces[0] in ("0", "0.0", "-0.0"):
            right = self.called("np.float64", [right])  # Python's own numbers refuse to divide
        return self.product(left, "/", right, "div")

    def write_pow(self, form: Form) -> Text:
        base, exponent = self.parts(form)
        if base.raw and (exponent.level == NEG or exponent.raw):
            # Python refuses 0**-1 and 2**1e22, NumPy integers 0**-1 too.
            base = self.called("np.float64", [base])
        pieces = (self.at_least(base, ATOM), "**", self.exponent(exponent))
        return Text(pieces, POWER, raw=base.raw)

    def write_not(self, form: Form) -> Text:
        return self.called("np.logical_not", self.parts(form))

    def write_logic(self, form: Form) -> Text:
        name = {"&": "np.logical_and", "|": "np.logical_or"}[form.data]
        return self.called(name, self.parts(form))

    def of_numpy(self, value: Any) -> Text:
        if isinstance(value, np.generic):
            inner = value.item()
            text = self.complex_number(inner) if isinstance(inner, complex) else self.literal(inner)
            return self.called(
                f"np.{'bool_' if value.dtype.kind == 'b' else value.dtype.name}", [text]
            )
        text = self.rows(value.tolist())
        plain = value.dtype.str[1:] in ("f8", "i8", "b1", "c16") and value.size > 0
        inner_text = self.called("np.array", [text])
        return inner_text if plain else self.called("np.array", [text], {"dtype": value.dtype.name})


def _turned(part: Part) -> Part:
    if isinstance(part, Form) and part.kind == "transpose":
        return part.parts[0]
    return Form("transpose", (part,))
