"""The outline in the sidebar: a document's headings and cells, a trace's modules."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.text import clean
from llm_linalg.lessons.markdown import plain_text
from tui.compose.nodes import labels

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.recording.scopes import Scope
    from tui.session.session import Session

FAILURE = "✗"
RESTS = "~"  # the mark of a cell that rests on one that was not run
_TELLS_LITTLE = ("import ", "from ", "#", "%", "!", '"""', "'''")
LONGEST = 60
NEAR = 200  # nodes of a module listed before and after the one shown


class OutlineEntry(NamedTuple):
    """One row of an outline.

    Attributes:
        command: The command that opens it, which also identifies it.
        text: Its label.
        level: How deep it stands, from 0.
        heading: Whether others stand below it.
        here: Whether it is what is open.
        lead: How many characters of the label stand before a cell's own words: its number, and a mark.
    """

    command: str
    text: str
    level: int = 0
    heading: bool = False
    here: bool = False
    lead: int = 0


def outline(session: Session) -> tuple[OutlineEntry, ...]:
    """Return the entries of what is open; none of a lesson, whose sidebar lists the lessons."""
    lesson = session.view.lesson
    if lesson.external is not None:
        return _modules(session)
    return _document(session, lesson) if lesson.document else ()


def selection(session: Session, entries: tuple[OutlineEntry, ...]) -> int:
    """Return the place of the entry that is chosen, or else open."""
    for k, entry in enumerate(entries):
        if entry.command == session.selection.sidebar:
            return k
    return next((k for k, entry in enumerate(entries) if entry.here and not entry.heading), 0)


def choose(session: Session, direction: int) -> Session:
    """Choose the next entry, or the one before."""
    entries = outline(session)
    if not entries:
        return session
    place = max(0, min(len(entries) - 1, selection(session, entries) + direction))
    return session.with_choice(entries[place].command)


def choose_end(session: Session, *, last: bool) -> Session:
    """Choose the first entry, or the last: of a trace its first node, or its last."""
    run = session.last_run
    entries = outline(session)
    if not entries:
        return session
    if session.view.lesson.external is not None and run is not None and run.trace is not None:
        nodes = run.trace.nodes
        return session.with_choice(f"node:{nodes[-1 if last else 0].index}")
    return session.with_choice(entries[-1 if last else 0].command)


def _document(session: Session, lesson: Lesson) -> tuple[OutlineEntry, ...]:
    """Return all headings, and the cells below the one that is chosen or open: the others are folded."""
    number = session.view.stop
    marks = _marks(session, lesson)
    least = min((heading.level for heading in lesson.outline), default=1)
    bounds = [*[heading.stop for heading in lesson.outline], len(lesson.stops) + 1]
    chosen = session.selection.sidebar or f"stop:{number}"
    entries = _cells(lesson, range(1, min(bounds)), 0, number, marks)
    for place, (heading, (_, end)) in enumerate(zip(lesson.outline, pairwise(bounds), strict=True)):
        command = f"stop:{heading.stop}:{place}"
        level = heading.level - least
        below = range(heading.stop, end)
        here = number in below
        entries.append(OutlineEntry(command, heading.title, level, heading=True, here=here))
        shown = chosen == command or any(chosen == f"stop:{stop}" for stop in below)
        if shown or (here and session.selection.sidebar is None):
            entries += _cells(lesson, below, level + 1, number, marks)
    return tuple(entries)


def _cells(
    lesson: Lesson, stops: range, level: int, number: int, marks: Mapping[int, str]
) -> list[OutlineEntry]:
    entries = []
    for stop in (lesson.stops[k - 1] for k in stops):
        lines = [line.strip() for line in stop.code.split("\n") if line.strip()]
        lines = lines or [plain_text(stop.prose.partition("\n")[0]) or "text"]
        first = next((line for line in lines if not line.startswith(_TELLS_LITTLE)), lines[0])
        lead = f"{stop.number} {marks[stop.number]} " if stop.number in marks else f"{stop.number} "
        entries.append(
            OutlineEntry(
                f"stop:{stop.number}",
                f"{lead}{clean(first, LONGEST)}",
                level,
                here=stop.number == number,
                lead=len(lead),
            )
        )
    return entries


def _marks(session: Session, lesson: Lesson) -> dict[int, str]:
    """Return the marks of the cells that were not run, as far as is known, by their numbers."""
    marks = {stop.number: FAILURE for stop in lesson.stops if stop.refusal is not None}
    run, survey = session.last_run, session.survey
    cells = [*survey.cells] if survey is not None and survey.serves(session.view) else []
    cells += run.cells if run is not None and run.view.lesson is lesson else ()
    for cell in cells:
        if cell.is_whole:
            marks.pop(cell.number, None)
        else:
            marks[cell.number] = RESTS if cell.state == "rests" else FAILURE
    return marks


def _modules(session: Session) -> tuple[OutlineEntry, ...]:
    """Return the modules as a tree, open along the chosen or shown one, which has its own nodes in it.

    A step of a gradient stands where the node stands whose backward step it is; the first, at the loss.
    """
    run = session.last_run
    if run is None or run.trace is None or run.view.lesson is not session.view.lesson:
        return ()
    trace = run.trace
    shown = run.top_node(session.view)
    if shown is None:
        return ()
    if session.view.backward:
        shown = shown.outer_forward_node or trace.loss or trace.nodes[-1]
    name, _, argument = (session.selection.sidebar or "").partition(":")
    at, open_path = shown, shown.scope
    if name == "node":
        at = trace.nodes[int(argument)]
        open_path = at.scope
    elif name == "module":
        open_path = argument
    entries: list[OutlineEntry] = []
    _open(labels(trace.nodes), trace.scopes, open_path, 0, at, shown, entries)
    return tuple(entries)


def _open(
    names: Sequence[str],
    scope: Scope[Node],
    path: str,
    level: int,
    at: Node,
    shown: Node,
    entries: list[OutlineEntry],
) -> None:
    """Add the entries inside a scope: modules and nodes in the order in which they came.

    `names` has the label of each node of the trace.
    """
    from llm_linalg.recording.scopes import Scope

    inside: list[tuple[int, Scope[Node] | Node]] = []
    for child in scope.children.values():
        first = child.first
        inside.append((first.index if first is not None else 0, child))
    place = bisect_left(scope.nodes, at.index, key=lambda node: node.index)
    inside += [(node.index, node) for node in scope.nodes[max(0, place - NEAR) : place + NEAR]]
    for _, item in sorted(inside, key=lambda pair: pair[0]):
        if isinstance(item, Scope):
            here = _within(shown.scope, item.path)
            label = f"{item.name} ({item.size})"
            entries.append(OutlineEntry(f"module:{item.path}", label, level, heading=True, here=here))
            if _within(path, item.path):
                _open(names, item, path, level + 1, at, shown, entries)
        else:
            own = names[item.index].removeprefix(f"{scope.path}.")  # the modules around it stand above
            text = clean(own, LONGEST)
            entries.append(OutlineEntry(f"node:{item.index}", text, level, here=item is shown))


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")
