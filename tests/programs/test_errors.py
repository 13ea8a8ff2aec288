"""What cannot be captured, and what goes wrong at run time: the right error, on the user's own line."""

from __future__ import annotations

import builtins
import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
from programs.corpus import mistakes
from programs.corpus.mistakes import MARK, MISTAKES, Mistake

import wengert as wg

FILE = "mistakes.py"


def classes(names: tuple[str, ...]) -> tuple[type[Exception], ...]:
    """Error classes by name: of wengert, of NumPy's linear algebra, or built in."""
    places = (wg, np.linalg, builtins)
    return tuple(next(getattr(p, n) for p in places if hasattr(p, n)) for n in names)


def marked_line(function: Callable[..., Any]) -> int:
    lines, first = inspect.getsourcelines(function)
    return next(first + i for i, line in enumerate(lines) if MARK in line)


def said(error: BaseException) -> str:
    """All that a person sees of an error: the traceback, the message and its notes."""
    return "".join(traceback.format_exception(error)).replace('", line ', ":")


every_mistake = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=lambda m: m.name)


@every_mistake
def test_class_place_and_words(mistake: Mistake) -> None:
    with pytest.raises(classes(mistake.error)) as caught:
        wg.jit(mistake.function)(*mistake.args)
    message = str(caught.value)
    for word in mistake.words:
        assert word in message
    place = f"{FILE}:{marked_line(mistake.function)}"
    if isinstance(caught.value, wg.WengertError):
        assert f"{place} in " in message
    assert place in said(caught.value)


@every_mistake
def test_the_last_frame_shown_is_the_users(mistake: Mistake) -> None:
    """Frames of wengert and of NumPy are no help to who made the mistake."""
    with pytest.raises(classes(mistake.error)) as caught:
        wg.jit(mistake.function)(*mistake.args)
    frames = traceback.extract_tb(caught.value.__traceback__)
    package = Path(wg.__file__).resolve().parent
    assert package not in Path(frames[-1].filename).resolve().parents


@pytest.mark.parametrize(
    "mistake",
    [m for m in MISTAKES.values() if "CaptureError" not in m.error],
    ids=lambda m: m.name,
)
def test_the_plain_program_fails_the_same_way(mistake: Mistake) -> None:
    """Otherwise the probes themselves would be mistaken."""
    if mistake.name == "integer_too_large":
        pytest.skip("Python's whole numbers have no end")
    with pytest.raises(classes(mistake.error)):
        mistake.function(*mistake.args)


# ------------------------------------------------------ captured, although one might expect otherwise


def growing(x):
    v = np.zeros(2)
    while v.sum() < x:
        v = np.append(v, 1.0)
    return v.sum()


def trips(x):
    s = 0.0
    for i in range(int(x)):
        s += i * x
    return s


def sized(x):
    return np.zeros(int(x)).sum() + x


def maybe_none(x):
    if x > 0:
        return x * 2
    return None


def shared_by_a_branch(x):
    a = np.ones(3) * x
    b = np.zeros(3)
    y = a if x > 0 else b
    y[0] = 5.0
    return a.sum() + b.sum()


KEPT: list[float] = []


def fills_a_global_list(x):
    if x > 0:
        KEPT.append(x * 2)
    return KEPT[-1]


@pytest.mark.parametrize("function", [trips, sized])
def test_sizes_and_trip_counts_from_values(function: Callable[[float], float]) -> None:
    compiled = wg.jit(function)
    for x in (2.5, 5.5, 3.0):
        assert compiled(x) == function(x)


def test_an_array_that_grows_in_a_run_time_loop_is_refused_and_taped() -> None:
    with pytest.raises(wg.CaptureError, match=r"`v` is float64\[3\] before the loop.*final shape"):
        wg.jit(growing)(2.5)
    assert wg.grad(lambda x: growing(x) * x, mode="tape")(2.5) == growing(2.5)


def test_a_result_that_may_be_none() -> None:
    compiled = wg.jit(maybe_none)
    assert compiled(2.5) == 5.0
    assert compiled(-2.5) is None
    assert wg.grad(maybe_none)(2.5) == 2.0
    with pytest.raises((wg.WengertError, TypeError), match="None"):
        wg.grad(maybe_none)(-2.5)


def test_a_write_through_one_of_two_names_is_right_or_refused() -> None:
    compiled = wg.jit(shared_by_a_branch)
    for x in (2.5, -1.0):
        message, result = "", None
        try:
            result = compiled(x)
        except wg.CaptureError as refused:
            message = str(refused)
        assert result == shared_by_a_branch(x) or ("`y`" in message and "copy()" in message)


def key_from_a_branch(x):
    mode = "big" if x > 1 else "small"
    table = {"big": 2.0, "small": 1.0}
    return x * table[mode]


def in_a_set(x):
    return len({1.0, x}), len({round(v) for v in (x, 2 * x, 3 * x)})


def from_text(x):
    return eval("x + 1")


def from_its_frame(x):
    return locals()["x"] * 2


def text_of_a_value(x):
    return f"{x}" == "1.0", len(str(x))


def membership(x):
    return x in {1.0, 2.0}, x in (1.0, 2.0), {1.0: 5.0}.get(x, 7.0)


def of_objects(x):
    names = np.array(["a", "b"], dtype=object)
    return x * len(names[0])


def identity(x):
    y = x
    return x is y, type(x) is float, isinstance(x, int), hash(x) == hash(y)


@pytest.mark.parametrize(
    "function",
    [
        key_from_a_branch,
        in_a_set,
        from_text,
        from_its_frame,
        text_of_a_value,
        membership,
        of_objects,
        identity,
    ],
)
def test_right_or_refused(function: Callable[[float], Any]) -> None:
    compiled = wg.jit(function)
    for x in (2.5, 1.0, 0.2):
        try:
            result = compiled(x)
        except wg.CaptureError as refused:
            result = str(refused)
        else:
            assert result == function(x)
            continue
        assert "test_errors.py:" in result
        assert function.__name__ in result


def test_a_global_list_is_filled_as_often_as_the_function_is_called() -> None:
    KEPT.clear()
    compiled = wg.jit(fills_a_global_list)
    assert compiled(2.5) == 5.0
    assert KEPT == [5.0]
    assert compiled(4.0) == 8.0
    assert KEPT == [5.0, 8.0]
    assert compiled(-1.0) == 8.0
    assert KEPT == [5.0, 8.0]
    assert all(type(v) is float for v in KEPT)
    KEPT.clear()


# ------------------------------------------------------------------------------- without a source


def made_from_text(text: str) -> Callable[..., Any]:
    names: dict[str, Any] = {"math": __import__("math"), "np": np}
    exec(text, names)
    return names["f"]  # type: ignore[no-any-return]


def test_straight_code_without_source_is_captured() -> None:
    f = made_from_text("def f(x):\n    return x * np.sin(x)")
    assert wg.jit(f)(2.0) == f(2.0)
    assert wg.grad(f)(2.0) == pytest.approx(np.sin(2.0) + 2.0 * np.cos(2.0))


def test_a_branch_without_source_is_refused() -> None:
    f = made_from_text("def f(x):\n    return x if x > 0 else -x")
    with pytest.raises(wg.CaptureError, match=r"source.*(save|file|mode='tape')"):
        wg.jit(f)(2.0)


def test_a_lambda_from_eval_is_refused_when_it_branches() -> None:
    f = eval("lambda x: x if x > 0 else -x")
    with pytest.raises(wg.CaptureError, match="source"):
        wg.jit(f)(2.0)


def test_async_functions_are_refused() -> None:
    async def f(x):
        return x

    with pytest.raises(wg.WengertError, match="async"):
        wg.jit(f)(2.0)


def test_generator_functions_are_refused() -> None:
    def f(x):
        yield x
        yield x * 2

    with pytest.raises(wg.WengertError, match="generator"):
        wg.jit(f)(2.0)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises((wg.WengertError, TypeError), match=r"callable|function"):
        wg.jit(3.0)


# ---------------------------------------------------------------------------- questions to gradients


def test_the_gradient_of_an_array_is_refused() -> None:
    with pytest.raises(wg.WengertError, match=r"scalar.*jacobian|jacobian.*scalar"):
        wg.grad(lambda x: x * 2)(np.ones(3))


def test_the_gradient_by_whole_numbers_is_refused() -> None:
    with pytest.raises(wg.WengertError, match="int64"):
        wg.grad(lambda x: x.sum() * 1.0)(np.arange(3))


def test_the_gradient_by_a_text_is_refused() -> None:
    with pytest.raises(wg.WengertError, match=r"str|text"):
        wg.grad(lambda name, x: x, argnums=0)("a", 1.0)


def test_argnums_beyond_the_arguments_are_refused() -> None:
    with pytest.raises((wg.WengertError, ValueError, TypeError), match="argnums"):
        wg.grad(lambda x: x * 2, argnums=3)(1.0)


def test_a_missing_argument_is_named() -> None:
    def area(width, height):
        return width * height

    with pytest.raises(TypeError, match="height"):
        wg.jit(area)(1.0)


def test_the_gradient_of_a_whole_number_is_refused() -> None:
    with pytest.raises(wg.WengertError, match=r"int|float"):
        wg.grad(lambda x: int(x))(2.5)


def test_the_gradient_of_a_complex_number_is_refused() -> None:
    with pytest.raises(wg.WengertError, match="complex"):
        wg.grad(lambda x: x * 1j)(2.5)


def test_tangents_of_another_shape_are_refused() -> None:
    with pytest.raises((wg.WengertError, ValueError, TypeError), match=r"shape|tangent"):
        wg.jvp(lambda x: x * 2, (np.ones(3),), (np.ones(4),))


def test_global_arrays_of_the_probes_were_left_alone() -> None:
    assert np.all(mistakes.TABLE == 0)


def test_warning_of_an_except_clause_that_cannot_be_reached() -> None:
    def f(x):
        try:
            y = np.linalg.inv(np.array([[x, 1.0], [1.0, x]])).sum()
        except np.linalg.LinAlgError:
            y = 0.0
        return y

    with pytest.warns(UserWarning, match="except") as warned:
        assert wg.jit(f)(2.0) == pytest.approx(f(2.0))
    assert "test_errors.py" in str(warned[0].message) + str(warned[0].filename)


@pytest.mark.parametrize("mode", ["capture", "tape"])
def test_complex_results_of_floats_say_where_and_what_to_do(mode: str) -> None:
    def f(x):
        return (x - 3) ** 0.5

    slope = wg.grad(f, mode=mode)
    assert slope(4.0) == 0.5
    with pytest.raises(wg.EvaluationError, match=r"test_errors\.py:\d+ in f\(\): .*complex\(a\)"):
        slope(2.0)
