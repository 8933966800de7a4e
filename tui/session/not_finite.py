"""The first number of a program that is not finite: told when it has run, and a key that leads there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean, elide_middle, elide_title
from tui.compose import cursor_moves
from tui.session.session import Session

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from tui.compose.program_run import Run

COLUMNS = 78  # of the notice
NAME, FILE = 16, 20  # of each in it, at most


def with_first_told(session: Session, before: Run | None) -> Session:
    """Return the session with a notice of the first number that is not finite, if it was not told before."""
    run = session.last_run
    node = None if run is None else run.first_not_finite
    told = None if before is None else before.first_not_finite
    if node is None or session.editor.is_open or session.notice or session.talk is not None:
        return session
    if told is not None and (told.name, told.line, told.scope) == (node.name, node.line, node.scope):
        return session
    return session.with_notice(_notice(node))


def go_to_first(session: Session) -> Session:
    """Put the cell cursor on the first number that is not finite; return comes back here."""
    from tui.compose.nodes import path_of

    run, view = session.current, session.view
    node = None if run is None else run.first_not_finite
    if run is None or run.trace is None or node is None:
        return session
    passed = run.passes.gradients if node.forward_node is not None else run.trace
    path = None if passed is None else path_of(passed.nodes, node)
    if path is None:
        return session
    at_node = replace(view, path=path, backward=passed is not run.trace, look="numbers")
    there = cursor_moves.onto_node(run, at_node)
    return session.at_view(replace(there, cursor=(node.name, _first_cell(node)))).with_trail((view,))


def _notice(node: Node) -> str:
    word = "NaN" if bool(node.value.isnan().any()) else "inf"
    head = f"! leads to the first {word}: {elide_middle(node.title, NAME)}"
    made = node.forward_node or node
    file = f"{elide_middle(Path(made.file).name, FILE)}:" if made.file else "line "
    where = "" if made.line is None else f", {file}{made.line}"
    module = elide_title(node.scope, COLUMNS - len(f"{head} in {where}"))
    return clean(f"{head} in {module}{where}" if module else f"{head}{where}")


def _first_cell(node: Node) -> tuple[int, ...]:
    """Return the first cell that is NaN; without any, the first that is infinite."""
    found = node.value.isnan()
    found = found if bool(found.any()) else node.value.isinf()
    return tuple(found.nonzero()[0].tolist())
