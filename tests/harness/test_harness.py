"""The harness can fail: every kind of fault, planted in a record that is not registered, is caught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from harness import derivatives, edges, laws, records
from harness.cases import cases_of, draw, with_diff

from wengert.ir.facts import FINITE, INTEGER, POSITIVE, SYMMETRIC
from wengert.ir.node import make
from wengert.ir.op import (
    Argument,
    Domain,
    Edge,
    Laws,
    Linear,
    NoDerivative,
    Op,
    Pointwise,
    Rule,
    Sample,
    Scaled,
    Spelling,
)
from wengert.ir.types import Type
from wengert.ops.algebra import dot, times, zeros
from wengert.ops.choice import lt, where
from wengert.ops.einstein import ein
from wengert.ops.leaves import ZERO
from wengert.ops.powers import square
from wengert.ops.shapes import real_shape, same_shape
from wengert.ops.sums import scale
from wengert.ops.trig import cos, sin


def elementwise(name: str, evaluate: Callable[..., Any], *partials: Any, **more: Any) -> Op:
    fields: dict[str, Any] = {
        "doc": "A record for this test.",
        "result": same_shape,
        "diff": Pointwise(*partials),
        "domain": Domain(sample=((0.2, 1.2),) * len(partials)),
        "elementwise": True,
        "arity": len(partials),
    }
    return Op(name=name, evaluate=evaluate, **{**fields, **more})


def on_cases(check: Callable[[Any], None], op: Op) -> None:
    for case in cases_of(op):
        check(case)


def everything(op: Op) -> None:
    for check in (
        records.check_record,
        edges.check_edges,
        edges.check_nan,
        edges.check_conditions,
        edges.check_smooth,
        laws.check_laws,
        laws.check_facts,
    ):
        check(op)
    for case_check in (
        derivatives.check_type,
        derivatives.check_own_type,
        derivatives.check_loops,
        derivatives.check_differences,
        derivatives.check_symbolic,
        derivatives.check_transpose,
        derivatives.check_stacked,
        derivatives.check_hand_made,
        derivatives.check_second,
        laws.check_facts_of_samples,
    ):
        on_cases(case_check, op)


SINE = elementwise("sine", np.sin, lambda x, out: cos(x), laws=Laws(odd=True))
# A matrix-vector product as a record of its own, to spoil it.
PRODUCT = Op(
    name="product",
    doc="A matrix times a vector.",
    result=lambda a, x: Type("float64", (a.shape[0],)),
    evaluate=lambda a, x: a @ x,
    diff=Linear(
        lambda ct, slot, a, x: (
            ein([(ct, "i"), (x, "j")], "ij") if slot == 0 else ein([(a, "ij"), (ct, "i")], "j")
        )
    ),
    samples=(Sample((Argument((3, 3)), Argument((3,)))),),
)
NORM2 = Op(
    name="norm2",
    doc="The sum of squares.",
    result=lambda x: Type("float64"),
    evaluate=lambda x: np.sum(x * x),
    diff=Rule(
        lambda args, ts, out, *, attr, diff: scale(2, dot(args[0], ts[0])),
        vjp=lambda args, wanted, ct, out, *, attr, diff: [scale(2, times(ct, args[0]))],
    ),
    samples=(Sample((Argument((3,)),)),),
)


@pytest.mark.parametrize("op", [SINE, PRODUCT, NORM2], ids=lambda op: op.name)
def test_right_records_pass(op: Op) -> None:
    everything(op)


# --- differentials -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "partial"),
    [
        ("sign", lambda x, out: scale(-1, cos(x))),
        ("factor", lambda x, out: scale(1.0001, cos(x))),
        ("constant", lambda x, out: None),
        ("other function", lambda x, out: out),
    ],
)
def test_wrong_partial(name: str, partial: Any) -> None:
    with pytest.raises(AssertionError, match="forward against differences"):
        on_cases(derivatives.check_differences, with_diff(SINE, Pointwise(partial)))


def test_right_first_but_wrong_second_derivative() -> None:
    # The partial is a function whose own differential is wrong: only the second derivative shows it.
    wrong = elementwise("cosine", np.cos, lambda x, out: sin(x))
    op = with_diff(SINE, Pointwise(lambda x, out: make(wrong, (x,))))
    on_cases(derivatives.check_differences, op)
    with pytest.raises(AssertionError, match="second against differences"):
        on_cases(derivatives.check_second, op)


def test_action_that_is_not_linear() -> None:
    op = with_diff(SINE, Pointwise(Scaled(lambda t, x, out: times(square(t), cos(x)))))
    with pytest.raises(AssertionError, match="change"):
        on_cases(derivatives.check_symbolic, op)


def test_wrong_transpose() -> None:
    def transpose(ct: Any, slot: int, a: Any, x: Any) -> Any:
        if slot == 0:
            return ein([(ct, "i"), (x, "j")], "ij")
        return ein([(a, "ij"), (ct, "j")], "i")  # a in place of its transpose

    with pytest.raises(AssertionError, match="reverse against forward"):
        on_cases(derivatives.check_transpose, with_diff(PRODUCT, Linear(transpose)))


def test_transpose_of_wrong_shape() -> None:
    op = with_diff(PRODUCT, Linear(lambda ct, slot, a, x: ct))
    with pytest.raises(AssertionError, match="cotangent of shape"):
        on_cases(derivatives.check_transpose, op)


def test_transpose_that_mixes_up_stacked_cotangents() -> None:
    def transpose(ct: Any, slot: int, a: Any, x: Any) -> Any:
        labels = "bi"[-ct.ndim :]
        if slot == 0:
            return ein([(ct, labels), (x, "j")], labels.replace("i", "ij"))
        return zeros((*ct.shape[:-1], 3))

    op = with_diff(PRODUCT, Linear(transpose, batched=True))
    with pytest.raises(AssertionError, match="reverse against forward"):
        on_cases(derivatives.check_transpose, op)

    def swapped(ct: Any, slot: int, a: Any, x: Any) -> Any:
        if ct.ndim == 1:
            return PRODUCT.diff.transpose(ct, slot, a, x)  # type: ignore[union-attr]  # it is Linear
        total = ein([(ct, "bi")], "i")
        one = PRODUCT.diff.transpose(total, slot, a, x)  # type: ignore[union-attr]  # it is Linear
        labels = "ij"[: one.ndim]
        return ein([(one, labels)], "b" + labels, {"b": 2})

    op = with_diff(PRODUCT, Linear(swapped, batched=True))
    on_cases(derivatives.check_transpose, op)
    with pytest.raises(AssertionError, match="stacked cotangents"):
        on_cases(derivatives.check_stacked, op)


def test_wrong_hand_made_reverse() -> None:
    assert isinstance(NORM2.diff, Rule)
    rule = Rule(
        NORM2.diff.jvp,
        vjp=lambda args, wanted, ct, out, *, attr, diff: [scale(3, times(ct, args[0]))],
    )
    with pytest.raises(AssertionError, match="hand-made reverse"):
        on_cases(derivatives.check_hand_made, with_diff(NORM2, rule))


def test_kink_in_the_sample_interval() -> None:
    op = elementwise(
        "kinked",
        np.abs,
        lambda x, out: where(lt(x, ZERO), -1, 1),
        result=real_shape,
        samples=(Sample((Argument(value=np.float64(0.005)),)),),
    )
    with pytest.raises(AssertionError, match=r"do not settle|against differences"):
        on_cases(derivatives.check_differences, op)


# --- types ---------------------------------------------------------------------------------------------
def test_wrong_shape_rule() -> None:
    op = replace(
        PRODUCT, result=lambda a, x: Type("float64", (*a.shape, 1)), diff=NoDerivative("test")
    )
    with pytest.raises(AssertionError, match="type rule says"):
        on_cases(derivatives.check_type, op)


@pytest.mark.parametrize("dtype", ["float32", "complex128", "bool"])
def test_wrong_dtype_rule(dtype: Any) -> None:
    op = replace(SINE, result=lambda x: Type(dtype, x.shape))
    with pytest.raises(AssertionError, match="the op computes"):
        on_cases(derivatives.check_own_type, op)


def test_elementwise_op_that_looks_at_its_neighbours() -> None:
    op = replace(SINE, evaluate=lambda x: np.sin(x) + 0 * x + np.mean(x) * 1e-6)
    with pytest.raises(AssertionError):
        on_cases(derivatives.check_loops, op)


# --- edges ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "edge",
    [
        Edge((0.0,), 0.1),
        Edge((0.0,), 0.0, (0.9,)),
        Edge((0.0,), 0.0, (np.inf,)),
        Edge((np.inf,), 1.0),
        Edge((0.0,), np.nan),
    ],
)
def test_wrong_edge(edge: Edge) -> None:
    op = replace(SINE, domain=replace(SINE.domain, edges=(edge,)))
    with pytest.raises(AssertionError, match="declared"):
        edges.check_edges(op)


def test_nan_that_vanishes() -> None:
    with pytest.raises(AssertionError, match="expected nan"):
        edges.check_nan(replace(SINE, evaluate=lambda x: np.nan_to_num(np.sin(x))))


def test_singularity_inside_a_partial() -> None:
    op = replace(SINE, diff=Pointwise(lambda x, out: times(cos(x), x) / x))
    with pytest.raises(AssertionError, match="degree 1 at 0"):
        edges.check_smooth(op)


def test_missing_condition_and_pole() -> None:
    with pytest.raises(AssertionError, match=r"domain\.where"):
        edges.check_conditions(replace(SINE, evaluate=np.sqrt))
    with pytest.raises(AssertionError, match="say so in"):
        edges.check_conditions(replace(SINE, evaluate=lambda x: 1 / x))


# --- laws ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "law",
    [
        Laws(even=True),
        Laws(monotone=True),
        Laws(inverse="exp"),
    ],
    ids=str,
)
def test_wrong_law(law: Laws) -> None:
    op = replace(SINE, laws=law, domain=Domain(sample=((-3.0, 3.0),)))
    with pytest.raises(AssertionError):
        laws.check_laws(op)


def test_not_odd_and_not_commutative() -> None:
    with pytest.raises(AssertionError):
        laws.check_laws(replace(SINE, evaluate=np.cos))
    minus = elementwise("minus", np.subtract, lambda *_: None, lambda *_: None)
    with pytest.raises(AssertionError, match="commute"):
        laws.check_laws(replace(minus, laws=Laws(commutative=True)))


@pytest.mark.parametrize("bits", [POSITIVE, INTEGER, FINITE], ids=["positive", "integer", "finite"])
def test_wrong_facts(bits: int) -> None:
    evaluate = np.sin if bits != FINITE else (lambda x: 1 / x)
    op = replace(SINE, evaluate=evaluate, laws=Laws(facts=lambda x: bits))
    with pytest.raises(AssertionError, match="is said to be"):
        laws.check_facts(op)


def test_wrong_facts_of_a_matrix() -> None:
    op = Op(
        name="shear",
        doc="A matrix that is not symmetric.",
        result=lambda a: a,
        evaluate=lambda a: np.triu(a),
        diff=NoDerivative("only a test"),
        laws=Laws(facts=lambda a: a & SYMMETRIC),
        samples=(Sample((Argument((3, 3), draw="symmetric", assume=("symmetric",)),)),),
    )
    with pytest.raises(AssertionError, match="symmetric"):
        on_cases(laws.check_facts_of_samples, op)


# --- records -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc": "no sentence"}, "doc"),
        ({"arity": 2}, "partials"),
        ({"diff": Pointwise(None)}, "say why"),
        ({"diff": NoDerivative("")}, "say why"),
        ({"domain": Domain()}, "where to try it"),
        ({"exempt": {"weather": "it rained all day"}}, "none of"),
        ({"exempt": {"second": "because"}}, "without a reason"),
        ({"spell": Spelling(latex=r"\sin\left({1}\right)")}, "arguments"),
        ({"spell": Spelling(latex=r"\sin\left({0})")}, "right"),
        ({"elementwise": False, "diff": NoDerivative("a test")}, "nothing to try it on"),
    ],
)
def test_incomplete_record(change: dict[str, Any], message: str) -> None:
    records.check_record(SINE)
    with pytest.raises(AssertionError, match=message):
        records.check_record(replace(SINE, **change))


# --- the draws themselves ------------------------------------------------------------------------------
def test_draws_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)

    def drawn(kind: str, **more: Any) -> Any:
        return draw(Argument((2, 4, 4), draw=kind, **more), rng)

    for dtype in ("float64", "complex128"):
        x = drawn("spd", dtype=dtype)
        assert np.allclose(x, np.swapaxes(x, -1, -2).conj())
        assert np.min(np.linalg.eigvalsh(x)) > 0.5
        q = drawn("orthogonal", dtype=dtype)
        assert np.allclose(q @ np.swapaxes(q, -1, -2).conj(), np.eye(4))
        s = drawn("symmetric", dtype=dtype)
        assert np.allclose(s, np.swapaxes(s, -1, -2).conj())
        assert np.max(np.linalg.cond(drawn("invertible", dtype=dtype))) < 20
    assert not np.triu(drawn("lower")[0], 1).any()
    assert not np.tril(drawn("upper")[0], -1).any()
    flat = np.sort(drawn("distinct").ravel())
    assert np.min(np.diff(flat)) > 0.03
    assert set(np.unique(drawn("bool"))) <= {False, True}
    whole = drawn("integers", low=-3, high=5, dtype="int64")
    assert whole.min() >= -3
    assert whole.max() <= 5
