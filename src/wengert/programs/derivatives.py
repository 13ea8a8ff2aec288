"""Derivatives of programs as transformed functions: gradients, Jacobians, Hessians, changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, UnusedInputWarning, warn, worded
from wengert.frontend.trees import Tree, flatten, map_structure
from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex, is_inexact
from wengert.ir.walk import depends_on, order
from wengert.ops.algebra import lift
from wengert.ops.complexes import conj
from wengert.programs import derive
from wengert.programs.arguments import (
    Argnums,
    Inputs,
    as_positions,
    call_name,
    opened,
    parameter_names,
    positional,
    promoted_arguments,
)
from wengert.programs.backends import (
    Backend,
    checked_backend,
    checked_fast,
    checked_threads,
    default_backend,
)
from wengert.programs.recording import Context, Program, recorded
from wengert.programs.smoothness import checked_smooth
from wengert.programs.transformed import Built, Transformed
from wengert.programs.verifying import verified

__all__ = [
    "Convention",
    "Derivative",
    "Gradient",
    "Hessian",
    "HessianProduct",
    "Jacobian",
    "Options",
    "Outputs",
    "numbers",
]

# Any, throughout: arguments and results are whatever the user passes and returns.
Convention = Literal["steepest", "jax"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What all derivatives can be told (see ``transforms.grad``)."""

    argnums: Argnums = 0
    has_aux: bool = False
    convention: Convention = "steepest"
    holomorphic: bool = False
    nonsmooth: Literal["agree", "raise"] = "agree"
    mode: Literal["capture", "tape"] = "capture"
    backend: Backend | None = None
    verify: bool = False
    fast: bool = True
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.backend is not None:
            checked_backend(self.backend)
        checked_fast(self.fast)
        checked_threads(self.threads)
        for name, allowed in (
            ("convention", ("steepest", "jax")),
            ("nonsmooth", ("agree", "raise")),
            ("mode", ("capture", "tape")),
        ):
            value = getattr(self, name)
            if value not in allowed:
                raise TypeMismatchError(
                    worded(name, expected=" or ".join(map(repr, allowed)), got=repr(value))
                )


@dataclass(frozen=True)
class Outputs:
    """What a function gave: its numbers as expressions, their structure, and the auxiliary result."""

    leaves: list[Any]
    tree: Tree
    aux: Any


class Derivative(Transformed):
    """A derivative by some of the positional arguments."""

    def __init__(self, function: Program, name: str, doc: str, options: Options) -> None:
        super().__init__(function, name, doc)
        self.options = options
        self._warned: set[str] = set()

    @property
    def backend(self) -> Backend:
        return self.options.backend or default_backend()

    @property
    def fast(self) -> bool:
        return self.options.fast

    @property
    def threads(self) -> int | None:
        return self.options.threads

    @property
    def eager(self) -> bool:
        return self.options.mode == "tape"

    @property
    def what(self) -> str:
        """For messages: the derivative and the function."""
        return f"{self.transform} of `{call_name(self.__wrapped__)}`"

    def prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        argnums = self.options.argnums
        moved, rest = positional(self.__wrapped__, args, kwargs, argnums)
        places = as_positions(argnums, len(moved), self.what)
        names = parameter_names(self.__wrapped__, len(moved))
        return tuple(promoted_arguments(moved, places, names, self.what)), rest

    def places(self, count: int) -> Collection[int]:
        return as_positions(self.options.argnums, count, self.what)

    @property
    def is_finished(self) -> bool:
        return not self.options.verify

    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.recorded(context, args, kwargs, self.derived)

    def recorded(
        self,
        context: Context,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        derived: Callable[[Inputs, Outputs], Any],
        argnums: Argnums | None = None,
    ) -> Any:
        """Record the function on symbols for the inputs, and give what ``derived`` makes of it."""
        chosen = self.options.argnums if argnums is None else argnums
        inputs = opened(self.__wrapped__, args, chosen, self.what)
        self._check_inputs(inputs)
        with recorded(context, inputs.symbols, inputs.values) as recording:
            result = context.call(self.__wrapped__, inputs.args, kwargs)
            value, aux = self._without_aux(result)
            outputs = Outputs(*numbers(value, self.what), aux)
            self._warn_of_unused(inputs, [o for o in outputs.leaves if isinstance(o, Expr)])
            found = derived(inputs, outputs)
            if self.options.nonsmooth == "raise":
                exprs = [o for o in outputs.leaves if isinstance(o, Expr)]
                context.token = checked_smooth(
                    lift(context.token), exprs, inputs.symbols, self.what
                )
        return recording.closed(found)

    def derived(self, inputs: Inputs, outputs: Outputs) -> Any:
        """The result, in the symbols of the inputs."""
        raise NotImplementedError

    def finished(self, built: Built, result: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        if self.options.verify:
            raise TypeMismatchError(
                worded(
                    f"{self.what}: verify=True",
                    expected="grad or value_and_grad",
                    got=self.transform,
                    hint="wg.check_grad, which compares derivatives of any order",
                )
            )
        return result

    # --- checks ------------------------------------------------------------------------------------------
    def _check_inputs(self, inputs: Inputs) -> None:
        if self.options.holomorphic and not all(is_complex(s.value_type) for s in inputs.symbols):
            real = next(
                p
                for p, s in zip(inputs.paths, inputs.symbols, strict=True)
                if not is_complex(s.value_type)
            )
            raise TypeMismatchError(
                worded(
                    f"{self.what}: holomorphic=True",
                    expected="complex inputs",
                    got=f"a real `{real}`",
                    hint="complex values, or leave out holomorphic",
                )
            )

    def _without_aux(self, result: Any) -> tuple[Any, Any]:
        if not self.options.has_aux:
            return result, None
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeMismatchError(
                worded(
                    f"{self.what}: has_aux=True",
                    expected="a pair (value, auxiliary)",
                    got=_described(result),
                )
            )
        return result[0], result[1]

    def _warn_of_unused(self, inputs: Inputs, outputs: Sequence[Expr]) -> None:
        if isinstance(self.__wrapped__, Transformed):
            return  # a derivative may well be constant
        for symbol, path in zip(inputs.symbols, inputs.paths, strict=True):
            if path not in self._warned and not _depends(outputs, symbol):
                self._warned.add(path)
                name = call_name(self.__wrapped__)
                warn(
                    f"{self.what}: the result of `{name}` does not depend on `{path}`; "
                    "its derivative is zero",
                    UnusedInputWarning,
                )

    def _convened(self, derivative: Expr, inputs: Inputs, position: int) -> Expr:
        """A derivative of a real output in the convention that was asked for."""
        if self.options.convention == "jax" and not self.options.holomorphic:
            return (
                conj(derivative) if is_complex(inputs.symbols[position].value_type) else derivative
            )
        return derivative


def _depends(outputs: Sequence[Expr], symbol: Expr) -> bool:
    found = depends_on(order(outputs), [symbol])
    return any(out in found for out in outputs)


def type_name(type_: Type) -> str:
    """A type as people write it."""
    return str(type_).removeprefix("weak ")


def _described(value: Any) -> str:
    return f"{value!r} ({type(value).__name__})"


def numbers(value: Any, what: str) -> tuple[list[Any], Tree]:
    """The leaves of a result, those that are numbers as expressions."""
    leaves, tree = flatten(value, name=f"result of {what}")
    return [_as_number(leaf) for leaf in leaves], tree


def _as_number(leaf: Any) -> Any:
    try:
        return lift(leaf)
    except TypeMismatchError:
        return leaf


# --- gradients -----------------------------------------------------------------------------------------
class Gradient(Derivative):
    """``grad`` and ``value_and_grad``."""

    called_alike = True

    def __init__(
        self, function: Program, name: str, doc: str, options: Options, *, value: bool
    ) -> None:
        super().__init__(function, name, doc, options)
        self.value = value

    def derived(self, inputs: Inputs, outputs: Outputs) -> Any:
        output = self.scalar(outputs)
        found = derive.gradient(output, inputs.symbols, holomorphic=self.options.holomorphic)
        gradient = inputs.structured(self._convened(g, inputs, i) for i, g in enumerate(found))
        value = (output, outputs.aux) if self.options.has_aux else output
        if self.value:
            return value, gradient
        return (gradient, outputs.aux) if self.options.has_aux else gradient

    def finished(self, built: Built, result: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        if self.options.verify and not built.verified:
            self._verify(result, args, kwargs)
            built.verified = True
        return result

    def _verify(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Compare with differences; real values only, of which the derivative is a gradient."""
        if self.options.holomorphic:
            return
        places = as_positions(self.options.argnums, len(args), self.what)
        has_aux = self.options.has_aux
        gradient = result[1] if self.value else result[0] if has_aux else result
        single = not isinstance(self.options.argnums, (tuple, list))
        gradients = [gradient] if single else list(gradient)
        if self.options.convention == "jax":
            gradients = [map_structure(np.conj, g) for g in gradients]

        def value(*given: Any, **named: Any) -> Any:
            found = self.__wrapped__(*given, **named)
            return found[0] if has_aux else found

        verified(value, args, kwargs, places, gradients, self.what)

    def scalar(self, outputs: Outputs) -> Expr:
        """The one output, if it is a real scalar.

        Raises:
            TypeMismatchError, ShapeError: it is not.
        """
        what = f"{self.what}: result"
        tree, leaves = outputs.tree, outputs.leaves
        if tree.kind != "leaf" or not isinstance(leaves[0], Expr):
            got = str(tree) if tree.kind != "leaf" else _described(leaves[0])
            raise TypeMismatchError(
                worded(
                    what,
                    expected="one real number",
                    got=got,
                    hint="has_aux=True for a pair (value, auxiliary), or wg.jacobian",
                )
            )
        output: Expr = leaves[0]
        type_ = output.value_type
        if type_.shape:
            raise ShapeError(
                worded(
                    what,
                    expected="a scalar",
                    got=f"shape {extent_text(type_.shape)}",
                    hint="wg.jacobian, or reduce it with sum",
                )
            )
        if not is_inexact(type_):
            raise TypeMismatchError(
                worded(
                    what,
                    expected="a float",
                    got=type_name(type_),
                    hint="integers do not vary smoothly",
                )
            )
        if is_complex(type_) != self.options.holomorphic:
            hint = "holomorphic=True, or the real part" if is_complex(type_) else "grad without it"
            expected = "a complex value" if self.options.holomorphic else "a real value"
            raise TypeMismatchError(
                worded(what, expected=expected, got=type_name(type_), hint=hint)
            )
        return output


# --- Jacobians -----------------------------------------------------------------------------------------
Way = Literal["forward", "reverse", "auto"]


class Jacobian(Derivative):
    """``jacfwd``, ``jacrev`` and ``jacobian``, which chooses."""

    called_alike = True

    def __init__(
        self, function: Program, name: str, doc: str, options: Options, *, way: Way
    ) -> None:
        super().__init__(function, name, doc, options)
        self.way = way
        self.choice: derive.Choice | None = None

    def derived(self, inputs: Inputs, outputs: Outputs) -> Any:
        exprs = smooth_outputs(outputs.leaves, outputs.tree, self.what)
        holomorphic = self.options.holomorphic
        for out in exprs:
            self._check_output(out, inputs)
        match self.way:
            case "forward":
                rows = derive.jacobian_forward(exprs, inputs.symbols, holomorphic=holomorphic)
            case "reverse":
                rows = derive.jacobian_reverse(exprs, inputs.symbols, holomorphic=holomorphic)
            case "auto":
                rows, self.choice = derive.jacobian(exprs, inputs.symbols, holomorphic=holomorphic)
        found = outputs.tree.unflatten(
            [
                inputs.structured(self._convened(d, inputs, i) for i, d in enumerate(row))
                for row in rows
            ]
        )
        return (found, outputs.aux) if self.options.has_aux else found

    def remarks(self) -> list[str]:
        return [] if self.choice is None else [f"mode: {self.choice}"]

    def _check_output(self, out: Expr, inputs: Inputs) -> None:
        mixed = is_complex(out.value_type) and inputs.complex
        if mixed and not self.options.holomorphic:
            raise TypeMismatchError(
                worded(
                    self.what,
                    expected="a real result or real inputs",
                    got=f"{type_name(out.value_type)} of complex inputs",
                    hint="holomorphic=True, or the real and imaginary parts one by one",
                )
            )
        if self.options.holomorphic and not is_complex(out.value_type):
            raise TypeMismatchError(
                worded(
                    f"{self.what}: holomorphic=True",
                    expected="a complex result",
                    got=type_name(out.value_type),
                )
            )


def smooth_outputs(outputs: list[Any], tree: Tree, what: str) -> list[Expr]:
    """The outputs, if all of them are floating-point.

    Raises:
        TypeMismatchError: one is not.
    """
    for out, path in zip(outputs, tree.paths("result"), strict=True):
        if not isinstance(out, Expr) or not is_inexact(out.value_type):
            got = type_name(out.value_type) if isinstance(out, Expr) else _described(out)
            raise TypeMismatchError(
                worded(
                    f"{what}: `{path}`",
                    expected="floating-point values",
                    got=got,
                    hint="has_aux=True for what is not to be differentiated",
                )
            )
    return outputs


# --- second derivatives --------------------------------------------------------------------------------
class Hessian(Derivative):
    """``hessian``: forward over reverse."""

    called_alike = True

    def derived(self, inputs: Inputs, outputs: Outputs) -> Any:
        exprs = smooth_outputs(outputs.leaves, outputs.tree, self.what)
        _refuse_complex(self.what, [*exprs, *inputs.symbols])
        blocks = derive.hessian(exprs, inputs.symbols)
        found = outputs.tree.unflatten(
            [inputs.structured(inputs.structured(row) for row in rows) for rows in blocks]
        )
        return (found, outputs.aux) if self.options.has_aux else found


def _refuse_complex(what: str, nodes: Sequence[Expr]) -> None:
    for node in nodes:
        if is_complex(node.value_type):
            raise TypeMismatchError(
                worded(
                    what,
                    expected="real inputs and results",
                    got=type_name(node.value_type),
                    hint="jacfwd of grad in the parts that are meant",
                )
            )


class HessianProduct(Gradient):
    """``hvp(f)(x, v)``: the change of the gradient at ``x`` along ``v``."""

    called_alike = False

    def prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if len(args) < 2:
            raise TypeMismatchError(
                worded(self.what, expected="a point and a direction: (x, v)", got=f"{len(args)}")
            )
        *rest, direction = args
        moved, named = super().prepared(tuple(rest), kwargs)
        return (*moved, _direction(direction, self.what)), named

    def places(self, count: int) -> Collection[int]:
        return {*super().places(count - 1), count - 1}

    def finished(self, built: Built, result: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        return Derivative.finished(self, built, result, args, kwargs)

    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        *rest, direction = args

        def product(inputs: Inputs, outputs: Outputs) -> Any:
            output = self.scalar(outputs)
            _refuse_complex(self.what, inputs.symbols)
            given = (direction,) if inputs.single else direction
            along = tangents_like(inputs, given, f"{self.what}: direction")
            return inputs.structured(derive.hessian_product(output, inputs.symbols, along))

        return self.recorded(context, tuple(rest), kwargs, product)


def _direction(value: Any, what: str) -> Any:
    return promoted_arguments([value], [0], ["direction"], what)[0]


def tangents_like(inputs: Inputs, values: Any, what: str) -> list[Expr]:
    """Changes of the inputs from values structured like them.

    Raises:
        TypeMismatchError, ShapeError: another structure, shape or kind.
    """
    found = []
    for value, symbol in zip(inputs.gathered(values, what), inputs.symbols, strict=True):
        found.append(fitting(value, symbol, what))
    return found


def fitting(value: Any, like: Expr, what: str) -> Expr:
    """A change of an expression: of its shape, and real if it is real."""
    node = lift(value)
    if node.shape != like.shape:
        raise ShapeError(
            worded(what, expected=f"shape {extent_text(like.shape)}", got=extent_text(node.shape))
        )
    if is_complex(node.value_type) and not is_complex(like.value_type):
        raise TypeMismatchError(
            worded(what, expected="real values", got=type_name(node.value_type))
        )
    return derive.settled(node, like.value_type)
