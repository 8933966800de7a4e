"""Commands written in a script: from what a command did to words that do it again.

A command that depends on what is selected is written as what it did: `set n 5` and not "more".
"""

from __future__ import annotations

from collections.abc import Callable

from llm_linalg.lessons.markdown import links
from tui.navigation import steps
from tui.session.presentation.stage_moves import require_talk
from tui.session.script.tokens import Words
from tui.session.session import Session

CommandWriter = Callable[[Session, str, Session], Words]
"""From the session before, the command's argument and the session after."""


def position(session: Session) -> int:
    """Return the step at which a session is."""
    navigation = session.navigation
    return session.view.step if navigation is None else steps.position(session.view, navigation)[0]


def told(word: str, tell: Callable[[Session], object]) -> CommandWriter:
    """Write a word, and what the session afterwards tells."""
    return lambda _before, _argument, after: (word, str(tell(after)))


step = told("step", position)
speed = told("speed", lambda after: f"{after.player.speed:g}")
deck_stop = told("stop", lambda after: require_talk(after).number)
control_choice = told("pick", lambda after: after.selection.control or "")
seed = told("seed", lambda after: after.view.seed)
look = told("look", lambda after: after.view.look)
sort = told("sort", lambda after: after.view.sort or "none")
row_choice = told("choose", lambda after: after.view.row)


def word_or_step(word: str) -> CommandWriter:
    """Write a word; in a presentation, where it leads on to the next stop, the step that was reached."""

    def write(before: Session, argument: str, after: Session) -> Words:
        return (word,) if after.talk is None else step(before, argument, after)

    return write


def step_or_stop(before: Session, argument: str, after: Session) -> Words:
    """Write a step; where it went on from the last one, the stop that it led to."""
    if after.talk is None and (before.view.lesson, before.view.stop) != (after.view.lesson, after.view.stop):
        return stop("next")(before, argument, after)
    return word_or_step("next")(before, argument, after)


def order(_before: Session, _argument: str, after: Session) -> Words:
    """Write the loop order in force."""
    name = None if after.navigation is None else steps.order_of(after.view, after.navigation)
    return ("order", *(() if name is None else (name,)))


def stop(way: str) -> CommandWriter:
    """Write the stop by its number, or the way to the stop of another lesson."""

    def write(before: Session, _argument: str, after: Session) -> Words:
        same = before.view.lesson is after.view.lesson
        return ("stop", str(after.view.stop) if same else way)

    return write


def stop_of_any(before: Session, _argument: str, after: Session) -> Words:
    """Write the stop that a command went to, in this lesson or in another one."""
    there, number = after.view.lesson, str(after.view.stop)
    if before.view.lesson is there:
        return ("stop", number)
    return ("lesson", there.slug) if after.view.stop == 1 else ("lesson", there.slug, "--stop", number)


def control(before: Session, argument: str, after: Session) -> Words:
    """Write the value of the control that was moved."""
    name = argument.partition(":")[0] or before.selection.control or ""
    return ("set", name, dict(after.view.controls)[name])


def control_or_append(before: Session, argument: str, after: Session) -> Words:
    """Write the value of the control that was moved, or that a list grew."""
    words = control(before, argument, after)
    grows = before.view.control(words[1]).append is not None and not argument.endswith("-1")
    return ("append", words[1]) if grows else words


def lesson(_before: Session, slug: str, after: Session) -> Words:
    """Write the lesson that was opened; the playground with the program that was last in it."""
    code = after.view.code
    program = () if code is None else ("--code", code)
    return ("lesson", slug, *program)


def opened_lesson(before: Session, _argument: str, after: Session) -> Words:
    """Write the lesson that a command without an argument opened."""
    return lesson(before, after.view.lesson.slug, after)


def sidebar_choice(before: Session, _argument: str, after: Session) -> Words:
    """Write what was chosen in the sidebar: a stop, a node, a module or a lesson."""
    name, _, place = (before.selection.sidebar or "").partition(":")
    if name == "stop" and place:
        return ("stop", place.partition(":")[0])
    if name in ("node", "module"):
        return node(before, place, after)
    return lesson(before, before.selection.sidebar or "", after)  # a trace's own has a colon in it


def link(number: int) -> CommandWriter:
    """Write the lesson that a link of the text leads to."""
    return lambda before, _, after: lesson(before, links(before.view.at_stop.prose)[number - 1], after)


def box(_before: Session, _argument: str, after: Session) -> Words:
    """Write the box of the map, or that it was gone into."""
    return ("box", "/".join(after.view.box)) if after.view.depth == "map" else ("into",)


def lineage(_before: Session, _argument: str, after: Session) -> Words:
    """Write the cell that is followed."""
    cell = after.view.follows
    return ("lineage", "none") if cell is None else (cell.way, cell.name, *map(str, cell.position))


def open_row(before: Session, _argument: str, _after: Session) -> Words:
    """Write the row of the board that was opened."""
    board = before.view.board
    return ("row", str(max(1, min(before.view.row, len(board.rows) if board else 1))))


def node(_before: Session, _argument: str, after: Session) -> Words:
    """Write the node by its name."""
    return ("node", *after.view.path[:1])


def cell(_before: Session, argument: str, _after: Session) -> Words:
    """Write the cell by its tensor and indices."""
    indices, _, name = argument.partition(":")
    return ("cell", name, *filter(None, indices.split(",")))


def program(_before: Session, argument: str, _after: Session) -> Words:
    """Write the text of the editor and the line of its cursor."""
    line, _, text = argument.partition(":")
    return ("write", text, line)


def answer(_before: Session, argument: str, _after: Session) -> Words:
    """Write the answer to an exercise."""
    return ("answer", argument)


def with_argument(word: str) -> CommandWriter:
    """Write a word and the command's own argument."""
    return lambda _before, argument, _after: (word, argument.partition(":")[0])
