"""A program as an `nn.Module`: for torch's optimisers, inside larger networks, under `torch.compile`.

The backward pass returns the symbolic gradient, which the forward pass has computed together with the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from symgd.errors import LoweringError, ValueGivenError
from symgd.lowering.convert import as_tensor
from symgd.lowering.values import Bound

if TYPE_CHECKING:
    from symgd.lowering.compiled import Compiled
    from symgd.lowering.torch_program import TorchProgram


class SymbolicModule(nn.Module):
    """The value of a formula; `forward` takes the variables that are no parameters, by name, and returns the value.

    A parameter is registered under the name of its variable (with an underscore behind it where `nn.Module` has an attribute
    of that name). Only variables that the program computes a gradient by may require one; second derivatives are right too.

    >>> from symgd.formula import formula
    >>> from symgd.lowering.torch_program import to_torch
    >>> model = to_torch(formula("mean((w*x - y)^2)", given="x[n], y[n]"), gradient=["w"]).module(w=1.0)
    >>> loss = model(x=[1.0, 2.0, 3.0], y=[2.0, 4.0, 6.0])
    >>> loss.backward()
    >>> loss.item(), model.w.grad.item()
    (4.666666666666667, -9.333333333333334)
    """

    def __init__(self, program: TorchProgram, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        self._program = program
        self._registered: dict[str, str] = {}
        for name, value in parameters.items():
            if name not in program.names:
                hint = f"Make the program with gradient={[*program.names, name]}, or give {name} to the call."
                raise ValueGivenError(f"{name} cannot be a parameter: the program has no gradient by it.", hint=hint)
            tensor = as_tensor(name, value, program.dtype, program.device).clone()
            self._registered[name] = name if not hasattr(self, name) else name + "_"
            self.register_parameter(self._registered[name], nn.Parameter(tensor))

    def forward(self, values: Mapping[str, Any] | None = None, /, **keywords: Any) -> Tensor:
        program = self._program
        given: dict[str, Any] = {**(values or {}), **keywords}
        tensors = {name: value for name, value in given.items() if isinstance(value, Tensor)}
        for name, attribute in self._registered.items():
            if name in given:
                raise ValueGivenError(f"{name} is a parameter of the module and is given to the call too.", hint=f"Leave {name} out.")
            tensors[name] = getattr(self, attribute)
        for name, tensor in tensors.items():
            if tensor.requires_grad and name not in program.names:
                hint = f"Make the program with gradient={[*program.names, name]}."
                raise LoweringError(f"{name} requires a gradient, and the program has none by it.", hint=hint)
        bound = program.bound({**given, **{name: tensors[name].detach() for name in tensors}})
        # as they were given, with their history: autograd finds the way on through them
        differentiable = [tensors.get(name, bound.tensors[name]) for name in program.names]
        if bound.batch:
            differentiable = [value.expand(bound.batch) for value in differentiable]
        result: Tensor = _Symbolic.apply(program.compiled, bound, program.names, *differentiable)  # type: ignore[no-untyped-call]
        return result

    def extra_repr(self) -> str:
        return str(self._program.formula)


class _Symbolic(torch.autograd.Function):
    """The value with the gradients kept for the backward pass.

    Where the backward pass is itself differentiated, the gradients are computed once more with their history, so that second
    derivatives are those of the symbolic gradient.
    """

    @staticmethod
    def forward(context: Any, compiled: Compiled, bound: Bound, names: tuple[str, ...], *variables: Tensor) -> Tensor:
        value, *slopes = compiled.call(bound)
        context.save_for_backward(*variables, *slopes)
        context.made = compiled, bound, names
        return value

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Any, ...]:
        compiled, bound, names = context.made
        variables, slopes = context.saved_tensors[: len(names)], context.saved_tensors[len(names) :]
        if torch.is_grad_enabled():
            tensors = {name: variable.to(bound.tensors[name]) for name, variable in zip(names, variables)}
            _, *slopes = compiled.differentiable(Bound({**bound.tensors, **tensors}, bound.sizes, bound.batch))
        return (None, None, None, *[(upstream * slope).to(variable) for slope, variable in zip(slopes, variables)])
