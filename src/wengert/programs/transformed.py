"""A function made from another: called like it, and shown as formula, source or graph.

What a call needs is made once per signature (structure, types and static values of the arguments) and kept.
"""

from __future__ import annotations

import copy
import inspect
import os
import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import update_wrapper
from typing import Any, Self, TypeVar

from wengert.errors import CaptureError, NativeError, TypeMismatchError, WengertError, worded
from wengert.frontend.capture import Captured, capture
from wengert.frontend.python_guards import INT_BITS
from wengert.frontend.staging.context import refuse
from wengert.frontend.staging.nested import transformed_call
from wengert.frontend.trees import flatten
from wengert.frontend.varying import FIXED, LEAST_EXTENT, Varying
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.walk import leaves, order, substitute
from wengert.ops.counting import Cost, count_operations
from wengert.ops.layout import CAST
from wengert.ops.leaves import SYMBOL, symbol
from wengert.ops.numbers import PYTHON_NUMBER
from wengert.programs.arguments import call_name
from wengert.programs.backends import Backend, Later, Native, default_backend, native
from wengert.programs.c_source import PARTS, Part, c_part
from wengert.programs.explaining import explanation, python_source
from wengert.programs.low_level import CompiledFunction, compiled_function, no_c
from wengert.programs.out import has_own_out, written
from wengert.programs.recording import Context, Program, alone, in_capture
from wengert.programs.running import Runner, enlarging, noting, once, runner
from wengert.programs.short import input_places, short_of
from wengert.programs.signatures import CAPTURES, Family, signature_of
from wengert.rewrite.simplify import simplify

__all__ = ["Built", "Transformed"]

# Any, throughout: arguments and results are whatever the user passes and returns.
T = TypeVar("T")


@dataclass
class Built:
    """What is kept for one signature: the captured function and what runs it.

    ``extra`` is what the transform itself wants to keep of its recording.
    """

    captured: Captured
    run: Runner
    extra: Any
    verified: bool = False
    # The class of an object whose calls go straight to machine code; ``None`` where there is none.
    direct: type | None = None
    settled: bool = False  # whether ``direct`` is known
    calls: int = 0
    takes_out: bool = False  # whether ``direct`` takes arrays for the result
    # Where whole numbers vary: the same for just those of a call, as Python has them beyond 64 bits too.
    fixed: Callable[[tuple[Any, ...], dict[str, Any]], Built] | None = None
    # What Python itself does where a run comes to an error, which it raises with all that belongs to it.
    plain: Callable[[Exception, tuple[Any, ...], dict[str, Any]], Any] | None = None

    def holds(self) -> bool:
        """Whether everything outside that the capture relies on is as it was."""
        return self.captured.holds()

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._result(self.captured.values(args, kwargs), args, kwargs)

    def of_leaves(self, leaves: Sequence[Any], args: tuple[Any, ...]) -> Any:
        """The same where the inputs among the leaves of the arguments are known."""
        hidden = self.captured.hidden
        return self._result(
            [*leaves, *(each.read() for each in hidden)] if hidden else leaves, args, {}
        )

    def _result(self, inputs: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.captured.writes:
            self.captured.check_apart(args, kwargs)
        try:
            values = self.run(inputs)
        except OverflowError as error:
            if self.fixed is None or INT_BITS not in str(error):
                raise
            return self.fixed(args, kwargs)(args, kwargs)
        except WengertError:
            raise
        except Exception as error:
            if self.plain is None:
                raise
            failed = error
        else:
            return self._finished(values, args, kwargs, inputs)
        # What is the caller's is as it was: Python itself changes it up to the error.
        return self.plain(failed, args, kwargs)

    def _finished(
        self, values: Sequence[Any], args: tuple[Any, ...], kwargs: Any, inputs: Sequence[Any]
    ) -> Any:
        result = self.captured.unflatten_result(values, args, kwargs, inputs)
        if self.captured.writes:
            self.captured.write_back(values, args, kwargs)
        return result


class Transformed:
    """A transform of a function; subclasses say in :meth:`record` what it does to the graph."""

    __wrapped__: Program
    _made_of: tuple[type[Transformed], tuple[Any, ...], dict[str, Any]]
    called_alike = False  # whether it takes the arguments of the function

    def __init__(self, function: Program, name: str, doc: str) -> None:
        if not callable(function):
            raise TypeMismatchError(
                worded(
                    name,
                    expected="a function",
                    got=f"{function!r} ({type(function).__name__})",
                    hint=f"wg.{name}(f)(x), with the arguments of f in a second call",
                )
            )
        self._ordinary = type(self)  # the class, before calls go straight to machine code
        self._families: dict[Hashable, Family[Built]] = {}
        self._short: dict[Hashable, tuple[Built, Sequence[int]]] = {}
        self._lock = threading.RLock()
        self._last: Built | None = None
        self._told: set[str] = set()  # why there is no machine code
        self._kept: Any = None  # what the last recording wants to keep
        self.transform = name
        update_wrapper(self, function, updated=())
        self.__name__ = f"{name}({call_name(function)})"
        self.__qualname__ = self.__name__
        original = getattr(function, "__doc__", None)
        self.__doc__ = f"{doc}\n\n{original}" if original else doc

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        made._made_of = cls, args, kwargs
        return made

    def __reduce__(self) -> Any:
        """Copies, and what is unpickled elsewhere, capture anew."""
        return _made_anew, self._made_of

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    # --- what subclasses say -------------------------------------------------------------------------
    def record(self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result for trees of expressions, as a tree of expressions."""
        raise NotImplementedError

    def prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as they are captured: integers to differentiate by as floats, for example."""
        return args, kwargs

    def places(self, count: int) -> Collection[int]:
        """The arguments in which :meth:`prepared` makes integers floats; it changes nothing else."""
        return ()

    @property
    def is_finished(self) -> bool:
        """Whether :meth:`finished` gives the result as it is."""
        return True

    def finished(self, built: Built, result: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """The result as it is given to the user."""
        return result

    # --- calling ---------------------------------------------------------------------------------------
    def __wengert_call__(
        self, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if "out" in kwargs and not has_own_out(self.__wrapped__):
            refuse(
                f"{self.__name__}: out= inside a captured function; assign the result, as in y[:] = f(x)"
            )
        return self.record(context, *self.prepared(tuple(args), dict(kwargs)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if in_capture():
            return transformed_call(self.__wengert_call__, args, kwargs)
        if "out" in kwargs and not has_own_out(self.__wrapped__):  # else it is the function's
            out = kwargs.pop("out")
            result = self._call(args, kwargs, out is not None)
            return result if out is None else written(result, out, self.__name__)
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], out: bool = False) -> Any:
        """The result; ``out`` tells whether the caller has arrays for it."""
        if not kwargs and not self.eager:
            found = self._of_numbers(args)
            if found is not None:
                built, leaves = found
                self._settle(built, out)
                return self.finished(built, built.of_leaves(leaves, args), args, kwargs)
        if any(isinstance(leaf, Expr) for leaf in flatten((args, kwargs))[0]):
            return alone(self.__wengert_call__, args, kwargs)
        args, kwargs = self.prepared(args, kwargs)
        built = self._build(args, kwargs) if self.eager else self._built(args, kwargs)
        self._settle(built, out)
        return self.finished(built, built(args, kwargs), args, kwargs)

    def _settle(self, built: Built, out: bool) -> None:
        """Have calls like this one go straight to machine code from now on, if they can."""
        if out and not built.takes_out:  # from now on with and without
            built.takes_out, built.settled = True, built.settled and built.direct is None
        if not built.settled:
            built.calls += 1
            if built.calls > 1:  # who calls once does not wait for it
                built.direct, built.settled = self._direct(built), True
        if built.direct is not None:
            self.__class__ = built.direct

    def _direct(self, built: Built) -> type | None:
        if not isinstance(built.run, Native) or not self.is_finished or self.eager:
            return None
        if os.environ.get("WENGERT_CALLS") == "ctypes":  # for tests
            return None
        from wengert.native.calling import callable_class
        from wengert.programs.direct import direct_entry

        base = self._ordinary

        def ordinary(*args: Any, **kwargs: Any) -> Any:
            return base.__call__(self, *args, **kwargs)

        floats = self.places(len(built.captured.argument_leaves))
        try:
            entry = direct_entry(
                built.captured,
                built.run.loaded,
                floats,
                self.__name__,
                ordinary,
                built.run.error,
                out=built.takes_out,
            )
        except NativeError:  # an interpreter that is not known well enough
            return None
        return None if entry is None else callable_class(base, entry)

    def _of_numbers(self, args: tuple[Any, ...]) -> tuple[Built, Sequence[Any]] | None:
        """What is kept for such arguments, and its inputs: the short way, where there is one."""
        short = short_of(args)
        if short is None:
            return None
        key, leaves = short
        found = self._short.get(key)
        if found is None or not found[0].holds():
            given, kwargs = self.prepared(args, {})
            if kwargs:
                return None
            built = self._built(given, kwargs)
            inputs = input_places(leaves, [leaf.type for leaf in built.captured.argument_leaves])
            if inputs is None:
                return None
            if len(self._short) >= CAPTURES:
                self._short.clear()
            found = self._short[key] = built, inputs
        built, places = found
        return built, leaves if len(places) == len(leaves) else [leaves[k] for k in places]

    def _built(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Built:
        signature = signature_of(args, kwargs)
        family = self._families.get(signature.family)
        built = None if family is None else family.find(signature)
        if built is None:
            with self._lock:
                family = self._families.setdefault(signature.family, Family())
                built = family.find(signature) or family.make(
                    signature, lambda varying: self._build(args, kwargs, varying)
                )
        self._last = built
        return built

    def _fixed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Built:
        """What serves arguments of just these extents and whole numbers."""
        signature = signature_of(args, kwargs)
        with self._lock:
            family = self._families.setdefault(signature.family, Family())
            return family.make_exact(signature, lambda varying: self._build(args, kwargs, varying))

    def _build(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], varying: Varying = FIXED
    ) -> Built:
        captured = self._capture(args, kwargs, varying)
        home = _home(self)
        if self.eager or self.backend == "reference":
            run = once(captured.function, home)
        else:
            run = Later(lambda: runner(captured.function, captured.names, home, captured.risks))
            if self.backend == "native":
                run = native(
                    captured.function, run, self._told, self.__name__, fast=self.fast,
                    noted=noting(home, captured.risks), threads=self.threads,
                )  # fmt: skip
        if captured.capacity is not None:
            run = enlarging(run, captured.capacity)
        return Built(
            captured,
            run,
            self._kept,
            fixed=None if varying == FIXED else self._fixed,
            plain=self._plainly if self.called_alike and not captured.prints else None,
        )

    def _capture(self, args: tuple[Any, ...], kwargs: dict[str, Any], varying: Varying) -> Captured:
        self._kept = None
        try:
            return capture(self.target(), args, kwargs, eager=self.eager, varying=varying)
        except WengertError:
            raise
        except Exception as error:
            if self.eager or not self.called_alike:
                raise
            failed = error
        self._raised_by_python(failed, args, kwargs)
        raise CaptureError(
            worded(
                f"{_home(self) or call_name(self.__wrapped__)}: capture",
                expected="what Python does, which raises no error for these arguments",
                got=f"{type(failed).__name__}: {failed}",
                hint="mode='tape'",
            )
        ) from failed

    def _plainly(self, failed: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What Python itself does where a run has come to an error: its own error, or the result."""
        if self.target() is not self.__wrapped__:
            self._raised_by_python(failed, args, kwargs)
            raise failed
        with _noted(failed):
            return self.__wrapped__(*args, **kwargs)

    def _raised_by_python(
        self, failed: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Raise the error that Python itself raises, if it raises one; what is the caller's stays."""
        try:
            args, kwargs = copy.deepcopy((args, kwargs))
        except Exception:
            raise failed from None
        with _noted(failed):
            self.__wrapped__(*args, **kwargs)

    @property
    def backend(self) -> Backend:
        """What runs the graph."""
        return default_backend()

    @property
    def fast(self) -> bool:
        """Whether machine code may add up in another order, and round fewer times."""
        return True

    @property
    def threads(self) -> int | None:
        """How many threads may run long loops together; ``None`` where sums are not to be cut for that."""
        return None

    @property
    def eager(self) -> bool:
        """Whether each call records what that one run does, and nothing is kept."""
        return False

    def target(self) -> Program:
        """What is captured: the recording of the transform."""
        return _Recorder(self)

    def keep(self, extra: Any) -> None:
        """To be called while recording: what :meth:`finished` will need."""
        self._kept = extra

    # --- showing -----------------------------------------------------------------------------------------
    def _shown(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Built:
        """What is kept for these arguments; without any, for those of the last call."""
        if not args and not kwargs and self._last is not None:
            return self._last
        if not args and not kwargs:
            args = tuple(_example(self))
        args, kwargs = self.prepared(args, kwargs)
        return self._build(args, kwargs) if self.eager else self._built(args, kwargs)

    def graph(self, *args: Any, **kwargs: Any) -> Function:
        """The graph for arguments like these; without any, for those of the last call, or for floats."""
        return self._shown(args, kwargs).captured.function

    def captured(self, *args: Any, **kwargs: Any) -> Captured:
        """What was captured for arguments like these."""
        return self._shown(args, kwargs).captured

    def formula(self, *args: Any, **kwargs: Any) -> Any:
        """The result as a formula, in the structure of the result; simplified where there are no loops."""
        return self._formula(args, kwargs, for_reading)

    def _formula(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], change: Callable[[Expr], T]
    ) -> Any:
        captured = self._shown(args, kwargs).captured
        return captured.result_tree.unflatten(
            [change(r) if isinstance(r, Expr) else r for r in captured.result_leaves]
        )

    def latex(self, *args: Any, **kwargs: Any) -> Any:
        """The formula in LaTeX."""
        return self._formula(args, kwargs, lambda expr: for_reading(expr).latex())

    def cost(self, *args: Any, **kwargs: Any) -> Cost:
        """Operation counts for arguments like these."""
        return count_operations(self.graph(*args, **kwargs).outputs)

    def source(self, target: str = "python", *args: Any, **kwargs: Any) -> str:
        """Source that computes the result without wengert.

        ``"python"`` is NumPy source; ``"c"`` is a file of C11 and ``"h"`` the header that documents it.
        Further arguments are examples; without any, it is for those of the last call, or for floats. Axes of
        nine elements and more may have other lengths than the examples, shorter ones may not.

        Raises:
            TypeMismatchError: another target.
            SourceError: the program holds something that C has not.
        """
        if target in PARTS:
            return self._c_source(target, args, kwargs)  # type: ignore[arg-type]  # one of them
        if target != "python":
            raise TypeMismatchError(
                worded(f"{self.__name__}.source", expected="'python', 'c' or 'h'", got=repr(target))
            )
        return python_source(self._shown(args, kwargs).captured, self.__name__, self.__doc__)

    def _c_source(self, part: Part, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        captured = self._shown(args, kwargs).captured
        shown = self.__name__, self.transform, self.__doc__, _home(self)
        least = 0 if self._is_right_for_short(captured, args, kwargs) else LEAST_EXTENT
        return c_part(captured, part, *shown, least)

    def _is_right_for_short(
        self, captured: Captured, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> bool:
        """Whether a capture has not relied on long arrays: one that may not do so is the same."""
        if not args and not kwargs:
            return False
        args, kwargs = self.prepared(args, kwargs)
        signature = signature_of(args, kwargs)
        family = self._families.get(signature.family)
        varying = FIXED if family is None else family.varying(signature)
        if not varying.extents:
            return True
        try:
            other = self._capture(args, kwargs, replace(varying, least=1)).function
        except Exception:  # whatever it is: long arrays do without it
            return False
        function = captured.function
        return function.inputs == other.inputs and function.outputs == other.outputs

    def compiled(self, *args: Any, **kwargs: Any) -> CompiledFunction:
        """Machine code for arguments like these, as a function of C with an address.

        Without arguments it is for those of the last call, or for floats. What the program reads outside
        of itself keeps the value that it has now.

        Raises:
            NativeError: there is no machine code.
            TypeMismatchError: the program takes, changes or gives what C has not.

        >>> import wengert as wg
        >>> slope = wg.grad(lambda x: x**3, backend="native").compiled(1.0)
        >>> slope.declaration, slope.ctypes(2.0)
        ('double grad_lambda(double x0)', 12.0)
        """
        if not self.is_finished or self.eager:
            raise no_c(self.__name__, "a transform that does more than run one program")
        built = self._shown(args, kwargs)
        found = built.run.loaded if isinstance(built.run, Native) else None
        return compiled_function(built.captured, found, self.__name__)

    def low_level_callable(
        self, *args: Any, signature: str | None = None, **kwargs: Any
    ) -> Any:  # Any: SciPy's class
        """The ``scipy.LowLevelCallable`` for arguments like these: for integrators and filters of SciPy.

        ``signature`` is ``"double (double)"``, ``"double (double, void *)"``, ``"double (int, double *)"`` or
        ``"double (int, double *, void *)"`` (`quad`, `nquad`), or ``"int (double *, intptr_t, double *, void
        *)"`` (`generic_filter`); by default the first one that takes such arguments, the last for an array.

        Raises:
            NativeError: there is no machine code.
            TypeMismatchError: another signature than the function has; the message tells what it has.

        >>> import scipy, wengert as wg
        >>> f = wg.jit(lambda x, a: x**2 * a, backend="native").low_level_callable(1.0, 1.0)
        >>> round(scipy.integrate.quad(f, 0, 1, args=(3.0,))[0], 12)
        1.0
        """
        return self.compiled(*args, **kwargs).low_level_callable(signature)

    def explain(self, *args: Any, **kwargs: Any) -> str:
        """What was captured, and what was made of it, in words."""
        built = self._shown(args, kwargs)
        return "\n".join([*explanation(self.__name__, built.captured), *self.remarks()])

    def remarks(self) -> list[str]:
        """What the transform itself has to say in :meth:`explain`."""
        return []


def _made_anew(cls: type[T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return cls(*args, **kwargs)


@contextmanager
def _noted(failed: Exception) -> Iterator[None]:
    """Python's own error with the notes of the one that stands for it."""
    try:
        yield
    except type(failed) as error:
        for note in getattr(failed, "__notes__", ()):
            error.add_note(note)
        raise


def _home(function: Any) -> str:
    """The line where a function is defined, for notes of errors."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return ""
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno} in {code.co_name}()"


class _Recorder:
    """A transform as the capture of a whole program calls it: only its recording."""

    __wrapped__: Program

    def __init__(self, transformed: Transformed) -> None:
        update_wrapper(self, transformed, updated=())
        self.__wengert_call__ = transformed.record

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As the transform itself."""
        return self.__wrapped__(*args, **kwargs)


def for_reading(expr: Expr) -> Expr:
    """A simplified formula; graphs with bodies stay as they are."""
    # The inputs as symbols of formulas, which are plain floats: then conversions of Python numbers go.
    plain = {
        leaf: symbol(leaf.attr.name)
        for leaf in leaves([expr])
        if leaf.op is SYMBOL and leaf.value_type.weak and leaf.value_type.dtype == "float64"
    }
    nodes = order([expr])
    # In a loop, what is carried would have to change its type with them.
    if not any(node.op.bodies is not None for node in nodes):
        expr = substitute([expr], plain)[0]
        nodes = order([expr])
    while expr.op in (CAST, PYTHON_NUMBER):  # a dtype is no part of a formula
        expr = expr.args[0]
    if len(nodes) > _READABLE or any(node.op.bodies is not None for node in nodes):
        return expr
    return simplify(expr, keep_conditions=False)


_READABLE = 2000  # graphs beyond that nobody reads


def _example(function: Any) -> list[float]:
    """A float for each parameter that has no default value."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [1.0 for p in parameters if p.kind in kinds and p.default is p.empty]
