"""How other systems are asked for the same derivatives; each is imported when it is asked.

JAX and autograd run the very text of a program, with their own NumPy in the place of NumPy where they can;
PyTorch with a module that has NumPy's spelling. What they cannot run as it stands (arrays changed in
place, loops that they would unroll) is written for them in the file of the workload, as their users would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

Call = Callable[[], Any]
Prepare = Callable[[], Call]


def spelled(f: Any, numpy: Any, **others: Any) -> Any:
    """A program with another module in the place of NumPy, also where it calls functions of its file."""
    names = dict(f.__globals__)
    again = FunctionType(f.__code__, names, f.__name__, f.__defaults__, f.__closure__)
    for name in f.__code__.co_names:
        helper = names.get(name)
        if isinstance(helper, FunctionType) and helper.__globals__ is f.__globals__:
            names[name] = spelled(helper, numpy)
    names.update({"np": numpy, **others})
    return again


def jax_arrays(args: Sequence[Any]) -> list[Any]:
    jnp = import_module("jax.numpy")
    return [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in args]


def jax_call(
    make: Callable[[Any, Any], Any], args: Sequence[Any], static: Sequence[int] = ()
) -> Prepare:
    """``make(jax, jax.numpy)`` gives a function, which is compiled."""

    def prepare() -> Call:
        jax, jnp = import_module("jax"), import_module("jax.numpy")
        compiled = jax.jit(make(jax, jnp), static_argnums=tuple(static))
        given = jax_arrays(args)
        return lambda: jax.block_until_ready(compiled(*given))

    return prepare


def jax_gradient(
    f: Any, args: Sequence[Any], argnums: Any = 0, static: Sequence[int] = ()
) -> Prepare:
    """Value and gradient of the program as it stands."""
    return jax_call(lambda jax, jnp: jax.value_and_grad(spelled(f, jnp), argnums), args, static)


def autograd_gradient(f: Any, args: Sequence[Any], argnums: Any = 0) -> Prepare:
    """Value and gradient of the program as it stands."""

    def prepare() -> Call:
        autograd, anp = import_module("autograd"), import_module("autograd.numpy")
        made = autograd.value_and_grad(spelled(f, anp), argnums)
        return lambda: made(*args)

    return prepare


def torch_numpy() -> Any:
    """PyTorch in NumPy's spelling, as far as the workloads need it."""
    torch = import_module("torch")
    same = ("exp", "log", "sin", "cos", "tanh", "sqrt", "einsum", "sum")

    def reduced(name: str) -> Callable[..., Any]:
        return lambda x, axis=None: getattr(torch, name)(x, dim=() if axis is None else axis)

    return SimpleNamespace(
        **{name: getattr(torch, name) for name in same},
        max=reduced("amax"),
        min=reduced("amin"),
        maximum=torch.maximum,
        concatenate=torch.cat,
        cross=torch.linalg.cross,
    )


def torch_arrays(args: Sequence[Any]) -> list[Any]:
    torch = import_module("torch")
    torch.set_num_threads(1)
    return [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args]


def torch_gradient(f: Any, args: Sequence[Any], argnums: Any = 0) -> Prepare:
    """Value and gradient of the program as it stands, eagerly."""

    def prepare() -> Call:
        torch = import_module("torch")
        given = torch_arrays(args)
        by = (argnums,) if isinstance(argnums, int) else argnums
        varied = [given[i].requires_grad_() for i in by]
        made = spelled(f, torch_numpy())

        def call() -> Any:
            value = made(*given)
            return value.detach(), *torch.autograd.grad(value, varied)

        return call

    return prepare


def casadi_gradient(
    make: Callable[..., Any],
    args: Sequence[np.ndarray],
    argnums: Sequence[int] = (0,),
    kind: str = "MX",
    whole: bool = False,
) -> Prepare:
    """Value and gradient by CasADi: ``make(casadi, *symbols)`` gives the value. Called through buffers.

    ``whole``: a call takes its arguments and gives fresh results, as a call of a function does.
    """

    def prepare() -> Call:
        casadi = import_module("casadi")
        space = getattr(casadi, kind)
        symbols = [space.sym(f"x{i}", *(np.shape(a) or (1,))) for i, a in enumerate(args)]
        value = make(casadi, *symbols)
        by = [casadi.gradient(value, symbols[i]) for i in argnums]
        function = casadi.Function("f", symbols, [value, *map(casadi.densify, by)])
        return casadi_call(function, args, whole=whole)

    return prepare


def casadi_call(function: Any, args: Sequence[Any], *, whole: bool = False) -> Call:
    """A call of a CasADi function without conversions: its numbers stand column by column."""
    given = [np.asarray(a, dtype=float).ravel(order="F") for a in args]
    made = [np.empty(function.size_out(i), order="F") for i in range(function.n_out())]
    buffer, run = function.buffer()
    for i, a in enumerate(given):
        buffer.set_arg(i, memoryview(a))
    for i, a in enumerate(made):
        buffer.set_res(i, memoryview(a.reshape(-1, order="F")))

    def call() -> Any:
        run()
        return made

    def whole_call() -> Any:
        for place, value in zip(given, args, strict=True):
            place[:] = value
        run()
        return [a.copy() for a in made]

    if whole:
        return whole_call
    call.keep = (buffer, given)  # type: ignore[attr-defined]  # they hold the memory
    return call


def everywhere(f: Any, args: Sequence[Any], argnums: Any = 0) -> dict[str, Prepare]:
    """The three that take the text of a program in whole arrays as it stands."""
    return {
        "jax": jax_gradient(f, args, argnums),
        "torch": torch_gradient(f, args, argnums),
        "autograd": autograd_gradient(f, args, argnums),
    }
