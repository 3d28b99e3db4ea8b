"""Infix text to a syntax tree: precedence, places, depth, cost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from language.counting import calls

from symgd.errors import SymgdError
from symgd.language import syntax as sx
from symgd.language.infix import parse_claim, parse_formula
from symgd.language.limits import Limits

WIDE = Limits(characters=10**8, nesting=10**5, nodes=10**7)


def shown(node: Any) -> str:
    """The tree with every operation in brackets."""
    if isinstance(node, sx.Number):
        return str(node.value)
    if isinstance(node, sx.Name):
        return node.name
    if isinstance(node, sx.Prefix):
        return f"({node.operator}{shown(node.operand)})"
    if isinstance(node, sx.Transpose):
        return f"({shown(node.operand)}')"
    if isinstance(node, sx.Power):
        return f"({shown(node.base)}{node.operator}{shown(node.exponent)})"
    if isinstance(node, sx.Chain):
        return f"({shown(node.first)}{''.join(f' {op} {shown(x)}' for op, _, x in node.rest)})"
    if isinstance(node, sx.Comparison):
        return f"({shown(node.left)} {node.operator} {shown(node.right)})"
    if isinstance(node, sx.Conditional):
        return f"({shown(node.value)} if {shown(node.condition)} else {shown(node.otherwise)})"
    if isinstance(node, sx.Binding):
        return f"{node.name}={shown(node.lower)}..{shown(node.upper)}"
    if isinstance(node, sx.Call):
        inside = [*map(shown, node.arguments), *(f"{word}={shown(value)}" for word, value in node.keywords)]
        return f"{node.name}({', '.join(inside)})"
    if isinstance(node, sx.Index):
        return f"{shown(node.base)}[{', '.join(map(shown, node.indices))}]"
    if isinstance(node, sx.List):
        return f"[{', '.join(map(shown, node.items))}]"
    return f"[{'; '.join(', '.join(map(shown, row)) for row in node.rows)}]"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b*c", "(a + (b * c))"),
        ("a - b - c + d", "(a - b - c + d)"),
        ("a*b/c@d .* e ./ f", "(a * b / c @ d .* e ./ f)"),
        ("(a + b) + c", "((a + b) + c)"),
        ("-x^2", "(-(x^2))"),
        ("-x'", "(-(x'))"),
        ("2^-x", "(2^(-x))"),
        ("2^-x^2", "(2^(-(x^2)))"),
        ("2^-x*3", "((2^(-x)) * 3)"),
        ("a^b^c", "(a^(b^c))"),
        ("a**b.^c", "(a**(b.^c))"),
        ("(a^b)^c", "((a^b)^c)"),
        ("x^(y')", "(x^(y'))"),
        ("(x^y)'", "((x^y)')"),
        ("A'*B.T*x''", "((A') * (B') * ((x')'))"),
        ("-a*b", "((-a) * b)"),
        ("a*-b*c", "(a * (-b) * c)"),
        ("--x", "(-(-x))"),
        ("x - -y", "(x - (-y))"),
        ("2.*x", "(2 .* x)"),
        ("1./x", "(1 ./ x)"),
        ("2.^x", "(2.^x)"),
        ("2.5.*x", "(5/2 .* x)"),
        (".5 + 5. + 1e3 + 1E-3 + 1.5e+2", "(1/2 + 5 + 1000 + 1/1000 + 150)"),
        ("a − b × c · d ⋅ e", "(a - (b * c * d * e))"),
        ("f(x)'", "(f(x)')"),
        ("f()", "f()"),
        ("f(x, g(y), axis=1)", "f(x, g(y), axis=1)"),
        ("sum(i=1..n-1, j=2..m, A[i, j])", "sum(i=1..(n - 1), j=2..m, A[i, j])"),
        ("x[i+1]^2", "(x[(i + 1)]^2)"),
        ("X[1,2][3]'", "(X[1, 2][3]')"),
        ("[1, [2, 3]]", "[1, [2, 3]]"),
        ("[1, 2; 3, 4]", "[1, 2; 3, 4]"),
        ("a if b < c else d", "(a if (b < c) else d)"),
        ("a + 1 if b + 1 >= c*2 else d if e != f else g", "((a + 1) if ((b + 1) >= (c * 2)) else (d if (e != f) else g))"),
        ("(a if b == c else d)*2", "((a if (b == c) else d) * 2)"),
        ("\ufeff x\xa0+\r\n\ty ", "(x + y)"),
        ("e\u0301 + é", "(é + é)"),
        ("lambda + lambda_ + del + import_rate", "(lambda + lambda_ + del + import_rate)"),
    ],
)
def test_precedence(text: str, tree: str) -> None:
    assert shown(parse_formula(text)) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", Fraction(1, 10)), ("1e-300", Fraction(1, 10**300)), ("12345678901234567890", 12345678901234567890), ("0e9", 0)],
)
def test_a_decimal_means_exactly_what_it_says(text: str, value: Fraction) -> None:
    node = parse_formula(text)
    assert isinstance(node, sx.Number)
    assert node.value == value


def test_every_node_knows_its_place() -> None:
    text = "(a + b)*sum(i, x[i]^2) - [1,2]'"
    waiting: list[Any] = [parse_formula(text)]
    found = []
    while waiting:
        node = waiting.pop()
        found.append(text[node.start : node.end])
        waiting.extend(reversed(sx.children(node)))
    assert found == [
        text,
        "(a + b)*sum(i, x[i]^2)",
        "a + b",
        "a",
        "b",
        "sum(i, x[i]^2)",
        "i",
        "x[i]^2",
        "x[i]",
        "x",
        "i",
        "2",
        "[1,2]'",
        "[1,2]",
        "1",
        "2",
    ]


def test_names_in_are_those_that_stand_for_values() -> None:
    assert list(sx.names_in(parse_formula("sum(i=1..n, x[i]) + sin(y)"))) == ["n", "x", "i", "y"]


def test_a_claim_has_two_sides() -> None:
    claim = parse_claim("f(x) = 2*x")
    assert (shown(claim.left), shown(claim.right), claim.start, claim.end) == ("f(x)", "(2 * x)", 0, 10)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 99_999 + "x" + ")" * 99_999,
        "-" * 99_999 + "x",
        "x^" * 99_999 + "x",
        "f(" * 99_999 + "x" + ")" * 99_999,
        "x" + "[1]" * 99_999,
        "a if b < c else " * 99_999 + "d",
    ],
    ids=["brackets", "signs", "powers", "calls", "entries", "conditionals"],
)
def test_depth_meets_no_recursion_limit(text: str) -> None:
    parse_formula(text, WIDE)


@pytest.mark.parametrize(
    "text",
    [
        lambda n: " + ".join(f"100*(x{k + 1} - x{k}^2)^2 + (1 - x{k})^2" for k in range(n)),
        lambda n: "x" + " " * n + "+ y" + " " * n,
        lambda n: "a" * n + "!",
        lambda n: "1" * n,
        lambda n: "x " * n + "$",
        lambda n: "(" * n + "x" + ")" * n,
        lambda n: "[" + "[1,2]," * n + "[1,2]]",
        lambda n: "'" * n,
        lambda n: "." * n,
        lambda n: "1e" * n,
        lambda n: "é" * n,
        lambda n: "x" + "\u0301" * n,
    ],
)
def test_parsing_takes_steps_in_proportion_to_the_text(text: Callable[[int], str]) -> None:
    def steps(n: int) -> int:
        def parse() -> None:
            with contextlib.suppress(SymgdError):
                parse_formula(text(n), WIDE)

        return calls(parse)

    assert steps(2000) < 2.2 * steps(1000) + 1000
