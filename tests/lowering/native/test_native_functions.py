"""The C forms of functions: every row that has one, against the torch form and against many digits; nan and infinities."""

from __future__ import annotations

import math
import re

import mpmath
import numpy as np
import pytest
import torch

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.functions.along import ROWS as ALONG
from symgd.algebra.functions.table import rows
from symgd.lowering.compiled import compiled
from symgd.lowering.lower import lower
from symgd.lowering.native.call import Native
from symgd.lowering.native.functions import KERNELS, along_kernels, c_template, kernels
from symgd.lowering.scalar_functions import FUNCTIONS
from symgd.lowering.stable import rows as stable_rows

CPU = torch.device("cpu")
n = Dimension.of("n")
LACKING = {
    "asech", "acsch", "erfi", "gamma", "digamma", "polygamma", "uppergamma", "factorial", "binomial",
}  # fmt: skip
ELEMENTWISE = [row for row in rows() if hasattr(row, "arity")] + [
    getattr(stable_rows, name) for name in ("LOGCOSH", "HYPOT", "HYPOTM1", "SECH2")
]
WITH_C = [row for row in ELEMENTWISE if c_template(row, "accurate") is not None]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e308, -1e308, 800.0, -746.0, 1.0, -1.0, 0.5, 2.0]


def native(row, *columns):
    leaves = [ex.leaf(f"x{k}", (n,)) for k in range(row.arity)]
    program = lower([ex.apply(row, *leaves)], leaves)
    tensors = [torch.tensor(column, dtype=torch.float64) for column in columns]
    return Native(program, torch.float64, CPU)(*tensors)[0], compiled(program, torch.float64, CPU).function(*tensors)[0]


def ulps(got: float, want: float) -> float:
    if math.isnan(want) or math.isinf(want) or got == want:
        return 0.0 if math.isnan(got) == math.isnan(want) and (math.isnan(want) or got == want) else math.inf
    return abs(got - want) / math.ulp(want)


def test_which_rows_have_a_c_form():
    assert {row.name for row in ELEMENTWISE} - {row.name for row in WITH_C} == LACKING


@pytest.mark.parametrize("row", WITH_C, ids=lambda row: row.name)
def test_a_row_at_its_hard_points(row):
    """Within 8 ulp of the torch form: both are within 4 of the truth."""
    columns = list(zip(*[[float(text) for text in point] for point in row.hard]))
    got, want = native(row, *columns)
    far = [ulps(a, b) for a, b in zip(got.tolist(), want.tolist())]
    assert max(far) <= 8, far


@pytest.mark.parametrize("row", [row for row in WITH_C if row.arity == 1], ids=lambda row: row.name)
def test_a_row_at_infinities_and_beside(row):
    got, want = native(row, SPECIAL)
    assert [math.isnan(a) for a in got] == [math.isnan(b) for b in want]
    assert [a for a in got.tolist() if math.isinf(a)] == [b for b in want.tolist() if math.isinf(b)]


@pytest.mark.parametrize("row", [row for row in WITH_C if row.arity == 2], ids=lambda row: row.name)
def test_a_row_of_two_with_nan(row):
    left, right = zip(*[(a, b) for a in (math.nan, 1.0, -2.0, math.inf) for b in (math.nan, 1.0, 3.0, -math.inf)])
    got, want = native(row, left, right)
    assert [math.isnan(a) for a in got] == [math.isnan(b) for b in want]


KERNELS_OF_OUR_OWN = {  # name: truth, points; worst error allowed, in ulps, a little above what 10^7 points showed
    "exp": (mpmath.exp, [*np.linspace(-745, 709.7, 997), *np.linspace(-1, 1, 501)], 1.05),
    "log": (mpmath.log, [*np.exp(np.linspace(-744, 709, 997)), *np.linspace(0.5, 2, 501), 5e-324, 1e-310], 0.85),
    "log1p": (mpmath.log1p, [*np.linspace(-0.999, 3, 997), *np.exp(np.linspace(-60, 300, 501)), -1e-300], 0.85),
    "expm1": (mpmath.expm1, [*np.linspace(-50, 709.7, 997), *np.linspace(-2, 2, 997), 1e-300, -1e-17, 3e-9], 1.4),
    "tanh": (mpmath.tanh, [*np.linspace(-20, 20, 997), *np.linspace(-1, 1, 501), 1e-300, 1e-9], 2.6),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), [*np.linspace(-700, 40, 997), *np.linspace(-3, 3, 501)], 2.6),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), [*np.linspace(-700, 700, 997), *np.linspace(-3, 3, 501)], 2.6),
}


@pytest.mark.parametrize("name", KERNELS_OF_OUR_OWN)
def test_a_kernel_against_many_digits(name):
    truth, points, allowed = KERNELS_OF_OUR_OWN[name]
    row = next(row for row in WITH_C if row.name == name)
    points = [float(x) for x in points]
    got, _ = native(row, points)
    with mpmath.workdps(50):
        worst = max(
            (abs(mpmath.mpf(a) - truth(mpmath.mpf(x))) / math.ulp(float(truth(mpmath.mpf(x)))), x) for a, x in zip(got.tolist(), points)
        )
    assert worst[0] <= allowed, worst


def test_python_has_every_kernel():
    assert set(FUNCTIONS) == set(kernels())


def test_templates_call_kernels_only():
    text = KERNELS.read_text(encoding="utf-8")
    for row in WITH_C:
        for called in re.findall(r"\b([a-z]\w*)\(", c_template(row, "accurate")):
            assert f"INLINE double {called}(" in text


# ---- along an axis ---------------------------------------------------------------------------------------------------

AWKWARD = [
    (math.nan, 1.0, 2.0), (1.0, math.nan), (1.0, 2.0, math.nan), (math.inf, 1.0), (-math.inf, 1.0, 0.0), (0.0, 0.0), (-0.0,),
    (3.0, 3.0, 3.0, 1.0), (1e308, 1e308), (5e-324, 1e-320), (-1e308, 1e308), (1e-170, 1e-165),
    (4.0, -2.0, 4.0, 4.0, 1.0, 0.0, -1.0, 2.0, 4.0),
]  # fmt: skip


def along(row, point, axis):
    """C and torch, along an axis that entries are next to one another on, or far apart."""
    x = ex.leaf("x", (n, Dimension.of("m")) if axis else (n,))
    root = ex.along(row, ex.transposed(x, (1, 0))) if axis else ex.along(row, x)
    program = lower([root], [x])
    tensor = torch.tensor(point, dtype=torch.float64)
    if axis:
        tensor = torch.stack([tensor, tensor.flip(0)], 1).contiguous()
    return Native(program, torch.float64, CPU)(tensor)[0], compiled(program, torch.float64, CPU).function(tensor)[0]


def test_every_function_along_an_axis_has_a_c_form():
    assert {row.name for row in ALONG} == along_kernels()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("row", ALONG, ids=lambda row: row.name)
def test_along_an_axis_at_hard_and_awkward_points(row, axis):
    """Within 8 ulp of the largest entry of the torch form; nan and infinities in the same places."""
    for point in [*[tuple(float(text) for text in texts) for texts in row.hard], *AWKWARD]:
        got, want = (made.reshape(-1).tolist() for made in along(row, point, axis))
        unit = max((math.ulp(b) for b in want if math.isfinite(b)), default=0.0)
        for a, b in zip(got, want, strict=True):
            assert ulps(a, b) == 0 or abs(a - b) <= 8 * unit, (point, got, want)
