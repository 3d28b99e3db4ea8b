r"""Limits, extremes over an index or over all directions, expectations, indicators."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.latex.big import Range, Span, body_of, condition, index_of, limits_of, over, range_of, relations_in
from symgd.language.latex.symbols import RELATIONS
from symgd.language.latex.tokens import GREEK, LETTER, NUMBER, SYMBOL, Token
from symgd.language.syntax import Call, Chain, Comparison, Conditional, Index, Let, Name, Node, Number, names_in, nodes_of

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser


def limit(p: Parser, token: Token) -> Task[Node]:
    """`\\lim_{h \\to 0} …`."""
    p.advance()
    low, high = limits_of(p)
    write = r"Write it as in \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}."
    if low is None or high is not None:
        p.refuse(token, "the limit is missing where its variable goes.", write)
    places = relations_in(p, low)
    if [p.tokens[k].value for k in places] != [r"\to"] or places[0] == low[0]:
        p.refuse(p.tokens[low[0]], "unexpected limit: expected a variable and where it goes.", write)
    if p.tokens[low[1] - 1].value in ("+", "-") or any(t.value == r"\infty" for t in p.tokens[low[0] : low[1]]):
        p.refuse(p.tokens[low[0]], "a limit from one side, or at infinity, is not supported.", write)
    variable = index_of(p, low[0], places[0])
    point: Node = yield p.within(places[0] + 1, low[1], what="a point")
    body: Node = yield body_of(p, token)
    return p.set(Call("lim", (variable, point, body), (), token.start, p.end))


def extreme(p: Parser, token: Token) -> Task[Node]:
    """`\\max(a, b)`, `\\max\\{a, b\\}`, `\\max_i x_i`."""
    from symgd.language.latex import functions

    name = token.value[1:]
    if not (p.peek().kind == SYMBOL and p.peek().value == "_"):
        p.advance()
        node: Node = yield functions.applied(p, name, token)
        return node
    at = p.at
    p.advance()
    low, high = limits_of(p)
    assert low is not None
    if functions._axis(p, low):
        p.at = at + 1
        node = yield functions.applied(p, name, token)
        return node
    direction = _on_the_sphere(p, low) if high is None else None
    if direction is not None:
        body: Node = yield body_of(p, token)
        return p.set(Call(f"{name}‖", (body, direction), (), token.start, p.end))
    only = p.tokens[low[0]]
    refused = "an optimisation is not supported: it is no formula."
    hint = rf"\{name}_i x_i is over an index; symgd.descend looks for a minimum."
    places = relations_in(p, low)
    if (not places and p.scope.knows(p.scope.resolve(only))) or (
        places and RELATIONS[p.tokens[places[0]].value] in ("∈", "=") and high is None
    ):
        p.refuse(token, refused, hint)
    found: Range = yield range_of(p, low, high, token)
    node = yield over(p, name, found, token, body_of(p, token))
    assert isinstance(node, Call)
    for binding in found.bindings:
        if binding.lower is None and not _is_used(node.arguments[-1], binding.name):
            p.refuse(token, refused, hint)
    return node


def _on_the_sphere(p: Parser, low: Span) -> Name | None:
    r"""The u of `\\|u\\| = 1`."""
    content = [t for t in p.tokens[slice(*low)] if t.value not in ("{", "}")]
    values = [t.value for t in content if t.kind != NUMBER]
    if values[3:5] == ["_", "="]:  # \\|u\\|_2 = 1
        content, values = content[:3] + content[5:], values[:3] + values[4:]
    is_unit = (
        len(content) == 5
        and content[4].value == "1"
        and len(values) == 4
        and values[0] == values[2]
        and values[0] in ("|", r"\|")
        and values[3] == "="
    )
    if not is_unit or not (content[1].kind == LETTER or content[1].value[1:] in GREEK):
        return None
    return Name(p.scope.resolve(content[1]), content[1].start, content[1].end)


def _is_used(body: Node, name: str) -> bool:
    return any(isinstance(node, Index) and name in names_in(*node.indices) for node in nodes_of(body))


def expectation(p: Parser, token: Token) -> Task[Node]:
    """`\\mathbb{E}_{x \\sim p}[f(x)]` over a vector of values x with the vector of weights p; any other one is not stated."""
    hint = r"Write the mean that is meant: \frac{1}{n} \sum_{i=1}^{n} x_i, or \mathbb{E}_{x \sim p} with vectors x and p declared."
    low, _ = limits_of(p)
    content = p.tokens[low[0] : low[1]] if low else []
    names = [p.scope.resolve(t) for t in (content[0], content[2])] if len(content) == 3 and content[1].value == r"\sim" else []
    if len(names) != 2 or not all(p.scope.rank(name) == 1 for name in names) or not p.is_symbol("[", "(", r"\{"):
        p.refuse(token, "an expectation is not supported where its distribution is not stated.", hint)
    opening = p.advance()
    items: list[Node] = yield p.bracketed(opening)
    start, end, k = token.start, p.end, p.scope.fresh()
    value, weight = (Index(Name(name, start, end), (Name(k, start, end),), start, end) for name in names)
    body = Let(items[0], (names[0],), (value,), start, end)
    p.scope.warn(f"{p.source(start, end)} is read as a mean over the entries of {names[0]} with the weights {names[1]}.")
    return p.set(Call("sum", (Name(k, start, end), Chain(weight, (("*", start, body),), start, end)), (), start, end))


def is_condition(p: Parser) -> bool:
    """Does the subscript that follows hold a comparison?"""
    at, end = p.at, p.end
    span = p.span(p.advance())
    p.at, p.end = at, end
    return any(p.tokens[k].value in RELATIONS for k in range(*span))


def indicator(p: Parser, token: Token) -> Task[Node]:
    """`\\mathbf{1}[x > 0] y`: y where the condition holds, elsewhere 0; alone it is 1 there."""
    opening = p.token
    conditions: list[Comparison] = []
    if p.is_symbol("_"):
        start, stop = p.span(p.advance())
        if p.tokens[start].value == r"\{" and p.tokens[stop - 1].value == r"\}":
            start, stop = start + 1, stop - 1
        conditions = yield p.within(start, stop, task=lambda: condition(p), what="a condition")
    elif p.is_symbol("[", "(", r"\{"):
        p.advance()
        p.bars.append("")
        with p.deeper(opening):
            while True:
                more: list[Comparison] = yield condition(p)
                conditions += more
                if not p.take(","):
                    break
        p.bars.pop()
        p.close(opening, {"[": "]", "(": ")", r"\{": r"\}"}[opening.value])
    else:
        p.refuse(token, "the indicator is missing its condition.", r"Write \mathbf{1}[x > 0].")
    end = p.end
    node: Node = Number(Fraction(1), token.start, end)
    if p.starts_factor(p.token) and p.token.kind != NUMBER:
        node = yield p.side()
    for found in reversed(conditions):
        node = p.set(Conditional(node, found, Number(Fraction(0), token.start, end), token.start, p.end))
    return node
