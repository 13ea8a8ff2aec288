"""Memory of a gradient: how far a process grows, beside inputs, outputs and what the primal takes.

Each figure is of a process of its own, which has run the same at a small size before; then the mark of the
largest size is set back (Linux only).
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from native import gmm, solvers
from native.harness import Row
from native.peers import autograd_gradient, jax_gradient, torch_gradient
from native.solvers import chain_arrays, chain_in_jax

PROGRAMS = ("GMM, d=64, k=50, n=1000", "RK4 chain, 1e5 x 100")
SYSTEMS = ("ours", "primal", "jax", "torch", "autograd")


def sized(name: str, small: bool) -> tuple[tuple[Any, ...], Any]:
    """Arguments, and what to vary."""
    rng = np.random.default_rng(1)
    if name.startswith("GMM"):
        n, d, k = (40, 64, 2) if small else (1000, 64, 50)
        icf = 0.1 * rng.normal(size=(k, d * (d + 1) // 2))
        x = rng.normal(size=(n, d))
        return (rng.normal(size=k), rng.normal(size=(k, d)), icf, x, 1.0, 2.0), (0, 1, 2)
    n, steps = (50, 10) if small else (100_000, 100)
    return (rng.normal(size=n), steps, 0.01), 0


def call(name: str, system: str, args: Any, by: Any) -> Callable[[], Any]:
    """What is to run; nothing has run yet."""
    mixture = name.startswith("GMM")
    program = gmm.arrays if mixture else solvers.chain
    match system:
        case "ours":
            made = wg.value_and_grad(program, argnums=by, backend="native")
            return lambda: made(*args)
        case "primal":
            run = wg.jit(program, backend="native")
            return lambda: run(*args)
        case "jax":
            if mixture:
                return jax_gradient(gmm.gathered(64), args, by)()
            return chain_in_jax(*args)()
        case "torch":
            if mixture:
                return gmm.in_torch(64, args)()
            return torch_gradient(chain_arrays, args, by)()
    return autograd_gradient(gmm.gathered(64) if mixture else chain_arrays, args, by)()


def bytes_of(name: str, system: str) -> dict[str, Any]:
    """By how many bytes this process grows at most during a first call at full size."""
    small, by = sized(name, small=True)
    call(name, system, small, by)()
    args, _ = sized(name, small=False)
    run = call(name, system, args, by)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    result = run()
    grown = status("VmHWM") - before
    del result
    found = {"bytes": grown, "inputs": sum(np.asarray(a).nbytes for a in args)}
    if system == "ours":
        program = gmm.arrays if name.startswith("GMM") else solvers.chain
        cost = wg.value_and_grad(program, argnums=by, backend="native").cost(*args)
        found["predicted"] = str(cost.tape_bytes)
    return found


def status(field: str) -> int:
    """A field of what the system says about this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


def cases(quick: bool) -> Iterator[Row]:
    if not Path("/proc/self/clear_refs").exists():
        return
    for name in PROGRAMS[:1] if quick else PROGRAMS:
        found = {}
        for system in SYSTEMS:
            line = [sys.executable, "-m", "native.memory", name, system]
            done = subprocess.run(line, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                found[system] = json.loads(done.stdout.splitlines()[-1])
            else:
                found[system] = {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:150]}
        yield row_of(name, found)


def row_of(name: str, found: dict[str, dict[str, Any]]) -> Row:
    """What was found, as text: these are bytes and no seconds."""
    row = Row("memory", name)
    sizes = {s: f["bytes"] / 2**20 for s, f in found.items() if "bytes" in f}
    if {"ours", "primal"} <= sizes.keys():
        args, by = sized(name, small=False)
        by = (by,) if isinstance(by, int) else by
        outputs = sum(args[i].nbytes for i in by) / 2**20
        allowed = found["ours"]["inputs"] / 2**20 + outputs + sizes["primal"]
        ratio = sizes["ours"] / allowed
        least = min((sizes[s] for s in SYSTEMS[2:] if s in sizes), default=float("inf"))
        row.notes.append(
            f"gradient {sizes['ours']:.1f} MiB; inputs, outputs and what the primal takes"
            f" {allowed:.1f} MiB: ratio {ratio:.2f} (target 3), {'yes' if ratio <= 3 else 'NO'};"
            f" below every peer: {'yes' if sizes['ours'] < least else 'NO'}"
        )
        row.notes.append(f"tape as `cost()` predicts it: {found['ours']['predicted']} bytes")
    row.notes.append(", ".join(f"{s} {m:.1f} MiB" for s, m in sizes.items()))
    row.notes += [f"{s}: {f['failed']}" for s, f in found.items() if "failed" in f]
    return row


if __name__ == "__main__":
    print(json.dumps(bytes_of(*sys.argv[1:3])))
