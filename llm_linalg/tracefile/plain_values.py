"""Plain arguments of calls as JSON has them, and back: nothing but numbers, words and lists of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.errors import FormatError
from llm_linalg.base.text import clean
from llm_linalg.ops.arguments import ArgumentSlot
from llm_linalg.tracefile.log_format import (
    DTYPE_WORDS,
    DTYPES,
    MOST_DEPTH,
    MOST_LISTS,
    MOST_NAME,
    MOST_NUMBER,
    MOST_OPERANDS,
)

_LAYOUTS = {"strided": torch.strided}
_FORMATS = {
    "contiguous": torch.contiguous_format,
    "preserve": torch.preserve_format,
    "channels_last": torch.channels_last,
    "channels_last_3d": torch.channels_last_3d,
}
_FORMAT_WORDS = {own: word for word, own in _FORMATS.items()}
_DEVICES = ("cpu", "meta")
_PLAIN = frozenset([bool, str, type(None)])


class NumberSlot:
    """A number that a form leaves open, and each of its nodes gives."""


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
        case slice():
            return {"s": [_encode_bound(value.start), _encode_bound(value.stop), _encode_bound(value.step)]}
        case range():
            return {"r": [value.start, value.stop, value.step]}
        case torch.dtype() if value in DTYPE_WORDS:
            return {"d": DTYPE_WORDS[value]}
        case torch.device():
            return {"v": value.type if value.type in _DEVICES else "cpu"}
        case torch.layout() if value is torch.strided:
            return {"l": "strided"}
        case torch.memory_format():
            return {"m": _FORMAT_WORDS[value]}
        case torch.Generator():
            return {"g": 0}
        case complex():
            return {"c": [value.real, value.imag]}
        case dict() if all(isinstance(key, str) for key in value):
            return {"o": [[key, encode(item)] for key, item in value.items()]}
    if value is ...:
        return {"e": 0}
    raise UntoldValueError


def _encode_bound(value: Any) -> Any:
    if isinstance(value, Tensor):
        raise UntoldValueError  # it is no operand
    return encode(value)


class Decoder:
    """Reads plain arguments; one reader for all arguments of a call, since their slots count on.

    Attributes:
        tensors: How many slots for tensors there were.
        numbers: Likewise for open numbers.
    """

    def __init__(self) -> None:
        self.tensors = self.numbers = 0
        self._lists = 0

    def decode(self, told: Any, depth: int = 0) -> Any:
        """Return an argument, with an `ArgumentSlot` for each tensor and a `NumberSlot` for each open number.

        Raises:
            FormatError: If it is not as `encode` makes it.
        """
        kind = told.__class__
        if kind in _PLAIN or kind is float or _is_number(told):
            return told
        if kind is not list and kind is not dict:
            raise FormatError("an argument of no kind")
        self._lists += told.__class__ is list or not told.keys() <= _SLOTS
        if depth > MOST_DEPTH or self._lists > MOST_LISTS:
            raise FormatError("too many lists in an argument")
        if kind is list:
            return [self.decode(item, depth + 1) for item in told]
        if len(told) != 1:
            raise FormatError("an argument of no kind")
        ((word, inner),) = told.items()
        read = _WORDS.get(word)
        if read is None:
            raise FormatError("an argument of no kind")
        return read(self, inner, depth + 1)

    def _tensor(self, _told: Any, _depth: int) -> ArgumentSlot:
        self.tensors += 1
        return ArgumentSlot(self.tensors - 1)

    def _number(self, _told: Any, _depth: int) -> NumberSlot:
        self.numbers += 1
        return NumberSlot()

    def _tuple(self, told: Any, depth: int) -> tuple[Any, ...]:
        return tuple([self.decode(item, depth) for item in _list(told)])

    def _size(self, told: Any, _depth: int) -> torch.Size:
        if not all(item.__class__ is int and abs(item) < 2**48 for item in _list(told)):
            raise FormatError("sizes that are none")
        return torch.Size(told)

    def _slice(self, told: Any, _depth: int) -> slice:
        if len(_list(told)) != 3 or not all(item is None or _is_number(item) for item in told):
            raise FormatError("a slice with other bounds")
        return slice(*told)

    def _range(self, told: Any, _depth: int) -> range:
        if len(_list(told)) != 3 or not all(_is_number(item) for item in told) or not told[2]:
            raise FormatError("a range with other bounds")
        numbers = range(*told)
        if len(numbers) > MOST_LISTS:
            raise FormatError("a range of too many numbers")
        return numbers

    def _complex(self, told: Any, _depth: int) -> complex:
        if len(_list(told)) != 2 or not all(item.__class__ is float for item in told):
            raise FormatError("a complex number of other parts")
        return complex(*told)

    def _dict(self, told: Any, depth: int) -> dict[str, Any]:
        if not all(item.__class__ is list and len(item) == 2 for item in _list(told)):
            raise FormatError("a dict of other parts")
        if not all(key.__class__ is str for key, _ in told):
            raise FormatError("a dict of other parts")
        return {key: self.decode(item, depth) for key, item in told}

    def _ellipsis(self, _told: Any, _depth: int) -> Any:
        return ...

    def _generator(self, _told: Any, _depth: int) -> torch.Generator:
        return torch.Generator()

    def _dtype(self, told: Any, _depth: int) -> Any:
        return _one_of(DTYPES, told)

    def _device(self, told: Any, _depth: int) -> Any:
        return torch.device(_one_of(dict(zip(_DEVICES, _DEVICES, strict=True)), told))

    def _layout(self, told: Any, _depth: int) -> Any:
        return _one_of(_LAYOUTS, told)

    def _memory_format(self, told: Any, _depth: int) -> Any:
        return _one_of(_FORMATS, told)

    def _whole(self, told: Any, _depth: int) -> Tensor:
        if len(_list(told)) != 3 or len(_list(told[2])) > MOST_LISTS:
            raise FormatError("a tensor of other parts")
        try:
            return torch.tensor(told[2], dtype=_one_of(DTYPES, told[0])).reshape(self._size(told[1], 0))
        except (RuntimeError, TypeError, ValueError, OverflowError):
            raise FormatError("a tensor of other parts") from None

    def _unknown(self, told: Any, _depth: int) -> UnknownValue:
        if told.__class__ is not str:
            raise FormatError("no text where one has to be")
        return UnknownValue(clean(told, MOST_NAME))


_SLOTS = frozenset(["t", "n"])
_WORDS: dict[str, Callable[[Decoder, Any, int], Any]] = {
    "t": Decoder._tensor,  # noqa: SLF001
    "n": Decoder._number,  # noqa: SLF001
    "u": Decoder._tuple,  # noqa: SLF001
    "z": Decoder._size,  # noqa: SLF001
    "s": Decoder._slice,  # noqa: SLF001
    "c": Decoder._complex,  # noqa: SLF001
    "o": Decoder._dict,  # noqa: SLF001
    "r": Decoder._range,  # noqa: SLF001
    "e": Decoder._ellipsis,  # noqa: SLF001
    "g": Decoder._generator,  # noqa: SLF001
    "d": Decoder._dtype,  # noqa: SLF001
    "v": Decoder._device,  # noqa: SLF001
    "l": Decoder._layout,  # noqa: SLF001
    "m": Decoder._memory_format,  # noqa: SLF001
    "w": Decoder._whole,  # noqa: SLF001
    "x": Decoder._unknown,  # noqa: SLF001
}


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


def _list(told: Any) -> list[Any]:
    if told.__class__ is not list:
        raise FormatError("no list where one has to be")
    return list(told)


def _is_number(told: Any) -> bool:
    if told.__class__ is int and abs(told) > MOST_NUMBER:
        raise FormatError("a number out of all bounds")
    return told.__class__ is int


def _one_of(known: Mapping[str, Any], told: Any) -> Any:
    if told.__class__ is not str or told not in known:
        raise FormatError("a word that stands for nothing")
    return known[told]


to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
