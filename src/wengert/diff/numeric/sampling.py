"""Calling the user's function: checked input, counted calls, NaN where it cannot be evaluated."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.errors import DomainError, ShapeError, TypeMismatchError, worded

Floats = NDArray[np.float64]
# f is any callable of numbers or arrays; nothing narrower is true of it.
Function = Callable[..., Any]
Outcome = TypeVar("Outcome")

# What a function raises where it is not defined: ZeroDivisionError, OverflowError, "math domain error".
OUTSIDE = (ArithmeticError, ValueError)


def as_point(x: ArrayLike, where: str) -> Floats:
    """``x`` as a float64 array of its own shape; refuses complex, non-numeric and non-finite ones."""
    raw = np.asarray(x)
    if np.iscomplexobj(raw):
        raise TypeMismatchError(
            worded(where, expected="a real x", got=f"dtype {raw.dtype}",
                   hint="differentiate along real and imaginary part separately")
        )  # fmt: skip
    try:
        point = raw.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeMismatchError(
            worded(
                where,
                expected="numbers for x",
                got=f"{type(x).__name__}",
                hint="pass a float or an array",
            )
        ) from error
    if not np.isfinite(point).all():
        raise DomainError(
            worded(where, expected="a finite x", got=f"{point}", hint="choose another point")
        )
    return point


@contextmanager
def quietly() -> Iterator[None]:
    """Without RuntimeWarnings: probing beyond a domain is on purpose, and they tell the user nothing."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


class Sampler:
    """The function and its bookkeeping: output shape, precision and number of calls.

    Not a record, because counting calls is what it is for.
    """

    def __init__(self, f: Function, x: Floats, *, vectorized: bool, where: str) -> None:
        if not callable(f):
            raise TypeMismatchError(
                worded(
                    where,
                    expected="a callable f",
                    got=type(f).__name__,
                    hint=f"{where}(f, x), f first",
                )
            )
        self.f, self.where, self.vectorized = f, where, vectorized
        self.in_shape = x.shape
        self.out_shape: tuple[int, ...] = ()
        self.ulp = float(np.finfo(np.float64).eps)
        self.calls = self.points = 0

    def center(self, x: Floats) -> Floats:
        """``f(x)`` as a flat array ``(k,)``, with every check and every complaint."""
        try:
            with quietly():
                raw = self._call(x[None] if self.vectorized else x)
        except OUTSIDE as error:
            raise DomainError(
                worded(self.where, expected=f"f to be defined at x = {x}",
                       got=f"{type(error).__name__}: {error}", hint="a point inside the domain")
            ) from error  # fmt: skip
        values = self._checked(raw)
        if self.vectorized:
            if values.ndim == 0 or values.shape[0] != 1:
                raise ShapeError(
                    worded(self.where, expected="one result for each point as vectorized=True",
                           got=f"shape {values.shape} for 1 point", hint="vectorized=False")
                )  # fmt: skip
            values = values[0]
        if not np.isfinite(values).all():
            raise DomainError(
                worded(self.where, expected="a finite f(x)", got=f"{values} at x = {x}",
                       hint="a point inside the domain")
            )  # fmt: skip
        dtype = np.asarray(raw).dtype
        if dtype in (np.float16, np.float32):
            self.ulp = float(np.finfo(dtype).eps)
        self.out_shape = values.shape
        return values.ravel()

    def centers(self, points: Floats) -> Floats:
        """``f`` at several points that all have to be fine, ``(n, k)``; in two calls when vectorised."""
        if not len(points):
            return np.zeros((0, 1))
        first = self.center(points[0])
        if not self.vectorized:
            return np.array([first, *(self.center(point) for point in points[1:])])
        values = np.vstack([first, self.rows(points[1:])]) if len(points) > 1 else first[None]
        for point, row in zip(points, values, strict=True):
            if not np.isfinite(row).all():
                self.center(point)
        return values

    def _checked(self, raw: object) -> Floats:
        values = np.asarray(raw)
        if raw is None or values.dtype.kind in "USOV":
            try:
                if raw is None:
                    raise TypeError
                return values.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise TypeMismatchError(
                    worded(self.where, expected="f to return a number or an array", got=type(raw).__name__,
                           hint="does f end with a return statement?")
                ) from error  # fmt: skip
        if np.iscomplexobj(values):
            raise TypeMismatchError(
                worded(self.where, expected="a real f(x)", got=f"dtype {values.dtype}",
                       hint="differentiate f(x).real and f(x).imag")
            )  # fmt: skip
        return values.astype(np.float64)

    def _call(self, argument: Floats) -> object:
        self.calls += 1
        self.points += len(argument) if self.vectorized else 1
        if argument.ndim == 0:
            return self.f(float(argument))
        return self.f(argument.copy())

    def rows(self, points: Floats) -> Floats:
        """``f`` at points ``(n, *in_shape)`` as ``(n, k)``; a row of NaN where it is not defined."""
        with quietly():
            return self._rows(points)

    def _rows(self, points: Floats) -> Floats:
        if self.vectorized and len(points):
            try:
                return self._batch(points)
            except OUTSIDE:
                if len(points) > 1:
                    return np.vstack([self._rows(points[i : i + 1]) for i in range(len(points))])
        size = int(np.prod(self.out_shape))
        result = np.full((len(points), size), np.nan)
        for i, point in enumerate(points if not self.vectorized else ()):
            result[i] = self._row(point, size)
        return result

    def _batch(self, points: Floats) -> Floats:
        values = np.asarray(self._call(points))
        if values.shape != (len(points), *self.out_shape):
            raise ShapeError(
                worded(self.where, expected=f"shape {(len(points), *self.out_shape)}",
                       got=f"{values.shape}", hint="vectorized=False")
            )  # fmt: skip
        return self._real(values).reshape(len(points), -1)

    def _row(self, point: Floats, size: int) -> Floats:
        try:
            raw = self._call(point)
            if type(raw) is float and self.out_shape == ():
                return np.array([raw])
            values = np.asarray(raw)
        except OUTSIDE:
            return np.full(size, np.nan)
        if values.shape != self.out_shape:
            raise ShapeError(
                worded(self.where, expected=f"f to return shape {self.out_shape} everywhere, as at x",
                       got=f"{values.shape} at {point}", hint="a result of fixed shape")
            )  # fmt: skip
        return self._real(values).ravel()

    @staticmethod
    def _real(values: NDArray[Any]) -> Floats:
        # (-1e-9) ** 0.5 is a complex number in Python: outside the real domain.
        if np.iscomplexobj(values):
            return np.where(values.imag == 0, values.real, np.nan)
        return values.astype(np.float64)


Path = Callable[[Floats], Floats]


def run(
    sampler: Sampler, searches: Sequence[Generator[Floats, Floats, Outcome]], paths: Sequence[Path]
) -> list[Outcome]:
    """Drive searches along lines; ``paths[i]`` turns the offsets of search ``i`` into points."""
    return lockstep(
        searches, lambda asked: grouped_rows(sampler, [paths[i](t) for i, t in asked.items()])
    )


def lockstep(
    searches: Sequence[Generator[Floats, Floats, Outcome]],
    answer: Callable[[dict[int, Floats]], Sequence[Floats]],
) -> list[Outcome]:
    """Drive searches side by side, so that a vectorised ``f`` sees the points of all in one call.

    ``answer`` is given the offsets that each unfinished search asks for and returns, in the same
    order, what to send them.
    """
    outcomes: dict[int, Outcome] = {}
    asked: dict[int, Floats] = {}

    def advance(i: int, sent: Floats | None) -> None:
        try:
            # At the ends of the range of floats a step or a quotient overflows; what is not finite
            # is no answer, and is found at the end.
            with np.errstate(all="ignore"):
                asked[i] = next(searches[i]) if sent is None else searches[i].send(sent)
        except StopIteration as stop:
            asked.pop(i, None)
            outcomes[i] = stop.value

    for i in range(len(searches)):
        advance(i, None)
    while asked:
        for i, values in zip(list(asked), answer(asked), strict=True):
            advance(i, values)
    return [outcomes[i] for i in range(len(searches))]


def grouped_rows(sampler: Sampler, groups: Sequence[Floats]) -> list[Floats]:
    """``sampler.rows`` of several arrays of points at once."""
    values = sampler.rows(np.concatenate(groups))
    return np.split(values, np.cumsum([len(g) for g in groups])[:-1])


def as_count(value: int, least: int, name: str, where: str) -> int:
    """An integer option not below ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise DomainError(
            worded(
                where,
                expected=f"{name} an integer of at least {least}",
                got=repr(value),
                hint=f"{name}={least}",
            )
        )
    return number
