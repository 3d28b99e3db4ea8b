"""The words that are functions of the language, apart from the names that are the user's."""

from __future__ import annotations

from difflib import get_close_matches

from symgd.algebra.functions import table

CONSTANTS = {"pi": "pi", "π": "pi", "e": "e", "E": "e"}
ALSO_VARIABLES = frozenset({"band", "D", "E", "e", "f", "gamma", "pi", "torch"})  # also functions or constants

_KNOWN_ELSEWHERE = {
    "norm": "Write norm1, norm2 (the square root of the sum of squares), normInf (the largest size of an entry) or normF (of a matrix).",
    "transpose": "Write A' for the transpose.",
    "integrate": "symgd derives; it does not integrate.",
    "int": "symgd derives; it does not integrate.",
    "cross": "Write the components: [a[2]*b[3] - a[3]*b[2], …].",
    "matmul": "Write A*B.",
    "numel": "A dimension is a number itself: n for x[n].",
    "length": "A dimension is a number itself: n for x[n].",
    "var": "Write mean((x - mean(x))^2).",
    "std": "Write sqrt(mean((x - mean(x))^2)).",
    "average": "Write mean(x).",
    "logit": "Write log(p/(1 - p)).",
    "root": "Write x^(1/n).",
    "cbrt": "Write x^(1/3).",
    "pow": "Write x^y.",
    "gradient": "Write grad(f, x).",
    "jacobian": "Write jac(F, x).",
    "hessian": "Write hess(f, x).",
}


def is_function(name: str) -> bool:
    """Is this a function only, so that it cannot be a variable?"""
    return name not in ALSO_VARIABLES and (table.find(name) is not None or name in table.RESERVED or name == "array")


def function_names() -> list[str]:
    """Every function that can be called."""
    rows = [name for row in table.rows() for name in (row.name, *row.aliases)]
    return [*rows, *sorted(table.RESERVED - {"e", "E", "pi", "if", "else", "torch", "f"}), "array"]


def instead_of(name: str) -> str:
    """What to write in place of a function that does not exist."""
    if name in _KNOWN_ELSEWHERE:
        return _KNOWN_ELSEWHERE[name]
    known = function_names()
    same = [other for other in known if other.lower() == name.lower()]
    alike = [other for other in known if other[0].lower() == name[0].lower()]
    near = same or get_close_matches(name, alike, 1, 0.65) or get_close_matches(name, known, 1, 0.8)
    return f"Did you mean {near[0]}?" if near else 'An unknown function is declared with its arguments, as in given="T(x,y)".'
