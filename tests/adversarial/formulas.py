"""Random formulas, half of them of kinds that invite mistakes about branches and domains."""

from __future__ import annotations

from random import Random

ONE = (
    "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "cbrt", "asin", "acos",
    "atan", "asinh", "acosh", "atanh", "abs", "sign", "floor", "ceil", "exp2", "log2", "log10",
    "log1p", "expm1", "cosm1", "sec", "csc", "cot", "square", "sigmoid", "softplus",
    "log_sigmoid", "logit",
)  # fmt: skip
TWO = (
    "max", "min", "atan2", "hypot", "mod", "xlogy", "xlog1py", "logaddexp",
)  # fmt: skip
EXPONENTS = (
    "2", "3", "-1", "-2", "-3", "(1/2)", "(-1/2)", "(1/3)", "(2/3)", "(3/2)", "(-3/2)", "(4/3)",
    "0.5", "1.5", "2.0", "0", "1", "4", "(1/4)", "0.1",
)  # fmt: skip
NUMBERS = (
    "2", "3", "(-1)", "(1/2)", "(-2)", "(1/3)", "0.1", "(-3/4)", "0", "1", "pi", "e",
)  # fmt: skip
# a and b stand for formulas in brackets.
TRAPS = (
    "sqrt({a}**2)", "log({a}**2)", "({a}**2)**(1/2)", "({a}**3)**(1/3)", "exp(log({a}))",
    "log(exp({a}))", "log({a}*{b})", "log({a}/{b})", "log({a}) + log({b})", "log({a}) - log({b})",
    "sqrt({a})*sqrt({b})", "sqrt({a}*{b})", "sqrt({a}/{b})", "sqrt({a})/sqrt({b})",
    "atan(tan({a}))", "tan(atan({a}))", "asin(sin({a}))", "sin(asin({a}))", "acos(cos({a}))",
    "acosh(cosh({a}))", "cosh(acosh({a}))", "({a}**{b})**2", "({a}**2)**{b}", "{a}**{b}*{a}**2",
    "abs({a})*abs({b})", "abs({a}**3)", "abs({a})*{a}", "sign({a})*{a}", "abs({a})/{a}",
    "sqrt({a}**2 + 2*{a}*{b} + {b}**2)", "({a}**(1/2))**2", "({a}**2)**(3/2)", "{a}**0", "1**{a}",
    "({a}*{b})**(1/3)", "(-{a})**(1/2)", "({a}**4)**(1/4)", "({a}**(2/3))**(3/2)", "cbrt({a}**3)",
    "cbrt({a})**3", "max({a}, {b}) + min({a}, {b})", "max({a}, {b})*min({a}, {b})",
    "max({a}, -{a})", "floor({a}) + ceil(-{a})", "mod({a}, {b}) + {b}*floor({a}/{b})",
    "exp({a})*exp({b})", "exp(2*log({a}))", "exp({b}*log({a}))", "log({a}**{b})",
    "log(sqrt({a}))", "log(1/{a})", "log(abs({a}))", "log(1 + exp({a}))",
    "log(exp({a}) + exp({b}))", "1/(1 + exp(-{a}))", "sin({a})**2 + cos({a})**2",
    "1 - cos({a})**2", "sin({a})/cos({a})", "cosh({a})**2 - sinh({a})**2",
    "sqrt(1 - sin({a})**2)", "sqrt(cosh({a})**2 - 1)", "(exp({a}) - exp(-{a}))/2",
    "({a}**2 - {b}**2)/({a} - {b})", "{a}/{a}", "{a} - {a}", "0*{a}", "atan({a}) + atan(1/{a})",
    "asin({a}) + acos({a})", "atan2(2*{a}, 2*{b})", "hypot({a}, 0)", "where({a} > 0, {a}, -{a})",
    "where({a} > {b}, {a}, {b})", "where({a} > 0, 1, 0)*{b}", "where({a} >= 0, sqrt({a}), 0)",
    "log(sigmoid({a}))", "sigmoid({a})*(1 - sigmoid({a}))", "logit(sigmoid({a}))",
    "sigmoid(logit({a}))", "log(2**{a})", "2**log2({a})", "sqrt(exp({a}))", "sqrt({a}**2*{b})",
    "sqrt({a}**3)", "{a}**(5/2)/{a}**2", "{a}*log({a})", "xlogy({a}, {a})", "xlogy({a}, {b})",
    "sqrt(-{a})*sqrt(-{b})", "log(-{a})", "log(-{a}*-{b})", "(-{a})**3", "(1/{a})**(1/2)",
    "({a}**-2)**(1/2)", "1/(1/{a})", "{a}/({b}/{a})", "sign({a})**2", "sign({a}*{b})",
    "sign(0*{a})", "floor({a} + 1)", "mod({a}, 1)", "sin(acos({a}))", "cos(atan({a}))",
    "tan(asin({a}))", "sinh(acosh({a}))", "sqrt({a}**2 + 2*{a} + 1)",
    "sqrt(1 - {a}**2)/(1 - {a})", "log({a} + sqrt({a}**2 + 1))", "sqrt({a} - 1)*sqrt({a} + 1)",
    "{a}**{b}/{a}**{b}", "{a}**{b}*{a}**(-{b})", "10**log10({a})", "expm1(log({a}))",
    "log1p(expm1({a}))", "exp(log1p({a}))", "acos(cos(1))*{a}", "log(cos(1)*exp({a}))",
    "exp(log({a} - {a}))*{b}", "0**{a}",
)  # fmt: skip


def formula(random: Random, names: str, depth: int) -> str:
    """A formula of about the given depth."""
    if random.random() < 0.4:
        a, b = (f"({_tree(random, names, 1)})" for _ in "ab")
        inner = random.choice(TRAPS).format(a=a, b=b)
        outer = random.choice(["({})", "({})*{}", "({}) + {}", "{1}/({0})", "{0}"])
        if outer == "{0}":
            return f"{random.choice(ONE)}({inner})"
        return outer.format(inner, f"({_tree(random, names, 1)})")
    return _tree(random, names, depth)


def _tree(random: Random, names: str, depth: int) -> str:
    def part() -> str:
        return _tree(random, names, depth - 1)

    kind = random.random()
    if depth <= 0 or kind < 0.12:
        return random.choice(names) if random.random() < 0.75 else random.choice(NUMBERS)
    if kind < 0.38:
        return f"({part()} {random.choice('++-')} {part()})"
    if kind < 0.54:
        return f"({part()}*{part()})"
    if kind < 0.62:
        return f"({part()}/{part()})"
    if kind < 0.73:
        return f"({part()})**{random.choice(EXPONENTS)}"
    if kind < 0.90:
        return f"{random.choice(ONE)}({part()})"
    if kind < 0.96:
        return f"{random.choice(TWO)}({part()}, {part()})"
    return f"where({part()} {random.choice(['<', '<=', '>', '>='])} {part()}, {part()}, {part()})"
