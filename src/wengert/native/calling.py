"""Compiled programs as functions of Python.

A function made here is a builtin: the interpreter calls machine code, which reads the arguments where they
are and calls the program, so a call costs little more than one of ``math.sin``. Whatever is not exactly as
the signature says (a list, a view, another dtype, a keyword) goes to the Python function ``slow``.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from functools import cache
from types import CellType, new_class
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast
from weakref import WeakValueDictionary

from wengert.errors import NativeError, TypeMismatchError, worded
from wengert.native import engine
from wengert.native.interpreter import Slot, interpreter_table
from wengert.native.plain import plain_entry
from wengert.native.signature import Array, Signature, Where, leaves
from wengert.native.wrapper import wrapper_text

__all__ = ["PATIENCE", "Outside", "Way", "callable_class", "entry"]

Way = Literal["builtin", "ctypes"]
T = TypeVar("T")


class Outside(NamedTuple):
    """A place outside of a program: an item of a dict, the content of a closure's cell, a whole list."""

    container: dict[str, Any] | CellType | list[Any]  # Any: whatever the user has there
    key: str = ""

    @property
    def where(self) -> Where:
        """As signatures say it."""
        if isinstance(self.container, list):
            return "list"
        return "cell" if isinstance(self.container, CellType) else "item"

    def read(self) -> Any:
        """What is there now; an error if there is nothing."""
        if isinstance(self.container, CellType):
            return self.container.cell_contents
        if isinstance(self.container, list):
            return tuple(self.container)
        return self.container[self.key]


# Nanoseconds of work from which on other threads of Python may run meanwhile: to let go of the GIL and
# take it again costs about 35, and up to a switch interval when others want it.
PATIENCE: Final = 20_000

METHOD_FLAGS: Final = 0x0080 | 0x0002  # METH_FASTCALL | METH_KEYWORDS of methodobject.h


class _MethodDef(ctypes.Structure):
    """``PyMethodDef`` of methodobject.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Context(ctypes.c_int64 * Slot.COUNT):  # type: ignore[misc]  # a class that only running makes
    """What the machine code of one function reads, and all that must live as long as the function.

    It is the ``self`` of the builtin, so the collector sees what it refers to.
    """

    keep: tuple[object, ...] = ()
    free: Callable[[ctypes.c_void_p], None]

    def __del__(self, slot: int = Slot.ARENA, at: Any = ctypes.c_void_p) -> None:
        # The names of this module may be gone by now. Finalizers of the same cycle may still call
        # the function, which then needs an arena of its own.
        arena, self[slot] = self[slot], 0
        if arena:
            self.free(at(at.from_address(arena - 16).value))


def entry(
    name: str,
    signature: Signature,
    plan: int,
    kernel: int,
    slow: Callable[..., Any],
    failed: Callable[..., Any],
    *,
    keep: Sequence[object] = (),
    patience: int = PATIENCE,
    doc: str = "",
    way: Way | None = None,
    unchanged: Sequence[tuple[Outside, object]] = (),
    hidden: Sequence[Outside] = (),
    busy: ctypes.c_int64 | None = None,
) -> Callable[..., Any]:
    """A function of Python that runs a compiled program.

    ``plan`` and ``kernel`` are addresses, as described at ``Layout``; ``plan`` may be 0 where all extents
    of the result are fixed and no arena is needed. ``slow(*args, **kwargs)`` is called instead when
    the arguments do not fit, and ``failed(code, words, *args, **kwargs)`` when the kernel returns a code
    other than 0, with the words as bytes; both decide what is returned or raised. ``keep`` lists what
    must live as long as the function, above all the code of the program. A program that says it will
    take more than ``patience`` nanoseconds runs without the GIL. ``unchanged`` are the places that the
    signature wants unchanged, with what is expected in them (of a list, a tuple), and ``hidden`` those of
    its hidden parameters. While ``busy`` is not zero, every call goes to ``slow``.

    ``way`` is for tests, as is ``WENGERT_CALLS=ctypes`` in the environment: by default the function is a
    builtin where that works, else plain Python over ctypes.

    >>> text = '''
    ... define i64 @half(ptr %words, ptr %arena) {
    ...   %from = getelementptr i64, ptr %words, i64 4
    ...   %x = load double, ptr %from
    ...   %y = fmul double %x, 0.5
    ...   %to = getelementptr i64, ptr %words, i64 5
    ...   store double %y, ptr %to
    ...   ret i64 0
    ... }'''
    >>> from wengert.native.signature import Number
    >>> code = engine.compile(text, ["half"])
    >>> half = entry(
    ...     "half", Signature((Number("float"),), Number("float")), 0, code.address("half"),
    ...     slow=lambda x: float(x) / 2, failed=print, keep=[code],
    ... )
    >>> half(3.0), half("5")
    (1.5, 2.5)
    """
    if not plan and any(
        isinstance(leaf, Array) and None in leaf.shape for leaf in leaves(signature.result)
    ):
        raise TypeMismatchError(
            worded(name, expected="a plan that gives the extents of its result")
        )
    if way is None and os.environ.get("WENGERT_CALLS") == "ctypes":
        way = "ctypes"
    if way != "ctypes":
        try:
            table, wrapper = interpreter_table(), _wrapper(signature)
        except NativeError:
            if way == "builtin":
                raise
        else:
            outside = _table(unchanged, hidden)
            watched = busy or _IDLE
            context = _Context(
                *table, plan, kernel, id(slow), id(failed), 0, patience, id(_OUT),
                ctypes.addressof(watched), ctypes.addressof(outside),
            )  # fmt: skip
            held = (slow, failed, outside, watched, tuple(unchanged), tuple(hidden), *keep)
            return _builtin(name, doc, context, wrapper, held)
    if unchanged or hidden or busy is not None:
        raise NativeError(worded(name, expected="machine code that Python can call"))
    return plain_entry(name, signature, plan, kernel, slow, failed, keep, doc)


def _table(
    unchanged: Sequence[tuple[Outside, object]], hidden: Sequence[Outside]
) -> ctypes.Array[ctypes.c_int64]:
    """The words that ``Slot.OUTSIDE`` leads to."""
    words: list[int] = []
    for place, value in (*unchanged, *((place, None) for place in hidden)):
        words += id(place.container), id(place.key), id(value)
    return (ctypes.c_int64 * len(words))(*words)


def callable_class(base: type[T], function: Callable[..., Any]) -> type[T]:
    """A class like ``base`` whose instances call ``function``, without themselves as an argument.

    An instance becomes such a one by ``instance.__class__ = callable_class(type(instance), function)``.
    This is the fastest way for an object to be called that has attributes too.

    >>> class Named:
    ...     name = "length"
    >>> length = callable_class(Named, len)()
    >>> length.name, length([1, 2, 3])
    ('length', 3)
    """
    # A builtin is not bound to an instance, a function of Python would be.
    called = function if isinstance(function, type(len)) else staticmethod(function)
    body = {
        "__slots__": (),
        "__call__": called,
        "__module__": base.__module__,
        "__doc__": base.__doc__,
    }
    return cast(
        type[T], new_class(base.__name__, (base,), exec_body=lambda space: space.update(body))
    )


_IDLE: Final = ctypes.c_int64(0)

# The keyword of `out=array`, as the compiler of Python interns it.
_OUT: Final = "out"

_WRAPPERS: WeakValueDictionary[Signature, engine.Compiled] = WeakValueDictionary()
_COMPILING = threading.Lock()


def _wrapper(signature: Signature) -> engine.Compiled:
    """The wrapper of a signature, for as long as a function uses it."""
    with _COMPILING:
        wrapper = _WRAPPERS.get(signature)
        if wrapper is None:
            # Better code is not faster to call, and takes four times as long to make.
            wrapper = engine.compile(wrapper_text(signature), ["entry"], tier="quick")
            _WRAPPERS[signature] = wrapper
        return wrapper


def _builtin(
    name: str, doc: str, context: _Context, wrapper: engine.Compiled, keep: tuple[object, ...]
) -> Callable[..., Any]:
    method = _MethodDef(name.encode(), wrapper.address("entry"), METHOD_FLAGS, doc.encode() or None)
    context.keep = (method, wrapper, *keep)
    context.free = ctypes.pythonapi.PyMem_RawFree
    new_function = _new_function()
    return new_function(ctypes.addressof(method), context, "wengert")


@cache
def _new_function() -> Callable[[int, _Context, str], Callable[..., Any]]:
    thing = ctypes.py_object
    prototype = ctypes.PYFUNCTYPE(thing, ctypes.c_void_p, thing, thing)
    return prototype(("PyCFunction_NewEx", ctypes.pythonapi))
