"""What `torch.save` wrote: a zip file with a pickle in it, whose few harmless words are read as data.

No pickle is run, not even by torch's own careful reader, which a file can still keep busy for ever. The words
of the pickle are gone through one by one; one that is not among those here, or a name that is not, ends the
reading. What `torch.load(…, weights_only=True)` makes of a file that is read is the same.
"""

from __future__ import annotations

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.untraced import untraced
from llm_linalg.language.containers import MAX_INTEGER_KEY
from llm_linalg.language.file_formats.format_errors import (
    Charge,
    FormatError,
    cells_of,
    count_of,
    members_of,
)

_MOST_PICKLE = 1_000_000  # bytes: that of GPT-2 has some 20,000
_MOST_BITS = 128  # of a whole number
_ZIP = b"PK\x03\x04"
_STORAGES: Mapping[str, torch.dtype] = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool, "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}  # fmt: skip
_KEYS = (str, int, float, bool, type(None))  # hashed at once: tuples in tuples could take for ever
_ODD = "its pickle is none that torch.save writes of tensors, lists and numbers"
NOT_ZIPPED = "it is no zip file, as torch.save has written since torch 1.6: save it anew"


@dataclass(frozen=True, slots=True)
class _Storage:
    """The cells of one or more tensors."""

    cells: Tensor


def read_checkpoint(data: bytes, charge: Charge) -> Any:
    """Return the tensors, dicts, lists and plain values that a file of `torch.save` holds.

    Raises:
        FormatError: If it holds anything else, or is damaged.
    """
    if not data.startswith(_ZIP):
        raise FormatError(NOT_ZIPPED)
    members = members_of(data)
    homes = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")]
    if len(homes) != 1:
        raise FormatError("it holds no data.pkl, as a file of torch.save does")
    if f"{homes[0]}constants.pkl" in members:
        raise FormatError("it is a TorchScript program: save model.state_dict()")
    if members.get(f"{homes[0]}byteorder", b"little") != b"little":
        raise FormatError("its numbers are big-endian")
    words = members[f"{homes[0]}data.pkl"]
    if len(words) > _MOST_PICKLE:
        raise FormatError(f"its list of names has more than {_MOST_PICKLE:,} bytes")
    return _Reader(members, homes[0], charge).read(words)


class _Reader:
    """Reads the words of one pickle.

    Args:
        members: The parts of the zip file.
        home: The folder in it.
        charge: Charges the cells of each tensor.
    """

    def __init__(self, members: Mapping[str, bytes], home: str, charge: Charge) -> None:
        self._members, self._home, self._charge = members, home, charge
        self._storages: dict[str, _Storage] = {}
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def read(self, words: bytes) -> Any:
        """Return what the words make."""
        try:
            for opcode, argument, _ in pickletools.genops(words):
                if opcode.name == "STOP":
                    break
                does = _WORDS.get(opcode.name)
                if does is None:
                    raise FormatError(_ODD)
                does(self, argument)
            (value,) = self._stack
        except (ValueError, IndexError, KeyError, TypeError) as error:
            raise error if isinstance(error, FormatError) else FormatError(_ODD) from None
        if self._marks:
            raise FormatError(_ODD)
        return value

    def push(self, value: Any) -> None:
        """Put a value onto the stack."""
        self._stack.append(value)

    def push_number(self, value: int) -> None:
        """Put a whole number onto it."""
        if value.bit_length() > _MOST_BITS:
            raise FormatError(f"it holds a whole number of more than {_MOST_BITS} bits")
        self.push(value)

    def mark(self, _: Any) -> None:
        """Begin a list of values."""
        self._marks.append(self._stack)
        self._stack = []

    def marked(self) -> list[Any]:
        """Return the values since the mark."""
        values, self._stack = self._stack, self._marks.pop()
        return values

    def remember(self, place: int) -> None:
        """Remember the value on top."""
        self._memo[place] = self._stack[-1]

    def recall(self, place: int) -> None:
        """Put a value onto the stack that was remembered."""
        self.push(self._memo[place])

    def last(self, count: int) -> list[Any]:
        """Take so many values from the stack."""
        return [self._stack.pop() for _ in range(count)][::-1]

    def append(self, values: list[Any]) -> None:
        """Append values to the list on top."""
        items = self._stack[-1]
        if items.__class__ is not list:
            raise FormatError(_ODD)
        items += values

    def set_items(self, values: list[Any]) -> None:
        """Put pairs into the dict on top."""
        items = self._stack[-1]
        if items.__class__ not in (dict, OrderedDict):
            raise FormatError(_ODD)
        for key, value in zip(values[::2], values[1::2], strict=True):
            if key.__class__ not in _KEYS:
                raise FormatError("a key in it is neither text nor a number")
            if key.__class__ is int and not -MAX_INTEGER_KEY < key < MAX_INTEGER_KEY:
                raise FormatError("a whole number that is a key in it is very large")
            items[key] = value

    def name(self, dotted: str) -> None:
        """Put what a name means here onto the stack."""
        if dotted not in _NAMES:
            raise FormatError(
                f"it needs {dotted.replace(' ', '.')[:80]}, and tensors, lists, dicts, text and numbers "
                "alone are read: save model.state_dict()"
            )
        self.push(_NAMES[dotted])

    def reduce(self, _: Any) -> None:
        """Make the tensor, or whatever else, that a name and its arguments stand for."""
        arguments, made = self._stack.pop(), self._stack.pop()
        if not isinstance(made, _Maker) or arguments.__class__ is not tuple:
            raise FormatError(_ODD)
        self.push(made.does(self, *arguments))

    def build(self, _: Any) -> None:
        """Leave out what is put onto an object: torch notes there which version wrote a dict of weights."""
        self._stack.pop()
        if self._stack[-1].__class__ is not OrderedDict:
            raise FormatError(_ODD)

    def storage(self, _: Any) -> None:
        """Put the cells onto the stack that an entry of the zip file holds."""
        kind, dtype, key, _place, count = self._stack.pop()
        if kind != "storage" or not isinstance(dtype, _StorageKind) or key.__class__ is not str:
            raise FormatError(_ODD)
        if key not in self._storages:
            data = self._members.get(f"{self._home}data/{key}")
            if data is None or count.__class__ is not int or len(data) != count * dtype.dtype.itemsize:
                raise FormatError("the cells that it names are not in it")
            self._charge(count)
            self._storages[key] = _Storage(cells_of(data, dtype.dtype))
        self.push(self._storages[key])

    def tensor(
        self,
        storage: Any,
        offset: Any,
        shape: Any,
        strides: Any,
        requires_grad: Any,
        _hooks: Any,
        _metadata: Any = None,
    ) -> Tensor:
        """Return the tensor that lies in a storage at a place.

        Raises:
            FormatError: If a part of it would lie outside.
        """
        if not isinstance(storage, _Storage) or shape.__class__ is not tuple or _metadata:
            raise FormatError(_ODD)
        count_of((*shape, offset))
        count_of(strides)
        count = count_of(shape)
        last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        with untraced():
            cells = storage.cells
            if count and last >= cells.numel():
                raise FormatError("a tensor in it reaches beyond its cells")
            self._charge(count if count > cells.numel() else 0)  # more than it has where strides are 0
            made = cells.as_strided(shape, strides, offset if count else 0)
            return made.requires_grad_() if requires_grad is True else made

    def parameter(self, tensor: Any, requires_grad: Any, _hooks: Any) -> nn.Parameter:
        """Return a parameter."""
        if not isinstance(tensor, Tensor):
            raise FormatError(_ODD)
        with untraced():
            return nn.Parameter(tensor.detach(), requires_grad is True)


@dataclass(frozen=True, slots=True)
class _StorageKind:
    """The name of a kind of cells."""

    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class _Maker:
    """A name that makes a value of its arguments."""

    does: Callable[..., Any]


def _empty_dict(_reader: _Reader) -> OrderedDict[Any, Any]:
    return OrderedDict()


def _size(_reader: _Reader, sizes: Any) -> torch.Size:
    count_of(sizes)
    return torch.Size(sizes)


_NAMES: Mapping[str, Any] = {
    **{f"torch {name}": _StorageKind(dtype) for name, dtype in _STORAGES.items()},
    **{str(dtype).replace(".", " "): dtype for dtype in _STORAGES.values()},
    "torch._utils _rebuild_tensor_v2": _Maker(_Reader.tensor),
    "torch._utils _rebuild_parameter": _Maker(_Reader.parameter),
    "collections OrderedDict": _Maker(_empty_dict),
    "torch Size": _Maker(_size),
}
"""What the names in a pickle mean here."""
_WORDS: Mapping[str, Callable[[_Reader, Any], None]] = {
    "PROTO": lambda _reader, _version: None,
    "NONE": lambda reader, _: reader.push(None),
    "NEWTRUE": lambda reader, _: reader.push(True),
    "NEWFALSE": lambda reader, _: reader.push(False),
    **dict.fromkeys(["BININT", "BININT1", "BININT2", "LONG1"], _Reader.push_number),
    **dict.fromkeys(["BINFLOAT", "BINUNICODE"], _Reader.push),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_TUPLE": lambda reader, _: reader.push(()),
    "MARK": _Reader.mark,
    "TUPLE": lambda reader, _: reader.push(tuple(reader.marked())),
    "TUPLE1": lambda reader, _: reader.push(tuple(reader.last(1))),
    "TUPLE2": lambda reader, _: reader.push(tuple(reader.last(2))),
    "TUPLE3": lambda reader, _: reader.push(tuple(reader.last(3))),
    "APPEND": lambda reader, _: reader.append(reader.last(1)),
    "APPENDS": lambda reader, _: reader.append(reader.marked()),
    "SETITEM": lambda reader, _: reader.set_items(reader.last(2)),
    "SETITEMS": lambda reader, _: reader.set_items(reader.marked()),
    **dict.fromkeys(["BINPUT", "LONG_BINPUT"], _Reader.remember),
    **dict.fromkeys(["BINGET", "LONG_BINGET"], _Reader.recall),
    "GLOBAL": _Reader.name,
    "REDUCE": _Reader.reduce,
    "BUILD": _Reader.build,
    "BINPERSID": _Reader.storage,
}
"""What each word of a pickle does here."""
