"""HTML: a page with a section a stop and a picture a step, stepped through with the keys.

The numbers are tables, the words are text: it is read aloud, searched and printed like any page. Styles and
the few lines of script stand in it, nothing is asked of the network, and without a script the first
picture of each stop is there, and the one that a handout has.
"""

from __future__ import annotations

from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from llm_linalg.base.text import clean_lines
from llm_linalg.lessons.lesson import OTHER_PART
from tui.export.format import Export, Format, Shot, Write, ask_text, on_paper

HERE = Path(__file__)
BAR = """\
<div class="bar" role="group" aria-label="Steps">
<button id="back" type="button" aria-label="a step back">◀</button>
<button id="play" type="button">play</button>
<button id="on" type="button" aria-label="a step on">▶</button>
<input id="at" type="range" min="0" value="0" aria-label="step">
<output id="told"></output>
<span class="keys"><kbd>←</kbd> <kbd>→</kbd> step
<kbd>,</kbd> <kbd>.</kbd> stop <kbd>space</kbd> play</span>
</div>
<p id="said" class="vh" aria-live="polite"></p>
"""


class _Picture(NamedTuple):
    """A shot, its step, where that is in words, and its picture in HTML."""

    shot: Shot
    step: int
    where: str
    html: str


class HtmlWriter:
    """Makes the page's pictures one by one, and writes the page when all stops are known."""

    def __init__(self, export: Export, write: Write) -> None:
        self._export, self._write = export, write
        self._shots: list[_Picture] = []

    def add(self, shot: Shot) -> None:
        """Make the next picture."""
        from tui.export.html_parts import picture, position_text

        frame, stop = shot.frame(self._export.ascii_only), shot.session.view.at_stop
        made = "" if stop.slide else picture(frame)
        self._shots.append(_Picture(shot, frame.place.step, position_text(frame), made))

    def end(self) -> None:
        """Write the page."""
        from tui.compose.hues import name_hues
        from tui.export.html_parts import link_lessons, paragraphs

        def write(text: str) -> None:
            self._write(clean_lines(text))

        title = self._export.title
        stops = [(number, [*group]) for number, group in groupby(self._shots, key=lambda one: one.shot.stop)]
        lessons = [group[0].shot.session.view.lesson for _, group in stops]
        places = {lesson.place if lesson.part < OTHER_PART else "" for lesson in lessons}
        kicker = " · ".join(filter(None, ["llm-linalg", *(places if len(places) == 1 else ())]))
        write(
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>\n{_own('.css')}</style>\n</head>\n<body>\n"
            f'<header>\n<p class="kicker">{escape(kicker)}</p>\n<h1>{escape(title)}</h1>\n'
        )
        if len(stops) > 1:
            items = (
                f'<li><a href="#stop={number}">{escape(group[0].shot.title)}</a></li>\n'
                for number, group in stops
            )
            write(f'<nav aria-label="Stops">\n<ol>\n{"".join(items)}</ol>\n</nav>\n')
        write("</header>\n<main>\n")
        first_stops: dict[str, int] = {}
        for (number, _), lesson in zip(stops, lessons, strict=True):
            first_stops.setdefault(lesson.slug, number)
        for number, group in stops:
            first = group[0].shot
            stop = first.session.view.at_stop
            write(f'<section class="stop" id="stop-{number}">\n<h2>{escape(first.title)}</h2>\n')
            paper = on_paper([one.shot for one in group])
            lesson = first.session.view.lesson
            hues = name_hues(lesson, paper.frame(self._export.ascii_only))
            said = paragraphs(stop.prose + ask_text(stop), hues, lesson.path)
            write(f'<div class="prose">\n{said}</div>\n')
            counted = len({one.step for one in group}) == len(group)  # a script may show a step twice
            for place, one in enumerate(group):
                shown = (("first", one.shot is first), ("paper", one.shot is paper))
                marks = " ".join(["step", *(mark for mark, is_so in shown if is_so)])
                step = one.step if counted else place
                write(f'<div class="{marks}" data-step="{step}" data-told="{escape(one.where)}">\n')
                write(f"{link_lessons(one.html, first_stops)}</div>\n")
            write("</section>\n")
        write(f"</main>\n{BAR}<script>\n{_own('.js')}</script>\n</body>\n</html>\n")


def _own(suffix: str) -> str:
    return HERE.with_suffix(suffix).read_text(encoding="utf-8")


FORMAT = Format("html", (".html", ".htm"), "a page that is stepped through with the keys", HtmlWriter)
