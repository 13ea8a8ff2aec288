"""What cannot be read: the error says what was expected, and points at the place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import wengert as wg

# The formula, the column that is pointed at, and words of the message.
MISTAKES: list[tuple[str, int, str]] = [
    ("", 1, "the formula is empty"),
    ("  ", 1, "the formula is empty"),
    ("x +", 3, "expected an operand after `+`"),
    ("x + ", 3, "expected an operand after `+`"),
    ("-", 1, "expected an operand after `-`"),
    ("x*", 2, "expected an operand after `*`"),
    ("(x*)", 3, "expected an operand after `*`"),
    ("x + * y", 5, "expected an operand between `+` and `*`"),
    ("* x", 1, "expected an operand before `*`"),
    ("x ** ** y", 6, "expected an operand between `**` and `**`"),
    ("x <", 3, "expected an operand after `<`"),
    ("not", 1, "expected an operand after `not`"),
    # brackets
    ("(x + 1", 1, "`(` is never closed; try: add `)`"),
    ("sin((x + 1)*y", 4, "`(` is never closed"),
    ("sin(x", 4, "`(` is never closed"),
    ("A[0", 2, "`[` is never closed"),
    ("|x", 1, "`|` is never closed"),
    ("x + 1)", 6, "`)` closes nothing"),
    ("(x + 1]", 1, "`(` is closed by `]`"),
    ("(x + [1)", 6, "`[` is closed by `)`"),
    ("|x + (1|", 8, "expected an operand after `|`"),
    ("(|x)", 2, "`|` is closed by `)`"),
    ("()", 1, "expected something between `(` and `)`"),
    ("x*()", 3, "expected something between"),
    ("||x||", 1, "double bars are not read; try: norm(x), or abs(x)"),
    ("2*||x||", 3, "double bars"),
    # operands side by side
    ("x y", 3, "expected an operator between `x` and `y`; try: x*y"),
    ("x 2", 3, "expected an operator between `x` and `2`; try: x*2"),
    ("2 3", 3, "expected an operator between `2` and `3`"),
    ("3.5.2", 4, "expected an operator between `3.5` and `.2`"),
    ("(x + 1)(y + 1)", 8, "try: (...)*(...)"),
    ("(x + 1)y", 8, "try: (...)*y"),
    ("(x + 1)2", 8, "try: (...)*2"),
    ("x sin(y)", 3, "try: x*sin"),
    ("sin x", 5, "`sin` is a function and wants brackets; try: sin(x)"),
    ("x(y + 1)", 1, "no function is called `x`; try: x*(...)"),
    ("x not y", 3, "expected an operator before `not`"),
    # two readings
    ("1/2x", 4, "`/2x` can be read in two ways; try: 1/(2*x) or (1/2)*x"),
    ("x/2y", 4, "can be read in two ways"),
    ("x/-2y", 5, "can be read in two ways"),
    ("1/2(x + 1)", 4, "try: 1/(2*(...)) or (1/2)*(...)"),
    ("1/2sin(x)", 4, "try: 1/(2*sin) or (1/2)*sin"),
    ("2^3x", 4, "try: 2^(3*x) or (2^3)*x"),
    ("x^2y", 4, "can be read in two ways"),
    ("x^-2y", 5, "can be read in two ways"),
    ("x²y", 3, "can be read in two ways"),
    ("x²^3", 3, "a power of a superscript can be read in two ways"),
    ("7 // 2x", 7, "can be read in two ways"),
    ("x > 0 & y > 0", 7, "`&` binds more tightly than a comparison; try: `and`"),
    ("x > 0 | y > 0", 7, "try: `or`"),
    ("0x10", 1, "numbers are decimal; try: 16"),
    # numbers
    ("1e400", 1, "`1e400` is too large for a float64"),
    ("1e-400", 1, "`1e-400` is too small for a float64"),
    ("x + 1" + 400 * "0", 5, "too large for a float64"),
    ("x + 1" + 9000 * "0", 5, "too large for a float64"),
    # names
    ("sinn(x)", 1, "no function is called `sinn`; did you mean `sin`"),
    ("x + arcsine(x)", 5, "did you mean `arcsin`"),
    ("sigmod(x)", 1, "did you mean `sigmoid`"),
    ("sin*x", 1, "`sin` is a function here; try: sin(...), or declare a symbol: parse(..., sin=())"),
    ("x + mean", 5, "`mean` is a function here"),
    ("for*x", 1, "`for` is a keyword of Python"),
    ("√x", 2, "`√` is a function and wants brackets; try: √(x)"),
    # calls
    ("sin()", 1, "`sin`: expected 1 argument, got 0; try: sin(x)"),
    ("sin(x, y)", 1, "`sin`: expected 1 argument, got 2"),
    ("atan2(x)", 1, "`atan2`: expected 2 arguments, got 1; try: atan2(x, y)"),
    ("where(x < y, x)", 1, "expected 3 arguments, got 2"),
    ("sin(x,, y)", 7, "expected an operand before `,`"),
    ("sin(, y)", 5, "expected an operand before `,`"),
    ("sin(x=2)", 5, "`sin`: expected no options, got `x=`"),
    ("max(axis=0)", 1, "several values"),
    ("log(x, axis=0)", 8, "expected no options"),
    ("sin('x')", 1, "expected an expression, got a text"),
    ("sin((x, y))", 1, "got a tuple; try: [1, 2, 3]"),
    ("ones(x*sin(y))", 1, "expected whole numbers or names of sizes"),
    ("n*ones(n)", 3, "`n` is a size here, and a number elsewhere"),
    ("einsum(x, y)", 1, "subscripts as text"),
    ("einsum('i,j', x)", 1, "letters for each of the 1 operands"),
    ("einsum('i->ii', [1, 2])", 1, "output labels that occur, each once"),
    # operators
    ("x = 3", 1, "`=` is no comparison; try: x == ..."),
    ("y = x^2", 1, "`=` is no comparison"),
    ("x, y", 2, "a comma outside brackets"),
    ("1,5*x", 2, "decimals are written 1.5"),
    ("x.sum()", 2, "`.sum` is not read; try: sum(x)"),
    ("x : y", 3, "`:` stands only in an index"),
    ("x if y", 3, "`if` has no `else`"),
    ("x else y", 3, "`else` without `if`"),
    ("x + not y", 5, "`not` needs brackets here"),
    ("x + 'abc'", 3, "expected an expression, got a text"),
    ("(1, 2) + x", 8, "expected an expression, got a tuple"),
    ("x + None", 3, "expected an expression, got None"),
    ("[1, [2, 3]]", 1, "rows of different lengths"),
    ("x + 'abc", 5, "`'` is no sign of a formula; try: a closing quote"),
    ("x ' + y", 3, "is no sign of a formula"),
    ("x + ... + y", 5, "`...` stands only in an index"),
    # signs
    ("x!", 2, "`!` is no sign of a formula; try: gamma(x + 1)"),
    ("x$", 2, "`$` is no sign of a formula"),
    ("{x}", 1, "try: round brackets"),
    (r"\frac{1}{2}", 1, "try: the formula in plain text"),
    ("x; y", 2, "one formula at a time"),
    ("x # y", 3, "a formula without a comment"),
    ("x ? y : z", 3, "where(condition, a, b)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "words"), MISTAKES, ids=[m[0][:30] for m in MISTAKES])
def test_mistakes(text: str, column: int, words: str) -> None:
    with pytest.raises(wg.FormulaError, match=re.escape(words)) as caught:
        wg.parse(text)
    assert caught.value.column == column
    assert caught.value.text == text


SHAPE_MISTAKES: list[tuple[str, dict[str, Any], int, type[Exception], str]] = [
    ("A @ x + b", {"A": ("m", "n"), "x": "n", "b": "k"}, 7, wg.ShapeError, "got (m,) and (k,)"),
    ("b + A @ x", {"A": ("m", "n"), "x": "m", "b": "m"}, 7, wg.ShapeError, "inner extents differ"),
    ("2*(A*x)", {"A": ("m", "n"), "x": "m"}, 5, wg.ShapeError, "extents that are equal or 1"),
    ("A @ 2", {"A": ("m", "n")}, 3, wg.ShapeError, "a scalar; try: use * instead"),
    ("tr(A)", {"A": ("m", "n")}, 1, wg.ShapeError, "a square matrix"),
    ("1 + det(A)", {"A": ("m", "n")}, 5, wg.ShapeError, "a square matrix"),
    ("sum(x, axis=1)", {"x": "n"}, 1, wg.ShapeError, "an axis from -1 to 0"),
    ("sum(x, axes=0)", {"x": "n"}, 8, wg.TypeMismatchError, "did you mean `axis`"),
    ("sum(x, axis=0, axis=0)", {"x": "n"}, 16, wg.FormulaError, "`axis=` is given twice"),
    ("sum(axis=0, x)", {"x": "n"}, 1, wg.FormulaError, "stand last"),
    (
        "sum(x, 'a')",
        {"x": "n"},
        1,
        wg.TypeMismatchError,
        "expected sum(x, axis=None, keepdims=False)",
    ),
    ("x < A", {"A": ("m", "n"), "x": "m"}, 3, wg.ShapeError, "broadcast"),
    ("A^-1", {"A": ("n", "n")}, 2, wg.TypeMismatchError, "A @ A or inv(A) for the matrix"),
    ("A²", {"A": ("n", "n")}, 2, wg.TypeMismatchError, "A**2 for each element"),
    ("A - I", {"A": ("n", "n")}, 5, wg.FormulaError, "`I` is a function here; try: I(...)"),
    ("gamma(x + 1)", {"gamma": ()}, 1, wg.FormulaError, "gamma*(...) for a product"),
    ("x[2]", {"x": 2}, 2, wg.WengertError, "2"),
    ("x[0, 1]", {"x": "n"}, 2, wg.WengertError, "ind"),
    ("x[]", {"x": "n"}, 2, wg.FormulaError, "expected something between `[` and `]`"),
    ("sum(A) + nosuch(A)", {"A": ("n", "n")}, 10, wg.UnknownNameError, "no function is called"),
]


@pytest.mark.parametrize(
    ("text", "shapes", "column", "kind", "words"),
    SHAPE_MISTAKES,
    ids=[m[0] for m in SHAPE_MISTAKES],
)
def test_operands_that_do_not_fit(
    text: str, shapes: dict[str, Any], column: int, kind: type[Exception], words: str
) -> None:
    with pytest.raises(wg.FormulaError, match=re.escape(words)) as caught:
        wg.parse(text, **shapes)
    assert isinstance(caught.value, kind)
    assert caught.value.column == column


def test_the_caret_stands_under_the_column() -> None:
    with pytest.raises(wg.FormulaError) as caught:
        wg.parse("x +\n sinn(y)")
    lines = str(caught.value).splitlines()
    assert lines[1] == "  x +  sinn(y)"
    assert lines[2] == "       ^ column 6"


def test_long_formulas_show_the_part_around_the_column() -> None:
    text = "+".join(["x"] * 5000) + "+(y+" + "+".join(["z"] * 5000)
    with pytest.raises(wg.FormulaError, match="never closed") as caught:
        wg.parse(text)
    _, line, caret = str(caught.value).splitlines()
    assert caught.value.column == 10001
    assert len(line) < 120
    assert line[caret.index("^")] == "("


@pytest.mark.parametrize(
    ("text", "dialect"), [(3, "python"), ("x", "mathematica"), (None, "matlab")]
)
def test_what_is_no_formula_at_all(text: Any, dialect: str) -> None:
    with pytest.raises(wg.FormulaError, match="expected"):
        wg.parse(text, dialect=dialect)


def test_every_rule_of_the_grammars_has_its_action() -> None:
    from wengert.frontend import matlab, parse, python

    for name, actions in (("python", python.PythonActions), ("matlab", matlab.MatlabActions)):
        grammar = Path(parse.__file__).with_name(f"{name}.lark").read_text(encoding="utf-8")
        wanted = re.findall(r"-> (\w+)|^(start|items|arguments|subscripts):", grammar, re.MULTILINE)
        missing = [w for w in (a or b for a, b in wanted) if not hasattr(actions, w)]
        assert missing == []
