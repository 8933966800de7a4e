"""Commands of a talk that don't move through it: the display, and the clock."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from tui.session.presentation.stage_moves import on_stage
from tui.session.presentation.state import ClockFace

if TYPE_CHECKING:
    from tui.session.session import Session

FACES: tuple[ClockFace, ...] = ("off", "elapsed", "remaining")


def black(session: Session) -> Session:
    """Show nothing at all, or the picture again."""
    talk = on_stage(session)
    return session.with_presentation(replace(talk, black=not talk.black))


def footer(session: Session) -> Session:
    """Show the keys, or none."""
    talk = on_stage(session)
    return session.with_presentation(replace(talk, footer=not talk.footer))


def big(session: Session) -> Session:
    """Show large cells, or as many as fit."""
    talk = on_stage(session)
    return session.with_presentation(replace(talk, big=not talk.big))


def clock(session: Session) -> Session:
    """Show the time that has passed, the time that is left, or no clock."""
    talk = on_stage(session)
    faces = [face for face in FACES if face != "remaining" or talk.duration is not None]
    face = faces[(faces.index(talk.clock) + 1) % len(faces)] if talk.clock in faces else "off"
    return session.with_presentation(replace(talk, clock=face))


def pause(session: Session) -> Session:
    """Stop the clock, or let it go on."""
    talk = on_stage(session)
    now = monotonic()
    watch = talk.watch.pause(now) if talk.watch.running else talk.watch.start(now)
    said = "The clock goes." if watch.running else "The clock stands."
    return session.with_presentation(replace(talk, watch=watch)).with_notice(said)


def zero(session: Session) -> Session:
    """Set the clock to zero."""
    talk = on_stage(session)
    return session.with_presentation(replace(talk, watch=talk.watch.reset(monotonic()))).with_notice(
        "The clock is at zero."
    )


def auto(session: Session) -> Session:
    """Let steps come by themselves, or by key only."""
    talk = on_stage(session)
    said = f"A step every {talk.every:g} s." if not talk.auto else "A step a key."
    return session.with_presentation(replace(talk, auto=not talk.auto)).with_notice(said)
