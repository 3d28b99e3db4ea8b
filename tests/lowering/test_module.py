"""Programs as modules: optimisers, autograd through them, second derivatives, torch.compile."""

from __future__ import annotations

import pytest
import torch

from symgd import LoweringError, ValueGivenError, formula, to_torch

F64 = torch.float64
LOSS = formula("mean((tanh(w*x) - y)^2)", given="x[n], y[n]")
PROGRAM = to_torch(LOSS, gradient=["w"])
X, Y = torch.tensor([1.0, 2.0, 3.0], dtype=F64), torch.tensor([0.2, 0.4, 0.6], dtype=F64)


def plain(w):
    return ((torch.tanh(w * X) - Y) ** 2).mean()


def test_the_optimisers_of_torch_descend():
    model = PROGRAM.module(w=1.0)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = model(x=X, y=Y)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]
    assert [name for name, _ in model.named_parameters()] == ["w"]


def test_first_and_second_derivatives_by_differences():
    w = torch.tensor(0.3, dtype=F64, requires_grad=True)
    module = PROGRAM.module()
    assert torch.autograd.gradcheck(lambda w: module(w=w, x=X, y=Y), (w,))
    assert torch.autograd.gradgradcheck(lambda w: module(w=w, x=X, y=Y), (w,))


def test_inside_a_larger_computation():
    v = torch.tensor(0.5, dtype=F64, requires_grad=True)
    got = torch.autograd.grad(PROGRAM.module()(w=v * v, x=X, y=Y) * 3, v)[0]
    wanted = torch.autograd.grad(plain(v * v) * 3, v)[0]
    torch.testing.assert_close(got, wanted, rtol=1e-14, atol=0)


def test_under_torch_compile():
    model = PROGRAM.module(w=0.3)
    compiled = torch.compile(model, fullgraph=True)
    compiled(x=X, y=Y).backward()
    w = torch.tensor(0.3, dtype=F64, requires_grad=True)
    torch.testing.assert_close(model.w.grad, torch.autograd.grad(plain(w), w)[0], rtol=1e-13, atol=0)


def test_names_that_modules_have_already():
    f = formula("train^2 + training^2 + a", given="train, training")
    model = to_torch(f, gradient=["train", "training"]).module(train=2.0, training=3.0)
    model(a=1.0).backward()
    assert {name: float(parameter.grad) for name, parameter in model.named_parameters()} == {"train_": 4.0, "training_": 6.0}


def test_a_batch():
    w = torch.tensor([1.0, 2.0], dtype=F64, requires_grad=True)
    s = torch.tensor(3.0, dtype=F64, requires_grad=True)
    value = to_torch(formula("s*w^2"), gradient=["w", "s"]).module()(w=w, s=s)
    value.sum().backward()
    assert w.grad.tolist() == [6, 12]
    assert float(s.grad) == 5.0


def test_parameters_are_copies():
    start = torch.tensor(1.0, dtype=F64)
    model = PROGRAM.module(w=start)
    with torch.no_grad():
        model.w.fill_(5.0)
    assert float(start) == 1.0


def test_a_state_is_saved_and_loaded():
    model, other = PROGRAM.module(w=1.0), PROGRAM.module(w=2.0)
    other.load_state_dict(model.state_dict())
    assert other.w.item() == 1.0


def test_refusals():
    with pytest.raises(ValueGivenError) as error:
        PROGRAM.module(x=X)
    assert str(error.value) == (
        "x cannot be a parameter: the program has no gradient by it.\nMake the program with gradient=['w', 'x'], or give x to the call."
    )
    with pytest.raises(ValueGivenError) as error:
        PROGRAM.module(w=1.0)(w=2.0, x=X, y=Y)
    assert str(error.value) == "w is a parameter of the module and is given to the call too.\nLeave w out."
    with pytest.raises(LoweringError) as refused:
        PROGRAM.module(w=1.0)(x=X.clone().requires_grad_(), y=Y)
    assert str(refused.value) == "x requires a gradient, and the program has none by it.\nMake the program with gradient=['w', 'x']."
