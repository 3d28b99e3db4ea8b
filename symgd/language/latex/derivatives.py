r"""Derivatives as they are written: \frac{\partial f}{\partial x}, \frac{d}{dx}, \nabla_w L, f'(x), f_x(1,2), D_u f, \left.…\right|_{t=0}.

All become calls of a few operators of the tree, ∂, ∇, ∇² and D·, which see the shapes: ∂ by a number is the partial derivative, by an
array the gradient of a number or the Jacobian of a vector. A derivative at a point, f'(3), \nabla f(1,2), is an `At`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from symgd.algebra.trampoline import Task
from symgd.language.latex import atoms, big, fractions, scripts, subscripts
from symgd.language.latex.tokens import COMMAND, NUMBER, SYMBOL, Token
from symgd.language.syntax import At, Call, Index, Name, Node, Number

if TYPE_CHECKING:
    from symgd.language.latex.atoms import Scripts
    from symgd.language.latex.parser import Parser

Span = tuple[int, int]


def derivative(p: Parser, body: Node, by: list[tuple[Node, int]], start: int, end: int) -> Node:
    arguments: list[Node] = [body]
    for node, times in by:
        arguments.append(node)
        if times > 1:
            arguments.append(Number(Fraction(times), node.start, node.end))
    return p.set(Call("∂", tuple(arguments), (), start, end))


def at_arguments(p: Parser, operand: Node, by: list[tuple[Node, int]], token: Token) -> Task[Node]:
    """`\\frac{\\partial f}{\\partial x}(1, 2)`: the derivative at a point, where f is a function."""
    made = derivative(p, operand, by, token.start, p.end)
    name = operand.name if isinstance(operand, Name | Call) else ""
    parameters = p.scope.parameters(name)
    if not (parameters and p.is_symbol("(") and is_own(operand, parameters)):
        return made
    opening = p.advance()
    points: list[Node] = yield p.bracketed(opening)
    points = _counted(p, name, parameters, points, opening)
    return _at(p, made, parameters, points, token.start)


def is_own(operand: Node, parameters: tuple[str, ...]) -> bool:
    if isinstance(operand, Name):
        return True
    return isinstance(operand, Call) and [a.name if isinstance(a, Name) else "" for a in operand.arguments] == list(parameters)


def reach(p: Parser, token: Token) -> Task[Node]:
    """What a derivative without a numerator is of: the factors side by side that follow."""
    if not p.starts_factor(p.token) and not p.is_symbol("-", "+"):
        p.refuse_missing(token, "what it derives")
    with p.deeper(token):
        # A bar after it, \frac{d}{dx} x^2 \Big|_{x=1}, is of the derivative.
        node: Node = yield (p.signed(bars=False) if p.is_symbol("-", "+") else p.side(bars=False))
    return node


def partial(p: Parser, token: Token) -> Task[Node]:
    """`\\partial_x f`, `\\partial f / \\partial x`."""
    p.advance()
    if p.is_symbol("_"):
        start, stop = p.span(p.advance())
        node: Node = yield p.within(start, stop, task=p.factor)
        body: Node = yield reach(p, token)
        return derivative(p, body, [(node, 1)], token.start, p.end)
    order, at = fractions.order_of(p, p.at, p.stop)
    while p.at < at:
        p.advance()
    if p.token.kind == "end":
        p.refuse(token, r"unexpected \partial: it is missing what it derives.", fractions.WRITE)
    operand: Node = yield p.factor()
    if not p.take("/"):
        p.refuse(token, r"unexpected \partial: a differential is no value.", fractions.WRITE)
    start = p.at
    depth = 0
    while p.at < p.stop and (
        fractions.is_differential(p, p.at, p.stop)
        or atoms.is_name(p.token)
        or p.token.kind == NUMBER
        or depth
        or p.is_symbol("^", "_", "{")
    ):
        depth += (p.token.value == "{") - (p.token.value == "}") if p.token.kind == SYMBOL else 0
        p.advance()
    if start == p.at:
        p.refuse(
            p.token if p.token.kind != "end" else token, r"unexpected denominator of a derivative: expected \partial x.", fractions.WRITE
        )
    by: list[tuple[Node, int]] = yield fractions.variables_of(p, (start, p.at))
    if sum(times for _, times in by) != order:
        p.refuse(token, "unexpected order of a derivative: numerator and denominator differ.", fractions.WRITE)
    return derivative(p, operand, by, token.start, p.end)


# ---- functions -------------------------------------------------------------------------------------------------------------


def own(p: Parser, name: str, token: Token) -> Node:
    """The function at its own parameters."""
    parameters = p.scope.parameters(name)
    if not parameters:
        return p.set(Name(name, token.start, p.end))
    return p.set(Call(name, tuple(Name(q, token.start, token.end) for q in parameters), (), token.start, p.end))


def function(p: Parser, token: Token, name: str, partials: list[str], marks: Scripts) -> Task[Node]:
    """A declared function: its call, f'(x), f_{xy}(x, y), f^{(2)}(x), f(x)^2; without a bracket it is at its own parameters."""
    parameters = p.scope.parameters(name)
    assert parameters
    primes = marks.primes
    if marks.high is not None:
        order = _order_in_brackets(p, marks.high)
        if order is not None:
            primes, marks.high = primes + order, None
    if primes and len(parameters) > 1:
        p.refuse(
            token, f"{name}' could be by any of {', '.join(parameters)}.", rf"Write \frac{{\partial {name}}}{{\partial {parameters[0]}}}."
        )
    by: list[tuple[str, int]] = [(q, 1) for q in partials] + ([(parameters[0], primes)] if primes else [])
    start = token.start
    points: list[Node] | None = None
    if p.is_symbol("(", "[") and p.token.side not in ("r", "m"):
        opening = p.advance()
        points = yield p.bracketed(opening)
        points = _counted(p, name, parameters, points, opening)
    node = _derived(p, name, parameters, by, points, token)
    if marks.high is not None:
        high = p.tokens[marks.high[0]]
        if high.value == "-":
            p.refuse(
                high,
                f"unexpected exponent of {name}: it could be the inverse function or the reciprocal.",
                rf"Write \frac{{1}}{{{name}(x)}}.",
            )
        node = yield scripts.exponent(p, node, start, marks.high)
    if marks.low is not None:
        node = yield subscripts.entry(p, node, marks.low, start, None)
    return node


def _counted(p: Parser, name: str, parameters: tuple[str, ...], points: list[Node], opening: Token) -> list[Node]:
    """The arguments, one for every parameter; a single point P = (1, 2) stands for its entries: f(P_1, P_2)."""
    count = len(parameters)
    if len(points) == 1 < count and isinstance(point := points[0], Name) and _is_point(p, point.name):
        start, end = point.start, point.end
        points = [p.set(Index(point, (Number(Fraction(k), start, end),), start, end)) for k in range(1, count + 1)]
    if len(points) != count:
        reason = f"{name} takes {count} argument{'' if count == 1 else 's'}, not {len(points)}."
        p.refuse(opening, reason, f"It is declared as {name}({', '.join(parameters)}).")
    return points


def _is_point(p: Parser, name: str) -> bool:
    """May the name stand for a vector: a declared one, or a value that is defined?"""
    return p.scope.rank(name) == 1 or (p.scope.is_definition(name) and not p.scope.parameters(name))


def _order_in_brackets(p: Parser, span: Span) -> int | None:
    content = p.tokens[slice(*span)]
    if (
        len(content) == 3
        and content[0].value == "("
        and content[2].value == ")"
        and content[1].kind == NUMBER
        and content[1].value.isdigit()
    ):
        return int(content[1].value)
    return None


def _derived(p: Parser, name: str, parameters: tuple[str, ...], by: list[tuple[str, int]], points: list[Node] | None, token: Token) -> Node:
    start, end = token.start, p.end
    if points is None:
        value = own(p, name, token)
        return derivative(p, value, [(Name(q, start, token.end), times) for q, times in by], start, end) if by else value
    value = p.set(Call(name, tuple(points), (), start, end))
    if not by:
        return value
    if all(is_variable(p, point) for point in points) and len({point.name for point in points if isinstance(point, Name)}) == len(points):
        named = dict(zip(parameters, points))
        return derivative(p, value, [(named[q], times) for q, times in by], start, end)
    inside = Call(name, tuple(Name(q, start, token.end) for q in parameters), (), start, end)
    made = derivative(p, inside, [(Name(q, start, token.end), times) for q, times in by], start, end)
    return _at(p, made, parameters, points, start, each=True)


def is_variable(p: Parser, node: Node) -> bool:
    """Is the node the name of a variable that a derivative can be by?"""
    return (
        isinstance(node, Name)
        and not p.scope.is_bound(node.name)
        and not p.scope.is_definition(node.name)
        and not p.scope.is_array(node.name)
        and node.name not in p.scope.sizes
        and node.name not in ("e", "pi")
    )


def _at(p: Parser, body: Node, names: tuple[str, ...], points: list[Node], start: int, each: bool = False) -> Node:
    return p.set(At(body, names, tuple(points), each, start, p.end))


def of_function(p: Parser, token: Token, name: str, marks: Scripts) -> Task[Node]:
    """`\\sigma'(z)`: the derivative of a function of the table."""
    opening = p.token
    if not p.is_symbol("(", "["):
        p.refuse(token, f"the derivative of {p.source(token.start, p.end)} is missing its argument.", "Write it in brackets.")
    p.advance()
    items: list[Node] = yield p.bracketed(opening)
    if len(items) != 1:
        p.refuse(opening, "unexpected ',': the derivative with a prime is by one argument.", r"Write \frac{\partial}{\partial x}.")
    start, end = token.start, p.end
    if is_variable(p, items[0]):
        return derivative(p, Call(name, (items[0],), (), start, end), [(items[0], marks.primes)], start, end)
    letter = p.scope.fresh()
    inside = Call(name, (Name(letter, start, end),), (), start, end)
    made = derivative(p, inside, [(Name(letter, start, end), marks.primes)], start, end)
    return _at(p, made, (letter,), items, start, each=True)


# ---- nabla and D ------------------------------------------------------------------------------------------------------------


def nabla(p: Parser, token: Token) -> Task[Node]:
    """`\\nabla_w L`, `\\nabla f(1,2)`, `\\nabla^2 f`."""
    p.advance()
    low: Span | None = None
    order = 1
    while p.is_symbol("_", "^"):
        if p.token.value == "^":
            order, at = fractions.order_of(p, p.at, p.stop)
            while p.at < at:
                p.advance()
        else:
            low = p.span(p.advance())
    if order > 2:
        p.refuse(token, r"unexpected order of \nabla: expected 1 or 2.", r"\nabla^2 f is the Hessian.")
    if p.token.kind == COMMAND and p.token.value in (r"\cdot", r"\times"):
        p.refuse(p.token, "divergence and curl are not supported.", r"Write the sum that is meant: \frac{\partial f}{\partial x} + ….")
    by: list[Node] = []
    if low is not None:
        by = yield p.within(*low, task=lambda: big.listed(p), what="what the gradient is by")
    sign = "∇" if order == 1 else "∇²"
    name = _function_name(p)
    if name is None:
        body: Node = yield reach(p, token)
        return p.set(Call(sign, (body, *by), (), token.start, p.end))
    node: Node = yield _of_named(p, token, sign, name, by)
    return node


def _function_name(p: Parser) -> str | None:
    """The function or definition that stands next; with its subscript where that is part of the name."""
    at, end = p.at, p.end
    if not atoms.is_name(p.token):
        return None
    token = p.token
    longest = atoms._longest(p)
    name = longest[0] if longest else p.scope.resolve(token)
    for _ in range(longest[1] if longest else 1):
        p.advance()
    if p.is_symbol("_"):
        marks = atoms.Scripts(low=p.span(p.advance()))
        suffix = atoms._suffix(p.tokens[slice(*marks.low)]) if marks.low else ""
        name = f"{name}_{suffix}" if suffix else name
    if p.scope.is_definition(name):
        return name
    p.at, p.end = at, end
    return None


def _of_named(p: Parser, token: Token, sign: str, name: str, by: list[Node]) -> Task[Node]:
    """The gradient of a function, at its own parameters or at the point in brackets; scripts after it are of the gradient."""
    parameters = p.scope.parameters(name)
    start = token.start
    if not parameters:
        return p.set(Call(sign, (Name(name, start, p.end), *by), (), start, p.end))
    if not (p.is_symbol("(", "[") and p.token.side not in ("r", "m")):
        names: list[Node] = by or [Name(q, start, p.end) for q in parameters]
        return p.set(Call(sign, (own(p, name, token), *names), (), start, p.end))
    opening = p.advance()
    points: list[Node] = yield p.bracketed(opening)
    points = _counted(p, name, parameters, points, opening)
    end = p.end
    whole = [q for q in points if isinstance(q, Name) and not p.scope.is_bound(q.name) and not p.scope.is_definition(q.name)]
    if len(whole) == len(points) == len({q.name for q in whole}):
        return p.set(Call(sign, (Call(name, tuple(points), (), start, end), *(by or points)), (), start, end))
    inside = Call(name, tuple(Name(q, start, end) for q in parameters), (), start, end)
    own_names: list[Node] = by or [Name(q, start, end) for q in parameters]
    return _at(p, p.set(Call(sign, (inside, *own_names), (), start, end)), parameters, points, start)


def directional(p: Parser, token: Token) -> Task[Node]:
    """`D_u f(x)`, the derivative along u, `D_u^x f` of the variable x; `D_{KL}(p \\| q)`, the divergence of two distributions."""
    low = p.span(p.advance())
    content = p.tokens[slice(*low)]
    if "".join(t.value for t in content).upper() == "KL" and p.is_symbol("("):
        node: Node = yield _divergence(p, token)
        return node
    along: Node = yield p.within(*low, what="a direction")
    start = token.start
    if p.is_symbol("(") and atoms.is_name(p.peek()) and p.peek(2).value == ")" and not p.scope.is_definition(p.scope.resolve(p.peek())):
        written, point = p.source(start, p.end), p.source(p.peek().start, p.peek().end)
        p.refuse(p.token, f"{written} is missing its function: ({point}) is where it is taken.", f"Write {written} f({point}).")
    if p.is_symbol("^"):
        variable: Node = yield p.within(*p.span(p.advance()), task=p.factor)
        moved: Node = yield reach(p, token)
        return p.set(Call("D", (moved, variable, along), (), start, p.end))
    name = _function_name(p)
    if name is None:
        body: Node = yield reach(p, token)
        gradient = p.set(Call("∇", (body,), (), start, p.end))
    else:
        gradient = yield _of_named(p, token, "∇", name, [])
    return p.set(Call("D·", (gradient, along), (), start, p.end))


def is_differential_of_brackets(p: Parser) -> bool:
    """Do brackets follow the subscript that stands next?"""
    at, end = p.at, p.end
    p.span(p.advance())
    opens = p.is_symbol("(")
    p.at, p.end = at, end
    return opens


def differential(p: Parser, token: Token) -> Task[Node]:
    """`\\mathrm{d}_x (A x)`: the differential of what is in brackets by x, along dx."""
    variable: Node = yield p.within(*p.span(p.advance()), task=p.factor)
    if not isinstance(variable, Name):
        p.refuse_node(variable, "unexpected differential: expected the name of a variable.", r"Write it as in \mathrm{d}_{x} (A x).")
    opening = p.advance()
    body: list[Node] = yield p.bracketed(opening)
    step = Name(f"d{variable.name}", token.start, p.end)
    return p.set(Call("D", (body[0], variable, step), (), token.start, p.end))


def _divergence(p: Parser, token: Token) -> Task[Node]:
    """Σ p log(p/q)."""
    from symgd.language.syntax import Chain

    opening = p.advance()
    p.bars.append(r"\|")
    first: Node = yield p.expression()
    p.bars.pop()
    if p.is_symbol("|") and p.peek().value == "|":
        p.advance()
    if not p.take(r"\|", "|", ","):
        p.refuse_operator()
    p.bars.append("")
    second: Node = yield p.expression()
    p.bars.pop()
    p.close(opening, ")")
    start, end = token.start, p.end
    ratio = Call("log", (Chain(first, (("./", start, second),), start, end),), (), start, end)
    return p.set(Call("sum", (Chain(first, ((".*", start, ratio),), start, end),), (), start, end))


# ---- at a point -------------------------------------------------------------------------------------------------------------


def left_open(p: Parser, opening: Token) -> Task[Node]:
    """`\\left. … \\right|_{t=0}`, or `\\left. x \\right.`."""
    items: list[Node] = yield p.bracketed_until_right(opening)
    if p.tokens[p.at - 1].value == "|" and p.is_symbol("_"):
        node: Node = yield at_bar(p, items[0])
        return node
    return items[0]


def at_bar(p: Parser, body: Node) -> Task[Node]:
    """What stands before the bar, at the point in the subscript: `|_{x=1, y=2}`."""
    low = p.span(p.advance())
    names: list[str] = []
    points: list[Node] = []
    for piece in big.pieces_of(p, low):
        places = big.relations_in(p, piece)
        if [p.tokens[k].value for k in places] != ["="] or not atoms.is_name(p.tokens[piece[0]]):
            p.refuse(p.tokens[piece[0]], "unexpected point after a bar: expected the value of a variable.", "Write it as in |_{x=1}.")
        variable: Node = yield p.within(piece[0], places[0], task=p.factor)
        if not isinstance(variable, Name):
            _refuse_point(p, variable)
        point: Node = yield p.within(places[0] + 1, piece[1], what="a value")
        names.append(variable.name)
        points.append(point)
    return _at(p, body, tuple(names), points, body.start)


def _refuse_point(p: Parser, node: Node) -> NoReturn:
    p.refuse_node(node, "unexpected point after a bar: expected the name of a variable.", "Write it as in |_{x=1}.")
