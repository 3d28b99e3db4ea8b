"""A zero test for numbers: both sides as fractions of polynomials over kernels that know their own relations.

Every function is written with exp, log, sin, cos, powers and moduli; their arguments are factored, and each irreducible factor f
gets kernels of its own:

    |f| = σ·f            σ² = 1
    |f|^p                r^L = |f|, where L is the common denominator of all powers
    log u, for u > 0     Σ n·log|f|
    u^v, for u > 0       Π |f|^(n·v), where v is no number: one kernel for each part of v
    exp u                Π exp(m)^c over the terms c·m of u
    sin u, cos u         by the terms of u; sin² = 1 − cos²

What must be positive gives equations between the signs σ, so that one calculation covers every pattern of signs on which both sides
are real. A difference whose numerator these relations reduce to 0 is 0 wherever both sides are defined. One that does not reduce to
0 proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from math import lcm
from typing import Any

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Constant, Contract, Expression, Irrational, Leaf, Map, Size
from symgd.algebra.functions.table import POWER, F
from symgd.algebra.functions.writing import is_positive

MOST = 40  # kernels
LARGEST = 1_500  # terms of a polynomial
STEPS = 12  # denominators of multiples in exponents and angles divide this
DEEPEST_POWER = 64
PRIMES = 10**6  # numbers with a prime factor above this have no roots or logarithms here


ANGLES = {"sin", "cos", "tan", "cot", "sec", "csc"}
WAYS = ((True, 1), (True, 2), (False, 1), (False, 2))  # of writing angles: whole or by terms, by their halves or not


class NoForm(Exception):
    """The expression is not a number of the kind treated here, or it is too large."""


# Functions in terms of others: exp, log, sin, cos, abs, sqrt and powers are left.
WRITTEN: dict[str, Callable[..., Expression]] = {
    "tan": lambda x: F.sin(x) / F.cos(x),
    "cot": lambda x: F.cos(x) / F.sin(x),
    "sec": lambda x: 1 / F.cos(x),
    "csc": lambda x: 1 / F.sin(x),
    "sinh": lambda x: (F.exp(x) - F.exp(-x)) / 2,
    "cosh": lambda x: (F.exp(x) + F.exp(-x)) / 2,
    "tanh": lambda x: (F.exp(x) - F.exp(-x)) / (F.exp(x) + F.exp(-x)),
    "coth": lambda x: (F.exp(x) + F.exp(-x)) / (F.exp(x) - F.exp(-x)),
    "sech": lambda x: 2 / (F.exp(x) + F.exp(-x)),
    "csch": lambda x: 2 / (F.exp(x) - F.exp(-x)),
    "sigmoid": lambda x: F.exp(x) / (1 + F.exp(x)),
    "softplus": lambda x: F.log(1 + F.exp(x)),
    "expm1": lambda x: F.exp(x) - 1,
    "log1p": lambda x: F.log(1 + x),
    "log10": lambda x: F.log(x) / F.log(10),
    "log2": lambda x: F.log(x) / F.log(2),
    "acos": lambda x: ex.irrational("pi") / 2 - F.asin(x),
    "acot": lambda x: F.atan(1 / x),
    "asec": lambda x: ex.irrational("pi") / 2 - F.asin(1 / x),
    "acsc": lambda x: F.asin(1 / x),
    "asech": lambda x: F.acosh(1 / x),
    "acsch": lambda x: F.asinh(1 / x),
    "acoth": lambda x: F.atanh(1 / x),
    "asinh": lambda x: F.log(x + F.sqrt(x**2 + 1)),
    "acosh": lambda x: F.log(x + F.sqrt(x - 1) * F.sqrt(x + 1)),
    "atanh": lambda x: (F.log(1 + x) - F.log(1 - x)) / 2,
}


class Ratio:
    """numerator / denominator, polynomials over the kernels."""

    __slots__ = ("above", "below")

    def __init__(self, above: Any, below: Any) -> None:
        common = above.gcd(below)
        self.above, self.below = above / common, below / common
        if len(self.above) > LARGEST or len(self.below) > LARGEST:
            raise NoForm

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(self.above * other.below + other.above * self.below, self.below * other.below)

    def __mul__(self, other: Ratio) -> Ratio:
        return Ratio(self.above * other.above, self.below * other.below)

    def __neg__(self) -> Ratio:
        return Ratio(-self.above, self.below)

    def power(self, exponent: int) -> Ratio:
        if abs(exponent) > DEEPEST_POWER:
            raise NoForm
        if exponent >= 0:
            return Ratio(self.above**exponent, self.below**exponent)
        if self.above.is_zero():
            raise NoForm  # undefined everywhere
        return Ratio(self.below**-exponent, self.above**-exponent)

    @property
    def key(self) -> str:
        """The same for equal fractions."""
        scale = self.below.leading_coefficient()
        return f"{self.above / scale}|{self.below / scale}"


class Kernels:
    """Kernels made as they are met; `root` is the L of |f|^(1/L).

    Angles are multiples of 1/`parts` of their terms, or, where `whole`, of the angle as it stands: sin(c + d·x) has fewer kernels then.
    """

    def __init__(self, root: int, whole: bool, parts: int, ends: float) -> None:
        from flint import Ordering, fmpq_mpoly_ctx

        self.context = fmpq_mpoly_ctx.get([f"k{i}" for i in range(MOST)], Ordering.lex)
        self.generators = list(self.context.gens())
        self.root, self.whole, self.parts, self.ends = root, whole, parts, ends
        self.number: dict[Any, int] = {}
        self.positive: set[int] = set()
        self.units: set[int] = set()  # kernels that are 1 or -1
        self.relations: list[tuple[int, int, Any]] = []  # kernel^power = polynomial
        self.signs: list[tuple[frozenset[int], int]] = []  # the product of these signs is ±1
        self.exponent: dict[int, Ratio] = {}  # of a kernel that is exp of something: of what
        self.texts: dict[str, Any] = {}  # the polynomials that kernels are named by
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

    # ---- factors

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
                value *= scale ** int(power)
                factors.append((factor / leading, sign * int(power)))
            number *= value**sign
        return number, factors

    def is_positive(self, polynomial: Any) -> bool:
        """Is it a sum of terms that are positive or 0, at least one of them positive?"""
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

    # ---- powers, logarithms, exponentials, angles

    def absolute_power(self, number: Fraction, factors: list[tuple[Any, int]], exponent: Fraction) -> Ratio:
        """|number · Π f^n|^exponent."""
        found = self.constant(1)
        for prime, power in _primes(abs(number)):
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
            raise NoForm
        key = ("root", self.name(polynomial))
        known = key in self.number
        k = self.new(key, positive=True)
        if not known:
            self.relations.append((k, self.root, self.modulus(polynomial)))
        return self.ratio(self.generators[k]).power(int(steps))

    def kernel_alone(self, polynomial: Any) -> int:
        """The kernel that the polynomial is, −1 where it is another polynomial."""
        monomials = polynomial.to_dict()
        if len(monomials) == 1:
            ((monomial, coefficient),) = monomials.items()
            if coefficient == 1 and sum(monomial) == 1:
                return int(monomial.index(1))
        return -1

    def log(self, u: Ratio) -> Ratio:
        number, factors = self.factored(u)
        self.must_be_positive(number, factors)
        found = self.constant(0)
        for prime, power in _primes(abs(number)):
            found = found + self.kernel(("log", self.name(self.context.constant(prime))), positive=True) * self.constant(power)
        for factor, power in factors:
            found = found + self.log_of(factor) * self.constant(power)
        return found

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
        """u as a sum of number × term, the terms without numbers and without a common way to write them."""
        found = []
        for monomial, coefficient in u.above.to_dict().items():
            term = self.context.from_dict({monomial: 1})
            part = Ratio(term, u.below)
            scale = part.below.leading_coefficient()
            number = Fraction(int(coefficient.p), int(coefficient.q)) / Fraction(int(scale.p), int(scale.q))
            found.append((number, Ratio(part.above, part.below / scale)))
        return found

    def exp(self, u: Ratio) -> Ratio:
        """exp of every term: |f|^c for c·log|f|, a kernel for anything else."""
        found = self.constant(1)
        logs = {number: key[1] for key, number in self.number.items() if key[0] == "log"}
        for number, term in self.terms(u):
            k = self.kernel_alone(term.above) if term.below.is_one() else -1
            if k in logs:
                found = found * self.root_of(self.texts[logs[k]], number)
                continue
            steps = number * STEPS
            if steps.denominator != 1:
                raise NoForm
            key = ("exp", term.key)
            k = self.new(key, positive=True)
            self.exponent[k] = term * self.constant(Fraction(1, STEPS))
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
            for prime, power in _primes(abs(number)):
                logarithm = logarithm + self.kernel(("log", self.name(self.context.constant(prime))), positive=True) * self.constant(power)
            for factor, power in factors:
                logarithm = logarithm + self.log_of(factor) * self.constant(power)
            found = found * self.exp(logarithm * term * self.constant(coefficient))
        if odd or sign < 0:
            if whole.denominator != 1:
                self.must_be_positive(number, factors)
                return found
            rest = v + self.constant(-whole)
            k = self.new(("parity", odd, sign, min(rest.key, (-rest).key)))  # (-1)^n is (-1)^-n
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

    def multiple(self, number: Fraction, term: Ratio) -> tuple[Ratio, Ratio]:
        """sin and cos of number × term, by those of a part of the term."""
        if ("pi",) in self.number and self.kernel_alone(term.above) == self.number["pi",] and term.below.is_one():
            if (number * 2).denominator != 1:
                raise NoForm
            quarter = int(number * 2) % 4
            return self.constant((0, 1, 0, -1)[quarter]), self.constant((1, 0, -1, 0)[quarter])
        steps = number * self.parts
        if steps.denominator != 1 or abs(steps) > 24:
            term, steps = term * self.constant(abs(number)), Fraction(1 if number > 0 else -1)
        key = term.key
        known = ("sin", key) in self.number
        s, c = self.new(("sin", key)), self.new(("cos", key))
        if not known:
            self.relations.append((s, 2, 1 - self.generators[c] ** 2))
        one = self.ratio(self.generators[s]), self.ratio(self.generators[c])
        sine, cosine = self.constant(0), self.constant(1)
        for _ in range(abs(int(steps))):
            sine, cosine = sine * one[1] + cosine * one[0], cosine * one[1] + -(sine * one[0])
            sine, cosine = self.simple(sine), self.simple(cosine)
        return (sine, cosine) if steps > 0 else (-sine, cosine)

    # ---- expressions

    def form(self, root: Expression) -> Ratio:
        for node in ex.topological(root):
            if time.monotonic() > self.ends:
                raise NoForm
            if node not in self.done:
                self.done[node] = self._form(node)
        return self.done[root]

    def _form(self, node: Expression) -> Ratio:
        if node.shape:
            raise NoForm
        if isinstance(node, Constant):
            return self.constant(node.value)
        if isinstance(node, Irrational):
            return self.exp(self.constant(1)) if node.name == "e" else self.kernel(("pi",), positive=True)
        if isinstance(node, Leaf):
            return self.kernel(("leaf", node.name), is_positive(node))
        if isinstance(node, Size):
            return self.kernel(("size", str(node.dimension)), positive=True)
        if isinstance(node, Add):
            found = self.constant(0)
            for c, child in node.terms:
                found = found + self.done[child] * self.constant(c)
            return found
        if isinstance(node, Contract) and not any(node.labels):
            found = self.constant(node.coefficient)
            for child in node.children:
                found = found * self.done[child]
            return found
        if isinstance(node, Map):
            return self._function(node)
        raise NoForm

    def simple(self, u: Ratio) -> Ratio:
        """An argument by the relations that are known so far: sqrt(x)^2 as |x|, 1 − sin² as cos²."""
        below = self.reduced(u.below)
        if below.is_zero():
            raise NoForm
        return Ratio(self.reduced(u.above), below)

    def _function(self, node: Map) -> Ratio:
        name, arguments = node.function.name, [self.simple(self.done[child]) for child in node.children]
        if node.function is POWER:
            return self._power(arguments[0], arguments[1], ex.constant_value(node.children[1]))
        if name == "sqrt":
            return self._power(arguments[0], arguments[0], Fraction(1, 2))
        if name == "exp":
            return self.exp(arguments[0])
        if name == "log":
            return self.log(arguments[0])
        if name in ("sin", "cos"):
            return self.angle(arguments[0])[name == "cos"]
        if name == "abs":
            number, factors = self.factored(arguments[0]) if not arguments[0].above.is_zero() else (Fraction(0), [])
            return self.absolute_power(number, factors, Fraction(1)) if number else self.constant(0)
        if name == "where" and _is_limit(node):
            return arguments[2]
        if name in WRITTEN:
            return self.form(WRITTEN[name](*node.children))
        return self.kernel((name, *[argument.key for argument in arguments]))

    def _power(self, base: Ratio, exponent: Ratio, value: Fraction | None) -> Ratio:
        if value is None:
            return self.general_power(base, exponent)
        if value.denominator == 1:
            return base.power(int(value))
        if base.above.is_zero():
            return self.constant(0)
        number, factors = self.factored(base)
        self.must_be_positive(number, factors)
        return self.absolute_power(number, factors, value)

    # ---- reduction

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
        for _ in range(4 * len(rules) + 4):
            before = polynomial
            for k, power, value in reversed(rules):
                polynomial = _replaced(polynomial, self.generators, k, power, value)
                if len(polynomial) > LARGEST or time.monotonic() > self.ends:
                    raise NoForm
            if polynomial == before:
                break
        return polynomial

    def _is_plus(self, odd: frozenset[int], sign: int, rules: list[tuple[int, int, Any]]) -> bool:
        """Is the product of these signs known to be 1? A positive number has no parity."""
        value = self.context.constant(sign)
        for k in odd:
            value = value * self.generators[k]
        for _ in rules:
            for k, power, instead in rules:
                value = _replaced(value, self.generators, k, power, instead)
        return bool(value.is_one())

    def _solved(self) -> list[tuple[frozenset[int], int]]:
        """The equations between signs, solved one after the other for a sign that later ones do not have."""
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


def _is_limit(node: Map) -> bool:
    """Is it `0 if u == 0 else …log(u)…`, as derivatives of powers have it? At u = 0 the second branch is undefined, and 0 its limit."""
    condition, zero, other = node.children
    if not (isinstance(condition, Map) and condition.function.name == "equal" and ex.is_zero(condition.children[1]) and ex.is_zero(zero)):
        return False
    logarithm = F.log(condition.children[0])
    return any(part is logarithm for part in ex.topological(other))


def _replaced(polynomial: Any, generators: list[Any], k: int, power: int, value: Any) -> Any:
    """kernel^power = value put in, as often as it goes."""
    degree = int(polynomial.degrees()[k]) if not polynomial.is_constant() else 0
    if degree < power:
        return polynomial
    context = polynomial.context()
    parts: dict[int, dict[Any, Any]] = {}
    for monomial, coefficient in polynomial.to_dict().items():
        times, left = divmod(monomial[k], power)
        rest = (*monomial[:k], left, *monomial[k + 1 :])
        parts.setdefault(int(times), {})[rest] = coefficient
    total = context.constant(0)
    for times, part in parts.items():
        total = total + context.from_dict(part) * value**times
    return total


def _primes(value: Fraction) -> list[tuple[int, int]]:
    """The prime factors of a positive number with their powers."""
    found = []
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        divisor = 2
        while number > 1:
            if divisor * divisor > number:
                divisor = number
            if divisor > PRIMES:
                raise NoForm
            power = 0
            while number % divisor == 0:
                number, power = number // divisor, power + 1
            if power:
                found.append((divisor, sign * power))
            divisor += 1
    return found


def _common_root(root: Expression) -> int:
    """The common denominator of all powers in the expression."""
    found = 2
    for node in ex.topological(root):
        if isinstance(node, Constant) and node.value.denominator > 1:
            continue
        if isinstance(node, Map) and node.function is POWER and (value := ex.constant_value(node.children[1])) is not None:
            found = lcm(found, value.denominator)
    if found > STEPS:
        raise NoForm
    return found


def is_zero(difference: Expression, ends: float) -> bool:
    """Is the number 0 wherever it is defined? True is a proof, False is none. The work stops when the clock says `ends`."""
    if any(node.shape for node in ex.topological(difference)):
        return False
    has_angles = any(isinstance(node, Map) and node.function.name in ANGLES for node in ex.topological(difference))
    return any(_reduces_to_zero(difference, whole, parts, ends) for whole, parts in (WAYS if has_angles else WAYS[:1]))


def _reduces_to_zero(difference: Expression, whole: bool, parts: int, ends: float) -> bool:
    try:
        kernels = Kernels(_common_root(difference), whole, parts, ends)
        found = kernels.form(difference)
        return bool(kernels.reduced(found.above).is_zero()) and not kernels.reduced(found.below).is_zero()
    except (NoForm, ZeroDivisionError):
        return False
