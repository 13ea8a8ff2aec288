"""Exact text of a graph, one node a line, and back: ``load(dump(nodes))`` gives the very same nodes.

::

    wengert graph 1
    %0 : float64 = symbol() {"Name": ["x", {"type": "float64"}, 0]}
    %1 : float64 = sin(%0)
    %2 : float64 = lin(%0, %1) [1, -1]
    return %2

A line is ``%number : type = op(%arguments) attribute``; the attribute is JSON in which ``{"tag": ...}``
stands for what JSON lacks. Bodies of control flow stand indented before the node that has them. Numbers
are exact: floats by their bits. A size that a node defines is written as the number of that node.
Classes of attributes are made known by :func:`codec`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from wengert.errors import FormulaError, GraphError, worded
from wengert.ir.attributes import by_tag, codec, codec_of, mapped
from wengert.ir.dims import Dim, Extent, definer, is_defined
from wengert.ir.node import Expr, intern, paused_gc, provide
from wengert.ir.op import Op, lookup
from wengert.ir.region import Region
from wengert.ir.types import AnyType
from wengert.ir.walk import build, extent_by, order

__all__ = ["codec", "dump", "load", "mapped"]

_HEADER = "wengert graph 1"


# --- out -----------------------------------------------------------------------------------------------
class _Writer:
    """Numbers nodes and regions, and writes each once, where it is first needed."""

    def __init__(self) -> None:
        self.names: dict[Expr, str] = {}
        self.regions: dict[Region, int] = {}
        self.lines: list[str] = [_HEADER]

    def encoded(self, value: Any) -> Any:
        kind = type(value)
        if kind is int or kind is str or kind is bool or value is None:
            return value
        if kind is tuple:
            return [self.encoded(v) for v in value]
        if kind is Region:
            return {"region": self.regions[value]}
        if kind is Dim and value.needs:
            value = self._with_numbers(value)
            return {"dim": [[list(m), c] for m, c in value]}
        known = codec_of(value)
        return {known.tag: known.encode(value, self.encoded)}

    def _with_numbers(self, extent: Dim) -> list[tuple[list[str], int]]:
        """The terms of an extent, with the numbers of nodes for the sizes that they define."""
        return [
            ([self.names[definer(n)] if is_defined(n) else n for n in names], coefficient)
            for names, coefficient in extent.terms
        ]

    def write(self, roots: Sequence[Expr]) -> None:
        """All nodes below the roots; bodies are entered as they come, with a stack of our own."""
        scopes: list[tuple[Iterator[Expr], Region | None]] = [(iter(order(roots)), None)]
        while scopes:
            nodes, region = scopes[-1]
            node = next(nodes, None)
            if node is None:
                scopes.pop()
                if region is not None:
                    self._close(region, len(scopes))
            elif node not in self.names:
                body = self._unwritten(node)
                if body is None:
                    self._line(node, len(scopes) - 1)
                    continue
                scopes[-1] = (chain((node,), nodes), region)  # once more, after its body
                self.lines.append(f"{'  ' * (len(scopes) - 1)}region {{")
                scopes.append((iter((*order(body.params), *body.nodes)), body))

    def _unwritten(self, node: Expr) -> Region | None:
        if node.op.bodies is None:
            return None
        return next((b for b in node.op.bodies(node.attr) if b not in self.regions), None)

    def _close(self, region: Region, depth: int) -> None:
        self.regions[region] = number = len(self.regions)
        params = ", ".join(self.names[p] for p in region.params)
        results = ", ".join(self.names[o] for o in region.outputs)
        self.lines.append(f"{'  ' * (depth - 1)}}} @{number} ({params}) -> ({results})")

    def _line(self, node: Expr, depth: int) -> None:
        self.names[node] = name = f"%{len(self.names)}"
        args = ", ".join([self.names[a] for a in node.args])
        text = f"{'  ' * depth}{name} : {node.type} = {node.op.name}({args})"
        if node.attr is not None:
            text += " " + json.dumps(self.encoded(node.attr))
        self.lines.append(text)


def dump(nodes: Iterable[Expr]) -> str:
    """Exact text of the graphs below the given nodes.

    Raises:
        GraphError: an attribute is of an unknown class.
    """
    roots = list(nodes)
    writer = _Writer()
    with paused_gc():
        writer.write(roots)
    writer.lines.append(f"return {', '.join(writer.names[r] for r in roots)}")
    return "\n".join(writer.lines) + "\n"


# --- in ------------------------------------------------------------------------------------------------
class _Reader:
    def __init__(self) -> None:
        self.nodes: dict[str, Expr] = {}
        self.regions: dict[int, Region] = {}
        self.types: dict[AnyType, str] = {}
        self.ops: dict[str, Op] = {}

    def decoded(self, value: Any) -> Any:
        if isinstance(value, list):
            return tuple([self.decoded(v) for v in value])
        if isinstance(value, dict):
            ((tag, inner),) = value.items()
            if tag == "region":
                return self.regions[inner]
            if tag == "dim":
                return self._extent(inner)
            return by_tag[tag].decode(inner, self.decoded)
        return value

    def _extent(self, terms: Sequence[tuple[Sequence[str], int]]) -> Extent:
        total: Extent = 0
        for names, coefficient in terms:
            term: Extent = coefficient
            for name in names:
                node = self.nodes.get(name)
                term = term * (Dim.named(name) if node is None else extent_by(node))
            total = total + term
        return total

    def names(self, text: str) -> tuple[Expr, ...]:
        nodes = self.nodes
        return tuple([nodes[n] for n in text.split(", ")]) if text else ()

    def line(self, text: str) -> None:
        head, _, tail = text.partition(" = ")
        name, _, type_text = head.partition(" : ")
        op_name, _, tail = tail.partition("(")
        args, _, attr_text = tail.partition(")")
        op = self.ops.get(op_name)
        if op is None:
            op = self.ops[op_name] = lookup(op_name)
        attr = self.decoded(json.loads(attr_text)) if attr_text else None
        node = _made(op, self.names(args), attr)
        if self._type_text(node.type) != type_text:
            raise GraphError(worded(name, expected=type_text, got=str(node.type)))
        self.nodes[name] = node

    def _type_text(self, type_: AnyType) -> str:
        text = self.types.get(type_)
        if text is None:
            text = str(type_)
            if not type_.needs:
                self.types[type_] = text
        return text

    def close(self, text: str) -> None:
        number, _, rest = text[3:].partition(" (")
        params, _, results = rest.removesuffix(")").partition(") -> (")
        self.regions[int(number)] = Region(self.names(params), self.names(results))


def _made(op: Op, args: tuple[Expr, ...], attr: Any) -> Expr:
    if op.key is not None:
        return intern(op, attr, args, op.result(attr=attr))
    # Commutative arguments stand by age, which may be another one in this process.
    return build(op, args, attr)


def load(text: str) -> list[Expr]:
    """The nodes that :func:`dump` was given.

    Raises:
        FormulaError: the text is no dump, with the line that is wrong.
    """
    reader = _Reader()
    roots: tuple[Expr, ...] | None = None
    lines = text.rstrip("\n").split("\n")
    if lines[0] != _HEADER:
        raise FormulaError(worded("load", expected=f"`{_HEADER}` in the first line", got=text[:20]))
    with paused_gc():
        for number, line in enumerate(lines[1:], start=2):
            stripped = line.lstrip(" ")
            try:
                if stripped[:1] == "%":
                    reader.line(stripped)
                elif stripped[:1] == "}":
                    reader.close(stripped)
                elif stripped.startswith("return "):
                    roots = reader.names(stripped[7:])
                elif stripped == "return":
                    roots = ()
                elif stripped and stripped != "region {":
                    raise GraphError(worded("load", expected="a node", got=stripped))
            except (KeyError, ValueError, TypeError) as error:
                raise FormulaError(
                    worded(f"line {number} of a dump", expected="a node", got=f"`{stripped}`")
                ) from error
    if roots is None:
        raise FormulaError(worded("load", expected="a last line `return ...`", got="none"))
    return list(roots)


provide("dump", lambda node: dump([node]))
provide("restore", lambda text: load(text)[0])
