"""How accurate, how honest and how frugal is numerical differentiation of a black box?

For each case: relative error, claimed relative error, number of points, and whether the true error lies
within the claim. The twelve published cases come first, then hard ones of other kinds, then a random
set. Peers run in the same process on the same functions; one that is not installed is left out. What a claim
means differs: jacobi states one standard deviation, which 32 of 100 true errors may exceed; the others, and
wengert, state a bound.
An answer that admits to be none (infinite or NaN claim, or no success) counts as honest, not as accurate;
an exception is counted apart. Every tool first has to get an easy derivative right, so that a fault in its
wrapper here cannot pass for a fault of the tool.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from wengert.diff.numeric import derivative

Black = Callable[[float], float]


@dataclass(frozen=True)
class Case:
    """A function, a point and the derivative there; None where there is none."""

    name: str
    f: Black
    x: float
    truth: float | None


@dataclass(frozen=True)
class Answer:
    """What one tool says: absolute values, NaN or inf where it admits to know nothing."""

    value: float
    claim: float
    points: int
    raised: bool = False


def _squire_trapp(x: float) -> float:
    return math.exp(x) / (math.sin(x) ** 3 + math.cos(x) ** 3)


def published() -> list[Case]:
    """The twelve cases of the comparison this project started from; three kinds of noise for the eighth."""
    noise = np.random.default_rng(20)
    near = 1 + 1e-6
    return [
        Case("sin(1e3 x) @ 1", lambda x: math.sin(1e3 * x), 1.0, 1e3 * math.cos(1e3)),
        Case("sin(1/x) @ 1e-3", lambda x: math.sin(1 / x), 1e-3, -562379.0762907201),
        Case("log x @ 1e-8", math.log, 1e-8, 1e8),
        Case("1/(x-1) @ 1+1e-6", lambda x: 1 / (x - 1), near, -1 / (near - 1) ** 2),
        Case("exp @ 100", math.exp, 100.0, math.exp(100.0)),
        Case("tanh(1e9 x) @ 2e-10", lambda x: math.tanh(1e9 * x), 2e-10, 1e9 / math.cosh(0.2) ** 2),
        Case("1e8 + sin @ 0.7", lambda x: 1e8 + math.sin(x), 0.7, math.cos(0.7)),
        Case(
            "exp + 1e-6 sin(1e9 x) @ 1",
            lambda x: math.exp(x) + 1e-6 * math.sin(1e9 * x),
            1.0,
            math.e,
        ),
        Case(
            "exp + 1e-6 random @ 1",
            lambda x: math.exp(x) + 1e-6 * noise.standard_normal(),
            1.0,
            math.e,
        ),
        Case("Squire-Trapp @ 1.5", _squire_trapp, 1.5, 3.622033700716326),
        Case("|x|^3 @ 1e-5", lambda x: abs(x) ** 3, 1e-5, 3e-10),
        Case("sin @ 1e6", math.sin, 1e6, math.cos(1e6)),
        Case("sqrt @ 1e-12", math.sqrt, 1e-12, 0.5e6),
    ]


def _outside(x: float) -> float:
    return math.sqrt(x - 0.9999) if x > 0.9999 else math.nan


def hard() -> list[Case]:
    """Scales, poles, kinks, edges, cancellation, quantisation, and functions without a derivative."""
    knots = np.linspace(0, 2, 2001)
    sine = np.sin(knots)
    return [
        Case("constant @ 2", lambda x: 3.7, 2.0, 0.0),
        Case("3x - 2 @ 1e5", lambda x: 3 * x - 2, 1e5, 3.0),
        Case("cos @ 0", math.cos, 0.0, 0.0),
        Case("cos @ 1e-5", math.cos, 1e-5, -math.sin(1e-5)),
        Case("exp @ 1e-12", math.exp, 1e-12, math.exp(1e-12)),
        Case("log @ 1e-300", math.log, 1e-300, 1e300),
        Case("1e-200 x^2 @ 1e200", lambda x: (x * 1e-200) * x, 1e200, 2.0),
        Case("tanh(1e12 x) @ 0", lambda x: math.tanh(1e12 * x), 0.0, 1e12),
        Case("sin(1e6 x) @ 1", lambda x: math.sin(1e6 * x), 1.0, 1e6 * math.cos(1e6)),
        Case("sin(1/x) @ 1e-6", lambda x: math.sin(1 / x), 1e-6, -1e12 * math.cos(1e6)),
        Case("sin(x^2) @ 100", lambda x: math.sin(x * x), 100.0, 200 * math.cos(1e4)),
        Case("|x - 1.0001| @ 1", lambda x: abs(x - 1.0001), 1.0, -1.0),
        Case("sqrt(x - 0.9999) @ 1", _outside, 1.0, 0.5 / math.sqrt(1 - 0.9999)),
        Case("x + 1e-3 [x > 1.0001] @ 1", lambda x: x + 1e-3 * (x > 1.0001), 1.0, 1.0),
        Case("x^2 + tanh bump @ 1", lambda x: x * x + 1e-4 * math.tanh(1e6 * (x - 1)), 1.0, 102.0),
        Case("max(x - 6, 0) @ 5", lambda x: max(x - 6, 0.0), 5.0, 0.0),
        Case("six digits of sin @ 0.7", lambda x: float(f"{math.sin(x):.6g}"), 0.7, math.cos(0.7)),
        Case("float32 exp @ 1.3", lambda x: float(np.exp(np.float32(x))), 1.3, math.exp(1.3)),
        Case("table of sin @ 0.70042", lambda x: float(np.interp(x, knots, sine)), 0.70042,
             float(sine[701] - sine[700]) / float(knots[701] - knots[700])),
        Case("product (x - k) @ 10", lambda x: math.prod(x - k for k in range(1, 21)), 10.0,
             float(math.prod(10 - k for k in range(1, 21) if k != 10))),
        Case("(1 - cos x)/x^2 @ 1e-4", lambda x: (1 - math.cos(x)) / x**2, 1e-4, -1e-4 / 12),
        Case("|x| @ 0", abs, 0.0, None),
        Case("step @ 1", lambda x: float(x > 1), 1.0, None),
        Case("10x + 1e-3 [x > 1] @ 1", lambda x: 10 * x + 1e-3 * (x > 1), 1.0, None),
        Case("random @ 1", _random_function(), 1.0, None),
    ]  # fmt: skip


def _random_function() -> Black:
    source = np.random.default_rng(4)
    return lambda x: float(source.standard_normal())


def _shapes() -> list[tuple[str, Black, Black]]:
    """Functions with closed derivatives, by name."""
    return [
        ("sin", math.sin, math.cos),
        ("exp", math.exp, math.exp),
        ("tanh", math.tanh, lambda u: 1 / math.cosh(u) ** 2),
        ("lorentz", lambda u: 1 / (1 + u * u), lambda u: -2 * u / (1 + u * u) ** 2),
        ("gauss", lambda u: math.exp(-u * u), lambda u: -2 * u * math.exp(-u * u)),
        ("log", math.log, lambda u: 1 / u),
        ("root", math.sqrt, lambda u: 0.5 / math.sqrt(u)),
        ("inverse", lambda u: 1 / u, lambda u: -1 / u**2),
        ("quintic", lambda u: u**5 - 3 * u**3 + u, lambda u: 5 * u**4 - 9 * u**2 + 1),
        (
            "wave",
            lambda u: math.sin(u) + 0.1 * math.sin(20 * u),
            lambda u: math.cos(u) + 2 * math.cos(20 * u),
        ),
        ("kink", lambda u: abs(u) + u * u, lambda u: math.copysign(1, u) + 2 * u),
        ("weak kink", lambda u: u * abs(u) + math.cos(u), lambda u: 2 * abs(u) - math.sin(u)),
    ]


def random_cases(count: int, seed: int) -> list[Case]:
    """Random functions, scales, offsets, places and noise."""
    rng = np.random.default_rng(seed)
    shapes = _shapes()
    cases: list[Case] = []
    while len(cases) < count:
        name, g, slope = shapes[int(rng.integers(len(shapes)))]
        x = float(
            rng.choice(
                [0.0, rng.uniform(-3, 3), 10 ** rng.uniform(-8, 8), -(10 ** rng.uniform(-2, 2))]
            )
        )
        w = float(
            2.0 ** round(math.log2(10 ** rng.uniform(-2, 3) / (abs(x) or 1.0)))
            * rng.choice([-1, 1])
        )
        u = float(rng.choice([rng.uniform(-3, 3), 10 ** rng.uniform(-5, 1)]))
        x0 = x - u / w
        scale, offset = (
            float(10 ** rng.uniform(-6, 6)),
            float(rng.choice([0.0, rng.uniform(-1, 1)])),
        )
        noise = _noise(rng, scale)
        try:
            cases.append(_random_case(name, g, slope, x, x0, w, scale, offset, noise))
        except (ValueError, ArithmeticError):
            continue
    return cases


def _noise(rng: np.random.Generator, scale: float) -> Black:
    level = float(10 ** rng.uniform(-12, -3))
    match int(rng.integers(5)):
        case 0:
            source = np.random.default_rng(int(rng.integers(1 << 30)))
            return lambda y: y + level * scale * float(source.standard_normal())
        case 1:
            return lambda y: float(np.float32(y))
        case 2:
            digits = int(rng.integers(5, 12))
            return lambda y: float(f"{y:.{digits}g}")
        case _:
            return lambda y: y


def _random_case(name: str, g: Black, slope: Black, x: float, x0: float, w: float,
                 scale: float, offset: float, noise: Black) -> Case:  # fmt: skip
    def f(t: float) -> float:
        return noise(scale * (g(w * (t - x0)) + offset))

    f(x)
    return Case(name, f, x, scale * w * slope(w * (x - x0)))


def ours(case: Case) -> Answer:
    """wengert with nothing but the defaults."""
    found = derivative(case.f, case.x)
    return Answer(float(found), float(found.error), found.points)


def numdifftools(case: Case) -> Answer:
    """numdifftools.Derivative with its defaults."""
    import numdifftools as nd  # a peer that may be missing

    calls = [0]
    found = nd.Derivative(_elementwise(case.f, calls), full_output=True)(case.x)
    # Until 0.10 a pair of value and info, since then one record.
    value = found.estimate if hasattr(found, "estimate") else found[0]
    info = found if hasattr(found, "estimate") else found[1]
    return Answer(float(value), float(np.max(info.error_estimate)), calls[0])


def jacobi(case: Case) -> Answer:
    """jacobi.jacobi with its defaults."""
    import jacobi as peer

    calls = [0]
    value, error = peer.jacobi(_elementwise(case.f, calls), case.x)
    return Answer(float(np.squeeze(value)), float(np.squeeze(error)), calls[0])


def scipy_derivative(case: Case) -> Answer:
    """scipy.differentiate.derivative with its defaults; no claim where it reports no success."""
    from scipy.differentiate import derivative as peer

    calls = [0]
    found = peer(_elementwise(case.f, calls), np.asarray(case.x, dtype=float))
    claim = float(found.error) if bool(found.success) else math.inf
    return Answer(float(found.df), claim, calls[0])


def _elementwise(f: Black, calls: list[int]) -> Callable[[object], object]:
    def one(x: float) -> float:
        calls[0] += 1
        try:
            value = f(x)
        except (ValueError, ArithmeticError):
            return math.nan
        return math.nan if isinstance(value, complex) else value

    def many(x: object) -> object:
        flat = np.asarray(x, dtype=float)
        return np.array([one(float(t)) for t in flat.ravel()]).reshape(flat.shape)[()]

    return many


def tools() -> dict[str, Callable[[Case], Answer]]:
    """wengert and the peers that are installed."""
    found: dict[str, Callable[[Case], Answer]] = {"wengert": ours}
    if find_spec("numdifftools"):
        found["numdifftools"] = numdifftools
    if find_spec("jacobi"):
        found["jacobi"] = jacobi
    if find_spec("scipy.differentiate"):
        found["scipy"] = scipy_derivative
    for name, tool in found.items():
        easy = tool(Case("exp @ 0.5", math.exp, 0.5, math.exp(0.5)))
        if not (abs(easy.value - math.exp(0.5)) < 1e-6 and easy.points > 0):
            raise RuntimeError(f"{name} is called wrongly here: {easy} for exp'(0.5)")
    return found


def answer(tool: Callable[[Case], Answer], case: Case) -> Answer:
    """The tool's answer; one that raises admits to know nothing."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return tool(case)
        except Exception:  # a peer may raise anything
            return Answer(math.nan, math.inf, 0, raised=True)


def is_honest(case: Case, got: Answer) -> bool:
    """Whether the true error lies within the claim, or the tool claims nothing."""
    if got.raised:
        return False
    if not math.isfinite(got.claim):
        return True
    if case.truth is None:
        return _admits(got)
    # The truth itself is only known to a few units in the last place.
    return abs(got.value - case.truth) <= got.claim + 1e-15 * abs(case.truth)


def _admits(got: Answer) -> bool:
    """Whether the claim says that the value is worth nothing: infinite, or not far below the value."""
    return not math.isfinite(got.claim) or got.claim > 0.1 * abs(got.value) > 0


def is_accurate(case: Case, got: Answer) -> bool:
    """Whether the relative error is at most 1e-6; without a derivative, whether the tool says so."""
    if case.truth is None:
        return not got.raised and _admits(got)
    return abs(got.value - case.truth) <= 1e-6 * (abs(case.truth) or 1.0)


def _cell(case: Case, got: Answer) -> str:
    if got.raised:
        return "raised"
    size = abs(case.truth or 0.0) or 1.0
    error = abs(got.value - case.truth) / size if case.truth is not None else math.nan
    mark = "yes" if is_honest(case, got) else "NO"
    return f"{error:.0e} / {got.claim / size:.0e} / {got.points:>2} / {mark}"


def columns(head: list[str], rows: list[list[str]]) -> str:
    """Lines of text with aligned columns."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def report(title: str, cases: list[Case], *, rows: bool) -> None:
    """One table of cases, or only the counts below it."""
    answers = {name: [answer(tool, case) for case in cases] for name, tool in tools().items()}
    if rows:
        print(f"{title}: relative error / claimed / points / honest")
        lines = [
            [case.name, *(_cell(case, answers[name][i]) for name in answers)]
            for i, case in enumerate(cases)
        ]
        print(columns(["case", *answers], lines))
        print()
    print(f"{title}: summary over {len(cases)} cases")
    summary = []
    for name, got in answers.items():
        honest = sum(is_honest(c, a) for c, a in zip(cases, got, strict=True))
        good = sum(is_accurate(c, a) for c, a in zip(cases, got, strict=True))
        points = [a.points for a in got if not a.raised] or [0]
        raised = sum(a.raised for a in got)
        counts = [honest, good, raised, max(points)]
        summary.append([name, *map(str, counts), f"{np.mean(points):.1f}"])
    print(
        columns(["tool", "honest", "within 1e-6", "raised", "most points", "mean points"], summary)
    )
    print()


def main() -> None:
    """Print the three comparisons."""
    report("published cases", published(), rows=True)
    report("hard cases", hard(), rows=True)
    report("random functions, three in five of them noisy", random_cases(400, seed=11), rows=False)


if __name__ == "__main__":
    main()
