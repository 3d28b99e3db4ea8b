"""Functions of an axis and of a matrix: values, torch forms, pullbacks and their derivatives, against mpmath at 60 digits."""

from __future__ import annotations

import mpmath
import pytest
import table_reference as ref
import torch
from flint import arb, ctx, fmpq
from mpmath import mpf

from symgd.algebra.certified import balls, certified
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Expression, contract, full, leaf, product
from symgd.algebra.functions.row import Along, OfMatrix
from symgd.algebra.functions.table import F, build, row, rows
from symgd.calculus.reverse import adjoints

BITS = 2500  # the derivatives of softmax at (30, -700) are 1e-317
ALONG = [found for found in rows() if isinstance(found, Along)]
MATRIX = [found for found in rows() if isinstance(found, OfMatrix) and not found.scalars]  # powers: see test_matrix_power
along = pytest.mark.parametrize("function", ALONG, ids=lambda found: found.name)
of_matrix = pytest.mark.parametrize("function", MATRIX, ids=lambda found: found.name)

N = Dimension.of("n")
VECTOR = leaf("x", (N,))
BATCH = leaf("x", (Dimension.of("m"), N))


def _softmax(x):
    return [1 / mpmath.fsum(mpmath.exp(other - entry) for other in x) for entry in x]


def _share(x, sign):
    top = max(sign * entry for entry in x)
    ties = sum(sign * entry == top for entry in x)
    return [mpf(sign * entry == top) / ties for entry in x]


REFERENCE = {
    "lse": lambda x: mpmath.log(mpmath.fsum(map(mpmath.exp, x))),
    "softmax": _softmax,
    "logsoftmax": lambda x: [mpmath.log(entry) for entry in _softmax(x)],
    "norm1": lambda x: mpmath.fsum(map(abs, x)),
    "norm2": lambda x: mpmath.sqrt(mpmath.fsum(entry * entry for entry in x)),
    "prod": mpmath.fprod,
    "amax": max,
    "amin": min,
    "amax_share": lambda x: _share(x, 1),
    "amin_share": lambda x: _share(x, -1),
    "inv": lambda x: (mpmath.matrix(x) ** -1).tolist(),
    "det": lambda x: mpmath.det(mpmath.matrix(x)),
    "logdet": lambda x: mpmath.log(mpmath.det(mpmath.matrix(x))),
}
# Where the largest entry is rounded before the sum is taken, the error is a few ulp of the entry.
ULPS = {"softmax": 8, "lse": 4, "logsoftmax": 4}
CORNERS = {"norm1": lambda x: 0 in x, "norm2": lambda x: not any(x)} | dict.fromkeys(
    ("amax", "amin", "amax_share", "amin_share"), lambda x: len(set(x)) < len(x)
)


@pytest.fixture(autouse=True)
def many_digits():
    with mpmath.workdps(100), ctx.workprec(BITS):
        yield


def _vectors(function):
    return [[mpf(text) for text in point] for point in function.hard]


def _flat(values):
    return [entry for row_of in values for entry in _flat(row_of)] if isinstance(values, list) else [values]


def _values(root, **given):
    return [ref.as_mpf(entry) for entry in balls(root, given, BITS, sizes={"n": len(given["x"])}).flat]


def _slopes(function, x):
    """∂y/∂x by central difference quotients, the axes of y first."""
    columns = []
    for k in range(len(x)):
        with mpmath.workdps(900):
            step = (abs(x[k]) or mpf(1)) * mpf(10) ** -60
            ends = [_flat(function([*x[:k], x[k] + side * step, *x[k + 1 :]])) for side in (-1, 1)]
            columns.append([(high - low) / (2 * step) for low, high in zip(*ends)])
    return [column[j] for j in range(len(columns[0])) for column in columns]


def _near(found, wanted, tolerance=1e-40):
    scale = max([abs(entry) for entry in wanted] + [mpf(10) ** -300])
    return all(abs(a - b) <= tolerance * scale for a, b in zip(found, wanted, strict=True))


def _jacobian_faults(function, pullback=None):
    found = function if pullback is None else None
    faults = []
    for x in _vectors(function):
        if CORNERS.get(function.name, lambda x: False)(x):
            continue
        y = build(function, VECTOR)
        if found is None:
            seed = leaf("g", (*y.shape, *y.shape))
            identity = [[mpf(i == j) for j in range(len(x))] for i in range(len(x))] if y.rank else mpf(1)
            values = _values(pullback(seed, VECTOR, y), x=x, g=identity)
        else:
            values = _values(adjoints(y, [VECTOR])[VECTOR], x=x)
        if not _near(values, _slopes(REFERENCE[function.name], x)):
            faults.append((function.name, x))
    return faults


@along
def test_ball_is_the_function_of_mpmath(function):
    for x in _vectors(function):
        found = function.ball([arb(str(text)) for text in x])
        assert _near([ref.as_mpf(entry) for entry in _flat(found)], _flat(REFERENCE[function.name](x)), 1e-80)


@along
def test_what_is_rational_stays_rational(function):
    if function.name not in ("lse", "logsoftmax"):
        entries = [fmpq(3), fmpq(3)] if function.name == "softmax" else [fmpq(3), fmpq(4)]
        assert all(isinstance(entry, fmpq) for entry in _flat(function.ball(entries)))
    assert all(entry == 0 or isinstance(entry, fmpq) for entry in _flat(function.ball([fmpq(0)])))


@along
def test_pullback_is_the_jacobian(function):
    assert _jacobian_faults(function) == []


@along
def test_pullback_of_a_batch_is_that_of_each_row(function):
    rows_of_x = [x for x in _vectors(function) if len(x) == 3 and not CORNERS.get(function.name, lambda x: False)(x)][:2]
    y = build(function, BATCH)
    g = leaf("g", (Dimension.of("k"), *y.shape))
    weights = [[[mpf(3 * o + b + i + 1) for i in range(3)] if y.rank == 2 else mpf(3 * o + b + 1) for b in range(2)] for o in range(2)]
    sizes = {"k": 2, "m": 2, "n": 3}
    found = balls(function.pullback(g, BATCH, y), {"x": rows_of_x, "g": weights}, BITS, sizes)
    for o in range(2):
        for b in range(2):
            y_b = build(function, VECTOR)
            alone = balls(function.pullback(leaf("g", y_b.shape), VECTOR, y_b), {"x": rows_of_x[b], "g": weights[o][b]}, BITS, sizes)
            assert _near([ref.as_mpf(e) for e in found[o, b].flat], [ref.as_mpf(e) for e in alone.flat], 1e-80)


@along
def test_pullback_is_differentiable_again(function):
    first = adjoints(build(function, VECTOR), [VECTOR])[VECTOR]
    second = adjoints(first, [VECTOR])[VECTOR]
    for x in _vectors(function):
        if not CORNERS.get(function.name, lambda x: False)(x):
            assert _near(_values(second, x=x), _slopes(lambda t: _values(first, x=t), x), 1e-30)


@along
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_accurate_form_is_good_to_a_few_ulp(function, dtype):
    for x in ref_vectors(function, dtype):
        wanted = [ref.as_mpf(entry) for entry in _flat(function.ball([arb(entry) for entry in x.tolist()]))]
        alone = ref.run_template(function.accurate, x)
        twice = ref.run_template(function.accurate, torch.stack([x, x]))
        assert alone.dtype == dtype
        assert torch.equal(twice[1], alone)
        for found, truth in zip(alone.reshape(-1).tolist(), wanted, strict=True):
            assert ref.ulps(found, truth, dtype) <= ULPS.get(function.name, 3), (x, found, truth)


def ref_vectors(function, dtype):
    """The hard points that the dtype can hold."""
    vectors = [torch.tensor([float(entry) for entry in x], dtype=torch.float64) for x in _vectors(function)]
    return [x.to(dtype) for x in vectors if torch.isfinite(x.to(dtype)).all() and ((x.to(dtype) != 0) == (x != 0)).all()]


@along
def test_plain_form_agrees_at_ordinary_points(function):
    for x in (torch.tensor([0.5, -1.25, 3.0], dtype=torch.float64), torch.tensor([[2.0, 2.0, 1.0], [1.0, 1.0, 2.0]], dtype=torch.float64)):
        torch.testing.assert_close(ref.run_template(function.torch, x), ref.run_template(function.accurate, x), rtol=1e-14, atol=0)


def test_lse_keeps_what_one_plus_tiny_loses():
    assert row("lse").accurate != row("lse").torch
    assert float(ref.run_template(row("lse").accurate, torch.tensor([0.0, -50.0], dtype=torch.float64))) == float(mpmath.exp(-50))
    assert float(ref.run_template(row("lse").torch, torch.tensor([0.0, -50.0], dtype=torch.float64))) == 0.0


def test_product_is_differentiable_at_zeros():
    first = adjoints(F.prod(VECTOR), [VECTOR])[VECTOR]
    second = adjoints(first, [VECTOR])[VECTOR]
    assert certified(first, {"x": [0, 2, 3]}) == [6, 0, 0]
    assert certified(second, {"x": [0, 0, 3]}) == [[0, 3, 0], [3, 0, 0], [0, 0, 0]]


def test_ties_share_the_derivative_as_in_torch():
    x = torch.tensor([2.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    torch.amax(x, dim=0).backward()
    assert certified(adjoints(F.amax(VECTOR), [VECTOR])[VECTOR], {"x": x.detach()}) == x.grad.tolist()


def test_norm_of_a_matrix_is_that_of_its_entries():
    frobenius = F.norm2(F.norm2(BATCH))
    assert certified(frobenius, {"x": [[1, 2], [4, 10]]}) == 11
    gradient = certified(adjoints(frobenius, [BATCH])[BATCH], {"x": [[1, 2], [4, 10]]}, digits=30)
    assert _near(_flat(gradient), [mpf(k) / 11 for k in (1, 2, 4, 10)], 1e-30)


# ---- matrices --------------------------------------------------------------------------------------------------------

SQUARE = leaf("x", (N, N))
MATRICES = [[[2]], [[2, 1], ["0.5", 3]], [["1.5", "-0.25", 1], [0, 2, "0.3"], [1, "-0.7", 4]]]


def _matrix(entries):
    return [[mpf(entry) for entry in line] for line in entries]


def _square(function, flat):
    """The reference as a function of the entries in a row."""
    n = round(len(flat) ** 0.5)
    return REFERENCE[function.name]([flat[k * n : k * n + n] for k in range(n)])


@of_matrix
def test_matrix_function_and_its_derivatives(function):
    y = build(function, SQUARE)
    first = adjoints(y, [SQUARE])[SQUARE]
    second = adjoints(first, [SQUARE])[SQUARE]
    for matrix in map(_matrix, MATRICES):
        flat = _flat(matrix)
        n = len(matrix)

        def at(root, entries, n=n):
            return _values(root, x=[entries[k * n : k * n + n] for k in range(n)])

        assert _near(_values(y, x=matrix), _flat(_square(function, flat)), 1e-80)
        assert _near(_values(first, x=matrix), _slopes(lambda t: _square(function, t), flat))
        assert _near(_values(second, x=matrix), _slopes(lambda t, at=at: at(first, t), flat), 1e-30)


@of_matrix
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_matrix_function_in_torch(function, dtype):
    for matrix in MATRICES:
        x = torch.tensor([[float(entry) for entry in line] for line in matrix], dtype=dtype)
        wanted = torch.tensor(_numbers(certified(build(function, SQUARE), {"x": x}, digits=25)), dtype=torch.float64)
        for template in (function.torch, function.accurate):
            found = ref.run_template(template, x)
            assert found.dtype == dtype
            torch.testing.assert_close(found.double(), wanted, rtol=40 * torch.finfo(dtype).eps, atol=40 * torch.finfo(dtype).eps)
            assert torch.equal(ref.run_template(template, torch.stack([x, x]))[1], found)


def _numbers(values):
    return [_numbers(entry) for entry in values] if isinstance(values, list) else float(values)


def test_matrices_outside_the_domain_are_nan_and_leave_their_neighbours_alone():
    pair = torch.tensor([[[1.0, 2.0], [2.0, 4.0]], [[2.0, 0.0], [0.0, 0.5]]], dtype=torch.float64)
    inverse = ref.run_template(row("inv").accurate, pair)
    assert torch.isnan(inverse[0]).all()
    assert torch.equal(inverse[1], torch.tensor([[0.5, 0.0], [0.0, 2.0]], dtype=torch.float64))
    indefinite = torch.tensor([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    logarithm = ref.run_template(row("logdet").torch, indefinite)
    assert torch.isnan(logarithm[0])
    assert logarithm[1] == 0.0


def test_a_planted_pullback_is_found():
    softmax = row("softmax")
    assert _jacobian_faults(softmax, softmax.pullback) == []
    assert _jacobian_faults(softmax, lambda g, x, y: product("obi", (g, "obi"), (y, "bi")))
    assert _jacobian_faults(row("norm2"), lambda g, x, y: product("obi", (g, "ob"), (x, "bi")))


def test_arguments_are_expressions():
    assert isinstance(F.softmax(full(0, (N,))), Expression)
    assert F.inv(contract(1, [(SQUARE, "ij")], "ji", {})).shape == SQUARE.shape
