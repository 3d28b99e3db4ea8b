"""The likely mistake behind a refuted claim: the one slip that explains it."""

from symgd.verify.mistakes.likely import likely_mistake
from symgd.verify.mistakes.mistake import Mistake

__all__ = ["Mistake", "likely_mistake"]
