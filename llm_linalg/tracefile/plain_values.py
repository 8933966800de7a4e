"""Plain arguments of calls as JSON has them, and back: nothing but numbers, words and lists of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import EllipsisType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.errors import FormatError
from llm_linalg.base.text import clean
from llm_linalg.ops.arguments import ArgumentSlot, NumberSlot
from llm_linalg.tracefile.log_format import (
    DTYPE_WORDS,
    DTYPES,
    MOST_DEPTH,
    MOST_LISTS,
    MOST_NAME,
    MOST_NUMBER,
    MOST_OPERANDS,
    MOST_SIZE,
)

_CONSTANTS: Mapping[str, Mapping[Any, Any]] = {
    "d": DTYPES,
    "e": {0: ...},
    "l": {"strided": torch.strided},
    "m": {
        "contiguous": torch.contiguous_format,
        "preserve": torch.preserve_format,
        "channels_last": torch.channels_last,
        "channels_last_3d": torch.channels_last_3d,
    },
}
_CONSTANT_WORDS = {
    value: {word: told} for word, values in _CONSTANTS.items() for told, value in values.items()
}
_DEVICES = ("cpu", "meta")
_PLAIN = frozenset([bool, str, type(None)])


class UnknownValue(NamedTuple):
    """A value of a kind that no log has: its text alone."""

    text: str

    def __repr__(self) -> str:
        return self.text


class UntoldValueError(Exception):
    """An argument of a kind that no log has."""


def encode(value: Any) -> Any:
    """Return an argument as JSON has it: tensors and open numbers are slots, in the order of the call.

    Raises:
        UntoldValueError: If it holds anything that is not plain.
    """
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if isinstance(value, Tensor):
        return {"t": 0}
    if isinstance(value, int) and kind is not bool:
        if abs(value) > MOST_NUMBER:
            raise UntoldValueError
        return int(value)
    if isinstance(value, float):
        return float(value)
    if kind is list:
        return [encode(item) for item in value]
    if kind is torch.Size:
        return {"z": [int(item) for item in value]}
    if isinstance(value, tuple):
        return {"u": [encode(item) for item in value]}
    return _encode_word(value)


def _encode_word(value: Any) -> Any:
    match value:
        case NumberSlot():
            return {"n": 0}
        case slice(start=start, stop=stop, step=step):
            bounds = start, stop, step
            if not any(isinstance(own, Tensor) for own in bounds):  # it would be no operand
                return {"s": [encode(own) for own in bounds]}
        case range():
            return {"r": [value.start, value.stop, value.step]}
        case torch.device():
            return {"v": value.type if value.type in _DEVICES else "cpu"}
        case torch.Generator():
            return {"g": 0}
        case complex():
            return {"c": [value.real, value.imag]}
        case dict() if all(isinstance(key, str) for key in value):
            return {"o": [[key, encode(item)] for key, item in value.items()]}
        case torch.dtype() | torch.layout() | torch.memory_format() | EllipsisType():
            if value in _CONSTANT_WORDS:
                return _CONSTANT_WORDS[value]
    raise UntoldValueError


class Decoder:
    """Reads plain arguments; one reader for all arguments of a call, since their slots count on.

    Attributes:
        tensors: How many slots for tensors there were.
        numbers: Likewise for open numbers.
    """

    def __init__(self) -> None:
        self.tensors = self.numbers = 0
        self._lists = 0

    def decode(self, data: Any, depth: int = 0) -> Any:
        """Return an argument, with an `ArgumentSlot` for each tensor and a `NumberSlot` for each open number.

        Raises:
            FormatError: If it is not as `encode` makes it.
        """
        kind = data.__class__
        if kind in _PLAIN or kind is float or _is_number(data):
            return data
        if kind is not list and kind is not dict:
            raise FormatError("an argument of no kind")
        self._lists += kind is list or not data.keys() <= _SLOTS
        if depth > MOST_DEPTH or self._lists > MOST_LISTS:
            raise FormatError("too many lists in an argument")
        if kind is list:
            return [self.decode(item, depth + 1) for item in data]
        if len(data) != 1:
            raise FormatError("an argument of no kind")
        ((word, inner),) = data.items()
        return self._decode_word(word, inner, depth + 1)

    def _decode_word(self, word: str, data: Any, depth: int) -> Any:
        match word, data:
            case "t", _:
                self.tensors += 1
                return ArgumentSlot(self.tensors - 1)
            case "n", _:
                self.numbers += 1
                return NumberSlot()
            case "u", list():
                return tuple([self.decode(item, depth) for item in data])
            case "o", list() if all(_is_item(item) for item in data):
                return {key: self.decode(item, depth) for key, item in data}
        return _decode_constant(word, data)


def _decode_constant(word: str, data: Any) -> Any:
    """Return an argument that holds neither slots nor other arguments."""
    match word, data:
        case "g", _:
            return torch.Generator()
        case "z", list():
            return _size(data)
        case "s", [_, _, _] if all(item is None or _is_number(item) for item in data):
            return slice(*data)
        case "r", [_, _, step] if all(map(_is_number, data)) and step and len(range(*data)) <= MOST_LISTS:
            return range(*data)
        case "c", [float(), float()]:
            return complex(*data)
        case "v", "cpu" | "meta":
            return torch.device(data)
        case "w", [str() as dtype, list() as shape, list() as cells] if dtype in DTYPES:
            return _tensor(DTYPES[dtype], _size(shape), cells)
        case "x", str():
            return UnknownValue(clean(data, MOST_NAME))
        case _, str() | int() if data in _CONSTANTS.get(word, ()):
            return _CONSTANTS[word][data]
    raise FormatError("an argument of no kind")


def _size(data: list[Any]) -> torch.Size:
    if not all(item.__class__ is int and abs(item) < MOST_SIZE for item in data):
        raise FormatError("sizes that are none")
    return torch.Size(data)


def _tensor(dtype: torch.dtype, shape: torch.Size, cells: list[Any]) -> Tensor:
    try:
        if len(cells) <= MOST_LISTS:
            return torch.tensor(cells, dtype=dtype).reshape(shape)
    except (RuntimeError, TypeError, ValueError, OverflowError):
        pass
    raise FormatError("a tensor of other parts")


def _is_item(data: Any) -> bool:
    """Return whether something is a key of a dict with its value."""
    return data.__class__ is list and len(data) == 2 and data[0].__class__ is str


_SLOTS = frozenset(["t", "n"])


def encode_whole(value: Any) -> Any:
    """Return a value as JSON has it, the numbers of its tensors included: for a process that we trust less.

    Raises:
        UntoldValueError: If it holds anything that is not plain, or too much of it.
    """
    if isinstance(value, Tensor):
        if value.numel() > MOST_LISTS or value.dtype not in DTYPE_WORDS or value.is_complex():
            raise UntoldValueError
        return {"w": [DTYPE_WORDS[value.dtype], list(value.shape), value.detach().reshape(-1).tolist()]}
    if value.__class__ is list:
        return [encode_whole(item) for item in value]
    if isinstance(value, tuple) and not isinstance(value, torch.Size):
        return {"u": [encode_whole(item) for item in value]}
    return encode(value)


def is_decodable(args: Any, kwargs: Any) -> bool:
    """Return whether a reader takes some encoded arguments: they are not too many, nor too deep."""
    decoder = Decoder()
    try:
        for value in (*args, *kwargs.values()):
            decoder.decode(value)
    except FormatError:
        return False
    return decoder.tensors <= MOST_OPERANDS


def _is_number(data: Any) -> bool:
    if data.__class__ is int and abs(data) > MOST_NUMBER:
        raise FormatError("a number out of all bounds")
    return data.__class__ is int


to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
