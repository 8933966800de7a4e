"""NumPy's files: an array with a short header before its cells (`.npy`), and zip files of such (`.npz`)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.file_formats.format_errors import (
    Charge,
    FormatError,
    cells_of,
    count_of,
    members_of,
)

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_HEADER = re.compile(
    r"\{ ?'descr': '([^']{1,20})', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\),? ?\}\s*"
)
_DTYPES: Mapping[str, torch.dtype] = {
    "|b1": torch.bool, "|i1": torch.int8, "|u1": torch.uint8, "<i2": torch.int16, "<i4": torch.int32,
    "<i8": torch.int64, "<f2": torch.float16, "<f4": torch.float32, "<f8": torch.float64,
}  # fmt: skip
_OBJECTS = "it holds Python's objects, which are never read: save arrays of numbers"


def read_array(data: bytes, charge: Charge) -> Tensor:
    """Return the array in an `.npy` file as a tensor.

    Raises:
        FormatError: If it holds other things than numbers, or is damaged.
    """
    if not data.startswith(_MAGIC) or len(data) < 12 or data[6] not in (1, 2, 3):
        raise FormatError("it is no file of np.save")
    start = 10 if data[6] == 1 else 12
    length = int.from_bytes(data[8:start], "little")
    found = (
        _HEADER.fullmatch(data[start : start + length].decode("latin-1"))
        if length < _LONGEST_HEADER
        else None
    )
    if found is None:
        is_objects = b"'|O'" in data[: start + _LONGEST_HEADER]
        raise FormatError(_OBJECTS if is_objects else "its header is none that np.save writes of numbers")
    if found[1] not in _DTYPES:
        raise FormatError(_OBJECTS if found[1] == "|O" else f"its numbers are of the kind {found[1]}")
    dtype = _DTYPES[found[1]]
    shape = tuple(int(size) for size in re.findall(r"\d+", found[3]))
    count, cells = count_of(shape), memoryview(data)[start + length :]
    if len(cells) != count * dtype.itemsize:
        raise FormatError(f"its header says {count:,} cells, and it holds others")
    charge(count)
    with untraced():
        flat = cells_of(bytes(cells), dtype)
        if found[2] == "False":
            return flat.reshape(shape)
        return flat.reshape(shape[::-1]).permute(*reversed(range(len(shape))))


def read_archive(data: bytes, charge: Charge) -> dict[str, Tensor]:
    """Return the arrays in an `.npz` file by name.

    Raises:
        FormatError: As for `read_array`.
    """
    return {
        name.removesuffix(".npy"): read_array(content, charge) for name, content in members_of(data).items()
    }
