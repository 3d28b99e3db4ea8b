"""What a notebook shows: strings that stand by themselves, with everything escaped."""

from __future__ import annotations

from typing import Any

import pytest

import symgd


def shown() -> dict[str, Any]:
    f = symgd.formula("mean((w*x - y)^2)", given="x[n], y[n]")
    data = {"x": [1.0, 2.0], "y": [2.0, 4.0]}
    return {
        "formula": f,
        "steps": symgd.gradient(f, "w").steps,
        "verdict": symgd.check("(x+1)^2 = x^2 + 3*x + 1"),
        "chain": symgd.check_chain(["diff(x^3 - x, x)", "3*x^2 - x", "3*x^2 - 1"]),
        "comparison": symgd.compare(f, {"w": 1.0, **data}),
        "descents": symgd.compare(f, start={"w": 1.0}, data=data, rate=0.1, steps=3),
        "descent": symgd.descend(f, start={"w": 1.0}, data=data, rate=0.1, steps=3),
    }


@pytest.mark.parametrize("name", shown())
def test_every_object_has_html_and_text(name: str) -> None:
    found = shown()[name]
    bundle = found._repr_mimebundle_()
    assert bundle["text/html"] == found._repr_html_() or name in ("comparison", "descents")  # they are timed
    assert bundle["text/plain"]
    assert "<script" not in bundle["text/html"]
    assert "http" not in bundle["text/html"]
    assert ("text/latex" in bundle) == (name in ("formula", "steps"))


def test_a_formula() -> None:
    f = symgd.formula("x if x < 1 else 0")
    assert f._repr_latex_() == r"$\displaystyle \begin{cases} x & \text{if } x < 1 \\ 0 & \text{otherwise} \end{cases}$"
    assert f._repr_html_().startswith('<span title="x if x &lt; 1 else 0">$\\displaystyle \\begin{cases} x &amp; ')


def test_steps_are_a_table() -> None:
    assert symgd.derivative(symgd.formula("x^2"), "x").steps._repr_html_() == (
        '<table><tr><td style="text-align:right">diff(x^2, x)</td><td style="text-align:left">= 2*x</td>'
        '<td style="text-align:left" title="(u^k)&#x27; = k*u^(k-1)*u&#x27; for a constant k.">power rule</td></tr></table>'
    )


def test_a_verdict_is_escaped() -> None:
    html = symgd.check("(1 if x < 1 else 0) = 2")._repr_html_()
    assert "x &lt; 1" in html
    assert "<td" in html
