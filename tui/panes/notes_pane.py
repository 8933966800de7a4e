"""The speaker's notes as rows: the clock, the stop, what to say, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from llm_linalg.base.text import clean
from tui.model.broadcast import Broadcast, as_number
from tui.session.presentation.stopwatch import clock_text, minutes_text, stop_due, time_left
from tui.text.glyphs import Glyphs
from tui.text.large import ACROSS, enlarge_rows
from tui.text.prose import paragraphs
from tui.text.rows import Row, ends, fit, row


@dataclass(frozen=True, slots=True)
class NotesContent:
    """What the notes show.

    Attributes:
        now: What the presenter told last; None before it told anything.
        seconds: The clock, counted on since then.
        notice: A line below, such as that there is no presenter.
        top: How many rows of the notes are scrolled over.
        time: The time of day.
    """

    now: Broadcast | None
    seconds: float
    notice: str = ""
    top: int = 0
    time: str = ""


def pace_text(now: Broadcast, seconds: float) -> str:
    """Return at which stop the talk should be, where that is another; empty before it has begun."""
    due = stop_due([as_number(stop[1]) for stop in now.stops], now.planned, seconds)
    number = now.show.get("number")
    if due is None or not isinstance(number, int) or not seconds:
        return ""
    return "on time" if due == number else f"you should be at stop {due}"


def place_text(now: Broadcast) -> str:
    """Return the step and the stop that are shown."""
    step, steps = now.show.get("step"), now.show.get("steps")
    counted = f"step {step}/{steps}   " if steps else ""
    return f"{counted}stop {now.show.get('number')}/{len(now.stops)}"


def notes_rows(notes: NotesContent, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return the notes in `height` rows of at most `width` columns."""
    if notes.now is None:
        waiting = [row((" notes", "accent strong")), (), row((f" {notes.notice}", "label"))]
        return [fit(spans, width, glyphs.dots) for spans in waiting[:height]]
    show = notes.now.show
    head = _head(notes.now, notes.seconds, notes.time, width, glyphs)
    foot = [row((f" {notes.notice}", "current"))] if notes.notice else []
    fault = clean(str(show.get("fault") or ""))
    foot = [row((f" {fault}", "error")), *foot] if fault else foot
    following = clean(str(show.get("next") or "")) or "the end"
    foot = [(), row((" next  ", "label"), (following, "strong")), *foot]
    text = paragraphs(clean(str(show.get("notes") or ""), None, lines=True), max(20, min(width - 2, 100)))
    room = max(1, height - len(head) - len(foot))
    top = max(0, min(notes.top, len(text) - room))
    body = [row(" ", *spans) for spans in text[top : top + room]]
    if top + room < len(text):
        body = [*body[:-1], row((f" {glyphs.dots} more below (d)", "dim"))]
    rows = [*head, *body, *[()] * (room - len(body)), *foot]
    return [fit(spans, width, glyphs.dots) for spans in rows[:height]]


def _head(now: Broadcast, seconds: float, time: str, width: int, glyphs: Glyphs) -> list[Row]:
    show = now.show
    place = row((f"{place_text(now)} ", "label"), (f"  {time} " if time else "", "strong"))
    title = row((" notes  ", "accent strong"), (clean(str(now.deck.get("title", ""))), "label"))
    rows = [ends(title, place, width, glyphs.dots)]
    rows += _clock(now, seconds, pace_text(now, seconds), width, glyphs)
    minutes = as_number(show.get("minutes"))
    about = ["" if minutes is None else minutes_text(minutes), "changed" if show.get("changed") else ""]
    about.append("the screen is black" if show.get("black") else "")
    facts = "   ".join(word for word in about if word)
    return [
        *rows,
        row((" now   ", "label"), (clean(now.stop_title), "title"), (f"   {facts}", "current")),
        (),
    ]


def _clock(now: Broadcast, seconds: float, pace: str, width: int, glyphs: Glyphs) -> list[Row]:
    """Return the time that has passed and the time that is left, large if there is room, and the pace."""
    left = None if now.planned is None else time_left(now.planned, seconds)
    role = "error" if left is not None and left < 0 else "strong"
    spans = row((" " + clock_text(seconds), "strong"))
    if left is not None:
        spans = (*spans, *row(("   ", ""), (clock_text(left), role)))
    large = [] if glyphs.plain or width < 40 else enlarge_rows([spans])
    first = "elapsed"
    if left is not None:  # each name below its number, as far as these are large
        under = ACROSS * (len(clock_text(seconds)) + 3)
        first = f"{first:<{under}}remaining" if large else f"{first}, remaining"
    names = first + ("" if now.show.get("running") else f"{'   ' if large else '; '}it stands")
    paced = ("   " + pace if pace else "", "dim" if pace == "on time" else "current")
    return [*(large or [spans]), row((f"{'  ' if large else ' '}{names}", "dim"), paced), ()]
