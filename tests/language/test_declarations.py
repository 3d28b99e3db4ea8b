"""What `given` says, and that it prints as it is read."""

from __future__ import annotations

import pytest

from symgd.algebra import expression as ex
from symgd.algebra.dimension import Dimension
from symgd.language.declarations import Definition, UnknownFunction, Variable, declaration_of, parse_declarations


def printed(given: object) -> str:
    return ", ".join(map(str, parse_declarations(given)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("A[m,n], x[n]", "A[m,n], x[n]"),
        ("S[n,n] symmetric, P[n,n] spd, D[n,n] diagonal, Q[n,n] orthogonal", None),
        ("t > 0, v[n] > 0, z >= 0, u < 1, c <= 1/2", None),
        ("k integer, j integer > 0", "k integer, j integer > 0"),
        ("p in (0,1), q in [0, 1), r in (-0.5,1]", "p in (0, 1), q in [0, 1), r in (-1/2, 1]"),
        ("a > 0 < 1, b in (0, inf), c in (-inf, oo)", "a in (0, 1), b > 0, c"),
        ("q[n] simplex, y[n] in {1, -1}", "q[n] simplex, y[n] in {-1, 1}"),
        ("w scalar, h real, s positive, g nonnegative", "w, h, s > 0, g >= 0"),
        ("r[3], T[i,j,k], B[2*n-1, n^2]", "r[3], T[i,j,k], B[2*n-1,n^2]"),
        ("beta, gamma, S, N, I, E, e, pi, D", "beta, gamma, S, N, I, E, e, pi, D"),
        ("p = sigmoid(z), f(u) = u^2, T(x,y,z), g(x[n])", "p = sigmoid(z), f(u) = u^2, T(x, y, z), g(x[n])"),
        ({"A": "[n,n] spd", "x": "[n]", "t": "> 0", "c": "", "p": "= t^2", "T": "(x,y)"}, "A[n,n] spd, x[n], t > 0, c, p = t^2, T(x, y)"),
        ("θ[n], 온도 > 0", "θ[n], 온도 > 0"),
        (None, ""),
        ("", ""),
    ],
)
def test_declarations_print_as_they_are_read(given: object, text: str | None) -> None:
    expected = given if text is None else text
    assert printed(given) == expected
    assert printed(expected) == expected


def test_the_records() -> None:
    variable, definition, unknown = parse_declarations("A[n,n] spd, f(u) = u^2, T(x,y[n])")
    n = Dimension.of("n")
    assert variable == Variable("A", (n, n), ("spd",))
    assert isinstance(definition, Definition)
    assert definition.parameters == ("u",)
    assert unknown == UnknownFunction("T", (Variable("x"), Variable("y", (n,))))


def test_a_variable_is_declared_as_its_leaf_says() -> None:
    leaf = ex.leaf("v", (Dimension.of("n"),), ("> 0",))
    assert str(declaration_of(leaf)) == "v[n] > 0"
    assert declaration_of(leaf).leaf() is leaf
