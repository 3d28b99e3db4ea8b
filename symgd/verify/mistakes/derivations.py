"""Slips in the derivation of a formula with arrays: reverse mode with one rule applied wrongly at one node.

Every slip is planted in turn, and what comes out is compared with the right side of the claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Along, Contract, Expression, Leaf, Map, MatrixFunction
from symgd.algebra.functions.table import MATRIX_POWER, POWER
from symgd.calculus.reverse import RULES, Active, Contributions, Rule, adjoints
from symgd.notation.infix import infix

Planted = tuple[str, str, Expression]
Slope = Callable[[Expression], Iterator[tuple[str, Expression]]]


def planted(formula: Expression, variable: Leaf) -> Iterator[Planted]:
    """The kind, the sentence, and the wrong derivative of every slip."""
    order = ex.topological(formula)
    active: set[Expression] = {variable}
    for node in order:
        if any(child in active for child in node.children):
            active.add(node)
    for node in reversed(order):
        if node in active and not isinstance(node, Leaf):
            for kind, text, rule in _slips(node, active):
                yield kind, text, adjoints(formula, [variable], {node: rule})[variable]


def _slips(node: Expression, active: Active) -> Iterator[tuple[str, str, Rule]]:
    if isinstance(node, Contract):
        yield from _of_product(node, active)
        factors = _equal_factors(node)
        if len(factors) > 2 and factors[0] in active:
            lower = factors[0]
            for factor in factors[2:]:
                lower = ex.product("ij", (lower, "ik"), (factor, "kj"))
            yield from _of_power(node, factors[0], ex.constant(len(factors)), lower)
    elif isinstance(node, Map):
        yield from _of_function(node)
    elif isinstance(node, Add):
        for k, (_, child) in enumerate(node.terms):
            if child in active and len([own for own in node.children if own in active]) > 1:
                yield "dropped-term", f"{infix(child)} is taken as constant.", partial(_without, (k,))
    elif isinstance(node, MatrixFunction) and node.function.keeps_axes:
        yield "transpose", f"in the derivative of {infix(node)} a transpose is missing.", _turned
        if node.function is MATRIX_POWER:
            base, count = node.children
            yield from _of_power(node, base, count, ex.of_matrix(node.function, base, ex.add((count, ex.constant(-1)))))
    elif isinstance(node, Along) and node.function.keeps_axis:
        text = f"the derivative of {infix(node)} is a matrix: every entry depends on all entries of {infix(node.children[0])}."
        yield "chain-rule", text, _entry_by_entry


def _of_product(node: Contract, active: Active) -> Iterator[tuple[str, str, Rule]]:
    places = [k for k, child in enumerate(node.children) if child in active]
    if len(places) < 2:
        return
    for k in places:
        name = infix(node.children[k])
        others = tuple(j for j in places if j != k)
        is_again = any(node.children[j] is node.children[k] for j in others)
        where = f"factor {name} number {1 + sum(node.children[j] is node.children[k] for j in others if j < k)}" if is_again else name
        lost = f"in the derivative of {infix(node)} the term is missing in which {where} is derived."
        yield "product-rule, dropped-term", lost, partial(_without, (k,))
        only = f"in the derivative of {infix(node)} only {where} is derived, {len(places)} times: the terms differ."
        yield "product-rule, dropped-term, chain-rule", only, partial(_only, k, len(places))
        if len(places) > 2:
            one = f"in the derivative of {infix(node)} only {where} is derived."
            yield "product-rule, dropped-term", one, partial(_only, k, 1)


def _of_function(node: Map) -> Iterator[tuple[str, str, Rule]]:
    name, shown = node.function.name, infix(node)
    for k, child in enumerate(node.children):
        own = infix(child)
        slope = ex.constant(node.function.derivative[k](*node.children))
        one = ex.full(1, node.shape)
        text = (
            f"in the derivative of {shown} the derivative of {name} is missing."
            if node.function is not POWER
            else (f"in the derivative of {shown} the factor from the power rule is missing.")
        )
        yield "chain-rule, dropped-factor, dropped-term", text, partial(_sloped, k, one)
        yield "function, chain-rule, dropped-term", f"the derivative of {shown} by {own} is not {shown}.", partial(_sloped, k, node)
        yield "sign", f"the derivative of {shown} has the wrong sign.", partial(_sloped, k, ex.negative(slope))
        seen = {slope, one, node}
        for part in ex.topological(slope):
            if isinstance(part, Map) and part.function is POWER and part not in child.children:
                changed = ex.substitute(slope, {part: part.children[0]})
                if changed not in seen:
                    seen.add(changed)
                    text = f"in the derivative of {shown} the power of {infix(part.children[0])} is missing."
                    yield "exponent, chain-rule, function", text, partial(_sloped, k, changed)
        for part in dict.fromkeys(part for _, term in ex.terms(slope) for part in _factors(term)):
            changed = ex.substitute(slope, {part: ex.full(1, part.shape)})
            if changed not in seen:
                seen.add(changed)
                text = f"in the derivative of {shown} the factor {infix(part)} is missing."
                yield "chain-rule, dropped-factor, dropped-term", text, partial(_sloped, k, changed)


def _factors(term: Expression) -> Sequence[Expression]:
    return term.children if isinstance(term, Contract) else (term,)


def _without(lost: Sequence[int], node: Expression, adjoint: Expression, active: Active) -> Contributions:
    """The shares of all children but those at some places."""
    found = list(RULES[type(node)](node, adjoint, active))
    places = [k for k, child in enumerate(node.children) if child in active]
    for k, share in zip(places, _in_order(node, found)):
        if k not in lost:
            yield share


def _only(kept: int, times: int, node: Expression, adjoint: Expression, active: Active) -> Contributions:
    """The share of one child, counted for all of them."""
    found = list(RULES[type(node)](node, adjoint, active))
    places = [k for k, child in enumerate(node.children) if child in active]
    for k, (child, share) in zip(places, _in_order(node, found)):
        if k == kept:
            yield child, ex.scaled(Fraction(times), share)


def _in_order(node: Expression, found: list[tuple[Expression, Expression]]) -> list[tuple[Expression, Expression]]:
    """The shares in the order of the children: a product of numbers gives them backwards."""
    is_backwards = isinstance(node, Contract) and not any(node.labels) and not node.shape
    return found[::-1] if is_backwards else found


def _sloped(place: int, slope: Expression, node: Map, adjoint: Expression, active: Active) -> Contributions:
    """The shares of a function whose derivative by one argument is taken to be another one."""
    lead = [("r", k) for k in range(adjoint.rank - node.rank)]
    axes = tuple(range(node.rank))
    for k, (child, own) in enumerate(zip(node.children, node.function.derivative)):
        if child in active:
            factor = ex.broadcast(slope if k == place else ex.constant(own(*node.children)), node.shape)
            yield child, ex.contract(1, [(adjoint, (*lead, *axes)), (factor, axes)], (*lead, *axes))


def _turned(node: MatrixFunction, adjoint: Expression, active: Active) -> Contributions:
    for child, share in RULES[type(node)](node, adjoint, active):
        axes = list(range(share.rank))
        yield child, ex.transposed(share, (*axes[:-2], axes[-1], axes[-2]))


def _of_power(node: Expression, base: Expression, count: Expression, lower: Expression) -> Iterator[tuple[str, str, Rule]]:
    """A power of a matrix derived as if it were one of a number: k·A^(k−1), beside the adjoint."""
    text = f"the derivative of {infix(node)} is a sum: matrices do not commute as numbers do."
    for is_left in (True, False):
        yield "power-rule, chain-rule, order-of-factors", text, partial(_as_number, is_left, base, count, lower)


def _equal_factors(node: Expression) -> list[Expression]:
    """The factors of a product A*A*…*A of one square matrix; [] of another node."""
    if isinstance(node, Contract) and node.labels == ((0, 2), (2, 1)) and node.coefficient == 1:
        found = [factor for child in node.children for factor in _equal_factors(child) or [child]]
        return found if len(set(found)) == 1 else []
    return []


def _as_number(
    is_left: bool, base: Expression, count: Expression, lower: Expression, node: Expression, adjoint: Expression, active: Active
) -> Contributions:
    lead = [("r", k) for k in range(adjoint.rank - 2)]
    factors = [(adjoint, (*lead, "k", "j")), (lower, ("k", "i"))] if is_left else [(adjoint, (*lead, "i", "k")), (lower, ("j", "k"))]
    yield base, ex.contract(1, [*factors, (count, ())], (*lead, "i", "j"))


def _entry_by_entry(node: Along, adjoint: Expression, active: Active) -> Contributions:
    """As if softmax were a function of each entry: p(1 − p)."""
    lead = [("r", k) for k in range(adjoint.rank - node.rank)]
    axes = tuple(range(node.rank))
    factor = ex.multiply(node, ex.add((ex.full(1, node.shape), ex.negative(node))))
    yield node.children[0], ex.contract(1, [(adjoint, (*lead, *axes)), (factor, axes)], (*lead, *axes))
