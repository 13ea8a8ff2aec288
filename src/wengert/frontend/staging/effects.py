"""Effects of a captured program, put in order by the token of the capture."""

from __future__ import annotations

import time
from typing import Any

from wengert.frontend.staging.context import Slot, active, refuse
from wengert.frontend.staging.context import place as here
from wengert.ir.node import Expr
from wengert.ops import effects
from wengert.ops.choice import lt, where
from wengert.ops.leaves import const

__all__ = [
    "TokenSlot",
    "logged",
    "only_checks",
    "printed",
    "raised_here",
    "require",
    "room_for",
    "waited",
]


class TokenSlot(Slot):
    """The token of the last effect."""

    __slots__ = ("context",)
    name = "effects"

    def __init__(self, context: Any) -> None:  # Any: the capture, which has the token
        self.context = context

    @property
    def key(self) -> tuple[Any, ...]:
        return ("token",)

    def get(self) -> Any:
        return self.context.token

    def set(self, value: Any) -> None:
        self.context.token = value


def _step(token: Expr) -> None:
    context = active()
    context.touch(TokenSlot(context))
    context.token = context.record(token)


def require(
    ok: Any,
    kind: str | type[BaseException],
    message: str | None,
    values: tuple[Any, ...] = (),
    *,
    wanted: bool = True,
    at: Any = None,
) -> None:
    """Raise the error at run time unless ``ok`` (an expression or a truth value) is as wanted."""
    from wengert.frontend.staging.handles import concrete, to_expr

    context = active()
    if isinstance(ok, bool):
        if ok is not wanted:
            raise raised_here(kind, message)
        return
    node = ok if isinstance(ok, Expr) else to_expr(ok)
    spot = at or here()
    own = isinstance(kind, str) and kind.startswith("wengert.")
    if message is not None and own:  # Python would do what a graph cannot
        message = f"{spot if context.eager else effects.escaped(str(spot))}: {message}"
    if context.eager:
        from wengert.frontend.staging.handles import Scalar

        if bool(concrete(Scalar(node))) is not wanted:
            raise raised_here(kind, message, tuple(concrete(v) for v in values))
        return
    if not wanted:
        node = where(node, const(False), const(True))
    if context.tries and _caught(context, kind, node):
        return
    if any(issubclass(_class_of(kind), kinds) for kinds in context.suppressed):
        refuse(
            f"contextlib.suppress would take care of {_class_of(kind).__name__}, which is raised here "
            "where only running the program tells; use an if statement, or mode='tape'"
        )
    _step(
        effects.check(
            context.token,
            node,
            kind if isinstance(kind, str) else effects.error_name(kind),
            message,
            tuple(to_expr(v) for v in values),
            (spot.file, spot.line, spot.function),
        )
    )


def only_checks(token: Expr, before: Expr) -> bool:
    """Whether there is nothing but checks between two tokens."""
    while token is not before:
        if token.op is not effects.CHECK:
            return False
        token = token.args[0]
    return True


def room_for(place: Any) -> None:
    """Check at run time that lists have room for an element at a place; no ``try`` of the program sees it."""
    from wengert.frontend.staging.adopting import LEAST_ROOM, capacity_of
    from wengert.frontend.staging.handles import to_expr

    if isinstance(place, int) and place < LEAST_ROOM:
        return
    context = active()
    spot = here()
    _step(
        effects.check(
            context.token,
            lt(to_expr(place), capacity_of(context)),
            "wengert.errors.CapacityError",
            "a list has more elements than there is room for",
            (),
            (spot.file, spot.line, spot.function),
        )
    )


def _caught(context: Any, kind: str | type[BaseException], ok: Expr) -> bool:
    """Whether a ``try`` around takes care of the error."""
    cls = _class_of(kind)
    for frame in reversed(context.tries):
        if not issubclass(cls, frame.kinds):
            continue
        if frame.layer is not context.top or not frame.single:
            refuse(
                f"the except clause at line {frame.line} would catch {cls.__name__} raised here at run time; "
                "only a try with one statement, outside loops and branches of its own, can be captured; "
                "use an if statement, or mode='tape'"
            )
        frame.oks.append(context.record(ok))
        return True
    return False


def _class_of(kind: str | type[BaseException]) -> Any:
    return effects.error_class(kind) if isinstance(kind, str) else kind


def raised_here(
    kind: str | type[BaseException], message: str | None, values: tuple[Any, ...] = ()
) -> BaseException:
    """The error itself, where it is known at capture."""
    cls = _class_of(kind)
    if message is None:
        return cls()  # type: ignore[no-any-return]  # an exception
    return cls(effects.filled(message, [""] * len(values), values) if values else message)  # type: ignore[no-any-return]


def printed(
    templates: list[str], values: tuple[Any, ...], *, sep: Any, end: Any, file: str, flush: bool
) -> None:
    """Print at run time."""
    from wengert.frontend.staging.handles import to_expr

    active().shows = True
    _step(
        effects.show(
            active().token,
            templates,
            tuple(to_expr(v) for v in values),
            sep=sep,
            end=end,
            file=file,
            flush=flush,
        )
    )


def logged(template: str, values: tuple[Any, ...], logger: str, level: int) -> None:
    """Log at run time."""
    from wengert.frontend.staging.handles import to_expr

    active().shows = True
    given = tuple(to_expr(v) for v in values)
    _step(effects.log(active().token, template, given, logger, level))


def waited(seconds: Any) -> None:
    """``time.sleep`` at run time."""
    from wengert.frontend.staging.handles import concrete, to_expr

    if active().eager:
        time.sleep(concrete(seconds))
    else:
        _step(effects.wait(active().token, to_expr(seconds)))
