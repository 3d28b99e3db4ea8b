"""A row of the table of identities: what a book says a derivative is, and how the library, a claim and a number say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import symgd
from symgd import Formula


@dataclass(frozen=True, slots=True)
class Verb:
    """A way to derive: `derive(f, *names)` by the library, and the left side of a claim in the language."""

    derive: Callable[..., Formula]
    claim: str


VERBS = {
    "gradient": Verb(symgd.gradient, "grad({f}, {by})"),
    "structured": Verb(lambda f, x: symgd.gradient(f, x, structure="symmetric"), "grad({f}, {by}, symmetric)"),
    "jacobian": Verb(symgd.jacobian, "jac({f}, {by})"),
    "hessian": Verb(symgd.hessian, "hess({f}, {by})"),
    "derivative": Verb(symgd.derivative, "diff({f}, {by})"),
    "directional": Verb(lambda f, x, u: symgd.directional(f, x, along=u), "D({f}, {by})"),
    "hessian_vector": Verb(lambda f, x, u: symgd.hessian_vector(f, x, along=u), "D(grad({f}, {x}), {by})"),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """`verb` of `formula` by the names in `by` is `answer`, says `source`; `given` declares the names.

    `by` names the variable, for a mixed Hessian the second one too, for a derivative along a direction the direction.
    """

    source: str
    given: str
    verb: str
    by: str
    formula: str
    answer: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.source}: {self.verb} of {self.formula} by {self.by}"

    @property
    def names(self) -> list[str]:
        return self.by.split(", ")

    def read(self, text: str) -> Formula:
        return symgd.formula(text, given=self.given)

    def derived(self) -> Formula:
        """The derivative by the library."""
        return VERBS[self.verb].derive(self.read(self.formula), *self.names)

    def claim(self, answer: str) -> str:
        """The equation that `answer` is the derivative."""
        return f"{VERBS[self.verb].claim.format(f=self.formula, by=self.by, x=self.names[0])} = {answer}"

    def checked(self, answer: str) -> Any:
        """The verdict on `answer`."""
        return symgd.check(self.claim(answer), given=self.given)
