"""A block in the infix language to its statements: one a line; a line that begins with = goes on with the chain.

given: A[m,n], x[n], b[m]          # declares
f(w) = norm2(A*w - b)^2            # a fresh name is defined
grad(f(x), x)
  = 2*A'*(A*x - b)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from symgd.language.latex.chains import Member, Relation, Statement
from symgd.language.limits import Limits
from symgd.language.tokens import FAULT, NAME, OPERATOR, Token, tokens_of

_GIVEN = re.compile(r"[ \t]*given[ \t]*:")
_COMMENT = re.compile(r"#[^\n]*")
_RELATIONS = ("=", "<", ">", "<=", ">=", "!=", "==")


def blocks(text: str) -> Iterator[tuple[bool, int, int]]:
    """The statements and the declarations of a block: whether it is a declaration, and where its text begins and ends."""
    start: int | None = None
    end = depth = 0
    for line in re.finditer(r"[^\n]+", text):
        written = _COMMENT.sub("", line[0])
        stripped = written.strip()
        given = _GIVEN.match(written)
        goes_on = start is not None and (depth > 0 or stripped.startswith("="))
        if start is not None and not goes_on:
            yield False, start, end
            start, depth = None, 0
        if given:
            yield True, line.start() + given.end(), line.start() + len(written)
        elif stripped:
            start = line.start() + written.index(stripped[0]) if start is None else start
            end = line.start() + len(written.rstrip())
            depth += sum(written.count(c) for c in "([") - sum(written.count(c) for c in ")]")
    if start is not None:
        yield False, start, end


def statement(text: str, start: int, end: int, limits: Limits) -> Statement:
    """The members of a statement and the relations between them, cut outside brackets; an empty member begins what starts with =."""
    blank = _COMMENT.sub(lambda comment: " " * len(comment[0]), text[:end])
    depth, relations, cuts = 0, list[Relation](), [start]
    for token in list(tokens_of(blank[start:], limits)):
        if token.kind == FAULT:
            break
        if token.kind == OPERATOR:
            depth += (token.value in "([") - (token.value in ")]")
            if depth == 0 and token.value in _RELATIONS:
                relations.append(Relation(token.value, token.value, start + token.start, start + token.end))
                cuts.append(start + token.end)
    members = []
    for k, begins in enumerate(cuts):
        ends = relations[k].start if k < len(relations) else end
        written = blank[begins:ends]
        stripped = written.strip()
        at = begins + (written.index(stripped[0]) if stripped else 0)
        members.append(Member((), stripped, at, at + len(stripped)))
    return Statement(tuple(members), tuple(relations))


def head_of(member: Member, limits: Limits) -> tuple[str, tuple[str, ...]] | None:
    """The name and the parameters of `f(x, y)` or `L`; None where the member is more."""
    tokens = [token for token in tokens_of(member.text, limits) if token.kind in (NAME, OPERATOR, FAULT) or token.value]
    if not tokens or tokens[0].kind != NAME:
        return None
    if len(tokens) == 1:
        return tokens[0].value, ()
    inner = tokens[2:-1]
    if tokens[1].value != "(" or tokens[-1].value != ")" or len(inner) % 2 == 0:
        return None
    if any(t.kind != NAME for t in inner[::2]) or any(t.value != "," for t in inner[1::2]):
        return None
    return tokens[0].value, tuple(t.value for t in inner[::2])


def names_in(member: Member, limits: Limits) -> list[Token]:
    return [token for token in tokens_of(member.text, limits) if token.kind == NAME]
