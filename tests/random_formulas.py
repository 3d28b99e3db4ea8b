"""Random well-typed formulas as text of the language, smooth and tame: defined at every point of moderate size.

`formulas()` is a hypothesis strategy; all are scalars of the variables that `GIVEN` declares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

GIVEN = (
    "a, b, t > 0, x[n], y[n], w[m], v[m], A[m,n], B[m,n], C[n,m], F[n,n], G[m,m], S[n,n] symmetric, P[n,n] spd, Q[m,m] spd, "
    "p[n] > 0, q[n] simplex, c[m] in {-1, 1}"
)
SIZES = {"n": 3, "m": 2}

Shape = tuple[str, ...]
LEAVES: dict[Shape, Sequence[str]] = {
    (): "abt",
    ("n",): "xxypq",
    ("m",): "wwvc",
    ("m", "n"): "AB",
    ("n", "m"): "C",
    ("n", "n"): "FSP",
    ("m", "m"): "GQ",
}
FUNCTIONS = ("sin({})", "cos({})", "tanh({})", "sigmoid({})", "softplus({})", "atan({})", "erf({})")
POSITIVE = ("log({})", "sqrt({})", "log1p({})", "1./{}", "{}.^(3/2)")  # of 1 + v^2


class Maker:
    """Makes the text of one formula by choices. Every text is an operand: a name, a call, or in brackets."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any]) -> None:
        self.choose = choose
        self.indices = 0

    def pick(self, *options: Any) -> Any:
        return self.choose(options)

    def make(self, shape: Shape, depth: int) -> str:
        if depth <= 0:
            return self.atom(shape)
        rules = (*EVERYWHERE, *(SCALARS, VECTORS, MATRICES)[len(shape)])
        return self.pick(*rules)(self, shape, depth - 1)  # type: ignore[no-any-return]

    def atom(self, shape: Shape) -> str:
        if not shape and self.pick(False, False, True):
            return self.pick("2", "3", "0.5", "pi")  # type: ignore[no-any-return]
        return self.choose(LEAVES[shape])  # type: ignore[no-any-return]

    def length(self) -> str:
        return self.pick("n", "m")  # type: ignore[no-any-return]

    def any_shape(self) -> Shape:
        return tuple(self.length() for _ in range(self.pick(1, 1, 2)))

    def index(self) -> str:
        self.indices += 1
        return f"i{self.indices}"

    def positive(self, shape: Shape, depth: int) -> str:
        """1 + v^2, entry by entry."""
        square = f"{self.make(shape, depth)}.^2"
        return f"({square} + ones({', '.join(shape)}))" if len(shape) == 2 else f"(1 + {square})"

    def definite(self, length: str, depth: int) -> str:
        argument = self.make((self.length(), length), depth)
        return f"({argument}'*{argument} + eye({length}))"


def _sum(make: Maker, shape: Shape, depth: int) -> str:
    signs = [make.pick(" + ", " - ") for _ in range(make.pick(1, 2))]
    return f"({make.make(shape, depth)}{''.join(sign + make.make(shape, depth) for sign in signs)})"


def _scaled(make: Maker, shape: Shape, depth: int) -> str:
    return f"({make.make((), depth)}*{make.make(shape, depth)})"


def _entrywise(make: Maker, shape: Shape, depth: int) -> str:
    return f"({make.make(shape, depth)}.*{make.make(shape, depth)})" if shape else f"({make.make(shape, depth)}*{make.make(shape, depth)})"


def _function(make: Maker, shape: Shape, depth: int) -> str:
    return make.pick(*FUNCTIONS).format(make.make(shape, depth))  # type: ignore[no-any-return]


def _of_positive(make: Maker, shape: Shape, depth: int) -> str:
    return f"({make.pick(*POSITIVE).format(make.positive(shape, depth))})"


def _decay(make: Maker, shape: Shape, depth: int) -> str:
    return f"exp(-{make.make(shape, depth)}.^2)"


def _quotient(make: Maker, shape: Shape, depth: int) -> str:
    below = make.pick((), shape)
    return f"({make.make(shape, depth)}{'./' if below else '/'}{make.positive(below, depth)})"


def _inner(make: Maker, shape: Shape, depth: int) -> str:
    length = make.length()
    return f"({make.make((length,), depth)}'*{make.make((length,), depth)})"


def _quadratic(make: Maker, shape: Shape, depth: int) -> str:
    rows, columns = make.length(), make.length()
    return f"({make.make((rows,), depth)}'*{make.make((rows, columns), depth)}*{make.make((columns,), depth)})"


def _reduced(make: Maker, shape: Shape, depth: int) -> str:
    return f"{make.pick('sum', 'mean')}({make.make(make.any_shape(), depth)})"


def _reduced_vector(make: Maker, shape: Shape, depth: int) -> str:
    return f"{make.pick('lse', 'norm2', 'prod')}({make.make((make.length(),), depth)})"


def _norm(make: Maker, shape: Shape, depth: int) -> str:
    return f"normF({make.make((make.length(), make.length()), depth)}){make.pick('', '^2')}"


def _of_square(make: Maker, shape: Shape, depth: int) -> str:
    length = make.length()
    return f"{make.pick('tr', 'det')}({make.make((length, length), depth)})"


def _logdet(make: Maker, shape: Shape, depth: int) -> str:
    return f"logdet({make.definite(make.length(), depth)})"


def _stacked(make: Maker, shape: Shape, depth: int) -> str:
    rows, columns = make.length(), make.length()
    one, other = f"vec({make.make((rows, columns), depth)})", f"vec({make.make((columns, rows), depth)})"
    return f"({one}'*commut({columns}, {rows})*{other})"


def _kronecker(make: Maker, shape: Shape, depth: int) -> str:
    one, other = make.length(), make.length()
    return f"tr(kron({make.make((one, one), depth)}, {make.make((other, other), depth)}))"


def _index_sum(make: Maker, shape: Shape, depth: int) -> str:
    i, j = make.index(), make.index()
    rows, columns = make.length(), make.length()
    body = make.pick(*FUNCTIONS).format(f"{make.choose(LEAVES[rows, columns])}[{i},{j}]*{make.choose(LEAVES[columns,])}[{j}]")
    return f"sum({i}, sum({j}, {body})*{make.choose(LEAVES[rows,])}[{i}]*{make.make((), depth)})"


def _neighbours(make: Maker, shape: Shape, depth: int) -> str:
    i, array = make.index(), make.choose(LEAVES["n",])
    return f"sum({i}, ({array}[{i}+1] - {make.make((), depth)}*{array}[{i}])^2)"


def _matrix_vector(make: Maker, shape: Shape, depth: int) -> str:
    inner = make.length()
    matrix = make.pick(f"{make.make((shape[0], inner), depth)}", f"{make.make((inner, shape[0]), depth)}'")
    return f"({matrix}*{make.make((inner,), depth)})"


def _softmax(make: Maker, shape: Shape, depth: int) -> str:
    return f"softmax({make.make(shape, depth)}{', axis=' + make.pick('1', '2') if len(shape) == 2 else ''})"


def _along_axis(make: Maker, shape: Shape, depth: int) -> str:
    other, name = make.length(), make.pick("sum", "mean", "lse")
    if make.pick(True, False):
        return f"{name}({make.make((shape[0], other), depth)}, axis=2)"
    return f"{name}({make.make((other, shape[0]), depth)}, axis=1)"


def _diagonal(make: Maker, shape: Shape, depth: int) -> str:
    if len(shape) == 1:
        return f"diag({make.make((*shape, *shape), depth)})"
    return f"diag({make.make(shape[:1], depth)})" if shape[0] == shape[1] else make.make(shape, depth)


def _matrix_product(make: Maker, shape: Shape, depth: int) -> str:
    inner = make.length()
    return f"({make.make((shape[0], inner), depth)}*{make.make((inner, shape[1]), depth)})"


def _outer(make: Maker, shape: Shape, depth: int) -> str:
    return f"({make.make(shape[:1], depth)}*{make.make(shape[1:], depth)}')"


def _transposed(make: Maker, shape: Shape, depth: int) -> str:
    return f"{make.make(shape[::-1], depth)}'"


def _inverse(make: Maker, shape: Shape, depth: int) -> str:
    return f"inv({make.definite(shape[0], depth)})" if shape[0] == shape[1] else make.make(shape, depth)


def _matrix_power(make: Maker, shape: Shape, depth: int) -> str:
    return f"({make.make(shape, depth)}^2)" if shape[0] == shape[1] else make.make(shape, depth)


Rule = Callable[[Maker, Shape, int], str]
EVERYWHERE: tuple[Rule, ...] = (_sum, _scaled, _entrywise, _function, _function, _of_positive, _decay, _quotient)
SCALARS: tuple[Rule, ...] = (
    _inner, _inner, _quadratic, _quadratic, _reduced, _reduced_vector, _norm, _of_square, _logdet, _stacked, _kronecker, _index_sum,
    _neighbours,
)  # fmt: skip
VECTORS: tuple[Rule, ...] = (_matrix_vector, _matrix_vector, _softmax, _along_axis, _diagonal)
MATRICES: tuple[Rule, ...] = (_matrix_product, _matrix_product, _outer, _transposed, _inverse, _matrix_power, _diagonal, _softmax)


def made(choose: Callable[[Sequence[Any]], Any], depth: int = 3) -> str:
    """The formula that these choices make; `Random(seed).choice` makes one without hypothesis."""
    make = Maker(choose)
    return make.pick(*SCALARS)(make, (), make.pick(depth, depth - 1))  # type: ignore[no-any-return]


def formulas(depth: int = 3) -> st.SearchStrategy[str]:
    """Drawn choice by choice, which shrinks well, or from a seed, which varies more."""
    return _drawn(depth) | st.integers(0, 10**9).map(lambda seed: made(Random(seed).choice, depth))


@st.composite
def _drawn(draw: Any, depth: int) -> str:
    return made(lambda options: draw(st.sampled_from(options)), depth)
