"""Derivatives as machine code beside hand-written C and other systems: how many times faster or slower?

python benchmarks/native_derivatives.py                    all workloads, up to a quarter of an hour
python benchmarks/native_derivatives.py --quick            few sizes, one or two minutes
python benchmarks/native_derivatives.py --no-peers gmm     only C, only the workload named

Each workload is a file in `benchmarks/native`, with the program as a user would write it. One thread on
one core; nothing is read from the cache on disk. A reached target is no condition: nothing fails here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from native import hand
from native.harness import COLUMNS
from timing import machine

HERE = Path(__file__).parent
WORKLOADS = (
    "elementwise", "logistic", "gmm", "bundle", "kmeans", "sums", "solvers", "iteration", "hessians",
    "scalars", "tiny", "first", "memory",
)  # fmt: skip
LIMIT = 300  # seconds for a workload

FIXED = {
    "WENGERT_CACHE": "off",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
}


def main(args: list[str] | None = None) -> int:
    """The table; 1 if a workload failed or was stopped."""
    args = sys.argv[1:] if args is None else args
    options = [a for a in args if a.startswith("--")]
    named = [a for a in args if not a.startswith("--")]
    unknown = sorted(set(named) - set(WORKLOADS))
    if unknown:
        print(f"no workload {', '.join(unknown)}; there are: {', '.join(WORKLOADS)}")
        return 2
    print(machine())
    print(f"C: {hand.version()} {' '.join(hand.FLAGS)}" if hand.there() else "C: no compiler here")
    print(f"\n{COLUMNS}")
    code = 0
    for name in named or WORKLOADS:
        code |= run(name, options)
    return code


def run(name: str, options: list[str]) -> int:
    """One workload in a process of its own, on one core."""
    line = [sys.executable, "-u", "-m", "native", name, *options]
    folders = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    where = {"PYTHONPATH": os.pathsep.join(folders)}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        around = os.environ | FIXED | where
        return subprocess.run(line, env=around, timeout=LIMIT, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"    {name}: stopped after {LIMIT} s")
        return 1


if __name__ == "__main__":
    sys.exit(main())
