"""Captured programs in words and as source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wengert.emit.python import source
from wengert.frontend.capture import Captured
from wengert.frontend.trees import Tree
from wengert.ir.node import Expr
from wengert.ops.counting import count_operations

__all__ = ["explanation", "python_source"]


def python_source(captured: Captured, name: str, doc: str | None) -> str:
    """The captured program as NumPy source that returns what the program returns."""
    return source(
        captured.function,
        name=identifier(name),
        names=captured.names,
        result=_template(captured),
        docstring=doc,
    )


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
