"""Playing a script without a screen: one picture after another, each with its duration.

A line is what is done between two pictures. Its acts happen at once; then the program is run, if another is
to be seen. Playing step by step gives a picture a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tui.session.script.actions import seconds
from tui.session.script.opening import first_session
from tui.session.script.running import ensure_run
from tui.session.script.script_reader import PACE, Script
from tui.session.script.script_words import perform_word
from tui.session.script.tokens import Words
from tui.session.session import Session
from tui.session.step_commands import tick


@dataclass(frozen=True, slots=True, eq=False)
class ScriptShot:
    """One picture of a script that is played.

    Attributes:
        session: The session, its program run.
        seconds: How long it stands.
        line: The script's line, from 1, that led to it.
    """

    session: Session
    seconds: float
    line: int = 0


def beats(session: Session, most: int | None = None) -> Iterator[Session]:
    """Return the pictures of a session that plays, a step each, up to the one at which it pauses.

    Args:
        session: One that plays, or doesn't.
        most: Steps after which it is paused.
    """
    made = 0
    while session.player.playing:
        session = ensure_run(tick(session))
        made += 1
        if made == most:
            session = replace(session, player=session.player.pause())
        yield session


def play_script(script: Script, most: int | None = None) -> Iterator[ScriptShot]:
    """Return the pictures of a script, in order.

    Args:
        script: The script.
        most: The steps that one `play` takes at most.

    Raises:
        ScriptError: For a line that can't be done, when it is reached.
    """
    last_shot: ScriptShot | None = None
    for shot in _shots(script, most):
        if last_shot is not None and shot.session is last_shot.session:
            last_shot = replace(last_shot, seconds=last_shot.seconds + shot.seconds)
            continue
        if last_shot is not None:
            yield last_shot
        last_shot = shot
    if last_shot is not None:
        yield last_shot


def _shots(script: Script, most: int | None) -> Iterator[ScriptShot]:
    """Return the pictures, where one that stands for several lines comes several times."""
    session, before = opening_session(script), None
    for line in script.body:
        with script.errors_at(line):
            waits = [seconds(words[1:]) for words in line.acts if words[0] == "wait"]
            session = perform(session, line.acts)
        if len(waits) == len(line.acts) and before is not None:
            yield ScriptShot(before, sum(waits), line.number)
            continue
        session = ensure_run(session, before)
        playing = session.player.playing
        if not playing:
            yield ScriptShot(session, PACE + sum(waits), line.number)
        elif before is None or session.view != before.view:
            yield ScriptShot(session, session.player.interval, line.number)
        for moved in beats(session, most):
            session = moved
            yield ScriptShot(moved, moved.player.interval, line.number)
        if playing:
            yield ScriptShot(session, PACE + sum(waits), line.number)
        before = session


def perform(session: Session, acts: tuple[Words, ...]) -> Session:
    """Return the session after acts that happen at once. Raises UsageError or LessonError."""
    for words in acts:
        session = perform_word(session, words)
    return session


def opening_session(script: Script) -> Session:
    """Return the session that a script's first act opens: a lesson or a deck. Raises ScriptError."""
    with script.errors_at(script.lines[0]):
        return first_session(script.lines[0].acts[0])


def last_session(script: Script) -> Session:
    """Return the session after a whole script."""
    *_, shot = play_script(script)
    return shot.session
