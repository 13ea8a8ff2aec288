"""The documentation is true: examples print what they say, links lead somewhere, pages are up to date."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if ">>>" in p.read_text(encoding="utf-8"))
TEXTS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


# In an interpreter of its own: dumps number nodes by age, so what ran before would show.
RUN = """
import doctest, sys
text = open(sys.argv[1], encoding="utf-8").read().replace("```", "")
flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
test = doctest.DocTestParser().get_doctest(text, {}, sys.argv[1], sys.argv[1], 0)
result = doctest.DocTestRunner(optionflags=flags).run(test)
assert result.attempted > 0
sys.exit(bool(result.failed))
"""


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(DOCS)) for p in PAGES])
def test_examples_of_the_page(page: Path) -> None:
    line = [sys.executable, "-X", "utf8", "-c", RUN, str(page)]
    # As the reader has it: by the default backend.
    setting = {name: value for name, value in os.environ.items() if name != "WENGERT_BACKEND"}
    done = subprocess.run(
        line, capture_output=True, text=True, encoding="utf-8", check=False, env=setting
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_examples() -> None:
    assert PAGES


# --- links -------------------------------------------------------------------------------------------
def anchors(text: str) -> set[str]:
    """The names by which headings can be linked to, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page: Path) -> Iterator[str]:
    """Links to files or headings of this repository that do not exist."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("page", TEXTS, ids=[str(p.relative_to(ROOT)) for p in TEXTS])
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A head\n[ok](#a-head) [no](#b) [gone](x.md) [web](https://x.y)\n`[code](y.md)`\n"
    )
    assert [line.split(":")[0] for line in broken_links(page)] == ["#b", "x.md"]


def missing_files(page: Path) -> Iterator[str]:
    """Files of the project that a page names and that are not there."""
    rooms = "src|tests|docs|examples|benchmarks|ops|ir|run|rewrite|frontend|diff|show|app"
    named = re.findall(rf"`((?:{rooms})/[\w/.]*)`", page.read_text(encoding="utf-8"))
    for name in named:
        if not any((place / name).exists() for place in (ROOT, ROOT / "src" / "wengert")):
            yield name


@pytest.mark.parametrize("page", TEXTS, ids=[str(p.relative_to(ROOT)) for p in TEXTS])
def test_files_that_are_named_exist(page: Path) -> None:
    assert list(missing_files(page)) == []


@pytest.mark.parametrize("page", TEXTS, ids=[str(p.relative_to(ROOT)) for p in TEXTS])
def test_no_path_of_a_machine_is_named(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|home|root|tmp|Users)/", text)


# --- pages made from the code -------------------------------------------------------------------------
@pytest.mark.parametrize("script", ["generate_ops.py", "generate_coverage.py"])
def test_generated_pages_are_up_to_date(script: str) -> None:
    line = [sys.executable, str(DOCS / script), "--check"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_benchmark_is_listed() -> None:
    folder = ROOT / "benchmarks"
    scripts = {
        p.name for p in folder.glob("*.py") if "\ndef main(" in p.read_text(encoding="utf-8")
    }
    listed = set(re.findall(r"^\| `(\w+\.py)`", (folder / "README.md").read_text("utf-8"), re.M))
    assert listed == scripts - {"run.py"}
