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
from tui.export.format import Export, Format, Shot, Write, on_paper

if TYPE_CHECKING:
    from tui.export.page_data import PageLines, PictureMaker, StopData

HERE = Path(__file__)
BAR = """\
<div class="bar" role="group" aria-label="Steps">
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

        groups = [[*group] for _, group in groupby(self._shots, key=lambda shot: shot.stop)]
        lessons = [group[0].session.view.lesson for group in groups]
        first_stops: dict[str, int] = {}
        for group, lesson in zip(groups, lessons, strict=True):
            first_stops.setdefault(lesson.slug, group[0].stop)
        make = PictureMaker(self._export.ascii_only, first_stops)
        places = {lesson.place if lesson.part < OTHER_PART else "" for lesson in lessons}
        kicker = " · ".join(filter(None, ["llm-linalg", *(places if len(places) == 1 else ())]))
        title = self._export.title
        self._put(page_head(title, _own(".css"), _own(".js")))
        self._put(f'<header>\n<p class="kicker">{escape(kicker)}</p>\n<h1>{escape(title)}</h1>\n')
        if len(groups) > 1:
            items = (
                f'<li><a href="#stop={group[0].stop}">{escape(group[0].title)}</a></li>\n' for group in groups
            )
            self._put(f'<nav aria-label="Stops">\n<ol>\n{"".join(items)}</ol>\n</nav>\n')
        self._put("</header>\n<main>\n")
        lines = PageLines()
        stops = [self._stop(group, make, lines) for group in groups]
        data = page_json(lines, stops)
        self._put(f'</main>\n{BAR}<script type="application/json" id="data">{data}</script>\n')
        self._put(f"<script>\n{_own('.js')}</script>\n</body>\n</html>\n")

    def _stop(self, group: list[Shot], make: PictureMaker, lines: PageLines) -> StopData:
        """Write the section of a stop, and return what its script has."""
        from tui.compose.hues import name_hues
        from tui.export.html_parts import paragraphs
        from tui.export.html_questions import ask_html, exercise_html
        from tui.export.page_data import StopData, solution_of

        first, paper = group[0], on_paper(group)
        session, frame = first.session, first.frame(self._export.ascii_only)
        stop, lesson = session.view.at_stop, session.view.lesson
        hues = name_hues(lesson, paper.frame(self._export.ascii_only))
        self._put(f'<section class="stop" id="stop-{first.stop}">\n<h2>{escape(first.title)}</h2>\n')
        self._put(f'<div class="prose">\n{paragraphs(stop.prose, hues, lesson.path)}</div>\n')
        if stop.ask is not None:
            self._put(ask_html(stop.ask, hues))
        if frame.exercise is not None:
            self._put(exercise_html(frame.exercise, session.view))
        shown = [make.of(shot.session, settings=True) for shot in group]
        if len({one.step for one in shown}) < len(shown):  # a script may show a step twice
            shown = [one._replace(step=place) for place, one in enumerate(shown)]
        for shot, one in zip(group, shown, strict=True):
            marks = [mark for mark, is_so in (("first", shot is first), ("paper", shot is paper)) if is_so]
            if marks:
                self._put(f'<div class="{" ".join(["step", *marks])}">\n{one.html}</div>\n')
        self._put("</section>\n")
        data = StopData(session)
        key = data.key(session.view)
        data.walks[key] = lines.pack(shown) or []
        guesses, typed = make.guesses(session)
        if guesses:
            data.guesses[key] = lines.pack(guesses) or []
        if typed:
            data.answers[key] = typed
        solution = None if first.walk is None else solution_of(session)
        if solution is not None and first.walk is not None:
            there = first.walk(solution)
            data.solution = lines.pack(make.of(one, settings=True) for one in there) or []
        return data

    def _put(self, text: str) -> None:
        self._write(clean_lines(text))


def page_head(title: str, style: str, script: str) -> str:
    """Return the beginning of a page up to its body: its style, and a policy that names its one script."""
    allowed = f"img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
    )


def _hash(text: str) -> str:
    """Return what names an element of this text in a policy: the line break after its tag is part of it."""
    digest = sha256(("\n" + text).encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


def _own(suffix: str) -> str:
    return HERE.with_suffix(suffix).read_text(encoding="utf-8")


FORMAT = Format("html", (".html", ".htm"), "a page that is stepped through with the keys", HtmlWriter)
