"""Names and calls of names among the tokens of a formula, before it is parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgd.language.declarations import Definition, Variable
from symgd.language.latex import atoms, reader
from symgd.language.latex.chains import Member, Statement
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import END, FAULT, SYMBOL, Token
from symgd.language.limits import Limits
from symgd.verify.document import infix_statements


def name_at(tokens: Sequence[Token], k: int, scope: Scope) -> tuple[str, int] | None:
    """The name that begins at token k, with its subscript, and the place behind it."""
    if k >= len(tokens) or not atoms.is_name(tokens[k]) or tokens[k].kind == FAULT:
        return None
    name, at = scope.resolve(tokens[k]), k + 1
    if at + 1 < len(tokens) and tokens[at].kind == SYMBOL and tokens[at].value == "_":
        if tokens[at + 1].value == "{":
            close = next((j for j in range(at + 2, len(tokens)) if tokens[j].value == "}"), len(tokens))
            suffix, after = atoms.suffix_of(list(tokens[at + 2 : close])), close + 1
        else:
            suffix, after = atoms.suffix_of([tokens[at + 1]]), at + 2
        if suffix:
            return f"{name}_{suffix}", min(after, len(tokens))
    return name, at


def single_name(statement: Statement, scope: Scope) -> str | None:
    """The name that a statement consists of, or begins a relation with."""
    tokens = [t for t in statement.members[0].tokens if t.kind != END]
    found = name_at(tokens, 0, scope)
    return found[0] if found and found[1] == len(tokens) else None


def calls(tokens: Sequence[Token], scope: Scope) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Calls of names with names: f(x, y)."""
    for k in range(len(tokens)):
        head = name_at(tokens, k, scope)
        if head is None or head[1] >= len(tokens) or tokens[head[1]].value != "(":
            continue
        at, names = head[1] + 1, list[str]()
        while (found := name_at(tokens, at, scope)) is not None and found[1] < len(tokens):
            names.append(found[0])
            at = found[1]
            if tokens[at].value == ")":
                yield head[0], tuple(names)
                break
            if tokens[at].value not in (",", ";"):
                break
            at += 1


def names_in(member: Member, syntax: str, scope: Scope, limits: Limits) -> tuple[str, ...]:
    """The names that a member uses, as far as tokens tell."""
    if syntax == "infix":
        return tuple(token.value for token in infix_statements.names_in(member, limits))
    found: list[str] = []
    for k, token in enumerate(member.tokens):
        named = name_at(member.tokens, k, scope)
        if named:
            found += [named[0], scope.resolve(token)]
    return tuple(dict.fromkeys(found))


def head_of(member: Member, syntax: str, scope: Scope, limits: Limits) -> tuple[str, tuple[str, ...], bool] | None:
    """The name and the parameters that a member could define, and whether they stand as indices."""
    if syntax == "infix":
        found = infix_statements.head_of(member, limits)
        return (*found, False) if found else None
    head = reader.head_of(member, scope)
    if head is None and (call := next(calls(member.tokens, scope), None)) is not None and _is_array(call[0], scope):
        trial = scope.copy()
        del trial.declared[call[0]]
        head = reader.head_of(member, trial)  # p(x) is no product with an array p
        return head if head is not None and head[1] else None
    return head


def _is_array(name: str, scope: Scope) -> bool:
    """Does the name stand for an array, or for a formula without parameters?"""
    found = scope.declared.get(name)
    return bool(found.shape) if isinstance(found, Variable) else isinstance(found, Definition) and not found.parameters
