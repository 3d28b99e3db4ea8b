"""A program as a file of `torch.export` (.pt2), with every length left open, and beside it, as JSON, what it takes and gives."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from symgd.algebra.dimension import shape_text
from symgd.algebra.expression import Leaf
from symgd.errors import LoweringError
from symgd.lowering.compiled import compiled
from symgd.lowering.program import Program, Requirement

if TYPE_CHECKING:
    from symgd.lowering.torch_program import TorchProgram

ABOUT = "program.json"  # the extra file
_LEAST, _MOST = 5, 500  # lengths with which the program is traced


class _Module(nn.Module):
    def __init__(self, function: Callable[..., tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> tuple[Tensor, ...]:
        return self.function(*inputs)


def traced_files(program: TorchProgram, path: Path) -> dict[Path, bytes]:
    """The file, by its path. Raises `LoweringError` where torch cannot trace the program."""
    made = compiled(program.program, program.dtype, program.device)
    sizes = example_sizes(program.program)
    tensors = [_example(leaf, sizes, program) for leaf in program.program.inputs]
    given = (*tensors, *(sizes[name] for name in made.sizes))
    free = torch.export.Dim.DYNAMIC
    lengths = (*(dict.fromkeys(range(tensor.dim()), free) for tensor in tensors), *(free for _ in made.sizes))
    try:
        found = torch.export.export(_Module(made.function), given, dynamic_shapes={"inputs": lengths})
    except Exception as error:  # torch raises many kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise LoweringError(f"torch.export does not take this program: {reason}", hint="Export it to .py, or to .c.") from None
    about = {
        "formula": str(program.formula),
        "given": program.formula.given,
        "dtype": str(program.dtype),
        "inputs": [{"name": leaf.name, "shape": shape_text(leaf.shape)} for leaf in program.program.inputs],
        "sizes": list(made.sizes),
        "outputs": program.outputs,
    }
    buffer = io.BytesIO()
    torch.export.save(found, buffer, extra_files={ABOUT: json.dumps(about, ensure_ascii=False)})
    return {path: buffer.getvalue()}


def example_sizes(program: Program) -> dict[str, int]:
    """Lengths that differ from one another, and with which every entry that the program takes is there."""
    lengths = [length for leaf in program.inputs for length in leaf.shape]
    names = dict.fromkeys([*program.dimension_names(), *(name for length in lengths for name in length.names)])
    for least in range(_LEAST, _MOST):
        sizes = {name: least + 2 * k for k, name in enumerate(names)}
        enough = all(length.evaluate(sizes) >= 2 or not length.names for length in lengths)
        if enough and all(_holds(requirement, sizes) for requirement in program.requirements):
            return sizes
    raise LoweringError("no small lengths are found with which the program can be traced.", hint="Export it to .py, or to .c.")


def _holds(requirement: Requirement, sizes: dict[str, int]) -> bool:
    length = requirement.length.evaluate(sizes)
    return length >= 0 if requirement.position is None else 0 <= requirement.position.evaluate(sizes) < length


def _example(leaf: Leaf, sizes: dict[str, int], program: TorchProgram) -> Tensor:
    """Values do not matter, as a program has no branch on them; those near 1 are in most domains."""
    shape = [length.evaluate(sizes) for length in leaf.shape]
    made = torch.ones(shape, dtype=program.dtype, device=program.device)
    return torch.eye(*shape, dtype=program.dtype, device=program.device) if len(shape) == 2 else made
