"""Hand-written C: compiled once per change of its text, called and timed without Python in between.

A source in the folder ``c`` is ordinary C. Its functions are found by their prototypes, one a line. For each
of them a second file gets a function that calls it many times, so that a small function is not timed
together with a call from Python. The two are compiled apart, so that no repeated call is saved.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FLAGS = ("-O3", "-march=native", "-ffast-math", "-std=gnu11", "-fPIC")
SOURCES = Path(__file__).parent / "c"
COMPILER = os.environ.get("CC", "gcc")

PROTOTYPE = re.compile(r"^(void|double|float|long) (\w+)\(([^)]*)\)\s*\{", re.M)
SCALARS = {"double": ctypes.c_double, "float": ctypes.c_float, "long": ctypes.c_long}


def there() -> bool:
    """Whether there is a C compiler."""
    return shutil.which(COMPILER) is not None


def version() -> str:
    """The compiler's own line about itself."""
    line = [COMPILER, "--version"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.split("\n")[0]


@cache
def _built(name: str, defines: tuple[str, ...]) -> tuple[ctypes.CDLL, dict[str, list[str]]]:
    """The library of a source and its prototypes: the types of each function, that of the result first."""
    text = (SOURCES / f"{name}.c").read_text(encoding="utf-8")
    macros = dict(d.split("=") for d in defines)
    found: dict[str, list[str]] = {}
    repeats = []
    for result, function, listed in PROTOTYPE.findall(text):
        parameters = [" ".join(p.split()) for p in listed.split(",")]
        for macro, meaning in macros.items():
            parameters = [re.sub(rf"\b{macro}\b", meaning, p) for p in parameters]
        found[function] = [result, *parameters]
        names = ", ".join(re.findall(r"\w+", p)[-1] for p in parameters)
        plain = ", ".join(p.replace("restrict ", "") for p in parameters)
        repeats.append(
            f"{result} {function}({plain});\n"
            f"void times_{function}(long times_, {plain})"
            f" {{ for (long t_ = 0; t_ < times_; t_++) {function}({names}); }}\n"
        )
    again = "".join(repeats)
    key = hashlib.sha256(repr((text, again, FLAGS, defines, COMPILER, _machine())).encode())
    folder = Path(tempfile.gettempdir()) / f"wengert-benchmarks-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    library = folder / f"{name}-{key.hexdigest()[:16]}.so"
    if not library.exists():
        _compile(text, again, defines, library)
    return ctypes.CDLL(str(library)), found


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    return info.read_text().split("\n\n")[0] if info.exists() else ""


def _compile(text: str, again: str, defines: tuple[str, ...], library: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        parts = []
        for part, content in (("code", text), ("again", again)):
            source = Path(place, f"{part}.c")
            source.write_text(content, encoding="utf-8")
            parts.append(str(source.with_suffix(".o")))
            line = [COMPILER, *FLAGS, *(f"-D{d}" for d in defines)]
            subprocess.run([*line, "-c", str(source), "-o", parts[-1]], check=True)
        # Linked without -ffast-math: that would set the processor of the whole process to flush
        # subnormal numbers to zero, for everybody in it.
        made = Path(place, "made.so")
        subprocess.run([COMPILER, "-shared", *parts, "-lmvec", "-lm", "-o", str(made)], check=True)
        shutil.move(made, library)


class Hand:
    """A call of a C function with given arguments; arrays are passed as they are, and written to.

    ``results`` are the arrays of the arguments that hold what it computes; a value that the C function
    returns comes before them.
    """

    def __init__(
        self, source: str, function: str, *args: Any, results: tuple[Any, ...] = (), real: str = ""
    ) -> None:
        library, prototypes = _built(source, (f"REAL={real}",) if real else ())
        result, *parameters = prototypes[function]
        assert len(parameters) == len(args), (function, parameters)
        self._call = getattr(library, function)
        self._times = getattr(library, f"times_{function}")
        self._call.restype = None if result == "void" else SCALARS[result]
        self._times.restype = None
        self._results = results
        self._keep = args
        self._args = [_passed(p, a) for p, a in zip(parameters, args, strict=True)]

    def result(self) -> tuple[Any, ...]:
        """What one call computes."""
        value = self._call(*self._args)
        made = tuple(np.copy(r) for r in self._results)
        return made if self._call.restype is None else (value, *made)

    def times(self, count: int) -> None:
        """Call it many times."""
        self._times(ctypes.c_long(count), *self._args)


def _passed(parameter: str, value: Any) -> Any:
    """An argument as C takes it."""
    if "*" not in parameter:
        return SCALARS[parameter.split()[0]](value)
    assert isinstance(value, np.ndarray), parameter
    assert value.flags.c_contiguous, parameter
    expected = {"double": "float64", "float": "float32", "long": "int64"}
    kind = next(k for k in expected if re.search(rf"\b{k}\b", parameter))
    assert value.dtype == expected[kind], (parameter, value.dtype)
    return ctypes.c_void_p(value.ctypes.data)
