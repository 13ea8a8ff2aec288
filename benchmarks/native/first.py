"""First calls: capture, differentiate, compile, run; each in its own process, with the cache and without.

What a process does once (importing the rooms of the compiler, or XLA) has happened before, with a trivial
program. So has everything else that is not this program's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np

import wengert as wg
from native import gmm, logistic, solvers, tiny
from native.harness import Row
from native.iteration import in_jax as iteration_in_jax
from native.iteration import iterate
from native.peers import jax_call, jax_gradient

LIMITS = {"40 operations": 0.015, "logistic": 0.06, "GMM": 0.15, "adaptive ODE": 0.06,
          "vector loop, 1000": 0.06, "vector loop, 3000": 0.06}  # fmt: skip
FROM_CACHE = 0.01


def program(name: str) -> tuple[Callable[..., Any], tuple[Any, ...], Any, Any]:
    """A program, arguments, what to vary, and how JAX is asked (None: as the text stands)."""
    rng = np.random.default_rng(1)
    match name.split(",")[0]:
        case "40 operations":
            return tiny.fifty_numpy, (0.7, 0.4, -0.3), (0, 1, 2), None
        case "logistic":
            X, y = rng.normal(size=(1000, 50)), np.ones(1000)
            return logistic.loss, (rng.normal(size=50), X, y, 0.1), 0, None
        case "GMM":
            d, k = 10, 25
            icf = 0.3 * rng.normal(size=(k, d * (d + 1) // 2))
            args = (rng.normal(size=k), rng.normal(size=(k, d)), icf, rng.normal(size=(1000, d)))
            other = jax_gradient(gmm.gathered(d), (*args, 1.0, 2.0), (0, 1, 2))
            return gmm.arrays, (*args, 1.0, 2.0), (0, 1, 2), other
        case "adaptive ODE":
            return solvers.adaptive, (1.5, 2.0, 0.0, 3.0, 1e-6), (0, 1, 2), False
    steps = int(name.split(",")[1])
    x, w = rng.normal(size=(2, 16))
    other = jax_call(lambda jax, jnp: iteration_in_jax(jax, jnp, steps), (x, w))
    return iterate, (x, w, steps), (0, 1), other


def seconds(name: str, system: str) -> dict[str, Any]:
    """CPU seconds of a first call in this process."""
    f, args, by, other = program(name)
    if system == "jax":
        if other is False:
            return {"failed": "has no reverse mode of while"}
        prepare = other or jax_gradient(f, args, by)
        jax_gradient(lambda x: x * x, (1.0,))()()
        start = time.process_time()
        prepare()()
        return {"seconds": time.process_time() - start}
    wg.value_and_grad(lambda x: x * x, backend="native")(1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.process_time()
        wg.value_and_grad(f, argnums=by, backend="native")(*args)
        taken = time.process_time() - start
    return {"seconds": taken, "warned": [str(w.message) for w in caught]}


def apart(name: str, system: str, cache: str) -> dict[str, Any]:
    """The same in a process of its own."""
    line = [sys.executable, "-m", "native.first", name, system]
    around = os.environ | {"WENGERT_CACHE": cache}
    done = subprocess.run(line, env=around, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:150]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def cases(quick: bool) -> Iterator[Row]:
    rounds = 1 if quick else 3
    for name, allowed in LIMITS.items():
        row = Row("first call", name, beside="limit", base=allowed, at_most=1, faster=5)
        again = Row("first call, from the cache", name, beside="limit", base=FROM_CACHE, at_most=1)
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "again": [], "jax": []}
        with tempfile.TemporaryDirectory() as cache:
            apart(name, "ours", cache)
            for _ in range(rounds):
                runs["ours"].append(apart(name, "ours", "off"))
                runs["again"].append(apart(name, "ours", cache))
                runs["jax"].append(apart(name, "jax", "off"))
        for made, key in ((row, "ours"), (again, "again")):
            made.notes = [f"ours: {r['failed']}" for r in runs[key][:1] if "failed" in r]
            made.notes += [f"ours runs as NumPy: {w}" for w in runs[key][0].get("warned", ())]
            taken = [r["seconds"] for r in runs[key] if "seconds" in r]
            made.ours = median(taken) if taken else None
        taken = [r["seconds"] for r in runs["jax"] if "seconds" in r]
        if taken:
            row.peers["jax"] = median(taken)
        else:
            row.notes.append(f"jax: {runs['jax'][0]['failed']}")
        yield row
        yield again


if __name__ == "__main__":
    print(json.dumps(seconds(*sys.argv[1:3])))
