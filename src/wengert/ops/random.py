"""Random numbers as pure functions: a state goes in, the next state and the numbers come out.

A state is an array of 64-bit integers that holds all of a generator of NumPy, so the numbers are those that
the generator would give, bit for bit, and a generator can be set to any state.

* ``Generator(PCG64)``, as ``default_rng`` makes: 6 words, the 128-bit state and increment in two halves each,
  and the half of a word that is kept for the next draw.
* ``RandomState(MT19937)``, which is behind ``np.random.normal`` and the like: 627 words, the 624 of the
  twister, the place in them, and the second normal number of a pair.

Where the numbers are a smooth function of the parameters and of numbers that do not depend on them
(``normal`` is ``loc + scale*z``), the derivative is that of this function: the *reparameterised* or pathwise
derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from wengert.errors import NoDerivativeError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, extent_text, resolve
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, Spelling, register
from wengert.ir.types import DType, TupleType, Type, is_inexact
from wengert.ops.algebra import common_shape, lift, matmul
from wengert.ops.arithmetic import divide
from wengert.ops.choice import le, ne, where
from wengert.ops.control.item import item, items
from wengert.ops.einstein import broadcast_to, ein, eye, transpose
from wengert.ops.exponential import log1p, xlogy
from wengert.ops.layout import expand_dims, tril
from wengert.ops.leaves import const
from wengert.ops.matrices import cubed
from wengert.ops.powers import sqrt
from wengert.ops.shapes import square_matrix
from wengert.ops.sums import scale
from wengert.ops.systems import cholesky, solve_triangular

__all__ = [
    "DRAW",
    "draw",
    "drawn",
    "generator_state",
    "restored",
    "seeded",
    "set_generator_state",
    "state_words",
]

_PCG64, _MT19937 = 6, 627  # words of a state


# --- states --------------------------------------------------------------------------------------------
# These functions stand in emitted source too: they use nothing but NumPy and each other.
def state_words(generator: np.random.Generator | np.random.RandomState) -> np.ndarray:
    """The state of a generator of NumPy as 64-bit integers."""
    if isinstance(generator, np.random.Generator):
        found = generator.bit_generator.state
        state, increment, half = found["state"]["state"], found["state"]["inc"], 2**64
        words = [*divmod(state, half), *divmod(increment, half)]
        words += [found["has_uint32"], found["uinteger"]]
        return np.array(words, np.uint64).view(np.int64)
    found = generator.get_state(legacy=False)
    kept = np.float64(found["gauss"]).view(np.int64)
    more = [found["state"]["pos"], found["has_gauss"], kept]
    return np.array([*found["state"]["key"], *more], np.int64)


def restored(state: np.ndarray) -> np.random.Generator | np.random.RandomState:
    """A generator of NumPy in the state with these words."""
    if len(state) == 6:
        high, low, above, below, has, half = (int(w) for w in state.view(np.uint64))
        bits = np.random.PCG64(0)
        bits.state = {
            "bit_generator": "PCG64",
            "state": {"state": high * 2**64 + low, "inc": above * 2**64 + below},
            "has_uint32": has,
            "uinteger": half,
        }
        return np.random.Generator(bits)
    legacy = np.random.RandomState(0)
    twister = {"key": state[:624].astype(np.uint32), "pos": int(state[624])}
    legacy.set_state(
        {
            "bit_generator": "MT19937",
            "state": twister,
            "has_gauss": int(state[625]),
            "gauss": float(state[626].view(np.float64)),
        }
    )
    return legacy


def drawn(state: Any, method: str, params: Any, size: Any = None, /, **options: Any) -> Any:
    """The next state, and what the method of the generator gives. Any: arrays, numbers and texts."""
    generator: Any = restored(state)
    if method == "permuted":  # the places of the elements, for an array of this shape
        axis = options["axis"]
        along = [-1 if k == axis else 1 for k in range(len(size))]
        places = np.broadcast_to(np.arange(size[axis]).reshape(along), size)
        value = generator.permuted(places, axis=axis)
    elif method == "permutation":
        value = generator.permutation(*params)
    elif method == "choice":
        value = generator.choice(params[0], size, p=params[1] if params[1:] else None, **options)
    else:
        value = getattr(generator, method)(*params, size=size, **options)
    return state_words(generator), value


def generator_state(generator: Any) -> np.ndarray:
    """The state of a generator, as :func:`draw` takes it.

    Raises:
        TypeMismatchError: a generator whose bits come from elsewhere than NumPy's PCG64 or MT19937.

    >>> generator_state(np.random.default_rng(1)).shape
    (6,)
    """
    if generator is np.random:
        generator = np.random.mtrand._rand
    bits = getattr(generator, "bit_generator", getattr(generator, "_bit_generator", None))
    known = {np.random.Generator: np.random.PCG64, np.random.RandomState: np.random.MT19937}
    for kind, source in known.items():
        if isinstance(generator, kind) and type(bits) is source:
            return state_words(generator)  # type: ignore[arg-type]  # one of the two
    raise TypeMismatchError(
        worded(
            "random generator",
            expected="np.random.default_rng(...) (PCG64), or np.random itself",
            got=f"{type(generator).__name__}({type(bits).__name__})",
            hint="make it by default_rng",
        )
    )


def set_generator_state(generator: object, state: np.ndarray) -> None:
    """Set a generator of NumPy to a state.

    Raises:
        TypeMismatchError: as in :func:`generator_state`.
    """
    generator_state(generator)  # whether it is one of those that are known
    made = restored(np.asarray(state, np.int64))
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = made.bit_generator.state  # type: ignore[union-attr]  # same kind
    else:
        generator.set_state(made.get_state(legacy=False))  # type: ignore[attr-defined, union-attr]  # same kind


def seeded(seed: Any = None, *, legacy: bool = False) -> np.ndarray:
    """The state of ``np.random.default_rng(seed)``, or of ``np.random`` after ``np.random.seed(seed)``.

    >>> state, x = draw(const(seeded(1)), "normal", (0.0, 2.0), (3,))
    >>> bool((x.evaluate() == np.random.default_rng(1).normal(0.0, 2.0, 3)).all())
    True
    """
    made: Any = np.random.RandomState(seed) if legacy else np.random.default_rng(seed)
    return state_words(made)


# --- derivatives of draws ------------------------------------------------------------------------------
Change: TypeAlias = "Expr | None"
Again: TypeAlias = Callable[..., Expr]  # draws once more from the same state, with other parameters


class _Method(NamedTuple):
    """A method of generators: how many parameters vary, what it gives, and how it changes with each.

    ``changes[k](again, params, value)`` is the partial derivative in parameter ``k``.
    """

    params: int
    integer: bool = False
    changes: tuple[Callable[[Again, Sequence[Expr], Expr], Expr] | None, ...] = ()


_ZERO, _UNIT = const(0.0), const(1.0)


def _of_location(name: str) -> _Method:
    return _Method(
        2,
        changes=(
            lambda again, p, value: _UNIT,
            lambda again, p, value: again(name, _ZERO, _UNIT),
        ),
    )


def _of_scale(standard: str, *params: Expr) -> Callable[[Again, Sequence[Expr], Expr], Expr]:
    return lambda again, p, value: again(standard, *params)


def _triangular_parts(again: Again, p: Sequence[Expr]) -> tuple[Expr, Expr, Expr, Expr]:
    """The uniform number, whether it is left of the mode, and the lengths of both sides."""
    left, mode, right = p
    u = again("uniform", _ZERO, _UNIT)
    return u, le(u, divide(mode - left, right - left)), mode - left, right - mode


def _triangular(slot: int) -> Callable[[Again, Sequence[Expr], Expr], Expr]:
    # Left of the mode it is left + sqrt(u*w*a), else right - sqrt((1 - u)*w*b); w = a + b is the width.
    def change(again: Again, p: Sequence[Expr], value: Expr) -> Expr:
        u, is_left, a, b = _triangular_parts(again, p)
        d_a, d_b = ((-1, 0), (1, -1), (0, 1))[slot]
        rise = divide(u * (d_a * (a + b) + (d_a + d_b) * a), 2 * (value - p[0]))
        fall = divide((1 - u) * (d_b * (a + b) + (d_a + d_b) * b), 2 * (p[2] - value))
        rest_left, rest_right = int(slot == 0), int(slot == 2)
        return where(is_left, rest_left + rise, rest_right - fall)

    return change


_METHODS: dict[str, _Method] = {
    "random": _Method(0),
    "random_sample": _Method(0),
    "standard_normal": _Method(0),
    "standard_exponential": _Method(0),
    "standard_cauchy": _Method(0),
    "normal": _of_location("normal"),
    "laplace": _of_location("laplace"),
    "logistic": _of_location("logistic"),
    "gumbel": _of_location("gumbel"),
    "uniform": _Method(
        2,
        changes=(
            lambda again, p, value: 1 - again("uniform", _ZERO, _UNIT),
            lambda again, p, value: again("uniform", _ZERO, _UNIT),
        ),
    ),
    "lognormal": _Method(
        2,
        changes=(
            lambda again, p, value: value,
            lambda again, p, value: value * again("normal", _ZERO, _UNIT),
        ),
    ),
    "exponential": _Method(1, changes=(_of_scale("standard_exponential"),)),
    "rayleigh": _Method(1, changes=(_of_scale("rayleigh", _UNIT),)),
    # e**(1/a) for an exponential e, exp(e/a) - 1, and w**(1/a) for a uniform w
    "weibull": _Method(1, changes=(lambda again, p, v: scale(-1, divide(xlogy(v, v), p[0])),)),
    "pareto": _Method(
        1, changes=(lambda again, p, v: scale(-1, divide((1 + v) * log1p(v), p[0])),)
    ),
    "power": _Method(1, changes=(lambda again, p, v: scale(-1, divide(xlogy(v, v), p[0])),)),
    "triangular": _Method(3, changes=(_triangular(0), _triangular(1), _triangular(2))),
    "gamma": _Method(2, changes=(None, lambda again, p, v: again("standard_gamma", p[0]))),
    "standard_gamma": _Method(1, changes=(None,)),
    "beta": _Method(2, changes=(None, None)),
    "chisquare": _Method(1, changes=(None,)),
    "f": _Method(2, changes=(None, None)),
    "standard_t": _Method(1, changes=(None,)),
    "noncentral_chisquare": _Method(2, changes=(None, None)),
    "vonmises": _Method(2, changes=(None, None)),
    "wald": _Method(2, changes=(None, None)),
    "poisson": _Method(1, True, (None,)),
    "binomial": _Method(2, True, (None, None)),
    "negative_binomial": _Method(2, True, (None, None)),
    "geometric": _Method(1, True, (None,)),
    "hypergeometric": _Method(3, True, (None, None, None)),
    "logseries": _Method(1, True, (None,)),
    "zipf": _Method(1, True, (None,)),
    "integers": _Method(2, True, (None, None)),
    "randint": _Method(2, True, (None, None)),
    "choice": _Method(2, True, (None, None)),  # places in a vector, and their probabilities
    "permutation": _Method(1, True, (None,)),
    "permuted": _Method(0, True),
    "multivariate_normal": _Method(2),
}


class _Draw(NamedTuple):
    method: str
    shape: tuple[Extent, ...] | None  # None: one Python number
    dtype: DType
    options: tuple[tuple[str, Any], ...]  # Any: numbers and texts, as the method takes them


def draw(
    state: Expr,
    method: str,
    params: Sequence[Any] = (),
    size: Sequence[Extent] | None = None,
    /,
    *,
    dtype: DType | Literal["int"] | None = None,
    **options: Any,  # Any: further arguments of the method, as they are
) -> tuple[Expr, Expr]:
    """The next state, and ``generator.method(*params, size=size, **options)`` for the generator in ``state``.

    Parameters are numbers, or arrays that broadcast to ``size``; without ``size`` and arrays the value is a
    Python number. ``choice`` takes the number of places (and probabilities) and gives places;
    ``permutation`` their number; ``permuted`` (with ``size`` and ``axis``) the places of the elements of an
    array. ``dtype`` is passed on to methods that have it; ``"int"`` asks ``integers`` for a Python number.

    Raises:
        ShapeError: parameters do not broadcast to ``size``.
        TypeMismatchError: no such method.
    """
    known = _METHODS.get(method)
    if known is None or len(params) > max(known.params, 0):
        raise TypeMismatchError(
            worded("draw", expected=f"one of {', '.join(_METHODS)}", got=f"{method!r}{params!r}")
        )
    nodes = [lift(p) for p in params]
    shape: tuple[Extent, ...] | None = None if size is None else tuple(size)
    if method not in ("multivariate_normal", "choice", "permutation"):
        shape = _common(method, nodes, shape)
        nodes = [n if not n.ndim else broadcast_to(n, shape or ()) for n in nodes]
    if dtype is not None:
        options["dtype"] = dtype
    kind: DType = "int64" if known.integer else "float64"
    if dtype is not None and dtype != "int":
        kind = dtype
    attr = _Draw(method, shape, kind, tuple(sorted(options.items())))
    after, value = items(make(DRAW, (state, *nodes), attr))
    return after, value


def _common(
    method: str, nodes: Sequence[Expr], shape: tuple[Extent, ...] | None
) -> tuple[Extent, ...] | None:
    wanted = common_shape(*(n.shape for n in nodes)) if nodes else ()
    if shape is None:
        return wanted or None
    if not _broadcasts(wanted, shape):
        raise ShapeError(
            worded(
                f"{method}: argument `size`",
                expected=f"a size to which the parameters, {extent_text(wanted)}, broadcast",
                got=extent_text(shape),
            )
        )
    return shape


def _broadcasts(shape: tuple[Extent, ...], wanted: tuple[Extent, ...]) -> bool:
    last = zip(reversed(shape), reversed(wanted), strict=False)
    return len(shape) <= len(wanted) and all(e in (1, w) for e, w in last)


def _value_type(params: Sequence[Type], attr: _Draw) -> Type:
    shape = attr.shape
    if attr.method == "permutation":
        assert shape is not None
        return Type("int64", shape)
    if attr.method == "multivariate_normal":
        return Type("float64", (*(shape or ()), *params[0].shape))
    if shape is None:
        # NumPy gives a Python number, but for `integers` without dtype=int.
        if attr.method == "integers" and ("dtype", "int") not in attr.options:
            return Type(attr.dtype)
        return Type(_wide(attr.dtype), (), True)
    return Type(attr.dtype, shape)


def _wide(dtype: DType) -> DType:
    return "float64" if dtype == "float32" else dtype


def _draw_type(state: Type, *params: Type, attr: _Draw) -> TupleType:
    if state.dtype != "int64" or state.shape not in ((_PCG64,), (_MT19937,)):
        raise TypeMismatchError(
            worded("draw", expected="the state of a random generator", got=str(state))
        )
    return TupleType((state, _value_type(params, attr)))


def _draw_value(state: Any, *params: Any, attr: _Draw) -> tuple[Any, Any]:
    after, value = drawn(state, attr.method, params, attr.shape, **dict(attr.options))
    return after, value


def _resolved(attr: _Draw, sizes: Mapping[str, int]) -> _Draw:
    return attr if attr.shape is None else attr._replace(shape=resolve(attr.shape, sizes))


def _draw_tangent(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: _Draw, **_: Any
) -> list[Change]:
    state, params = args[0], args[1:]
    value = item(out, 1)
    moving = [(k, t) for k, t in enumerate(tangents[1:]) if t is not None]
    if attr.method == "multivariate_normal":
        return [None, _normal_vector_tangent(state, params, dict(moving), value, attr)]

    def again(method: str, *others: Expr) -> Expr:
        return item(make(DRAW, (state, *others), attr._replace(method=method)), 1)

    total: Change = None
    for k, t in moving:
        if not is_inexact(params[k].value_type):
            continue
        partial = _METHODS[attr.method].changes[k]
        if partial is None:
            raise NoDerivativeError(_refusal(attr.method, k))
        term = partial(again, params, value) * t
        total = term if total is None else total + term
    return [None, None if total is None else broadcast_to(total, value.shape)]


_ORDINALS = ("first", "second", "third")


def _refusal(method: str, slot: int) -> str:
    return worded(
        f"derivative of random numbers of `{method}` in the {_ORDINALS[slot]} parameter",
        expected="a parameter of location or scale",
        got="one that shapes the distribution: the numbers are no smooth function of it",
        hint="make it a constant, or differentiate an expectation in closed form",
    )


def _draw_statement(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: _Draw = node.attr
    params = f"({', '.join(args[1:])}{',' if len(args) == 2 else ''})"
    size = "None" if attr.shape is None else extent_text(attr.shape)
    more = "".join(f", {key}={value!r}" for key, value in attr.options)
    return [f"{names[0]}, {names[1]} = drawn({args[0]}, {attr.method!r}, {params}, {size}{more})"]


def _sample(method: str, *params: Argument, legacy: bool = False) -> Sample:
    start = const(seeded(7, legacy=legacy))

    def build(*nodes: Expr) -> Expr:
        return draw(start, method, nodes, (4,))[1]

    return Sample(params, build=build, note=f"{method}{' of old' if legacy else ''}")


_COVARIANCE = np.array([[2.0, 0.3, -0.2], [0.3, 1.0, 0.1], [-0.2, 0.1, 0.5]])


def _vectors(method: str) -> Sample:
    start = const(seeded(3))

    def build(mean: Expr, cov: Expr) -> Expr:
        return draw(start, "multivariate_normal", (mean, cov), (2,), method=method)[1]

    matrix = Argument((3, 3), draw="symmetric", value=_COVARIANCE)
    return Sample((Argument((3,)), matrix), build=build, note=f"vectors, {method}")


_PLACE, _SCALE, _WHOLE = Argument(low=-1.0), Argument(low=0.5), Argument((4,), 0.5, 2.0)

DRAW: Op = register(
    Op(
        name="draw",
        doc="The next state of a random generator, and the numbers that it gives.",
        result=_draw_type,
        evaluate=_draw_value,
        diff=Rule(_draw_tangent),
        resolve=_resolved,
        spell=Spelling(statement=_draw_statement, helpers=(state_words, restored, drawn)),
        exempt={"text": "several results are no formula"},
        cost=20.0,
        samples=(
            _sample("normal", _PLACE, _SCALE),
            _sample("normal", _PLACE, _WHOLE, legacy=True),
            _sample("laplace", _PLACE, _WHOLE),
            _sample("logistic", _PLACE, _SCALE),
            _sample("gumbel", _PLACE, _SCALE, legacy=True),
            _sample("uniform", _PLACE, Argument((4,), 2.5, 4.0)),
            _sample("lognormal", _PLACE, _SCALE),
            _sample("exponential", _WHOLE),
            _sample("rayleigh", _SCALE),
            _sample("weibull", _WHOLE),
            _sample("pareto", Argument(low=1.5, high=3.0)),
            _sample("power", _WHOLE, legacy=True),
            _sample("triangular", _PLACE, Argument(low=2.2, high=2.8), Argument(low=3.5, high=5.0)),
            _sample("standard_normal"),
            _vectors("svd"),
            _vectors("cholesky"),
        ),
    )
)


# --- random vectors ------------------------------------------------------------------------------------
def _normal_vector_tangent(
    state: Expr, params: Sequence[Expr], moving: Mapping[int, Expr], value: Expr, attr: _Draw
) -> Change:
    """The change of ``mean + F @ z``, where ``F @ F.T`` is the covariance."""
    total: Change = None
    if 0 in moving:
        total = broadcast_to(moving[0], value.shape)
    if 1 in moving:
        z = item(make(DRAW, (state,), _Draw("standard_normal", value.shape, "float64", ())), 1)
        method = "rows" if state.shape == (_MT19937,) else dict(attr.options).get("method", "svd")
        factor_t = _factor_tangent((params[1],), (moving[1],), None, attr=str(method))
        change = matmul(z, transpose(factor_t))
        total = change if total is None else total + change
    return total


def normal_factor(cov: Any, method: str) -> Any:
    """The matrix by which NumPy makes random vectors, from singular values or eigenvalues."""
    if method == "eigh":
        s, u = np.linalg.eigh(cov)
    else:
        u, s, rows = np.linalg.svd(cov)
        u = rows.T if method == "rows" else u
    return u * np.sqrt(np.abs(s))


def _factor_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Change],
    out: Expr | None,
    *,
    attr: str,
    **_: Any,
) -> Expr:
    """The change of the factor that NumPy takes for this covariance.

    With ``F = U*sqrt(s)`` and ``M = U.T @ dA @ U``: ``ds = diag(M)`` and ``dU = U @ (K*M)``, where ``K`` is
    ``1/(s_j - s_i)`` off the diagonal (Giles 2008, section 3.1). Equal eigenvalues have no such change.
    """
    change = tangents[0]
    assert change is not None
    cov = args[0]
    change = scale(Fraction(1, 2), change + transpose(change))  # NumPy reads one half of a matrix
    if attr == "cholesky":
        root = cholesky(cov)
        half = solve_triangular(root, change, lower=True)
        inner = solve_triangular(root, transpose(half), lower=True)
        return matmul(root, scale(Fraction(1, 2), tril(inner) + tril(inner, -1)))
    F = make(FACTOR, (cov,), attr) if out is None else out
    s = ein([(F, "ij"), (F, "ij")], "j")
    root = sqrt(s)
    U = divide(F, root)
    M = matmul(matmul(transpose(U), change), U)
    columns, rows = expand_dims(s, 0), expand_dims(s, 1)
    apart = ne(eye(s.shape[0]), 1)
    turn = where(apart, divide(M, where(apart, columns - rows, 1.0)), 0.0)
    grow = divide(ein([(M, "ii")], "i"), scale(2, root))
    return matmul(U, turn) * root + U * grow


FACTOR: Op = register(
    Op(
        name="normal_factor",
        doc="The matrix F with F @ F.T = A by which NumPy makes random vectors of covariance A.",
        result=lambda A, *, attr: square_matrix(A, "multivariate_normal"),
        evaluate=lambda cov, *, attr: normal_factor(cov, attr),
        diff=Rule(_factor_tangent),
        domain=Domain(poles="equal eigenvalues"),
        spell=Spelling(
            numpy=lambda node: f"normal_factor({{0}}, {node.attr!r})", helpers=(normal_factor,)
        ),
        exempt={"text": "exists inside of derivatives only"},
        count=lambda node: cubed(node.args[0]),
        samples=tuple(
            Sample((Argument((3, 3), draw="symmetric", value=_COVARIANCE),), kind, note=kind)
            for kind in ("svd", "eigh", "rows")
        ),
    )
)
