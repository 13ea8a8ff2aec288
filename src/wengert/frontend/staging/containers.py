"""Methods of lists, dicts and sets in captured code: what they change is journaled."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from wengert.frontend.staging.context import (
    DictSlot,
    ListSlot,
    NeedConcrete,
    SetSlot,
    active,
    place,
    refuse,
)
from wengert.frontend.staging.forms import attributes_of, has_attributes
from wengert.frontend.staging.growing import Maybe, growing_of, need_rows, set_growing
from wengert.frontend.staging.handles import UNKNOWN, Handle, Poison, Scalar, known, may_miss

__all__ = [
    "container_method",
    "has_partial",
    "hashed",
    "keys_of",
    "materialized",
    "merged_dict",
    "settled",
]

# Any: containers hold whatever the program puts there.
# A lambda with a default keeps the value of this turn of the loop; mypy does not infer such a lambda.
_CHANGES = {
    list: frozenset(["append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse"]),
    dict: frozenset(["update", "pop", "clear", "setdefault", "popitem"]),
    set: frozenset(
        [
            "add",
            "discard",
            "remove",
            "pop",
            "clear",
            "update",
            "difference_update",
            "intersection_update",
        ]
    ),
}
_SEARCHES = {"index": "placed", "count": "counted", "remove": "removed"}
_FEW = 4  # elements that may be missing are looked through one by one
_RUNTIME = "needs a list whose length depends on run-time values as a plain list; use arrays, or mode='tape'"


def hashed(key: Any) -> Any:
    """A key of a dict or a set: run-time values are none."""
    if isinstance(key, Handle):
        found = known(key)
        if found is UNKNOWN:
            refuse(
                "a run-time value is used as a key; use arrays with np.where, or if/else on the value",
                NeedConcrete,
            )
        return found
    if isinstance(key, Poison):
        key._fail()
    if isinstance(key, tuple) and not hasattr(key, "_fields"):
        return tuple(hashed(k) for k in key)
    if isinstance(key, str):
        from wengert.frontend.staging.texts import has_marks

        if has_marks(key):
            refuse("a text with run-time values in it is used as a dictionary key; use numbers")
    elif type(key) not in (int, float, bool, NoneType) and has_attributes(key):
        _check_key(key)
    return key


def _check_key(key: Any) -> None:
    """Refuse an object that is one of two, or whose hash depends on run-time values."""
    own_hash: Any = type(key).__hash__
    by_value = own_hash is not object.__hash__
    parts = attributes_of(key).values() if by_value else ()
    if id(key) in active().sources or any(isinstance(v, (Handle, Poison)) for v in parts):
        refuse(
            f"a {type(key).__name__} that depends on run-time values is used as a key; use numbers that "
            "do not",
            NeedConcrete,
        )


def materialized(object_: list[Any]) -> list[Any]:
    """The list with a growing part of known length turned into plain elements."""
    growing = growing_of(object_)
    if growing is None:
        return object_
    length = known(growing.length) if isinstance(growing.length, Handle) else growing.length
    if growing.rows is None:
        need_rows(growing)
    if length is UNKNOWN or length > 256:
        refuse(_RUNTIME, NeedConcrete)
    active().touch(ListSlot(object_))
    front = [growing.element(k) for k in range(int(length))]
    set_growing(object_, None)
    object_[:0] = front
    return object_


def settled(value: Any) -> Any:
    """A value of which Python itself may read all elements of all lists.

    Raises:
        NeedConcrete: only running the program tells how many they are.
    """
    context = active()
    if not context.growing and not context.maybes:
        return value
    todo, seen = [value], set()
    while todo:
        top = todo.pop()
        if id(top) in seen or not isinstance(top, (list, tuple, dict, deque)):
            continue
        seen.add(id(top))
        if type(top) is list and any(type(v) is Maybe for v in materialized(top)):
            refuse(_RUNTIME, NeedConcrete)
        todo += top.values() if isinstance(top, dict) else top
    return value


def container_method(
    owner: Any,
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """``owner.name(*args)`` for a list, a dict or a set."""
    kind = next(t for t in (list, dict, set) if isinstance(owner, t))
    changes = name in _CHANGES[kind]
    if isinstance(owner, OrderedDict) and (changes or name == "move_to_end"):
        _refuse_ordered(owner)
    if changes:
        slot: Any = {list: ListSlot, dict: DictSlot, set: SetSlot}[kind]
        active().touch(slot(owner))
    if kind is list:
        return _list_method(owner, name, function, args, kwargs)
    if kind is dict and args and name in ("get", "pop", "setdefault"):
        args = (hashed(args[0]), *args[1:])
    if kind is dict:
        found = _partly(owner, name, args)
        if found is not None:
            return found[0]
    if kind is set and args and name in ("add", "discard", "remove"):
        args = (hashed(args[0]),)
    result = function(*args, **kwargs)
    return active().birth(result) if name == "copy" else result


def has_partial(owner: dict[Any, Any]) -> bool:
    """Whether a dict has keys under a run-time condition only."""
    return any(may_miss(v) for v in owner.values())


def keys_of(owner: dict[Any, Any]) -> list[Any]:
    """The keys; those that are there under a condition are marked so."""
    return _entries(owner, lambda key, value: key)


def _entries(owner: dict[Any, Any], take: Callable[[Any, Any], Any]) -> list[Any]:
    found = []
    for key, value in owner.items():
        present: Any = True
        while may_miss(value):
            present, value = _both(present, value.missing), value.value
        found.append(take(key, value) if present is True else Maybe(present, take(key, value)))
    return found


def _both(present: Any, missing: Any) -> Any:
    from wengert.frontend.staging.stage import and_, not_

    return and_(present, lambda: not_(Scalar(missing, python=True)))


def merged_dict(first: Any, second: Any) -> dict[Any, Any]:
    """``first | second``; a key that may be missing in the second has the value of the first then."""
    from wengert.frontend.staging.branches import choose

    found = dict(first)
    for key in second.keys():  # noqa: SIM118  it may be no dict
        value = second[key]
        if may_miss(value) and key in found:
            old = found[key]
            found[key] = choose(
                Scalar(value.missing, python=True),
                lambda old=old: old,  # type: ignore[misc]
                lambda new=value: new.value,  # type: ignore[misc]
            )
        else:
            found[hashed(key)] = value
    return found


def _refuse_ordered(owner: OrderedDict[Any, Any]) -> None:
    """The order of such a dict is its own: a region cannot undo a change of it.

    Raises:
        NeedConcrete: it is older than the open branch or loop.
    """
    context = active()
    if len(context.layers) > 1 and not context.owns(owner):
        refuse(
            "changes an OrderedDict in a branch or a loop that depends on run-time values; use a dict",
            NeedConcrete,
        )


def _partly(owner: dict[Any, Any], name: str, args: tuple[Any, ...]) -> tuple[Any] | None:
    """Methods of a dict with keys that are there under a run-time condition."""
    from wengert.frontend.staging.branches import choose

    if name == "update" and args and isinstance(args[0], dict) and has_partial(args[0]):
        new = merged_dict(owner, args[0])
        owner.clear()
        owner.update(new)
        return (None,)
    if name in ("keys", "values", "items") and has_partial(owner):
        take: dict[str, Callable[[Any, Any], Any]] = {
            "keys": lambda k, v: k, "values": lambda k, v: v, "items": lambda k, v: (k, v),
        }  # fmt: skip
        return (active().birth(_entries(owner, take[name])),)
    if name == "get" and may_miss(owner.get(args[0])):
        value = owner[args[0]]
        default = args[1] if len(args) > 1 else None
        missing = Scalar(value.missing, python=True)
        return (choose(missing, lambda: default, lambda: value.value),)
    certain = name in ("pop", "setdefault") and not may_miss(owner.get(args[0]))
    if name in ("pop", "popitem", "setdefault") and has_partial(owner) and not certain:
        keys = ", ".join(repr(k) for k, v in owner.items() if may_miss(v))
        refuse(f"a dict has the key {keys} on one path only; give it a value on both", NeedConcrete)
    return None


def _list_method(
    owner: list[Any],
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    from wengert.frontend.staging import helpers
    from wengert.frontend.staging.calls import call
    from wengert.frontend.staging.library import sorted_
    from wengert.frontend.staging.stacks import emptied, inserted, popped, pushed
    from wengert.frontend.staging.stage import getitem

    growing = growing_of(owner)
    flagged = active().maybes and any(type(v) is Maybe for v in owner)
    if name == "append":
        active().appended[id(owner)] = place()
        return None if pushed(owner, args[0]) else function(*args)
    if name == "extend":
        from wengert.frontend.staging.iteration import python_elements

        if growing_of(args[0]) is not None or (growing is not None and growing.room):
            call(helpers.extended, owner, args[0])
            return None
        return function(list(python_elements(args[0], flagged=True)))
    if name == "pop" and not args and owner and type(owner[-1]) is not Maybe:
        return function()
    if growing is not None or flagged:
        if name == "copy":
            new = active().birth(list(owner))
            set_growing(new, growing)
            return new
        if name == "clear":
            emptied(owner)
            return None
        if name == "reverse" and growing is None:
            return function()
        placed = growing is None and name in ("insert", "pop") and args and type(args[0]) is int
        if placed and is_certain(owner, args[0] if name == "insert" else args[0] + 1):
            return function(*args)
        if name == "pop" and not args and growing is None and len(owner) <= _FEW:
            return _popped_flagged(owner)
        if name == "pop":
            return popped(owner, *args)
        if name == "insert":
            return inserted(owner, *args)
        if name in ("sort", "reverse"):
            backwards = slice(None, None, -1)
            changed = sorted_(owner, **kwargs) if name == "sort" else getitem(owner, backwards)
            list.clear(owner)
            set_growing(owner, growing_of(changed))
            return None
        if name in _SEARCHES:
            return call(getattr(helpers, _SEARCHES[name]), owner, *args)
        materialized(owner)
    if name == "sort":
        owner[:] = sorted_(owner, **kwargs)
        return None
    if name in ("pop", "insert") and args and isinstance(args[0], Handle):
        place_ = known(args[0])
        if place_ is UNKNOWN:
            return popped(owner, *args) if name == "pop" else inserted(owner, *args)
        args = (place_, *args[1:])
    if name in ("index", "count", "remove") and not all(
        type(v) in (int, float, str, bool) for v in (*owner, *args)
    ):
        from wengert.frontend.staging.library import searched
        from wengert.frontend.staging.stacks import put_in_rows

        if name == "remove":
            put_in_rows(owner)
            return call(helpers.removed, owner, *args)
        return searched(owner, name, args[0], *args[1:])
    result = function(*args, **kwargs)
    return active().birth(result) if name == "copy" else result


def is_certain(owner: list[Any], count: int) -> bool:
    """Whether the places up to a number of elements are those of the list as Python has it."""
    return 0 < count <= len(owner) and not any(type(v) is Maybe for v in owner[:count])


def _popped_flagged(owner: list[Any]) -> Any:
    """The last element that is there; it is there no longer."""
    from wengert.frontend.staging.branches import choose
    from wengert.frontend.staging.effects import require
    from wengert.frontend.staging.growing import length_of
    from wengert.frontend.staging.handles import to_expr
    from wengert.frontend.staging.stage import and_, compare, not_

    some = compare(">", length_of(owner), 0)
    require(some if isinstance(some, bool) else to_expr(some), "IndexError", "pop from empty list")

    def last(place: int) -> Any:
        element = owner[place]
        if type(element) is not Maybe:
            return element
        if place == 0:
            return element.value
        return choose(element.present, lambda: element.value, lambda: last(place - 1))

    result = last(len(owner) - 1)
    taken: Any = False
    new: list[Any] = []
    for element in reversed(owner):
        present = element.present if type(element) is Maybe else True
        value = element.value if type(element) is Maybe else element
        here = and_(present, lambda t=taken: not_(t))  # type: ignore[misc]
        left = and_(present, lambda h=here: not_(h))  # type: ignore[misc]
        if left is True:
            new.append(element)
        elif left is not False:
            new.append(Maybe(left, value))
        from wengert.frontend.staging.stage import or_

        taken = or_(taken, lambda h=here: h)  # type: ignore[misc]
    owner[:] = new[::-1]
    return result
