"""Reads printed text with Python's own grammar: an oracle that shares nothing with the formula parser.

Every number is lifted to a node, and every operator is the one behind Python's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import wengert as wg
from wengert.ir.dims import Dim
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.walk import leaves
from wengert.ops.algebra import diag, outer, trace, zeros
from wengert.ops.choice import eq, ne
from wengert.ops.einstein import ein, eye, ones, sum_axes
from wengert.ops.layout import kron
from wengert.ops.leaves import SIZE, SYMBOL, const, e_const, pi

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Expr]] = {
    ast.Add: lambda a, b: OPERATORS.add(a, b),
    ast.Sub: lambda a, b: OPERATORS.sub(a, b),
    ast.Mult: lambda a, b: OPERATORS.mul(a, b),
    ast.Div: lambda a, b: OPERATORS.div(a, b),
    ast.MatMult: lambda a, b: OPERATORS.matmul(a, b),
    ast.Pow: lambda a, b: OPERATORS.power(a, b),
    ast.FloorDiv: lambda a, b: OPERATORS.floordiv(a, b),
    ast.BitAnd: lambda a, b: OPERATORS.logic("and", a, b),
    ast.BitOr: lambda a, b: OPERATORS.logic("or", a, b),
}
_COMPARED: dict[type[ast.cmpop], Callable[[Expr, Expr], Expr]] = {
    ast.Lt: lambda a, b: OPERATORS.compare("lt", a, b),
    ast.LtE: lambda a, b: OPERATORS.compare("le", a, b),
    ast.Gt: lambda a, b: OPERATORS.compare("lt", b, a),
    ast.GtE: lambda a, b: OPERATORS.compare("le", b, a),
    ast.Eq: eq,
    ast.NotEq: ne,
}


def read_back(text: str, e: Expr) -> Expr:
    """The node that the text builds, its names standing for the symbols of ``e``."""
    symbols: dict[str, Expr] = {"pi": pi, "e": e_const}
    symbols |= {"inf": const(float("inf")), "nan": const(float("nan"))}
    symbols |= {str(s.attr): s for s in leaves([e]) if s.op is SIZE}
    symbols |= {s.attr.name: s for s in leaves([e]) if s.op is SYMBOL}
    lets, _, body = text.removeprefix("let ").rpartition(";\n")
    for binding in filter(None, lets.split(";\n")) if text.startswith("let ") else ():
        name, _, formula = binding.strip().partition(" = ")
        symbols[name] = _Reader(symbols).read(ast.parse(formula, mode="eval").body)
    return _Reader(symbols).read(ast.parse(body, mode="eval").body)


class _Reader:
    def __init__(self, symbols: Mapping[str, Expr]) -> None:
        self.symbols = symbols

    def read(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=value):
                return const(value)
            case ast.Name(id=name):
                return self.symbols[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self.read(operand)
                if not value.args and isinstance(value.attr, (int, float, complex)):
                    return const(-value.attr)
                return OPERATORS.neg(value)
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return OPERATORS.invert(self.read(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self.read(left), self.read(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _COMPARED[type(op)](self.read(left), self.read(right))
            case ast.Attribute(value=value, attr="T"):
                return self.read(value).T
            case ast.List():
                return const(np.array(ast.literal_eval(node)))
            case ast.Subscript(value=value, slice=index):
                entries = getattr(index, "elts", [index])
                return self.read(value)[eval(f"np.s_[{', '.join(map(ast.unparse, entries))}]")]
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                options = {k.arg: _option(k.value) for k in keywords}
                return self.called(name, args, options)
        raise AssertionError(ast.dump(node))

    def called(self, name: str, args: list[ast.expr], options: dict[Any, Any]) -> Expr:
        if name in ("ones", "zeros", "eye"):
            shape = tuple(_extent(a) for a in getattr(args[0], "elts", args))
            return {"ones": ones, "zeros": zeros, "eye": lambda s: eye(s[0])}[name](shape)
        if name == "einsum":
            assert isinstance(args[0], ast.Constant)
            left, out = str(args[0].value).split("->")
            factors = zip([self.read(a) for a in args[1:]], left.split(","), strict=True)
            return ein([(f, tuple(axes)) for f, axes in factors], tuple(out))
        if name == "sum":
            axis = options.get("axis")
            return sum_axes(self.read(args[0]), (axis,) if isinstance(axis, int) else axis)
        own = {"outer": outer, "trace": trace, "diag": diag, "kron": kron}.get(name)
        function = own if own is not None else getattr(wg, name)
        found: Expr = function(*[self.read(a) for a in args], **options)
        return found


def _option(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:  # sizes
        return (
            tuple(_extent(e) for e in node.elts) if isinstance(node, ast.Tuple) else _extent(node)
        )


def _extent(node: ast.expr) -> int | Dim:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return Dim.named(name)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _extent(left), _extent(right)
            if isinstance(op, ast.Mult):
                return a * b
            return a + b if isinstance(op, ast.Add) else a - b
    raise AssertionError(ast.dump(node))
