"""Greek letters and their names, and the one spelling under which a symbol is known.

``α`` and ``alpha`` are the same symbol. Its name is the spelled one, so that a formula can be typed, printed
and compiled everywhere; printers that can show letters look them up here.
"""

from __future__ import annotations

from unicodedata import normalize

__all__ = ["GREEK", "canonical"]

_SMALL = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
    "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip

GREEK: dict[str, str] = {
    **dict(zip(_SMALL, "αβγδεζηθικλμνξοπρστυφχψω", strict=True)),
    **dict(zip(map(str.capitalize, _SMALL), "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", strict=True)),
}
_SPELLED = {letter: name for name, letter in GREEK.items()}


def canonical(name: str) -> str:
    """The name under which a symbol is known.

    Unicode identifiers are normalised as Python does (NFKC); a Greek letter at the start, alone or followed
    by digits or an underscore, is spelled out; ``lambda_`` is how Python can write ``lambda``.

    >>> canonical("α"), canonical("σ_1"), canonical("x₁"), canonical("lambda_")
    ('alpha', 'sigma_1', 'x1', 'lambda')
    """
    if name.isascii():
        return "lambda" if name == "lambda_" else name
    name = normalize("NFKC", name)
    spelled = _SPELLED.get(name[0])
    rest = name[1:]
    if spelled is None or (rest and rest[0] != "_" and not rest[0].isdigit()):
        return name
    return spelled + rest
