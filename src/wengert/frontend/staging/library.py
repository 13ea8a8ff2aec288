"""Python's builtins and NumPy's methods on handles."""

from __future__ import annotations

import builtins
import contextlib
import functools
import itertools
import logging
import math
import operator
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from wengert.frontend.staging.adopting import user_method
from wengert.frontend.staging.branches import choose
from wengert.frontend.staging.calls import (
    adopted_result,
    array_of,
    call,
    call_entry,
    own,
    own_method,
)
from wengert.frontend.staging.containers import has_partial, hashed, keys_of, merged_dict, settled
from wengert.frontend.staging.context import (
    UNASSIGNED,
    NeedConcrete,
    active,
    refuse,
)
from wengert.frontend.staging.deques import deque_of
from wengert.frontend.staging.effects import TokenSlot, logged, only_checks, printed, waited
from wengert.frontend.staging.forms import attributes_of, has_attributes
from wengert.frontend.staging.growing import Maybe, growing_of, is_growing, length_of, need_rows
from wengert.frontend.staging.handles import (
    PYTHON_NUMBERS,
    UNKNOWN,
    Array,
    Buffer,
    Handle,
    Partial,
    Poison,
    Scalar,
    classes_of,
    concrete,
    describe,
    extents,
    is_active,
    is_number,
    known,
    may_miss,
    scalar_of,
    to_expr,
    type_of,
    wrap,
)
from wengert.frontend.staging.identity import by_options, has_choice
from wengert.frontend.staging.indexing import fitted, getitem
from wengert.frontend.staging.iteration import (
    Range,
    Together,
    check_spent,
    is_long,
    moved,
    python_elements,
    range_,
)
from wengert.frontend.staging.operators import compared, power, unary
from wengert.frontend.staging.texts import Text, as_text, has_marks, marked, template_of
from wengert.frontend.staging.truth import tested, truth
from wengert.frontend.table import entry_of
from wengert.ir.types import is_complex, is_inexact
from wengert.ops import effects
from wengert.ops.algebra import lift
from wengert.ops.layout import cast
from wengert.ops.leaves import const

__all__ = [
    "array_of_growing", "as_type", "clock_call", "index_object", "numpy_scalar", "random_call",
    "searched", "sorted_", "ufunc_method_call", "vectorized", "where_ufunc",
]  # fmt: skip

# Any: arguments are whatever the program has.
# A lambda with a default keeps the value of this turn of the loop; mypy does not infer such a lambda.


def _certain(value: Any) -> Any:
    while isinstance(value, Partial):
        value = value.certain()
    return value


# --- lengths and iteration ---------------------------------------------------------------------------------
def _for_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for what is chosen at run time, too."""

    def applied(*args: Any, **kwargs: Any) -> Any:
        if has_choice(args):
            return by_options(args, lambda given: function(*given, **kwargs))
        return function(*args, **kwargs)

    return applied


@own(len)
@_for_options
def len_(value: Any) -> Any:
    value = _certain(value)
    if isinstance(value, Array):
        shape = value.type.shape
        if not shape:
            raise TypeError("len() of unsized object")
        return extents(shape[:1])[0]
    if isinstance(value, Scalar):
        raise TypeError(f"object of type '{describe(value)}' has no len()")
    if type(value) is list and is_growing(value):
        return length_of(value)
    if isinstance(value, dict) and has_partial(value):
        return length_of(keys_of(value))
    if isinstance(value, Range):
        return value.steps().trip
    method = getattr(type(value), "__len__", None)
    if isinstance(method, types.FunctionType):
        return call(method, value)
    return len(value)


@own(set, frozenset)
def set_(iterable: Any = ()) -> Any:
    return active().birth({hashed(v) for v in python_elements(iterable)})


own(range)(range_)


@own(enumerate)
def enumerate_(iterable: Any, start: Any = 0) -> Any:
    together = Together("enumerate", [_in_rows(_certain(iterable))], start)
    return together if _loopable(iterable) else enumerate(python_elements(iterable), start)


@own(zip)
def zip_(*iterables: Any, strict: bool = False) -> Any:
    if any(_has_run_time_length(i) for i in iterables):
        iterables = tuple(_in_rows(i, any_list=True) for i in iterables)
    if iterables and all(_loopable(i) for i in iterables):
        return Together("zip", list(iterables))
    return zip(*(python_elements(i) for i in iterables), strict=strict)


@own(reversed)
def reversed_(sequence: Any) -> Any:
    sequence = _in_rows(sequence)
    if _loopable(sequence):
        return Together("reversed", [sequence])
    return reversed(list(python_elements(sequence)))


def _has_run_time_length(value: Any) -> bool:
    value = _certain(value)
    return type(value) is list and is_growing(value)


def _in_rows(value: Any, *, any_list: bool = False) -> Any:
    """A list with its elements in rows if its length depends on run-time values (or it is any list)."""
    from wengert.frontend.staging.stacks import put_in_rows

    value = _certain(value)
    if any_list and isinstance(value, tuple):
        value = list_(value)
    if type(value) is list and value and (any_list or is_growing(value)):
        put_in_rows(value)
    return value


def _loopable(value: Any) -> bool:
    value = _certain(value)
    return isinstance(value, (range, Range, Together, Array, np.ndarray)) or (
        type(value) is list and growing_of(value) is not None
    )


@own(list)
def list_(iterable: Any = ()) -> Any:
    if type(iterable) is list and growing_of(iterable) is not None:
        return call(iterable.copy)
    if isinstance(iterable, (Together, Range)) and is_long(iterable):
        from wengert.frontend.staging import helpers

        return call(helpers.listed, iterable)
    return active().birth(list(python_elements(iterable, flagged=True)))


@own(tuple)
def tuple_(iterable: Any = ()) -> Any:
    return tuple(python_elements(iterable))


@own(iter)
def iter_(iterable: Any, *rest: Any) -> Any:
    return iter(iterable, *rest) if rest else python_elements(iterable)


_MOST_TRIED = 64


def _born(made: Any) -> Any:
    """Lists, dicts and objects that a library has made of others."""
    context = active()
    todo = [made]
    while todo:
        top = todo.pop()
        mutable = isinstance(top, (list, dict)) or has_attributes(top)
        if isinstance(top, (Handle, Poison)) or not (mutable or isinstance(top, tuple)):
            continue
        if context.born(top) is None and id(top) not in context.given:
            context.birth(top)
            todo += (
                top.values()
                if isinstance(top, dict)
                else top
                if isinstance(top, (list, tuple))
                else attributes_of(top).values()
            )
    return made


@own(next)
def next_(iterator: Any, *default: Any) -> Any:
    moved(iterator)
    check_spent(iterator)
    count = 0

    def first() -> Any:
        nonlocal count
        count += 1
        if count > _MOST_TRIED:
            refuse("next() looks through many elements by run-time values; use a for statement")
        found = next(iterator, *default)
        if type(found) is not Maybe:
            return found
        active().spent.append(iterator)
        return choose(found.present, lambda: found.value, first)

    return first()


@own(dict)
def dict_(*given: Any, **named: Any) -> Any:
    found: dict[Any, Any] = {}
    for source in given:
        if hasattr(source, "keys"):
            found = merged_dict(found, source)
        else:
            for entry in python_elements(source):
                key, value = python_elements(entry)
                found[hashed(key)] = value
    return active().birth(found | named)


@own(map)
def map_(function: Any, *iterables: Any) -> Iterator[Any]:
    return (
        call(function, *args)
        for args in zip(*(python_elements(i) for i in iterables), strict=False)
    )


@own(filter)
def filter_(function: Any, iterable: Any) -> Iterator[Any]:
    for value in list(python_elements(iterable)):
        flag = tested(value if function is None else call(function, value))
        if isinstance(flag, Scalar):
            yield Maybe(flag, value)
        elif flag:
            yield value


@own(functools.reduce)
def reduce_(function: Any, iterable: Any, *initial: Any) -> Any:
    elements = python_elements(iterable)
    total = initial[0] if initial else next(elements)
    for value in elements:
        total = call(function, total, value)
    return total


@own(itertools.accumulate)
def accumulate_(
    iterable: Any, function: Any = operator.add, *, initial: Any = None
) -> Iterator[Any]:
    elements = python_elements(iterable)
    total = next(elements) if initial is None else initial
    yield total
    for value in elements:
        total = call(function, total, value)
        yield total


@own(any)
def any_(iterable: Any) -> Any:
    from wengert.frontend.staging import helpers
    from wengert.frontend.staging.stage import or_

    if isinstance(iterable, Array):
        return call(np.any, iterable)
    if growing_of(iterable) is not None:
        return call(helpers.any_of, iterable)
    return _until_decided(iterable, False, or_)


@own(all)
def all_(iterable: Any) -> Any:
    from wengert.frontend.staging import helpers
    from wengert.frontend.staging.stage import and_

    if growing_of(iterable) is not None:
        return call(helpers.all_of, iterable)
    return _until_decided(iterable, True, and_)


def _until_decided(iterable: Any, found: Any, joined: Callable[..., Any]) -> Any:
    """``any`` or ``all``: elements with effects are only made where Python makes them."""
    context = active()
    elements = python_elements(iterable)
    while True:
        before = context.token
        with context.watched() as changed:
            value = next(elements, UNASSIGNED)
        if value is UNASSIGNED:
            return found
        harmless = changed.keys() <= {TokenSlot(context).key} and only_checks(context.token, before)
        if isinstance(found, Handle) and not harmless:
            refuse(
                "any() or all() of elements that have effects, where only running tells which is the last "
                "one that Python looks at; use a for statement with a break",
                NeedConcrete,
            )
        found = joined(tested(found), lambda v=value: tested(v))


@own(sum)
def sum_(iterable: Any, start: Any = 0) -> Any:
    total = start
    if (type(iterable) is list and is_growing(iterable)) or _is_worth_a_loop(iterable):
        return _looped_sum(iterable, start)
    if type(iterable) in (list, tuple) and PYTHON_NUMBERS.issuperset(map(type, (start, *iterable))):
        return sum(iterable, start)
    for value in python_elements(iterable, flagged=True):
        total = _plus(total, value)
    return total


def _plus(total: Any, value: Any) -> Any:
    from wengert.frontend.staging.stage import binary as any_binary

    if type(value) is Maybe:
        return choose(value.present, lambda: any_binary("+", total, value.value), lambda: total)
    return any_binary("+", total, value)


def _is_worth_a_loop(iterable: Any) -> bool:
    """Whether it is a range of run-time length, or an array of many rows or of an open number of them."""
    if isinstance(iterable, Array) and iterable.type.shape:
        first = iterable.type.shape[0]
        return not isinstance(first, int) or first > 16
    return isinstance(iterable, Range)


def _looped_sum(iterable: Any, start: Any) -> Any:
    from wengert.frontend.staging import helpers

    return call(helpers.added, iterable, start)


# --- order -------------------------------------------------------------------------------------------------
def _extreme(name: str, op: str) -> Callable[..., Any]:
    original = getattr(builtins, name)

    def extreme(*args: Any, key: Any = None, default: Any = UNASSIGNED) -> Any:
        if len(args) == 1:
            (iterable,) = args
            if (isinstance(iterable, Array) and key is None and _is_worth_a_loop(iterable)) or (
                type(iterable) is list and is_growing(iterable)
            ):
                return _looped_extreme(name, iterable, key, default)
            values = list(python_elements(iterable, flagged=True))
        else:
            values = list(args)
        if not values:
            if default is not UNASSIGNED:
                return default
            raise ValueError(f"{name}() iterable argument is empty")
        if any(type(v) is Maybe for v in values):
            return _looped_extreme(name, active().birth(values), key, default)
        if key is None and not any(isinstance(v, Handle) or _holds(v) for v in values):
            return original(values)
        keys = values if key is None else [call(key, v) for v in values]
        best, best_key = values[0], keys[0]
        from wengert.frontend.staging.stage import compare

        for value, its_key in zip(values[1:], keys[1:], strict=True):
            better = compare(op, its_key, best_key)
            if value is its_key and best is best_key:
                best = choose(better, lambda v=value: v, lambda b=best: b)  # type: ignore[misc]
                best_key = best
            else:
                best, best_key = choose(
                    better,
                    lambda v=value, k=its_key: (v, k),  # type: ignore[misc]
                    lambda b=best, k=best_key: (b, k),  # type: ignore[misc]
                )
        return best

    return extreme


def _looped_extreme(name: str, iterable: Any, key: Any, default: Any) -> Any:
    from wengert.frontend.staging import helpers

    by_key = helpers.largest_by if name == "max" else helpers.smallest_by
    plain = helpers.largest if name == "max" else helpers.smallest
    over, keys = (plain, ()) if key is None else (by_key, (key,))
    if default is UNASSIGNED:
        return call(over, iterable, *keys)
    return call(helpers.or_default, over, iterable, default, *keys)


def _holds(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(isinstance(v, Handle) or _holds(v) for v in value)
    return any(user_method(type(value), n) is not None for n in ("__lt__", "__gt__"))


own(max)(_extreme("max", ">"))
own(min)(_extreme("min", "<"))


@own(sorted)
def sorted_(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    """``sorted``: run-time numbers by ``np.sort``, else run-time keys by comparing neighbours."""
    if type(iterable) is list and is_growing(iterable):
        return in_order(iterable, key, reverse)
    values = list(python_elements(iterable))
    keys = values if key is None else [call(key, v) for v in values]
    if not any(isinstance(k, Handle) or _holds(k) for k in keys):
        order = sorted(range(len(values)), key=lambda i: keys[i], reverse=reverse)
        return active().birth([values[i] for i in order])
    if all(is_number(v) and not isinstance(v, Array) for v in values) and key is None:
        result = call(np.sort, array_of(values))
        weak = all(type_of(v).weak for v in values)
        found = [getitem(result, i) for i in range(len(values))]
        if weak:
            found = [as_python(v) for v in found]
        return active().birth(found[::-1] if reverse else found)
    return _sorted_by_comparing(values, keys, reverse)


def in_order(elements: list[Any], key: Any, reverse: bool) -> list[Any]:
    """``sorted`` for a list whose length only running tells."""
    from wengert.frontend.staging import helpers
    from wengert.frontend.staging.stacks import taken_in_order

    keys = array_of(elements) if key is None else call(helpers.mapped, key, elements)
    if len(keys.type.shape) > 2:
        refuse("sorts a list of run-time length by nested tuples; use flat ones", NeedConcrete)
    if reverse:  # equal keys stay in order
        backwards = _ascending(keys[::-1])
        places = call(np.subtract, binary_any("-", length_of(elements), 1), backwards[::-1])
    else:
        places = _ascending(keys)
    return taken_in_order(elements, places)


def _ascending(keys: Any) -> Any:
    """The places of keys in order; tuples of them are compared number by number."""
    if len(keys.type.shape) == 1:
        return call(np.argsort, keys, kind="stable")
    return call(np.lexsort, keys.T[::-1])


def _sorted_by_comparing(values: list[Any], keys: list[Any], reverse: bool) -> Any:
    """Stable insertion sort by exchanging neighbours: any structure, few elements."""
    if len(values) > 64:
        refuse(
            "sorts more than 64 elements by run-time keys; use np.argsort and arrays", NeedConcrete
        )
    from wengert.frontend.staging.stage import compare

    pairs = list(zip(keys, values, strict=True))
    for last in range(len(pairs) - 1, 0, -1):
        for i in range(last):
            first, second = pairs[i], pairs[i + 1]
            swap = compare(">" if reverse else "<", second[0], first[0])
            pairs[i], pairs[i + 1] = choose(
                swap,
                lambda a=first, b=second: (b, a),  # type: ignore[misc]
                lambda a=first, b=second: (a, b),  # type: ignore[misc]
            )
    return active().birth([v for _, v in pairs])


def searched(owner: list[Any], name: str, value: Any, start: int = 0) -> Any:
    """``list.index``, ``list.count`` and ``list.remove`` by comparison in captured code."""
    from wengert.frontend.staging.stage import compare

    def found(item: Any) -> Any:
        return True if item is value else compare("==", item, value)

    if name == "count":
        total: Any = 0
        for item in owner:
            total = binary_any("+", total, choose(found(item), lambda: 1, lambda: 0))
        return total
    if name == "remove":
        for number, item in enumerate(owner):
            here = found(item)
            if isinstance(here, Handle):
                refuse("list.remove with run-time values; use arrays", NeedConcrete)
            if here:
                del owner[number]
                return None

    def place(number: int) -> Any:
        if number >= len(owner) or name == "remove":
            raise ValueError(f"{describe(value)} is not in list")
        return choose(found(owner[number]), lambda: number, lambda: place(number + 1))

    return place(start)


def binary_any(op: str, a: Any, b: Any) -> Any:
    from wengert.frontend.staging.stage import binary as any_binary

    return any_binary(op, a, b)


# --- numbers --------------------------------------------------------------------------------------
def as_python(value: Any) -> Any:
    """A NumPy number as the Python number that ``float`` or ``int`` makes of it."""
    from wengert.ops.numbers import python_number

    value = _certain(value)
    if not isinstance(value, Handle):
        return value.item() if isinstance(value, np.generic) else value
    expr = value.expr
    if expr.value_type.dtype == "bool":
        return Scalar(expr, python=True)
    if expr.value_type.weak:
        return value
    dtype: Any = {"i": "int64", "f": "float64", "c": "complex128"}[expr.value_type.dtype[0]]
    return scalar_of(python_number(expr, dtype))


def _number(kind: type) -> Callable[..., Any]:
    def number(*args: Any, **kwargs: Any) -> Any:
        given = [_certain(a) for a in args]
        if not any(isinstance(a, Handle) for a in (*given, *kwargs.values())):
            if given and isinstance(given[0], str) and has_marks(given[0]):
                refuse("converts a text with run-time values in it to a number")
            return kind(*given, **kwargs)
        entry = entry_of(kind)
        assert entry is not None
        return call_entry(
            entry, tuple(_one(a) for a in given), {k: _one(v) for k, v in kwargs.items()}
        )

    return number


def _one(value: Any) -> Any:
    """A number, or an array of one element, as an expression."""
    if isinstance(value, Array):
        shape = value.type.shape
        if any(e != 1 for e in shape):
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return value.expr[(0,) * len(shape)] if shape else value.expr
    return to_expr(value)


def _install_numbers() -> None:
    for kind in (float, int, complex):
        own(kind)(_for_options(_number(kind)))


_install_numbers()


@own(bool)
@_for_options
def bool_(value: Any = False) -> Any:
    for name in ("__bool__", "__len__"):
        method = getattr(type(value), name, None)
        if isinstance(method, types.FunctionType) and not isinstance(value, Handle):
            return bool_(call(method, value))
    flag = tested(_certain(value))
    return flag if isinstance(flag, (bool, Scalar)) else bool(flag)


@own(abs)
@_for_options
def abs_(value: Any) -> Any:
    value = _certain(value)
    if isinstance(value, Handle):
        return unary("abs", value)
    return abs(value)


own(pow)(power)


@own(round)
def round_(value: Any, ndigits: Any = None) -> Any:
    value = _certain(value)
    if not isinstance(value, Handle):
        return round(value) if ndigits is None else round(value, ndigits)
    if isinstance(value, Array) or not type_of(value).weak:
        found = call(np.round, value, 0 if ndigits is None else ndigits)
        return call(int, found) if ndigits is None else found
    entry = entry_of(round)
    assert entry is not None
    return call_entry(entry, (value,) if ndigits is None else (value, concrete(ndigits)), {})


@own(divmod)
def divmod_(a: Any, b: Any) -> Any:
    return binary_any("//", a, b), binary_any("%", a, b)


@own(float.is_integer)
def is_integer_(value: Any) -> Any:
    return as_python(compared("==", value, call(np.floor, value)))


for _name, _op in {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "matmul": "@",
}.items():  # fmt: skip
    own(getattr(operator, _name))(lambda a, b, _op=_op: binary_any(_op, a, b))
for _name, _op in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.items():

    def _compared(a: Any, b: Any, _op: str = _op) -> Any:
        from wengert.frontend.staging.stage import compare

        return compare(_op, a, b)

    own(getattr(operator, _name))(_compared)
own(operator.neg)(lambda a: binary_any("*", -1, a))


@own(isinstance)
@_for_options
def isinstance_(value: Any, kinds: Any) -> Any:
    if isinstance(value, Partial):
        if not value.none:
            return isinstance_(value.certain(), kinds)
        missing = Scalar(value.missing, python=True)
        return choose(
            missing, lambda: isinstance(None, kinds), lambda: isinstance_(value.value, kinds)
        )
    if not isinstance(value, Handle):
        return isinstance(value if deque_of(value) is None else deque(), kinds)
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    flat: list[Any] = []
    for each in wanted:
        flat += each.__args__ if isinstance(each, types.UnionType) else [each]
    found = {any(issubclass(cls, k) for k in flat) for cls in classes_of(value)}
    return found.pop() if len(found) == 1 else issubclass(python_class(value), tuple(flat))


def not_missing(value: Partial) -> Any:
    """Whether a value that may be missing is there."""
    from wengert.frontend.staging.stage import not_

    return not_(Scalar(value.missing, python=True))


def python_class(value: Any) -> type:
    """The class that a value has in plain Python.

    Raises:
        NeedConcrete: it is one or another depending on run-time values.
    """
    kinds = classes_of(value)
    if len(kinds) > 1:
        refuse(
            f"asks for the type of a number that is {_listed(kinds)} depending on run-time values",
            NeedConcrete,
        )
    return next(iter(kinds))


def _listed(kinds: Any) -> str:
    return " or ".join(sorted(k.__name__ for k in kinds))


@own(type)
@_for_options
def type__(value: Any, *rest: Any) -> Any:
    if rest:
        return type(value, *rest)
    if isinstance(value, (Scalar, Array)):
        return python_class(value)
    if deque_of(value) is not None:
        return deque
    return str if isinstance(value, Text) else type(value)


@own(callable)
@_for_options
def callable_(value: Any) -> bool:
    return callable(value) and not isinstance(value, Handle)


@own(hasattr)
@_for_options
def hasattr_(value: Any, name: str) -> bool:
    if isinstance(value, Handle):
        return hasattr(np.ndarray if isinstance(value, Array) else python_class(value), name)
    found = getattr(value, name, UNASSIGNED)
    if may_miss(found):
        return truth(not_missing(found))
    if found is UNASSIGNED and isinstance(value, (types.FunctionType, type)):
        active().adopted.guard(name, lambda: hasattr(value, name), False, "equal")
    return hasattr(value, name)


@own(getattr)
@_for_options
def getattr_(value: Any, name: str, *default: Any) -> Any:
    from wengert.frontend.staging.stage import attr

    if default and not hasattr_(value, name):
        return default[0]
    return attr(value, name)


@own(setattr)
def setattr_(value: Any, name: str, new: Any) -> None:
    from wengert.frontend.staging.stage import setattr_ as store

    store(value, name, new)


@own(id)
def id_(value: Any) -> int:
    return id(value.buffer) if isinstance(value, Array) and not value.views else id(value)


@own(print)
def print_(
    *values: Any, sep: Any = " ", end: Any = "\n", file: Any = None, flush: bool = False
) -> None:
    context = active()
    if file is not None:
        if file is not sys.stderr and file is not sys.stdout:
            refuse("print(file=...) into a file; print to the screen, or return the values")
        target = "stderr" if file is sys.stderr else "stdout"
    else:
        target = "stdout"
    if context.eager:
        given = [concrete(v) if isinstance(v, Handle) else _said(v) for v in values]
        print(*given, sep=sep, end=end, file=file, flush=flush)
        return
    places: list[Any] = []
    templates = [template_of(_shown(v), places)[0] for v in values]
    printed(templates, tuple(places), sep=sep, end=end, file=target, flush=flush)


def _said(value: Any) -> Any:
    if isinstance(value, str):
        template, values = template_of(value)
        return effects.filled(template, [""] * len(values), [concrete(v) for v in values])
    return value


def _shown(value: Any) -> str:
    if isinstance(value, Handle):
        return marked(value)
    if own_method(str, value) is not None:
        return call(str, value)  # type: ignore[no-any-return]  # a text
    settled(value)
    return as_text(str(_reprs(value))) if not isinstance(value, str) else value


class _Repr:
    """Shows a value inside a container as Python shows it there."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        if not isinstance(self.value, Handle):
            return call(repr, self.value)  # type: ignore[no-any-return]  # a text
        return marked(self.value, conversion="r")


def _reprs(value: Any) -> Any:
    if isinstance(value, Handle):
        return _Repr(value)
    if own_method(repr, value) is not None:
        return _Repr(value)
    stands_for = deque_of(value)
    if stands_for is not None:
        return deque((_reprs(v) for v in value), stands_for[1])
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_reprs(v) for v in value)
    if type(value) is dict:
        return {k: _reprs(v) for k, v in value.items()}
    return value


@own(str)
def str_(value: Any = "", *rest: Any) -> str:
    return str(value, *rest) if rest else _shown(value)


@own(repr)
def repr_(value: Any) -> str:
    return as_text(repr(_reprs(settled(value))))


@own(format)
@_for_options
def format_(value: Any, spec: str = "") -> str:
    return format(value, spec)


# --- NumPy ----------------------------------------------------------------------------------------
@own(np.shape)
def shape_(a: Any) -> Any:
    return _array(a).shape if not isinstance(a, Scalar) else ()


@own(np.ndim)
def ndim_(a: Any) -> Any:
    return _array(a).ndim if not isinstance(a, Scalar) else 0


@own(np.size)
def size_(a: Any, axis: Any = None) -> Any:
    if isinstance(a, Scalar):
        return 1
    array = _array(a)
    return array.size if axis is None else array.shape[axis]


def _array(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = array_of(value)
    return wrap(lift(np.asarray(value))) if not isinstance(value, Handle) else value


@own(np.array)
def np_array(
    object: Any,  # noqa: A002  NumPy's name
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
) -> Any:
    made = _as_array(object, dtype)
    while len(made.type.shape) < ndmin:
        made = getitem(made, None)
    return Array(Buffer(made.expr)) if made.views or made.buffer is _buffer_of(object) else made


def _buffer_of(value: Any) -> Any:
    return value.buffer if isinstance(value, Array) else None


def _as_array(value: Any, dtype: Any) -> Any:
    value = _certain(value)
    if isinstance(value, (Range, Together)):
        value = list(python_elements(value))
    if isinstance(value, (list, tuple)):
        value = array_of(value)
    if not is_number(value):
        found = np.asarray(value, dtype)
        if found.dtype.kind not in "biufc":
            refuse(f"makes an array of {describe(value)}")
        value = found
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        refuse(f"an array of dtype {value.dtype} cannot be captured; use numbers")
    expr = to_expr(value)
    if expr.value_type.weak:
        expr = cast(expr, expr.value_type.dtype)
    if dtype is not None:
        expr = _cast(value, expr, dtype)
    if isinstance(value, Array) and expr is value.expr:
        return value
    return Array(Buffer(active().record(expr)))


def _cast(value: Any, expr: Any, dtype: Any) -> Any:
    from wengert.frontend.numpy_arguments import dtype_name

    name = dtype_name(dtype, "dtype")
    if name == expr.value_type.dtype and not expr.value_type.weak:
        return expr
    if is_inexact(expr.value_type) and name.startswith(("int", "bool")) and is_active(value):
        active().note("passive", f"a float becomes {name}: derivatives end there")
    if is_complex(expr.value_type) and name.startswith("float"):
        from wengert.ops.complexes import real

        expr = real(expr)
    return cast(expr, name)


@own(np.asarray, np.asanyarray, np.ascontiguousarray)
def np_asarray(a: Any, dtype: Any = None, order: Any = None, **_: Any) -> Any:
    return _as_array(a, dtype)


@own(np.copy)
def np_copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return np_array(a)


@own(np.copyto)
def np_copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if where is True:
        dst.write(fitted(dst, src, in_place=True))
    else:
        dst.write(fitted(dst, call(np.where, where, src, dst), in_place=True))


def as_type(value: Any, dtype: Any) -> Any:
    """``value.astype(dtype)``."""
    expr = _cast(value, to_expr(value), dtype)
    return Array(Buffer(active().record(expr))) if isinstance(value, Array) else scalar_of(expr)


def numpy_scalar(cls: type, args: tuple[Any, ...]) -> Any:
    """``np.float64(x)`` and its kin."""
    value = _certain(args[0]) if args else 0
    if isinstance(value, (list, tuple)):
        value = array_of(value)
    if not isinstance(value, Handle):
        return adopted_result(cls(value))
    return as_type(value, cls)


def array_of_growing(value: list[Any]) -> Any:
    """``np.array`` of a list whose length depends on run-time values."""
    growing = growing_of(value)
    if growing is not None:
        stacks = growing.stacks
        if stacks is None:
            need_rows(growing)
        if len(stacks) != 1 or type(growing.form).__name__ not in ("Number", "ArrayForm"):
            return _stacked_tuples(value)
        front = Array(Buffer(active().record(stacks[0])))
        if not value:
            return front
        rest = (
            array_of(list(value)) if not any(type(v) is Maybe for v in value) else _flagged(value)
        )
        return call(np.concatenate, [front, rest])
    return _flagged(value)


def _stacked_tuples(value: list[Any]) -> Any:
    from wengert.frontend.staging.stacks import with_all

    growing = with_all(value)
    if type(growing.form).__name__ != "Sequence_":
        refuse(
            "makes an array of a list of structures whose length depends on run-time values",
            NeedConcrete,
        )
    return call(np.stack, [Array(Buffer(s)) for s in growing.stacks or ()], axis=1)


def _flagged(value: list[Any]) -> Any:
    """Elements that may be missing, as an array: all of them, selected by their flags."""
    every = array_of([v.value if type(v) is Maybe else v for v in value])
    flags = array_of([v.present if type(v) is Maybe else True for v in value])
    return getitem(every, flags)


def where_ufunc(entry: Any, found: Any, where: Any, out: Any) -> Any:
    """``ufunc(..., where=mask)``: elsewhere what ``out`` had (zeros where there is none)."""
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        refuse(
            f"{entry.title}: argument `where` without `out` leaves elements undefined; give out="
        )
    return call(np.where, where, found, target)


def ufunc_method_call(
    ufunc: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """``np.add.reduce(...)`` and its kin."""
    from wengert.frontend.numpy_ufunc_methods import ufunc_method
    from wengert.frontend.tables import load_tables

    load_tables()
    if name == "at":
        return _ufunc_at(ufunc, *args)
    entry = ufunc_method(ufunc, name)
    if entry is None:
        refuse(f"numpy.{ufunc.__name__}.{name} is not supported on run-time values")
    return call_entry(entry, args, kwargs)


def _ufunc_at(ufunc: Any, target: Any, index: Any, value: Any = None) -> None:
    from wengert.errors import TypeMismatchError
    from wengert.frontend.staging import helpers
    from wengert.frontend.staging.indexing import _entries, fitted_to
    from wengert.ir.types import Type
    from wengert.ops.subscripts import subscript, update_add

    if not isinstance(target, Array):
        refuse(f"numpy.{ufunc.__name__}.at needs an array of the captured function")
    if ufunc is not np.add and ufunc is not np.subtract:
        from wengert.frontend.numpy_ufunc_methods import ufunc_method

        entry = ufunc_method(ufunc, "at")
        if entry is None:
            refuse(f"numpy.{ufunc.__name__}.at is not supported; np.add.at is")
        rest = () if value is None else (to_expr(value),)
        try:
            target.write(entry.function(target.expr, _plain_places(index), *rest))
        except TypeMismatchError as error:  # places that may repeat are changed one after another
            if isinstance(index, tuple) or value is None:
                refuse(str(error))
            places = call(np.asarray, index)
            values = call(np.broadcast_to, value, call(np.shape, places))
            call(helpers.changed_at, ufunc, target, call(np.ravel, places), call(np.ravel, values))
        return
    base = target.expr
    entries = _entries(index, base.shape)
    key = entries if len(entries) != 1 else entries[0]
    part = subscript(base, key).value_type
    if ufunc is np.subtract:
        value = unary("-", value) if isinstance(value, Handle) else -np.asarray(value)
    fitting = fitted_to(Type(base.value_type.dtype, part.shape), value, describe(target))
    target.write(update_add(base, key, fitting))


def _plain_places(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(_plain_places(i) for i in index)
    if isinstance(index, Handle):
        found = known(index)
        return index.expr if found is UNKNOWN else found
    return index


def vectorized(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A call of ``np.vectorize(f)``."""
    from wengert.frontend.staging import helpers

    if kwargs or function.signature is not None or function.excluded:
        refuse("numpy.vectorize with options is not supported; write a loop")
    if len(args) != 1:
        shaped = call(np.broadcast_arrays, *args)
        flat = [call(np.ravel, a) for a in shaped]
        result = call(helpers.mapped, function.pyfunc, *flat)
        return call(np.reshape, result, shaped[0].shape)
    array = _as_array(args[0], None)
    result = call(helpers.mapped, function.pyfunc, call(np.ravel, array))
    return call(np.reshape, result, array.shape)


def index_object(owner: Any, index: Any) -> Any:
    """``np.r_[...]`` and its kin."""
    if owner is np.s_ or owner is np.index_exp:
        return index
    from wengert.frontend.numpy_indices import INDEX_OBJECTS

    try:
        build = INDEX_OBJECTS.get(owner)
    except TypeError:
        return None
    return None if build is None else _wrapped(build(_lowered_index(index)))


def _lowered_index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(_lowered_index(i) for i in index)
    if isinstance(index, slice):
        return slice(*(_lowered_index(b) for b in (index.start, index.stop, index.step)))
    return _lowered(index)


# --- randomness and time --------------------------------------------------------------------------
class Generator:
    """A random generator of the program: its state is an array of the graph."""

    def __init__(self, state: Any, give_back: Any = None) -> None:
        self.state = Array(Buffer(state))
        self.give_back = give_back

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return functools.partial(_drawn, self, name)


def _drawn(generator: Generator, name: str, *args: Any, **kwargs: Any) -> Any:
    from wengert.frontend.random_table import draw_method

    given = [_lowered(a) for a in args]
    named = {k: _lowered(v) for k, v in kwargs.items()}
    state, value = draw_method(name, generator.state.expr, given, named)
    if name == "shuffle":
        generator.state.write(state)
        args[0].write(fitted(args[0], wrap(value)))
        return None
    generator.state.write(state)
    return _wrapped(value)


def _wrapped(value: Any) -> Any:
    from wengert.ir.node import Expr

    if isinstance(value, Expr):
        return wrap(value)
    if isinstance(value, tuple):
        return tuple(_wrapped(v) for v in value)
    return value


def _lowered(value: Any) -> Any:
    value = _certain(value)
    if isinstance(value, Handle):
        found = known(value)
        return value.expr if found is UNKNOWN else found
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, Handle) for v in value):
            found_list = [_lowered(v) for v in value]
            if all(not hasattr(v, "op") for v in found_list):
                return type(value)(found_list)
            return to_expr(array_of(value))
        return value
    return value


@own(np.random.default_rng)
def default_rng(seed: Any = None) -> Any:
    from wengert.ops.random import generator_state, seeded

    seed = concrete(seed, "the seed of a random generator") if isinstance(seed, Handle) else seed
    if isinstance(seed, Generator):
        return seed
    if isinstance(seed, np.random.Generator):
        return Generator(const(generator_state(seed)))
    if seed is None:
        adopted = active().adopted
        return Generator(adopted.entropy())
    return Generator(const(seeded(seed)))


def drawn_by(owner: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A draw from a generator that is not the program's own: its state is read and written at each call."""
    context = active()
    if context.eager:
        return getattr(owner, name)(*(concrete(a) for a in args), **kwargs)
    return _drawn(context.adopted.generator(owner), name, *args, **kwargs)


def random_call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """``np.random.normal(...)`` and its kin, on NumPy's global generator."""
    refuse(
        f"numpy.random.{getattr(function, '__name__', function)} draws from NumPy's global generator; "
        "use rng = np.random.default_rng(seed) and pass rng"
    )


for _legacy in (
    "random",
    "uniform",
    "gauss",
    "normalvariate",
    "randint",
    "choice",
    "shuffle",
    "randrange",
):

    def _refuse_random(*_: Any, _name: str = _legacy, **__: Any) -> Any:
        refuse(
            f"random.{_name} draws from a global generator; use rng = np.random.default_rng(seed)"
        )

    own(getattr(random, _legacy))(_refuse_random)


def clock_call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """``time.time()`` and its kin."""
    context = active()
    if function.__name__ == "sleep":
        return waited(*args, **kwargs)
    if context.eager or function.__name__ not in effects.CLOCKS:
        return function(*args, **kwargs)
    context.touch(TokenSlot(context))
    token, now = effects.clock(context.token, function.__name__)
    context.token = context.record(token)
    return scalar_of(now)


@own(contextlib._GeneratorContextManager)
def generator_manager(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``contextlib.contextmanager`` makes of a generator."""
    made: Any = object.__new__(contextlib._GeneratorContextManager)
    made.gen = call(function, *args, **kwargs)
    made.func, made.args, made.kwds = function, args, kwargs
    return made


# --- logging ----------------------------------------------------------------------------------------
def _logging(level: int, logger: Any, text: Any, *args: Any, **options: Any) -> None:
    """``logger.log(level, text, *args)``."""
    from wengert.frontend.staging.stage import binary

    unsupported = [name for name, value in options.items() if value and name != "stacklevel"]
    if unsupported or logging.getLogger(logger.name) is not logger:
        what = (
            f"argument `{unsupported[0]}`"
            if unsupported
            else "a logger that getLogger does not know"
        )
        refuse(f"logging with {what} in a captured program; leave it out, or use mode='tape'")
    shown = text if isinstance(text, str) else _shown(text)
    if args:
        one = isinstance(args[0], dict) and len(args) == 1
        shown = binary("%", shown, args[0] if one else args)
    if active().eager:
        logger.log(level, "%s", _said(shown))
    else:
        logged(*template_of(shown), logger.name, level)


def _of_logger(level: int) -> Callable[..., None]:
    return lambda logger, text, *args, **options: _logging(level, logger, text, *args, **options)


def _of_root(level: int) -> Callable[..., None]:
    return lambda text, *args, **options: _logging(level, logging.root, text, *args, **options)


for _level in ("debug", "info", "warning", "error", "critical"):
    own(getattr(logging.Logger, _level))(_of_logger(getattr(logging, _level.upper())))
    own(getattr(logging, _level))(_of_root(getattr(logging, _level.upper())))
own(logging.Logger.log)(
    lambda logger, level, *args, **options: _logging(level, logger, *args, **options)
)
own(logging.log)(lambda level, *args, **options: _logging(level, logging.root, *args, **options))


@own(np.apply_along_axis)
def apply_along_axis_(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    from wengert.frontend.staging import helpers

    array = _as_array(arr, None)
    moved = call(np.moveaxis, array, axis, -1)
    shape = moved.shape
    rows = call(np.reshape, moved, (-1, shape[-1]))
    found = call(helpers.mapped, lambda row: call(func1d, row, *args, **kwargs), rows)
    inner = found.shape[1:]
    result = call(np.reshape, found, (*shape[:-1], *inner))
    if not inner:
        return result if len(shape) > 1 else getitem(result, ())
    rank = len(shape)
    axes = list(range(rank - 1))
    place = axis % rank
    for i in range(len(inner)):
        axes.insert(place + i, rank - 1 + i)
    return call(np.transpose, result, tuple(axes))


def _at_one_place(original: Any, program: str) -> None:
    """``np.delete`` and ``np.insert`` at one place that only running the program tells."""

    def changed(arr: Any, obj: Any, *args: Any, axis: Any = None) -> Any:
        from wengert.frontend.staging import helpers

        obj = _certain(obj)
        array = _as_array(arr, None)
        one = isinstance(obj, Scalar) and known(obj) is UNKNOWN
        if one and len(array.shape) == 1 and axis in (None, 0, -1):
            return call(getattr(helpers, program), array, obj, *args)
        entry = entry_of(original)
        assert entry is not None
        return call_entry(entry, (arr, obj, *args), {} if axis is None else {"axis": axis})

    own(original)(changed)


_at_one_place(np.delete, "without_place")
_at_one_place(np.insert, "with_place")


@own(np.piecewise)
def piecewise_(x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    array = _as_array(x, None)
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) else [condlist]
    functions = list(funclist)
    values = [
        call(np.multiply, call(f, array, *args, **kwargs), 1) if callable(f) else f
        for f in functions
    ]
    found: Any = values.pop() if len(values) > len(conditions) else 0.0
    found = call(np.zeros_like, array) if found == 0.0 and not isinstance(found, Handle) else found
    for condition, value in zip(conditions, values, strict=True):
        found = call(np.where, condition, value, found)
    return as_type(found, array.dtype)


@own(input)
def input_(*_: Any) -> Any:
    refuse("input() asks at run time, which cannot be captured; pass the answer as an argument")


@own(open)
def open_(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    if any(c in mode for c in "wax+"):
        refuse(
            "open() for writing changes a file, which cannot be captured; write it outside the function"
        )
    return open(file, mode, *args, **kwargs)


@own(math.fsum)
def fsum_(iterable: Any) -> Any:
    return call(float, sum_(iterable))


@own(math.prod)
def prod_(iterable: Any, *, start: Any = 1) -> Any:
    total = start
    for value in python_elements(iterable):
        total = binary_any("*", total, value)
    return total
