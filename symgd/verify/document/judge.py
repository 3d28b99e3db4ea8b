"""One equation of a document to its verdict: with what the document declares at its place, and never refuted for want of a declaration."""

from __future__ import annotations

import re
from dataclasses import replace

import mpmath

from symgd.errors import ShapeError, SymgdError
from symgd.language.declarations import Declaration, Definition, Variable
from symgd.language.latex.scope import Scope
from symgd.verify.check import Verdict, check
from symgd.verify.document.entries import Equation, Place
from symgd.verify.document.inferred import claim_fits, shapes_that_fit
from symgd.verify.document.ledger import Ledger
from symgd.verify.document.report import Claim, Unchecked

_SHOWN = 120  # characters of a text in a report
_ARRAYS = frozenset("xyzwuvbpqgrsaABDFGHPQSUVWXYZ")  # letters that are often arrays: of these a missing declaration matters
_BOLD = re.compile(r"\\(?:mathbf|bm|boldsymbol|vec|pmb)\s*\{?\s*\\?([A-Za-z]+)")
_ROUNDED = re.compile(r"=\s*-?\s*(\d*\.(\d+))\s*\Z")
_OPEN = "an equation to be solved: it holds for some values only, so it is no claim that can be checked."

Where = tuple[int, int, int, int, str, int | None]


def judged(entry: Equation, where: Where, ledger: Ledger, seconds: float) -> Claim | Unchecked:
    """The claim with its verdict; not checked where it turns out to be an equation to be solved."""
    scope = ledger.scope(entry.place.sentence)
    scope.declared |= {function.name: function for function in entry.unknown}
    given = tuple(str(scope.declared[name]) for name in dict.fromkeys(entry.names) if name in scope.declared)
    broken = next((name for name in entry.names if name in ledger.broken and name not in scope.declared), None)
    if broken is not None:
        why = f"it uses {broken}, and the definition of {broken} in line {ledger.broken[broken]} cannot be read."
        return replace(undecided(where, why), given=given)
    later = _later(entry, scope, ledger)
    warnings: list[str] = []
    if entry.syntax == "latex" and not entry.open_why:
        for variable in shapes_that_fit(claim_fits(entry.text), entry.names, scope):
            scope.declared[variable.name] = ledger.infer(variable, entry.place.sentence)
            warnings.append(f"{variable.name} is not declared: it is taken as {variable}, the only shape that fits.")
    try:
        verdict = check(entry.text, given=scope, syntax=entry.syntax, seconds=seconds, warnings=warnings)
    except ShapeError as error:
        if entry.open_why:
            return Unchecked(*where, why=entry.open_why)
        if later or entry.conditions or _loose(entry, scope):
            return replace(undecided(where, unread(error, error.reason)), given=given)
        verdict = Verdict("refuted", f"the sides cannot be formed: {error.reason} {error.hint}".strip(), where[4])
        return Claim(*where, verdict=verdict, given=given)
    except SymgdError as error:
        if entry.open_why:
            return Unchecked(*where, why=entry.open_why)
        if later:
            return replace(undecided(where, later), given=given)
        return replace(
            undecided(where, unread(error, error.reason)),
            error=moved(error, entry.place, entry.text) if entry.is_placed else error,
            given=given,
        )
    known = {parameter for declaration in scope.declared.values() for parameter in _parameters(declaration)}
    known |= {f"d{name}" for name in known}
    warnings = [w for w in warnings if w.partition(" is not declared: it is read")[0] not in known]
    if verdict.grade == "refuted" and verdict.witness is None and verdict.left is None and (loose := _capitals(entry, scope)):
        verdict = Verdict("undecided", f"{verdict.why} {loose} is not declared, and may be meant as a matrix.", verdict.claim)
    if verdict.grade == "refuted" and (one_sided := _one_sided(entry, scope)):
        verdict = Verdict(
            "undecided", f"{one_sided} is a function that the document does not define: write it out to have it checked.", verdict.claim
        )
    missing = _missing(entry, scope, warnings)
    found = _weighed(_tidy(verdict), entry, scope, ledger, missing)
    if found.grade in ("proved", "agrees"):
        ledger.identities.add(entry.place.key)
    elif entry.open_why:
        return Unchecked(*where, why=entry.open_why)
    elif found.grade == "refuted" and found.witness and entry.is_zero:
        return Unchecked(*where, why=_OPEN)
    elif found.grade == "refuted" and later:
        return replace(undecided(where, later), given=given)
    return Claim(*where, verdict=found, given=given, warnings=tuple(warnings))


def _later(entry: Equation, scope: Scope, ledger: Ledger) -> str:
    """Why an equation may not be wrong: a name in it is defined further down; "" where none is."""
    bound = ledger.parameters | {p for declaration in scope.declared.values() for p in _parameters(declaration)}
    for name in entry.names:
        if name in scope.declared:
            continue
        later = ledger.later(name, entry.place.sentence)
        if later is not None and name not in bound:
            return f"it uses {name}, which is defined further down only. Define it before."
    return ""


def _loose(entry: Equation, scope: Scope) -> list[str]:
    """The names in an equation that nothing declares."""
    return [name for name in dict.fromkeys(entry.names) if not scope.knows(name) and name not in scope.functions]


def _one_sided(entry: Equation, scope: Scope) -> str:
    """An unknown function that stands on one side only, where the other has no function: of it the equation says what it is."""
    if entry.syntax != "latex":
        return ""
    for one, other in (entry.sides, entry.sides[::-1]):
        has_function = any(name in scope.functions or not isinstance(scope.declared.get(name, Variable(name)), Variable) for name in other)
        defined = {name for name, declared in scope.declared.items() if isinstance(declared, Definition)}
        unknown = [name for name in one if name in scope.functions and defined.isdisjoint((name, name.partition("_")[0]))]
        if unknown and not has_function:
            return unknown[0]
    return ""


def _capitals(entry: Equation, scope: Scope) -> str:
    """A capital letter that nothing declares: likelier a matrix than a number."""
    return next((name for name in _loose(entry, scope) if name[:1].isupper() and entry.syntax == "latex"), "")


def _missing(entry: Equation, scope: Scope, warnings: list[str]) -> list[str]:
    """The names that are read as numbers for want of a declaration, and may be arrays: bold, transposed, beside declared arrays."""
    if entry.syntax != "latex":
        return []
    numbers = {warning.partition(" ")[0] for warning in warnings if warning.endswith("is not declared: it is read as a real scalar.")}
    bold = set(_BOLD.findall(entry.text))
    has_arrays = any(scope.is_array(name) for name in entry.names)

    def is_array(name: str) -> bool:
        transposed = rf"(?<![A-Za-z]){re.escape(name)}\}}*\s*\^\{{?\s*(?:T\b|\\top|-1|-T)"
        return name in bold or (has_arrays and name in _ARRAYS) or re.search(transposed, entry.text) is not None

    return [name for name in _loose(entry, scope) if name in numbers and is_array(name)]


def _tidy(verdict: Verdict) -> Verdict:
    """The verdict with its claims in one line."""
    mistake = verdict.mistake and replace(verdict.mistake, repair=" ".join(verdict.mistake.repair.split()))
    return replace(verdict, claim=" ".join(verdict.claim.split()), mistake=mistake)


def _weighed(verdict: Verdict, entry: Equation, scope: Scope, ledger: Ledger, missing: list[str]) -> Verdict:
    """The verdict where the document has said enough; else undecided."""
    if verdict.grade == "refuted" and not verdict.witness and _is_rounded(entry.text, verdict):
        return replace(
            verdict, grade="agrees", why="the number is the other side, rounded to its digits.", left=None, right=None, mistake=None
        )
    if missing and verdict.grade in ("proved", "agrees", "refuted"):
        told = " and ".join(missing)
        is_one = len(missing) == 1
        meant = f"{'is' if is_one else 'are'} not declared, and may be meant as {'an array' if is_one else 'arrays'}"
        why = f"{told} {meant}: write what {missing[0]} is, as in {missing[0]} \\in \\mathbb{{R}}^n."
        return Verdict("undecided", why, verdict.claim)
    condition = next((place for place in entry.conditions if place.key not in ledger.identities), None)
    if verdict.grade == "refuted" and condition is not None:
        why = f"it does not hold for all values, and may hold under the condition in line {condition.line}, which is not used."
        return Verdict("undecided", why, verdict.claim)
    squared = _squared(entry, scope)
    if verdict.grade == "refuted" and squared:
        why = f"{squared} is declared as a vector, and stands as a number in a power. Declare a number under a name of its own."
        return Verdict("undecided", why, verdict.claim)
    return verdict


def _squared(entry: Equation, scope: Scope) -> str:
    """The name of a vector of which the equation, or a definition in it, has a power x^2; "" where there is none."""
    if entry.syntax != "latex":
        return ""
    texts = [entry.text]
    for name in entry.names:
        declaration = scope.declared.get(name)
        if isinstance(declaration, Definition):
            texts.append(declaration.text[declaration.body.start : declaration.body.end])
    vectors = [name for name, declaration in scope.declared.items() if isinstance(declaration, Variable) and len(declaration.shape) == 1]
    for name in vectors:
        if any(re.search(rf"(?<![A-Za-z\\]){re.escape(name)}\}}?\s*\^\s*\{{?\s*\d", text) for text in texts):
            return name
    return ""


def _is_rounded(text: str, verdict: Verdict) -> bool:
    """Is the right side a decimal that the left side rounds to?"""
    found = _ROUNDED.search(text)
    if found is None or verdict.left is None or isinstance(verdict.left, list) or isinstance(verdict.right, list):
        return False
    bound = mpmath.mpf(10) ** -len(found[2]) * (0.5 + mpmath.mpf(10) ** -9)
    return bool(abs(mpmath.mpf(verdict.left) - mpmath.mpf(verdict.right)) <= bound)


def undecided(where: Where, why: str) -> Claim:
    return Claim(*where, verdict=Verdict("undecided", why, where[4]))


def _parameters(declaration: Declaration) -> tuple[str, ...]:
    if isinstance(declaration, Variable):
        return ()
    return declaration.parameters if isinstance(declaration, Definition) else tuple(p.name for p in declaration.parameters)


def unread(error: SymgdError, why: str) -> str:
    return f"it cannot be read: {why} {error.hint}".strip()


def moved(error: SymgdError, place: Place, read: str) -> SymgdError:
    """An error about the text that was read of a passage, placed in the whole document."""
    passage = place.passage
    if error.position is not None and error.text is not None and len(error.text) == len(read):
        error.text, error.position = passage.source.text, passage.start + error.position
    return error


def where_of(place: Place) -> Where:
    """The lines and columns of a place, its text in short, and its cell."""
    source = place.passage.source
    start, end = place.passage.start + place.start, place.passage.start + place.end
    written = " ".join(source.text[start:end].split())
    shown = written if len(written) <= _SHOWN else f"{written[: _SHOWN - 2]} …"
    return (*source.place(start), *source.place(max(start, end)), shown, source.cell)
