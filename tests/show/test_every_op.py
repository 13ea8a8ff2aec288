"""Every registered op prints in every dialect, its text builds it, its NumPy source gives its value."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from golden_files import Golden
from harness.cases import Case, all_ops, cases_of
from show.test_dialects import run

import wengert as wg
from wengert.ir.node import Expr
from wengert.ir.walk import leaves, order
from wengert.ops.control.item import ITEM
from wengert.ops.leaves import SYMBOL

OPS = sorted(all_ops())


def symbols_of(e: Expr) -> dict[str, Expr]:
    return {s.attr.name: s for s in leaves([e]) if s.op is SYMBOL}


def is_formula(e: Expr) -> bool:
    """Whether formulas can say it: no bodies, nothing that shows its first argument only, no exemption."""
    return not any(
        n.op.bodies
        or n.op.spell.notation == "hidden"
        or (n.op is not ITEM and "text" in n.op.exempt)
        for n in order([e])
    )


@pytest.mark.parametrize("name", OPS)
def test_texts_build_their_node(name: str) -> None:
    for case in cases_of(all_ops()[name]):
        for e in filter(is_formula, case.outputs):
            assert wg.parse(str(e), **symbols_of(e)) is e


@pytest.mark.parametrize("name", OPS)
def test_other_dialects_are_well_formed(name: str) -> None:
    for case in cases_of(all_ops()[name]):
        for e in case.outputs:
            text = e.latex()
            assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right"), text
            assert text.count("{") == text.count("}"), text
            assert e.unicode()
            assert repr(e).startswith("<Expr ")
            assert e.dot().startswith("digraph {")


def runs(case: Case) -> bool:
    """Whether the NumPy source gives the value of the reference evaluator; an error if another value."""
    for e in case.outputs:
        values: dict[str, Any] = {n: v for n, v in case.values.items() if n in symbols_of(e)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = run(e.numpy(), values)
        except (NameError, SyntaxError, TypeError, AttributeError):
            return False
        expected = e.evaluate(**values)
        np.testing.assert_allclose(
            found, expected, rtol=1e-6 if "32" in str(e.type) else 1e-12, atol=1e-12
        )
    return True


def test_ops_without_numpy_source(golden: Golden) -> None:
    """What ``.numpy()`` cannot say in NumPy's and SciPy's words yet."""
    missing = [n for n in OPS if not all(runs(case) for case in cases_of(all_ops()[n]))]
    golden("show/without_numpy", "\n".join(missing))
