"""Traces as files: `gpt.trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llm_linalg.base.constants import MOST_TRACE_BYTES
from llm_linalg.base.errors import FormatError
from llm_linalg.base.file_io import FileReplacement, read_bytes
from llm_linalg.base.untraced import untraced
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N
from llm_linalg.tracefile.log_format import MAGIC, FileLog
from llm_linalg.tracefile.log_reader import Reader
from llm_linalg.tracefile.log_writer import Writer


def save(record: Record[Any], path: Path) -> None:
    """Write a record into a file, whole or not at all.

    Raises:
        OSError: If the file can't be written.
        ValueError: If the record can't be written alone, because it is made from another's nodes.
    """
    with FileReplacement(path) as file, untraced():
        Writer(FileLog(file.write), record.source, record.seed).record(record)


def load(path: Path, node_type: type[N]) -> Record[N]:
    """Read a record from a file.

    Raises:
        FormatError: If it is not whole, or no trace.
        OSError: If it can't be read.
    """
    try:
        data = read_bytes(path, MOST_TRACE_BYTES + 1)
    except ValueError as error:
        raise FormatError(f"{path.name} is {error}") from None
    return parse(data, path.name, node_type)


def parse(data: bytes, name: str, node_type: type[N]) -> Record[N]:
    """Return the record in the bytes of a file of a name; raise `FormatError` as `load` does."""
    if data[: len(MAGIC)] != MAGIC:
        raise FormatError(f"{name} is no trace")
    if len(data) > MOST_TRACE_BYTES:
        raise FormatError(f"{name} is longer than {MOST_TRACE_BYTES >> 30} GB")
    try:
        return Reader(bytearray(data), node_type, whole=True).record()
    except FormatError as error:
        raise FormatError(f"{name} is damaged: {error}") from None
