"""Verdicts: proofs, refutations with exact witnesses, honest doubt."""

from fractions import Fraction

import mpmath
import pytest

from symgd import check

LEAST_SQUARES = "A[m,n], x[n], b[m]"


@pytest.mark.parametrize(
    ("claim", "given"),
    [
        ("(x+1)^2 = x^2 + 2*x + 1", ""),
        ("grad(norm2(A*x-b)^2, x) = 2*A'*(A*x-b)", LEAST_SQUARES),
        ("hess(x'*B*x, x) = B + B'", "x[n], B[n,n]"),
        ("x'*S*y = y'*S*x", "x[n], y[n], S[n,n] symmetric"),
        ("D(x[1]^2*x[2] + sin(x[2]), x, u) = 2*x[1]*x[2]*u[1] + (x[1]^2 + cos(x[2]))*u[2]", "x[2], u[2]"),
        ("tr(A*B) = tr(B*A)", "A[m,n], B[n,m]"),
    ],
)
def test_proved(claim: str, given: str) -> None:
    assert check(claim, given=given).grade == "proved"


@pytest.mark.parametrize(
    ("claim", "given"),
    [
        ("(x+1)^2 = x^2 + 3*x + 1", ""),
        ("grad(norm2(A*x-b)^2, x) = A'*(A*x-b)", LEAST_SQUARES),
        ("grad(norm2(A*x-b)^2, x) = -2*A'*(A*x-b)", LEAST_SQUARES),
        ("grad(a'*X*b, X) = b*a'", "a[n], X[n,n], b[n]"),
        ("x'*A*y = y'*A*x", "x[n], y[n], A[n,n]"),
        ("sin(x) = x", ""),
        ("x = x + 1/10^12", ""),
        ("sqrt(x^2) = x", ""),
    ],
)
def test_planted_errors_are_refuted_at_an_exact_point(claim: str, given: str) -> None:
    verdict = check(claim, given=given)
    assert verdict.grade == "refuted"
    assert verdict.witness is not None
    assert all(_is_exact(value) for value in verdict.witness.values())


def _is_exact(value: object) -> bool:
    return all(map(_is_exact, value)) if isinstance(value, list) else isinstance(value, Fraction)


def test_the_values_at_the_witness_are_those_of_the_sides() -> None:
    verdict = check("sin(x) = x")
    assert verdict.witness is not None
    x = verdict.witness["x"]
    with mpmath.workdps(40):
        assert abs(mpmath.sin(mpmath.mpf(x.numerator) / x.denominator) - verdict.left) < mpmath.mpf(10) ** -25


def test_sides_of_different_shape_are_refuted_with_the_shapes() -> None:
    verdict = check("grad(a'*x, x) = a'*x", given="a[n], x[n]")
    assert (verdict.grade, verdict.why) == ("refuted", "the left side is grad(a'*x, x) (n), the right side a'*x, a scalar.")


def test_a_row_is_no_column() -> None:
    verdict = check("grad(norm2(A*x-b)^2, x) = 2*(A*x-b)'*A", given=LEAST_SQUARES)
    assert verdict.why == "the left side is grad(norm2(A*x-b)^2, x) (n), the right side 2*(A*x-b)'*A (1, n)."


def test_what_holds_for_square_matrices_only_is_refuted() -> None:
    claim = "grad(det(X'*A*X), X) = 2*det(X'*A*X)*A*X*inv(X'*A*X)"
    assert check(claim, given="X[m,n], A[m,m]").grade == "refuted"
    assert check(claim, given="X[m,n], A[m,m] symmetric").grade in ("proved", "agrees")


def test_what_holds_for_one_size_only_is_refuted() -> None:
    cayley_hamilton = "A^2 - tr(A)*A + det(A)*eye(n) = zeros(n, n)"
    assert check(cayley_hamilton, given="A[n,n]").grade == "refuted"
    assert check("A^2 - tr(A)*A + det(A)*eye(2) = zeros(2, 2)", given="A[2,2]").grade != "refuted"


def test_agreement_is_no_proof() -> None:
    assert check("gamma(x + 1) = x*gamma(x)", given="x > 0").grade == "agrees"
    assert check("sin(2*x) = 2*sin(x)*cos(x)").grade == "proved"
    assert check("sin(x)^2 + cos(x)^2 = 1").grade == "proved"


def test_nothing_to_compare_is_undecided() -> None:
    assert check("sqrt(-1-x^2) = log(-1-x^2)").grade == "undecided"


@pytest.mark.parametrize(
    ("claim", "where"),
    [
        ("sqrt(x^2) = x", "For x > 0 it would be right."),
        ("atan(x) + atan(1/x) = pi/2", ""),
        ("sqrt(x^2*y) = x*sqrt(y)", "For x > 0, y > 0 it would be right."),
        ("abs(x) = x + 1", ""),
    ],
)
def test_where_it_does_hold_is_said(claim: str, where: str) -> None:
    verdict = check(claim)
    assert verdict.grade == "refuted"
    assert verdict.why == f"the sides differ at a point of the domain. {where}".strip()


@pytest.mark.parametrize(
    ("claim", "given", "told", "sign"),
    [
        ("sqrt(x^2) = x", "", "For x > 0 it would be right.", 1),
        ("sqrt(x^2) = -x", "", "For x < 0 it would be right.", -1),
        ("abs(x*y) = x*y", "", "For x > 0, y > 0 it would be right.", 1),
    ],
)
def test_what_holds_on_a_part_of_the_domain_has_a_point_on_each_side(claim: str, given: str, told: str, sign: int) -> None:
    verdict = check(claim, given=given)
    assert verdict.grade == "refuted"
    assert verdict.why.endswith(told)
    assert verdict.equal_at is not None
    assert all(sign * value > 0 for value in verdict.equal_at.values())
    assert check(claim, given=", ".join(f"{name} {'>' if sign > 0 else '<'} 0" for name in verdict.equal_at)).grade == "proved"
    assert str(verdict).splitlines()[-1].startswith("equal at x = ")


def test_the_gap_is_the_distance_of_the_sides() -> None:
    verdict = check("[x, 2*x] = [x, 3*x]")
    assert verdict.witness is not None
    assert verdict.gap == abs(verdict.left[1] - verdict.right[1]) > 0
    assert check("x = x").gap is None
    assert check("x = [x, x]").gap is None


@pytest.mark.parametrize(
    ("claim", "given", "grade"),
    [
        ("acos(cos(s)) = s", "s > 0", "refuted"),  # right up to pi
        ("min(norm2(p), 1/2) = 1/2", "p[n] > 0", "refuted"),  # right but near 0
        ("abs(t - 20) = 20 - t", "t < 18", "agrees"),
        ("sqrt((t - 7)^2) = 7 - t", "t < 5", "agrees"),
        ("3*n*(n + 1)/2 = 3*sum(i=1..n, i)", "", "agrees"),  # n is a size, on both sides
    ],
)
def test_points_lie_near_a_bound_and_far_from_it(claim: str, given: str, grade: str) -> None:
    assert check(claim, given=given).grade == grade


@pytest.mark.parametrize(
    ("claim", "given", "grade"),
    [
        ("sqrt(1 - tanh(400 + x^2)^2) = 0", "", "refuted"),
        ("sqrt(log(1 + x^2/10^200)) = 0", "x > 0", "refuted"),
        ("acosh(exp(exp(-500 - x^2))) = 0", "", "refuted"),
        ("sqrt(sin(x)^2 + cos(x)^2 - 1 + 1/10^200) = 1/10^100", "", "proved"),
        ("sqrt(sin(x)^2 + cos(x)^2 - 1 + 1/10^200) = 2/10^100", "", "refuted"),
        ("log(1 - sigmoid(400 + x^2)) = -400", "", "refuted"),
        ("acosh(1 + x^2/10^200) = 0", "x > 0", "refuted"),
        ("sqrt(1 - tanh(5000 + x^2)^2) = 0", "", "undecided"),
    ],
)
def test_what_is_tiny_is_not_taken_for_nothing(claim, given, grade):
    """Near the edge of a domain: a value takes hundreds of digits, and a ball around 0 is not 0."""
    assert check(claim, given=given).grade == grade
