"""How large an input may be: checked before any work is done, so that the cost of reading is known.

Reading takes time and memory linear in the text whatever the limits are; they keep what follows (algebra, printing) small too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from symgd.errors import LimitError

_MEANING = {
    "characters": "characters of the text",
    "nesting": "brackets, signs, powers and conditionals inside one another",
    "nodes": "numbers, names and operations",
    "digits": "digits of one number, or of the numerator or denominator of an exact constant",
    "magnitude": "decimal exponent of a constant",
    "exponent": "whole exponent of something that is not a constant",
    "terms": "terms of index sums with numbers as bounds, those inside one another multiplied",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest input that is read; larger input raises `LimitError`. Raise a limit where you trust the text.

    `characters` of the text · `nesting`: brackets, signs, powers and conditionals inside one another · `nodes`: numbers, names and
    operations · `digits` of one number · `magnitude`: the decimal exponent of a constant (308: what float64 holds) · `exponent`: a whole
    exponent of something that is not a constant · `terms` of index sums with numbers as bounds, those inside one another multiplied.
    """

    characters: int = 10_000
    nesting: int = 100
    nodes: int = 100_000
    digits: int = 400
    magnitude: int = 308
    exponent: int = 1_000
    terms: int = 10**8

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise LimitError(f"the limit {field.name} must be a whole number above 0, not {value!r}.")

    def exceeded(self, name: str, fault: str) -> LimitError:
        """The error for a limit: `fault` says what is too long, too deep or too large."""
        value = getattr(self, name)
        return LimitError(
            f"{fault}: the limit is {name}={value} ({_MEANING[name]}).",
            hint=f"Raise it where you trust the text: limits=symgd.Limits({name}=…).",
        )
