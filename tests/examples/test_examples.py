"""The examples do what they say: fits that end at the truth, a network that learns."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import wengert as wg

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name: str, *arguments: str) -> str:
    line = [sys.executable, "-X", "utf8", str(EXAMPLES / name), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        line, capture_output=True, text=True, encoding="utf-8", check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def decay() -> ModuleType:
    return load("fit_decay_chain")


# --- the decay chain ---------------------------------------------------------------------------------
def test_the_program_integrates(decay: ModuleType) -> None:
    minutes = np.array([0.5, 7.0, 60.0, 61.0])
    found = decay.activities(decay.GUESS, minutes)
    np.testing.assert_allclose(found, decay.exact_activities(decay.GUESS, minutes), atol=2e-5)


def test_its_gradient_is_that_of_the_closed_form(decay: ModuleType) -> None:
    minutes, counts = decay.measurements()

    def closed(parameters: np.ndarray) -> float:
        expected = decay.exact_activities(parameters, minutes)
        return float(np.sum(expected - counts * np.log(expected)))

    wanted = wg.numeric.gradient(closed, decay.GUESS)
    found = wg.grad(decay.misfit)(decay.GUESS, minutes, counts)
    # The integration errs by 1e-8, and its derivative by somewhat more.
    np.testing.assert_allclose(found, wanted.value, rtol=1e-6)


def test_the_measurements_are_counts_of_the_truth(decay: ModuleType) -> None:
    minutes, counts = decay.measurements()
    truth = np.log(np.concatenate([decay.TRUE_HALF_LIVES, decay.TRUE_ACTIVITIES]))
    expected = decay.exact_activities(truth, minutes)
    many = expected > 5
    chi2 = np.sum((counts - expected)[many] ** 2 / expected[many])
    assert abs(chi2 - many.sum()) < 4 * np.sqrt(2 * many.sum())
    assert counts.shape == (31, 3)
    assert np.array_equal(counts, np.round(counts))


def test_the_fits_end_at_the_truth(decay: ModuleType, tmp_path: Path) -> None:
    text = run("fit_decay_chain.py", str(tmp_path))
    rows = re.findall(r"^(\S+-\d+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", text, re.M)
    assert [row[0] for row in rows] == list(decay.NUCLIDES)
    for _, likely, squares, error, true in rows:
        assert abs(float(likely) - float(true)) < 3 * float(error)
        assert abs(float(squares) - float(true)) < 3 * float(error)
    steepest = float(re.search(r"gradient at the end: (\S+)", text)[1])  # type: ignore[index]
    assert steepest < 1e-3  # differences of the misfit, which is about 1e4, end at 1e-2
    if importlib.util.find_spec("matplotlib"):
        assert (tmp_path / "decay_chain.png").read_bytes().startswith(b"\x89PNG")


# --- the network -------------------------------------------------------------------------------------
def test_the_gradient_of_the_network_agrees_with_differences() -> None:
    network = load("train_network")
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(4, 3)), rng.normal(size=3)), (rng.normal(size=(3, 2)), np.ones(2))]
    images, labels = rng.normal(size=(5, 4)), np.eye(2)[[0, 1, 1, 0, 1]]
    report = wg.check_grad(network.loss, layers, images, labels, order=1)
    assert report.worst < 1e-9


@pytest.mark.slow
def test_the_network_reads_digits() -> None:
    pytest.importorskip("sklearn")
    text = run("train_network.py")
    found = re.search(r"not seen: ([\d.]+)%, in ([\d.]+) s", text)
    assert found is not None
    assert float(found[1]) >= 96
    assert float(found[2]) < 60
