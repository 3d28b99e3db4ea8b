"""Who is measured: one row each. `needs` are the modules that have to be installed, `ways` how each kind of cell is done.

A way takes what the kind prepares (see `kinds`) and makes a call; it gives None where a package has no form of the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from symgd.bench import families, fits, other_ways, ours, torch_ways

Way = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """See the module."""

    name: str
    needs: tuple[str, ...]
    ways: Mapping[str, Way]

    @property
    def missing(self) -> str:
        """The module that is not installed, "" where all are."""
        return next((name for name in self.needs if find_spec(name) is None), "")


OURS = "symgd"  # the row that all ratios are to

PEERS: dict[str, Peer] = {
    row.name: row
    for row in (
        Peer(OURS, ("torch",), {"call": ours.call, "descent": ours.descent, "fit": fits.ours, "derive": families.ours, "cold": ours.call}),
        Peer("symgd, no compiler", ("torch",), {"call": ours.call_without_compiler, "cold": ours.call_without_compiler}),
        Peer("torch autograd", ("torch",), {"call": torch_ways.autograd, "cold": torch_ways.autograd, "descent": torch_ways.sgd}),
        Peer("torch.compile", ("torch",), {"call": torch_ways.compiled, "cold": torch_ways.compiled, "descent": torch_ways.compiled_steps}),
        Peer("torch.func", ("torch",), {"call": torch_ways.functional}),
        Peer(
            "JAX",
            ("jax",),
            {"call": other_ways.jax_call, "cold": other_ways.jax_call, "descent": other_ways.jax_steps, "derive": families.jax},
        ),
        Peer("numba", ("numba",), {"call": other_ways.numba_call, "cold": other_ways.numba_call, "descent": other_ways.numba_steps}),
        Peer("CasADi", ("casadi",), {"call": other_ways.casadi_call, "derive": families.casadi}),
        Peer("numpy by hand", ("numpy",), {"call": other_ways.closed, "descent": other_ways.closed_steps}),
        Peer("scipy", ("scipy",), {"fit": fits.scipy}),
        Peer("scipy, Jacobian by hand", ("scipy",), {"fit": fits.scipy_by_hand}),
        Peer("lmfit", ("lmfit",), {"fit": fits.lmfit}),
        Peer("SymPy", ("sympy",), {"derive": families.sympy}),
        Peer("symengine", ("symengine",), {"derive": families.symengine}),
        Peer("PyTensor", ("pytensor",), {"derive": families.pytensor}),
    )
}


def without_passes() -> dict[str, Peer]:
    """symgd on torch operations, and the same without one pass of the lowering each."""
    from symgd.lowering.passes import PASSES

    rows = [Peer(OURS, (), {"call": ours.call_without()})]
    rows += [Peer(f"without {name}", (), {"call": ours.call_without(name)}) for name in PASSES]
    return {row.name: row for row in [*rows, Peer("without all of them", (), {"call": ours.call_without(*PASSES)})]}
