"""The format of a trace as data: see README.md beside this file."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from functools import cache
from struct import Struct
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import HaltedError, LimitError, MissingValueError, ProgramError, ShapeError
from llm_linalg.ops import TABLE
from llm_linalg.ops.arguments import Function
from llm_linalg.ops.fallback import fallback
from llm_linalg.ops.table import TableEntry
from llm_linalg.ops.torch_names import resolve

SUFFIX = ".trace"
MAGIC = b"llmtrace"
VERSION, OLDEST = 7, 6  # what is written, and the oldest that is read
HEAD = Struct("<8sQQQ")  # magic, bytes that count, the line that runs, version
USED, LINE = 1, 2  # their places among the header's words
START = 64
RECORD = Struct("<II")  # bytes of its payload, its kind
NODE = Struct("<IIQHBB")  # form, store, place in the store, operands, flags, 0
ABOUT, FORM, CELLS, NODES, NAME, AMEND, LINE_RESULT, PRINT = range(1, 9)
GAP, CELL, LISTED, FAILED, REST, END, FILE = range(9, 16)
"""The kinds of records."""
INLINE, MORE, DROPPED, META, SAME, GRAD = 1, 2, 4, 8, 16, 32  # flags of a node
NO_GRAD, SEVERAL, FALLBACK, WRITES = 1, 2, 4, 8  # flags of a form
NO_STORE = 2**32 - 1
SMALL = 512  # bytes of cells that stand in the node's own record

MOST_JSON = 2**20  # bytes of one record's JSON
MOST_WHOLE = 2**24  # of a record that holds all of a text
PIECE = 2**16  # characters of a text that is told in pieces, or not all of it
MOST_OPERANDS = 2**16 - 1
MOST_TEXT = 2**26  # bytes of JSON that a reader keeps
MOST_LISTS = 2**14  # lists within one record
MOST_DEPTH = 24  # lists within lists
MOST_RANK, MOST_SIZE = 64, 2**48
MOST_NAME, MOST_SOURCE = 2_000, 2**20  # characters
MOST_NUMBER = 2**64
MOST_LINE = 2**20
MOST_FRAMES = 24  # the innermost ones of an error
MOST_FAILED = 200  # calls
AROUND = 200  # lines of a file before and after a node's that are told
LONGEST_LINE = 400
MOST_FILES = 2**23  # characters of all of them
RESERVE = 2**16  # bytes of a memory that are kept for how the run ended

MOST_RECORDS: Mapping[int, int] = {FORM: 2**17, PRINT: 2**20, GAP: 2**14, CELL: 2**14, LISTED: 2**12}
"""How many records of a kind a program may tell while it runs; a file may hold eight times as many."""
MOST_OTHERS = 2**18  # of any other kind
IN_A_FILE = 8
MOST_LINKS = 2**22  # operands of all nodes, numbers that were missed, words of all lists
MOST_CELL_BYTES = 2**29
"""Of a memory's stores, which a reader copies; of values beyond there are only the shapes."""

_DTYPES = (
    *(torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.complex32, torch.complex64, torch.complex128),
    *(torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz),
)
DTYPES: Mapping[str, torch.dtype] = {str(own).removeprefix("torch."): own for own in _DTYPES}
DTYPE_WORDS = {own: word for word, own in DTYPES.items()}

INPUT, OPAQUE, ALIAS = "", "?", "="
"""In place of a function's name: there is none, it is not one of the table's, the refresh of an alias."""
ERRORS: tuple[type[ProgramError], ...] = ProgramError, LimitError, HaltedError, MissingValueError, ShapeError


def running_line(memory: mmap.mmap | bytearray) -> int | None:
    """Return the line that runs, as a log's header says; None if it says none."""
    line = int(HEAD.unpack_from(memory)[LINE])
    return line if 0 < line < MOST_LINE else None


class MemoryLog:
    """A log in memory that grows to the end of it, and never moves.

    Attributes:
        head: The words of its header; `head[LINE]` is the line that runs.
    """

    def __init__(self, memory: mmap.mmap | bytearray) -> None:
        self._memory = memory
        self.head = memoryview(memory)[:START].cast("Q")
        self._limit = len(memory) - RESERVE
        self._cell_bytes = 0
        HEAD.pack_into(memory, 0, MAGIC, 0, 0, VERSION)
        self.head[USED] = START  # in the end: who looks meanwhile sees no log yet, and never half a header

    def append(self, kind: int, payload: bytes) -> None:
        """Add a record; raise `LimitError` if there is no room. How the run ended has some of its own."""
        used = self.head[USED]
        first = used + 8
        end = first + len(payload)
        if end > (self._limit if kind != END else len(self._memory) - 8):
            raise LimitError(f"its steps take more than {len(self._memory) >> 20:,} MB")
        RECORD.pack_into(self._memory, used, len(payload), kind)
        self._memory[first:end] = payload
        self.head[USED] = -(-end // 8) * 8

    def append_cells(self, raw: Tensor) -> bool:
        """Add a record of the bytes of a flat tensor (uint8); return whether there was room for it."""
        used, count = self.head[USED], raw.numel()
        if used + 8 + count > self._limit or self._cell_bytes + count > MOST_CELL_BYTES:
            return False
        self._cell_bytes += count
        RECORD.pack_into(self._memory, used, count, CELLS)
        if count:
            torch.frombuffer(self._memory, dtype=torch.uint8, count=count, offset=used + 8).copy_(raw)
        self.head[USED] = -(-(used + 8 + count) // 8) * 8
        return True


class FileLog:
    """A log that goes into a file.

    Attributes:
        head: As a memory's, but not in the file: no line runs.
    """

    PIECE = 2**22

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.head = memoryview(bytearray(START)).cast("Q")
        write(HEAD.pack(MAGIC, 0, 0, VERSION).ljust(START, b"\0"))

    def append(self, kind: int, payload: bytes) -> None:
        """Add a record."""
        self._write(RECORD.pack(len(payload), kind) + payload + bytes(-len(payload) % 8))

    def append_cells(self, raw: Tensor) -> bool:
        """Add a record of the bytes of a flat tensor (uint8); return whether it may be so long."""
        count = raw.numel()
        if count >= 2**32:
            return False
        self._write(RECORD.pack(count, CELLS))
        for first in range(0, count, self.PIECE):
            piece = bytearray(min(self.PIECE, count - first))
            torch.frombuffer(piece, dtype=torch.uint8).copy_(raw[first : first + len(piece)])
            self._write(bytes(piece))
        self._write(bytes(-count % 8))
        return True


_UNLISTED = (
    *("cosine_similarity", "kron", "trace"),
    *("igamma", "igammac", "mvlgamma", "polygamma"),
)
_GRADIENT = torch.Tensor.grad.__get__  # type: ignore[union-attr]
_BESIDE: tuple[tuple[Function, str], ...] = (
    (_GRADIENT, "grad"),
    *(
        (function, name)
        for name in _UNLISTED
        for home in ("torch.{}", "torch.Tensor.{}", "torch.nn.functional.{}")
        for function in resolve(home.format(name))
        if TABLE.entry(function) is None
    ),
)
"""Functions without an entry that a log may name all the same, with the names of their operations."""


@cache
def functions() -> Mapping[str, tuple[Function, TableEntry]]:
    """Return the functions that a log may name, by name, each with its entry."""
    entries: dict[str, tuple[Function, TableEntry]] = {}
    beside = [(function, TableEntry(fallback(name))) for function, name in _BESIDE]
    for function, entry in [*TABLE.entries.items(), *beside]:
        name, others = qualified_name(function), 0
        while (own := f"{name}#{others}" if others else name) in entries:
            others += 1
        entries[own] = function, entry
    return entries


@cache
def _function_names() -> Mapping[Any, str]:
    return {function: name for name, (function, _) in functions().items()}


def function_name(function: Any) -> str:
    """Return the name of a function; `OPAQUE` for one that a log may not name."""
    try:
        return _function_names().get(function, OPAQUE)
    except TypeError:  # not hashable, so not a torch function
        return OPAQUE


def qualified_name(function: Function) -> str:
    """Return the name of a function in its module; of a property the property's."""
    name = str(getattr(function, "__qualname__", ""))
    own = getattr(function, "__self__", None)
    if name.endswith(".__get__"):
        name = f"{getattr(own, '__qualname__', '')}.__get__"
    return f"{getattr(function, '__module__', None) or ''}.{name}"
