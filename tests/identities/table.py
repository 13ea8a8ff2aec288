"""Matrix-calculus identities as data: a formula, its derivative, and both once more in NumPy.

The kinds are those of reference works such as Petersen and Pedersen, *The Matrix Cookbook* (2012), and of
statistics and machine learning; the truths are worked out by hand. `test_truths.py` checks each of them
against differences of the NumPy value, so that no truth rests on wengert; the other tests compare wengert
with them.

Layout of a derivative: the shape of the formula followed by the shapes of the symbols, in order. A
symmetric symbol is differentiated as if all its elements were free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.linalg import det, inv, norm, slogdet, solve
from scipy.special import expit, logsumexp, softmax

# Any: the values of symbols are numbers or arrays, as the formula has them.
Array: TypeAlias = Any
Closed: TypeAlias = Callable[..., Array]

SIZES = {"m": 5, "n": 3, "k": 2, "p": 4}


@dataclass(frozen=True)
class Identity:
    """One identity.

    ``shapes``: one letter per axis; symbols that are not listed are scalars. ``value`` and ``truth`` take the
    symbols that they need, by name. ``draw`` says from where to sample what cannot be any number.
    ``human``: what a person would write, where that is agreed.
    """

    name: str
    formula: str
    shapes: Mapping[str, str]
    wrt: tuple[str, ...]
    value: Closed
    truth: Closed
    human: str = ""
    assume: Mapping[str, str] = field(default_factory=dict)
    draw: Mapping[str, str] = field(default_factory=dict)

    @property
    def declared(self) -> dict[str, tuple[str, ...]]:
        """The shapes as wengert's ``parse`` takes them."""
        return {name: tuple(axes) for name, axes in self.shapes.items()}


IDENTITIES: list[Identity] = []


def _add(
    name: str,
    formula: str,
    shapes: str,
    wrt: str,
    value: Closed,
    truth: Closed,
    human: str = "",
    *,
    assume: Mapping[str, str] | None = None,
    draw: Mapping[str, str] | None = None,
) -> None:
    axes = dict(part.split(":") for part in shapes.split())
    by = tuple(wrt.split())
    IDENTITIES.append(
        Identity(name, formula, axes, by, value, truth, human, assume or {}, draw or {})
    )


# --- NumPy shorthand for the truths --------------------------------------------------------------------
tr, diag, outer, ein, exp, log = np.trace, np.diag, np.outer, np.einsum, np.exp, np.log
sin, cos, tanh, sqrt, kron = np.sin, np.cos, np.tanh, np.sqrt, np.kron


def eye(like: Array) -> Array:
    """The identity matrix as long as the first axis of ``like``."""
    return np.eye(len(like))


def logdet(a: Array) -> Array:
    """The logarithm of a positive determinant."""
    sign, value = slogdet(a)
    assert sign > 0, "a truth was sampled outside its domain"
    return value


# fmt: off
# One identity is to be read as one row: name, formula, shapes, symbol; value, truth; as a person writes it.
# --- linear ----------------------------------------------------------------------------------------------
_add("dot", "a @ x", "a:n x:n", "x", lambda a, x: a @ x, lambda a: a, "a")
_add("matrix times vector", "A @ x", "A:mn x:n", "x", lambda A, x: A @ x, lambda A: A, "A")
_add("vector times matrix", "x @ A", "A:mn x:m", "x", lambda A, x: x @ A, lambda A: A.T, "A.T")
_add(
    "bilinear in the matrix", "a @ X @ b", "a:m X:mn b:n", "X",
    lambda a, X, b: a @ X @ b, lambda a, b: outer(a, b), "outer(a, b)",
)
_add("trace", "trace(X)", "X:nn", "X", lambda X: tr(X), lambda X: eye(X), "eye(n)")
_add(
    "trace of a product", "trace(A @ X)", "A:nm X:mn", "X",
    lambda A, X: tr(A @ X), lambda A: A.T, "A.T",
)
_add(
    "trace of three", "trace(A @ X @ B)", "A:pm X:mn B:np", "X",
    lambda A, X, B: tr(A @ X @ B), lambda A, B: A.T @ B.T, "A.T @ B.T",
)
_add("sum of all", "sum(X)", "X:mn", "X", lambda X: np.sum(X), lambda X: np.ones_like(X), "ones(m, n)")
_add(
    "Frobenius product", "sum(A * X)", "A:mn X:mn", "X",
    lambda A, X: np.sum(A * X), lambda A: A, "A",
)
_add(
    "product by its factor", "A @ X", "A:mn X:np", "X",
    lambda A, X: A @ X, lambda A, X: ein("ik,jl->ijkl", A, np.eye(X.shape[1])),
)
_add(
    "matrix times vector, by the matrix", "X @ b", "X:mn b:n", "X",
    lambda X, b: X @ b, lambda X, b: ein("ik,l->ikl", eye(X), b),
)
_add(
    "trace of a Kronecker product", "trace(kron(A, X))", "A:mm X:nn", "X",
    lambda A, X: tr(kron(A, X)), lambda A, X: tr(A) * eye(X), "trace(A)*eye(n)",
)

# --- quadratic -------------------------------------------------------------------------------------------
_add("square", "x @ x", "x:n", "x", lambda x: x @ x, lambda x: 2 * x, "2*x")
_add(
    "quadratic form", "x @ A @ x", "A:nn x:n", "x",
    lambda A, x: x @ A @ x, lambda A, x: (A + A.T) @ x, "(A + A.T) @ x",
)
_add(
    "quadratic form, second", "x @ A @ x", "A:nn x:n", "x x",
    lambda A, x: x @ A @ x, lambda A: A + A.T, "A + A.T",
)
_add(
    "symmetric quadratic form", "x @ S @ x", "S:nn x:n", "x",
    lambda S, x: x @ S @ x, lambda S, x: 2 * S @ x, "2*S @ x", assume={"S": "symmetric"},
)
_add(
    "bilinear form, mixed", "x @ A @ y", "A:mn x:m y:n", "x y",
    lambda A, x, y: x @ A @ y, lambda A: A, "A",
)
_add(
    "least squares", "norm(A @ x - b)^2", "A:mn x:n b:m", "x",
    lambda A, x, b: norm(A @ x - b) ** 2, lambda A, x, b: 2 * A.T @ (A @ x - b),
    "2*A.T @ (A @ x - b)",
)
_add(
    "least squares, second", "norm(A @ x - b)^2", "A:mn x:n b:m", "x x",
    lambda A, x, b: norm(A @ x - b) ** 2, lambda A: 2 * A.T @ A, "2*A.T @ A",
)
_add(
    "Gram form", "a @ X.T @ X @ b", "a:n X:mn b:n", "X",
    lambda a, X, b: a @ X.T @ X @ b, lambda a, X, b: X @ (outer(a, b) + outer(b, a)),
    "X @ (outer(a, b) + outer(b, a))",
)
_add(
    "affine quadratic form", "(X @ a + b) @ C @ (X @ a + b)", "X:mn a:n b:m C:mm", "X",
    lambda X, a, b, C: (X @ a + b) @ C @ (X @ a + b),
    lambda X, a, b, C: outer((C + C.T) @ (X @ a + b), a),
    "outer((C + C.T) @ (X @ a + b), a)",
)
_add(
    "trace of the Gram matrix", "trace(X.T @ X)", "X:mn", "X",
    lambda X: tr(X.T @ X), lambda X: 2 * X, "2*X",
)
_add(
    "trace of a congruence", "trace(X.T @ A @ X)", "X:mn A:mm", "X",
    lambda X, A: tr(X.T @ A @ X), lambda X, A: (A + A.T) @ X, "(A + A.T) @ X",
)
_add(
    "trace of A X B X'", "trace(A @ X @ B @ X.T)", "A:mm X:mn B:nn", "X",
    lambda A, X, B: tr(A @ X @ B @ X.T), lambda A, X, B: A @ X @ B + A.T @ X @ B.T,
    "A @ X @ B + A.T @ X @ B.T",
)
_add(
    "trace of A X B X", "trace(A @ X @ B @ X)", "A:nm X:mn B:nm", "X",
    lambda A, X, B: tr(A @ X @ B @ X),
    lambda A, X, B: A.T @ X.T @ B.T + B.T @ X.T @ A.T,
    "A.T @ X.T @ B.T + B.T @ X.T @ A.T",
)
_add(
    "distance in a metric", "(x - c) @ S @ (x - c)", "x:n c:n S:nn", "c",
    lambda x, c, S: (x - c) @ S @ (x - c), lambda x, c, S: -2 * S @ (x - c),
    "-2*S @ (x - c)", assume={"S": "symmetric"},
)
_add(
    "matrix least squares", "norm(A @ X @ B - C)^2", "A:pm X:mn B:nk C:pk", "X",
    lambda A, X, B, C: norm(A @ X @ B - C) ** 2,
    lambda A, X, B, C: 2 * A.T @ (A @ X @ B - C) @ B.T,
    "2*A.T @ (A @ X @ B - C) @ B.T",
)
_add(
    "matrix factorisation", "norm(U @ V.T - Y)^2", "U:mk V:nk Y:mn", "V",
    lambda U, V, Y: norm(U @ V.T - Y) ** 2, lambda U, V, Y: 2 * (U @ V.T - Y).T @ U,
    "2*(U @ V.T - Y).T @ U",
)

# --- powers and higher traces ----------------------------------------------------------------------------
_add("trace of the square", "trace(X @ X)", "X:nn", "X", lambda X: tr(X @ X), lambda X: 2 * X.T, "2*X.T")
_add(
    "trace of the fourth power", "trace(X @ X @ X @ X)", "X:nn", "X",
    lambda X: tr(X @ X @ X @ X), lambda X: 4 * (X @ X @ X).T, "4*(X @ X @ X).T",
)
_add(
    "trace of A X X", "trace(A @ X @ X)", "A:nn X:nn", "X",
    lambda A, X: tr(A @ X @ X), lambda A, X: (A @ X + X @ A).T, "(A @ X + X @ A).T",
)
_add(
    "form in the square", "a @ X @ X @ b", "a:n X:nn b:n", "X",
    lambda a, X, b: a @ X @ X @ b, lambda a, X, b: outer(a, X @ b) + outer(X.T @ a, b),
    "outer(a, X @ b) + outer(X.T @ a, b)",
)
_add(
    "Gram form of the square", "a @ (X @ X).T @ (X @ X) @ b", "a:n X:nn b:n", "X",
    lambda a, X, b: a @ (X @ X).T @ (X @ X) @ b,
    lambda a, X, b: (
        X @ X @ (outer(a, b) + outer(b, a)) @ X.T + X.T @ X @ X @ (outer(a, b) + outer(b, a))
    ),
)
_add(
    "quartic trace with sides", "trace(B.T @ X.T @ C @ X @ X.T @ C @ X @ B)", "B:nk X:mn C:mm", "X",
    lambda B, X, C: tr(B.T @ X.T @ C @ X @ X.T @ C @ X @ B),
    lambda B, X, C: (
        C @ X @ X.T @ C @ X @ B @ B.T
        + C.T @ X @ B @ B.T @ X.T @ C.T @ X
        + C @ X @ B @ B.T @ X.T @ C @ X
        + C.T @ X @ X.T @ C.T @ X @ B @ B.T
    ),
)
_add(
    "trace of the squared Gram matrix", "trace(X.T @ X @ X.T @ X)", "X:mn", "X",
    lambda X: tr(X.T @ X @ X.T @ X), lambda X: 4 * X @ X.T @ X, "4*X @ X.T @ X",
)

# --- inverses --------------------------------------------------------------------------------------------
_add(
    "form in the inverse", "a @ inv(X) @ b", "a:n X:nn b:n", "X",
    lambda a, X, b: a @ inv(X) @ b, lambda a, X, b: -outer(inv(X).T @ a, inv(X) @ b),
    "-outer(inv(X).T @ a, inv(X) @ b)",
)
_add(
    "trace of the inverse", "trace(inv(X))", "X:nn", "X",
    lambda X: tr(inv(X)), lambda X: -(inv(X) @ inv(X)).T, "-(inv(X) @ inv(X)).T",
)
_add(
    "trace of A inv(X) B", "trace(A @ inv(X) @ B)", "A:mn X:nn B:nm", "X",
    lambda A, X, B: tr(A @ inv(X) @ B), lambda A, X, B: -(inv(X) @ B @ A @ inv(X)).T,
    "-(inv(X) @ B @ A @ inv(X)).T",
)
_add(
    "trace with an inverse congruence", "trace(inv(X.T @ S @ X) @ A)", "X:mn S:mm A:nn", "X",
    lambda X, S, A: tr(inv(X.T @ S @ X) @ A),
    lambda X, S, A: -S @ X @ inv(X.T @ S @ X) @ (A + A.T) @ inv(X.T @ S @ X),
    "-S @ X @ inv(X.T @ S @ X) @ (A + A.T) @ inv(X.T @ S @ X)",
    assume={"S": "pd"},
)
_add(
    "linear system, by the matrix", "a @ solve(X, b)", "a:n X:nn b:n", "X",
    lambda a, X, b: a @ solve(X, b), lambda a, X, b: -outer(solve(X.T, a), solve(X, b)),
    "-outer(solve(X.T, a), solve(X, b))",
)
_add(
    "linear system, by the right side", "a @ solve(X, b)", "a:n X:nn b:n", "b",
    lambda a, X, b: a @ solve(X, b), lambda a, X: solve(X.T, a), "solve(X.T, a)",
)
_add(
    "inverse by its matrix", "inv(X)", "X:nn", "X",
    lambda X: inv(X), lambda X: -ein("ik,lj->ijkl", inv(X), inv(X)),
)
_add(
    "inverse by a scalar", "inv(A + t*B)", "A:nn B:nn", "t",
    lambda A, B, t: inv(A + t * B), lambda A, B, t: -inv(A + t * B) @ B @ inv(A + t * B),
    "-inv(A + t*B) @ B @ inv(A + t*B)", draw={"t": "positive"},
)

# --- determinants ----------------------------------------------------------------------------------------
_add("determinant", "det(X)", "X:nn", "X", lambda X: det(X), lambda X: det(X) * inv(X).T, "det(X)*inv(X).T")
_add("log-determinant", "logdet(X)", "X:nn", "X", lambda X: logdet(X), lambda X: inv(X).T, "inv(X).T")
_add(
    "log of the determinant", "log(det(X))", "X:nn", "X",
    lambda X: log(det(X)), lambda X: inv(X).T, "inv(X).T",
)
_add(
    "determinant with sides", "det(A @ X @ B)", "A:km X:mn B:nk", "X",
    lambda A, X, B: det(A @ X @ B), lambda A, X, B: det(A @ X @ B) * A.T @ inv(A @ X @ B).T @ B.T,
    "det(A @ X @ B)*(A.T @ inv(A @ X @ B).T @ B.T)",
)
_add(
    "determinant of the Gram matrix", "det(X.T @ X)", "X:mn", "X",
    lambda X: det(X.T @ X), lambda X: 2 * det(X.T @ X) * X @ inv(X.T @ X),
    "2*det(X.T @ X)*(X @ inv(X.T @ X))",
)
_add(
    "log-determinant of the Gram matrix", "logdet(Z.T @ Z)", "Z:mn", "Z",
    lambda Z: logdet(Z.T @ Z), lambda Z: 2 * Z @ inv(Z.T @ Z), "2*Z @ inv(Z.T @ Z)",
)
_add("trace times determinant", "trace(X)*det(X)", "X:nn", "X",
    lambda X: tr(X) * det(X), lambda X: det(X) * eye(X) + tr(X) * det(X) * inv(X).T,
    "det(X)*(eye(n) + trace(X)*inv(X).T)",
)
_add(
    "log-determinant by a scalar, second", "logdet(A + t*B)", "A:nn B:nn", "t t",
    lambda A, B, t: logdet(A + t * B),
    lambda A, B, t: -tr(inv(A + t * B) @ B @ inv(A + t * B) @ B),
    "-trace(inv(A + t*B) @ B @ inv(A + t*B) @ B)", assume={"A": "pd", "B": "pd"}, draw={"t": "positive"},
)
_add(
    "log-determinant, second", "logdet(X)", "X:nn", "X X",
    lambda X: logdet(X), lambda X: -ein("jk,li->ijkl", inv(X), inv(X)),
)

# --- quotients and norms ---------------------------------------------------------------------------------
_add(
    "Rayleigh quotient", "(x @ A @ x)/(x @ x)", "A:nn x:n", "x",
    lambda A, x: (x @ A @ x) / (x @ x),
    lambda A, x: ((A + A.T) @ x) / (x @ x) - 2 * x * (x @ A @ x) / (x @ x) ** 2,
    "((A + A.T) @ x)/(x @ x) - 2*x*(x @ A @ x)/(x @ x)**2",
)
_add("norm", "norm(x)", "x:n", "x", lambda x: norm(x), lambda x: x / norm(x), "x/norm(x)")
_add(
    "distance, second", "norm(x - c)", "x:n c:n", "x x",
    lambda x, c: norm(x - c),
    lambda x, c: (eye(x) - outer(x - c, x - c) / ((x - c) @ (x - c))) / norm(x - c),
    "(eye(n) - outer(x - c, x - c)/norm(x - c)**2)/norm(x - c)",
)
_add(
    "unit vector", "x/norm(x)", "x:n", "x",
    lambda x: x / norm(x), lambda x: (eye(x) - outer(x, x) / (x @ x)) / norm(x),
    "(eye(n) - outer(x, x)/norm(x)**2)/norm(x)",
)
_add("Frobenius norm", "norm(X)", "X:mn", "X", lambda X: norm(X), lambda X: X / norm(X), "X/norm(X)")
_add(
    "cosine similarity", "x @ c/(norm(x)*norm(c))", "x:n c:n", "x",
    lambda x, c: x @ c / (norm(x) * norm(c)),
    lambda x, c: (c - x * (x @ c) / (x @ x)) / (norm(x) * norm(c)),
    "(c - x*(x @ c)/norm(x)**2)/(norm(x)*norm(c))",
)

# --- statistics ------------------------------------------------------------------------------------------
_GAUSS = "logdet(S)/2 + (x - mu) @ inv(S) @ (x - mu)/2"


def _gauss(S: Array, x: Array, mu: Array) -> Array:
    return logdet(S) / 2 + (x - mu) @ inv(S) @ (x - mu) / 2


_add(
    "Gaussian likelihood, mean", _GAUSS, "S:nn x:n mu:n", "mu",
    _gauss, lambda S, x, mu: -inv(S) @ (x - mu), "-inv(S) @ (x - mu)", assume={"S": "pd"},
)
_add(
    "Gaussian likelihood, covariance", _GAUSS, "S:nn x:n mu:n", "S",
    _gauss, lambda S, x, mu: inv(S) / 2 - outer(inv(S) @ (x - mu), inv(S) @ (x - mu)) / 2,
    "(inv(S) - outer(inv(S) @ (x - mu), inv(S) @ (x - mu)))/2", assume={"S": "pd"},
)
_add(
    "ridge regression", "norm(X @ w - y)^2 + lam*(w @ w)", "X:mn w:n y:m", "w",
    lambda X, w, y, lam: norm(X @ w - y) ** 2 + lam * (w @ w),
    lambda X, w, y, lam: 2 * X.T @ (X @ w - y) + 2 * lam * w,
    "2*(X.T @ (X @ w - y) + lam*w)",
)
_add(
    "ridge regression, second", "norm(X @ w - y)^2 + lam*(w @ w)", "X:mn w:n y:m", "w w",
    lambda X, w, y, lam: norm(X @ w - y) ** 2 + lam * (w @ w),
    lambda X, lam: 2 * X.T @ X + 2 * lam * np.eye(X.shape[1]),
    "2*(X.T @ X + lam*eye(n))",
)
_add(
    "weighted least squares", "(X @ w - y) @ (d*(X @ w - y))", "X:mn w:n y:m d:m", "w",
    lambda X, w, y, d: (X @ w - y) @ (d * (X @ w - y)),
    lambda X, w, y, d: 2 * X.T @ (d * (X @ w - y)),
    "2*X.T @ (d*(X @ w - y))",
)
_LOGISTIC = "sum(log(1 + exp(X @ w))) - y @ (X @ w)"


def _logistic(X: Array, w: Array, y: Array) -> Array:
    return np.sum(log(1 + exp(X @ w))) - y @ (X @ w)


_add(
    "logistic regression", _LOGISTIC, "X:mn w:n y:m", "w",
    _logistic, lambda X, w, y: X.T @ (expit(X @ w) - y), "X.T @ (sigmoid(X @ w) - y)",
)
_add(
    "logistic regression, second", _LOGISTIC, "X:mn w:n y:m", "w w",
    _logistic, lambda X, w: X.T @ diag(expit(X @ w) * expit(-(X @ w))) @ X,
    "X.T @ diag(sigmoid(X @ w)*sigmoid(-(X @ w))) @ X",
)
_add(
    "Poisson regression", "sum(exp(X @ w)) - y @ X @ w", "X:mn w:n y:m", "w",
    lambda X, w, y: np.sum(exp(X @ w)) - y @ X @ w, lambda X, w, y: X.T @ (exp(X @ w) - y),
    "X.T @ (exp(X @ w) - y)",
)
_add(
    "Poisson regression, second", "sum(exp(X @ w)) - y @ X @ w", "X:mn w:n y:m", "w w",
    lambda X, w, y: np.sum(exp(X @ w)) - y @ X @ w, lambda X, w: X.T @ diag(exp(X @ w)) @ X,
    "X.T @ diag(exp(X @ w)) @ X",
)
_add(
    "log-sum-exp, spelled out", "log(sum(exp(x)))", "x:n", "x",
    lambda x: log(np.sum(exp(x))), lambda x: softmax(x), "softmax(x)",
)
_add(
    "log-sum-exp, second", "logsumexp(x)", "x:n", "x x",
    lambda x: logsumexp(x), lambda x: diag(softmax(x)) - outer(softmax(x), softmax(x)),
    "diag(softmax(x)) - outer(softmax(x), softmax(x))",
)
_add(
    "softmax", "softmax(x)", "x:n", "x",
    lambda x: softmax(x), lambda x: diag(softmax(x)) - outer(softmax(x), softmax(x)),
    "diag(softmax(x)) - outer(softmax(x), softmax(x))",
)
_add(
    "softmax cross-entropy", "logsumexp(W @ x) - c @ W @ x", "W:mn x:n c:m", "W",
    lambda W, x, c: logsumexp(W @ x) - c @ W @ x, lambda W, x, c: outer(softmax(W @ x) - c, x),
    "outer(softmax(W @ x) - c, x)",
)

# --- element by element ----------------------------------------------------------------------------------
_add(
    "sum of exponentials", "sum(exp(A @ x))", "A:mn x:n", "x",
    lambda A, x: np.sum(exp(A @ x)), lambda A, x: A.T @ exp(A @ x), "A.T @ exp(A @ x)",
)
_add(
    "exponential of a dot product, second", "exp(a @ x)", "a:n x:n", "x x",
    lambda a, x: exp(a @ x), lambda a, x: exp(a @ x) * outer(a, a), "exp(a @ x)*outer(a, a)",
)
_add(
    "logarithm of a dot product", "log(a @ x + 1)", "a:n x:n", "x",
    lambda a, x: log(a @ x + 1), lambda a, x: a / (a @ x + 1), "a/(a @ x + 1)",
    draw={"a": "positive", "x": "positive"},
)
_add(
    "trace of the elementwise cube", "trace(X*X*X)", "X:nn", "X",
    lambda X: tr(X * X * X), lambda X: 3 * diag(diag(X) ** 2), "3*diag(diag(X)**2)",
)
_add(
    "layer", "a @ tanh(W @ x)", "a:m W:mn x:n", "W",
    lambda a, W, x: a @ tanh(W @ x), lambda a, W, x: outer(a * (1 - tanh(W @ x) ** 2), x),
    "outer(a*(1 - tanh(W @ x)**2), x)",
)
_add(
    "entropy", "-sum(x*log(x))", "x:n", "x",
    lambda x: -np.sum(x * log(x)), lambda x: -log(x) - 1, "-log(x) - 1", draw={"x": "positive"},
)
_add(
    "vector times its dot product", "x*(a @ x)", "a:n x:n", "x",
    lambda a, x: x * (a @ x), lambda a, x: (a @ x) * eye(x) + outer(x, a),
    "(a @ x)*eye(n) + outer(x, a)",
)
_add(
    "diagonal between vectors", "a @ diag(x) @ A @ x", "a:n A:nn x:n", "x",
    lambda a, A, x: a @ diag(x) @ A @ x, lambda a, A, x: a * (A @ x) + A.T @ (a * x),
    "a*(A @ x) + A.T @ (a*x)",
)
_add(
    "outer product by its vector", "outer(x, a)", "a:m x:n", "x",
    lambda a, x: outer(x, a), lambda a, x: ein("ik,j->ijk", eye(x), a),
)

# --- sums, products, several symbols -----------------------------------------------------------------------
_add(
    "sum of traces", "trace(X) + trace(X @ X)", "X:nn", "X",
    lambda X: tr(X) + tr(X @ X), lambda X: eye(X) + 2 * X.T, "eye(n) + 2*X.T",
)
_add(
    "trace minus a number", "trace(X.T @ X) - 3", "X:mn", "X",
    lambda X: tr(X.T @ X) - 3, lambda X: 2 * X, "2*X",
)
_add(
    "product of dot products, second", "(a @ x)*(b @ x)", "a:n b:n x:n", "x x",
    lambda a, b, x: (a @ x) * (b @ x), lambda a, b: outer(a, b) + outer(b, a), "outer(a, b) + outer(b, a)",
)
_add(
    "cube of a dot product, third", "(a @ x)^3", "a:n x:n", "x x x",
    lambda a, x: (a @ x) ** 3, lambda a: 6 * ein("i,j,k->ijk", a, a, a),
)
_add(
    "matrix by a scalar", "exp(t)*A @ x", "A:mn x:n", "t",
    lambda A, x, t: exp(t) * A @ x, lambda A, x, t: exp(t) * A @ x, "exp(t)*A @ x",
)
# fmt: on
