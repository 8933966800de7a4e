"""Markdown with Python fences, and the project's own lessons without their front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm_linalg.documents.cells import Cell
from llm_linalg.prose import fence

LANGUAGES = ("python", "py", "python3", "pycon", "pytorch", "ipython", "ipython3")

_KEY = re.compile(r"\s(?:(?:show|order|steps|ranks)\s*=|(?:fails|backward)\b)")
_WORD = re.compile(r"[{.]*([\w+-]*)")
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)(.*)")


def is_lesson(text: str) -> bool:
    """Whether Markdown is a lesson, or meant to be one: it has front matter, or fences with a lesson's keys.

    What is meant to be one and lacks its front matter is an error that says so, not a document.
    """
    lines = text.split("\n")
    if lines[0].rstrip() == "+++":
        return True
    fences = [found for line in lines if (found := fence(line, anywhere=True))]
    said = [found.info for found in fences if language(found.info) in LANGUAGES]
    return not said or any(_KEY.search(info) for info in said)


def read(text: str) -> list[Cell]:
    """The cells of a Markdown file: each fence of Python is one; a fence that is never closed ends it."""
    return list(_cells(text.split("\n")))


def _cells(lines: list[str]) -> Iterator[Cell]:
    prose: list[str] = []
    begun = place = 0
    while place < len(lines):
        opened = fence(lines[place], anywhere=True)
        if not opened:
            prose.append(lines[place])
            place += 1
            continue
        end = opened.end(lines, place)
        end = len(lines) if end is None else end
        if language(opened.info) in LANGUAGES:
            yield Cell("prose", "\n".join(prose), begun + 1)
            yield Cell("code", _code(lines[place + 1 : end], len(opened.indent)), place + 1)
            prose, begun = [], end + 1
        else:
            prose += lines[place : end + 1]
        place = end + 1
    yield Cell("prose", "\n".join(prose), begun + 1)


def language(info: str) -> str:
    """The language that the first line of a fence names, in small letters."""
    word = _WORD.match(info.strip())
    return word[1].lower() if word else ""


def _code(lines: list[str], indent: int) -> str:
    """The program of a fence, without the fence's indentation, and without prompts and their answers."""
    lines = [line[min(indent, len(line) - len(line.lstrip(" \t"))) :] for line in lines]
    first = next((line for line in lines if line.strip()), "")
    if first.startswith(">>>"):
        said = [_PROMPT.fullmatch(line) for line in lines]
        lines = [line[1] if line else "" for line in said]  # a line a line, so that places stay
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)
