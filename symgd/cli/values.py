"""Values on the command line, `x=2, y=[1, 3/5]`: read word by word, nothing is ever run."""

from __future__ import annotations

import math
import re
import unicodedata
from fractions import Fraction
from typing import Union

from symgd.errors import ValueGivenError

Value = Union[float, list["Value"]]

_TOKEN = re.compile(r"\s*(?:(?P<name>[^\s,=\[\]]+)|(?P<sign>[,=\[\]])|$)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_NESTING = 8  # axes of an array
_DIGITS = 400


def number(text: str) -> float:
    """A decimal number or a fraction such as 3/5, as the nearest float. Raises ValueGivenError where it is neither, or too large."""
    shown = text.strip()
    parts = [part.strip() for part in shown.replace("−", "-").split("/")]
    if len(parts) > 2 or len(shown) > _DIGITS or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ValueGivenError(f"{shown[:40]!r} is not a number.", hint="Write numbers as 2, -0.5, 1e-3 or 3/5.")
    if len(parts) == 2 and Fraction(parts[1]) == 0:
        raise ValueGivenError(f"{shown!r} divides by zero.")
    try:
        found = float(Fraction(parts[0]) / Fraction(parts[1])) if len(parts) == 2 else float(parts[0])
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise ValueGivenError(f"{shown!r} is too large for a float64 number.")
    return found


def assignments(text: str) -> dict[str, Value]:
    """Names with their values: `x=2, y=[1, 3/5], A=[[1, 0], [0, 1]]`. Raises ValueGivenError with the place in the text.

    >>> assignments("x=2, y=[1, 3/5]")
    {'x': 2.0, 'y': [1.0, 0.6]}
    """
    return _Reader(text).assignments()


class _Reader:
    """A position in the text of assignments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def assignments(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while True:
            name, start = self.take()
            if name in ("", *",=[]"):
                raise self.fault("expected a name", start, name)
            name = unicodedata.normalize("NFC", name)
            if name in found:
                raise ValueGivenError(f"{name} is given twice.").at(self.text, start, self.position)
            self.expect("=")
            found[name] = self.value(0)
            sign, start = self.take()
            if not sign:
                return found
            if sign != ",":
                raise self.fault("expected ',' or the end", start, sign)

    def value(self, depth: int) -> Value:
        found, start = self.take()
        if found != "[":
            if found in ("", *",=]"):
                raise self.fault("expected a number or '['", start, found)
            return self.number(found, start)
        if depth == _NESTING:
            raise ValueGivenError(f"more than {_NESTING} brackets inside one another.").at(self.text, start, start + 1)
        items = [self.value(depth + 1)]
        while True:
            sign, start = self.take()
            if sign == "]":
                return items
            if sign != ",":
                raise self.fault("expected ',' or ']'", start, sign)
            items.append(self.value(depth + 1))

    def number(self, found: str, start: int) -> float:
        """The number that begins with `found`; a fraction may have spaces around its bar."""
        end = re.compile(r"[^,=\[\]]*").match(self.text, start)
        self.position = end.end() if end else self.position
        written = self.text[start : self.position].rstrip()
        try:
            return number(written)
        except ValueGivenError as error:
            raise error.at(self.text, start, start + len(written)) from None

    def take(self) -> tuple[str, int]:
        """The next word or sign and where it starts; "" at the end."""
        found = _TOKEN.match(self.text, self.position)
        if found is None or found.lastgroup is None:
            self.position = len(self.text)
            return "", self.position
        self.position = found.end()
        return found[found.lastgroup], found.start(found.lastgroup)

    def expect(self, sign: str) -> None:
        found, start = self.take()
        if found != sign:
            raise self.fault(f"expected '{sign}'", start, found)

    def fault(self, expected: str, start: int, found: str) -> ValueGivenError:
        shown = f"found '{found[:40]}'" if found else "the text ends"
        error = ValueGivenError(f"{expected}, but {shown}.", hint="Write values as x=2, y=[1, 3/5], A=[[1, 0], [0, 1]].")
        return error.at(self.text, start, start + len(found))
