"""Text to tokens, in one pass, in time linear in the text.

A character that has no place in a formula does not raise here: it ends the tokens with a `fault`, which the parser raises when it
gets there, so that the first fault from the left is the one that is reported. `A\\b` is an operator, `\\alpha` is LaTeX and a fault.

Numbers are ASCII. `2.*x` is `2 .* x` and `1..n` is `1 .. n`. Names are checked by `names`; `− × · ⋅` are read as `- * *`;
a byte order mark is white space at the start only, a no-break space anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from symgd.errors import FormulaError, SymgdError
from symgd.language.limits import Limits
from symgd.language.names import name_of, refused_character

NUMBER, NAME, OPERATOR, END, FAULT = "number", "name", "operator", "end", "fault"


class Token(NamedTuple):
    """`value` is the text of a number, a name in its normal form, an operator in ASCII, the end (""), or the error of a fault."""

    kind: str
    value: str
    start: int
    end: int
    error: SymgdError | None = None


# One alternative always matches, so a search never starts twice at one place; the groups of numbers are atomic (?>…), without backtracking.
_LATEX = (
    "[Aa]lpha|[Bb]eta|[Gg]amma|[Dd]elta|(?:var)?epsilon|zeta|eta|(?:var)?[Tt]heta|iota|kappa|[Ll]ambda|mu|nu|[Xx]i|[Pp]i|(?:var)?rho"
    "|[Ss]igma|tau|[Uu]psilon|(?:var)?[Pp]hi|chi|[Pp]si|[Oo]mega|[dt]?frac|sqrt|sum|prod|int|partial|nabla|cdot|times|odot|otimes|left|right"
    "|big[lr]?|Big[lr]?|begin|end|text|math(?:rm|bf|bb|cal|sf|it)|operatorname|boldsymbol|bm|hat|bar|tilde|vec|dot|ddot|overline"
    "|log|ln|exp|sin|cos|tan|sinh|cosh|tanh|det|max|min|lim|top|[lr]Vert|[lr]vert|infty|in|leq?|geq?|neq?|to|quad|qquad"
)  # commands, which an operand after `\\` is not taken for
_TOKEN = re.compile(
    rf"""[ \t\r\n\xa0]*(?:
      ((?>[0-9]+(?:\.(?![.*/^]|T(?![\w\x80-\U0010ffff]))[0-9]*)?|\.[0-9]+)(?>(?:[eE][+-]?[0-9]+)?))  # 1 number
    | ([A-Za-z_\x80-\x9f\xa1-\xb6\xb8-\xd6\xd8-\u2211\u2213-\u22c4\u22c6-\U0010ffff]
       [A-Za-z_0-9\x80-\x9f\xa1-\xb6\xb8-\xd6\xd8-\u2211\u2213-\u22c4\u22c6-\U0010ffff]*)            # 2 name, or other characters
    | (\\(?!(?:{_LATEX})(?![A-Za-z]))
      |\*\*|\.\*|\./|\.\^|\.T(?![\w\x80-\U0010ffff])|\.\.|<=|>=|==|!=|<(?!<)|>(?!>)
      |[-+*/@^'()\[\]{{}},;=:\xb7\xd7\u2212\u22c5])  # 3 operator
    | ([^ \t\r\n\xa0])                                                                                # 4 none of these
    | (\Z)                                                                                            # 5
    )""",
    re.VERBOSE,
)
_ASCII = {"−": "-", "×": "*", "·": "*", "⋅": "*", ".T": "'", "**": "**"}

_REPAIRS = {
    '"': "A formula is numbers, names, operators and calls.",
    "\\": "Write alpha for \\alpha; formulas in LaTeX cannot be read yet.",
    "$": "Write the formula without $, in the infix language.",
    "%": "The remainder of x by y is x - y*floor(x/y).",
    "#": "There are no comments in a formula.",
    "?": "Write a conditional as: a if x > 0 else b.",
    "|": "Write abs(x) for |x|, norm2(x) for ||x||.",
    "&": "Write one conditional inside another: (a if x > 0 else b) if y > 0 else b.",
    "!": "Write factorial(n) for n!.",
    "~": "Write a conditional with the opposite comparison.",
    "<": "Write x*2^n for x << n.",
    ">": "Write floor(x/2^n) for x >> n.",
}


def tokens_of(text: str, limits: Limits) -> Iterator[Token]:
    """The tokens of the text, made as they are asked for; the last one is the end or a fault."""
    if not isinstance(text, str):
        raise FormulaError(f"expected a formula as text, found {_described(text)}.", hint='Write it between quotes: "x^2 + 1".')
    if len(text) > limits.characters:
        error = limits.exceeded("characters", f"the text is too long, it has {len(text)} characters")
        raise error.at(text, limits.characters, limits.characters + 1)
    return _scanned(text)


def _scanned(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        group = match.lastindex or 0
        start, end = match.span(group)
        value = text[start:end]
        if group == 3:
            yield Token(OPERATOR, _ASCII.get(value, value), start, end)
        elif group == 1:
            if text[end : end + 1] in _AFTER_NUMBER and (text[end] != "." or text[end + 1 : end + 2].isdigit()):
                yield _fault(_bad_number(text, start, end), text, end, end + 1)
                return
            yield Token(NUMBER, value, start, end)
        elif group == 2:
            try:
                name = value if value.isascii() and value[0] != "_" else name_of(value)
            except FormulaError as error:
                offset, error.position = start + (error.position or 0), None
                yield _fault(error, text, offset, offset + error.length)
                return
            yield Token(NAME, name, start, end)
        elif group == 4:
            yield _fault(_bad_character(text, start), text, start, start + 1)
            return
        else:
            yield Token(END, "", start, end)
            return


_AFTER_NUMBER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.")


def _fault(error: SymgdError, text: str, start: int, end: int) -> Token:
    return Token(FAULT, "", start, end, error.at(text, start, end))


def _described(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _bad_number(text: str, start: int, end: int) -> FormulaError:
    number, after = text[start:end], text[end]
    if after == ".":
        return FormulaError(
            f"unexpected '.': the number {number} goes on with a second decimal point.", hint="Write * between two factors."
        )
    if after == "_":
        return FormulaError(f"unexpected '_' after {number}: digits are not grouped.", hint="Write 1000, not 1_000.")
    if after in "eE":
        return FormulaError(
            f"unexpected '{after}' after {number}: an exponent is missing its digits.", hint=f"Write {number}e3, or {number}*{after}."
        )
    if number == "0" and after in "xXoObB":
        return FormulaError(f"unexpected '{after}' after 0: expected a decimal number.", hint="Numbers are decimal: 31, not 0x1F.")
    return FormulaError(f"unexpected '{after}' after {number}: expected an operator.", hint=f"Write {number}*{after}.")


def _bad_character(text: str, start: int) -> FormulaError:
    character = text[start]
    if character == ".":
        return _bad_point(text, start)
    if character < " " or character == "\x7f":
        return refused_character(character)
    if character == '"':
        return FormulaError("strings are not allowed in a formula.", hint=_REPAIRS['"'])
    pair = text[start : start + 2]
    shown = pair if pair in ("<<", ">>", "&&", "||") else character
    return FormulaError(f"'{shown}' is not allowed in a formula.", hint=_REPAIRS.get(character, ""))


def _bad_point(text: str, start: int) -> FormulaError:
    after = re.compile(r"[A-Za-z_][A-Za-z_0-9]*").match(text, start + 1)
    if after:
        return FormulaError(
            f"attributes such as .{after[0][:30]} are not allowed.", hint="Write a call: f(x). The only attribute is .T, the transpose."
        )
    return FormulaError(
        "unexpected '.': expected an operator or a number.", hint="A decimal point stands beside a digit; .* ./ .^ are elementwise."
    )
