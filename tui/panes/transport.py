"""The controls of the lesson, and the transport: which step, how far, how fast, in which order."""

from __future__ import annotations

from textual import events

from tui.picture import Picture
from tui.widgets.lines import Lines
from tui.widgets.rows import Row, Span, fit, row, width_of

STEP_WORDS = {"operations": "operation", "cells": "step", "terms": "term"}


class Controls(Lines):
    """One row: every control with its value; the selected one can be moved by key or click."""

    DEFAULT_CSS = "Controls { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Shows the controls' values."""
        session = picture.session
        spans: list[Span] = []
        for control in session.view.lesson.controls:
            name = control.name
            value = dict(session.view.controls).get(name, "")
            label = control.label or name
            key = f"{control.key} " if control.key else ""
            if name == session.control:
                spans += [
                    Span("[ ", "key", f"set:{name}:-1"),
                    Span(key, "key"),
                    Span(f"{label} ", "label"),
                    Span(value, "current", f"set:{name}:+1"),
                    Span(" ]", "key", f"set:{name}:+1"),
                    Span(" "),
                ]
            else:
                do = f"set:{name}:+1" if control.kind == "choice" else f"pick:{name}"
                spans += [
                    Span(f" {key}", "key", do),
                    Span(f"{label} ", "label", do),
                    Span(f"{value} ", "", do),
                ]
        self.show([fit(tuple(spans), picture.room.main, self.glyphs.dots)])


class Transport(Lines):
    """One row: step buttons, the step, a bar to scrub on, speed and loop order."""

    DEFAULT_CSS = "Transport { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._bar = range(0)

    def show_picture(self, picture: Picture) -> None:
        """Shows the step and how far that is."""
        frame, session, glyphs = picture.frame, picture.session, self.glyphs
        if frame is None or not frame.steps:
            self._bar = range(0)
            self.show([row((picture.waiting, "label"))])
            return
        going = session.player.playing
        total = f"{frame.steps:,}" if frame.steps > 99_999 else str(frame.steps)
        step = f"{frame.step:,}" if frame.steps > 99_999 else str(frame.step)
        left = row(
            (glyphs.back, "key", "back"),
            " ",
            (glyphs.playing if going else glyphs.forward, "key", "play"),
            (f"  {STEP_WORDS.get(frame.depth, 'step')} ", "label"),
            (step.rjust(len(total)), "strong", "goto"),
            (f"/{total} ", "label", "goto"),
        )
        right = row(
            (f" {session.player.speed:g}/s", "strong" if going else "label", "faster"),
            ("  order: " if frame.order else "", "label", "order"),
            (frame.order or "", "", "order"),
        )
        room = max(0, picture.room.main - width_of(left) - width_of(right))
        self._bar = range(width_of(left), width_of(left) + room)
        played = room * frame.step // frame.steps
        bar: Row = (Span(glyphs.played * played, "accent"), Span(glyphs.unplayed * (room - played), "rule"))
        self.show([fit((*left, *bar, *right), picture.room.main, glyphs.dots)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begins to scrub."""
        if event.x in self._bar:
            event.stop()
            self.capture_mouse()
            self._scrub(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scrubs while the button is held."""
        if self.app.mouse_captured is self:
            event.stop()
            self._scrub(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Ends scrubbing."""
        if self.app.mouse_captured is self:
            event.stop()
            self.release_mouse()

    def _scrub(self, x: int) -> None:
        last = max(1, len(self._bar) - 1)
        part = max(0, min(last, x - self._bar.start)) * 1000 // last
        self.post_message(self.Pressed(f"scrub:{part}"))
