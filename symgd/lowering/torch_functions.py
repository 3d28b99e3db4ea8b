"""Functions that torch lacks, or has with few right digits: the `f` of the templates in the function table.

Each takes tensors, entry by entry over any batch, on any device, without a Python branch on values, and is accurate to a few
ulp in its dtype. The gamma family and erfi compute in double precision also for float32 tensors: the coefficients below are
those of double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_SQRT_PI = math.sqrt(math.pi)

# Lanczos' approximation, g = 6.0246800407767…, 13 terms (Pugh, An Analysis of the Lanczos Gamma Approximation, 2004; Boost: lanczos13m53).
_G_LESS_HALF = 5.524680040776729583740234375
# fmt: off
_LANCZOS_ABOVE = (
    2.5066282746310002, 210.82427775157936, 8071.672002365816, 186056.26539522348, 2876370.6289353725, 31426415.585400194,
    248874557.86205417, 1439720407.3117216, 6039542586.352028, 17921034426.03721, 35711959237.35567, 42919803642.6491, 23531376880.41076,
)
_LANCZOS_BELOW = (
    1.0, 66.0, 1925.0, 32670.0, 357423.0, 2637558.0, 13339535.0, 45995730.0, 105258076.0, 150917976.0, 120543840.0, 39916800.0, 0.0,
)

# digamma(x)/(x - root) on [1, 2], powers of x - 3/2, and the root as a sum of two doubles; interpolation at 60 digits, error 2e-20.
_DIGAMMA_ROOT = (1.4616321449683622, 9.549995429965697e-17)
_DIGAMMA = (
    0.951055876031833, -0.4236274212814605, 0.2405424842407742, -0.14840492305390884, 0.09498872445494122, -0.061922133273064534,
    0.04076083381242074, -0.02697579675613825, 0.0179072524394512, -0.011908218001568644, 0.007926944646403797, -0.005279964873257405,
    0.003519006401502276, -0.002345267632540769, 0.0015566317474486838, -0.0010376374098418604, 0.0007233266279287554,
    -0.0004821990530566789, 0.0002272331660987376, -0.00015148586836773365, 0.00025968482126430747, -0.00017312261802727394,
)
# B_2k / 2k: digamma(x) ~ log x - 1/(2x) - Σ c_k x^-2k (DLMF 5.11.2).
_DIGAMMA_TAIL = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)

# (Γ(1 + a) - 1)/a on [0, 1/2], powers of a - 1/4; interpolation at 60 digits, error 7e-20.
_GAMMA_NEAR_ONE = (
    -0.3743900917780917, 0.6729025828432951, -0.42730044495209296, 0.40608657032277523, -0.31530892651266207, 0.25946731431455444,
    -0.20780603921828691, 0.16707397258251372, -0.13387374725607668, 0.10722564420983506, -0.08583166048602942, 0.06872528346681754,
    -0.054990683490081495, 0.0433752661024127, -0.03470228991726935, 0.03344927687574268, -0.02675985530255655,
)
# fmt: on
_FRACTION_DEPTH = 130  # of the continued fraction and the series of the incomplete gamma function, for a up to 171


def _in_double(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function computed in float64 and rounded to the dtype of its arguments."""

    def call(*arguments: Tensor) -> Tensor:
        return function(*[x.to(torch.float64) for x in arguments]).to(arguments[0].dtype)

    return call


def _polynomial(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Highest power last."""
    out = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        out = out * x + coefficient
    return out


def _lanczos(x: Tensor) -> Tensor:
    """Lanczos' sum for x ≥ 0, as a ratio of polynomials with positive coefficients: no cancellation."""
    x = x.clamp(max=1e20)
    return _polynomial(tuple(reversed(_LANCZOS_ABOVE)), x) / _polynomial(tuple(reversed(_LANCZOS_BELOW)), x)


def _sin_pi(x: Tensor) -> Tensor:
    """sin(πx), from the distance to the nearest whole number."""
    whole = torch.round(x)
    return (1.0 - 2.0 * torch.remainder(whole, 2.0)) * torch.sin(math.pi * (x - whole))


@_in_double
def gamma(x: Tensor) -> Tensor:
    """Γ(x); nan at 0, -1, -2, …. Lanczos' formula, reflected for x < 0, the rounding of its base corrected to first order."""
    size = torch.abs(x).clamp(max=400.0)
    base = size + _G_LESS_HALF
    # base is rounded: what was lost is exactly `lost`, and Γ changes by the factor 1 + correction.
    large, small = torch.clamp(size, min=_G_LESS_HALF), torch.clamp(size, max=_G_LESS_HALF)
    lost = (base - large) - small
    correction = lost * (_G_LESS_HALF + 0.5) / base
    half_power = torch.pow(base, 0.5 * size - 0.25)  # the power itself overflows before Γ does
    sum_over_exp = _lanczos(size) / torch.exp(base)
    right = (sum_over_exp + correction * sum_over_exp) * half_power * half_power
    left = -math.pi / _sin_pi(size) / size / sum_over_exp
    left = (left - correction * left) / half_power / half_power
    whole = (x == torch.floor(x)) & (x > 0) & (x < 19)
    out = torch.where(x < 0, left, torch.where(whole, torch.round(right), right))
    out = torch.where(size < 1e-20, 1.0 / x, out)
    return torch.where((x == torch.floor(x)) & (x <= 0), math.nan, out)


def reciprocal_gamma(x: Tensor) -> Tensor:
    """1/Γ(x), 0 at 0, -1, -2, …."""
    return torch.where((x == torch.floor(x)) & (x <= 0), 0.0, 1.0 / gamma(x))


@_in_double
def digamma(x: Tensor) -> Tensor:
    """ψ(x); nan at 0, -1, -2, …. Recurrence to [1, 2] and a polynomial there that has the root, Stirling's series from 10."""
    positive = torch.where(x > 0, x, 1.0 - x)
    moved, shift = positive, torch.zeros_like(x)
    below = moved < 1.0
    shift = torch.where(below, -1.0 / moved, shift)
    moved = torch.where(below, moved + 1.0, moved)
    for _ in range(8):
        above = (moved > 2.0) & (positive < 10.0)
        moved = torch.where(above, moved - 1.0, moved)
        shift = torch.where(above, shift + 1.0 / moved, shift)
    near = ((moved - _DIGAMMA_ROOT[0]) - _DIGAMMA_ROOT[1]) * _polynomial(_DIGAMMA, moved.clamp(max=2.0) - 1.5) + shift
    far = positive.clamp(min=1.0)
    inverse_square = 1.0 / far / far
    tail = torch.log(far) - 0.5 / far - inverse_square * _polynomial(_DIGAMMA_TAIL, inverse_square)
    out = torch.where(positive < 10.0, near, tail)
    fraction = x - torch.round(x)
    reflected = out - math.pi / torch.tan(math.pi * fraction)
    return torch.where(x > 0, out, torch.where(fraction == 0, math.nan, reflected))


@_in_double
def polygamma(n: Tensor, x: Tensor) -> Tensor:
    """ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! ζ(n + 1, x) for whole n ≥ 1, digamma for n = 0 (DLMF 25.11.12)."""
    sign = 2.0 * torch.remainder(n, 2.0) - 1.0
    out = torch.where(n == 0, digamma(x), sign * gamma(n + 1.0) * torch.special.zeta(n + 1.0, x))
    known = (n >= 0) & (n == torch.floor(n)) & ~((x <= 0) & (x == torch.floor(x)))
    return torch.where(known, out, math.nan)


@_in_double
def uppergamma(a: Tensor, x: Tensor) -> Tensor:
    """Γ(a, x) for a ≥ 0, x ≥ 0, not both 0: a continued fraction where x ≥ max(1, a), else what the series of γ(a, x) leaves of Γ(a).

    For x < 1 and a < 1/2 both of these are near 1/a, which is taken out by hand.
    """
    front = torch.pow(x, 0.5 * a)  # half the power: x^a overflows where Γ(a, x) does not
    beyond = x.clamp(min=1.0)
    fraction = beyond + (2 * _FRACTION_DEPTH + 1) - a
    for k in range(_FRACTION_DEPTH, 0, -1):
        fraction = beyond + (2 * k - 1) - a - k * (k - a) / fraction
    tail = front * torch.exp(-x) * front / fraction
    term = total = torch.ones_like(fraction)
    for k in range(1, _FRACTION_DEPTH):
        term = term * x / (a + k)
        total = total + term
    body = gamma(a) - front * torch.exp(-x) * front * total / a
    small = x.clamp(max=1.0)
    term = torch.ones_like(fraction)
    rest = torch.zeros_like(fraction)
    for k in range(1, 20):
        term = -term * small / k
        rest = rest + term / (a + k)
    power = a * torch.log(small)
    growth = torch.where(a == 0, torch.log(small), torch.expm1(power) / a)
    near = _polynomial(_GAMMA_NEAR_ONE, a.clamp(max=0.5) - 0.25) - growth - torch.exp(power) * rest
    out = torch.where((x >= 1.0) & (x >= a), tail, torch.where((a < 0.5) & (x < 1.0), near, body))
    out = torch.where(x == 0, gamma(a), out)
    return torch.where((a >= 0) & (x >= 0), out, math.nan)


@_in_double
def binomial(n: Tensor, k: Tensor) -> Tensor:
    """Γ(n + 1)/(Γ(k + 1) Γ(n - k + 1)) for n > -1; inside -1 < k < n + 1 by Lanczos' sums, whose large factors cancel by hand."""
    a, b, c = n - k + 1.0, k + 1.0, n + 2.0
    a, b = torch.maximum(a, b), torch.minimum(a, b)
    ag, bg, cg = (v + _G_LESS_HALF for v in (a, b, c))
    # 1/((n + 1) B(a, b)) with B = Γ(a)Γ(b)/Γ(c)
    ratio = _lanczos(c) / (_lanczos(a) * _lanczos(b))
    power = torch.exp(-(a - 0.5 - b) * torch.log1p(-b / cg)) * torch.pow(cg / ag * (cg / bg), b)
    inside = ratio * power * torch.sqrt(bg) * math.exp(_G_LESS_HALF) / (n + 1.0)
    outside = gamma(n + 1.0) * reciprocal_gamma(k + 1.0) * reciprocal_gamma(n - k + 1.0)
    out = torch.where((k > -1.0) & (k < n + 1.0), inside, outside)
    whole = (n == torch.floor(n)) & (k == torch.floor(k)) & (torch.abs(out) < 1e13)
    return torch.where(n > -1.0, torch.where(whole, torch.round(out), out), math.nan)


def _split_square(x: Tensor) -> tuple[Tensor, Tensor]:
    """x² as a sum of two doubles."""
    scaled = x * 134217729.0  # 2^27 + 1: Veltkamp's splitting
    high = scaled - (scaled - x)
    low = x - high
    square = x * x
    return square, ((high * high - square) + 2.0 * high * low) + low * low


@_in_double
def erfi(x: Tensor) -> Tensor:
    """The imaginary error function: its series up to 2, beyond by Rybicki's sum for Dawson's integral (Numerical Recipes 6.9)."""
    size = torch.abs(x)
    t = size.clamp(max=2.0) ** 2
    series, term = torch.ones_like(x), torch.ones_like(x)
    for k in range(1, 40):
        term = term * t / k
        series = series + term / (2 * k + 1)
    far = size.clamp(min=2.0, max=40.0)
    step = 0.2
    dawson = torch.zeros_like(x)
    centre = 2.0 * torch.round(0.5 * (far / step - 1.0)) + 1.0  # the odd number nearest to x/step
    for k in range(-32, 33, 2):
        odd = centre + k
        odd = torch.where(torch.abs(odd) < 0.5, 1.0, odd)  # never 0, being odd
        dawson = dawson + torch.exp(-((far - odd * step) ** 2)) / odd
    square, lost = _split_square(far)
    half = torch.exp(0.5 * square)
    out = half * (2.0 / math.pi * dawson * (1.0 + lost)) * half
    return torch.where(size < 2.0, 2.0 / _SQRT_PI * x * series, torch.sign(x) * out)


def asech(x: Tensor) -> Tensor:
    """Near 1 by log1p of the small quantity, else as the sum of two positive logarithms."""
    near = (1.0 - x) / x.clamp(min=0.5)
    large = torch.log1p(near + torch.sqrt(near * (near + 2.0)))
    return torch.where(x < 0.5, torch.log1p(torch.sqrt((1.0 - x) * (1.0 + x))) - torch.log(x), large)


def acsch(x: Tensor) -> Tensor:
    """asinh(1/x), where 1/x does not overflow; near 0 the sum of two positive logarithms."""
    size = torch.abs(x)
    near = torch.log1p(torch.sqrt(1.0 + size.clamp(max=1.0) ** 2)) - torch.log(size)
    return torch.where(size < 0.5, torch.sign(x) * near, torch.asinh(1.0 / x))


def _others_sum(x: Tensor) -> tuple[Tensor, Tensor]:
    """The largest entry m of the last axis, and log1p of the sum of exp(x - m) over the others."""
    top, where = torch.max(x, dim=-1, keepdim=True)
    rest = torch.exp(x - top).scatter(-1, where, 0.0)
    return top, torch.log1p(torch.sum(rest, dim=-1, keepdim=True))


def lse(x: Tensor) -> Tensor:
    """log Σ exp: the largest entry plus log1p of the others', which keeps what 1 + tiny would lose."""
    top, rest = _others_sum(x)
    return (top + rest).squeeze(-1)


def logsoftmax(x: Tensor) -> Tensor:
    top, rest = _others_sum(x)
    return (x - top) - rest


def norm2(x: Tensor) -> Tensor:
    """The Euclidean norm of the last axis, scaled by the largest entry: no square overflows or underflows."""
    scale = torch.amax(torch.abs(x), dim=-1, keepdim=True)
    scale = torch.where(scale == 0, 1.0, scale)
    norm: Tensor = torch.linalg.vector_norm(x / scale, dim=-1)
    return norm * scale.squeeze(-1)


def amax_share(x: Tensor) -> Tensor:
    """1 / the number of ties at each largest entry of the last axis, 0 elsewhere: the derivative of amax."""
    largest = (x == torch.amax(x, dim=-1, keepdim=True)).to(x.dtype)
    return largest / torch.sum(largest, dim=-1, keepdim=True)


def inv(x: Tensor) -> Tensor:
    """The inverse of the last two axes; nan where the matrix is exactly singular, so that one in a batch does not stop the others."""
    inverse, info = torch.linalg.inv_ex(x)
    regular: Tensor = torch.where((info != 0)[..., None, None], math.nan, inverse)
    return regular


def matrix_power(x: Tensor, k: Tensor) -> Tensor:
    """x^k of the last two axes; nan where k is not whole."""
    matrices = x.reshape(-1, *x.shape[-2:])
    powers = [_matrix_power(matrix, float(exponent)) for matrix, exponent in zip(matrices, k.expand(x.shape[:-2]).reshape(-1))]
    return torch.stack(powers).reshape(x.shape)


def _matrix_power(x: Tensor, k: float) -> Tensor:
    if not k.is_integer():
        return torch.full_like(x, math.nan)
    raised: Tensor = torch.linalg.matrix_power(x if k >= 0 else inv(x), abs(int(k)))
    return raised


def logdet(x: Tensor) -> Tensor:
    """log det of the last two axes, nan where the determinant is not positive."""
    sign, logarithm = torch.linalg.slogdet(x)
    return torch.where(sign > 0, logarithm, math.nan)
