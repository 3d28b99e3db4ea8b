"""symgd: write a formula once; derive, compute, descend and check it.

    formula, variables, Formula, Limits             reading formulas
    gradient, gradients, derivative, directional,   deriving: each answer is a Formula again
    hessian, hessian_vector, jacobian, differential
    to_torch                                        a fast program of the value and its gradients
    descend, compare                                gradient descent; symbolic against autograd
    learning_rates                                  a ladder of rates at once, each with a verdict, and the largest stable one
    multistart                                      many starts at once, the best followed to the end
    check, check_chain, check_document              is this equation right? the first wrong line of a derivation; every claim of a document
    check_gradient                                  a torch function's own backward against the derived gradient
    write_notes, fill_notes                         lecture notes in LaTeX, PDF, HTML, Markdown
    plot_contours, plot_surface, plot_curve,        figures, with matplotlib
    plot_slice, plot_directions, plot_rates, plot_losses, plot_descent, animate
    simplify                                        scalar identities, through SymPy
    define_function                                 a function of your own
    sin, exp, norm2, softmax, sum, … (`symgd.function_names()`)   the functions of the language, on formulas
    SymgdError and its kinds                        what went wrong, where, and what to write instead

Importing symgd is light: torch is imported by the first call that computes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symgd.algebra.functions.table import define_function
from symgd.errors import (
    DomainError,
    FormulaError,
    LimitError,
    LoweringError,
    NoRuleError,
    RankError,
    ShapeError,
    SymgdError,
    ValueGivenError,
)
from symgd.formula import (
    Formula,
    derivative,
    differential,
    directional,
    formula,
    gradient,
    gradients,
    hessian,
    hessian_vector,
    jacobian,
    simplify,
    variables,
)
from symgd.functions import named as _named
from symgd.functions import names as function_names
from symgd.language.limits import Limits

if TYPE_CHECKING:
    from symgd.descent.check_gradient import check_gradient
    from symgd.descent.compare import compare
    from symgd.descent.descend import descend
    from symgd.descent.learning_rates import learning_rates
    from symgd.descent.multistart import multistart
    from symgd.lowering.torch_program import to_torch
    from symgd.notes.document import write_notes
    from symgd.notes.figures.descents import plot_descent, plot_losses, plot_rates
    from symgd.notes.figures.line import plot_curve, plot_directions, plot_slice
    from symgd.notes.figures.moving import animate
    from symgd.notes.figures.plane import plot_contours, plot_surface
    from symgd.notes.fill import fill_notes
    from symgd.verify.chain import check_chain
    from symgd.verify.check import check
    from symgd.verify.document.check import check_document

__version__ = "0.1.0"

__all__ = [
    "DomainError",
    "Formula",
    "FormulaError",
    "LimitError",
    "Limits",
    "LoweringError",
    "NoRuleError",
    "RankError",
    "ShapeError",
    "SymgdError",
    "ValueGivenError",
    "animate",
    "check",
    "check_chain",
    "check_document",
    "check_gradient",
    "compare",
    "define_function",
    "derivative",
    "descend",
    "differential",
    "directional",
    "fill_notes",
    "formula",
    "function_names",
    "gradient",
    "gradients",
    "hessian",
    "hessian_vector",
    "jacobian",
    "learning_rates",
    "multistart",
    "plot_contours",
    "plot_curve",
    "plot_descent",
    "plot_directions",
    "plot_losses",
    "plot_rates",
    "plot_slice",
    "plot_surface",
    "simplify",
    "to_torch",
    "variables",
    "write_notes",
]

_LATER = {
    "animate": "symgd.notes.figures.moving",
    "check": "symgd.verify.check",
    "check_chain": "symgd.verify.chain",
    "check_document": "symgd.verify.document.check",
    "check_gradient": "symgd.descent.check_gradient",
    "compare": "symgd.descent.compare",
    "descend": "symgd.descent.descend",
    "learning_rates": "symgd.descent.learning_rates",
    "multistart": "symgd.descent.multistart",
    "fill_notes": "symgd.notes.fill",
    "plot_contours": "symgd.notes.figures.plane",
    "plot_curve": "symgd.notes.figures.line",
    "plot_directions": "symgd.notes.figures.line",
    "plot_descent": "symgd.notes.figures.descents",
    "plot_losses": "symgd.notes.figures.descents",
    "plot_rates": "symgd.notes.figures.descents",
    "plot_slice": "symgd.notes.figures.line",
    "plot_surface": "symgd.notes.figures.plane",
    "to_torch": "symgd.lowering.torch_program",
    "write_notes": "symgd.notes.document",
}


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is asked for; functions of the language are made by name."""
    if name in _LATER:
        found = getattr(import_module(_LATER[name]), name)
        globals()[name] = found
        return found
    function = _named(name)
    if function is None:
        raise AttributeError(f"module 'symgd' has no attribute {name!r}")
    return function


def __dir__() -> list[str]:
    return sorted({*__all__, *function_names()})
