"""Matrix formulas against NumPy: simplified in every way, and their gradients against the raw ones.

Formulas with an axis that stands twice, with assumptions, and those that look like an identity but are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import wengert as wg

SHAPES = {
    "M": ("n", "n"), "N": ("n", "n"), "S": ("n", "n"), "Q": ("n", "n"), "D": ("n", "n"),
    "x": ("n",), "y": ("n",), "T": ("n", "n", "n"),
}  # fmt: skip
ASSUME = {"S": ("symmetric", "pd"), "Q": ("orthogonal",), "D": ("diagonal",)}
CONTRACTED = (
    "softmax(M,axis=1)", "softmax(M,axis=0)", "exp(M)", "M*M", "inv(S)", "Q", "D", "Q*Q", "Q.T",
    "tanh(M)**2", "cosh(M)**2-sinh(M)**2", "sin(M)**2+cos(M)**2", "M+M.T", "outer(x,x)",
    "outer(x,y)", "eye(n)", "ones(n,n)", "diag(x)", "softmax(outer(x,y),axis=0)",
    "sigmoid(M)+sigmoid(-M)", "S@inv(S)", "Q@Q.T", "inv(D)",
)  # fmt: skip
SUBSCRIPTS = (
    "ii->", "ii->i", "ij->", "ij->j", "ij->ji",
)  # fmt: skip
FORMULAS = (
    "einsum('iii->',T)", "einsum('iij->j',T)", "einsum('iji->j',T)", "einsum('ijj,j->i',T,x)",
    "einsum('ii,i->i',M,x)", "einsum('ii,jj->',M,N)", "einsum('ii,ij->j',M,N)",
    "einsum('ii,ii->',M,N)", "einsum('ij,ij,ij->',M,M,N)", "einsum('ij,jk,ki->',M,N,S)",
    "einsum('ij,jk,ik->',M,N,S)", "einsum('ii,ij,ji->i',M,N,S)", "einsum('i,i,i->',x,x,y)",
    "einsum('ij,i,j->',M,x,y)", "einsum('ij,i,j->ij',M,x,y)", "einsum('ij,i,i->j',M,x,x)",
    "einsum('ijk,i,j,k->',T,x,x,x)", "einsum('ij,ij->i',M,M)", "einsum('ii,i->',M,x)",
    "log(trace(exp(M)))", "exp(M)/trace(exp(M))", "sqrt(trace(M*M))", "sqrt(sum(diag(M)**2))",
    "diag(exp(M))/sum(exp(M),axis=1)", "diag(exp(M))/sum(exp(M),axis=0)",
    "exp(M)/sum(exp(M),axis=0)", "exp(M)/sum(exp(M),axis=1)[:,None]",
    "exp(M)/sum(exp(M),axis=0)[:,None]", "exp(M)/sum(exp(M),axis=1)", "log(sum(exp(M),axis=0))",
    "log(sum(diag(exp(M))))", "sum(diag(M))*sum(diag(M))", "trace(M*N)", "trace(M@N*M)",
    "trace((M@N)*(N@M))", "trace(M*M*N)", "trace(M*M@N)", "trace(diag(x)@M)",
    "trace(diag(x)@M@diag(y))", "diag(diag(x)@M)", "trace(Q@Q.T)", "trace(Q.T@M@Q)", "trace(Q*Q)",
    "sum(Q*Q)", "sum(Q*Q,axis=0)", "norm(Q)", "norm(Q@x)", "norm(Q@M,'fro')", "norm(D@x)",
    "det(Q)", "det(D)", "logdet(S*1)", "det(2*Q)", "inv(Q)", "inv(D)", "inv(Q@M)", "inv(M.T)",
    "inv(inv(M))", "inv(2*M)", "inv(diag(x))", "inv(x[0]*M)", "det(M@N)", "det(M.T)",
    "det(inv(M))", "det(3*M)", "det(diag(x))", "det(-M)", "logabsdet(M@N)", "logabsdet(3*M)",
    "logabsdet(inv(M))", "logdet(2*S)", "logdet(inv(S))", "logdet(S@S)", "trace(inv(S)@S)",
    "trace(S@inv(S)*M)", "diag(D)", "diag(diag(x))", "diag(diag(M))", "D@D", "D*D", "D*M",
    "D@M*M", "inv(D)*M", "D*inv(D)", "D.T", "S.T@x", "x@S@y-y@S@x", "x@M@y-y@M.T@x",
    "trace(outer(x,y))", "trace(outer(x,x)@M)", "outer(x,y)@outer(y,x)", "outer(x,y)*outer(x,y)",
    "outer(x,x)*M", "outer(x,y)*eye(n)", "M*eye(n)", "eye(n)*eye(n)", "eye(n)@M*eye(n)",
    "trace(eye(n)*M)", "sum(eye(n)*M)", "sum(eye(n))", "trace(eye(n))", "x*x@y", "x@(M*N)@y",
    "sum(M@N)", "sum(M@N,axis=0)", "sum(M@N,axis=1)", "sum(diag(x)@M,axis=1)",
    "sum(outer(x,y),axis=0)", "mean(outer(x,y),axis=1)", "trace(kron(M,N))",
    "kron(eye(n),M)@kron(eye(n),N)", "trace(M)*eye(n)@x", "x/norm(x)@x",
    "(x/norm(x))@(x/norm(x))", "norm(x/norm(x))", "norm(2*x)", "norm(-x)", "norm(x*x[0])",
    "norm(outer(x,y),'fro')", "norm(x)*norm(x)", "sqrt(x@x)", "(x@x)**(3/2)", "sqrt(sum(M*M))",
    "sqrt(sum(M*M.T))", "sum(M*M.T)", "sum(M.T*M.T)", "sqrt(x@y)", "abs(x)@abs(x)", "sqrt(x*x)@y",
    "sum(sign(x)*x)", "sum(abs(x)*sign(x))", "sum(where(x>0,x,-x))", "exp(x)*exp(-x)",
    "sum(exp(x-max(x)))", "logsumexp(2*x)", "softmax(x-max(x))", "logsumexp(x-max(x))+max(x)",
    "cumsum(x)[-1]", "sum(cumsum(x))", "flip(flip(x))", "x[::-1][0]",
    "tril(M)+triu(M)-diag(diag(M))", "tril(triu(M))", "tril(M.T)", "triu(M).T",
    "cholesky(S)@cholesky(S).T", "solve(S,S@x)", "S@solve(S,x)", "solve(M,M)", "solve(D,x)",
    "solve(Q,x)", "solve(2*M,x)", "solve(eye(n),x)", "solve(diag(x),y)", "solve(M.T,x)",
    "solve(inv(M),x)", "inv(M)@x", "x@inv(M)", "x@inv(M)@N", "M@inv(M)@x", "trace(inv(M)@N)",
    "pinv(M)", "adjugate(M)@M", "adjugate(2*M)", "adjugate(M.T)", "matrix_power(M,2)@M",
    "matrix_power(D,3)", "matrix_power(Q,2)", "matrix_power(M,-1)@M", "expm(0*M)", "expm(D)",
    "det(expm(M))", "trace(M@M.T)", "trace(M.T@N)", "sum(M*N)-trace(M.T@N)", "var(x)", "var(2*x)",
    "var(x+1)", "mean(x-mean(x))", "std(3*x)", "prod(2*x)", "prod(x*y)", "prod(x**2)",
    "det(outer(x,y)+eye(n))", "inv(eye(n)+outer(x,x))", "trace(M)-sum(diag(M))", "diag(M@N)",
    "diag(M@N.T)", "diag(outer(x,y))", "diag(M)*x", "diag(M+N)", "diag(2*M)", "sum(M*outer(x,y))",
    "sum(M*outer(x,ones(n)))", "sum(M*diag(x))", "M*outer(x,y)", "(M*x)*y[:,None]", "(M*x)@y",
    "(x[:,None]*M)@y", "(M*x).T", "diag(x)@M*N", "diag(x)@(M*N)", "diag(x)@diag(y)",
    "diag(x)+diag(y)", "diag(x)*M", "diag(x)*diag(y)", "exp(diag(x))", "sin(diag(x))",
    "diag(x)**2", "sqrt(D*D)", "cos(D)", "exp(D)", "D+1", "D**2", "D/2", "abs(D)", "tanh(D)",
    "sign(D)", "sigmoid(D)", "where(D>0,D,0)", "D/(D+2)", "exp(Q)", "Q+Q.T", "Q**2", "Q/2",
    "inv(Q/2)", "2*Q@(2*Q).T", "(Q*x)@(Q*x).T", "Q@D@Q.T", "inv(Q@D@Q.T)", "S**2", "inv(S**2)",
    "exp(S)", "logdet(S*S)", "S", "det(S/2)", "inv(S/2)", "inv(-S)", "S-S.T", "(S@M).T",
    "(M@S@M.T).T", "(S*M).T", "(S**3).T", "inv(S).T", "cholesky(S).T", "diag(S)", "outer(x,x).T",
    "(outer(x,y)+outer(y,x)).T", "(M+M.T).T", "(M@M.T).T", "(D@S).T", "(Q@Q).T", "(S@S).T",
    "max(diag(M))", "trace(exp(M))*ones(n)",
)  # fmt: skip

WAYS: dict[str, Callable[[wg.Expr], wg.Expr]] = {
    "as typed": lambda e: e,
    "simplified": wg.simplify,
    "strict": lambda e: wg.simplify(e, strict=True),
    "stable": wg.stabilise,
}


def _values() -> dict[str, Any]:
    rng = np.random.default_rng(7)
    square = rng.standard_normal((3, 3))
    return {
        "M": rng.standard_normal((3, 3)),
        "N": rng.standard_normal((3, 3)),
        "S": square @ square.T + np.eye(3),
        "Q": np.linalg.qr(square)[0],
        "D": np.diag(rng.standard_normal(3)),
        "x": rng.standard_normal(3),
        "y": rng.standard_normal(3),
        "T": rng.standard_normal((3, 3, 3)),
    }


VALUES = _values()
_NUMPY = (
    "abs cos cosh cumsum diag einsum exp eye flip kron log max mean min outer prod sign sin"
    " sinh sqrt std sum tanh trace tril triu var"
)
_LINALG = "det inv matrix_power pinv solve cholesky"
NAMES: dict[str, Any] = {
    **{name: getattr(np, name) for name in _NUMPY.split()},
    **{name: getattr(np.linalg, name) for name in _LINALG.split()},
    "ones": lambda *shape: np.ones(shape),
    "norm": lambda x, kind=None: np.linalg.norm(x) if kind is None else np.linalg.norm(x, kind),
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "logabsdet": lambda a: np.linalg.slogdet(a)[1],
    "adjugate": lambda a: np.linalg.det(a) * np.linalg.inv(a),
    "expm": scipy.linalg.expm,
    "logsumexp": scipy.special.logsumexp,
    "sigmoid": scipy.special.expit,
    "softmax": scipy.special.softmax,
    "where": np.where,
    "n": 3,
    **VALUES,
}


def _check(text: str) -> None:
    used = [name for name in SHAPES if re.search(rf"(?<![.\w]){name}\b", text)]
    declared: dict[str, Any] = {name: SHAPES[name] for name in used}
    expr = wg.parse(text, assume={n: a for n, a in ASSUME.items() if n in used}, **declared)
    point = {**VALUES, "n": 3}
    with np.errstate(all="ignore"):
        wanted = np.asarray(eval(text, {"__builtins__": {}}, NAMES), float)
    for way, change in WAYS.items():
        result = change(expr)
        found = np.asarray(result.evaluate(point), float)
        assert found.shape == wanted.shape, (way, text, str(result))
        np.testing.assert_allclose(found, wanted, 1e-8, 1e-8, err_msg=f"{way}: {text}: {result}")
    if wanted.shape:
        return
    for name in set(used) - set(ASSUME):
        raw = wg.gradient(expr, name, simplify=False).evaluate(point)
        found = wg.gradient(expr, name)
        message = f"{text} by {name}: {found}"
        np.testing.assert_allclose(found.evaluate(point), raw, 1e-7, 1e-7, err_msg=message)


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas(text: str) -> None:
    _check(text)


@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
@pytest.mark.parametrize("text", CONTRACTED)
def test_contractions(text: str, subscripts: str) -> None:
    _check(f"einsum('{subscripts}', {text})")
