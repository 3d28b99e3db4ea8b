"""Certified values: the numbers every other evaluation is compared with.

Entries are exact rationals (`flint.fmpq`) as long as everything they are made of is rational, so that an exact zero is known
to be one, and balls (`flint.arb`) that contain the true value otherwise. The precision is doubled until every entry asked for
has the digits asked for; what is still open at the limit is reported with the bound that was reached, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import mpmath
import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from symgd.algebra import expression as ex
from symgd.algebra.certified.contraction import Array, Equation, array, contract, filled
from symgd.algebra.certified.values import given_arrays
from symgd.algebra.dimension import Dimension, negative_range
from symgd.algebra.expression import Expression
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.writing import zero
from symgd.errors import DomainError, LoweringError, ValueGivenError

LIMIT_BITS = 20_000
_EXACT_BITS = 4096  # rationals that need more than this and the precision become balls: long products would grow for ever
_BITS_PER_DIGIT = math.log2(10)
_JUMP = 0.1  # a ball this wide at the limit is not rounding, but both sides of a jump


def certified(
    roots: Expression | Sequence[Expression],
    values: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    digits: int = 50,
    limit_bits: int = LIMIT_BITS,
) -> Any:
    """The value of an expression with every one of `digits` digits right: an mpmath number, or nested lists of them.

    `values` maps names to numbers, nested lists, arrays or tensors, taken exactly (a float is the double it is, the text
    "0.1" is 1/10); `sizes` gives dimensions that no value shows. Several roots give a list, and share their parts.
    Raises `DomainError` where a value is outside the domain of a function, or cannot be told from 0, from the edge of a domain
    or from a tie with `limit_bits` bits (or twice those of the digits asked for).

    >>> from symgd.algebra.expression import leaf
    >>> from symgd.algebra.functions.table import F
    >>> mpmath.nstr(certified(F.exp(leaf("x")), {"x": 1}), 20)
    '2.7182818284590452354'
    """
    several = not isinstance(roots, Expression)
    wanted = list(roots) if not isinstance(roots, Expression) else [roots]
    precision = int(digits * 3.4) + 64
    limit_bits = max(limit_bits, 2 * precision)
    bits = digits * _BITS_PER_DIGIT + 2
    while True:
        with working_precision(min(precision, limit_bits)):
            run = _Run(wanted, values, sizes or {})
            open_entries = [(root, entry) for root in wanted for entry in run.arrays[root].flat if not _is_settled(entry, bits)]
            if not open_entries:
                results = [_numbers(run.arrays[root], math.ceil(bits) + 8) for root in wanted]
                return results if several else results[0]
            for root, entry in open_entries:
                if _is_nan(entry):
                    run.raise_outside(root)
            if precision >= limit_bits:
                run.raise_open(*open_entries[0], limit_bits)
        precision *= 2


def balls(
    roots: Expression | Sequence[Expression], values: Mapping[str, Any], precision: int = 256, sizes: Mapping[str, int] | None = None
) -> Any:
    """The values at a working precision in bits: an object array per root, whose entries are `flint.fmpq` or `flint.arb`.

    A rational entry is exact. A ball contains the value; a nan ball says that a function got, or may have got, an argument
    outside its domain. Never raises for that: `certified` does.
    """
    wanted = list(roots) if not isinstance(roots, Expression) else [roots]
    with working_precision(precision):
        run = _Run(wanted, values, sizes or {})
        results = [run.arrays[root] for root in wanted]
    return results if not isinstance(roots, Expression) else results[0]


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


class _Numbers(dict[Expression, Array]):
    """The values of nodes that are numbers, as arrays where they are asked for."""

    def __init__(self, found: dict[Expression, Any]) -> None:
        super().__init__()
        self.found = found

    def __missing__(self, node: Expression) -> Array:
        self[node] = filled(self.found[node], ())
        return self[node]


@lru_cache(maxsize=16)
def _order(roots: tuple[Expression, ...]) -> tuple[list[Expression], list[ex.Leaf], bool]:
    """The nodes, children first; the leaves; and whether all are numbers made of numbers. The same formula is evaluated at many points."""
    nodes = ex.topological(*roots)
    simple = (ex.Leaf, ex.Constant, ex.Irrational, ex.Size, ex.Add, ex.Contract, ex.Map)
    return nodes, ex.leaves(*roots), all(isinstance(node, simple) and not node.shape for node in nodes)


class _Run:
    """One evaluation of all nodes at the current precision: `arrays` has the entries of each."""

    def __init__(self, roots: Sequence[Expression], values: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
        nodes, leaves, are_numbers = _order(tuple(roots))
        self.leaves, self.sizes = given_arrays(leaves, values, sizes)
        self.largest = _EXACT_BITS + ctx.prec
        self.arrays: dict[Expression, Array] = {}
        if are_numbers:
            self.arrays = _Numbers(self._numbers(nodes))
            return
        for part in nodes:
            self.arrays[part] = self._bounded(self._evaluate(part, [self.arrays[child] for child in part.children]))

    def _numbers(self, nodes: Sequence[Expression]) -> dict[Expression, Any]:
        """The same for an expression all of whose parts are numbers: without arrays, which cost most of the time."""
        found: dict[Expression, Any] = {}
        for node in nodes:
            if isinstance(node, ex.Map):
                value = _apply(node.function, [found[child] for child in node.children])
            elif isinstance(node, ex.Add):
                value = 0
                for coefficient, child in zip(node.coefficients, node.children):
                    value = value + (found[child] if coefficient == 1 else found[child] * _whole_or_rational(coefficient))
            elif isinstance(node, ex.Contract):
                value = _rational(node.coefficient)
                for child in node.children:
                    value = value * found[child]
            else:
                value = self._evaluate(node, [])[()]
            found[node] = arb(value) if isinstance(value, fmpq) and value.height_bits() > self.largest else value
        return found

    def _size(self, dimension: Dimension) -> int:
        try:
            return int(dimension.evaluate(self.sizes))
        except KeyError as missing:
            raise ValueGivenError(f"no value shows how large {missing.args[0]} is.", hint=f"Give {missing.args[0]} a value.") from None

    def _length(self, dimension: Dimension) -> int:
        """The number of values of an index, which may be none."""
        length = self._size(dimension)
        if length < 0:
            raise negative_range(dimension, length)
        return length

    def _evaluate(self, node: Expression, children: list[Array]) -> Array:
        if isinstance(node, ex.Leaf):
            return self.leaves[node]
        if isinstance(node, ex.Constant):
            return filled(_rational(node.value), ())
        if isinstance(node, ex.Irrational):
            return filled(arb.pi() if node.name == "pi" else arb.const_e(), ())
        if isinstance(node, ex.Size):
            return filled(fmpq(self._size(node.dimension)), ())
        if isinstance(node, ex.Counter):
            start, length = self._size(node.start), self._length(node.shape[0])
            return _from_list([fmpq(start + k) for k in range(length)], (length,))
        if isinstance(node, (ex.Contract, ex.Select)):
            return self._contract(node, children)
        if isinstance(node, ex.Add):
            return self._add(node, children)
        if isinstance(node, ex.Map):
            return self._map(node.function, children)
        if isinstance(node, ex.Along):
            return self._along(node, children[0])
        if isinstance(node, ex.MatrixFunction):
            return self._matrix(node, *children)
        if isinstance(node, ex.Stack):
            return np.stack(children)
        if isinstance(node, ex.Unknown):
            hint = f"Define {node.name} by a formula to evaluate it."
            raise ValueGivenError(f"{node.name} is an unknown function: it has no value.", hint=hint)
        raise LoweringError(f"{type(node).__name__} has no certified value.")

    def _bounded(self, entries: Array) -> Array:
        """Rationals that have grown long become balls."""
        if not any(isinstance(entry, fmpq) and entry.height_bits() > self.largest for entry in entries.flat):
            return entries
        short = [arb(entry) if isinstance(entry, fmpq) and entry.height_bits() > self.largest else entry for entry in entries.flat]
        return _from_list(short, entries.shape)

    def _add(self, node: ex.Add, children: list[Array]) -> Array:
        total: Any = None
        for coefficient, child in zip(node.coefficients, children):
            term = child if coefficient == 1 else child * _rational(coefficient)
            total = term if total is None else total + term
        return array(total)

    def _contract(self, node: ex.Contract | ex.Select, children: list[Array]) -> Array:
        if isinstance(node, ex.Select):
            axes = tuple(range(node.rank))
            return contract(fmpq(1), [], [self._equation(node, axes)], axes, {k: self._length(d) for k, d in enumerate(node.shape)})
        coefficient = _rational(node.coefficient)
        if not node.rank and not any(node.labels):
            for factor in children:
                coefficient = coefficient * factor[()]
            return filled(coefficient, ())
        sizes = {label: self._length(dimension) for label, dimension in node.dimensions().items()}
        selects, factors = [], []
        for child, labels, data in zip(node.children, node.labels, children):
            if isinstance(child, ex.Select):
                selects.append(self._equation(child, labels))
            else:
                factors.append((data, labels))
        return contract(coefficient, factors, selects, range(node.rank), sizes)

    def _equation(self, node: ex.Select, labels: Sequence[int]) -> Equation:
        """place = offset + Σ coefficient × label as offset + Σ … − place = 0; a label may appear twice."""
        found = {labels[0]: -1}
        for label, coefficient in zip(labels[1:], node.coefficients):
            found[label] = found.get(label, 0) + self._size(Dimension.of(coefficient))
        return Equation(self._size(node.offset), {label: c for label, c in found.items() if c})

    def _map(self, function: Elementwise, children: list[Array]) -> Array:
        out = [_apply(function, arguments) for arguments in zip(*[child.flat for child in children])]
        return _from_list(out, children[0].shape)

    def _along(self, node: ex.Along, data: Array) -> Array:
        rows = [node.function.ball(list(row)) for row in data.reshape(math.prod(data.shape[:-1]), data.shape[-1])]
        if node.function.keeps_axis:
            return _from_list([entry for row in rows for entry in row], data.shape)
        return _from_list(rows, data.shape[:-1])

    def _matrix(self, node: ex.MatrixFunction, data: Array, *scalars: Array) -> Array:
        length = data.shape[-1]
        out: list[Any] = []
        for entries, *numbers in zip(data.reshape(-1, length * length), *[scalar.flat for scalar in scalars]):
            is_exact = all(isinstance(entry, fmpq) for entry in entries)
            matrix = (fmpq_mat if is_exact else arb_mat)(length, length, list(entries))
            try:
                value = node.function.ball(matrix, *numbers)
            except ZeroDivisionError:  # singular, or not known to be regular
                out += [arb("nan")] * (length * length if node.function.keeps_axes else 1)
            else:
                out += value.entries() if node.function.keeps_axes else [value]
        return _from_list(out, data.shape if node.function.keeps_axes else data.shape[:-2])

    def raise_outside(self, root: Expression) -> None:
        """Raise the error that names a function whose argument is certainly outside its domain, if a nan in `root` comes from one."""
        node, is_certain = self._cause(root)
        if not is_certain:
            return
        if isinstance(node, ex.Map):
            for arguments in self._arguments(node):
                if _is_outside(node.function, arguments):
                    shown = ", ".join(map(_short, arguments))
                    raise DomainError(f"{node.function.name}({shown}) is not a real number.", hint=_domain(node.function))
        elif isinstance(node, ex.MatrixFunction) and all(_is_exact(entry) for entry in self.arrays[node.children[0]].flat):
            raise DomainError(f"{node.function.name} got a matrix outside its domain.", hint=_domain(node.function))

    def _cause(self, root: Expression) -> tuple[Expression, bool]:
        """The node where a nan of `root` first arose, and whether it reaches the root for certain."""
        node, is_certain = root, True
        while inner := [child for child in node.children if any(map(_is_nan, self.arrays[child].flat))]:
            if isinstance(node, ex.Map):  # `where` drops the nan of the branch that is not taken
                spoilt = next(arguments for arguments in self._arguments(node) if _is_nan(_apply(node.function, arguments)))
                is_certain = is_certain and _is_outside(node.function, spoilt)
                harmless = [[*spoilt[:k], arb(0), *spoilt[k + 1 :]] for k in range(len(spoilt))]
                needed = [k for k, other in enumerate(harmless) if _is_nan(spoilt[k]) and not _is_nan(_apply(node.function, other))]
                inner = [node.children[needed[0]]] if needed else inner
            node = inner[0]
        return node, is_certain

    def _arguments(self, node: ex.Map) -> Iterator[tuple[Any, ...]]:
        """The arguments of the function, entry by entry."""
        return zip(*[self.arrays[child].flat for child in node.children])

    def raise_open(self, root: Expression, entry: Any, limit: int) -> None:
        """Raise the error that says what is known of an entry that has not enough digits at the limit."""
        if _is_nan(entry):
            node, _ = self._cause(root)
            if not isinstance(node, (ex.Map, ex.Along, ex.MatrixFunction)):
                raise DomainError(f"a value is too large to be computed with {limit:,} bits.")
            shown = "an array"
            if isinstance(node, ex.Map):
                spoilt = next(arguments for arguments in self._arguments(node) if _is_nan(_apply(node.function, arguments)))
                shown = ", ".join(map(_short, spoilt))
            raise DomainError(f"{node.function.name} got {shown}: with {limit:,} bits not to be told from the edge of its domain.")
        undecided = self._undecided(root)
        if undecided is not None:
            name, shown = undecided
            raise DomainError(f"{name}({shown}) could not be decided with {limit:,} bits: the arguments are equal, or too near.")
        if not entry.is_finite():
            raise DomainError(f"a value is too large to be computed with {limit:,} bits.")
        if entry.contains(0):
            raise DomainError(f"|value| < {_power_of_ten(entry.abs_upper())}, could not be told from 0 with {limit:,} bits.")
        raise DomainError(f"the value is {entry.str(10)}: more digits take more than {limit:,} bits.")

    def _undecided(self, root: Expression) -> tuple[str, str] | None:
        """The first function, with its arguments, whose ball covers both sides of a jump."""
        for node in ex.topological(root):
            if isinstance(node, ex.Map) and (node.function.kinks or zero in node.function.derivative):
                for arguments, entry in zip(self._arguments(node), self.arrays[node].flat):
                    if isinstance(entry, arb) and entry.is_finite() and entry.rad() > _JUMP:
                        return node.function.name, ", ".join(map(_short, arguments))
        return None


def _rational(value: Fraction) -> Any:
    return fmpq(value.numerator, value.denominator)


def _whole_or_rational(value: Fraction) -> Any:
    return value.numerator if value.denominator == 1 else fmpq(value.numerator, value.denominator)


def _from_list(entries: Sequence[Any], shape: tuple[int, ...]) -> Array:
    out = np.empty(len(entries), dtype=object)
    for k, entry in enumerate(entries):
        out[k] = entry
    return out.reshape(shape)


def _apply(function: Elementwise, arguments: Sequence[Any]) -> Any:
    """Exactly where the arguments are rational and the value is, else the ball."""
    if all(isinstance(argument, fmpq) for argument in arguments):
        exact = function.exact(*[Fraction(int(argument.p), int(argument.q)) for argument in arguments])
        if exact is not None:
            return _rational(exact)
    return function.ball(*[argument if isinstance(argument, arb) else arb(argument) for argument in arguments])


def _is_nan(entry: Any) -> bool:
    return isinstance(entry, arb) and entry.is_nan()


def _is_settled(entry: Any, bits: float) -> bool:
    return _is_exact(entry) or (entry.is_finite() and entry.rel_accuracy_bits() >= bits)


def _is_exact(entry: Any) -> bool:
    return isinstance(entry, fmpq) or bool(entry.is_exact())


def _is_outside(function: Elementwise, arguments: Sequence[Any]) -> bool:
    """Is the value not real at every corner of the balls? Domains are intervals, up to poles; so it is not real inside either."""
    return all(_is_nan(_apply(function, corner)) for corner in product(*map(_corners, arguments)))


def _corners(argument: Any) -> list[Any]:
    if _is_exact(argument) or _is_nan(argument):
        return [argument]
    ends = [argument.lower(), argument.upper()]
    return [*ends, fmpq(0)] if argument.contains(0) else ends


def _domain(function: Any) -> str:
    return f"The domain of {function.name} is {function.domain}." if function.domain else ""


def _short(entry: Any) -> str:
    """A few digits, for messages."""
    if isinstance(entry, fmpq):
        return str(entry) if entry.height_bits() < 40 else arb(entry).str(8, radius=False)
    return str(entry.mid().str(8, radius=False)) if not entry.contains(0) else f"±{_power_of_ten(entry.abs_upper())}"


def _power_of_ten(bound: Any) -> str:
    """The smallest power of ten above the bound."""
    if bound == 0:
        return "0"
    above = (arb(bound).log() / arb(10).log()).upper()
    if not above.is_finite():
        return "infinity"
    return f"1e{int(above.ceil().mid().unique_fmpz())}"


def _numbers(entries: Array, precision: int) -> Any:
    """Nested lists of mpmath numbers."""
    out = np.empty(entries.size, dtype=object)
    for k, entry in enumerate(entries.flat):
        out[k] = _number(entry, precision)
    return out.reshape(entries.shape).tolist() if entries.ndim else out[0]


def _number(entry: Any, precision: int) -> Any:
    if isinstance(entry, fmpq):
        raw = mpmath.libmp.from_rational(int(entry.p), int(entry.q), precision, "n")
    else:
        mantissa, exponent = entry.mid().man_exp()
        raw = mpmath.libmp.from_man_exp(int(mantissa), int(exponent), precision, "n")
    return mpmath.mp.make_mpf(raw)
