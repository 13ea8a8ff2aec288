"""Lists of run-time length in the result of a program: rows as outputs, and what makes elements of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from wengert.frontend.staging.context import refuse
from wengert.frontend.staging.forms import (
    ArrayForm,
    Fields,
    Form,
    Keep,
    Missing,
    Number,
    Options,
    Seen,
    Sequence_,
    Side,
    Unfit,
    Uniting,
    Worded,
    alone,
)
from wengert.frontend.staging.growing import Maybe, growing_of
from wengert.frontend.staging.handles import to_expr
from wengert.frontend.staging.indexing import extent
from wengert.frontend.staging.stacks import with_all
from wengert.ir.node import Expr
from wengert.ops.algebra import zeros
from wengert.ops.effects import filled
from wengert.ops.joining import stack
from wengert.ops.leaves import const
from wengert.ops.masks import mask_load

__all__ = ["of_growing"]

# Any: elements are whatever the program has put into its lists.
Rebuild = Callable[[Sequence[Any]], list[Any]]


def of_growing(leaf: list[Any]) -> tuple[tuple[Expr, ...], Rebuild]:
    """The outputs for a list, and what makes the list of their values.

    They are a stack for each number in an element; where there is none, something as long as the list.

    Raises:
        CaptureError: elements that cannot be told apart by numbers.
    """
    if growing_of(leaf) is None:
        form, exprs = _columns(leaf)
        return tuple(exprs), _rebuild(form)
    growing = with_all(leaf)
    stacks = growing.stacks
    assert stacks is not None
    return stacks or (zeros((extent(growing.length),)),), _rebuild(growing.form)


def _columns(leaf: list[Any]) -> tuple[Form, list[Expr]]:
    """The elements that are there, as one array for each number in an element."""
    values = [v.value if type(v) is Maybe else v for v in leaf]
    uniting = Uniting(Side(), Side(), "", "")
    form = alone(values[0], uniting)
    try:
        for value in values[1:]:
            form = form.join(value, uniting)
    except Unfit as error:
        refuse(f"returns a list of run-time length with {error} in it")
    rows: list[list[Expr]] = []
    for value in values:
        rows.append([])
        form.leaves(value, Side(), rows[-1], Seen())
        rows[-1] = rows[-1] or [const(0)]
    there = [to_expr(v.present) if type(v) is Maybe else const(True) for v in leaf]
    mask = stack(there, 0)
    return form, [mask_load(stack(list(column), 0), mask) for column in zip(*rows, strict=True)]


def _rebuild(form: Form) -> Rebuild:
    _check(form)

    def build(stacks: Sequence[Any]) -> list[Any]:
        return [_element(form, iter([s[k] for s in stacks])) for k in range(len(stacks[0]))]

    return build


def _check(form: Form) -> None:
    """Refuse elements that are not made of numbers, texts and such."""
    todo: list[Any] = [form]
    while todo:
        top = todo.pop()
        if isinstance(top, (Sequence_, Worded)):
            todo += top.items
        elif isinstance(top, Fields):
            todo += top.items.values()
        elif isinstance(top, Missing):
            todo.append(top.inner)
        elif not isinstance(top, (Number, ArrayForm, Keep, Options)):
            refuse(
                "returns a list of run-time length whose elements hold lists of run-time length, or keys "
                "that are there on one path only; return arrays, or mode='tape'"
            )


def _element(form: Any, row: Iterator[Any]) -> Any:
    """One element of the list from its numbers."""
    if isinstance(form, Number):
        value = next(row)
        if form.python or form.type.weak:
            return value.item() if isinstance(value, (np.generic, np.ndarray)) else value
        return np.dtype(form.type.dtype).type(value)
    if isinstance(form, ArrayForm):
        return np.array(next(row))
    if isinstance(form, Keep):
        return form.value
    if isinstance(form, Options):
        return form.options[int(next(row))]
    if isinstance(form, Missing):
        missing = bool(next(row))
        value = _element(form.inner, row)
        if missing and not form.none:
            raise UnboundLocalError(f"{form.name} is not associated with a value")
        return None if missing else value
    if isinstance(form, Worded):
        values = [_element(f, row) for f in form.items]
        return filled(form.template, [_python_kind(v) for v in values], values)
    if isinstance(form, Sequence_):
        items = [_element(f, row) for f in form.items]
        return form.cls(*items) if hasattr(form.cls, "_fields") else form.cls(items)
    found = {name: _element(f, row) for name, f in form.items.items()}
    if form.cls is dict:
        return found
    made = object.__new__(form.cls)
    for name, value in found.items():
        object.__setattr__(made, name, value)
    return made


def _python_kind(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind in (bool, int, float, complex) else ""
