"""Soundness on random claims with a known answer: no true one refuted, no false one proved or found to agree.

Of false claims every proof is tried alone as well, without the points that `check` compares first. Faults planted in the proofs are
found. `pytest -m long -s` runs ten thousand pairs in some ten minutes, from seed PAIRS_FROM (default 0) on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pair_grades
import pytest
from pair_grades import PROOFS, Graded, graded, proofs_of, summary
from pair_rules import LOOK_ALIKES, RULES
from pair_values import DIGITS, mp, point_of, relative_gap
from random_pairs import FALSE_ABOVE, TRUE_BELOW, Pair, _differ, _filled, _gaps, pair

from symgd.algebra.shorten import RULES as SHORTENING
from symgd.algebra.shorten import rules as shortening
from symgd.errors import LimitError
from symgd.language.elaborate import read_claim
from symgd.language.limits import Limits
from symgd.verify import decide, kernels
from symgd.verify.kernels import Kernels

FEW, MANY = 150, 10_000
UNDECIDED = 0.001  # of all claims: what may stay undecided, or be refused as too large; 1 of 10,000 when this was written
PROVED = 0.7  # of the true ones: 77 % when this was written; the others agree at points


def faults(results: Sequence[Graded]) -> list[str]:
    """What is wrong with a run: wrong verdicts, and too many claims without one."""
    found = [str(result) for result in results if result.is_wrong]
    open_ones = [result for result in results if result.grade not in ("proved", "refuted", "agrees")]
    if len(open_ones) > max(1, UNDECIDED * len(results)):
        found += [f"{len(open_ones)} of {len(results)} stay open", *map(str, open_ones)]
    grades = [result.grade for result in results if result.pair.holds]
    if grades.count("proved") < PROVED * len(grades):
        found.append(f"only {grades.count('proved')} of {len(grades)} true claims are proved")
    return found


def test_random_pairs() -> None:
    assert faults(list(graded(range(FEW)))) == []


@pytest.mark.long
def test_ten_thousand_random_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    results = []
    first = int(os.environ.get("PAIRS_FROM", "0"))
    for result in graded(range(first, MANY)):
        results.append(result)
        with capsys.disabled():
            if result.is_wrong:
                print(f"\nWRONG {result}", flush=True)
            if len(results) % 500 == 0:
                print(f"\n{result.pair.seed + 1} of {MANY}; go on from here with PAIRS_FROM={result.pair.seed + 1}", flush=True)
    with capsys.disabled():
        print(f"\n{summary(results)}")
    assert faults(results) == []


# ---- the pairs themselves --------------------------------------------------------------------------------------------


def test_a_pair_depends_on_its_seed_alone() -> None:
    assert [pair(seed) for seed in (6, 7, 8)] == [pair(seed) for seed in (6, 7, 8)]


def test_half_of_the_pairs_are_true_and_few_are_alike() -> None:
    pairs = [pair(seed) for seed in range(40)]
    assert sum(one.holds for one in pairs) == 20
    assert len({one.claim for one in pairs}) >= 37


@pytest.mark.parametrize("sides", [sides for rows in RULES.values() for sides in rows], ids=" = ".join)
def test_every_identity_holds(sides: tuple[str, str]) -> None:
    """By numbers, with names in its slots: none drops out because its text cannot be read."""
    gaps = [gap for seed in range(3) for gap in _gaps(*_filled(sides, 0, Random(seed)), Random(seed), 2)]
    assert len(gaps) >= 3
    assert max(gaps) < TRUE_BELOW


@pytest.mark.parametrize("sides", LOOK_ALIKES, ids=" = ".join)
def test_every_look_alike_is_false(sides: tuple[str, str]) -> None:
    assert any(_differ(*_filled(sides, 1, Random(seed)), Random(seed)) for seed in range(12))


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        ("2*u.*v", "v.*(u + u)", True),
        ("-x^2", "0 - x*x", True),
        ("w'*A*u", "u'*A'*w", True),
        ("sum(i=1..n-1, u[i+1])", "sum(u) - u[1]", True),
        ("grad(y'*C*y, y)", "C*y + C'*y", True),
        ("hess(sum(y.^3), y)", "6*diag(y)", True),
        ("D(y'*y, y, u)", "2*u'*y", True),
        ("diff(x^3, x)", "3*x^2 + exp(-50)", False),
        ("C*F", "F*C", False),
        ("x/2*3", "x/(2*3)", False),
    ],
)
def test_the_reader_of_values(left: str, right: str, holds: bool) -> None:
    gap = relative_gap(left, right, point_of(Random(1)))
    with mp.workdps(DIGITS):
        assert gap < TRUE_BELOW if holds else gap > FALSE_ABOVE


# ---- planted faults --------------------------------------------------------------------------------------------------


def test_wrong_verdicts_are_seen() -> None:
    true, false = Pair(0, "x = x", "x", True, ""), Pair(1, "x = z", "x, z", False, "")
    assert [
        Graded(one, grade, "", 0.0, ()).is_wrong for one in (true, false) for grade in ("proved", "refuted", "agrees", "undecided")
    ] == [
        *(False, True, False, False),
        *(True, False, True, False),
    ]
    assert Graded(false, "refuted", "", 0.0, ("kernels",)).is_wrong
    assert faults([Graded(true, "undecided", "", 0.0, ())] * 3)


def test_points_that_see_no_difference_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide._Samples, "_compared", lambda self, point, dimensions: True)
    assert any(result.is_wrong for result in graded(range(1, 9, 2)))


def test_points_that_see_differences_everywhere_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide._Samples, "_compared", lambda self, point, dimensions: False)
    assert any(result.is_wrong for result in graded(range(0, 8, 2)))


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_that_proves_anything_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pair_grades.PROOFS, name, lambda left, right, ends: not left.shape)
    assert any(result.is_wrong for result in graded(range(1, 19, 2)))


def _doubled(apply: Callable[..., Any]) -> Callable[..., Any]:
    def faulty(*arguments: Any) -> Any:
        found = apply(*arguments)
        return None if found is None else _twice(found)

    return faulty


def _twice(found: Any) -> Any:
    return found * 2 if hasattr(found, "children") else type(found)(found.coefficient * 2, *[getattr(found, f) for f in _rest(found)])


def _rest(found: Any) -> list[str]:
    return [name for name in found.__dataclass_fields__ if name != "coefficient"]


def _code(apply: Callable[..., Any]) -> Callable[..., Any]:
    """The function of this room that does the work: rows made by one wrapper may share it."""
    inner = [cell.cell_contents for cell in apply.__closure__ or () if callable(cell.cell_contents)]
    return inner[0] if inner else apply


TABLES = ("_PRODUCTS", "_FUNCTIONS", "_SUMS", "_OPENINGS")
CODE = {_code(apply): table for table in TABLES for apply in getattr(shortening, table)}


@pytest.mark.parametrize("code", CODE, ids=lambda code: code.__name__)
def test_a_fault_in_a_rule_of_the_normal_form_is_caught(code: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that gives twice what it should: a false claim is proved, or a true one no longer."""
    rows = [rule for rule in SHORTENING if _code(rule.apply) is code]
    claims = [(f"{rule.before} = {rule.after}", f"{rule.before} = 2*({rule.after})", rule.given) for rule in rows]
    before = [(proofs_of(true, given), proofs_of(false, given)) for true, false, given in claims]
    assert not any(false for _, false in before)
    table = CODE[code]
    changed = [_doubled(apply) if _code(apply) is code else apply for apply in getattr(shortening, table)]
    monkeypatch.setattr(shortening, table, tuple(changed))
    assert [(proofs_of(true, given), proofs_of(false, given)) for true, false, given in claims] != before


def _angles_without_their_number(self: Kernels, number: Any, term: Any) -> Any:
    return _multiple(self, 1, term)


_multiple = Kernels.multiple
FAULTS_OF_KERNELS: dict[str, Callable[..., Any]] = {
    "is_positive": lambda self, polynomial: True,
    "modulus": lambda self, polynomial: polynomial,
    "multiple": _angles_without_their_number,
    "sign_of": lambda self, number, factors: (frozenset(), 1),
}


@pytest.mark.parametrize("name", FAULTS_OF_KERNELS)
def test_a_fault_in_the_zero_test_is_caught_by_random_pairs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A false one is proved, or a true one no longer."""
    for seed in range(CAUGHT_BY):
        one = pair(seed)
        if "[" in one.given:
            continue
        proved = _is_proved(one)
        assert one.holds or not proved
        with monkeypatch.context() as planted:
            planted.setattr(Kernels, name, FAULTS_OF_KERNELS[name])
            if _is_proved(one) != proved:
                return
    pytest.fail(f"no pair of {CAUGHT_BY} shows it")


CAUGHT_BY = 1000


def _is_proved(one: Pair) -> bool:
    try:
        left, right = (reading.value.node for reading in read_claim(one.claim, one.given, "infix", Limits()))
    except LimitError:
        return False
    return left.shape == right.shape == () and kernels.is_zero(left - right, time.monotonic() + 5)
