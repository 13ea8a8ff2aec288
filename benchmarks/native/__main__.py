"""One workload in a process of its own: ``python -m native NAME [--quick] [--no-peers]``."""

from __future__ import annotations

import sys
from importlib import import_module

import wengert as wg
from native.harness import run


def main(args: list[str]) -> None:
    """Print the rows of a workload."""
    # The rooms of the compiler are imported by the first program of a process, whichever it is.
    wg.jit(lambda x: x + 1, backend="native")(1.0)
    cases = import_module(f"native.{args[0]}").cases("--quick" in args)
    run(cases, with_peers="--no-peers" not in args)


if __name__ == "__main__":
    main(sys.argv[1:])
