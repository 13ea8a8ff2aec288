"""The README does what it says: its Python runs as printed, its commands exist."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

# Commands of the reader's own machine, which are not ours to test.
ASSUMED = {"git", "cd", "pip", "pipx", "uv"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text and the line of README.md where the text starts."""

    language: str
    text: str
    line: int


def blocks(text: str, *languages: str) -> list[Block]:
    """The fenced blocks in these languages, in order."""
    fence = re.compile(
        r"^(?P<mark>```+)(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=mark)\s*$", re.M | re.S
    )
    return [
        Block(m["language"], m["text"], text.count("\n", 0, m.start("text")) + 1)
        for m in fence.finditer(text)
        if m["language"] in languages
    ]


def run(block: Block, names: dict[str, Any]) -> None:
    """Execute one block; the names it binds stay in ``names`` for the blocks after it.

    A block with ``>>>`` is a doctest; any other is run as it stands.
    """
    if ">>>" not in block.text:
        # blank lines in front, so that a traceback quotes the line of the README
        exec(compile("\n" * (block.line - 1) + block.text, str(README), "exec"), names)
        return
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    case = doctest.DocTestParser().get_doctest(
        block.text, names, README.name, str(README), block.line - 1
    )
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=flags)
    runner.run(case, out=report.append, clear_globs=False)
    names.update(case.globs)
    if runner.failures:
        pytest.fail("".join(report), pytrace=False)


def complaint(command: str, root: Path = ROOT) -> str | None:
    """What keeps this command line from working; ``None`` when it exists."""
    match shlex.split(command.split(" | ")[0], comments=True):
        case []:
            return None
        case ["make", *rest]:
            targets = re.findall(r"^(\w+):", (root / "Makefile").read_text(), re.M)
            unknown = [t for t in rest if "=" not in t and t not in targets]
            return f"the Makefile has no target {', '.join(unknown)}" if unknown else None
        case ["wengert", *rest] | ["python" | "python3", "-m", "wengert", *rest]:
            sub = [rest[0]] if rest and not rest[0].startswith("-") else []
            line = [sys.executable, "-m", "wengert", *sub, "--help"]
            done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
            return done.stderr or done.stdout if done.returncode else None
        case ["python" | "python3", script, *_] if script.endswith(".py"):
            return None if (root / script).is_file() else f"{script} does not exist"
        case [first, *_]:
            return None if first in ASSUMED else f"nobody checks that `{first}` exists"


@pytest.fixture(scope="module")
def readme() -> str:
    if not README.exists():
        pytest.fail("README.md is missing: it is the first thing a reader looks for", pytrace=False)
    return README.read_text(encoding="utf-8")


# Not all of it has machine code yet, which a reader is told too.
@pytest.mark.filterwarnings("ignore::wengert.errors.NativeWarning")
def test_python_blocks_run_in_order(readme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WENGERT_BACKEND")  # as the reader has it
    names: dict[str, Any] = {"__name__": "readme"}
    for block in blocks(readme, "python", "pycon"):
        run(block, names)


def test_console_commands_exist(readme: str) -> None:
    bad = []
    for block in blocks(readme, "console"):
        for offset, line in enumerate(block.text.splitlines()):
            if line.startswith("$ ") and (reason := complaint(line[2:])):
                bad.append(f"README.md:{block.line + offset}: {line}\n    {reason}")
    assert not bad, "\n" + "\n".join(bad)


def test_a_wrong_example_is_caught() -> None:
    text = "# t\n```python\nx = 1\n```\n\n```python\n>>> x + 1\n3\n```\n"
    first, second = blocks(text, "python")
    names: dict[str, Any] = {}
    run(first, names)
    with pytest.raises(pytest.fail.Exception, match=r'(?s)README.md", line 7.*Expected:\s+3'):
        run(second, names)
    with pytest.raises(NameError):
        run(first.__class__("python", "unknown_name", 3), names)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("make demo", None),
        ("make test ARGS=-x  # with a comment", None),
        ("make supper", "no target supper"),
        ("python examples/no_such_example.py", "does not exist"),
        ("frobnicate", "nobody checks"),
    ],
)
def test_a_command_that_does_not_exist_is_caught(command: str, reason: str | None) -> None:
    found = complaint(command)
    assert found is None if reason is None else reason in (found or "")
