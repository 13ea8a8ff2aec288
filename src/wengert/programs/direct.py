"""Calls that go straight to machine code: which programs can be called so, and what has to hold.

A call of a transformed function finds out which captured program serves the arguments, whether everything
outside is as it was, runs the program and puts the result together. For numbers and arrays all of this can be
written as machine code too (`native/wrapper.py`); what does not fit exactly goes the ordinary way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from wengert.frontend.capture import Captured, Leaf, Result
from wengert.frontend.staging.adopting import Content, Guard, Hidden, Item
from wengert.frontend.staging.context import CAPTURES
from wengert.frontend.trees import Tree
from wengert.frontend.varying import LEAST_EXTENT
from wengert.native.calling import Outside
from wengert.native.compiled import Loaded
from wengert.native.signature import Array, Number, NumPyNumber, Signature
from wengert.native.signature import Result as Given
from wengert.native.signature import leaves as leaves_of

__all__ = ["direct_entry"]

# Any, throughout: arguments and results are whatever the user passes and returns.

MOST = 16  # places outside that are looked at in each call
ARRAYS = 6  # arguments that are arrays: each is compared with each
_FLOATS = {True: "float", False: "float64"}
_WHOLES = {True: "int", False: "int64"}
_COMPLEX = {True: "complex", False: "complex128"}
# Numbers that are the same words, whether they are given as Python's or as NumPy's.
_ALIKE = {"float64": "float", "int64": "int", "complex128": "complex"}


class _Misfit(Exception):  # noqa: N818  never leaves this file
    """The program is not one of these."""


def direct_entry(
    captured: Captured,
    loaded: Loaded,
    floats: Collection[int],
    name: str,
    ordinary: Callable[..., Any],
    error: Callable[[int, bytes], BaseException | None],
    *,
    out: bool = False,
) -> Callable[..., Any] | None:
    """A builtin that does what a call of a captured program does, if there can be one.

    ``floats`` are the places of arguments where a Python integer is taken for the float it equals;
    ``ordinary`` is called with the arguments when they do not fit, or when the program fails,
    unless ``error`` knows what to raise for its code and words.
    With ``out`` it takes arrays for the result, if there are any in it and not too many.

    Raises:
        NativeError: no builtins can be made here.
    """
    try:
        unchanged = _unchanged(captured)
        hidden = [_outside(each.read) for each in captured.hidden]
        parameters = _parameters(captured, loaded.signature, floats)
        result = _result(captured, loaded.signature)
    except _Misfit:
        return None

    def failed(code: int, words: bytes, *args: Any) -> Any:
        known = error(code, words)
        if known is not None:
            raise known
        return ordinary(*args)

    signature = Signature(
        parameters,
        result,
        out=out and 0 < sum(isinstance(leaf, Array) for leaf in leaves_of(result)) <= ARRAYS,
        hidden=tuple([place.where for place in hidden]),
        unchanged=tuple([place.where for place, _ in unchanged]),
        distinct=sum(isinstance(p, Array) for p in parameters) > 1,
        unread=int(captured.checks),  # the token
    )
    return loaded.entry(
        name, ordinary, failed, signature=signature, unchanged=unchanged, hidden=hidden,
        busy=CAPTURES, way="builtin",
    )  # fmt: skip


# --- what stands outside --------------------------------------------------------------------------------
def _outside(read: Callable[[], Any]) -> Outside:
    match read:
        case Item(container, key) if type(container) is dict:
            return Outside(container, key)
        case Content(container):
            return Outside(container)
    raise _Misfit


def _unchanged(captured: Captured) -> list[tuple[Outside, object]]:
    """The places that have to hold the very objects that they held when the program was captured."""
    inputs = {id(each.read) for each in captured.hidden}
    found: dict[tuple[int, str], tuple[Outside, object]] = {}
    for guard in captured.guards:
        if guard.kind == "type" and id(guard.read) in inputs:
            continue  # what is read at each call is looked at then
        place = _outside(guard.read)
        if guard.kind == "items":
            if not guard.holds():
                raise _Misfit
            listed = place.read()
            found[id(place.container), place.key] = place, listed
            found[id(listed), ""] = Outside(listed), tuple(listed)
            continue
        if not _is_held(guard, place):
            raise _Misfit
        found[id(place.container), place.key] = place, guard.value
    if len(found) + len(inputs) > MOST:
        raise _Misfit
    return list(found.values())


def _is_held(guard: Guard, place: Outside) -> bool:
    """Whether a guard holds as long as a place holds the same object."""
    if guard.kind not in ("is", "same") and not (
        guard.kind == "equal" and isinstance(guard.value, (int, float, str, bytes))
    ):
        return False
    try:
        return place.read() is guard.value
    except (KeyError, ValueError):
        return False


# --- parameters -----------------------------------------------------------------------------------------
def _parameters(
    captured: Captured, signature: Signature, floats: Collection[int]
) -> tuple[Number | Array, ...]:
    positional, named = captured.argument_tree.children
    count = len(captured.argument_leaves)
    if named.size or any(child.kind != "leaf" for child in positional.children):
        raise _Misfit
    if captured.capacity is not None or len(signature.parameters) != count + len(captured.hidden):
        raise _Misfit
    given: list[Leaf | Hidden] = [*captured.argument_leaves, *captured.hidden]
    found = [
        _parameter(source, parameter, place in floats)
        for place, (source, parameter) in enumerate(zip(given, signature.parameters, strict=True))
    ]
    if sum(isinstance(parameter, Array) for parameter in found) > ARRAYS:
        raise _Misfit
    return tuple(found)


def _parameter(source: Leaf | Hidden, parameter: Number | Array, takes_int: bool) -> Number | Array:
    type_ = source.symbol.value_type if isinstance(source, Hidden) else source.type
    if type_ is None or (isinstance(source, Leaf) and source.value is not None):
        raise _Misfit
    if isinstance(parameter, Array):
        if isinstance(source, Hidden):  # nobody holds it while the program runs
            raise _Misfit
        return Array(parameter.dtype, parameter.shape, LEAST_EXTENT)
    match parameter.kind, type_.dtype:
        case "float", "float64":
            accepted = [_FLOATS[type_.weak]]
        case "int", "int64":
            accepted = [_WHOLES[type_.weak]]
        case "complex", "complex128":
            accepted = [_COMPLEX[type_.weak]]
        case _:
            raise _Misfit
    if takes_int and type_.weak and type_.dtype == "float64":
        accepted.append("int")
    return Number(parameter.kind, tuple(accepted))


# --- results --------------------------------------------------------------------------------------------
def _result(captured: Captured, signature: Signature) -> Given:
    if captured.writes or captured.same or captured.prints:
        raise _Misfit
    outputs = tuple(leaves_of(signature.result))
    if captured.checks:
        *others, token = outputs
        if not isinstance(token, Number) or token.words != 1:
            raise _Misfit
        outputs = tuple(others)
    if len(outputs) != len(captured.results):
        raise _Misfit
    memories = [r.memory for r in captured.results if r.memory >= 0]
    if len(set(memories)) != len(memories):  # one array in several places
        raise _Misfit
    pairs = zip(captured.results, outputs, strict=True)
    return _structured(captured.result_tree, iter([_leaf(*pair) for pair in pairs]))


def _leaf(result: Result, output: Number | NumPyNumber | Array) -> Number | NumPyNumber | Array:
    if result.same is not None:
        raise _Misfit
    match result.kind, output:
        case "array", Array() if str(result.value) == output.dtype:
            return output
        case "scalar", NumPyNumber() if str(result.value) == output.dtype:
            return output
        case "scalar", Number() if _ALIKE.get(str(result.value)) == output.kind:
            return NumPyNumber(str(result.value))
        case "python", Number() if result.value == "bool" and output.kind == "bool":
            return output
        case "python", Number() if _ALIKE.get(result.value) == output.kind:
            return output
        case "python", NumPyNumber() if result.value == output.dtype in _ALIKE:
            return Number(_ALIKE[output.dtype])  # type: ignore[arg-type]  # one of the kinds
    raise _Misfit


def _structured(tree: Tree, parts: Iterator[Number | NumPyNumber | Array]) -> Given:
    if tree.kind == "leaf":
        return next(parts)
    if tree.kind == "tuple" and tree.cls is tuple:
        return tuple([_structured(child, parts) for child in tree.children])
    raise _Misfit
