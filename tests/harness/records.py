"""Checks that a record says all that it should, and that its spellings can be filled in."""

from __future__ import annotations

import string
from typing import Any

from harness.cases import Case, differentiable, is_leaf, samples_of

from wengert.ir.node import _provided
from wengert.ir.op import Linear, NoDerivative, Op, Pointwise, Rule, lookup
from wengert.ir.walk import order

__all__ = ["CHECKS", "check_record", "check_text", "exemptions", "printing"]

# The names under which `Op.exempt` may excuse a check.
CHECKS = (
    "conditions", "differences", "edges", "facts", "hand_made", "laws", "loops", "nan", "own_type", "record",
    "samples", "second", "smooth", "stacked", "symbolic", "text", "transpose", "type",
)  # fmt: skip


def check_record(op: Op) -> None:
    """Doc, arity, partials, reasons, samples and spelling are there and fit each other."""
    name = op.name
    assert op.doc.strip().endswith((".", "]")), f"{name}: `doc` is a sentence"
    assert op.cost >= 0, f"{name}: `cost` is a number of additions"
    for check, why in op.exempt.items():
        assert check in CHECKS, f"{name}: exempt from `{check}`, which is none of {CHECKS}"
        assert len(why.split()) >= 3, f"{name}: exempt from `{check}` without a reason"
    _check_differential(op)
    if not is_leaf(op) and "samples" not in op.exempt:
        assert samples_of(op), f"{name}: nothing to try it on; give `samples`"
    domain = op.domain
    if op.arity is not None:
        for interval in domain.sample:
            assert interval[0] < interval[1], f"{name}: sample interval {interval}"
        assert len(domain.sample) in (0, op.arity), f"{name}: a sample interval per argument"
        assert all(len(e.at) == op.arity for e in domain.edges), f"{name}: an edge per argument"
    if op.laws.inverse:
        lookup(op.laws.inverse)
    _check_spelling(op)


def _check_differential(op: Op) -> None:
    diff = op.diff
    if isinstance(diff, Pointwise):
        assert op.arity == len(diff.partials), f"{op.name}: {len(diff.partials)} partials"
        assert op.elementwise, f"{op.name}: Pointwise is for elementwise ops"
        if any(p is None for p in diff.partials):
            assert diff.why, f"{op.name}: say why a partial is missing"
        # Where there is no edge, kink, pole or condition, all intervals are smooth; but say which.
        assert op.domain.sample or op.samples, f"{op.name}: say in `domain.sample` where to try it"
    elif isinstance(diff, NoDerivative):
        assert diff.why, f"{op.name}: say why there is no differential"
    else:
        assert isinstance(diff, (Linear, Rule)), f"{op.name}: unknown differential {diff!r}"


def _check_spelling(op: Op) -> None:
    spell = op.spell
    words: list[tuple[str, Any]] = [
        (kind, getattr(spell, kind)) for kind in ("text", "unicode", "latex", "python", "matlab")
    ]
    for kind, template in [*words, *spell.more.items()]:
        if not isinstance(template, str) or not template:
            continue
        fields = [f for _, f, _, _ in string.Formatter().parse(template) if f is not None]
        if op.arity is None:
            continue
        count = op.arity
        assert all(f.isdigit() and int(f) < count for f in fields if f.isdigit()), (
            f"{op.name}: {kind} spelling {template!r} has places for other than {count} arguments"
        )
        if kind == "latex" and fields:
            shown = template.format(*["x"] * max(count, 1), attr="n", name="n")
            assert shown.count("{") == shown.count("}"), f"{op.name}: braces in {template!r}"
            lefts, rights = shown.count(r"\left"), shown.count(r"\right")
            lefts -= shown.count(r"\leftarrow")
            rights -= shown.count(r"\rightarrow")
            assert lefts == rights, f"{op.name}: \\left and \\right in {template!r}"


def printing() -> Any:
    """``parse``, once expressions can be printed and parsed; else ``None``."""
    try:
        from wengert.frontend.parse import parse
    except ImportError:
        return None
    return parse if "text" in _provided else None


def check_text(case: Case, parse: Any) -> None:
    """The text of the expression and of its derivative parses back to the very same node."""
    from wengert.diff.forward import jvp

    nodes = list(case.outputs)
    if differentiable(case.op):
        scalars = [x for x in case.varying if x.ndim == 0]
        nodes += [d for x in scalars for d in jvp(case.outputs, {x: _one()}) if d is not None]
    for node in nodes:
        declared = {n.attr.name: n for n in order([node]) if n.op.free}
        text = str(node)
        back = parse(text, **declared)
        assert back is node, f"{case.label}: `{text}` parses to `{back}`"


def _one() -> Any:
    from wengert.ops.leaves import ONE

    return ONE


def exemptions(ops: dict[str, Op]) -> str:
    """All that is said not to hold, in one text to review."""
    lines = []
    for name, op in ops.items():
        if isinstance(op.diff, NoDerivative):
            kind = "constant" if op.diff.zero else "none"
            lines.append(f"{name}: differential: {kind}: {op.diff.why}")
        if isinstance(op.diff, Pointwise) and op.diff.why:
            lines.append(f"{name}: a partial: none: {op.diff.why}")
        lines += [f"{name}: {check}: {why}" for check, why in sorted(op.exempt.items())]
    return "\n".join(lines)
