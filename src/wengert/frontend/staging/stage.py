"""The runtime of staged code: what the rewritten source calls (see ``rewriting``)."""

from __future__ import annotations

import contextlib
import operator
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wengert.errors import WengertError
from wengert.frontend.staging import helpers, indexing
from wengert.frontend.staging.adopting import Content, Item, opaque_module, user_method
from wengert.frontend.staging.branches import (
    StagedRaise,
    acts,
    branches,
    cells_of,
    choose,
    decided,
    if_,
    nothing,
    try_,
)
from wengert.frontend.staging.calls import adopted_result, call, own_method
from wengert.frontend.staging.containers import hashed, is_certain, materialized, settled
from wengert.frontend.staging.context import (
    AttrSlot,
    DequeSlot,
    DictSlot,
    ListSlot,
    NeedConcrete,
    Slot,
    active,
    current,
    place,
    refuse,
)
from wengert.frontend.staging.deques import deque_of, method_of
from wengert.frontend.staging.effects import require
from wengert.frontend.staging.growing import (
    Growing,
    Maybe,
    growing_of,
    is_growing,
    length_of,
)
from wengert.frontend.staging.handles import (
    PYTHON_NUMBERS,
    UNKNOWN,
    Array,
    Choice,
    Handle,
    Partial,
    Poison,
    Scalar,
    concrete,
    is_number,
    known,
    may_miss,
    to_expr,
    type_of,
    wrap,
)
from wengert.frontend.staging.identity import by_identity, by_options, has_choice, identical
from wengert.frontend.staging.iteration import is_long, python_elements
from wengert.frontend.staging.library import as_python
from wengert.frontend.staging.loops import for_, while_
from wengert.frontend.staging.narrow import is_narrow
from wengert.frontend.staging.operators import BINARY, COMPARISONS, compared
from wengert.frontend.staging.operators import augmented as augmented_value
from wengert.frontend.staging.operators import binary as binary_value
from wengert.frontend.staging.operators import unary as unary_value
from wengert.frontend.staging.plain import born, is_plain
from wengert.frontend.staging.records import compared_fields, is_generated
from wengert.frontend.staging.source import mark_rebound
from wengert.frontend.staging.stacks import deleted, inside, part, read, repeated, stored
from wengert.frontend.staging.texts import as_text, has_marks, percent
from wengert.frontend.staging.truth import tested, truth
from wengert.ir.types import DTYPES
from wengert.ops.algebra import lift
from wengert.ops.choice import where

__all__ = [
    "and_", "appended", "as_text", "assert_", "attr", "augment", "augment_attr", "augment_item", "binary",
    "born", "call", "chain", "choose", "compare", "comprehended", "decided", "delattr_", "delitem",
    "element", "elements", "for_", "getitem", "if_", "is_mapping", "is_plain", "is_sequence", "joined",
    "kept", "managed", "member", "new", "not_", "nothing", "or_", "other_keys", "outer", "plain_elements",
    "positional", "raise_", "rebinds", "returned", "set_of", "setattr_", "setitem", "several", "shown",
    "store_attr", "store_item", "tested", "truth", "try_", "unary", "unpacked", "while_",
]  # fmt: skip

# Any: the values of the program.
# A lambda with a default keeps the value of this turn of the loop; mypy does not infer such a lambda.
_PLAIN = frozenset((int, float, complex, bool, str, Scalar, Array, list, tuple))
_BUILTINS = frozenset(
    (int, float, complex, bool, str, bytes, list, tuple, dict, set, Scalar, Array)
)
_KNOWN = frozenset((int, float, complex, bool, str, bytes, type(None)))


# --- operators -------------------------------------------------------------------------------------------
def binary(op: str, a: Any, b: Any) -> Any:
    """``a op b``."""
    kind_a, kind_b = type(a), type(b)
    if kind_a in PYTHON_NUMBERS and kind_b in PYTHON_NUMBERS:
        return BINARY[op](a, b)
    if kind_a in _PLAIN and kind_b in _PLAIN:
        if kind_a is list or kind_b is list:
            return _list_operator(op, a, b)
        if kind_a is str and op == "%":
            return _percent(a, b)
        if (kind_a is str and kind_b is Scalar) or (kind_a is tuple and kind_b is Scalar):
            b = concrete(b, "how often a text or a tuple is repeated")
        return BINARY[op](a, b)
    if op == "%" and isinstance(a, str):
        return _percent(a, b)
    if kind_a is np.ndarray and a.dtype.kind in "biufc" and isinstance(b, Handle | np.ndarray):
        return binary_value(op, a if is_narrow(a) or is_narrow(b) else wrap(lift(a)), b)
    if kind_a is Choice:
        return a.chosen(lambda option: binary(op, option, b))
    if kind_b is Choice:
        return b.chosen(lambda option: binary(op, a, option))
    method = user_method(kind_a, f"__{_NAMES[op]}__")
    if method is not None:
        result = call(method, a, b)
        if result is not NotImplemented:
            return result
    method = user_method(kind_b, f"__r{_NAMES[op]}__")
    if method is not None:
        result = call(method, b, a)
        if result is not NotImplemented:
            return result
    return BINARY[op](a, b)


_NAMES = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow",
    "@": "matmul", "&": "and", "|": "or", "^": "xor", "<<": "lshift", ">>": "rshift", "<": "lt",
    "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne",
}  # fmt: skip
_UNARY_NAMES = {"-": "neg", "+": "pos", "~": "invert"}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _list_operator(op: str, a: Any, b: Any) -> Any:
    if isinstance(a, Handle) or isinstance(b, Handle):
        number = a if isinstance(a, Handle) else b
        if op == "*" and isinstance(number, Scalar):
            found = known(number)
            if found is UNKNOWN:
                return repeated(b if a is number else a, number)
            return new(
                BINARY[op](
                    a if a is not number else int(found), b if b is not number else int(found)
                )
            )
        return BINARY[op](a, b)
    if op == "+" and type(a) is list and (growing_of(a) is not None or growing_of(b) is not None):
        longer = call(a.copy)
        call(longer.extend, b)
        return longer
    if growing_of(a) is not None:
        materialized(a)
    return new(BINARY[op](a, b))


def _percent(text: str, values: Any) -> str:
    """``text % values``; run-time values become marks."""
    if current() is None or not _any_shown(values):
        plain: str = text % values
        return plain
    return percent(text, values)


def _any_shown(value: Any) -> bool:
    """Whether a value would be shown with run-time values in it."""
    if isinstance(value, str):
        return has_marks(value)
    parts = value.values() if isinstance(value, dict) else value
    return isinstance(value, Handle) or (
        isinstance(value, (tuple, list, dict)) and any(map(_any_shown, parts))
    )


def shown(value: Any) -> Any:
    """What stands between the braces of an f-string."""
    if type(value) in _KNOWN or current() is None:
        return value
    if any(own_method(f, value) is not None for f in (str, format)):
        return _Shown(value)
    return settled(value)


class _Shown:
    """An object of the program between the braces of an f-string, whose methods are captured."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        if own_method(format, self.value) is not None:
            return format(call(format, self.value, spec))
        return format(call(str, self.value), spec)

    def __str__(self) -> str:
        return call(str, self.value)  # type: ignore[no-any-return]  # a text

    def __repr__(self) -> str:
        return call(repr, self.value)  # type: ignore[no-any-return]  # a text


def unary(op: str, a: Any) -> Any:
    """``op a``."""
    if isinstance(a, Handle):
        return unary_value(op, a)
    if type(a) is Choice:
        return a.chosen(lambda option: unary(op, option))
    method = user_method(type(a), f"__{_UNARY_NAMES[op]}__")
    return call(method, a) if method is not None else _UNARY[op](a)


def compare(op: str, a: Any, b: Any) -> Any:
    """``a op b`` for comparisons, ``is`` and ``in``."""
    if type(a) in PYTHON_NUMBERS and type(b) in PYTHON_NUMBERS and op in COMPARISONS:
        return COMPARISONS[op](a, b)
    if op == "is" or op == "is not":
        return _is(a, b, op == "is")
    if op == "in" or op == "not in":
        if has_choice(a):
            return by_options(a, lambda option: compare(op, option, b))
        if isinstance(b, Choice):
            return b.chosen(lambda option: compare(op, a, option))
        return _in(a, b, op == "in")
    if (isinstance(a, str) and has_marks(a)) or (isinstance(b, str) and has_marks(b)):
        refuse("a text with run-time values in it is compared; compare the numbers", NeedConcrete)
    if isinstance(a, Choice):
        return a.chosen(lambda option: compare(op, option, b))
    if isinstance(b, Choice):
        return b.chosen(lambda option: compare(op, a, option))
    if isinstance(a, Handle) or isinstance(b, Handle):
        result = compared(op, a, b)
        if result is not NotImplemented:
            return result
    else:
        method = user_method(type(a), f"__{_NAMES[op]}__")
        if is_generated(method) or (op == "!=" and is_generated(user_method(type(a), "__eq__"))):
            if type(a) is type(b):
                return _compare_sequences(op, compared_fields(a), compared_fields(b))
            method = None
        if method is not None:
            return call(method, a, b)
        method = user_method(type(b), f"__{_NAMES[_SWAPPED[op]]}__")
        if method is not None:
            return call(method, b, a)
        if type(a) is list and type(b) is list and (is_growing(a) or is_growing(b)):
            return _compare_lists(op, a, b)
        if (
            isinstance(a, (list, tuple))
            and type(a) is type(b)
            and (_any_handle(a) or _any_handle(b))
        ):
            return _compare_sequences(op, a, b)
    if op in ("==", "!=") and (isinstance(a, Handle) or isinstance(b, Handle)):
        if (isinstance(a, Partial) and b is None) or (isinstance(b, Partial) and a is None):
            return _is(a, b, op == "==")
        return op == "!="
    if op in ("==", "!=") and by_identity(a) and by_identity(b):
        return _is(a, b, op == "==")
    return COMPARISONS[op](a, b)


def _any_handle(values: Any) -> bool:
    return any(
        isinstance(v, (Handle, Poison)) or (isinstance(v, (list, tuple)) and _any_handle(v))
        for v in values
    )


def _is_or_equals(a: Any, b: Any) -> Any:
    return True if a is b else compare("==", a, b)


def _compare_sequences(op: str, a: Any, b: Any) -> Any:
    """Sequences in the order of their first elements that differ."""
    if op in ("==", "!="):
        if len(a) != len(b):
            return op == "!="
        found: Any = True
        for x, y in zip(a, b, strict=True):
            found = and_(found, lambda x=x, y=y: compare("==", x, y))  # type: ignore[misc]
        return found if op == "==" else not_(found)
    if not a or not b:
        return COMPARISONS[op](len(a), len(b))
    strict = op[0]
    return or_(
        compare(strict, a[0], b[0]),
        lambda: and_(compare("==", a[0], b[0]), lambda: _compare_sequences(op, a[1:], b[1:])),
    )


def _is(a: Any, b: Any, wanted: bool) -> Any:
    if a is None or b is None:
        other = b if a is None else a
        if isinstance(other, Partial):
            if not other.none:
                other = other.certain()
                return (other is None) is wanted
            flag = other.missing if wanted else not_(Scalar(other.missing, python=True)).expr
            return tested(Scalar(flag, python=True))
        if isinstance(other, Poison) and not isinstance(other, Choice):
            other._fail()
        return (a is b) is wanted
    found = identical(a, b)
    return tested(found if wanted else not_(found))


def _compare_lists(op: str, a: list[Any], b: list[Any]) -> Any:
    """Lists whose length depends on run-time values, element by element."""
    if op in ("==", "!="):
        found = call(helpers.equal_lists, a, b)
        return found if op == "==" else not_(found)
    first, second = (a, b) if op in ("<", ">=") else (b, a)
    found = call(helpers.is_before, first, second)
    return found if op in ("<", ">") else not_(found)


def _in(a: Any, b: Any, wanted: bool) -> Any:
    if isinstance(b, Partial):
        b = b.certain()
    if isinstance(b, Array):
        found = tested(call(np.any, compared("==", b, a)))
    elif type(b) is list and growing_of(b) is not None:
        found = tested(call(helpers.contained, a, b))
    elif isinstance(b, (list, tuple)) and (
        type(a) not in _KNOWN or not all(type(v) in _KNOWN for v in b)
    ):
        found = False
        for item in python_elements(b):
            found = or_(found, lambda i=item: _is_or_equals(a, i))  # type: ignore[misc]
    elif isinstance(b, (dict, set, frozenset)):
        key = hashed(a)
        if isinstance(b, dict) and may_miss(b.get(key)):
            found = not_(Scalar(b[key].missing, python=True))
        else:
            found = key in b
    else:
        if isinstance(a, str) and has_marks(a):
            refuse("looks for a text with run-time values in it; compare the numbers", NeedConcrete)
        method = user_method(type(b), "__contains__")
        found = tested(call(method, b, a)) if method is not None else a in b
    return found if wanted else not_(found)


def chain(operators: tuple[str, ...], left: Any, *rights: Callable[[], Any]) -> Any:
    """``a < b < c``."""
    right = rights[0]()
    found = compare(operators[0], left, right)
    if len(rights) == 1:
        return found
    return and_(found, lambda: chain(operators[1:], right, *rights[1:]))


def not_(value: Any) -> Any:
    """``not value``."""
    if type(value) in PYTHON_NUMBERS:
        return not value
    flag = tested(value)
    if isinstance(flag, Scalar):
        from wengert.frontend.staging.branches import negated

        return Scalar(negated(flag.expr), python=True)
    return not flag


def and_(a: Any, b: Callable[[], Any]) -> Any:
    """``a and b``."""
    if type(a) in PYTHON_NUMBERS:
        return b() if a else a
    flag = tested(a)
    if not isinstance(flag, Scalar):
        return b() if flag else a
    return branches(flag.expr, b, lambda: a, cells_of(b))


def or_(a: Any, b: Callable[[], Any]) -> Any:
    """``a or b``."""
    if type(a) in PYTHON_NUMBERS:
        return a if a else b()
    flag = tested(a)
    if not isinstance(flag, Scalar):
        return a if flag else b()
    kept_value = a.value if isinstance(a, Partial) else a
    return branches(flag.expr, lambda: kept_value, b, cells_of(b))


def augment(op: str, a: Any, b: Any) -> Any:
    """The value of ``a`` after ``a op= b``."""
    if type(a) in PYTHON_NUMBERS and type(b) in PYTHON_NUMBERS:
        return BINARY[op](a, b)
    if type(a) is Choice:
        return binary(op, a, b)
    if type(b) is Choice:
        return b.chosen(lambda option: augment(op, a, option))
    own_method = None if isinstance(a, Handle) else user_method(type(a), f"__i{_NAMES[op]}__")
    if own_method is not None:
        return call(own_method, a, b)
    if isinstance(a, np.ndarray) and is_narrow(a):
        refuse(f"changes an array of dtype {a.dtype}; make it one of int64 or float")
    if isinstance(a, Handle) or (isinstance(b, Handle) and not isinstance(a, list)):
        if isinstance(a, str):
            return binary(op, a, b)
        if not isinstance(a, Handle) and user_method(type(a), f"__{_NAMES[op]}__") is not None:
            return binary(op, a, b)
        return augmented_value(op, a, b)
    if isinstance(a, list):
        active().touch(ListSlot(a))
        if op == "+":
            call(a.extend, b)
            return a
        if op == "*":
            a *= int(concrete(b, "how often a list is repeated"))
            return a
    if isinstance(a, np.ndarray):
        refuse("changes an array in place that is not part of the captured function")
    if isinstance(a, (set, dict)):
        return getattr(operator, f"i{_NAMES[op]}_", None) or _in_place(op, a, b)
    return binary(op, a, b)


def _in_place(op: str, a: Any, b: Any) -> Any:
    from wengert.frontend.staging.context import SetSlot

    active().touch(SetSlot(a) if isinstance(a, set) else DictSlot(a))
    change: dict[str, Callable[[Any, Any], Any]] = {
        "|": operator.ior, "&": operator.iand, "-": operator.isub, "^": operator.ixor,
    }  # fmt: skip
    return change[op](a, b)


# --- items and attributes -------------------------------------------------------------------------
def getitem(owner: Any, index: Any) -> Any:
    """``owner[index]``."""
    kind = type(owner)
    if type(index) is int and (kind is tuple or _is_certain(owner)):
        return owner[index]
    while isinstance(owner, Partial):
        owner = owner.certain()
    if type(owner) is Choice or type(index) is Choice:
        return by_options((owner, index), lambda both: getitem(*both))
    kind = type(owner)
    if kind is Array or kind is Scalar:
        return indexing.getitem(owner, index)
    if kind is np.ndarray:
        if owner.dtype.name in DTYPES:
            return indexing.getitem(owner, index)
        return owner[_plain_index(index)]
    if isinstance(owner, (list, tuple)):
        return _from_sequence(owner, index)
    if kind is dict or (isinstance(owner, dict) and not user_method(kind, "__getitem__")):
        if has_choice(index):
            return by_options(index, lambda option: getitem(owner, option))
        value = owner[_key(index)]
        if may_miss(value):
            require(value.missing, "KeyError", repr(index), wanted=False)
            return value.value
        return value
    method = user_method(kind, "__getitem__")
    if method is not None:
        return call(method, owner, index)
    from wengert.frontend.staging.library import index_object

    found = index_object(owner, index)
    if found is not None:
        return found
    item = owner[_plain_index(index)]
    return item if isinstance(owner, (str, type, deque)) else adopted_result(item)


def _is_certain(owner: Any) -> bool:
    """Whether something is a list whose elements are there whatever the inputs are."""
    if type(owner) is not list:
        return False
    context = current()
    return context is not None and not context.maybes and not context.growing


def _key(index: Any) -> Any:
    """A key of a dict."""
    kind = type(index)
    if kind in PYTHON_NUMBERS or (kind is str and not has_marks(index)):
        return index
    return hashed(index)


def _plain_index(index: Any) -> Any:
    if isinstance(index, Handle):
        return concrete(index, "an index of a Python object")
    if isinstance(index, slice):
        return slice(*(_plain_index(b) for b in (index.start, index.stop, index.step)))
    if isinstance(index, tuple):
        return tuple(_plain_index(i) for i in index)
    return index


def _from_sequence(owner: Any, index: Any) -> Any:
    growing = growing_of(owner) if type(owner) is list else None
    place = known(index) if isinstance(index, Handle) else index
    if growing is None and not (type(owner) is list and any(type(v) is Maybe for v in owner)):
        if place is UNKNOWN:
            return _picked(owner, index)
        value = owner[_plain_index(place)]
        return new(value) if isinstance(place, slice) and isinstance(owner, list) else value
    if growing is not None:
        return _from_growing(owner, growing, place, index)
    if isinstance(place, int) and place >= 0:
        prefix = owner[: place + 1]
        if len(prefix) == place + 1 and not any(type(v) is Maybe for v in prefix):
            return prefix[-1]
    if place == -1:
        if type(owner[-1]) is not Maybe:
            return owner[-1]
        *rest, last = owner
        return choose(last.present, lambda: last.value, lambda: _from_sequence(new(rest), -1))
    return _from_growing(owner, None, place, index)


def _from_growing(owner: list[Any], growing: Growing | None, place: Any, index: Any) -> Any:
    if type(place) is int and place < 0:
        if -place <= len(owner) and not any(type(v) is Maybe for v in owner[place:]):
            return owner[place]
        if place == -1 and not owner and growing is not None and growing.last is not None:
            require(compare(">", growing.length, 0), "IndexError", "list index out of range")
            return growing.last
    if not isinstance(place, slice):
        return read(owner, index)
    return part(owner, place)


def _picked(owner: Any, index: Any) -> Any:
    """An element of a sequence at a run-time place."""
    if owner and all(is_number(v) and not isinstance(v, Array) for v in owner):
        found = indexing.getitem(call(np.array, list(owner)), index)
        return as_python(found) if all(type_of(v).weak for v in owner) else found
    if owner and all(isinstance(v, Array) for v in owner):
        shapes = {v.type for v in owner}
        if len(shapes) == 1:
            result = indexing.getitem(call(np.stack, list(owner)), index)
            result.buffer.writable = (
                "writes into an element of a list that is picked by a run-time index; keep the arrays "
                "in one array"
            )
            return result
    if not owner or len(owner) > _MOST_PICKED:
        refuse(
            "an element of a list is picked by a run-time value; keep the elements in an array",
            NeedConcrete,
        )
    count = len(owner)
    at = inside(index, count, f"{type(owner).__name__} index out of range")

    def one(number: int) -> Any:
        if number == count - 1:
            return owner[number]
        return choose(compare("==", at, number), lambda: owner[number], lambda: one(number + 1))

    return one(0)


_MOST_PICKED = 16


def setitem(owner: Any, index: Any, value: Any) -> None:
    """``owner[index] = value``."""
    if type(index) is int and _is_certain(owner):
        _touch_container(owner, ListSlot)
        owner[index] = value
        return
    while isinstance(owner, Partial):
        owner = owner.certain()
    if has_choice(index):
        by_options(index, lambda option: setitem(owner, option, value))
        return
    if type(owner) is Array:
        indexing.setitem(owner, index, value)
    elif isinstance(owner, np.ndarray) and is_narrow(owner):
        refuse(f"writes into an array of dtype {owner.dtype}; make it one of int64 or float")
    elif isinstance(owner, np.ndarray):
        refuse(
            "writes a traced value into an array that is not part of the captured function; "
            "pass it as an argument, or copy it"
        )
    elif isinstance(owner, list):
        _store_in_list(owner, index, value)
    elif isinstance(owner, dict) and not user_method(type(owner), "__setitem__"):
        _touch_container(owner, DictSlot)
        dict.__setitem__(owner, _key(index), value)
    elif (method := user_method(type(owner), "__setitem__")) is not None:
        call(method, owner, index, value)
    else:
        _touch_other(owner)
        owner[_plain_index(index)] = value


def _touch_container(owner: Any, slot: Callable[[Any], Slot]) -> None:
    """To be called before a container changes."""
    context = active()
    if not context.owns(owner):
        context.touch(slot(owner))


def _touch_other(owner: Any) -> None:
    """To be called before an object of a library changes its items."""
    context = active()
    if isinstance(owner, deque):
        context.touch(DequeSlot(owner))
    elif len(context.layers) > 1 and not context.owns(owner):
        refuse(
            f"changes an item of a {type(owner).__name__} in a branch or a loop that depends on run-time "
            "values; use a list or an array",
            NeedConcrete,
        )


def _store_in_list(owner: list[Any], index: Any, value: Any) -> None:
    place = known(index) if isinstance(index, Handle) else index
    if is_growing(owner) and not isinstance(place, slice) and not _is_plain_place(owner, place):
        stored(owner, index, value)
        return
    if is_growing(owner) and isinstance(place, slice):
        spliced(owner, place, value)
        return
    active().touch(ListSlot(owner))
    if place is not UNKNOWN:
        if isinstance(place, slice):
            owner[_plain_index(place)] = list(python_elements(value))
        else:
            owner[place] = value
        return
    if not (is_number(value) and all(is_number(v) for v in owner)):
        refuse(
            "stores into an element of a list that is picked by a run-time value; use an array",
            NeedConcrete,
        )
    at = inside(index, len(owner), "list assignment index out of range")
    for position, old in enumerate(list(owner)):
        owner[position] = choose(compare("==", at, position), lambda: value, lambda old=old: old)  # type: ignore[misc]


def spliced(owner: list[Any], index: slice, values: Any) -> None:
    """``owner[start:stop] = values`` for a list whose length only running tells."""
    start = 0 if index.start is None else known(index.start)
    stop = UNKNOWN if index.stop is None else known(index.stop)
    to_end = index.stop is None
    plain = type(start) is int and (to_end or (type(stop) is int and 0 <= start <= stop))
    if not plain or index.step is not None:
        refuse(
            "stores into a part of a list whose length depends on run-time values; use slices without "
            "steps, or arrays",
            NeedConcrete,
        )
    rest = new([]) if to_end else getitem(owner, slice(stop, None))
    front = getitem(owner, slice(None, start))
    call(front.extend, values)
    call(front.extend, rest)
    active().touch(ListSlot(owner))
    ListSlot(owner).set(ListSlot(front).get())


def _is_plain_place(owner: list[Any], place: Any) -> bool:
    """Whether a place is that of an ordinary element that is there, counted from the front or the end."""
    if type(place) is not int:
        return False
    if place >= 0:
        return growing_of(owner) is None and is_certain(owner, place + 1)
    return -place <= len(owner) and not any(type(v) is Maybe for v in owner[place:])


def delitem(owner: Any, index: Any) -> None:
    """``del owner[index]``."""
    if isinstance(owner, list):
        if is_growing(owner) and not isinstance(index, slice):
            if not _is_plain_place(owner, index):
                deleted(owner, index)
                return
        elif is_growing(owner):
            spliced(owner, index, ())
            return
        active().touch(ListSlot(owner))
        del owner[_plain_index(index)]
    elif isinstance(owner, dict):
        active().touch(DictSlot(owner))
        del owner[hashed(index)]
    elif (method := user_method(type(owner), "__delitem__")) is not None:
        call(method, owner, index)
    else:
        _touch_other(owner)
        del owner[_plain_index(index)]


def store_item(value: Any, owner: Any, index: Any) -> None:
    """``owner[index] = value``, which Python evaluates from the right."""
    setitem(owner, index, value)


def store_attr(value: Any, owner: Any, name: str) -> None:
    """``owner.name = value``, which Python evaluates from the right."""
    setattr_(owner, name, value)


def augment_item(op: str, owner: Any, index: Any, later: Callable[[], Any]) -> None:
    """``owner[index] op= value``: the old element is read before the value is computed."""
    while isinstance(owner, Partial):
        owner = owner.certain()
    old = getitem(owner, index)
    if isinstance(old, Array):
        old = Array(old.buffer, old.views)
        before = old.expr
        value = later()
        if isinstance(owner, Array) and old.expr is before:
            indexing.setitem(owner, index, binary(op, old, value))
            return
        setitem(owner, index, augment(op, old, value))
        return
    value = later()
    if isinstance(owner, Array):
        indexing.setitem(owner, index, binary(op, old, value))
    else:
        setitem(owner, index, augment(op, old, value))


_OF_A_CLASS = (bool, int, float, str, tuple, np.ndarray, list, dict, set)  # read anew


def attr(owner: Any, name: str) -> Any:
    """``owner.name``."""
    kind = type(owner)
    if kind in _BUILTINS:
        if name == "__class__":
            return call(type, owner)
        stands_for = deque_of(owner) if kind is list else None
        return getattr(owner, name) if stands_for is None else method_of(owner, stands_for[1], name)
    if kind is Choice:
        return owner.chosen(lambda option: attr(option, name))
    if kind is Poison:
        owner._fail()
    if isinstance(owner, Partial):
        return attr(owner.certain(), name)
    if kind is np.ndarray:
        return (
            getattr(wrap(lift(owner)), name) if owner.dtype.name in DTYPES else getattr(owner, name)
        )
    if kind is types.ModuleType or kind is types.FunctionType or kind is type:
        return member(owner, name)
    if opaque_module(kind.__module__):
        return getattr(owner, name)
    found = getattr(kind, name, None)
    if isinstance(found, property) and isinstance(found.fget, types.FunctionType):
        return call(found.fget, owner)
    own_name = name in getattr(owner, "__dict__", ())
    finder = user_method(kind, "__getattr__") if found is None and not own_name else None
    value = getattr(owner, name) if finder is None else call(finder, owner, name)
    if may_miss(value):
        require(
            value.missing,
            "AttributeError",
            f"'{kind.__name__}' object has no attribute '{name}'",
            wanted=False,
        )
        return value.value
    if found is value and not own_name and isinstance(value, _OF_A_CLASS):
        shown, place_ = f"{kind.__name__}.{name}", ("attr", id(kind), name)
        return active().adopted.at(place_, value, shown, lambda: getattr(kind, name))
    return value


def member(owner: Any, name: str) -> Any:
    """An attribute of a module or a class."""
    value = getattr(owner, name)
    context = active()
    place_ = ("attr", id(owner), name)
    if context.rebinds(place_, value) or isinstance(value, Handle):
        return value
    if isinstance(owner, types.ModuleType):
        if opaque_module(owner.__name__):
            return value
    elif opaque_module(owner.__module__) or (name.startswith("__") and name.endswith("__")):
        return value
    if isinstance(
        value,
        (
            types.FunctionType,
            type,
            types.ModuleType,
            types.BuiltinFunctionType,
            types.MethodType,
        ),
    ) or (callable(value) and opaque_module(type(value).__module__)):
        return value
    shown = f"{owner.__name__}.{name}"
    return context.adopted.at(place_, value, shown, lambda: getattr(owner, name))


def setattr_(owner: Any, name: str, value: Any) -> None:
    """``owner.name = value``."""
    while isinstance(owner, Partial):
        owner = owner.certain()
    if isinstance(owner, Poison):
        owner._fail()
    if isinstance(owner, Array) and name == "shape":
        refuse("assigns to the shape of an array; use a.reshape(...)")
    found = getattr(type(owner), name, None)
    if isinstance(found, property) and isinstance(found.fset, types.FunctionType):
        call(found.fset, owner, value)
        return
    method = user_method(type(owner), "__setattr__")
    if method is not None:
        call(method, owner, name, value)
        return
    if isinstance(owner, Array) and name in ("real", "imag", "flat"):
        indexing.setitem(getattr(owner, name), slice(None) if owner.type.shape else (), value)
        return
    context = active()
    if not context.owns(owner):
        context.touch(AttrSlot(owner, name))
    setattr(owner, name, value)


def delattr_(owner: Any, name: str) -> None:
    """``del owner.name``."""
    while isinstance(owner, Partial):
        owner = owner.certain()
    active().touch(AttrSlot(owner, name))
    delattr(owner, name)


def augment_attr(op: str, owner: Any, name: str, later: Callable[[], Any]) -> None:
    """``owner.name op= value``."""
    old = attr(owner, name)
    setattr_(owner, name, augment(op, old, later()))


# --- names, functions, containers -----------------------------------------------------------------
def outer(name: str, read: Callable[[], Any]) -> Any:
    """A variable from outside the captured function."""
    value = read()
    if isinstance(value, (Handle, Poison)):
        return value
    context = active()
    frame = sys._getframe(1)
    space = frame.f_globals
    if space.get(name, _NOTHING) is value:
        place_: tuple[Any, ...] = ("global", id(space), name)
        if context.rebinds(place_, value):
            return value
        return context.adopted.at(place_, value, name, Item(space, name))
    for function in reversed(context.activations):
        free = function.__code__.co_freevars
        if name in free and function.__closure__ is not None:
            cell = function.__closure__[free.index(name)]
            try:
                if cell.cell_contents is value:
                    place_ = ("cell", id(cell))
                    if context.rebinds(place_, value):
                        return value
                    return context.adopted.at(place_, value, name, Content(cell))
            except ValueError:
                continue
    return value


_NOTHING = object()


def returned(value: Any) -> Any:
    """The value of a ``return``, whose place is remembered for messages."""
    active().home = place()
    return _assigned(value)


def _assigned(value: Any) -> Any:
    """A value whose variables have all been assigned, which is checked where they are read."""
    if may_miss(value):
        return value.certain()
    if type(value) is tuple and any(isinstance(v, (Partial, tuple)) for v in value):
        return tuple(_assigned(v) for v in value)
    return value


def rebinds(names: str) -> Callable[[types.FunctionType], types.FunctionType]:
    """Note which outer variables an inner function binds."""

    def mark(function: types.FunctionType) -> types.FunctionType:
        mark_rebound(function, tuple(names.split()))
        return function

    return mark


def new(container: Any) -> Any:
    """A list, dict or set that is made here."""
    context = current()
    if context is None:
        return container
    if type(container) is dict and any(isinstance(k, (Handle, str, tuple)) for k in container):
        container = {hashed(k): v for k, v in container.items()}
    return context.birth(container)


def joined(*parts: Any) -> list[Any]:
    """A display of a list with stars in it: a part for each, and one for each other element."""
    found: list[Any] = new([])
    for each in parts:
        call(found.extend, each)
    return found


def set_of(items: Any) -> set[Any]:
    """A set with known elements."""
    return new({hashed(item) for item in python_elements(items)})  # type: ignore[no-any-return]


def elements(
    level: int, iterable: Callable[[], Any], flags: dict[int, list[Any]] | None
) -> Iterator[Any]:
    """What a comprehension runs over; ``level`` counts its ``for`` clauses.

    ``flags`` are the run-time conditions of the element that is being made, by level; None where
    elements must not be missing.
    """
    if flags is None:
        yield from python_elements(iterable())
        return
    for later in [n for n in flags if n >= level]:  # of the element before
        del flags[later]
    if _present(flags) is not None and acts(iterable):
        refuse(
            "a comprehension runs over something that is made, with effects, only where a run-time "
            "condition holds; use a for statement",
            NeedConcrete,
        )
    for value in python_elements(iterable(), flagged=True):
        for later in [n for n in flags if n > level]:
            del flags[later]
        flags[level] = [value.present] if type(value) is Maybe else []
        yield value.value if type(value) is Maybe else value


def plain_elements(iterable: Any) -> Iterator[Any]:
    """What a loop of a generator runs over."""
    return python_elements(iterable)


def unpacked(iterable: Any) -> list[Any]:
    """What ``*iterable`` means."""
    return list(python_elements(iterable))


def several(value: Any, count: int, star: bool) -> Any:
    """What is unpacked into ``count`` targets, one of which may be starred."""
    while isinstance(value, Partial):
        value = value.certain()
    if type(value) is not list or _is_certain(value) or not is_growing(value):
        return value
    if star:
        return list(python_elements(value))
    many = compare("==", length_of(value), count)
    words = f"the number of values to unpack is not {count}"
    require(many if isinstance(many, bool) else to_expr(many), "ValueError", words)
    return [getitem(value, i) for i in range(count)]


def kept(level: int, test: Callable[[], Any], flags: dict[int, list[Any]] | None) -> bool:
    """A condition of a comprehension: run-time ones keep the element under a flag."""
    before = None if flags is None else _present(flags)
    if before is None or not acts(test):
        flag = tested(test())
    else:
        flag = tested(and_(before, test))
    if not isinstance(flag, Scalar):
        return bool(flag)
    if flags is None:
        refuse("a run-time condition decides about an element of a set or a dict", NeedConcrete)
    flags[level].append(flag)
    return True


def element(make: Callable[[], Any], flags: dict[int, list[Any]]) -> Any:
    """An element of a list comprehension or of a generator.

    What has no effects is computed whether it is kept or not.
    """
    present = _present(flags)
    if present is None:
        return make()
    if not acts(make):
        return Maybe(present, make())
    cells = cells_of(make)
    # Whether the only element of a list is there is chosen like anything else.
    (found,) = branches(present.expr, lambda: new([make()]), lambda: new([]), cells)
    return Maybe(present, found.value)


def _present(flags: dict[int, list[Any]]) -> Any:
    """Whether the element that is being made is kept; None if it surely is."""
    present: Any = None
    for level in flags.values():
        for flag in level:
            present = (
                flag
                if present is None
                else Scalar(where(present.expr, flag.expr, to_expr(False)), python=True)
            )
    return present


def comprehended(
    source: Any,
    build: Callable[[Any, Any], Any],
    looped: Callable[[Any, list[Any]], None] | None,
    kind: str,
) -> Any:
    """A comprehension over ``source``.

    ``build`` is given the flags of its elements; ``looped`` appends them to a list in a loop, which is for
    sources whose length only running tells.
    """
    if looped is not None and is_long(source):
        found: list[Any] = new([])
        looped(source, found)
        return found
    if kind == "generator":
        return active().birth(build(source, {}))
    if kind == "list":
        return new(build(source, {}))
    return set_of(build(source, None)) if kind == "set" else new(build(source, None))


def appended(found: list[Any], value: Any) -> None:
    """An element of a comprehension that is captured as a loop."""
    call(found.append, value)


# --- with -----------------------------------------------------------------------------------------
class _Managed:
    """A context manager of the program, whose methods are captured."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def __enter__(self) -> Any:
        return call(type(self.manager).__enter__, self.manager)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        if kind is not None and (not issubclass(kind, Exception) or issubclass(kind, WengertError)):
            return False  # it is the capture that ends, and not the program
        context = active()
        context.leaving += 1
        try:
            return call(type(self.manager).__exit__, self.manager, kind, error, trace)
        finally:
            context.leaving -= 1


class _Suppressing:
    """``contextlib.suppress``, which takes no care of errors that only running the program raises."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def __enter__(self) -> None:
        active().suppressed.append(self.manager._exceptions)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        active().suppressed.pop()
        if kind is not None and issubclass(kind, WengertError):
            return False
        return self.manager.__exit__(kind, error, trace)


def managed(manager: Any) -> Any:
    """What ``with`` is given."""
    if isinstance(manager, Partial):
        manager = manager.certain()
    if isinstance(manager, contextlib.suppress):
        return _Suppressing(manager)
    return _Managed(manager) if user_method(type(manager), "__enter__") is not None else manager


# --- errors ---------------------------------------------------------------------------------------
def raise_(error: Any, cause: Any = None) -> None:
    """``raise error``."""
    if isinstance(error, type) and issubclass(error, BaseException):
        error = error()
    context = active()
    if any(layer.kind in ("branch", "loop", "trial", "try") for layer in context.layers):
        raise StagedRaise(error)
    raise error


def assert_(test: Any, message: Callable[[], Any] | None) -> None:
    """``assert test, message``; the message is made where the test fails."""
    flag = tested(test)
    if flag is True:
        return

    def fail() -> None:
        text = () if message is None else (message(),)
        raise_(AssertionError(*text))

    if isinstance(flag, Scalar):
        branches(flag.expr, nothing, fail, {} if message is None else cells_of(message))
    elif not flag:
        fail()


def _if_there(value: Partial, test: Callable[[Any], Any]) -> Any:
    return and_(not_(Scalar(value.missing, python=True)), lambda: test(value.value))


def is_sequence(value: Any, count: int, more: bool) -> Any:
    """Whether a value matches a sequence pattern of that length."""
    if isinstance(value, Partial):
        return _if_there(value, lambda inner: is_sequence(inner, count, more))
    if not isinstance(value, (list, tuple)):
        return False
    return len(value) >= count if more else len(value) == count


def is_mapping(value: Any, *keys: Any) -> Any:
    """Whether a value matches a mapping pattern with these keys."""
    if isinstance(value, Partial):
        return _if_there(value, lambda inner: is_mapping(inner, *keys))
    return isinstance(value, dict) and all(k in value for k in keys)


def other_keys(value: dict[Any, Any], *keys: Any) -> dict[Any, Any]:
    """What ``**rest`` of a mapping pattern binds."""
    return new({k: v for k, v in value.items() if k not in keys})  # type: ignore[no-any-return]


def positional(value: Any, cls: Any, number: int) -> Any:
    """What a positional part of a class pattern matches."""
    if cls in (bool, float, int, str, list, tuple, dict):
        return value
    return attr(value, cls.__match_args__[number])
