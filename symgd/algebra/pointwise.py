"""Scalar identities, found by SymPy: sin² + cos² = 1, log(x·y)-like forms, common denominators.

A *cluster* is a part of an expression that works entry by entry: sums, entrywise products and elementwise functions of one
shape. What is inside a cluster and is none (a variable, a matrix product, a norm) is an atom, a SymPy symbol. Each cluster goes
to SymPy with a budget of time; where SymPy is not done by then, fails, or finds nothing shorter, the cluster stays as it was.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

from symgd.algebra import expression as ex
from symgd.algebra.expression import Add, Contract, Expression, Irrational, Leaf, Map
from symgd.algebra.functions import table
from symgd.algebra.functions.row import Elementwise
from symgd.algebra.functions.table import POWER
from symgd.algebra.simplify import simplified

LARGEST = 200  # nodes of a cluster that SymPy is asked about
_Result = TypeVar("_Result")


def pointwise_simplified(root: Expression, seconds: float) -> Expression:
    """The expression with every cluster replaced by the shortest form that SymPy finds, in about `seconds` altogether."""
    import sympy.simplify.simplify  # noqa: F401  before the clock starts

    ends = time.monotonic() + seconds
    order = ex.topological(root)
    inside = {node for node in order if _is_entrywise(node)}
    parents: dict[Expression, list[Expression]] = {}
    for node in order:
        for child in node.children:
            parents.setdefault(child, []).append(node)
    tops = [node for node in order if node in inside and not all(parent in inside for parent in parents.get(node, [root]))]
    if root in inside:
        tops.append(root)
    replaced = {top: shorter for top in dict.fromkeys(tops) if (shorter := _shorter(top, inside, ends)) is not top}
    return simplified(ex.substitute(root, replaced)) if replaced else root


def _is_entrywise(node: Expression) -> bool:
    """Does the node work entry by entry on children of its own shape (or on numbers)?"""
    if isinstance(node, Contract):
        axes = tuple(range(node.rank))
        return bool(node.children) and all(labels in ((), axes) for labels in node.labels)
    return isinstance(node, Add | Map)


def _shorter(top: Expression, inside: set[Expression], ends: float) -> Expression:
    if len(ex.topological(top)) > LARGEST:
        return top
    atoms: dict[Expression, Any] = {}
    try:
        before = _to_sympy(top, inside, atoms)
        import sympy

        after = within(max(0.0, ends - time.monotonic()), lambda: sympy.simplify(before))
        found = _from_sympy(after, {symbol: atom for atom, symbol in atoms.items()}) if after is not None else top
    except (_NoForm, TypeError, ValueError, ArithmeticError, AttributeError):
        return top  # SymPy has no form for it, or met one of its own faults
    if found.shape != top.shape:
        found = ex.broadcast(found, top.shape)
    return found if _size(found) < _size(top) else top


def _size(root: Expression) -> int:
    """How long the expression is when written out, shared parts as often as they are used."""
    sizes: dict[Expression, int] = {}
    for node in ex.topological(root):
        sizes[node] = 1 + sum(sizes[child] for child in node.children)
    return sizes[root]


class _NoForm(Exception):
    """Something that one of the two sides cannot say."""


class _OutOfTime(BaseException):
    """Sent into work that takes too long; no `except Exception` on the way holds it up."""


def within(seconds: float, work: Callable[[], _Result]) -> _Result | None:
    """The result of the work, or None where it takes longer: it is then interrupted by an exception, in whatever thread it runs."""
    if seconds <= 0:
        return None
    thread, lock, over, sent = ctypes.c_ulong(threading.get_ident()), threading.Lock(), False, False

    def stop() -> None:
        nonlocal sent
        with lock:
            if not over:
                sent = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_OutOfTime))

    clock = threading.Timer(seconds, stop)
    clock.daemon = True
    result, fault = None, None
    try:
        clock.start()
        try:
            result = work()
        except Exception as error:
            fault = error
        with lock:
            over = True
        while sent:  # it is on its way, and must arrive here: withdrawing it would leave the interpreter waiting for it
            time.sleep(0.001)
    except _OutOfTime:
        return None
    finally:
        over = True
        clock.cancel()
    if fault is not None and not isinstance(fault, RecursionError):
        raise fault
    return result


def _to_sympy(top: Expression, inside: set[Expression], atoms: dict[Expression, Any]) -> Any:
    import sympy

    done: dict[Expression, Any] = {}
    waiting = [top]
    while waiting:
        node = waiting[-1]
        opened = node in inside
        missing = [child for child in node.children if opened and child not in done]
        if missing and node not in done:
            waiting += missing
            continue
        waiting.pop()
        if node in done:
            continue
        value = ex.constant_value(node)
        if value is not None:
            done[node] = sympy.Rational(value.numerator, value.denominator)
        elif isinstance(node, Irrational):
            done[node] = sympy.pi if node.name == "pi" else sympy.E
        elif not opened:
            done[node] = atoms.setdefault(node, _symbol(node, len(atoms)))
        elif isinstance(node, Add):
            done[node] = sympy.Add(*[_rational(c) * done[child] for c, child in node.terms])
        elif isinstance(node, Contract):
            done[node] = _rational(node.coefficient) * sympy.Mul(*[done[child] for child in node.children])
        else:
            assert isinstance(node, Map)
            done[node] = node.function.sympy(*[done[child] for child in node.children])
    return done[top]


def _rational(value: Fraction) -> Any:
    import sympy

    return sympy.Rational(value.numerator, value.denominator)


def _symbol(atom: Expression, number: int) -> Any:
    import sympy

    positive = True if isinstance(atom, Leaf) and "> 0" in atom.kind else None
    return sympy.Symbol(f"atom{number}", real=True, positive=positive)


@cache
def rows_by_sympy() -> dict[Any, Elementwise]:
    """The rows whose SymPy form is one function of their arguments, by that function's class."""
    import sympy

    found: dict[Any, Elementwise] = {}
    for row in table.rows():
        if isinstance(row, Elementwise) and row is not POWER:
            arguments = sympy.symbols(f"x:{row.arity}", real=True)
            form = row.sympy(*arguments)
            if form.args == arguments:
                found.setdefault(form.func, row)
    return found


def _from_sympy(root: Any, atoms: dict[Any, Expression]) -> Expression:
    import sympy

    done: dict[Any, Expression] = dict(atoms)
    for node in sympy.postorder_traversal(root):
        if node in done:
            continue
        if node.is_Rational:
            done[node] = ex.constant(Fraction(int(node.p), int(node.q)))
        elif node in (sympy.pi, sympy.E):
            done[node] = ex.irrational("pi" if node == sympy.pi else "e")
        elif node.is_Add:
            done[node] = ex.add([done[a] for a in node.as_ordered_terms()])
        elif node.is_Mul:
            result: Expression = ex.constant(Fraction(1))
            for a in node.args:
                result = ex.multiply(result, done[a])
            done[node] = result
        elif node.is_Pow:
            done[node] = _power(done[node.base], done[node.exp])
        elif node.func in rows_by_sympy():
            done[node] = ex.apply(rows_by_sympy()[node.func], *[done[a] for a in node.args])
        else:
            raise _NoForm
    return done[root]


def _power(base: Expression, exponent: Expression) -> Expression:
    if base is ex.irrational("e"):
        return table.F.exp(exponent)
    half = ex.constant_value(exponent)
    if half is not None and abs(half) == Fraction(1, 2):
        return ex.power(table.F.sqrt(base), 1 if half > 0 else -1)
    return ex.power(base, exponent)
