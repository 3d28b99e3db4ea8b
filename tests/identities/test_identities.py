"""Every row of the table: the derivative is the book's; so say difference quotients, the text that is printed, and `check`.

The values are those of the reference evaluator, in 50 digits, for several sizes of the dimensions. What a book prints wrongly, and
what is made wrong on purpose, is refuted.
"""

from __future__ import annotations

import pytest
from identities.cookbook import COOKBOOK, MISPRINTS
from identities.identity import VERBS, Identity
from identities.numbers import is_derivative, is_same, places, value
from identities.textbooks import MAGNUS_NEUDECKER, OTHERS
from reference import evaluate

import symgd

ROWS = (*COOKBOOK, *MAGNUS_NEUDECKER, *OTHERS)
each_row = pytest.mark.parametrize("row", ROWS, ids=str)


def test_the_table_covers_every_verb_and_states_nothing_twice() -> None:
    assert len(ROWS) >= 140
    assert {row.verb for row in ROWS} == set(VERBS)
    assert len({(row.given, row.claim(row.answer)) for row in ROWS}) == len(ROWS)


@each_row
def test_the_derivative_is_the_one_in_the_book(row: Identity) -> None:
    derived, answer = row.derived(), row.read(row.answer)
    assert derived.shape == answer.shape
    for place in places(row, row.read(row.formula), answer):
        wanted = value(answer, place)
        assert is_same(value(derived, place), wanted)
        assert is_same(evaluate(derived.origin, place.values, place.sizes), wanted), "before declared symmetry is used"


@each_row
def test_what_is_printed_is_read_back(row: Identity) -> None:
    derived = row.derived()
    read_back = symgd.formula(str(derived), given=derived.given)
    for place in places(row, row.read(row.formula), derived):
        assert is_same(value(read_back, place), value(derived, place)), str(derived)


@each_row
def test_difference_quotients_confirm_the_book(row: Identity) -> None:
    answer = row.read(row.answer)
    for place in places(row, row.read(row.formula), answer):
        assert is_derivative(value(answer, place), row, place)


@each_row
def test_the_claim_holds(row: Identity) -> None:
    verdict = row.checked(row.answer)
    assert verdict.grade in ("proved", "agrees"), str(verdict)


# ---- planted errors --------------------------------------------------------------------------------------------------


def slips(row: Identity) -> list[str]:
    """The answer with a wrong sign, a factor 2, transposed, and without one of its terms."""
    shape = row.read(row.answer).shape
    square = len(shape) == 2 and shape[0] == shape[1]
    return [f"-({row.answer})", f"2*({row.answer})", *([f"({row.answer})'"] if square else []), *without_a_term(row.answer)]


def without_a_term(text: str) -> list[str]:
    """The sum without each of its terms in turn; none where it is no sum."""
    depth, cuts = 0, [0]
    for k, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and text[k : k + 3] in (" + ", " - "):
            cuts.append(k)
    terms = [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)])]
    shorter = ["".join([*terms[:k], *terms[k + 1 :]]) for k in range(len(terms))]
    return [sum_.strip().removeprefix("+ ") for sum_ in shorter] if len(terms) > 1 else []


def test_slips_are_made_of_the_whole_answer() -> None:
    row = Identity("", "A[n,n], x[n]", "gradient", "A", "x'*A*A*x", "x*(A*x)' + A'*x*x'")
    assert slips(row) == ["-(x*(A*x)' + A'*x*x')", "2*(x*(A*x)' + A'*x*x')", "(x*(A*x)' + A'*x*x')'", "A'*x*x'", "x*(A*x)'"]
    assert without_a_term("-a + (b - c) - [d + e, f]") == ["(b - c) - [d + e, f]", "-a - [d + e, f]", "-a + (b - c)"]


@each_row
def test_planted_errors_are_refuted(row: Identity) -> None:
    """By `check`, and by the difference quotients, which judge the book. A slip that happens to be right is none."""
    answer = row.read(row.answer)
    place = next(places(row, row.read(row.formula), answer))
    wrong = [slip for slip in slips(row) if not is_same(value(row.read(slip), place), value(answer, place))]
    assert len(wrong) >= 2
    for slip in wrong:
        assert not is_derivative(value(row.read(slip), place), row, place), slip
        verdict = row.checked(slip)
        assert verdict.grade == "refuted", f"{slip}: {verdict}"


# ---- misprints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("printed", MISPRINTS, ids=str)
def test_a_misprint_of_the_cookbook_is_refuted_and_the_right_answer_is_not(printed: Identity) -> None:
    verdict = printed.checked(printed.answer)
    assert verdict.grade == "refuted"
    assert verdict.witness is not None
    place = next(places(printed, printed.read(printed.answer)))
    assert not is_derivative(value(printed.read(printed.answer), place), printed, place)
    (right,) = [row for row in COOKBOOK if row.source == printed.source and row.note.startswith("put right")]
    assert right.formula == printed.formula
    assert right.checked(right.answer).grade in ("proved", "agrees")
