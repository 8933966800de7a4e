"""Rows of styled text as values: spans, fitting, wrapping, and what changed between two of them.

Nothing here is markup: text is text, whatever brackets are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size

from llm_linalg.base.text import clean

_LOOK_AHEAD = 4  # characters a column, since some take none


class TextSpan(NamedTuple):
    """A run of text in one role. `do` is the command that a click on it stands for."""

    text: str
    role: str = ""
    do: str = ""

    def with_text(self, text: str) -> TextSpan:
        """Return the same with other text."""
        return TextSpan(text, self.role, self.do)


Row = tuple[TextSpan, ...]


def row(*spans: str | tuple[str, ...]) -> Row:
    """Return a row of spans; a plain string is text without a role."""
    return tuple(TextSpan(span) if isinstance(span, str) else TextSpan(*span) for span in spans)


def clean_row(spans: Row) -> Row:
    """Return the row without characters that a terminal obeys or hides.

    It is the last check: whatever a text comes from, none of them reaches the screen.
    """
    if all(span.text.isprintable() for span in spans):
        return spans
    return tuple(span.with_text(clean(span.text, None)) for span in spans)


def width_of(spans: Iterable[TextSpan]) -> int:
    """Return the columns that the spans take."""
    return sum([len(span.text) if span.text.isascii() else cell_len(span.text) for span in spans])


def fit(spans: Row, width: int, dots: str = "…") -> Row:
    """Return the row in at most `width` columns; what is cut ends in `dots`."""
    if width_of(spans) <= width:
        return spans
    room = max(0, width - len(dots))
    fitted: list[TextSpan] = []
    for span in spans:
        size = cell_len(span.text)
        if size > room:
            fitted.append(span.with_text(set_cell_size(span.text, room) + dots[:width]))
            break
        fitted.append(span)
        room -= size
    return tuple(fitted)


def fit_words(spans: Row, width: int) -> Row:
    """Return the row in at most `width` columns, cut between two words where it has any."""
    if width_of(spans) <= width:
        return spans
    fitted = fit(spans, width, "")
    text = "".join(span.text for span in fitted)
    whole = "".join(span.text for span in spans)
    end = len(text) if whole[len(text) :].startswith(" ") else text.rfind(" ")
    kept = cell_len(text[:end].rstrip()) if end > 0 else 0
    return fit(fitted, kept, "") if kept else fitted


def cut(text: str, width: int, *, pad: bool = False, dots: str = "…") -> str:
    """Return a line in at most `width` columns, its end given up for `…`; with `pad`, in exactly so many.

    Other `dots` are one column wide, too.
    """
    if cell_len(text) > width:
        head = chop_cells(text, width - 1)[0] if width > 1 else ""
        text = f"{head}{dots}" if width > 0 else ""
    return text + " " * (width - cell_len(text)) if pad else text


def tell_apart(lines: Sequence[str], widths: Sequence[int], dots: str = "…") -> list[str]:
    """Return each line in at most so many columns; where several would look alike, from where they differ.

    >>> tell_apart(["prob = softmax(x, -1)", "prob = softmax(f(x), -1)", "y = x"], [10] * 3)
    ['prob…x, -…', 'prob…f(x)…', 'y = x']
    """
    shown = [cut(line, width, dots=dots) for line, width in zip(lines, widths, strict=True)]
    alike: dict[str, set[str]] = {}
    for line, text in zip(lines, shown, strict=True):
        if line != text:
            alike.setdefault(text, set()).add(line)
    for k, (line, width) in enumerate(zip(lines, widths, strict=True)):
        others = alike.get(shown[k], set()) - {line}
        head = re.match(r"\w*", line)
        if not others or head is None or not 0 < head.end() < width // 2:
            continue
        same = max(map(partial(_common, line), others))
        begins = re.search(r"\w*$", line[:same])  # a word is shown from its beginning
        rest = line[same if begins is None else begins.start() :]
        shown[k] = cut(f"{head[0]}{dots}{rest}", width, dots=dots)
    return shown


def _common(one: str, other: str) -> int:
    """Return how many characters two lines have in common at their beginning."""
    pairs = enumerate(zip_longest(one, other))
    return next((place for place, (left, right) in pairs if left != right), len(one))


def ends(left: Row, right: Row, width: int, dots: str = "…") -> Row:
    """Return `left` and `right` at the two ends of a row; the left one gives way."""
    right = fit(right, width, dots)
    space = width - width_of(right)
    left = fit(left, max(0, space - 1), dots) if right else fit(left, width, dots)
    return (*left, TextSpan(" " * (space - width_of(left))), *right)


def span_at(spans: Row, x: int) -> TextSpan | None:
    """Return the span that column `x` falls in."""
    for span in spans:
        x -= cell_len(span.text)
        if x < 0:
            return span
    return None


def _head(text: str, width: int) -> str:
    """Return what of a text goes into `width` columns, at least one character; nothing if all of it does.

    It looks no further into the text than it must, so that to cut a long one takes time in proportion to it.
    """
    start = text[: _LOOK_AHEAD * max(width, 0)]
    for part in (start, text) if len(start) < len(text) else (text,):
        pieces = [piece for piece in chop_cells(part, width) if piece] if width > 0 else []
        if len(pieces) > 1:
            return pieces[0]
    return ""


def wrap(text: str, width: int) -> list[str]:
    """Return lines of at most `width` columns, broken at spaces; a longer word is cut."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            while head := _head(word, width):
                if line:
                    lines.append(line)
                    line = ""
                lines.append(head)
                word = word[len(head) :]
            joined = f"{line} {word}" if line else word
            if cell_len(joined) <= width:
                line = joined
            else:
                lines.append(line)
                line = word
        lines.append(line)
    return lines


def cut_rows(line: str, width: int) -> list[str]:
    """Return a line of output on as many rows as it takes, cut at a space where it has one.

    Each of them stays.
    """
    rows, rest = [], line
    while head := _head(rest, width):
        space = head.rfind(" ") if not rest[len(head) :].startswith(" ") else -1
        cut = space + 1 if head[: max(space, 0)].strip() else len(head)
        rows.append(rest[:cut])
        rest = rest[cut:]
    return [*rows, rest]


def wrap_code(line: str, width: int) -> list[str]:
    """Return a line of a program on as many rows as it takes, broken at spaces.

    What goes on is set in further.
    """
    margin = len(line) - len(line.lstrip()) + 4
    if cell_len(line) <= width or margin > width // 2:
        return [line] if cell_len(line) <= width else chop_cells(line, max(1, width))
    rows, rest = [], line
    while head := _head(rest, width):
        space = head.rfind(" ", margin + 1)
        cut = space if space > 0 else len(head)
        rows.append(rest[:cut])
        rest = " " * margin + rest[cut:].lstrip()
    return [*rows, rest]


def marked_lines(
    code: Sequence[str], line: int | None, width: int, pointer: str
) -> tuple[list[Row], int, int]:
    """Return the rows of a program, line `line` (from 1) marked, and where that begins and ends."""
    rows: list[Row] = []
    first = last = 0
    for number, text in enumerate(code, 1):
        now = number == line
        parts = wrap_code(text, width - 2)
        if now:
            first, last = len(rows), len(rows) + len(parts)
        for k, part in enumerate(parts):
            lead = f"{pointer} " if now and not k else "  "
            rows.append(row((lead, "accent"), (part, "code-now" if now else "code")))
    return rows, first, last


def wrap_spans(spans: Row, width: int, indent: int = 0) -> list[Row]:
    """Return the row on several lines, broken between spans, or inside one where nothing else will do."""
    lines: list[list[TextSpan]] = [[]]
    used = 0
    if width_of(spans) <= width:
        return [_strip_end(spans)]
    for span in spans:
        text = span.text
        if used and used + cell_len(text.rstrip()) > width:
            lines.append([TextSpan(" " * indent)] if indent else [])
            used = indent
            text = text.lstrip()
        while head := _head(text.rstrip(), width - used):
            lines[-1].append(span.with_text(head))
            lines.append([TextSpan(" " * indent)] if indent else [])
            used, text = indent, text[len(head) :]
        if text:
            lines[-1].append(span.with_text(text))
            used += cell_len(text)
    return [_strip_end(line) for line in lines]


def _strip_end(line: Sequence[TextSpan]) -> Row:
    """Return the line without the space at which it was broken."""
    return (*line[:-1], line[-1].with_text(line[-1].text.rstrip(" "))) if line else ()


def differing_columns(old: Sequence[TextSpan], new: Sequence[TextSpan]) -> range:
    """Return the columns in which two rows differ; empty if they look the same."""
    first, last = -1, -1
    pairs = zip_longest(_columns(old), _columns(new), fillvalue=(" ", ""))
    for column, (before, after) in enumerate(pairs):
        if before != after:
            first = column if first < 0 else first
            last = column
    return range(first, last + 1) if first >= 0 else range(0)


def _columns(spans: Sequence[TextSpan]) -> list[tuple[str, str]]:
    """Return what each column shows; a wide character fills its second column with nothing."""
    columns: list[tuple[str, str]] = []
    for span in spans:
        if span.text.isascii():
            columns.extend((character, span.role) for character in span.text)
            continue
        for character in span.text:
            size = cell_len(character)
            if size:
                columns.extend([(character, span.role), *[("", span.role)] * (size - 1)])
    return columns
