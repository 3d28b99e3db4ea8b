"""The likely mistake behind a refuted claim."""

from symgd.verify.mistakes.arrays import Derived, array_mistake
from symgd.verify.mistakes.mistake import Mistake
from symgd.verify.mistakes.search import Claim, first_that_checks, scalar_mistakes

__all__ = ["Claim", "Derived", "Mistake", "array_mistake", "first_that_checks", "scalar_mistakes"]
