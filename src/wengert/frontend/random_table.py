"""Which methods of NumPy's random generators a captured program may call, and what they draw.

The signatures are NumPy's. Every method gives the next state and its value; those that change an array in
place (``shuffle``) give the changed array, which the caller stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, Literal, NamedTuple

import numpy as np

from wengert.errors import TypeMismatchError, nearest, worded
from wengert.ir.dims import Dim, Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import DType, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.axes import axis_of
from wengert.ops.gathering import take
from wengert.ops.layout import ravel, reshape
from wengert.ops.leaves import CONSTANT, const, size
from wengert.ops.random import draw, seeded

__all__ = ["draw_method", "generator_method", "methods"]

# Any, here and below: arguments are whatever the user wrote, and expressions.
_LEGACY_WORDS = 627


class _Call(NamedTuple):
    """One call: which method, on which state, with which arguments by name."""

    name: str
    state: Expr
    given: Mapping[str, Any]

    @property
    def legacy(self) -> bool:
        """Whether the generator is that of ``np.random`` itself."""
        return self.state.shape == (_LEGACY_WORDS,)

    def refused(self, argument: str, expected: str, hint: str = "") -> TypeMismatchError:
        """The error for an argument that is not supported."""
        return TypeMismatchError(
            worded(
                f"random method {self.name}: argument `{argument}`",
                expected=expected,
                got=f"{argument}={self.given[argument]!r}",
                hint=hint,
            )
        )

    def known(self, argument: str, kind: type | tuple[type, ...], expected: str) -> Any:
        """A plain Python value."""
        value = self.given[argument]
        if isinstance(value, Expr) and value.op is CONSTANT:
            value = value.attr
        if not isinstance(value, kind):
            raise self.refused(argument, expected, "give a value that does not depend on the input")
        return value

    def size(self) -> tuple[Extent, ...] | None:
        """The argument ``size`` as extents."""
        value = self.given["size"]
        if value is None:
            return None
        parts = value if isinstance(value, (tuple, list)) else (value,)
        found: list[Extent] = []
        for part in parts:
            if isinstance(part, Expr) and part.op is CONSTANT:
                part = part.attr
            if isinstance(part, Dim):
                found.append(part)
            elif isinstance(part, (int, np.integer)) and part >= 0:
                found.append(int(part))
            else:
                raise self.refused("size", "extents that are known", "give numbers, or x.shape")
        return tuple(found)


_Result = tuple[Expr, Any]
_Drawer = Callable[[_Call], _Result]
_NONE = Parameter.empty


class _Method(NamedTuple):
    signature: Signature
    draws: _Drawer


def _signature(*by_name: str, **defaults: Any) -> Signature:
    """Parameters with their defaults; ``_NONE`` stands for none, and some go by name only."""
    return Signature(
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY if name in by_name else Parameter.POSITIONAL_OR_KEYWORD,
                default=default,
            )
            for name, default in defaults.items()
        ]
    )


# --- distributions -------------------------------------------------------------------------------------
def _plain(*names: str) -> _Drawer:
    """A distribution with these parameters."""

    def draws(call: _Call) -> _Result:
        params = [lift(call.given[name]) for name in names]
        return draw(call.state, call.name, params, call.size())

    return draws


def _distribution(**defaults: Any) -> _Method:
    return _Method(_signature(**defaults, size=None), _plain(*defaults))


_FLOATS: dict[Any, DType] = {
    np.float64: "float64",
    float: "float64",
    "float64": "float64",
    "d": "float64",
    np.dtype("float64"): "float64",
    np.float32: "float32",
    "float32": "float32",
    "f": "float32",
    np.dtype("float32"): "float32",
}


def _standard(call: _Call) -> _Result:
    """Distributions without parameters in single or double precision."""
    _without_out(call)
    dtype = _FLOATS.get(call.given.get("dtype", np.float64))
    if dtype is None:
        raise call.refused("dtype", "float64 or float32")
    more: dict[str, Any] = {}
    if call.given.get("method", "zig") != "zig":
        more["method"] = call.known("method", str, "'zig' or 'inv'")
    params = [lift(call.given["shape"])] if "shape" in call.given else []
    single: DType | None = "float32" if dtype == "float32" else None
    return draw(call.state, call.name, params, call.size(), dtype=single, **more)


def _without_out(call: _Call) -> None:
    if call.given.get("out") is not None:
        raise call.refused("out", "none", "assign the result: x[:] = rng.random(n)")


def _integers(call: _Call) -> _Result:
    low, high = call.given["low"], call.given["high"]
    if high is None:
        low, high = 0, low
    bounds = [lift(low), lift(high)]
    if any(is_inexact(b.value_type) for b in bounds):
        raise call.refused("high" if call.given["high"] is not None else "low", "integers")
    wanted = call.given["dtype"]
    more: dict[str, Any] = {}
    if call.given.get("endpoint"):
        more["endpoint"] = bool(call.known("endpoint", (bool, int), "True or False"))
    dtype: DType | Literal["int"] | None = None
    if wanted is int and not call.legacy:
        dtype = "int"
    elif wanted in (np.int32, "int32", np.dtype("int32")):
        dtype = "int32"
    elif wanted not in (np.int64, int, "int64", np.dtype("int64")):
        raise call.refused("dtype", "int64, int32 or int", "cast the result")
    if dtype == "int32" and call.legacy and call.given["size"] is None:
        raise call.refused("dtype", "int", "give a size, or leave dtype out")
    return draw(call.state, call.name, bounds, call.size(), dtype=dtype, **more)


def _normal_vectors(call: _Call) -> _Result:
    mean, cov = lift(call.given["mean"]), lift(call.given["cov"])
    if mean.ndim != 1 or cov.shape != (*mean.shape, *mean.shape):
        raise call.refused("cov", f"a square matrix beside a mean of shape {mean.shape}")
    more: dict[str, Any] = {}
    for name, default in (("check_valid", "warn"), ("tol", 1e-8), ("method", "svd")):
        if call.given.get(name, default) != default:
            more[name] = call.known(name, (str, float), "a value that is known")
    return draw(call.state, call.name, (mean, cov), call.size(), **more)


# --- places --------------------------------------------------------------------------------------------
def _is_count(value: Any) -> bool:
    if isinstance(value, Expr):
        return value.ndim == 0 and not is_inexact(value.value_type)
    return isinstance(value, (int, np.integer, Dim)) and not isinstance(value, bool)


def _count(value: Any) -> Expr:
    return size(value) if isinstance(value, Dim) else lift(value)


def _array(call: _Call, name: str, axis: Any) -> tuple[Expr, int]:
    """An array argument, and the axis in it."""
    try:
        node = lift(call.given[name])
    except TypeMismatchError:
        raise call.refused(name, "a number or an array of numbers", "draw places instead") from None
    if not node.ndim:
        raise call.refused(name, "an integer or an array")
    return node, axis_of(axis, node.ndim, call.name)


def _choice(call: _Call) -> _Result:
    p = call.given["p"]
    more: dict[str, Any] = {}
    for name in ("replace", "shuffle"):
        if not call.given.get(name, True):
            more[name] = bool(call.known(name, (bool, int), "True or False"))
    params = [] if p is None else [lift(p)]
    wanted = call.size()
    if _is_count(call.given["a"]):
        return draw(call.state, "choice", (_count(call.given["a"]), *params), wanted, **more)
    axis = 0 if call.legacy else call.known("axis", (int, np.integer), "an axis that is known")
    array, axis = _array(call, "a", axis)
    if call.legacy and array.ndim != 1:
        raise call.refused("a", "an integer or a vector", "np.random.default_rng().choice")
    count = size(array.shape[axis])
    after, places = draw(call.state, "choice", (count, *params), wanted, **more)
    return after, take(array, places, axis=axis)


def _order(call: _Call, count: Extent) -> tuple[Expr, Expr]:
    return draw(call.state, "permutation", (size(count),), (count,))


def _permutation(call: _Call) -> _Result:
    x = call.given["x"]
    if isinstance(x, Expr) and x.op is CONSTANT and not x.ndim:
        x = x.attr
    if _is_count(x):
        if isinstance(x, Expr):
            raise call.refused("x", "a number that is known, or an array")
        return _order(call, x if isinstance(x, Dim) else int(x))
    return _shuffle(call)


def _shuffle(call: _Call) -> _Result:
    axis = 0 if call.legacy else call.known("axis", (int, np.integer), "an axis that is known")
    array, axis = _array(call, "x", axis)
    after, places = _order(call, array.shape[axis])
    return after, take(array, places, axis=axis)


def _permuted(call: _Call) -> _Result:
    _without_out(call)
    if call.given["axis"] is None:
        array, _ = _array(call, "x", 0)
        count = size_of(array.shape)
        after, places = draw(call.state, "permuted", (), (count,), axis=0)
        return after, reshape(take(ravel(array), places), array.shape)
    axis = call.known("axis", (int, np.integer), "an axis that is known")
    array, axis = _array(call, "x", axis)
    after, places = draw(call.state, "permuted", (), array.shape, axis=axis)
    return after, _along(array, places, axis)


def _along(array: Expr, places: Expr, axis: int) -> Expr:
    """``take_along_axis``, with the places of the other axes spelled out."""
    shape = places.shape
    if not all(isinstance(e, int) for e in shape):
        raise TypeMismatchError(
            worded("random method permuted: argument `x`", expected="extents that are numbers")
        )
    grid = np.indices(shape)  # type: ignore[arg-type]  # numbers, as just seen
    return take(array, *(places if k == axis else const(grid[k]) for k in range(len(shape))))


# --- of old --------------------------------------------------------------------------------------------
def _rand(method: str) -> _Drawer:
    def draws(call: _Call) -> _Result:
        dims: Sequence[Any] = call.given["dims"]
        with_size = call._replace(given={"size": tuple(dims) or None})
        return draw(call.state, method, (), with_size.size())

    return draws


def _seed(call: _Call) -> _Result:
    known = call.known("seed", (int, np.integer, np.ndarray), "a number that is known")
    return const(seeded(known, legacy=True)), None


_BOTH: dict[str, _Method] = {
    "normal": _distribution(loc=0.0, scale=1.0),
    "uniform": _distribution(low=0.0, high=1.0),
    "exponential": _distribution(scale=1.0),
    "laplace": _distribution(loc=0.0, scale=1.0),
    "logistic": _distribution(loc=0.0, scale=1.0),
    "gumbel": _distribution(loc=0.0, scale=1.0),
    "lognormal": _distribution(mean=0.0, sigma=1.0),
    "rayleigh": _distribution(scale=1.0),
    "weibull": _distribution(a=_NONE),
    "pareto": _distribution(a=_NONE),
    "power": _distribution(a=_NONE),
    "triangular": _distribution(left=_NONE, mode=_NONE, right=_NONE),
    "gamma": _distribution(shape=_NONE, scale=1.0),
    "beta": _distribution(a=_NONE, b=_NONE),
    "chisquare": _distribution(df=_NONE),
    "f": _distribution(dfnum=_NONE, dfden=_NONE),
    "standard_t": _distribution(df=_NONE),
    "noncentral_chisquare": _distribution(df=_NONE, nonc=_NONE),
    "vonmises": _distribution(mu=_NONE, kappa=_NONE),
    "wald": _distribution(mean=_NONE, scale=_NONE),
    "poisson": _distribution(lam=1.0),
    "binomial": _distribution(n=_NONE, p=_NONE),
    "negative_binomial": _distribution(n=_NONE, p=_NONE),
    "geometric": _distribution(p=_NONE),
    "hypergeometric": _distribution(ngood=_NONE, nbad=_NONE, nsample=_NONE),
    "logseries": _distribution(p=_NONE),
    "zipf": _distribution(a=_NONE),
    "standard_cauchy": _distribution(),
}
_SINGLE = {"size": None, "dtype": np.float64, "out": None}
_GENERATOR: dict[str, _Method] = {
    **_BOTH,
    "random": _Method(_signature(**_SINGLE), _standard),
    "standard_normal": _Method(_signature(**_SINGLE), _standard),
    "standard_exponential": _Method(
        _signature(size=None, dtype=np.float64, method="zig", out=None), _standard
    ),
    "standard_gamma": _Method(_signature(shape=_NONE, **_SINGLE), _standard),
    "integers": _Method(
        _signature(low=_NONE, high=None, size=None, dtype=np.int64, endpoint=False), _integers
    ),
    "multivariate_normal": _Method(
        _signature(mean=_NONE, cov=_NONE, size=None, check_valid="warn", tol=1e-8, method="svd"),
        _normal_vectors,
    ),
    "choice": _Method(
        _signature(a=_NONE, size=None, replace=True, p=None, axis=0, shuffle=True), _choice
    ),
    "permutation": _Method(_signature(x=_NONE, axis=0), _permutation),
    "shuffle": _Method(_signature(x=_NONE, axis=0), _shuffle),
    "permuted": _Method(_signature("axis", "out", x=_NONE, axis=None, out=None), _permuted),
}
_DIMS = Signature([Parameter("dims", Parameter.VAR_POSITIONAL)])


def _of_old(call: _Call) -> _Result:
    return draw(call.state, "random_sample", (), call.size())


_LEGACY: dict[str, _Method] = {
    **_BOTH,
    **{
        name: _Method(_signature(size=None), _of_old)
        for name in ("random", "random_sample", "ranf", "sample")
    },
    "rand": _Method(_DIMS, _rand("random_sample")),
    "randn": _Method(_DIMS, _rand("standard_normal")),
    "standard_normal": _distribution(),
    "standard_exponential": _distribution(),
    "standard_gamma": _distribution(shape=_NONE),
    "randint": _Method(_signature(low=_NONE, high=None, size=None, dtype=int), _integers),
    "multivariate_normal": _Method(
        _signature(mean=_NONE, cov=_NONE, size=None, check_valid="warn", tol=1e-8), _normal_vectors
    ),
    "choice": _Method(_signature(a=_NONE, size=None, replace=True, p=None), _choice),
    "permutation": _Method(_signature(x=_NONE), _permutation),
    "shuffle": _Method(_signature(x=_NONE), _shuffle),
    "seed": _Method(_signature(seed=None), _seed),
}


# --- calling -------------------------------------------------------------------------------------------
def methods(*, legacy: bool = False) -> list[str]:
    """The names of the methods that may be called."""
    return sorted(_LEGACY if legacy else _GENERATOR)


def generator_method(function: Any) -> tuple[Any, str] | None:
    """The generator and the name of a bound method of one; ``None`` for any other function.

    >>> generator_method(np.random.normal)[1]
    'normal'
    """
    owner = getattr(function, "__self__", None)
    if isinstance(owner, (np.random.Generator, np.random.RandomState)):
        return owner, str(function.__name__)
    return None


def draw_method(
    name: str, state: Expr, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> tuple[Expr, Any]:
    """The next state, and what ``generator.name(*args, **kwargs)`` gives, for the generator in ``state``.

    Arguments are expressions, numbers and arrays; sizes, axes and the like have to be known. ``shuffle``
    gives the shuffled array, ``seed`` nothing.

    Raises:
        TypeMismatchError: a method or an argument that is not supported.

    >>> from wengert.ops.random import seeded
    >>> state, x = draw_method("normal", const(seeded(1)), (0.0, 1.0), {"size": 2})
    >>> x.shape
    (2,)
    """
    legacy = state.shape == (_LEGACY_WORDS,)
    table = _LEGACY if legacy else _GENERATOR
    method = table.get(name)
    if method is None:
        raise TypeMismatchError(
            worded(
                f"random method `{name}`",
                expected=f"one of the {len(table)} that can be captured",
                got=f"{'np.random' if legacy else 'Generator'}.{name}",
                hint=nearest(name, table) or "mode='tape', or draw outside of the function",
            )
        )
    try:
        bound = method.signature.bind(*args, **(kwargs or {}))
    except TypeError as error:
        raise TypeMismatchError(
            worded(f"random method `{name}`", expected=str(method.signature), got=str(error))
        ) from None
    bound.apply_defaults()
    return method.draws(_Call(name, state, bound.arguments))
