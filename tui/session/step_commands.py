"""Commands that move: steps, depths, playing, the cell cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tui.compose import cursor_moves
from tui.model.view import View
from tui.navigation import steps
from tui.navigation.steps import Navigable
from tui.session.session import Session
from tui.session.stop_commands import Transition, by, stop_beside, stop_by, the_end
from tui.text.prose import as_sentence

if TYPE_CHECKING:
    from tui.compose.program_run import Run


NOTHING_OPEN = "Nothing is open here. → goes on."


def motion(way: Callable[[View, Navigable], View]) -> Transition:
    """Return a command that moves with the player; the cell cursor stays behind when the node changes."""

    def move(session: Session) -> Session:
        navigation = session.navigation
        if navigation is None:
            return session
        view = way(session.view, navigation)
        left = view.path != session.view.path
        return session.at_view(replace(view, cursor=None) if left and view.cursor else view)

    return move


def on_run(move: Callable[[Run, View], View]) -> Transition:
    """Return a command that asks the open run for the next view."""

    def act(session: Session) -> Session:
        run_ = session.current
        if run_ is None or session.navigation is None:
            return session
        return session.at_view(move(run_, session.view))

    return act


def switch_pass(session: Session) -> Session:
    """Show the forward or the backward pass; or say why there is none."""
    run_ = session.current
    if run_ is None or session.navigation is None:
        return session
    view = run_.passes.switch(session.view)
    return session.with_notice(view) if isinstance(view, str) else session.at_view(view)


def play_by(direction: int, until: int | None = None) -> Transition:
    """Play in a direction, or pause; at the end, start again. Play up to `until`, if a step is given."""

    def play(session: Session) -> Session:
        navigation = session.navigation
        if navigation is None:
            return session
        if session.player.playing:
            return replace(session, player=session.player.pause(), notice="")
        step, count = steps.position(session.view, navigation)
        view = replace(session.view, guess=None)
        if direction > 0 and step >= count:
            view = steps.first(view, navigation)
        if direction < 0 and step <= steps.position(steps.first(view, navigation), navigation)[0]:
            view = steps.last(view, navigation)
        there = until is not None and until == steps.position(view, navigation)[0]
        going = session.player.in_direction(direction)._replace(
            playing=not there, until=None if there else until
        )
        return replace(session, view=view, player=going, notice="")

    return play


def tick(session: Session) -> Session:
    """Play one step."""
    if session.current is None:
        return session  # it goes on when the program has been run
    navigation = session.navigation
    if navigation is None:
        return replace(session, player=session.player.pause())
    view, going = steps.tick(session.view, navigation, session.player)
    return replace(session, view=view, player=going)


def out(session: Session) -> Session:
    """Close what is open first: a chosen lesson, an error, the cell cursor, a question; then go out a depth.

    At a stop's own question, and at an exercise, the picture stays: there is nothing that was gone into.
    """
    if session.selection.sidebar is not None:
        return session.with_choice(None)
    run = session.current
    if run is not None and run.failure is not None and run.failure.ran is not None:
        return session.with_run(run.failure.ran).with_notice("This is what ran before it failed.")
    if session.view.cursor is not None:
        cells = session.trail.cells
        while cells and cells[-1].board is None:
            cells = cells[:-1]
        if cells:  # what a board opened closes to the board
            return session.at_view(cells[-1]).with_trail(cells[:-1])
        return session.at_view(replace(session.view, cursor=None)).with_trail(())
    if session.view.guess is not None and session.view.guess.number:
        return session.at_view(replace(session.view, guess=None))
    is_asked = session.view.own_ask is not None and session.view.depth != "map"
    if is_asked or (session.view.at_stop.exercise is not None and session.view.depth == "operations"):
        return session.with_notice(NOTHING_OPEN)
    return _out_of_map(session) if session.view.depth == "map" else motion(steps.out)(session)


def explain_failure(session: Session) -> Session:
    """Say why a program that failed has no picture, and what there is in its place."""
    failure = None if session.current is None else session.current.failure
    if failure is None:
        return session
    more = " esc opens what ran before." if failure.ran is not None else ""
    more += " r repairs it." if failure.repair_count else ""
    return session.with_notice(f"It failed: there is no result to draw or ask about.{more}")


def _out_of_map(session: Session) -> Session:
    """Go out of a level of the map; at the outermost, back to the cell that led here, or darken it."""
    moved = motion(steps.out)(session)
    view = session.view
    if session.navigation is None or moved.view != view:
        return moved
    if session.trail.cells:
        return come_back(session)
    if session.navigation.gallery is not None:
        return session.at_view(replace(view, look="numbers"))
    if view.follows not in (None, view.at_stop.follow):
        return session.at_view(replace(view, follows=view.at_stop.follow))
    return session.with_notice("Nothing is around this map. M: back to the operation.")


def forward(session: Session) -> Session:
    """Go one step forward; at the last step say what comes next, and on a second press go there."""
    moved = motion(steps.forward)(session)
    if session.navigation is None or moved.view != session.view:
        return moved
    return go_on(session)


def go_on(session: Session) -> Session:
    """Say what comes after this, and on a second press go there; on a stage only say it."""
    if session.ended_at == session.view and session.talk is None:
        return _way_on(session).go(replace(session, ended_at=None))
    return replace(session.with_notice(_way_on(session).notice), ended_at=session.view)


STEP_NAMES = {"map": "box", "operations": "operation"}


class WayOn(NamedTuple):
    """What comes after the last step: in words, and the command that goes there."""

    notice: str
    go: Transition


def _way_on(session: Session) -> WayOn:
    """Return what comes next: a part, the operation around it, a stop, or another lesson."""
    view, navigation = session.view, session.navigation
    last = f"The last {STEP_NAMES.get(view.depth, 'step')}"
    if navigation is None or not steps.position(view, navigation)[1]:
        last = "That is all"
    if navigation is not None and len(navigation.path) > 1 and view.depth != "map":
        more = navigation.path[-1] != navigation.siblings[-1]
        there = "the next part" if more else "out of this operation"
        return WayOn(f"{last} of this part. → again: {there}.", motion(steps.over))
    number = stop_beside(session, view.lesson, view.stop, 1)
    if number is not None:
        notice = f"{last} here. → again: the next stop, {as_sentence(view.lesson.stops[number - 1].title)}"
        return WayOn(notice, by(stop_by, 1))
    following = session.neighbour(1)
    if following is not None:
        notice = f"{last} of this lesson. → again: the next lesson, {as_sentence(following.title)}"
        return WayOn(notice, by(stop_by, 1))
    return WayOn(the_end(session), lambda session: session)


def toggle_cursor(session: Session) -> Session:
    """Put the cell cursor on the result, or take it away."""
    run_ = session.current
    if run_ is None or session.navigation is None:
        return session
    if session.view.cursor is not None:
        return session.at_view(replace(session.view, cursor=None)).with_trail(())
    return session.at_view(cursor_moves.move(run_, session.view, 0, 0)).without_choice()


def cell_at(session: Session, argument: str) -> Session:
    """Put the cell cursor on a cell, given as its indices and its tensor's name: `0,1:Y`."""
    indices, _, name = argument.partition(":")
    index = tuple(int(part) for part in indices.split(",") if part)
    run_, view = session.current, replace(session.view, cursor=(name, index))
    spotted = None if run_ is None or session.navigation is None else run_.cursor_cell(view)
    return session if spotted is None or spotted.index != index else session.at_view(view)


def follow(session: Session) -> Session:
    """Go to where the cell under the cursor was made; the way back is kept."""
    run_ = session.current
    if run_ is None or session.view.cursor is None:
        return session
    view = cursor_moves.follow(run_, session.view)
    if view == session.view:
        return session.with_notice("An input: nothing made it but the program.")
    return session.at_view(view).with_trail((*session.trail.cells, session.view))


def come_back(session: Session) -> Session:
    """Go back to where a cell was followed from."""
    if not session.trail.cells:
        return session
    return session.at_view(session.trail.cells[-1]).with_trail(session.trail.cells[:-1])


def go_to(session: Session, argument: str) -> Session:
    """Go to a step by its number; for a number that is no step, to the nearest, with a notice."""
    navigation, step = session.navigation, int(argument)
    moved = motion(lambda view, navigation: steps.goto(view, navigation, step))(session)
    if navigation is None:
        return moved if session.current is None else moved.with_notice("There are no steps here.")
    _, count = steps.position(session.view, navigation)
    if not count:
        return moved.with_notice("There are no steps here.")
    first = 1 if session.view.depth in steps.WHOLE else 0
    return (
        moved
        if first <= step <= count
        else moved.with_notice(f"There is no step {step}: {first} to {count}.")
    )


def scrub(session: Session, argument: str) -> Session:
    """Go to a part of the way, given in thousandths."""
    navigation = session.navigation
    if navigation is None:
        return session
    _, count = steps.position(session.view, navigation)
    step = (count * int(argument) + 500) // 1000
    return motion(lambda view, navigation: steps.goto(view, navigation, step))(session)
