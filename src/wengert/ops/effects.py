"""What a program does besides computing: raising errors, printing, reading the clock.

The graph is pure, so effects are put in order by a *token*, an integer that is always 0: each effect takes
the token of the one before it and gives a new one. A program that returns its last token does all of them.

Texts are templates as of ``str.format``, ``"row {0} sum {1:.3f}"``, with places by number; braces that are
meant are doubled (:func:`escaped`). A format that starts with a percent sign is as in ``printf``:
``{0:%5.2f}``.
"""

from __future__ import annotations

import builtins
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from string import Formatter
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import GraphError, TypeMismatchError, worded
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import TupleType, Type
from wengert.ops.algebra import lift
from wengert.ops.control.item import items
from wengert.ops.leaves import CONSTANT, ZERO

__all__ = [
    "CLOCKS",
    "Place",
    "check",
    "clock",
    "error_class",
    "error_name",
    "escaped",
    "filled",
    "first_token",
    "kind_of_value",
    "log",
    "show",
    "wait",
]

_NO_NUMBERS = "an effect gives no numbers"


def first_token() -> Expr:
    """The token with which a program starts: the number 0."""
    return ZERO


# --- texts with values in them -------------------------------------------------------------------------
_PYTHON: dict[str, Callable[[Any], Any]] = {  # Any: a number as an engine has it
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
}
_PYTHON_KIND = {"bool": "bool", "int64": "int", "float64": "float", "complex128": "complex"}


def escaped(text: str) -> str:
    """A text without places, as part of a template.

    >>> escaped("{a}")
    '{{a}}'
    """
    return text.replace("{", "{{").replace("}", "}}")


def kind_of_value(value: Expr) -> str:
    """The Python type of a Python number; nothing for NumPy's numbers and arrays."""
    type_ = value.value_type
    return _PYTHON_KIND.get(type_.dtype, "") if type_.weak and not type_.shape else ""


class _Shown:
    """A value that knows formats of ``printf`` too."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:  # Any: numbers and arrays
        self.value = value

    def __format__(self, spec: str) -> str:
        if _is_printf(spec):
            return spec % (self.value,)
        return format(self.value, spec)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return repr(self.value)


def _is_printf(spec: str) -> bool:
    # "%" alone is Python's percentage, and "%>8" fills with percent signs.
    return len(spec) > 1 and spec[0] == "%" and spec[1] not in "<>=^"


def filled(template: str, kinds: Sequence[str], values: Sequence[Any]) -> str:
    """The template with values in its places, each shown as the Python or NumPy value that it is.

    >>> filled("{0} {0!r} {1!r}", ("float", ""), (np.float64(0.1), np.float64(0.1)))
    '0.1 0.1 np.float64(0.1)'
    """
    shown = [
        _Shown(_PYTHON[kind](value) if kind else np.asarray(value)[()])
        for kind, value in zip(kinds, values, strict=True)
    ]
    return template.format(*shown)


def _checked_template(template: str, count: int, what: str) -> str:
    try:
        places = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        places, count = [str(error)], 0
    if not all(name.isdigit() and int(name) < count for name in places):
        raise GraphError(
            worded(
                f"{what}: text {template!r}",
                expected=f"places {{0}} to {{{count - 1}}}" if count else "no places",
                got=", ".join(places),
                hint="double the braces that are meant",
            )
        )
    return template


def _text_source(template: str, kinds: Sequence[str], args: Sequence[str]) -> str:
    """Python source of the filled template."""
    parts = list(Formatter().parse(template))
    if all(name is None for _, name, _, _ in parts):
        return repr("".join(literal for literal, *_ in parts))
    pieces: list[str] = []
    given: list[str] = []
    for literal, name, spec, conversion in parts:
        pieces.append(escaped(literal))
        if name is None:
            continue
        text, kind = args[int(name)], kinds[int(name)]
        # In the source a Python number may be one of NumPy's, which looks the same but for its repr.
        if kind and (conversion or kind in ("bool", "int")):
            text = f"{kind}({text})"
        if spec is not None and _is_printf(spec):
            text, spec = f"{spec!r} % ({text},)", ""
        shown = f"!{conversion}" if conversion else ""
        pieces.append(f"{{{shown}{':' + spec if spec else ''}}}")
        given.append(text)
    return f"{''.join(pieces)!r}.format({', '.join(given)})"


# --- errors --------------------------------------------------------------------------------------------
class Place(NamedTuple):
    """Where in the user's program something stands."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line} in {self.function}()"


def error_name(cls: type[BaseException]) -> str:
    """The name by which :func:`check` knows a class of exceptions.

    Raises:
        TypeMismatchError: a class that cannot be found again by a name, such as one defined in a function.

    >>> error_name(ValueError), error_name(np.linalg.LinAlgError)
    ('ValueError', 'numpy.linalg.LinAlgError')
    """
    plain = getattr(builtins, cls.__name__, None) is cls
    name = cls.__name__ if plain else f"{cls.__module__}.{cls.__qualname__}"
    if _found(name) is not cls:
        raise TypeMismatchError(
            worded(
                f"raise {cls.__name__}",
                expected="an exception class that its module has by this name",
                got=f"{cls.__module__}.{cls.__qualname__}",
                hint="define the class at the top of a module",
            )
        )
    return name


def error_class(name: str) -> type[BaseException]:
    """The class of exceptions called ``name``: a builtin, or one of a module that is loaded.

    Raises:
        GraphError: there is none.
    """
    cls = _found(name)
    if cls is None:
        raise GraphError(worded("check", expected="the name of an exception class", got=repr(name)))
    return cls


def _found(name: str) -> type[BaseException] | None:
    module, _, cls = name.rpartition(".")
    home = sys.modules.get(module) if module else builtins
    found = getattr(home, cls, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


class _Check(NamedTuple):
    error: str
    message: str | None  # None: raised without one
    kinds: tuple[str, ...]
    where: Place | None

    def __str__(self) -> str:
        message = "" if self.message is None else f": {self.message}"
        return f"{self.error}{message}{'' if self.where is None else f', {self.where}'}"


def check(
    token: Expr,
    ok: Any,
    kind: str,
    message: str | None = None,
    values: Sequence[Any] = (),
    where: tuple[str, int, str] | None = None,
) -> Expr:
    """The next token if ``ok`` holds; else evaluation raises the error.

    ``kind`` is the name of a builtin exception or of a class in a module (see :func:`error_name`);
    ``message`` a template for ``values``, ``None`` for an error without a message. ``where``, the file, line
    and function of the user's program, is added to the error as a note.

    Raises:
        GraphError: no such exception, or a template with other places than there are values.
        TypeMismatchError: ``ok`` is no single truth value.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> t = check(first_token(), x > 0, "ValueError", "not positive: {0}", [x])
    >>> t.evaluate(x=-1.0)
    Traceback (most recent call last):
    ValueError: not positive: -1.0
    """
    holds = lift(ok)
    if holds.op is CONSTANT and holds.attr is not False and bool(np.all(holds.attr)):
        return token
    nodes = tuple(lift(v) for v in values)
    error_class(kind)
    if message is not None:
        _checked_template(message, len(nodes), "check")
    place = None if where is None else Place(*where)
    attr = _Check(kind, message, tuple(kind_of_value(n) for n in nodes), place)
    return make(CHECK, (token, holds, *nodes), attr)


def _token_type(token: Type, what: str) -> Type:
    if token.shape or token.dtype != "int64":
        raise TypeMismatchError(worded(what, expected="a token (an integer)", got=str(token)))
    return token


def _check_type(token: Type, ok: Type, *values: Type, attr: _Check) -> Type:
    if ok.shape or ok.dtype != "bool":
        raise TypeMismatchError(
            worded("check", expected="one truth value", got=str(ok), hint="compare, or use all()")
        )
    return _token_type(token, "check")


def _check_value(token: Any, ok: Any, *values: Any, attr: _Check) -> Any:
    if ok:
        return token
    cls = error_class(attr.error)
    error = cls() if attr.message is None else cls(filled(attr.message, attr.kinds, values))
    if attr.where is not None:
        error.add_note(str(attr.where))
    raise error


def _check_statement(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: _Check = node.attr
    ok = args[1] if args[1].isidentifier() else f"({args[1]})"
    text = "" if attr.message is None else _text_source(attr.message, attr.kinds, args[2:])
    place = "" if attr.where is None else f"  # {attr.where}"
    return [f"if not {ok}:{place}", f"    raise {attr.error}({text})"]


def _sample_of_check(*symbols: Expr) -> Expr:
    x, y = symbols
    return check(first_token(), x < y, "ValueError", "{0} >= {1:.3f}", (x, y))


CHECK: Op = register(
    Op(
        name="check",
        doc="The next token where a condition holds; else an error is raised.",
        result=_check_type,
        evaluate=_check_value,
        diff=NoDerivative(_NO_NUMBERS, zero=True),
        spell=Spelling(statement=_check_statement),
        checks=lambda node: node.args[1],
        effect=True,
        exempt={"text": "an effect is no formula"},
        samples=(
            Sample((Argument(low=0.0, high=1.0), Argument((), 2.0, 3.0)), build=_sample_of_check),
        ),
    )
)


# --- printing ------------------------------------------------------------------------------------------
class _Show(NamedTuple):
    template: str
    kinds: tuple[str, ...]
    file: str
    flush: bool
    log: tuple[str, int] | None = None  # the name of a logger and a level, instead of a file


def show(
    token: Expr,
    template: str | Sequence[str],
    values: Sequence[Any] = (),
    *,
    sep: str | None = " ",
    end: str | None = "\n",
    file: str = "stdout",
    flush: bool = False,
) -> Expr:
    """The next token, after printing.

    ``template`` is one text, or the texts of several arguments of ``print``, which share their ``values``;
    ``sep`` and ``end`` are as in ``print``, ``file`` is ``"stdout"`` or ``"stderr"``.

    Raises:
        GraphError: a template with other places than there are values.
        TypeMismatchError: another file.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> t = show(first_token(), ["x:", "{0:.2f}"], [x])
    >>> t.evaluate(x=0.5)
    x: 0.50
    0
    """
    if file not in ("stdout", "stderr"):
        raise TypeMismatchError(
            worded(
                "print: argument `file`",
                expected="standard output or standard error",
                got=repr(file),
                hint="return the values and write them outside",
            )
        )
    nodes = tuple(lift(v) for v in values)
    parts = [template] if isinstance(template, str) else list(template)
    whole = escaped(" " if sep is None else sep).join(parts) + escaped("\n" if end is None else end)
    _checked_template(whole, len(nodes), "print")
    attr = _Show(whole, tuple(kind_of_value(n) for n in nodes), file, flush)
    return make(SHOW, (token, *nodes), attr)


def log(token: Expr, template: str, values: Sequence[Any], logger: str, level: int) -> Expr:
    """The next token, after a record of ``level`` for the logger of that name in the module ``logging``.

    Raises:
        GraphError: a template with other places than there are values.

    >>> from wengert.ops.leaves import symbol
    >>> log(first_token(), "at {0:.2f}", [symbol("x")], "fit", logging.DEBUG).evaluate(x=0.5)
    0
    """
    nodes = tuple(lift(v) for v in values)
    _checked_template(template, len(nodes), "log")
    kinds = tuple(kind_of_value(n) for n in nodes)
    return make(SHOW, (token, *nodes), _Show(template, kinds, "", False, (logger, level)))


def _show_value(token: Any, *values: Any, attr: _Show) -> Any:
    # The stream and the logger are looked up now: they may have been changed since.
    if attr.log is None:
        text = filled(attr.template, attr.kinds, values)
        print(text, end="", file=getattr(sys, attr.file), flush=attr.flush)
        return token
    name, level = attr.log
    logger = logging.getLogger(name)
    if logger.isEnabledFor(level):
        logger.log(level, "%s", filled(attr.template, attr.kinds, values))
    return token


def _show_statement(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: _Show = node.attr
    if attr.log is not None:
        name, level = attr.log
        text = _text_source(attr.template, attr.kinds, args[1:])
        return [f"logging.getLogger({name!r}).log({level}, '%s', {text})"]
    plain = attr.template.endswith("\n")
    text = _text_source(attr.template[:-1] if plain else attr.template, attr.kinds, args[1:])
    more = "" if plain else ", end=''"
    more += "" if attr.file == "stdout" else f", file=sys.{attr.file}"
    more += ", flush=True" if attr.flush else ""
    return [f"print({text}{more})"]


SHOW: Op = register(
    Op(
        name="show",
        doc="The next token, after printing or logging values.",
        result=lambda token, *values, attr: _token_type(token, "print"),
        evaluate=_show_value,
        diff=NoDerivative(_NO_NUMBERS, zero=True),
        spell=Spelling(statement=_show_statement),
        effect=True,
        exempt={"text": "an effect is no formula"},
        samples=(
            Sample(
                (Argument(), Argument((2,))),
                build=lambda x, y: show(first_token(), ["{0:.3f}", "{1}"], (x, y)),
            ),
            Sample(
                (Argument(),),
                build=lambda x: log(
                    first_token(), "{0:.3f}", (x,), "wengert.samples", logging.DEBUG
                ),
            ),
        ),
    )
)


# --- clocks --------------------------------------------------------------------------------------------
CLOCKS = (
    "time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time",
    "process_time_ns", "thread_time", "thread_time_ns",
)  # fmt: skip


def clock(token: Expr, which: str = "perf_counter") -> tuple[Expr, Expr]:
    """The next token and the reading of a clock of the module ``time``, a Python number.

    Raises:
        TypeMismatchError: no such clock.

    >>> token, now = clock(first_token(), "time")
    >>> print(now.type)
    weak float64
    """
    if which not in CLOCKS:
        raise TypeMismatchError(
            worded("clock", expected=f"one of {', '.join(CLOCKS)}", got=repr(which))
        )
    after, reading = items(make(CLOCK, (token,), which))
    return after, reading


def _clock_type(token: Type, *, attr: str) -> TupleType:
    dtype = "int64" if attr.endswith("_ns") else "float64"
    return TupleType((_token_type(token, "clock"), Type(dtype, (), True)))  # type: ignore[arg-type]  # one of two


def _clock_value(token: Any, *, attr: str) -> tuple[Any, Any]:
    return token, getattr(time, attr)()


CLOCK: Op = register(
    Op(
        name="clock",
        doc="The next token, and the reading of a clock.",
        result=_clock_type,
        evaluate=_clock_value,
        diff=NoDerivative("time passes whatever is computed", zero=True),
        spell=Spelling(
            statement=lambda node, args, names: [f"{names[-1]} = time.{node.attr}()"],
        ),
        effect=True,
        exempt={"text": "an effect is no formula"},
        samples=(Sample(build=lambda: items(make(CLOCK, (first_token(),), "time"))),),
    )
)


def wait(token: Expr, seconds: Any) -> Expr:
    """The next token, after a pause.

    >>> wait(first_token(), 0.0).evaluate()
    0
    """
    return make(WAIT, (token, lift(seconds)))


def _wait_value(token: Any, seconds: Any) -> Any:
    time.sleep(seconds)
    return token


WAIT: Op = register(
    Op(
        name="wait",
        doc="The next token, after a pause of some seconds.",
        result=lambda token, seconds: _token_type(token, "wait"),
        evaluate=_wait_value,
        diff=NoDerivative("time passes whatever is computed", zero=True),
        spell=Spelling(statement=lambda node, args, names: [f"time.sleep({args[1]})"]),
        effect=True,
        exempt={"text": "an effect is no formula"},
        samples=(Sample(build=lambda: wait(first_token(), 0.0)),),
    )
)
