"""The shots of a script, a lesson or a deck, in order, each with its program run and its time."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import unknown
from tui.compose.view_check import at_step, check_view
from tui.export.format import Shot
from tui.model.flags import Parser, flag_value
from tui.model.usage_error import UsageError
from tui.model.view import END
from tui.model.view_words import start_view, view_of
from tui.navigation.steps import position
from tui.session.decks import flags_of
from tui.session.presentation.state import Talk
from tui.session.script.playback import play_script
from tui.session.script.running import ensure_run
from tui.session.session import Session

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck, DeckStop
    from tui.model.view import View
    from tui.session.script.script_reader import Script

MOST = 300  # pictures of one stop, or of one `play` of a script
READING = 20.0  # characters a second
LONGEST_READING = 30.0  # seconds
STEP = 0.5  # seconds that a step stands
PAUSE = 2.0  # seconds at the beginning and the end of a stop
ONE_STOP = ("node", "cursor", "at", "row", "code", "depth", "backward")  # flags that say what one stop shows


def of_script(script: Script) -> Iterator[Shot]:
    """Yield the pictures of a script; where another lesson or stop comes into view, a stop begins."""
    number, shown = 0, ("", 0)
    for played in play_script(script, MOST):
        view, talk = played.session.view, played.session.talk
        place = (view.lesson.slug, view.stop) if talk is None else ("", talk.number)
        number, shown = number + (place != shown), place
        title = view.at_stop.title or view.lesson.title if talk is None else talk.stop.title
        yield Shot(played.session, played.seconds, number, title)


def of_deck(
    deck: Deck, flags: argparse.Namespace, parser: Parser, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Shot]:
    """Yield the pictures of a deck or a lesson: every stop, or the one that is asked for, step by step.

    Args:
        deck: What is shown.
        flags: As `parser` read them: `stop`, `step`, and what else is asked of each stop.
        parser: It takes the words of a view, and the deck's name.
        tell: Is told of what is left out.

    Raises:
        UsageError: For what is not there.
        LessonError: For a deck that is broken.
    """
    chosen = [*enumerate(deck.stops, 1)]
    if flags.stop is not None:
        if not 1 <= flags.stop <= len(chosen):
            raise UsageError(f"there are stops 1 to {len(chosen)}: there is no stop {flags.stop}")
        chosen = chosen[flags.stop - 1 : flags.stop]
    alone = len(chosen) == 1
    if not alone:
        _for_all(deck, flags)
    above = ""
    for place, (number, stop) in enumerate(chosen, 1):
        title = stop.at.title if stop.title == above else stop.title  # a heading holds for several stops
        above = stop.title
        flags_of(stop)
        asked = parser.read([*stop.words, *flags.words])  # of two the last counts: what is typed comes last
        asked.stop = stop.stop
        session = _open(deck, stop, number, asked, alone)
        views = _views(session, flags.step)
        if len(views) > MOST:
            tell(f"stop {number} has {len(views) - 1:,} steps: the first {MOST - 1} and the last are shown")
        walk = partial(walk_at, session, flags.step)
        known: set[str] = set()
        for k, view in enumerate(shown := _shown(views)):
            shot = Shot(replace(session, view=view), 0.0, place, title, walk=walk)
            lines = _words(shot)
            reading = min(LONGEST_READING, sum(len(line) for line in lines - known) / READING)
            known |= lines
            pause = PAUSE if k in (0, len(shown) - 1) else STEP
            own = k == 0 and flags.step is None and asked.step is not None
            yield replace(shot, seconds=pause + reading, is_deck_step=own)


def walk_at(session: Session, wanted: str | int | None, view: View) -> Sequence[Session]:
    """Return a stop at another view of it, with the same step wanted; empty if it can't be there.

    What is of one run alone, a cell or a program of one's own, has no counterpart in another.
    """
    if session.view.code is not None or view.cursor is not None or view.at is not None:
        return []
    view = replace(view, step=END) if wanted == "last" else view
    there = _in_known_order(ensure_run(replace(session, view=view)))
    return [replace(there, view=one) for one in _shown(_views(there, wanted))]


def _shown(views: Sequence[View]) -> Sequence[View]:
    """Return the views of a walk that are shown: of a long one the first, and the last."""
    return views if len(views) <= MOST else [*views[: MOST - 1], views[-1]]


def _words(shot: Shot) -> set[str]:
    """Return the texts of a picture that are read; numbers are looked at."""
    frame, stop = shot.frame(), shot.session.view.at_stop
    texts = [shot.title, *(stop.code.split("\n") if not stop.slide else ()), frame.captions.sentence]
    texts += [stop.prose] if stop.slide or frame.place.step == 0 else []
    if frame.error is not None:
        texts += [frame.error.sentence, *(repair.why for repair in frame.error.repairs)]
    if frame.stage.board is not None:
        texts += [f"{row.label} {row.words}" for row in frame.stage.board.rows]
    if frame.stage.map is not None:
        texts += [row.label for row in frame.stage.map.rows]
    return {text for text in (*texts, *frame.listing.printed.split("\n")) if text.strip()}


def _for_all(deck: Deck, flags: argparse.Namespace) -> None:
    """Raise UsageError for what can't be asked of every stop at once."""
    for name in ONE_STOP:
        if flag_value(flags, name) is not None:
            raise UsageError(f"--{name} is said of one stop: name it, with --stop")
    known = {control.name: None for lesson in deck.lessons for control in lesson.controls}
    for name, _ in flags.set:
        if name not in known:
            raise UsageError(unknown("control", name, known))


def _open(deck: Deck, stop: DeckStop, number: int, asked: argparse.Namespace, alone: bool) -> Session:
    """Return a stop as it is asked for; what is asked of every stop holds where it can."""
    if not alone:
        own = {control.name for control in stop.lesson.controls}
        asked.set = [(name, value) for name, value in asked.set if name in own]
    view = view_of(asked, stop.lesson)
    view = view if asked.step == "all" else start_view(view, asked)
    session = ensure_run(Session.start(view, deck.lessons).with_presentation(Talk(deck, number)))
    opened = session.current
    if opened is not None and alone:
        return replace(session, view=check_view(view, opened, asked))
    return _in_known_order(session)


def _in_known_order(session: Session) -> Session:
    """Return the session in the order that is asked for, if its node has that; else in the node's own."""
    navigation, view = session.navigation, session.view
    known = navigation is None or view.order in navigation.orders
    return session if known else replace(session, view=replace(view, order=None))


def _views(session: Session, wanted: str | int | None) -> Sequence[View]:
    """Return the views of a stop: one if a step is wanted, else from its first to its last."""
    navigation, view = session.navigation, session.view
    if navigation is None or not navigation.path or wanted not in (None, "all"):
        return [view]
    step, steps = position(view, navigation)
    if view.at_stop.steps is not None and not view.path:
        steps = min(steps, view.at_stop.steps[1])
    return [at_step(view, navigation, number) for number in range(step, max(step, steps) + 1)]
