"""The controls of the lesson, and the transport: which step, how far, how fast, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult

from tui.layout.pane_sizes import LISTED, Picture, is_text
from tui.navigation.playground import is_playground
from tui.session.control_commands import matters, move_command
from tui.text.rows import Row, TextSpan, ends, fit, row, width_of
from tui.text.themes import STRENGTHS
from tui.widgets.row_widget import CommandClicked, RowWidget

if TYPE_CHECKING:
    from llm_linalg.base.constants import LookName
    from llm_linalg.lessons.control import Control
    from tui.model.frame import Frame
    from tui.text.glyphs import Glyphs

MANY = 99_999  # from here on a number has separators
STEP_WORDS = {"map": "boxes", "operations": "operations", "cells": "steps", "terms": "terms"}


class ControlsPane(RowWidget):
    """Every control with its value; the selected one can be moved by key or click.

    One that changes nothing at this stop is faint. A long text has a row of its own.
    """

    DEFAULT_CSS = "ControlsPane { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Show the controls' values, and at the right what the stop prints, or what colours stand for."""
        texts, spans = control_spans(picture, self.glyphs)
        legend = self._legend(picture.frame, picture.room.main - width_of(spans) - 1)
        right = printed_beside(picture, self.glyphs) or row((legend, "label"))
        rows = [ends(tuple(spans), right, picture.room.main, self.glyphs.dots)]
        apart = picture.room.controls > 1
        self.show([fit(tuple(texts), picture.room.main, self.glyphs.dots), *rows] if apart else rows)

    def _legend(self, frame: Frame | None, room: int) -> str:
        """Return the scales of heat, of as many tensors as there is room for; the result is the last."""
        if frame is None or frame.stage.look not in ("heat", "both"):
            return ""
        scales = (
            self._scale(frame.stage.look, frame.stage.scales[first:])
            for first in range(len(frame.stage.scales))
        )
        legends = map(self.glyphs.text, scales)  # in ASCII they are longer
        return next((legend for legend in legends if len(legend) <= room), "")

    def _scale(self, look: LookName, scales: Sequence[tuple[str, str]]) -> str:
        """Return what the strongest colours stand for; of cells that are heat alone, what their signs do."""
        strongest = self.glyphs.shades[STRENGTHS] if self.theme.colourless else str(STRENGTHS)
        (title, size), *others = scales
        if not title:
            return f"-{strongest} … +{strongest} is {size}" if look == "heat" else f"colours {size}"
        sizes = ", ".join([f"{title} is {size}", *(" ".join(scale) for scale in others)])
        return f"at ±{strongest} {sizes}" if look == "heat" else f"at full colour {sizes}"


def control_spans(picture: Picture, glyphs: Glyphs) -> tuple[list[TextSpan], list[TextSpan]]:
    """Return the controls: those with a row of their own, and those that share one."""
    texts: list[TextSpan] = []
    spans: list[TextSpan] = []
    for control in picture.session.view.lesson.controls:
        if picture.room.controls > 1 and is_text(control):
            around = len(control.key or "") + len(control.label) + 5
            texts += _entry(picture, control, picture.room.main - around, glyphs)
        else:
            spans += _entry(picture, control, LISTED, glyphs)
    frame = picture.frame
    if is_playground(picture.session.view.lesson) and frame is not None and frame.listing.printed.strip():
        *above, last = frame.listing.printed.rstrip("\n").split("\n")
        more = f"{glyphs.dots} {len(above) + 1} lines, last: " if above else ""
        spans = [TextSpan("prints ", "label"), TextSpan(more, "dim", "text"), TextSpan(last, "", "text")]
    return texts, spans


def _entry(picture: Picture, control: Control, room: int, glyphs: Glyphs) -> list[TextSpan]:
    """Return a control with its value; of a text, as much from its end as there is room for."""
    session, name = picture.session, control.name
    key = f"{control.key} " if control.key else ""
    value = control_text(control, dict(session.view.controls).get(name, ""), glyphs.dots, room)
    is_live = matters(session.view, control)
    if name == session.selection.control and is_live:
        return [
            TextSpan("[ ", "key", move_command(name, -1)),
            TextSpan(key, "key"),
            TextSpan(f"{control.label} ", "label"),
            TextSpan(value, "current", move_command(name)),
            TextSpan(" ]", "key", move_command(name)),
            TextSpan(" "),
        ]
    do = move_command(name) if control.kind == "choice" else f"pick:{name}"
    if not is_live:
        return [TextSpan(f" {key}{control.label} {value} ", "dim", do)]
    return [
        TextSpan(f" {key}", "key", do),
        TextSpan(f"{control.label} ", "label", do),
        TextSpan(f"{value} ", "", do),
    ]


def stop_output(picture: Picture) -> str:
    """Return what the stop's own lines print; nothing before its picture is made, which shows it first."""
    frame, lesson = picture.frame, picture.session.view.lesson
    if frame is None or (frame.is_pending and not lesson.document and not is_playground(lesson)):
        return ""
    return frame.listing.own_printed


def printed_beside(picture: Picture, glyphs: Glyphs) -> Row:
    """Return the one line that a stop prints, if it has room behind the controls; else nothing."""
    lines = stop_output(picture).splitlines()
    if len(lines) != 1 or not picture.room.controls or picture.session.view.lesson.document:
        return ()
    shown = row(("prints ", "dim"), (lines[0], ""))
    room = picture.room.main - width_of(control_spans(picture, glyphs)[1])
    return shown if width_of(shown) < room else ()


def control_text(control: Control, text: str, dots: str, room: int) -> str:
    """Return a control's value in a row; of a text its words, as many of the last as there is room for."""
    if not is_text(control):
        return text
    text = text.replace(",", " ")
    return text if len(text) <= room else f"{dots}{text[len(dots) - room :]}"


class Counter(RowWidget):
    """Which step, of how many. A row is sent again from its left edge, so what changes stands there."""

    DEFAULT_CSS = "Counter { width: auto; height: 1; }"

    def show_picture(self, picture: Picture) -> int:
        """Show the step; say how many columns that takes."""
        frame, glyphs = picture.frame, self.glyphs
        if frame is None or not frame.place.steps:
            waiting = glyphs.text(picture.waiting)
            self.show([row((waiting, "label"))])
            return len(waiting)
        going = picture.session.player.playing
        total = f"{frame.place.steps:,}" if frame.place.steps > MANY else str(frame.place.steps)
        step = f"{frame.place.step:,}" if frame.place.steps > MANY else str(frame.place.step)
        words = "heads" if frame.stage.look == "attention" and frame.stage.map else None
        spans = row(
            (step.rjust(len(total)), "strong", "goto"),
            (f"/{total} {words or STEP_WORDS.get(frame.place.depth, 'steps')} ", "label", "goto"),
            (glyphs.back, "key", "back"),
            (f" {glyphs.playing if going else glyphs.forward} ", "key", "play" if going else "forward"),
        )
        self.show([spans])
        return width_of(spans)


class Rate(RowWidget):
    """How fast, and in which order."""

    DEFAULT_CSS = "Rate { width: auto; height: 1; }"

    def show_picture(self, picture: Picture) -> int:
        """Show speed and order; say how many columns that takes."""
        frame, player = picture.frame, picture.session.player
        if frame is None or not frame.place.steps:
            self.show([()])
            return 0
        spans = row(
            (f" {player.speed:g}/s", "strong" if player.playing else "label", "faster"),
            ("  order: " if frame.place.order else "", "label", "order"),
            (frame.place.order or "", "", "order"),
        )
        self.show([spans])
        return width_of(spans)


class Bar(RowWidget):
    """How far that is; press and drag to scrub."""

    DEFAULT_CSS = "Bar { width: 1fr; height: 1; }"

    def show_picture(self, picture: Picture, room: int) -> None:
        """Show the part played, in `room` columns."""
        frame, glyphs = picture.frame, self.glyphs
        if frame is None or not frame.place.steps:
            self.show([()])
            return
        played = room * frame.place.step // frame.place.steps
        spans = (
            TextSpan(glyphs.bar_full * played, "accent"),
            TextSpan(glyphs.bar_empty * (room - played), "rule"),
        )
        self.show([spans])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to scrub."""
        event.stop()
        self.capture_mouse()
        self._scrub(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scrub while the button is held."""
        if self.app.mouse_captured is self:
            event.stop()
            self._scrub(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End scrubbing."""
        if self.app.mouse_captured is self:
            event.stop()
            self.release_mouse()

    def _scrub(self, x: int) -> None:
        last = max(1, self.size.width - 1)
        self.post_message(CommandClicked(f"scrub:{max(0, min(last, x)) * 1000 // last}"))


class Transport(RowWidget):
    """One row: the step, a bar to scrub on, speed and loop order."""

    DEFAULT_CSS = "Transport { height: 1; width: 100%; layout: horizontal; }"

    def __init__(self) -> None:
        super().__init__()
        self._left = self._right = -1

    def compose(self) -> ComposeResult:
        """Yield three parts, each sent again for itself."""
        yield Counter()
        yield Bar()
        yield Rate()

    def show_picture(self, picture: Picture) -> None:
        """Show the step and how far that is; a wider number moves the bar, which is rare."""
        counter, rate = self.query_one(Counter), self.query_one(Rate)
        left, right = counter.show_picture(picture), rate.show_picture(picture)
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            counter.styles.width, rate.styles.width = left, right
        self.query_one(Bar).show_picture(picture, max(0, picture.room.main - left - right))
