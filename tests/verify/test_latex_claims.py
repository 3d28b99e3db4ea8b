"""Claims in LaTeX: their grades, functions that nothing declares, and the likely mistake with its repair in LaTeX."""

from __future__ import annotations

import pytest

from symgd import check, check_chain, formula
from symgd.errors import SymgdError

SCHEMAS = [
    (r"D_{\mathbf u} f(P) = \nabla f(P) \cdot \mathbf u", "proved"),
    (r"D_{\mathbf u} f(P) = \nabla f(P)^\top \mathbf u", "proved"),
    (r"D_{\mathbf u} f(P) = 2 \nabla f(P)^\top \mathbf u", "refuted"),
    (r"D_{\mathbf u} f(P) = \lim_{t \to 0}\frac{f(P + t\mathbf u) - f(P)}{t}", "proved"),
    (r"D_{\mathbf u} f(P) = \lim_{t \to 0}\frac{f(P + t\mathbf u) - f(P)}{h}", "refuted"),
    (r"\left.\frac{d}{dt} f(x + t u)\right|_{t=0} = \nabla f(x)^\top u", "proved"),
    (r"\frac{d}{dt} f(x + t u) \Big|_{t=0} = \nabla f(x)^\top u", "proved"),
    (r"\frac{dL}{d\alpha}\Big|_{\alpha=0} L(w - \alpha\nabla L(w)) = -\|\nabla L(w)\|^2", "proved"),
    (r"\max_{\|u\|=1} D_u f(p) = \|\nabla f(p)\|", "proved"),
    (r"\min_{\|u\|=1} D_u f(p) = -\|\nabla f(p)\|", "proved"),
    (r"\min_{\|u\|=1} D_u f(p) = \|\nabla f(p)\|", "refuted"),
    (r"df = \frac{\partial f}{\partial x} dx + \frac{\partial f}{\partial y} dy", "proved"),
    (r"df = \frac{\partial f}{\partial x} dx + \frac{\partial f}{\partial y} dx", "refuted"),
    (r"\frac{df}{dh} = \frac{\partial f}{\partial x}\frac{dx}{dh} + \frac{\partial f}{\partial y}\frac{dy}{dh}", "proved"),
    (r"\frac{d}{dx} f(g(x)) = f'(g(x)) g'(x)", "proved"),
    (r"\frac{d}{dx} f(g(x)) = f'(g(x)) + g'(x)", "refuted"),
    (r"\frac{\partial^2 f}{\partial x\partial y} = \frac{\partial^2 f}{\partial y\partial x}", "proved"),
    (r"f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x)}{h}", "proved"),
]


@pytest.mark.parametrize(("claim", "grade"), SCHEMAS)
def test_claims_about_every_function(claim: str, grade: str) -> None:
    assert check(claim, syntax="latex").grade == grade


@pytest.mark.parametrize("claim", [r"\nabla f(x) = 2 x", r"\frac{\partial f}{\partial x} = 2 x", r"f'(x) = 2 x"])
def test_a_function_on_one_side_is_not_implied(claim: str) -> None:
    with pytest.raises(SymgdError) as caught:
        check(claim, syntax="latex")
    assert caught.value.position is not None


def test_a_function_has_one_number_of_arguments() -> None:
    with pytest.raises(SymgdError) as caught:
        check(r"f(x_1, x_2) = f\left(\frac{x_1 + ha}{x_1 + hb}\right)", syntax="latex")
    assert caught.value.reason == "f takes 2 arguments before, and 1 here."
    assert caught.value.position == 21


def test_a_declared_name_that_is_not_used_is_a_misspelling() -> None:
    with pytest.raises(SymgdError):
        check(r"D_u g(P) = \nabla g(P)^\top u", given="f(x) = x^2", syntax="latex")


def test_what_is_implied_is_reported() -> None:
    reading = formula(r"\nabla f(x)^\top u", syntax="latex").reading
    assert reading.warnings == (
        "f is not declared: it is read as an unknown differentiable function, f(x[n]).",
        "x is not declared: it is read as a vector, x[n].",
        "u is not declared: it is read as a vector, u[n].",
    )


# ---- one slip, and the claim mended

SLIPS = [
    (r"(x+y)^2 = x^2+y^2", "", "(x+y)^2 = x^{2} + y^{2} + 2 x y"),
    (
        r"\nabla_w \|Xw-y\|_2^2 = X^\top(Xw-y)",
        "X[N,d], w[d], y[N]",
        r"\nabla_w \|Xw-y\|_2^2 = 2 X^{\top} \left(X w - y\right)",
    ),
    (r"\tanh x = 2\sigma(x)-1", "", r"\tanh x = 2 \sigma\left(2 x\right) - 1"),
    (r"f'(x) = 2x e^x", "f(x) = x^2 e^x", r"f'(x) = x \exp\left(x\right) \left(2 + x\right)"),
    (r"\frac{d}{d\hat{y}} (y-\hat y)^2 = 2(y-\hat y)", "", r"\frac{d}{d\hat{y}} (y-\hat y)^2 = -2 \left(y - \hat{y}\right)"),
    (r"\nabla_x x^\top A x = 2 A x", "A[n,n], x[n]", r"\nabla_x x^\top A x = \left(A + A^{\top}\right) x"),
]


@pytest.mark.parametrize(("claim", "given", "repair"), SLIPS)
def test_the_repair_is_latex_and_checks(claim: str, given: str, repair: str) -> None:
    mistake = check(claim, given=given, syntax="latex").mistake
    assert mistake is not None
    assert mistake.repair == repair
    assert check(repair, given=given, syntax="latex").grade in ("proved", "agrees")


def test_a_sentence_about_a_slip_is_in_latex() -> None:
    mistake = check(r"\frac{d}{dx}(x^2 \sin x) = 2x \sin x", syntax="latex").mistake
    assert mistake is not None
    assert mistake.kind == "product-rule"


# ---- chains

CHAIN = (
    r"\nabla_w \|Xw - y\|^2",
    r"\nabla_w (w^\top X^\top X w - 2 y^\top X w + y^\top y)",
    r"2 X^\top X w - 2 X^\top y",
    r"2 X^\top (X w - y)",
)


def test_a_chain_of_lines() -> None:
    assert check_chain(CHAIN, given="X[N,d], w[d], y[N]", syntax="latex").first_wrong is None


def test_a_wrong_line_has_its_mistake_in_latex() -> None:
    found = check_chain([*CHAIN[:2], r"2 X^\top X w - X^\top y"], given="X[N,d], w[d], y[N]", syntax="latex")
    assert found.first_wrong == 2
    assert found.verdicts[1].mistake is not None


def test_a_chain_in_one_claim_is_checked_link_by_link() -> None:
    assert check(r"(x+1)^2 = x^2 + 2x + 1 = x(x+2) + 1", syntax="latex").grade == "proved"
    wrong = check(r"(x+1)^2 = x^2 + 2x + 1 = x(x+2) + 2", syntax="latex")
    assert wrong.grade == "refuted"
    assert "x(x+2) + 2" in wrong.why
