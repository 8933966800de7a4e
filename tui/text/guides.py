"""The guides: Markdown files of the package's folder `help`, and their text as rows.

To add a guide, put a file `TOPIC.md` there. Its first line is `# ` and its title, by which `llm-linalg
help` lists it and the command palette finds it. Lines of code and of tables are 76 columns wide at most. How
to write a lesson stands beside the lessons, where those who add one look for it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple

from llm_linalg.lessons.markdown import blocks, prose
from tui.text.prose import paragraphs
from tui.text.rows import Row, row


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
    """Return the guides by topic, in alphabetical order."""
    pages = {
        file.name.removesuffix(".md"): file
        for file in files("tui").joinpath("help").iterdir()
        if file.name.endswith(".md")
    }
    pages["lessons"] = files("llm_linalg.lessons").joinpath("README.md")
    return {topic: _guide(topic, pages[topic].read_text(encoding="utf-8")) for topic in sorted(pages)}


def _guide(topic: str, text: str) -> Guide:
    first, _, rest = text.partition("\n")
    return Guide(topic, first.removeprefix("# ").strip(), rest.strip("\n") + "\n")


def guide_rows(text: str, width: int) -> list[Row]:
    """Return a guide's text as rows of at most `width` columns, with its headings in bold."""
    rows: list[Row] = []
    for level, part in groupby(blocks(text), lambda block: block.level):
        if level:
            for heading in part:
                rows += [*([()] if rows else ()), row((heading.text, "title")), ()]
        else:
            rows += paragraphs(prose([*part]), width)
    return rows
