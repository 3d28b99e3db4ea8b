"""Types that a document does not state, and that only one choice fits: the w of X·w − y, where X and y are declared.

A name that nothing declares is read as a number. Where that cannot be read, the shapes made of the dimensions at hand are tried; the
one that fits, where it is the only one, is taken for the rest of the document, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, product

from symgd.algebra.dimension import Dimension, Shape
from symgd.errors import SymgdError
from symgd.language.declarations import Variable
from symgd.language.elaborate import read, read_claim
from symgd.language.latex.scope import Scope
from symgd.language.words import CONSTANTS

_MOST_NAMES = 4  # names without a type in one formula; more are not guessed at
_MOST_SIZES = 4  # dimensions at hand
_MOST = 80  # readings

Fits = Callable[[Scope], bool]


def claim_fits(text: str) -> Fits:
    """Can the equation be read, with sides of one shape?"""

    def fits(scope: Scope) -> bool:
        left, right = read_claim(text, scope, "latex")
        return left.value.node.shape == right.value.node.shape

    return fits


def formula_fits(text: str) -> Fits:
    """Can the formula be read?"""
    return lambda scope: read(text, scope, "latex") is not None


def shapes_that_fit(fits: Fits, names: Iterable[str], scope: Scope) -> list[Variable]:
    """The variables, of shapes that are the only ones to fit; none where the formula fits as it is, or where several do."""
    known = {*scope.functions, *scope.rows, *CONSTANTS}
    loose = [name for name in dict.fromkeys(names) if not scope.knows(name) and name not in known and "_" not in name]
    sizes = _sizes(scope)
    if not 0 < len(loose) <= _MOST_NAMES or not 0 < len(sizes) <= _MOST_SIZES or can_be_read(fits, scope, ()):
        return []
    tried = 0
    for count in (1, 2):
        found = []
        for chosen in combinations(loose, count):
            for shapes in product(*[list(_shapes(name, sizes)) for name in chosen]):
                tried += 1
                if tried > _MOST:
                    return []
                made = [Variable(name, shape) for name, shape in zip(chosen, shapes)]
                if can_be_read(fits, scope, made):
                    found.append(made)
        if found:
            return found[0] if len(found) == 1 else []
    return []


def can_be_read(fits: Fits, scope: Scope, made: Iterable[Variable]) -> bool:
    """Does the formula fit with these variables declared?"""
    trial = scope.copy()
    trial.declared |= {variable.name: variable for variable in made}
    try:
        return fits(trial)
    except SymgdError:
        return False


def _sizes(scope: Scope) -> list[Dimension]:
    found = (size for declared in scope.declared.values() if isinstance(declared, Variable) for size in declared.shape)
    return list(dict.fromkeys(found))


def _shapes(name: str, sizes: list[Dimension]) -> Iterator[Shape]:
    """Vectors; matrices where the name is a capital letter."""
    if name[:1].isupper():
        yield from product(sizes, sizes)
    else:
        yield from ((size,) for size in sizes)
