"""HTML: a page with a section a stop, stepped through, asked and moved with keys, mouse or touch.

The numbers are tables, the words are text: it is read aloud, searched and printed like any page. What it
shows when its reader acts was computed by Python and stands in it as data, and its script only shows that.
Nothing is asked of the network, and a policy in the page lets no other script run, whatever its texts say.
Without a script the first picture of each stop is there, and the one that a handout has.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean_lines
from llm_linalg.lessons.lesson import OTHER_PART
from tui.export.format import Export, Format, Neighbour, Shot, Write, on_paper

if TYPE_CHECKING:
    from tui.export.page_data import PictureMaker, StopData
    from tui.export.page_settings import PageFiller

HERE = Path(__file__)
MOST_BYTES = 3_800_000  # of pictures: with all else a page has at most 4 MB
SITE_BYTES = 1_000_000  # of each page of a site, which has many
BAR = """\
<div class="bar" role="region" aria-label="steps">
<button id="back" type="button" aria-label="a step back">◀</button>
<button id="play" type="button">play</button>
<button id="on" type="button" aria-label="a step on">▶</button>
<input id="at" type="range" min="0" value="0" aria-label="step" autocomplete="off">
<output id="told" for="at"></output>
<span class="keys"><kbd>←</kbd> <kbd>→</kbd> step
<kbd>,</kbd> <kbd>.</kbd> stop <kbd>space</kbd> play</span>
</div>
<p id="said" class="vh" aria-live="polite"></p>
"""


class HtmlWriter:
    """Makes the page's pictures one by one, and writes the page when all stops are known."""

    def __init__(self, export: Export, write: Write) -> None:
        self._export, self._write = export, write
        self._shots: list[Shot] = []

    def add(self, shot: Shot) -> None:
        """Take the next shot: which lessons a picture may link to is known at the end."""
        self._shots.append(shot)

    def end(self) -> None:
        """Write the page."""
        from tui.export.page_data import PageLines, PictureMaker, page_json
        from tui.export.page_settings import PageFiller

        groups = [[*group] for _, group in groupby(self._shots, key=lambda shot: shot.stop)]
        lessons = [group[0].session.view.lesson for group in groups]
        site = self._export.site
        links = {} if site is None else {**site.links}
        for group in reversed(groups):  # of several stops of a lesson the first
            links[group[0].session.view.lesson.slug] = f"#stop={group[0].stop}"
        make, lines = PictureMaker(self._export.ascii_only, links), PageLines()
        filler = PageFiller(make, lines, MOST_BYTES if site is None else SITE_BYTES)
        stops = [_opened(group, filler) for group in groups]
        filler.fill(stops)
        places = {lesson.place if lesson.part < OTHER_PART else "" for lesson in lessons}
        place = escape(places.pop()) if len(places) == 1 else ""
        home = "llm-linalg" if site is None else _link(site.home)
        title, script = self._export.title, own_file("html.js")
        self._put(page_head(title, own_file("html.css"), script, "" if site is None else site.mark))
        kicker = " · ".join(filter(None, [home, place]))
        self._put(f'<header>\n<p class="kicker">{kicker}</p>\n<h1>{escape(title)}</h1>\n')
        if len(groups) > 1:
            items = (
                f'<li><a href="#stop={group[0].stop}">{escape(group[0].title)}</a></li>\n' for group in groups
            )
            self._put(f'<nav aria-label="Stops">\n<ol>\n{"".join(items)}</ol>\n</nav>\n')
        self._put("</header>\n<main>\n")
        for group, stop in zip(groups, stops, strict=True):
            self._section(group, stop, make)
        if site is not None:
            ways = [
                *(f"← {_link(page)}" for page in site.before),
                *(f"{_link(page)} →" for page in site.after),
            ]
            inside = "".join(f"<span>{way}</span>\n" for way in ways)
            self._put(f'<nav class="around" aria-label="Lessons">\n{inside}</nav>\n')
        data = page_json(lines, stops, "" if site is None else site.name)
        self._put(f'</main>\n{BAR}<script type="application/json" id="data">{data}</script>\n')
        self._put(f"<script>\n{script}</script>\n</body>\n</html>\n")

    def _section(self, group: list[Shot], data: StopData, make: PictureMaker) -> None:
        """Write the section of a stop: its text, what it asks, its controls, and two pictures of it."""
        from tui.compose.hues import name_hues
        from tui.export.html_parts import paragraphs
        from tui.export.html_questions import ask_html, exercise_html
        from tui.export.page_settings import controls_html

        first, paper = group[0], on_paper(group)
        view, frame = first.session.view, first.frame(self._export.ascii_only)
        hues = name_hues(view.lesson, paper.frame(self._export.ascii_only))
        self._put(f'<section class="stop" id="stop-{first.stop}">\n<h2>{escape(first.title)}</h2>\n')
        prose = paragraphs(view.at_stop.prose, hues, view.lesson.path, make.links)
        self._put(f'<div class="prose">\n{prose}</div>\n')
        if view.at_stop.ask is not None:
            self._put(ask_html(view.at_stop.ask, hues))
        if frame.exercise is not None:
            self._put(exercise_html(frame.exercise, view))
        self._put(controls_html(data))
        for shot in dict.fromkeys((first, paper)):
            marks = [mark for mark, one in (("first", first), ("paper", paper)) if shot is one]
            html = make.of(shot.session, settings=True).html
            self._put(f'<div class="{" ".join(["step", *marks])}">\n{html}</div>\n')
        self._put("</section>\n")

    def _put(self, text: str) -> None:
        self._write(clean_lines(text))


def _opened(group: list[Shot], filler: PageFiller) -> StopData:
    """Return what a page has of a stop as it opens."""
    from tui.export.page_data import StopData, solution_of
    from tui.export.page_settings import names_that_matter

    session, walk = group[0].session, group[0].walk
    names = () if walk is None else names_that_matter(session.view)
    stop = StopData(session, walk, names)
    for name in names:
        stop.alone[name] = {dict(session.view.controls)[name]: stop.key(session.view)}
    solution = None if walk is None else solution_of(session)
    solved = () if walk is None or solution is None else walk(solution)
    filler.begin(stop, [shot.session for shot in group], solved)
    return stop


def _link(page: Neighbour) -> str:
    return f'<a href="{escape(page.address)}">{escape(page.title)}</a>'


def page_head(title: str, style: str, script: str, mark: str = "") -> str:
    """Return the beginning of a page up to its body: its style, and a policy that names its one script."""
    allowed = f"img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">{mark}\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
    )


def _hash(text: str) -> str:
    """Return what names an element of this text in a policy: the line break after its tag is part of it."""
    digest = sha256(("\n" + text).encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


def own_file(name: str) -> str:
    """Return the text of a file of this folder, a style or a script."""
    return HERE.with_name(name).read_text(encoding="utf-8")


FORMAT = Format(
    "html", (".html", ".htm"), "a page whose steps, guesses and controls work in a browser", HtmlWriter
)
