"""The textbook form: every rule holds on what it says and on random instances, and what is shortened keeps its value."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from random_expressions import SIZES, K, M, Maker, N, is_small, made, point_of
from reference import EXACT, evaluate_all, is_defined, largest_difference

from symgd import formula, gradient, hessian, jacobian
from symgd.algebra import expression as ex
from symgd.algebra import operations as op
from symgd.algebra.canonical import canonical
from symgd.algebra.expand import expanded
from symgd.algebra.expression import Add, Expression, Leaf
from symgd.algebra.shorten import RULES, shortened
from symgd.algebra.shorten.collect import collected
from symgd.algebra.shorten.expanding import Memory, multiplied_out
from symgd.algebra.shorten.length import length
from symgd.algebra.shorten.of_products import PRODUCTS
from symgd.algebra.shorten.product import Product, taken_apart
from symgd.algebra.shorten.rule import Rule
from symgd.algebra.simplify import simplified
from symgd.verify import sample

BY_NAME = [pytest.param(rule, id=rule.name) for rule in RULES]
INSTANCES = 25
LARGEST = 1e10


def read(rule: Rule, text: str) -> Expression:
    return simplified(formula(text, given=rule.given).origin)


def variants(rule: Rule) -> list[Expression]:
    """The left side as it is read, simplified first or not."""
    return [read(rule, rule.before), formula(rule.before, given=rule.given).origin]


def applied(rule: Rule, node: Expression) -> Expression | None:
    """What the rule alone makes of the node."""
    if rule not in PRODUCTS:
        return rule.apply(node, True)  # type: ignore[no-any-return]
    found = rule.apply(taken_apart(node), True)
    return found.node() if isinstance(found, Product) else None


def fault(rule: Rule, node: Expression, seed: int) -> str | None:
    """How the rule changes the value of the node; None where it does not apply or is right."""
    found = applied(rule, node)
    if found is None or not is_small(node, found):
        return None
    values = sample.point(ex.leaves(node, found), SIZES, Random(seed))
    before, after, *parts = evaluate_all([node, found, *node.children], values, SIZES)
    if not all(is_defined(part) and all(abs(entry) < LARGEST for entry in part.flat) for part in parts):
        return None  # the reference itself would have lost its digits
    if is_defined(before) and not (is_defined(after) and largest_difference(before, after) < EXACT):
        return f"{rule.name}: {before} became {after}"
    return None


def instance(rule: Rule, seed: int) -> Expression:
    """The left side with random expressions in the place of its variables; what is declared of one is true of them."""
    node = formula(rule.before, given=rule.given).origin
    random = Random(seed)
    replaced: dict[Expression, Expression] = {}
    for leaf in ex.leaves(node):
        value = Maker(random.choice).make(leaf.shape, 2).node
        if leaf.rank == 2 and leaf.shape[0] == leaf.shape[1]:  # one that has an inverse: V'V + I, and V − V' where it need not be symmetric
            square = ex.contract(1, [(value, ("k", 0)), (value, ("k", 1))], (0, 1)) + ex.identity(leaf.shape[0])
            value = square if leaf.kind else square + value - ex.transposed(value, (1, 0))
        if leaf.kind in ((), ("spd",)):
            replaced[leaf] = value
    return ex.substitute(node, replaced)


@pytest.mark.parametrize("rule", BY_NAME)
def test_a_rule_makes_the_right_side_of_the_left_one(rule: Rule) -> None:
    after = read(rule, rule.after)
    found = next((made for before in variants(rule) if (made := applied(rule, before)) is not None), None)
    assert found is not None, "the rule does not apply to its own left side"
    difference = expanded(found - after)
    assert difference is not None
    assert ex.is_zero(difference)


@pytest.mark.parametrize("rule", BY_NAME)
def test_a_rule_holds_on_random_instances(rule: Rule) -> None:
    nodes = [read(rule, rule.before), *(instance(rule, seed) for seed in range(INSTANCES))]
    assert [found for seed, node in enumerate(nodes) if (found := fault(rule, node, seed))] == []
    assert sum(applied(rule, node) is not None for node in nodes) > 1 or any(leaf.kind for leaf in ex.leaves(nodes[0]))


@pytest.mark.parametrize("rule", BY_NAME)
def test_a_rule_does_no_harm_where_it_should_not_apply(rule: Rule) -> None:
    """On random expressions, and on the left side with one of its variables in another place."""
    for seed in range(INSTANCES):
        node = simplified(made(Random(seed).choice, depth=3))
        assert fault(rule, node, seed) is None
        for part in ex.topological(instance(rule, seed)):
            assert fault(rule, part, seed) is None


def test_a_wrong_rule_is_found() -> None:
    softmax = next(rule for rule in PRODUCTS if rule.name == "softmax")

    def twice(product: Product, symmetry: bool) -> Product | None:
        found = softmax.apply(product, symmetry)
        return found and replace(found, coefficient=2 * found.coefficient)

    wrong = replace(softmax, apply=twice)
    assert fault(softmax, read(softmax, softmax.before), 1) is None
    # `fault` asks which table a rule is in by identity, so the wrong one is applied by hand.
    found = wrong.apply(taken_apart(read(softmax, softmax.before)), True)
    values = sample.point(ex.leaves(found.node()), SIZES, Random(1))
    before, after = evaluate_all([read(softmax, softmax.before), found.node()], values, SIZES)
    assert largest_difference(before, after) > EXACT


@pytest.mark.parametrize("seed", range(150))
def test_the_value_is_the_same(seed: int) -> None:
    root = simplified(made(Random(seed).choice, depth=4))
    if not ex.leaves(root) or not is_small(root):
        return
    values = point_of(ex.leaves(root))
    forms = [shortened(root), shortened(root, symmetry=True)]
    if not is_small(*forms):
        return
    before, *after = evaluate_all([root, *forms], values, SIZES)
    for form, value in zip(forms, after):
        assert form.shape == root.shape
        if is_defined(before):
            assert largest_difference(before, value) < EXACT
        assert length(form) <= length(root) or form is root


@pytest.mark.parametrize("seed", range(150))
def test_sums_keep_their_value(seed: int) -> None:
    """Sums that share factors: c·(a + b) multiplied out, collected again."""
    random = Random(seed)
    make = Maker(random.choice)
    shape = random.choice([(), (N,), (M, N), (N, N)])
    node = op.add([(random.choice((1, -1)), _product_of(make, random, shape)) for _ in range(3)]).node
    parts = multiplied_out(node)
    forms = [collected(simplified(node), Memory(symmetry=True)), ex.add([ex.scaled(c, unit) for c, unit in parts or ex.terms(node)])]
    if not is_small(node, *forms):
        return
    before, *after = evaluate_all([node, *forms], point_of(ex.leaves(node)), SIZES)
    if is_defined(before):
        assert all(largest_difference(before, value) < EXACT for value in after)


def _product_of(make: Maker, random: Random, shape: tuple) -> op.Value:  # type: ignore[type-arg]
    """A chain of a few leaves of this shape, with sums in it."""
    if not shape:
        length = random.choice((N, M))
        return op.multiply(op.transpose(_product_of(make, random, (length,))), make.leaf((length,)))
    inner = random.choice((N, M, K))
    left = op.add([(1, make.leaf((shape[0], inner))), (random.choice((1, -1)), make.leaf((shape[0], inner)))])
    if random.choice((True, False)):
        left = make.leaf((shape[0], inner))
    return op.multiply(left, make.leaf((inner, *shape[1:])))


def test_it_is_the_same_every_time() -> None:
    for seed in range(30):
        root = simplified(made(Random(seed).choice, depth=4))
        assert shortened(root) is shortened(root)
        assert canonical(shortened(shortened(root))) is not None


# What textbooks print. Sources: The Matrix Cookbook (2012), chapter 2; Magnus & Neudecker, Matrix Differential Calculus (2019);
# Boyd & Vandenberghe, Convex Optimization (2004), appendix A.4; Bishop, Pattern Recognition and Machine Learning (2006).
PRINTED = [
    ("x'*A*x", "x", "A[n,n], x[n]", "(A + A')*x"),
    ("norm2(A*x - b)^2", "x", "A[m,n], x[n], b[m]", "2*A'*(A*x - b)"),
    ("(x'*A*x)^2", "x", "A[n,n], x[n]", "2*(x'*A*x)*(A + A')*x"),
    ("(A*x - b)'*W*(A*x - b)", "x", "A[m,n], x[n], b[m], W[m,m]", "A'*(W + W')*(A*x - b)"),
    ("(X*b + c)'*D*(X*b + c)", "X", "X[m,n], b[n], c[m], D[m,m]", "(D + D')*(X*b + c)*b'"),
    ("logdet(X'*X)", "X", "X[m,n]", "2*X*inv(X'*X)"),
    ("det(X^3)", "X", "X[n,n]", "3*det(X^3)*inv(X)'"),
    ("det(X'*A*X)", "X", "X[n,n], A[n,n]", "2*det(X'*A*X)*inv(X)'"),
    ("log(abs(det(X)))", "X", "X[n,n]", "inv(X)'"),
    ("logdet(kron(X, A))", "X", "X[n,n], A[q,q]", "q*inv(X)'"),
    ("log(sum(exp(x)))", "x", "x[n]", "softmax(x)"),
    ("log(sum(exp(W*x))) - y'*W*x", "W", "W[k,n], x[n], y[k]", "(softmax(W*x) - y)*x'"),
    ("sum(log(1 + exp(-y.*(X*w))))", "w", "y[m], X[m,n], w[n]", "-X'*(y.*sigmoid(-y.*(X*w)))"),
    ("sum(log(cosh(A*x - b)))", "x", "A[m,n], x[n], b[m]", "A'*tanh(A*x - b)"),
    ("sum(relu(1 - y.*(X*w)).^2)", "w", "y[m], X[m,n], w[n]", "-2*X'*(relu(1 - y.*(X*w)).*y)"),
    ("sqrt(x'*x)", "x", "x[n]", "x/norm2(x)"),
    ("a'*(A.*X)*b", "X", "a[m], A[m,n], X[m,n], b[n]", "A.*(a*b')"),
    ("normF(X'*X - eye(n))^2", "X", "X[m,n]", "4*X*(X'*X - eye(n))"),
    ("tr(inv(X'*C*X)*A)", "X", "X[m,n], C[m,m] spd, A[n,n]", "-C*X*inv(X'*C*X)*(A + A')*inv(X'*C*X)"),
    ("y'*inv(K)*y/2 + logdet(K)/2", "K", "K[n,n] spd, y[n]", "inv(K)/2 - inv(K)*y*y'*inv(K)/2"),
    ("log(det(S))", "S", "S[n,n] spd", "inv(S)"),
    ("normF(X*X' - A)^2", "X", "X[m,n], A[m,m]", "2*(2*X*X' - A - A')*X"),
    ("normF(X*Q + ones(m)*t' - Y)^2", "t", "X[m,n], Q[n,n], t[n], Y[m,n]", "2*(X*Q + ones(m)*t' - Y)'*ones(m)"),
    ("x'*(A.*eye(n))'*y", "x", "A[n,n], x[n], y[n]", "y.*diag(A)"),
    ("sum(softmax(X, axis=1).*Y)", "X", "X[m,n], Y[m,n]", "Y.*softmax(X, axis=1) - softmax(X, axis=1)*diag(diag(Y'*softmax(X, axis=1)))"),
]


@pytest.mark.parametrize(("text", "name", "given", "printed"), PRINTED)
def test_gradients_are_printed_as_in_textbooks(text: str, name: str, given: str, printed: str) -> None:
    assert str(gradient(formula(text, given=given), name)) == printed


HESSIANS = [
    ("norm2(A*x - b)^2", "x", "A[m,n], x[n], b[m]", "2*A'*A"),
    ("log(sum(exp(x)))", "x", "x[n]", "diag(softmax(x)) - softmax(x)*softmax(x)'"),
    ("lse(A*x + b)", "x", "A[m,n], x[n], b[m]", "A'*(diag(softmax(A*x + b)) - softmax(A*x + b)*softmax(A*x + b)')*A"),
    ("det(A + t*B)", "t", "A[n,n], B[n,n], t", "(tr(inv(A + t*B)*B)^2 - tr(inv(A + t*B)*B*inv(A + t*B)*B))*det(A + t*B)"),
    ("-y'*log(softmax(z))", "z", "y[n], z[n]", "sum(y)*(diag(softmax(z)) - softmax(z)*softmax(z)')"),
    (
        "-(y'*log(sigmoid(X*w)) + (1 - y)'*log(1 - sigmoid(X*w)))",
        "w",
        "y[m], X[m,n], w[n]",
        "X'*diag(sigmoid(X*w).*sigmoid(-X*w))*X",
    ),
    ("sum(sqrt(1 + (A*x - b).^2) - 1)", "x", "A[m,n], x[n], b[m]", "A'*diag(1./(1 + (A*x - b).^2).^(3/2))*A"),
    ("sum(log(cosh(A*x - b)))", "x", "A[m,n], x[n], b[m]", "A'*diag(1 - tanh(A*x - b).^2)*A"),
    ("-logdet(A'*diag(w)*A)", "w", "A[m,n], w[m]", "(A*inv(A'*diag(w)*A)*A').^2"),
    ("tr(X'*A*X)", "X", "X[m,n], A[m,m]", "kron(eye(n), A + A')"),
    ("(x'*A*x)^2", "x", "A[n,n], x[n]", "2*(A + A')*x*x'*(A + A') + 2*(x'*A*x)*(A + A')"),
]


@pytest.mark.parametrize(("text", "name", "given", "printed"), HESSIANS)
def test_hessians_are_printed_as_in_textbooks(text: str, name: str, given: str, printed: str) -> None:
    assert str(hessian(formula(text, given=given), name)) == printed


def test_brackets_stay_as_the_author_set_them() -> None:
    f = formula("-(x - s)'*W*(x - s)", given="x[n], s[n], W[n,n] symmetric")
    assert str(gradient(f, "s")) == "2*W*(x - s)"
    assert str(jacobian(formula("tanh(A*x + b)", given="A[m,n], x[n], b[m]"), "x")) == "diag(1 - tanh(A*x + b).^2)*A"


def test_declared_symmetry_is_not_used_before_deriving() -> None:
    f = formula("x'*S'*y", given="S[n,n] symmetric, x[n], y[n]")
    assert str(gradient(f, "S")) == "y*x'"
    assert str(gradient(f, "x")) == "S*y"


def test_a_long_sum_is_left_alone() -> None:
    """The work of collecting grows with the square of the number of terms; past a limit like terms only are collected."""
    terms = [ex.leaf(f"a{k}") * ex.leaf("b") for k in range(200)]
    root = ex.add(terms)
    assert shortened(root) is root


def test_lengths_are_close_to_what_is_printed() -> None:
    import re

    texts = [row[0] for row in PRINTED] + [row[3] for row in PRINTED + HESSIANS]
    givens = [row[2] for row in PRINTED] + [row[2] for row in PRINTED + HESSIANS]
    for text, given in zip(texts, givens):
        if "kron" in text:
            continue  # written with packed axes, which are longer than their name
        node = formula(text, given=given).expression
        tokens = len(re.findall(r"\w+|\.[*/^]|\S", str(formula(text, given=given))))
        assert 0.6 * tokens - 3 <= length(simplified(node)) <= 1.4 * tokens + 3, (text, tokens, length(node))


def test_leaves_and_sums_are_their_own_form() -> None:
    x = ex.leaf("x", (N,))
    assert shortened(x) is x
    assert isinstance(x, Leaf)
    assert isinstance(shortened(x + ex.leaf("y", (N,))), Add)
