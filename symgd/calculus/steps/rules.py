"""The rules that a line of a derivation is justified by: a table, each rule a name and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from symgd.algebra.functions.row import Row


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` stands beside the line; `statement` is what the rule says. `function` is the function whose row of the table was used,
    `of_all` whether it is of all entries of a matrix."""

    name: str
    statement: str
    function: Row | None = None
    of_all: bool = False


SUM = Rule("sum rule", "The derivative of a sum is the sum of the derivatives.")
CONSTANT = Rule("constant", "The derivative of what does not depend on the variable is 0.")
ITSELF = Rule("the variable itself", "The derivative of a variable by itself is 1; along a direction it is the direction.")
CONSTANT_FACTOR = Rule("constant factor", "A factor that does not depend on the variable stays: (c*u)' = c*u'.")
LINEARITY = Rule(
    "linearity", "A map that is linear in the variable stays as it is, and takes the derivative in its place: d(A*x - b) = A*dx."
)
PRODUCT = Rule(
    "product rule", "The derivative of a product: of each factor in turn, the others as they are, in their order: (u*v)' = u'*v + u*v'."
)
QUOTIENT = Rule("quotient rule", "(u/v)' = (u'*v - u*v')/v^2, which is u'/v - u*v'/v^2.")
QUADRATIC = Rule("quadratic form", "d(x'*A*x) = dx'*A*x + x'*A*dx, by the product rule.")
INSIDE_SUM = Rule("derivative inside the sum", "The derivative of a sum over an index is the sum of the derivatives of its terms.")
TRACE = Rule("trace", "The derivative of a trace is the trace of the derivative.")
TRANSPOSE = Rule("transpose", "The derivative of a transpose is the transpose of the derivative.")
ENTRIES = Rule("entry by entry", "An array is derived entry by entry.")
POWER = Rule("power rule", "(u^k)' = k*u^(k-1)*u' for a constant k.")
EXPONENT = Rule("variable exponent", "(u^v)' = v*u^(v-1)*u' + u^v*log(u)*v'.")
CHAIN = Rule(
    "chain rule", "The derivative of g(u) is g'(u), taken at u, times the derivative of u; with several arguments, the sum of these."
)
POWERS = Rule("power of a matrix", "d tr(A^k) = k*tr(A^(k-1)*dA), and alike under every function with whose derivative A commutes.")
COLLAPSE = Rule("index collapse", "diff(x[i], x[k]) is 1 for i = k and 0 otherwise: of a sum over i the term with i = k remains.")

COLLECT = Rule("simplify", "Like terms, numbers and powers are put together.")
SIMPLIFY = Rule("simplify", "The shorter form of the same.")
TRANSPOSED = Rule("dx on the right", "A number is its own transpose, and a trace does not change in a cycle: every term becomes (…)*dx.")
FACTOR_OUT = Rule("common factors", "What all terms have in common, dx first of all, is taken out.")
DECLARED = Rule("as declared", "What the declarations say of the variables (symmetric, orthogonal, signs, …) is used.")
REORDERING = (COLLECT, SIMPLIFY, TRANSPOSED, FACTOR_OUT)  # what may come down to another order of terms and factors

GRADIENT = Rule("definition of the gradient", "The gradient is what dx is multiplied by in df: df is the sum of ∂f/∂x[i]*dx[i].")
JACOBIAN = Rule("definition of the Jacobian", "The Jacobian is the matrix that dx is multiplied by in dF: dF = J*dx.")
HESSIAN = Rule("definition of the Hessian", "The Hessian is the Jacobian of the gradient: d(∇f) = H*dx.")
PARTIALS = Rule("definition of the gradient", "The entries of the gradient are the partial derivatives.")
PARTIALS_OF_ARRAY = Rule("definition of the Jacobian", "J[i,j] is the derivative of entry i by variable j.")
SECOND_PARTIALS = Rule("definition of the Hessian", "H[i,j] is the second derivative by variable i and variable j.")
LAYOUT = Rule("layout", "An entry for each pair of indices: first those of the function, then those of the variable.")
LIMIT = Rule("definition of the directional derivative", "D_u f(x) is the limit of (f(x + t*u) - f(x))/t for t to 0.")
AT_ZERO = Rule("derivative at 0", "The limit of the difference quotient is the derivative of t -> f(x + t*u) at t = 0.")
ALONG = Rule("chain rule", "The derivative of f(x + t*u) by t at t = 0 is the gradient at x times the derivative of x + t*u, which is u.")
TOTAL = Rule("total differential", "df is the sum of the partial derivatives, each times the differential of its variable.")
INSERT = Rule("insert", "What was derived above is inserted.")
NORMALIZED = Rule("divide by the length", "The direction is divided by its length.")
STRUCTURED = Rule(
    "structure", "The gradient by the free entries: entries that are one variable are added, entries that are none are left out."
)
IN_DIRECTION = Rule("Hessian times a direction", "H*u is the derivative of the gradient along u.")


def of_function(row: Row) -> Rule:
    """The rule that is a row of the function table."""
    return Rule(f"derivative of {row.name}", "", row)


def of_all_entries(row: Row) -> Rule:
    """The same for a function of all entries of a matrix, such as the Frobenius norm."""
    return Rule(f"derivative of {row.name}", "", row, True)


def shortening(names: tuple[str, ...]) -> Rule:
    """The simplifier's rules by their names in its table."""
    return Rule(f"simplify: {', '.join(names)}", SIMPLIFY.statement) if names else SIMPLIFY
