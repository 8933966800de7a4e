"""What may be said at the prompt: one table of words, each a function from a session to a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llm_linalg.spelling import quoted, unknown
from tui import player
from tui.choices import moving, open_lesson
from tui.cli_parse import SEEDS, UsageError
from tui.cli_view import lesson_named
from tui.commands import run
from tui.motions import motion
from tui.session import Session
from tui.view import View

Act = Callable[[Session, list[str]], Session]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the session.

    Attributes:
        name: the word.
        takes: what may follow it, as the help writes it.
        says: what it does, in one line.
        act: does it. Raises UsageError for what can't be.
        shows: whether the frame is printed afterwards.
    """

    name: str
    takes: str
    says: str
    act: Act
    shows: bool = True


def _key(command: str, on_stage: str = "") -> Act:
    """The same as a key of the app; of a talk, as another."""

    def act(session: Session, rest: list[str]) -> Session:
        if rest:
            raise UsageError(f"nothing may follow here: {quoted(rest[0])}")
        staged = command.startswith("stage.")
        if staged and session.talk is None:
            raise UsageError("nothing is on stage: 'llm-linalg present DECK' shows a deck")
        return run(session, on_stage if session.talk is not None and on_stage else command)

    return act


def _off_stage(act: Act) -> Act:
    """What leads to other lessons, and so out of a deck."""

    def stay(session: Session, rest: list[str]) -> Session:
        if session.talk is not None:
            raise UsageError("on stage only the deck's own stops open: stop N")
        return act(session, rest)

    return stay


def _whole(rest: list[str], what: str) -> int:
    if len(rest) != 1 or not rest[0].lstrip("-").isdecimal() or len(rest[0]) > 20:
        raise UsageError(f"which {what}? a whole number, such as {what} 2")
    return int(rest[0])


def _step(session: Session, rest: list[str]) -> Session:
    return run(session, f"go:{max(0, _whole(rest, 'step'))}")


def _stop(session: Session, rest: list[str]) -> Session:
    talk = session.talk
    if rest in (["next"], ["back"]):
        command = "stop.next" if rest == ["next"] else "stop.previous"
        return run(session, command if talk is None else f"stage.{command}")
    number = _whole(rest, "stop")
    stops = len(session.view.lesson.stops if talk is None else talk.deck.stops)
    if not 1 <= number <= stops:
        raise UsageError(f"this {'lesson' if talk is None else 'deck'} has stops 1 to {stops}")
    if talk is not None:
        return run(session, f"stage.go:{number}")
    return session.changed(session.view.at_stop_number(number))


def _lesson(session: Session, rest: list[str]) -> Session:
    if len(rest) != 1:
        raise UsageError("which lesson? a slug, such as lesson matmul; 'lessons' lists them")
    if session.lesson(rest[0]) is not None:
        return open_lesson(session, rest[0])
    lesson = lesson_named(rest[0])
    listed = replace(session, lessons=(*session.lessons, lesson))  # so that the stops past its ends are found
    return listed.changed(View.opening(lesson))


def _order(session: Session, rest: list[str]) -> Session:
    if not rest:
        return run(session, "order")
    ground = session.ground
    if ground is None or not ground.path:
        raise UsageError("there is nothing here to step through")
    if rest[0] not in ground.orders:
        raise UsageError(unknown("order", rest[0], ground.orders))
    return motion(lambda view, at: player.in_order(view, at, rest[0]))(session)


def _set(session: Session, rest: list[str]) -> Session:
    words = rest[0].split("=", 1) if len(rest) == 1 else rest
    if len(words) != 2:
        names = ", ".join(name for name, _ in session.view.controls) or "none in this lesson"
        raise UsageError(f"set NAME VALUE; the controls: {names}")
    try:
        return session.changed(session.view.set(*words))
    except (LookupError, ValueError) as error:
        raise UsageError(str(error.args[0] if error.args else error)) from None


def _append(session: Session, rest: list[str]) -> Session:
    growing = [control.name for control in session.view.lesson.controls if control.append is not None]
    name = rest[0] if rest else next(iter(growing), "")
    if len(rest) > 1 or name not in growing:
        raise UsageError(f"append NAME; the lists that grow: {', '.join(growing) or 'none in this lesson'}")
    return run(session, moving(name))


def _seed(session: Session, rest: list[str]) -> Session:
    number = _whole(rest, "seed")
    if number not in SEEDS:
        raise UsageError("a seed is between -2^63 and 2^64 - 1")
    return session.changed(session.view.reseeded(number))


def _cell(session: Session, rest: list[str]) -> Session:
    run_ = session.current
    if run_ is None or session.ground is None:
        raise UsageError("there are no cells here")
    if not rest:
        return run(session, "cursor")
    panels = run_.frame(replace(session.view, cursor=None)).panels
    named = rest[0] if not rest[0].isdecimal() else None
    numbers = rest[1:] if named else rest
    name = named or next((panel.name for panel in panels if panel.role == "result"), "")
    if not all(word.isdecimal() and len(word) < 10 for word in numbers):
        raise UsageError("which cell? its indices, such as cell 1 2, or cell W 0 1")
    index = tuple(map(int, numbers))
    view = replace(session.view, cursor=(name, index))
    spotted = run_.spotted(view)
    if spotted is None or spotted.index != index:
        shapes = ", ".join(dict.fromkeys(panel.label for panel in panels))
        raise UsageError(f"no such cell; the tensors here: {shapes}")
    return session.moved(view)


def _turn(session: Session, rest: list[str]) -> Session:
    there = _cell(session, rest) if rest else session
    if "grid" not in there.contexts:
        raise UsageError("there is nothing to turn over here: a lesson with a mask to draw has such cells")
    return run(there, "cell.turn")


def _repair(session: Session, rest: list[str]) -> Session:
    if "repairs" not in session.contexts:
        raise UsageError("nothing here needs a repair")
    number = _whole(rest, "repair") if rest else 1
    return run(session, f"repair.{number}") if 1 <= number <= 9 else session.told("There is no such repair.")


def _row(session: Session, rest: list[str]) -> Session:
    board = session.view.board
    if board is None:
        raise UsageError("there is no board here")
    number = _whole(rest, "row")
    if not 1 <= number <= len(board.rows):
        raise UsageError(f"the board has rows 1 to {len(board.rows)}")
    return run(session, f"row:{number}")


def _stay(session: Session, rest: list[str]) -> Session:  # noqa: ARG001 - as every word
    return session


WORDS: tuple[Word, ...] = (
    Word("next", "", "a step on; so does an empty line", _key("forward", "stage.next")),
    Word("back", "", "a step back", _key("back", "stage.back")),
    Word("first", "", "before the first step", _key("first")),
    Word("last", "", "to the last step", _key("last")),
    Word("finish", "", "the end of this animation", _key("finish", "stage.finish")),
    Word("step", "N", "to a step by its number", _step),
    Word("play", "", "every step from here to the end, a line each", _stay, shows=False),
    Word("into", "", "into the operation, or into the cell", _key("into")),
    Word("out", "", "close what is open, then a depth out", _key("out")),
    Word("over", "", "the next operation", _key("over")),
    Word("previous", "", "the operation before", _key("previous")),
    Word("order", "[NAME]", "a loop order; the next one without a name", _order),
    Word("set", "NAME VALUE", "a control's value", _set),
    Word("append", "[NAME]", "to a list what the program says, such as the next token", _append),
    Word("seed", "N", "the seed of the random numbers", _seed),
    Word("cell", "[NAME] [I J…]", "ask a cell where it came from", _cell),
    Word("turn", "[NAME] [I J…]", "turn a cell of a mask over", _turn),
    Word("left", "", "the cell before", _key("cursor.left")),
    Word("right", "", "the cell after", _key("cursor.right")),
    Word("up", "", "the cell above", _key("cursor.up")),
    Word("down", "", "the cell below", _key("cursor.down")),
    Word("tensor", "", "the next tensor's cells", _key("cursor.panel")),
    Word("follow", "", "to the operation that made the cell", _key("cursor.follow")),
    Word("return", "", "back to where it was followed from", _key("cursor.return")),
    Word("stop", "N", "a stop of the lesson or deck; also stop next, stop back", _stop),
    Word("lesson", "SLUG", "another lesson", _off_stage(_lesson)),
    Word("lessons", "", "list the lessons", _stay, shows=False),
    Word("row", "N", "open a row of a board", _off_stage(_row)),
    Word("board", "", "back to the board that opened this lesson", _key("board.return")),
    Word("repair", "[N]", "apply a repair", _repair),
    Word("twin", "", "forward or backward pass", _key("twin")),
    Word("slice", "", "the next slice", _key("slice.next")),
    Word("undo", "", "undo the last change", _key("undo")),
    Word("redo", "", "do it again", _key("redo")),
    Word("skip", "", "of a deck: the next lesson", _key("stage.skip")),
    Word("reset", "", "of a deck: the stop as it was rehearsed", _key("stage.reset")),
    Word("notes", "", "of a deck: what the speaker reads here", _stay, shows=False),
    Word("code", "", "the program as torch code", _stay, shows=False),
    Word("command", "", "the command that reopens this view", _stay, shows=False),
    Word("show", "", "the frame again", _stay),
    Word("help", "", "these words", _stay, shows=False),
    Word("quit", "", "leave", _stay, shows=False),
)
BY_NAME = {word.name: word for word in WORDS}


def find(name: str) -> Word:
    """The word of that name. Raises UsageError with the nearest one."""
    word = BY_NAME.get(name.lower())
    if word is None:
        raise UsageError(unknown("word", name, [*BY_NAME]) + "; 'help' lists them")
    return word


def help_text() -> str:
    """What may be said, a line a word."""
    return "".join(f"{f'{word.name} {word.takes}':<20} {word.says}\n" for word in WORDS)
