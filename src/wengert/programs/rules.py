"""Rules of one's own for programs: ``custom_rule``, ``external``, ``implicit``.

All are functions that can be called as they are, and that a captured program may call: their differential is
then what their author says, in forward and reverse mode and to any order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any, Literal, TypeAlias

import numpy as np

from wengert.diff.custom import NumericRule, check_rules, numeric_function
from wengert.errors import EvaluationError, ShapeError, TypeMismatchError, worded
from wengert.frontend.staging import context as staging
from wengert.frontend.staging.nested import as_exprs, transformed_call
from wengert.frontend.staging.solving import Body
from wengert.frontend.trees import Tree, flatten
from wengert.ir.dims import size_of
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_inexact
from wengert.ir.walk import leaves as leaves_of
from wengert.ir.walk import substitute
from wengert.ops.algebra import lift
from wengert.ops.custom import Rules, custom
from wengert.ops.external import Opaque
from wengert.ops.external import external as external_results
from wengert.ops.joining import concatenate
from wengert.ops.layout import reshape
from wengert.ops.leaves import fresh
from wengert.ops.solvers.argmin import implicit as known_to_solve
from wengert.programs.arguments import call_name
from wengert.programs.recording import Context, Program, alone, in_capture

__all__ = ["CustomRule", "External", "Implicit", "custom_rule", "external", "implicit"]

# Any, throughout: functions, arguments and results are whatever the user has.
Method: TypeAlias = Literal["adaptive", "central", "complex"]


# Whether expressions are asked for outside of a capture.
_alone: ContextVar[bool] = ContextVar("wengert_formula", default=False)


class _Own:
    """A function that captured programs record in a way of its own."""

    __wrapped__: Program

    def __init__(self, function: Program) -> None:
        if not callable(function):
            raise TypeMismatchError(worded("a rule", expected="a function", got=f"{function!r}"))
        update_wrapper(self, function, updated=())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {call_name(self.__wrapped__)}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if in_capture():
            return transformed_call(self.__wengert_call__, args, kwargs)
        if not any(isinstance(leaf, Expr) for leaf in flatten((args, kwargs))[0]):
            return self.__wrapped__(*args, **kwargs)
        token = _alone.set(True)
        try:
            return alone(self.__wengert_call__, args, kwargs)
        finally:
            _alone.reset(token)

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        raise NotImplementedError


def _called(function: Program) -> Callable[..., Any]:
    """The function as the capture that is going on calls it."""

    def through(*args: Any) -> Any:
        from wengert.frontend.staging.calls import call

        return call(function, *args)

    return through


def _bound(function: Program, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments by position, with their defaults."""
    if not kwargs:
        return args
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise TypeMismatchError(worded(call_name(function), got=str(error))) from None
    if bound.kwargs:
        raise TypeMismatchError(
            worded(
                call_name(function),
                expected="arguments that can be given by position",
                got=", ".join(bound.kwargs),
            )
        )
    return bound.args


def _numbers(tree: Any, what: str) -> tuple[list[Expr], Tree]:
    """The leaves of a result as expressions.

    Raises:
        TypeMismatchError: a leaf that is no number or array.
    """
    parts, structure = flatten(tree)
    for part in parts:
        if not isinstance(part, (Expr, bool, int, float, complex, np.generic, np.ndarray)):
            raise TypeMismatchError(
                worded(f"result of {what}", expected="numbers and arrays", got=repr(part))
            )
    return [lift(part) for part in parts], structure


# --- custom rules ------------------------------------------------------------------------------------------
class _Signature:
    """The rules of a function for one kind of arguments, in one capture."""

    def __init__(self, owner: CustomRule, given: Sequence[Any], structure: Tree) -> None:
        self.owner, self.structure = owner, structure
        self.given = list(given)  # what is known stays as it is
        self.places = [i for i, leaf in enumerate(given) if isinstance(leaf, Expr)]
        self.results: Tree | None = None
        name = call_name(owner.__wrapped__)
        self.forward = Body(self._push, f"the jvp rule of {name}")
        self.back = Body(self._pull, f"the vjp rule of {name}")
        identifier = name if name.isidentifier() else "f"
        self.rules = Rules(
            None if owner.jvp_rule is None else self._jvp,
            None if owner.vjp_rules is None else self._vjp,
            identifier,
        )
        self.recorded: dict[str, Callable[..., Any]] = {}

    def tree(self, values: Sequence[Any], others: Callable[[Any], Any] = lambda v: v) -> Any:
        """The arguments with these values in the places that vary."""
        filled = [others(leaf) for leaf in self.given]
        for place, value in zip(self.places, values, strict=True):
            filled[place] = value
        return self.structure.unflatten(filled)

    # What is recorded: the user's functions on handles, through ``Body``.
    def _push(self, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        assert self.owner.jvp_rule is not None
        pair = _called(self.owner.jvp_rule)(
            self.tree(primals),
            self.tree(tangents, lambda leaf: 0 * leaf if _is_number(leaf) else None),
        )
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeMismatchError(
                worded(
                    f"jvp rule of {self.owner!r}",
                    expected="a pair: the result and its change",
                    got=type(pair).__name__,
                )
            )
        return pair[1]

    def _pull(self, primals: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        assert self.owner.vjp_rules is not None
        assert self.results is not None
        fwd, bwd = self.owner.vjp_rules
        args = self.tree(primals)
        pair = _called(fwd)(*args)
        found = _called(bwd)(pair[1], self.results.unflatten(list(cotangents)))
        if not isinstance(found, (tuple, list)):
            found = (found,)
        if len(found) != len(args):
            raise ShapeError(
                worded(
                    f"vjp rule of {self.owner!r}",
                    expected=f"{len(args)} cotangents, one for each argument (None where it is zero)",
                    got=str(len(found)),
                )
            )
        parts: list[Any] = []
        for arg, cotangent in zip(args, found, strict=True):
            own, _ = flatten(arg, is_leaf=_is_leaf)
            theirs = (
                [None] * len(own) if cotangent is None else flatten(cotangent, is_leaf=_is_leaf)[0]
            )
            if len(theirs) != len(own):
                raise ShapeError(
                    worded(
                        f"vjp rule of {self.owner!r}",
                        expected=f"{len(own)} numbers and arrays in a cotangent, as in its argument",
                        got=str(len(theirs)),
                    )
                )
            parts += theirs
        return [_Missing if parts[i] is None else parts[i] for i in self.places]

    # What is replayed: the graph of the recording.
    def record(self, primals: Sequence[Expr], results: Sequence[Expr]) -> None:
        """Record the rules once, while the capture is going on: later there is none."""
        symbols = [fresh(p.value_type, "p") for p in primals]
        if self.owner.jvp_rule is not None:
            seeds = [fresh(_change_type(p), "t") for p in primals]
            found = self.forward(symbols, seeds)
            self.recorded["jvp"] = self._closed([*symbols, *seeds], flatten(found)[0])
        if self.owner.vjp_rules is not None:
            seeds = [fresh(_change_type(r), "ct") for r in results]
            found = self.back(symbols, seeds)
            self.recorded["vjp"] = self._closed([*symbols, *seeds], list(found))

    def _closed(self, symbols: Sequence[Expr], outputs: Sequence[Any]) -> Callable[..., Any]:
        hidden = {h.symbol: h for h in staging.active().adopted.hidden}
        # Outside of a capture a global is its value, for good.
        values_now = {s: lift(h.read()) for s, h in hidden.items()} if _alone.get() else {}
        nodes = [None if o is _Missing else substitute([lift(o)], values_now)[0] for o in outputs]
        self._check_closed([*symbols, *hidden], [n for n in nodes if n is not None])

        def replayed(*values: Expr) -> list[Expr | None]:
            live = [n for n in nodes if n is not None]
            done = iter(substitute(live, dict(zip(symbols, values, strict=True))))
            return [None if n is None else next(done) for n in nodes]

        return replayed

    def _check_closed(self, symbols: Sequence[Expr], nodes: Sequence[Expr]) -> None:
        """Rules may use what globals hold, but nothing of a capture around them.

        Raises:
            TypeMismatchError: they do.
        """
        for leaf in leaves_of(nodes):
            if leaf.op.free and leaf not in symbols:
                raise TypeMismatchError(
                    worded(
                        f"rule of {self.owner!r}",
                        expected="a function of what it is given",
                        got="one that uses a value of the program around it",
                        hint="pass it as an argument of the function",
                    )
                )

    def _jvp(self, primals: tuple[Expr, ...], tangents: tuple[Expr, ...]) -> Any:
        return tuple(self.recorded["jvp"](*primals, *tangents))

    def _vjp(
        self, primals: tuple[Expr, ...], _results: tuple[Expr, ...], cotangents: tuple[Expr, ...]
    ) -> Any:
        return tuple(self.recorded["vjp"](*primals, *cotangents))


class _MissingType:
    """A cotangent that is zero, as a leaf."""


_Missing = _MissingType()


def _is_leaf(value: Any) -> bool:
    return value is None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.generic, np.ndarray)) and not isinstance(
        value, bool
    )


def _change_type(node: Expr) -> Type:
    dtype: Any = node.value_type.dtype if is_inexact(node.value_type) else "float64"
    return Type(dtype, node.shape)


class CustomRule(_Own):
    """A function with a differential that its author states (see :func:`custom_rule`)."""

    def __init__(self, function: Program) -> None:
        super().__init__(function)
        self.jvp_rule: Program | None = None
        self.vjp_rules: tuple[Program, Program] | None = None

    def def_jvp(self, rule: Program) -> Program:
        """Set ``rule(primals, tangents) -> (result, change of the result)``; usable as a decorator.

        ``primals`` and ``tangents`` are tuples with one entry per argument.
        """
        self.jvp_rule = rule
        return rule

    def def_vjp(self, fwd: Program, bwd: Program) -> None:
        """Set ``fwd(*args) -> (result, kept)`` and ``bwd(kept, cotangent) -> cotangents of the arguments``.

        ``bwd`` returns a tuple with one entry per argument, ``None`` where it is zero.
        """
        self.vjp_rules = (fwd, bwd)

    defjvp, defvjp = def_jvp, def_vjp  # as JAX spells them

    def check(self, *args: Any, body: bool = True) -> None:
        """Compare the rules at a point with each other, and (``body``) with the function itself.

        Raises:
            VerificationError: they differ.
        """
        parts, structure = flatten(tuple(args))
        places = [i for i, part in enumerate(parts) if _is_number(part)]

        def at(values: Sequence[Any]) -> tuple[Any, ...]:
            filled = list(parts)
            for place, value in zip(places, values, strict=True):
                filled[place] = value
            found: tuple[Any, ...] = structure.unflatten(filled)
            return found

        def plain(*symbols: Expr) -> tuple[Expr, ...]:
            hook = _Plain(self.__wrapped__).__wengert_call__
            return tuple(_numbers(alone(hook, at(symbols), {}), repr(self))[0])

        symbols = [_symbol_of(parts[i]) for i in places]
        node, *_ = _numbers(self(*at(symbols)), repr(self))[0]
        check_rules(plain, node.args[0].attr.rules, *(parts[i] for i in places), body=body)

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        given, structure = flatten(_bound(self.__wrapped__, args, kwargs))
        values = [leaf for leaf in given if isinstance(leaf, Expr)]
        if not values or (self.jvp_rule is None and self.vjp_rules is None):
            return context.call(self.__wrapped__, structure.unflatten(given), {})
        # Captures inside of a capture share what it has adopted.
        known: dict[Hashable, _Signature] = staging.active().adopted.rules
        key = (id(self), structure, *(v.type if isinstance(v, Expr) else id(v) for v in given))
        signature = known.get(key)
        first = signature is None
        if signature is None:
            signature = known[key] = _Signature(self, given, structure)
        kept: list[Tree] = []

        def body(*symbols: Expr) -> tuple[Expr, ...]:
            through = Body(_called(self.__wrapped__), repr(self))
            nodes, tree = _numbers(through(*signature.tree(symbols)), repr(self))
            kept.append(tree)
            return tuple(nodes)

        results = custom(body, *values, rules=signature.rules)
        signature.results = kept[0]
        if first:
            # Only now: a rule may call the function itself, and others whose rules call it.
            signature.record(values, results)
        return kept[0].unflatten(list(results))


class _Plain(_Own):
    """A function without its rules."""

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return context.call(self.__wrapped__, args, kwargs)


def _symbol_of(value: Any) -> Expr:
    array = np.asarray(value)
    dtype: Any = array.dtype.name
    return fresh(Type(dtype, array.shape), "x")


def custom_rule(function: Program) -> CustomRule:
    """A function whose differential is stated by hand: with ``def_jvp``, ``def_vjp``, or both.

    One of them serves both modes; what is missing follows by transposition. Rules may call the function
    again, so derivatives of derivatives use them too. Without rules it is an ordinary function.

    >>> import numpy as np, wengert as wg
    >>> @wg.custom_rule
    ... def log1pexp(x):
    ...     return np.log1p(np.exp(x))
    >>> @log1pexp.def_jvp
    ... def _(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t * (1 - 1 / (1 + np.exp(x)))
    >>> wg.grad(log1pexp)(1000.0)
    1.0
    """
    return CustomRule(function)


# --- code from outside -------------------------------------------------------------------------------------
class External(_Own):
    """A function that is called as it is (see :func:`external`)."""

    def __init__(self, function: Program, result: Any, rule: Any, order: int) -> None:
        super().__init__(function)
        self.result, self.rule, self.order = result, rule, order
        self._known: dict[Hashable, Opaque] = {}

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        given, structure = flatten(_bound(self.__wrapped__, args, kwargs))
        values = [leaf for leaf in given if isinstance(leaf, Expr)]
        types, tree = self._types(structure.unflatten(given))
        key = (structure, *(None if isinstance(v, Expr) else id(v) for v in given))
        handle = self._known.get(key)
        if handle is None:
            handle = self._known[key] = self._opaque(given, structure, len(types))
        return tree.unflatten(list(external_results(handle, types, *values)))

    def _types(self, args: tuple[Any, ...]) -> tuple[list[Type], Tree]:
        """The types of the results, from the example or from the function of the arguments that gives one."""
        example = self.result(*args) if callable(self.result) else self.result
        parts, tree = flatten(example)
        return [p.value_type if isinstance(p, Expr) else _type_of(p) for p in parts], tree

    def _opaque(self, given: list[Any], structure: Tree, count: int) -> Opaque:
        places = [i for i, leaf in enumerate(given) if isinstance(leaf, Expr)]

        def through(function: Program) -> Callable[..., Any]:
            def call(*values: Any) -> Any:
                filled = list(given)
                for place, value in zip(places, values, strict=True):
                    filled[place] = value
                return tuple(flatten(function(*structure.unflatten(filled)))[0])

            call.__name__ = call_name(self.__wrapped__)
            return call

        plain = through(self.__wrapped__)
        if self.rule is None:
            return Opaque(plain)
        if isinstance(self.rule, str):
            method: NumericRule = self.rule  # type: ignore[assignment]  # checked when it was made
            return numeric_function(plain, method=method, order=self.order)
        jacobian = self.rule

        def derivative(slot: int) -> Opaque:
            def one(*values: Any) -> tuple[Any, ...]:
                filled = list(given)
                for place, value in zip(places, values, strict=True):
                    filled[place] = value
                found = flatten(jacobian(*structure.unflatten(filled)))[0]
                if len(found) != len(places) * count:
                    raise EvaluationError(
                        worded(
                            f"rule of {self!r}",
                            expected=f"{len(places) * count} Jacobians, for each result and argument",
                            got=str(len(found)),
                        )
                    )
                return tuple(found[slot :: len(places)])

            return numeric_function(one, order=self.order - 1, name=f"d{plain.__name__}")

        return Opaque(plain, derivative=derivative)


def _type_of(value: Any) -> Type:
    array = np.asarray(value)
    dtype: Any = array.dtype.name
    weak = isinstance(value, (int, float, complex)) and not isinstance(value, np.generic)
    return Type(dtype, array.shape, weak and dtype != "bool")


def external(
    function: Program | None = None,
    *,
    result: Any,
    rule: Method | Program | None = None,
    order: int = 2,
) -> Any:
    """A function that captured programs call as it is, without looking into it; also as a decorator.

    ``result``: numbers and arrays of the types, shapes and structure of what it returns, or a function of the
    arguments that gives them. ``rule``: how it is differentiated. ``"adaptive"`` and ``"central"`` are
    differences, ``"complex"`` is the complex step, for code that takes complex numbers; these serve for
    derivatives to ``order``. A function ``rule(*args)`` returns the Jacobian (of shape ``result.shape +
    argument.shape``), for several arguments a tuple of them, for several results a tuple of such tuples.

    Raises (the result, when called in a captured program and run):
        EvaluationError: what it returns is not as ``result`` says.
        NoDerivativeError: a derivative is asked for, and there is no rule.

    >>> import numpy as np, wengert as wg
    >>> @wg.external(result=lambda x: x, rule="adaptive")
    ... def table(x):
    ...     return np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0])
    >>> round(wg.grad(lambda x: table(x) ** 2)(1.5), 9)
    15.0
    """
    if isinstance(rule, str) and rule not in ("adaptive", "central", "complex"):
        raise TypeMismatchError(
            worded(
                "external: argument `rule`",
                expected="'adaptive', 'central' or 'complex'",
                got=repr(rule),
            )
        )
    if function is None:
        return lambda f: External(f, result, rule, order)
    return External(function, result, rule, order)


# --- implicit functions ------------------------------------------------------------------------------------
class Implicit(_Own):
    """A function known by an equation (see :func:`implicit`)."""

    def __init__(self, solver: Program, residual: Program) -> None:
        super().__init__(solver)
        self.residual = residual

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        args = _bound(self.__wrapped__, args, kwargs)
        unknowns, tree = _numbers(context.call(self.__wrapped__, args, {}), repr(self))
        shapes = [u.shape for u in unknowns]
        given, structure = flatten(args)
        values = [leaf for leaf in given if isinstance(leaf, Expr)]
        body = Body(_called(self.residual), f"the residual of {self!r}")

        def equation(z: Expr, *symbols: Expr) -> Expr:
            filled = list(given)
            places = [i for i, leaf in enumerate(given) if isinstance(leaf, Expr)]
            for place, symbol in zip(places, symbols, strict=True):
                filled[place] = symbol
            x = tree.unflatten(_apart(z, shapes))
            found = as_exprs(body(x, *structure.unflatten(filled)))
            return _together(_numbers(found, f"the residual of {self!r}")[0])

        solved = known_to_solve(_together(unknowns), equation, *values)
        return tree.unflatten(_apart(solved, shapes))


def _together(parts: Sequence[Expr]) -> Expr:
    """One array for all; a single one as it is."""
    if len(parts) == 1:
        return parts[0]
    return concatenate([reshape(p, (size_of(p.shape),)) for p in parts])


def _apart(whole: Expr, shapes: Sequence[tuple[Any, ...]]) -> list[Expr]:
    if len(shapes) == 1:
        return [whole]
    found: list[Expr] = []
    start: Any = 0
    for shape in shapes:
        end = start + size_of(shape)
        found.append(reshape(whole[start:end], shape))
        start = end
    return found


def implicit(solver: Program, residual: Program) -> Implicit:
    """``x = solver(*params)``, known to solve ``residual(x, *params) == 0``: its derivative follows.

    The solver may be any code, captured or :func:`external`; how it works is not differentiated. ``x`` and
    the residual are numbers, arrays or nested containers of the same number of them. The Jacobian of the
    residual by ``x`` must be regular. For a fixed point of ``f`` the residual is ``x - f(x, ...)``, for a
    minimum it is the gradient.

    >>> import numpy as np, wengert as wg
    >>> def heron(a):
    ...     x = a
    ...     while abs(x * x - a) > 1e-12:
    ...         x = (x + a / x) / 2
    ...     return x
    >>> root = wg.implicit(heron, lambda x, a: x * x - a)
    >>> round(root(4.0), 9), round(wg.grad(root)(4.0), 9)
    (2.0, 0.25)
    """
    return Implicit(solver, residual)
