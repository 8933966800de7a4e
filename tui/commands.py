"""The commands by name: functions from a session to a session.

A command that only changes the session is in a table here; what reaches outside it (quitting, copying,
opening a screen) is the screen's. Names are those of :mod:`tui.keys`; a few more, with an argument after a
colon, are what clicks, typing and the palette use: ``open:matmul``, ``set:n:+1``, ``pick:n``, ``go:12``. What
was done can be written as a script: each has its word in :mod:`tui.script.spoken`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from llm_linalg.lesson_values import LessonError
from tui import boards, charts, choices, motions, player, playing, talk, talk_looks
from tui.motions import Command
from tui.session import Session

PAGE = 20  # places that the sidebar goes up or down at once


def run(session: Session, command: str) -> Session:
    """The session after a command; the same session for one that has nothing to do here.

    A listed lesson is read when it is opened: of one that is broken, the session tells why.

    Raises:
        KeyError: there is no command of that name.
    """
    name, _, argument = command.partition(":")
    try:
        return WITH_ARGUMENT[name](session, argument) if argument else COMMANDS[command](session)
    except LessonError as error:
        return session.told(f"{Path(error.file).name}:{error.line}: {error.reason}")


COMMANDS: dict[str, Command] = {
    "play": motions.play_by(1),
    "play.back": motions.play_by(-1),
    "forward": motions.motion(player.forward),
    "back": motions.motion(player.back),
    "first": motions.motion(player.first),
    "last": motions.motion(player.last),
    "finish": motions.motion(player.finish),
    "into": motions.motion(player.into),
    "out": motions.out,
    "over": motions.motion(player.over),
    "previous": motions.motion(lambda view, ground: player.over(view, ground, -1)),
    "order": motions.motion(player.reorder),
    "faster": lambda session: replace(session, player=session.player.faster(), notice=""),
    "slower": lambda session: replace(session, player=session.player.slower(), notice=""),
    "stop.next": choices.stop_by(1),
    "stop.previous": choices.stop_by(-1),
    "list": choices.choose_by(0),
    "list.up": choices.choose_by(-1),
    "list.down": choices.choose_by(1),
    "list.page.up": choices.choose_by(-PAGE),
    "list.page.down": choices.choose_by(PAGE),
    "list.first": choices.choose_end(last=False),
    "list.last": choices.choose_end(last=True),
    "list.open": choices.open_chosen,
    "control.up": choices.move_selected(1),
    "control.down": choices.move_selected(-1),
    "control.next": choices.select_by(1),
    "control.previous": choices.select_by(-1),
    "seed.up": choices.seed_by(1),
    "seed.down": choices.seed_by(-1),
    "cursor": motions.toggle_cursor,
    "cursor.left": motions.on_run(lambda opened, view: opened.move_cursor(view, 0, -1)),
    "cursor.right": motions.on_run(lambda opened, view: opened.move_cursor(view, 0, 1)),
    "cursor.up": motions.on_run(lambda opened, view: opened.move_cursor(view, -1, 0)),
    "cursor.down": motions.on_run(lambda opened, view: opened.move_cursor(view, 1, 0)),
    "cursor.panel": motions.on_run(lambda opened, view: opened.next_panel(view)),
    "cursor.panel.back": motions.on_run(lambda opened, view: opened.next_panel(view, -1)),
    "cursor.follow": motions.follow,
    "cell.turn": choices.turn_cell,
    "cursor.return": motions.come_back,
    "map": charts.toggle,
    "map.up": motions.motion(player.back),
    "map.down": motions.motion(player.forward),
    "map.lesson": charts.lesson,
    "map.ask": charts.ask,
    "follow": charts.follow,
    "board.up": boards.select_by(-1),
    "board.down": boards.select_by(1),
    "board.open": boards.open_row,
    **{f"board.{number}": boards.open_row_of(number) for number in range(1, 10)},
    "board.ask": boards.ask,
    "board.return": boards.come_back,
    "edit": playing.edit,
    "edit.leave": playing.leave,
    "edit.repair": playing.mend,
    "play.take": playing.take,
    "repair": choices.repair_by(1),
    **{f"repair.{number}": choices.repair_by(number) for number in range(1, 10)},
    **{f"link.{number}": choices.link_by(number) for number in range(1, 10)},
    "undo": choices.history("undo"),
    "redo": choices.history("redo"),
    "look": choices.next_look,
    "twin": motions.turn,
    "slice.next": motions.on_run(lambda opened, view: opened.slices(view, 1)),
    "slice.previous": motions.on_run(lambda opened, view: opened.slices(view, -1)),
    "stage.next": talk.forward,
    "stage.back": talk.back,
    "stage.finish": talk.finish,
    "stage.stop.next": talk.stop_on,
    "stage.stop.previous": talk.stop_back,
    "stage.skip": talk.skip,
    "stage.first": lambda session: talk.at(session, 1),
    "stage.last": lambda session: talk.at(session, len(talk.on_stage(session).deck.stops)),
    "stage.reset": talk.reset,
    "stage.black": talk_looks.black,
    "stage.big": talk_looks.big,
    "stage.play": motions.play_by(1),
    "stage.auto": talk_looks.auto,
    "stage.clock": talk_looks.clock,
    "stage.pause": talk_looks.pause,
    "stage.zero": talk_looks.zero,
    "stage.footer": talk_looks.footer,
}

WITH_ARGUMENT: dict[str, Callable[[Session, str], Session]] = {
    "open": choices.open_lesson,
    "example": playing.example,
    "set": choices.set_control,
    "pick": choices.pick_control,
    "go": motions.go_to,
    "stop": choices.stop_at,
    "node": choices.node_at,
    "module": choices.module_at,
    "scrub": motions.scrub,
    "cell": motions.cell_at,
    "write": playing.typed,
    "line": playing.on_line,
    "row": boards.open_row_at,
    "box": charts.select,
    "stage.go": lambda session, number: talk.at(session, int(number)),
}

OUTSIDE = frozenset(
    (
        *("goto", "text", "sidebar", "theme", "copy.code", "copy.command", "help", "palette", "suspend"),
        *("redraw", "quit", "halt", "processes", "script.save"),
        *("edit.examples", "edit.save", "edit.undo", "edit.redo", "edit.help", "edit.quit"),
        *("stage.goto", "stage.index", "stage.quit"),
    )
)
"""Commands that reach outside the session."""

NEEDS_NO_RUN = (OUTSIDE - {"goto", "stage.goto"}) | {
    *("stage.black", "stage.big", "stage.auto", "stage.clock", "stage.pause", "stage.zero", "stage.footer"),
    *(
        "list",
        "list.up",
        "list.down",
        "list.page.up",
        "list.page.down",
        "list.first",
        "list.last",
        "list.open",
    ),
    *("control.next", "control.previous"),
    *("faster", "slower", "pick", "open", "edit", "edit.leave", "play.take", "example"),
    *("board.up", "board.down", "board.open", "row", *(f"board.{number}" for number in range(1, 10))),
}
"""Commands that act at once, whether or not a run is under way."""

CHANGES = frozenset(
    (
        *("control.up", "control.down", "seed.up", "seed.down", "set", "undo", "redo"),
        *("stop", "stop.next", "stop.previous", "board.return"),
        *("stage.stop.next", "stage.stop.previous", "stage.skip", "stage.first", "stage.last"),
        *("stage.reset", "stage.go"),
        *(f"link.{number}" for number in range(1, 10)),
    )
)
"""Commands that ask for another run, and so needn't wait for the one under way."""
