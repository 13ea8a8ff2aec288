"""A program with control flow, fitted to measurements: the decay of radon's daughters on an air filter.

Air is drawn through a filter, the pump stops at minute 0, and the activities of three nuclides are counted:

    Po-218  ->  Pb-214  ->  Bi-214  ->  ...

The model integrates dN/dt by the embedded Runge-Kutta pair of Dormand and Prince. Its steps are as long
as the error of each allows: a ``while`` loop, in which steps are rejected and repeated. Half-lives and
activities at minute 0 are fitted, once by minimising -log(likelihood) with ``jac=wg.grad(...)``, once by
least squares with ``jac=wg.jacobian(...)``. Nothing in the model knows that it is differentiated: it is
plain NumPy.

    pip install wengert            # this program
    pip install wengert[examples]  # with the plot, decay_chain.png
    python examples/fit_decay_chain.py

The measurements, ``radon_progeny.csv`` beside this file, are synthetic: Poisson counts around the exact
activities for the half-lives of ``TRUE_HALF_LIVES``, drawn once by ``synthetic(seed=1)``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares, minimize

import wengert as wg

DATA = Path(__file__).with_name("radon_progeny.csv")
NUCLIDES = ("Po-218", "Pb-214", "Bi-214")
TRUE_HALF_LIVES = np.array([3.1, 26.8, 19.9])  # minutes
TRUE_ACTIVITIES = np.array([400.0, 300.0, 200.0])  # decays counted per minute, at minute 0
GUESS = np.log([5.0, 20.0, 30.0, 300.0, 300.0, 300.0])  # half-lives, activities

# Dormand and Prince (1980), J. Comp. Appl. Math. 6: stages, 5th order, its difference to the 4th.
STAGES = np.array(
    [
        [0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    ]
)
FIFTH = np.array([35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84])
ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])


# --- the model ---------------------------------------------------------------------------------------
def flow(atoms, rates):
    """dN/dt: every nuclide decays into the next."""
    decays = rates * atoms
    change = -decays
    change[1:] += decays[:-1]
    return change


def integrate(atoms, rates, start, end, rtol=1e-8, atol=1e-4):
    """The atoms at ``end``, by as many steps as the error allows; a step that errs too much is repeated."""
    t, y = start, atoms
    h = 0.1 * (end - start)
    while t < end:
        h = min(h, end - t)
        slopes = np.zeros((7, len(y)))
        for i in range(6):
            slopes[i] = flow(y + h * (STAGES[i, :i] @ slopes[:i]), rates)
        new = y + h * (FIFTH @ slopes[:6])
        slopes[6] = flow(new, rates)
        scale = atol + rtol * np.maximum(np.abs(y), np.abs(new))
        error = np.sqrt(np.mean((h * (ERROR @ slopes) / scale) ** 2))
        if error <= 1.0:
            t = t + h
            y = new
        h = h * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
    return y


def activities(parameters, minutes):
    """Decays per minute of every nuclide; the parameters are logarithms of half-lives and activities."""
    rates = np.log(2.0) / np.exp(parameters[:3])
    atoms = np.exp(parameters[3:]) / rates
    found = np.zeros((len(minutes), 3))
    t = 0.0
    for j in range(len(minutes)):
        atoms = integrate(atoms, rates, t, minutes[j])
        t = minutes[j]
        found[j] = rates * atoms
    return found


def misfit(parameters, minutes, counts):
    """-log(likelihood) of Poisson counts, without what does not depend on the parameters."""
    expected = activities(parameters, minutes)
    return np.sum(expected - counts * np.log(expected))


def residuals(parameters, minutes, counts):
    """Deviations from the counts, in units of the square root of the counts."""
    return ((activities(parameters, minutes) - counts) / np.sqrt(np.maximum(counts, 1.0))).ravel()


# --- the measurements --------------------------------------------------------------------------------
def exact_activities(parameters, minutes):
    """The closed form (Bateman 1910), for comparison."""
    rates = np.log(2.0) / np.exp(parameters[:3])
    matrix = np.diag(-rates) + np.diag(rates[:-1], -1)
    values, vectors = np.linalg.eig(matrix)
    weights = np.linalg.solve(vectors, np.exp(parameters[3:]) / rates)
    return (vectors * weights @ np.exp(np.outer(values, minutes))).T * rates


def synthetic(seed):
    """Minutes and counts: Poisson counts around the exact activities."""
    minutes = np.arange(1.0, 122.0, 4.0)
    truth = np.log(np.concatenate([TRUE_HALF_LIVES, TRUE_ACTIVITIES]))
    counts = np.random.default_rng(seed).poisson(exact_activities(truth, minutes))
    return minutes, counts.astype(float)


def measurements(path=DATA):
    """Minutes and counts per minute of the three nuclides."""
    table = np.loadtxt(path, delimiter=",", comments="#")
    return table[:, 0], table[:, 1:]


# --- the fits ----------------------------------------------------------------------------------------
def fit_likelihood(minutes, counts):
    """The parameters of the largest likelihood."""
    gradient = wg.grad(misfit)
    return minimize(misfit, GUESS, args=(minutes, counts), jac=gradient, method="BFGS")


def fit_least_squares(minutes, counts):
    """The parameters of the least sum of squared residuals."""
    return least_squares(residuals, GUESS, args=(minutes, counts), jac=wg.jacobian(residuals))


def standard_errors(fit):
    """Of the logarithms of half-lives and activities, from the Jacobian at the solution."""
    return np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)))


def plot(parameters, minutes, counts, path):
    """The fit beside the measurements, as a PNG file."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fine = np.linspace(0.5, minutes[-1], 200)
    curves = activities(parameters, fine)
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, curve, points in zip(NUCLIDES, curves.T, counts.T, strict=True):
        (line,) = axes.plot(fine, curve, label=name)
        axes.errorbar(minutes, points, np.sqrt(points), fmt="o", ms=3, color=line.get_color())
    axes.set(xlabel="minutes", ylabel="decays counted per minute")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(folder="."):
    """Fit, print, plot."""
    minutes, counts = measurements()
    start = time.perf_counter()
    likely = fit_likelihood(minutes, counts)
    middle = time.perf_counter()
    squares = fit_least_squares(minutes, counts)
    end = time.perf_counter()
    print(
        f"maximum likelihood: {likely.nit} iterations, {likely.nfev} gradients, {middle - start:.1f} s"
    )
    print(f"least squares: {squares.nfev} evaluations, {end - middle:.1f} s")
    print(f"largest component of the gradient at the end: {np.abs(likely.jac).max():.1e}\n")
    print("half-life     likelihood  least squares   standard error   true")
    errors = np.exp(squares.x[:3]) * standard_errors(squares)[:3]
    rows = zip(
        NUCLIDES,
        np.exp(likely.x[:3]),
        np.exp(squares.x[:3]),
        errors,
        TRUE_HALF_LIVES,
        strict=True,
    )
    for name, a, b, error, true in rows:
        print(f"{name}        {a:8.2f}       {b:8.2f}         {error:8.2f}   {true:5.1f}")
    apart = np.abs(activities(likely.x, minutes) - exact_activities(likely.x, minutes)).max()
    print(f"\nintegration against the closed form: at most {apart:.0e} decays per minute apart")
    path = Path(folder) / "decay_chain.png"
    try:
        plot(likely.x, minutes, counts, path)
    except ImportError:
        print("no plot: pip install wengert[examples] brings matplotlib")
    else:
        print(f"plot: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
