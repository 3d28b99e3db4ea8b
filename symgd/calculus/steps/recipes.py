"""What each verb derives: the chains of lines from the question to the result.

A gradient by an array is found as it is on paper: either through the differential, D(f, x, dx) = ⟨∇f, dx⟩, of which ∇f is read off
(form "vector"), or entry by entry, ∂f/∂x_i, where sums collapse (form "component").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symgd.algebra import expression as ex
from symgd.algebra.canonical import canonical
from symgd.algebra.expression import Expression, Leaf
from symgd.algebra.shorten import shortened
from symgd.algebra.simplify import simplified
from symgd.calculus import derive
from symgd.calculus.steps import rules
from symgd.calculus.steps.lines import Step, applied, carried_out, gathered, shortened_to
from symgd.calculus.steps.pending import Derivative, pending, variables
from symgd.calculus.steps.rules import Rule

ZERO = ex.constant(0)
FORMS = ("vector", "component")
Chain = list[Step]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A derivative as it was asked for: the verb, what it is of, by which variables, along which directions.

    `result` is what came out, `shown` the same with the use of what is declared of its variables. `structure` is that of a gradient
    by a matrix, `length` what a normalized direction is divided by, `in_layout` whether the columns of matrices are stacked,
    `rows` how many of the variables count the rows of a Hessian.
    """

    verb: str
    root: Expression
    by: tuple[Leaf, ...]
    directions: tuple[Expression, ...] = ()
    structure: str = ""
    length: Expression | None = None
    in_layout: bool = True
    rows: int = 1
    result: Expression = ZERO
    shown: Expression = ZERO

    def small(self, name: str, like: Leaf) -> Leaf:
        """A new variable of the shape of `like`: dx, or d_x where the formula has a dx."""
        taken = {leaf.name for root in (self.root, *self.directions) for leaf in variables(root)} | {leaf.name for leaf in self.by}
        while name in taken:
            name += "_"
        return ex.leaf(name, like.shape)

    def differential_of(self, leaf: Leaf) -> Leaf:
        return self.small(f"d{leaf.name}", leaf)


def chains(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    """The derivation: chains of equal lines, of which the last ends in what is shown."""
    found = [_without_reordering(chain) for chain in VERBS[recipe.verb](recipe, detail, form) if len(chain) > 1]
    final = found[-1][-1].expression
    if final is not recipe.shown:
        found[-1].append(Step(recipe.shown, (rules.DECLARED if final is recipe.result else rules.SIMPLIFY,), final))
    return found


def _without_reordering(chain: Chain) -> Chain:
    """The chain without lines that only put factors or terms in another order: there the later line stands for both."""
    found = chain[:1]
    for step in chain[1:]:
        last = found[-1]
        if len(found) > 1 and set(step.rules) & {*rules.REORDERING} and canonical(step.expression) is canonical(last.expression):
            found[-1] = Step(step.expression, last.rules, last.about)
        else:
            found.append(step)
    return found


def _settled(node: Expression) -> Expression:
    return shortened(simplified(node))


# ---- first derivatives -------------------------------------------------------------------------------------------------


def _first(recipe: Recipe, root: Expression, leaf: Leaf, result: Expression, question: Expression, detail: str, form: str) -> list[Chain]:
    """The derivative of the root by all entries of a variable, as `question` names it; a gradient where the root is a number."""
    if not leaf.shape:
        steps = list(carried_out(Derivative(leaf).of(root), detail))
        return [[*steps, *shortened_to(steps[-1].expression, result, detail)]]
    if form == "component":
        steps = list(carried_out(Derivative(leaf).of(root), detail))
        named = rules.PARTIALS if not root.shape else rules.PARTIALS_OF_ARRAY
        first = Step(steps[0].expression, (named,), question)
        return [[Step(question), first, *steps[1:], *shortened_to(steps[-1].expression, result, detail)]]
    direction = recipe.differential_of(leaf)
    steps = list(carried_out(Derivative(leaf, direction).of(root), detail))
    steps += gathered(steps[-1].expression, direction, result, detail)
    return [steps, [Step(question), Step(result, (rules.GRADIENT if not root.shape else rules.JACOBIAN,), question)]]


def _slope(root: Expression, leaf: Leaf) -> Expression:
    """The first derivative of a number, not carried out."""
    return pending("grad" if leaf.shape else "diff", (root, leaf), leaf.shape)


def _gradient(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    if len(recipe.by) > 1 or recipe.result.rank > recipe.by[0].rank:
        return _by_several(recipe, detail, form)
    (leaf,) = recipe.by
    if not recipe.structure:
        return _first(recipe, recipe.root, leaf, recipe.result, _slope(recipe.root, leaf), detail, form)
    free = _settled(derive.jacobian(recipe.root, leaf))
    found = _first(recipe, recipe.root, leaf, free, _slope(recipe.root, leaf), detail, form)
    question = pending("grad", (recipe.root, leaf, ex.leaf(recipe.structure)), leaf.shape)
    structured = derive.structured_gradient(free, recipe.structure, leaf)
    return [*found, [Step(question), Step(structured, (rules.STRUCTURED,), question), *shortened_to(structured, recipe.result, detail)]]


def _by_several(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    """The gradient by several numbers: each partial derivative, and the vector of them."""
    slopes = [_settled(node) for node in derive.gradient(recipe.root, recipe.by)]
    found = [
        chain for leaf, slope in zip(recipe.by, slopes) for chain in _first(recipe, recipe.root, leaf, slope, recipe.root, detail, form)
    ]
    question = ex.stack([_slope(recipe.root, leaf) for leaf in recipe.by])
    return [*found, _inserted(question, ex.stack(slopes), recipe.result, rules.PARTIALS, detail)]


def _inserted(question: Expression, inserted: Expression, result: Expression, rule: Rule, detail: str) -> Chain:
    """A line with derivatives, the same with what they are, and the result."""
    return [Step(question), Step(inserted, (rule,), question), *shortened_to(inserted, result, detail)]


def _jacobian(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    root = recipe.root
    if len(recipe.by) > 1 or recipe.result.rank > root.rank + recipe.by[0].rank:
        columns = [_settled(derive.jacobian(root, leaf)) for leaf in recipe.by]
        found = [chain for leaf, column in zip(recipe.by, columns) for chain in _first(recipe, root, leaf, column, root, detail, form)]
        stacked = [ex.stack([Derivative(leaf).of(root) for leaf in recipe.by]), ex.stack(columns)]
        turned = [ex.transposed(node, [*range(1, node.rank), 0]) for node in stacked]
        return [*found, _inserted(turned[0], turned[1], recipe.result, rules.PARTIALS_OF_ARRAY, detail)]
    (leaf,) = recipe.by
    if not leaf.shape:
        return _first(recipe, root, leaf, recipe.result, root, detail, form)
    plain = _settled(derive.jacobian(root, leaf))
    if not root.shape:
        if plain.rank < 3 and (not recipe.in_layout or plain.rank < 2):
            return _first(recipe, root, leaf, recipe.result, _slope(root, leaf), detail, form)
        found = _first(recipe, root, leaf, plain, _slope(root, leaf), detail, form)
        return [*found, [Step(_slope(root, leaf)), Step(plain, (rules.GRADIENT,)), Step(recipe.result, (rules.LAYOUT,))]]
    by_entries = Derivative(leaf).of(root)
    if plain.rank <= 2:
        return _first(recipe, root, leaf, recipe.result, pending("jac", (root, leaf), plain.shape), detail, form)
    if not recipe.in_layout:
        steps = list(carried_out(by_entries, detail))
        return [[*steps, *shortened_to(steps[-1].expression, recipe.result, detail)]]
    question = pending("jac", (root, leaf), recipe.result.shape)
    found = _first(recipe, root, leaf, plain, by_entries, detail, "vector")[:1]
    return [*found, [Step(question), Step(recipe.result, (rules.JACOBIAN,), question)]]


def _derivative(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    (leaf,) = recipe.by
    return _first(recipe, recipe.root, leaf, recipe.result, recipe.root, detail, form)


# ---- second derivatives ------------------------------------------------------------------------------------------------


def _hessian(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    root = recipe.root
    rows, columns = recipe.by[: recipe.rows], recipe.by[recipe.rows :]
    if len(rows) > 1 or len(columns) > 1 or recipe.result.rank > rows[0].rank + columns[0].rank:
        return _hessian_by_several(recipe, rows, columns, detail, form)
    (first,), (second,) = rows, columns
    slope = _settled(derive.jacobian(root, first))
    found = _first(recipe, root, first, slope, _slope(root, first), detail, form)
    second_derivative = _settled(derive.jacobian(slope, second))
    if not (first.shape or second.shape):
        steps = list(carried_out(Derivative(second).of(slope), detail))
        question = pending("diff", (root, first, second), ())
        start = Step(steps[0].expression, (rules.INSERT,), question)
        return [*found, [Step(question), start, *steps[1:], *shortened_to(steps[-1].expression, recipe.result, detail)]]
    whole = pending("hess", (root, first, second)[: 2 if first is second else 3], recipe.result.shape)
    if second_derivative.rank > 2 and not recipe.in_layout:
        steps = list(carried_out(Derivative(second).of(slope), detail))
        return [*found, [*steps, *shortened_to(steps[-1].expression, recipe.result, detail)]]
    if second_derivative.rank > 2 or not second.shape:
        form = "vector"
    chains_of_slope = _first(
        recipe, slope, second, second_derivative, pending("jac", (slope, second), second_derivative.shape), detail, form
    )
    if form == "component" and slope.shape:
        chains_of_slope[0][0] = Step(pending("jac", (slope, second), second_derivative.shape))
    if form == "vector" and second.shape:
        chains_of_slope = chains_of_slope[:1]
    return [*found, *chains_of_slope, [Step(whole), Step(recipe.result, (rules.HESSIAN,), whole)]]


def _hessian_by_several(recipe: Recipe, rows: Sequence[Leaf], columns: Sequence[Leaf], detail: str, form: str) -> list[Chain]:
    root = recipe.root
    found: list[Chain] = []
    questions, results = [], []
    for first in rows:
        slope = _settled(derive.jacobian(root, first))
        found += _first(recipe, root, first, slope, root, detail, form)
        own = [_settled(derive.jacobian(slope, second)) for second in columns]
        for second, result in zip(columns, own):
            found += _first(recipe, slope, second, result, slope, detail, form)
        questions.append(ex.stack([pending("diff", (root, first, second), ()) for second in columns]))
        results.append(ex.stack(own))
    return [*found, _inserted(ex.stack(questions), ex.stack(results), recipe.result, rules.SECOND_PARTIALS, detail)]


def _hessian_vector(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    (leaf,), (direction,) = recipe.by, recipe.directions
    slope = _settled(derive.jacobian(recipe.root, leaf))
    found = _first(recipe, recipe.root, leaf, slope, _slope(recipe.root, leaf), detail, form)
    along = Derivative(leaf, direction)
    start: list[Step] = []
    if leaf.rank == 1:
        whole = pending("hess", (recipe.root, leaf), leaf.shape * 2)
        start = [Step(applied(whole, leaf, direction))]
    start.append(Step(along.of(_slope(recipe.root, leaf)), (rules.IN_DIRECTION,) if start else ()))
    steps = list(carried_out(along.of(slope), detail))
    steps[0] = Step(steps[0].expression, (rules.INSERT,), start[-1].expression)
    return [*found, [*start, *steps, *shortened_to(steps[-1].expression, recipe.result, detail)]]


# ---- along a direction -------------------------------------------------------------------------------------------------


def _directional(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    """As in a lecture: the limit of the difference quotient, the derivative of f(x + t·u) by t, the chain rule, ∇f·u."""
    root, by, directions = recipe.root, recipe.by, recipe.directions
    length = recipe.length

    def divided(node: Expression) -> Expression:
        return node if length is None else ex.multiply(node, ex.power(length, -1))

    step = recipe.small("t", ex.leaf("t"))
    moved = ex.substitute(root, {leaf: ex.add((leaf, ex.multiply(step, u))) for leaf, u in zip(by, directions)})
    quotient = ex.multiply(ex.add((moved, ex.negative(root))), ex.power(step, -1))
    zero = ex.constant(0)
    question = divided(ex.add([Derivative(leaf, u).of(root) for leaf, u in zip(by, directions)]))
    limit = divided(pending("lim", (step, zero, quotient), root.shape))
    by_step = divided(pending("lim", (step, zero, pending("diff", (moved, step), root.shape)), root.shape))
    chain = [Step(question)]
    if step in ex.leaves(moved):
        chain += [Step(limit, (rules.LIMIT,), question, True), Step(by_step, (rules.AT_ZERO,), limit, True)]
    if root.shape:
        _, *steps = carried_out(question, detail)
        last = (steps or chain)[-1].expression
        return [[*(chain if detail != "brief" else chain[:1]), *steps, *shortened_to(last, recipe.result, detail)]]
    slopes = [_settled(node) for node in derive.gradient(root, by)]
    found = [made for leaf, slope in zip(by, slopes) for made in _first(recipe, root, leaf, slope, _slope(root, leaf), detail, form)]
    unknown = divided(ex.add([applied(_slope(root, leaf), root, u) for leaf, u in zip(by, directions)]))
    inserted = divided(ex.add([applied(slope, root, u) for slope, u in zip(slopes, directions)]))
    if detail == "brief":
        chain = chain[:1]
    chain += [Step(unknown, (rules.ALONG,), by_step), Step(inserted, (rules.INSERT,), unknown)]
    return [*found, [*chain, *shortened_to(inserted, recipe.result, detail)]]


def _differential(recipe: Recipe, detail: str, form: str) -> list[Chain]:
    root, by, steps = recipe.root, recipe.by, recipe.directions
    slopes = [_settled(node) for node in derive.gradient(root, by)]
    found = [made for leaf, slope in zip(by, slopes) for made in _first(recipe, root, leaf, slope, _slope(root, leaf), detail, form)]
    question = ex.add([Derivative(leaf, step).of(root) for leaf, step in zip(by, steps)])
    total = ex.add([applied(_slope(root, leaf), root, step) for leaf, step in zip(by, steps)])
    inserted = ex.add([applied(slope, root, step) for slope, step in zip(slopes, steps)])
    chain = [Step(question), Step(total, (rules.TOTAL,), question), Step(inserted, (rules.INSERT,), total)]
    return [*found, [*chain, *shortened_to(inserted, recipe.result, detail)]]


VERBS: dict[str, Callable[[Recipe, str, str], list[Chain]]] = {
    "gradient": _gradient,
    "jacobian": _jacobian,
    "derivative": _derivative,
    "hessian": _hessian,
    "hessian_vector": _hessian_vector,
    "directional": _directional,
    "differential": _differential,
}
