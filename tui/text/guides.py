"""The guides: Markdown files of the package's folder `help`, and their text as rows.

To add a guide, put a file ``TOPIC.md`` there. Its first line is ``# `` and its title, by which `llm-linalg
help` lists it and the command palette finds it. Lines of code and of tables are 76 columns wide at most.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from tui.prose import paragraphs
from tui.widgets.rows import Row, row

_FENCE = re.compile(r"^(`{3,}|~{3,})")
_HEADING = re.compile(r"^#{1,6} +(.*)$")


class Guide(NamedTuple):
    """One guide.

    Attributes:
        topic: What names it on the command line.
        title: Its first heading.
        text: What is below that, as Markdown.
    """

    topic: str
    title: str
    text: str


@cache
def guides() -> dict[str, Guide]:
    """The guides by topic, in alphabetical order."""
    found = sorted((file for file in files("tui").joinpath("help").iterdir()), key=lambda file: file.name)
    return {
        guide.topic: guide
        for file in found
        if file.name.endswith(".md")
        for guide in [_guide(file.name.removesuffix(".md"), file.read_text(encoding="utf-8"))]
    }


def _guide(topic: str, text: str) -> Guide:
    first, _, rest = text.partition("\n")
    return Guide(topic, first.removeprefix("# ").strip(), rest.strip("\n") + "\n")


def guide_rows(text: str, width: int) -> list[Row]:
    """A guide's text as rows of at most `width` columns: headings in bold, prose as lessons have it."""
    rows: list[Row] = []
    for heading, body in _sections(text):
        if heading:
            rows += [(), row((heading, "title")), ()] if rows else [row((heading, "title")), ()]
        rows += paragraphs(body, width)
    return rows


def _sections(text: str) -> list[tuple[str, str]]:
    """The text parted at its headings; a line in a fence is none."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        heading = _HEADING.match(line) if not fence else None
        if mark is not None:
            fence = mark[1] if not fence else "" if line.startswith(fence) else fence
        if heading is not None:
            sections.append((heading[1], []))
        else:
            sections[-1][1].append(line)
    return [(heading, "\n".join(lines).strip("\n")) for heading, lines in sections if heading or any(lines)]
