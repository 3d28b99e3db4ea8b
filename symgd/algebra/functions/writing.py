"""What the rows of the function table are written with: other functions (`F`), exact values, hard points, SymPy by name.

`latex` templates name every function by one name, never by what it is made of: `log1p(x)` printed as log(1 + x) would be read
as another formula.

`ball` callables get `flint.arb` balls and return one. Three rules keep them certified: a comparison that the balls do not
settle returns a ball that covers both outcomes, a kink returns the hull of both sides, and an argument outside the domain,
or not known to be inside, returns the nan ball.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symgd.algebra.expression import Expression, Number, constant, constant_value
from symgd.errors import NoRuleError

if TYPE_CHECKING:
    from symgd.algebra.functions.row import Row


class _Functions:
    """`F.exp(x)` is the expression exp(x): a function of the table, found when it is called, so that rows may refer to later rows."""

    def __getattr__(self, name: str) -> Callable[..., Expression]:
        from symgd.algebra.functions.registry import build, find

        function = find(name)
        if function is None:
            raise AttributeError(f"no function is named {name!r}.")
        found: Row = function
        return lambda *arguments: build(found, *arguments)


F = _Functions()


def zero(*arguments: Expression) -> Expression:
    """The derivative of a function that is constant between its jumps."""
    return constant(0)


def no_rule(reason: str, hint: str) -> Callable[..., Expression]:
    """The derivative that does not exist in closed form."""

    def refuse(*arguments: Expression) -> Expression:
        raise NoRuleError(reason, hint=hint)

    return refuse


def is_positive(node: Expression) -> bool:
    """Is the expression a positive number or declared positive?"""
    value = constant_value(node)
    return (value is not None and value > 0) or "> 0" in getattr(node, "kind", ()) or getattr(node, "name", "") in ("pi", "e")


def points(*texts: str) -> tuple[tuple[str, ...], ...]:
    """Hard points: one text per point, its coordinates separated by spaces."""
    return tuple(tuple(text.split()) for text in texts)


def at(values: dict[int, Number]) -> Callable[[Fraction], Fraction | None]:
    """The exact values of a function that is irrational at every other rational point."""
    return lambda x: Fraction(values[int(x)]) if x.denominator == 1 and int(x) in values else None


def nowhere(*arguments: Fraction) -> None:
    """Exact values of a function that has none worth finding."""
    return


def root(value: Fraction, degree: int) -> Fraction | None:
    """The rational `degree`-th root of a rational number ≥ 0, where there is one."""
    parts = []
    for part in (value.numerator, value.denominator):
        guess = _whole_root(part, degree)
        if guess**degree != part:
            return None
        parts.append(guess)
    return Fraction(*parts)


def _whole_root(value: int, degree: int) -> int:
    """The largest whole number whose power is at most `value`, by Newton's iteration from above."""
    if value < 2:
        return value
    guess = 1 << -(-value.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def from_sympy(name: str) -> Callable[..., Any]:
    """SymPy's function of this name."""

    def call(*arguments: Any) -> Any:
        import sympy

        return getattr(sympy, name)(*arguments)

    return call


def piecewise(*pieces: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    """SymPy's Piecewise; each piece gets the arguments and returns (value, condition)."""

    def call(*arguments: Any) -> Any:
        import sympy

        return sympy.Piecewise(*[piece(*arguments) for piece in pieces])

    return call


def outside(like: Any) -> Any:
    """The nan ball, of the type of a ball."""
    return type(like)("nan")


def hull(low: Any, high: Any) -> Any:
    """The ball that covers both."""
    return low.union(high)


def truth(yes: bool, no: bool, like: Any) -> Any:
    """1 where a comparison certainly holds, 0 where it certainly fails, else a ball that covers both; nan where `like` is."""
    ball = type(like)
    if not yes and not no and like.is_nan():
        return like
    return ball(1) if yes else ball(0) if no else hull(ball(0), ball(1))
