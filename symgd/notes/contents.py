"""A problem to blocks: the statement, each derivation with its result, the checks at a point, claims, the descent, figures.

Every line of a derivation is put to `check_chain` before it is written down; a line that it does not prove says so beside its rule.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Leaf
from symgd.errors import FormulaError
from symgd.formula import Formula, as_formula, directional, formula, gradient, hessian, unknown_name
from symgd.notation.derivation import Derivation
from symgd.notation.latex_names import name_latex
from symgd.notes.blocks import Block, Derived, Display, Grid, Heading, Inline, Items, Line, Paragraph, Picture, Piece, math, say, strong
from symgd.notes.mathematics import checked
from symgd.notes.numbers import number_latex
from symgd.notes.problem import Problem
from symgd.verify.chain import check_chain
from symgd.verify.check import Verdict, check

SECONDS = 10.0  # for the check of one chain, and of one claim
_LETTERS = ("f", "L", "g", "h", "F", "J")
_ROWS = 12  # of the table of a descent


@dataclass(slots=True)
class Contents:
    """The blocks of one problem, as they are made; `complaints` and `remarks` as in `Notes`."""

    problem: Problem
    f: Formula
    letter: str
    level: int = 2
    blocks: list[Block] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unproved: int = 0

    def add(self, *blocks: Block) -> None:
        self.blocks += blocks

    def heading(self, text: str) -> None:
        self.add(Heading(say(text), self.level + 1))


def contents_of(problem: Problem, level: int = 2) -> Contents:
    """The notes of a problem. Raises what reading its formula, deriving, computing and descending raise."""
    f = formula(problem.formula, problem.given, "latex" if problem.latex else "infix")
    if f.shape:
        raise FormulaError("notes are made of a scalar formula.", hint="Reduce it with sum, mean or norm2.")
    made = Contents(problem, f, _letter(problem, f), level)
    names = _variables(problem, f)
    if problem.title:
        made.add(Heading(say(problem.title), level))
    _statement(made)
    for name in names:
        _gradient(made, name)
    if problem.order == 2:
        for name in names:
            _second(made, name)
    if problem.direction is not None:
        _directional(made, names)
    _claims(made)
    point = {**problem.start, **_table(problem, f), **problem.point} if problem.point or problem.start else {}
    if point:
        _at_point(made, names, point)
    if problem.start:
        _descent(made)
    _figures(made, names, point)
    return made


def _letter(problem: Problem, f: Formula) -> str:
    """What the formula is called: as the author says, else the first letter that is no variable of it."""
    if problem.name:
        return checked(problem.name) if "\\" in problem.name else name_latex(problem.name)
    defined = f.reading.defines if f.reading is not None else ""
    return name_latex(defined) if defined else next((letter for letter in _LETTERS if letter not in f.known), "f")


def _variables(problem: Problem, f: Formula) -> list[str]:
    wanted = problem.variables or tuple(problem.start)
    for name in wanted:
        if name not in f.known:
            unknown_name(name, f.known)
    found = list(wanted or f.variables)
    if not found:
        raise FormulaError(f"{f} has no variable to derive by.", hint="Name a variable that it contains.")
    return found


# ---- the statement ---------------------------------------------------------------------------------------------------


def _statement(made: Contents) -> None:
    f = made.f
    arguments = ", ".join(map(name_latex, f.variables))
    head = f"{made.letter}({arguments})" if len(f.variables) <= 4 else made.letter
    made.add(Paragraph(say("Let")), Display(f"{head} = {f.latex()}"))
    spoken = [declared(f.known[name]) for name in f.variables]
    if any(len(said) > 1 or "{R}" in said[0].text for said in spoken):
        pieces: list[Piece] = [Piece("text", "where ")]
        for k, said in enumerate(spoken):
            pieces += [*([Piece("text", ", ")] if k else []), *said]
        made.add(Paragraph((*pieces, Piece("text", "."))))


def declared(leaf: Leaf) -> Inline:
    """What is declared of a variable: $A \\in R^{m×n}$ (symmetric)."""
    name = name_latex(leaf.name)
    conditions = [kind for kind in leaf.kind if kind[0] in "<>" or kind.startswith("in ")]
    words = [kind for kind in leaf.kind if kind not in conditions]
    sizes = r" \times ".join(map(size_latex, leaf.shape))
    shown = rf"{name} \in \mathbb{{R}}^{{{sizes}}}" if leaf.shape else name
    for condition in conditions:
        sign, _, rest = condition.partition(" ")
        inside = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "in": r"\in"}.get(sign, sign)
        rest = rest.replace("{", r"\{").replace("}", r"\}")
        entry = f"{name}_{{{'i' if len(leaf.shape) == 1 else 'ij'}}}" if leaf.shape else name
        shown = f"{shown},\\; {entry} {inside} {rest}" if leaf.shape else f"{shown} {inside} {rest}"
    if not leaf.shape and not conditions:
        shown = rf"{name} \in \mathbb{{R}}" if not words else name
    named = {"spd": "symmetric positive definite", "simplex": "a point of the simplex", "integer": "whole"}
    said = ", ".join(named.get(word, word) for word in words)
    return say(math(shown), f" ({said})") if said else say(math(shown))


def size_latex(size: Dimension) -> str:
    return str(size).replace("*", " ")


# ---- derivations -----------------------------------------------------------------------------------------------------


def _gradient(made: Contents, name: str) -> None:
    g = gradient(made.f, name)
    by = name_latex(name)
    made.add(Heading(say("The derivative by ", math(by)), made.level + 1))
    _derived(made, g.steps.written(made.problem.detail, made.problem.form))
    made.add(Paragraph(say("Hence" if made.f.known[name].shape else "Thus")), Display(f"{_slope(made, name)} = {g.latex()}"))


def _slope(made: Contents, name: str) -> str:
    by = name_latex(name)
    if made.f.known[name].shape:
        return rf"\nabla_{{{by}}} {made.letter}"
    d = "d" if len(made.f.variables) == 1 else r"\partial"
    return rf"\frac{{{d} {made.letter}}}{{{d} {by}}}"


def _second(made: Contents, name: str) -> None:
    h = hessian(made.f, name)
    by = name_latex(name)
    made.add(Heading(say("The second derivative by ", math(by)), made.level + 1))
    derivation = h.steps.written(made.problem.detail, made.problem.form)
    first = gradient(made.f, name).steps.written(made.problem.detail, made.problem.form)
    _derived(made, derivation, skip=len(first.chains))
    left = rf"\nabla_{{{by}}}^{{2}} {made.letter}" if made.f.known[name].shape else rf"\frac{{\partial^2 {made.letter}}}{{\partial {by}^2}}"
    made.add(Paragraph(say("Hence")), Display(f"{left} = {h.latex()}"))


def _directional(made: Contents, names: Sequence[str]) -> None:
    by, along = _by(names), _along(made, names)
    d = directional(made.f, by, along=along, normalize=made.problem.normalize)
    direction = direction_latex(made.problem.direction)
    made.heading("The derivative along a direction")
    made.add(Paragraph(say("Along ", math(direction), ", with the derivatives from above:")))
    derivation = d.steps.written(made.problem.detail, "vector")
    _derived(made, derivation, skip=len(derivation.chains) - 1)
    made.add(Paragraph(say("Hence")), Display(f"D_{{{subscript(made.problem.direction)}}} {made.letter} = {d.latex()}"))


def _by(names: Sequence[str]) -> Any:
    return names[0] if len(names) == 1 else list(names)


def _along(made: Contents, names: Sequence[str]) -> Any:
    """The direction as `directional` takes it."""
    along = made.problem.direction
    if isinstance(along, str):
        return along if len(names) == 1 else [f"{along}_{name}" for name in names]
    assert along is not None
    return along[0] if len(names) == 1 and not made.f.known[names[0]].shape and len(along) == 1 else list(along)


def direction_latex(direction: Any) -> str:
    if isinstance(direction, str):
        return name_latex(direction)
    shown = [_component(item) for item in direction]
    return f"u = \\left({', '.join(shown)}\\right)"


def subscript(direction: Any) -> str:
    return name_latex(direction) if isinstance(direction, str) else "u"


def _component(item: Any) -> str:
    return as_formula(item).latex() if not isinstance(item, str) else formula(item).latex()


def _derived(made: Contents, derivation: Derivation, skip: int = 0) -> None:
    """The lines, each checked; the chains before number `skip` stand in the notes already."""
    shown = derivation.latex_chains()
    lines: list[Line] = []
    rules = [line.rule for line in derivation.lines]
    at = 0
    for number, (texts, chain) in enumerate(zip(shown, derivation.chains)):
        if number >= skip:
            verdicts = check_chain(chain, given=derivation.given, seconds=SECONDS).verdicts
            for k, verdict in enumerate(verdicts):
                doubt = "" if verdict.grade == "proved" else f" ({_DOUBT[verdict.grade]})"
                lines.append(Line(texts[0] if k == 0 else "", texts[k + 1], rules[at + k] + doubt))
                _noted(made, verdict, f"{chain[k]} = {chain[k + 1]}")
        at += len(chain) - 1
    made.add(Derived(tuple(lines)))


_DOUBT = {"agrees": "agrees at many points, not proved", "undecided": "not decided", "refuted": "wrong"}


def _noted(made: Contents, verdict: Verdict, claim: str) -> None:
    if verdict.grade == "refuted":
        made.complaints.append(f"a line of the derivation is wrong, a fault of symgd: {claim}")
    elif verdict.grade != "proved":
        made.remarks.append(f"not proved ({verdict.grade}): {claim}")


# ---- claims ----------------------------------------------------------------------------------------------------------


def _claims(made: Contents) -> None:
    problem = made.problem
    if problem.claims:
        made.heading("Claims")
        said = [claimed(claim, problem.given, problem.latex) for claim in problem.claims]
        made.add(Items(tuple(content for content, _, _ in said)))
        made.complaints += [text for _, grade, text in said if grade == "refuted"]
        made.remarks += [text for _, grade, text in said if grade in ("agrees", "undecided")]


def claimed(claim: str, given: str, latex: bool) -> tuple[Inline, str, str]:
    """A claim with its verdict: what is written of it, its grade, and the same in one sentence.

    What is not proved is never set as a formula: it stands as the author's text, behind what was found.
    """
    verdict = check(claim, given, "latex" if latex else "infix", SECONDS)
    if verdict.grade == "proved":
        shown = math(checked(claim.strip())) if latex else Piece("code", claim)
        return say("Proved: ", shown, "."), verdict.grade, f"proved: {claim}"
    if verdict.grade == "agrees":
        return (
            say(strong("Not proved"), ", but both sides agree at many points: ", Piece("code", claim), "."),
            "agrees",
            f"not proved (agrees): {claim}",
        )
    if verdict.grade == "undecided":
        return (
            say(strong("Not decided"), ": ", Piece("code", claim), f". {verdict.why}"),
            "undecided",
            f"not decided: {claim}: {verdict.why}",
        )
    pieces: list[Piece] = [strong("Wrong"), Piece("text", ": "), Piece("code", claim), Piece("text", f". {_sentence(verdict.why)}")]
    if verdict.mistake is not None:
        pieces += [
            Piece("text", f" Likely: {verdict.mistake.text.strip()} Right: "),
            Piece("code", verdict.mistake.repair),
            Piece("text", "."),
        ]
    return tuple(pieces), "refuted", f"wrong: {claim}: {verdict.why}"


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]


# ---- numbers ---------------------------------------------------------------------------------------------------------


def _table(problem: Problem, f: Formula) -> dict[str, Any]:
    """The data as arrays."""
    if problem.data is None:
        return {}
    if not isinstance(problem.data, Path):
        return dict(problem.data)
    from symgd.descent.data import read_data

    return read_data(problem.data, [name for name in f.variables if name not in problem.start])


def _at_point(made: Contents, names: Sequence[str], point: Mapping[str, Any]) -> None:
    """The value and the gradient there, and how far symgd and autograd are from 50 digits."""
    from symgd.descent.compare import Comparison, compare

    made.heading("At a point" if made.problem.point else "At the start")
    told = {**made.problem.start, **made.problem.point}
    made.add(Paragraph((Piece("text", "At "), *_listed(told), Piece("text", ":"))))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        rows = [(say(math(made.letter)), say(math(number_latex(made.f.evaluate(point)))))]
        for name in names:
            g = gradient(made.f, name)
            rows.append((say(math(_slope(made, name))), say(math(number_latex(g.evaluate(point))))))
        if made.problem.direction is not None and not isinstance(made.problem.direction, str):
            d = directional(made.f, _by(names), along=_along(made, names), normalize=made.problem.normalize)
            left = f"D_{{{subscript(made.problem.direction)}}} {made.letter}"
            rows.append((say(math(left)), say(math(number_latex(d.evaluate(point))))))
        compared = compare(made.f, point)
    made.add(Grid((say("quantity"), say("value")), tuple(rows)))
    made.remarks += dict.fromkeys(str(warning.message) for warning in heard if issubclass(warning.category, UserWarning))
    assert isinstance(compared, Comparison)
    from symgd.descent.ulps import ulps_text

    body = []
    for row in compared.rows:
        what = made.letter if row.name == "value" and "value" not in made.f.known else _slope(made, row.name)
        body.append((say(math(what)), say(ulps_text(row.symgd)), say(ulps_text(row.autograd))))
    made.add(Paragraph(say("Errors against 50 digits, in units in the last place (largest entry):")))
    made.add(Grid((say(""), say("symgd"), say("autograd")), tuple(body)))


def _listed(values: Mapping[str, Any]) -> Iterator[Piece]:
    for k, (name, value) in enumerate(values.items()):
        yield Piece("text", ", " if k else "")
        yield math(f"{name_latex(name)} = {number_latex(value)}")


# ---- the descent -----------------------------------------------------------------------------------------------------


def descent_of(problem: Problem, f: Formula) -> Any:
    from symgd.descent.descend import descend

    chosen = {key: value for key in ("rate", "steps", "epochs") if (value := getattr(problem, key)) is not None}
    return descend(f, start=problem.start, data=_table(problem, f) or None, **chosen)


def _descent(made: Contents) -> None:
    problem = made.problem
    made.heading("Gradient descent")
    found = descent_of(problem, made.f)
    names = list(problem.start)
    if problem.rate is not None:
        made.add(Paragraph(say("Every step takes all derivatives first, then changes all parameters together:")))
        updates = [
            rf"{name_latex(name)} \leftarrow {name_latex(name)} - {number_latex(problem.rate)}\, {_slope(made, name)}" for name in names
        ]
        made.add(*map(Display, updates))
    header = (say("step"), *(say(math(name_latex(name))) for name in names), say(math(made.letter)))
    rows = [
        (
            say(str(found.step_of(k))),
            *(say(math(number_latex(found.path[name][k]))) for name in names),
            say(math(number_latex(found.values[k]))),
        )
        for k in shown_steps(len(found.values))
    ]
    made.add(Grid(header, tuple(rows)))
    made.add(Paragraph(say(_sentence(found.message))))
    if problem.rate is not None and problem.epochs is None and found.outcome.value in ("converged", "max_steps"):
        from symgd.descent.compare import DescentComparison, compare

        other = compare(made.f, start=problem.start, data=_table(problem, made.f), rate=problem.rate, steps=max(found.steps, 1))
        assert isinstance(other, DescentComparison)
        gap = max(other.differences.values())
        said = "reaches the same numbers" if gap == 0 else f"stays within {gap:.2g} of these numbers"
        made.add(Paragraph(say(f"The same descent with the gradient from autograd {said} at every step.")))


def shown_steps(count: int) -> list[int]:
    """Which of the steps a table shows: the first, then fewer and fewer, the last."""
    if count <= _ROWS:
        return list(range(count))
    found, step = [0, 1, 2], 1
    while len(found) < _ROWS - 1:
        for factor in (5, 10, 20):
            found.append(factor * step)
        step *= 10
    return [*(k for k in found if k < count - 1), count - 1]


# ---- figures ---------------------------------------------------------------------------------------------------------


def _figures(made: Contents, names: Sequence[str], point: Mapping[str, Any]) -> None:
    if not made.problem.figures:
        return
    from symgd.notes.figures.asked import picture

    made.heading("Figures")
    for kind in made.problem.figures:
        draw, caption = picture(kind, made.problem, made.f, list(names), dict(point), made.letter)
        made.add(Picture(draw, caption))
