"""Scalar problems: a formula, the symbol, the order of the derivative, and where to sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["SCALAR_PROBLEMS", "ScalarProblem"]


class ScalarProblem(NamedTuple):
    """``domain`` says from where to draw symbols that cannot be any number between 0.3 and 2."""

    name: str
    formula: str
    wrt: str = "x"
    order: int = 1
    domain: Mapping[str, tuple[float, float]] = {}


SCALAR_PROBLEMS = [
    ScalarProblem("x^2 sin x", "x**2*sin(x)"),
    ScalarProblem("x e^x cos x", "x*exp(x)*cos(x)"),
    ScalarProblem("(x^2+1)/(x-1)", "(x**2 + 1)/(x - 1)"),
    ScalarProblem("sin x/x", "sin(x)/x"),
    ScalarProblem("log x/x", "log(x)/x"),
    ScalarProblem("x log x-x", "x*log(x) - x"),
    ScalarProblem("log log x", "log(log(x))", "x", 1, {"x": (1.5, 3)}),
    ScalarProblem("log(x+sqrt(x^2+1))", "log(x + sqrt(x**2 + 1))"),
    ScalarProblem("tan x-x", "tan(x) - x"),
    ScalarProblem("sin^2", "sin(x)**2"),
    ScalarProblem("sin^2+cos^2", "x*(cos(x)**2 + sin(x)**2)"),
    ScalarProblem("sin2x cos3x", "cos(3*x)*sin(2*x)"),
    ScalarProblem("sinh cosh", "cosh(x)*sinh(x)"),
    ScalarProblem("tanh", "tanh(x)"),
    ScalarProblem("log cosh", "log(cosh(x))"),
    ScalarProblem("sinh/cosh", "sinh(x)/cosh(x)"),
    ScalarProblem("x^y dx", "x**y"),
    ScalarProblem("x^y dy", "x**y", "y"),
    ScalarProblem("x^x", "x**x"),
    ScalarProblem("a^x", "a**x"),
    ScalarProblem("sqrt(a^2-x^2)", "sqrt(a**2 - x**2)", "x", 1, {"a": (4, 5)}),
    ScalarProblem("x asin x+sqrt(1-x^2)", "x*asin(x) + sqrt(1 - x**2)", "x", 1, {"x": (-0.8, 0.8)}),
    ScalarProblem("atan(x/y)", "atan(x/y)"),
    ScalarProblem("x atan x-log(1+x^2)/2", "x*atan(x) - log(x**2 + 1)/2"),
    ScalarProblem("1/(1+e^-x)", "1/(exp(-x) + 1)"),
    ScalarProblem("log(1+e^x)", "log(exp(x) + 1)"),
    ScalarProblem("log sigm", "log(1/(exp(-x) + 1))"),
    ScalarProblem("BCE", "-(y*log(1/(exp(-x) + 1)) + log(1 - 1/(exp(-x) + 1))*(1 - y))"),
    ScalarProblem("log(e^x+e^y)", "log(exp(x) + exp(y))"),
    ScalarProblem("e^x/(e^x+e^y)", "exp(x)/(exp(x) + exp(y))"),
    ScalarProblem("erf", "erf(2*x)"),
    ScalarProblem("gelu", "x/2*(erf(a*x) + 1)"),
    ScalarProblem("gamma", "gamma(x)"),
    ScalarProblem("log beta", "lgamma(x + y) - lgamma(x) - lgamma(y)"),
    ScalarProblem("swish", "x/(exp(-x) + 1)"),
    ScalarProblem("gauss pdf dx", "exp(-(x - a)**2/(2*b**2))/(b*sqrt(2*pi))"),
    ScalarProblem("gauss logpdf dmu", "-log(b) - (x - a)**2/(2*b**2)", "a"),
    ScalarProblem("gauss logpdf dsigma", "-log(b) - (x - a)**2/(2*b**2)", "b"),
    ScalarProblem("|x|^3", "abs(x)**3", "x", 1, {"x": (-2, -1)}),
    ScalarProblem("sqrt(x^2)", "sqrt(x**2)", "x", 1, {"x": (-2, -1)}),
    ScalarProblem("sqrt(x^2+y^2)", "sqrt(x**2 + y**2)"),
    ScalarProblem("x/sqrt(x^2+y^2)", "x/sqrt(x**2 + y**2)"),
    ScalarProblem("e^xy sin(x/y) dy", "exp(x*y)*sin(x/y)", "y"),
    ScalarProblem("mobius", "(a*x + b)/(x*y + 1)"),
    ScalarProblem("sec", "1/cos(x)"),
    ScalarProblem("e^(sin^2)", "exp(sin(x)**2)"),
    ScalarProblem("atanh form", "log((x + 1)/(1 - x))/2", "x", 1, {"x": (-0.7, 0.7)}),
    ScalarProblem("x(cosh^2-sinh^2)", "x*(cosh(x)**2 - sinh(x)**2)"),
    ScalarProblem("e^-x^2 2nd", "exp(-x**2)", "x", 2),
    ScalarProblem("softplus 2nd", "log(exp(x) + 1)", "x", 2),
    ScalarProblem("x^4 log x 3rd", "x**4*log(x)", "x", 3),
    ScalarProblem("tan 2nd", "tan(x)", "x", 2),
    ScalarProblem("x/(1+|x|)", "x/(abs(x) + 1)", "x", 1, {"x": (-2, -1)}),
    ScalarProblem("log(x^2)", "log(x**2)", "x", 1, {"x": (-2, -1)}),
    ScalarProblem("exp(-a x)(..)", "exp(-a*x)*(cos(b*x) + sin(b*x))"),
    ScalarProblem("x^3 quotient 2nd", "x**3/(x**2 + 1)", "x", 2),
]
