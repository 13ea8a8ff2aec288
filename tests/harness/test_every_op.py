"""Every registered op is tested here by being registered: no list of names, no test per op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from golden_files import Golden
from harness import derivatives, edges, laws, records
from harness.cases import all_ops, broken_families, cases_of, is_leaf

from wengert.ir.op import Op

OPS = all_ops()
# Checks of a record, and checks of each of its cases; the names are those that `Op.exempt` may give.
OF_RECORDS: dict[str, Callable[[Op], None]] = {
    "record": records.check_record,
    "edges": edges.check_edges,
    "nan": edges.check_nan,
    "conditions": edges.check_conditions,
    "smooth": edges.check_smooth,
    "laws": laws.check_laws,
    "facts": laws.check_facts,
}
OF_CASES: dict[str, Callable[[Any], None]] = {
    "type": derivatives.check_type,
    "own_type": derivatives.check_own_type,
    "loops": derivatives.check_loops,
    "differences": derivatives.check_differences,
    "symbolic": derivatives.check_symbolic,
    "transpose": derivatives.check_transpose,
    "stacked": derivatives.check_stacked,
    "hand_made": derivatives.check_hand_made,
    "second": derivatives.check_second,
    "facts": laws.check_facts_of_samples,
}


def test_families_import() -> None:
    assert not broken_families()


@pytest.fixture(params=OPS)
def op(request: pytest.FixtureRequest) -> Op:
    """Each op in turn."""
    return OPS[request.param]


@pytest.mark.parametrize("check", OF_RECORDS)
def test_record(op: Op, check: str) -> None:
    if check not in op.exempt:
        OF_RECORDS[check](op)


@pytest.mark.parametrize("check", OF_CASES)
def test_cases(op: Op, check: str) -> None:
    if check in op.exempt or is_leaf(op):
        return
    for case in cases_of(op):
        OF_CASES[check](case)


def test_text_parses_back(op: Op) -> None:
    parse = records.printing()
    if parse is None:
        pytest.skip("expressions cannot be printed and parsed yet")
    if "text" in op.exempt or is_leaf(op):
        return
    for case in cases_of(op):
        records.check_text(case, parse)


def test_exemptions_are_listed(golden: Golden) -> None:
    golden("harness/exemptions", records.exemptions(OPS))
