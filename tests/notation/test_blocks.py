"""Arrays of blocks as they are written, in infix and in LaTeX; every text is read back as the same formula."""

from __future__ import annotations

import pytest

from symgd import Formula, formula, gradient

PRINTED = [
    ("[A, B; C, D]", "A[m,n], B[m,q], C[p,n], D[p,q]", "[A, B; C, D]", r"\begin{bmatrix} A & B \\ C & D \end{bmatrix}"),
    ("[[A, B], [C, D]]", "A[m,n], B[m,q], C[p,n], D[p,q]", "[A, B; C, D]", r"\begin{bmatrix} A & B \\ C & D \end{bmatrix}"),
    ("[A; B]*x", "A[m,n], B[p,n], x[n]", "[A; B]*x", r"\begin{bmatrix} A \\ B \end{bmatrix} x"),
    ("[x; 1]", "x[n]", "[x; 1]", r"\begin{bmatrix} x \\ 1 \end{bmatrix}"),
    ("[x', 1]", "x[n]", "[x; 1]'", r"\begin{bmatrix} x \\ 1 \end{bmatrix}^{\top}"),
    ("[x, y]", "x[n], y[n]", "[x, y]", r"\begin{bmatrix} x & y \end{bmatrix}"),
    ("[A, b; b', c]", "A[n,n], b[n], c", "[A, b; b', c]", r"\begin{bmatrix} A & b \\ b^{\top} & c \end{bmatrix}"),
    (
        "[A, zeros(m,q); zeros(p,n), D]",
        "A[m,n], D[p,q]",
        "[A, zeros(m, q); zeros(p, n), D]",
        r"\begin{bmatrix} A & \operatorname{zeros}\left(m, q\right) \\ \operatorname{zeros}\left(p, n\right) & D \end{bmatrix}",
    ),
    ("[A, [B; C]]", "A[m+p,n], B[m,q], C[p,q]", "[A, [B; C]]", r"\begin{bmatrix} A & \begin{bmatrix} B \\ C \end{bmatrix} \end{bmatrix}"),
    (
        "[A, B; C]",
        "A[m,n], B[m,q], C[p,n+q]",
        "[A, B; C]",
        r"\begin{bmatrix} \begin{bmatrix} A & B \end{bmatrix} \\ C \end{bmatrix}",
    ),
    ("[A; B] + [C; D]", "A[m,n], B[p,n], C[m,n], D[p,n]", "[A; B] + [C; D]", None),
    ("M - 3*[C; B]", "M[m+p,n], C[m,n], B[p,n]", "M - 3*[C; B]", None),
    ("[2*A; -B]", "A[m,n], B[p,n]", "[2*A; -B]", None),
    ("[[1, 2], x]", "x[2]", "[[1, 2], x]", None),
    ("[([1, 2]); x]", "x[2]", "[[1, 2]; x]", None),
    ("[a, b; c, d]", "", "[[a, b], [c, d]]", r"\begin{bmatrix} a & b \\ c & d \end{bmatrix}"),
    ("[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", "", "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", None),
    ("[exp(A); A]'", "A[n,n]", "[exp(A); A]'", None),
]
GRADIENTS = [
    ("norm2([A; B]*x)^2", "A[m,n], B[p,n], x[n]", {"A": "2*A*x*x'", "B": "2*B*x*x'", "x": "2*(A'*A + B'*B)*x"}),
    ("norm2([A, b]*[x; 1])^2", "A[m,n], b[m], x[n]", {"A": "2*(A*x + b)*x'", "b": "2*A*x + 2*b", "x": "2*A'*(A*x + b)"}),
    ("sum(exp([A, B; C, D]))", "A[m,n], B[m,q], C[p,n], D[p,q]", {"A": "exp(A)", "C": "exp(C)", "D": "exp(D)"}),
    ("tr([A, B; C, D])", "A[n,n], B[n,q], C[q,n], D[q,q]", {"A": "eye(n)", "B": "zeros(n, q)", "D": "eye(q)"}),
    ("norm2([x; y; 1])^2", "x[m], y[p]", {"x": "2*x", "y": "2*y"}),
    ("sum(tanh([x; y]))", "x[m], y[p]", {"x": "1 - tanh(x).^2"}),
    ("[x; y]'*z", "x[m], y[p], z[m+p]", {"x": "array(i=1..m, z[i])", "y": "array(i=1..p, z[i+m])", "z": "[x; y]"}),
    ("norm2(M*[x; 1] - b)^2", "M[m,n+1], b[m], x[n]", {"x": "2*[eye(n); zeros(1, n)]'*M'*(M*[x; 1] - b)", "M": "2*(M*[x; 1] - b)*[x; 1]'"}),
    (
        "logdet([A, b; b', c])",
        "A[n,n], b[n], c",
        {"A": "array(i=1..n, j=1..n, inv([A, b; b', c])[j,i])", "c": "inv([A, b; b', c])[n+1,n+1]"},
    ),
    ("normF([[A; B]; C])^2", "A[m,n], B[p,n], C[q,n]", {"B": "2*B", "C": "2*C"}),
]


def is_read_back(f: Formula) -> bool:
    return bool(formula(str(f), given=f.given) == f)


@pytest.mark.parametrize(("text", "given", "infix", "latex"), PRINTED, ids=[case[0] for case in PRINTED])
def test_printed(text: str, given: str, infix: str, latex: str | None) -> None:
    f = formula(text, given=given)
    assert str(f) == infix
    assert is_read_back(f)
    assert latex is None or f.latex() == latex


@pytest.mark.parametrize(("text", "given", "gradients"), GRADIENTS, ids=[case[0] for case in GRADIENTS])
def test_a_gradient_by_a_block_is_that_of_the_block(text: str, given: str, gradients: dict[str, str]) -> None:
    f = formula(text, given=given)
    assert is_read_back(f)
    found = {name: gradient(f, name) for name in gradients}
    assert {name: str(g) for name, g in found.items()} == gradients
    assert all(map(is_read_back, found.values()))


def test_columns_of_numbers_are_not_read_as_rows() -> None:
    """[[1, 2], [3, 4]] is a matrix by its rows: two columns side by side are written otherwise."""
    f = formula("[u, v]", given="u = [1, 2], v = [3, 4]")
    assert str(f) == "[[1, 2]'; [3, 4]']'"
    assert f.evaluate().tolist() == formula(str(f)).evaluate().tolist() == [[1, 3], [2, 4]]
