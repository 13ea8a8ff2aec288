"""The golden comparison can fail, and says what differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_files import Golden


def test_a_written_text_is_accepted(tmp_path: Path) -> None:
    Golden(tmp_path, update=True)("show/sum", "a + b")
    Golden(tmp_path)("show/sum", "a + b")
    assert (tmp_path / "show" / "sum.txt").read_text() == "a + b\n"


def test_another_text_is_refused_with_its_difference(tmp_path: Path) -> None:
    Golden(tmp_path, update=True)("show/sum", "first\na + b")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)-a \+ b\n\+b \+ a"):
        Golden(tmp_path)("show/sum", "first\nb + a")


def test_a_missing_file_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="does not exist"):
        Golden(tmp_path)("show/sum", "a + b")


def test_seeds_stay_the_same(seed: int, rng: object) -> None:
    assert seed == 465548639
