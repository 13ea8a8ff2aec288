"""Imports point one way: a file imports from its own room or from rooms to its left.

Function-level and type-checking imports count too; each offence is reported as ``file:line``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "wengert"

ORDER = (
    ("errors",),
    ("ir",),
    ("ops",),
    ("run", "rewrite", "frontend"),  # rooms of one step never import each other
    ("diff",),
    ("show", "lower"),
    ("emit", "native"),
    ("programs",),
    ("app",),
)
RANK = {room: step for step, rooms in enumerate(ORDER) for room in rooms}
SHOWN = " <- ".join(r[0] if len(r) == 1 else f"{{ {' | '.join(r)} }}" for r in ORDER)

# Third-party and slow imports, and the only rooms that may have them.
CONFINED = {
    "llvmlite": {"native"},
    "rich": {"app"},
    "typer": {"app"},
    "http": {"app"},
    "socketserver": {"app"},
    "webbrowser": {"app"},
}


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of every import in the file, at whatever depth."""
    package = [root.name, *path.relative_to(root).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package[: len(package) - level + 1] if level else []
                stem = ".".join([*base, *([module] if module else [])])
                # `from wengert import ir` imports the room, not the package
                bare = stem == root.name
                yield from ((node.lineno, f"{stem}.{a.name}" if bare else stem) for a in names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_], func=func) if ast.unparse(
                func
            ).endswith(("import_module", "__import__")):
                yield node.lineno, name


def offences(root: Path) -> list[str]:
    """Every import that breaks the order, worded for whoever wrote it."""
    found = []
    for path in sorted(root.rglob("*.py")):
        room = path.relative_to(root).with_suffix("").parts[0]
        for line, name in imported(path, root):
            reason = objection(room, name.split("."), root.name)
            if reason:
                found.append(f"{path.relative_to(root.parent)}:{line}: {reason}")
    return found


def objection(room: str, name: list[str], package: str) -> str | None:
    """Why a file of ``room`` may not import ``name``; ``None`` when it may."""
    if name[0] in CONFINED and room not in CONFINED[name[0]]:
        return f"only {', '.join(CONFINED[name[0]])} may import {name[0]}"
    if room in ("__init__", "__main__"):
        return None
    if room not in RANK:
        return f"{room} is no room; the rooms are {SHOWN}"
    if name[0] != package or room == "app":
        return None
    target = name[1] if len(name) > 1 else ""
    if target not in RANK:
        return f"{room} imports {'.'.join(name)}; import from the room that defines it"
    if target == room or RANK[target] < RANK[room]:
        return None
    return f"{room} may not import {target}; allowed: {SHOWN}"


def test_imports_point_one_way() -> None:
    found = offences(SRC)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("ir/node.py", "import wengert.ops.trig", "ir may not import ops"),
        ("ir/node.py", "from wengert import errors, diff", "ir may not import diff"),
        ("ops/trig.py", "def f():\n    from ..diff import rules", "ops may not import diff"),
        ("run/reference.py", "from wengert.rewrite.exact import x", "run may not import rewrite"),
        ("emit/c.py", "from wengert.native import engine", "emit may not import native"),
        ("diff/api.py", "import wengert", "import from the room that defines it"),
        ("diff/api.py", "from wengert import grad", "import from the room that defines it"),
        ("ir/op.py", "from .. import show", "ir may not import show"),
        ("ir/op.py", "if TYPE_CHECKING:\n    from wengert.diff import x", "ir may not import diff"),
        ("ir/op.py", "importlib.import_module('wengert.app')", "ir may not import app"),
        ("lower/memory.py", "import llvmlite.binding", "only native may import llvmlite"),
        ("__init__.py", "from rich.table import Table", "only app may import rich"),
        ("helpers/x.py", "import os", "helpers is no room"),
    ],
)
def test_a_planted_offence_is_found(tmp_path: Path, file: str, text: str, reason: str) -> None:
    planted = tmp_path / "wengert" / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text)
    (found,) = offences(tmp_path / "wengert")
    assert found.startswith(f"wengert/{file}:{len(text.splitlines())}: ")
    assert reason in found


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("errors.py", "import difflib"),
        ("ir/node.py", "from wengert.errors import worded\nfrom . import types\nimport numpy"),
        ("diff/api.py", "from wengert.frontend import parse\nfrom ..rewrite.exact import x"),
        ("native/engine.py", "import llvmlite\nfrom wengert.lower import loops"),
        ("app/cli.py", "import typer, wengert as wg\nfrom wengert import grad"),
        ("__init__.py", "from wengert.diff.api import grad\nfrom wengert.native import x"),
    ],
)
def test_an_allowed_import_is_let_through(tmp_path: Path, file: str, text: str) -> None:
    planted = tmp_path / "wengert" / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text)
    assert offences(tmp_path / "wengert") == []
