"""A site: a page a lesson, and an index with search and with what its reader has seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from llm_linalg.base.file_io import read_bytes
from llm_linalg.base.text import CleanText, clean_lines
from llm_linalg.lessons.lesson import OTHER_PART
from llm_linalg.lessons.markdown import columns, plain_text
from tui.export.format import Neighbour, SitePlace
from tui.export.formats.html import own_file, page_head
from tui.export.page_data import json_data

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck

INDEX = "index.html"
MARK = '<meta name="generator" content="llm-linalg export --site">'
LONGEST_HEAD = 2_000  # bytes in which the mark stands
SCRIPT = "site.js"


class SitePage(NamedTuple):
    """A page of a site: its lesson or deck, with the word that names it, and its file's name."""

    word: str
    deck: Deck
    file: str

    @property
    def address(self) -> str:
        """Its address beside the other pages."""
        return quote(self.file)

    @property
    def part(self) -> str:
        """The part of the course that its lesson is in; empty for any other."""
        lesson = self.deck.stops[0].lesson
        return lesson.place if lesson.part < OTHER_PART else ""


def pages_of(decks: Sequence[tuple[str, Deck]]) -> list[SitePage]:
    """Return the pages of decks, each with a file name of its own, whatever the system makes of capitals."""
    taken, pages = {INDEX}, []
    for word, deck in decks:
        stem = deck.stops[0].lesson.slug if deck.path is None else deck.path.stem
        file, number = f"{stem}.html", 1
        while file.casefold() in taken:
            number += 1
            file = f"{stem}-{number}.html"
        taken.add(file.casefold())
        pages.append(SitePage(word, deck, file))
    return pages


def places_of(pages: Sequence[SitePage], title: str) -> list[SitePlace]:
    """Return what each page is told of the site around it."""
    links = {page.deck.stops[0].lesson.slug: page.address for page in reversed(pages)}
    names = [Neighbour(page.address, page.deck.title) for page in pages]
    return [
        SitePlace(
            page.file, Neighbour(INDEX, title), links, [*names[k - 1 : k]], [*names[k + 1 : k + 2]], MARK
        )
        for k, page in enumerate(pages)
    ]


def foreign_file(out: Path) -> Path | None:
    """Return a file in a folder that no site has put there; None if there is none. Raises OSError."""
    return next((file for file in sorted(out.iterdir()) if not _is_ours(file)), None)


def _is_ours(file: Path) -> bool:
    try:
        head = b"" if file.is_symlink() else read_bytes(file, LONGEST_HEAD)
    except ValueError:  # a folder, or a pipe
        return False
    return MARK.encode() in head


def index_html(pages: Sequence[SitePage], title: str) -> CleanText:
    """Return the index: the lessons by part, and what is searched in."""
    script = own_file(SCRIPT)
    head = page_head(title, own_file("html.css"), script, MARK)
    body = "".join(_parts(pages))
    words = [[[stop.title, _words(stop.at.prose)] for stop in page.deck.stops] for page in pages]
    return clean_lines(
        f'{head}<header>\n<p class="kicker">llm-linalg</p>\n<h1>{escape(title)}</h1>\n'
        '<p class="find live"><input type="search" id="find" placeholder="search" aria-label="search" '
        'autocomplete="off"> <output id="count" for="find"></output></p>\n'
        f"</header>\n<main>\n{body}"
        '<p class="facts live">What you have seen is kept in this browser, and nowhere else. '
        '<button type="button" id="forget">forget it</button></p>\n</main>\n'
        f'<script type="application/json" id="data">{json_data(words)}</script>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _parts(pages: Sequence[SitePage]) -> Iterator[str]:
    for part, group in groupby(pages, key=lambda page: page.part):
        heading = f"<h2>{escape(part)}</h2>\n" if part else ""
        items = "".join(map(_item, group))
        yield f'<section class="part">\n{heading}<ol class="lessons">\n{items}</ol>\n</section>\n'


def _item(page: SitePage) -> str:
    stops = page.deck.stops
    exercises = sum(stop.at.exercise is not None for stop in stops)
    counted = [f"{len(stops)} stop{'s' * (len(stops) > 1)}"]
    counted += [f"{exercises} exercise{'s' * (exercises > 1)}"] if exercises else []
    return (
        f'<li data-page="{escape(page.file)}"><a href="{page.address}">{escape(page.deck.title)}</a> '
        f'<span class="facts">{", ".join(counted)}<span class="seen"></span></span>\n<ul></ul></li>\n'
    )


def _words(prose: str) -> str:
    """Return a stop's prose as what is searched: its words on one line."""
    return " ".join(plain_text("\n\n".join(columns(prose))).split())
