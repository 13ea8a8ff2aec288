"""Random programs: equal or refused, never silently different.

``WENGERT_FUZZ`` sets how many programs of each profile are tried and ``WENGERT_FUZZ_SEED`` where they
start; ``make fuzz`` takes many from a fresh start. A failure prints the smallest program found.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.generator import PROFILES, Profile, Sample, generate
from fuzz.verdicts import Verdict, gradient_verdict, loaded, shrunk, value_verdict
from programs import sizes
from programs.judging import run

COUNT = int(os.environ.get("WENGERT_FUZZ", "1000"))
START = int(os.environ.get("WENGERT_FUZZ_SEED", "0"))
# What may be refused of each profile. Of plain programs 2 to 4 in a hundred are; the aim is 0.03.
MOST_REFUSED = {"plain": 0.04, "aliasing": 0.15}
SHOWN = 5  # failures that are shrunk and printed

Judge = Callable[[Sample, Path], Verdict]

# Overflow and the like is part of what random programs do.
pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::wengert.errors.UnusedInputWarning"
)

every_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)


def report(sample: Sample, judge: Judge, folder: Path) -> str:
    small = shrunk(sample, judge, folder)
    verdict = judge(small, folder)
    return (
        f"profile {sample.profile}, seed {sample.seed}: {verdict.kind}, {verdict.words}\n\n"
        f"{small.source}\n# called with {small.inputs!r}\n"
    )


def judged(profile: Profile, judge: Judge, seeds: range, folder: Path) -> Counter[str]:
    """How many programs came out how; fails, with the programs, when any is wrong."""
    verdicts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    failures: list[Sample] = []
    for seed in seeds:
        sample = generate(seed, profile)
        verdict = judge(sample, folder)
        verdicts[verdict.kind] += 1
        if verdict.fails:
            failures.append(sample)
        elif verdict.kind == "refused":
            reasons[verdict.words.split("\n")[0][:100]] += 1
    if failures:
        shown = "\n".join(report(sample, judge, folder) for sample in failures[:SHOWN])
        pytest.fail(f"{dict(verdicts)}; of {len(failures)} failures:\n{shown}", pytrace=False)
    print(dict(verdicts), *(f"{n:5} {why}" for why, n in reasons.most_common(20)), sep="\n")
    return verdicts


@every_profile
def test_values_and_changed_arguments(profile: Profile, tmp_path: Path) -> None:
    verdicts = judged(profile, value_verdict, range(START, START + COUNT), tmp_path)
    assert verdicts["refused"] <= max(1, MOST_REFUSED[profile.name] * COUNT), verdicts


@every_profile
def test_values_with_all_sizes_left_open(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes.leave_open(monkeypatch)
    judged(profile, value_verdict, range(START, START + max(1, COUNT // 10)), tmp_path)


@every_profile
def test_gradients(profile: Profile, tmp_path: Path) -> None:
    count = max(1, COUNT // 40)  # each is captured and differentiated twice per input
    verdicts = judged(profile, gradient_verdict, range(START, START + count), tmp_path)
    assert verdicts["refused"] <= max(2, MOST_REFUSED[profile.name] * count), verdicts


@every_profile
def test_the_programs_run_in_plain_python_and_take_several_paths(
    profile: Profile, tmp_path: Path
) -> None:
    branching = 0
    for seed in range(60):
        sample = generate(seed, profile)
        assert generate(seed, profile).source == sample.source
        program = loaded(sample.source, tmp_path)
        outcomes = [run(program, args) for args in sample.inputs]
        for outcome in outcomes:
            assert outcome.error is None or type(outcome.error) in (UnboundLocalError, ValueError)
        branching += "if" in sample.source
    assert branching > 40


def test_a_planted_difference_is_found_and_shrunk(tmp_path: Path) -> None:
    """The judge fails where it should: here for every program that stores into ``a``."""

    def planted(sample: Sample, folder: Path) -> Verdict:
        source = sample.source
        wrong = "a[" in source.partition("def program")[2]
        return Verdict("different", "planted") if wrong else Verdict("equal")

    samples = (generate(seed, PROFILES["plain"]) for seed in range(50))
    sample = next(s for s in samples if planted(s, tmp_path).fails)
    small = shrunk(sample, planted, tmp_path)
    assert planted(small, tmp_path).fails
    assert len(small.source) < len(sample.source) / 2
