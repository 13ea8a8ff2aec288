"""Whether a random program is captured rightly, and the smallest part of it that is not."""

from __future__ import annotations

import ast
import copy
import importlib.util
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any  # Any: programs take and return nested values of many types

import numpy as np
from fuzz.generator import Sample
from programs.judging import Outcome, Projection, gradients_differ, outcomes_differ, run
from programs.structure import leaves

import wengert as wg

__all__ = ["Verdict", "gradient_verdict", "shrunk", "value_verdict"]

TOLERANCE = 1e-9
_numbers = count()


@dataclass(frozen=True)
class Verdict:
    """``kind`` is equal, refused, different or broken (an error that is not wengert's own)."""

    kind: str
    words: str = ""

    @property
    def fails(self) -> bool:
        return self.kind in ("different", "broken")


def loaded(source: str, folder: Path) -> Callable[..., Any]:
    """The function ``program`` of a module in a file of its own, so that its source can be read."""
    name = f"random_program_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    linecache.checkcache(str(path))
    return module.program  # type: ignore[no-any-return]


def _plain(program: Callable[..., Any], sample: Sample) -> list[Outcome]:
    return [run(program, args) for args in sample.inputs]


def value_verdict(sample: Sample, folder: Path) -> Verdict:
    """The captured program against the plain one at every input, compiled once."""
    program = loaded(sample.source, folder)
    expected = _plain(program, sample)
    compiled = wg.jit(program)
    for number, (outcome, args) in enumerate(zip(expected, sample.inputs, strict=True)):
        try:
            got = run(compiled, args)
        except wg.WengertError as refused:
            return Verdict("refused", f"{type(refused).__name__}: {refused}")
        if got.error is not None and outcome.error is None:
            return Verdict("broken", f"input {number}: {type(got.error).__name__}: {got.error}")
        if words := outcomes_differ(outcome, got, TOLERANCE, kinds=False):
            return Verdict("different", f"input {number}: {words}")
    return Verdict("equal")


def _has_floats(result: Any) -> bool:
    """Whether a finite float is among the leaves of a result."""
    return any(
        np.asarray(leaf).dtype.kind in "fc" and bool(np.all(np.isfinite(leaf)))
        for _, leaf in leaves(result)
        if isinstance(leaf, (float, complex, np.ndarray, np.generic))
    )


def gradient_verdict(sample: Sample, folder: Path) -> Verdict:
    """Forward against reverse against differences, at every input."""
    program = loaded(sample.source, folder)
    wrt = (0, 1, 3, 4, 5)
    for number, args in enumerate(sample.inputs):
        outcome = run(program, args)
        if outcome.error is not None or not _has_floats(outcome.result):
            continue  # nothing to differentiate
        projection = Projection(program, args, wrt, np.random.default_rng(sample.seed))
        reverse = wg.grad(projection.function, argnums=wrt)
        forward = wg.jacfwd(projection.function, argnums=wrt)
        try:
            words = gradients_differ(projection, reverse, forward, args, 1e-7)
        except wg.WengertError as refused:
            return Verdict("refused", f"{type(refused).__name__}: {refused}")
        except Exception as broken:  # whatever escapes is a finding, to be shrunk like others
            return Verdict("broken", f"input {number}: {type(broken).__name__}: {broken}")
        if words:
            return Verdict("different", f"input {number}: {words}")
    return Verdict("equal")


def shrunk(
    sample: Sample,
    judge: Callable[[Sample, Path], Verdict],
    folder: Path,
    *,
    seconds: float = 60.0,
    like: Callable[[Verdict], bool] | None = None,
) -> Sample:
    """The sample with statements taken away as long as it still fails in the same way."""
    kind = judge(sample, folder).kind
    keep = like or (lambda verdict: verdict.kind == kind)
    end = monotonic() + seconds
    sample = _fewest_inputs(sample, judge, keep, folder)
    progress = True
    while progress:
        progress = False
        for source in _smaller(sample.source):
            if monotonic() > end:
                return sample
            candidate = replace(sample, source=source)
            if _sound(candidate, folder) and keep(judge(candidate, folder)):
                sample, progress = candidate, True
                break
    return sample


def _fewest_inputs(
    sample: Sample,
    judge: Callable[[Sample, Path], Verdict],
    keep: Callable[[Verdict], bool],
    folder: Path,
) -> Sample:
    for args in sample.inputs:
        alone = replace(sample, inputs=[args])
        if keep(judge(alone, folder)):
            return alone
    return sample


def _sound(sample: Sample, folder: Path) -> bool:
    """Whether plain Python runs it, and ends: a smaller program must not fail by itself."""
    try:
        program = loaded(_bounded(sample.source), folder)
        outcomes = _plain(program, sample)
    except Exception:  # a name deleted, a syntax that no longer fits: not a candidate
        return False
    return all(o.error is None or type(o.error) is ValueError for o in outcomes)


_MOST_ROUNDS = 10_000


def _bounded(source: str) -> str:
    """The program with an error where its loops go on for too long."""
    tree = ast.parse(source)
    for loop in ast.walk(tree):
        if isinstance(loop, ast.While):
            loop.body.insert(0, ast.parse("next(_rounds)").body[0])
    return f"_rounds = iter(range({_MOST_ROUNDS}))\n" + ast.unparse(ast.fix_missing_locations(tree))


def _smaller(source: str) -> Iterator[str]:
    """The program without one statement, without one arm, or with a block in place of its head."""
    size = sum(1 for _ in _blocks(ast.parse(source)))
    for number in range(size):
        length = len(next(b for i, b in enumerate(_blocks(ast.parse(source))) if i == number))
        for position in reversed(range(length)):
            for change in (_delete, _unwrap_body, _unwrap_else):
                tree = ast.parse(source)
                block = next(b for i, b in enumerate(_blocks(tree)) if i == number)
                if change(block, position):
                    yield ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    yield from _shorter_tuples(source)
    yield from _simpler_expressions(source)


def _shorter_tuples(source: str) -> Iterator[str]:
    """The program with one member less in a tuple, such as the results."""
    size = sum(isinstance(node, ast.Tuple) for node in ast.walk(ast.parse(source)))
    for number in range(size):
        for position in range(20):
            tree = ast.parse(source)
            members = [n for n in ast.walk(tree) if isinstance(n, ast.Tuple)][number].elts
            if position >= len(members) or len(members) == 1:
                break
            del members[position]
            yield ast.unparse(tree) + "\n"


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _delete(block: list[ast.stmt], position: int) -> bool:
    if isinstance(block[position], ast.Pass):
        return False
    del block[position]
    if not block:
        block.append(ast.Pass())
    return True


def _unwrap_body(block: list[ast.stmt], position: int) -> bool:
    statement = block[position]
    if not isinstance(statement, (ast.If, ast.For, ast.While)):
        return False
    block[position : position + 1] = copy.deepcopy(statement.body)
    return True


def _unwrap_else(block: list[ast.stmt], position: int) -> bool:
    statement = block[position]
    if not isinstance(statement, (ast.If, ast.For, ast.While)) or not statement.orelse:
        return False
    block[position : position + 1] = copy.deepcopy(statement.orelse)
    return True


def _simpler_expressions(source: str) -> Iterator[str]:
    """An operation replaced by one of its operands, the last ones first."""
    kinds = (ast.BinOp, ast.Call, ast.IfExp, ast.BoolOp, ast.UnaryOp)
    size = sum(isinstance(node, kinds) for node in ast.walk(ast.parse(source)))
    for number in reversed(range(size)):
        for operand in range(2):
            tree = ast.parse(source)
            nodes = [node for node in ast.walk(tree) if isinstance(node, kinds)]
            replacement = _operand(nodes[number], operand)
            if replacement is not None:
                swapped = _Swap(nodes[number], replacement).visit(tree)
                yield ast.unparse(ast.fix_missing_locations(swapped)) + "\n"


def _operand(node: ast.expr, operand: int) -> ast.expr | None:
    match node:
        case ast.BinOp(left=left, right=right):
            return (left, right)[operand]
        case ast.IfExp(body=body, orelse=orelse):
            return (body, orelse)[operand]
        case ast.BoolOp(values=values):
            return values[operand]
        case ast.Call(args=args) if len(args) > operand:
            return args[operand]
        case ast.UnaryOp(operand=inner) if operand == 0:
            return inner
    return None


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)
