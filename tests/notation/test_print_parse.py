"""print ∘ parse is the identity: what is printed, in either notation, is read back as a formula of the same value.

The values are those of the reference evaluator, at one exact point. Where a value is not defined, the text may have one: an entry
of an array does not ask for its other entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random
from typing import Any

import pytest
import random_expressions
from hypothesis import example, given, settings
from notation import contractions
from reference import evaluate, is_defined, largest_difference

from symgd.algebra import expression as ex
from symgd.algebra.expression import Expression
from symgd.algebra.simplify import simplified
from symgd.calculus import derive
from symgd.errors import LimitError
from symgd.language.declarations import declaration_of
from symgd.language.elaborate import read
from symgd.language.limits import Limits
from symgd.notation.infix import infix
from symgd.notation.latex import latex

SAME = 1e-35  # two forms of one value in 50 digits; sums of a hundred terms in another order
WIDE = Limits(characters=1_000_000, nesting=10_000, nodes=1_000_000)
SLOW = 300  # nodes of a derivative that the reference evaluator still goes through


def check(root: Expression, values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
    """Both notations are read back with the value they had, and LaTeX is written."""
    declarations = ", ".join(str(declaration_of(leaf)) for leaf in ex.leaves(root))
    wanted = evaluate(root, {**sizes, **values}, sizes)  # a size beside no array is read as a variable
    if not is_defined(wanted):
        return
    as_author = frozenset(ex.topological(root))
    for notation, authored in product(("auto", "index"), (frozenset(), as_author)):
        try:
            text = infix(root, notation, avoid=sizes, authored=authored)
        except LimitError:
            continue
        back = read(text, declarations, limits=WIDE).value.node
        assert largest_difference(wanted, evaluate(back, {**sizes, **values}, sizes)) < SAME, text
        written = latex(root, notation, avoid=sizes, authored=authored)
        balanced(written)
        if any(node.rank > 2 for node in ex.topological(root)):
            continue  # LaTeX has no form for an array with three axes that a matrix of blocks does not have
        again = read(written, declarations, "latex", WIDE).value.node
        assert largest_difference(wanted, evaluate(again, {**sizes, **values}, sizes)) < SAME, written


def balanced(text: str) -> None:
    """Every brace, \\left and \\begin of the LaTeX is closed."""
    depth = 0
    for before, character in zip(" " + text, text):
        if before != "\\":
            depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left") == text.count(r"\right") + text.count(r"\left" + "arrow")
    assert text.count(r"\begin") == text.count(r"\end")


@settings(max_examples=300)
@example(random_expressions.made(Random(7339).choice))  # a big operator above a division on the line
@given(random_expressions.expressions())
def test_formulas(root: Expression) -> None:
    for node in (root, simplified(root)):
        if random_expressions.is_small(node):
            check(node, random_expressions.point(node), random_expressions.SIZES)


@pytest.mark.long
@settings(max_examples=2000)
@given(random_expressions.expressions())
def test_thousands_of_formulas(root: Expression) -> None:
    if random_expressions.is_small(root):
        check(root, random_expressions.point(root), random_expressions.SIZES)


@settings(max_examples=120)
@given(random_expressions.expressions(rank=0, depth=3, smooth=True))
def test_gradients(root: Expression) -> None:
    for leaf in ex.leaves(root)[:2]:
        slope = simplified(derive.jacobian(root, leaf))
        if random_expressions.is_small(slope) and len(ex.topological(slope)) < SLOW:
            check(slope, random_expressions.point(slope), random_expressions.SIZES)


@pytest.mark.parametrize("seed", range(300))
def test_contractions(seed: int) -> None:
    maker = contractions.Maker(seed)
    root = maker.make(maker.shape(), maker.random.randint(1, 3))
    if maker.random.random() < 0.5:
        root = simplified(root)
    values = {leaf.name: random_values(leaf, maker) for leaf in ex.leaves(root)}
    check(root, values, contractions.SIZES)


def random_values(leaf: ex.Leaf, maker: contractions.Maker) -> Any:
    def block(lengths: tuple[int, ...]) -> Any:
        if not lengths:
            return maker.random.uniform(-1, 1)
        return [block(lengths[1:]) for _ in range(lengths[0])]

    return block(tuple(length.evaluate(contractions.SIZES) for length in leaf.shape))


def test_a_wrong_text_is_noticed() -> None:
    x = ex.leaf("x")
    with pytest.raises(AssertionError):
        balanced(r"\left(x")
    assert largest_difference(evaluate(x, {"x": 1}, {}), evaluate(2 * x, {"x": 1}, {})) > SAME
