"""``import wengert as wg``: every public name is there, says what it does, and costs little."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest
from test_layers import CONFINED

import wengert
from wengert.frontend.names import function_names

FUNCTIONS = [
    *(("wengert", name) for name in wengert.__all__),
    *(("numeric", name) for name in wengert.numeric.__all__),
]


def test_version_is_that_of_the_package() -> None:
    assert wengert.__version__ == version("wengert")


def test_public_names_are_listed_once_and_in_order() -> None:
    assert len(set(wengert.__all__)) == len(wengert.__all__)
    assert set(wengert.__all__) <= set(dir(wengert))


@pytest.mark.parametrize("name", sorted(wengert.__all__))
def test_every_public_name_says_what_it_does(name: str) -> None:
    thing = getattr(wengert, name)
    if callable(thing) or hasattr(thing, "__path__"):
        assert (thing.__doc__ or "").strip(), f"wengert.{name} has no docstring"


@pytest.mark.parametrize(("room", "name"), FUNCTIONS, ids=[f"{r}.{n}" for r, n in FUNCTIONS])
def test_every_public_function_has_an_example(room: str, name: str) -> None:
    """The examples are doctests, so they are executed."""
    thing = getattr(wengert if room == "wengert" else wengert.numeric, name)
    if inspect.isfunction(thing):
        assert thing.__module__.split(".")[0] == "wengert", "its doctests would not be collected"
        assert ">>>" in (inspect.getdoc(thing) or ""), f"{room}.{name} has no example"


def test_every_function_of_formulas_says_what_it_does() -> None:
    silent = [n for n in function_names() if not (getattr(wengert, n).__doc__ or "").strip()]
    assert silent == []


def test_importing_wengert_loads_nothing_heavy() -> None:
    """What belongs to one room only is loaded when that room is entered, not before.

    So is SciPy: ``scipy.special`` and ``scipy.linalg`` take 120 ms each, of a budget of 150.
    """
    script = "import sys, wengert; print(*sorted(n for n in sys.modules if '.' not in n))"
    line = [sys.executable, "-c", script]
    loaded = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    heavy = sorted(set(loaded) & {"scipy", *CONFINED})
    assert heavy == []
