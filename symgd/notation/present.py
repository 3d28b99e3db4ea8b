"""An expression as a presentation tree: the entrance to the notation room."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace

from symgd.algebra.expression import Add, Expression, add, scaled
from symgd.errors import NoRuleError
from symgd.notation import presentation as show
from symgd.notation.letters import Letters, used_names
from symgd.notation.matrix_form import Forms
from symgd.notation.presentation import Tree
from symgd.notation.terms import sum_tree, turned

NOTATIONS = ("auto", "matrix", "index")
_PATIENCE = 12  # characters that index sums may be longer before broadcasts are preferred to them


def presented(
    root: Expression,
    notation: str = "auto",
    row: bool = False,
    avoid: Iterable[str] = (),
    sums_as_words: bool = True,
    authored: Set[Expression] = frozenset(),
) -> Tree:
    """The expression as it is to be written.

    `notation` "matrix" writes matrix products where there are any and index sums for what has no matrix form; "index" writes
    every array by its entries; "auto" is "matrix", except that a number which would need broadcasts, x*ones(n)', is written with
    index sums where these are as short. `row` says that a vector lies down. `avoid` are names that no index may have. Without
    `sums_as_words` a sum of all entries is written with an index too: for LaTeX, which has no word for it. Terms and factors
    stand in the order that reads best: numbers first, then letters, then the rest, and no sum begins with a minus that need not; those of
    `authored` nodes, in the order they have.
    """
    if notation not in NOTATIONS:
        raise NoRuleError(f"unknown notation {notation!r}.", hint=f"The notations are {', '.join(NOTATIONS)}.")
    letters = Letters(used_names(root) | set(avoid))
    forms = Forms(root, letters, notation == "index", sums_as_words, authored)
    term = forms.terms[root]
    if row and root.rank == 1:
        return replace(term, chain=turned(term.chain)).tree() if term else show.transpose(forms.tree(root))
    if isinstance(root, Add) and term is None and notation != "index":
        return _mixed(root, forms)
    tree = forms.tree(root)
    if notation == "auto" and not root.shape and show.contains(tree, "ones"):
        by_index = Forms(root, letters, True, authored=authored).tree(root)
        return by_index if by_index.size <= tree.size + _PATIENCE else tree
    return tree


def _mixed(root: Add, forms: Forms) -> Tree:
    """A sum of arrays some of which have no matrix form: these together as one array, beside the others."""
    shown, rest = [], []
    for coefficient, child in root.terms:
        term = forms.terms[child]
        if term is not None:
            shown.append(term.scaled(coefficient))
        else:
            rest.append(scaled(coefficient, child))
    if not shown or any(term.is_broadcast for term in shown):
        return forms.tree(root)
    return show.sum_of([show.signed(sum_tree(shown)), show.signed(forms.entries.array(add(rest)))])
