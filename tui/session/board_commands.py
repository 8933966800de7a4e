"""Commands of a board: select a row, open its lesson and return, ask where its tensor came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tui.compose import cursor_moves
from tui.session.control_commands import open_lesson
from tui.session.session import Session

if TYPE_CHECKING:
    from llm_linalg.lessons.stop import Board, BoardRow


def row_at(board: Board, row: int) -> BoardRow:
    """Return the row of a number, from 1; beyond the ends, the first or the last."""
    return board.rows[max(1, min(row, len(board.rows))) - 1]


def select_by(session: Session, direction: int) -> Session:
    """Select the row below (1) or above (−1)."""
    board = session.view.board
    if board is None:
        return session
    row = max(1, min(session.view.row + direction, len(board.rows)))
    return replace(session, view=replace(session.view, row=row), notice="")


def open_row(session: Session) -> Session:
    """Open the lesson of the selected row; the way back is kept."""
    board = session.view.board
    if board is None:
        return session
    row = row_at(board, session.view.row)
    opened = open_lesson(session, row.lesson)
    if opened is session:
        return session.with_notice(f"There is no lesson {row.lesson} here.")
    return opened.with_boards((*session.trail.boards, session.view))


def open_row_of(session: Session, number: int) -> Session:
    """Select a row by its number, from 1, and open its lesson."""
    board = session.view.board
    if board is None:
        return session
    if not 1 <= number <= len(board.rows):
        return session.with_notice(f"There is no row {number}.")
    return open_row(replace(session, view=replace(session.view, row=number)))


def open_row_at(session: Session, argument: str) -> Session:
    """Open a row's lesson by a number given as text."""
    return open_row_of(session, int(argument))


def come_back(session: Session) -> Session:
    """Go back to the board that opened this lesson, as it was left."""
    if not session.trail.boards:
        return session
    return session.with_undo(session.trail.boards[-1]).with_boards(session.trail.boards[:-1])


def ask(session: Session) -> Session:
    """Put the cell cursor on the tensor of the selected row; escape or return come back to the board."""
    run, board = session.current, session.view.board
    if run is None or board is None:
        return session
    row = row_at(board, session.view.row)
    there = cursor_moves.onto_tensor(run, session.view, row.name) if row.name is not None else session.view
    if there == session.view:
        return session.with_notice(f"{row.label} has no cells to ask.")
    return session.at_view(there).with_trail((*session.trail.cells, session.view))
