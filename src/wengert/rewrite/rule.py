"""The record of one rewrite rule, and how rules are found.

A rule is asked only about nodes of its ``root``: a function (by name), ``"sum"`` or ``"product"``, and
for the last two only if one of its ``triggers`` occurs among the terms or factors. So most nodes ask no
rule at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from wengert.ir.node import Expr

if TYPE_CHECKING:
    from wengert.rewrite.session import Session

__all__ = ["Apply", "Kind", "Rule", "named", "rules"]

Apply: TypeAlias = "Callable[[Session, Expr], Expr | None]"

# E: equal for all real numbers. R: equal wherever the original is defined and finite (the domain may grow).
# A: equal under what is assumed of the symbols; asked before it is applied. C: an agreed value at a kink or
# pole is given up for the plain formula, whose `conditions` then leave that point out.
Kind: TypeAlias = Literal["E", "R", "A", "C"]
Use: TypeAlias = Literal["formula", "stable", "both"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``apply(session, node)`` is the node rewritten, or ``None`` where the rule does not match.

    ``level`` is the least level of simplification that uses it. ``use``: rules for reading are not for
    execution and the other way round, unless they are for ``"both"``. ``shorter``: applied only if the
    text gets shorter, for moves that have no direction of their own.
    """

    name: str
    root: str
    apply: Apply
    triggers: tuple[str, ...] = ()
    condition: str = ""
    kind: Kind = "E"
    level: int = 1
    use: Use = "formula"
    shorter: bool = False


_TABLES: list[Rule] = []


def rules(table: Iterable[Rule]) -> tuple[Rule, ...]:
    """Enter a table of rules; returns it."""
    entered = tuple(table)
    _TABLES.extend(entered)
    return entered


def named() -> dict[str, Rule]:
    """All rules by name.

    Names are unique, so that a trace of fired rules can be read.
    """
    found: dict[str, Rule] = {}
    for rule in _TABLES:
        assert rule.name not in found, f"two rules are called {rule.name!r}"
        found[rule.name] = rule
    return found
