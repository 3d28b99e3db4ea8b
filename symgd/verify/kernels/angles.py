"""Sines and cosines of sums, of multiples, of parts of π, and of inverse functions."""

from __future__ import annotations

from fractions import Fraction

from symgd.verify.kernels.powers import Powers
from symgd.verify.kernels.ratio import NoForm, Ratio, is_negative


class Angles(Powers):
    """Kernels with the sines and cosines of angles."""

    def pi(self) -> Ratio:
        from flint import arb

        k = self.new(("pi",), positive=True)
        self.values[k] = arb.pi()
        return self.ratio(self.generators[k])

    def angle(self, u: Ratio) -> tuple[Ratio, Ratio]:
        """sin u and cos u."""
        terms = self.terms(u)
        if self.whole and len(terms) > 1 and ("pi",) not in self.number:
            number = abs(terms[0][0])  # the angle as it stands, its first term with the number 1
            sign = 1 if terms[0][0] > 0 else -1
            terms = [(number * sign, u * self.constant(1 / (number * sign)))]
        sine, cosine = self.constant(0), self.constant(1)
        for number, term in terms:
            s, c = self.multiple(number, term)
            sine, cosine = sine * c + cosine * s, cosine * c + -(sine * s)
        return sine, cosine

    def sine(self, twelfth: int) -> Ratio:
        """sin(k·π/12)."""
        twelfth %= 24
        sign, k = (1, twelfth) if twelfth < 12 else (-1, twelfth - 12)
        half = Fraction(1, 2)
        two, three = (self.absolute_power(Fraction(n), [], half) for n in (2, 3))
        values = {
            0: lambda: self.constant(0),
            1: lambda: two * (three + self.constant(-1)) * self.constant(Fraction(1, 4)),
            2: lambda: self.constant(half),
            3: lambda: two * self.constant(half),
            4: lambda: three * self.constant(half),
            5: lambda: two * (three + self.constant(1)) * self.constant(Fraction(1, 4)),
            6: lambda: self.constant(1),
        }
        return values[min(k, 12 - k)]() * self.constant(sign)

    def multiple(self, number: Fraction, term: Ratio) -> tuple[Ratio, Ratio]:
        """sin and cos of number × term, by those of a part of the term."""
        if ("pi",) in self.number and self.kernel_alone(term.above) == self.number["pi",] and term.below.is_one():
            if (number * 12).denominator != 1:
                raise NoForm
            twelfth = int(number * 12)
            return self.sine(twelfth), self.sine(twelfth + 6)
        k = self.kernel_alone(term.above) if term.below.is_one() else -1
        if k in self.inverse and (number * 2).denominator == 1:
            halves = number.denominator
            return self.times(int(number * halves), *self.of_inverse(*self.inverse[k], halves))
        steps = number * self.parts
        if steps.denominator != 1 or abs(steps) > 24:
            term, steps = term * self.constant(abs(number)), Fraction(1 if number > 0 else -1)
        key = term.key
        known = ("sin", key) in self.number
        s, c = self.new(("sin", key)), self.new(("cos", key))
        if not known:
            self.relations.append((s, 2, 1 - self.generators[c] ** 2))
        return self.times(int(steps), self.ratio(self.generators[s]), self.ratio(self.generators[c]))

    def times(self, steps: int, s: Ratio, c: Ratio) -> tuple[Ratio, Ratio]:
        """sin and cos of a multiple of the angle with this sin and cos."""
        if abs(steps) > 24:
            raise NoForm
        sine, cosine = self.constant(0), self.constant(1)
        for _ in range(abs(steps)):
            sine, cosine = self.simple(sine * c + cosine * s), self.simple(cosine * c + -(sine * s))
        return (sine, cosine) if steps > 0 else (-sine, cosine)

    def inverse_angle(self, name: str, u: Ratio) -> Ratio:
        """asin u, atan u: odd functions."""
        sign = -1 if not u.above.is_zero() and is_negative(u) else 1
        if u.above.is_zero():
            return self.constant(0)
        u = u * self.constant(sign)
        k = self.new((name, u.key))
        self.inverse[k] = name, u
        return self.ratio(self.generators[k]) * self.constant(sign)

    def of_inverse(self, name: str, u: Ratio, parts: int) -> tuple[Ratio, Ratio]:
        """sin and cos of asin u or atan u, or of half of it: an angle between −π/2 and π/2, with a positive cosine."""
        half = Fraction(1, 2)
        if name == "asin":
            sine, cosine = u, self.power(self.simple(self.constant(1) + -(u * u)), self.constant(half), half)
        else:
            cosine = self.power(self.simple(self.constant(1) + u * u), self.constant(-half), -half)
            sine = u * cosine
        if parts == 2:
            part = self.power(self.simple((self.constant(1) + cosine) * self.constant(half)), self.constant(half), half)
            sine, cosine = sine * part.power(-1) * self.constant(half), part
        return sine, cosine
