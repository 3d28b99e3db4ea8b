"""Checks random pairs and sums the verdicts up.

    PYTHONPATH=.:tests/verify python tests/verify/pair_grades.py 0 10000 > grades.jsonl

prints one line per claim as JSON, and the summary on standard error; the first number is the seed to start, or to go on, from.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from random_pairs import Pair, pair

from symgd import check
from symgd.algebra import expression as ex
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Expression
from symgd.algebra.shorten import normal_form
from symgd.errors import ShapeError, SymgdError
from symgd.language.elaborate import read_claim
from symgd.language.limits import Limits
from symgd.verify import check as check_module
from symgd.verify import kernels
from symgd.verify.kernels.ratio import unbounded

SECONDS = 10.0  # for one claim


def _is_zero(form: Expression | None) -> bool:
    return form is not None and ex.is_zero(form)


# What may prove that left - right is 0, without a look at any point.
PROOFS: dict[str, Callable[[Expression, Expression, float], bool]] = {
    "canonical form": lambda left, right, ends: _is_zero(expanded(left - right)),
    "kernels": lambda left, right, ends: not left.shape and kernels.is_zero(left - right, ends),
    "normal form": lambda left, right, ends: _is_zero(expanded(normal_form(left) - normal_form(right))),
}


def proofs_of(claim: str, given: str) -> list[str]:
    """The proofs that succeed. In `check` points come before them and would catch many a false one."""
    try:
        sides = [reading.value.node for reading in read_claim(claim, given, "infix", Limits())]
    except ShapeError:  # a right side that cannot be formed
        return []
    if sides[0].shape != sides[1].shape:
        return []
    with unbounded():
        return [name for name, proof in PROOFS.items() if proof(sides[0], sides[1], time.monotonic() + SECONDS)]


@dataclass(frozen=True)
class Graded:
    """A pair with the grade it got, the reason and the seconds it took."""

    pair: Pair
    grade: str
    why: str
    seconds: float
    proofs: tuple[str, ...]  # of a false pair

    @property
    def is_wrong(self) -> bool:
        return bool(self.proofs) or self.grade in (("refuted",) if self.pair.holds else ("proved", "agrees"))

    def __str__(self) -> str:
        proofs = f", proved by {', '.join(self.proofs)} alone" if self.proofs else ""
        return f"{self.grade}{proofs} [{self.seconds:.2f} s]: {self.pair}    ({self.why})"


def graded(seeds: Sequence[int]) -> Iterator[Graded]:
    """The verdict on every pair. The search for the likely mistake is left out: it comes after the grade and does not change it."""
    kept = check_module.MISTAKE
    check_module.MISTAKE = 0.0
    try:
        for seed in seeds:
            found = pair(seed)
            began = time.perf_counter()
            try:
                verdict = check(found.claim, given=found.given, seconds=SECONDS)
            except SymgdError as error:  # refused, not judged: such as a constant beyond the limits
                yield Graded(found, type(error).__name__, error.reason, time.perf_counter() - began, ())
                continue
            seconds = time.perf_counter() - began
            proofs = () if found.holds else tuple(proofs_of(found.claim, found.given))
            yield Graded(found, verdict.grade, verdict.why, seconds, proofs)
    finally:
        check_module.MISTAKE = kept


def summary(results: Sequence[Graded]) -> str:
    """Counts by label and grade, and times."""
    lines = []
    for holds in (True, False):
        chosen = [result for result in results if result.pair.holds is holds]
        counts = Counter(result.grade for result in chosen)
        lines.append(f"{len(chosen)} {'true' if holds else 'false'}: {', '.join(f'{n} {grade}' for grade, n in counts.most_common())}")
    seconds = sorted(result.seconds for result in results)
    lines.append(f"seconds: median {median(seconds):.3f}, 95% below {seconds[int(len(seconds) * 0.95)]:.3f}, most {seconds[-1]:.2f}")
    lines += [f"WRONG {result}" for result in results if result.is_wrong]
    return "\n".join(lines)


if __name__ == "__main__":
    results = []
    for result in graded(range(int(sys.argv[1]), int(sys.argv[2]))):
        results.append(result)
        print(json.dumps({**asdict(result), "wrong": result.is_wrong}, ensure_ascii=False), flush=True)
        if result.is_wrong:
            print(f"WRONG {result}", file=sys.stderr, flush=True)
        if len(results) % 500 == 0:
            print(f"{len(results)} checked, at seed {result.pair.seed}", file=sys.stderr, flush=True)
    print(summary(results), file=sys.stderr)
