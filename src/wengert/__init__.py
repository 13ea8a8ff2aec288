"""wengert: derivatives as formulas, as programs and as numbers, from one expression graph.

>>> import wengert as wg
>>> print(wg.diff("x * sin(x)", "x"))
x*cos(x) + sin(x)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import wengert.show.install  # noqa: F401  # gives expressions their texts
from wengert.diff.formulas import (
    Partials,
    diff,
    gradient,
    jvp_graph,
    vjp_graph,
)
from wengert.diff.formulas import simplify_formula as simplify
from wengert.diff.implicit import implicit_diff
from wengert.diff.verify import check_derivative, check_equal
from wengert.errors import (
    CaptureError,
    DomainError,
    EvaluationError,
    FormulaError,
    GraphError,
    NativeError,
    NativeWarning,
    NoDerivativeError,
    NumericError,
    ShapeError,
    SourceError,
    TypeMismatchError,
    UnknownNameError,
    UnusedInputWarning,
    VerificationError,
    WengertError,
)
from wengert.frontend.declare import symbols
from wengert.frontend.names import callee, function_names, is_function, load_ops
from wengert.frontend.parse import parse
from wengert.ir.dims import Dim
from wengert.ir.dump import load as read_dump
from wengert.ir.function import Function
from wengert.ir.node import Expr, live_nodes, paused_gc, provide
from wengert.ops.choice import eq, ne
from wengert.ops.counting import Cost, count_operations
from wengert.ops.einstein import ein
from wengert.ops.leaves import const, pi, symbol
from wengert.ops.leaves import e_const as e
from wengert.ops.subscripts import update
from wengert.rewrite.simplify import recognise, stabilise

__version__ = "0.1.0"
__all__ = [
    "CaptureError",
    "Comparison",
    "Cost",
    "Dim",
    "DomainError",
    "EvaluationError",
    "Explanation",
    "Expr",
    "FormulaError",
    "Function",
    "GraphError",
    "NativeError",
    "NativeWarning",
    "NoDerivativeError",
    "NumericError",
    "Partials",
    "ShapeError",
    "SourceError",
    "TypeMismatchError",
    "UnknownNameError",
    "UnusedInputWarning",
    "VerificationError",
    "WengertError",
    "check_derivative",
    "check_equal",
    "check_grad",
    "checkpoint",
    "compare",
    "const",
    "count_operations",
    "custom_rule",
    "diff",
    "e",
    "ein",
    "eq",
    "explain",
    "external",
    "grad",
    "gradient",
    "hessian",
    "hvp",
    "implicit",
    "implicit_diff",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "jvp_graph",
    "linearize",
    "live_nodes",
    "load",
    "ne",
    "numeric",
    "parse",
    "paused_gc",
    "pi",
    "recognise",
    "register_class",
    "register_op",
    "simplify",
    "stabilise",
    "stop_gradient",
    "symbol",
    "symbols",
    "update",
    "value_and_grad",
    "vjp",
    "vjp_graph",
    "vmap",
]


def load(text: str) -> tuple[Expr, ...]:
    """The expressions that ``Expr.dump`` wrote: the very same nodes.

    Raises:
        FormulaError: not a dump, or one that names ops or symbols that do not exist.

    >>> e = parse("x*sin(x)")
    >>> load(e.dump())[0] is e
    True
    """
    import_module("wengert.ops.control")  # its records may occur in the text
    load_ops()
    return tuple(read_dump(text))


provide("restore", lambda text: load(text)[0])

if TYPE_CHECKING:
    from wengert.app.compare import Comparison, compare
    from wengert.app.explain import Explanation, explain
    from wengert.diff import numeric
    from wengert.diff.custom import register_op
    from wengert.frontend.trees import register_class
    from wengert.programs.checking import check_grad
    from wengert.programs.rules import custom_rule, external, implicit
    from wengert.programs.transforms import (
        checkpoint,
        grad,
        hessian,
        hvp,
        jacfwd,
        jacobian,
        jacrev,
        jit,
        jvp,
        linearize,
        stop_gradient,
        value_and_grad,
        vjp,
        vmap,
    )

# Loaded when first asked for, so that the import costs little.
_LATER = {
    "Comparison": ("wengert.app.compare", "Comparison"),
    "Explanation": ("wengert.app.explain", "Explanation"),
    "compare": ("wengert.app.compare", "compare"),
    "explain": ("wengert.app.explain", "explain"),
    "numeric": ("wengert.diff.numeric", ""),
    "check_grad": ("wengert.programs.checking", "check_grad"),
    "register_class": ("wengert.frontend.trees", "register_class"),
    "register_op": ("wengert.diff.custom", "register_op"),
    **{name: ("wengert.programs.rules", name) for name in ("custom_rule", "external", "implicit")},
    **{
        name: ("wengert.programs.transforms", name)
        for name in (
            "checkpoint", "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jit", "jvp", "linearize",
            "stop_gradient", "value_and_grad", "vjp", "vmap",
        )
    },
}  # fmt: skip


def __getattr__(name: str) -> Any:  # Any: every function of the formula language is also here
    """``wg.sin``, ``wg.norm``, ``wg.where`` and so on: what a formula can call, Python can call too."""
    if name in _LATER:
        path, attribute = _LATER[name]
        module = import_module(path)
        found = getattr(module, attribute) if attribute else module
    elif not name.startswith("_") and is_function(name):
        found = callee(name).function
    else:
        raise AttributeError(f"module 'wengert' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *function_names()})
