"""Derivatives at points where the textbook spelling overflows, cancels or divides 0 by 0."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

__all__ = ["UNSTABLE_CASES", "UnstableCase"]


class UnstableCase(NamedTuple):
    """The derivative of ``formula`` by ``x`` at the point ``at`` is ``truth``."""

    name: str
    formula: str
    at: Any  # Any: a number, or an array as long as x is
    truth: Any


_E = math.e
_ZEROS = np.zeros(3)
_SHARES = np.array([1 / (1 + _E), _E / (1 + _E)])
_TAIL = float(-2 * mp.exp(-900) / (mp.sqrt(mp.pi) * mp.erfc(30)))
_TINY_SHARE = float(mp.exp(-40) / (1 + mp.exp(-40)))

UNSTABLE_CASES = [
    UnstableCase("softplus, large", "log(1 + exp(x))", 800.0, 1.0),
    UnstableCase("softplus, small", "log(1 + exp(x))", -40.0, _TINY_SHARE),
    UnstableCase("sigmoid, small", "1/(1 + exp(-x))", -800.0, 0.0),
    UnstableCase("sigmoid, large", "exp(x)/(1 + exp(x))", 800.0, 0.0),
    UnstableCase("log of sigmoid", "log(1/(1 + exp(-x)))", -800.0, 1.0),
    UnstableCase("cross-entropy", "-log(1 - 1/(1 + exp(-x)))", 50.0, 1.0),
    UnstableCase("logsumexp", "log(sum(exp(x)))", np.array([800.0, 801.0]), _SHARES),
    UnstableCase("softmax", "(exp(x)/sum(exp(x)))[0]", np.array([800.0, 0.0]), np.zeros(2)),
    UnstableCase("log cosh", "log(cosh(x))", 800.0, 1.0),
    UnstableCase("norm, huge", "sqrt(sum(x**2))", np.array([3e200, 4e200]), np.array([0.6, 0.8])),
    UnstableCase("1 - cos", "(1 - cos(x))/x**2", 1e-9, -1e-9 / 12),
    UnstableCase("exp - 1", "(exp(x) - 1)/x", 1e-12, 0.5),
    UnstableCase("log(1 + x)", "log(1 + x)/x", 1e-12, -0.5),
    UnstableCase("square of a norm", "norm(x)**2", _ZEROS, _ZEROS),
    UnstableCase("square of a root", "sqrt(sum(x**2))**2", _ZEROS, _ZEROS),
    UnstableCase("masked root", "where(x > 0, sqrt(x), 0*x)", 0.0, 0.0),
    UnstableCase("masked log", "where(x > 0, log(x), x)", -1.0, 1.0),
    UnstableCase("masked sinc", "where(x != 0, sin(x)/x, 1 + 0*x)", 0.0, 0.0),
    UnstableCase("masked exp", "where(x < 700, exp(x), x)", 1e3, 1.0),
    UnstableCase(
        "masked norm", "sum(where(sum(x**2) > 0, sqrt(sum(x**2)), 0*sum(x)))", _ZEROS, _ZEROS
    ),
    UnstableCase("power at 0", "x**2.5", 0.0, 0.0),
    UnstableCase("power by its exponent", "(0*x)**x", 2.0, 0.0),
    UnstableCase("power of abs", "abs(x)**1.5", 0.0, 0.0),
    UnstableCase("two roots", "sqrt(x)*sqrt(x)*x", 0.0, 0.0),
    UnstableCase("x^2 log x", "x*x*log(x)", 0.0, 0.0),
    UnstableCase(
        "product with a zero", "prod(x)", np.array([0.0, 2.0, 3.0]), np.array([6.0, 0, 0])
    ),
    UnstableCase("root of a fourth power", "sqrt(x**4)", 0.0, 0.0),
    UnstableCase("variance of equal numbers", "std(x)**2", np.ones(3), _ZEROS),
    UnstableCase("sinc", "sinc(x)", 0.0, 0.0),
    UnstableCase("log erfc", "log(erfc(x))", 30.0, _TAIL),
    UnstableCase("flat at 0", "where(x != 0, exp(-1/x**2), 0*x)", 0.0, 0.0),
]
