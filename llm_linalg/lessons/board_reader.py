"""Read boards: fences whose lines are live cells, each with the lesson that it opens.

```board chain
Embedding | x | lesson:vector | a row of a table
---
Together  | y | lesson:matmul | a row apart from the chain
```
"""

from __future__ import annotations

import re

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import clean, width
from llm_linalg.lessons.body import ListFence
from llm_linalg.lessons.fence_options import BodyError
from llm_linalg.lessons.stop import Board, BoardRow

MOST_ROWS = 40
LONGEST_LABEL = 24
LONGEST_WORDS = 60
SHAPE = "label | tensor | lesson:slug | words"

_NAME = re.compile(r"[^\W\d]\w*(\.\w+)*")
_LINK = re.compile(r"lesson:([A-Za-z0-9_-]+)")


def read(fence: ListFence, first: int) -> Board:
    """Return the board in a fence.

    Args:
        fence: The fence.
        first: The file's line, from 1, of the body's first line.

    Raises:
        BodyError: At a line that is wrong.
    """
    if fence.info not in ("", "chain"):
        raise BodyError(fence.place, unknown("word after board", fence.info, ["chain"]))
    rows: list[BoardRow] = []
    apart = False
    for place, line in enumerate(fence.lines, fence.place + 1):
        text = line.strip()
        if len(text) >= 3 and set(text) == {"-"}:
            if apart or not rows:
                raise BodyError(place, "--- stands once in a board, between two rows")
            apart = True
        elif text:
            rows.append(_row(text, place, first + place, apart))
    if not rows or rows[-1].apart != apart:
        raise BodyError(fence.place, f"a board needs a row: {SHAPE}")
    if len(rows) > MOST_ROWS:
        raise BodyError(fence.place, f"a board has at most {MOST_ROWS} rows, not {len(rows)}")
    return Board(tuple(rows), fence.info == "chain")


def _row(text: str, place: int, line: int, apart: bool) -> BoardRow:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 4:
        raise BodyError(place, f"a row of a board reads {SHAPE}; this has {len(parts)} parts, not 4")
    label, name, link, words = parts
    if not label or not label.isprintable() or width(label) > LONGEST_LABEL:
        raise BodyError(place, f"a label is 1 to {LONGEST_LABEL} characters, without control characters")
    if not words.isprintable() or width(words) > LONGEST_WORDS:
        raise BodyError(
            place, f"the words are at most {LONGEST_WORDS} characters, without control characters"
        )
    if name and not _NAME.fullmatch(name):
        raise BodyError(place, f"a row shows a tensor by its name, or nothing: not {quote(name)}")
    target = _LINK.fullmatch(link)
    if not target:
        raise BodyError(place, f"a row opens a lesson: lesson:matmul; not {quote(link)}")
    return BoardRow(clean(label), name or None, target[1], clean(words), apart, line)
