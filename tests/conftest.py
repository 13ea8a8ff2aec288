"""What every test has: fixed seeds, plain floating-point warnings, golden files."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from zlib import crc32

import numpy as np
import pytest
from golden_files import Golden
from hypothesis import settings

# Most tests are about capture and derivatives, and call thousands of programs once: those run as NumPy
# source. Machine code has tests of its own, which ask for it.
os.environ.setdefault("WENGERT_BACKEND", "python")

# A deadline measures the machine. Derandomized in CI: a change is judged by what it changed.
settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wengert")
    group.addoption("--update-golden", action="store_true", help="write tests/golden anew")
    group.addoption("--seed", type=int, help="instead of each test's own fixed seed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cc") and not shutil.which("cc"):
        pytest.skip("no C compiler")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with its file under tests/golden: ``golden("show/quotient_rule", text)``."""
    return Golden(update=request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test, the same in every run; shown when the test fails."""
    given = request.config.getoption("--seed")
    value = crc32(request.node.nodeid.encode()) if given is None else given
    random.seed(value)
    np.random.seed(value % 2**32)  # noqa: NPY002  what a user's function under test may draw from
    request.node.add_report_section("setup", "seed", f"--seed {value}")
    return value


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """Random numbers for this test, the same in every run."""
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def _floating_point_warnings() -> Iterator[None]:
    """Overflow, division by zero and invalid values warn, and so fail; underflow is harmless.

    A test that means them says so with ``np.errstate``.
    """
    with np.errstate(divide="warn", over="warn", invalid="warn", under="ignore"):
        yield
