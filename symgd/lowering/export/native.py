"""A program as C source with a header: the source that symgd itself compiles, under a name made of that of the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from symgd.errors import LoweringError, ValueGivenError
from symgd.lowering.native.call import row_dimension, unavailable
from symgd.lowering.native.library import FLAGS
from symgd.lowering.native.source import native_source
from symgd.lowering.torch_source import described, visible

if TYPE_CHECKING:
    from symgd.lowering.torch_program import TorchProgram

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


def native_files(program: TorchProgram, path: Path) -> dict[Path, bytes]:
    """The header and the source. Raises `LoweringError` where the program has no C form."""
    if not _NAME.fullmatch(path.stem):
        raise ValueGivenError(f"{path.name!r} is no name for C source.", hint="Write letters from A to Z, digits, _ and -, as in loss.c.")
    reason = unavailable(program.program, program.dtype, program.device)
    if reason:
        raise LoweringError(f"the program has no form in C: {reason}.", hint="Export it to .py, or to .pt2.")
    name = f"symgd_{path.stem.replace('-', '_')}"
    single = program.dtype == torch.float32
    source = native_source(program.program, row_dimension(program.program, program.small), single).replace("symgd_call", name)
    flags = " ".join(flag for flag in FLAGS if flag not in ("-shared", "-fPIC"))
    top = [f"/* Made by symgd; {path.stem}.h says what it computes. cc {flags} -c {path.name}, and link with -lm. */"]
    code = "\n".join([*top, f'#include "{path.stem}.h"', "", source.rstrip("\n"), ""])
    return {path.with_suffix(".h"): _header(program, name, single).encode("utf-8"), path: code.encode("utf-8")}


def _header(program: TorchProgram, name: str, single: bool) -> str:
    made, real = program.program, "float" if single else "double"
    names = made.dimension_names()
    dimensions = [f"sizes[{k}]: {dimension}" for k, dimension in enumerate(names)]
    lines = [re.sub(r"^x(\d+):", r"in[\1]:", line) for line in described(made, (), str(program.formula), ())]
    about = [
        *lines,
        *(f"out[{k}]: {what}" for k, what in enumerate(program.outputs)),
        *(dimensions or ["sizes: not read"]),
        "",
        "Arrays lie row by row and do not overlap; a scalar is an array of one entry. At most `threads` threads are used; the sums are",
        "the same whatever their number. Shapes and values are not checked. Returns 0, or 1 where there is no memory.",
    ]
    guard = f"{name.upper()}_H"
    return "\n".join(
        [
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            *_comment(about),
            "#ifdef __cplusplus",
            'extern "C"',
            "#endif",
            f"int {name}(const {real} *const *in, {real} *const *out, const long *sizes, long threads);",
            "",
            "#endif",
            "",
        ]
    )


def _comment(lines: Sequence[str]) -> list[str]:
    """Lines as a comment, which none of them can end."""
    first, *rest = [visible(line).replace("*/", "* /").replace("/*", "/ *") for line in lines]
    return [f"/* {first}", *(f"   {line}".rstrip() for line in rest), "*/"]
