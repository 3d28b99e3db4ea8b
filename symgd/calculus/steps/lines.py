"""Lines of a derivation: a chain of expressions, each equal to the one before by the rules that stand beside it.

`carried_out` derives, outermost operation first; `shortened_to` makes what comes out into the form that is printed as the result.
Three grains: "full" carries out one derivative a line, "normal" all to which the same rule applies, and what is constant or linear
without a line of its own, as a lecturer would; "brief" shows the question, what comes out, and the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression, Leaf, Map, MatrixFunction
from symgd.algebra.functions.table import MATRIX_POWER
from symgd.algebra.shorten import shortened
from symgd.algebra.shorten.of_functions import FUNCTIONS
from symgd.algebra.shorten.of_products import PRODUCTS
from symgd.algebra.shorten.of_sums import SUMS
from symgd.algebra.shorten.product import taken_apart
from symgd.algebra.simplify import simplified
from symgd.calculus.derive import directional, inner, jacobian
from symgd.calculus.steps import rules
from symgd.calculus.steps.forward import derivative_of, opened
from symgd.calculus.steps.pending import Pending, pendings
from symgd.calculus.steps.rules import Rule

DETAILS = ("brief", "normal", "full")
MOST = 200  # lines of a chain at full detail; beyond them derivatives to which the same rule applies share a line
_NAMED = 200  # nodes of an expression whose simplification is looked at rule by rule


@dataclass(frozen=True, slots=True)
class Step:
    """A line: the expression, and the rules by which it equals the line before. `about` is the part of the line before that changed,
    `whole` says that arrays are written as such also where the derivation is one of components."""

    expression: Expression
    rules: tuple[Rule, ...] = ()
    about: Expression | None = None
    whole: bool = False


def carried_out(start: Expression, detail: str) -> Iterator[Step]:
    """The line with its derivatives, and after it the lines that carry them out."""
    yield Step(start)
    line, number, used = start, 0, list[Rule]()
    if any(_has_power_of_matrix(leaf) for leaf in pendings(start)):
        # It has a derivative only under a function such as a trace: the whole is derived at once.
        yield Step(ex.substitute(start, {leaf: _at_once(leaf) for leaf in pendings(start)}), (rules.POWERS,), start)
        return
    while waiting := [leaf for leaf in pendings(line) if leaf.operator in ("diff", "D", "partial")]:
        number += 1
        strict = detail == "full" and number <= MOST
        first = waiting[0]
        results = {first: opened(first, strict)}
        if not strict:
            for leaf in waiting[1:]:
                found = opened(leaf)
                if _key(found[1]) == _key(results[first][1]):
                    results[leaf] = found
        line = ex.substitute(line, {leaf: result for leaf, (result, _) in results.items()})
        said = _united([why for _, why in results.values()])
        if detail != "brief":
            yield Step(line, said, first)
        used += [rule for rule in said if rule not in used]
    if detail == "brief" and used:
        yield Step(line, tuple(used), start)


def _has_power_of_matrix(leaf: Pending) -> bool:
    """Does it derive A^k by A, for a k that is no number?"""
    body, variable = leaf.arguments[0], leaf.arguments[1]
    powers = [node for node in ex.topological(body) if isinstance(node, MatrixFunction) and node.function is MATRIX_POWER]
    return any(ex.constant_value(node.children[1]) is None and variable in ex.leaves(node.children[0]) for node in powers)


def _at_once(leaf: Pending) -> Expression:
    """The derivative by reverse mode."""
    by, body = derivative_of(leaf), leaf.arguments[0]
    return jacobian(body, by.variable) if by.direction is None else directional(body, by.variable, by.direction)


def _key(said: tuple[Rule, ...]) -> Rule:
    return said[-1]


def _united(all_said: Sequence[tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """The rules of several derivatives at once: the chain rule where one of them needs it."""
    return max(all_said, key=len)


def shortened_to(line: Expression, result: Expression, detail: str) -> Iterator[Step]:
    """From a line without derivatives to the result, which it equals."""
    if line is result:
        return
    if detail != "brief":
        merged = simplified(line)
        if merged is not line and merged is not result:
            yield Step(merged, (rules.COLLECT,), line)
        named = shortened(merged)
        if named is not merged and named is not result:
            yield Step(named, (rules.shortening(_fired(merged)),), merged)
            merged = named
        yield Step(result, (rules.shortening(_fired(merged)) if merged is not result else rules.COLLECT,), merged)
        return
    yield Step(result, (rules.SIMPLIFY,), line)


def gathered(line: Expression, direction: Leaf, result: Expression, detail: str) -> Iterator[Step]:
    """From a differential, linear in `direction`, to the form ⟨result, direction⟩, or J·direction where the result is a Jacobian.

    A Jacobian of more than two axes is no factor that could be written in front of the direction: there the differential stays.
    """
    if result.rank > 2:
        yield from shortened_to(line, shortened(simplified(line)), detail)
        return
    final = applied(result, line, direction)
    if detail != "brief":
        merged = simplified(line)
        if merged is not line:
            yield Step(merged, (rules.COLLECT,), line)
        terms = ex.terms(merged) if isinstance(merged, Add) else [(ex.ONE, merged)]
        if len(terms) > 1 or detail == "full":
            apart = [ex.scaled(c, applied(simplified(jacobian(term, direction)), line, direction)) for c, term in terms]
            spread = ex.add(apart)
            yield Step(spread, (rules.TRANSPOSED,), merged)
            merged = spread
        named = shortened(simplified(merged))
        if named is not final and named is not merged:
            yield Step(named, (rules.shortening(_fired(simplified(merged))),), merged)
    yield Step(final, (rules.FACTOR_OUT,), line)


def applied(result: Expression, value: Expression, direction: Expression) -> Expression:
    """The derivative in `result`, of something of the shape of `value`, times the direction."""
    if not value.shape:
        return inner(result, direction)
    axes = tuple(range(result.rank))
    return ex.contract(1, [(result, axes), (direction, axes[value.rank :])], axes[: value.rank])


def _fired(root: Expression) -> tuple[str, ...]:
    """The names of the simplifier's rules that apply in the expression."""
    order = ex.topological(root)
    if len(order) > _NAMED:
        return ()
    found: dict[str, None] = {}
    for node in order:
        tables: list[tuple[Sequence[object], object]] = []
        if isinstance(node, Contract):
            tables.append((PRODUCTS, taken_apart(node)))
        if isinstance(node, Map | MatrixFunction | ex.Along):
            tables.append((FUNCTIONS, node))
            tables.append((PRODUCTS, taken_apart(node)))
        if isinstance(node, Add):
            tables.append((SUMS, node))
        for table, subject in tables:
            tried: set[Callable[..., object]] = set()
            for rule in table:
                if rule.apply not in tried:  # type: ignore[attr-defined]
                    tried.add(rule.apply)  # type: ignore[attr-defined]
                    if rule.apply(subject, False) is not None:  # type: ignore[attr-defined]
                        found[rule.name] = None  # type: ignore[attr-defined]
    return tuple(found)
