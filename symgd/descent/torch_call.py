"""One call of a user's torch function with its gradients; everything that can go wrong there is a `Fault` with its name.

The inputs are fresh leaves, so that nothing of one call reaches the next. The gradient is asked twice of one graph, for two incoming
gradients: a backward that spends what it has saved, or takes the incoming gradient to be 1, is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from symgd.errors import ValueGivenError


class Fault(Exception):
    """What the user's function did wrong, in a sentence; `kind` in a word or two."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text = kind, text


@dataclass(frozen=True, slots=True)
class Results:
    """Arrays by name: the value, the gradients and those of second order; the gradients for the second incoming gradient.

    `missing` are variables for which no gradient came (None); they are 0 among the arrays.
    """

    first: Mapping[str, Tensor]
    again: Mapping[str, Tensor]
    missing: tuple[str, ...]


def callable_of(function: Any) -> Callable[..., Any]:
    """The function itself; of a subclass of `torch.autograd.Function` its `apply`."""
    if isinstance(function, type) and issubclass(function, torch.autograd.Function):
        found: Callable[..., Any] = function.apply
        return found
    if isinstance(function, type) or not callable(function):
        raise ValueGivenError(
            f"torch_function is {function!r}, which cannot be called with tensors.",
            hint="Give a function, a module, or a subclass of torch.autograd.Function.",
        )
    called: Callable[..., Any] = function
    return called


def called(
    function: Callable[..., Any],
    inputs: Mapping[str, Tensor],
    before: Mapping[str, Tensor] | None,
    by: Sequence[str],
    incoming: Sequence[Tensor],
    directions: Mapping[str, Tensor],
    shape: tuple[int, ...],
    keywords: bool,
) -> Results:
    """The value and the gradients `by` some inputs for two incoming gradients; with directions, the second order too.

    Between the call and its backward the function is called with the inputs `before`: what it keeps elsewhere than in the graph is lost.
    """
    given = {name: tensor.clone().requires_grad_(name in by) for name, tensor in inputs.items()}
    try:
        with torch.enable_grad():
            value = function(**given) if keywords else function(*given.values())
    except Exception as error:
        raise Fault("exception", f"the function raised {type(error).__name__}: {error}") from error
    _check_value(value, shape)
    for name, tensor in given.items():
        if not torch.equal(tensor.detach(), inputs[name]):
            raise Fault("input changed", f"the function changes its input {name}.")
    if not value.requires_grad:
        raise Fault(
            "detached", "the value does not depend on the variables for autograd: the function detaches it, or computes outside torch."
        )
    if before is not None:
        _other_call(function, before, by, keywords)
    leaves = [given[name] for name in by]
    # A backward that is not to be derived again says so only where its argument is to be.
    slopes = _gradients(value, leaves, incoming[0].clone().requires_grad_(bool(directions)), keep=True, create=bool(directions))
    missing = tuple(name for name, slope in zip(by, slopes) if slope is None)
    first = {"value": value.detach().clone(), **_filled(by, slopes, leaves)}
    first = {name: array.detach().clone() for name, array in first.items()}
    again = {
        name: array.detach().clone()
        for name, array in _filled(by, _gradients(value, leaves, incoming[1], keep=bool(directions)), leaves).items()
    }
    for name, leaf in given.items():
        if leaf.grad is not None:
            raise Fault("side effect", f"the backward writes into {name}.grad instead of returning the gradient.")
        if not torch.equal(leaf.detach(), inputs[name]):
            raise Fault("input changed", f"the backward changes the input {name}.")
    if directions:
        first |= {f"{name}, second order": array for name, array in _second(by, slopes, leaves, directions).items()}
    return Results(first, again, missing)


def _other_call(function: Callable[..., Any], inputs: Mapping[str, Tensor], by: Sequence[str], keywords: bool) -> None:
    given = {name: tensor.clone().requires_grad_(name in by) for name, tensor in inputs.items()}
    with suppress(Exception), torch.enable_grad():  # its faults were found at its own point
        function(**given) if keywords else function(*given.values())


def _check_value(value: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(value, Tensor):
        raise Fault("no tensor", f"the function returns a {type(value).__name__}, not a tensor.")
    if value.dtype != torch.float64:
        got = str(value.dtype).removeprefix("torch.")
        raise Fault("dtype", f"the function returns {got} for float64 inputs.")
    if tuple(value.shape) != shape:
        raise Fault("shape", f"the function returns the shape {tuple(value.shape)} where f has the shape {shape}.")


def _gradients(value: Tensor, leaves: Sequence[Tensor], incoming: Tensor, keep: bool, create: bool = False) -> list[Tensor | None]:
    kept = incoming.detach().clone()
    try:
        found = torch.autograd.grad(value, leaves, incoming, retain_graph=keep, create_graph=create, allow_unused=True)
    except Exception as error:
        raise Fault("backward", f"the backward raised {type(error).__name__}: {error}") from error
    if not torch.equal(incoming.detach(), kept):
        raise Fault("input changed", "the backward changes the incoming gradient in place.")
    return list(found)


def _filled(by: Sequence[str], slopes: Sequence[Tensor | None], leaves: Sequence[Tensor]) -> dict[str, Tensor]:
    """By name, 0 where nothing came; of the right shape and type."""
    found = {}
    for name, slope, leaf in zip(by, slopes, leaves):
        if slope is None:
            found[name] = torch.zeros_like(leaf)
            continue
        if slope.shape != leaf.shape:
            raise Fault("gradient shape", f"the gradient by {name} has the shape {tuple(slope.shape)}, and {name} {tuple(leaf.shape)}.")
        if slope.dtype != torch.float64:
            raise Fault("dtype", f"the gradient by {name} is {str(slope.dtype).removeprefix('torch.')} for float64 inputs.")
        found[name] = slope.to_dense() if slope.layout != torch.strided else slope
    return found


def _second(
    by: Sequence[str], slopes: Sequence[Tensor | None], leaves: Sequence[Tensor], directions: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The gradients of ⟨gradient, u⟩. Where a gradient is a constant for autograd, that is taken at its word: its derivative is 0."""
    along = [(slope * directions[name]).sum() for name, slope in zip(by, slopes) if slope is not None and slope.requires_grad]
    if not along:
        return {name: torch.zeros_like(leaf) for name, leaf in zip(by, leaves)}
    total = torch.stack(along).sum()
    try:
        torch.autograd.backward(total)  # the whole graph: a part that refuses may lie where no gradient by the inputs is looked for
    except Exception as error:
        raise Fault("second derivative", f"the backward of the gradient raised {type(error).__name__}: {error}") from error
    return {name: array.detach().clone() for name, array in _filled(by, [leaf.grad for leaf in leaves], leaves).items()}
