"""Forward mode, one rule at a time: the outermost operation of what is derived is opened, the derivatives of its parts stay pending.

`opened(pending)` is the derivative in terms of the derivatives of the parts, and the rules that say so. With `strict` also what is
constant, and the variable itself, are derived in lines of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.algebra.expression import Add, Along, Contract, Expression, Leaf, Map, MatrixFunction, Stack, Unknown
from symgd.algebra.functions.table import POWER
from symgd.algebra.simplify import simplified
from symgd.calculus.derive import inner
from symgd.calculus.reverse import adjoints
from symgd.calculus.steps import rules
from symgd.calculus.steps.pending import Derivative, Pending
from symgd.calculus.steps.rules import Rule
from symgd.errors import NoRuleError

Opened = tuple[Expression, tuple[Rule, ...]]


def derivative_of(node: Pending) -> Derivative:
    """What a pending derivative is by."""
    return Derivative(*node.arguments[1:])  # type: ignore[arg-type]


def opened(node: Pending, strict: bool = False) -> Opened:
    """The derivative one step further, and the rules of that step."""
    by, body = derivative_of(node), node.arguments[0]
    step = _Step(by, strict, body)
    if not step.depends(body):
        return ex.full(0, node.shape), (rules.CONSTANT,)
    if body is by.variable:
        return by.seed, (rules.COLLAPSE if by.axes else rules.ITSELF,)
    if not strict and not by.axes and step.is_linear(body):
        return step.linear(body), (_name_of_linear(body, step),)
    return RULES[type(body)](step, body)


class _Step:
    """One step of a derivation."""

    def __init__(self, by: Derivative, strict: bool, body: Expression) -> None:
        self.by = by
        self.strict = strict
        self.active: set[Expression] = {by.variable}
        for node in ex.topological(body):
            if any(child in self.active for child in node.children):
                self.active.add(node)
        self.extra = tuple(("x", k) for k in range(len(by.axes)))

    def depends(self, node: Expression) -> bool:
        return node in self.active or any(child in self.active for child in node.children)

    def of(self, node: Expression) -> Expression:
        """The derivative of a part."""
        if not self.strict:
            if not self.depends(node):
                return ex.full(0, node.shape + self.by.axes)
            if node is self.by.variable and not self.by.axes:
                return self.by.seed
            if isinstance(node, Add) and len(active := [(c, child) for c, child in node.terms if self.depends(child)]) == 1:
                return ex.scaled(active[0][0], self.of(active[0][1]))  # 1 + u, without a line for the 1
        return self.by.of(node)

    def is_linear(self, root: Expression) -> bool:
        """Is it a sum of products, each with the variable in at most one factor?"""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node is self.by.variable:
                continue
            active = [child for child in node.children if self.depends(child)]
            if isinstance(node, Contract) and len(active) != 1:
                return False
            if not isinstance(node, Contract | Add):
                return False
            waiting += active
        return True

    def linear(self, root: Expression) -> Expression:
        """The derivative of a linear map, carried out."""
        done: dict[Expression, Expression] = {self.by.variable: self.by.seed}
        for node in ex.topological(root):
            if node in done:
                continue
            if not self.depends(node):
                done[node] = ex.full(0, node.shape)
            elif isinstance(node, Add):
                done[node] = ex.add([ex.scaled(c, done[child]) for c, child in node.terms])
            elif isinstance(node, Contract):
                changed = [(done[child] if self.depends(child) else child, labels) for child, labels in node.factors]
                done[node] = ex.contract(node.coefficient, changed, range(node.rank), node.dimensions())
        return done[root]


def _name_of_linear(node: Expression, step: _Step) -> Rule:
    """The name of the rule where it is only one."""
    if isinstance(node, Contract) and all(child is step.by.variable or not step.depends(child) for child in node.children):
        return _of_one_factor(node, next(k for k, child in enumerate(node.children) if child is step.by.variable))
    return rules.LINEARITY


def _add(step: _Step, node: Add) -> Opened:
    return ex.add([ex.scaled(c, step.of(child)) for c, child in node.terms]), (rules.SUM,)


def _contract(step: _Step, node: Contract) -> Opened:
    node = node if step.strict else _flat(step, node)
    active = [k for k, child in enumerate(node.children) if step.depends(child)]
    quotient = _quotient(step, node, active)
    if quotient is not None:
        return quotient, (rules.QUOTIENT,)
    out = [*range(node.rank), *step.extra]
    terms = []
    for k in active:
        factors = list(node.factors)
        child, labels = factors[k]
        terms.append(
            ex.contract(
                node.coefficient,
                [*factors[:k], (step.of(child), (*labels, *step.extra)), *factors[k + 1 :]],
                out,
                {**node.dimensions(), **dict(zip(step.extra, step.by.axes))},
            )
        )
    if len(active) > 1:
        changing = [node.children[k] for k in active]
        is_quadratic = len(changing) == 2 and not node.shape and step.by.variable.shape and set(changing) == {step.by.variable}
        return ex.add(terms), (rules.QUADRATIC if is_quadratic else rules.PRODUCT,)
    return terms[0], (_of_one_factor(node, active[0]),)


def _flat(step: _Step, node: Contract) -> Contract:
    """A product of several factors with the products among them opened, so that x'·(A·x) has three factors."""
    sizes: dict[object, Dimension] = dict(zip(node.dimensions().keys(), node.dimensions().values()))
    found: list[tuple[Expression, Sequence[object]]] = []
    coefficient = node.coefficient
    waiting: list[tuple[Expression, Sequence[object]]] = list(reversed(node.factors)) if len(node.children) > 1 else []
    while waiting:
        child, labels = waiting.pop()
        is_opened = (
            isinstance(child, Contract) and step.depends(child) and any(child.labels) and not any(map(_is_reciprocal, child.children))
        )
        if not is_opened:
            found.append((child, labels))
            continue
        assert isinstance(child, Contract)
        names: dict[int, object] = {label: object() for label in child.dimensions()} | dict(enumerate(labels))
        sizes.update({names[label]: size for label, size in child.dimensions().items()})
        coefficient *= child.coefficient
        waiting += [(inner, [names[label] for label in own]) for inner, own in reversed(child.factors)]
    if len(found) <= len(node.children):
        return node
    made = ex.contract(coefficient, found, range(node.rank), sizes)
    return made if isinstance(made, Contract) else node


def _of_one_factor(node: Contract, k: int) -> Rule:
    """The name of the rule for a product with the variable in factor k only."""
    labels = node.labels[k]
    others = [other for j, other in enumerate(node.labels) if j != k]
    if any(others) or not labels:
        return rules.CONSTANT_FACTOR
    if len(set(labels)) < len(labels):
        return rules.TRACE if not node.shape else rules.ENTRIES
    if len(labels) == node.rank:
        return rules.CONSTANT_FACTOR if labels == tuple(range(node.rank)) else rules.TRANSPOSE
    return rules.INSIDE_SUM if any(label >= node.rank for label in labels) else rules.ENTRIES


def _quotient(step: _Step, node: Contract, active: list[int]) -> Expression | None:
    """u/v where both depend on the variable: (u'·v - u·v')/v²."""
    below = [k for k in active if _is_reciprocal(node.children[k])]
    if len(below) != 1 or len(active) < 2:
        return None
    ((under, labels),) = [node.factors[k] for k in below]
    divisor = under.children[0]
    axes = tuple(range(node.rank))
    if labels and labels != axes:
        return None
    above = ex.contract(node.coefficient, [factor for k, factor in enumerate(node.factors) if k not in below], axes, node.dimensions())
    whole = (*axes, *step.extra)
    if step.by.variable.shape or node.shape or (isinstance(divisor, Contract) and any(divisor.labels)):
        # Among arrays two fractions: a common one could be cancelled only by taking it apart again.
        rest = ex.contract(1, [(above, axes), (step.of(divisor), (*labels, *step.extra)), (ex.power(divisor, -2), labels)], whole)
        return ex.add((ex.contract(1, [(step.of(above), whole), (under, labels)], whole), ex.negative(rest)))
    gained = ex.contract(1, [(step.of(above), whole), (divisor, labels)], whole)
    lost = ex.contract(1, [(above, axes), (step.of(divisor), (*labels, *step.extra))], whole)
    return ex.contract(1, [(ex.add((gained, ex.negative(lost))), whole), (ex.power(divisor, -2), labels)], whole)


def _is_reciprocal(node: Expression) -> bool:
    return isinstance(node, Map) and node.function is POWER and ex.constant_value(node.children[1]) == -1


def _map(step: _Step, node: Map) -> Opened:
    axes = tuple(range(node.rank))
    whole = (*axes, *step.extra)
    terms = []
    for child, partial in zip(node.children, node.function.derivative):
        if step.depends(child):
            slope = ex.broadcast(ex.constant(partial(*node.children)), node.shape)
            terms.append(ex.contract(1, [(slope, axes), (step.of(child), whole)], whole))
    is_power = node.function is POWER and ex.constant_value(node.children[1]) is not None
    active = [child for child in node.children if step.depends(child)]
    rule = rules.POWER if is_power else rules.EXPONENT if node.function is POWER else rules.of_function(node.function)
    return ex.add(terms), _with_chain(step, active[0], rule) if len(active) == 1 else (rules.CHAIN, rule)


def _with_chain(step: _Step, argument: Expression, rule: Rule) -> tuple[Rule, ...]:
    """The rule of a function, after the chain rule where its argument is more than the variable."""
    return (rule,) if argument is step.by.variable else (rules.CHAIN, rule)


def _function(step: _Step, node: Along | MatrixFunction) -> Opened:
    """By two passes of reverse mode: ⟨y, v⟩ has the gradient Jᵀv, and ⟨Jᵀv, dx⟩, which is linear in v, the gradient J·dx.

    A norm of all entries is the norm of the norms of the rows to the algebra; here it is one function of the whole array.
    """
    array, nested = node.children[0], [node]
    while isinstance(array, Along) and array.function is node.function and not array.function.keeps_axis:
        nested.append(array)
        array = array.children[0]
    if any(step.depends(scalar) for scalar in node.children[1:]):
        raise NoRuleError("the exponent of a matrix power cannot be derived by.", hint="It is a whole number: derive by another variable.")
    inside = ex.leaf("\0argument", array.shape)
    value: Expression = inside
    for one in reversed(nested):
        value = ex.rebuilt(one, [value, *one.children[1:]])
    probe: Expression = ex.leaf("\0probe", node.shape) if node.shape else ex.constant(1)
    backward = adjoints(inner(value, probe), [inside])[inside]
    if len(nested) > 1:
        backward = simplified(backward)
    axes = tuple(range(array.rank))
    found = ex.contract(1, [(backward, axes), (step.of(array), (*axes, *step.extra))], step.extra)
    if isinstance(probe, Leaf):
        found = adjoints(found, [probe])[probe]
        front = found.rank - node.rank
        found = ex.transposed(found, [*range(front, found.rank), *range(front)])
    rule = rules.of_function(node.function) if len(nested) == 1 else rules.of_all_entries(node.function)
    return ex.substitute(found, {inside: array}), _with_chain(step, array, rule)


def _stack(step: _Step, node: Stack) -> Opened:
    return ex.stack([step.of(child) for child in node.children]), (rules.ENTRIES,)


def _unknown(step: _Step, node: Unknown) -> Opened:
    terms = []
    own = tuple(range(node.rank))
    for k, child in enumerate(node.children):
        if step.depends(child):
            orders = tuple(order + (j == k) for j, order in enumerate(node.orders))
            slope = ex.unknown(node.name, node.children, orders)
            # The new axes stand behind those of the orders there were by the same argument.
            before = sum(argument.rank * order for argument, order in zip(node.children[: k + 1], node.orders))
            new = tuple(("u", j) for j in range(child.rank))
            labels = (*range(before), *new, *range(before, node.rank))
            terms.append(ex.contract(1, [(slope, labels), (step.of(child), (*new, *step.extra))], (*own, *step.extra)))
    return ex.add(terms), (rules.CHAIN,)


RULES: dict[type, Callable[..., Opened]] = {
    Add: _add,
    Contract: _contract,
    Map: _map,
    Along: _function,
    MatrixFunction: _function,
    Stack: _stack,
    Unknown: _unknown,
}
