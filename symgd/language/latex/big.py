r"""Big operators: sums and products, what stands below them, conditions.

A sum reaches to the next + or - at its level: \sum_i x_i + 1 is (\sum_i x_i) + 1, \sum_i a_i b_i \cdot c is one sum. Its index is known in
its body only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.latex.symbols import RELATIONS
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, NUMBER, SYMBOL, Token
from symgd.language.syntax import Binding, Call, Chain, Comparison, Conditional, Let, Name, Node, Number

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

Span = tuple[int, int]
COMPARISONS = {"=": "==", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!="}
_MOST = 1000  # elements of a set that a sum runs over
_WRITE = r"Write it as in \sum_{i=1}^{n} x_i, \sum_i x_i or \sum_{i \in \{1,3\}} x_i."


@dataclass(slots=True)
class Range:
    """What stands below a big operator: indices with their ranges, sets that indices run through, conditions."""

    bindings: list[Binding] = field(default_factory=list)
    sets: list[tuple[str, tuple[Node, ...]]] = field(default_factory=list)
    conditions: list[Span] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [b.name for b in self.bindings] + [name for name, _ in self.sets]


def summed(p: Parser, token: Token) -> Task[Node]:
    """`\\sum_{i=1}^{n} …`, `\\prod_i …`."""
    p.advance()
    low, high = limits_of(p)
    written = p.source(token.start, p.end)
    if low is None:
        place = p.token if p.token.kind != "end" else token
        p.refuse(place, f"unexpected {p.told(p.token)}: {written} is missing its index.", _WRITE)
    found: Range = yield range_of(p, low, high, token)
    name = "sum" if token.value == r"\sum" else "prod"
    node: Node = yield over(p, name, found, token, body_of(p, token))
    return node


def limits_of(p: Parser) -> tuple[Span | None, Span | None]:
    low = high = None
    while p.token.kind == SYMBOL and p.token.value in ("_", "^"):
        mark = p.advance()
        if (low if mark.value == "_" else high) is not None:
            p.refuse(mark, f"unexpected '{mark.value}': it has been written already.", _WRITE)
        if mark.value == "_":
            low = p.span(mark)
        else:
            high = p.span(mark)
    return low, high


def body_of(p: Parser, token: Token) -> Task[Node]:
    if p.token.kind == "end" or not (p.starts_factor(p.token) or p.is_symbol("+", "-")):
        p.refuse_missing(token, "what it is of")
    with p.deeper(token):
        node: Node = yield p.term()
    return node


def over(p: Parser, name: str, over: Range, token: Token, body: Task[Node]) -> Task[Node]:
    neutral = Fraction(1 if name == "prod" else 0)
    with p.scope.binding(*over.names):
        conditions: list[Comparison] = []
        for span in over.conditions:
            more: list[Comparison] = yield p.within(*span, task=lambda: condition(p), what="a condition")
            conditions += more
        node: Node = yield body
    end = p.end
    for found in reversed(conditions):
        node = Conditional(node, found, Number(neutral, token.start, end), token.start, end)
    if over.bindings:
        node = p.set(Call(name, (*over.bindings, node), (), token.start, end))
    for letter, numbers in over.sets:
        terms = [p.set(Let(node, (letter,), (number,), token.start, end)) for number in numbers]
        sign = "*" if name == "prod" else "+"
        node = (
            p.set(Chain(terms[0], tuple((sign, token.start, term) for term in terms[1:]), token.start, end)) if len(terms) > 1 else terms[0]
        )
    return node


# ---- what stands below -------------------------------------------------------------------------------------------------


def pieces_of(p: Parser, span: Span) -> list[Span]:
    """The parts between commas, colons and line breaks."""
    start, stop = span
    if p.tokens[start].value == r"\substack" and start + 1 < stop:
        start, stop = start + 2, p.matching[start + 1]
    cuts, depth = [], 0
    for k in range(start, stop):
        token = p.tokens[k]
        if token.kind in (SYMBOL, COMMAND):
            depth += (token.value in ("{", "(", "[", r"\{")) - (token.value in ("}", ")", "]", r"\}"))
            if depth == 0 and token.value in (",", ":", ";", r"\\"):
                cuts.append(k)
    ends = [start - 1, *cuts, stop]
    return [(a + 1, b) for a, b in pairwise(ends)]


def relations_in(p: Parser, span: Span) -> list[int]:
    """The places of the relations in the part, outside brackets."""
    found, depth = [], 0
    for k in range(*span):
        token = p.tokens[k]
        if token.kind in (SYMBOL, COMMAND):
            depth += (token.value in ("{", "(", "[", r"\{")) - (token.value in ("}", ")", "]", r"\}"))
            if depth == 0 and token.value in RELATIONS:
                found.append(k)
    return found


def range_of(p: Parser, low: Span, high: Span | None, token: Token) -> Task[Range]:
    found = Range()
    pieces = pieces_of(p, low)
    for piece in pieces:
        start, stop = piece
        places = relations_in(p, piece)
        signs = [RELATIONS[p.tokens[k].value] for k in places]
        if start >= stop:
            p.refuse(p.tokens[min(start, p.stop - 1)], "empty range: expected an index.", _WRITE)
        if not places:
            name = index_of(p, start, stop)
            if high is not None:
                reason = f"unexpected upper end: the index {name.name} has no lower end."
                p.refuse(p.tokens[high[0]], reason, rf"Write the first value too: \sum_{{{name.name}=1}}^{{n}}.")
            found.bindings.append(Binding(name.name, None, None, name.start, name.end))
        elif signs == ["="]:
            if places[0] == start:
                p.refuse(p.tokens[start], "unexpected '=': expected an index before it.", _WRITE)
            name = index_of(p, start, places[0])
            lower: Node = yield p.within(places[0] + 1, stop, what="the first value of the index")
            if high is None:
                p.refuse_node(
                    lower, f"missing upper end: the index {name.name} has no last value.", rf"Write it above: \sum_{{{name.name}=1}}^{{n}}."
                )
            upper: Node = yield _upper(p, high, token)
            found.bindings.append(Binding(name.name, lower, upper, name.start, name.end))
        elif signs == ["∈"]:
            name = index_of(p, start, places[0])
            elements: tuple[Node, ...] | Binding = yield _elements(p, name, (places[0] + 1, stop))
            if isinstance(elements, Binding):
                found.bindings.append(elements)
            else:
                found.sets.append((name.name, elements))
        else:
            yield _compared(p, found, piece, places, signs, high)
    return found


def _upper(p: Parser, high: Span, token: Token) -> Task[Node]:
    if any(t.value == r"\infty" for t in p.tokens[high[0] : high[1]]):
        p.refuse(p.tokens[high[0]], "an infinite sum or product is not supported: its range has no limit.", "Write a last value: n.")
    node: Node = yield p.within(*high, what="the last value of the index")
    return node


def index_of(p: Parser, start: int, stop: int) -> Name:
    token = p.tokens[start]
    if stop != start + 1 or not (token.kind == LETTER or (token.kind == COMMAND and token.value[1:] in GREEK)):
        if token.kind == NUMBER:
            p.refuse(token, f"unexpected '{token.value}': expected an index, such as i = {token.value}.", _WRITE)
        p.refuse(token, f"unexpected {p.told(token)}: expected the name of an index.", _WRITE)
    return Name(p.scope.resolve(token), token.start, token.end)


def _elements(p: Parser, name: Name, span: Span) -> Task[tuple[Node, ...] | Binding]:
    """The elements of a set of numbers, or the range 1..n that it is."""
    start, stop = span
    content = p.tokens[start:stop]
    if len(content) == 1 and (content[0].kind == LETTER or content[0].value[1:] in GREEK):
        known = p.scope.sets.get(p.scope.resolve(content[0]))
        if known is None:
            hint = rf"Define it in the declarations: {content[0].value} = \{{1,3\}}."
            p.refuse(content[0], f"the set {p.told(content[0])} is not known.", hint)
        return known
    if len(content) >= 3 and content[0].value == "[" and content[-1].value == "]" and not any(t.value == "," for t in content):
        upper: Node = yield p.within(start + 1, stop - 1)
        return Binding(name.name, Number(Fraction(1), upper.start, upper.end), upper, name.start, name.end)
    if len(content) < 3 or content[0].value != r"\{" or content[-1].value != r"\}":
        p.refuse(
            p.tokens[start], "this set is not supported: expected its elements, or the name of a set.", r"Write it as in i \in \{1,3\}."
        )
    dots = [k for k in range(start, stop) if p.tokens[k].value == r"\dots"]
    if dots:
        upper = yield p.within(dots[0] + 2, stop - 1)
        first = next(k for k in range(start, stop) if p.tokens[k].value == ",")
        lower: Node = yield p.within(start + 1, first)
        return Binding(name.name, lower, upper, name.start, name.end)
    items: list[Node] = yield p.within(start + 1, stop - 1, task=lambda: listed(p))
    return tuple(items)


def listed(p: Parser) -> Task[list[Node]]:
    """Values separated by commas."""
    found: list[Node] = []
    while True:
        node: Node = yield p.expression()
        found.append(node)
        if len(found) > _MOST:
            p.refuse_node(node, f"the set is too large: the limit is {_MOST} elements.", "Write a range: i=1..n.")
        if not p.take(","):
            return found


def _compared(p: Parser, found: Range, piece: Span, places: list[int], signs: list[str], high: Span | None) -> Task[None]:
    """`1 \\le i \\le n`, a range; `i < j`, `j \\ne i`, conditions whose new names are indices over their whole range."""
    start, stop = piece
    if any(sign not in COMPARISONS for sign in signs):
        p.refuse(
            p.tokens[places[0]], f"unexpected {p.told(p.tokens[places[0]])} below an operator: expected a range or a condition.", _WRITE
        )
    if high is not None:
        p.refuse(p.tokens[high[0]], "unexpected upper end: the range is a condition already.", _WRITE)
    ends = [start - 1, *places, stop]
    sides = [(a + 1, b) for a, b in pairwise(ends)]
    fresh = [k for k, (a, b) in enumerate(sides) if b == a + 1 and _is_new(p, p.tokens[a], found)]
    if len(sides) == 3 and fresh == [1] and all(sign in ("<", "<=") for sign in signs):
        name = index_of(p, *sides[1])
        lower: Node = yield p.within(*sides[0])
        upper: Node = yield p.within(*sides[2])
        one = Number(Fraction(1), lower.start, upper.end)
        if signs[0] == "<":
            lower = Chain(lower, (("+", lower.start, one),), lower.start, lower.end)
        if signs[1] == "<":
            upper = Chain(upper, (("-", upper.start, one),), upper.start, upper.end)
        found.bindings.append(Binding(name.name, lower, upper, name.start, name.end))
        return
    if not fresh and not found.names:
        p.refuse(p.tokens[start], "missing index: the names below the operator are all known.", _WRITE)
    for k in fresh:
        name = index_of(p, *sides[k])
        found.bindings.append(Binding(name.name, None, None, name.start, name.end))
    found.conditions.append(piece)


def _is_new(p: Parser, token: Token, found: Range) -> bool:
    if not (token.kind == LETTER or (token.kind == COMMAND and token.value[1:] in GREEK)):
        return False
    name = p.scope.resolve(token)
    return not p.scope.knows(name) and name not in found.names


def condition(p: Parser) -> Task[list[Comparison]]:
    """`a < b`, `a \\le b < c`: comparisons that hold together."""
    left: Node = yield p.expression()
    found: list[Comparison] = []
    while (sign := p.token).value in RELATIONS and sign.kind in (SYMBOL, COMMAND):
        operator = COMPARISONS.get(RELATIONS[sign.value])
        if operator is None:
            p.refuse(sign, f"unexpected {p.told(sign)} in a condition: expected a comparison.", r"Conditions are < \le > \ge = \ne.")
        p.advance()
        right: Node = yield p.expression()
        found.append(Comparison(operator, sign.start, left, right, left.start, right.end))
        left = right
    if not found:
        p.refuse_node(left, "expected a comparison as the condition.", r"Write it as in x > 0, with < \le > \ge = \ne.")
    return found


def is_range(p: Parser, at: int) -> bool:
    """Does the subscript at `at` say a range, `_{i=1,\\dots,n}` or `_{i=1}^{n}`?"""
    if at + 1 >= p.stop or p.tokens[at + 1].value != "{":
        return False
    content = p.tokens[at + 2 : p.matching[at + 1]]
    after = p.tokens[p.matching[at + 1] + 1]
    return any(t.value == "=" for t in content) and (any(t.value == r"\dots" for t in content) or after.value == "^")


def listed_range(p: Parser, token: Token) -> Task[list[Node]]:
    """The ranges `i=1,\\dots,m, j=1,\\dots,n`, or `i=1` with its last value above."""
    low = p.span(p.advance())
    is_listed = any(t.value == r"\dots" for t in p.tokens[slice(*low)])
    high = None if is_listed else p.span(p.advance())  # behind a range with its end, ^ is an exponent
    found: list[Node] = []
    pieces = pieces_of(p, low)
    while pieces:
        first = pieces.pop(0)
        places = relations_in(p, first)
        if [p.tokens[k].value for k in places] != ["="] or places[0] == first[0]:
            p.refuse(p.tokens[first[0]], "unexpected range of an array: expected its index.", r"Write it as in [x_i^2]_{i=1,\dots,n}.")
        name = index_of(p, first[0], places[0])
        lower: Node = yield p.within(places[0] + 1, first[1])
        last = high
        if high is None:
            if len(pieces) < 2 or p.tokens[pieces[0][0]].value != r"\dots":
                p.refuse_node(name, f"the range of the index {name.name} has no end.", r"Write it as in [x_i^2]_{i=1,\dots,n}.")
            last, pieces = pieces[1], pieces[2:]
        assert last is not None
        upper: Node = yield _upper(p, last, token)
        found.append(Binding(name.name, lower, upper, name.start, name.end))
    return found
