"""The first number that is not finite, or differs from another trace: told, and a key that leads there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean, elide_middle, elide_title
from tui.compose import cursor_moves
from tui.session.session import Session

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.base.constants import LookName
    from tui.compose.program_run import Run

COLUMNS = 78  # of the notice
NAME, FILE = 16, 20  # of each in it, at most


def with_first_told(session: Session, before: Run | None) -> Session:
    """Return the session with a notice of the first such number, if it was not told before."""
    run = session.last_run
    node = None if run is None else _first(run)
    last = None if before is None else _first(before)
    if run is None or node is None or session.editor.is_open or session.notice or session.talk is not None:
        return session
    if last is not None and (last.name, last.line, last.scope) == (node.name, node.line, node.scope):
        return session
    return session.with_notice(_notice(node, _word(run, node)))


def go_to_first(session: Session) -> Session:
    """Put the cell cursor on the first number that is not finite; return comes back here."""
    run = session.current
    node = None if run is None else run.first_not_finite
    return session if node is None else _go_to(session, node, _first_cell(node), "numbers")


def go_to_first_change(session: Session) -> Session:
    """Put the cell cursor where the first tensor that differs does so most; return comes back here."""
    run = session.current
    comparison = None if run is None else run.comparison
    if comparison is None or comparison.first is None:
        return session
    node = comparison.first.node
    return _go_to(session, node, comparison.farthest(node), "changes")


def _go_to(session: Session, node: Node, index: tuple[int, ...], look: LookName) -> Session:
    from tui.compose.nodes import path_of

    run, view = session.current, session.view
    if run is None or run.trace is None:
        return session
    passed = run.passes.gradients if node.forward_node is not None else run.trace
    path = None if passed is None else path_of(passed.nodes, node)
    if path is None:
        return session
    at_node = replace(view, path=path, backward=passed is not run.trace, look=look)
    there = cursor_moves.onto_node(run, at_node)
    return session.at_view(replace(there, cursor=(node.name, index))).with_trail((view,))


def _first(run: Run) -> Node | None:
    """Return the node that is told: of what is compared the first that differs."""
    if run.comparison is None:
        return run.first_not_finite
    return None if run.comparison.first is None else run.comparison.first.node


def _word(run: Run, node: Node) -> str:
    if run.comparison is not None:
        return "that differs"
    return "NaN" if bool(node.value.isnan().any()) else "inf"


def _notice(node: Node, word: str) -> str:
    head = f"! leads to the first {word}: {elide_middle(node.title, NAME)}"
    made = node.forward_node or node
    file = f"{elide_middle(Path(made.file).name, FILE)}:" if made.file else "line "
    where = "" if made.line is None else f", {file}{made.line}"
    module = elide_title(node.scope, COLUMNS - len(f"{head} in {where}"))
    return clean(f"{head} in {module}{where}" if module else f"{head}{where}")


def _first_cell(node: Node) -> tuple[int, ...]:
    """Return the first cell that is NaN; without any, the first that is infinite."""
    cells = node.value.isnan()
    cells = cells if bool(cells.any()) else node.value.isinf()
    return tuple(cells.nonzero()[0].tolist())
