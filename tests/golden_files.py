"""Texts that people read, kept as files and compared as a whole.

``golden("show/quotient_rule", text)`` compares with ``tests/golden/show/quotient_rule.txt``;
``pytest --update-golden`` writes the files anew, for review with ``git diff``.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True, slots=True)
class Golden:
    """Compares texts with the files under ``folder``, or writes them when ``update`` is set."""

    folder: Path = GOLDEN
    update: bool = False

    def __call__(self, case: str, text: str, *, suffix: str = ".txt") -> None:
        """Fail with a readable difference unless ``text`` is what the file of ``case`` holds.

        ``case`` is ``"folder/name"``, the folder being the room of the text. A last line break is
        added where the text has none.
        """
        path = self.folder / f"{case}{suffix}"
        got = text if text.endswith("\n") else text + "\n"
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(got, encoding="utf-8", newline="\n")
            return
        shown = f"golden/{case}{suffix}"
        if not path.exists():
            pytest.fail(f"{shown} does not exist; `pytest --update-golden` writes:\n{got}", False)
        want = path.read_text(encoding="utf-8")
        if got != want:
            lines = unified_diff(
                want.splitlines(), got.splitlines(), shown, "this run", lineterm="", n=3
            )
            diff = "\n".join(lines) or "only line ends or trailing space differ"
            pytest.fail(f"{diff}\n\nwanted as it is now? `pytest --update-golden`", False)
