"""What ``import wengert`` costs beyond NumPy's own import, in fresh processes; budget 150 ms.

python benchmarks/import_time.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from statistics import median

BUDGET_MS = 150.0
ROUNDS = 11


def milliseconds(module: str) -> float:
    """Time of one import in a fresh interpreter, without the interpreter's own start."""
    script = (
        "from time import perf_counter as now; start = now(); "
        f"import {module}; print((now() - start) * 1e3)"
    )
    return float(subprocess.check_output([sys.executable, "-c", script]))


def dearest(module: str, most: int = 12) -> list[tuple[float, str]]:
    """The modules that took longest by themselves, in ms, among those NumPy does not import."""
    line = [sys.executable, "-X", "importtime", "-c", f"import numpy; print('-'); import {module}"]
    report = subprocess.run(line, capture_output=True, text=True, check=True).stderr
    lines = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", report)
    names = [name for _, name in lines]
    after_numpy = lines[names.index("numpy") + 1 :]
    return sorted(((int(us) / 1e3, name) for us, name in after_numpy), reverse=True)[:most]


def main() -> int:
    """Print the medians and their difference; 1 when over the budget."""
    taken: dict[str, list[float]] = {"numpy": [], "wengert": []}
    for module in taken:
        milliseconds(module)  # warm the file cache and the bytecode
    for _ in range(ROUNDS):
        for module, times in taken.items():
            times.append(milliseconds(module))
    numpy, wengert = median(taken["numpy"]), median(taken["wengert"])
    beyond = wengert - numpy
    over = beyond > BUDGET_MS
    print(f"import numpy    {numpy:7.1f} ms")
    print(f"import wengert  {wengert:7.1f} ms")
    print(f"beyond NumPy    {beyond:7.1f} ms of {BUDGET_MS:.0f} ms: {'OVER' if over else 'within'}")
    print("\ndearest modules, by themselves:")
    for ms, name in dearest("wengert"):
        print(f"  {ms:7.1f} ms  {name}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
