"""What the sides of an equation look like: a value, zero, a derivative, a step from one iterate to the next."""

from __future__ import annotations

import re
from dataclasses import replace

from symgd.language.declarations import Definition
from symgd.language.latex.chains import Member
from symgd.language.latex.scope import Scope
from symgd.language.latex.tokens import COMMAND, END
from symgd.language.limits import Limits
from symgd.language.syntax import Binding, Call, Index, Name, nodes_of
from symgd.verify.document import infix_statements
from symgd.verify.document.entries import Place, Stated
from symgd.verify.document.heads import name_at

_ALLOWED = (r"\frac", r"\pi", r"\sqrt", r"\top", r"\begin", r"\end", r"\\", r"\dots")
_LAYOUT = re.compile(r"\\(?:begin|end)\{[a-zA-Z]*matrix\*?\}|\\(?:frac|dfrac|tfrac|sqrt|pi|top|left|right|quad|[,;! ])|[{}]")
_ZERO = re.compile(r"\s*(?:\\(?:mathbf|bm|boldsymbol|vec|mathrm|bar)\s*)?\{*\s*0\s*\}*\s*")
_DERIVES = re.compile(
    r"\\(?:nabla|partial|dot|ddot)(?![A-Za-z])|\\d?frac\s*\{\s*(?:d|\\mathrm\{?\s*d)\b|(?<![\\A-Za-z])D_|'|\\prime|\\mathrm\{d\}|\bJ_"
)
_STEP = re.compile(
    r"(?:_|\^)\{\(?\s*(?:[A-Za-z]|\\tau)\s*[+-]\s*1\s*\)?\}|_\{\\?(?:new|next|text\{new\}|mathrm\{new\})\}|\^\{?\+\}?(?![\w])"
)


def is_value(stated: Stated, limits: Limits) -> bool:
    """Is the right side a number, or a list of numbers?"""
    member = stated.statement.members[1]
    if stated.syntax == "infix":
        return not [t for t in infix_statements.names_in(member, limits) if t.value not in ("pi", "e", "E", "sqrt")]
    tokens = [t for t in member.tokens if t.kind != END]
    inner = _LAYOUT.sub(" ", member.text).replace("^T", "")
    return bool(tokens) and not re.search(r"[A-Za-z]", inner) and all(t.kind != COMMAND or t.value in _ALLOWED for t in tokens)


def is_list(member: Member) -> bool:
    """Is it a list of numbers, `(3/5, 4/5)` or a column?"""
    text = member.text.strip()
    return r"\begin" in text or ("," in text and text[:1] in "([\\{")


def as_array(definition: Definition, scope: Scope) -> Definition | None:
    """`p_i = e^{z_i} / …` as the definition of the array p; None where nothing with the index tells its size."""
    index = definition.parameters[0]
    for node in nodes_of(definition.body):
        if not (isinstance(node, Index) and isinstance(node.base, Name) and scope.is_array(node.base.name)):
            continue
        if any(isinstance(entry, Name) and entry.name == index for entry in node.indices):
            start, end = definition.body.start, definition.body.end
            binding = Binding(index, None, None, start, end)
            return replace(definition, parameters=(), body=Call("array", (binding, definition.body), (), start, end))
    return None


def is_zero(member: Member) -> bool:
    """Is it 0, a number or an array?"""
    return _ZERO.fullmatch(member.text) is not None


def derives(member: Member) -> bool:
    """Does a derivative stand in it?"""
    return _DERIVES.search(member.text) is not None


def derives_by(place: Place, name: str) -> bool:
    """Is a derivative by the name taken there?"""
    text = place.passage.text[place.start : place.end]
    return re.search(rf"(?:\\partial|(?<![A-Za-z\\])d|\\nabla_\{{?)\s*\\?{re.escape(name)}(?![A-Za-z])", text) is not None


def is_recurrence(left: Member, right: Member, scope: Scope) -> bool:
    """`w_{k+1} = w_k - …`, `x^{(t+1)} = …`: the left side is an iterate, and the right side uses another one of its name."""
    found = name_at(left.tokens, 0, scope)
    if found is None or not _STEP.search(left.text):
        return False
    base = scope.resolve(left.tokens[0])
    rest = _STEP.sub("", left.text)
    is_single = re.fullmatch(r"\s*\\?[A-Za-z]+\s*(?:\{\s*\\?[A-Za-z]+\s*\})?\s*(?:_\{?[A-Za-z0-9]+\}?)?\s*", rest) is not None
    return is_single and any(name_at(right.tokens, k, scope) and scope.resolve(t) == base for k, t in enumerate(right.tokens))
