"""Functions mapped over an axis of their arguments, recorded once and computed in a loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.staging.context import CellSlot, Slot, refuse
from wengert.frontend.staging.effects import TokenSlot
from wengert.frontend.staging.handles import Array, Scalar, to_expr
from wengert.frontend.trees import Tree, flatten
from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.ir.walk import depends_on, order
from wengert.ops.algebra import lift
from wengert.ops.layout import moveaxis
from wengert.ops.leaves import fresh
from wengert.programs import derive
from wengert.programs.arguments import parameter_names
from wengert.programs.backends import Backend, checked_fast, checked_threads, default_backend
from wengert.programs.recording import Context, Program, watched
from wengert.programs.transformed import Transformed

__all__ = ["Axes", "Mapped"]

# Any, throughout: arguments and results are whatever the user passes and returns.
Axes: TypeAlias = Any  # an int, None, or containers of these like those of the arguments
Scan: TypeAlias = tuple[Expr, Expr]


class Mapped(Transformed):
    """``vmap``: the function for every element along axes of the arguments, results stacked."""

    def __init__(
        self,
        function: Program,
        name: str,
        doc: str,
        in_axes: Axes = 0,
        out_axes: Axes = 0,
        *,
        backend: Backend | None = None,
        fast: bool = True,
        threads: int | None = None,
    ) -> None:
        super().__init__(function, name, doc)
        self._backend, self._fast = backend, checked_fast(fast)
        self._threads = checked_threads(threads)
        self.in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
        self.out_axes = out_axes

    @property
    def backend(self) -> Backend:
        return self._backend or default_backend()

    @property
    def fast(self) -> bool:
        return self._fast

    @property
    def threads(self) -> int | None:
        return self._threads

    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scans: list[Scan] = []
        changed = self._sliced(args, kwargs, scans)
        if not scans:
            raise ShapeError(
                worded(
                    "vmap",
                    expected="at least one argument to map over",
                    got=f"in_axes={self.in_axes!r}",
                )
            )
        before = context.token
        token = fresh(lift(before).value_type, "token")
        context.token = token
        try:
            with watched(context) as slots:
                result = context.call(self.__wrapped__, *changed)
            self._check_alone(slots, [symbol for symbol, _ in scans])
            leaves, tree = flatten(result, name=f"result of {self.__name__}")
            after = context.token
        finally:
            context.token = before
        return self._stacked(context, leaves, tree, scans, (token, lift(before), lift(after)))

    def _check_alone(self, slots: Mapping[Any, Slot], symbols: Sequence[Expr]) -> None:
        """Refuse a function that leaves values of one element in what is outside of it."""
        for slot in slots.values():
            if isinstance(slot, (CellSlot, TokenSlot)):  # those of its own are gone
                continue
            leaves = flatten(slot.get())[0]
            left = [to_expr(leaf) for leaf in leaves if isinstance(leaf, (Array, Scalar, Expr))]
            if set(left) & depends_on(order(left), symbols):
                refuse(
                    f"the function that vmap maps changes {slot.name or 'something'} outside of itself, "
                    "for each element in another way; return the values instead"
                )

    def _sliced(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], scans: list[Scan]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a symbol for one slice in place of each mapped array."""
        axes = self.in_axes
        if isinstance(axes, tuple):
            if len(axes) != len(args):
                raise TypeMismatchError(
                    worded(
                        "vmap: in_axes",
                        expected=f"{len(args)} entries, one per argument",
                        got=str(len(axes)),
                    )
                )
        else:
            axes = (axes,) * len(args)
        names = parameter_names(self.__wrapped__, len(args))
        positional = tuple(
            _sliced_tree(arg, axis, name, scans)
            for arg, axis, name in zip(args, axes, names, strict=True)
        )
        named = {name: _sliced_tree(arg, 0, name, scans) for name, arg in kwargs.items()}
        return positional, named

    def _stacked(
        self,
        context: Context,
        leaves: list[Any],
        tree: Tree,
        scans: Sequence[Scan],
        effects: tuple[Expr, Expr, Expr],
    ) -> Any:
        places = [
            i for i, leaf in enumerate(leaves) if isinstance(leaf, (Expr, float, complex, int))
        ]
        axes = _spread(self.out_axes, tree.unflatten(range(tree.size)), "vmap: out_axes")
        token, before, after = effects
        carried = [] if after is token else [(token, before, after)]
        final, stacks = derive.batched([lift(leaves[i]) for i in places], scans, carried)
        if carried:
            context.token = final[0]
        for i, stack in zip(places, stacks, strict=True):
            leaves[i] = self._placed(stack, lift(leaves[i]), axes[i], scans)
        return tree.unflatten(leaves)

    def _placed(self, stack: Expr, row: Expr, axis: Any, scans: Sequence[Scan]) -> Expr:
        if axis is not None:
            return moveaxis(stack, 0, _axis(axis, stack.ndim, "vmap: out_axes"))
        if row in depends_on(order([row]), [symbol for symbol, _ in scans]):
            raise TypeMismatchError(
                worded(
                    "vmap: out_axes=None",
                    expected="a result that is the same for all",
                    got="one that depends on a mapped argument",
                    hint="out_axes=0",
                )
            )
        return row


def _sliced_tree(value: Any, axes: Axes, name: str, scans: list[Scan]) -> Any:
    leaves, tree = flatten(value, name=name)
    chosen = _spread(axes, value, f"vmap: in_axes of `{name}`")
    paths = tree.paths(name)
    for i, axis in enumerate(chosen):
        if axis is None:
            continue
        array = _array(leaves[i], paths[i])
        front = moveaxis(array, _axis(axis, array.ndim, f"vmap: in_axes of `{paths[i]}`"), 0)
        symbol = fresh(front.value_type.with_shape(front.shape[1:]), "e")
        if scans and front.shape[0] != scans[0][1].shape[0]:
            raise ShapeError(
                worded(
                    f"vmap over `{paths[i]}`",
                    expected=f"extent {scans[0][1].shape[0]}, as of the arguments before",
                    got=f"{front.shape[0]} (shape {extent_text(array.shape)}, axis {axis})",
                    hint="in_axes=None for what is the same for all",
                )
            )
        scans.append((symbol, front))
        leaves[i] = symbol
    return tree.unflatten(leaves)


def _array(leaf: Any, path: str) -> Expr:
    try:
        node = lift(leaf)
    except TypeMismatchError:
        node = None
    if node is None or not node.ndim:
        raise ShapeError(
            worded(
                f"vmap over `{path}`",
                expected="an array",
                got="a scalar" if node is not None else repr(leaf),
                hint="in_axes=None for what is the same for all",
            )
        )
    return node


def _axis(axis: Any, rank: int, what: str) -> int:
    if isinstance(axis, bool) or not isinstance(axis, int) or not -rank <= axis < rank:
        raise TypeMismatchError(
            worded(what, expected=f"an axis of an array with {rank} axes, or None", got=repr(axis))
        )
    return axis % rank


def _spread(axes: Axes, value: Any, what: str) -> list[Any]:
    """One axis per leaf of the value: an entry of ``axes`` holds for all that stands below it."""
    given, tree = flatten(axes, lambda part: part is None)
    below = tree.flatten_like(value, what)
    return [
        axis for axis, part in zip(given, below, strict=True) for _ in range(flatten(part)[1].size)
    ]
