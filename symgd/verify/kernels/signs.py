"""Kernels, the signs of polynomials over them, and reduction by all that is known of both."""

from __future__ import annotations

import time
from fractions import Fraction
from functools import reduce
from typing import Any

from symgd.algebra.expression import Expression
from symgd.verify.kernels.ratio import LARGEST, NoForm, Ratio, common_divisor, replaced

MOST = 40  # kernels
STEPS = 12  # denominators of multiples in exponents divide this, unless finer ones are met


class Signs:
    """Kernels made as they are met; `root` is the L of |f|^(1/L).

    Angles are multiples of 1/`parts` of their terms, or, where `whole`, of the angle as it stands: sin(c + d·x) has fewer kernels then.
    """

    def __init__(self, root: int, whole: bool, parts: int, ends: float, steps: int = STEPS) -> None:
        from flint import Ordering, fmpq_mpoly_ctx

        self.context = fmpq_mpoly_ctx.get([f"k{i}" for i in range(MOST)], Ordering.lex)
        self.generators = list(self.context.gens())
        self.root, self.whole, self.parts, self.ends, self.steps = root, whole, parts, ends, steps
        self.number: dict[Any, int] = {}
        self.positive: set[int] = set()
        self.units: set[int] = set()  # kernels that are 1 or -1
        self.relations: list[tuple[int, int, Any]] = []  # kernel^power = polynomial
        self.signs: list[tuple[frozenset[int], int]] = []  # the product of these signs is ±1
        self.exponent: dict[int, Ratio] = {}  # of a kernel that is exp of something: of what
        self.texts: dict[str, Any] = {}  # the polynomials that kernels are named by
        self.values: dict[int, Any] = {}  # balls around the kernels that are constants
        self.surds: dict[Any, list[tuple[Any, int]]] = {}  # by the kernel of √n: the a of roots of √n + a, with their kernels
        self.inverse: dict[int, tuple[str, Ratio]] = {}  # of a kernel that is asin u or atan u: which, and u
        self.parities: dict[int, dict[str, Fraction]] = {}  # of a kernel (-1)^v: the multiples in v of its terms
        self.done: dict[Expression, Ratio] = {}

    # ---- kernels

    def new(self, key: Any, positive: bool = False) -> int:
        """The number of the kernel with this key."""
        if key not in self.number:
            if len(self.number) == MOST:
                raise NoForm
            self.number[key] = len(self.number)
            if positive:
                self.positive.add(self.number[key])
        return self.number[key]

    def kernel(self, key: Any, positive: bool = False) -> Ratio:
        return self.ratio(self.generators[self.new(key, positive)])

    def name(self, polynomial: Any) -> str:
        text = str(polynomial)
        self.texts[text] = polynomial
        return text

    def constant(self, value: Fraction | int) -> Ratio:
        from flint import fmpq

        value = Fraction(value)
        return self.ratio(self.context.constant(fmpq(value.numerator, value.denominator)))

    def ratio(self, above: Any) -> Ratio:
        return Ratio(above, self.context.constant(1))

    def kernel_alone(self, polynomial: Any) -> int:
        """The kernel that the polynomial is, −1 where it is another polynomial."""
        monomials = polynomial.to_dict()
        if len(monomials) == 1:
            ((monomial, coefficient),) = monomials.items()
            if coefficient == 1 and sum(monomial) == 1:
                return int(monomial.index(1))
        return -1

    # ---- factors and signs

    def factored(self, u: Ratio) -> tuple[Fraction, list[tuple[Any, int]]]:
        """A number and the powers of irreducible polynomials."""
        number, factors = Fraction(1), list[tuple[Any, int]]()
        for polynomial, sign in ((u.above, 1), (u.below, -1)):
            if polynomial.is_zero():
                raise NoForm
            content, found = polynomial.factor()
            value = Fraction(int(content.p), int(content.q))
            for factor, power in found:
                leading = factor.leading_coefficient()
                scale = Fraction(int(leading.p), int(leading.q))
                if (size := self.value(factor / leading)) is not None and size < 0:
                    leading, scale = -leading, -scale
                value *= scale ** int(power)
                factors.append((factor / leading, sign * int(power)))
            number *= value**sign
        return number, factors

    def value(self, polynomial: Any) -> Any:
        """A ball around a polynomial over roots of numbers, logarithms of numbers, π and e; None of any other."""
        from flint import arb

        used = {k for monomial in polynomial.monoms() for k, power in enumerate(monomial) if power}
        if not used <= self.values.keys():
            return None
        total = arb(0)
        for monomial, coefficient in polynomial.to_dict().items():
            term = arb(coefficient)
            for k, power in enumerate(monomial):
                if power:
                    term *= self.values[k] ** int(power)
            total += term
        return total

    def is_positive(self, polynomial: Any) -> bool:
        """Is it a sum of terms that are positive or 0, at least one of them positive? Or a positive constant?"""
        if (size := self.value(polynomial)) is not None and size > 0:
            return True
        some = False
        for monomial, coefficient in polynomial.to_dict().items():
            known = all(not power or k in self.positive for k, power in enumerate(monomial))
            if coefficient <= 0 or not all(not power or k in self.positive or power % 2 == 0 for k, power in enumerate(monomial)):
                return False
            some = some or known
        return some

    def sign(self, polynomial: Any) -> int | None:
        """The kernel σ of the sign of an irreducible polynomial; None where it is positive."""
        if self.is_positive(polynomial):
            return None
        if (unit := self.kernel_alone(polynomial)) in self.units:
            return unit
        known = ("sign", self.name(polynomial)) in self.number
        k = self.new(("sign", self.name(polynomial)))
        if not known:
            self.relations.append((k, 2, self.context.constant(1)))
            self.units.add(k)
        return k

    def modulus(self, polynomial: Any) -> Any:
        """σ·f."""
        if self.kernel_alone(polynomial) in self.units:
            return self.context.constant(1)
        k = self.sign(polynomial)
        return polynomial if k is None else self.generators[k] * polynomial

    def sign_of(self, number: Fraction, factors: list[tuple[Any, int]]) -> tuple[frozenset[int], int]:
        odd = set[int]()
        for factor, power in factors:
            k = self.sign(factor) if power % 2 else None
            odd ^= set() if k is None else {k}
        return frozenset(odd), 1 if number > 0 else -1

    def must_be_positive(self, number: Fraction, factors: list[tuple[Any, int]]) -> None:
        odd, sign = self.sign_of(number, factors)
        if not odd and sign < 0:
            raise NoForm  # nowhere real
        if odd:
            self.signs.append((odd, sign))

    # ---- reduction

    def simple(self, u: Ratio) -> Ratio:
        """An argument by the relations that are known so far: sqrt(x)^2 as |x|, 1 − sin² as cos²."""
        below = self.reduced(u.below)
        if below.is_zero():
            raise NoForm
        return Ratio(self.reduced(u.above), below)

    def reduced(self, polynomial: Any) -> Any:
        """The polynomial by the relations of its kernels, and by what is known of the signs."""
        rules = list(self.relations)
        for odd, sign in self._solved():
            first, *rest = sorted(odd)
            value = self.context.constant(sign)
            for k in rest:
                value = value * self.generators[k]
            rules.append((first, 1, value))
        for key, k in self.number.items():
            if key[0] == "parity" and self._is_plus(key[1], key[2], rules):
                rules.append((k, 1, self.context.constant(1)))
        rules += self._parity_rules()
        for _ in range(4 * len(rules) + 4):
            before, degrees = polynomial, polynomial.degrees()
            for k, power, value in reversed(rules):
                if polynomial.is_constant() or degrees[k] < power:
                    continue
                polynomial = replaced(polynomial, k, power, value)
                degrees = polynomial.degrees()
                if len(polynomial) > LARGEST or time.monotonic() > self.ends:
                    raise NoForm
            if polynomial == before:
                break
        return polynomial

    def _parity_rules(self) -> list[tuple[int, int, Any]]:
        """(-1)^v of several v, which are all whole where a negative number has these powers, by (-1)^w, w the largest that divides them."""
        groups: dict[Any, dict[str, list[tuple[Fraction, int]]]] = {}
        for key, k in self.number.items():
            if key[0] == "parity" and len(self.parities[k]) == 1:
                ((term, coefficient),) = self.parities[k].items()
                groups.setdefault(key[1:3], {}).setdefault(term, []).append((coefficient, k))
        rules = []
        units: dict[Any, dict[str, tuple[Fraction, int]]] = {}
        for group, terms in groups.items():
            for term, members in terms.items():
                unit = reduce(common_divisor, (coefficient for coefficient, _ in members))
                odd = next(k for coefficient, k in members if coefficient / unit % 2)
                units.setdefault(group, {})[term] = unit, odd
                for coefficient, k in members:
                    if k != odd:
                        rules.append((k, 1, self.generators[odd] if coefficient / unit % 2 else self.context.constant(1)))
        for key, k in self.number.items():
            if key[0] == "parity" and len(self.parities[k]) > 1:
                known = units.get(key[1:3], {})
                value = self.context.constant(1)
                for term, coefficient in self.parities[k].items():
                    unit, odd = known.get(term, (Fraction(0), -1))
                    if not unit or (coefficient / unit).denominator != 1:
                        break
                    value = value * (self.generators[odd] if coefficient / unit % 2 else 1)
                else:
                    rules.append((k, 1, value))
        return rules

    def _is_plus(self, odd: frozenset[int], sign: int, rules: list[tuple[int, int, Any]]) -> bool:
        """Is the product of these signs known to be 1? A positive number has no parity."""
        value = self.context.constant(sign)
        for k in odd:
            value = value * self.generators[k]
        for _ in rules:
            for k, power, instead in rules:
                value = replaced(value, k, power, instead)
        return bool(value.is_one())

    def _solved(self) -> list[tuple[frozenset[int], int]]:
        """The equations between signs, solved one after the other for a sign that later ones do not have."""
        found = self._eliminated()
        single = [known for pair in found for known in self._of_pair(*pair)]
        if single:
            self.signs += single
            found = self._eliminated()
        return found

    def _of_pair(self, odd: frozenset[int], sign: int) -> list[tuple[frozenset[int], int]]:
        """The signs of f and g, where their product and an order between them tell: f·g < 0 and f < g, or f·g > 0 and f + g > 0."""
        named = {k: self.texts[key[1]] for key, k in self.number.items() if k in odd and key[0] == "sign"}
        if len(odd) != 2 or len(named) != 2:
            return []
        (one, f), (_, g) = named.items()
        if sign > 0:
            return [(frozenset({one}), 1)] if self.is_positive(f + g) else []
        if self.is_positive(f - g):
            return [(frozenset({one}), 1)]
        return [(frozenset({one}), -1)] if self.is_positive(g - f) else []

    def _eliminated(self) -> list[tuple[frozenset[int], int]]:
        found: list[tuple[frozenset[int], int]] = []
        waiting = list(self.signs)
        while waiting:
            odd, sign = waiting.pop()
            for other, its in found:
                if min(other) in odd:
                    odd, sign = odd ^ other, sign * its
            if odd:
                found = [(one ^ odd, its * sign) if min(odd) in one else (one, its) for one, its in found]
                found.append((odd, sign))
        return found
