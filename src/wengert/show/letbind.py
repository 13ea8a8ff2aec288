"""Names for shared parts, where naming them makes the whole shorter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from wengert.ir.node import Expr, paused_gc
from wengert.show.forms import nodes_in
from wengert.show.names import Names
from wengert.show.precedence import Text, flat
from wengert.show.reading import Reading
from wengert.show.text import TextWriter
from wengert.show.writer import Writer

__all__ = ["LONGEST_TREE", "choose", "with_lets", "written_with_lets"]

LONGEST_TREE = 80  # tokens up to which an expression is written without names for its parts
_SMALLEST = 4  # tokens of a part that is worth a name
_OVERHEAD = 3  # tokens of `name = ...;`

W = TypeVar("W", bound=Writer)


def choose(
    reading: Reading, always: frozenset[Expr] = frozenset(), *, shorten: bool = True
) -> list[Expr]:
    """The nodes worth a name: written at least twice, not short, and shortening the whole; and ``always``.

    With ``shorten=False`` none but these. First from the top, how often each node would be written; then from
    the bottom, how long it is with the names of its own parts, dropping names that no longer pay.
    """
    looks = reading.looks
    inner = {node: nodes_in(looks[node].form) for node in reading.nodes}
    written = dict.fromkeys(reading.nodes, 0)
    for root in reading.roots:
        written[root] += 1
    bound: set[Expr] = set()
    for node in reversed(reading.nodes):
        times = written[node]
        if node in always or (shorten and times > 1 and looks[node].tokens >= _SMALLEST):
            bound.add(node)
            times = 1
        if times:
            for part in inner[node]:
                written[part] += times
    if bound:
        _drop_unprofitable(reading, inner, written, bound, always)
    return _in_order_of_use(reading, inner, bound) if bound else []


def _drop_unprofitable(
    reading: Reading,
    inner: Mapping[Expr, Sequence[Expr]],
    written: Mapping[Expr, int],
    bound: set[Expr],
    always: frozenset[Expr],
) -> None:
    looks = reading.looks
    length: dict[Expr, int] = {}
    for node in reading.nodes:
        own = looks[node].tokens - sum(looks[i].tokens for i in inner[node])
        # A count that has reached its ceiling says nothing about the own part, which is short.
        own = own if 0 < own < LONGEST_TREE else len(inner[node]) + 1
        length[node] = total = own + sum(1 if i in bound else length[i] for i in inner[node])
        if node in bound and node not in always:
            saved = (written[node] - 1) * (total - 1) - _OVERHEAD
            if total < _SMALLEST or saved <= 0:
                bound.discard(node)


def _in_order_of_use(
    reading: Reading, inner: Mapping[Expr, Sequence[Expr]], bound: set[Expr]
) -> list[Expr]:
    """The chosen nodes, each after those in it, otherwise as they occur in the text."""
    found: list[Expr] = []
    done: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(root, False) for root in reversed(reading.roots)]
    while stack:
        node, finished = stack.pop()
        if finished:
            if node in bound:
                found.append(node)
        elif node not in done:
            done.add(node)
            stack.append((node, True))
            stack.extend((i, False) for i in reversed(inner[node]) if i not in done)
    return found


def written_with_lets(
    dialect: type[W], roots: Sequence[Expr], names: Names | None = None, limit: int = LONGEST_TREE
) -> tuple[list[tuple[str, Text]], list[Text]]:
    """Named parts and the roots in terms of them; no names for what is short enough without.

    Linear in the size of the graph, however large the tree would be.
    """
    with paused_gc():
        reading = Reading(roots)
        names = Names(reading.nodes) if names is None else names
        tokens = sum(reading.looks[r].tokens for r in roots)
        always = dialect.always_bound(reading)
        shorten = tokens > limit
        chosen = choose(reading, always, shorten=shorten) if shorten or always else []
        bound = {node: names.new_numbered("t") for node in chosen}
        writer = dialect(reading, names, bound)
        lines = [(writer.name(bound[node]), writer.written(node)) for node in chosen]
        return lines, [writer.part(r) if r in bound else writer.written(r) for r in roots]


def with_lets(e: Expr) -> tuple[list[tuple[str, str]], str]:
    """``(bindings, body)``: the text of an expression with names for its shared parts.

    >>> import wengert as wg
    >>> x = wg.symbol("x")
    >>> with_lets((x**2 + 1) / (1 + (x**2 + 1)*(x**2 + 1)))
    ([('t1', 'x**2 + 1')], 't1/(t1*t1 + 1)')
    """
    lines, bodies = written_with_lets(TextWriter, [e], limit=0)
    return [(name, flat([text])) for name, text in lines], flat(bodies)
