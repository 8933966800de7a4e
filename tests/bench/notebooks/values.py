"""A value as what can be compared with another process's: type, shape and a digest of the bytes."""

from __future__ import annotations

import ctypes
import hashlib
import re
from typing import Any

import torch
from torch import Tensor, nn

DEEPEST = 6
MOST_ITEMS = 2_000
_PLAIN = (bool, int, float, complex, str, type(None))
_ADDRESS = re.compile(r"( at)? 0x[0-9a-f]{6,16}")
Print = Any  # JSON: lists, texts and None, where None is what can't be compared


def digest(tensor: Tensor) -> str:
    """Returns a digest of a tensor's bytes, in the order of its cells."""
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous()
    size = flat.numel() * flat.element_size()
    data = ctypes.string_at(flat.data_ptr(), size) if size else b""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def fingerprint(value: Any, depth: int = 0) -> Print:
    """Returns what a value is, down to the bytes of its tensors; None for what has no bytes to compare."""
    if isinstance(value, Tensor):
        if value.layout is not torch.strided or value.is_quantized:
            return None
        grad = value.requires_grad
        if nn.parameter.is_lazy(value):  # of a lazy layer: neither shape nor bytes yet
            return ["tensor", str(value.dtype), "uninitialized", grad]
        return ["tensor", str(value.dtype), list(value.shape), grad, digest(value)]
    cells = _tensor_of(value)
    if cells is not None:
        return ["array", str(cells.dtype), list(cells.shape), digest(cells)]
    if isinstance(value, torch.dtype | torch.device):
        return ["text", str(value)]
    for kind in _PLAIN:
        if isinstance(value, kind):  # whatever class of its own: a version of torch is a text
            return [kind.__name__, same_everywhere(repr(value))]
    if depth < DEEPEST and isinstance(value, nn.Module):
        tensors = {**dict(value.named_parameters()), **dict(value.named_buffers())}
        return ["module", {name: fingerprint(tensor, depth + 1) for name, tensor in tensors.items()}]
    if depth < DEEPEST and isinstance(value, list | tuple) and len(value) <= MOST_ITEMS:
        return [
            "list" if isinstance(value, list) else "tuple",
            [fingerprint(item, depth + 1) for item in value],
        ]
    if depth < DEEPEST and isinstance(value, dict) and len(value) <= MOST_ITEMS:
        pairs = [[fingerprint(key, depth + 1), fingerprint(item, depth + 1)] for key, item in value.items()]
        return ["dict", pairs]
    return None


def _tensor_of(value: Any) -> Tensor | None:
    """Returns the cells of an array or a number of numpy's, or of what stands for one; None for others."""
    if type(value).__name__ == "Array":
        found = getattr(value, "tensor", None)
        return found if isinstance(found, Tensor) else None
    if type(value).__module__ == "numpy" and hasattr(value, "dtype") and hasattr(value, "copy"):
        try:
            return torch.as_tensor(value.copy())
        except (TypeError, ValueError):  # of a dtype that torch lacks
            return None
    return None


def same_everywhere(text: str) -> str:
    """Returns a text without addresses in memory."""
    return _ADDRESS.sub("", text)


def alike(one: Print, other: Print) -> bool:
    """Returns whether two values are the same, as far as they can be compared."""
    if one is None or other is None:
        return True
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    return bool(one == other)
