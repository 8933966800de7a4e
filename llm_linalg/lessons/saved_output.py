"""What a notebook has saved of a cell: shown, and said to be saved, where the cell was not run.

Nothing here is computed, and no number of it is read: text is cleaned and cut, a picture is its size.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from itertools import islice
from typing import Any, Literal, NamedTuple

from llm_linalg.base.text import NOTHING, CleanText, clean

HEADING = "saved, not computed here"
MOST_OUTPUTS = 20  # of a cell
LONGEST_OUTPUT = 4_000  # characters
MOST_LINES = 60
MOST_ROWS = 40  # of a table
_LONGEST_SOURCE = 200_000  # characters that are looked at for them
_LONGEST_CAPTION = 80
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_HEADER = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8", "image/gif": b"GIF8"}
_BEGINNING = 64  # characters of a picture in base64: its header


class SavedOutput(NamedTuple):
    """An output of a cell, as a notebook has saved it.

    Attributes:
        kind: Text, a table as rows of text, an error, or a picture.
        text: The text; of a picture its caption.
        size: The width and the height of a picture, in pixels; None where its header says none.
        format: The format of a picture, such as `png`.
    """

    kind: Literal["text", "table", "error", "picture"]
    text: CleanText = NOTHING
    size: tuple[int, int] | None = None
    format: str = ""

    @property
    def lines(self) -> tuple[CleanText, ...]:
        """The lines to show of it."""
        if self.kind != "picture":
            return tuple(clean(line, None) for line in self.text.split("\n"))
        size = f" of {self.size[0]} × {self.size[1]} pixels" if self.size is not None else ""
        caption = f": {self.text}" if self.text else ""
        return (clean(f"a picture{size} ({self.format}){caption}"),)


def saved_text(outputs: Sequence[SavedOutput]) -> CleanText:
    """Return saved outputs as text below a line that says what they are; nothing if there are none."""
    lines = [line for output in outputs for line in output.lines]
    return clean("\n".join([f"{HEADING}:", *lines]), None, lines=True) if lines else NOTHING


def saved_outputs(values: object) -> tuple[SavedOutput, ...]:
    """Return what can be shown of the outputs of a notebook's cell; what is broken is left out."""
    if not isinstance(values, list):
        return ()
    found: list[SavedOutput] = []
    for value in islice(values, 10 * MOST_OUTPUTS):
        output = _output(value) if isinstance(value, dict) else None
        if output is None:
            continue
        before = found[-1] if found else None
        if output.kind == "text" and before is not None and before.kind == "text":
            whole = _shown(f"{before.text}\n{output.text}")  # `print` at several places
            found[-1] = before._replace(text=whole)
        elif len(found) < MOST_OUTPUTS:
            found.append(output)
    return tuple(found)


def _output(value: Mapping[str, Any]) -> SavedOutput | None:
    kind = value.get("output_type")
    if kind == "stream":
        return _text(_joined(value.get("text")))
    if kind in ("error", "pyerr"):
        name, message = (_joined(value.get(key)) for key in ("ename", "evalue"))
        return SavedOutput("error", _shown(f"{name}: {message}")) if name else None
    data = value.get("data")
    if not isinstance(data, dict):
        data = {_OLD.get(key, key): part for key, part in value.items()}  # format 3
    plain = _joined(data.get("text/plain"))
    for format_, header in _HEADER.items():
        if format_ in data:
            caption = clean(_COLOURS.sub("", plain), _LONGEST_CAPTION)
            name = format_.partition("/")[2]
            return SavedOutput("picture", caption, _size(data[format_], name, header), name)
    html = _joined(data.get("text/html"))
    if _TABLE.search(html):
        rows = _Table.rows_of(html)
        return SavedOutput("table", _shown(_aligned(rows))) if rows else _text(plain)
    return _text(plain)


_OLD = {"text": "text/plain", "html": "text/html", "png": "image/png", "jpeg": "image/jpeg"}


def _joined(value: object) -> str:
    """Return a text of a notebook, which may be a list of lines; cut, and empty if it is something else."""
    if isinstance(value, list):
        pieces = [part for part in islice(value, 10 * MOST_LINES) if isinstance(part, str)]
        return "".join(part[:_LONGEST_SOURCE] for part in pieces)[:_LONGEST_SOURCE]
    return value[:_LONGEST_SOURCE] if isinstance(value, str) else ""


def _text(text: str) -> SavedOutput | None:
    shown = _shown(text)
    return SavedOutput("text", shown) if shown else None


def _shown(text: str) -> CleanText:
    """Return a text as a terminal shows it: a line that was written over is shown as it was left."""
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.rstrip("\n").split("\n")]
    kept = "\n".join(lines[:MOST_LINES])
    more = f"\n… {len(lines) - MOST_LINES:,} more lines" if len(lines) > MOST_LINES else ""
    cut = clean(_COLOURS.sub("", kept), LONGEST_OUTPUT, lines=True)
    return clean(f"{cut}{more}", None, lines=True)


def _size(value: object, name: str, header: bytes) -> tuple[int, int] | None:
    """Return the width and the height that stand at the beginning of a picture in base64."""
    text = "".join(_joined(value)[: 2 * _BEGINNING].split())[:_BEGINNING]
    try:
        data = base64.b64decode(text)
    except (binascii.Error, ValueError):
        return None
    if not data.startswith(header) or name == "jpeg":  # of which no fixed place says it
        return None
    if name == "png":
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


class _Table(HTMLParser):
    """The cells of the tables in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[list[str]] = []
        self._is_cell = False

    @classmethod
    def rows_of(cls, html: str) -> list[list[str]]:
        """Return the rows, each a list of its cells' texts."""
        parser = cls()
        parser.feed(html)
        return [row for row in parser._rows[: MOST_ROWS + 1] if row]

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  as `HTMLParser` calls it
        """Begin a row or a cell."""
        if tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")
            self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self._is_cell &= tag not in ("td", "th", "tr", "table")

    def handle_data(self, data: str) -> None:
        """Take the text of a cell."""
        if self._is_cell:
            self._rows[-1][-1] += " ".join(data.split())


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table as lines, each column as wide as its widest cell."""
    count = max(map(len, rows))
    cells = [[cell[:_LONGEST_CAPTION] for cell in row] + [""] * (count - len(row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    def padded() -> Iterator[str]:
        for cell, width in zip(row, widths, strict=True):
            yield cell.rjust(width)

    return "  ".join(padded()).rstrip()
