"""Read Markdown with Python fences, including the project's own lessons without front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_linalg.lessons.body import fence_fault
from llm_linalg.lessons.documents.code_cells import DocumentCell
from llm_linalg.lessons.lesson import LineError
from llm_linalg.lessons.markdown import MOST_LINES, Block, blocks

LANGUAGES = ("python", "py", "python3", "pycon", "pytorch", "ipython", "ipython3")

_KEY = re.compile(r"\s(?:(?:show|order|steps|ranks)\s*=|(?:fails|backward)\b)")
_WORD = re.compile(r"[{.]*([\w+-]*)")
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)(.*)")


def is_lesson(text: str) -> bool:
    """Return whether Markdown is meant to be a lesson: it has front matter, or fences with a lesson's keys.

    One that is meant to be a lesson and lacks front matter is an error that says so, not a document.
    """
    lines = text.splitlines()[:MOST_LINES] or [""]
    if lines[0].rstrip() == "+++":
        return True
    infos = [block.info for block in blocks("\n".join(lines)) if language(block.info) in LANGUAGES]
    return not infos or any(_KEY.search(info) for info in infos)


def read(text: str) -> list[DocumentCell]:
    """Return the cells of a Markdown file, one for each Python fence.

    Raises:
        LineError: If it has too many lines, or a fence that is not closed: all else would follow from it.
    """
    lines = text.split("\n")
    if len(lines) > MOST_LINES + 1:
        raise LineError(1, f"it has more than {MOST_LINES:,} lines")
    parts = blocks(text)
    for block in parts:
        fault = fence_fault(block, LANGUAGES)
        if fault:
            raise LineError(block.first + 1, fault)
    return list(_cells(lines, parts))


def _cells(lines: list[str], parts: list[Block]) -> Iterator[DocumentCell]:
    place = 0
    for block in parts:
        if language(block.info) in LANGUAGES:
            yield DocumentCell("prose", "\n".join(lines[place : block.first]), place + 1)
            yield DocumentCell("code", _code(block.text.split("\n")), block.first + 1)
            place = block.end
    yield DocumentCell("prose", "\n".join(lines[place:]), place + 1)


def language(info: str) -> str:
    """Return the language in a fence's info string, in lower case; empty without one."""
    word = _WORD.match(info)
    return word[1].lower() if word else ""


def _code(lines: list[str]) -> str:
    """Return the program in a fence, without prompts and output."""
    first = next((line for line in lines if line.strip()), "")
    if first.startswith(">>>"):
        matches = [_PROMPT.fullmatch(line) for line in lines]
        lines = [
            line[1] if line else "" for line in matches
        ]  # output becomes empty lines, so that line numbers stay
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)
