"""What derivatives of programs promise: shapes, dtypes, structures, what is refused and in which words."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, -2.0, 3.0])


# --- shapes ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("out", [(), (2,), (2, 3)])
@pytest.mark.parametrize("given", [(), (4,), (4, 5)])
@pytest.mark.parametrize("way", [wg.jacfwd, wg.jacrev, wg.jacobian])
def test_jacobians_have_the_shape_of_the_output_and_then_of_the_input(
    way: Callable[..., Any], out: tuple[int, ...], given: tuple[int, ...]
) -> None:
    weights = np.ones(out)
    point = np.full(given, 2.0)

    def f(x: Any) -> Any:
        total = x
        for _ in given:
            total = total @ np.ones(total.shape[-1])
        return weights * total**2

    found = way(f)(point)
    assert found.shape == out + given
    assert np.allclose(found, 4.0 * point.size)


def test_second_derivatives_append_the_shape_of_the_input_once_more() -> None:
    assert wg.hessian(lambda x: x * x)(X).shape == (3, 3, 3)
    assert wg.hessian(lambda x: x @ np.ones((3, 2)))(X).shape == (2, 3, 3)


# --- dtypes ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_dtype_of_the_input(dtype: Any) -> None:
    x = X.astype(dtype)
    f = lambda x: (x / (1 + x * x)) @ x  # noqa: E731  # given to several transforms
    assert wg.grad(f)(x).dtype == dtype
    assert wg.hessian(f)(x).dtype == dtype
    assert wg.jacfwd(lambda x: x * x)(x).dtype == dtype
    assert wg.jacrev(lambda x: x * x)(x).dtype == dtype
    value, change = wg.jvp(lambda x: x * x, (x,), (x,))
    assert value.dtype == change.dtype == dtype
    assert wg.vjp(lambda x: x * x, x)[1](x)[0].dtype == dtype
    assert wg.vmap(wg.grad(lambda x: x * x))(x).dtype == dtype
    assert isinstance(wg.grad(lambda x: x * x)(dtype(3)), dtype)


def test_inputs_of_different_dtypes_keep_theirs() -> None:
    left, right = wg.grad(lambda x, y: x @ y, argnums=(0, 1))(X.astype(np.float32), X)
    assert (left.dtype, right.dtype) == (np.float32, np.float64)


def test_python_numbers_give_python_numbers() -> None:
    found = wg.grad(lambda x: x**2)(3)
    assert type(found) is float
    assert found == 6.0


def test_integers_in_structures_are_taken_for_floats() -> None:
    assert wg.grad(lambda p: p["a"] * p["b"])({"a": 3, "b": 4}) == {"a": 4.0, "b": 3.0}


# --- what is refused -------------------------------------------------------------------------------
REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: wg.grad(lambda x: x @ x)(np.array([1, 2])),
        TypeError,
        r"grad of .* by `x`.*int64\[2\]",
    ),
    (lambda: wg.grad(lambda x: x)(True), TypeError, "bool"),
    (lambda: wg.grad(lambda x: x)(np.array([True])), TypeError, r"by `x`.*bool"),
    (lambda: wg.grad(lambda p: p["n"][0])({"n": [np.array(1)]}), TypeError, r"p\['n'\]\[0\]"),
    (lambda: wg.grad(lambda x: x * x)(X), ValueError, r"a scalar, got shape \(3,\).*jacobian"),
    (lambda: wg.grad(lambda x: x[:1])(X), ValueError, r"a scalar, got shape \(1,\)"),
    (lambda: wg.grad(lambda x: x > 0)(1.0), TypeError, "a float, got bool"),
    (
        lambda: wg.grad(lambda x: (x, x))(1.0),
        TypeError,
        r"one real number, got \(\*, \*\).*has_aux",
    ),
    (lambda: wg.grad(lambda x: None)(1.0), TypeError, "got None"),
    (lambda: wg.grad(lambda x: "text")(1.0), TypeError, "'text'"),
    (lambda: wg.grad(lambda x: x, has_aux=True)(1.0), TypeError, "a pair"),
    (lambda: wg.grad(lambda x: x, argnums=1)(1.0), TypeError, "positions below 1"),
    (lambda: wg.grad(lambda x, y: x, argnums=(0, -3))(1.0, 2.0), TypeError, "positions below 2"),
    (lambda: wg.grad(lambda x, y: x, argnums=(0, -2))(1.0, 2.0), TypeError, "distinct"),
    (lambda: wg.grad(lambda x: x, argnums="x")(1.0), TypeError, "argnums"),
    (lambda: wg.grad(3), TypeError, "a function"),
    (lambda: wg.grad(lambda x: x, nonsmooth="never"), TypeError, "'agree' or 'raise'"),
    (lambda: wg.grad(lambda z: z * z)(1j), TypeError, "holomorphic=True"),
    (lambda: wg.grad(lambda x: x, holomorphic=True)(1.0), TypeError, "complex inputs"),
    (lambda: wg.jacrev(lambda z: z * z)(np.array([1j])), TypeError, "holomorphic=True"),
    (lambda: wg.hessian(lambda z: z * z)(1j), TypeError, "real inputs"),
    (lambda: wg.jvp(lambda x: x, 1.0, (1.0,)), TypeError, r"\(x,\) for one argument"),
    (lambda: wg.jvp(lambda x: x, (1.0,), (1.0, 2.0)), TypeError, "1 tangents"),
    (lambda: wg.jvp(lambda x: x, (X,), (X[:2],)), ValueError, r"shape \(3,\), got \(2,\)"),
    (lambda: wg.jvp(lambda x: x, (X,), (X * 1j,)), TypeError, "real values"),
    (lambda: wg.vjp(lambda x: x, X)[1](X[:2]), ValueError, r"cotangent.*shape \(3,\)"),
    (lambda: wg.vjp(lambda x: {"a": x}, X)[1](X), TypeError, "structure"),
    (lambda: wg.vmap(lambda x, y: x)(X, X[:2]), ValueError, r"over `y`.*extent 3.*got 2"),
    (lambda: wg.vmap(lambda x: x)(1.0), ValueError, "an array, got a scalar"),
    (lambda: wg.vmap(lambda x: x, in_axes=None)(X), ValueError, "at least one"),
    (lambda: wg.vmap(lambda x: x, in_axes=2)(X), TypeError, "1 axes"),
    (lambda: wg.vmap(lambda x: x, in_axes=(0, 0))(X), TypeError, "1 entries"),
    (lambda: wg.vmap(lambda x: x, out_axes=None)(X), TypeError, "out_axes=0"),
    (lambda: wg.hvp(lambda x: x @ x)(X), TypeError, r"\(x, v\)"),
]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED, ids=[w for *_, w in REFUSED])
def test_what_is_refused(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wg.UnusedInputWarning)
        with pytest.raises(kind, match=words) as caught:
            call()
    assert isinstance(caught.value, wg.WengertError)


# --- inputs that do not matter ---------------------------------------------------------------------
def test_an_unused_input_gives_zeros_and_one_warning() -> None:
    def f(x: Any, unused: Any) -> Any:
        return x * 2

    g = wg.grad(f, argnums=(0, 1))

    def three_calls() -> Any:
        first = g(1.0, {"w": np.ones(2, np.float32)})
        g(2.0, {"w": np.ones(2, np.float32)})
        g(2.0, {"w": np.ones(3, np.float32)})
        return first

    words = r"`f` does not depend on `unused\['w'\]`"
    with pytest.warns(wg.UnusedInputWarning, match=words) as seen:
        first = three_calls()
    assert len(seen) == 1
    assert first[0] == 2.0
    assert first[1]["w"].dtype == np.float32
    assert first[1]["w"].tolist() == [0.0, 0.0]


def test_used_inputs_and_constant_derivatives_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert wg.grad(wg.grad(lambda x: 3 * x))(1.0) == 0.0
        assert wg.hessian(lambda x: x @ X)(X).tolist() == np.zeros((3, 3)).tolist()


# --- complex numbers -------------------------------------------------------------------------------
Z = np.array([1 + 2j, -0.5j])


def modulus(z: Any) -> Any:
    return (np.conj(z) @ z).real


def test_gradients_by_complex_numbers_point_to_steepest_ascent() -> None:
    assert np.allclose(wg.grad(modulus)(Z), 2 * Z)
    assert np.allclose(wg.grad(modulus, convention="jax")(Z), 2 * Z.conj())
    step = 1e-6
    rise = modulus_of(Z + step * wg.grad(modulus)(Z)) - modulus_of(Z)
    assert rise == pytest.approx(step * np.linalg.norm(2 * Z) ** 2, rel=1e-5)
    for way in (wg.jacfwd, wg.jacrev):
        assert np.allclose(way(modulus)(Z), 2 * Z)
        assert np.allclose(way(modulus, convention="jax")(Z), 2 * Z.conj())


def modulus_of(z: Any) -> Any:
    return np.vdot(z, z).real


def test_pullbacks_in_both_conventions() -> None:
    matrix = np.array([[1j, 2.0], [3 - 1j, 0.5]])
    c = np.array([0.3 - 1j, 2j])
    assert np.allclose(wg.vjp(lambda z: matrix @ z, Z)[1](c)[0], matrix.conj().T @ c)
    _, pullback = wg.vjp(lambda z: matrix @ z, Z, convention="jax")
    assert np.allclose(pullback(c)[0], matrix.T @ c)


def test_derivatives_of_holomorphic_functions() -> None:
    want = 3 * (1 + 2j) ** 2
    assert np.allclose(wg.grad(lambda z: z**3, holomorphic=True)(1 + 2j), want)
    for way in (wg.jacfwd, wg.jacrev, wg.jacobian):
        found = way(lambda z: z**3, holomorphic=True)(Z)
        assert np.allclose(found, np.diag(3 * Z**2))


def test_complex_functions_of_real_numbers() -> None:
    for way in (wg.jacfwd, wg.jacrev, wg.jacobian):
        found = way(lambda x: x**2 * (1 + 2j))(X)
        assert found.dtype == np.complex128
        assert np.allclose(found, np.diag(2 * X) * (1 + 2j))
    assert wg.jacrev(lambda x: x * np.complex64(1j))(np.float32(2.0)).dtype == np.complex64


# --- kinks -----------------------------------------------------------------------------------------
def by_branch(x: Any) -> Any:
    if x > 0:
        return x * x
    return 3 * x


def inside_a_branch(x: Any) -> Any:
    if x > 0:
        return abs(x - 1)
    return 3 * x


def inside_a_loop(x: Any) -> Any:
    for _ in range(5):
        x = x * abs(x - 1.0)
    return x


def by_a_loop(x: Any) -> Any:
    while x < 10.0:
        x = x * 2
    return x


KINKS: list[tuple[Callable[[Any], Any], Any, Any, Any]] = [
    # function, a kink, the agreed derivative there, a smooth point
    (abs, 0.0, 0.0, -1.0),
    (np.linalg.norm, np.zeros(2), np.zeros(2), np.ones(2)),
    (np.max, np.array([1.0, 3.0, 3.0]), [0.0, 0.5, 0.5], X),
    (lambda x: np.maximum(x[0], x[1]), np.ones(2), [0.5, 0.5], X[:2]),
    (lambda x: np.sign(x) * x, 0.0, 0.0, 2.0),
    (lambda x: np.floor(x) * x, 2.0, 2.0, 2.5),
    (lambda x: np.sort(x)[0], np.ones(2), [1.0, 0.0], X[:2]),
    (lambda x: np.where(x > 0, x * x, 3 * x), 0.0, 3.0, 1.0),
    (by_branch, 0.0, 3.0, 1.0),
    (inside_a_branch, 1.0, 0.0, 2.0),
    (inside_a_loop, 1.0, 0.0, 1.5),
    (by_a_loop, 5.0, 2.0, 1.0),
    (lambda x: wg.checkpoint(abs)(x), 0.0, 0.0, -1.0),
]


@pytest.mark.parametrize(("f", "kink", "agreed", "smooth"), KINKS)
def test_kinks_have_an_agreed_derivative_or_are_refused(
    f: Callable[[Any], Any], kink: Any, agreed: Any, smooth: Any
) -> None:
    assert np.allclose(wg.grad(f)(kink), agreed)
    strict = wg.grad(f, nonsmooth="raise")
    with pytest.raises(wg.DomainError, match="nonsmooth='agree'"):
        strict(kink)
    assert np.allclose(strict(smooth), wg.grad(f)(smooth))


def test_kinks_that_do_not_move_are_no_kinks() -> None:
    """Comparisons of what does not vary, and counters of loops, are smooth in what does."""

    def f(x: Any, t: Any) -> Any:
        for k in range(5):
            x = x + (x if k < 2 else t)
        return x

    assert wg.grad(f, nonsmooth="raise")(1.0, 2.0) == 4.0
    g = lambda x, t: x * abs(t)  # noqa: E731
    assert wg.grad(g, nonsmooth="raise")(1.0, 0.0) == 0.0


def test_kinks_of_mapped_functions_are_refused_too() -> None:
    strict = wg.vmap(wg.grad(lambda x: abs(x) * x, nonsmooth="raise"))
    assert np.allclose(strict(np.array([1.0, -2.0])), [2.0, 4.0])
    with pytest.raises(wg.DomainError, match="abs"):
        strict(np.array([1.0, 0.0]))


# --- verification ----------------------------------------------------------------------------------
def test_verification_finds_a_wrong_derivative() -> None:
    assert (
        wg.grad(lambda p: p["a"] @ p["a"] * p["b"], verify=True)({"a": X, "b": 2.0})["b"] == X @ X
    )
    wrong = lambda x: x * wg.stop_gradient(x)  # noqa: E731  # its derivative is half the truth
    with pytest.raises(wg.VerificationError, match="differences"):
        wg.grad(wrong, verify=True)(2.0)


def test_verification_holds_once_per_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert.programs import derivatives

    compared: list[Any] = []
    plain = derivatives.verified
    monkeypatch.setattr(derivatives, "verified", lambda *a: compared.append(a) or plain(*a))
    g = wg.grad(lambda x: x * x, verify=True)
    for point in (2.0, 3.0, np.float64(2.0)):
        g(point)
    assert len(compared) == 2


def test_side_effects_happen_once_per_call_and_with_values() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(x)
        return x * x

    for gradient in (wg.grad(f), wg.grad(wg.grad(f)), wg.jacobian(f)):
        seen.clear()
        for point in (2.0, 3.0):
            gradient(point)
        assert seen == [2.0, 3.0]


# --- threads ---------------------------------------------------------------------------------------
def test_threads_share_a_transformed_function() -> None:
    g = wg.grad(lambda x: (x / (1 + x @ x)) @ x)
    want = {n: wg.grad(lambda x: (x / (1 + x @ x)) @ x)(np.arange(1.0, n)) for n in range(2, 8)}
    failed: list[int] = []

    def work(n: int) -> None:
        for _ in range(5):
            if not np.allclose(g(np.arange(1.0, n)), want[n]):
                failed.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
