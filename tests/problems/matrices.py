"""Matrix problems: a formula, the symbol, the order, and what a person would write."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MATRIX_PROBLEMS", "SIZES", "MatrixProblem"]

SIZES = {"m": 4, "n": 3, "k": 2}
SHAPES = {
    "X": ("m", "n"), "w": ("n",), "y": ("m",), "A": ("n", "n"), "B": ("n", "n"), "S": ("n", "n"), "x": ("n",),
    "c": ("n",), "u": ("m",), "mu": ("n",), "U": ("m", "k"), "V": ("n", "k"), "Y": ("m", "n"), "lam": (),
    "W": ("n", "k"), "v": ("k",), "T": ("m", "k"), "d": ("m",),
}  # fmt: skip


class MatrixProblem(NamedTuple):
    """``human`` is what a person would write; the result may be no longer than that."""

    name: str
    formula: str
    wrt: str
    human: str
    order: int = 1


_LS = "(X @ w - y) @ (X @ w - y)"
_LOGREG = "sum(log(1 + exp(X @ w))) - y @ (X @ w)"
_GAUSS = "logdet(S) + (x - mu) @ (inv(S) @ (x - mu))"
_SOFTMAX = "sum(logsumexp(X @ W, axis=1)) - sum(T*(X @ W))"
_POISSON = "sum(exp(X @ w)) - y @ (X @ w)"
_BARRIER = "-sum(log(y - X @ w))"
_WEIGHTED = "(X @ w - y) @ (d*(X @ w - y))"
_NET = "(tanh(X @ W) @ v - y) @ (tanh(X @ W) @ v - y)"

MATRIX_PROBLEMS = [
    MatrixProblem("least squares", _LS, "w", "2*X.T @ (X @ w - y)"),
    MatrixProblem("least squares by X", _LS, "X", "2*outer(X @ w - y, w)"),
    MatrixProblem("least squares Hessian", _LS, "w", "2*X.T @ X", 2),
    MatrixProblem("logistic regression", _LOGREG, "w", "X.T @ (sigmoid(X @ w) - y)"),
    MatrixProblem(
        "logistic Hessian", _LOGREG, "w", "X.T @ diag(sigmoid(X @ w)*sigmoid(-X @ w)) @ X", 2
    ),
    MatrixProblem("ridge", f"{_LS} + lam*(w @ w)", "w", "2*X.T @ (X @ w - y) + 2*lam*w"),
    MatrixProblem("quadratic form", "x @ (A @ x)", "x", "(A + A.T) @ x"),
    MatrixProblem("quadratic form Hessian", "x @ (A @ x)", "x", "A + A.T", 2),
    MatrixProblem("symmetric quadratic form", "x @ (S @ x)", "x", "2*S @ x"),
    MatrixProblem("trace of four", "trace(A @ B @ S @ A)", "B", "A.T @ A.T @ S"),
    MatrixProblem("trace of a congruence", "trace(X @ A @ X.T)", "X", "X @ (A + A.T)"),
    MatrixProblem("logdet", "logdet(A)", "A", "inv(A).T"),
    MatrixProblem("det", "det(A)", "A", "det(A)*inv(A).T"),
    MatrixProblem("Gauss, covariance", _GAUSS, "S", "inv(S) - outer(inv(S) @ (x - mu), inv(S) @ (x - mu))"),
    MatrixProblem("Gauss, mean", _GAUSS, "mu", "-2*inv(S) @ (x - mu)"),
    MatrixProblem("factorisation by U", "sum((Y - U @ V.T)**2)", "U", "2*(U @ V.T - Y) @ V"),
    MatrixProblem("factorisation by V", "sum((Y - U @ V.T)**2)", "V", "2*(U @ V.T - Y).T @ U"),
    MatrixProblem("Frobenius norm", "sqrt(sum(A**2))", "A", "A/norm(A)"),
    MatrixProblem("form in the inverse", "x @ (inv(A) @ c)", "A", "-outer(inv(A).T @ x, inv(A) @ c)"),
    MatrixProblem("logdet of a Gram matrix", "logdet(X.T @ X)", "X", "2*X @ inv(X.T @ X)"),
    MatrixProblem("softmax", "softmax(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    MatrixProblem("logsumexp", "logsumexp(x)", "x", "softmax(x)"),
    MatrixProblem("logsumexp spelled out", "log(sum(exp(x)))", "x", "softmax(x)"),
    MatrixProblem(
        "logsumexp Hessian", "logsumexp(x)", "x",
        "diag(softmax(x)) - outer(softmax(x), softmax(x))", 2,
    ),
    MatrixProblem("bilinear by X", "u @ (X @ w)", "X", "outer(u, w)"),
    MatrixProblem(
        "Gaussian kernel Hessian", "exp(-(x @ x)/2)", "x", "exp(-x @ x/2)*(outer(x, x) - eye(n))", 2
    ),
    MatrixProblem(
        "net, first layer", _NET, "W",
        "2*X.T @ (outer(tanh(X @ W) @ v - y, v)*(1 - tanh(X @ W)**2))",
    ),
    MatrixProblem("net, last layer", _NET, "v", "2*tanh(X @ W).T @ (tanh(X @ W) @ v - y)"),
    MatrixProblem("softmax regression", _SOFTMAX, "W", "X.T @ (softmax(X @ W, axis=1) - T)"),
    MatrixProblem("distance", "sqrt((x - c) @ (x - c))", "x", "(x - c)/norm(x - c)"),
    MatrixProblem(
        "distance Hessian", "sqrt((x - c) @ (x - c))", "x",
        "(eye(n) - outer(x - c, x - c)/norm(x - c)**2)/norm(x - c)", 2,
    ),
    MatrixProblem("unit vector", "x/sqrt(x @ x)", "x", "(eye(n) - outer(x, x)/(x @ x))/norm(x)"),
    MatrixProblem("trace of inv(A) B", "trace(inv(A) @ B)", "A", "-(inv(A) @ B @ inv(A)).T"),
    MatrixProblem(
        "cosine", "(x @ c)*(x @ x)**(-1/2)*(c @ c)**(-1/2)", "x",
        "(c - x*(x @ c)/(x @ x))/(norm(x)*norm(c))",
    ),
    MatrixProblem("rectifier", "sum(maximum(X @ w, 0))", "w", "X.T @ heaviside(X @ w)"),
    MatrixProblem("Poisson regression", _POISSON, "w", "X.T @ (exp(X @ w) - y)"),
    MatrixProblem("Poisson Hessian", _POISSON, "w", "X.T @ diag(exp(X @ w)) @ X", 2),
    MatrixProblem("barrier", _BARRIER, "w", "X.T @ (1/(y - X @ w))"),
    MatrixProblem("barrier Hessian", _BARRIER, "w", "X.T @ diag(1/(y - X @ w)**2) @ X", 2),
    MatrixProblem("weighted least squares", _WEIGHTED, "w", "2*X.T @ (d*(X @ w - y))"),
    MatrixProblem("weighted Hessian", _WEIGHTED, "w", "2*X.T @ diag(d) @ X", 2),
    MatrixProblem("trace of inv(A) A", "trace(inv(A) @ A)", "A", "zeros(n, n)"),
    MatrixProblem("entropy", "sum(x*log(x))", "x", "log(x) + 1"),
    MatrixProblem(
        "pseudo-Huber", "sum(sqrt(1 + (X @ w - y)**2))", "w",
        "X.T @ ((X @ w - y)/sqrt(1 + (X @ w - y)**2))",
    ),
]  # fmt: skip
