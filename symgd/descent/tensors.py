"""Files of named tensors in the safetensors format: a JSON heading, then the numbers; nothing in one is ever run.

Format: 8 bytes, the length of the heading, little-endian; the heading, {name: {dtype, shape, data_offsets}} and texts under
`__metadata__`; the bytes of all tensors (huggingface/safetensors, README, "Format").
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symgd.errors import ValueGivenError

_LONGEST = 100_000_000  # bytes of a heading
_TYPES = {
    torch.float64: ("F64", np.float64),
    torch.float32: ("F32", np.float32),
    torch.float16: ("F16", np.float16),
    torch.int64: ("I64", np.int64),
    torch.int32: ("I32", np.int32),
    torch.int16: ("I16", np.int16),
    torch.int8: ("I8", np.int8),
    torch.uint8: ("U8", np.uint8),
    torch.bool: ("BOOL", np.bool_),
}
_BY_TEXT: dict[str, Any] = dict(_TYPES.values())


def write_tensors(path: Path, tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> None:
    """Write a file, whole or not at all: beside it first, then in its place. Numbers of bfloat16 are written as float32."""
    heading: dict[str, Any] = {"__metadata__": dict(texts)}
    parts, offset = [], 0
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        plain = plain.float() if plain.dtype == torch.bfloat16 else plain
        text, _ = _TYPES[plain.dtype]
        content = plain.numpy().tobytes()
        heading[name] = {"dtype": text, "shape": list(plain.shape), "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
        parts.append(content)
    encoded = json.dumps(heading).encode()
    encoded += b" " * (-len(encoded) % 8)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            file.write(len(encoded).to_bytes(8, "little") + encoded)
            for content in parts:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Make the new name of a file last through a failure of power, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the texts of a file. Raises ValueGivenError where it is no such file, OSError where it cannot be read."""
    content = path.read_bytes()
    try:
        length = int.from_bytes(content[:8], "little")
        if len(content) < 8 or length > min(_LONGEST, len(content) - 8):
            raise ValueError("its heading is cut off")
        heading = json.loads(content[8 : 8 + length])
        texts = heading.pop("__metadata__", {})
        body = memoryview(content)[8 + length :]
        found = {name: _tensor(entry, body) for name, entry in heading.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueGivenError(f"{str(path)!r} is no safetensors file: {error}.") from None
    return found, {str(name): str(text) for name, text in texts.items()}


def _tensor(entry: Mapping[str, Any], body: memoryview) -> Tensor:
    first, last = entry["data_offsets"]
    shape = [int(length) for length in entry["shape"]]
    if entry["dtype"] not in _BY_TEXT:
        raise ValueError(f"numbers of type {entry['dtype']} are not read")
    kind = np.dtype(_BY_TEXT[entry["dtype"]])
    if not 0 <= first <= last <= len(body) or last - first != math.prod(shape) * kind.itemsize or min(shape, default=0) < 0:
        raise ValueError("its heading does not fit its length")
    return torch.from_numpy(np.frombuffer(bytes(body[first:last]), dtype=kind).reshape(shape).copy())
