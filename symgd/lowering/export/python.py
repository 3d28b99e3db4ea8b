"""A program as a Python file that imports torch alone: its source, with the functions of symgd it calls written out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from symgd.lowering import torch_arrays, torch_functions
from symgd.lowering.torch_source import HEADER, described, safe, torch_source

if TYPE_CHECKING:
    from symgd.lowering.torch_program import TorchProgram

_OUTSIDE = re.compile(r"\b[fg]\.(\w+)")  # a function of symgd in generated source
_USED = re.compile(r"(?<![\w.])(?:(\w+)\(|@(\w+)|(_[A-Z]\w*))")  # functions called, decorators, constants
_BEGINS = re.compile(r"(?:def )?(\w+)")
_IMPORTS = (
    ("math.", "import math"),
    ("Callable", "from collections.abc import Callable, Sequence"),
    ("Sequence", "from collections.abc import Callable, Sequence"),
    ("torch", "import torch"),
    ("Tensor", "from torch import Tensor"),
)


def python_files(program: TorchProgram, path: Path) -> dict[Path, bytes]:
    """The file, by its path."""
    made = torch_source(program.program, str(program.dtype), str(program.device), documented=False)
    body = made.text.removeprefix("\n".join(HEADER)).strip("\n")
    helpers = _helpers(_OUTSIDE.findall(body))
    body = _OUTSIDE.sub(r"\1", body)
    head, rest = body.rsplit("def program(", 1)
    first, *lines = rest.split("\n")
    parts = [*helpers, *([head.strip("\n")] if head.strip() else []), "\n".join([f"def program({first}", _CONTRACT, *lines])]
    code = re.sub(r"^(_[A-Z][^\n]*)\n\n+(?=_[A-Z])", r"\1\n", "\n\n\n".join(parts), flags=re.MULTILINE)
    imports = dict.fromkeys(line for word, line in _IMPORTS if word in code)
    text = [_docstring(program, made.sizes), "from __future__ import annotations", "", *_grouped(list(imports)), "", "", code, ""]
    return {path: "\n".join(text).encode("utf-8")}


_CONTRACT = '    """The values, in the order that the module says."""'


def _docstring(program: TorchProgram, sizes: Sequence[str]) -> str:
    lines = [
        *described(program.program, sizes, str(program.formula), program.outputs),
        f"Tensors are of {program.dtype} on {program.device}. Shapes and values are not checked.",
    ]
    return "\n".join([f'"""{safe(lines[0])}', "", *map(safe, lines[1:]), '"""', ""])


def _grouped(imports: Sequence[str]) -> list[str]:
    """Imports of the standard library, then torch."""
    standard = [line for line in imports if "torch" not in line]
    return [*standard, *([""] if standard else []), *(line for line in imports if "torch" in line)]


# ---- the functions of symgd ------------------------------------------------------------------------------------------


def _helpers(names: Sequence[str]) -> list[str]:
    """The source of the functions named, and of all that they use, in order."""
    known = {**_statements(torch_arrays), **_statements(torch_functions)}
    needed, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in known and name not in needed:
            needed.add(name)
            waiting += [word for words in _USED.findall(known[name]) for word in words if word]
    return [text for name, text in known.items() if name in needed]


@cache
def _statements(module: ModuleType) -> dict[str, str]:
    """The functions and constants of a module after its imports, by name."""
    source = inspect.getsource(module)
    lines = source[source.rindex("\nfrom torch import Tensor\n") :].split("\n")[2:]
    found: dict[str, str] = {}
    name = ""
    held: list[str] = []  # lines of the statement
    before: list[str] = []  # lines that stand in front of the next one
    for line in lines:
        begins = _BEGINS.match(line)
        if begins and not line.startswith((")", "]", "}")):
            name, held = begins[1], [*before, line]
            before = []
        elif line.startswith(("@", "# ")):
            if not line.startswith(("# fmt", "# ---")):
                before.append(line)
            continue
        elif name:
            held.append(line)
        if name:
            found[name] = "\n".join(held).rstrip()
    return found
