"""Derivations: every line is proved, the last line is the result, and each grain says what it should."""

from __future__ import annotations

from random import Random

import pytest

import symgd
from symgd import FormulaError, NoRuleError, check_chain, formula
from symgd.formula import Formula
from symgd.notation.derivation import Derivation
from tests.losses import LOSSES
from tests.random_formulas import GIVEN, made

CASES = [(text, given, by) for text, given, names in LOSSES for by in names]


def weakest(derivation: Derivation, syntax: str = "infix", seconds: float = 20.0) -> str:
    """The grade of the line that is known least surely."""
    order = ("refuted", "undecided", "agrees", "proved")
    found = "proved"
    for chain in derivation.latex_chains() if syntax == "latex" else derivation.chains:
        for verdict in check_chain(chain, given=derivation.given, syntax=syntax, seconds=seconds).verdicts:
            found = min(found, verdict.grade, key=order.index)
    return found


def ends_in(derivation: Derivation, g: Formula) -> bool:
    return derivation.lines[-1].expressions[1] is g.expression is derivation.result


@pytest.mark.parametrize(("text", "given", "by"), CASES)
def test_every_line_is_proved(text: str, given: str, by: str) -> None:
    g = symgd.gradient(formula(text, given=given), by)
    for detail, form in (("brief", "vector"), ("normal", "vector"), ("full", "vector"), ("normal", "component")):
        derivation = g.steps.written(detail, form)
        assert weakest(derivation) == "proved"
        assert ends_in(derivation, g)
        if form == "vector":
            assert derivation.chains[-1][-1] == str(g)


@pytest.mark.parametrize(("text", "given", "by"), CASES[::4])
def test_every_line_is_proved_as_it_is_read_from_latex(text: str, given: str, by: str) -> None:
    assert weakest(symgd.gradient(formula(text, given=given), by).steps, "latex") == "proved"


LEAST = ("norm2(A*x - b)^2", "A[m,n], x[n], b[m]")
VERBS = {
    "derivative": lambda: symgd.derivative(formula("[sin(t), t^2]*exp(t)"), "t"),
    "derivative of an array": lambda: symgd.derivative(formula("inv(A + t*B)", given="A[n,n], B[n,n], t"), "t"),
    "gradient by several": lambda: symgd.gradient(formula("x^2*y + z"), ["x", "y", "z"]),
    "symmetric": lambda: symgd.gradient(formula("tr(S*A*S)", given="S[n,n] symmetric, A[n,n]"), "S", structure="symmetric"),
    "gradients": lambda: symgd.gradients(formula("normF(X - U*V')^2", given="X[m,n], U[m,k], V[n,k]"), ["U", "V"])["V"],
    "hessian": lambda: symgd.hessian(formula(*LEAST), "x"),
    "hessian of a number": lambda: symgd.hessian(formula("x^3*sin(x)"), "x"),
    "hessian by two": lambda: symgd.hessian(formula("x'*A*y", given="A[m,n], x[m], y[n]"), "x", "y"),
    "hessian by several": lambda: symgd.hessian(formula("(1 - x)^2 + 100*(y - x^2)^2"), ["x", "y"]),
    "hessian by a matrix": lambda: symgd.hessian(formula("tr(A*X*B*X')", given="A[n,n], X[n,k], B[k,k]"), "X"),
    "hessian in indices": lambda: symgd.hessian(formula("normF(X)^2", given="X[n,k]"), "X", layout="indices"),
    "jacobian": lambda: symgd.jacobian(formula("tanh(W*x)", given="W[m,n], x[n]"), "x"),
    "jacobian by a matrix": lambda: symgd.jacobian(formula("W*x", given="W[m,n], x[n]"), "W"),
    "jacobian in indices": lambda: symgd.jacobian(formula("W*x", given="W[m,n], x[n]"), "W", layout="indices"),
    "jacobian by several": lambda: symgd.jacobian(formula("[r*cos(p), r*sin(p)]"), ["r", "p"]),
    "directional": lambda: symgd.directional(formula(*LEAST), "x", along="u"),
    "directional of numbers": lambda: symgd.directional(formula("x^2*y"), ["x", "y"], along=["3/5", "4/5"]),
    "directional of an array": lambda: symgd.directional(formula("tanh(W*x)", given="W[m,n], x[n]"), "x", along="u"),
    "normalized": lambda: symgd.directional(formula(*LEAST), "x", along="u", normalize=True),
    "hessian times a vector": lambda: symgd.hessian_vector(formula("lse(W*x)", given="W[m,n], x[n]"), "x", along="u"),
    "hessian times a matrix": lambda: symgd.hessian_vector(formula("logdet(X)", given="X[n,n]"), "X", along="U"),
    "differential": lambda: symgd.differential(formula("x^2*y + sin(y)")),
    "differential of arrays": lambda: symgd.differential(formula(*LEAST)),
    "power of a matrix": lambda: symgd.gradient(formula("tr(A^k)", given="A[n,n], k integer"), "A"),
    "constant": lambda: symgd.gradient(formula("a + 0*x"), "x"),
}


# In component form an entry stands at i + m*j - m, m being a size: of that proofs know little, and agreement at points has to do.
STRIDED = {("hessian by a matrix", "component"), ("jacobian by a matrix", "component")}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_steps(verb: str) -> None:
    g = VERBS[verb]()
    for detail in ("brief", "normal", "full"):
        for form in ("vector", "component"):
            derivation = g.steps.written(detail, form)
            assert weakest(derivation) in (("proved", "agrees", "undecided") if (verb, form) in STRIDED else ("proved",))
            assert ends_in(derivation, g)


@pytest.mark.parametrize("seed", range(40))
def test_random_formulas(seed: int) -> None:
    chosen = Random(seed)
    f = formula(made(chosen.choice, 2), given=GIVEN)
    if not f.variables:
        pytest.skip("it has no variable")
    g = symgd.gradient(f, chosen.choice(f.variables))
    derivation = g.steps.written(chosen.choice(["normal", "full"]), "vector")
    assert weakest(derivation, seconds=60) == "proved"
    assert ends_in(derivation, g)


def test_a_planted_fault_is_found() -> None:
    chain = list(symgd.gradient(formula("x^2*sin(x)"), "x").steps.chains[0])
    chain[1] = chain[1].replace("+", "-")
    assert check_chain(chain).first_wrong == 1


def test_no_step_is_missing() -> None:
    """But for brief, a line changes one rule's worth: no line says everything at once."""
    for text, given, by in CASES:
        steps = symgd.gradient(formula(text, given=given), by).steps
        derived = [line for line in steps if any(operator in line.before for operator in ("diff(", "D("))]
        assert all(line.rule for line in steps), text
        assert derived, text


def test_the_lecture_directional_derivative() -> None:
    text = """\
diff(x^2*y, x)
  = y*diff(x^2, x)    constant factor
  = 2*y*x             power rule

diff(x^2*y, y)
  = x^2    constant factor

D(x^2*y, x, 3/5) + D(x^2*y, y, 4/5)
  = lim(t, 0, ((x + 3*t/5)^2*(y + 4*t/5) - x^2*y)/t)        definition of the directional derivative
  = lim(t, 0, diff((x + 3*t/5)^2*(y + 4*t/5), t))           derivative at 0
  = 3*diff(x^2*y, x)/5 + 4*diff(x^2*y, y)/5                 chain rule
  = 6*y*x/5 + 4*x^2/5                                       insert"""
    found = symgd.directional(formula("x^2*y"), ["x", "y"], along=["3/5", "4/5"]).steps.text()
    assert [line.split() for line in found.splitlines()] == [line.split() for line in text.splitlines()]


def test_lines_say_where_and_why() -> None:
    first, second, *_ = symgd.gradient(formula("x^2*sin(x)"), "x").steps
    assert (first.before, first.rule, first.place) == ("diff(x^2*sin(x), x)", "product rule", None)
    assert second.rule == "power rule"
    assert second.place is not None
    assert second.before[slice(*second.place)] == "diff(x^2, x)"
    assert second.statement == "(u^k)' = k*u^(k-1)*u' for a constant k."


def test_the_statement_of_a_function_is_its_row() -> None:
    statements = {line.rule: line.statement for line in symgd.gradient(formula("normF(X)", given="X[m,n]"), "X").steps}
    assert statements["derivative of normF"] == "D(normF(U), U, dU) = tr(dU'*U)/normF(U)."


def test_the_differential_has_a_free_name() -> None:
    steps = symgd.gradient(formula("dx'*x", given="x[n], dx[n]"), "x").steps
    assert steps.chains[0] == ("D(dx'*x, x, dx_)", "dx'*dx_")


def test_a_constant_has_the_derivative_0() -> None:
    assert symgd.gradient(formula("a", given="a, x"), "x").steps.text() == "diff(a, x)\n  = 0    constant"


def test_a_formula_that_was_written_has_no_steps() -> None:
    with pytest.raises(FormulaError) as caught:
        _ = formula("x^2").steps
    assert str(caught.value) == 'a formula that was written, not derived, has no steps.\nDerive a formula first: gradient(f, "x").steps.'


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detail": "ful"}, "unknown detail 'ful'.\nDid you mean 'full'?"),
        ({"form": "x"}, "unknown form 'x'.\nIt is one of 'vector', 'component'."),
    ],
)
def test_unknown_options_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        symgd.gradient(formula("x^2"), "x").steps.written(**options)
    assert str(caught.value) == message


def test_an_exponent_of_a_matrix_power_has_no_derivative() -> None:
    with pytest.raises(NoRuleError):
        symgd.gradient(formula("tr(A^k)", given="A[n,n], k integer"), "k")


def test_a_long_sum_stays_linear() -> None:
    f = formula(" + ".join(f"x{k}^2" for k in range(200)))
    assert len(symgd.gradient(f, "x0").steps.lines) < 6
