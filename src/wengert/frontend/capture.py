"""Capture of ordinary Python functions: run once on handles, they become functions of the graph.

>>> import wengert as wg
>>> def newton(a):
...     x = a
...     while abs(x * x - a) > 1e-12:
...         x = (x + a / x) / 2
...     return x
>>> captured = capture(newton, (2.0,), {})
>>> [leaf.path for leaf in captured.argument_leaves]
['a']
"""

from __future__ import annotations

import inspect
import operator
import os
import re
import types
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from wengert.errors import CaptureError
from wengert.frontend.list_results import of_growing
from wengert.frontend.staging import copying, methods, ordered  # noqa: F401  for what they register
from wengert.frontend.staging.adopting import (
    Adopted,
    Capacity,
    Guard,
    Hidden,
    input_symbol,
    is_changeable,
    leaf_type,
    whole_type,
)
from wengert.frontend.staging.branches import StagedRaise
from wengert.frontend.staging.calls import call
from wengert.frontend.staging.containers import has_partial
from wengert.frontend.staging.context import (
    UNASSIGNED,
    Context,
    Note,
    Place,
    active,
    capturing,
    refuse,
)
from wengert.frontend.staging.deques import AsLists, deque_of
from wengert.frontend.staging.forms import attributes_of, has_attributes
from wengert.frontend.staging.growing import growing_of, set_growing
from wengert.frontend.staging.handles import (
    Array,
    Buffer,
    Choice,
    Handle,
    Partial,
    Poison,
    Scalar,
    Unroll,
    is_stale,
    may_miss,
    to_expr,
)
from wengert.frontend.staging.narrow import is_narrow, read_only
from wengert.frontend.staging.nested import Recording
from wengert.frontend.staging.recursion import Restart
from wengert.frontend.staging.source import converted_code
from wengert.frontend.tables import load_tables
from wengert.frontend.trees import Tree, flatten
from wengert.frontend.varying import FIXED, Varying
from wengert.ir.dims import Dim
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.algebra import lift
from wengert.ops.choice import where
from wengert.ops.control.merged import merged
from wengert.ops.control.pruned import pruned
from wengert.ops.effects import filled, first_token
from wengert.ops.leaves import const
from wengert.ops.random import generator_state, set_generator_state

__all__ = ["Captured", "Leaf", "capture", "names_of"]

# Any: functions, arguments and results are the user's.
# A lambda with a default keeps the value of this turn of the loop; mypy does not infer such a lambda.


@dataclass(frozen=True)
class Leaf:
    """One leaf of the arguments: a run-time input (it has a type), or a value that is part of the program."""

    path: str
    type: Type | None
    value: Any = None


Reader = Callable[[Sequence[Any], Mapping[str, Any]], Any]  # of the arguments of a call


@dataclass(frozen=True)
class Result:
    """One leaf of the result: a value that is known, or an output with the class that Python gives it."""

    # "known", "python", "scalar", "array", "list", "none", "tree", "dict", "text" or "choice"
    kind: str
    value: Any = None  # what is known; the outputs are taken in order
    form: Any = None
    same: Reader | None = None  # an array that is the caller's own
    # Of an array that the program has made: results with the same one are one array.
    memory: int = -1
    alone: bool = False  # whether it surely is not the memory of another array


@dataclass(frozen=True)
class Write:
    """Something that the program changes in place and that is the caller's."""

    read: Reader
    tree: Tree | None
    leaves: tuple[Result, ...]


@dataclass(frozen=True)
class Captured:
    """A captured function."""

    function: Function
    argument_tree: Tree
    argument_leaves: tuple[Leaf, ...]
    hidden: tuple[Hidden, ...]
    guards: tuple[Guard, ...]
    result_tree: Tree
    result_leaves: tuple[Any, ...]  # expressions, and values that are known
    results: tuple[Result, ...]
    writes: tuple[Write, ...]
    notes: tuple[Note, ...]
    names: Mapping[Expr, str]
    lines: Mapping[Expr, Any]
    traces: Mapping[Any, int]
    risks: Mapping[str, tuple[Any, ...]]  # places where NumPy itself may raise, by kind of error
    checks: bool  # whether the last output is a token
    prints: bool  # whether running it shows
    same: tuple[
        tuple[int | None, Reader], ...
    ]  # results (or parts of a tuple) that are the caller's

    @property
    def capacity(self) -> Capacity | None:
        """The room for lists that loops change, where there are any: the last input."""
        return self.hidden[-1].capacity if self.hidden else None

    def values(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The run-time inputs: leaves of the arguments, then hidden inputs."""
        leaves = self.argument_tree.flatten_like((tuple(args), dict(kwargs)))
        known = zip(leaves, self.argument_leaves, strict=True)
        found = [
            generator_state(leaf) if about.value == "generator" else leaf
            for leaf, about in known
            if about.type is not None
        ]
        return found + [each.read() for each in self.hidden]

    def holds(self) -> bool:
        """Whether everything outside that the capture relies on is as it was."""
        return all(guard.holds() for guard in self.guards)

    @cached_property
    def may_overlap(self) -> bool:
        """Whether an array is changed and there is another one."""
        types = [leaf.type for leaf in self.argument_leaves] + [h.symbol.type for h in self.hidden]
        known = [leaf.value for leaf in self.argument_leaves]
        count = sum(isinstance(t, Type) and bool(t.shape) for t in types)
        count += sum(isinstance(v, np.ndarray) for v in known)
        return count > 1 and any(w.tree is None for w in self.writes)

    def check_apart(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Refuse arrays that are changed and overlap with others: the capture has them apart.

        Raises:
            CaptureError: two arrays share memory.
        """
        if not self.may_overlap:
            return
        written = [w.read(args, kwargs) for w in self.writes if w.tree is None]
        arrays = [a for a in written if isinstance(a, np.ndarray)]
        leaves = self.argument_tree.flatten_like((tuple(args), dict(kwargs)))
        given = zip(leaves, (leaf.path for leaf in self.argument_leaves), strict=True)
        for other, path in [*given, *((h.read(), h.name) for h in self.hidden)]:
            if not isinstance(other, np.ndarray):
                continue
            for array in arrays:
                if overlap(array, other):
                    raise CaptureError(
                        f"{self.function.name}(): `{path}` shares memory with another array that the "
                        "function changes in place; pass a copy, as in x.copy()"
                    )

    def unflatten_result(
        self,
        values: Sequence[Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        inputs: Sequence[Any] = (),
    ) -> Any:
        """The Python result for the values of the outputs; of ``inputs`` it is apart where Python's is."""
        if self.writes:  # results may be views of what is changed next
            values = [np.array(v) if isinstance(v, np.ndarray) else v for v in values]
        left = _Outputs(values, inputs)
        found = self.result_tree.unflatten([_made(r, left, (args, kwargs)) for r in self.results])
        for part, read in self.same:
            if part is None:
                return read(args, kwargs)
            found = (*found[:part], read(args, kwargs), *found[part + 1 :])
        return found

    def write_back(
        self, values: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Change the caller's things as the program did."""
        values = [np.array(v) if isinstance(v, np.ndarray) else v for v in values]
        left = _Outputs(values, ())
        skip = sum(_count(r) for r in self.results)
        for _ in range(skip):
            next(left)
        stores = []  # all are read before the first changes
        for write in self.writes:
            leaves = [_made(r, left, (args, kwargs)) for r in write.leaves]
            new = leaves[0] if write.tree is None else write.tree.unflatten(leaves)
            stores.append((write.read(args, kwargs), new))
        for target, new in stores:
            _store(target, new)


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays that are not one share memory."""
    if a is b or not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]  # any number
    except np.exceptions.TooHardError:
        return True


def _count(result: Result) -> int:
    if result.kind == "known":
        return 0
    if result.kind == "none":
        return 1 + sum(_count(r) for r in result.form[1])
    if result.kind == "dict":
        return sum(flag + sum(_count(r) for r in inner) for _, flag, _, inner in result.form[1])
    if result.kind == "text":
        return len(result.value[1])
    if result.kind in ("tree", "object"):
        return sum(_count(r) for r in result.form[1])
    if result.kind == "list":
        return len(result.form[1])
    return 1


class _Outputs:
    """The values of outputs one by one; arrays that the program has made get memory of their own."""

    def __init__(self, values: Sequence[Any], inputs: Sequence[Any]) -> None:
        self.values, self.inputs = iter(values), inputs
        self.known: dict[int, np.ndarray] = {}

    def __iter__(self) -> _Outputs:
        return self

    def __next__(self) -> Any:
        return next(self.values)

    @cached_property
    def taken(self) -> set[int]:
        """The arrays whose memory is an input's or another result's, by id."""
        return {id(_memory(v)) for v in self.inputs if isinstance(v, np.ndarray)}

    def apart(self, value: np.ndarray, result: Result) -> np.ndarray:
        """The array, or a copy if it is an input's, another result's or not to be changed."""
        found = self.known.get(result.memory)
        if found is None:
            shared = id(_memory(value)) in self.taken or not value.flags.writeable
            found = self.known[result.memory] = value.copy() if shared else value
            if result.alone:
                self.taken.add(id(_memory(found)))
        return found


def _memory(array: np.ndarray) -> Any:
    """The array whose memory this one is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _made(result: Result, values: Any, given: tuple[Any, Any]) -> Any:
    found = _built(result, values, given)
    return found if result.same is None else result.same(*given)


def _built(result: Result, values: Any, given: tuple[Any, Any]) -> Any:
    if result.kind == "known":
        value = result.value
        return value.copy() if isinstance(value, np.ndarray) else value
    if result.kind == "none":
        missing = bool(next(values))
        tree, leaves = result.form
        inner = tree.unflatten([_made(r, values, given) for r in leaves])
        return None if missing else inner
    if result.kind in ("tree", "object"):
        tree, leaves = result.form
        inner = tree.unflatten([_made(r, values, given) for r in leaves])
        return inner if result.kind == "tree" else result.value(inner)
    if result.kind == "dict":
        cls, entries = result.form
        found = cls()
        for key, flagged, tree, inner in entries:
            missing = flagged and bool(next(values))
            value = tree.unflatten([_made(r, values, given) for r in inner])
            if not missing:
                found[key] = value
        return found
    if result.kind == "text":
        template, kinds = result.value
        return filled(template, kinds, [next(values) for _ in kinds])
    if result.kind == "choice":
        return result.value[int(next(values))]
    if result.kind == "list":
        rebuild, stacks = result.form
        arrays = [next(values) for _ in stacks]
        return rebuild(arrays)
    value = next(values)
    if result.kind == "python":
        return _PYTHON[result.value](value)
    dtype = result.value
    if result.kind == "scalar":
        return (
            np.dtype(dtype).type(value)
            if not isinstance(value, np.generic) or value.dtype != dtype
            else value
        )
    array = np.asarray(value, dtype)
    return array if result.memory < 0 else values.apart(array, result)


_PYTHON: dict[Any, Any] = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


def _store(target: Any, value: Any) -> None:
    if isinstance(target, np.ndarray):
        target[...] = value
    elif isinstance(target, list):
        target[:] = value
    elif isinstance(target, dict):
        for key in [k for k in target if k not in value]:
            del target[key]
        target.update(value)
    elif isinstance(target, (np.random.Generator, np.random.RandomState)):
        set_generator_state(target, np.asarray(value))
    elif isinstance(target, set):
        target.clear()
        target.update(value)
    elif isinstance(target, deque):
        target.clear()
        target.extend(value)
    else:
        for name in attributes_of(target).keys() - value.keys():
            object.__delattr__(target, name)
        for name, part in value.items():
            object.__setattr__(target, name, part)


# --- capturing ---------------------------------------------------------------------------------------------
def names_of(function: Any, count: int) -> list[str]:
    """The names of the positional parameters."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "arg")
    return [names[i] if i < len(names) else f"{rest}[{i - len(names)}]" for i in range(count)]


def capture(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    eager: bool = False,
    varying: Varying = FIXED,
) -> Captured:
    """Record the function for arguments like these.

    With ``eager`` the values of the arguments decide every branch (tape mode): the graph is that of this
    one run. What is ``varying`` in the arguments is only known when the program runs.

    Raises:
        CaptureError: something in the program cannot be captured; it names the user's line.
    """
    load_tables()
    recursive: set[Any] = set()
    counting: set[Any] = set()
    unrolled: set[Any] = set()
    lists_for_deques = False
    try:
        while True:
            context = Context({} if eager else None)
            context.recursive, context.unrolled, context.counting = recursive, unrolled, counting
            context.lists_for_deques = lists_for_deques
            context.token = first_token()
            context.adopted = Adopted(context)
            try:
                with capturing(context):
                    return _captured(context, function, args, kwargs, varying)
            except Restart as restart:
                (counting if restart.counting else recursive).add(restart.code)
            except Unroll as unroll:
                unrolled.add(unroll.where)
            except AsLists:
                lists_for_deques = True
    except CaptureError as error:
        plain = CaptureError(str(error))
        plain.filename, plain.lineno = error.filename, error.lineno
        _raise_at(plain, _of_user(error.__traceback__))
    except RecursionError as error:
        if eager:
            raise
        _raise_at(*_endless(_of_user(error.__traceback__)))
    except Exception as error:
        error.__traceback__ = _of_user(error.__traceback__) or error.__traceback__
        raise


def _endless(
    traceback: types.TracebackType | None,
) -> tuple[CaptureError, types.TracebackType | None]:
    """A function that calls itself with ever other structures, at the user's first line that does so."""
    if traceback is None:
        return CaptureError("recursion deeper than Python allows during capture"), None
    lines: dict[types.CodeType, int] = {}
    last = traceback
    while last.tb_next is not None:
        last = last.tb_next
        lines[last.tb_frame.f_code] = lines.get(last.tb_frame.f_code, 0) + 1
    code = max(lines, key=lines.__getitem__, default=last.tb_frame.f_code)
    first = traceback
    while first.tb_frame.f_code is not code and first.tb_next is not None:
        first = first.tb_next
    error = CaptureError(
        f"{os.path.basename(code.co_filename)}:{first.tb_lineno} in {code.co_name}(): calls itself during "
        "capture without end: it is given other lists, extents or objects each time, and only running it "
        "tells when it stops; give it arrays of fixed size and places in them, write it as a loop, or "
        "mode='tape'"
    )
    error.filename, error.lineno = code.co_filename, first.tb_lineno
    return error, types.TracebackType(None, first.tb_frame, first.tb_lasti, first.tb_lineno)


def _raise_at(error: CaptureError, traceback: types.TracebackType | None) -> NoReturn:
    """Raise the error with a traceback that ends in the user's line."""
    if traceback is not None:
        raise error.with_traceback(traceback) from None
    # The line has been left already: a frame that stands for it.
    text = "\n" * (max(error.lineno, 1) - 1) + "raise error from None"
    exec(compile(text, error.filename or "<unknown>", "exec"), {"error": error})
    raise error


def _of_user(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """The frames of the user's own code."""
    frames = []
    while traceback is not None:
        if converted_code(traceback.tb_frame.f_code):
            frames.append(traceback)
        traceback = traceback.tb_next
    found: types.TracebackType | None = None
    for each in reversed(frames):
        found = types.TracebackType(found, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return found


def _captured(
    context: Context,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    varying: Varying,
) -> Captured:
    context.home = _home(function)
    leaves, tree = flatten((tuple(args), dict(kwargs)))
    paths = _paths(function, args, kwargs)
    inputs: list[Expr] = []
    about: list[Leaf] = []
    given: list[Any] = []
    known: dict[int, Any] = {}
    sizes = varying.sizes({re.split(r"\W", path)[0] for path in paths})
    context.least_sizes = {name: varying.least for dim in sizes.values() for name in dim.names}
    for position, (leaf, path) in enumerate(zip(leaves, paths, strict=True)):
        type_ = _input_type(leaf, position, varying, sizes)
        handle = _argument(context, leaf, type_, path, position, inputs, about, known)
        given.append(handle)
    positional, named = _one_each((tuple(args), kwargs), tree.unflatten(given))
    start = _snapshot((positional, named))
    context.arguments = (positional, named)
    context.readers = {
        leaf.buffer.serial: _reader(tree, place)
        for place, leaf in reversed(list(enumerate(given)))
        if isinstance(leaf, Array)
    }
    _give(context, (positional, named))
    for position, value in enumerate(positional):
        _lent(value, lambda args, kwargs, p=position: args[p], context.lent)  # type: ignore[misc]
    for name, value in named.items():
        _lent(value, lambda args, kwargs, n=name: kwargs[n], context.lent)  # type: ignore[misc]
    try:
        result = _run(context, function, positional, named)
    except StagedRaise as staged:
        raise staged.error from None
    same = _same(context, result)
    writes, write_exprs = _writes(context, (positional, named), start, tree)
    results, result_exprs, result_tree, shown = _results(context, result)
    token = context.token
    checks = token is not first_token()
    context.undo(context.layers[0])
    hidden = tuple(sorted(context.adopted.hidden, key=lambda h: h.capacity is not None))
    if hidden and hidden[-1].capacity is not None:
        hidden[-1].capacity.shows = context.shows
    inputs += [h.symbol for h in hidden]
    outputs = [*result_exprs, *write_exprs, *([token] if checks else [])]
    name = getattr(function, "__name__", type(function).__name__)
    closed = Function(tuple(inputs), tuple(outputs), name if name.isidentifier() else "f")
    small = pruned(merged(closed))
    swap = dict(zip(closed.outputs, small.outputs, strict=True))
    return Captured(
        function=small,
        argument_tree=tree,
        argument_leaves=tuple(about),
        hidden=hidden,
        guards=tuple(context.adopted.guards),
        result_tree=result_tree,
        result_leaves=tuple(swap.get(e, e) if isinstance(e, Expr) else e for e in shown),
        results=tuple(results),
        writes=tuple(writes),
        notes=tuple(context.notes),
        names=dict(context.names),
        lines=dict(context.lines),
        traces=dict(context.traces),
        risks={kind: tuple(places) for kind, places in context.risks.items()},
        checks=checks,
        prints=context.shows,
        same=same,
    )


def _one_each(originals: Any, made: Any) -> Any:
    """Arguments with one list, dict or object for each that the caller has."""
    positional, named = made
    known: dict[int, Any] = {}
    given = [*zip(originals[0], positional, strict=True)]
    given += [(originals[1][name], value) for name, value in named.items()]
    for original, value in given:
        known.setdefault(id(original), value)
    return (
        tuple(known[id(o)] if is_changeable(o) else v for o, v in given[: len(positional)]),
        {n: known[id(originals[1][n])] if is_changeable(v) else v for n, v in named.items()},
    )


def _same(context: Context, result: Any) -> tuple[tuple[int | None, Reader], ...]:
    """What of a result is a list, dict or object of the caller's."""
    readers: dict[int, Reader] = {id(value): read for read, value, _ in context.lent}
    whole = is_changeable(result) and readers.get(id(result))
    if whole:
        return ((None, whole),)
    parts = enumerate(result) if type(result) is tuple else ()
    return tuple((k, readers[id(v)]) for k, v in parts if is_changeable(v) and id(v) in readers)


def _give(context: Context, value: Any) -> None:
    """Note the containers of the arguments."""
    parts = value
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, (Handle, type)) or not isinstance(value, (list, tuple)):
        if isinstance(value, Handle) or not has_attributes(value):
            return
        parts = attributes_of(value).values()
    if id(value) in context.given:
        return
    context.given[id(value)] = value
    for part in parts:
        _give(context, part)


def _home(function: Any) -> Place | None:
    """The line where the function is defined.

    Raises:
        CaptureError: it is a generator or a coroutine.
    """
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    home = Place(code.co_filename, code.co_firstlineno, code.co_name)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        refuse("an async function cannot be captured; write it without async", at=home)
    if inspect.isgeneratorfunction(function):
        refuse("a generator function cannot be captured; return a list or an array", at=home)
    return home


def _run(context: Context, function: Any, positional: Any, named: Any) -> Any:
    hook = getattr(function, "__wengert_call__", None)
    if hook is not None:
        from wengert.frontend.staging.nested import as_exprs, as_handles

        given, keywords = as_exprs((positional, named))
        result = as_handles(hook(Recording(context), given, keywords))
        if getattr(function, "transform", "") != "jit":
            for note in context.notes:
                if note.kind == "passive":
                    warnings.warn(f"{note.where}: {note.text}", UserWarning, stacklevel=2)
    else:
        result = call(context.adopted.program(function), *positional, **named)
    return result


def _paths(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for value, name in zip(args, names_of(function, len(args)), strict=True):
        found += flatten(value)[1].paths(name)
    for name, value in kwargs.items():
        found += flatten(value)[1].paths(name)
    return found


def _input_type(
    leaf: Any, position: int, varying: Varying, sizes: Mapping[tuple[int, int], Dim]
) -> Type | None:
    """The type of an argument that is a run-time input, with the sizes that vary."""
    type_ = whole_type(leaf) if position in varying.wholes else leaf_type(leaf)
    if type_ is None or not type_.shape:
        return type_
    shape = (sizes.get((position, axis), e) for axis, e in enumerate(type_.shape))
    return Type(type_.dtype, tuple(shape))


def _argument(
    context: Context,
    leaf: Any,
    type_: Type | None,
    path: str,
    position: int,
    inputs: list[Expr],
    about: list[Leaf],
    known: dict[int, Any],
) -> Any:
    if type_ is not None:
        name = "".join(c if c.isalnum() or c == "_" else "_" for c in path).strip("_") or "v"
        while name in context.adopted.taken:
            name += "_"
        context.adopted.taken.add(name)
        symbol = input_symbol(name, type_)
        inputs.append(symbol)
        about.append(Leaf(path, type_))
        context.give(symbol, leaf)
        if not isinstance(leaf, np.ndarray):
            return Scalar(symbol)
        if id(leaf) in known:
            context.adopted.taken.add(name)
            return known[id(leaf)]
        array = Array(Buffer(symbol))
        context.buffer_names[array.buffer.serial] = path
        known[id(leaf)] = array
        return array
    about.append(Leaf(path, None, leaf))
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biu":
        if id(leaf) in known:
            return known[id(leaf)]
        if is_narrow(leaf):
            return read_only(leaf) if leaf.ndim else leaf[()]
        held = Array(Buffer(lift(leaf))) if leaf.ndim else leaf[()]
        known[id(leaf)] = held
        return held
    if isinstance(leaf, (np.random.Generator,)):
        from wengert.frontend.staging.library import Generator

        name = path if path.isidentifier() else "rng"
        state = generator_state(leaf)
        type_ = Type("int64", state.shape)
        about[-1] = Leaf(path, type_, "generator")
        symbol = input_symbol(name, type_)
        inputs.append(symbol)
        context.give(symbol, state)
        made = Generator(symbol)
        context.generators.append((position, made))
        return made
    if isinstance(leaf, (int, str, bool, bytes, type(None), np.generic)) or (
        callable(leaf) and not hasattr(leaf, "__dict__")
    ):
        return leaf
    return context.adopted.value(leaf, path, lambda: leaf)


# --- results --------------------------------------------------------------------------------------
def _results(
    context: Context, result: Any, *, lent: bool = False
) -> tuple[list[Result], list[Expr], Tree, list[Any]]:
    """How the result is put together, and the expressions that it needs.

    What is ``lent`` by the caller stays what it is; else its contents are a part of the result.
    """
    owners = {id(value) for _, value, _ in context.lent} if lent else set()
    leaves, tree = flatten(result, is_leaf=lambda v: id(v) in owners or _is_leaf(v))
    _check_keys(tree)
    exprs: list[Expr] = []
    shown: list[Any] = []
    found: list[Result] = []
    for leaf in leaves:
        found.append(_result(context, leaf, exprs, shown))
    return found, exprs, tree, shown


def _check_keys(tree: Tree) -> None:
    if any(isinstance(key, Handle) for key in tree.keys):
        refuse("a dict has a run-time value as a key; return the keys in a list or an array")
    for child in tree.children:
        _check_keys(child)


def _is_leaf(value: Any) -> bool:
    return (
        isinstance(value, (Handle, Poison))
        or (type(value) is list and (_is_dynamic(value) or deque_of(value) is not None))
        or (isinstance(value, dict) and has_partial(value))
    )


def _is_dynamic(value: list[Any]) -> bool:
    from wengert.frontend.staging.growing import is_growing

    return is_growing(value)


def _result(context: Context, leaf: Any, exprs: list[Expr], shown: list[Any]) -> Result:
    if may_miss(leaf):
        leaf = leaf.certain()
    if isinstance(leaf, Poison) and not isinstance(leaf, Choice):
        leaf._fail()
    if isinstance(leaf, dict) and has_partial(leaf):
        return _partial_dict(leaf, context, exprs, shown)
    if not isinstance(leaf, (Handle, Poison)):
        lender = next((read for read, value, _ in context.lent if value is leaf), None)
        if lender is not None:
            shown.append(leaf)
            return Result("known", same=lender)
        content = _made_of(leaf)
        if content is not None:
            return _object_result(leaf, *content, context, exprs, shown)
    stands_for = deque_of(leaf)
    if stands_for is not None:
        most = stands_for[1]
        whole = call(list, leaf)
        return _object_result(leaf, whole, lambda items: deque(items, most), context, exprs, shown)
    if isinstance(leaf, (list, tuple, dict)) and not (type(leaf) is list and _is_dynamic(leaf)):
        inner, inner_exprs, tree, inner_shown = _results(context, leaf)
        exprs += inner_exprs
        shown += inner_shown
        return Result("tree", form=(tree, inner))
    if isinstance(leaf, Choice):
        exprs.append(leaf.index)
        shown.append(leaf.index)
        return Result("choice", leaf.options)
    if isinstance(leaf, Partial):
        exprs.append(leaf.missing)
        shown.append(leaf.missing)
        inner, inner_exprs, tree, _ = _results(context, leaf.value)
        exprs += inner_exprs
        shown += inner_exprs
        return Result("none", form=(tree, inner))
    if type(leaf) is list and _is_dynamic(leaf):
        rows, rebuild = of_growing(leaf)
        exprs += rows
        shown += rows
        return Result("list", form=(rebuild, rows))
    if isinstance(leaf, Handle):
        expr = to_expr(leaf)
        exprs.append(expr)
        shown.append(expr)
        type_ = expr.value_type
        if isinstance(leaf, Array):
            same = None if leaf.views else context.readers.get(leaf.buffer.serial)
            buffer = leaf.buffer
            reach = buffer.origins | buffer.shadows
            given = buffer.writable is not None or not reach.isdisjoint(context.readers)
            memory = -1 if leaf.views or given else buffer.serial
            return Result("array", type_.dtype, same=same, memory=memory, alone=len(reach) == 1)
        assert isinstance(leaf, Scalar)
        return Result("python" if leaf.weak else "scalar", type_.dtype)
    if isinstance(leaf, str):
        from wengert.frontend.staging.texts import has_marks, template_of
        from wengert.ops.effects import kind_of_value

        if has_marks(leaf):
            template, values = template_of(leaf)
            found = [to_expr(v) for v in values]
            exprs += found
            shown += found
            kinds = tuple(kind_of_value(v) for v in found)
            return Result("text", (template, kinds))
    shown.append(leaf)
    return Result("known", leaf)


def _made_of(leaf: Any) -> tuple[Any, Callable[[Any], Any]] | None:
    """Contents of an object that the capture has made, and what puts one like it together from them."""
    if isinstance(leaf, deque):
        return list(leaf), lambda items: deque(items, leaf.maxlen)
    if isinstance(leaf, dict) and type(leaf) is not dict:
        empty = leaf.copy()
        empty.clear()
        return dict(leaf), lambda items: _filled(empty.copy(), items)
    if active().born(leaf) is None or not has_attributes(leaf):
        return None
    return attributes_of(leaf), lambda items: _filled(object.__new__(type(leaf)), items)


def _filled(empty: Any, content: dict[Any, Any]) -> Any:
    _store(empty, content)
    return empty


def _object_result(
    leaf: Any,
    content: Any,
    make: Callable[[Any], Any],
    context: Context,
    exprs: list[Expr],
    shown: list[Any],
) -> Result:
    if any(leaf is other for other in context.opened):
        refuse(f"a {type(leaf).__name__} that contains itself is returned")
    context.opened.append(leaf)
    inner, inner_exprs, tree, _ = _results(context, content)
    context.opened.pop()
    exprs += inner_exprs
    shown.append(leaf)
    return Result("object", make, form=(tree, inner))


def _partial_dict(
    leaf: dict[Any, Any], context: Context, exprs: list[Expr], shown: list[Any]
) -> Result:
    """A dict some of whose keys are there under a condition."""
    entries = []
    for key, value in leaf.items():
        flagged = may_miss(value)
        if flagged:
            missing = value.missing
            value = value.value
            while may_miss(value):
                missing, value = where(missing, const(True), value.missing), value.value
            exprs.append(missing)
            shown.append(missing)
        inner, inner_exprs, tree, inner_shown = _results(context, value)
        exprs += inner_exprs
        shown += inner_shown
        entries.append((key, flagged, tree, tuple(inner)))
    return Result("dict", form=(type(leaf), tuple(entries)))


# --- what the program changed ---------------------------------------------------------------------
def _snapshot(tree: Any) -> Any:
    leaves, structure = flatten(tree)
    return structure, [
        (leaf, leaf.buffer.expr if isinstance(leaf, Array) else None) for leaf in leaves
    ]


def _writes(
    context: Context,
    arguments: Any,
    start: Any,
    tree: Tree,
) -> tuple[list[Write], list[Expr]]:
    """The caller's arrays and containers that were changed in place."""
    writes: list[Write] = []
    exprs: list[Expr] = []
    _, before = start
    for position, (leaf, expr) in enumerate(before):
        if isinstance(leaf, Array) and leaf.buffer.stale is not None:
            is_stale(leaf.buffer.stale)
        if isinstance(leaf, Array) and not leaf.views and leaf.buffer.expr is not expr:
            exprs.append(leaf.buffer.read())
            writes.append(
                Write(_reader(tree, position), None, (Result("array", leaf.buffer.type.dtype),))
            )
    for position, generator in context.generators:
        exprs.append(generator.state.expr)
        writes.append(Write(_reader(tree, position), None, (Result("array", "int64"),)))
    _container_writes(context, writes, exprs)
    for owner, generator in context.adopted.generators:
        exprs.append(generator.state.expr)
        writes.append(Write(lambda args, kwargs, o=owner: o, None, (Result("array", "int64"),)))  # type: ignore[misc]
    _global_writes(context, writes, exprs)
    return writes, exprs


def _reader(tree: Tree, position: int) -> Reader:
    """What reads a leaf of the arguments from a call."""
    before = 0
    for place, child in enumerate(tree.children[0].children):
        if before == position and child.kind == "leaf":
            return lambda args, kwargs: args[place]
        before += child.size
    return lambda args, kwargs: tree.flatten_like((tuple(args), dict(kwargs)))[position]


def _lent(value: Any, read: Reader, found: list[tuple[Reader, Any, Any]]) -> None:
    """The lists, dicts and objects in an argument, with what they hold and what reads them from a call."""
    steps: list[tuple[Any, Any]]
    if isinstance(value, dict):
        steps = [(v, operator.itemgetter(k)) for k, v in value.items()]
    elif isinstance(value, (list, tuple)):
        steps = [(v, operator.itemgetter(k)) for k, v in enumerate(value)]
    elif has_attributes(value) and not isinstance(value, Handle):
        steps = [(v, operator.attrgetter(k)) for k, v in attributes_of(value).items()]
    else:
        return
    if not isinstance(value, tuple):
        if any(value is other for _, other, _ in found):
            return
        found.append((read, value, _content(value)))
    for part, step in steps:
        _lent(part, lambda args, kwargs, s=step: s(read(args, kwargs)), found)  # type: ignore[misc]


def _content(value: Any) -> Any:
    """What a list, dict, set or object holds, in a plain container of its own."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, set):
        return set(value)
    if isinstance(value, (list, deque)):
        found = list(value)
        set_growing(found, growing_of(value))
        return found
    return attributes_of(value)


def _container_writes(context: Context, writes: list[Write], exprs: list[Expr]) -> None:
    """Lists, dicts, sets and objects of the caller, and from outside, that the program changed."""
    for read, value, before in context.lent:
        if _is_unchanged(value, _content(value), before):
            continue
        results, found, structure, _ = _results(context, _content(value), lent=True)
        exprs += found
        writes.append(Write(read, structure, tuple(results)))


def _is_unchanged(value: Any, content: Any, before: Any) -> bool:
    if isinstance(content, set):
        return bool(content == before)
    if isinstance(content, list):
        return (
            len(content) == len(before)
            and all(a is b for a, b in zip(content, before, strict=True))
            and growing_of(value) is None
        )
    return content.keys() == before.keys() and all(content[k] is before[k] for k in content)


def _global_writes(context: Context, writes: list[Write], exprs: list[Expr]) -> None:
    from wengert.frontend.staging.context import AttrSlot, CellSlot, GlobalSlot

    for slot, old in list(context.layers[0].journal.values()):
        match slot:
            case GlobalSlot():
                shared = True
            case CellSlot():  # the variables of what was captured are gone
                shared = id(slot.cell) in context.outer_cells
            case AttrSlot():
                shared = isinstance(slot.object, (type, types.ModuleType, types.FunctionType))
            case _:
                shared = False
        if shared and slot.get() is not old:
            results, found, structure, _ = _results(context, {"value": slot.get()})
            exprs += found
            writes.append(Write(lambda args, kwargs, s=slot: _Setter(s), structure, tuple(results)))  # type: ignore[misc]


class _Setter(dict):  # type: ignore[type-arg]  # takes what is stored in a variable
    def __init__(self, slot: Any) -> None:
        super().__init__()
        self.slot = slot

    def update(self, value: Any) -> None:  # type: ignore[override]
        self.slot.set(value.get("value", UNASSIGNED))
