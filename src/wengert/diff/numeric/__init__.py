"""Derivatives of functions that can only be called: values with an error estimate to rely on.

::

    derivative    of one variable, order 1 to 4       from_samples      of a table
    directional   along a direction                   noise_level       how noisy f is
    gradient, jacobian, hessian                       fornberg_weights  weights for any nodes

Every result is an ``Estimate`` with ``value``, ``error``, ``calls`` and ``reliable``.
"""

from wengert.diff.numeric.hessians import hessian
from wengert.diff.numeric.lines import derivative, directional, gradient, jacobian
from wengert.diff.numeric.noise import NoiseLevel, noise_level
from wengert.diff.numeric.record import Estimate
from wengert.diff.numeric.samples import from_samples
from wengert.diff.numeric.weights import fornberg_weights

__all__ = [
    "Estimate",
    "NoiseLevel",
    "derivative",
    "directional",
    "fornberg_weights",
    "from_samples",
    "gradient",
    "hessian",
    "jacobian",
    "noise_level",
]
