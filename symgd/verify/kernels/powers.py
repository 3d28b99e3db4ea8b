"""Powers, logarithms and exponentials of fractions over kernels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symgd.verify.kernels.ratio import Finer, Ratio, primes, square_root
from symgd.verify.kernels.signs import Signs


class Powers(Signs):
    """Kernels with the powers of their polynomials."""

    def absolute_power(self, number: Fraction, factors: list[tuple[Any, int]], exponent: Fraction) -> Ratio:
        """|number · Π f^n|^exponent."""
        found = self.constant(1)
        for prime, power in primes(abs(number)):
            found = found * self.root_of(self.context.constant(prime), exponent * power)
        for factor, power in factors:
            found = found * self.root_of(factor, exponent * power)
        return found

    def root_of(self, polynomial: Any, exponent: Fraction) -> Ratio:
        """|f|^exponent."""
        if self.kernel_alone(polynomial) in self.units:
            return self.constant(1)
        if exponent.denominator == 1:
            return self.ratio(self.modulus(polynomial)).power(int(exponent))
        k = self.kernel_alone(polynomial)
        if k in self.exponent:
            return self.exp(self.exponent[k] * self.constant(exponent))
        steps = exponent * self.root
        if steps.denominator != 1:
            raise Finer(root=steps.denominator)
        key = ("root", self.name(polynomial))
        known = key in self.number
        if not known and (denested := self.denested(polynomial, exponent)) is not None:
            return denested
        k = self.new(key, positive=True)
        if not known:
            self.relations.append((k, self.root, self.modulus(polynomial)))
            if (size := self.value(polynomial)) is not None:
                self.values[k] = abs(size).root(self.root)
        return self.ratio(self.generators[k]).power(int(steps))

    def denested(self, polynomial: Any, exponent: Fraction) -> Ratio | None:
        """sqrt(β) for β = √n + b, where β = t·(1 + q√n)^2, or where αβ is so for an α = √n + a whose root was met before."""
        surd = self.surd(polynomial)
        if surd is None or (exponent * 2).denominator != 1:
            return None
        k, n, b = surd
        roots = self.surds.setdefault(k, [])
        for a, root in [(None, -1), *roots]:
            whole, times = (b, Fraction(1)) if a is None else (n + a * b, a + b)  # β, or αβ, is whole + times·√n
            square = self.square(whole, times, n, k)
            if square is not None:
                value = square if a is None else square * self.ratio(self.generators[root]).power(-self.root // 2)
                return value.power(int(exponent * 2))
        root = self.new(("root", self.name(polynomial)), positive=True)
        roots.append((b, root))
        self.relations.append((root, self.root, self.modulus(polynomial)))
        self.values[root] = abs(self.value(polynomial)).root(self.root)
        return self.ratio(self.generators[root]).power(int(exponent * self.root))

    def square(self, whole: Fraction, times: Fraction, n: Fraction, k: int) -> Ratio | None:
        """sqrt|whole + times·√n| as √|t|·|1 + q√n|, where it has that form."""
        norm = square_root(whole * whole - n * times * times)
        if norm is None or whole == norm == 0:
            return None
        norm = norm if whole + norm else -norm
        t, q = (whole + norm) / 2, times / (whole + norm)
        linear = self.constant(1) + self.ratio(self.generators[k] ** (self.root // 2)) * self.constant(q)
        if (size := self.value(linear.above)) is not None and size < 0:
            linear = -linear
        return self.absolute_power(t, [], Fraction(1, 2)) * linear

    def surd(self, polynomial: Any) -> tuple[int, Fraction, Fraction] | None:
        """The kernel of √n, n and b of the polynomial ±(√n + b); None of any other."""
        terms = {tuple(m): c for m, c in polynomial.to_dict().items()}
        used = {k for monomial in terms for k, power in enumerate(monomial) if power}
        if len(used) != 1 or len(terms) != 2 or self.root % 2:
            return None
        (k,) = used
        by_power = {monomial[k]: Fraction(int(c.p), int(c.q)) for monomial, c in terms.items()}
        key = next(key for key, number in self.number.items() if number == k)
        lead = by_power.get(self.root // 2)
        if key[0] != "root" or lead is None or abs(lead) != 1 or 0 not in by_power:
            return None
        radicand = self.texts[key[1]]
        if not radicand.is_constant():
            return None
        n = radicand.leading_coefficient()
        return k, Fraction(int(n.p), int(n.q)), by_power[0] * lead

    def log(self, u: Ratio) -> Ratio:
        number, factors = self.factored(u)
        self.must_be_positive(number, factors)
        found = self.constant(0)
        for prime, power in primes(abs(number)):
            found = found + self.log_of_prime(prime) * self.constant(power)
        for factor, power in factors:
            found = found + self.log_of(factor) * self.constant(power)
        return found

    def log_of_prime(self, prime: int) -> Ratio:
        from flint import arb

        k = self.new(("log", self.name(self.context.constant(prime))), positive=True)
        self.values[k] = arb(prime).log()
        return self.ratio(self.generators[k])

    def log_of(self, polynomial: Any) -> Ratio:
        """log|f|."""
        k = self.kernel_alone(polynomial)
        if k in self.units:
            return self.constant(0)
        if k in self.exponent:
            return self.exponent[k]
        for key, number in self.number.items():
            if number == k and key[0] == "root":
                return self.kernel(("log", key[1])) * self.constant(Fraction(1, self.root))
        return self.kernel(("log", self.name(polynomial)))

    def terms(self, u: Ratio) -> list[tuple[Fraction, Ratio]]:
        """u as a sum of number × term, the terms without numbers and without a common way to write them.

        Below stands a polynomial f^k where it can: a + b/f and (a·f + b)/f have the same terms.
        """
        found = []
        for above, below in self.expansion(u):
            scale = below.leading_coefficient()
            value = Fraction(int(scale.p), int(scale.q))
            for monomial, coefficient in above.to_dict().items():
                part = Ratio(self.context.from_dict({monomial: 1}), below / scale)
                found.append((Fraction(int(coefficient.p), int(coefficient.q)) / value, part))
        return found

    def expansion(self, u: Ratio) -> list[tuple[Any, Any]]:
        """u as a sum of fractions: its whole part, and where one factor stands below, a numerator for each of its powers."""
        if u.below.is_constant() or len(u.below) == 1 or len(u.above) == 1:
            return [(u.above, u.below)]
        _, factors = u.below.factor()
        if len(factors) > 1:
            whole, rest = divmod(u.above, u.below)
            return [(part, below) for part, below in ((whole, self.context.constant(1)), (rest, u.below)) if not part.is_zero()]
        factor, power = factors[0]
        scale = u.below / factor ** int(power)
        found, rest = [], u.above
        for k in range(int(power), 0, -1):
            rest, digit = divmod(rest, factor)
            if not digit.is_zero():
                found.append((digit, scale * factor**k))
        return [*([] if rest.is_zero() else [(rest, scale)]), *found]

    def exp(self, u: Ratio) -> Ratio:
        """exp of every term: |f|^c for c·log|f|, a kernel for anything else."""
        found = self.constant(1)
        logs = {number: key[1] for key, number in self.number.items() if key[0] == "log"}
        for number, term in self.terms(u):
            k = self.kernel_alone(term.above) if term.below.is_one() else -1
            if k in logs:
                found = found * self.root_of(self.texts[logs[k]], number)
                continue
            steps = number * self.steps
            if steps.denominator != 1:
                raise Finer(steps=steps.denominator)
            key = ("exp", term.key)
            k = self.new(key, positive=True)
            self.exponent[k] = term * self.constant(Fraction(1, self.steps))
            found = found * self.ratio(self.generators[k]).power(int(steps))
        return found

    def general_power(self, u: Ratio, v: Ratio) -> Ratio:
        """u^v for a v that is no number: real for u > 0, and for u < 0 where v is whole."""
        number, factors = self.factored(u)
        odd, sign = self.sign_of(number, factors)
        found = self.constant(1)
        whole = Fraction(0)
        for coefficient, term in self.terms(v):
            if term.above.is_one() and term.below.is_one():
                whole += coefficient
                found = found * self.absolute_power(number, factors, coefficient)
                continue
            logarithm = self.constant(0)
            for prime, power in primes(abs(number)):
                logarithm = logarithm + self.log_of_prime(prime) * self.constant(power)
            for factor, power in factors:
                logarithm = logarithm + self.log_of(factor) * self.constant(power)
            found = found * self.exp(logarithm * term * self.constant(coefficient))
        if odd or sign < 0:
            if whole.denominator != 1:
                self.must_be_positive(number, factors)
                return found
            rest = v + self.constant(-whole)
            k = self.new(("parity", odd, sign, min(rest.key, (-rest).key)))  # (-1)^n is (-1)^-n
            self.parities[k] = {term.key: coefficient for coefficient, term in self.terms(rest)}
            if (k, 2) not in [(one, power) for one, power, _ in self.relations]:
                self.relations.append((k, 2, self.context.constant(1)))
                self.units.add(k)
            parity = self.generators[k]
            if whole % 2:
                for one in odd:
                    parity = parity * self.generators[one]
                parity = parity * sign
            found = found * self.ratio(parity)
        return found

    def power(self, base: Ratio, exponent: Ratio, value: Fraction | None) -> Ratio:
        if value is None:
            return self.general_power(base, exponent)
        if value.denominator == 1:
            return base.power(int(value))
        if base.above.is_zero():
            return self.constant(0)
        number, factors = self.factored(base)
        self.must_be_positive(number, factors)
        return self.absolute_power(number, factors, value)
