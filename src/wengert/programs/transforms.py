"""What users call: ``jit grad value_and_grad jvp vjp linearize jacfwd jacrev jacobian hessian hvp vmap``.

Names and argument conventions are those of JAX. ``f`` is an ordinary Python function of numbers, arrays and
nested containers of these. What is common to all derivatives:

* ``argnums``: the positional arguments to vary, an int or a tuple of ints (then results are tuples).
* ``has_aux``: ``f`` returns a pair, of which only the first is differentiated.
* ``convention``: of gradients by complex arguments, ``"steepest"`` is ``df/dx + i df/dy``, ``"jax"`` its
  conjugate. ``holomorphic``: the complex derivative of a complex function.
* ``nonsmooth``: at kinks, ``"agree"`` takes the values of the page on conventions, ``"raise"`` refuses.
* ``backend``: ``"native"``, ``"python"`` or ``"reference"``; ``fast``, ``threads`` (see :func:`jit`).
* ``mode``: ``"capture"`` records the program with its loops and branches, ``"tape"`` what one run does.
* ``verify``: compare the first result with differences of ``f`` along a random direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from wengert.diff import formulas
from wengert.errors import TypeMismatchError, worded
from wengert.frontend.staging.nested import transformed_call
from wengert.frontend.trees import flatten, map_structure
from wengert.ir.node import Expr
from wengert.ops.algebra import lift
from wengert.ops.control.call import call
from wengert.ops.stopping import stopped
from wengert.programs.arguments import call_name
from wengert.programs.backends import (
    Backend,
    checked_backend,
    checked_fast,
    checked_threads,
    default_backend,
)
from wengert.programs.derivatives import Gradient, Hessian, HessianProduct, Jacobian, Options
from wengert.programs.linear import Change, Linearized, Pullback
from wengert.programs.mapping import Axes, Mapped
from wengert.programs.recording import Context, Program, in_capture
from wengert.programs.transformed import Transformed

__all__ = [
    "checkpoint",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linearize",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]


# Any, throughout: options are passed on to Options; arguments and results are whatever the user has.


# --- programs as they are -----------------------------------------------------------------------------
class Jitted(Transformed):
    """``jit``: the function itself, also where a captured program calls it."""

    __wengert_inline__ = True
    called_alike = True

    def __init__(
        self,
        function: Program,
        name: str,
        doc: str,
        backend: Backend | None,
        fast: bool = True,
        threads: int | None = None,
    ) -> None:
        super().__init__(function, name, doc)
        self._backend, self._fast = backend, checked_fast(fast)
        self._threads = checked_threads(threads)

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
        return context.call(self.__wrapped__, args, kwargs)

    def target(self) -> Program:
        """The function itself, so that what it changes in place is the caller's."""
        return self.__wrapped__


def jit(
    function: Program,
    *,
    backend: Backend | None = None,
    fast: bool = True,
    threads: int | None = None,
) -> Jitted:
    """The function, captured once per kind of arguments and run from its graph.

    ``backend``: ``"native"`` runs machine code (or NumPy source, after a warning, where an op has none),
    ``"python"`` NumPy source, ``"reference"`` the evaluator that judges both. By default it is what
    ``WENGERT_BACKEND`` in the environment says, else machine code.

    ``fast=False``: machine code keeps to the order of the operations as they are written. It adds up one
    element after another, and rounds after each operation: nothing is added in parts, no product and sum
    become one instruction, no quotient a product.

    ``threads=n``: machine code runs long loops whose iterations do not depend on each other on so many
    threads, without Python's lock. Sums over such a loop are added in ranges of it, which depend on its
    length alone: the result is the same, bit for bit, for any number of threads, one included.

    Raises:
        TypeMismatchError: another backend, or ``fast`` or ``threads`` are none.

    >>> import wengert as wg
    >>> f = wg.jit(lambda x: x**2 + 1)
    >>> f(3.0), str(f.formula())
    (10.0, 'x**2 + 1')
    """
    if backend is not None:
        checked_backend(backend)
    return Jitted(function, "jit", "The function, run from its graph.", backend, fast, threads)


# --- first derivatives ---------------------------------------------------------------------------------
def grad(function: Program, argnums: Any = 0, has_aux: bool = False, **options: Any) -> Gradient:
    """The gradient of a real scalar function: of the structure, shapes and dtypes of the arguments.

    Options: ``convention``, ``holomorphic``, ``nonsmooth``, ``mode``, ``verify`` (see this module).

    Raises (the result, when called):
        TypeMismatchError: arguments that are integers in arrays, or a result that is no real float.
        ShapeError: a result that is no scalar.

    >>> import wengert as wg
    >>> g = wg.grad(lambda x, y: x**2 * y, argnums=(0, 1))
    >>> g(3.0, 2.0)
    (12.0, 9.0)
    >>> [str(part) for part in g.formula()]
    ['2*x*y', 'x**2']
    """
    chosen = Options(argnums=argnums, has_aux=has_aux, **options)
    return Gradient(function, "grad", "The gradient.", chosen, value=False)


def value_and_grad(
    function: Program, argnums: Any = 0, has_aux: bool = False, **options: Any
) -> Gradient:
    """The value and the gradient, ``(value, gradient)``; with ``has_aux`` ``((value, aux), gradient)``.

    >>> import wengert as wg
    >>> wg.value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    chosen = Options(argnums=argnums, has_aux=has_aux, **options)
    return Gradient(function, "value_and_grad", "The value and the gradient.", chosen, value=True)


def jacfwd(function: Program, argnums: Any = 0, has_aux: bool = False, **options: Any) -> Jacobian:
    """The Jacobian by forward mode, one column after another; shape ``output.shape + input.shape``.

    >>> import numpy as np, wengert as wg
    >>> wg.jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    chosen = Options(argnums=argnums, has_aux=has_aux, **options)
    return Jacobian(function, "jacfwd", "The Jacobian by forward mode.", chosen, way="forward")


def jacrev(function: Program, argnums: Any = 0, has_aux: bool = False, **options: Any) -> Jacobian:
    """The Jacobian by reverse mode, all rows at once; shape ``output.shape + input.shape``.

    >>> import numpy as np, wengert as wg
    >>> wg.jacrev(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    chosen = Options(argnums=argnums, has_aux=has_aux, **options)
    return Jacobian(function, "jacrev", "The Jacobian by reverse mode.", chosen, way="reverse")


def jacobian(function: Any, *wrt: Any, **options: Any) -> Any:
    """The Jacobian by the mode that takes fewer operations; ``choice`` tells which one that was.

    Of a formula (a text or an expression) it is the Jacobian by the symbols ``wrt``, as a formula.

    >>> import numpy as np, wengert as wg
    >>> J = wg.jacobian(lambda x: x**2 / (1 + x) * np.array([1.0, 2.0, 3.0]))
    >>> J(1.0)
    array([0.75, 1.5 , 2.25])
    >>> J.choice.mode
    'forward'
    >>> print(wg.jacobian(wg.parse("softmax(x)", x="n"), "x"))
    diag(softmax(x)) - outer(softmax(x), softmax(x))
    """
    if isinstance(function, (Expr, str)):
        return formulas.jacobian(function, *wrt, **options)
    chosen = _options("jacobian", wrt, options)
    return Jacobian(function, "jacobian", "The Jacobian.", chosen, way="auto")


def _options(name: str, given: Sequence[Any], options: dict[str, Any]) -> Options:
    """``argnums`` and ``has_aux`` may be given by position."""
    if len(given) > 2:
        raise TypeMismatchError(worded(name, expected="argnums and has_aux", got=repr(given)))
    return Options(**dict(zip(("argnums", "has_aux"), given, strict=False)), **options)


# --- second derivatives --------------------------------------------------------------------------------
def hessian(function: Any, *wrt: Any, **options: Any) -> Any:
    """The second derivatives, forward over reverse; shape ``output.shape + input.shape + input.shape``.

    Of a formula (a text or an expression) they are formulas, by the symbols ``wrt``.

    >>> import numpy as np, wengert as wg
    >>> wg.hessian(lambda x: x @ x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 2.]])
    >>> print(wg.hessian(wg.parse("x @ A @ x", A=("n", "n"), x="n"), "x"))
    A + A.T
    """
    if isinstance(function, (Expr, str)):
        return formulas.hessian(function, *wrt, **options)
    chosen = _options("hessian", wrt, options)
    return Hessian(function, "hessian", "The Hessian.", chosen)


def hvp(function: Program, argnums: Any = 0, **options: Any) -> HessianProduct:
    """The Hessian times a vector, ``hvp(f)(*args, v)``, at the cost of a few gradients.

    >>> import numpy as np, wengert as wg
    >>> wg.hvp(lambda x: x**2 @ x)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    chosen = Options(argnums=argnums, **options)
    return HessianProduct(function, "hvp", "The Hessian times a vector.", chosen, value=False)


# --- linear maps at a point ----------------------------------------------------------------------------
@lru_cache(maxsize=256)
def _kept(function: Program, kind: Any, name: str, doc: str, options: Options) -> Any:
    return kind(function, name, doc, options)


def _of(function: Program, kind: Any, name: str, doc: str, **options: Any) -> Any:
    """The transformed function; one for each function, so that repeated calls are captured once."""
    try:
        return _kept(function, kind, name, doc, Options(**options))
    except TypeError:
        if _is_hashable(function):
            raise
        return kind(function, name, doc, Options(**options))


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def jvp(
    function: Program,
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: bool = False,
    **options: Any,
) -> Any:
    """The value and its change along a direction, ``(value, tangent)``: forward mode.

    ``primals`` and ``tangents`` are tuples with one entry per argument.

    >>> import wengert as wg
    >>> wg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    return _change(function, has_aux, **options)(primals, tangents)


def _change(function: Program, has_aux: bool = False, **options: Any) -> Change:
    found: Change = _of(function, Change, "jvp", "Value and change.", has_aux=has_aux, **options)
    return found


def vjp(function: Program, *primals: Any, has_aux: bool = False, **options: Any) -> Any:
    """The value and a function that pulls cotangents of it back, ``(value, pullback)``: reverse mode.

    ``pullback(cotangent)`` is a tuple with one entry per argument.

    >>> import wengert as wg
    >>> value, pullback = wg.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    return _pullback(function, has_aux, **options)(*primals)


def _pullback(function: Program, has_aux: bool = False, **options: Any) -> Pullback:
    found: Pullback = _of(
        function, Pullback, "vjp", "Value and pullback.", has_aux=has_aux, **options
    )
    return found


def linearize(function: Program, *primals: Any, has_aux: bool = False, **options: Any) -> Any:
    """The value and the linear function of changes at the point, ``(value, linear)``.

    >>> import wengert as wg
    >>> value, linear = wg.linearize(lambda x: x**2, 3.0)
    >>> value, linear(1.0), linear(10.0)
    (9.0, 6.0, 60.0)
    """
    return _linearized(function, has_aux, **options)(*primals)


def _linearized(function: Program, has_aux: bool = False, **options: Any) -> Linearized:
    found: Linearized = _of(
        function, Linearized, "linearize", "Value and linear map.", has_aux=has_aux, **options
    )
    return found


# --- maps, and what steers derivatives -----------------------------------------------------------------
def vmap(
    function: Program,
    in_axes: Axes = 0,
    out_axes: Axes = 0,
    *,
    backend: Backend | None = None,
    fast: bool = True,
    threads: int | None = None,
) -> Mapped:
    """The function for every element along axes of its arguments; the results are stacked.

    ``in_axes``: an axis for all arguments, or a tuple with an axis (or containers like those of the
    argument) per argument; ``None`` is for what is the same for all. ``out_axes``: the axis of the
    results along which they are stacked. ``backend``, ``fast``, ``threads``: as of :func:`jit`.

    >>> import numpy as np, wengert as wg
    >>> wg.vmap(lambda x, y: x @ y, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    if backend is not None:
        checked_backend(backend)
    doc = "The function for every element."
    return Mapped(
        function, "vmap", doc, in_axes, out_axes, backend=backend, fast=fast, threads=threads
    )


class Checkpointed(Transformed):
    """``checkpoint``: a call of its own, whose differential computes the body again."""

    called_alike = True

    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves, tree = flatten((args, kwargs))
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Expr)]
        results: list[Any] = []
        before = lift(context.token)

        def body(token: Expr, *symbols: Expr) -> tuple[Expr, ...]:
            inner = list(leaves)
            for place, symbol in zip(places, symbols, strict=True):
                inner[place] = symbol
            positional, named = tree.unflatten(inner)
            context.token = token
            results[:] = flatten(context.call(self.__wrapped__, positional, named))
            after, context.token = lift(context.token), before
            results.append(after is not token)
            return (after, *(leaf for leaf in results[0] if isinstance(leaf, Expr)))

        given = [before, *(leaves[i] for i in places)]
        after, *found = call(body, *given, name=_identifier(self.__wrapped__))
        flat, structure, has_effects = results
        if has_effects:
            context.token = after
        left = iter(found)
        return structure.unflatten([next(left) if isinstance(e, Expr) else e for e in flat])


def _identifier(function: Program) -> str:
    name = call_name(function)
    return name if name.isidentifier() else "f"


def checkpoint(function: Program) -> Checkpointed:
    """The function, of which derivatives keep the arguments only: the rest is computed again.

    >>> import wengert as wg
    >>> wg.grad(wg.checkpoint(lambda x: x**3))(2.0)
    12.0
    """
    return Checkpointed(function, "checkpoint", "The function, computed again by derivatives.")


def stop_gradient(value: Any) -> Any:
    """The value, which derivatives take for a constant; also of nested containers.

    >>> import wengert as wg
    >>> wg.grad(lambda x: x * wg.stop_gradient(x))(3.0)
    3.0
    """
    if in_capture():
        return transformed_call(_record_stop, (value,), {})
    return _stopped(value)


def _stopped(value: Any) -> Any:
    return map_structure(lambda leaf: stopped(leaf) if isinstance(leaf, Expr) else leaf, value)


# How these are recorded when a captured program calls them.
Hook = Callable[[Context, tuple[Any, ...], dict[str, Any]], Any]


def _record_jvp(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    def of(function: Program, primals: Any, tangents: Any, **options: Any) -> Any:
        return _change(function, **options).__wengert_call__(context, (primals, tangents), {})

    return of(*args, **kwargs)


def _record_vjp(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    function, *primals = args
    return _pullback(function, **kwargs).__wengert_call__(context, tuple(primals), {})


def _record_linearize(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    function, *primals = args
    return _linearized(function, **kwargs).__wengert_call__(context, tuple(primals), {})


def _record_stop(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _stopped(*args, **kwargs)


_HOOKS: tuple[tuple[Any, Hook], ...] = (
    (jvp, _record_jvp),
    (vjp, _record_vjp),
    (linearize, _record_linearize),
    (stop_gradient, _record_stop),
)
for _function, _hook in _HOOKS:
    _function.__wengert_call__ = _hook
