"""Limits: stated, checked, and raised where the user trusts the text."""

from __future__ import annotations

import pytest

from symgd.errors import LimitError
from symgd.language.elaborate import read
from symgd.language.infix import parse_formula
from symgd.language.limits import Limits


@pytest.mark.parametrize(
    ("text", "limit", "raised"),
    [
        ("x" + " + x" * 2500, "characters", {"characters": 20_000}),
        ("sin(" * 101 + "x" + ")" * 101, "nesting", {"nesting": 101}),
        ("-" * 101 + "x", "nesting", {"nesting": 101}),
        ("x^" * 101 + "x", "nesting", {"nesting": 101}),
        ("0." + "1" * 401, "digits", {"digits": 401}),
        ("1e309", "magnitude", {"magnitude": 309}),
        ("10^309*x", "magnitude", {"magnitude": 309}),
        ("exp(1000)", "magnitude", {"magnitude": 500}),
        ("x^1001", "exponent", {"exponent": 1001}),
        ("sum(i=1..2*10^8, i)", "terms", {"terms": 2 * 10**8}),
        ("sum(i=1..10^5, sum(j=1..10^5, i*j))", "terms", {"terms": 10**10}),
        ("+".join("x" * 9), "nodes", {"nodes": 10}),
    ],
)
def test_a_limit_is_named_and_can_be_raised(text: str, limit: str, raised: dict[str, int]) -> None:
    lowered = Limits(nodes=9) if limit == "nodes" else Limits()
    with pytest.raises(LimitError, match=rf"the limit is {limit}=\d+ ") as caught:
        read(text, limits=lowered)
    assert caught.value.position is not None
    read(text, limits=Limits(**raised))


@pytest.mark.parametrize(
    "text",
    [
        "9^9^9^9",
        "2^(10^30)",
        "factorial(factorial(20))",
        "exp(exp(exp(100)))",
        "x^(10^30)",
        "((2^1000)^1000)^1000",
        "1/(10^400)",
        "binomial(10^9, 5*10^8)",
    ],
)
def test_a_huge_constant_costs_nothing(text: str) -> None:
    with pytest.raises(LimitError, match="too large"):
        read(text)


@pytest.mark.parametrize(
    "text", ["1e300*1e-300*x", "10^308", "(1.0035)^360*x", "exp(-1000)", "0^0 + x*0", "sin(1e300)", "(3/2)^700", "gamma(100)", "log(-1)"]
)
def test_a_constant_within_the_range_of_float64_is_read(text: str) -> None:
    read(text)


@pytest.mark.parametrize("limit", [{"nesting": 0}, {"characters": -1}, {"digits": 1.5}, {"nodes": True}])
def test_a_limit_is_a_whole_number_above_0(limit: dict[str, int]) -> None:
    with pytest.raises(LimitError, match="must be a whole number above 0"):
        Limits(**limit)


def test_the_text_is_measured_before_it_is_read() -> None:
    with pytest.raises(LimitError, match="the text is too long, it has 2000000 characters"):
        parse_formula(" " * 2_000_000)
