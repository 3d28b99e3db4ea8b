"""Every pass can be left out, changes what it is for and no number; a pass that does wrong is caught when it ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from symgd import formula
from symgd.errors import LoweringError
from symgd.lowering import lower as lowering
from symgd.lowering.build import Builder
from symgd.lowering.passes import ACCURATE, ALL, FREED, ORDERED, PASSES, PRUNED, SETUP, SHARED, SIMPLIFIED, passes_without
from symgd.lowering.program import Program
from symgd.lowering.torch_program import to_torch

random = np.random.default_rng(7)
SIZES = {"N": 6, "d": 3, "h": 4, "m": 5, "n": 4, "r": 2}
LOSSES = [
    ("mean(softplus(X*w) - y.*(X*w))", {"X": "Nd", "w": "d", "y": "N"}, ["w"]),
    ("mean((tanh(tanh(X*W1)*W2)*v - y).^2)", {"X": "Nd", "W1": "dh", "W2": "hh", "v": "h", "y": "N"}, ["W1", "W2", "v"]),
    ("normF(M - U*V')^2", {"M": "mn", "U": "mr", "V": "nr"}, ["U", "V"]),
    ("mean((a*exp(-b*x) + c - y).^2) + sum([1, 2, 3])*a", {"x": "N", "y": "N", "a": "", "b": "", "c": ""}, ["a", "b", "c"]),
    ("(1-a)^2 + 100*(b-a^2)^2", {"a": "", "b": ""}, ["a", "b"]),
    ("u'*A*B*x + norm2(x)", {"u": "m", "A": "mn", "B": "nd", "x": "d"}, ["u", "x"]),
]


def lowered(loss, without=(), backend="eager"):
    text, axes, names = loss
    given = ", ".join(f"{name}[{','.join(row)}]" if row else name for name, row in axes.items())
    return to_torch(formula(text, given=given), gradient=names, backend=backend, without=without)


def values(loss):
    return {name: random.uniform(0.3, 1.2, [SIZES[axis] for axis in row]) for name, row in loss[1].items()}


@pytest.mark.parametrize("backend", ["eager", "native", "auto"])
@pytest.mark.parametrize("name", [*PASSES, None])
@pytest.mark.parametrize("loss", LOSSES, ids=[loss[0] for loss in LOSSES])
def test_the_numbers_stay_without_a_pass(loss, name, backend):
    """`None` leaves all of them out at once."""
    given = values(loss)
    wanted, wanted_slopes = lowered(loss)(given)
    value, slopes = lowered(loss, list(PASSES) if name is None else [name], backend)(given)
    torch.testing.assert_close(value, wanted, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(slopes, wanted_slopes, rtol=1e-12, atol=1e-13)


# ---- what each is for ------------------------------------------------------------------------------------------------


def test_accurate_forms_keep_digits():
    f = formula("log(1 + exp(x))")
    assert to_torch(f)(x=800.0)[0].item() == 800.0
    assert to_torch(f, without=[ACCURATE])(x=800.0)[0].item() == float("inf")


def test_simplification_saves_operations():
    f = formula("sum(x .* x .* x .* x)", given="x[n]")
    both = [to_torch(f, gradient=["x"], without=names).program.operations.evaluate({"n": 100}) for names in ((), [SIMPLIFIED])]
    assert both[0] < both[1]


def test_the_order_of_products_saves_operations():
    f = formula("A*B*x", given="A[m,n], B[n,k], x[k]")
    both = [to_torch(f, without=names).program.operations.evaluate({"m": 100, "n": 100, "k": 100}) for names in ((), [ORDERED])]
    assert both[0] < both[1] / 10


def test_sharing_saves_instructions():
    both = [len(to_torch("x^4 + sin(x^2)", gradient=["x"], without=names).program.instructions) for names in ((), [SHARED])]
    assert both[0] < both[1]


def test_dead_code_is_left_out():
    f = formula("x[1] + x[2]", given="x[3], y[n]")
    whole = to_torch(f, without=[PRUNED, SETUP, SHARED]).program
    assert len(to_torch(f).program.instructions) < len(whole.instructions)
    assert any(not uses for uses in whole.uses())


def test_setup_takes_constants():
    loss = LOSSES[3]
    assert lowered(loss).program.setup
    assert not lowered(loss, [SETUP]).program.setup


def test_arrays_are_freed():
    assert "del " in lowered(LOSSES[1]).source
    assert "del " not in lowered(LOSSES[1], [FREED]).source


# ---- planted faults --------------------------------------------------------------------------------------------------


GOOD = lowered(LOSSES[3]).program


def fault(change):
    with pytest.raises(LoweringError) as error:
        change()
    return str(error.value).splitlines()[0]


def test_an_instruction_made_twice_is_found():
    again = (*GOOD.instructions, GOOD.instructions[-1])
    last, reason = len(GOOD.instructions), f"it is the same as instruction {len(GOOD.instructions) - 1}"
    planted = {"instructions": again, "passes": ALL - {PRUNED}}
    assert fault(lambda: replace(GOOD, **planted)) == f"the program is invalid: instruction {last}, {again[-1].kind}: {reason}."


def test_a_constant_outside_setup_is_found():
    number = min(GOOD.setup)
    outside = frozenset(GOOD.setup - {number})
    users = [k for k in outside if number in GOOD.instructions[k].inputs]
    outside -= set(users)
    kind = GOOD.instructions[number].kind
    wanted = f"the program is invalid: instruction {number}, {kind}: it depends on no input and stands outside setup."
    assert fault(lambda: replace(GOOD, setup=outside)) == wanted


def shifted(program: Program) -> Program:
    """A pass that leaves an instruction out and forgets to count anew."""
    return replace(program, instructions=program.instructions[1:], passes=program.passes | {PRUNED})


def idle(name):
    """A pass that says it was there and did nothing."""
    return lambda program: replace(program, passes=program.passes | {name})


def everything(program: Program) -> Program:
    return replace(program, setup=frozenset(range(len(program.instructions))), passes=program.passes | {SETUP})


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        (PRUNED, shifted, r"it uses a value that is not there yet|it has another shape|it takes"),
        (PRUNED, idle(PRUNED), "nothing uses it"),
        (SETUP, idle(SETUP), "it depends on no input and stands outside setup"),
        (SETUP, everything, "it stands in setup and depends on an input"),
    ],
)
def test_a_pass_that_does_wrong_is_caught(name, broken, reason, monkeypatch):
    monkeypatch.setitem(lowering._MADE_LATER, name, broken)
    f = formula("sum(x .* [1, 2, 3])*2^2 + x[1]", given="x[3]")
    with pytest.raises(LoweringError, match=reason):
        lowering.lower([f.expression], list(f.leaves.values()))


def test_sharing_that_forgets_is_caught(monkeypatch):
    monkeypatch.setattr(Builder, "shares", property(lambda self: False, lambda self, value: None), raising=False)
    f = formula("x^4 + sin(x^2)")
    with pytest.raises(LoweringError, match="it is the same as instruction"):
        lowering.lower([f.expression], list(f.leaves.values()))


def test_a_pass_that_is_none_is_refused():
    with pytest.raises(LoweringError) as error:
        passes_without(["shared"])
    assert str(error.value) == "unknown pass 'shared'.\nDid you mean 'sharing'?"
    with pytest.raises(LoweringError) as error:
        to_torch("x^2", without="zzz")
    assert str(error.value).endswith(
        "Passes are accurate forms, simplification, contraction order, sharing, dead code, setup, early freeing."
    )
    assert passes_without(()) == ALL
