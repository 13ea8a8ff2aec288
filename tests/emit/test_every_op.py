"""Every registered op, and its derivative, runs as emitted source as it does in the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from emit.comparing import assert_emitted
from harness.cases import Case, all_ops, cases_of

from wengert.diff.forward import jvp
from wengert.errors import NoDerivativeError
from wengert.ir.node import Expr
from wengert.ir.types import is_inexact
from wengert.ops.leaves import symbol
from wengert.ops.subscripts import update

OPS = sorted(name for name, op in all_ops().items() if not op.free)


@pytest.mark.parametrize("name", OPS)
def test_values(name: str) -> None:
    for case in cases_of(all_ops()[name]):
        assert_emitted(case.outputs, case.values, _inputs(case), case.label)


def _inputs(case: Case) -> list[Expr]:
    return [s for s in case.symbols if s.op.free]


@pytest.mark.parametrize("name", OPS)
def test_derivatives(name: str) -> None:
    for case in cases_of(all_ops()[name]):
        tangents = {
            s: symbol(f"d_{s.attr.name}", s.shape, dtype=s.value_type.dtype) for s in case.varying
        }
        outputs = [o for o in case.outputs if is_inexact(o.value_type)]
        if not tangents or not outputs:
            continue
        try:
            changes = [c for c in jvp(outputs, dict(tangents)) if c is not None]
        except NoDerivativeError:
            continue
        rng = np.random.default_rng(1)
        values = {t.attr.name: _like(rng, t) for t in tangents.values()}
        assert_emitted(
            changes, {**case.values, **values}, [*_inputs(case), *tangents.values()], case.label
        )


@pytest.mark.parametrize("name", OPS)
def test_results_changed_in_place(name: str) -> None:
    """What an op gives may be a view of an argument; a store into it must not change that."""
    for case in cases_of(all_ops()[name]):
        for out in case.outputs:
            if out.ndim and all(isinstance(e, int) and e > 0 for e in out.shape):
                changed = update(out, (0,) * out.ndim, out[(-1,) * out.ndim])
                others = [s for s in _inputs(case) if s.ndim]
                assert_emitted([changed, out, *others], case.values, _inputs(case), case.label)


def _like(rng: np.random.Generator, node: Expr) -> Any:
    value = rng.uniform(-1, 1, node.shape)
    if "complex" in node.value_type.dtype:
        value = value + 1j * rng.uniform(-1, 1, node.shape)
    return np.asarray(value).astype(node.value_type.dtype)[()]
