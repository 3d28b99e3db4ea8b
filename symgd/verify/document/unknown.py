"""Functions that a document speaks of and never defines: with which parameters they stand near a formula."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import itemgetter

from symgd.language.declarations import UnknownFunction
from symgd.language.latex.scope import Scope
from symgd.verify.document.declaring import Declaring
from symgd.verify.document.entries import Stated
from symgd.verify.document.heads import calls
from symgd.verify.document.ledger import Ledger

_Call = tuple[int, int, tuple[str, ...]]  # the sentence, the statement (by its id), the names in the brackets


class UnknownFunctions:
    """The functions without a type, and every call of them by names, in order."""

    def __init__(self, declared: Declaring, stated: list[Stated], ledger: Ledger) -> None:
        self.declared = declared
        self.of_numbers: set[str] = set()  # functions that a definition uses, y = f(u): of a number, where no shape is known
        self.calls: dict[str, list[_Call]] = {name: [] for name in declared.functions}
        for one in stated:
            if self.calls and one.syntax == "latex":
                for member in one.statement.members:
                    for name, parameters in calls(member.tokens, ledger.base):
                        if name in self.calls:
                            self.calls[name].append((one.sentence.number, id(one.statement), parameters))

    def near(self, stated: Stated, scope: Scope) -> dict[str, UnknownFunction]:
        """The functions with the parameters of the nearest call by names: in the statement, in the sentence, or before."""
        found: dict[str, UnknownFunction] = {}
        for name, arity in self.declared.functions.items():
            if scope.declared.get(name) is not None:
                continue
            names = self._parameters(name, arity, stated)
            parameters = self.declared.parameters(names, stated.sentence.number)
            if len(parameters) > 1 or any(p.shape for p in parameters) or (parameters and name in self.of_numbers):
                found[name] = UnknownFunction(name, parameters)
            # f(x) of an x without a shape: the formula itself tells whether it is a number
        return found

    def _parameters(self, name: str, arity: int, stated: Stated) -> tuple[str, ...]:
        for group in self._groups(self.calls[name], stated):
            if group:
                return next((names for names in group if len(names) == arity), group[0])
        return ()

    def _groups(self, every: list[_Call], stated: Stated) -> Iterator[list[tuple[str, ...]]]:
        """The calls in the statement, in its sentence, and the last one before it."""
        start = bisect_left(every, stated.sentence.number, key=itemgetter(0))
        here = every[start : bisect_left(every, stated.sentence.number + 1, key=itemgetter(0))]
        yield [names for _, statement, names in here if statement == id(stated.statement)]
        yield [names for _, _, names in here]
        yield [names for _, _, names in every[start - 1 : start]] if start else []
