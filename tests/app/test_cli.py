"""The command line as a user meets it: output, formats, exit codes, no tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from wengert.app.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out.strip(), captured.err.strip()


def test_diff(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "diff", "x^2*sin(y)", "x") == (0, "2*x*sin(y)", "")


def test_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "diff", "x^5", "x:3") == (0, "60*x**2", "")


def test_gradient_of_all_and_of_a_matrix_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "grad", "x*y")[1].splitlines() == ["x: y", "y: x"]
    shapes = ["--shape", "A=m,n", "--shape", "x=n", "--shape", "b=m"]
    assert run(capsys, "grad", "norm(A@x-b)^2", "x", *shapes)[1] == "2*A.T @ (A @ x - b)"


def test_latex_json_and_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, "diff", "x^3", "x", "--latex")[1] == "3 x^{2}"
    data = json.loads(run(capsys, "diff", "x^3", "x", "--json")[1])
    assert data["text"] == "3*x**2"
    assert data["shape"] == []
    target = tmp_path / "out.txt"
    assert run(capsys, "diff", "x^3", "x", "-o", str(target)) == (0, "", "")
    assert target.read_text() == "3*x**2\n"


def test_matlab_dialect(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "grad", "x'*A*x", "x", "-s", "A=n,n", "-s", "x=n", "--dialect", "matlab")
    assert out[:2] == (0, "(A + A.T) @ x")


def test_simplify_shows_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "simplify", "x*x/x")
    assert code == 0
    assert out.startswith("x ")
    assert "where" in out
    assert run(capsys, "simplify", "x*x/x", "--strict")[1] != out


def test_eval(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "eval", "x^2", "--at", "x=3")[1] == "9.0"
    assert run(capsys, "eval", "cos(x)", "--at", "x=pi")[1] == "-1.0"
    assert run(capsys, "eval", "x @ x", "--at", "x=[1,2,2]")[1] == "9.0"


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "explain", "x*sin(x)")[1]
    assert "∂v1/∂x = cos(x)" in out
    assert out.splitlines()[-1].split() == ["simplified:", "x*cos(x)", "+", "sin(x)"]


def test_compare_states_the_identity(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "compare", "x^2*sin(x)", "--at", "x=1.2")
    assert code == 0
    for way in ("numerical", "symbolic", "forward", "reverse"):
        assert way in out
    assert "are the very same graph" in " ".join(out.split())
    data = json.loads(run(capsys, "compare", "x^2*sin(x)", "--at", "x=1.2", "--json")[1])
    assert data["symbolic_is_forward"] is True
    assert all(w["error"] < 1e-8 for w in data["ways"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diff", "x^2*", "x"), "column"),
        (("diff", "sinn(x)", "x"), "sin"),
        (("diff", "alpha*x", "alpah"), "alpha"),
        (("grad", "A @ x", "x", "-s", "A=m,n", "-s", "x=k"), "column"),
        (("eval", "x + y", "--at", "x=1"), "y"),
        (("eval", "sqrt(x)", "--at", "x=-1", "--check"), "sqrt(x)"),
        (("compare", "x*y", "--at", "x=1"), "y"),
        (("compare", "log(x)", "--at", "x=-1"), "defined"),
        (("diff", "x^3", "x", "-o", "/nowhere/at/all"), "file"),
    ],
)
def test_faults_of_the_formula_end_with_one_message_and_code_1(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 1, err
    assert out == ""
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [("diff",), ("nonsense", "x"), ("diff", "x", "--shape", "A"), ("eval", "x", "--at", "x")],
)
def test_faults_of_the_command_line_have_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(capsys, *arguments)[0] == 2


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "wengert diff" in out
    assert run(capsys, "--version")[1].startswith("wengert ")


def test_python_dash_m() -> None:
    line = [sys.executable, "-m", "wengert", "diff", "x^2", "x"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2*x"
