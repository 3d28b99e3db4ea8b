"""Entries of arrays as formulas with indices: A[i,j], sum(k=1..n, A[i,k]*x[k]), and arrays of such entries.

A sum that a delta leaves one term of is that term, under the guard that there is one: `x[i-1] if i >= 2 else 0`.

`entry(node, at, level)` is the term for one entry, `at` being one position per axis. A position is a polynomial of index letters
and dimensions, counted from 0. `level` is how many binders stand around: the letters of the binders made here are those of the
next levels, so no letter ever hides another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction

from symgd.algebra.dimension import ZERO, Dimension
from symgd.algebra.expression import Add, Along, Contract, Counter, Expression, Leaf, Map, MatrixFunction, Select, Stack, Unknown
from symgd.algebra.functions.matrix import unrepeated
from symgd.algebra.trampoline import Task, run
from symgd.calculus.steps.pending import PARTIAL, Pending
from symgd.errors import LimitError
from symgd.notation import presentation as show
from symgd.notation.functions import call_name, elementwise_term, innermost, matrix_tree, of_all_entries, unknown_tree
from symgd.notation.letters import Letters
from symgd.notation.positions import MINUS, Condition, Letter, Position, needed, order_of, selected, solve
from symgd.notation.presentation import Tree
from symgd.notation.terms import Term, binds, dimension_tree, sum_term

_MOST = 200_000  # entries that are written out one by one before a formula counts as too large
OF_ENTRIES = ("diff", "D", PARTIAL)  # derivatives of an array whose entries are the derivatives of its entries
_BINDERS = ("prod", "max", "min", "lse")  # functions of an axis that the language writes with an index
_LITERAL = 64  # entries of an array that is written out as a literal where it has no other form


class Entries:
    """Entries of the nodes under one root; `terms` are their matrix forms, which are used where they are short."""

    def __init__(self, terms: Mapping[Expression, Term | None], letters: Letters, by_index: bool, authored: Set[Expression]) -> None:
        self.terms = terms
        self.letters = letters
        self.by_index = by_index
        self.authored = authored
        self._known: dict[tuple[Expression, tuple[Position, ...], int], Term] = {}

    # ---- whole arrays

    def array(self, node: Expression, level: int = 0) -> Tree:
        """The array as a literal where it is small, else as `array(i=1..n, …)`."""
        return run(self._array(node, (), level))

    def literal(self, node: Expression) -> Tree:
        """An array whose dimensions are numbers, with every entry written out."""
        return run(self._literal(node, (), 0))

    def _array(self, node: Expression, lead: tuple[Position, ...], level: int) -> Task[Tree]:
        """The array of the entries at `lead` of the first axes."""
        term = self.terms.get(node)
        if not lead and term is not None and not binds(term):
            return term.tree()
        shape = node.shape[len(lead) :]
        if not lead and shape and self._is_written_out(node):
            literal: Tree = yield self._literal(node, (), level)
            return literal
        if not shape:
            found: Term = yield self.entry(node, lead, level)
            return found.tree()
        bound = [Letter(level + k, length) for k, length in enumerate(shape)]
        body = yield self.entry(node, (*lead, *map(Position.of, bound)), level + len(bound))
        return show.Bound("array", self._binders(bound), body.tree())

    def _is_written_out(self, node: Expression) -> bool:
        """Has it few entries, or is it a sum of multiples of unit vectors?"""
        entries = 1
        for length in node.shape:
            entries *= length.constant or 0
        if not 0 < entries <= _MOST:
            return False
        return entries <= _LITERAL or (node.rank == 1 and all(unit_of(term) is not None for _, term in flat_terms(node)))

    def _literal(self, node: Expression, at: tuple[Position, ...], level: int) -> Task[Tree]:
        if len(at) == node.rank:
            term: Term = yield self.entry(node, at, level)
            return term.tree()
        length = node.shape[len(at)].constant or 0
        if not at and node.rank == 1:
            literal: Tree = yield self._written_out(node, length, level)
            return literal
        items = []
        for k in range(length):
            items.append((yield self._literal(node, (*at, Position.fixed(Dimension.of(k))), level)))
        return show.Literal(tuple(items))

    def _written_out(self, node: Expression, length: int, level: int) -> Task[Tree]:
        """The literal of a vector; a multiple of a unit vector is looked at for its own entry only, so that many of them stay linear."""
        of_all: list[tuple[Fraction, Expression]] = []
        of_one: dict[int, list[tuple[Fraction, Expression]]] = {}
        for coefficient, term in flat_terms(node):
            position = unit_of(term)
            (of_all if position is None else of_one.setdefault(position, [])).append((coefficient, term))
        items = []
        for k in range(length):
            entries = []
            for coefficient, term in [*of_all, *of_one.get(k, [])]:
                entries.append((yield self.entry(term, (Position.fixed(Dimension.of(k)),), level)).scaled(coefficient))
            items.append(sum_term(entries).tree())
        return show.Literal(tuple(items))

    def _binders(self, bound: Iterable[Letter]) -> tuple[tuple[str, Tree], ...]:
        return tuple((self.letters[letter.level], dimension_tree(letter.length)) for letter in bound)

    def position_tree(self, position: Position, shift: int = 1) -> Tree:
        """The index as it is written, counted from 1 (or from `shift`)."""
        position = position.written()
        total = position.constant + shift
        names = []
        for letter, coefficient in position.letters:
            names.append(self.letters[letter.level])
            total = total + (Dimension.of(names[-1]) - 1) * coefficient
        return dimension_tree(total, names)

    # ---- one entry

    def entry(self, node: Expression, at: tuple[Position, ...], level: int) -> Task[Term]:
        """The term for the entry of `node` at these positions."""
        term = self.terms.get(node)
        if not at and term is not None and not binds(term):
            return term
        key = (node, at, level)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _MOST:
                raise LimitError("the formula is too long to write out entry by entry.", hint="Print a part of it.")
            found = yield self._entry(node, at, level)
            self._known[key] = found
        return found

    def _entry(self, node: Expression, at: tuple[Position, ...], level: int) -> Task[Term]:
        if isinstance(node, Pending):
            pending: Term = yield self._pending(node, at, level)
            return pending
        if isinstance(node, Leaf):
            return Term(scalars=(self._indexed(show.Name(node.name), at, level, node.shape),))
        if isinstance(node, Contract):
            term: Term = yield self._contract(node, at, level)
            short = self._short(node, at, level) if at and any(label >= node.rank for labels in node.labels for label in labels) else None
            return short if short is not None and _length(short) <= _length(term) else term
        if isinstance(node, Add):
            if at and self._is_blocks(node) and (of_blocks := self._short(node, at, level)) is not None:
                return of_blocks
            terms = []
            for coefficient, child in node.terms:
                terms.append((yield self.entry(child, at, level)).scaled(coefficient))
            return sum_term(terms, node in self.authored)
        if isinstance(node, Map):
            arguments = []
            for child in node.children:
                arguments.append((yield self.entry(child, at, level)).tree())
            return elementwise_term(node.function, arguments, False)
        if isinstance(node, Select):
            return self._delta(node, at)
        if isinstance(node, Counter):
            (position,) = at
            return _scalar(self.position_tree(Position(position.letters, position.constant + node.start), 0))
        short = None if isinstance(node, Stack) and not at[0].letters else self._short(node, at, level)
        if short is not None:
            return short
        if isinstance(node, Along | Stack):
            found: Term = yield (self._along(node, at, level) if isinstance(node, Along) else self._stack(node, at, level))
            return found
        if isinstance(node, MatrixFunction):
            batch = at[: node.children[0].rank - 2]
            repeated = unrepeated(node.children[0])
            inner = yield self._array(repeated, batch[: repeated.rank - 2], level + len(_strided(at)))
            trees = [inner]
            for scalar in node.children[1:]:
                number: Term = yield self.entry(scalar, batch, level)
                trees.append(number.tree())
            whole = matrix_tree(node.function, trees)
            return Term(scalars=(self._indexed(whole, at[len(batch) :], level, node.shape[len(batch) :]),))
        assert isinstance(node, Unknown)
        arguments = []
        for child in node.children:
            arguments.append((yield self.entry(child, (), level)).tree())
        return Term(scalars=(unknown_tree(node, arguments, self.letters.step()),))

    def _pending(self, node: Pending, at: tuple[Position, ...], level: int) -> Task[Term]:
        """An entry of a derivative that is not carried out: the derivative of an entry, by an entry."""
        body, variable, *rest = node.arguments
        if node.operator not in OF_ENTRIES:
            arguments = []
            for argument in node.arguments:
                arguments.append((yield self._array(argument, (), level)))
            return Term(scalars=(self._indexed(show.Call(node.operator, tuple(arguments)), at, level, node.shape),))
        entry: Term = yield self.entry(body, at[: body.rank], level)
        name: Tree = show.Name(variable.name)  # type: ignore[attr-defined]
        if node.operator == PARTIAL:
            by = self._indexed(name, at[body.rank :], level, variable.shape)
            return Term(scalars=(show.Call("diff", (entry.tree(), by)),))
        arguments = []
        for argument in rest:
            arguments.append((yield self._array(argument, (), level)))
        return Term(scalars=(show.Call(node.operator, (entry.tree(), name, *arguments)),))

    def _short(self, node: Expression, at: tuple[Position, ...], level: int) -> Term | None:
        """The matrix form with indices behind it."""
        term = self.terms.get(node)
        if term is None or binds(term):
            return None
        return Term(term.coefficient, (*term.scalars, self._indexed(Term(chain=term.chain).tree(), at, level, node.shape)), term.divisors)

    def _is_blocks(self, node: Expression) -> bool:
        """Is the array written as [A, B; C, D]? Then an entry is one of that, not of a sum of four arrays."""
        term = self.terms.get(node)
        return term is not None and len(term.chain) == 1 and isinstance(term.chain[0].tree, show.Blocks)

    def _indexed(self, tree: Tree, at: Sequence[Position], level: int, lengths: Sequence[Dimension]) -> Tree:
        """`tree[i,j]`; an index that is no subscript of the language is looked for, sum(k=1..n, x[k] if k == i + m*j else 0)."""
        if not at:
            return tree
        strided = {k: Letter(level + n, lengths[k]) for n, k in enumerate(_strided(at))}
        shown = [Position.of(strided[k]) if k in strided else position for k, position in enumerate(at)]
        found: Tree = show.Indexed(tree, tuple([self.position_tree(position) for position in shown]))
        for k, letter in strided.items():
            test = self._comparison(Condition(shown[k], at[k]))
            found = show.Bound("sum", self._binders([letter]), show.Conditional(found, test, show.ZERO, of_indices=True))
        return found

    def _along(self, node: Along, at: tuple[Position, ...], level: int) -> Task[Term]:
        child, function = node.children[0], node.function
        name = call_name(function)
        if function.keeps_axis:
            vector = yield self._array(child, at[:-1], level + len(_strided(at)))
            return Term(scalars=(self._indexed(show.Call(name, (vector,), latex=function.latex), at[-1:], level, node.shape[-1:]),))
        if name in _BINDERS and (at or innermost(node).rank == 1):
            letter = Letter(level, child.shape[-1])
            body = yield self.entry(child, (*at, Position.of(letter)), level + 1)
            return Term(scalars=(show.Bound(name, self._binders([letter]), body.tree()),))
        if not at and innermost(node).rank > 1:
            array = yield self._array(innermost(node), (), level)
            return Term(scalars=(of_all_entries(function, array),))
        array = yield self._array(child, at, level)
        return Term(scalars=(show.Call(name, (array,), latex=function.latex),))

    def _stack(self, node: Stack, at: tuple[Position, ...], level: int) -> Task[Term]:
        first, rest = at[0], at[1:]
        if not first.letters and (position := first.constant.constant) is not None:
            chosen: Term = yield self.entry(node.children[position], rest, level)
            return chosen
        trees = []
        for child in node.children:
            trees.append((yield self.entry(child, rest, level)).tree())
        index, tree = self.position_tree(first), trees[-1]
        for k in range(len(trees) - 2, -1, -1):
            tree = show.Conditional(trees[k], show.Comparison("==", index, show.number(k + 1)), tree)
        return Term(scalars=(tree,))

    def _delta(self, node: Select, at: tuple[Position, ...]) -> Term:
        condition = Condition(at[0], selected(node, at[1:]))
        if condition.truth is not None:
            return Term(Fraction(int(condition.truth)))
        return Term(scalars=(show.Conditional(show.ONE, self._comparison(condition), show.ZERO, of_indices=True),))

    def _comparison(self, condition: Condition) -> Tree:
        """The condition as it is written; a guard with what has the sign of its outermost letter on the left, i <= j + n - k."""
        left, right, operator = condition
        if operator == "==":
            if right.is_letter and not left.is_letter:
                left, right = right, left
            return show.Comparison("==", self.position_tree(left), self.position_tree(right))
        excess = left.plus(right, MINUS).written()
        sign = 1 if min(excess.letters)[1].at_least(0) else -1
        mine, other = ZERO, excess.constant * -sign
        for letter, coefficient in excess.letters:
            name, own = Dimension.of(self.letters[letter.level]), coefficient * sign
            mine, other = (mine + name * own, other) if own.at_least(0) else (mine, other - name * own)
            other = other + own  # letters are written from 1
        letters = [self.letters[letter.level] for letter, _ in excess.letters]
        return show.Comparison(">=" if sign > 0 else "<=", dimension_tree(mine, letters), dimension_tree(other, letters))

    # ---- contractions

    def _contract(self, node: Contract, at: tuple[Position, ...], level: int) -> Task[Term]:
        known, conditions, bound = solve(node, at, level)
        kept = node in self.authored
        result = Term(node.coefficient, kept=kept)
        inside: list[tuple[set[Letter], Term]] = []
        for child, labels in node.factors:
            if isinstance(child, Select):
                continue
            positions = tuple([known[label] for label in labels])
            order = order_of(child, positions)
            if order is not None:
                conditions.append(order)
                continue
            term: Term = yield self.entry(child, positions, level + len(bound))
            result = result.scaled(term.coefficient)
            letters = {letter for position in positions for letter, _ in position.written().letters}
            inside.append((letters, Term(Fraction(1), term.scalars, term.divisors)))
        tests = needed(conditions)
        if not result.coefficient or tests is None:
            return Term(Fraction(0))
        free, guarded, *groups = _components(bound, inside, tests)
        if guarded.tests:
            # A sum that an index from outside changes may need the guard too.
            guarded.terms += [self._summed(group, kept) for group in groups if group.is_open]
            groups = [group for group in groups if not group.is_open]
        for group in (free, guarded, *groups):
            result = _times(result, self._summed(group, kept))
        return result

    def _summed(self, group: _Component, kept: bool) -> Term:
        """The product of terms that share summed letters, under the sums over these letters."""
        product = Term(kept=kept)
        for term in group.terms:
            product = _times(product, term)
        for condition in reversed(group.tests):
            product = _scalar(show.Conditional(product.tree(), self._comparison(condition), show.ZERO, of_indices=True))
        if not group.letters:
            return product
        letters = sorted(group.letters)
        if not group.terms and not group.tests:
            return _scalar(dimension_tree(letters[0].length))
        return Term(scalars=(show.Bound("sum", self._binders(letters), product.tree()),))


def _strided(at: Sequence[Position]) -> list[int]:
    """The axes whose positions cannot be written as subscripts."""
    return [k for k, position in enumerate(at) if not position.is_subscript()]


@dataclass(slots=True)
class _Component:
    """Factors of one entry that are connected by summed letters; `is_open`: other letters change it too."""

    letters: set[Letter]
    terms: list[Term]
    tests: list[Condition]
    is_open: bool = False


def _components(bound: Sequence[Letter], factors: Sequence[tuple[set[Letter], Term]], tests: Sequence[Condition]) -> list[_Component]:
    """The factors and tests in groups that share summed letters, in the order of their first factors; what has none comes first.

    Where there are tests without summed letters, factors that no index changes are a group of their own, in front.
    """
    groups = [_Component({letter}, [], []) for letter in bound]
    alone = _Component(set(), [], [])

    def group_of(letters: set[Letter]) -> _Component:
        touched = [group for group in groups if group.letters & letters]  # letters from outside are in no group
        if not touched:
            return alone
        first, *others = touched
        for other in others:
            groups.remove(other)
            first.letters |= other.letters
            first.terms += other.terms
            first.tests += other.tests
            first.is_open |= other.is_open
        return first

    for condition in tests:
        group_of(condition.letters).tests.append(condition)
    free = _Component(set(), [], [])
    for letters, term in factors:
        group = group_of(letters) if letters or not alone.tests else free
        group.terms.append(term)
        group.is_open |= not letters <= set(bound)
    return [free, alone, *groups]


def _times(one: Term, other: Term) -> Term:
    scalars, divisors = one.scalars + other.scalars, one.divisors + other.divisors
    return Term(one.coefficient * other.coefficient, scalars, divisors, kept=one.kept)


def _scalar(tree: Tree) -> Term:
    return Term(tree.value) if isinstance(tree, show.Number) else Term(scalars=(tree,))


def _length(term: Term) -> int:
    return sum(tree.size for tree in (*term.scalars, *term.divisors))


def flat_terms(node: Expression) -> list[tuple[Fraction, Expression]]:
    """The terms of a sum, those of sums inside it in their places."""
    found = []
    waiting: list[tuple[Fraction, Expression]] = [(Fraction(1), node)]
    while waiting:
        coefficient, term = waiting.pop()
        if isinstance(term, Add):
            waiting.extend((coefficient * c, child) for c, child in reversed(list(term.terms)))
        else:
            found.append((coefficient, term))
    return found


def unit_of(term: Expression) -> int | None:
    """The position k where the vector is a multiple of the unit vector e_k."""
    factors = term.factors if isinstance(term, Contract) else ((term, (0,)),)
    carriers = [child for child, labels in factors if 0 in labels]
    if len(carriers) != 1 or not isinstance(carriers[0], Select) or carriers[0].coefficients:
        return None
    return carriers[0].offset.constant
