"""The blocks of prose: running text, the items of lists, the lines of tables and of what is set as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from llm_linalg.prose import fence
from llm_linalg.prose import paragraphs as parted

BULLET = "· "
_ITEM = re.compile(r"\s*(?:[-*+]|(\d{1,3})[.)])\s+")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?")

Kind = Literal["text", "item", "row", "code"]


class Block(NamedTuple):
    """One piece of prose.

    Attributes:
        kind: Running text, a list's item, a table's row, or a line that stands as it is.
        text: Its words; of a row its cells, parted by tabs.
        lead: What stands before an item: a dot or its number, and a space; of a table's first row with a
            rule below it, ``head``.
    """

    kind: Kind
    text: str
    lead: str = ""


def blocks(text: str) -> list[list[Block]]:
    """The paragraphs of prose, as the blocks of each."""
    return [[*_blocks(paragraph.shown)] for paragraph in parted(text.strip())]


def apart(text: str) -> bool:
    """Whether prose begins with something that does not run on from the words before it."""
    first = text.lstrip().partition("\n")[0]
    return bool(_ITEM.match(first) or first.startswith("|") or fence(first))


def grouped(paragraph: list[Block]) -> Iterator[tuple[Kind, list[Block]]]:
    """Runs of blocks of one kind; a list with numbers and one with dots are two."""
    for (kind, _), run in groupby(paragraph, lambda block: (block.kind, block.lead == BULLET)):
        yield kind, [*run]


def _blocks(text: str) -> Iterator[Block]:
    lines = text.split("\n")
    opened = fence(lines[0])
    if opened is not None:
        closed = len(lines) > 1 and opened.closed_by(lines[-1])
        yield from (Block("code", line) for line in lines[1 : -1 if closed else None])
        return
    running: Block | None = None
    counting = False
    for number, line in enumerate(lines):
        item = _ITEM.match(line)
        if item and item[1] and not (counting or number == 0 or item[1] == "1"):
            item = None  # "… of the year\n2026. And so": a sentence that goes on
        row = line.lstrip().startswith("|")
        if running is not None and not (item or row):
            running = Block(running.kind, f"{running.text} {line.strip()}", running.lead)
            continue
        if running is not None:
            yield running
        running = None
        if row:
            if not _RULE.fullmatch(line.strip()):
                ruled = number + 1 < len(lines) and _RULE.fullmatch(lines[number + 1].strip())
                cells = line.strip().strip("|").split("|")
                yield Block(
                    "row", "\t".join(" ".join(cell.split()) for cell in cells), "head" if ruled else ""
                )
        elif item:
            counting = counting or bool(item[1])
            lead = f"{item[1]}. " if item[1] else BULLET
            running = Block("item", " ".join(line[item.end() :].split()), lead)
        else:
            running = Block("text", " ".join(line.split()))
    if running is not None:
        yield running
