"""What torch offers: autograd one operation at a time, `torch.compile`, `torch.func`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from symgd.bench.problems import Call, Case, Run


def _names() -> Any:
    import torch

    return SimpleNamespace(
        exp=torch.exp, tanh=torch.tanh, softplus=torch.nn.functional.softplus, mean=torch.mean, sum=torch.sum, sin=torch.sin
    )


def tensors(values: Any) -> dict[str, Any]:
    import torch

    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}


def autograd(case: Case) -> Call:
    import torch

    m, d = _names(), tensors(case.data)
    p = {name: value.clone().requires_grad_() for name, value in tensors(case.parameters).items()}
    leaves = list(p.values())

    def call() -> Sequence[Any]:
        value = case.problem.loss(m, p, d)
        return value, *torch.autograd.grad(value, leaves)

    return Call(call, lambda found: [found[0].detach(), *found[1:]])


def _value_and_gradient(case: Case) -> Callable[[Any, Any], Any]:
    import torch

    m = _names()
    function: Callable[[Any, Any], Any] = torch.func.grad_and_value(lambda p, d: case.problem.loss(m, p, d))
    return function


def functional(case: Case, compiled: bool = False) -> Call:
    import torch

    p, d, function = tensors(case.parameters), tensors(case.data), _value_and_gradient(case)
    if compiled:
        torch._dynamo.reset()
        function = torch.compile(function, fullgraph=True)

    return Call(lambda: function(p, d), lambda found: [found[1], *[found[0][name] for name in p]])


def compiled(case: Case) -> Call:
    return functional(case, compiled=True)


def sgd(case: Case) -> Run:
    """The loop that one writes: zero_grad, backward, step."""
    import torch

    m, d, start = _names(), tensors(case.data), tensors(case.parameters)

    def run(steps: int) -> Sequence[Any]:
        p = {name: value.clone().requires_grad_() for name, value in start.items()}
        optimiser = torch.optim.SGD(p.values(), lr=case.problem.rate)
        for _ in range(steps):
            optimiser.zero_grad(set_to_none=True)
            case.problem.loss(m, p, d).backward()
            optimiser.step()
        return [value.detach() for value in p.values()]

    return run


def compiled_steps(case: Case) -> Run:
    """A loop over one step, compiled."""
    import torch

    d, start, rate, function = tensors(case.data), tensors(case.parameters), case.problem.rate, _value_and_gradient(case)

    def moved(p: Any, d: Any) -> Any:
        slopes, _ = function(p, d)
        return {name: value - rate * slopes[name] for name, value in p.items()}

    torch._dynamo.reset()
    step = torch.compile(moved, fullgraph=True)

    def run(steps: int) -> Sequence[Any]:
        p = start
        for _ in range(steps):
            p = step(p, d)
        return list(p.values())

    return run
