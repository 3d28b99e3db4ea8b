r"""Entries: `x_i`, `A_{ij}`, `A_{i,j+1}`, `x^{(i)}`, rows `\mathbf{x}_i` of a matrix, and entries at a variable, `z_y`."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.declarations import Variable
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.syntax import Call, Comparison, Conditional, Index, Name, Node, Number

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

Span = tuple[int, int]


def entry(p: Parser, base: Node, span: Span, start: int, rank: int | None, before: tuple[Node, ...] = ()) -> Task[Node]:
    """The entry of the base at the subscript, after the indices `before`; with one index less than axes, the row as a column vector."""
    indices: list[Node] = list(before)
    for part in _parts(p, span, None if rank is None else rank - len(before)):
        node: Node = yield p.within(*part, what="an index")
        indices.append(node)
    return entry_at(p, base, indices, start, rank)


def entry_at(p: Parser, base: Node, indices: list[Node], start: int, rank: int | None) -> Node:
    end = p.end
    chosen: list[tuple[str, Node]] = []
    written: list[Node] = []
    for index in indices:
        if isinstance(index, Name) and _is_variable(p, index.name):
            letter = p.scope.fresh()
            chosen.append((letter, index))
            written.append(Name(letter, index.start, index.end))
        else:
            written.append(index)
            _note_free(p, index)
    axis = p.scope.fresh() if rank is not None and rank == len(indices) + 1 else ""
    if axis:
        written.append(Name(axis, start, end))
    node: Node = p.set(Index(base, tuple(written), start, end))
    for letter, index in chosen:
        found = Comparison("==", index.start, Name(letter, index.start, index.end), index, index.start, index.end)
        only = Conditional(node, found, Number(Fraction(0), start, end), start, end)
        node = p.set(Call("sum", (Name(letter, start, end), only), (), start, end))
        p.scope.warn(f"{p.source(start, end)} is read as the entry whose number is the value of {p.source(index.start, index.end)}.")
    return p.set(Call("array", (Name(axis, start, end), node), (), start, end)) if axis else node


def _is_variable(p: Parser, name: str) -> bool:
    found = p.scope.declared.get(name)
    return isinstance(found, Variable) and not found.shape and name not in p.scope.sizes and not p.scope.is_bound(name)


def _note_free(p: Parser, index: Node) -> None:
    """An index that no sum binds: of a claim, it is meant for every value."""
    if p.scope.frees and isinstance(index, Name) and not p.scope.knows(index.name):
        p.scope.free.setdefault(index.name, index)


def _parts(p: Parser, span: Span, rank: int | None) -> list[Span]:
    """The parts of a subscript: at its commas; without commas, its letters and digits side by side where there are as many axes."""
    start, stop = span
    tokens = p.tokens[start:stop]
    cuts, depth = [], 0
    for k, token in enumerate(tokens):
        if token.kind == SYMBOL:
            depth += (token.value in ("{", "(", "[")) - (token.value in ("}", ")", "]"))
            if token.value == "," and depth == 0:
                cuts.append(start + k)
    if cuts:
        ends = [start - 1, *cuts, stop]
        return [(a + 1, b) for a, b in pairwise(ends)]
    if rank == 1 or not all(is_simple(token) for token in tokens):
        return [span]
    if len(tokens) == 1 and tokens[0].kind == NUMBER and rank == len(tokens[0].value):
        return _digits(p, start)
    letters = rank is None and all(token.kind == LETTER for token in tokens)
    return [(start + k, start + k + 1) for k in range(len(tokens))] if len(tokens) > 1 and (rank == len(tokens) or letters) else [span]


def _digits(p: Parser, at: int) -> list[Span]:
    """The digits of `A_{12}`, put behind the tokens of the text, one by one."""
    token = p.tokens[at]
    found = []
    for k, digit in enumerate(token.value):
        p.tokens.append(Token(NUMBER, digit, token.start + k, token.start + k + 1))
        found.append((len(p.tokens) - 1, len(p.tokens)))
    p.tokens.append(p.tokens[p.stop] if p.tokens[p.stop].kind == "end" else Token("end", "", token.end, token.end))
    return found


def is_simple(token: Token) -> bool:
    return token.kind in (LETTER, NUMBER, WORD) or (token.kind == COMMAND and token.value[1:] in GREEK)
