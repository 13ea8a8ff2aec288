"""Linear maps at a point: changes along a direction, pullbacks, and the linear part by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.diff import reverse
from wengert.errors import TypeMismatchError, worded
from wengert.frontend.staging.nested import transformed_call
from wengert.frontend.trees import Tree, flatten
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_inexact
from wengert.ir.walk import leaves, substitute
from wengert.ops.algebra import lift
from wengert.ops.complexes import conj
from wengert.ops.leaves import fresh
from wengert.programs import derive
from wengert.programs.arguments import Inputs, parameter_names, promoted_arguments
from wengert.programs.backends import Later, native
from wengert.programs.derivatives import (
    Derivative,
    Outputs,
    fitting,
    tangents_like,
)
from wengert.programs.recording import Context, in_capture
from wengert.programs.running import Runner, once, presented, runner
from wengert.programs.transformed import Built

__all__ = ["Change", "LinearAt", "Linearized", "Pullback", "Pulled"]

# Any, throughout: arguments and results are whatever the user passes and returns.


class _OfAll(Derivative):
    """A derivative by all positional arguments of the function, given as one tuple."""

    def _primals(self, given: Any, what: str) -> tuple[Any, ...]:
        if not isinstance(given, (tuple, list)):
            raise TypeMismatchError(
                worded(
                    f"{self.what}: {what}",
                    expected="a tuple with one entry per argument",
                    got=f"{given!r} ({type(given).__name__})",
                    hint="(x,) for one argument",
                )
            )
        names = parameter_names(self.__wrapped__, len(given))
        return tuple(promoted_arguments(given, range(len(given)), names, self.what))

    def places(self, count: int) -> Collection[int]:
        return ()  # the arguments are tuples

    def _recorded_at(
        self, context: Context, primals: tuple[Any, ...], derived: Callable[[Inputs, Outputs], Any]
    ) -> Any:
        return self.recorded(context, primals, {}, derived, tuple(range(len(primals))))


class Change(_OfAll):
    """``jvp(f, primals, tangents)`` as a function of primals and tangents."""

    def prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        primals, tangents = args
        return (self._primals(primals, "primals"), self._primals(tangents, "tangents")), kwargs

    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        primals, tangents = args
        if len(primals) != len(tangents):
            raise TypeMismatchError(
                worded(
                    self.what,
                    expected=f"{len(primals)} tangents, one per primal",
                    got=str(len(tangents)),
                )
            )

        def change(inputs: Inputs, outputs: Outputs) -> Any:
            along = tangents_like(inputs, tangents, f"{self.what}: tangent")
            value = outputs.tree.unflatten(outputs.leaves)
            moved = outputs.tree.unflatten(_changes(inputs, outputs, along))
            return (value, moved, outputs.aux) if self.options.has_aux else (value, moved)

        return self._recorded_at(context, primals, change)


def _changes(inputs: Inputs, outputs: Outputs, along: Sequence[Expr]) -> list[Any]:
    """Changes of the outputs; what is no number does not change."""
    live = [i for i, leaf in enumerate(outputs.leaves) if isinstance(leaf, Expr)]
    found: list[Any] = [None] * len(outputs.leaves)
    changes = derive.jvp([outputs.leaves[i] for i in live], inputs.symbols, along)
    for i, change in zip(live, changes, strict=True):
        found[i] = change
    return found


# --- linear maps that are kept -------------------------------------------------------------------------
@dataclass(frozen=True)
class LinearAt:
    """A linear map in the graph: a function of what it is applied to and of residuals.

    ``given`` is the structure of what it is applied to, with an expression of the type of each number (and
    ``None`` for what is no number); ``result`` the structure of what it gives.
    """

    function: Function
    run: Runner
    given: Tree
    types: tuple[Type | None, ...]
    result: Callable[[Sequence[Any]], Any]
    what: str

    def values(self, value: Any, types: Sequence[Type | None]) -> list[Expr]:
        """The numbers among the leaves of what the map is applied to, which are of these types."""
        parts = self.given.flatten_like(value, self.what)
        return [
            fitting(part, fresh(type_), self.what)
            for part, type_ in zip(parts, types, strict=True)
            if type_ is not None
        ]

    def types_like(self, leaves: Sequence[Any]) -> tuple[Type | None, ...]:
        """The types with the extents of values: one map serves every size, at a point there is one."""
        return tuple(
            None if type_ is None else type_.with_shape(lift(leaf).shape)
            for leaf, type_ in zip(leaves, self.types, strict=True)
        )


class Pulled:
    """A linear map at a point, as a function: of cotangents (of ``vjp``) or tangents (of ``linearize``)."""

    def __init__(
        self,
        linear: LinearAt,
        residuals: Sequence[Any],
        types: Sequence[Type | None],
        many: bool,
        name: str,
    ) -> None:
        self._linear, self._residuals, self._many = linear, residuals, many
        self._types = types
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def _argument(self, args: tuple[Any, ...]) -> Any:
        if self._many:
            return args
        if len(args) != 1:
            raise TypeMismatchError(
                worded(self.__name__, expected="one argument", got=f"{len(args)}")
            )
        return args[0]

    def __call__(self, *args: Any) -> Any:
        if in_capture():
            return transformed_call(self.__wengert_call__, args, {})
        values = self._linear.values(self._argument(args), self._types)
        if any(not _is_known(v) for v in (*values, *self._residuals)):
            return self._recorded(values)
        found = self._linear.run([*map(_number, values), *map(_number, self._residuals)])
        types = [out.value_type for out in self._linear.function.outputs]
        return self._linear.result([presented(v, t) for v, t in zip(found, types, strict=True)])

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self._recorded(self._linear.values(self._argument(args), self._types))

    def _recorded(self, values: Sequence[Expr]) -> Any:
        function = self._linear.function
        given = [*values, *map(lift, self._residuals)]
        outputs = substitute(function.outputs, dict(zip(function.inputs, given, strict=True)))
        return self._linear.result(outputs)

    def graph(self) -> Function:
        """The linear map as a function of what it is applied to and of its residuals."""
        return self._linear.function


def _is_known(value: Any) -> bool:
    return not isinstance(value, Expr) or not any(leaf.op.free for leaf in leaves([value]))


def _number(value: Any) -> Any:
    return value.evaluate() if isinstance(value, Expr) else value


class _WithLinear(_OfAll):
    """A value together with a linear map at the point, which is computed from residuals."""

    def linear(self, inputs: Inputs, outputs: Outputs) -> tuple[LinearAt, list[Expr]]:
        """The linear map and its residuals, in the symbols of the inputs."""
        raise NotImplementedError

    def _runner(self, function: Function) -> Runner:
        """What runs the linear map, made when it is first applied."""
        backend = self.backend
        if backend == "reference":
            return once(function)
        python = Later(lambda: runner(function))
        if backend == "python":
            return python
        name = f"{self.map_name} of {self.what}"
        return Later(
            lambda: native(function, python, self._told, name, fast=self.fast, threads=self.threads)
        )

    def like(self, value: Any, args: tuple[Any, ...]) -> Any:
        """What the map is applied to is structured like this: the value, or the arguments."""
        return value

    @property
    def is_finished(self) -> bool:
        return False  # the map is added

    many = False
    map_name = ""

    def prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self._primals(args, "primals"), kwargs

    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Value, residuals and auxiliary result; the map itself is kept aside."""

        def at(inputs: Inputs, outputs: Outputs) -> Any:
            linear, residuals = self.linear(inputs, outputs)
            self.keep(linear)
            return outputs.tree.unflatten(outputs.leaves), residuals, outputs.aux

        return self._recorded_at(context, args, at)

    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        kept: list[LinearAt] = []

        def at(inputs: Inputs, outputs: Outputs) -> Any:
            linear, residuals = self.linear(inputs, outputs)
            kept.append(linear)
            return outputs.tree.unflatten(outputs.leaves), residuals, outputs.aux

        prepared, _ = self.prepared(args, kwargs)
        return self._with_map(self._recorded_at(context, prepared, at), kept[-1], prepared)

    def _with_map(
        self, found: tuple[Any, Any, Any], linear: LinearAt, args: tuple[Any, ...]
    ) -> Any:
        value, residuals, aux = found
        types = linear.types_like(flatten(self.like(value, args))[0])
        pulled = Pulled(linear, residuals, types, self.many, f"{self.map_name} of {self.what}")
        return (value, pulled, aux) if self.options.has_aux else (value, pulled)

    def finished(self, built: Built, result: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        return self._with_map(result, built.extra, args)


class Pullback(_WithLinear):
    """``vjp(f, *primals)``: the value, and the function that pulls cotangents back."""

    map_name = "pullback"

    def linear(self, inputs: Inputs, outputs: Outputs) -> tuple[LinearAt, list[Expr]]:
        types = [_cotangent_type(leaf) for leaf in outputs.leaves]
        seeds = [fresh(t, "ct") for t in types if t is not None]
        exprs = [o for o, t in zip(outputs.leaves, types, strict=True) if t is not None]
        jax = self.options.convention == "jax"
        found = reverse.vjp(exprs, [conj(s) if jax else s for s in seeds], inputs.symbols)
        cts = [
            derive.settled(conj(ct) if jax and ct is not None else ct, s.value_type)
            for ct, s in zip(found, inputs.symbols, strict=True)
        ]
        residuals, function = derive.split(cts, seeds, "pullback")
        linear = LinearAt(
            function,
            self._runner(function),
            outputs.tree,
            tuple(types),
            inputs.structured,
            f"{self.what}: cotangent",
        )
        return linear, residuals


def _cotangent_type(leaf: Any) -> Type | None:
    if not isinstance(leaf, Expr) or not is_inexact(leaf.value_type):
        return None
    return leaf.value_type


class Linearized(_WithLinear):
    """``linearize(f, *primals)``: the value, and the function of changes."""

    map_name = "linear map"
    many = True

    def like(self, value: Any, args: tuple[Any, ...]) -> Any:
        return args

    def linear(self, inputs: Inputs, outputs: Outputs) -> tuple[LinearAt, list[Expr]]:
        seeds = [fresh(s.value_type, "t") for s in inputs.symbols]
        changes = _changes(inputs, outputs, seeds)
        live = [i for i, change in enumerate(changes) if change is not None]
        residuals, function = derive.split([changes[i] for i in live], seeds, "linear")
        given = Tree("tuple", tuple, (), inputs.trees)
        left = iter(seeds)
        types = tuple(next(left).value_type if alive else None for alive in inputs.live)

        def result(values: Sequence[Any]) -> Any:
            full: list[Any] = [None] * len(changes)
            for place, value in zip(live, values, strict=True):
                full[place] = value
            return outputs.tree.unflatten(full)

        linear = LinearAt(
            function, self._runner(function), given, types, result, f"{self.what}: tangent"
        )
        return linear, residuals
