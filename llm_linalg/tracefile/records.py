"""What each kind of record holds: how its fields are told as JSON, and read without being believed.

The writer and the reader of a log are both made of this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import prod
from operator import itemgetter
from typing import Any, NamedTuple, get_args

import torch

from llm_linalg.base.errors import (
    FormatError,
    MismatchedAxis,
    OperandInfo,
    ProgramError,
    ShapeError,
    Span,
    StackFrame,
)
from llm_linalg.base.text import clean, is_ordinary
from llm_linalg.recording.cell_state import CellState, State
from llm_linalg.recording.ending import ENDING_KINDS, Ending
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.plot import Plot, PlotKind, PlotSeries
from llm_linalg.recording.retention import MOST_NODES
from llm_linalg.tracefile import log_format as form_of
from llm_linalg.tracefile.log_format import DTYPE_WORDS, DTYPES, MOST_NAME, MOST_NUMBER, MOST_RANK, MOST_SIZE
from llm_linalg.tracefile.plain_values import Decoder, encode, to_json


class Field(NamedTuple):
    """A kind of field.

    Attributes:
        read: Returns the value of what was told; raises `FormatError` if that is not as `tell` makes it.
        tell: Returns a value as JSON has it.
    """

    read: Callable[[Any], Any]
    tell: Callable[[Any], Any] = lambda value: value


def hold(good: bool, why: str) -> None:
    """Raise `FormatError` unless something holds."""
    if not good:
        raise FormatError(why)


def listed(data: Any) -> list[Any]:
    """Return a list; raises `FormatError` for anything else."""
    if data.__class__ is not list:
        raise FormatError("no list where one has to be")
    return data


def count(end: int) -> Field:
    """A whole number from 0 to before `end`."""

    def read(data: Any) -> int:
        if data.__class__ is not int or not 0 <= data < end:
            raise FormatError("a number out of its bounds")
        return data

    return Field(read)


def text(most: int = MOST_NAME, told_at_most: int | None = None, *, lines: bool = False) -> Field:
    """A text without control characters, of one line unless it may have several."""
    return Field(
        lambda data: clean(_text(data), most, lines=lines, tabs=lines), itemgetter(slice(told_at_most))
    )


def raw(most: int, told_at_most: int | None = None) -> Field:
    """A text that a program printed, as it did: whoever shows it cleans it."""
    return Field(lambda data: _text(data)[:most], itemgetter(slice(told_at_most)))


def _printed(data: Any) -> str:
    hold(data != "", "a print of nothing")  # it costs as much to read as any other, and no writer tells one
    return _text(data)[: form_of.MOST_SOURCE]


def _text(data: Any) -> str:
    if data.__class__ is not str:
        raise FormatError("no text where one has to be")
    return str(data)


def one_of(words: Sequence[str], why: str) -> Field:
    """One of some words."""

    def read(data: Any) -> str:
        hold(data.__class__ is str and data in words, why)
        return str(data)

    return Field(read)


def maybe(field: Field) -> Field:
    """None, or what another field is."""
    return Field(
        lambda data: None if data is None else field.read(data),
        lambda value: None if value is None else field.tell(value),
    )


def each(field: Field) -> Field:
    """A tuple of any length."""
    return Field(
        lambda data: tuple([field.read(item) for item in listed(data)]),
        lambda value: [field.tell(item) for item in value],
    )


def words(most: int = MOST_NAME) -> Field:
    """A tuple of texts as `text` has them, looked at together where all of their characters are ordinary."""
    single = each(text(most))

    def read(data: Any) -> tuple[str, ...]:
        items = listed(data)
        if not all(item.__class__ is str for item in items):
            raise FormatError("no text where one has to be")
        if max(map(len, items), default=0) <= most and is_ordinary("".join(items)):
            return tuple(items)
        return tuple(single.read(items))

    return Field(read, single.tell)


def parts(*fields: Field, of: Callable[..., Any] | None = None) -> Field:
    """A tuple with a field for each of its items; `of` makes a named one of them."""
    reads, count = [field.read for field in fields], len(fields)

    def read(data: Any) -> Any:
        # Up to a million of these are read at once.
        if data.__class__ is not list or len(data) != count:
            raise FormatError("a record with other parts")
        items = [read(item) for read, item in zip(reads, data, strict=True)]
        return tuple(items) if of is None else of(*items)

    return Field(read, lambda value: [field.tell(item) for field, item in zip(fields, value, strict=True)])


def named(fields: Mapping[str, Field], why: str) -> Field:
    """A dict with some of these keys."""

    def read(data: Any) -> dict[str, Any]:
        hold(data.__class__ is dict and data.keys() <= fields.keys(), why)
        return {word: fields[word].read(value) for word, value in data.items()}

    return Field(read, lambda value: {word: fields[word].tell(item) for word, item in value.items()})


def _whole(data: Any) -> int:
    hold(data.__class__ is int and abs(data) <= MOST_NUMBER, "a number that is none")
    return int(data)


def _real(data: Any) -> float:
    return float(data if data.__class__ is float else _whole(data))


def _dtype(data: Any) -> Any:
    hold(data.__class__ is str and data in DTYPES, "a dtype that is none")
    return DTYPES[data]


def _strides(data: Any) -> tuple[int, ...]:
    hold(data.__class__ is list and len(data) <= MOST_RANK, "a shape of too many axes")
    return tuple(map(_PLACE.read, data))


def _shape(data: Any) -> tuple[int, ...]:
    sizes = _strides(data)
    hold(prod([max(size, 1) for size in sizes]) < 2**62, "a shape of too many cells")
    return sizes


_PLACE = count(MOST_SIZE)
FLAG = Field(lambda told: told is True)
WHOLE, REAL = Field(_whole), Field(_real)
DTYPE = Field(_dtype, lambda own: DTYPE_WORDS.get(own, "uint8"))
SHAPE, STRIDES = Field(_shape, list), Field(_strides, list)


class StoredTensor(NamedTuple):
    """A tensor that is no node's value; of one whose cells are not there the last three are None."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None
    store: int | None = None
    place: int | None = None


class FormRecord(NamedTuple):
    """What nodes of one call site have in common."""

    function: str
    op: str
    flags: int
    args: list[Any]
    kwargs: dict[str, Any]
    position: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    span: Span | None
    source: str
    file: str
    scope: str
    target: str
    name: str | None


class Schema(NamedTuple):
    """What a kind of record holds."""

    field: Field  # all of its parts
    most: int = form_of.MOST_JSON  # the most bytes of it

    def payload(self, value: Any) -> bytes:
        """Return the bytes of a record."""
        return to_json(self.field.tell(value)).encode()

    def read(self, payload: bytes) -> Any:
        """Return the parts of a record."""
        try:
            data = _from_json(str(payload, "ascii"))
        except (ValueError, RecursionError):
            raise FormatError("a record that is no JSON") from None
        return self.field.read(data)


_from_json = json.JSONDecoder().decode


def _arguments(data: Any) -> dict[str, Any]:
    hold(data.__class__ is dict and len(data) < form_of.MOST_RANK, "arguments that are none")
    return dict(data)


def _number(data: Any) -> int | float | slice:
    number = Decoder().decode(data)
    hold(number.__class__ in (int, float, slice), "a number that is none")
    return number  # type: ignore[no-any-return]


_LINE, _INDEX = count(form_of.MOST_LINE), count(MOST_NODES)
_COLUMN, _OPERAND = count(2**31), count(form_of.MOST_OPERANDS)
_NAME, _LINES = text(), text(lines=True)
_SOURCE = text(form_of.MOST_SOURCE, form_of.PIECE, lines=True)
_SPAN = parts(_LINE, _COLUMN, _LINE, _COLUMN, of=Span)
_GAP = parts(*[_PLACE] * 5, of=Gap)
_TENSOR = parts(DTYPE, SHAPE, maybe(STRIDES), maybe(count(form_of.NO_STORE)), maybe(_PLACE), of=StoredTensor)
_CALL = raw(form_of.MOST_NAME), _NAME, count(16), Field(listed), Field(_arguments)
_SERIES = parts(_NAME, each(parts(REAL, REAL)), of=PlotSeries)
_PLOT = parts(one_of(get_args(PlotKind), "a plot of no kind"), each(_SERIES), maybe(_INDEX), of=Plot)
_NEVER = Field(lambda _: False, lambda _: False)  # what only the app can know of a cell
_SHAPE_ERROR = parts(
    _NAME,
    each(parts(_NAME, SHAPE, _LINES, of=OperandInfo)),
    each(parts(*[_PLACE] * 3, of=MismatchedAxis)),
    _NAME,
)
_ERROR = parts(
    *(count(len(form_of.ERRORS)), _LINES, maybe(_SPAN)),
    each(parts(Field(lambda _: "", lambda _: ""), _SPAN, _NAME, _LINES, _NAME, of=StackFrame)),
    maybe(_SHAPE_ERROR),
)


def _told_error(error: ProgramError) -> list[Any]:
    kind = next((at for at, own in enumerate(form_of.ERRORS) if error.__class__ is own), 0)
    shapes = None
    if isinstance(error, ShapeError):
        shapes = error.operation, error.operands, error.axes, error.detail
    return list(_ERROR.tell((kind, error.message, error.span, error.frames[-form_of.MOST_FRAMES :], shapes)))


def _read_error(data: Any) -> ProgramError:
    kind, message, span, frames, shapes = _ERROR.read(data)
    error: ProgramError = form_of.ERRORS[kind](message, span)
    error.frames = frames
    if isinstance(error, ShapeError) and shapes is not None:
        error.operation, error.operands, error.axes, error.detail = shapes
    return error


_FAILURE = Field(_read_error, _told_error)
FACTS: Mapping[str, Field] = {
    **dict.fromkeys(("is_inner", "is_one_of_several", "is_returned"), FLAG),
    **dict.fromkeys(("flows_on", "requires_grad", "hooks"), FLAG),
    "checkpoint": _INDEX,
    **dict.fromkeys(("words", "member"), _NAME),
    "gap": _GAP,
    "missed": _TENSOR,
    "name": maybe(_NAME),
    "scope": text(told_at_most=MOST_NAME),
}
"""What may be noted on a node after it was written."""
MORE = Schema(
    named(
        {
            "own": each(parts(_OPERAND, _TENSOR)),
            "n": each(Field(_number, encode)),
            "rng": _TENSOR,
            "alias": parts(_TENSOR, each(parts(_PLACE, _PLACE))),
        },
        "a node with other parts",
    )
)
"""What may follow a node's operands."""
SCHEMAS: Mapping[int, Schema] = {
    form_of.ABOUT: Schema(
        parts(text(form_of.MOST_SOURCE + 1, form_of.MOST_SOURCE, lines=True), WHOLE),
        form_of.MOST_WHOLE,
    ),
    form_of.FORM: Schema(
        parts(
            *(*_CALL, _OPERAND, DTYPE, SHAPE, STRIDES),
            *(maybe(_SPAN), _SOURCE, _NAME, _NAME, _NAME, maybe(_NAME)),
            of=FormRecord,
        )
    ),
    form_of.NAME: Schema(parts(_INDEX, FLAG, _NAME)),
    form_of.LINE_RESULT: Schema(parts(_LINE, _INDEX)),
    form_of.AMEND: Schema(parts(_INDEX, named(FACTS, "a fact that is none"))),
    form_of.PRINT: Schema(parts(_LINE, Field(_printed))),
    form_of.GAP: Schema(_GAP),
    form_of.CELL: Schema(
        parts(
            *(_LINE, one_of(get_args(State), "a state of no cell"), maybe(_LINE), _LINES),
            each(text(form_of.MOST_SOURCE)),
            text(form_of.MOST_SOURCE, form_of.PIECE // 4, lines=True),
            *(maybe(_INDEX), raw(form_of.MOST_SOURCE, form_of.PIECE), maybe(_PLOT)),
            *(each(_GAP), _NEVER, maybe(_LINE)),
            of=CellState,
        )
    ),
    form_of.LISTED: Schema(parts(_NAME, words())),
    form_of.FAILED: Schema(
        parts(
            *(*_CALL, each(_OPERAND), text(form_of.PIECE, lines=True)),
            each(parts(maybe(_INDEX), _TENSOR, each(_NAME), maybe(_NAME))),
        )
    ),
    form_of.REST: Schema(
        parts(
            maybe(raw(form_of.MOST_SOURCE, form_of.MOST_SOURCE)),
            *(maybe(_LINE), each(_FAILURE), maybe(_FAILURE), each(count(form_of.MOST_LINE))),
            each(text(told_at_most=MOST_NAME)),
        ),
        form_of.MOST_WHOLE,
    ),
    form_of.END: Schema(
        parts(
            one_of(ENDING_KINDS, "an end of no kind"),
            maybe(_LINE),
            text(told_at_most=form_of.MOST_NAME, lines=True),
            of=Ending,
        )
    ),
    form_of.FILE: Schema(
        parts(
            _NAME,
            each(parts(_LINE, text(form_of.LONGEST_LINE + 1, form_of.LONGEST_LINE, lines=True))),
        )
    ),
}
VALUE = parts(Field(lambda told: told), each(_TENSOR))
"""The value of an expression: as `plain_values` has it, and the tensors for its slots."""
