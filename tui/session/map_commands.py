"""Commands of the map: onto it and off it, select a box, open its lesson, follow a cell through it."""

from __future__ import annotations

from dataclasses import replace

from tui.compose import cursor_moves
from tui.model.map_table import TABLES
from tui.model.view import View
from tui.navigation import map_moves, steps
from tui.session.control_commands import open_lesson
from tui.session.session import Session, Trail
from tui.session.step_commands import forward, motion, out


def toggle_map(session: Session) -> Session:
    """Go onto the map, at the box of the node shown; from there back to the node, as it was seen."""
    navigation, view, before = session.navigation, session.view, session.trail.off_map
    if navigation is None or not navigation.path:
        return session
    session = session.without_choice()  # the arrow keys are the map's
    if view.depth == "map":
        there = None if before is None else replace(before, follows=view.follows)
        if there is None or there != _off_map(view, there):
            return session.at_view(replace(view, depth="cells"))
        return session.at_view(there)
    there = map_moves.onto(view, navigation, navigation.path)
    trail = Trail(session.trail.cells if view.cursor else (), session.trail.boards, view)
    return replace(session.at_view(there), trail=trail)


def _off_map(view: View, before: View) -> View:
    """Return a view of the map with what the map alone changes as it was before."""
    return replace(
        view, depth=before.depth, box=before.box, cursor=before.cursor, look=before.look, sort=before.sort
    )


def to_heads(session: Session) -> Session:
    """Go to the gallery of attention heads; from there back to where that was, or to the boxes."""
    navigation, view = session.navigation, session.view
    if navigation is None or not navigation.path:
        return session
    session = session.without_choice()  # the arrow keys are the gallery's
    if navigation.gallery is not None:
        return out(session)
    on_map = view if view.depth == "map" else map_moves.onto(view, navigation, navigation.path)
    return session.at_view(replace(on_map, look="attention")).with_trail((*session.trail.cells, view))


def row_by(session: Session, direction: int) -> Session:
    """Select the box below (1) or above (−1), or in the gallery the next layer or the one before."""
    navigation = session.navigation
    if direction > 0 and (navigation is None or navigation.gallery is None):
        return forward(session)  # below the last box something may follow
    return motion(lambda view, known: map_moves.beside(view, known, direction))(session)


def select_box(session: Session, argument: str) -> Session:
    """Select a box by its place among the rows of the level; go into the selected one."""
    navigation, view = session.navigation, session.view
    if navigation is None or view.depth != "map" or not navigation.path:
        return session
    now, _ = steps.position(view, navigation)
    number = int(argument)
    return (
        motion(steps.into)(session)
        if number == now
        else motion(lambda at, known: steps.goto(at, known, number))(session)
    )


def sort(session: Session) -> Session:
    """Sort the map's table by its next column; after the last, let the rows stand as they ran."""
    view = session.view
    if session.navigation is None or view.depth != "map" or view.look not in TABLES:
        return session
    kinds = ("", *TABLES[view.look])
    following = kinds.index(view.sort) + 1 if view.sort in kinds else 1
    return sorted_by(session, kinds[following % len(kinds)])


def sorted_by(session: Session, column: str) -> Session:
    """Sort the map's tables by a column, and select the first row of the one that is shown; or by none."""
    there = session.at_view(replace(session.view, sort=column))
    is_shown = there.view.depth == "map" and column in TABLES.get(there.view.look, ())
    return motion(lambda view, known: steps.goto(view, known, 1))(there) if is_shown else there


def ask(session: Session) -> Session:
    """Put the cell cursor on what the selected box gives, all of it computed; return comes back here."""
    run, navigation, view = session.current, session.navigation, session.view
    if run is None or navigation is None or view.depth != "map" or not navigation.path:
        return session
    trail = (*session.trail.cells, view)
    if navigation.gallery is not None:
        there = navigation.gallery.into(view)
        return session.at_view(cursor_moves.move(run, there, 0, 0)).with_trail(trail)
    path = navigation.node_path(map_moves.current_box(view, navigation))
    on_cell = cursor_moves.move(run, cursor_moves.onto_node(run, replace(view, path=path)), 0, 0)
    if on_cell.cursor is None:
        return session.with_notice("It has no cells to ask.")
    return session.at_view(on_cell).with_trail(trail)


def open_lesson_of_box(session: Session) -> Session:
    """Open the lesson of the selected box; the way back is kept."""
    run, view = session.current, session.view
    level = None if run is None or view.depth != "map" else run.frame(view).stage.map
    if level is None:
        return session
    row = level.selection
    if row.lesson is None:
        return session.with_notice(f"No lesson is about {row.label} here.")
    if row.lesson == view.lesson.slug:
        return session.with_notice("That is this lesson.")
    opened = open_lesson(session, row.lesson)
    if opened is session:
        return session.with_notice(f"There is no lesson {row.lesson} here.")
    return opened.with_boards((*session.trail.boards, view))


def follow(session: Session) -> Session:
    """Light all that the cell under the cursor depends on, on the map; then what it feeds; then nothing.

    What is lit stays lit in every picture of the program.
    """
    run, view = session.current, session.view
    if run is None or session.navigation is None:
        return session
    cell = cursor_moves.followable(run, view)
    if cell is None and view.follows is None:
        return session.with_notice(
            "Only a cell of the program itself is followed: go out of this part first."
        )
    if view.follows is None or (cell is not None and not cursor_moves.follows_cell(run, view, cell)):
        follows = cell
    elif view.follows.way == "lineage":
        follows = view.follows._replace(way="reach")
    else:
        follows = None
    shown = replace(view, follows=follows)
    if follows is not None:
        refusal = run.lineages.refusal(shown)
        if refusal:
            return session.with_notice(refusal)
    if view.depth == "map" or follows is None:
        return session.at_view(shown)
    there = map_moves.onto(shown, session.navigation, session.navigation.path)
    return session.at_view(replace(there, cursor=None)).with_trail((*session.trail.cells, view))
