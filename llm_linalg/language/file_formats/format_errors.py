"""What all readers of files of tensors share: the error, the members of a zip file, cells out of bytes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from math import prod

import torch
from torch import Tensor

from llm_linalg.base.errors import FormatError as FormatError  # noqa: PLC0414 - for its readers
from llm_linalg.base.untraced import untraced

Charge = Callable[[int], None]
"""Charges the cells of a tensor before it is made; it may raise."""
MOST_BYTES = 150_000_000  # of a file, and of what it unfolds to
_MOST_MEMBERS, _MOST_AXES = 10_000, 64
_MEMBER = b"PK\x01\x02"  # what each entry of a zip file's list begins with
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    OSError,
    EOFError,
    OverflowError,
    KeyError,
    RuntimeError,  # one that is encrypted
    NotImplementedError,
)


def members_of(data: bytes) -> dict[str, bytes]:
    """Return the contents of a zip file by name.

    Raises:
        FormatError: If it is damaged, or unfolds to more than `MOST_BYTES`.
    """
    if data.count(_MEMBER) > _MOST_MEMBERS:  # before all of them are listed
        raise FormatError(f"it holds more than {_MOST_MEMBERS:,} parts")
    found: dict[str, bytes] = {}
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.filename in found:
                    raise FormatError("two of its parts have one name")
                with archive.open(entry, mode="r") as part:  # the size that it claims is not believed
                    content = part.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise FormatError(f"it unfolds to more than {MOST_BYTES:,} bytes")
                found[entry.filename] = content
    except FormatError:
        raise
    except _FAULTS:
        raise FormatError("it is damaged, or cut off") from None
    return found


def cells_of(data: bytes, dtype: torch.dtype) -> Tensor:
    """Return bytes as the cells of a tensor with one axis."""
    with untraced():
        if not data:
            return torch.empty(0, dtype=dtype)
        if dtype is torch.bool:  # any other byte would be neither true nor false
            return torch.frombuffer(bytearray(data), dtype=torch.uint8) != 0
        return torch.frombuffer(bytearray(data), dtype=dtype).clone()


def count_of(shape: Sequence[int]) -> int:
    """Return how many cells a shape has.

    Raises:
        FormatError: If it is no shape.
    """
    if len(shape) > _MOST_AXES or any(size.__class__ is not int or not 0 <= size < 2**62 for size in shape):
        raise FormatError("a shape in it is none")
    count = prod(shape)
    if count >= 2**62:
        raise FormatError("a shape in it is none")
    return count
