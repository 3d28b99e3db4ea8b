"""`to_torch`: a formula and its gradient as a torch program, called with values by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from symgd.algebra.dimension import Dimension, shape_text
from symgd.algebra.expression import Expression, Leaf, leaves
from symgd.algebra.simplify import simplified_all
from symgd.calculus import derive
from symgd.errors import FormulaError, ShapeError
from symgd.formula import Formula, as_formula, unknown_name
from symgd.lowering.backends import Backend, Built
from symgd.lowering.compiled import Compiled, checked_backend, checked_device, checked_dtype
from symgd.lowering.lower import lower
from symgd.lowering.native.call import is_plain
from symgd.lowering.passes import ACCURATE, ALL, SIMPLIFIED, passes_without
from symgd.lowering.program import Program
from symgd.lowering.stable.rewrite import stable
from symgd.lowering.torch_source import torch_source
from symgd.lowering.values import Bound, Values

if TYPE_CHECKING:
    from symgd.lowering.module import SymbolicModule

Result = tuple[Tensor, dict[str, Tensor]]


def to_torch(
    f: Any,
    gradient: Sequence[str] | str = (),
    dtype: torch.dtype | None = torch.float64,
    device: Any = "cpu",
    backend: str = "eager",
    without: Sequence[str] | str = (),
) -> TorchProgram:
    """The formula as a torch program that returns its value and the gradient by each of the named variables.

    The gradient is the symbolic one, lowered together with the value, so that they share what they have in common; each
    entry has the shape of its variable. `backend` is "eager" (torch operations), "compile" (torch.compile), "native" (C, compiled
    once and kept on disk), "python" (plain floats, for a few numbers) or "auto"; see `symgd.lowering.backends`. The numbers are
    the same up to rounding. What cannot be had is replaced, and `p.backend.why` says why. `without` names passes that are left
    out, as "sharing", to see what they bring: see `symgd.lowering.passes`.

    Raises `FormulaError` for an unknown name, `ShapeError` for the gradient of an array, `LoweringError` for a dtype, device,
    backend or pass that is not there.

    >>> from symgd.formula import formula
    >>> p = to_torch(formula("(w*x - y)^2"), gradient=["w"])
    >>> value, grads = p(w=1.0, x=2.0, y=5.0)
    >>> value.item(), grads["w"].item()
    (9.0, -12.0)
    """
    backend, device, dtype = checked_backend(backend), checked_device(device), checked_dtype(dtype)
    f = as_formula(f)
    names = _gradient_names(f, gradient)
    return TorchProgram(f, names, dtype, device, backend, passes_without(without))


def _gradient_names(f: Formula, gradient: Any) -> list[str]:
    names = [gradient] if isinstance(gradient, str | Formula) else list(gradient or ())
    found = []
    known = f.known
    for name in names:
        text = str(name) if isinstance(name, Formula) else name
        if not isinstance(text, str):
            raise FormulaError(f"a variable is named by text, not by {name!r}.")
        if text not in known:
            unknown_name(text, known)
        if text in found:
            raise FormulaError(f"{text} is named twice in gradient.", hint="Name every variable once.")
        found.append(text)
    if found and f.shape:
        raise ShapeError(
            f"a gradient takes a scalar formula, and this one is {shape_text(f.shape)}.",
            hint="Lower the Jacobian: to_torch(symgd.jacobian(f, …)).",
        )
    return found


class TorchProgram:
    """A formula and its gradient as a function of values by name: `value, grads = p(A=A, x=x)` or `p({"lambda": 0.1})`.

    `backend` is the one that runs ("auto" has been resolved), `backend.why` the reason where there is one to tell. `operations`
    counts the scalar floating-point operations of one call, an expression in the dimensions (a whole number where it has none);
    `program` are the instructions.
    """

    def __init__(
        self, f: Formula, names: Sequence[str], dtype: torch.dtype, device: torch.device, backend: str, passes: frozenset[str] = ALL
    ) -> None:
        self.formula, self.names, self.dtype, self.device = f, tuple(names), dtype, device
        known = f.known
        parameters = tuple(known[name] for name in names)
        self.program: Program = _lowered(f.expression, f.origin, tuple(known.items()), parameters, passes)
        made = _built if backend == "eager" else Built  # what the others become depends on the machine as it is then
        self.built = made(self.program, dtype, device, backend, tuple(self.small))
        self.backend: Backend = self.built.backend
        self.compiled: Compiled = self.built.compiled
        required = dict.fromkeys([*f.variables, *(leaf.name for leaf in self.program.inputs)])
        self._values = Values(known, required, self.compiled.sizes, self.program.requirements, dtype, device)

    def __call__(self, values: Mapping[str, Any] | None = None, /, **keywords: Any) -> Result:
        """The value, and the gradients by name. Raises for values that do not fit: see `lowering.values`."""
        given = {**values, **keywords} if values else keywords
        again, native = self._values.again(given), self.built.native
        if again is None:
            bound = self._values.bind(given)
            value, *slopes = self.compiled.call(bound)
            arguments = self.compiled.arguments(bound)
            is_plain = native is None or any(not isinstance(argument, Tensor) for argument in arguments)
            self._values.remember(given, bound, arguments, None if is_plain or native is None else native.layout(arguments))
        elif native is not None:
            value, *slopes = native.run(*again)
        else:
            value, *slopes = self.compiled.function(*again[0])
        return value, dict(zip(self.names, slopes))

    def bound(self, values: Mapping[str, Any], later: Collection[str] = ()) -> Bound:
        """The values, checked, as tensors; of those `later`, `check_finite` is still to be called."""
        return self._values.bind(values, later)

    def check_finite(self, name: str, tensor: Tensor, value: Any) -> None:
        """Raise `ValueGivenError`, naming the entry, unless all entries of the tensor made of the value given are finite."""
        self._values.check_finite(name, tensor, value)

    def bind(self, values: Mapping[str, Any] | None = None, /, **keywords: Any) -> Callable[[], Result]:
        """A function without arguments that evaluates at these values, for tight loops.

        Tensors and arrays of the program's dtype and device are not copied: a call sees what they hold then, unchecked.
        Others are converted anew at every call; numbers and lists once. With the backends "python" and "auto", where all values
        are numbers and lists and few, nothing is a tensor: results without axes are floats.
        """
        given = {**(values or {}), **keywords}
        bound = self._values.bind(given)
        names, function = self.names, self.compiled.function
        scalars = self.built.scalars
        if scalars is not None and not bound.batch and all(isinstance(value, float | int | list | tuple) for value in given.values()):
            plain = scalars.plain
            tensors = [bound.tensors[leaf.name] for leaf in self.program.inputs]
            fast = scalars.bound(tensors, plain.arguments(bound), bound.sizes, names)
            if fast is not None:
                return fast
        fresh = [name for name, value in given.items() if name in bound.tensors and _is_copied(value, bound.tensors[name])]
        if fresh or bound.batch:
            return lambda: self._rebound(given, bound, fresh)
        arguments = self.compiled.arguments(bound)
        native = self.built.native
        if native is not None and all(is_plain(value) for value in arguments if isinstance(value, Tensor)):
            return _named(native.bound(arguments), names)
        return _named(lambda: function(*arguments), names)

    def _rebound(self, given: Mapping[str, Any], bound: Bound, fresh: Sequence[str]) -> Result:
        tensors = {**bound.tensors, **{name: torch.as_tensor(given[name]).detach().to(bound.tensors[name]) for name in fresh}}
        value, *slopes = self.compiled.call(Bound(tensors, bound.sizes, bound.batch))
        return value, dict(zip(self.names, slopes))

    def module(self, parameters: Mapping[str, Any] | None = None, /, **keywords: Any) -> SymbolicModule:
        """The value as an `nn.Module`, whose gradient is the symbolic one; the named variables become its parameters.

        See `SymbolicModule`.
        """
        from symgd.lowering.module import SymbolicModule

        return SymbolicModule(self, {**(parameters or {}), **keywords})

    @cached_property
    def source(self) -> str:
        """The program as readable torch source: a module with one function, `program`, of the inputs in order."""
        return torch_source(self.program, str(self.dtype), str(self.device), str(self.formula), self.outputs).text

    @property
    def outputs(self) -> list[str]:
        """What the program returns, in words."""
        return ["the value", *(f"the gradient by {name}" for name in self.names)]

    @property
    def small(self) -> list[str]:
        """The dimensions of the parameters, which are taken to be small beside those of the data."""
        known = self.formula.known
        return [name for parameter in self.names for length in known[parameter].shape for name in length.names]

    def export(self, path: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write the program to a file that needs no symgd, by the suffix of the path; the files written.

        `.py` is a torch module with one function, `program`; `.pt2` an `nn.Module` through `torch.export`, for arrays with at
        least 2 entries along every axis; `.c` C source, with a header beside it. Each takes the inputs in order, as its
        docstring, its extra file "program.json" or its header says, and gives the value and the gradients. What is there is
        replaced as a whole.

        Raises `ValueGivenError` for another suffix, or a file that cannot be written; `LoweringError` where the program has no
        such form.
        """
        from symgd.lowering.export.write import export

        return export(self, path)

    @property
    def operations(self) -> Dimension | int:
        """Scalar floating-point operations of one call: see `Program.operations`."""
        total = self.program.operations
        return total if total.constant is None else total.constant

    def __repr__(self) -> str:
        options = f"dtype={self.dtype}, device={str(self.device)!r}, backend={self.backend!r}"
        return f"TorchProgram({str(self.formula)!r}, gradient={list(self.names)}, {options})"


def _named(function: Callable[[], Sequence[Any]], names: Sequence[str]) -> Callable[[], Any]:
    """The results of a function as a value and a dict of gradients."""
    if len(names) == 1:
        (name,) = names

        def call_single() -> tuple[Any, dict[str, Any]]:
            value, slope = function()
            return value, {name: slope}

        return call_single

    def call() -> tuple[Any, dict[str, Any]]:
        value, *slopes = function()
        return value, dict(zip(names, slopes))

    return call


@lru_cache(maxsize=128)
def _lowered(
    value: Expression, origin: Expression, known: tuple[tuple[str, Leaf], ...], parameters: tuple[Leaf, ...], passes: frozenset[str]
) -> Program:
    """The program of a formula and its gradient; of formulas used lately it is kept."""
    roots = value_and_slopes(value, origin, parameters, passes)
    return lower(roots, used_inputs(roots, dict(known)), parameters, passes=passes)


@lru_cache(maxsize=128)
def _built(program: Program, dtype: torch.dtype, device: torch.device, backend: str, small: tuple[str, ...]) -> Built:
    return Built(program, dtype, device, backend, small)


def value_and_slopes(value: Expression, origin: Expression, parameters: Sequence[Leaf], passes: frozenset[str] = ALL) -> list[Expression]:
    """The value and its gradient in forms that keep their digits.

    The value is rewritten before it is derived, so that derivatives are those of named functions, and the gradient once more:
    its own cancellations are others than those of the value.
    """

    def accurate(roots: list[Expression], for_deriving: bool = False) -> list[Expression]:
        return stable(roots, for_deriving) if ACCURATE in passes else roots

    def simple(roots: list[Expression]) -> list[Expression]:
        return simplified_all(roots) if SIMPLIFIED in passes else roots

    if not parameters:
        return simple(accurate([value]))
    slopes = derive.gradient(accurate([origin], for_deriving=True)[0], parameters)
    return simple(accurate(simple([value, *slopes])))


def used_inputs(roots: Sequence[Expression], known: Mapping[str, Leaf]) -> list[Leaf]:
    """The variables that the expressions contain, in the order they are known by."""
    used = set(leaves(*roots))
    return [leaf for leaf in known.values() if leaf in used] + [leaf for leaf in leaves(*roots) if leaf not in set(known.values())]


def _is_copied(value: Any, tensor: Tensor) -> bool:
    """Was an array or tensor converted, so that the bound tensor does not follow it?"""
    if isinstance(value, Tensor):
        return value.data_ptr() != tensor.data_ptr()
    return hasattr(value, "__array_interface__") and value.__array_interface__["data"][0] != tensor.data_ptr()
