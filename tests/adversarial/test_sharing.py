"""Nodes are shared by all threads, and memory returns, also while the collector runs."""

from __future__ import annotations

import gc
import pickle
import sys
import threading
from random import Random

import wengert as wg

THREADS = 4


def _chain(seed: int, length: int = 60) -> list[wg.Expr]:
    random, (x, y) = Random(seed), wg.symbols("x y")
    made = [x]
    for k in range(length):
        last = made[-1]
        steps = (last * y, wg.sin(last), last + k, last / (y + k % 5), last**2, -wg.exp(-last))
        made.append(random.choice(steps))
    return made


def test_threads_that_build_the_same_get_the_same_nodes() -> None:
    gc.collect()
    before = wg.live_nodes()
    found: list[list[list[wg.Expr]]] = [[] for _ in range(THREADS)]
    errors: list[BaseException] = []
    done = threading.Event()
    barrier = threading.Barrier(THREADS)

    def build(place: int) -> None:
        try:
            barrier.wait()
            for seed in range(8):
                chain = _chain(seed)
                found[place].append([*chain, wg.diff(chain[4], "x"), wg.simplify(chain[8])])
        except BaseException as error:
            errors.append(error)

    def collect() -> None:
        while not done.wait(0.01):
            gc.collect()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=build, args=(i,)) for i in range(THREADS)]
        collector = threading.Thread(target=collect)
        for thread in (collector, *workers):
            thread.start()
        for thread in workers:
            thread.join()
    finally:
        done.set()
        sys.setswitchinterval(interval)
    collector.join()
    assert not errors
    for other in found[1:]:
        for mine, theirs in zip(found[0], other, strict=True):
            assert all(a is b for a, b in zip(mine, theirs, strict=True))
    again = pickle.loads(pickle.dumps(found[0][3][-1]))
    assert again is found[0][3][-1]
    del again, mine, theirs, other
    found.clear()
    gc.collect()
    assert wg.live_nodes() <= before + 60  # numbers that came to stay, rules that were loaded
