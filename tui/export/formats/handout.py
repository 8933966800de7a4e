"""Markdown: a handout with each stop's text, its program to be run, and the picture that it has on paper."""

from __future__ import annotations

import re

from llm_linalg.base.text import clean_lines
from llm_linalg.lessons.markdown import columns, inert, without_links
from tui.export.format import Export, Format, Shot, Write, ask_text, on_paper
from tui.model.view_words import command
from tui.session.reopening import reopening_command

KEYS = "This opens it in the app, where the keys work that a text names:"


class HandoutWriter:
    """Writes the handout, a stop at a time."""

    def __init__(self, export: Export, write: Write) -> None:
        self._width, self._ascii_only, self._write = export.size[0], export.ascii_only, write
        self._stop: list[Shot] = []
        self._hint = f"\n{KEYS}\n"  # above the first command
        write(clean_lines(f"# {_line(export.title)}\n"))

    def add(self, shot: Shot) -> None:
        """Take the next shot; with the first of a stop, the one before is complete."""
        if self._stop and shot.stop != self._stop[0].stop:
            self.end()
        self._stop.append(shot)

    def end(self) -> None:
        """Write the stop that is complete."""
        if not self._stop:
            return
        shown = on_paper(self._stop)
        self._stop = []
        self._write(clean_lines(f"\n## {shown.stop}. {_line(shown.title)}\n{_block(_prose(shown))}"))
        if not shown.session.view.at_stop.slide:
            picture = _fence(self._picture(shown), "text")
            self._write(clean_lines(f"{_program(shown)}{picture}{self._hint}{_command(shown)}"))
            self._hint = ""

    def _picture(self, shot: Shot) -> str:
        """Return the frame as text, without what the handout has already: its head, prose and program."""
        from tui.render.plain import to_plain

        return to_plain(shot.frame(self._ascii_only), self._width, whole=False)


def _program(shot: Shot) -> str:
    """Return the program as torch code that runs as it is: with imports, seed and the values of controls."""
    from tui.compose.torch_code import torch_code

    view = shot.session.view
    return _fence(torch_code(view), "python") if view.program.strip() else ""


def _command(shot: Shot) -> str:
    """Return the command that opens the picture: of a talk on the stage, of a lesson in the app."""
    talk = shot.session.talk
    staged = talk is not None and talk.deck.is_talk
    return _fence(f"{reopening_command(shot.session) if staged else command(shot.session.view)}\n", "sh")


def _prose(shot: Shot) -> str:
    """Return the stop's text; a link to a lesson is its words, and HTML is text, as on the screen."""
    stop = shot.session.view.at_stop
    prose = "\n\n".join(columns(stop.prose))
    return inert(without_links(prose + ask_text(stop)).strip())


def _block(text: str) -> str:
    return f"\n{text}\n" if text else ""


def _fence(text: str, language: str) -> str:
    """Return a fence that no line of the text closes."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}{language}\n{text}{fence}\n"


def _line(text: str) -> str:
    return inert(" ".join(text.split()))


FORMAT = Format(
    "markdown", (".md", ".markdown"), "a handout: text, programs, and a picture of each stop", HandoutWriter
)
