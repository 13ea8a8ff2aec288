"""What ``import wengert`` costs beyond NumPy's own import, in fresh processes; budget 150 ms.

Bytecode is written first, as pip does when it installs; wall-clock and processor time are given, since
another program's work falls on the first only. The budget is for processor time.

python benchmarks/import_time.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from statistics import median

BUDGET_MS = 150.0
ROUNDS = 11


def environment(bytecode: str) -> dict[str, str]:
    """The environment of a process that keeps its bytecode in a folder, whatever the caller says."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": bytecode}


def milliseconds(module: str, env: dict[str, str]) -> tuple[float, float]:
    """Wall-clock and processor time of one import in a fresh interpreter, without its own start."""
    script = (
        "from time import perf_counter as now, process_time as cpu; start = now(), cpu(); "
        f"import {module}; print((now() - start[0]) * 1e3, (cpu() - start[1]) * 1e3)"
    )
    wall, cpu = subprocess.check_output([sys.executable, "-c", script], env=env).split()
    return float(wall), float(cpu)


def dearest(module: str, env: dict[str, str], most: int = 12) -> list[tuple[float, str]]:
    """The modules that took longest by themselves, in ms, among those NumPy does not import."""
    line = [sys.executable, "-X", "importtime", "-c", f"import numpy; print('-'); import {module}"]
    report = subprocess.run(line, capture_output=True, text=True, check=True, env=env).stderr
    lines = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", report)
    names = [name for _, name in lines]
    after_numpy = lines[names.index("numpy") + 1 :]
    return sorted(((int(us) / 1e3, name) for us, name in after_numpy), reverse=True)[:most]


def main() -> int:
    """Print the medians and their difference; 1 when over the budget."""
    taken: dict[str, list[tuple[float, float]]] = {"numpy": [], "wengert": []}
    with tempfile.TemporaryDirectory() as bytecode:
        env = environment(bytecode)
        for module in taken:
            milliseconds(module, env)  # warm the file cache, write the bytecode
        for _ in range(ROUNDS):
            for module, times in taken.items():
                times.append(milliseconds(module, env))
        slowest = dearest("wengert", env)
    medians = {
        module: (median(wall for wall, _ in times), median(cpu for _, cpu in times))
        for module, times in taken.items()
    }
    print(f"{'':15}{'wall clock':>12}{'processor':>12}")
    for module, (wall, cpu) in medians.items():
        print(f"import {module:8}{wall:9.1f} ms{cpu:9.1f} ms")
    wall, cpu = (medians["wengert"][i] - medians["numpy"][i] for i in (0, 1))
    over = cpu > BUDGET_MS
    print(f"beyond NumPy   {wall:9.1f} ms{cpu:9.1f} ms", end="")
    print(f" of {BUDGET_MS:.0f} ms: {'OVER' if over else 'within'}")
    print("\ndearest modules, by themselves:")
    for ms, name in slowest:
        print(f"  {ms:7.1f} ms  {name}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
