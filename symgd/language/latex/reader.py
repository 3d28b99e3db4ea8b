r"""The way in for LaTeX: a text and the scope of its declarations to the syntax tree of a formula or of a claim.

A formula may be an equation with a fresh head, `f(x) = …`, `L := …`: a definition, whose right side is the formula. Statements before the
last one define names for it, and so does what follows `where`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NoReturn

from symgd.errors import FormulaError, SymgdError
from symgd.language.declarations import Definition
from symgd.language.latex import atoms
from symgd.language.latex.chains import Member, Relation, Statement, prepared, statements_of
from symgd.language.latex.implied import imply
from symgd.language.latex.parser import Parser
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import END, FAULT, SYMBOL
from symgd.language.limits import Limits
from symgd.language.syntax import Binding, Call, Equation, Name, Node

_NO_LIMITS = Limits()
_ASSIGNS = ("=", ":=", "←")
_NOT_CHECKED = {
    "≈": "What holds approximately cannot be checked.",
    "∝": "Write the factor: a claim is an equation.",
    "~": "A distribution is no claim that can be checked.",
    "⇒": "Check each side on its own.",
    "⇔": "Check each side on its own.",
    "∈": r"A declaration stands in given: x[n], x \in \mathbb{R}^n.",
}


def parse_formula(text: str, limits: Limits = _NO_LIMITS, scope: Scope | None = None) -> Node:
    r"""The syntax tree of one formula. Definitions in the text go into the scope. Raises `FormulaError` or `LimitError`, placed.

    >>> parse_formula(r"\frac12 x^2").rest[0][0]
    '*'
    """
    scope = scope or Scope()
    statement = _main(text, limits, scope)
    members, relations = statement.members, statement.relations
    if not relations:
        return _member(members[0], text, limits, scope)
    sign = relations[0]
    if len(relations) == 1 and sign.sign in _ASSIGNS:
        head = head_of(members[0], scope)
        if head is not None and (sign.sign == "←" or is_fresh(head[0], scope)):
            return _member(members[1], text, limits, scope)
    _refuse_relation(text, members, relations, scope)


def parse_claim(text: str, limits: Limits = _NO_LIMITS, scope: Scope | None = None) -> Equation:
    r"""The syntax tree of one equation; one with a fresh head defines it, and has the right side on both sides.

    An index that nothing binds, the j of \frac{\partial L}{\partial w_j} = …, stands for each of its values.
    """
    scope = scope or Scope()
    statement = _main(text, limits, scope)
    members, relations = statement.members, statement.relations
    if not relations:
        end = members[0].end
        raise FormulaError("missing '=': a claim is an equation, left = right.", hint="Write what the left side equals.").at(text, end, end)
    if len(relations) > 1 or relations[0].sign not in _ASSIGNS:
        _refuse_relation(text, members, relations, scope, claim=True)
    scope.frees = True
    head = head_of(members[0], scope)
    if head is not None and not scope.in_document and (relations[0].sign != "=" or is_fresh(head[0], scope)):
        right = _member(members[1], text, limits, scope)
        scope.defines = text[members[0].start : members[0].end]
        return Equation(right, right, members[0].start, right.end)
    left = _member(members[0], text, limits, scope)
    right = _member(members[1], text, limits, scope)
    if scope.free:
        left, right = (_for_every(scope, side) for side in (left, right))
    return Equation(left, right, members[0].start, members[1].end)


def links_of(text: str, limits: Limits = _NO_LIMITS) -> tuple[str, ...]:
    """The equations `a = b`, `b = c` of a text that is one chain a = b = c; nothing where it is anything else.

    Each has the length of the text up to its end, so that places in it are places in the text.
    """
    try:
        statements = statements_of(prepared(text, limits), text)
    except SymgdError:
        return ()  # the error is raised where the claim is read
    if len(statements) != 1 or len(statements[0].relations) < 2 or any(r.sign != "=" for r in statements[0].relations):
        return ()
    members = statements[0].members
    found = []
    for left, right in pairwise(members):
        blank = [" "] * right.end
        for member in (left, right):
            blank[member.start : member.end] = member.text
        blank[left.end : right.start] = "=".center(right.start - left.end)
        found.append("".join(blank))
    return tuple(found)


def _for_every(scope: Scope, side: Node) -> Node:
    """The side as an array over the indices that nothing binds."""
    letters = tuple(Binding(name, None, None, node.start, node.end) for name, node in scope.free.items())
    return Call("array", (*letters, side), (), side.start, side.end)


def _main(text: str, limits: Limits, scope: Scope) -> Statement:
    """The statement that is meant; those that define names for it go into the scope."""
    tokens = prepared(text, limits, scope.macros)
    scope.fonts.note(tokens)
    if len(tokens) > limits.nodes:
        raise limits.exceeded("nodes", "the formula is too long").at(text, tokens[limits.nodes].start, tokens[limits.nodes].end)
    statements = statements_of(tokens, text)
    if not statements:
        last = tokens[-1]
        if last.kind == FAULT and last.error:
            raise last.error
        at = tokens[0].start if tokens[0].kind == END else 0
        raise FormulaError("empty formula: expected a value.", hint="Write one, such as x^2 + 1.").at(text, at, at + 1)
    plain = [s for s in statements if s.word != "where"]
    if not plain:
        first = statements[0]
        raise FormulaError("the formula is missing before its condition: expected a value.").at(text, first.start, first.end)
    main = _chosen(plain, scope)
    others = [s for s in statements if s is not main]
    for statement in others:
        _announce(statement, text, scope)
    imply([[t for t in member.tokens if t.kind not in (END, FAULT)] for member in main.members], text, scope, bool(main.relations))
    for statement in others:
        if not _is_domain(statement):
            _define(statement, text, limits, scope)
    return main


def _chosen(statements: list[Statement], scope: Scope) -> Statement:
    """The last statement; where all define names, the one whose name no other uses."""
    if len(statements) > 1 and all(_defines(statement, scope) for statement in statements):
        heads = [s.members[0].tokens[0].value for s in statements]
        used = [{t.value for other in statements if other is not s for m in other.members[1:] for t in m.tokens} for s in statements]
        free = [s for s, head, names in zip(statements, heads, used) if head not in names]
        if len(free) == 1:
            return free[0]
    return statements[-1]


def _defines(statement: Statement, scope: Scope) -> bool:
    return len(statement.relations) == 1 and statement.relations[0].sign in _ASSIGNS and head_of(statement.members[0], scope) is not None


def _is_domain(statement: Statement) -> bool:
    """`f : \\mathbb{R}^2 \\to \\mathbb{R}`."""
    tokens = statement.members[0].tokens
    return any(t.kind == SYMBOL and t.value == ":" for t in tokens) and [r.sign for r in statement.relations] == ["→"]


def _announce(statement: Statement, text: str, scope: Scope) -> None:
    """Note the name that a statement defines, before any body is read: they may use each other."""
    if _is_domain(statement):
        scope.warn(f"{_shown(text, statement)} is not read: it says where the function is defined.")
        return
    head = head_of(statement.members[0], scope) if statement.relations else None
    if head is None or len(statement.relations) != 1 or statement.relations[0].sign not in ("=", ":="):
        reason = "unexpected statement beside another one: only definitions may stand there."
        hint = "Write one formula or claim at a time; check_document reads several."
        raise FormulaError(reason, hint=hint).at(text, statement.start, statement.end)
    name, parameters, family = head
    if not is_fresh(name, scope):
        raise FormulaError(f"'{name}' is defined here, and declared already.", hint="Keep one of the two.").at(
            text, statement.start, statement.end
        )
    scope.heads[id(statement)] = head
    scope.declared[name] = Definition(name, parameters, Name(name, statement.start, statement.end), text)
    scope.local.add(name)
    if family:
        scope.families.add(name)


def _define(statement: Statement, text: str, limits: Limits, scope: Scope) -> None:
    name, parameters, _ = scope.heads[id(statement)]
    scope.declared[name] = definition(name, parameters, statement.members[1], text, limits, scope)


def definition(name: str, parameters: tuple[str, ...], body: Member, text: str, limits: Limits, scope: Scope) -> Definition:
    """The definition of a name, with its body read."""
    with scope.binding(*parameters):
        return Definition(name, parameters, _member(body, text, limits, scope), text)


def _member(member: Member, text: str, limits: Limits, scope: Scope) -> Node:
    if len(member.tokens) == 1 and member.tokens[0].kind == END:
        raise FormulaError("empty side: expected a value beside the relation.", hint="Write both sides.").at(text, member.start, member.end)
    return Parser(list(member.tokens), text, limits, scope).whole()


def is_fresh(name: str, scope: Scope) -> bool:
    return not scope.knows(name)


def head_of(member: Member, scope: Scope) -> tuple[str, tuple[str, ...], bool] | None:
    """The name, the parameters and whether they stand as indices, where the member is `L`, `f(x, y)` or `t_i`; None where it is more."""
    tokens = [t for t in member.tokens if t.kind != END]
    if not tokens or not atoms.is_name(tokens[0]) or any(t.kind == FAULT for t in tokens):
        return None
    name = scope.resolve(tokens[0])
    if name == "D" and not scope.knows("D") and len(tokens) > 1 and tokens[1].value == "_" and tokens[-1].value == ")":
        return None  # D_u f(P) without its f
    at, family = 1, False
    parameters: list[str] = []
    while at < len(tokens) and tokens[at].kind == SYMBOL and tokens[at].value in ("_", "^"):
        mark, first = tokens[at].value, at + 1
        if first >= len(tokens):
            return None
        last = first + 1
        if tokens[first].value == "{":
            last = next((k for k in range(first, len(tokens)) if tokens[k].value == "}"), len(tokens))
            content, last = tokens[first + 1 : last], last + 1
        else:
            content = tokens[first:last]
        at = last
        if mark == "^" and [t.value for t in content] in (["*"], [r"\star"]):
            name += "_star"
            continue
        suffix = atoms._suffix(content)
        parameters_of = scope.parameters(name)
        if mark == "^" or not suffix or (parameters_of and all(scope.resolve(t) in parameters_of for t in content if atoms.is_name(t))):
            return None  # f_x is the derivative of a known f
        if (
            len(content) == 1
            and content[0].kind == "letter"
            and not scope.knows(f"{name}_{suffix}")
            and content[0].value in "ijklnmk"
            and at == len(tokens)
        ):
            parameters, family = [suffix], True
        else:
            name = f"{name}_{suffix}"
    if at < len(tokens) and not parameters:
        inner = [t for t in tokens[at + 1 : -1] if t.value not in ("{", "}")]
        if tokens[at].value != "(" or tokens[-1].value != ")":
            return None
        names = inner[::2]
        if not inner or len(inner) % 2 == 0 or any(t.value not in (",", ";") for t in inner[1::2]) or not all(map(atoms.is_name, names)):
            return None
        if not is_fresh(name, scope) and scope.parameters(name) is None:
            return None
        parameters = [scope.resolve(t) for t in names]
    if family and is_fresh(name, scope):
        return name, tuple(parameters), True
    return (f"{name}_{parameters[0]}", (), False) if family else (name, tuple(parameters), False)


def _refuse_relation(
    text: str, members: tuple[Member, ...], relations: tuple[Relation, ...], scope: Scope, claim: bool = False
) -> NoReturn:
    # What a side itself cannot be read for comes first: it stands further left.
    Parser(list(members[0].tokens), text, Limits(), scope).whole() if members[0].start < members[0].end else None
    place = relations[0] if relations[0].sign not in _ASSIGNS or len(relations) == 1 else relations[1]
    told = f"'{place.text}'"
    if place.sign in ("=", ":="):
        if len(relations) > 1:
            raise FormulaError(f"unexpected {told}: expected one '=' only.", hint="Check a chain of equations with symgd.check_chain.").at(
                text, place.start, place.end
            )
        reason, hint = f"unexpected {told}: an equation is a claim, not a value.", "Check it with symgd.check."
    else:
        reason = f"unexpected {told}: only an equation can be checked." if claim else f"unexpected {told}: a relation is not a value."
        hint = _NOT_CHECKED.get(place.sign, "A claim is an equation, with =." if claim else "Write one value.")
    raise FormulaError(reason, hint=hint).at(text, place.start, place.end)


def _shown(text: str, statement: Statement) -> str:
    return " ".join(text[statement.start : statement.end].split())[:60]
