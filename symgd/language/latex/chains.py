r"""A text of LaTeX to its statements: chains of members with relations between them, each with its place.

    f(x) &= (x+1)^2 \\ &= x^2 + 2x + 1        one statement, three members, two relations
    f(x) = x^2, \quad f'(x) = 2x              two statements
    x^2 \quad \text{where } x = w - 1         a statement with a condition

Dollar signs, `\[ \]`, the environments equation, align, eqnarray, gather, multline and split around it, `&`, `\\`, `\tag`, `\label`, and
the comma or full stop of the sentence are no part of a statement. A line that begins with a relation goes on with the chain, one that
begins with + or - with the member. A relation other than = is reported as what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from symgd.errors import FormulaError
from symgd.language.latex.macros import Macro, expanded
from symgd.language.latex.names import dressed
from symgd.language.latex.symbols import DOTS, RELATIONS
from symgd.language.latex.tokens import COMMAND, END, FAULT, NUMBER, SYMBOL, WORD, Token, tokens_of
from symgd.language.limits import Limits

_NO_LIMITS = Limits()
_LINES = frozenset(
    name + star
    for name in ("align", "aligned", "eqnarray", "gather", "gathered", "multline", "split", "alignat", "alignedat", "flalign")
    for star in ("", "*")
)
_WRAPPERS = frozenset(("equation", "equation*", "displaymath", "math", "subequations"))
WHERE = frozenset(("where", "with", "wobei", "mit", "for", "für", "if", "when", "let", "given"))
_JOINS = frozenset(("and", "so", "hence", "thus", "then", "therefore", "i.e.", "or", "und", "also", "da", "since", "because", "that is"))
_OPENING = frozenset(("(", "[", r"\{", "{", r"\langle", r"\lfloor", r"\lceil", r"\begin"))
_CLOSING = frozenset((")", "]", r"\}", "}", r"\rangle", r"\rfloor", r"\rceil", r"\end"))


@dataclass(frozen=True, slots=True)
class Relation:
    """What stands between two members: the sign in one spelling (`=`, `<=`, `≈`, `∈`, …), as it is written, and where."""

    sign: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Member:
    """One side of a relation: its tokens, its text without `&` and line breaks, and its place; `text[start:end]` is where it was."""

    tokens: tuple[Token, ...]
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A chain: members with one relation between each and the next. `word` is what introduces it: `where`, or nothing."""

    members: tuple[Member, ...]
    relations: tuple[Relation, ...]
    word: str = ""

    @property
    def start(self) -> int:
        return self.members[0].start

    @property
    def end(self) -> int:
        return self.members[-1].end


def prepared(text: str, limits: Limits, macros: Mapping[str, Macro] | None = None) -> list[Token]:
    """The tokens with macros expanded, fonts and accents on their names, and digits as TeX takes them."""
    return _digits(dressed(expanded(tokens_of(text, limits), text, limits, macros), text))


def parse_chain(text: str, limits: Limits = _NO_LIMITS) -> tuple[Statement, ...]:
    r"""The statements of a text, in order.

    >>> for statement in parse_chain(r"\begin{aligned} y &= (x+1)^2 \\ &= x^2 + 2x + 1 \ge 0 \end{aligned}"):
    ...     print([member.text for member in statement.members], [relation.sign for relation in statement.relations])
    ['y', '(x+1)^2', 'x^2 + 2x + 1', '0'] ['=', '=', '>=']
    """
    return statements_of(prepared(text, limits), text)


def statements_of(tokens: list[Token], text: str) -> tuple[Statement, ...]:
    return tuple(_Splitter(tokens, text).statements())


def _digits(tokens: list[Token]) -> list[Token]:
    """\\frac12 is \\frac{1}{2}: of a number without braces, a command takes the first digit."""
    found: list[Token] = []
    needs = [0]  # arguments that are still to come, in every open group
    waiting = list(reversed(tokens))
    while waiting:
        token = waiting.pop()
        found.append(token)
        if token.kind == SYMBOL and token.value == "}" and len(needs) > 1:
            needs.pop()
            continue
        is_needed = needs[-1] > 0
        needs[-1] -= is_needed
        if token.kind == SYMBOL and token.value == "{":
            needs.append(0)
        elif token.kind == COMMAND:
            needs[-1] += {r"\frac": 2, r"\binom": 2, r"\sqrt": 1}.get(token.value, 0)
        elif is_needed and token.kind == SYMBOL and token.value == "[":
            needs[-1] = 0
        elif is_needed and token.kind == NUMBER and len(token.value) > 1:
            cut = token.start + 1
            found[-1] = replace(token, value=token.value[0], end=cut)
            waiting.append(replace(token, value=token.value[1:], start=cut, glued=True))
    return found


class _Splitter:
    def __init__(self, tokens: list[Token], text: str) -> None:
        self.tokens, self.text = tokens, text
        self.last = tokens[-1]

    def fail(self, token: Token, reason: str, hint: str) -> NoReturn:
        if self.last.kind == FAULT and self.last.error:
            raise self.last.error
        raise FormulaError(reason, hint=hint).at(self.text, token.start, token.end)

    def statements(self) -> Iterator[Statement]:
        start, stop, lines = self.unwrapped(0, len(self.tokens) - 1)
        groups: list[tuple[str, list[Token]]] = []
        for row in self.rows(start, stop, lines):
            for word, piece in self.pieces(row, lines):
                if groups and self.goes_on(piece, groups[-1][1], lines):
                    groups[-1][1].extend(piece)
                else:
                    groups.append((word, list(piece)))
        for word, piece in groups:
            yield self.statement(word, piece)

    # ---- what stands around

    def unwrapped(self, start: int, stop: int) -> tuple[int, int, bool]:
        """The tokens inside what stands around all of them; and whether they are lines."""
        lines = False
        while True:
            stop = self.without_punctuation(start, stop)
            if start >= stop:
                return start, stop, lines
            token = self.tokens[start]
            if token.value == "$" and token.kind == SYMBOL:
                start, stop = self.dollars(start, stop)
            elif token.value in (r"\[", r"\(") and token.kind == COMMAND:
                closing = {r"\[": r"\]", r"\(": r"\)"}[token.value]
                for k in range(start + 1, stop):
                    if self.tokens[k].value in (r"\]", r"\)") and self.tokens[k].kind == COMMAND:
                        break
                else:
                    self.fail(token, f"missing '{closing}': this '{token.value}' is never closed.", f"Write '{closing}' where it ends.")
                if self.tokens[k].value != closing:
                    self.fail(self.tokens[k], f"unexpected '{self.tokens[k].value}': expected '{closing}'.", "")
                if k != stop - 1:
                    self.fail(self.tokens[k + 1], f"unexpected text after '{closing}': expected the end.", "Write one formula at a time.")
                start, stop = start + 1, stop - 1
            elif token.value == r"\begin" and (inner := self.environment(start, stop)) is not None:
                start, stop, is_lines = inner
                lines = lines or is_lines
            else:
                return start, stop, lines

    def without_punctuation(self, start: int, stop: int) -> int:
        while (
            stop > start
            and self.tokens[stop - 1].kind in (SYMBOL, COMMAND)
            and self.tokens[stop - 1].value in (".", ",", ";", r"\\", r"\quad")
        ):
            if self.tokens[stop - 1].sized or (stop - 2 >= start and self.tokens[stop - 2].value == self.tokens[stop - 1].value == ","):
                break
            if stop - 1 == start:
                break
            stop -= 1
        return stop

    def dollars(self, start: int, stop: int) -> tuple[int, int]:
        double = start + 1 < stop and self.tokens[start + 1].value == "$" and self.tokens[start + 1].glued
        size = 2 if double else 1
        ends = [k for k in range(start + size, stop) if self.tokens[k].value == "$" and self.tokens[k].kind == SYMBOL]
        sign = "$" * size
        if len(ends) != size or ends[-1] != stop - 1:
            if len(ends) > size:
                self.fail(self.tokens[ends[size]], "unexpected '$': expected one formula.", "Write one formula at a time.")
            self.fail(self.tokens[start], f"missing '{sign}': this '{sign}' is never closed.", f"Write '{sign}' where the formula ends.")
        return start + size, stop - size

    def environment(self, start: int, stop: int) -> tuple[int, int, bool] | None:
        """The content of an environment that is the whole; None where it is a part of a formula."""
        name, inside = self.name(start)
        is_lines = name in _LINES
        if not is_lines and name not in _WRAPPERS and name != "matrix":
            return None
        depth = 0
        for k in range(inside, stop):
            if self.tokens[k].kind != COMMAND:
                continue
            depth += (self.tokens[k].value == r"\begin") - (self.tokens[k].value == r"\end")
            if depth < 0:
                break
        else:
            self.fail(
                self.tokens[start], rf"missing \end{{{name}}}: this environment is never closed.", rf"Write \end{{{name}}} where it ends."
            )
        written, after = self.name(k)
        if written != name:
            self.fail(
                self.tokens[k],
                rf"unexpected \end{{{written[:30]}}}: expected \end{{{name}}}.",
                "An environment ends under the name it begins with.",
            )
        if after != stop:
            return None
        if name == "matrix" and not self.has_relation(inside, k):
            return None
        return inside, k, is_lines or name == "matrix"

    def has_relation(self, start: int, stop: int) -> bool:
        return any(t.kind == SYMBOL and t.value == "=" and d == 0 for t, d in self.deep(self.tokens[start:stop]))

    def name(self, at: int) -> tuple[str, int]:
        """The name of the environment that begins or ends at `at`, and the place behind it."""
        if self.tokens[at + 1].value != "{":
            return "", at + 1
        end = at + 2
        while end < len(self.tokens) - 1 and self.tokens[end].value != "}":
            end += 1
        name = "".join(t.value for t in self.tokens[at + 2 : end])
        if name in ("alignat", "alignat*", "alignedat") and self.tokens[at].value == r"\begin" and self.tokens[end + 1].value == "{":
            end += 1
            while end < len(self.tokens) - 1 and self.tokens[end].value != "}":
                end += 1
        return name, end + 1

    # ---- lines and pieces

    def deep(self, tokens: list[Token]) -> Iterator[tuple[Token, int]]:
        """Each token with the number of brackets around it; of a closing bracket, that inside it."""
        depth = 0
        for token in tokens:
            if token.kind in (SYMBOL, COMMAND) and (token.value in _OPENING or (token.sized and token.side == "l")):
                depth += 1
                yield token, depth
            elif token.kind in (SYMBOL, COMMAND) and (token.value in _CLOSING or (token.sized and token.side == "r")):
                yield token, depth
                depth = max(depth - 1, 0)
            else:
                yield token, depth

    def rows(self, start: int, stop: int, lines: bool) -> Iterator[list[Token]]:
        row: list[Token] = []
        skip = 0
        part = self.tokens[start:stop]
        for k, (token, depth) in enumerate(self.deep(part)):
            if skip > 0:
                skip -= 1
            elif token.kind == COMMAND and token.value == r"\\" and depth == 0:
                skip = self.length(part, k)
                if row:
                    yield row
                row = []
            elif lines and token.kind == SYMBOL and token.value == "&" and depth == 0:
                continue
            else:
                row.append(token)
        if row:
            yield row

    def length(self, part: list[Token], k: int) -> int:
        """How many tokens the length of a line break takes, as in \\\\[2pt]."""
        if k + 1 < len(part) and part[k + 1].value == "[" and part[k + 1].glued:
            for j in range(k + 2, min(k + 9, len(part))):
                if part[j].value == "]" and "".join(t.value for t in part[j - 2 : j]) in ("pt", "em", "ex", "mm", "cm", "in"):
                    return j - k
        return 0

    def pieces(self, row: list[Token], lines: bool) -> Iterator[tuple[str, list[Token]]]:
        """The statements of one line, cut at commas and wide spaces outside brackets, each with the word before it."""
        piece: list[Token] = []
        word = ""
        cut_by: Token | None = None
        found: list[tuple[str, list[Token]]] = []
        for token, depth in self.deep(row):
            value = " ".join(token.value.split()).strip(" ,.:;").lower() if token.kind == WORD else ""
            is_word = (
                depth == 0
                and token.kind == WORD
                and token.head not in (r"\operatorname", r"\mathrm")
                and (value in WHERE or value in _JOINS or not value)
            )
            is_cut = depth == 0 and token.kind in (SYMBOL, COMMAND) and token.value in (",", ";", r"\quad")
            if is_word or is_cut:
                if piece:
                    found.append((word, piece))
                    word, piece = "", []
                elif token.value in (",", ";") and (cut_by is not None or not found):
                    self.fail(
                        token, f"unexpected '{token.value}': expected a formula before it.", "Write one statement between two commas."
                    )
                cut_by = token if token.value in (",", ";") else cut_by
                if is_word and value in WHERE:
                    word = "where"
                continue
            if token.kind == COMMAND and token.value == r"\quad":
                continue
            cut_by = None
            piece.append(token)
        if piece:
            found.append((word, piece))
        yield from found

    def goes_on(self, piece: list[Token], before: list[Token], lines: bool) -> bool:
        """Does the piece go on with the statement before it?"""
        first, last = piece[0], before[-1]
        if first.kind not in (SYMBOL, COMMAND):
            return last.kind in (SYMBOL, COMMAND) and (last.value in RELATIONS or last.value in DOTS or last.value in ("+", "-", "/"))
        is_sign = first.value in RELATIONS or first.value in DOTS or first.value in ("+", "-", "/")
        return is_sign or (
            last.kind in (SYMBOL, COMMAND) and (last.value in RELATIONS or last.value in ("+", "-", "/") or last.value in DOTS)
        )

    # ---- statements

    def statement(self, word: str, piece: list[Token]) -> Statement:
        sides: list[list[Token]] = [[]]
        relations: list[Relation] = []
        for token, depth in self.deep(piece):
            sign = RELATIONS.get(token.value) if token.kind in (SYMBOL, COMMAND) and not depth else None
            if sign is None:
                sides[-1].append(token)
                continue
            if sign == "=" and sides[-1] and sides[-1][-1].value == ":" and sides[-1][-1].kind == SYMBOL:
                sides[-1].pop()
                sign = ":="
            if not sides[-1] and relations and relations[-1].sign in ("<", ">", "=") and sign == "=":
                relations[-1] = replace(relations[-1], sign=relations[-1].sign + "=", end=token.end)
                continue
            relations.append(Relation(sign, self.text[token.start : token.end], token.start, token.end))
            sides.append([])
        at = [relation.start for relation in relations]
        ends = [relation.end for relation in relations]
        members = []
        for k, side in enumerate(sides):
            while side and side[-1].kind == SYMBOL and side[-1].value in (".", ",", ";") and not side[-1].sized and len(side) > 1:
                side.pop()
            empty = ends[k - 1] if k else at[0] if at else 0
            members.append(self.member(side, empty))
        return Statement(tuple(members), tuple(relations), word)

    def member(self, side: list[Token], empty: int) -> Member:
        if not side:
            return Member((Token(END, "", empty, empty),), "", empty, empty)
        start, end = min(t.start for t in side), max(t.end for t in side)
        closed = self.last if self.last.kind == FAULT and side[-1] is self.tokens[-2] else Token(END, "", end, end)
        return Member((*side, closed), self.blanked(start, end), start, end)

    def blanked(self, start: int, end: int) -> str:
        """The text of a member, with spaces for `&` and line breaks between its tokens."""
        written = self.text[start:end]
        if "&" not in written and r"\\" not in written:
            return written
        characters = list(written)
        for token, depth in self.deep([t for t in self.tokens if start <= t.start < end]):
            if depth == 0 and token.value in ("&", r"\\") and token.kind in (SYMBOL, COMMAND):
                characters[token.start - start : token.end - start] = " " * (token.end - token.start)
        return "".join(characters)
