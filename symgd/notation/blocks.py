"""Arrays of blocks as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from symgd.algebra.dimension import ONE
from symgd.algebra.expression import Expression
from symgd.algebra.grid import Box, Grid, Zeros
from symgd.notation import presentation as show
from symgd.notation.presentation import Tree
from symgd.notation.terms import Term, dimension_tree, turned


def common(grid: Grid) -> Fraction:
    """The coefficient that all boxes have, else 1."""
    found = {box.coefficient for box in _boxes(grid)}
    return found.pop() if len(found) == 1 else Fraction(1)


def _boxes(grid: Grid) -> Iterator[Box]:
    for block in [block for row in grid for block in row]:
        if isinstance(block, tuple):
            yield from _boxes(block)
        elif isinstance(block, Box):
            yield block


def tree(grid: Grid, shown: Callable[[Expression], Term | None], divided_by: Fraction) -> Tree | None:
    """The grid as it is written; None where an array in it has no term."""
    rows = []
    for row in grid:
        trees = []
        for block in row:
            found = tree(block, shown, divided_by) if isinstance(block, tuple) else _block_tree(block, shown, divided_by)
            if found is None:
                return None
            trees.append(found)
        rows.append(tuple(trees))
    if len(rows) == 1 and all(isinstance(found, show.Literal) for found in rows[0]):
        # [[1, 2], [3, 4]] is a matrix given by its rows, not by these columns.
        return show.transpose(show.Blocks(tuple([(show.transpose(found),) for found in rows[0]])))
    return show.Blocks(tuple(rows))


def _block_tree(block: Box | Zeros, shown: Callable[[Expression], Term | None], divided_by: Fraction) -> Tree | None:
    if isinstance(block, Zeros):
        rows, columns = dimension_tree(block.rows), dimension_tree(block.columns)
        if block.columns == ONE:
            return show.ZERO if block.rows == ONE else show.Call("zeros", (rows,))
        return show.Call("zeros", (rows, columns))
    term = shown(block.node)
    if term is None:
        return None
    term = term.scaled(block.coefficient / divided_by)
    return replace(term, chain=turned(term.chain)).tree() if block.axes == (False, True) else term.tree()
