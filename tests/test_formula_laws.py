"""The laws of the design over random formulas, as a user writes them: text in, derivatives out, every one a formula again.

A law compares what was derived from one formula with the reference evaluator, with torch's autograd, or with itself, and says
how far it is off. Each is shown to fail on what is derived wrongly. `pytest -m long` runs ten times as many formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
import pytest
import random_formulas
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from random_expressions import point_of
from random_formulas import GIVEN, SIZES
from reference import DIGITS, TOLERANCE, Array, difference_along, evaluate_all, is_defined, largest_difference, moved, numbers

import symgd
from symgd import Formula
from symgd.algebra.expression import leaf, leaves
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.values import Bound

SAME = 1e-30  # of two forms of one value, in 50 digits
FLOAT = 1e-7  # of a gradient in float64, relative to its largest entry: cancellation inside costs half of the digits at worst
STEP = "1e-12"  # of the Taylor remainder
FOURFOLD = 1e-3  # of the remainder at STEP and four times that at half of it, relative to STEP^2: of the size of STEP
FORMULAS, MANY = 200, 2_000


@dataclass(frozen=True)
class Derived:
    """A formula f of x, another formula h, and what was derived of them, all at one point."""

    f: Formula
    h: Formula
    x: str
    gradient: Formula
    directional: Formula
    hessian: Formula
    hessian_vector: Formula
    gradient_of_h: Formula
    gradient_of_both: Formula  # of 2f − 3h
    read_back: Formula  # the gradient, from its text

    @cached_property
    def point(self) -> dict[str, Any]:
        """Values of all variables, and of the direction u."""
        declared = symgd.formula("0", given=GIVEN).known
        at = point_of(declared.values(), 1, SIZES)
        return {**SIZES, **at, **point_of([leaf("u", declared[self.x].shape)], 2, SIZES)}

    @cached_property
    def values(self) -> dict[str, Array]:
        """Everything at the point, by the reference evaluator."""
        names = [name for name in self.__dataclass_fields__ if name != "x"]
        roots = [getattr(self, name).expression for name in names]
        return dict(zip(names, evaluate_all(roots, self.point, SIZES)))

    @property
    def u(self) -> Array:
        return numbers(self.point["u"])


def derived(text: str, other: str, x: str) -> Derived:
    f, h = (symgd.formula(one, given=GIVEN) for one in (text, other))
    gradient = symgd.gradient(f, x)
    return Derived(
        f,
        h,
        x,
        gradient,
        symgd.directional(f, x, along="u"),
        symgd.hessian(f, x),
        symgd.hessian_vector(f, x, along="u"),
        symgd.gradient(h, x),
        symgd.gradient(2 * f - 3 * h, x),
        symgd.formula(str(gradient), given=gradient.given),
    )


# ---- the laws --------------------------------------------------------------------------------------------------------


def difference_quotient(d: Derived) -> Any:
    change = difference_along(d.f.origin, {d.x: d.u}, d.point, SIZES)
    return largest_difference(np.array(np.sum(d.values["gradient"] * d.u)), change)


def autograd(d: Derived) -> Any:
    """Of the formula's own program in plain torch."""
    program = compiled(lower([d.f.expression], leaves(d.f.expression), form="torch"), torch.float64, torch.device("cpu"))
    tensors = {one.name: _tensor(d.point[one.name]) for one in leaves(d.f.expression)}
    (value,) = program.function(*program.arguments(Bound(tensors, SIZES, ())))
    (slope,) = torch.autograd.grad(value, [tensors[d.x]])
    return largest_difference(np.array(slope.tolist(), dtype=object), d.values["gradient"])


def _tensor(value: Any) -> torch.Tensor:
    return torch.tensor(numbers(value).astype(float), dtype=torch.float64, requires_grad=True)


def inner_product(d: Derived) -> Any:
    return largest_difference(d.values["directional"], np.array(np.sum(d.values["gradient"] * d.u)))


def symmetric_hessian(d: Derived) -> Any:
    return largest_difference(d.values["hessian"], d.values["hessian"].T)


def hessian_times_vector(d: Derived) -> Any:
    product = np.dot(d.values["hessian"], d.u.flatten("F")) if d.u.ndim else d.values["hessian"] * d.u
    return largest_difference(d.values["hessian_vector"].flatten("F"), np.atleast_1d(product))


def fourfold_remainder(d: Derived) -> Any:
    """|f(x + tu) − f(x) − t⟨∇f, u⟩| falls fourfold when t halves: how far it is from that, relative to t²."""
    slope, step = np.sum(d.values["gradient"] * d.u), mpf(STEP)
    ends = [evaluate_all([d.f.expression], moved(d.point, {d.x: (t, d.u)}), SIZES)[0][()] for t in (step, step / 2)]
    whole, half = ends[0] - d.values["f"][()] - step * slope, ends[1] - d.values["f"][()] - step / 2 * slope
    return abs(whole - 4 * half) / step**2


def linearity(d: Derived) -> Any:
    return largest_difference(d.values["gradient_of_both"], 2 * d.values["gradient"] - 3 * d.values["gradient_of_h"])


def print_and_parse(d: Derived) -> Any:
    return largest_difference(d.values["read_back"], d.values["gradient"])


LAWS: dict[Callable[[Derived], Any], float] = {
    difference_quotient: TOLERANCE,
    autograd: FLOAT,
    inner_product: SAME,
    symmetric_hessian: SAME,
    hessian_times_vector: SAME,
    fourfold_remainder: FOURFOLD,
    linearity: SAME,
    print_and_parse: SAME,
}


def broken(d: Derived) -> list[str]:
    """The laws that do not hold."""
    with mp.workdps(DIGITS):
        return [law.__name__ for law, bound in LAWS.items() if not law(d) < bound]


def check_formula(text: str, other: str, choice: int) -> None:
    variables = symgd.formula(text, given=GIVEN).variables
    assume(variables)
    d = derived(text, other, variables[choice % len(variables)])
    assume(all(map(is_defined, d.values.values())))
    assert broken(d) == [], f"{text}, by {d.x}; with {other}"


formulas = given(random_formulas.formulas(), random_formulas.formulas(depth=1), st.integers(0, 7))


@settings(max_examples=FORMULAS)
@formulas
def test_laws(text: str, other: str, choice: int) -> None:
    check_formula(text, other, choice)


@pytest.mark.long
@settings(max_examples=MANY)
@formulas
def test_laws_of_many_formulas(text: str, other: str, choice: int) -> None:
    check_formula(text, other, choice)


def test_formulas_vary() -> None:
    """A run is over different formulas, and every function of the generator occurs in them."""
    texts = {random_formulas.made(Random(seed).choice) for seed in range(FORMULAS)}
    assert len(texts) > 0.9 * FORMULAS
    everything = " ".join(texts)
    names = "tr det logdet inv diag norm2 normF lse softmax sum mean prod kron vec commut tanh erf"
    for name in [*(f"{name}(" for name in names.split()), "axis=1", "axis=2", "[i1+1]", "^2", "./", ".*", "'*"]:
        assert name in everything, name


# ---- a law must be able to fail -----------------------------------------------------------------------------------------

EXAMPLES = [
    ("sum(tanh(F*x))", "norm2(x)^2", "x"),
    ("logdet(F'*F + eye(n))*(1 + a^2)", "tr(F*S)", "F"),
    ("lse(A*x)*exp(-a.^2) + w'*A*x", "a*x'*S*x", "a"),
]


@pytest.mark.parametrize(("text", "other", "x"), EXAMPLES)
def test_what_is_derived_wrongly_breaks_the_laws(text: str, other: str, x: str) -> None:
    right = derived(text, other, x)
    assert broken(right) == []
    about_the_gradient = {"difference_quotient", "autograd", "inner_product", "fourfold_remainder", "linearity", "print_and_parse"}
    for wrong in (
        -right.gradient,
        2 * right.gradient,
        right.gradient + right.gradient_of_h,
        right.gradient * (1 + symgd.formula("a^2/10^6")),
    ):
        assert set(broken(replace(right, gradient=wrong))) == about_the_gradient
    assert broken(replace(right, directional=-right.directional)) == ["inner_product"]
    assert broken(replace(right, hessian_vector=2 * right.hessian_vector)) == ["hessian_times_vector"]
    assert broken(replace(right, hessian=2 * right.hessian)) == ["hessian_times_vector"]
    assert broken(replace(right, gradient_of_both=right.gradient)) == ["linearity"]
    assert broken(replace(right, read_back=-right.read_back)) == ["print_and_parse"]


def test_a_hessian_that_is_not_symmetric_breaks_the_law() -> None:
    right = derived(*EXAMPLES[0])
    skewed = right.hessian @ symgd.formula("F", given=GIVEN)
    assert "symmetric_hessian" in broken(replace(right, hessian=skewed))
