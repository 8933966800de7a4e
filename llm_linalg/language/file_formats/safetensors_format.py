"""Safetensors files: the length of a header, the header in JSON, and the cells of all tensors one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.file_formats.format_errors import Charge, FormatError, cells_of, count_of

_LONGEST_HEADER = 1_000_000  # bytes: that of GPT-2 has 15,000
_DTYPES: Mapping[str, torch.dtype] = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32,
    "I64": torch.int64, "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32,
    "F64": torch.float64, "C64": torch.complex64,
}  # fmt: skip
_ODD = "its header is none of a safetensors file"


def read_tensors(data: bytes, charge: Charge) -> dict[str, Tensor]:
    """Return the tensors in a safetensors file by name, in the order of their cells.

    Raises:
        FormatError: If the header is none, or what it says can't be.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _LONGEST_HEADER):
        raise FormatError(_ODD)
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise FormatError(_ODD) from None
    if not isinstance(header, dict):
        raise FormatError(_ODD)
    header.pop("__metadata__", None)
    entries = [(name, *_entry(entry)) for name, entry in header.items()]
    entries.sort(key=lambda entry: entry[3])
    found, place = {}, 0
    for name, dtype, shape, begin, end in entries:
        count = count_of(shape)
        if begin != place or end - begin != count * dtype.itemsize or end > len(data) - 8 - length:
            raise FormatError(f"{name[:80]!r} does not lie where its header says")
        place = end
        charge(count)
        with untraced():
            found[name] = cells_of(data[8 + length + begin : 8 + length + end], dtype).reshape(shape)
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise FormatError("its header says one name twice")
    return found


def _entry(entry: Any) -> tuple[torch.dtype, tuple[int, ...], int, int]:
    """Return the dtype, the shape and the place that a header says."""
    match entry:
        case {"dtype": str(kind), "shape": [*shape], "data_offsets": [int(begin), int(end)]}:
            if kind not in _DTYPES:
                raise FormatError(f"its cells are of the kind {kind[:20]}")
            return _DTYPES[kind], tuple(shape), begin, end
    raise FormatError(_ODD)
