"""Captured programs as C: what arguments and results are called there, and which sizes are right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from wengert.errors import SourceError, worded
from wengert.frontend.capture import Captured, Result
from wengert.frontend.trees import Tree
from wengert.programs.explaining import identifier

__all__ = ["PARTS", "Part", "c_part"]

Part: TypeAlias = Literal["c", "h"]
PARTS = ("c", "h")

_OF_ONE = ("python", "scalar", "array")  # kinds of results that are one output each
_WORDS = {
    "grad": ("gradient",), "value_and_grad": ("value", "gradient"), "jacobian": ("jacobian",),
    "jacfwd": ("jacobian",), "jacrev": ("jacobian",), "hessian": ("hessian",), "hvp": ("product",),
}  # fmt: skip


def c_part(
    captured: Captured,
    part: Part,
    name: str,
    transform: str,
    doc: str | None,
    home: str,
    least: int,
) -> str:
    """The source or the header of a captured program; ``least`` is what its sizes are at least.

    Raises:
        SourceError: something in the program has no C; the message names it.
    """
    # A room that costs time to import.
    from wengert.emit.c import Names, c_source
    from wengert.lower.nest import Unsupported

    where = f"{name}.source({part!r})"
    if captured.capacity is not None:
        raise _refused(where, "lists that grow while the program runs", home)
    outputs, paths = _outputs(captured, transform, where, home)
    leaves = [leaf for leaf in captured.argument_leaves if leaf.type is not None]
    risks = captured.risks.get("IndexError", ())
    names = Names(
        identifier(name),
        tuple(_plain(str(node.attr.name)) for node in captured.function.inputs),
        tuple(outputs),
        about=_about(doc, home),
        input_paths=tuple([leaf.path for leaf in leaves] + [h.name for h in captured.hidden]),
        output_paths=tuple(paths),
        least=least,
        nodes=captured.names,
        lines=captured.lines,
        risks=" or ".join(dict.fromkeys(f"{p.file.rpartition('/')[2]}:{p.line}" for p in risks)),
    )
    try:
        made = c_source(captured.function, names)
    except Unsupported as error:
        raise _refused(where, str(error), home) from error
    return made.code if part == "c" else made.header


def _refused(where: str, what: str, home: str) -> SourceError:
    return SourceError(
        worded(
            where,
            expected="what C has: numbers, arrays of them, loops and branches",
            got=f"{what}{f', in the program of {home}' if home else ''}",
            hint='source("python")',
        )
    )


def _about(doc: str | None, home: str) -> str:
    """What the transform does and of what; then what the program says about itself."""
    first, _, rest = (doc or "").strip().partition("\n\n")
    what = (
        ""
        if first.startswith("The function, run")
        else f"{first[:1].lower()}{first[1:].rstrip('.')}"
    )
    file, _, function = home.partition(" in ")
    place = f"{function} in {file}" if function else home
    where = f"{what} of {place}" if what and place else what or place
    words = " ".join(rest.split("\n\n")[0].split())
    return "\n".join([where, *([words] if words else [])])


def _plain(name: str) -> str:
    """A name in which paths have been spelled: ``p['a'][0]`` is ``p__a___0``."""
    return re.sub(r"_{2,}", "_", name)


def _outputs(
    captured: Captured, transform: str, where: str, home: str
) -> tuple[list[str], list[str]]:
    """The names of the outputs and what they are."""
    names: list[str] = []
    paths: list[str] = []
    for short, result in zip(
        _paths(captured.result_tree, transform), captured.results, strict=True
    ):
        if _is_output(result, where, home):
            names.append(short)
            paths.append(short)
    given = [leaf.path for leaf in captured.argument_leaves]
    readers = captured.argument_tree.unflatten(given)
    for write in captured.writes:
        path = write.read(*readers)
        if write.tree is not None or not isinstance(path, str):
            raise _refused(where, "a list, dict or object that the program changes", home)
        for leaf in write.leaves:
            if _is_output(leaf, where, home):
                names.append(f"new_{path}")
                paths.append(f"{path} as the program leaves it")
    return names, paths


def _is_output(result: Result, where: str, home: str) -> bool:
    if result.kind in _OF_ONE:
        return True
    if result.kind == "known":
        return False
    raise _refused(where, f"a result of another kind ({result.kind})", home)


def _paths(tree: Tree, transform: str) -> Iterator[str]:
    """A name for each result: what the transform gives, with the way to the part."""
    words = _WORDS.get(transform, ("result",))
    if len(words) > 1 and tree.kind == "tuple" and len(tree.children) == len(words):
        for word, child in zip(words, tree.children, strict=True):
            yield from child.paths(word)
    else:
        yield from tree.paths(words[0])
