"""Calls in a captured program: by identity to entries, into the user's functions, or as they are."""

from __future__ import annotations

import dataclasses
import functools
import math
import random
import reprlib
import sys
import types
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import numpy as np

from wengert.errors import CaptureError, ShapeError, TypeMismatchError, WengertError, nearest
from wengert.frontend.random_table import generator_method
from wengert.frontend.staging.adopting import (
    Content,
    Item,
    is_changeable,
    opaque_module,
    user_method,
)
from wengert.frontend.staging.containers import container_method, settled
from wengert.frontend.staging.context import (
    DequeSlot,
    DictSlot,
    ListSlot,
    NeedConcrete,
    SetSlot,
    Slot,
    active,
    current,
    mismatch,
    refuse,
)
from wengert.frontend.staging.extents import applied
from wengert.frontend.staging.growing import Maybe, growing_of, is_growing
from wengert.frontend.staging.handles import (
    PYTHON_NUMBERS,
    UNKNOWN,
    Array,
    Choice,
    Handle,
    Partial,
    Poison,
    concrete,
    describe,
    is_number,
    known,
    new_array,
    plain_number,
    to_expr,
    type_of,
    wrap,
)
from wengert.frontend.staging.identity import by_options, has_choice
from wengert.frontend.staging.indexing import extent, fitted
from wengert.frontend.staging.narrow import widened
from wengert.frontend.staging.operators import guarded
from wengert.frontend.staging.plain import is_plain_call
from wengert.frontend.staging.recursion import entered, touch_rebound
from wengert.frontend.staging.source import NoSource, convert, is_staged
from wengert.frontend.staging.texts import Text, as_text, has_marks
from wengert.frontend.table import Entry, apply, entry_of, title_of
from wengert.frontend.tables import load_tables
from wengert.ir.node import Expr
from wengert.ir.types import DTYPES
from wengert.ops.algebra import lift

__all__ = [
    "array_of", "as_it_is", "call", "call_entry", "enter", "has_handles", "lowered_value", "numpy_call",
    "own_method",
]  # fmt: skip

# Any: functions and arguments are the program's.
_DEEPEST = 200
_GENERATORS = (np.random.Generator, np.random.RandomState)
_own: dict[Any, Callable[..., Any]] = {}  # functions that are handled here, by identity


def own(*originals: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what stands for a function in captured code."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for original in originals:
            _own[original] = function
        return function

    return register


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` in a captured program."""
    kind = type(function)
    if kind is types.FunctionType:
        if not kwargs and is_plain_call(function, args):
            return function(*args)
        staged = _staged(function)
        if staged is not None:
            return enter(staged, function, args, kwargs)
    elif kind is types.MethodType and type(function.__func__) is types.FunctionType:
        staged = _staged(function.__func__)
        if staged is not None:
            return enter(staged, function.__func__, (function.__self__, *args), kwargs)
    elif kind is types.BuiltinMethodType and not kwargs and _is_plain(function, args):
        return function(*args)
    elif kind is Choice:
        return function.chosen(lambda option: call(option, *args, **kwargs))
    while isinstance(function, Partial):
        function = function.certain()
    try:
        mine = _own.get(function)
        method = own_method(function, args[0]) if args else None
    except TypeError:  # not hashable
        mine = method = None
    if method is not None:
        return call(method, *args, **kwargs)
    if mine is not None:
        return _noted(mine(*args, **kwargs))
    owner = getattr(function, "__self__", None)
    if owner is not None and (owner is sys.stdout or owner is sys.stderr):
        return _stream_method(owner, function, args)
    if isinstance(owner, _GENERATORS):
        from wengert.frontend.staging.library import drawn_by

        drawn = generator_method(function)
        assert drawn is not None
        return drawn_by(*drawn, args, kwargs)
    if kind is types.BuiltinMethodType and isinstance(function.__self__, np.ufunc):
        return _builtin(function, args, kwargs)
    entry = entry_of(function)
    if entry is not None:
        return call_entry(entry, args, kwargs)
    if kind is types.FunctionType:
        return _function(function, args, kwargs)
    if kind is types.MethodType:
        return _method(function, args, kwargs)
    if kind is types.BuiltinMethodType or kind is types.BuiltinFunctionType:
        return _noted(_builtin(function, args, kwargs))
    if isinstance(function, type):
        return _noted(_class(function, args, kwargs))
    return _object(function, args, kwargs)


# What Python calls of an object for a builtin.
_METHODS: dict[Any, tuple[str, ...]] = {
    abs: ("__abs__",), round: ("__round__",), float: ("__float__",), int: ("__int__", "__trunc__"),
    complex: ("__complex__",), str: ("__str__", "__repr__"), repr: ("__repr__",), next: ("__next__",),
    format: ("__format__",), reversed: ("__reversed__",), divmod: ("__divmod__",), pow: ("__pow__",),
    math.floor: ("__floor__",), math.ceil: ("__ceil__",), math.trunc: ("__trunc__",),
}  # fmt: skip


def own_method(function: Any, value: Any) -> Any:
    """The method of the program's own class that Python calls for ``function(value)``, if there is one."""
    for name in _METHODS.get(function, ()):
        method = user_method(type(value), name)
        if method is not None:
            return None if method.__code__.co_filename in _GENERATED else method
    return None


# Where the methods that ``@dataclass`` writes have their code.
_GENERATED = frozenset(("<string>", dataclasses.__file__, reprlib.__file__))


def _noted(result: Any) -> Any:
    """A result; of an iterator it is remembered where it was made."""
    return active().birth(result) if hasattr(type(result), "__next__") else result


_KNOWN = PYTHON_NUMBERS | {str}
_PLAIN_FUNCTIONS = frozenset((abs, chr, divmod, max, min, ord, pow, round))
_PLAIN_METHODS: dict[type, frozenset[str]] = {
    list: frozenset(("append", "clear", "insert", "pop", "reverse")),
    set: frozenset(("add", "discard", "remove")),
    dict: frozenset(("get",)),
}


def _is_plain(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether a builtin may be called as it is: on known values, where nobody has to know of the call."""
    owner = function.__self__
    kind = type(owner)
    context = current()
    if context is None:
        return False
    if kind is types.ModuleType:
        return PYTHON_NUMBERS.issuperset(map(type, args)) and (
            owner is math or function in _PLAIN_FUNCTIONS
        )
    if kind is str:
        return not context.texts and _KNOWN.issuperset(map(type, args))
    methods = _PLAIN_METHODS.get(kind)
    if methods is None or function.__name__ not in methods:
        return False
    known = not args or type(args[0]) in PYTHON_NUMBERS
    if kind is dict:
        return known and bool(args) and not isinstance(owner.get(args[0]), Partial)
    return (
        (known or function.__name__ == "append")
        and not context.maybes
        and not context.growing
        and context.owns(owner)
    )


# --- the user's functions -------------------------------------------------------------------------
def _staged(function: types.FunctionType) -> types.FunctionType | None:
    """The converted function, if it is converted already."""
    if is_staged(function):
        return function
    context = current()
    entry = None if context is None else context.converted.get(function)
    if entry is None or entry[1:] != (id(function.__defaults__), id(function.__kwdefaults__)):
        return None
    staged: types.FunctionType = entry[0]
    return staged


def _function(
    function: types.FunctionType, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    if _is_library(function):
        return _library(function, args, kwargs)
    from wengert.frontend.staging import stage

    try:
        staged, static = convert(function, stage)
    except NoSource:
        context = active()
        if not context.eager:
            context.note(
                "unconverted",
                f"{function.__name__}() runs unconverted because its source is not available",
            )
        settled((args, kwargs))
        return function(*args, **kwargs)
    context = active()
    if function not in context.converted:
        _guard_names(function, static)
    kept = _kept_defaults(function, args, kwargs)
    if not kept:
        context.converted[function] = (
            staged,
            id(function.__defaults__),
            id(function.__kwdefaults__),
        )
    return enter(staged, function, args, {**kwargs, **kept})


def _kept_defaults(
    function: types.FunctionType, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The default values in use that can change from call to call: they are the user's."""
    code = function.__code__
    names = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
    values: dict[str, Any] = dict(
        zip(reversed(names), reversed(function.__defaults__ or ()), strict=False)
    )
    given = code.co_varnames[: len(args)]
    found = {n: v for n, v in values.items() if n not in given} | (function.__kwdefaults__ or {})
    adopted = active().adopted
    return {
        name: adopted.value(value, f"{function.__name__}.{name}", lambda v=value: v)
        for name, value in found.items()
        if name not in kwargs and is_changeable(value)
    }


def _guard_names(function: types.FunctionType, static: frozenset[str]) -> None:
    """Rely on what the names of functions, classes and modules stand for."""
    adopted = active().adopted
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for name in static:
        if name in cells:
            cell = cells[name]
            if name != "__class__":
                adopted.guard(name, Content(cell), cell.cell_contents, "is")
        elif name in function.__globals__:
            space = function.__globals__
            adopted.guard(name, Item(space, name), space[name], "is")


def enter(
    staged: types.FunctionType,
    original: types.FunctionType,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Call converted code."""
    context = active()
    if staged is not original:
        context.outer_cells.update(map(id, original.__closure__ or ()))
    touch_rebound(context, staged)
    return entered(context, staged, original, args, kwargs)


def _is_library(function: types.FunctionType) -> bool:
    if function.__module__ == "wengert.frontend.staging.helpers":
        return False
    return opaque_module(function.__module__) and not function.__code__.co_filename.startswith("<")


def _library(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function of a library that has no entry."""
    module = (getattr(function, "__module__", "") or "").split(".")[0]
    if module == "wengert":
        return function(*args, **kwargs)
    if module in ("numpy", "scipy"):
        return numpy_call(function, args, kwargs)
    return as_it_is(function, args, kwargs)


def _method(function: types.MethodType, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    owner = function.__self__
    inner = function.__func__
    module = getattr(inner, "__module__", None)
    if isinstance(owner, random.Random):
        refuse(
            f"random.{inner.__name__} draws from a global generator; use rng = np.random.default_rng(seed)"
        )
    if isinstance(owner, Handle) or (module or "").startswith("wengert"):
        return function(*args, **kwargs)
    if isinstance(inner, (types.FunctionType, functools._lru_cache_wrapper)):
        return call(inner, owner, *args, **kwargs)
    return function(*args, **kwargs)


def _class(cls: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if issubclass(cls, np.generic):
        from wengert.frontend.staging.library import numpy_scalar

        return numpy_scalar(cls, args)
    init = cls.__dict__.get("__init__") or getattr(cls, "__init__", None)
    context = active()
    user = (
        isinstance(init, types.FunctionType)
        and not opaque_module(cls.__module__)
        and cls.__new__ is object.__new__
        and type(cls).__call__ is type.__call__
    )
    if user and not dataclasses.is_dataclass(cls):
        made = context.birth(object.__new__(cls))
        call(init, made, *args, **kwargs)
        return made
    if (
        opaque_module(cls.__module__)
        and cls.__module__ != "builtins"
        and has_handles(args, kwargs)
        and cls.__module__.split(".")[0] in ("numpy", "scipy")
    ):
        return numpy_call(cls, args, kwargs)
    if issubclass(cls, Enum) and len(args) == 1 and has_handles(args, {}):
        return _member_of(cls, args[0])
    if opaque_module(cls.__module__):
        settled((args, kwargs))
    made = cls(*_wrapped_callbacks(args), **_wrapped_named(kwargs))
    post = cls.__dict__.get("__post_init__")
    assert post is None or made is not None
    return context.birth(made)


def _member_of(cls: type[Enum], value: Any) -> Any:
    """The member of an enumeration that has a run-time value."""
    from wengert.frontend.staging.branches import choose
    from wengert.frontend.staging.stage import compare

    def one(members: list[Enum]) -> Any:
        if not members:
            raise ValueError(f"{value} is not a valid {cls.__qualname__}")
        first, *rest = members
        return choose(compare("==", value, first.value), lambda: first, lambda: one(rest))

    return one(list(cls))


def _object(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if isinstance(function, functools.partial):
        return call(function.func, *function.args, *args, **{**function.keywords, **kwargs})
    if isinstance(function, functools._lru_cache_wrapper):
        from wengert.frontend.staging.caching import cached_call

        return cached_call(function, args, kwargs)
    if isinstance(function, types.MethodDescriptorType) and args and type(args[0]) is list:
        return _noted(_builtin(function.__get__(args[0]), args[1:], kwargs))
    if getattr(function, "__wengert_inline__", False):  # as the function that it wraps
        return call(function.__wrapped__, *args, **kwargs)
    hook = getattr(function, "__wengert_call__", None)
    if hook is not None:
        from wengert.frontend.staging.nested import transformed_call

        return transformed_call(hook, args, kwargs)
    if isinstance(function, np.ufunc):
        return numpy_call(function, args, kwargs)
    if isinstance(function, np.vectorize):
        from wengert.frontend.staging.library import vectorized

        return vectorized(function, args, kwargs)
    method = getattr(type(function), "__call__", None)  # noqa: B004  which one is asked
    if isinstance(method, types.FunctionType) and not opaque_module(type(function).__module__):
        return call(method, function, *args, **kwargs)
    module = getattr(function, "__module__", None) or type(function).__module__
    if str(module).split(".")[0] in ("numpy", "scipy"):
        return numpy_call(function, args, kwargs)
    return as_it_is(function, args, kwargs)


def _builtin(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, functools._lru_cache_wrapper):
        from wengert.frontend.staging.caching import cache_method

        return cache_method(owner, function.__name__)
    if not isinstance(owner, (list, dict, set, deque)) and has_choice(args):
        return by_options(args, lambda options: call(function, *options, **kwargs))
    if type(owner) is str:
        return _text_method(owner, function, args, kwargs)
    if isinstance(owner, deque):
        return _deque_method(owner, function, args, kwargs)
    if isinstance(owner, (list, dict, set)) and not _is_unseen(function):
        return container_method(owner, function.__name__, function, args, kwargs)
    if isinstance(owner, np.ufunc):
        from wengert.frontend.staging.library import ufunc_method_call

        return ufunc_method_call(owner, function.__name__, args, kwargs)
    if isinstance(owner, np.ndarray):
        if owner.dtype.name in DTYPES:
            return getattr(wrap(lift(owner)), function.__name__)(*args, **kwargs)
        if not has_handles(args, kwargs):
            return adopted_result(function(*args, **kwargs))
        return numpy_call(getattr(np, function.__name__, function), (owner, *args), kwargs)
    module = getattr(function, "__module__", None) or ""
    if module.split(".")[0] in ("numpy", "scipy"):
        return numpy_call(function, args, kwargs)
    if module in ("math", "cmath") and has_handles(args, kwargs):
        refuse(
            f"{module}.{function.__name__} is not supported on run-time values"
            f"{_suggestion(function)}; mode='tape' may be"
        )
    if module == "time" or module == "_random":
        from wengert.frontend.staging.library import clock_call

        return clock_call(function, args, kwargs)
    return as_it_is(function, args, kwargs)


def _is_unseen(function: Any) -> bool:
    """Whether a method of a container is one that programs hardly ever call by name."""
    name: str = function.__name__
    return name.startswith("__") or name == "symmetric_difference_update"


def _text_method(
    owner: str, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    name = function.__name__
    settled((args, kwargs))
    if name == "format" or (name == "join" and not isinstance(args[0], str)):
        return as_text(function(*_wrapped_callbacks(args), **_wrapped_named(kwargs)))
    if any(isinstance(v, str) and has_marks(v) for v in args):
        refuse(f"str.{name} with a text that has run-time values in it", NeedConcrete)
    return function(*_wrapped_callbacks(args), **kwargs)


def _deque_method(
    owner: Any, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    active().touch(DequeSlot(owner))
    if function.__name__ in ("extend", "extendleft"):
        from wengert.frontend.staging.iteration import python_elements

        args = (list(python_elements(args[0])),)
    return function(*args, **kwargs)


def has_handles(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether arguments are, or hold, values that only running the program tells."""
    todo: list[Any] = [*args, *kwargs.values()]
    while todo:
        top = todo.pop()
        if isinstance(top, (Handle, Poison, Maybe)):
            return True
        if isinstance(top, (list, tuple)):
            if type(top) is list and growing_of(top) is not None:
                return True
            todo += top
        elif isinstance(top, dict):
            todo += top.values()
    return False


def _callback(value: Any) -> Any:
    """A function given to a function that runs as it is: its calls are captured too."""
    if isinstance(value, types.GeneratorType):
        from wengert.frontend.staging.iteration import python_elements

        return python_elements(value)
    function = isinstance(value, (types.FunctionType, types.BuiltinFunctionType)) or (
        isinstance(value, types.MethodType) and not isinstance(value.__self__, Handle)
    )
    if function and (
        value in _own or entry_of(value) is not None or isinstance(value, types.FunctionType)
    ):
        return lambda *args, **kwargs: call(value, *args, **kwargs)
    return value


def _stream_method(stream: Any, function: Any, args: tuple[Any, ...]) -> Any:
    """``sys.stdout.write`` and what else is done to the streams that programs print to."""
    if function.__name__ == "write":
        call(print, *args, end="", file=stream)
        return len(args[0]) if type(args[0]) is str else None
    if function.__name__ == "flush":
        return call(print, end="", file=stream, flush=True)
    return function(*args)


def as_it_is(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function that nobody here knows; what it changes in containers is journaled."""
    context = active()
    settled((args, kwargs))
    if any(isinstance(v, Text) for v in (*args, *kwargs.values())):
        refuse(
            f"{function.__name__} with a text that has run-time values in it; print or return the text",
            NeedConcrete,
        )
    if len(context.layers) == 1:
        return function(*_wrapped_callbacks(args), **_wrapped_named(kwargs))
    owner = getattr(function, "__self__", None)
    if isinstance(owner, bytearray) and not context.owns(owner):
        refuse(
            "calls a method of a bytearray in a branch or a loop that depends on run-time values; use a list",
            NeedConcrete,
        )
    given = [v for v in (owner, *args, *kwargs.values()) if isinstance(v, _MUTABLE)]
    slots = [next(s for kind, s in _SLOTS.items() if isinstance(v, kind))(v) for v in given]
    before = [(slot.get(), _contents(slot.owner)) for slot in slots]
    result = function(*_wrapped_callbacks(args), **_wrapped_named(kwargs))
    for slot, (held, old) in zip(slots, before, strict=True):
        new = _contents(slot.owner)
        if len(new) != len(old) or any(a is not b for a, b in zip(new, old, strict=True)):
            now = slot.get()
            slot.set(held)
            context.touch(slot)
            slot.set(now)
    return result


_SLOTS: dict[type, Callable[[Any], Slot]] = {
    list: ListSlot, dict: DictSlot, set: SetSlot, deque: DequeSlot,
}  # fmt: skip
_MUTABLE = tuple(_SLOTS)


def _contents(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [part for item in dict.items(value) for part in item]
    return list(value)


def _wrapped_callbacks(args: tuple[Any, ...]) -> list[Any]:
    return [_callback(a) for a in args]


def _wrapped_named(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _callback(v) for k, v in kwargs.items()}


# --- NumPy and SciPy ------------------------------------------------------------------------------
def _suggestion(function: Any) -> str:
    from wengert.frontend.table import entries

    load_tables()
    title = title_of(function)
    hint = nearest(title, [e.title for e in entries()], most=1)
    return f" ({hint})" if hint else ""


def numpy_call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function of NumPy or SciPy."""
    load_tables()
    try:
        mine = _own.get(function)
    except TypeError:
        mine = None
    if mine is not None:
        return mine(*args, **kwargs)
    entry = entry_of(function)
    if entry is not None:
        return call_entry(entry, args, kwargs)
    changing = _changing(function)
    if changing is not None and has_handles(args, kwargs):
        return _change(changing, args, kwargs)
    if str(getattr(function, "__module__", None) or type(function).__module__).startswith("scipy."):
        from wengert.frontend.staging.solving import solver_call

        found = solver_call(function, args, kwargs)
        if found is not NotImplemented:
            return found
    if active().eager or not has_handles(args, kwargs):
        if str(getattr(function, "__module__", "")).startswith("numpy.random"):
            from wengert.frontend.staging.library import random_call

            return random_call(function, args, kwargs)
        if not has_handles(args, kwargs):
            return native(function, args, kwargs)
    title = title_of(function)
    if any(callable(a) for a in (*args, *kwargs.values())):
        refuse(
            f"{title} is given a function of traced values and wengert has no rule for it; "
            "use mode='tape' or register one with wengert.custom_rule"
        )
    return refuse(
        f"{title} is not supported on run-time values{_suggestion(function)}; "
        "use a supported function, wengert.external, or mode='tape'"
    )


def _changing(function: Any) -> Entry | None:
    """The entry of a function that changes its first argument in place."""
    from wengert.frontend.numpy_inplace import IN_PLACE

    try:
        return IN_PLACE.get(function)
    except TypeError:  # not hashable
        return None


def _change(entry: Entry, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Write what the function makes of an array back into it."""
    target = args[0] if args else None
    target = target.certain() if isinstance(target, Partial) else target
    if not isinstance(target, Array):
        refuse(f"{entry.title} needs an array of the captured function", CaptureError)
    try:
        result = apply(entry, (target, *args[1:]), kwargs, _argument(entry))
    except (ShapeError, TypeMismatchError) as error:
        _entry_error(error, args, kwargs)
    target.write(fitted(target, wrap(result), in_place=True))


def native(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function of a library on values that are known, executed once at capture."""
    from wengert.frontend.staging.context import capturing

    with capturing(None):
        result = function(*args, **kwargs)
    return adopted_result(result)


def adopted_result(value: Any) -> Any:
    """Arrays that a library gave, as handles, so that what is done to them is seen."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        try:
            return wrap(lift(value)) if value.ndim else value[()]
        except TypeMismatchError:
            return value
    if type(value) is tuple:
        return tuple(adopted_result(v) for v in value)
    if type(value) is list:
        return active().birth([adopted_result(v) for v in value])
    return value


def call_entry(entry: Entry, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function that has an entry: its arguments as expressions, its result as handles."""
    scalar = getattr(entry.original, "__module__", "") in ("math", "cmath")
    if scalar and not has_handles(args, kwargs):
        return entry.original(*args, **kwargs)
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    where = kwargs.pop("where", True) if isinstance(entry.original, np.ufunc) else True
    if isinstance(entry.original, np.ufunc):
        count = entry.original.nin
        if len(args) > count:
            out, args = args[count], args[:count]
        dtype = kwargs.pop("dtype", None)
        kwargs.pop("casting", None)
    else:
        dtype = None
    from wengert.frontend.staging.views import view_call

    seen = view_call(entry.original, args, kwargs)
    if seen is not None:
        return seen
    given = widened(entry.original, (*args, *kwargs.values()))
    args, kwargs = given[: len(args)], dict(zip(kwargs, given[len(args) :], strict=True))
    try:
        made = _argument(entry)
        result = applied(
            entry.original, lambda given: apply(entry, tuple(given), kwargs, made), args
        )
    except (ShapeError, TypeMismatchError) as error:
        _entry_error(error, args, kwargs)
    if isinstance(result, Expr) and entry.group.startswith("Linear algebra"):
        active().risk("LinAlgError")
    if isinstance(result, Expr) and entry.group == "Creation":
        found: Any = new_array(result)  # without axes too: it may be stored into
    else:
        found = _result(result)
    if dtype is not None and is_number(found):
        from wengert.frontend.staging.library import as_type

        found = as_type(found, dtype)
    if where is not True:
        from wengert.frontend.staging.library import where_ufunc

        found = where_ufunc(entry, found, where, out)
        if out is None:
            return found
    if out is None:
        return found
    target = out[0] if isinstance(out, tuple) else out
    if not isinstance(target, Array):
        refuse("out= needs an array of the captured function", CaptureError)
    target.write(fitted(target, found, in_place=True))
    return target


def _entry_error(error: WengertError, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    message = str(error)
    if "symbolic extent" in message or "fixed extent" in message:
        refuse(f"needs fixed sizes: {message}", NeedConcrete)
    refuse(message)


def _result(value: Any) -> Any:
    if isinstance(value, Expr):
        return wrap(value)
    if hasattr(value, "guards"):
        return guarded(value)
    if isinstance(value, tuple):
        if hasattr(value, "_fields"):
            return type(value)(*(_result(v) for v in value))
        return tuple(_result(v) for v in value)
    if isinstance(value, list):
        return active().birth([_result(v) for v in value])
    if isinstance(value, np.ndarray):
        return adopted_result(value)
    return value


def _argument(entry: Entry) -> Callable[[str, str, Any], Any]:
    def convert_argument(kind: str, name: str, value: Any) -> Any:
        if isinstance(value, Partial):
            value = value.certain()
        if value is None:
            return None
        if kind == "value":
            return lowered_value(value)
        if kind == "values":
            return [lowered_value(v) for v in _members(value)]
        if kind == "nested":
            return _nested(value)
        if kind == "shape":
            value = _known(value)
            if isinstance(value, (list, tuple)):
                return tuple(extent(v, "an extent of a shape") for v in value)
            if isinstance(value, (Array, np.ndarray)):
                return tuple(int(v) for v in concrete(value, "a shape"))
            return (extent(value, "an extent of a shape"),)
        if kind == "length":
            return extent(value, f"the argument `{name}`")
        if kind == "number":
            value = _known(value)
            return extent(value, f"the argument `{name}`") if isinstance(value, Handle) else value
        return _static(value, f"the argument `{name}` of {entry.title}")

    return convert_argument


def _nested(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)([_nested(v) for v in value])
    return value if isinstance(value, str) or value is ... else lowered_value(value)


def _known(value: Any) -> Any:
    if isinstance(value, Handle):
        found = known(value)
        return value if found is UNKNOWN else found
    return value


def _static(value: Any, use: str) -> Any:
    if isinstance(value, Handle):
        return concrete(value, use)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_static(v, use) for v in value)
    return value


def _members(value: Any) -> Any:
    from wengert.frontend.staging.iteration import python_elements

    if isinstance(value, (Array, np.ndarray)) or type(value) is list:
        return list(python_elements(value))
    return value


def lowered_value(value: Any) -> Expr:
    """An argument as an expression: handles, numbers, arrays, nested lists of them."""
    if isinstance(value, (list, tuple)):
        return to_expr(array_of(value))
    if isinstance(value, Expr):
        return value
    if isinstance(value, Poison) and type(value) is not Choice:
        value._fail()
    if isinstance(value, Choice):
        return to_expr(value.chosen(plain_number if _of_numbers(value) else lowered_value))
    if not is_number(value) and not isinstance(value, Handle):
        if isinstance(value, range):
            return lift(np.asarray(value))
        refuse(f"needs a number or an array, got {describe(value)}")
    return to_expr(value)


def _of_numbers(value: Choice) -> bool:
    return all(is_number(option) for option in value.options)


def _one_of_numbers(value: Any) -> Any:
    """An element of an array, with a check at run time that it is assigned."""
    while isinstance(value, Partial):
        value = value.certain()
    if isinstance(value, Choice) and _of_numbers(value):
        return value.chosen(plain_number)
    return value


def array_of(value: Any) -> Any:
    """The array that NumPy makes of nested lists and tuples."""
    if type(value) is list and is_growing(value):
        from wengert.frontend.staging.library import array_of_growing

        return array_of_growing(value)
    items = [array_of(v) if isinstance(v, (list, tuple)) else v for v in value]
    items = [_one_of_numbers(v) for v in items]
    if not any(isinstance(v, Handle) for v in items):
        try:
            found = np.asarray(items)
        except ValueError as error:
            raise error from None
        return found
    for item in items:
        if not is_number(item):
            refuse(f"makes an array of {describe(item)}")
    from wengert.frontend.numpy_creation import array_of as built

    try:
        return wrap(built([to_expr(v) for v in items]))
    except ShapeError as error:
        mismatch(
            "setting an array element with a sequence. The requested array has an inhomogeneous shape: "
            f"{error}",
            *(type_of(item).shape for item in items),
        )
