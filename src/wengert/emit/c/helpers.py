"""Functions of C that the library of C has not, or has differently; only those that are used are written.

A text is a template: ``{T}`` is the type, ``{s}`` what names of functions end with (``f`` for float32, as in
C's own library), ``{U}`` the unsigned type and ``{B}`` the bits of integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wengert.emit.c.text import ctype
from wengert.lower.nest import Unsupported

__all__ = ["helper_name", "helper_names", "helper_text"]

# --- of floats -------------------------------------------------------------------------------------------
_FLOATS: Final[dict[str, tuple[str, str]]] = {
    "maximum": ("{T} a, {T} b", "return a >= b || isnan(a) ? a : b;  /* NaN stays */"),
    "minimum": ("{T} a, {T} b", "return a <= b || isnan(a) ? a : b;  /* NaN stays */"),
    "sign": ("{T} x", "return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x;"),
    "heaviside": ("{T} x", "return x > 0 ? 1 : x < 0 ? 0 : x == 0 ? 0.5{s} : x;"),
    "inverse_root": (
        "{T} x",
        "return x == -INFINITY ? 0 : 1/sqrt{s}(x + 0);  /* of -0, too, it is inf */",
    ),
    "floor_mod": (
        "{T} a, {T} b",
        """\
{T} rest = fmod{s}(a, b);
if (b == 0) {
    return rest;
}
if (rest == 0) {
    return copysign{s}(0, b);
}
return (rest < 0) != (b < 0) ? rest + b : rest;""",
    ),
    "floor_div": (
        "{T} a, {T} b",
        """\
if (b == 0) {
    return a/b;
}
{T} rest = fmod{s}(a, b);
{T} quotient = (a - rest)/b;
if (rest != 0 && (rest < 0) != (b < 0)) {
    quotient -= 1;
}
if (quotient == 0) {
    return copysign{s}(0, a/b);
}
{T} whole = floor{s}(quotient);
return quotient - whole > 0.5{s} ? whole + 1 : whole;""",
    ),
    "sigmoid": (
        "{T} x",
        """\
{T} e = exp{s}(-fabs{s}(x));
return (x < 0 ? e : 1)/(1 + e);""",
    ),
    "softplus": (
        "{T} x",
        "return (x > 0 ? x : 0) + log1p{s}(exp{s}(-fabs{s}(x)));",
    ),
    "log_sigmoid": (
        "{T} x",
        "return (x < 0 ? x : -0.0{s}) - log1p{s}(exp{s}(-fabs{s}(x)));",
    ),
    "logaddexp": (
        "{T} a, {T} b",
        """\
if (a == b) {
    return a + 0.6931471805599453{s};  /* both may be infinite */
}
{T} gap = a - b;
return isnan(gap) ? gap : (gap > 0 ? a : b) + log1p{s}(exp{s}(-fabs{s}(gap)));""",
    ),
    "logit": ("{T} x", "return log{s}(x/(1 - x));"),
    "entr": (
        "{T} x",
        "return x == 0 ? 0 : x < 0 ? -INFINITY : -x*log{s}(x);",
    ),
    "xlogy": ("{T} x, {T} y", "return x == 0 && !isnan(y) ? 0 : x*log{s}(y);"),
    "xlog1py": ("{T} x, {T} y", "return x == 0 && !isnan(y) ? 0 : x*log1p{s}(y);"),
    "usinc": ("{T} x", "return x == 0 ? 1 : isinf(x) ? 0 : sin{s}(x)/x;"),
    "exprel": ("{T} x", "return x == 0 ? 1 : x == INFINITY ? x : expm1{s}(x)/x;"),
    "log1prel": ("{T} x", "return x == 0 ? 1 : x == INFINITY ? 0 : log1p{s}(x)/x;"),
    "cosm1": (
        "{T} x",
        """\
{T} sine = sin{s}(x/2);
return 0 - 2*sine*sine;""",
    ),
    "ndtr": ("{T} x", "return erfc{s}(-0.7071067811865476{s}*x)/2;"),
    "binary_exponent": (
        "{T} x",
        """\
int exponent = 0;
if (isfinite(x)) {
    (void)frexp{s}(x, &exponent);
}
return ({T})exponent;""",
    ),
    "float_of_bits": (
        "int64_t bits",
        "const union { int64_t bits; double number; } both = { .bits = bits };\nreturn both.number;",
    ),
    "scaled_by": (
        "{T} x, {T} exponent",
        "return ldexp{s}(x, exponent > 5000 ? 5000 : exponent < -5000 ? -5000 : (int)exponent);",
    ),
    "pow4": ("{T} x", "{T} square = x*x;\nreturn square*square;"),
    "pow5": ("{T} x", "{T} square = x*x;\nreturn x*(square*square);"),
    "pow6": ("{T} x", "{T} square = x*x;\nreturn square*(square*square);"),
    "pow7": ("{T} x", "{T} square = x*x;\nreturn x*square*(square*square);"),
    "pow8": ("{T} x", "{T} square = x*x;\nsquare = square*square;\nreturn square*square;"),
}

# --- of integers: they wrap around, as in NumPy ----------------------------------------------------------
_INTEGERS: Final[dict[str, tuple[str, str]]] = {
    "add": ("{T} a, {T} b", "return ({T})(({U})a + ({U})b);"),
    "sub": ("{T} a, {T} b", "return ({T})(({U})a - ({U})b);"),
    "mul": ("{T} a, {T} b", "return ({T})(({W})a * ({W})b);"),
    "maximum": ("{T} a, {T} b", "return a >= b ? a : b;"),
    "minimum": ("{T} a, {T} b", "return a <= b ? a : b;"),
    "absolute": ("{T} a", "return a < 0 ? ({T})(0 - ({U})a) : a;"),
    "sign": ("{T} a", "return (a > 0) - (a < 0);"),
    "floor_div": (
        "{T} a, {T} b",
        """\
if (b == 0) {
    return 0;
}
if (b == -1) {
    return ({T})(0 - ({U})a);
}
return a/b - (a % b != 0 && (a < 0) != (b < 0));""",
    ),
    "floor_mod": (
        "{T} a, {T} b",
        """\
if (b == 0 || b == -1) {
    return 0;
}
{T} rest = a % b;
return rest != 0 && (a < 0) != (b < 0) ? rest + b : rest;""",
    ),
    "remainder": ("{T} a, {T} b", "return b == 0 || b == -1 ? 0 : a % b;"),
    "left_shift": ("{T} a, {T} n", "return n >= 0 && n < {B} ? ({T})(({U})a << n) : 0;"),
    "right_shift": (
        "{T} a, {T} n",
        """\
if (n < 0 || n >= {B}) {
    return a < 0 ? -1 : 0;
}
return a < 0 ? ~(~a >> n) : a >> n;""",
    ),
    "power": (
        "{T} a, int64_t n",
        """\
{W} square = ({W})a, power = 1;
for (; n > 0; n /= 2) {
    if (n % 2 == 1) {
        power *= square;
    }
    square *= square;
}
return ({T})power;""",
    ),
    "bits_of_float": (
        "double x",
        "const union { double number; int64_t bits; } both = { .number = x };\nreturn both.bits;",
    ),
    "from_double": (
        "double x",
        "return x > {LOW} && x < {HIGH} ? ({T})x : INT{B}_MIN;",
    ),
}


def helper_name(name: str, dtype: str) -> str:
    """What a helper for a dtype is called in the source."""
    if dtype.startswith("float"):
        return name if dtype == "float64" else f"{name}f"
    return f"{'truncate' if name == 'from_double' else name}_i{dtype[3:]}"


def helper_names() -> Iterator[str]:
    """All names that helpers may have."""
    for table, dtypes in ((_FLOATS, ("float64", "float32")), (_INTEGERS, ("int64", "int32"))):
        for name in table:
            for dtype in dtypes:
                yield helper_name(name, dtype)


def helper_text(name: str, dtype: str) -> str:
    """The definition of a helper.

    Raises:
        Unsupported: there is none for numbers of the dtype.
    """
    found = (_FLOATS if dtype.startswith("float") else _INTEGERS).get(name)
    if found is None or dtype == "bool":
        raise Unsupported(f"`{name}` of numbers of type {dtype}")
    bits = dtype.removeprefix("int")
    words = {
        "{T}": ctype(dtype),
        "{s}": "f" if dtype == "float32" else "",
        "{U}": f"uint{bits}_t",
        "{W}": "uint64_t",  # products of short numbers would be of a signed type
        "{B}": bits,
        "{LOW}": "-9223372036854777856.0" if bits == "64" else "-2147483649.0",
        "{HIGH}": "9223372036854775808.0" if bits == "64" else "2147483648.0",
    }
    args, body = found
    text = f"static inline {{T}} {helper_name(name, dtype)}({args})\n{{\n"
    text += "".join(f"    {line}\n" for line in body.split("\n")) + "}\n"
    for word, value in words.items():
        text = text.replace(word, value)
    return text
