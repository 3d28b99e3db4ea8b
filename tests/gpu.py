"""On a machine with a GPU: values, gradients and descents on the device against float64 on the processor, and how long they take.

    python tests/gpu.py

Nothing to do, and exit code 0, where torch sees no GPU. Exit code 1 where a number differs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import symgd
from symgd.bench.checking import WrongNumbers, check
from symgd.bench.problems import PROBLEMS, Case

DTYPES = {torch.float64: 1e-9, torch.float32: 1e-3}  # and what results agree to, of their largest entry: sums are in another order
BACKENDS = ("eager", "compile")
STEPS = 200


def values(case: Case, device: str, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(value, dtype=dtype, device=device) for name, value in case.both.items()}


def numbers(found: Any) -> list[Any]:
    value, slopes = found
    return [value.double().cpu(), *[slope.double().cpu() for slope in slopes.values()]]


def seconds(call: Callable[[], object], device: str) -> float:
    """Of one call, when the device has done what it was given."""
    synchronise = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(3):
        call()
    synchronise()
    begin = time.perf_counter()
    for _ in range(20):
        call()
    synchronise()
    return (time.perf_counter() - begin) / 20


def calls(case: Case, device: str) -> list[str]:
    """Check and time value and gradient in every dtype and backend; what is wrong, in words."""
    f, names, faults = symgd.formula(case.problem.formula, given=case.problem.given), list(case.parameters), []
    wanted = numbers(symgd.to_torch(f, gradient=names)(values(case, "cpu", torch.float64)))
    for dtype, tolerance in DTYPES.items():
        for backend in BACKENDS:
            program = symgd.to_torch(f, gradient=names, dtype=dtype, device=device, backend=backend)
            given = values(case, device, dtype)
            what = f"{case.problem.name}, {str(dtype).removeprefix('torch.')}, {program.backend} on {device}"
            found = program(given)
            try:
                check(numbers(found), wanted, tolerance)
            except WrongNumbers as error:
                faults.append(f"{what}: {error}")
                continue
            if found[0].device.type != device:
                faults.append(f"{what}: the result is on {found[0].device.type}")
            print(f"{what}: {1e6 * seconds(program.bind(given), device):,.0f} µs a call")
    return faults


def descent(case: Case, device: str) -> list[str]:
    """Check and time a descent at a fixed rate on the device; what is wrong, in words."""
    f, rate = symgd.formula(case.problem.formula, given=case.problem.given), case.problem.rate
    there, ends = {}, {}
    for place in ("cpu", device):
        begin = time.perf_counter()
        found = symgd.descend(f, start=case.parameters, data=case.data, rate=rate, steps=STEPS, device=place)
        there[place] = (time.perf_counter() - begin) / STEPS
        ends[place] = [torch.as_tensor(value).cpu() for value in found.parameters.values()]
    try:
        check(ends[device], ends["cpu"], DTYPES[torch.float64])
    except WrongNumbers as error:
        return [f"{case.problem.name}, descent on {device}: {error}"]
    print(f"{case.problem.name}, descent on {device}: {1e6 * there[device]:,.0f} µs a step, on the processor {1e6 * there['cpu']:,.0f}")
    return []


def main(device: str = "cuda", names: tuple[str, ...] = ("decay", "logistic", "network", "factorisation", "logistic_large")) -> int:
    if device == "cuda" and not torch.cuda.is_available():
        print("torch sees no GPU here: nothing is checked.")
        return 0
    faults: list[str] = []
    for name in names:
        case = Case.of(PROBLEMS[name])
        faults += calls(case, device)
        if case.problem.steps:
            faults += descent(case, device)
    for fault in faults:
        print(f"wrong: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
