"""Run the benchmarks, each in a process of its own, and keep what they print.

python benchmarks/run.py                 all of them
python benchmarks/run.py import_time     only those named
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from timing import machine

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def available() -> dict[str, Path]:
    """The scripts here that define ``main``, by name."""
    return {
        path.stem: path
        for path in sorted(HERE.glob("*.py"))
        if path.name != Path(__file__).name
        and any(
            isinstance(node, ast.FunctionDef) and node.name == "main"
            for node in ast.parse(path.read_text(encoding="utf-8")).body
        )
    }


def run(path: Path) -> int:
    """Run one benchmark, showing its lines as they come and keeping them; returns its exit code."""
    with (RESULTS / f"{path.stem}.txt").open("w", encoding="utf-8") as kept:
        kept.write(f"{machine()}\n\n")
        line = [sys.executable, "-u", str(path)]
        with subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            for printed in process.stdout:
                print(printed, end="")
                kept.write(printed)
    return process.returncode


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; the number of those that failed."""
    known = available()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    print(machine())
    failed = []
    for name in names or known:
        print(f"\n== {name}")
        if run(known[name]):
            failed.append(name)
    print(f"\nresults: {RESULTS.relative_to(HERE.parent)}/")
    if failed:
        print(f"failed or over budget: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
