"""Every program of the corpus: captured as it stands, equal to itself, and rightly differentiated."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest
from programs.corpus import PROGRAMS, Program
from programs.judging import Projection, captured_differently, gradients_differ, witness

import wengert as wg

CAPTURED = [p for p in PROGRAMS.values() if not p.refused]
REFUSED = [p for p in PROGRAMS.values() if p.refused]
SMOOTH = [p for p in CAPTURED if p.wrt]

MOST_REFUSED = 4  # of the corpus; a program that newly is refused must not pass unseen


def named(programs: list[Program]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("program", programs, ids=[p.name for p in programs])


def projected(program: Program, args: tuple[object, ...]) -> Projection:
    rng = np.random.default_rng(crc32(program.name.encode()))
    return Projection(program.function, args, program.wrt, rng)


@named(CAPTURED)
def test_the_captured_program_does_what_the_program_does(program: Program) -> None:
    assert not captured_differently(program.function, program.inputs(), program.tolerance)


@named(SMOOTH)
def test_reverse_and_forward_and_differences_agree(program: Program) -> None:
    """One compiled gradient serves all inputs, as long as the results have one structure."""
    tolerance = max(1e-8, 100 * program.tolerance)
    projection = reverse = forward = None
    for args in program.inputs():
        here = projected(program, args)
        if projection is None or here.paths != projection.paths:
            projection = here
            reverse = wg.grad(projection.function, argnums=program.wrt)
            forward = wg.jacfwd(projection.function, argnums=program.wrt)
        assert not gradients_differ(projection, reverse, forward, args, tolerance), args


@named(SMOOTH)
def test_the_witness_itself_is_sure(program: Program) -> None:
    """Without a trustworthy difference quotient the test above would test nothing."""
    for args in program.inputs():
        _, moved = projected(program, args).along(args)
        value, error = witness(moved)
        assert error <= 1e-5 * (abs(value) + 1e-3), (value, error)


@pytest.mark.skipif(not REFUSED, reason="every program is captured")
@pytest.mark.parametrize("program", REFUSED, ids=[p.name for p in REFUSED])
def test_what_is_not_captured_is_refused_in_words(program: Program) -> None:
    with pytest.raises(wg.WengertError, match=program.refused):
        wg.jit(program.function)(*program.inputs()[0])


def test_the_corpus_is_large_and_nearly_all_of_it_is_captured() -> None:
    assert len(PROGRAMS) >= 200
    assert len(REFUSED) <= MOST_REFUSED
