"""Formulas in SymPy: each identity as a person who knows SymPy's matrix expressions would write it.

Vectors are matrices with one column. Where several spellings were found, the one is taken with which
SymPy 1.14 does best.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

# Any: SymPy's expressions, and NumPy arrays, are not annotated.
Expression = Any

TEXTS: dict[str, str] = {
    "dot": "a.T*x",
    "matrix times vector": "A*x",
    "vector times matrix": "x.T*A",
    "bilinear in the matrix": "a.T*X*b",
    "trace": "Trace(X)",
    "trace of a product": "Trace(A*X)",
    "trace of three": "Trace(A*X*B)",
    "sum of all": "OneMatrix(1,m)*X*OneMatrix(n,1)",
    "Frobenius product": "OneMatrix(1,m)*HadamardProduct(A,X)*OneMatrix(n,1)",
    "product by its factor": "A*X",
    "matrix times vector, by the matrix": "X*b",
    "trace of a Kronecker product": "Trace(KroneckerProduct(A,X))",
    "square": "x.T*x",
    "quadratic form": "x.T*A*x",
    "quadratic form, second": "x.T*A*x",
    "symmetric quadratic form": "x.T*S*x",
    "bilinear form, mixed": "x.T*A*y",
    "least squares": "(A*x-b).T*(A*x-b)",
    "least squares, second": "(A*x-b).T*(A*x-b)",
    "Gram form": "a.T*X.T*X*b",
    "affine quadratic form": "(X*a+b).T*C*(X*a+b)",
    "trace of the Gram matrix": "Trace(X.T*X)",
    "trace of a congruence": "Trace(X.T*A*X)",
    "trace of A X B X'": "Trace(A*X*B*X.T)",
    "trace of A X B X": "Trace(A*X*B*X)",
    "distance in a metric": "(x-c).T*S*(x-c)",
    "matrix least squares": "Trace((A*X*B-C).T*(A*X*B-C))",
    "matrix factorisation": "Trace((U*V.T-Y).T*(U*V.T-Y))",
    "trace of the square": "Trace(X**2)",
    "trace of the fourth power": "Trace(X**4)",
    "trace of A X X": "Trace(A*X*X)",
    "form in the square": "a.T*X*X*b",
    "Gram form of the square": "a.T*(X*X).T*(X*X)*b",
    "quartic trace with sides": "Trace(B.T*X.T*C*X*X.T*C*X*B)",
    "trace of the squared Gram matrix": "Trace(X.T*X*X.T*X)",
    "form in the inverse": "a.T*X.I*b",
    "trace of the inverse": "Trace(X.I)",
    "trace of A inv(X) B": "Trace(A*X.I*B)",
    "trace with an inverse congruence": "Trace((X.T*S*X).I*A)",
    "linear system, by the matrix": "a.T*X.I*b",
    "linear system, by the right side": "a.T*X.I*b",
    "inverse by its matrix": "X.I",
    "inverse by a scalar": "(A+t*B).I",
    "determinant": "Determinant(X)",
    "log-determinant": "log(Determinant(X))",
    "log of the determinant": "log(Determinant(X))",
    "determinant with sides": "Determinant(A*X*B)",
    "determinant of the Gram matrix": "Determinant(X.T*X)",
    "log-determinant of the Gram matrix": "log(Determinant(Z.T*Z))",
    "trace times determinant": "Trace(X)*Determinant(X)",
    "log-determinant by a scalar, second": "log(Determinant(A+t*B))",
    "log-determinant, second": "log(Determinant(X))",
    "Rayleigh quotient": "x.T*A*x/(x.T*x)",
    "norm": "sqrt(x.T*x)",
    "distance, second": "sqrt((x-c).T*(x-c))",
    "unit vector": "x/sqrt(x.T*x)",
    "Frobenius norm": "sqrt(Trace(X.T*X))",
    "cosine similarity": "x.T*c/(sqrt(Trace(x.T*x))*sqrt(Trace(c.T*c)))",
    "Gaussian likelihood, mean": "log(Determinant(S))/2+Trace((x-mu).T*S.I*(x-mu))/2",
    "Gaussian likelihood, covariance": "log(Determinant(S))/2+Trace((x-mu).T*S.I*(x-mu))/2",
    "ridge regression": "(X*w-y).T*(X*w-y)+lam*w.T*w",
    "ridge regression, second": "(X*w-y).T*(X*w-y)+lam*w.T*w",
    "weighted least squares": "(X*w-y).T*HadamardProduct(d,X*w-y)",
    "logistic regression": "OneMatrix(1,m)*(X*w).applyfunc(lambda s:log(1+exp(s)))-y.T*X*w",
    "logistic regression, second": "OneMatrix(1,m)*(X*w).applyfunc(lambda s:log(1+exp(s)))-y.T*X*w",
    "Poisson regression": "OneMatrix(1,m)*(X*w).applyfunc(exp)-y.T*X*w",
    "Poisson regression, second": "OneMatrix(1,m)*(X*w).applyfunc(exp)-y.T*X*w",
    "log-sum-exp, spelled out": "(OneMatrix(1,n)*x.applyfunc(exp)).applyfunc(log)",
    "log-sum-exp, second": "(OneMatrix(1,n)*x.applyfunc(exp)).applyfunc(log)",
    "softmax": "x.applyfunc(exp)*(OneMatrix(1,n)*x.applyfunc(exp)).I",
    "softmax cross-entropy": "(OneMatrix(1,m)*(W*x).applyfunc(exp)).applyfunc(log)-c.T*W*x",
    "sum of exponentials": "OneMatrix(1,m)*(A*x).applyfunc(exp)",
    "exponential of a dot product, second": "exp(a.T*x)",
    "logarithm of a dot product": "log(a.T*x+Identity(1))",
    "trace of the elementwise cube": "Trace(HadamardProduct(X,X,X))",
    "layer": "a.T*(W*x).applyfunc(tanh)",
    "entropy": "-OneMatrix(1,n)*x.applyfunc(lambda s:s*log(s))",
    "vector times its dot product": "x*(a.T*x)",
    "diagonal between vectors": "a.T*DiagMatrix(x)*A*x",
    "outer product by its vector": "x*a.T",
    "sum of traces": "Trace(X)+Trace(X*X)",
    "trace minus a number": "Trace(X.T*X)-3",
    "product of dot products, second": "(a.T*x)*(b.T*x)",
    "cube of a dot product, third": "(a.T*x)**3",
    "matrix by a scalar": "exp(t)*A*x",
}


def symbols(names: Sequence[str], shapes: Mapping[str, str]) -> dict[str, Expression]:
    """The symbols of a formula, with symbolic sizes."""
    made = {}
    for name in names:
        axes = [_size(letter) for letter in shapes.get(name, "")]
        made[name] = (
            sp.MatrixSymbol(name, *axes, *[1] * (2 - len(axes))) if axes else sp.Symbol(name)
        )
    return made


def _size(letter: str) -> Expression:
    return sp.Symbol(letter, integer=True, positive=True)


def derivative(text: str, by: Sequence[str], given: Mapping[str, Expression]) -> Expression:
    """The derivative, as evaluated as SymPy gets it."""
    names = {**vars(sp), **{letter: _size(letter) for letter in "mnkp"}, **given}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = eval(text, names)
        for name in by:
            result = result.diff(given[name])
            result = result.doit() if hasattr(result, "doit") else result
    if result.has(sp.Derivative):
        raise NotImplementedError("left unevaluated")
    return result


def value(
    result: Expression,
    given: Mapping[str, Expression],
    point: Mapping[str, Any],
    sizes: Mapping[str, int],
) -> Any:
    """A SymPy expression as an array: through its NumPy printer, else with explicit matrices.

    Raises:
        NotImplementedError: SymPy can do neither.
    """
    known = {_size(letter): size for letter, size in sizes.items()}
    result = result.subs(known)
    symbols_ = {name: symbol.subs(known) for name, symbol in given.items()}
    arrays = {
        name: np.reshape(point[name], np.shape(s) or getattr(s, "shape", ()))
        for name, s in symbols_.items()
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sp.lambdify(list(symbols_.values()), result, "numpy")(*arrays.values())
    except Exception:  # whatever its printer or the printed code raises
        return _explicit(result, {symbols_[name]: array for name, array in arrays.items()})


def _explicit(result: Expression, arrays: Mapping[Expression, Any]) -> Any:
    constants = {
        s: sp.ImmutableDenseMatrix(a) if np.ndim(a) else sp.Float(float(a))
        for s, a in arrays.items()
    }
    try:
        found = result.xreplace(constants).doit()
        found = found.as_explicit() if hasattr(found, "as_explicit") else found
        return np.array(found.tolist() if hasattr(found, "tolist") else found, dtype=float)
    except Exception as error:  # as above
        raise NotImplementedError(f"no value of {str(result)[:60]}") from error


def layouts(truth: Any) -> Iterator[Any]:
    """The truth without axes of length one, in wengert's layout and with the symbols' axes first."""
    truth = np.squeeze(np.asarray(truth))
    yield truth
    for first in range(1, truth.ndim):
        yield np.moveaxis(truth, range(first, truth.ndim), range(truth.ndim - first))
