"""Captured programs in words and as source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wengert.emit.python import source
from wengert.frontend.capture import Captured
from wengert.frontend.staging.adopting import Capacity
from wengert.frontend.trees import Tree
from wengert.ir.node import Expr
from wengert.ops.counting import count_operations

__all__ = ["explanation", "python_source"]


def python_source(captured: Captured, name: str, doc: str | None) -> str:
    """The captured program as NumPy source that returns what the program returns."""
    shown, capacity = identifier(name), captured.capacity
    text = source(
        captured.function,
        name=shown if capacity is None else f"{shown}_within",
        names=captured.names,
        result=_template(captured),
        docstring=doc if capacity is None else None,
    )
    return text if capacity is None else _enlarging(text, shown, capacity, doc)


def _enlarging(text: str, name: str, capacity: Capacity, doc: str | None) -> str:
    """The source with a function that calls the other one with ever more room for lists."""
    found = re.search(rf"^def {name}_within\((.*)\):$", text, re.MULTILINE)
    assert found is not None
    *names, room = found[1].split(", ")
    quoted = "" if doc is None else f'    """{doc.strip()}"""\n'
    call = f"{name}_within({found[1]})"
    run = _SHOWN_AT_END if capacity.shows else _RUN
    body = run.format(room=room, call=call, start=capacity.value)
    whole = f"{text}\n\ndef {name}({', '.join(names)}):\n{quoted}{body}"
    if not capacity.shows:
        return whole
    own = [module for module in ("contextlib", "io", "sys") if f"import {module}\n" not in text]
    return "".join(f"import {module}\n" for module in own) + whole


_RUN = """\
    {room} = {start}
    while True:
        try:
            return {call}
        except BufferError:
            {room} *= 2
"""
_SHOWN_AT_END = """\
    {room} = {start}
    while True:
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                return {call}
        except BufferError:
            {room} *= 2
            out, err = io.StringIO(), io.StringIO()
        finally:
            sys.stdout.write(out.getvalue())
            sys.stderr.write(err.getvalue())
"""


def identifier(name: str) -> str:
    """A name for a function in source: ``grad(f)`` is ``grad_f``."""
    text = re.sub(r"\W+", "_", name).strip("_")
    return text if text.isidentifier() else f"f_{text}"


def _template(captured: Captured) -> str | None:
    """The result in terms of the outputs, where it is made of plain containers; else all outputs."""
    places = iter(range(len(captured.function.outputs)))
    leaves: list[str] = []
    for result, shown in zip(captured.results, captured.result_leaves, strict=False):
        if result.kind in ("python", "scalar", "array") and isinstance(shown, Expr):
            leaves.append(f"{{{next(places)}}}")
        elif result.kind == "known" and isinstance(result.value, (int, float, str, bool)):
            leaves.append(repr(result.value).replace("{", "{{").replace("}", "}}"))
        else:
            return None
    return _written(captured.result_tree, iter(leaves))


def _written(tree: Tree, leaves: Iterator[str]) -> str | None:
    if tree.kind == "leaf":
        return next(leaves)
    parts = [_written(child, leaves) for child in tree.children]
    if any(part is None for part in parts):
        return None
    texts = [part for part in parts if part is not None]
    match tree.kind:
        case "none":
            return "None"
        case "list":
            return f"[{', '.join(texts)}]"
        case "tuple":
            return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"
        case "dict":
            pairs = zip(tree.keys, texts, strict=True)
            return "{{" + ", ".join(f"{key!r}: {text}" for key, text in pairs) + "}}"
        case _:
            return None


def explanation(name: str, captured: Captured) -> Iterator[str]:
    """Lines on a captured program: inputs, results, loops and branches, operations."""
    yield name
    for leaf in captured.argument_leaves:
        about = "part of the program" if leaf.type is None else str(leaf.type)
        value = f" = {leaf.value!r}" if leaf.type is None else ""
        yield f"  {leaf.path}{value}: {about}"
    for hidden in captured.hidden:
        yield f"  {hidden.name}: read again at every call"
    for path, shown in zip(
        captured.result_tree.paths("result"), captured.result_leaves, strict=False
    ):
        about = str(shown.value_type) if isinstance(shown, Expr) else f"{shown!r}, known"
        yield f"  {path}: {about}"
    for note in captured.notes:
        if note.kind != "input":
            yield f"  {note.where}: {note.kind}: {note.text}"
    yield f"  cost: {count_operations(captured.function.outputs)}"
