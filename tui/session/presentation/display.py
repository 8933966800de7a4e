"""Commands of a talk that don't move through it: the display, and the clock."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import ClockFace

if TYPE_CHECKING:
    from tui.session.session import Session

FACES: tuple[ClockFace, ...] = ("off", "elapsed", "remaining")


def toggle_black(session: Session) -> Session:
    """Show nothing at all, or the picture again."""
    talk = require_talk(session)
    return session.with_presentation(replace(talk, black=not talk.black))


def toggle_footer(session: Session) -> Session:
    """Show the keys, or not."""
    talk = require_talk(session)
    return session.with_presentation(replace(talk, footer=not talk.footer))


def toggle_big(session: Session) -> Session:
    """Show large cells, or not."""
    talk = require_talk(session)
    return session.with_presentation(replace(talk, big=not talk.big))


def next_clock(session: Session) -> Session:
    """Show the time that has passed, the time that is left, or no clock."""
    talk = require_talk(session)
    faces = [face for face in FACES if face != "remaining" or talk.duration is not None]
    face = faces[(faces.index(talk.clock) + 1) % len(faces)] if talk.clock in faces else "off"
    return session.with_presentation(replace(talk, clock=face))


def toggle_clock(session: Session) -> Session:
    """Stop the clock, or let it go on."""
    talk = require_talk(session)
    now = monotonic()
    watch = talk.watch.pause(now) if talk.watch.running else talk.watch.start(now)
    notice = "The clock goes." if watch.running else "The clock stands."
    return session.with_presentation(replace(talk, watch=watch)).with_notice(notice)


def reset_clock(session: Session) -> Session:
    """Set the clock to zero."""
    talk = require_talk(session)
    return session.with_presentation(replace(talk, watch=talk.watch.reset(monotonic()))).with_notice(
        "The clock is at zero."
    )


def toggle_auto(session: Session) -> Session:
    """Let steps come by themselves, or by key only."""
    talk = require_talk(session)
    notice = "Steps come by key alone." if talk.auto else f"A step every {talk.every:g} s, by itself."
    return session.with_presentation(replace(talk, auto=not talk.auto)).with_notice(notice)
