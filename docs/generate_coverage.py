"""Write ``docs/reference/numpy.md``: the functions that a captured program may call, from their tables.

python docs/generate_coverage.py             write the page
python docs/generate_coverage.py --check     exit 1 if it is out of date
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wengert.diff.forward import jvp
from wengert.errors import NoDerivativeError, WengertError
from wengert.frontend.table import Entry, apply, entries
from wengert.frontend.tables import load_tables
from wengert.ir.node import Expr
from wengert.ir.types import is_inexact
from wengert.ops.leaves import symbol

PAGE = Path(__file__).parent / "reference" / "numpy.md"

HEAD = """# Functions that a captured program may call

What stands here can be called on values that are only known at run time. Everything else is either run
once, while the program is captured, because its arguments are known, or refused by name. This page is
generated from the tables in `src/wengert/frontend/` by `python docs/generate_coverage.py`.

* *arguments*: those of the original that are supported, by position and by name as there; one in brackets
  may be left out. `out=` of any function and `where=` of universal functions work besides.
* *refused*: arguments of the original that must be left at their defaults.
* *derivative*: `yes`; `zero` for results that do not vary smoothly: whole numbers, truth values, steps;
  or the arguments in which there is a formula for it.
"""

# Handled for all functions alike, or of no consequence for the result.
_EVERYWHERE = {"out", "where", "casting", "order", "subok", "signature", "like", "device", "copy"}
_ORDER = ("numpy", "scipy", "python", "math", "cmath", "random")


# --- one function ----------------------------------------------------------------------------------------
def _arguments(entry: Entry) -> str:
    shown = []
    for name, parameter in entry.signature.parameters.items():
        if name in ("out", "order"):
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            shown.append(f"[*{name}]")
        elif parameter.kind is parameter.VAR_KEYWORD:
            continue
        else:
            optional = parameter.default is not parameter.empty
            shown.append(f"[{name}]" if optional else name)
    return ", ".join(shown)


def _refused(entry: Entry) -> str:
    return ", ".join(name for name in entry.defaults if name not in _EVERYWHERE)


# --- does it vary? ---------------------------------------------------------------------------------------
# Functions are tried on symbols of some shapes, with some known values for the other arguments.
_SHAPES: dict[int, list[tuple[tuple[int, ...], ...]]] = {
    0: [()],
    1: [(s,) for s in ((3,), (), (3, 3), (2, 3, 3), (8,))],
    2: [(s, s) for s in ((3,), (), (3, 3), (2, 3, 3))] + [((3, 3), (3,)), ((3,), ()), ((), (3,))],
    3: [(s, s, s) for s in ((3,), (), (3, 3))] + [((), (3,), (3,))],
    4: [(s, s, s, s) for s in ((3,), ())],
}
_DTYPES = ("float64", "complex128", "int64")
_KNOWN: tuple[Any, ...] = (1, 0, (3,), "i,i->i", "ij->ji", float, (0, 1), 2.0)
_IN_PLACE_OF_VALUES: tuple[Any, ...] = (2, np.array([2, 1, 0]), np.array([True, False, True]))


class _Call(NamedTuple):
    positional: list[Any]
    named: dict[str, Any]
    symbols: dict[str, list[Expr]]  # by parameter


def _calls(entry: Entry) -> Iterator[_Call]:
    """Ways to call the function, the likeliest first."""
    optional = [n for n, kind in entry.kinds.items() if kind == "value"][:3]
    for more in ((), optional):  # without, and with arguments that may be left out
        wanted = [
            p
            for p in entry.signature.parameters.values()
            if p.kind is not p.VAR_KEYWORD and (p.default is p.empty or p.name in more)
        ]
        values = [p.name for p in wanted if entry.kinds[p.name] == "value"]
        known = [p.name for p in wanted if entry.kinds[p.name] in ("static", "shape", "length")]
        replaced: list[dict[str, Any]] = [{}]
        replaced += [{n: v} for n in values for v in _IN_PLACE_OF_VALUES]
        for instead, dtype, several in product(replaced, _DTYPES, ((3,), ())):
            for shapes in _SHAPES.get(len(values), []):
                for given in product(_KNOWN, repeat=min(len(known), 2)):
                    fixed = {**dict.fromkeys(known, 1), **dict(zip(known, given, strict=False))}
                    shaped = dict(zip(values, shapes, strict=True))
                    yield _call(entry, wanted, {**fixed, **instead}, shaped, dtype, several)


def _call(
    entry: Entry,
    wanted: list[inspect.Parameter],
    fixed: dict[str, Any],
    shaped: dict[str, tuple[int, ...]],
    dtype: Any,
    several: tuple[int, ...],
) -> _Call:
    call = _Call([], {}, {})
    for parameter in wanted:
        name, kind = parameter.name, entry.kinds[parameter.name]
        if name in fixed:
            argument = fixed[name]
        else:
            count, shape = (1, shaped[name]) if kind == "value" else (2, several)
            made = [symbol(f"{name}{i}", shape, dtype=dtype) for i in range(count)]
            call.symbols[name] = made
            argument = made[0] if kind == "value" else made
        if parameter.kind is parameter.VAR_POSITIONAL:
            call.positional.extend(argument if isinstance(argument, list) else [argument])
        elif parameter.kind is parameter.KEYWORD_ONLY:
            call.named[name] = argument
        else:
            call.positional.append(argument)
    return call


def _leaves(tree: Any) -> Iterator[Expr]:
    if isinstance(tree, (tuple, list)):
        for part in tree:
            yield from _leaves(part)
    elif isinstance(tree, Expr):
        yield tree


def _varies(outputs: list[Expr], symbols: list[Expr]) -> bool | None:
    """Whether the result has a derivative in the symbols; ``None`` if there is none by a formula."""
    seeds = {s: symbol(f"d{i}", s.shape, dtype=s.value_type.dtype) for i, s in enumerate(symbols)}
    try:
        return any(change is not None for change in jvp(outputs, seeds))
    except NoDerivativeError:
        return None


_MOST_TRIES = 4000
# What the tries do not reach: lists of conditions, numbers that Python itself makes.
_SAID = {
    "builtins.complex": "yes",
    "numpy.arange": "zero",
    "numpy.ravel_multi_index": "zero",
    "numpy.select": "yes",
}


def _derivative(entry: Entry) -> str:
    """``yes``, ``zero``, or the arguments in which there is a derivative."""
    if entry.title in _SAID:
        return _SAID[entry.title]
    found: dict[str, bool | None] = {}
    called = False
    for call in islice(_calls(entry), _MOST_TRIES):
        try:
            outputs = list(_leaves(apply(entry, tuple(call.positional), call.named)))
        except (WengertError, TypeError, ValueError, LookupError, AttributeError, AssertionError):
            continue
        outputs = [o for o in outputs if is_inexact(o.value_type)]
        for name, symbols in call.symbols.items():
            inexact = [s for s in symbols if is_inexact(s.value_type)]
            varies = _varies(outputs, inexact) if outputs and inexact else False
            if not found.get(name) and (varies is not False or name not in found):
                found[name] = varies
        called = True
        if all(found.values()):
            break
    if not called:
        return "?"
    varying = [name for name, varies in found.items() if varies]
    if not varying:
        return "zero"
    without = [name for name, varies in found.items() if varies is None]
    if len(varying) == len(found) or not without:
        return "yes"
    return f"in {', '.join(f'`{name}`' for name in varying)}"


# --- the page --------------------------------------------------------------------------------------------
def _section(entry: Entry) -> tuple[int, str]:
    root = entry.title.split(".")[0]
    place = _ORDER.index(root) if root in _ORDER else len(_ORDER)
    return place, entry.group or "Further functions"


def page() -> str:
    """The page as text."""
    load_tables(every=True)
    sections: dict[tuple[int, str], dict[tuple[str, str, str], list[str]]] = {}
    for entry in entries():
        row = (_arguments(entry), _refused(entry), _derivative(entry))
        sections.setdefault(_section(entry), {}).setdefault(row, []).append(entry.title)
    lines = [HEAD, f"{sum(1 for _ in entries())} functions.", ""]
    for section in sorted(sections):
        lines += [f"## {section[1]}", ""]
        lines += ["| function | arguments | refused | derivative |", "| --- | --- | --- | --- |"]
        rows = sections[section]
        for row in sorted(rows, key=lambda r: min(rows[r])):
            names = ", ".join(f"`{name}`" for name in sorted(rows[row]))
            arguments, refused, derivative = row
            shown = f"`{arguments}`" if arguments else ""
            lines.append(f"| {names} | {shown} | {refused} | {derivative} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{PAGE.name} is out of date: python docs/generate_coverage.py")
        return 1
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
