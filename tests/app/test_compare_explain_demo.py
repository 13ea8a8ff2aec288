"""The four ways, the derivation in steps, and the demonstration."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import wengert as wg
from wengert.app.cli import show_comparison
from wengert.app.demo import load_examples, run_demo


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("x^2*sin(x)", {"x": 1.2}),
        ("x*y + exp(x/y)", {"x": 0.3, "y": 1.7}),
        ("3*x + 0*y", {"x": 1.0, "y": 2.0}),
    ],
)
def test_all_ways_agree(text: str, at: dict[str, float]) -> None:
    found = wg.compare(text, at)
    assert found.same_graph is True
    assert [w.name for w in found.ways] == ["numerical", "symbolic", "forward", "reverse"]
    assert all(w.error < 1e-8 for w in found.ways)
    assert "very same graph" in str(found)


def test_arrays() -> None:
    e = wg.parse("norm(A @ x)^2", A=("m", "n"), x="n")
    a = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]])
    found = wg.compare(e, A=a, x=[0.3, -0.4])
    np.testing.assert_allclose(found.way("reverse").values["x"], 2 * a.T @ (a @ [0.3, -0.4]))
    assert all(w.error < 1e-7 for w in found.ways)


def test_python_functions_are_traced_or_taken_as_black_boxes() -> None:
    traced = wg.compare(lambda x: x * wg.sin(x), x=0.4)
    assert traced.same_graph is True
    import math

    box = wg.compare(lambda x: math.sin(x), x=0.4)
    assert [w.name for w in box.ways] == ["numerical"]
    assert box.same_graph is None
    assert box.ways[0].values["x"] == pytest.approx(math.cos(0.4), rel=1e-9)


def test_undefined_point_is_refused() -> None:
    with pytest.raises(wg.DomainError, match="where the formula is defined"):
        wg.compare("log(x)", x=-1.0)


def test_missing_value_is_named() -> None:
    with pytest.raises(wg.TypeMismatchError, match="a value for y"):
        wg.compare("x*y", x=1.0)


def test_explanation_names_do_not_collide_with_the_users() -> None:
    found = wg.explain("v1*sin(v1)", "v1")
    assert [s.name for s in found.steps] == ["v2", "v3"]
    assert found.steps[0].partials == {"v1": "cos(v1)"}
    assert found.result == str(wg.diff("v1*sin(v1)", "v1"))


def test_explanation_of_something_constant() -> None:
    assert "nothing depends on it" in str(wg.explain("y^2", "x"))


def test_explanation_refuses_what_nobody_reads() -> None:
    x = wg.symbol("x")
    value = x
    for _ in range(300):
        value = wg.sin(value)
    with pytest.raises(wg.TypeMismatchError, match="at most"):
        wg.explain(value, "x")


def test_there_are_at_least_ten_examples_and_their_derivatives_verify() -> None:
    examples = load_examples()
    assert len(examples) >= 10
    for example in examples:
        for name in example.at:
            wg.diff(example.expr, name, verify=True)


def test_demo_shows_every_example() -> None:
    out = io.StringIO()
    run_demo(Console(file=out, width=120), show_comparison)
    text = out.getvalue()
    assert all(example.title in text for example in load_examples())
    assert "DIFFERENT" not in text
    with_scalars = [e for e in load_examples() if any(np.ndim(e.at[n]) == 0 for n in e.by)]
    assert text.count("are the very same graph") == len(with_scalars) >= 7
