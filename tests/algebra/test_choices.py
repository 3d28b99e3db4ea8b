"""Undefined factors go into the choice that decides whether they count."""

import pytest

from symgd import DomainError, formula, gradient


@pytest.mark.parametrize(
    ("text", "at", "slope"),
    [
        ("log(x)*y if x > 0 else 0", 0, 0),
        ("x*log(x) if x > 0 else 0", 0, 0),
        ("sqrt(x) if x > 0 else -x", 0, -1),
        ("x^2*sin(1/x) if x != 0 else 0", 0, 0),
        ("log(x)*y if x > 0 else 0", 2, 1.5),
    ],
)
def test_what_is_not_chosen_is_not_computed_with(text: str, at: float, slope: float) -> None:
    f = formula(text)
    values = {name: 3 if name == "y" else at for name in f.variables}
    assert gradient(f, "x").evaluate(values).item() == slope
    assert abs(gradient(f, "x").evaluate(values, digits=30) - slope) < 1e-28


def test_along_a_data_axis() -> None:
    f = formula("sum(x.*log(x) if x > 0 else 0)", given="x[n]")
    assert gradient(f, "x").evaluate(x=[0, 1, 1]).tolist() == [0, 1, 1]


def test_what_is_chosen_is_still_checked() -> None:
    with pytest.raises(DomainError):
        gradient(formula("1/x if x >= 0 else 0"), "x").evaluate(x=0)
