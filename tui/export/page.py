"""A lesson as one HTML page: a section a stop, a picture a step, stepped through with the keys.

The numbers are tables, the words are text: it is read aloud, searched and printed like any page. Styles and
the few lines of script stand in it, nothing is asked of the network, and without a script the first
picture of each stop is there, and the one that a handout has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from itertools import groupby
from pathlib import Path

from llm_linalg.markdown import Block, blocks, grouped
from tui.export.pictures import picture, told
from tui.export.scenes import Scene, on_paper
from tui.export.texts import frame_of
from tui.prose import BULLET, inline, lead_of

Write = Callable[[str], None]

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


def html(title: str, scenes: Iterable[Scene], ascii_only: bool, write: Write) -> None:
    """Writes the page.

    Args:
        title: of the whole.
        scenes: a picture each.
        ascii_only: whether the pictures' glyphs are ASCII.
        write: takes the page, piece by piece.
    """
    stops = [(number, [*group]) for number, group in groupby(scenes, key=lambda scene: scene.stop)]
    places = dict.fromkeys(frame_of(group[0]).part for _, group in stops)
    kicker = " · ".join(["llm-linalg", *(places if len(places) == 1 else ())])
    write(
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_own('.css')}</style>\n</head>\n<body>\n"
        f'<header>\n<p class="kicker">{escape(kicker)}</p>\n<h1>{escape(title)}</h1>\n'
    )
    if len(stops) > 1:
        items = (
            f'<li><a href="#stop={number}">{escape(group[0].title)}</a></li>\n' for number, group in stops
        )
        write(f'<nav aria-label="Stops">\n<ol>\n{"".join(items)}</ol>\n</nav>\n')
    write("</header>\n<main>\n")
    for number, group in stops:
        prose = group[0].session.view.at_stop.prose
        write(f'<section class="stop" id="stop-{number}">\n<h2>{escape(group[0].title)}</h2>\n')
        write(f'<div class="prose">\n{paragraphs(prose)}</div>\n')
        paper = on_paper(group)
        for k, scene in enumerate(group):
            place = " ".join(["step", *(["first"] if k == 0 else []), *(["paper"] if scene is paper else [])])
            frame = frame_of(scene, ascii_only)
            write(f'<div class="{place}" data-told="{escape(told(frame))}">\n')
            heat = scene.session.view.look != "numbers"
            write(f"{'' if scene.session.view.at_stop.slide else picture(frame, heat)}</div>\n")
        write("</section>\n")
    write(f"</main>\n{BAR}<script>\n{_own('.js')}</script>\n</body>\n</html>\n")


def _own(suffix: str) -> str:
    return HERE.with_suffix(suffix).read_text(encoding="utf-8")


def paragraphs(text: str) -> str:
    """A lesson's prose as HTML; a link to a lesson is its words."""
    runs = (run for group in grouped(blocks(text)) for run in groupby(group, _tag))
    return "".join(_made(tag, [*run]) for tag, run in runs)


def _tag(block: Block) -> str:
    """The HTML tag of what a block stands in."""
    tags = {"code": "pre", "row": "table", "quote": "blockquote", "item": "ol"}
    return "ul" if lead_of(block) == BULLET else tags.get(block.kind, "p")


def _made(tag: str, run: list[Block]) -> str:
    match tag:
        case "pre":
            return "".join(f"<pre>{escape(block.text)}</pre>\n" for block in run)
        case "p":
            return "".join(f"<p>{_inline(block.source)}</p>\n" for block in run)
        case "table":
            inside = "".join(f"<tr>{_cells(block)}</tr>\n" for block in run)
        case "blockquote":
            inside = "".join(f"<p>{_inline(block.text)}</p>\n" for block in run)
        case _:
            inside = "".join(f"<li>{_inline(block.text)}</li>\n" for block in run)
    number = run[0].mark.rstrip(".)")
    first = f' start="{number}"' if tag == "ol" and number != "1" else ""
    return f"<{tag}{first}>\n{inside}</{tag}>\n"


def _cells(row: Block) -> str:
    tag = "th" if row.mark else "td"
    return "".join(f"<{tag}>{_inline(text)}</{tag}>" for text in row.cells)


def _inline(text: str) -> str:
    tags = {"code": "code", "strong": "strong", "link": "em"}
    found = []
    for span in inline(text):
        if span.role == "key":  # the number of a link, for a key of the app
            continue
        tag = tags.get(span.role)
        found.append(f"<{tag}>{escape(span.text)}</{tag}>" if tag else escape(span.text))
    return "".join(found)
