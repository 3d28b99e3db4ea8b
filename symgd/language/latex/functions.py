r"""Functions by name: `\sin x`, `\log_2(x)`, `\operatorname{tr}(A)`. They are spelled as their row of the function table prints them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from symgd.algebra.functions import table
from symgd.algebra.functions.row import Along
from symgd.algebra.trampoline import Task
from symgd.language.latex import big, derivatives, scripts, subscripts
from symgd.language.latex.symbols import BARS
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, NUMBER, SYMBOL, WORD, Token
from symgd.language.syntax import Call, Chain, Name, Node, Number, Power, Prefix
from symgd.language.words import instead_of as instead
from symgd.language.words import is_function

if TYPE_CHECKING:
    from symgd.language.latex.atoms import Scripts
    from symgd.language.latex.parser import Parser

SPELLED = ("arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sin", "cos", "tan", "exp", "log", "ln", "max", "min", "det", "sqrt")
_TEMPLATE = re.compile(r"(\\[a-zA-Z]+)\\left\(\{0\}(?:, \{\d\})*\\right\)\Z")
_ALSO = {
    r"\det": "det",
    r"\arsinh": "asinh",
    r"\lg": "log10",
    r"\trace": "tr",
    r"\tr": "tr",
    r"\Tr": "tr",
    r"\diag": "diag",
    r"\sgn": "sign",
    r"\sign": "sign",
}
_WORDS = {
    **dict.fromkeys(("tr", "Tr", "trace", "Trace"), "tr"),
    **dict.fromkeys(("sgn", "sign", "Sign"), "sign"),
    **dict.fromkeys(("ReLU", "relu", "Relu"), "relu"),
    **dict.fromkeys(("sigm", "sigmoid", "Sigmoid", "logistic"), "sigmoid"),
    **dict.fromkeys(("softmax", "Softmax", "SoftMax"), "softmax"),
    **dict.fromkeys(("logsumexp", "LSE", "lse", "LogSumExp"), "lse"),
    **dict.fromkeys(("arsinh", "arcsinh", "asinh"), "asinh"),
    **dict.fromkeys(("arcosh", "arccosh", "acosh"), "acosh"),
    **dict.fromkeys(("artanh", "arctanh", "atanh"), "atanh"),
    **dict.fromkeys(("arsech", "arcsech"), "asech"),
    **dict.fromkeys(("arcsch", "arccsch"), "acsch"),
    **dict.fromkeys(("arcoth", "arccoth"), "acoth"),
    **dict.fromkeys(("arccot",), "acot"),
    **dict.fromkeys(("arcsec",), "asec"),
    **dict.fromkeys(("arccsc",), "acsc"),
    **dict.fromkeys(("Diag",), "diag"),
    **dict.fromkeys(("Vec",), "vec"),
    **dict.fromkeys(("Softplus", "SoftPlus"), "softplus"),
    "ln": "log",
}
_INVERSES = {
    "sin": "asin",
    "cos": "acos",
    "tan": "atan",
    "sinh": "asinh",
    "cosh": "acosh",
    "tanh": "atanh",
    "cot": "acot",
    "sec": "asec",
    "csc": "acsc",
}
_REFUSED_WORDS = {
    **dict.fromkeys(("argmin", "argmax", "arg min", "arg max"), "symgd.descend looks for a minimum."),
    **dict.fromkeys(("Var", "Cov", "var", "Std"), r"Write the mean that is meant: \frac{1}{n} \sum_{i=1}^{n} (x_i - \mu)^2."),
    **dict.fromkeys(("rank", "span", "dim", "Prob", "Pr", "supp", "sup", "inf", "cosec"), "It is not in the table of functions."),
    **dict.fromkeys(("s.t.", "subject to", "s. t."), "A constrained problem is no formula."),
}
_WITHOUT_ARGUMENT = frozenset(
    {"eye", "e", "E", "pi", "D", "f", "torch", "if", "else", "array", "diff", "Derivative", "grad", "hess", "jac", "lim"}
)
_found: dict[int, dict[str, str]] = {}


def heads() -> dict[str, str]:
    """Commands that are functions, with their names: what the table prints, and a few more."""
    rows = list(table.rows())
    if len(rows) not in _found:
        _found.clear()
        made: dict[str, str] = {}
        for row in rows:
            match = _TEMPLATE.match(row.latex)
            if match and match[1][1:] not in GREEK:
                made.setdefault(match[1], row.name)
        _found[len(rows)] = {**made, **_ALSO}
    return _found[len(rows)]


def is_head(command: str) -> bool:
    return command in heads()


def of_word(word: str) -> str | None:
    """The function that a word names."""
    if word in _WORDS:
        return _WORDS[word]
    if word == "KL":
        return word
    if is_function(word) and word not in _WITHOUT_ARGUMENT:
        return word
    return heads().get(f"\\{word}")


def is_refused_word(word: str) -> str:
    return _REFUSED_WORDS.get(word, "")


def instead_of(word: str) -> str:
    return instead(word).replace('given="T(x,y)"', 'given="T(x,y)"')


def applied(p: Parser, head: str, token: Token, marks: Scripts | None = None) -> Task[Node]:
    """The function at what follows, with the scripts that stand between: \\sin^2 x, \\log_2 x, \\sigma'(z)."""
    from symgd.language.latex import atoms

    name = heads().get(head, head)
    if name == "KL":
        divergence: Node = yield derivatives._divergence(p, token)
        return divergence
    if name == "amax" or name == "amin":
        name = name[1:]
    found = marks or atoms.gathered(p)
    start = token.start
    if found.primes:
        node: Node = yield derivatives.of_function(p, token, name, found)
        return node
    inverse = False
    if found.high is not None and _is_minus_one(p, found.high):
        if name not in _INVERSES:
            place = p.tokens[found.high[0]]
            hint = rf"Write the reciprocal as a fraction: \frac{{1}}{{{head}(x)}}."
            p.refuse(place, f"unexpected exponent -1 of {head}: it could be the inverse function or the reciprocal.", hint)
        inverse, found.high = True, None
        name = _INVERSES[name]
        p.scope.warn(f"{p.source(start, p.end)} is read as the inverse function, {name}.")
    if found.low is not None and name == "lse" and big.relations_in(p, found.low) and not _axis(p, found.low):
        over: big.Range = yield big.range_of(p, found.low, found.high, token)
        ranged: Node = yield big.over(p, name, over, token, big.body_of(p, token))
        return ranged
    keyword = found.low is not None and _axis(p, found.low)
    arguments: list[Node] = yield _arguments(p, token)
    if found.high is not None and p.is_symbol("^") and len(arguments) == 1:
        p.scope.warn(f"of two exponents, {p.source(start, p.end)}^…, the second is read as that of the argument.")
        caret = p.advance()
        arguments = [(yield scripts.exponent(p, arguments[0], arguments[0].start, p.span(caret)))]
    if inverse or found.low is None:
        node = _made(p, name, arguments, token)
    elif keyword:
        node = p.set(Call(name, tuple(arguments), (("axis", keyword),), start, p.end))
    else:
        node = yield _with_subscript(p, name, found.low, arguments, token)
    if found.high is not None:
        node = yield scripts.exponent(p, node, start, found.high)
    return node


def _made(p: Parser, name: str, arguments: list[Node], token: Token) -> Node:
    start, end = token.start, p.end
    if name == "log" and len(arguments) == 1 and isinstance(arguments[0], Call) and arguments[0].name == "det":
        return p.set(Call("logdet", arguments[0].arguments, (), start, end))
    if name == "gamma" and len(arguments) == 2:
        name = "uppergamma"
    return p.set(Call(name, tuple(arguments), (), start, end))


def _is_minus_one(p: Parser, span: tuple[int, int]) -> bool:
    return [t.value for t in p.tokens[span[0] : span[1]]] == ["-", "1"]


def _axis(p: Parser, span: tuple[int, int]) -> Node | None:
    """The number in `_{\\mathrm{axis}=2}`, which is how a function along an axis prints."""
    content = p.tokens[span[0] : span[1]]
    if len(content) == 3 and content[0].value == "axis" and content[1].value == "=" and content[2].kind == NUMBER:
        return Number(Fraction(content[2].value), content[2].start, content[2].end)
    return None


def _with_subscript(p: Parser, name: str, low: tuple[int, int], arguments: list[Node], token: Token) -> Task[Node]:
    start, end = token.start, p.end
    if name == "log":
        base: Node = yield p.within(*low, what="a base")
        if isinstance(base, Number) and base.value in (2, 10):
            return p.set(Call(f"log{base.value}", tuple(arguments), (), start, end))
        below = Call("log", (base,), (), base.start, base.end)
        return p.set(Chain(Call("log", tuple(arguments), (), start, end), (("/", start, below),), start, end))
    if name == "huber":
        width: Node = yield p.within(*low, what="a width")
        return p.set(Call("huber", (*arguments, width), (), start, end))
    node = _made(p, name, arguments, token)
    row = table.find(name)
    if (isinstance(row, Along) and row.keeps_axis) or name in ("diag", "vec"):
        entry: Node = yield subscripts.entry(p, node, low, start, None)
        return entry
    place = p.tokens[low[0]]
    p.refuse(
        place,
        f"unexpected subscript of {name}.",
        r"A subscript is the base of a logarithm, \log_2 x, or an entry, \operatorname{softmax}(z)_i.",
    )


def _arguments(p: Parser, token: Token) -> Task[list[Node]]:
    """What the function is of: the bracket that follows, or the factors side by side."""
    opening = p.token
    if opening.kind == SYMBOL and opening.side not in ("r", "m") and opening.value in ("(", "[", r"\{"):
        p.advance()
        items: list[Node] = yield p.bracketed(opening)
        return items
    if opening.kind in ("end",) or not (p.starts_factor(opening) or p.is_symbol("-", "+")):
        if opening.kind == "fault" and opening.error:
            raise opening.error
        told = p.source(token.start, token.end)
        p.refuse(
            opening if opening.kind != "end" else token,
            f"unexpected {p.told(opening)}: {told} is missing its argument.",
            f"Write it in brackets: {told}(x).",
        )
    with p.deeper(token):
        node: Node = yield _bare(p)
    return [node]


def _bare(p: Parser) -> Task[Node]:
    """An argument without brackets: sin 2x is sin(2x), sin x cos y a product."""
    if p.is_symbol("-", "+"):
        sign = p.advance()
        operand: Node = yield _bare(p)
        return p.set(Prefix(sign.value, operand, sign.start, operand.end))
    simple = _is_simple(p, p.token)
    first: Node = yield p.factor()
    rest: list[tuple[str, int, Node]] = []
    while simple and _is_simple(p, p.token) and p.token.kind != NUMBER:
        right: Node = yield p.factor()
        rest.append(("*", right.start, right))
    if not rest:
        if p.token.kind == SYMBOL and p.token.value == "/" and simple:
            p.scope.warn(f"{p.source(first.start, first.end)} alone is the argument of the function before it: the division comes after.")
        return first
    node = p.set(Chain(first, tuple(rest), first.start, p.end))
    if not isinstance(first, Number):
        p.scope.warn(f"{p.source(first.start, p.end)} is read as one argument of the function before it.")
    return node


def _is_simple(p: Parser, token: Token) -> bool:
    """May the token stand in a product that is an argument without brackets? Names, numbers and fractions may."""
    if token.kind == LETTER or (token.kind == COMMAND and token.value[1:] in GREEK):
        name = p.scope.resolve(token)
        opens = p.peek()
        is_call = opens.kind == SYMBOL and opens.value == "("
        return p.scope.parameters(name) is None and not (is_call and name in ("sigma", "Gamma") and not p.scope.knows(name))
    if token.kind == WORD:
        return p.scope.knows(p.scope.resolve(token)) or not of_word(token.value)
    return token.kind == NUMBER or (token.kind == COMMAND and token.value in (r"\frac", r"\sqrt", r"\binom"))


_ = (BARS, Name, Power)
