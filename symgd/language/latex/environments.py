r"""Environments inside a formula: matrices, determinants, cases; `aligned` of one line."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from symgd.algebra.trampoline import Task
from symgd.language.latex import big
from symgd.language.latex.tokens import COMMAND, NUMBER, SYMBOL, WORD, Token
from symgd.language.syntax import Call, Comparison, Conditional, Name, Node, Number, Rows

if TYPE_CHECKING:
    from symgd.language.latex.parser import Parser

Span = tuple[int, int]
_MATRICES = frozenset(("matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "vmatrix", "array", "psmallmatrix", "bsmallmatrix"))
_CASES = frozenset(("cases", "dcases", "rcases"))
_LINES = frozenset(("aligned", "split", "gathered", "alignedat"))
_IF = frozenset(("if", "for", "when", "where", "if and only if", "wenn", "falls", "si"))
_ELSE = frozenset(("otherwise", "else", "sonst", "elsewhere"))
_AND = frozenset(("and", "und", "&"))


def environment(p: Parser, token: Token) -> Task[Node]:
    name, start = opened(p, token)
    p.at = start
    if name in _MATRICES or name in _CASES or name in _LINES:
        with p.deeper(token):
            stop = closing(p, start, name, token)
            node: Node = yield _read(p, name, (start, stop), token)
        p.at = stop + 1
        p.span(p.tokens[stop])
        return node
    p.refuse(token, f"unknown environment {name[:30]}.", "Known are cases, matrix, pmatrix, bmatrix, vmatrix, array, aligned.")


def opened(p: Parser, token: Token) -> tuple[str, int]:
    """The name of the environment that begins at `token`, and where its content begins."""
    at = p.at
    if at + 1 >= p.stop or p.tokens[at + 1].value != "{":
        p.refuse(token, r"unexpected \begin: it is missing the name of an environment.", r"Write \begin{bmatrix} … \end{bmatrix}.")
    end = p.matching[at + 1]
    name = "".join(t.value for t in p.tokens[at + 2 : end])
    after = end + 1
    if name == "array" and p.tokens[after].value == "{":
        after = p.matching[after] + 1
    if name == "alignedat" and p.tokens[after].value == "{":
        after = p.matching[after] + 1
    return name, after


def closing(p: Parser, start: int, name: str, token: Token) -> int:
    """Where the \\end of the environment stands."""
    depth = 0
    for k in range(start, p.stop):
        here = p.tokens[k]
        if here.kind != COMMAND or here.value not in (r"\begin", r"\end"):
            continue
        if here.value == r"\begin":
            depth += 1
        elif depth:
            depth -= 1
        else:
            written = "".join(t.value for t in p.tokens[k + 2 : p.matching.get(k + 1, k + 2)])
            if written != name:
                p.refuse(
                    here,
                    rf"unexpected \end{{{written[:30]}}}: expected \end{{{name}}}.",
                    "An environment ends under the name it begins with.",
                )
            return k
    last = p.tokens[-1] if p.tokens[-1].error is not None else p.tokens[p.stop]
    if last.error is not None and last.kind == "fault":
        raise last.error
    p.refuse(token, rf"missing \end{{{name}}}: this environment is never closed.", rf"Write \end{{{name}}} where it ends.")


def _read(p: Parser, name: str, span: Span, token: Token) -> Task[Node]:
    rows = table(p, span)
    if name in _CASES:
        node: Node = yield _cases(p, rows, token)
        return node
    if name in _LINES:
        if len(rows) != 1:
            p.refuse(token, "several lines are no value.", "Check a derivation with symgd.check_chain, line by line.")
        start, stop = rows[0][0][0], rows[0][-1][1]
        node = yield p.within(start, stop)
        return node
    cells: list[list[Node]] = []
    for row in rows:
        if cells and len(row) != len(cells[0]):
            place = p.tokens[row[0][0]]
            reason = f"unexpected length of a row: expected {len(cells[0])} entries, found {len(row)}."
            p.refuse(place, reason, "Every row has the same number of entries.")
        cells.append([])
        for start, stop in row:
            if start >= stop:
                p.refuse(p.tokens[start], "empty entry of a matrix: expected a value.", "Write 0 where it is zero.")
            cell: Node = yield p.within(start, stop)
            cells[-1].append(cell)
    end = p.tokens[span[1]].end
    if not cells:
        p.refuse(token, "empty matrix: expected an entry.", r"Write its entries: \begin{bmatrix} 1 & 2 \end{bmatrix}.")
    if len(cells[0]) == 1 and name != "vmatrix":
        return p.set(Call("⋮", tuple(row[0] for row in cells), (), token.start, end))
    if len(cells) == 1 and name != "vmatrix":
        return p.set(Call("⋯", tuple(cells[0]), (), token.start, end))
    matrix = Rows(tuple(map(tuple, cells)), token.start, end)
    return p.set(Call("det", (matrix,), (), token.start, end)) if name == "vmatrix" else p.set(matrix)


def table(p: Parser, span: Span) -> list[list[Span]]:
    """The cells between & and \\\\, rows that are empty left out."""
    rows: list[list[Span]] = [[]]
    start, depth, k = span[0], 0, span[0]
    while k < span[1]:
        token = p.tokens[k]
        if token.kind in (SYMBOL, COMMAND):
            depth += (token.value in ("{", r"\begin")) - (token.value in ("}", r"\end"))
            if depth == 0 and token.value in ("&", r"\\"):
                rows[-1].append((start, k))
                if token.value == r"\\":
                    rows.append([])
                    k = _after_length(p, k, span[1])
                start = k + 1
        k += 1
    rows[-1].append((start, span[1]))
    return [row for row in rows if len(row) > 1 or row[0][0] < row[0][1]]


def _after_length(p: Parser, at: int, stop: int) -> int:
    """The place of `]` where the line break has a length, `\\\\[2pt]`; else its own."""
    if at + 1 < stop and p.tokens[at + 1].value == "[" and p.tokens[at + 1].glued and p.tokens[at + 2].kind in (NUMBER, SYMBOL):
        for k in range(at + 2, min(at + 8, stop)):
            if p.tokens[k].value == "]":
                unit = "".join(t.value for t in p.tokens[k - 2 : k])
                return k if unit in ("pt", "em", "ex", "mm", "cm", "in", "mu") else at
    return at


# ---- cases -------------------------------------------------------------------------------------------------------------


def _cases(p: Parser, rows: list[list[Span]], token: Token) -> Task[Node]:
    """The first case whose condition holds; the last one may be `otherwise`, or what the others leave."""
    cases: list[tuple[Node, list[Comparison]]] = []
    for row in rows:
        value_span, condition_spans = _case(p, row)
        value: Node = yield p.within(*value_span, what="the value of a case")
        conditions: list[Comparison] = []
        for span in condition_spans:
            more: list[Comparison] = yield p.within(*span, task=lambda: big.condition(p), what="a condition")
            conditions += more
        if cases and not cases[-1][1]:
            p.refuse_node(value, "unexpected case after 'otherwise'.", "Write the case without a condition last.")
        cases.append((value, conditions))
    if not cases:
        p.refuse(token, "empty cases: expected a value.", r"Write \begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}.")
    value, conditions = cases[-1]
    if conditions and not _is_whole([found for _, found in cases]):
        place = conditions[0]
        hint = r"Write \text{otherwise} for the last one."
        p.refuse_node(place, "the cases may leave out some values: the last one has a condition, too.", hint)
    if len(cases) > 1 and any(not found for _, found in cases[:-1]):
        p.refuse(token, "a case is missing its condition.", hint=r"Write it after &, as in x & \text{if } x > 0.")
    node = value
    for value, conditions in reversed(cases[:-1]):
        otherwise, inner = node, value
        for found in reversed(conditions):
            inner = Conditional(inner, found, otherwise, value.start, found.end)
        node = p.set(inner)
    return node


def _case(p: Parser, row: list[Span]) -> tuple[Span, list[Span]]:
    """The value, and the conditions; none for `otherwise`."""
    start, stop = row[0][0], row[-1][1]
    cut = row[1][0] if len(row) > 1 else next((k for k in range(start, stop) if _word(p.tokens[k]) in _IF | _ELSE), stop)
    value = _trimmed(p, (start, row[0][1] if len(row) > 1 else cut))
    first, last = _trimmed(p, (cut, stop))
    spans: list[Span] = []
    while first < last and _word(p.tokens[first]) in _IF:
        first += 1
    if first >= last or _word(p.tokens[first]) in _ELSE:
        return value, []
    begin = first
    for k in range(first, last + 1):
        if k == last or _word(p.tokens[k]) in _AND or p.tokens[k].value == r"\land":
            spans.append(_trimmed(p, (begin, k)))
            begin = k + 1
    return value, spans


def _word(token: Token) -> str:
    return " ".join(token.value.split()).strip(" ,.:;") if token.kind == WORD else ""


def _trimmed(p: Parser, span: Span) -> Span:
    start, stop = span
    while start < stop and p.tokens[stop - 1].kind == SYMBOL and p.tokens[stop - 1].value in (",", ".", ";", "&"):
        stop -= 1
    while start < stop and p.tokens[start].kind == SYMBOL and p.tokens[start].value == "&":
        start += 1
    return start, stop


def _is_whole(conditions: list[list[Comparison]]) -> bool:
    """Do the conditions leave nothing out? Intervals of one quantity, each beginning where another ends."""
    ends: list[tuple[str, tuple[str, bool] | None, tuple[str, bool] | None]] = []
    for found in conditions:
        low = high = None
        quantity = ""
        pairs = {_key(c.right) for c in found[:1]} & {_key(c.left) for c in found[1:]}
        for c in found:
            left, right, operator = _key(c.left), _key(c.right), c.operator
            is_right = right in pairs if pairs else not isinstance(c.right, Number) and isinstance(c.left, Number)
            if is_right:
                left, right, operator = right, left, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
            quantity = quantity or left
            if left != quantity or operator not in ("<", "<=", ">", ">="):
                return _is_pair(conditions)
            bound = (right, "=" in operator)
            if operator.startswith("<"):
                high = bound
            else:
                low = bound
        ends.append((quantity, low, high))
    if len({quantity for quantity, _, _ in ends}) != 1:
        return _is_pair(conditions)
    here: tuple[str, bool] | None = None
    first = [end for end in ends if end[1] is None]
    if len(first) != 1:
        return False
    here, used = first[0][2], 1
    while here is not None and used <= len(ends):
        bound = here
        following = [end for end in ends if end[1] is not None and end[1][0] == bound[0] and (end[1][1] or bound[1])]
        if not following:
            return False
        here, used = following[0][2], used + 1
    return here is None


def _is_pair(conditions: list[list[Comparison]]) -> bool:
    """Two conditions, one the negation of the other."""
    opposite = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "=="}
    if len(conditions) != 2 or any(len(found) != 1 for found in conditions):
        return False
    (one,), (other,) = conditions
    same = _key(one.left) == _key(other.left) and _key(one.right) == _key(other.right)
    return same and opposite[one.operator] == other.operator


def _key(node: Node) -> str:
    """The node without its places."""
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, Name):
        return node.name
    from symgd.language.syntax import Chain, Prefix, children

    own = type(node).__name__
    if isinstance(node, Chain):
        own += "".join(sign for sign, _, _ in node.rest)
    own += getattr(node, "name", "") + (node.operator if isinstance(node, Prefix) else "")
    return f"{own}({','.join(_key(child) for child in children(node))})"


_ = Fraction
