"""Functions of ``scipy.optimize`` and ``scipy.integrate`` that are given functions, for captured programs.

Each stands here by its public name with SciPy's signature. Arguments arrive as expressions or as Python
values that are known; functions as functions from expressions to what they return. SciPy itself is not
imported: a program that calls one of these has done so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.algebra import lift, times
from wengert.ops.joining import stack
from wengert.ops.layout import cast, reshape
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.reductions import sum_
from wengert.ops.solvers.argmin import argmin, implicit
from wengert.ops.solvers.ode import Solution, initial_value_problem
from wengert.ops.solvers.ode import odeint as odeint_solution
from wengert.ops.solvers.quadrature import integral
from wengert.ops.solvers.root import BRACKETED, find_root, solved

__all__ = [
    "CALLBACKS",
    "OdeResult",
    "OptimizeResult",
    "RootResults",
    "array",
    "solver_of",
    "solves",
    "static",
]

# Any, throughout: arguments are whatever SciPy takes; results are expressions or made of them.
Function = Callable[..., Any]
CALLBACKS: dict[str, Function] = {}  # by public name: "scipy.optimize.brentq"
_CONVERGED = "converged"


def solves(*names: str) -> Callable[[Function], Function]:
    """Register what stands for functions of SciPy, by their public names."""

    def register(function: Function) -> Function:
        for name in names:
            CALLBACKS[name] = function
        return function

    return register


def solver_of(original: Any) -> Function | None:
    """What stands for a function of SciPy that is given functions, if it is covered."""
    name = getattr(original, "__qualname__", "")
    package = ".".join(str(getattr(original, "__module__", "")).split(".")[:2])
    found = CALLBACKS.get(f"{package}.{name}")
    if found is None or "." in name:
        return found
    module = sys.modules.get(package)
    return found if getattr(module, name, None) is original else None


# --- arguments ---------------------------------------------------------------------------------------------
def static(what: str, **given: Any) -> dict[str, Any]:
    """Options that have to be known at capture; those that are ``None`` are left out.

    Raises:
        TypeMismatchError: one is an expression.
    """
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        found[name] = _known(what, name, value)
    return found


def _known(what: str, name: str, value: Any) -> Any:
    if isinstance(value, Expr):
        if value.op is not CONSTANT:
            raise TypeMismatchError(
                worded(
                    f"{what}: argument `{name}`",
                    expected="a value that is known when the program is captured",
                    got=f"`{value}`",
                    hint="a number, or mode='tape'",
                )
            )
        value = value.attr
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return tuple(_known(what, name, v) for v in value)
    if isinstance(value, Mapping):
        return tuple(sorted((k, _known(what, f"{name}[{k!r}]", v)) for k, v in value.items()))
    return value


def refuse_unless(what: str, default: Any, **given: Any) -> None:
    """Refuse options by name that are not supported, unless they have their default.

    Raises:
        TypeMismatchError: one has another value.
    """
    for name, value in given.items():
        if value is default or (not isinstance(value, Expr) and value == default):
            continue
        raise TypeMismatchError(
            worded(
                f"{what}: argument `{name}`",
                expected=f"{default!r}",
                got=repr(value),
                hint="leave it out, or mode='tape'",
            )
        )


def array(value: Any) -> Expr:
    """An expression of what may be a list of expressions, nested to any depth."""
    if isinstance(value, (list, tuple)):
        return stack([array(v) for v in value])
    return lift(value)


def _function(function: Function, args: Any) -> Function:
    """The function of the unknowns alone, as an expression of an array or a number."""
    extra = args if isinstance(args, tuple) else (args,)
    return lambda *given: array(function(*given, *extra))


# --- results -----------------------------------------------------------------------------------------------
@dataclass
class _Fields:
    """Fields by name, as attributes and as items."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def keys(self) -> list[str]:
        """The names of the fields."""
        return list(self.__dataclass_fields__)


@dataclass
class RootResults(_Fields):
    """What ``scipy.optimize`` returns for a number."""

    root: Any
    converged: Any
    iterations: Any
    function_calls: Any
    method: str
    flag: str = _CONVERGED


@dataclass
class OptimizeResult(_Fields):
    """What ``scipy.optimize.root``, ``minimize`` and ``least_squares`` return."""

    x: Any
    fun: Any
    success: Any
    nfev: Any


@dataclass
class OdeResult(_Fields):
    """What ``scipy.integrate.solve_ivp`` returns."""

    t: Any
    y: Any
    nfev: Any
    njev: Any
    nlu: Any
    sol: None = None
    t_events: None = None
    y_events: None = None
    status: int = 0
    success: bool = True
    message: str = "The solver successfully reached the end of the integration interval."


# --- roots -------------------------------------------------------------------------------------------------
def _bracketing(method: str) -> Function:
    def search(
        f: Function,
        a: Any,
        b: Any,
        args: Any = (),
        xtol: Any = None,
        rtol: Any = None,
        maxiter: Any = None,
        full_output: bool = False,
        disp: bool = True,
    ) -> Any:
        options = static(method, xtol=xtol, rtol=rtol, maxiter=maxiter, disp=disp)
        return _bracketed(method, _function(f, args), a, b, options, full_output)

    search.__name__ = search.__qualname__ = method
    search.__doc__ = f"A root between two ends, by ``scipy.optimize.{method}``."
    return search


def _bracketed(
    method: str, function: Function, a: Any, b: Any, options: dict[str, Any], full_output: bool
) -> Any:
    found = find_root(method, function, {"a": array(a), "b": array(b)}, options=options)
    x = solved(found, function)
    if not full_output:
        return x
    return x, RootResults(x, found.converged, found.iterations, found.calls, method)


for _method in BRACKETED:
    if _method != "toms748":
        solves(f"scipy.optimize.{_method}")(_bracketing(_method))


@solves("scipy.optimize.toms748")
def toms748(
    f: Function,
    a: Any,
    b: Any,
    args: Any = (),
    k: Any = None,
    xtol: Any = None,
    rtol: Any = None,
    maxiter: Any = None,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """A root between two ends, by ``scipy.optimize.toms748``."""
    options = static("toms748", k=k, xtol=xtol, rtol=rtol, maxiter=maxiter, disp=disp)
    return _bracketed("toms748", _function(f, args), a, b, options, full_output)


@solves("scipy.optimize.newton")
def newton(
    func: Function,
    x0: Any,
    fprime: Function | None = None,
    args: Any = (),
    tol: Any = None,
    maxiter: Any = None,
    fprime2: Function | None = None,
    x1: Any = None,
    rtol: Any = None,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """A root near a start; of each element by itself where the start is an array."""
    function = _function(func, args)
    start = array(x0)
    starts = {"x0": start} | ({} if x1 is None else {"x1": array(x1)})
    callbacks = {
        name: _function(g, args)
        for name, g in (("fprime", fprime), ("fprime2", fprime2))
        if g is not None
    }
    options = static("newton", tol=tol, maxiter=maxiter, rtol=rtol, disp=disp)
    found = find_root("newton", function, starts, callbacks=callbacks, options=options)
    root = solved(found, function, elementwise=True)
    if not full_output:
        return root
    if start.ndim:
        return root, found.converged, None
    return root, RootResults(root, found.converged, found.iterations, found.calls, "newton")


@solves("scipy.optimize.root_scalar")
def root_scalar(
    f: Function,
    args: Any = (),
    method: str | None = None,
    bracket: Any = None,
    fprime: Any = None,
    fprime2: Any = None,
    x0: Any = None,
    x1: Any = None,
    xtol: Any = None,
    rtol: Any = None,
    maxiter: Any = None,
    options: Any = None,
) -> RootResults:
    """A root of a function of one number, by the method that suits what is given."""
    for name, given in (("fprime", fprime), ("fprime2", fprime2)):
        if given is not None and not callable(given):
            refuse_unless("root_scalar", None, **{name: given})
    function = _function(f, args)
    callbacks = {
        name: _function(g, args)
        for name, g in (("fprime", fprime), ("fprime2", fprime2))
        if g is not None
    }
    kept = static(
        "root_scalar", method=method, xtol=xtol, rtol=rtol, maxiter=maxiter, options=options
    )
    if bracket is not None:
        starts = {"a": array(bracket[0]), "b": array(bracket[1])}
        unknown = Type("float64", (), True)
    else:
        given_starts = {"x0": x0, "x1": x1}
        starts = {name: array(v) for name, v in given_starts.items() if v is not None}
        unknown = None
        if not starts:
            raise TypeMismatchError(
                worded("root_scalar", expected="a bracket or a start", got="neither")
            )
    found = find_root(
        "root_scalar", function, starts, callbacks=callbacks, options=kept, unknown=unknown
    )
    chosen = method or ("brentq" if bracket is not None else _derived(fprime, fprime2, x1))
    return RootResults(
        solved(found, function), found.converged, found.iterations, found.calls, chosen
    )


def _derived(fprime: Any, fprime2: Any, x1: Any) -> str:
    if fprime is not None:
        return "newton" if fprime2 is None else "halley"
    return "newton" if x1 is None else "secant"


@solves("scipy.optimize.fsolve")
def fsolve(
    func: Function,
    x0: Any,
    args: Any = (),
    fprime: Function | None = None,
    full_output: bool = False,
    col_deriv: Any = 0,
    xtol: Any = None,
    maxfev: Any = None,
    band: Any = None,
    epsfcn: Any = None,
    factor: Any = None,
    diag: Any = None,
) -> Any:
    """A root of a system of equations, by MINPACK."""
    refuse_unless("fsolve", 0, col_deriv=col_deriv)
    refuse_unless("fsolve", None, diag=diag)
    if full_output:
        refuse_unless("fsolve", False, full_output=full_output)
    start = array(x0)
    start = reshape(start, (-1,))
    function = _system(_function(func, args), start)
    callbacks = {} if fprime is None else {"fprime": _function(fprime, args)}
    options = static("fsolve", xtol=xtol, maxfev=maxfev, band=band, epsfcn=epsfcn, factor=factor)
    found = find_root("fsolve", function, {"x0": start}, callbacks=callbacks, options=options)
    return solved(found, function)


def _system(function: Function, start: Expr) -> Function:
    """The function with its values in one row, as MINPACK has them."""
    return lambda x: reshape(function(x), start.shape)


@solves("scipy.optimize.root")
def root(
    fun: Function,
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> OptimizeResult:
    """A root of a system of equations."""
    refuse_unless("root", None, callback=callback)
    if jac is not None and not callable(jac):
        refuse_unless("root", None, jac=jac)
    start = array(x0)
    unknowns = start if start.ndim else reshape(start, (1,))
    function = _system(_function(fun, args), unknowns)
    callbacks = {} if jac is None else {"jac": _function(jac, args)}
    kept = static("root", method=method, tol=tol, options=options)
    found = find_root("root", function, {"x0": unknowns}, callbacks=callbacks, options=kept)
    x = solved(found, function)
    return OptimizeResult(x, found.value, found.converged, found.calls)


@solves("scipy.optimize.fixed_point")
def fixed_point(
    func: Function,
    x0: Any,
    args: Any = (),
    xtol: Any = None,
    maxiter: Any = None,
    method: str = "del2",
) -> Expr:
    """A fixed point: found as SciPy does, with the derivative of the equation ``x == func(x)``."""
    function = _function(func, args)
    options = static("fixed_point", xtol=xtol, maxiter=maxiter, method=method)
    found = find_root("fixed_point", function, {"x0": array(x0)}, options=options)
    return implicit(found.root, lambda x: x - function(x))


# --- minima ------------------------------------------------------------------------------------------------
@solves("scipy.optimize.minimize")
def minimize(
    fun: Function,
    x0: Any,
    args: Any = (),
    method: str | None = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> OptimizeResult:
    """A free minimum, with the derivative that follows from the gradient being zero there."""
    refuse_unless("minimize", None, hess=hess, hessp=hessp, bounds=bounds, callback=callback)
    refuse_unless("minimize", (), constraints=constraints)
    if jac is not None and not callable(jac):
        refuse_unless("minimize", None, jac=jac)
    start = array(x0)
    unknowns = start if start.ndim else reshape(start, (1,))
    objective = _function(fun, args)
    callbacks = {} if jac is None else {"jac": _function(jac, args)}
    kept = static("minimize", method=method, tol=tol, options=options)
    found = find_root(
        "minimize", _number(objective), {"x0": unknowns}, callbacks=callbacks, options=kept
    )
    x = argmin(found.root, _number(objective), holds=found.holds)
    return OptimizeResult(x, _number(objective)(x), found.converged, found.calls)


def _number(objective: Function) -> Function:
    """An objective whose value may be an array of one element."""

    def number(x: Expr) -> Expr:
        value: Expr = objective(x)
        return reshape(value, ()) if value.ndim else value

    return number


@solves("scipy.optimize.minimize_scalar")
def minimize_scalar(
    fun: Function,
    bracket: Any = None,
    bounds: Any = None,
    args: Any = (),
    method: str | None = None,
    tol: Any = None,
    options: Any = None,
) -> OptimizeResult:
    """A free minimum of a function of one number."""
    refuse_unless("minimize_scalar", None, bounds=bounds)
    objective = _number(_function(fun, args))
    starts = {} if bracket is None else {f"b{i}": array(v) for i, v in enumerate(bracket)}
    kept = static("minimize_scalar", method=method, tol=tol, options=options)
    found = find_root("minimize_scalar", objective, starts, options=kept, unknown=Type("float64"))
    x = argmin(found.root, objective, holds=found.holds)
    return OptimizeResult(x, objective(x), found.converged, found.calls)


@solves("scipy.optimize.least_squares")
def least_squares(
    fun: Function,
    x0: Any,
    jac: Any = "2-point",
    bounds: Any = None,
    method: str = "trf",
    ftol: Any = None,
    xtol: Any = None,
    gtol: Any = None,
    x_scale: Any = None,
    loss: Any = "linear",
    f_scale: Any = 1.0,
    diff_step: Any = None,
    max_nfev: Any = None,
    args: Any = (),
) -> OptimizeResult:
    """A minimum of half the sum of squares, without bounds."""
    refuse_unless("least_squares", None, bounds=bounds)
    refuse_unless("least_squares", "linear", loss=loss)
    function = _function(fun, args)
    start = array(x0)
    unknowns = start if start.ndim else reshape(start, (1,))
    callbacks = {"jac": _function(jac, args)} if callable(jac) else {}
    kept = static(
        "least_squares",
        jac=None if callable(jac) else jac,
        method=method,
        ftol=ftol,
        xtol=xtol,
        gtol=gtol,
        x_scale=x_scale,
        f_scale=f_scale,
        diff_step=diff_step,
        max_nfev=max_nfev,
    )
    found = find_root(
        "least_squares", function, {"x0": unknowns}, callbacks=callbacks, options=kept
    )

    def squares(x: Expr) -> Expr:
        r = function(x)
        return sum_(times(r, r)) / 2

    x = argmin(found.root, squares, holds=found.holds)
    return OptimizeResult(x, function(x), found.converged, found.calls)


# --- integrals ---------------------------------------------------------------------------------------------
@solves("scipy.integrate.quad")
def quad(
    func: Function,
    a: Any,
    b: Any,
    args: Any = (),
    full_output: Any = 0,
    epsabs: Any = None,
    epsrel: Any = None,
    limit: Any = None,
    points: Any = None,
    weight: Any = None,
    wvar: Any = None,
    wopts: Any = None,
    maxp1: Any = None,
    limlst: Any = None,
    complex_func: bool = False,
) -> tuple[Expr, Expr]:
    """An integral and an estimate of its error."""
    refuse_unless("quad", 0, full_output=full_output)
    refuse_unless("quad", None, wopts=wopts)
    options = static(
        "quad",
        epsabs=epsabs,
        epsrel=epsrel,
        limit=limit,
        weight=weight,
        wvar=wvar,
        maxp1=maxp1,
        limlst=limlst,
    )
    function = _function(func, args)
    given = None if points is None else array(points)
    value, error = integral(function, array(a), array(b), points=given, **options)
    if value.value_type.dtype.startswith("complex") and not complex_func:
        raise TypeMismatchError(
            worded(
                "quad", expected="a real integrand", got="a complex one", hint="complex_func=True"
            )
        )
    return value, error


@solves("scipy.integrate.dblquad")
def dblquad(
    func: Function,
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    args: Any = (),
    epsabs: Any = 1.49e-8,
    epsrel: Any = 1.49e-8,
) -> tuple[Expr, Expr]:
    """A double integral of ``func(y, x)``: y between two functions of x, x between two numbers."""
    options = static("dblquad", epsabs=epsabs, epsrel=epsrel)
    function = _function(func, args)

    def inner(x: Expr) -> Expr:
        low, high = (g(x) if callable(g) else g for g in (gfun, hfun))
        return integral(lambda y: function(y, x), array(low), array(high), **options)[0]

    return integral(inner, array(a), array(b), **options)


@solves("scipy.integrate.fixed_quad")
def fixed_quad(func: Function, a: Any, b: Any, args: Any = (), n: int = 5) -> tuple[Expr, None]:
    """An integral by Gauss's formula of fixed order; the function is given all nodes at once."""
    (order,) = static("fixed_quad", n=n).values()
    # SciPy's own nodes, to the last bit.
    x, w = sys.modules["scipy.special"].roots_legendre(order)
    start, end = array(a), array(b)
    places = (end - start) * const(np.real(x) + 1) / 2.0 + start
    value = _function(func, args)(places)
    return (end - start) / 2.0 * sum_(const(w) * value, -1), None


# --- differential equations ----------------------------------------------------------------------------
@solves("scipy.integrate.solve_ivp")
def solve_ivp(
    fun: Function,
    t_span: Sequence[Any],
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> OdeResult:
    """The solution of an initial value problem."""
    refuse_unless("solve_ivp", False, dense_output=dense_output, vectorized=vectorized)
    refuse_unless("solve_ivp", None, events=events)
    if not isinstance(method, str):
        refuse_unless("solve_ivp", "RK45", method=method)
    extra = () if args is None else args
    jac = options.pop("jac", None)
    if jac is not None and not callable(jac):
        matrix = array(jac)
        jac = lambda t, y, *_: matrix  # noqa: E731  # a constant one, as a function
    found = initial_value_problem(
        _function(fun, extra),
        (array(t_span[0]), array(t_span[1])),
        array(y0),
        method=method,
        t_eval=None if t_eval is None else array(t_eval),
        jac=None if jac is None else _function(jac, extra),
        **static("solve_ivp", **options),
    )
    return OdeResult(found.t, found.y, found.evaluations, found.jacobians, found.factorisations)


@solves("scipy.integrate.odeint")
def odeint(
    func: Function,
    y0: Any,
    t: Any,
    args: Any = (),
    Dfun: Function | None = None,
    col_deriv: Any = 0,
    full_output: Any = 0,
    ml: Any = None,
    mu: Any = None,
    rtol: Any = None,
    atol: Any = None,
    tcrit: Any = None,
    h0: Any = None,
    hmax: Any = None,
    hmin: Any = None,
    ixpr: Any = 0,
    mxstep: Any = None,
    mxhnil: Any = None,
    mxordn: Any = None,
    mxords: Any = None,
    printmessg: Any = 0,
    tfirst: bool = False,
) -> Expr:
    """The solution of an initial value problem at given times, one row for each."""
    refuse_unless("odeint", 0, col_deriv=col_deriv, full_output=full_output, ixpr=ixpr)
    refuse_unless("odeint", None, tcrit=tcrit)
    refuse_unless("odeint", 0, printmessg=printmessg)
    options = static(
        "odeint",
        ml=ml,
        mu=mu,
        rtol=rtol,
        atol=atol,
        h0=h0,
        hmax=hmax,
        hmin=hmin,
        mxstep=mxstep,
        mxhnil=mxhnil,
        mxordn=mxordn,
        mxords=mxords,
    )
    functions = [_function(f, args) for f in (func, Dfun) if f is not None]
    if not tfirst:
        functions = [_turned(f) for f in functions]
    found: Solution = odeint_solution(
        functions[0],
        array(y0),
        cast(array(t), "float64"),
        jac=functions[1] if len(functions) > 1 else None,
        **options,
    )
    return found.y.T


def _turned(function: Function) -> Function:
    return lambda t, y: function(y, t)
