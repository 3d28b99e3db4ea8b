"""An expression as a presentation tree: the entrance to the notation room."""

from __future__ import annotations

from collections.abc import Iterable

from symgd.algebra.expression import Add, Expression, add, scaled
from symgd.errors import NoRuleError
from symgd.notation import presentation as show
from symgd.notation.letters import Letters, used_names
from symgd.notation.matrix_form import Forms
from symgd.notation.presentation import Tree
from symgd.notation.terms import sum_tree

NOTATIONS = ("auto", "matrix", "index")


def presented(root: Expression, notation: str = "auto", row: bool = False, avoid: Iterable[str] = (), sums_as_words: bool = True) -> Tree:
    """The expression as it is to be written.

    `notation`: "matrix" and "auto" write matrix products where there are any and index sums for what has no matrix form;
    "index" writes every array by its entries. `row` says that a vector lies down. `avoid` are names no index may have. Without
    `sums_as_words` a sum of all entries is written with an index too, for LaTeX, which has no word for it.
    """
    if notation not in NOTATIONS:
        raise NoRuleError(f"unknown notation {notation!r}.", hint=f"The notations are {', '.join(NOTATIONS)}.")
    letters = Letters(used_names(root) | set(avoid))
    forms = Forms(root, letters, notation == "index", sums_as_words)
    tree = _mixed(root, forms) if isinstance(root, Add) and forms.terms[root] is None and notation != "index" else forms.tree(root)
    return show.transpose(tree) if row and root.rank == 1 else tree


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
