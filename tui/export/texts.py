"""Exports made of frames as text: a Markdown handout, and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from itertools import groupby

from llm_linalg.markdown import spans
from tui.export.scenes import Scene, on_paper
from tui.frame import Frame
from tui.render.json import frame_object
from tui.render.plain import to_plain

Write = Callable[[str], None]


def frame_of(scene: Scene, ascii_only: bool = False) -> Frame:
    """The scene's frame."""
    opened = scene.session.current
    if opened is None:
        raise LookupError("a scene's program was run before it was made")
    return opened.frame(scene.session.view, ascii_only=ascii_only)


def markdown(title: str, scenes: Iterable[Scene], width: int, ascii_only: bool, write: Write) -> None:
    """A handout: of each stop the text, the program, and the picture that it has on paper, as text."""
    write(f"# {_line(title)}\n")
    for number, group in groupby(scenes, key=lambda scene: scene.stop):
        shown = on_paper([*group])
        write(f"\n## {number}. {_line(shown.title)}\n{_block(_prose(shown))}{_program(shown)}")
        if not shown.session.view.at_stop.slide:
            write(_fenced(_picture(frame_of(shown, ascii_only), width), "text"))


def _picture(frame: Frame, width: int) -> str:
    """The frame as text, without what the handout has already: its head, prose and program."""
    return to_plain(frame, width, whole=False)


def _program(scene: Scene) -> str:
    code = scene.session.view.program.strip("\n")
    return _fenced(f"{code}\n", "python") if code.strip() else ""


def _prose(scene: Scene) -> str:
    """The stop's text; a link to a lesson is its words."""
    return "".join(text for text, _ in spans(scene.session.view.at_stop.prose)).strip()


def _block(text: str) -> str:
    return f"\n{text}\n" if text else ""


def _fenced(text: str, language: str) -> str:
    """A fence that no line of the text closes."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}{language}\n{text}{fence}\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def as_json(title: str, scenes: Iterable[Scene], write: Write) -> None:
    """One object: the frames as `frame --format json` has them, and how long each stands."""
    write(f'{{"format": 1, "title": {json.dumps(title, ensure_ascii=False)}, "frames": [')
    for k, scene in enumerate(scenes):
        made = {"seconds": round(scene.seconds, 3), **frame_object(frame_of(scene))}
        write(f"{',' if k else ''}\n" + json.dumps(made, ensure_ascii=False, allow_nan=False))
    write("\n]}\n")
