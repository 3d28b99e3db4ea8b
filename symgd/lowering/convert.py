"""A value given for a variable as a tensor: numbers, nested lists, numpy arrays, tensors; everything else is refused by name."""

from __future__ import annotations

import numbers
from decimal import Decimal
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symgd.errors import ShapeError, ValueGivenError

_NUMBERS = "Give a number, a nested list, a numpy array or a tensor."


def as_tensor(name: str, value: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The value in this dtype on this device, without history; it shares memory with the value where it can.

    Raises `ValueGivenError` for what is no real number or array of them, `ShapeError` for lists that are not rectangular.
    """
    if isinstance(value, Tensor):
        return _from_tensor(name, value).to(device=device, dtype=dtype)
    if isinstance(value, float | int):
        return _number(name, value, dtype, device)
    if isinstance(value, np.ndarray):
        return _from_array(name, value, dtype, device)
    if value is None or isinstance(value, str | bytes | dict | set):
        raise ValueGivenError(f"the value given for {name} is {_described(value)}, not a number.", hint=_NUMBERS)
    if isinstance(value, list | tuple | range):
        return _from_list(name, value, dtype, device)
    if isinstance(value, complex | np.complexfloating):
        raise _complex(name)
    if isinstance(value, numbers.Number | Decimal) or hasattr(value, "__float__"):
        return _number(name, value, dtype, device)
    if hasattr(value, "__array__"):
        return _from_array(name, np.asarray(value), dtype, device)
    raise ValueGivenError(f"the value given for {name} is {_described(value)}, not a number.", hint=_NUMBERS)


def _number(name: str, value: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    try:
        return torch.tensor(float(value), dtype=dtype, device=device)
    except OverflowError:
        raise not_finite(name, "beyond the range of floating point") from None
    except (TypeError, ValueError):
        raise ValueGivenError(f"the value given for {name} is {_described(value)}, not a real number.", hint=_NUMBERS) from None


def _from_tensor(name: str, value: Tensor) -> Tensor:
    if value.is_complex():
        raise _complex(name)
    if value.layout != torch.strided or value.is_quantized or value.device.type == "meta":
        kind = "no values" if value.device.type == "meta" else "a layout other than dense"
        raise ValueGivenError(f"the tensor given for {name} has {kind}.", hint="Give a dense tensor, as value.to_dense() makes.")
    return value.detach()


def _from_array(name: str, value: np.ndarray[Any, Any], dtype: torch.dtype, device: torch.device) -> Tensor:
    if value.dtype.kind == "c":
        raise _complex(name)
    if value.dtype.kind == "O":
        return _from_list(name, value.tolist(), dtype, device)
    if value.dtype.kind not in "biuf":
        raise ValueGivenError(f"the array given for {name} holds {_kind(value)}, not numbers.", hint=_NUMBERS)
    if value.dtype.itemsize > 8 or not value.dtype.isnative:
        value = value.astype(np.float64)
    # torch takes neither negative strides nor arrays that may not be written to
    if not value.flags.writeable or any(stride < 0 for stride in value.strides) or value.dtype.kind == "u":
        value = np.array(value, dtype=np.float64)
    return torch.as_tensor(value).to(device=device, dtype=dtype)


def _from_list(name: str, value: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Nested lists of numbers; their depth and lengths are checked here, so that a message can say where they differ."""
    if isinstance(value, list | tuple) and value and all(isinstance(item, Tensor) for item in value):
        shapes = {tuple(item.shape) for item in value}
        if len(shapes) == 1:
            return torch.stack([_from_tensor(name, item) for item in value]).to(device=device, dtype=dtype)
    try:
        array = np.array(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind in "biuf":
        return _from_array(name, array, dtype, device)
    flat = _numbers(name, value, ())
    shape = _shape(name, value, ())
    return torch.tensor(flat, dtype=dtype, device=device).reshape(shape)


def _numbers(name: str, value: Any, at: tuple[int, ...]) -> list[float]:
    if isinstance(value, list | tuple | np.ndarray):
        return [entry for k, item in enumerate(value) for entry in _numbers(name, item, (*at, k))]
    if isinstance(value, complex | np.complexfloating):
        raise _complex(name)
    if value is None or isinstance(value, str | bytes):
        raise ValueGivenError(f"the value given for {name} has {_described(value)} at {place(at)}, not a number.", hint=_NUMBERS)
    try:
        return [float(value)]
    except OverflowError:
        raise not_finite(name, f"beyond the range of floating point at {place(at)}") from None
    except (TypeError, ValueError):
        raise ValueGivenError(f"the value given for {name} has {_described(value)} at {place(at)}, not a number.", hint=_NUMBERS) from None


def _shape(name: str, value: Any, at: tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        return ()
    shapes = [_shape(name, item, (*at, k)) for k, item in enumerate(value)]
    for k, shape in enumerate(shapes):
        if shape != shapes[0]:
            found, expected = _length(shape), _length(shapes[0])
            reason = f"the lists given for {name} are ragged: {found} at {place((*at, k))}, {expected} at {place((*at, 0))}."
            raise ShapeError(reason, hint="Every row has the same number of entries.")
    return (len(value), *(shapes[0] if shapes else ()))


def _length(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} {'entry' if shape[0] == 1 else 'entries'}" if shape else "a number"


def place(at: tuple[int, ...]) -> str:
    """A position in messages, counted from 1 as in formulas."""
    return f"[{', '.join(str(k + 1) for k in at)}]"


def not_finite(name: str, what: str) -> ValueGivenError:
    return ValueGivenError(f"the value given for {name} is {what}.", hint="Every value has to be a finite number.")


def _complex(name: str) -> ValueGivenError:
    return ValueGivenError(
        f"the value given for {name} is complex.", hint="Formulas are real: give the real and the imaginary part as two variables."
    )


def _kind(value: np.ndarray[Any, Any]) -> str:
    return {"U": "text", "S": "bytes", "M": "dates", "m": "durations"}.get(value.dtype.kind, f"{value.dtype}")


def _described(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return f"of type {type(value).__name__}"
