"""The moves of a presentation: on and back, to a stop, as rehearsed.

Going on is the next step of what is shown, and at its end the next stop. Going back undoes exactly that. A
stop stays as it was left, with everything that was changed on it, until `reset` makes it as rehearsed again.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from tui.navigation import steps
from tui.session.decks import view_at
from tui.session.presentation.state import MOST_HISTORY, HistoryEntry, Talk, end_of

if TYPE_CHECKING:
    from tui.model.view import View
    from tui.session.session import Session


def is_edited(session: Session) -> bool:
    """Return whether something is shown that was not rehearsed: another control, seed or program."""
    talk = session.talk
    if talk is None:
        return False
    view, rehearsed = session.view, view_at(talk.stop)
    return view.choices != rehearsed.choices


def enter_stop(session: Session, talk: Talk, number: int, view: View) -> Session:
    """Go to a stop of the deck; the one that is shown is kept as it is."""
    left = {**talk.last_views, talk.number: session.view}
    return session.at_stop(view, replace(talk, number=number, last_views=left))


def require_talk(session: Session) -> Talk:
    """Return the session's talk. Raises LookupError without one."""
    if session.talk is None:
        raise LookupError("nothing is on stage")
    return session.talk


def forward(session: Session) -> Session:
    """Go to the next step; at the end of what is shown, to the next stop."""
    talk = require_talk(session)
    talk = replace(talk, watch=talk.watch.start(monotonic()))
    session = replace(session, talk=talk)
    view = _next_view(session)
    if view is not None:
        moved = session.at_view(view)
    elif not talk.last:
        moved = enter_stop(session, talk, talk.number + 1, talk.first_view(talk.number + 1))
    elif talk.loop:
        return restart(session)
    else:
        return session.with_notice("That is the end.")
    now = require_talk(moved)
    entry = HistoryEntry((talk.number, session.view), (now.number, moved.view))
    return replace(moved, talk=replace(now, history=(*now.history, entry)[-MOST_HISTORY:]))


def _next_view(session: Session) -> View | None:
    """Return the view after one step more; None at the end of what is shown.

    From the last box of a map that only was looked at, it goes back to the operation.
    """
    view, navigation = session.view, session.navigation
    if view.at_stop.slide or navigation is None or not navigation.path:
        return None
    step, count = steps.position(view, navigation)
    if not view.path and view.depth not in steps.WHOLE:
        count = min(count, end_of(view))
    if step < count:
        return steps.forward(view, navigation)
    if view.depth == "map" and view_at(require_talk(session).stop).depth != "map":
        return replace(view, depth="cells")
    if len(view.path) > 1:
        return steps.over(view, navigation)
    return None


def back(session: Session) -> Session:
    """Undo the last step forward; without one, go a step back, and before the first, to the previous stop."""
    talk = require_talk(session)
    view, navigation = session.view, session.navigation
    entry = talk.history[-1] if talk.history else None
    if entry is not None and entry.after == (talk.number, view):
        number, before = entry.before
        undone = replace(talk, history=talk.history[:-1])
        if number == talk.number:
            return session.at_view(before).with_presentation(undone)
        return enter_stop(session, undone, number, before)
    talk = replace(talk, history=())
    if navigation is not None and navigation.path and not view.at_stop.slide:
        step, count = steps.position(view, navigation)
        rehearsed = view_at(talk.stop)
        inside = (view.path, view.depth) != (rehearsed.path, rehearsed.depth)
        if step > (0 if inside else min(rehearsed.step, count)):
            return session.at_view(steps.back(view, navigation)).with_presentation(talk)
        if inside:
            return session.at_view(steps.out(view, navigation)).with_presentation(talk)
    return previous_stop(session.with_presentation(talk))


def next_stop(session: Session) -> Session:
    """Go to the next stop, at its beginning."""
    talk = require_talk(session)
    if talk.last and not talk.loop:
        return session.with_notice("That is the last stop.")
    return go_to_stop(session, 1 if talk.last else talk.number + 1)


def previous_stop(session: Session) -> Session:
    """Go to the previous stop, as it was left."""
    talk = require_talk(session)
    if talk.number == 1:
        return session.with_notice("That is the beginning.")
    return enter_stop(session, talk, talk.number - 1, talk.last_view(talk.number - 1))


def go_to_stop(session: Session, number: int) -> Session:
    """Go to the beginning of a stop by its number; if there is no such stop, to the nearest, and say so."""
    talk = require_talk(session)
    most = len(talk.deck.stops)
    there = max(1, min(number, most))
    entered = enter_stop(session, replace(talk, history=()), there, talk.first_view(there))
    return entered if there == number else entered.with_notice(f"There is no stop {number}: 1 to {most}.")


def skip(session: Session) -> Session:
    """Go to the first stop of the next lesson."""
    talk = require_talk(session)
    here = talk.stop.lesson
    after = (k for k, stop in enumerate(talk.deck.stops, 1) if k > talk.number and stop.lesson is not here)
    number = next(after, None)
    return session.with_notice("That is the last lesson.") if number is None else go_to_stop(session, number)


def finish(session: Session) -> Session:
    """Go to the end of this animation."""
    view, navigation = session.view, session.navigation
    if navigation is None or view.at_stop.slide:
        return session
    if view.path or view.depth in steps.WHOLE:
        return session.at_view(steps.finish(view, navigation))
    return session.at_view(
        steps.goto(view, navigation, min(steps.position(view, navigation)[1], end_of(view)))
    )


def reset(session: Session) -> Session:
    """Show the stop as it was rehearsed, at the same step; where nothing was changed, at its beginning."""
    talk = require_talk(session)
    view, rehearsed = session.view, view_at(talk.stop)
    place, own = (view.path, view.order, view.depth), (rehearsed.path, rehearsed.order, rehearsed.depth)
    if is_edited(session) and place == own:
        rehearsed = replace(rehearsed, step=view.step)
    left = {number: was for number, was in talk.last_views.items() if number != talk.number}
    staged = session.at_stop(rehearsed, replace(talk, last_views=left, history=()))
    return staged.with_notice("As rehearsed.")


def restart(session: Session) -> Session:
    """Go to the first stop, everything as rehearsed: what a kiosk does at the end."""
    talk = require_talk(session)
    return session.at_stop(view_at(talk.deck.stops[0]), replace(talk, number=1, last_views={}, history=()))
