"""HTML: a page with a section a stop and a picture a step, stepped through with the keys.

The numbers are tables, the words are text: it is read aloud, searched and printed like any page. Styles and
the few lines of script stand in it, nothing is asked of the network, and without a script the first
picture of each stop is there, and the one that a handout has.
"""

from __future__ import annotations

from html import escape
from itertools import groupby
from pathlib import Path

from llm_linalg.base.text import clean_lines
from tui.export.format import Export, Format, Shot, Write, on_paper

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


class HtmlWriter:
    """Makes the page's pictures one by one, and writes the page when all stops are known."""

    def __init__(self, export: Export, write: Write) -> None:
        self._export, self._write = export, write
        self._shots: list[tuple[Shot, str, str, str]] = []  # with the part, where it is, and its picture

    def add(self, shot: Shot) -> None:
        """Make the next picture."""
        from tui.export.html_parts import picture, position_text

        frame, stop = shot.frame(self._export.ascii_only), shot.session.view.at_stop
        heat = shot.session.view.look != "numbers"
        self._shots.append(
            (shot, frame.part, position_text(frame), "" if stop.slide else picture(frame, heat))
        )

    def end(self) -> None:
        """Write the page."""
        from tui.export.html_parts import paragraphs

        def write(text: str) -> None:
            self._write(clean_lines(text))

        title = self._export.title
        stops = [(number, [*group]) for number, group in groupby(self._shots, key=lambda one: one[0].stop)]
        places = dict.fromkeys(part for _, [(_, part, _, _), *_] in stops)
        kicker = " · ".join(["llm-linalg", *(places if len(places) == 1 else ())])
        write(
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>\n{_own('.css')}</style>\n</head>\n<body>\n"
            f'<header>\n<p class="kicker">{escape(kicker)}</p>\n<h1>{escape(title)}</h1>\n'
        )
        if len(stops) > 1:
            items = (
                f'<li><a href="#stop={number}">{escape(first.title)}</a></li>\n'
                for number, [(first, *_), *_] in stops
            )
            write(f'<nav aria-label="Stops">\n<ol>\n{"".join(items)}</ol>\n</nav>\n')
        write("</header>\n<main>\n")
        for number, group in stops:
            first = group[0][0]
            write(f'<section class="stop" id="stop-{number}">\n<h2>{escape(first.title)}</h2>\n')
            write(f'<div class="prose">\n{paragraphs(first.session.view.at_stop.prose)}</div>\n')
            paper = on_paper([shot for shot, *_ in group])
            for shot, _, where, made in group:
                marks = ["step", *(["first"] if shot is first else []), *(["paper"] if shot is paper else [])]
                write(f'<div class="{" ".join(marks)}" data-told="{escape(where)}">\n{made}</div>\n')
            write("</section>\n")
        write(f"</main>\n{BAR}<script>\n{_own('.js')}</script>\n</body>\n</html>\n")


def _own(suffix: str) -> str:
    return HERE.with_suffix(suffix).read_text(encoding="utf-8")


FORMAT = Format("html", (".html", ".htm"), "a page that is stepped through with the keys", HtmlWriter)
