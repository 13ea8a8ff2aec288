"""What each sign of a formula means where it stands, and most of what can be wrong with it.

One pass over the tokens before the grammar sees them. It tells a sign from a subtraction, a call from a name,
a bar that opens from one that closes or means *or*; it writes out implicit products and superscripts; and it
finds missing operands, missing operators and brackets without partner, where it can say best what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TypeAlias

from wengert.frontend.mistakes import Mistake
from wengert.frontend.names import is_function

__all__ = ["TokenPass"]

Token: TypeAlias = (
    Any  # lark's tokens (strings with .type and .start_pos); lark loads with the first formula
)

_INFIX = (
    "OR", "AND", "COMPARE", "AMP", "PLUS", "MINUS", "STAR", "POWER", "_IF", "_ELSE", "OR_SIGN",
)  # fmt: skip
_CLOSING = {"_RPAR": "_LPAR", "_RSQB": "LSQB"}
_NOT_BEFORE_IMPLICIT = frozenset({"/", "//", "%", "@", "÷", "^", "**"})
_OTHER_BASE = re.compile(r"[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+").fullmatch  # as in 0x1F
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


class TokenPass:
    """The pass for one dialect, in the form in which lark takes it (``postlex``)."""

    always_accept = ("BAR", "SUPERSCRIPT", "METHOD")  # not in the grammar, but in formulas

    def __init__(self, *, dialect: str) -> None:
        self.matlab = dialect == "matlab"

    def process(self, stream: Iterable[Token]) -> Iterator[Token]:
        """The tokens of one formula, each with its final type."""
        tokens = list(stream)
        if not tokens:
            return iter(())
        return iter(_Arranger(tokens, self.matlab).arranged())


class _Arranger:
    """The state of the pass over one formula.

    ``ready``: an operand has just ended, so an operator may follow. ``frames``: the brackets and bars that
    are open.
    """

    def __init__(self, tokens: list[Token], matlab: bool) -> None:
        self.tokens, self.matlab = tokens, matlab
        self.out: list[Token] = []
        self.frames: list[Token] = []
        self.ready = False
        self.bars: dict[int, int] = {}  # where a pair of bars ends: where its inside begins
        self.raised: Token | None = None  # the number that came from the last superscript

    def arranged(self) -> list[Token]:
        out, steps = self.out, _STEPS
        for token in self.tokens:
            kind = token.type
            if kind == "NAME" or kind == "NUMBER":
                if self.ready:
                    self.juxtaposed(token)
                self.ready = True
                out.append(token)
            elif kind == "PLUS" or kind == "MINUS":
                if self.ready:
                    self.ready = False
                else:
                    token.type = "SIGN"
                out.append(token)
            else:
                steps[kind](self, token)
        self.ended()
        return out

    # --- operands ----------------------------------------------------------------------------------
    def operand(self, token: Token) -> None:
        if self.ready:
            self.juxtaposed(token)
        self.ready = True
        self.out.append(token)

    def ellipsis(self, token: Token) -> None:
        if not self.frames or self.frames[-1].type != "LSQB":
            self.fail("`...` stands only in an index", token, "the formula in full")
        self.operand(token)

    def juxtaposed(self, token: Token) -> None:
        """An operand right after an operand: a product with a number, or a mistake."""
        before = self.out[-1]
        if before.type == "NUMBER" and token.type not in ("NUMBER", "STRING") and not self.matlab:
            self.implicit_product(before, token)
            return
        if before.type == "STRING" or token.type == "STRING":
            if token == "'" or token.startswith("'"):
                self.fail("a quote transposes only right behind an operand", token, "x'")
            self.fail(f"expected an operator before the text {token}", token)
        left, right = self.described(len(self.out) - 1), str(token)
        if before.type == "NAME" and token.type in ("NAME", "NUMBER") and is_function(left):
            self.fail(f"`{left}` is a function and wants brackets", token, f"{left}({right})")
        if token.type == "_LPAR":
            right = "(...)"
        self.fail(f"expected an operator between `{left}` and `{right}`", token, f"{left}*{right}")

    def described(self, position: int) -> str:
        token = self.out[position]
        return (
            "(...)" if token.type == "_RPAR" else "[...]" if token.type == "_RSQB" else str(token)
        )

    def implicit_product(self, number: Token, token: Token) -> None:
        if number == "0" and _OTHER_BASE(token) and number.end_pos == token.start_pos:
            self.fail("numbers are decimal", number, f"{int(number + token, 0)}")
        position = len(self.out) - 2
        while position >= 0 and self.out[position].type == "SIGN":
            position -= 1
        if position >= 0:
            before = self.out[position]
            if before.type in ("STAR", "POWER") and str(before) in _NOT_BEFORE_IMPLICIT:
                right = "(...)" if token.type == "_LPAR" else str(token)
                left = "..." if position == 0 else self.described(position - 1)
                self.fail(
                    f"`{before}{number}{right}` can be read in two ways",
                    token,
                    f"{left}{before}({number}*{right}) or ({left}{before}{number})*{right}",
                )
        self.out.append(type(number).new_borrow_pos("STAR", "*", number))

    def superscript(self, token: Token) -> None:
        """``x²`` is ``x^2``."""
        if not self.ready:
            self.no_operand_before(token)
        text = token.translate(_DIGITS)
        make = type(token).new_borrow_pos
        self.out.append(make("POWER", "^", token))
        if text[0] in "+-":
            self.out.append(make("SIGN", text[0], token))
        self.raised = make("NUMBER", text.lstrip("+-"), token)
        self.out.append(self.raised)

    # --- brackets and bars --------------------------------------------------------------------------
    def opened(self, token: Token) -> None:
        if token.type == "_LPAR":
            if self.ready and self.out[-1].type == "NAME":
                self.out[-1].type = "FUNC"
            elif self.ready:
                self.juxtaposed(token)
        elif not self.ready:
            token.type = "OPEN_LIST"
        self.ready = False
        self.frames.append(token)
        self.out.append(token)

    def closed(self, token: Token) -> None:
        opening = self.frames.pop() if self.frames else None
        if opening is None:
            self.fail(f"`{token}` closes nothing", token, "leave it out, or open a bracket before")
        if (opening.type == "_LPAR") != (token.type == "_RPAR") or opening.type == "OPEN_BAR":
            self.fail(
                f"`{opening}` is closed by `{token}`",
                opening,
                f"close it with `{ {'(': ')', '[': ']', '|': '|'}[str(opening)] }`",
            )
        if not self.ready:
            self.may_close(token)
        self.ready = True
        self.out.append(token)

    def may_close(self, token: Token) -> None:
        before = self.out[-1]
        if before.type in ("_COMMA", "_COLON"):
            return
        if before.type in ("_LPAR", "LSQB", "OPEN_LIST"):
            if len(self.out) > 1 and self.out[-2].type == "FUNC":
                return
            self.fail(f"expected something between `{before}` and `{token}`", before)
        self.missing_after(before)

    def bar(self, token: Token) -> None:
        if self.matlab:
            self.infix(token)
        elif not self.ready:
            token.type = "OPEN_BAR"
            self.frames.append(token)
            self.out.append(token)
        elif self.frames and self.frames[-1].type == "OPEN_BAR":
            opening = self.frames.pop()
            self.refuse_double_bars(opening, token)
            token.type = "_CLOSE_BAR"
            self.out.append(token)
        else:
            token.type = "OR_SIGN"
            self.infix(token)

    def refuse_double_bars(self, opening: Token, closing: Token) -> None:
        """``||x||`` is a norm on paper, and would be ``abs(abs(x))`` here."""
        if self.bars.get(closing.start_pos) == opening.end_pos:
            self.fail("double bars are not read", opening, "norm(x), or abs(x)")
        self.bars[closing.end_pos] = opening.start_pos

    # --- operators ------------------------------------------------------------------------------------
    def infix(self, token: Token) -> None:
        if not self.ready:
            self.no_operand_before(token)
        if token.type == "POWER" and self.out[-1] is self.raised:
            self.fail(
                "a power of a superscript can be read in two ways", token, "(x^2)^3 or x^(2*3)"
            )
        self.ready = False
        self.out.append(token)

    def no_operand_before(self, token: Token) -> NoReturn:
        if self.out and self.out[-1].type in (*_INFIX, "SIGN"):
            self.fail(f"expected an operand between `{self.out[-1]}` and `{token}`", token)
        self.fail(f"expected an operand before `{token}`", token)

    def prefix(self, token: Token) -> None:
        if self.ready:
            self.fail(f"expected an operator before `{token}`", token)
        self.out.append(token)

    def postfix(self, token: Token) -> None:
        if not self.ready:
            self.fail(f"expected an operand before `{token}`", token)
        self.out.append(token)

    def comma(self, token: Token) -> None:
        if not self.frames:
            self.fail(
                "a comma outside brackets", token, "one formula at a time; decimals are written 1.5"
            )
        if self.frames[-1].type == "OPEN_BAR":
            self.unclosed(self.frames[-1])
        if not self.ready and self.out[-1].type != "_COLON":
            self.no_operand_before(token)
        self.ready = False
        self.out.append(token)

    def colon(self, token: Token) -> None:
        if not self.frames or (self.frames[-1].type != "LSQB" and not self.matlab):
            self.fail("`:` stands only in an index", token, "x[1:3]")
        if self.matlab:
            self.operand(token)
            return
        if not self.ready and self.out[-1].type not in ("LSQB", "_COMMA", "_COLON"):
            self.missing_after(self.out[-1])
        self.ready = False
        self.out.append(token)

    def keyword(self, token: Token) -> None:
        name = token.rstrip("=").strip()
        before = self.out[-1] if self.out else None
        in_call = (
            before is not None
            and before.type in ("_LPAR", "_COMMA")
            and self.frames[-1].type == "_LPAR"
        )
        if not in_call:
            self.fail(
                "`=` is no comparison", token, f"{name} == ...; one formula, without a left side"
            )
        self.out.append(token)

    def method(self, token: Token) -> None:
        name = token.lstrip(". \t\n")
        subject = self.described(len(self.out) - 1) if self.ready else "x"
        self.fail(f"`.{name}` is not read", token, f"{name}({subject})")

    def semicolon(self, token: Token) -> None:
        if token is not self.tokens[-1] or not self.ready:
            self.fail("`;` stands only at the end", token)
        self.out.append(token)

    # --- the end ----------------------------------------------------------------------------------------
    def ended(self) -> None:
        if not self.ready:
            last = self.out[-1]
            if last.type not in ("_LPAR", "LSQB", "OPEN_LIST", "OPEN_BAR", "_COMMA", "_COLON"):
                self.missing_after(last)
        if self.frames:
            self.unclosed(self.frames[-1])

    def unclosed(self, opening: Token) -> NoReturn:
        partner = {"(": ")", "[": "]", "|": "|"}[str(opening)]
        self.fail(f"`{opening}` is never closed", opening, f"add `{partner}`")

    def missing_after(self, token: Token) -> NoReturn:
        self.fail(f"expected an operand after `{token}`", token)

    def fail(self, message: str, token: Token, hint: str = "") -> NoReturn:
        raise Mistake(f"{message}; try: {hint}" if hint else message, token.start_pos)


_STEPS = {
    "STRING": _Arranger.operand,
    "ELLIPSIS": _Arranger.ellipsis,
    "SUPERSCRIPT": _Arranger.superscript,
    "_LPAR": _Arranger.opened,
    "LSQB": _Arranger.opened,
    "_RPAR": _Arranger.closed,
    "_RSQB": _Arranger.closed,
    "BAR": _Arranger.bar,
    "QUOTE": _Arranger.postfix,
    "TILDE": _Arranger.prefix,
    "NOT": _Arranger.prefix,
    "_COMMA": _Arranger.comma,
    "_COLON": _Arranger.colon,
    "COLON": _Arranger.colon,
    "KEYWORD": _Arranger.keyword,
    "METHOD": _Arranger.method,
    "_SEMICOLON": _Arranger.semicolon,
    **dict.fromkeys(_INFIX, _Arranger.infix),
}
