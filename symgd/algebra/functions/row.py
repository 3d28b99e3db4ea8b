"""The three kinds of rows of the function table. A row says everything symgd knows of one function; no field is optional.

* `Elementwise`: entry by entry, of one or several arguments of one shape.
* `Along`: of the last axis, which it consumes (`lse`, `max`) or keeps (`softmax`).
* `OfMatrix`: of the last two axes, a square matrix: an array of the same shape (`inv`) or one number (`det`); and of numbers (`A^k`).

Derivatives are written on expressions, with Python's operators and the other functions, so that a row reads as a table of
derivatives does. The certified value is written on balls (python-flint's `arb`): it is the truth that tests compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from symgd.algebra.expression import Expression


@dataclass(frozen=True, slots=True, eq=False)
class Elementwise:
    """A function of real numbers, applied entry by entry.

    `domain`      where it is real and finite, in the language of declarations, arguments named x, y, z ("" is everywhere)
    `derivative`  one callable per argument: the arguments as expressions → the partial derivative by that argument
    `exact`       rational arguments → the rational value, or None where it is irrational or not cheap
    `torch`       template of the torch expression, {0} {1} … being names of tensors, `f` symgd.lowering.torch_functions
    `accurate`    the same, accurate to a few ulp wherever the value is representable
    `ball`        certified value on `flint.arb` arguments (nan ball outside the domain)
    `sympy`       SymPy numbers or symbols → SymPy expression
    `latex`       template, {0} {1} … being LaTeX of the arguments, not bracketed; other braces stand for themselves
    `kinks`       rational points where the derivative jumps: of the argument, or with several arguments of the first minus any other
    `convention`  what the derivative is taken to be there ("" without kinks)
    `hard`        points, as decimal text, where naive forms lose digits or overflow
    `source`      where the derivative is printed
    """

    name: str
    aliases: tuple[str, ...]
    arity: int
    domain: str
    derivative: tuple[Callable[..., Expression], ...]
    exact: Callable[..., Fraction | None]
    torch: str
    accurate: str
    ball: Callable[..., Any]
    sympy: Callable[..., Any]
    latex: str
    kinks: tuple[Fraction, ...]
    convention: str
    hard: tuple[tuple[str, ...], ...]
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Along:
    """A function of the last axis of an array.

    `keeps_axis`  the result has the shape of the argument (softmax); otherwise the last axis is gone (lse)
    `pullback`    (g, x, y) → adjoint of x, where y is the function of x, and g (of y) may carry leading axes: see `expression.product`
    `ball`        certified value: a list of balls, or of exact `flint.fmpq`, → one ball, or a list of them
    The other fields as in `Elementwise`; templates get the tensor {0}, whose last axis is meant.
    """

    name: str
    aliases: tuple[str, ...]
    keeps_axis: bool
    domain: str
    pullback: Callable[[Expression, Expression, Expression], Expression]
    torch: str
    accurate: str
    ball: Callable[[list[Any]], Any]
    latex: str
    convention: str
    hard: tuple[tuple[str, ...], ...]
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class OfMatrix:
    """A function of a square matrix, the last two axes of an array; fields as in `Along`. `ball` takes `arb_mat` or exact `fmpq_mat`.

    `scalars`     how many numbers it takes besides; `pullback`, `ball` and the templates get them last. They have no derivative.
    """

    name: str
    aliases: tuple[str, ...]
    scalars: int
    keeps_axes: bool
    domain: str
    pullback: Callable[..., Expression]
    torch: str
    accurate: str
    ball: Callable[..., Any]
    latex: str
    source: str


Row = Union[Elementwise, Along, OfMatrix]
