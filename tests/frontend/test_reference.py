"""The reference page of the formula language does what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from wengert.frontend.names import is_function

PAGE = Path(__file__).parents[2] / "docs/reference/formula-language.md"


def test_the_examples_of_the_reference_page() -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert tried >= 5
    assert failed == 0


def _listed() -> list[str]:
    """The functions named in the table of functions, without their arguments."""
    table = PAGE.read_text(encoding="utf-8").split("## Functions")[1].split("\n\n")[2]
    codes = [code for code in table.split("`")[1::2] if "=" not in code]
    words = " ".join(code.partition("->")[0] for code in codes).replace("...", " ").split()
    return sorted(
        {w.partition("(")[0] for w in words if w[0].isalpha() and not w.endswith((")", ","))}
    )


@pytest.mark.parametrize("name", _listed())
def test_functions_of_the_reference_page_exist(name: str) -> None:
    assert is_function(name)
