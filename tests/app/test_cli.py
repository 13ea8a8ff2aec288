"""The command line as a user meets it: output, formats, exit codes, no tracebacks."""

from __future__ import annotations

import json
import os
import shlex
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
    assert out[0] == 0
    assert out[1] in ("(A + A.T) @ x", "(A.T + A) @ x")


@pytest.mark.parametrize(
    ("formula", "derivative"),
    [("-x^2", "-2*x"), ("-sin(x)", "-cos(x)"), ("-a*x", "-a"), ("-o*x", "-o")],
)
def test_formulas_may_begin_with_a_minus_sign(
    capsys: pytest.CaptureFixture[str], formula: str, derivative: str
) -> None:
    assert run(capsys, "diff", formula, "x") == (0, derivative, "")
    attached = run(capsys, "diff", "-(x @ x)", "x", "-sx=n")
    assert attached == (0, "-2*x", "")


def test_assumptions_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    once = run(capsys, "simplify", "sqrt(x^2)", "-a", "x=real", "-a", "x=positive")
    assert once == (0, "x", "")


COMMANDS = {
    "diff": ("diff", "x^2*sin(x)", "x"),
    "grad": ("grad", "x*exp(y)"),
    "hessian": ("hessian", "x*exp(y)"),
    "simplify": ("simplify", "x*x/x"),
    "eval": ("eval", "x^2", "--at", "x=3"),
    "explain": ("explain", "x*sin(x)"),
    "compare": ("compare", "x^2*sin(x)", "--at", "x=1.2"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_prints_text_latex_and_json_to_terminal_or_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    target = tmp_path / "answer"
    for form in ((), ("--latex",), ("--json",)):
        code, out, err = run(capsys, *COMMANDS[command], *form)
        assert (code, err) == (0, "")
        assert out
        assert run(capsys, *COMMANDS[command], *form, "--output", str(target)) == (0, "", "")
        written = target.read_text(encoding="utf-8")
        assert written.strip()
        if form == ("--json",):
            assert json.loads(out).keys() == json.loads(written).keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_examples_that_run(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code, out, _ = run(capsys, command, "--help")
    examples = [line.strip() for line in out.splitlines() if line.strip().startswith("wengert ")]
    assert code == 0
    assert len(examples) >= 2
    for example in examples:
        assert run(capsys, *shlex.split(example)[1:])[0] == 0, example


def test_simplify_shows_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "simplify", "x*x/x")
    assert code == 0
    assert out.startswith("x ")
    assert "where" in out
    assert run(capsys, "simplify", "x*x/x", "--strict")[1] != out
    assert run(capsys, "simplify", "x*x/x", "--latex")[1] == r"x \quad\text{where } x \ne 0"


def test_eval(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "eval", "x^2", "--at", "x=3")[1] == "9.0"
    assert run(capsys, "eval", "cos(x)", "--at", "x=pi")[1] == "-1.0"
    assert run(capsys, "eval", "x @ x", "--at", "x=[1,2,2]")[1] == "9.0"
    matrix = ("--at", "A=[[1,2],[3,4]]", "--at", "x=[1,1]")
    assert run(capsys, "eval", "A @ x", *matrix)[1] == "[3., 7.]"
    assert run(capsys, "eval", "x^2", "--at", "x=3", "--latex")[1] == "x^{2} = 9.0"
    assert json.loads(run(capsys, "eval", "1/x", "--at", "x=0", "--json")[1])["value"] == "inf"


def test_all_elements_of_a_long_array_are_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    numbers = [0.1 * n for n in range(3000)]
    target = tmp_path / "out.txt"
    assert run(capsys, "eval", "2*x", "--at", f"x={numbers}", "-o", str(target))[0] == 0
    assert json.loads(target.read_text()) == pytest.approx([2 * n for n in numbers], rel=1e-15)


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
        (("diff", "", "x"), "empty"),
        (("diff", "((x", "x"), "never closed"),
        (("diff", "x * ☃", "x"), "column 5"),
        (("diff", "x", "x", "-a", "x=postive"), "positive"),
        (("diff", "x", "x", "-s", "x=2.5"), "extent"),
        (("eval", "x", "--at", "x=abc"), "--at x=1.2"),
        (("eval", "x", "--at", "x=[1,[2]]"), "a number, an array"),
        (("eval", "x + y"), "--at x=1.2 --at y=1.2"),
        (("eval", "A @ x", "--at", "A=[[1,2]]", "--at", "x=[1,2,3]"), "inner extents"),
        (("eval", "[1,2]*x", "--dialect", "matlab", "--at", "x=1"), "column 1"),
        (("compare", "3"), "differentiate by"),
        (("explain", "x*y"), "x, y"),
        (("diff", "9" * 400, "x"), "too large"),
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
    [
        ("diff",),
        ("nonsense", "x"),
        ("diff", "x", "--shape", "A"),
        ("eval", "x", "--at", "x"),
        ("eval", "x", "--at", "x=1", "--at", "x=2"),
        ("diff", "x", "x:0"),
        ("diff", "x", "x:two"),
        ("diff", "x", "--lates"),
        ("diff", "x", "--dialect", "julia"),
    ],
)
def test_faults_of_the_command_line_have_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(capsys, *arguments)[0] == 2


def test_help_has_examples_one_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert sum(line.strip().startswith("wengert ") for line in out.splitlines()) >= 6
    assert run(capsys, "--version")[1].startswith("wengert ")


def test_a_fault_of_wengert_is_told_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.delenv("WENGERT_DEBUG", raising=False)
    monkeypatch.setattr("wengert.app.cli.diff", broken)
    code, out, err = run(capsys, "diff", "x", "x")
    assert (code, out) == (4, "")
    assert "a fault of wengert" in err
    assert "Traceback" not in err


# --- in a process of its own -------------------------------------------------------------------------
def shell(script: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    wengert = f"{shlex.quote(sys.executable)} -m wengert"
    said = ("PYTHONIOENCODING", "PYTHONUNBUFFERED")
    env = {k: v for k, v in os.environ.items() if k not in said} | environment
    line = ["sh", "-c", script.replace("wengert", wengert, 1)]
    return subprocess.run(line, capture_output=True, check=False, env=env)


def test_python_dash_m() -> None:
    done = shell("wengert diff x^2 x")
    assert (done.returncode, done.stdout.strip()) == (0, b"2*x")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_stops_early_is_no_error(unbuffered: str) -> None:
    done = shell("wengert explain 'x*sin(x)*exp(x)' | head -1", PYTHONUNBUFFERED=unbuffered)
    assert done.stdout.startswith(b"d/dx of ")
    assert done.stderr == b""


def test_terminals_without_unicode() -> None:
    done = shell("wengert explain 'x*sin(x)'", PYTHONIOENCODING="latin-1")
    assert b"dv1/dx = cos(x)" in done.stdout
    assert done.returncode == 0
    table = shell("wengert compare x^2 --at x=1", PYTHONIOENCODING="ascii")
    assert table.returncode == 0
    assert table.stdout.isascii()


def test_what_is_piped_has_no_colours() -> None:
    assert b"\x1b" not in shell("wengert compare x^2 --at x=1", TERM="xterm-256color").stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told(unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    done = shell("wengert diff x^2 x > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr
