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
from llm_linalg.base.text import clean, unshown, width
from llm_linalg.lessons.fence_options import ListFence
from llm_linalg.lessons.lesson import LineError
from llm_linalg.lessons.stop import Board, BoardRow

MOST_ROWS = 40
LONGEST_LABEL = 24
LONGEST_WORDS = 60
SHAPE = "label | tensor | lesson:slug | words"

_NAME = re.compile(r"[^\W\d]\w*(\.\w+)*")
_LINK = re.compile(r"lesson:([A-Za-z0-9_-]+)")


def read(fence: ListFence) -> Board:
    """Return the board in a fence; raise `LineError` at a line that is wrong."""
    if fence.info not in ("", "chain"):
        raise LineError(fence.line, unknown("word after board", fence.info, ["chain"]))
    rows: list[BoardRow] = []
    apart = False
    for line, number in fence.lines:
        text = line.strip()
        if len(text) >= 3 and set(text) == {"-"}:
            if apart or not rows:
                raise LineError(number, "--- stands once in a board, between two rows")
            apart = True
        elif text:
            rows.append(_row(text, number, apart))
    if not rows or rows[-1].apart != apart:
        raise LineError(fence.line, f"a board needs a row: {SHAPE}")
    if len(rows) > MOST_ROWS:
        raise LineError(fence.line, f"a board has at most {MOST_ROWS} rows, not {len(rows)}")
    return Board(tuple(rows), fence.info == "chain")


def _row(text: str, line: int, apart: bool) -> BoardRow:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 4:
        raise LineError(line, f"a row of a board reads {SHAPE}; this has {len(parts)} parts, not 4")
    label, name, link, words = parts
    if not label or width(label) > LONGEST_LABEL:
        raise LineError(line, f"a label is 1 to {LONGEST_LABEL} characters, not {width(label)}")
    if width(words) > LONGEST_WORDS:
        raise LineError(line, f"the words are at most {LONGEST_WORDS} characters, not {width(words)}")
    if char := unshown(label) or unshown(words):
        raise LineError(line, f"a row can't have {char}")
    if name and not _NAME.fullmatch(name):
        raise LineError(line, f"a row shows a tensor by its name, or nothing: not {quote(name)}")
    target = _LINK.fullmatch(link)
    if not target:
        raise LineError(line, f"a row opens a lesson: lesson:matmul; not {quote(link)}")
    return BoardRow(clean(label), name or None, target[1], clean(words), apart, line)
