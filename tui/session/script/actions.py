"""The words of scripts and of the prompt: what one is, and what each does with what follows it."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from llm_linalg.base.constants import LOOK_NAMES, LookName
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.lessons.stop import FollowedCell
from tui.compose import cursor_moves
from tui.model.examples import BY_NAME as EXAMPLES
from tui.model.flags import SEEDS, pause
from tui.model.flags import speed as parse_speed
from tui.model.map_table import SORTS
from tui.model.usage_error import UsageError
from tui.navigation import map_moves, steps
from tui.navigation.playground import is_playground, last_line
from tui.session import guess_commands, step_commands
from tui.session.contexts import Context
from tui.session.control_commands import control_to, move_command, open_lesson, turn_cell
from tui.session.lesson_settings import with_settings_of
from tui.session.map_commands import sorted_by
from tui.session.script.opening import opening_view
from tui.session.session import Session
from tui.session.step_commands import motion, play_by

Action = Callable[[Session, Sequence[str]], "str | Session"]
"""From a session and what follows the word: to the command that does it, or to the session afterwards.

It raises UsageError for what can't be done.
"""


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """One word of scripts and of the prompt.

    Attributes:
        place: Its place in the help; of several at one place the table of commands has the order.
        usage: The word and what may follow it, as the help writes it; empty for `phrase`.
        says: What it does, in one line.
        act: Does it.
        many: Whether a number may follow it: of times.
        shows: Whether the frame is printed afterwards.
    """

    place: int
    usage: str
    says: str
    act: Action
    many: bool = False
    shows: bool = True

    @property
    def name(self) -> str:
        """The word."""
        return self.usage.partition(" ")[0]


def phrase(place: int, says: str) -> ScriptWord:
    """Return the word with which a command's phrase begins, where that only stands for commands."""
    return ScriptWord(place, "", says, stay)


def key(command: str, on_stage: str = "") -> Action:
    """Return the action of an app's key; in a presentation, of another."""

    def act(session: Session, rest: Sequence[str]) -> str:
        if rest:
            raise UsageError(f"nothing may follow here: {quote(rest[0])}")
        return on_stage if session.talk is not None and on_stage else command

    return act


def off_stage(act: Action) -> Action:
    """Refuse an action that leads to other lessons, and so out of a deck, in a presentation."""

    def stay(session: Session, rest: Sequence[str]) -> str | Session:
        if session.talk is not None:
            raise UsageError("on stage only the deck's own stops open: stop N")
        return act(session, rest)

    return stay


def whole(rest: Sequence[str], what: str) -> int:
    """Return the one whole number that follows. Raises UsageError for anything else."""
    if len(rest) != 1 or not re.fullmatch(r"-?\d{1,20}", rest[0]):
        raise UsageError(f"which {what}? a whole number, such as {what} 2")
    return int(rest[0])


def one_of(rest: Sequence[str], what: str, choices: Sequence[str]) -> str:
    """Return the one word that follows, which is one of those known."""
    if len(rest) != 1:
        raise UsageError(f"which {what}? one of {', '.join(choices)}")
    if rest[0] not in choices:
        raise UsageError(unknown(what, rest[0], choices))
    return rest[0]


def play(direction: int) -> Action:
    """Play in a direction, to the end or to a step."""

    def act(session: Session, rest: Sequence[str]) -> Session:
        until = max(0, whole(rest, "step")) if rest else None
        return play_by(direction, until)(replace(session, player=session.player.pause()))

    return act


def set_speed(session: Session, rest: Sequence[str]) -> Session:
    """Play at another number of steps a second."""
    return replace(
        session, player=session.player._replace(speed=_number(rest, parse_speed, "speed 8")), notice=""
    )


def seconds(rest: Sequence[str]) -> float:
    """Return how long `wait` waits. Raises UsageError for what is no time."""
    return _number(rest, pause, "wait 2") if rest else 1.0


def _number(rest: Sequence[str], parse: Callable[[str], float], example: str) -> float:
    try:
        (text,) = rest
        return parse(text)
    except (ArgumentTypeError, ValueError) as error:
        raise UsageError(
            str(error) if isinstance(error, ArgumentTypeError) else f"such as {example}"
        ) from None


def wait(session: Session, rest: Sequence[str]) -> Session:
    """Return the same session: whoever plays the script waits."""
    seconds(rest)
    return session


def to_step(_session: Session, rest: Sequence[str]) -> str:
    """Go to a step by its number."""
    return f"go:{max(0, whole(rest, 'step'))}"


def to_stop(session: Session, rest: Sequence[str]) -> str:
    """Go to a stop by its number, to the next or the one before."""
    talk = session.talk
    if tuple(rest) in (("next",), ("back",)):
        command = "stop.next" if rest[0] == "next" else "stop.previous"
        return command if talk is None else f"stage.{command}"
    number = whole(rest, "stop")
    stops = len(session.view.lesson.stops if talk is None else talk.deck.stops)
    if not 1 <= number <= stops:
        raise UsageError(f"this {'lesson' if talk is None else 'deck'} has stops 1 to {stops}")
    return f"{'stop' if talk is None else 'stage.go'}:{number}"


def to_deck(session: Session, rest: Sequence[str]) -> Session:  # noqa: ARG001 - as every word
    """Refuse another deck: a script that shows one begins with it."""
    raise UsageError("a script begins with its deck; 'llm-linalg present DECK' shows one")


def to_lesson(session: Session, rest: Sequence[str]) -> Session:
    """Go to another lesson, or to a picture of it."""
    if not rest:
        raise UsageError("which lesson? a slug, such as lesson matmul; 'lessons' lists them")
    if len(rest) == 1 and session.lesson(rest[0]) is not None:
        return open_lesson(session, rest[0])
    return session.with_undo(opening_view(rest))


def keep_settings(session: Session, rest: Sequence[str]) -> Session:
    """Take note of settings with which a lesson was left before the script began."""
    if not rest or session.lesson(rest[0]) is None:
        raise UsageError("settings SLUG FLAGS: with what a lesson opens, such as settings matmul --set m=5")
    view = opening_view(rest)
    return session.with_learner(settings=with_settings_of(session.learner.settings, view))


def in_order(session: Session, rest: Sequence[str]) -> str | Session:
    """Take a loop order, at the same place; the next one unless it is named."""
    if not rest:
        return "order"
    navigation = session.navigation
    if navigation is None or not navigation.path:
        raise UsageError("there is nothing here to step through")
    name = one_of(rest, "order", navigation.orders)
    return motion(lambda view, at: steps.in_order(view, at, name))(session)


def set_control(session: Session, rest: Sequence[str]) -> Session:
    """Set a control."""
    words = rest[0].split("=", 1) if len(rest) == 1 else rest
    if len(words) != 2:
        names = ", ".join(name for name, _ in session.view.controls) or "none in this lesson"
        raise UsageError(f"set NAME VALUE; the controls: {names}")
    try:
        return control_to(session, *words)
    except (LookupError, ValueError) as error:
        raise UsageError(str(error.args[0] if error.args else error)) from None


def append(session: Session, rest: Sequence[str]) -> str:
    """Append to a list what the program says."""
    growing = [control.name for control in session.view.lesson.controls if control.append is not None]
    name = rest[0] if rest else next(iter(growing), "")
    if len(rest) > 1 or name not in growing:
        raise UsageError(f"append NAME; the lists that grow: {', '.join(growing) or 'none in this lesson'}")
    return move_command(name)


def pick(session: Session, rest: Sequence[str]) -> str:
    """Select a control."""
    return f"pick:{one_of(rest, 'control', [name for name, _ in session.view.controls])}"


def set_seed(session: Session, rest: Sequence[str]) -> Session:
    """Take another seed."""
    number = whole(rest, "seed")
    if number not in SEEDS:
        raise UsageError("a seed is between -2^63 and 2^64 - 1")
    return session.with_undo(session.view.with_seed(number))


def set_look(session: Session, rest: Sequence[str]) -> str | Session:
    """Take another look at the picture; the next of those it has unless one is named."""
    if not rest:
        return "look"
    shown = session.current
    looks: tuple[LookName, ...] = LOOK_NAMES if shown is None else shown.frame(session.view).stage.looks
    look = next(look for look in looks if look == one_of(rest, "look", looks))
    return replace(session, view=replace(session.view, look=look), notice="")


def sort_table(session: Session, rest: Sequence[str]) -> str | Session:
    """Sort the map's tables by a column, or by none; by the next one unless it is named."""
    if not rest:
        return "map.sort"
    name = one_of(rest, "column", [*SORTS, "none"])
    return sorted_by(session, "" if name == "none" else name)


def ask_cell(session: Session, rest: Sequence[str]) -> str | Session:
    """Put the cell cursor on a cell; without one, put it on the result or take it away."""
    return _at_cell(session, rest) if rest or session.navigation is None else "cursor"


def _at_cell(session: Session, rest: Sequence[str]) -> Session:
    run_ = session.current
    if run_ is None or session.navigation is None:
        raise UsageError("there are no cells here")
    panels = run_.frame(replace(session.view, cursor=None)).stage.panels
    named = rest[0] if not rest[0].isdecimal() else None
    numbers = rest[1:] if named else rest
    name = named or next((panel.name for panel in panels if panel.role == "result"), "")
    if not all(word.isdecimal() and len(word) < 10 for word in numbers):
        raise UsageError("which cell? its indices, such as cell 1 2, or cell W 0 1")
    there = step_commands.cell_at(session, f"{','.join(numbers)}:{name}")
    if there is session:
        shapes = ", ".join(dict.fromkeys(panel.label for panel in panels))
        raise UsageError(f"no such cell; the tensors here: {shapes}")
    return there


def guess(session: Session, rest: Sequence[str]) -> Session:
    """Answer what is asked."""
    if not rest:
        raise UsageError("guess what? the number of a choice, or what is asked for, such as guess (3, 4)")
    answered = guess_commands.answer(session, " ".join(rest))
    if answered.view == session.view:
        raise UsageError(answered.notice)
    return answered


def turn(session: Session, rest: Sequence[str]) -> Session:
    """Turn a cell of a mask over."""
    there = _at_cell(session, rest) if rest else session
    if Context.MASK_CURSOR not in there.contexts:
        raise UsageError("there is nothing to turn over here: a lesson with a mask to draw has such cells")
    return turn_cell(there)


def to_node(session: Session, rest: Sequence[str]) -> str:
    """Go to an operation by its name."""
    from tui.compose.nodes import labels

    trace = session.last_run.trace if session.last_run is not None else None
    names = () if trace is None else labels(trace.nodes)
    return f"node:{names.index(one_of(rest, 'node', names))}"


def repair(session: Session, rest: Sequence[str]) -> str | Session:
    """Apply a repair."""
    if Context.REPAIRS not in session.contexts:
        raise UsageError("nothing here needs a repair")
    number = whole(rest, "repair") if rest else 1
    return f"repair.{number}" if 1 <= number <= 9 else session.with_notice("There is no such repair.")


def answer(session: Session, rest: Sequence[str]) -> str:
    """Answer the exercise."""
    if session.view.at_stop.exercise is None:
        raise UsageError("there is no exercise here")
    if not " ".join(rest).strip():
        raise UsageError("answer EXPRESSION, such as answer Y.sum()")
    return f"answer:{' '.join(rest)}"


def open_row(session: Session, rest: Sequence[str]) -> str:
    """Open the lesson of a board's row."""
    return f"row:{_board_row(session, rest)}"


def choose_row(session: Session, rest: Sequence[str]) -> Session:
    """Select a row of a board."""
    row = _board_row(session, rest)
    return replace(session, view=replace(session.view, row=row), notice="")


def _board_row(session: Session, rest: Sequence[str]) -> int:
    board = session.view.board
    if board is None:
        raise UsageError("there is no board here")
    number = whole(rest, "row")
    if not 1 <= number <= len(board.rows):
        raise UsageError(f"the board has rows 1 to {len(board.rows)}")
    return number


def example(_session: Session, rest: Sequence[str]) -> str:
    """Open an example in the playground."""
    return f"example:{one_of(rest, 'example', [*EXAMPLES])}"


def write(session: Session, rest: Sequence[str]) -> str:
    """Put another program into the playground."""
    if not is_playground(session.view.lesson):
        raise UsageError("only the playground's program is written: 'take' brings this one there")
    if not 1 <= len(rest) <= 2:
        raise UsageError('write "x = torch.ones(2)\\ny = 2 * x", and the line of the cursor if it matters')
    line = whole(rest[1:], "line") if len(rest) == 2 else last_line(rest[0])
    return f"write:{max(1, line)}:{rest[0]}"


def to_line(_session: Session, rest: Sequence[str]) -> str:
    """Put the editor's cursor on a line."""
    return f"line:{max(1, whole(rest, 'line'))}"


def on_processes(session: Session, rest: Sequence[str]) -> Session:
    """Return the same session, if its program is of several devices: the prompt runs it on processes."""
    if rest or Context.DEVICES not in session.contexts:
        raise UsageError("this program runs on one device: only a stop with ranks has processes")
    return session


def stay(session: Session, rest: Sequence[str]) -> Session:  # noqa: ARG001 - as every word
    """Return the same session."""
    return session


def to_box(session: Session, rest: Sequence[str]) -> Session:
    """Go to a box of the map, by the names that lead to it."""
    navigation = session.navigation
    if navigation is None or not navigation.path:
        raise UsageError("there is no map here")
    if len(rest) != 1:
        raise UsageError("which box? its name, or the names that lead to it: box block:1/attention")
    path: tuple[str, ...] = ()
    for name in rest[0].split("/"):
        path = (*path, one_of([name], "box", navigation.boxes(path)))
    return session.at_view(replace(session.view, depth="map", box=path, cursor=None))


def ask_box_or_row(session: Session, rest: Sequence[str]) -> str | Session:
    """Put the cell cursor on what a row of a board shows, or a box of the map gives."""
    return key("map.ask" if session.view.depth == "map" else "board.ask")(session, rest)


def follow_cell(way: Literal["lineage", "reach"]) -> Action:
    """Follow a cell through the program: the one named, or the one under the cursor; or none."""

    def act(session: Session, rest: Sequence[str]) -> Session:
        run_ = session.current
        if run_ is None or session.navigation is None:
            raise UsageError("there are no cells here")
        if tuple(rest) == ("none",):
            return session.at_view(replace(session.view, follows=None))
        followed = cursor_moves.followable(run_, session.view)
        if rest:
            if not all(word.isdecimal() and len(word) < 10 for word in rest[1:]):
                raise UsageError(f"which cell? its tensor and indices, such as {way} Y 1 2")
            followed = FollowedCell(way, rest[0], tuple(map(int, rest[1:])))
        if followed is None:
            raise UsageError(f"which cell? the one under the cursor, or its name and indices: {way} Y 1 2")
        lit = replace(session.view, follows=followed._replace(way=way))
        refusal = run_.lineages.refusal(lit)
        if refusal:
            raise UsageError(refusal)
        if lit.depth == "map":
            return session.at_view(lit)
        there = map_moves.onto(lit, session.navigation, session.navigation.path)
        return session.at_view(replace(there, cursor=None)).with_trail((session.view,))

    return act
