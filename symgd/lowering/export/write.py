"""A program written to a file that needs no symgd: a torch module, a program of `torch.export`, or C with its header.

The suffix of the path says which. A file that is there is replaced as a whole: what is written stands beside it under another
name until it is complete. Text of the user stands in comments and docstrings alone, where it cannot end them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from symgd.errors import ValueGivenError
from symgd.lowering.export.native import native_files
from symgd.lowering.export.python import python_files
from symgd.lowering.export.traced import traced_files

if TYPE_CHECKING:
    from symgd.lowering.torch_program import TorchProgram

Files = dict[Path, bytes]

KINDS: Mapping[str, Callable[[TorchProgram, Path], Files]] = {".py": python_files, ".pt2": traced_files, ".c": native_files}


def export(program: TorchProgram, path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """See `TorchProgram.export`."""
    target = Path(path)
    make = KINDS.get(target.suffix)
    if make is None:
        found = f"has the suffix {target.suffix!r}" if target.suffix else "has no suffix"
        hint = "Write .py for a torch module, .pt2 for torch.export, .c for C with a header."
        raise ValueGivenError(f"cannot export to {str(target)!r}: it {found}.", hint=hint)
    files = make(program, target)
    for place, content in files.items():
        _replace(place, content)
    return tuple(files)


def _replace(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            beside.write_bytes(content)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise ValueGivenError(f"cannot write {str(path)!r}: {(error.strerror or str(error)).lower()}.") from None
