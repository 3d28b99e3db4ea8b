"""The likely mistake in a claim in LaTeX: the claim is told in the infix language, where the search works; then names are exchanged."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from symgd.algebra.operations import Value
from symgd.errors import SymgdError
from symgd.language import syntax as sx
from symgd.language.declarations import declaration_of
from symgd.language.elaborate import Given, Reading, parsed_claim, read, read_claim
from symgd.language.latex.chains import prepared
from symgd.language.latex.tokens import COMMAND, GREEK, LETTER, Token
from symgd.language.limits import Limits
from symgd.language.meaning import Elaborator
from symgd.notation.infix import infix
from symgd.notation.latex import latex
from symgd.verify.decide import decide
from symgd.verify.mistakes.mistake import Mistake

_SWAPS = 40  # exchanges of a name that are tried
_PROOF = 0.5  # seconds for each

Search = Callable[[str, str, float], Mistake | None]


def mistake_in_latex(text: str, given: Given, ends: float, search: Search) -> Mistake | None:
    """The one slip that explains a refuted claim, found by `search` in the infix language; the repair is in LaTeX where that checks."""
    try:
        equation, elaborator = parsed_claim(text, given, "latex", Limits())
        left, right = read_claim(text, given, "latex", Limits())
    except (SymgdError, RecursionError):
        return None
    found = None
    told = _told(equation.left, text, elaborator, left, right)
    if told is not None:
        try:
            found = search(told[0], told[1], ends)
        except SymgdError:
            found = None
    if found is None:
        return next(_exchanged(text, equation, given, ends), None)
    return replace(found, repair=_in_latex(found.repair, told[1] if told else "", text, equation, given))


def _told(node: sx.Node, text: str, elaborator: Elaborator, left: Reading, right: Reading) -> tuple[str, str] | None:
    """The claim in the infix language and its declarations; None where that language has no words for it."""
    leaves = {**left.declared, **right.declared}
    names = set(leaves)
    declared = ", ".join(str(declaration_of(leaf)) for leaf in leaves.values() if leaf.name in left.used | right.used)
    try:
        written = infix(right.value.node, avoid=names)
        claim = f"{_derived(node, text, elaborator, left.value, names)} = {written}"
        read_claim(claim, declared, "infix", Limits())
    except (SymgdError, NotImplementedError, RecursionError):
        return None
    return claim, declared


def _derived(node: sx.Node, text: str, elaborator: Elaborator, left: Value, names: set[str]) -> str:
    """The left side: a derivative by one variable stays one."""
    if isinstance(node, sx.Call) and node.name in ("∂", "∇", "∇²") and len(node.arguments) == 2:
        body, variable = node.arguments
        if isinstance(variable, sx.Name) and variable.name in names:
            formula = elaborator.read(body, text)
            operator = "hess" if node.name == "∇²" else "grad" if not formula.shape and left.shape else "jac" if formula.shape else "diff"
            return f"{operator}({infix(formula.node, avoid=names)}, {variable.name})"
    return infix(left.node, avoid=names)


def _in_latex(repair: str, declared: str, text: str, equation: sx.Equation, given: Given) -> str:
    """The mended claim with the left side as it was written; as the search tells it where that is not read back."""
    try:
        right = latex(read(_right_of(repair), declared).value.node)
        made = f"{text[equation.left.start : equation.left.end].strip()} = {right}"
        return made if _checks(made, given, time.monotonic() + _PROOF) else repair
    except (SymgdError, NotImplementedError):
        return repair


def _right_of(repair: str) -> str:
    """What stands behind the = outside brackets."""
    depth = 0
    for k, character in enumerate(repair):
        depth += (character in "([") - (character in ")]")
        if character == "=" and depth == 0 and repair[k - 1] not in "<>!=" and repair[k + 1 : k + 2] != "=":
            return repair[k + 1 :].strip()
    return repair


def _exchanged(text: str, equation: sx.Equation, given: Given, ends: float) -> Iterator[Mistake]:
    """The right side with one name in place of another: dz for dx, mu for sigma."""
    tokens = [t for t in prepared(text, Limits()) if t.kind == LETTER or (t.kind == COMMAND and t.value[1:] in GREEK)]
    inside = [t for t in tokens if t.start >= equation.right.start]
    others = {text[t.start : t.end]: t for t in tokens if t.value != "d"}
    tried = 0
    for token in reversed(inside):
        for written in others:
            if written == text[token.start : token.end] or token.value == "d" or tried >= _SWAPS or time.monotonic() > ends:
                continue
            tried += 1
            gap = " " if written.startswith("\\") and text[token.end : token.end + 1].isalpha() else ""
            repair = text[: token.start] + written + gap + text[token.end :]
            if _checks(repair, given, min(ends, time.monotonic() + _PROOF)):
                yield Mistake("variable", _sentence(text, token, written), " ".join(repair.split()))
                return


def _sentence(text: str, token: Token, written: str) -> str:
    old = text[token.start : token.end]
    if re.search(r"(?<![A-Za-z\\])d\s*\Z", text[: token.start]):
        return f"the differential d{old} is paired with the derivative by another variable: with d{written} it would be right."
    return f"with {written} in place of {old} it would be right."


def _checks(claim: str, given: Given, ends: float) -> bool:
    try:
        one, other = read_claim(claim, given, "latex", Limits())
    except SymgdError:
        return False
    return decide(replace(one.value, text=one.text), replace(other.value, text=other.text), claim, ends).grade in ("proved", "agrees")
