"""The four ways, the derivation in steps, and the demonstration."""

from __future__ import annotations

import io
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import wengert as wg
from wengert.app.demo import load_examples, run_demo
from wengert.app.demo_speed import show_speed
from wengert.app.terminal import formula_lines, show_comparison

ROOT = Path(__file__).parents[2]


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


def test_python_functions_on_symbols_are_formulas() -> None:
    traced = wg.compare(lambda x: x * wg.sin(x), x=0.4)
    assert traced.same_graph is True
    assert str(traced.expr) == "x*sin(x)"


def test_undefined_point_is_refused() -> None:
    with pytest.raises(wg.DomainError, match="where the formula is defined"):
        wg.compare("log(x)", x=-1.0)


def test_missing_value_is_named() -> None:
    with pytest.raises(wg.TypeMismatchError, match="a value for y"):
        wg.compare("x*y", x=1.0)


def test_explanation_names_do_not_collide_with_the_users() -> None:
    found = wg.explain("v1*sin(v1)", "v1")
    assert [s.name for s in found.steps] == ["v2", "v3"]
    assert found.steps[0].partials == {"v1": wg.parse("cos(v1)")}
    assert found.result is wg.diff("v1*sin(v1)", "v1")
    assert found.as_dict()["steps"][0]["partials"] == {"v1": "cos(v1)"}


def test_explanation_of_a_long_formula_stays_in_its_columns() -> None:
    text = str(wg.explain("exp(alpha*beta*gamma1*delta*epsilon*zeta*eta*theta/kappa + x)", "x"))
    rule = next(line for line in text.splitlines() if "elementary" in line)
    assert len(rule) < 100


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


def test_the_short_demo_has_a_formula_and_a_program() -> None:
    out = io.StringIO()
    found = run_demo(Console(file=out, width=120, markup=False), quick=True)
    text = out.getvalue()
    assert [c.formula == "heron" for c in found] == [False, True]
    assert "def jacfwd_heron(a):" in text
    assert re.search(r"^    +while .*\n( .*\n)*    +return", text, re.M)


def test_the_demo_shows_what_machine_code_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WENGERT_BACKEND")
    monkeypatch.setenv("WENGERT_CACHE", "off")
    out = io.StringIO()
    found = show_speed(Console(file=out, width=100, markup=False))
    assert len(found) == 3
    assert all(each.name in out.getvalue() for each in found)
    assert all(each.value < each.plain for each in found)


def test_demo_shows_every_example() -> None:
    out = io.StringIO()
    found = run_demo(Console(file=out, width=120, markup=False))
    text = out.getvalue()
    assert text.startswith("12 real formulas, each differentiated in four ways")
    assert "f = " in text
    assert all(example.title in text for example in load_examples())
    assert "DIFFERENT" not in text
    with_scalars = [e for e in load_examples() if any(np.ndim(e.at[n]) == 0 for n in e.by)]
    assert text.count("are the very same graph") == len(with_scalars) + 1 >= 8
    assert all(comparison.within_claim for comparison in found)
    assert "within the error that it claims in 12 of 12" in text
    assert "within the error that they claim in 2 of 2" in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_nothing_is_cut_off_on_narrow_terminals(width: int) -> None:
    out = io.StringIO()
    text = "S*ndtr((log(S/K) + (r + sigma^2/2)*T)/(sigma*sqrt(T))) + sqrt(S)*log(S*K)"
    at = {"S": 100.0, "K": 95.0, "r": 0.03, "sigma": 0.2, "T": 0.5}
    show_comparison(wg.compare(text, at), Console(file=out, width=width, markup=False))
    lines = out.getvalue().splitlines()
    assert "…" not in out.getvalue()
    # A formula is broken between terms and after commas only.
    assert all(len(line) <= max(width, 60) for line in lines)
    for name in at:
        assert f"df/d{name} =" in out.getvalue()


@pytest.mark.parametrize("width", [30, 60, 100])
def test_formulas_on_several_lines_still_say_the_same(width: int) -> None:
    e = wg.parse("sin(x^2 + y)/(x^2 + y)^2 + exp(x^2 + y)*cos(x - y) - log(x*y + 1)*sqrt(x*y + 1)")
    head, *where = " ".join(formula_lines("f", e, width)).split(" where ")
    text = head.removeprefix("f = ")
    bindings = re.split(r"\s+(?=t\d+ = )", where[0].strip()) if where else []
    assert wg.parse(f"let {'; '.join(bindings)};\n{text}" if bindings else text) is e


def test_symmetric_matrices_are_compared_by_what_they_can_do() -> None:
    e = wg.parse("a @ S @ b", S=("n", "n"), a="n", b="n", assume={"S": "symmetric"})
    found = wg.compare(e, S=[[2.0, 0.3], [0.3, 1.0]], a=[1.0, 2.0], b=[0.5, -1.0])
    assert all(w.error < 1e-9 for w in found.ways)
    assert found.within_claim


def test_a_numerical_derivative_that_breaks_its_word_is_told() -> None:
    found = wg.compare("x^2", x=1.0)
    numerical, *others = found.ways
    wrong = replace(found, ways=(replace(numerical, error=1e-3), *others))
    assert not wrong.within_claim
    assert "BREAKS" in str(wrong)


def test_the_formulas_go_into_the_wheel_where_the_demo_looks_for_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {
        "examples/formulas": "wengert/app/formulas",
        "examples/square_root.py": "wengert/app/programs/square_root.py",
        "examples/fit_decay_chain.py": "wengert/app/programs/fit_decay_chain.py",
        "examples/radon_progeny.csv": "wengert/app/programs/radon_progeny.csv",
    }
    assert len(list((ROOT / "examples" / "formulas").glob("*.toml"))) == len(load_examples())
