"""Whole documents: what is right in them is never refuted, every planted mistake is found in its line, and the rest is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from symgd import check_document

DOCUMENTS = Path(__file__).parent / "documents"

# Of each document: how many claims are proved; the others with line (and cell), grade and kind of mistake; the lines not checked.
CORPUS = {
    "README.md": (6, [(19, "refuted", ""), (27, "refuted", "factor")], []),
    "backprop.tex": (5, [(8, "refuted", "dropped-factor"), (9, "refuted", "chain-rule"), (16, "refuted", "")], []),
    "blog.md": (6, [(6, "refuted", "factor"), (13, "refuted", "")], []),
    "directional.md": (6, [(11, "refuted", "factor"), (13, "refuted", "")], []),
    "gaussian.tex": (2, [(9, "refuted", "factor"), (15, "undecided", "")], [11]),  # 15: the distribution of Z is in words
    "gradient_notes.md": (6, [(14, "refuted", "sign"), (32, "refuted", "factor")], [34]),
    "homework_logistic.tex": (6, [(18, "refuted", "operator"), (28, "agrees", "")], [27]),  # 28: a rounded decimal
    "korean_lecture.md": (4, [(7, "refuted", "factor"), (13, "refuted", "factor")], [15]),
    "least_squares.tex": (2, [(25, "refuted", ""), (31, "refuted", "factor"), (43, "refuted", "factor")], [37, 45]),
    "matrix_calculus.md": (
        6,
        [(8, "refuted", "sign"), (10, "refuted", "symmetry"), (16, "refuted", "product-rule"), (18, "refuted", "order-of-factors")],
        [],
    ),
    "newton.md": (5, [(13, "refuted", "quotient-rule"), (24, "refuted", "operator")], [3, 3]),
    "pca.qmd": (2, [(24, "undecided", ""), (26, "refuted", "product-rule")], [17, 24]),  # 24: it holds for vectors of length 1
    "physics.tex": (4, [(3, "refuted", "factor"), (12, "refuted", "dropped-factor")], [10]),
    "rates.md": (5, [(12, "refuted", "dropped-factor")], [5, 6, 6, 6, 6]),
    "regression.ipynb": (2, [((3, 3), "refuted", "factor")], []),
    "mixed.tex": (
        9,
        [
            (15, "undecided", ""),
            (17, "undecided", ""),
            (35, "undecided", ""),
            (35, "undecided", ""),
        ],
        [15, 21, 21, 28, 31, 31, 31, 35],
    ),
    "descent_kr.md": (14, [(16, "agrees", ""), (24, "refuted", "symmetry")], [7, 20, 20]),
    "softmax_chain.md": (6, [(21, "refuted", "chain-rule"), (24, "refuted", "quotient-rule")], []),
    "two_models.tex": (10, [(20, "undecided", ""), (26, "refuted", "dropped-factor")], [17, 18, 18, 29, 29, 29, 29, 30]),
    "softmax.md": (2, [(11, "refuted", ""), (21, "refuted", "")], []),
}


def line(found):
    return found.line if found.cell is None else (found.cell, found.line)


def others(report):
    """The claims that are not proved."""
    return [
        (line(c), c.verdict.grade, c.verdict.mistake.kind.split(",")[0] if c.verdict.mistake else "")
        for c in report.claims
        if c.verdict.grade != "proved"
    ]


def test_every_document_of_the_folder_is_in_the_table():
    assert sorted(path.name for path in DOCUMENTS.iterdir()) == sorted(CORPUS)


@pytest.mark.parametrize("name", CORPUS)
def test_documents(name):
    report = check_document(DOCUMENTS / name)
    proved, wrong, unchecked = CORPUS[name]
    assert others(report) == wrong
    assert sum(claim.verdict.grade == "proved" for claim in report.claims) == proved
    read = {(c.cell, c.line, c.column) for c in report.claims}
    assert [line(u) for u in report.unchecked if (u.cell, u.line, u.column) not in read] == unchecked


def grades(text, **options):
    return [claim.verdict.grade for claim in check_document(text=text, **options).claims]


def definitions(text):
    return [(found.name, found.holds) for found in check_document(text=text).definitions]


# ---- types that are not stated


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"$X\in\mathbb{R}^{n\times d}$, $y\in\mathbb{R}^n$: $\nabla_w \|Xw-y\|^2 = 2X^\top(Xw-y)$.", ["proved"]),
        (r"$X\in\mathbb{R}^{n\times d}$, $y\in\mathbb{R}^n$: $\nabla_w \|Xw-y\|^2 = X^\top(Xw-y)$.", ["refuted"]),
        (r"$A\in\mathbb{R}^{n\times n}$: $\nabla_x x^\top A x = (A+A^\top)x$.", ["proved"]),
        (r"$A\in\mathbb{R}^{n\times n}$: $\nabla_x x^\top A x = 2Ax$.", ["refuted"]),
        (r"For $x_i\in\mathbb{R}^d$, $i=1,\dots,n$: $\nabla_w \sum_{i=1}^n w^\top x_i = \sum_{i=1}^n x_i$.", ["proved"]),
        (
            r"With $x_i\in\mathbb{R}^d$ the rows of $X\in\mathbb{R}^{n\times d}$: $\nabla_w \sum_{i=1}^n (w^\top x_i)^2 = 2X^\top X w$.",
            ["proved"],
        ),
        (r"If $y = f(u)$ and $u = g(x)$ then $\frac{dy}{dx} = f'(u) g'(x)$.", ["proved"]),
        (r"If $y = f(u)$ and $u = g(x)$ then $\frac{dy}{dx} = f'(u)$.", ["refuted"]),
        (
            r"For a one-hot $y$ and $z\in\mathbb{R}^K$, $L = \log\sum_i e^{z_i} - y^\top z$ has $\nabla_z L = \mathrm{softmax}(z) - y$.",
            ["proved"],
        ),
    ],
)
def test_types_that_only_one_choice_fits(text, wanted):
    assert grades(text) == wanted


def test_what_is_taken_is_told():
    report = check_document(text=r"$X\in\mathbb{R}^{n\times d}$: $\nabla_w \|Xw\|^2 = 2X^\top Xw$.")
    assert report.claims[0].warnings == ("w is not declared: it is taken as w[d], the only shape that fits.",)
    assert report.declarations == ("X[n,d]", "w[d]")


def test_what_is_taken_holds_in_its_section():
    text = "# One\n$X\\in\\mathbb{R}^{n\\times d}$: $\\nabla_w \\|Xw\\|^2 = 2X^\\top Xw$.\n\n# Two\n$\\frac{d}{dw} w^3 = 3w^2$."
    assert grades(text) == ["proved", "proved"]


# ---- what is a definition, a condition, a claim


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$f(x) = x^2$. So $f'(x) = 2x$.", ["proved"]),
        ("The slope is $f'(x) = 2x$ for $f(x) = x^2$.", ["proved"]),  # the definition stands behind
        ("Let $f(x) = x^2$. $f'(3) = 6$. Let $f(x) = x^3$. $f'(3) = 27$.", ["proved", "proved"]),
        ("# A\n$f(x) = x^2$, $f'(x) = 2x$.\n\n# B\n$f(x) = x^3$, $f'(x) = 3x^2$.", ["proved", "proved"]),
        ("1. $f(x) = x^2$: $f'(x) = 2x$\n2. $f(x) = \\sin x$: $f'(x) = \\cos x$", ["proved", "proved"]),
        ("$f(x) = x^2$. Hence $f(x) = x^3$.", ["refuted"]),
        ("$f(x) = x^2$. Hence $f(x) = x \\cdot x$.", ["proved"]),
        ("Let $x = 2$. Then $x^2 = 4$.", ["proved"]),
        ("$f(x) = x^2$. At $x = 3$ we have $f'(x) = 6$. In general $f'(x) = 2x$ and $f'(x) = 6$.", ["proved", "proved", "refuted"]),
        ("$f(x) = x^2$. Let $x = 2$. Then $f(x) = 4$.\n\nIn general $f(x) = 4$.", ["proved", "refuted"]),
        ("With $a = 1$, $b = 2$ and $c = 3$ we get $a + b = c$.", ["proved"]),
        ("The loss is $L = (p - y)^2$. The model is $p = wx$. So $\\frac{dL}{dw} = 2(wx - y)x$.", ["proved"]),
    ],
)
def test_definitions_and_conditions(text, expected):
    assert grades(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Gradient descent: $w \\leftarrow w - a g$.", "an update: it says how a value changes, and is no equation."),
        ("It repeats $w := w - a g$.", "an update: it says how a value changes, and is no equation."),
        ("Iterate $x_{k+1} = x_k - a g$.", "an update: it says how a value changes, and is no equation."),
        ("Iterate $x^{(t+1)} = x^{(t)} - a g$.", "an update: it says how a value changes, and is no equation."),
        ("Suppose that $a + b = 1$.", "a condition: it is assumed, and not checked."),
        ("We solve $x^2 = 2x$.", "a condition: it is assumed, and not checked."),
        (
            "At the minimum $a x = b$ holds.",
            "an equation to be solved: it holds for some values only, so it is no claim that can be checked.",
        ),
        (
            "Let $f(x) = x^2$. Now $f'(x) = 0$.",
            "an equation to be solved: it holds for some values only, so it is no claim that can be checked.",
        ),
        (
            "Let $x \\in \\mathbb{R}$. Hence $x = 2a$.",
            "an equation for the variable x: it holds for one value of x, so it is no claim that can be checked.",
        ),
        ("Then $2a = b \\Rightarrow 4a^2 = 2ab$.", "an implication: neither side is claimed by itself."),
        ("Here $a := b := 2$.", "a second definition in one chain: write it by itself."),
        ("$2a = b \\Leftrightarrow b = 2a$.", "an implication: neither side is claimed by itself."),
        ("So $x^2 \\ge 0$.", "an inequality: only equations are checked."),
        ("So $e \\approx 2.718$.", "only equations are checked, and this is a relation with \\approx."),
        ("The gradient points uphill.", "a statement in words: write it as an equation to have it checked."),
    ],
)
def test_what_is_not_checked_is_told(text, why):
    report = check_document(text=text)
    assert [found.why for found in report.unchecked] == [why]
    assert report.claims == ()


def test_an_implication_of_a_definition_is_checked():
    assert grades("$f(x) = 3x^2 + 2 \\Rightarrow f'(x) = 6x$") == ["proved"]
    assert grades("$f(x) = 3x^2 + 2 \\Rightarrow f'(x) = 3x$") == ["refuted"]


def test_what_holds_under_a_condition_is_not_refuted():
    report = check_document(text="Suppose that $a + b = 1$. Then $a^2 + ab = a$, and $a^2 + ab = a(a + b)$.")
    assert [claim.verdict.grade for claim in report.claims] == ["undecided", "proved"]
    assert report.claims[0].verdict.why == "it does not hold for all values, and may hold under the condition in line 1, which is not used."


def test_a_condition_that_holds_always_excuses_nothing():
    assert grades("Provided that $(a+b)^2 = a^2 + 2ab + b^2$ we have $a + b = a - b$.") == ["proved", "refuted"]


def test_normal_equations_are_no_claim():
    text = r"""Let $X \in \mathbb{R}^{n \times d}$, $w \in \mathbb{R}^d$, $y \in \mathbb{R}^n$. Setting the gradient to zero gives

$$X^\top X w = X^\top y.$$
"""
    report = check_document(text=text)
    assert report.claims == ()
    assert [found.line for found in report.unchecked] == [3]


# ---- types


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\nabla_x x^\top A x = 2 A x$", "undecided"),  # nothing says what A and x are
        (r"Let $A \in \mathbb{R}^{n \times n}$, $x \in \mathbb{R}^n$. $\nabla_x x^\top A x = 2 A x$", "refuted"),
        (r"Let $A \in \mathbb{R}^{n \times n}$ be symmetric, $x \in \mathbb{R}^n$. $\nabla_x x^\top A x = 2 A x$", "proved"),
        (
            r"Let $A \in \mathbb{R}^{n \times n}$, $x \in \mathbb{R}^n$. If $A$ is symmetric, all is well. $\nabla_x x^\top A x = 2 A x$",
            "refuted",
        ),
        (r"$\nabla_x x^\top A x = 2 A x$, where $A \in \mathbb{S}^n$ and $x \in \mathbb{R}^n$.", "proved"),
        (r"Let $X \in \mathbb{R}^{n \times d}$, $w \in \mathbb{R}^d$. $\nabla_w \|Xw - y\|^2 = 2 X^\top (Xw - y)$", "undecided"),
        (r"For $t > 0$ we have $\sqrt{t^2} = t$.", "proved"),
        (r"A constant $t > 0$ has $\sqrt{t^2} = t$.", "proved"),
        (r"We have $\sqrt{t^2} = t$.", "refuted"),
        (r"Let $x \in \mathbb{R}^d$. $\frac{d}{dt} t^2 = 2t$", "proved"),  # d is a dimension, and a differential
    ],
)
def test_types_come_from_the_document(text, expected):
    assert grades(text) == [expected]


def test_a_missing_declaration_is_named():
    claim = check_document(text=r"$\nabla_x x^\top A x = 2 A x$").claims[0]
    assert claim.verdict.why == r"x is not declared, and may be meant as an array: write what x is, as in x \in \mathbb{R}^n."


def test_given_comes_first():
    text = r"Let $x \in \mathbb{R}$. $\nabla_x x^\top x = 2x$"
    assert grades(text, given="x[n]") == ["proved"]
    report = check_document(text="Take $f(x) = x$. Then $f'(x) = 2x$.", given="f(x) = x^2", syntax="markdown")
    assert [claim.verdict.grade for claim in report.claims] == ["refuted", "proved"]


def test_words_say_that_a_letter_is_a_function():
    head = r"The derivative of a differentiable function $f$ at $P$ along $\mathbf u \in \mathbb{R}^n$ is "
    assert grades(head + r"$D_{\mathbf u} f(P) = \lim_{t \to 0} \frac{f(P + t\mathbf u) - f(P)}{t}$.") == ["proved"]
    assert grades(head + r"$D_{\mathbf u} f(P) = \lim_{t \to 0} \frac{f(P - t\mathbf u) - f(P)}{t}$.") == ["refuted"]


def test_the_chain_rule_of_unknown_functions():
    head = r"For $f(x, y)$ with $x = x(t)$ and $y = y(t)$ "
    right = r"\frac{\partial f}{\partial x}\frac{dx}{dt} + \frac{\partial f}{\partial y}\frac{dy}{dt}"
    assert grades(head + rf"$\frac{{df}}{{dt}} = {right}$.") == ["proved"]
    report = check_document(text=head + r"$\frac{df}{dt} = \frac{df}{dx}\frac{dx}{dt} + \frac{df}{dy}\frac{dy}{dt}$.")
    assert report.claims[0].error.reason == r"\frac{df}{dx} could be the partial or the total derivative: x depends on another variable."
    assert report.claims[0].error.hint == r"Write the partial derivative: \frac{\partial f}{\partial x}."


def test_a_mispaired_differential_is_named():
    text = r"Let $T = f(x, y)$. Then $dT = \frac{\partial f}{\partial x} dx + \frac{\partial f}{\partial y} dx$."
    mistake = check_document(text=text).claims[0].verdict.mistake
    assert mistake.kind == "variable"
    assert mistake.text == "the differential dx is paired with the derivative by another variable: with dy it would be right."


def test_a_remark_in_brackets_is_set_aside():
    text = r"Let $f$ be a differentiable function, $p \in \mathbb{R}^n$. $\max_{\|u\|=1} D_u f(p) = \|\nabla f(p)\| \ (u = \nabla f)$"
    report = check_document(text=text)
    assert [claim.verdict.grade for claim in report.claims] == ["proved"]
    assert report.unchecked[0].why == "a condition in brackets: it says where the equality is reached, and is not checked."


def test_rounded_decimals_agree():
    report = check_document(text="So $e^1 = 2.718$ and $e^1 = 2.717$ and $\\sqrt 2 = 1.414$.")
    assert [claim.verdict.grade for claim in report.claims] == ["agrees", "refuted", "agrees"]
    assert report.claims[0].verdict.why == "the number is the other side, rounded to its digits."


def test_a_vector_with_a_power_is_not_taken_for_a_number():
    report = check_document(text="---\ngiven: x[n]\n---\nTake $f(x, y) = x^2 y$. Then $\\frac{\\partial f}{\\partial y} = x^3$.")
    assert report.claims[0].verdict.grade == "undecided"
    assert report.claims[0].verdict.why == (
        "x is declared as a vector, and stands as a number in a power. Declare a number under a name of its own."
    )


def test_what_cannot_be_read_takes_the_whole_formula_with_it():
    assert grades("$2a = 2a \\iff b = 3$") == ["undecided"]
    assert grades("$2a = 2a \\write18{x}$") == ["undecided"]


def test_a_broken_definition_is_never_ignored():
    report = check_document(text="Let $f(x) = \\int_0^x t\\,dt$. Then $f'(x) = x$.")
    assert [claim.verdict.grade for claim in report.claims] == ["undecided", "undecided"]
    assert report.claims[1].verdict.why == "it uses f, and the definition of f in line 1 cannot be read."


def test_a_name_that_is_defined_in_another_section_only():
    report = check_document(text="So $g'(x) = 2x$.\n\n# Definitions\n\nLet $g(x) = x^2$.")
    assert report.claims[0].verdict.grade == "undecided"
    assert report.claims[0].verdict.why == "it uses g, which is defined further down only. Define it before."
