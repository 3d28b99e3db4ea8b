"""The order of terms and factors: the author's where the expression is his, the order that reads best where it is derived."""

from __future__ import annotations

from random import Random

import pytest

from symgd.algebra.expression import leaf
from symgd.formula import Formula, derivative, formula, gradient, variables

WRITTEN = [
    # infix, LaTeX of the same, given
    ("-x + 1", "-x + 1", ""),
    ("b + a*x", "b + a x", ""),
    ("1 - x^2 + x", "1 - x^{2} + x", ""),
    ("(1 - t)^2*a", r"\left(1 - t\right)^{2} a", ""),
    ("sin(x)*x*a", r"\sin\left(x\right) x a", ""),
    ("exp(-x)*a/b", r"\frac{\exp\left(-x\right) a}{b}", ""),
    ("a/(exp(x)*b)", r"\frac{a}{\exp\left(x\right) b}", ""),
    ("x'*y*t", r"\left(x^{\top} y\right) t", "x[n], y[n]"),
    ("t*x'*y", r"t x^{\top} y", "x[n], y[n]"),
    ("s*(x'*y)*t", r"s \left(x^{\top} y\right) t", "x[n], y[n]"),
    ("(x'*y)*t*v", r"\left(x^{\top} y\right) t v", "x[n], y[n], v[m]"),
    ("-A*x + b", "-A x + b", "A[m,n], x[n], b[m]"),
    ("b - A*x", "b - A x", "A[m,n], x[n], b[m]"),
    ("exp(t)*t*A*x", r"\exp\left(t\right) t A x", "A[m,n], x[n]"),
    ("-x + 1", "-x + 1", "x[n]"),
    ("(1 - y)'*log(1 - x)", r"\left(1 - y\right)^{\top} \log\left(1 - x\right)", "x[n], y[n]"),
    ("x[2]*x[1]", "x_{2} x_{1}", "x[n]"),
    ("-log(p)*y - log(1 - p)*(1 - y)", r"-\log\left(p\right) y - \log\left(1 - p\right) \left(1 - y\right)", ""),
    ("norm2(-x + y)*t", r"\left\lVert -x + y\right\rVert_2 t", "x[n], y[n]"),
]


@pytest.mark.parametrize(("text", "latex", "given"), WRITTEN)
def test_a_formula_keeps_the_order_of_its_author(text: str, latex: str, given: str) -> None:
    f = formula(text, given=given)
    assert f.latex() == latex
    read = formula(latex, given=f.given, syntax="latex")
    assert read == f
    assert read.latex() == latex
    assert str(f) == str(read) == text


def test_index_notation_keeps_it_too() -> None:
    f = formula("-sin(x).*y + A*x", given="A[n,n], x[n], y[n]")
    assert f.latex("index") == r"\left[-\sin\left(x_{i}\right) y_{i} + \sum_{j=1}^{n} A_{i,j} x_{j}\right]_{i=1,\dots,n}"


def test_a_sum_over_an_index_stands_at_the_end_of_its_product() -> None:
    f = formula("sum(x)*sin(t)*t", given="x[n]")
    assert f.latex() == r"\sin\left(t\right) t \sum_{i=1}^{n} x_{i}"


def test_formulas_made_with_operators_keep_their_order() -> None:
    t, a = variables("t, a")
    assert str(-t + a) == "-t + a"
    assert str((1 - t) ** 2 * a) == "(1 - t)^2*a"


def test_an_entry_keeps_it() -> None:
    assert str(formula("[-t + a, (1 - t)*a]")[1]) == "(1 - t)*a"


def test_what_is_derived_is_put_in_order() -> None:
    assert str(derivative(formula("-cos(t) + sin(t)*t"), "t")) == "2*sin(t) + t*cos(t)"
    assert str(gradient(formula("sum(-x.*exp(x) + y)", given="x[n], y[n]"), "x")) == "-(x + 1).*exp(x)"


def test_a_part_that_the_author_wrote_stands_in_a_derivative_as_it_was() -> None:
    assert str(derivative(formula("exp(-t + a)"), "t")) == "-exp(-t + a)"


def test_the_lines_of_a_derivation_keep_it() -> None:
    steps = derivative(formula("(1 - t)^2*a"), "t").steps
    assert steps[0].before == "diff((1 - t)^2*a, t)"


def test_no_author_no_order_to_keep() -> None:
    t, a = leaf("t"), leaf("a")
    assert str(Formula(-1 * t + a)) == "a - t"


def test_any_order_of_terms_and_factors_is_kept() -> None:
    random = Random(7)
    factors = ["a", "x^2", "sin(b)", "exp(-x)", "abs(y - 1)", "sqrt(t + 2)", "abs(-b + y)"]
    for _ in range(100):
        terms = []
        for _ in range(random.randint(1, 4)):
            terms.append("*".join(random.sample(factors, random.randint(1, 4))))
        text = random.choice(["-", ""]) + "".join(term + random.choice([" + ", " - "]) for term in terms) + "c"
        f = formula(text)
        if len({frozenset(term.split("*")) for term in terms}) == len(terms):  # like terms are collected
            assert str(f) == text
            assert formula(f.latex(), syntax="latex").latex() == f.latex()
