"""The table of commands: everything known of a command is in its record here.

Bindings, footer, help, palette, settings, the words of scripts, how a command is recorded and whether it
waits for the run under way are made from it. A command that only changes the session has its function in its
record; what reaches outside (quitting, copying, opening a screen) is done by the screen. Commands without
keys take an argument after a colon, and are what clicks, typing and the palette use: `open:matmul`,
`set:n:+1`, `pick:n`, `go:12`.

`tui/session/README.md` says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import Enum, StrEnum
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from llm_linalg.lessons.lesson import LessonError
from tui.compose import cursor_moves
from tui.navigation import steps
from tui.session import (
    board_commands,
    consent_commands,
    control_commands,
    door,
    exercise_commands,
    first_numbers,
    guess_commands,
    map_commands,
    playground_commands,
    step_commands,
    stop_commands,
)
from tui.session.contexts import OFF_STAGE, Context
from tui.session.presentation import display, stage_moves
from tui.session.script import actions
from tui.session.script import from_command as writing
from tui.session.script.actions import ScriptWord, phrase
from tui.session.script.from_command import CommandWriter
from tui.session.session import Session
from tui.session.step_commands import motion, on_run
from tui.session.stop_commands import Transition, by
from tui.text.key_names import key_label

ArgumentTransition = Callable[[Session, str], Session]
PAGE = 20  # places that the sidebar moves at once
TOGETHER = {
    "forward": ("back", "forward"),
    "cursor.left": ("cursor.left", "cursor.up", "cursor.down", "cursor.right"),
    "list.open": ("list.up", "list.down", "list.open"),
    "list.down": ("list.up", "list.down"),
    "board.open": ("board.up", "board.down", "board.open"),
    "map.up": ("map.up", "map.down"),
}
"""Commands whose entry in the footer shows the keys of others too."""


class Topic(StrEnum):
    """The headings of the help, in their order."""

    DOOR = "Door"
    STAGE = "Stage"
    PLAYGROUND = "Playground"
    BOARD = "Board"
    MAP = "Map"
    QUESTIONS = "Questions"
    MOTION = "Motion"
    DEPTH = "Depth"
    CELL_CURSOR = "Cell cursor"
    EXERCISE = "Exercise"
    LESSON = "Lesson"
    CONTROLS = "Controls"
    VIEW = "View"
    SHARE = "Share"
    APP = "App"


class Wait(Enum):
    """The end of a wait while a program runs."""

    FOR_RUN = "until the program has been run"
    FOR_KEYS = "until what was pressed before is done; it asks for another run itself"
    NOTHING = "it acts at once"


class Unwritten(NamedTuple):
    """A command that no script repeats, and why."""

    reason: str


class Command(NamedTuple):
    """One command.

    Attributes:
        id: Its name; also the binding's, so that a keymap can move it.
        keys: Textual's names of its keys, joined by commas; none for a command that takes an argument.
        label: One or two words, for the footer.
        help: One sentence, for the help and the palette.
        topic: The heading in the help.
        when: The context in which it does something.
        footer: Its place in the footer; 0 keeps it out.
        run: Makes a session from a session.
        run_with: The same, for a command that takes an argument.
        waits: How long it waits while a program runs.
        leads_away: Whether it leads to other lessons, whatever its context.
        script: How a script repeats it: a phrase, a function that writes one, or the reason why none does.
        words: The words of scripts and of the prompt that are documented with it.
        footer_stay: Where the footer has no room for all, those with the smallest number are left out first.
        key_text: The keys as the footer and the help write them.
    """

    id: str
    keys: str
    label: str
    help: str
    topic: Topic
    when: Context
    footer: int = 0
    run: Transition | None = None
    run_with: ArgumentTransition | None = None
    waits: Wait = Wait.FOR_RUN
    leads_away: bool = False
    script: str | CommandWriter | Unwritten | None = None
    words: tuple[ScriptWord, ...] = ()
    footer_stay: int = 0
    key_text: str = ""

    @property
    def by_screen(self) -> bool:
        """Whether it reaches outside the session, and the screen does it."""
        return self.run is None and self.run_with is None

    @property
    def key_names(self) -> list[str]:
        """Textual's names of its keys."""
        return self.keys.split(",") if self.keys else []

    @property
    def digit(self) -> int | None:
        """The digit that is its key; None for any other key."""
        return int(self.keys) if self.keys.isdecimal() and self.keys != "0" else None

    @property
    def leaves_deck(self) -> bool:
        """Whether it would lead out of a deck, so that it does nothing on stage."""
        return self.leads_away or self.when in OFF_STAGE


def _of(topic: Topic, when: Context) -> Callable[..., Command]:
    """Return what makes the commands of a topic that do something in a context."""

    def command(
        name: str, keys: str, label: str, about: str, footer: int = 0, run: Transition | None = None, *,
        waits: Wait | None = None, words: Sequence[ScriptWord] = (), **more: Any,
    ) -> Command:  # fmt: skip
        waits = waits or (Wait.NOTHING if run is None else Wait.FOR_RUN)
        return Command(
            name, keys, label, about, topic, when, footer, run, waits=waits, words=tuple(words), **more
        )

    return command


def _with_argument(
    command: str, about: str, topic: Topic, run_with: ArgumentTransition, script: CommandWriter | Unwritten,
    waits: Wait = Wait.FOR_RUN, when: Context = Context.ALWAYS, *, leads_away: bool = False,
    words: Sequence[ScriptWord] = (),
) -> Command:  # fmt: skip
    return Command(
        command, "", "", about, topic, when, run_with=run_with, waits=waits, script=script,
        leads_away=leads_away, words=tuple(words),
    )  # fmt: skip


def with_key_text(table: Iterable[Command]) -> tuple[Command, ...]:
    """Return the commands with their keys as the footer writes them: the first of each."""
    table = tuple(table)
    first = {command.id: key_label(command.key_names[0]) for command in table if command.keys}
    return tuple(
        command._replace(key_text="".join(first[one] for one in TOGETHER.get(command.id, (command.id,))))
        if command.keys
        else command
        for command in table
    )


_CONSENT = Unwritten("no script says with whose rights it runs")
_DISPLAY = Unwritten("how a talk is shown to this audience is no part of it")

_stage = _of(Topic.STAGE, Context.PRESENTATION)
_repair = _of(Topic.CONTROLS, Context.REPAIRS)
_control = _of(Topic.CONTROLS, Context.ALWAYS)
_step = _of(Topic.MOTION, Context.STEPS)
_door = _of(Topic.DOOR, Context.DOOR)
_editor = _of(Topic.PLAYGROUND, Context.EDITOR)
_cursor = _of(Topic.CELL_CURSOR, Context.CURSOR)
_lesson = _of(Topic.LESSON, Context.NO_PRESENTATION)
_sidebar = _of(Topic.LESSON, Context.SIDEBAR)
_board = _of(Topic.BOARD, Context.BOARD)
_map = _of(Topic.MAP, Context.MAP)
_node = _of(Topic.DEPTH, Context.NODE)
_view = _of(Topic.VIEW, Context.ALWAYS)
_share = _of(Topic.SHARE, Context.ALWAYS)
_app = _of(Topic.APP, Context.ALWAYS)
_course = _of(Topic.APP, Context.NO_PRESENTATION)

COMMANDS = with_key_text((
    _door(
        "door.arrow", "1,enter", "begin", "New here? Begin with a word as an arrow", 1,
        by(door.take, door.WAYS[0]), waits=Wait.NOTHING, leads_away=True, script=writing.opened_lesson,
    ),
    _door(
        "door.map", "2", "map", "I know matrices: the transformer's map", 2, by(door.take, door.WAYS[1]),
        waits=Wait.NOTHING, leads_away=True, script=writing.stop("next"),
    ),
    _door(
        "door.code", "3", "own code", "I have code of my own", 3, by(door.take, door.WAYS[2]),
        waits=Wait.NOTHING, leads_away=True, script=writing.opened_lesson,
    ),
    _door(
        "door.leave", "escape", "back", "Go back to where you came from", run=door.leave, waits=Wait.NOTHING,
        script="undo",
    ),
    _door("door.theme", "T", "theme", "Take the next theme"),
    _door("door.help", "question_mark,f1", "help", "Show the keys that work now", 24),
    _door("door.quit", "q,ctrl+c", "quit", "Quit", 25),
    _of(Topic.APP, Context.RUNNING)(
        "halt", "ctrl+g", "stop", "Stop the program that is running", 1, footer_stay=9,
    ),
    # The playground's editor.
    _editor(
        "edit.leave", "escape,f5", "stage", "To the stage, at the operation of the line", 1,
        playground_commands.leave, waits=Wait.NOTHING, script="leave",
        words=[phrase(42, "from the editor to the stage")],
    ),
    _editor("edit.examples", "ctrl+o", "examples", "Begin with an example", 3),
    _editor("edit.save", "ctrl+s", "save", "Save the program", 4),
    _editor("edit.undo", "ctrl+z", "undo", "Take the last change of the text back"),
    _editor("edit.redo", "ctrl+y", "redo", "Make it again"),
    _editor("edit.help", "f1", "help", "Show the keys that work in the editor", 24),
    _editor("edit.quit", "ctrl+q", "quit", "Quit", 25),
    _of(Topic.PLAYGROUND, Context.EDITOR_UNLOCKED)(
        "edit.run", "ctrl+r", "run", "Run the program with your rights, as nothing would lock it in", 2,
        consent_commands.once, waits=Wait.NOTHING, script=_CONSENT, footer_stay=9,
    ),
    _of(Topic.PLAYGROUND, Context.EDITOR_REPAIRS)(
        "edit.repair", "ctrl+r", "repair", "Apply the first repair; again, the next one", 2,
        playground_commands.next_repair, script="mend",
        words=[phrase(42, "a repair there, the next one if said again")],
    ),
    # The sidebar.
    _sidebar(
        "list.open", "enter", "choose, open", "Open the lesson chosen in the sidebar", 1,
        control_commands.open_choice, waits=Wait.NOTHING, script=writing.sidebar_choice, footer_stay=5,
    ),
    _sidebar(
        "list.page.up", "K", "up", "Choose twenty places further up in the sidebar",
        run=by(control_commands.choose_by, -PAGE), waits=Wait.NOTHING, script="show",
    ),
    _sidebar(
        "list.page.down", "J", "down", "Choose twenty places further down in the sidebar",
        run=by(control_commands.choose_by, PAGE), waits=Wait.NOTHING, script="show",
    ),
    _sidebar(
        "list.first", "0,home", "first", "Choose the first in the sidebar",
        run=lambda session: control_commands.choose_end(session, last=False),
        waits=Wait.NOTHING, script="show",
    ),
    _sidebar(
        "list.last", "dollar_sign,end", "last", "Choose the last in the sidebar",
        run=lambda session: control_commands.choose_end(session, last=True),
        waits=Wait.NOTHING, script="show",
    ),
    _of(Topic.APP, Context.UNLOCKED)(
        "trust.ask", "enter", "run it?",
        "Ask whether this may run with your rights, as nothing would lock it in", 1, waits=Wait.FOR_RUN,
        footer_stay=9,
    ),
    # What is offered and what is asked have keys that repairs, rows and steps have too.
    *(
        _of(Topic.LESSON, Context.LINK_CHOICE)(
            f"link.{n}", f"{n}", "open", f"Open the lesson at footnote {n}", int(n == 1),
            by(control_commands.link_by, n), waits=Wait.FOR_KEYS, script=writing.link(n),
        )
        for n in range(1, 10)
    ),
    *(
        _of(Topic.QUESTIONS, Context.GUESS_CHOICE)(
            f"guess.{n}", f"{n}", "guess", f"Answer with choice {n}", int(n == 1), guess_commands.choose(n),
            script=f"guess {n}", footer_stay=6,
        )
        for n in range(1, 10)
    ),
    _of(Topic.QUESTIONS, Context.GUESS_CELL)(
        "guess.cell", "enter", "this cell", "Answer with the cell under the cursor", 1, guess_commands.point,
        script=guess_commands.write_answer, footer_stay=6,
    ),
    _of(Topic.QUESTIONS, Context.GUESS_TEXT)(
        "guess.type", "enter", "guess", "Type an answer, then ↵", 1, waits=Wait.FOR_RUN, footer_stay=6,
    ),
    # The cell cursor, a board and the map have keys that steps have too.
    _of(Topic.CELL_CURSOR, Context.MASK_CURSOR)(
        "cell.turn", "space", "0 or 1", "Turn the cell over: draw the mask", 3, control_commands.turn_cell,
        script="turn", footer_stay=5,
        words=[ScriptWord(22, "turn [NAME] [I J…]", "turn a cell of a mask over", actions.turn)],
    ),
    *(
        _cursor(
            f"cursor.{way}", way, "move", f"Move the cell cursor {way}", int(way == "left"),
            on_run(partial(cursor_moves.move, rows=rows, columns=columns)), script=way, footer_stay=5,
            words=[phrase(23, f"the cell {which}")],
        )
        for way, which, rows, columns in (
            ("left", "before", 0, -1), ("right", "after", 0, 1),
            ("up", "above", -1, 0), ("down", "below", 1, 0),
        )
    ),
    _cursor(
        "cursor.panel", "tab", "tensor", "Move the cell cursor to the next tensor", 2,
        on_run(cursor_moves.next_panel), script="tensor", words=[phrase(23, "the next tensor's cells")],
    ),
    _cursor(
        "cursor.panel.back", "shift+tab", "tensor", "Move the cell cursor to the tensor before",
        run=on_run(lambda run, view: cursor_moves.next_panel(run, view, -1)), script="tensor back",
    ),
    _cursor(
        "cursor.follow", "enter", "follow", "Follow the cell to the operation that made it", 3,
        step_commands.follow, script="follow", footer_stay=5,
        words=[phrase(23, "to the operation that made the cell")],
    ),
    _board(
        "board.open", "enter", "choose, open", "Open the lesson of the selected row", 1,
        board_commands.open_row, waits=Wait.NOTHING, script=writing.open_row, footer_stay=4,
    ),
    _board(
        "board.up", "up", "row", "Select the row above", run=by(board_commands.select_by, -1),
        waits=Wait.NOTHING, script=writing.row_choice,
    ),
    _board(
        "board.down", "down", "row", "Select the row below", run=by(board_commands.select_by, 1),
        waits=Wait.NOTHING, script=writing.row_choice,
        words=[ScriptWord(32, "choose N", "select a row of a board", actions.choose_row)],
    ),
    _board(
        "board.ask", "c", "cell", "Ask a cell of the row's tensor where it came from", 16, board_commands.ask,
        script="ask", footer_stay=4,
        words=[
            ScriptWord(
                33, "ask", "ask a board's row, or a box of the map, where it came from",
                actions.ask_box_or_row,
            ),
        ],
    ),
    _map(
        "map.up", "up", "box", "Select the box above, or the layer", 1, by(map_commands.row_by, -1),
        script=writing.box_step("back"),
    ),
    _map(
        "map.down", "down", "box", "Select the box below, or the layer", run=by(map_commands.row_by, 1),
        script=writing.box_step("next"),
    ),
    _map(
        "map.ask", "c", "cell", "Ask a cell of what the box gives where it came from", 16, map_commands.ask,
        script="ask", footer_stay=4,
    ),
    _map(
        "map.predict", "Q", "predict", "Say where what comes next is asked", run=guess_commands.predict,
        script="predict",
    ),
    _of(Topic.MAP, Context.DIFFERS)(
        "differs", "exclamation_mark", "first", "The first number that differs from the other trace", 2,
        first_numbers.go_to_first_change, script="differs", footer_stay=4,
        words=[phrase(23, "the first number that differs from the other trace")],
    ),
    _of(Topic.MAP, Context.NOT_FINITE)(
        "broken", "exclamation_mark", "NaN", "The first number that is not finite, and what made it", 2,
        first_numbers.go_to_first, script="broken", footer_stay=4,
        words=[phrase(23, "the first number that is not finite")],
    ),
    _of(Topic.MAP, Context.HEADS)(
        "heads", "A", "heads", "All attention heads as small pictures; from there back", 19,
        map_commands.to_heads, script="heads", footer_stay=2,
        words=[phrase(12, "all attention heads as small pictures, and off them")],
    ),
    _map(
        "map.look", "v", "table", "The map as a table of sizes, as one of values, or as a diagram", 17,
        control_commands.next_look, script=writing.look, footer_stay=4,
    ),
    _of(Topic.MAP, Context.MAP_TABLE)(
        "map.sort", "o", "sort", "Sort the table by its next column; after the last, as it ran", 2,
        map_commands.sort, script=writing.sort, footer_stay=4,
        words=[
            ScriptWord(15, "sort [COLUMN]", "sort a table of the map; none: as it ran", actions.sort_table),
        ],
    ),
    _of(Topic.MAP, Context.MAP_LESSONS)(
        "map.lesson", "L", "lesson", "Open the lesson of the selected box", 3,
        map_commands.open_lesson_of_box, script="about", words=[phrase(12, "the lesson of a box of the map")],
    ),
    _of(Topic.MAP, Context.NODE)(
        "map", "M", "map", "The map of the program, at the place that is shown; from there back", 18,
        map_commands.toggle_map, script="map", words=[phrase(12, "onto the map of the program, and off it")],
    ),
    _of(Topic.MAP, Context.LINEAGE)(
        "follow", "I", "lineage", "All that the cell depends on; all that it feeds; none", 4,
        map_commands.follow, script=writing.lineage, footer_stay=2,
        words=[
            ScriptWord(
                14, "lineage [NAME I J…]", "light what a cell depends on; none: nothing",
                actions.follow_cell("lineage"),
            ),
            ScriptWord(
                15, "reach [NAME I J…]", "light what a cell feeds; none: nothing",
                actions.follow_cell("reach"),
            ),
        ],
    ),
    *(
        _board(
            f"board.{n}", f"{n}", f"row {n}", f"Open the lesson of row {n}",
            run=by(board_commands.open_row_of, n), waits=Wait.NOTHING, script=f"row {n}",
        )
        for n in range(1, 10)
    ),
    _of(Topic.CELL_CURSOR, Context.CURSOR_TRAIL)(
        "cursor.return", "backspace", "return", "Return to where the cell was followed from", 4,
        step_commands.come_back, script="return", footer_stay=4,
        words=[phrase(23, "back to where it was followed from")],
    ),
    # An exercise.
    _of(Topic.EXERCISE, Context.EXERCISE)(
        "exercise.write", "enter", "answer", "Write the answer to the exercise", 1, footer_stay=6,
    ),
    _of(Topic.EXERCISE, Context.EXERCISE)(
        "exercise.hint", "H", "hint", "The next hint; after the last one, or once it is solved, the solution",
        2, exercise_commands.hint, script="hint", footer_stay=5,
        words=[phrase(36, "the next hint of the exercise; at last its solution")],
    ),
    # A deck on stage.
    _stage(
        "stage.next", "right,space,pagedown,down", "on", "The next step; at the end the next stop", 1,
        stage_moves.forward, script="next",
    ),
    _stage(
        "stage.back", "left,pageup,up,backspace", "back", "Exactly that undone", 2, stage_moves.back,
        script="back",
    ),
    _stage("stage.finish", "f", "finish", "Finish this animation", 3, stage_moves.finish, script="finish"),
    _stage(
        "stage.stop.next", "J", "next stop", "The next stop, whatever is left of this one",
        run=stage_moves.next_stop, waits=Wait.FOR_KEYS, script="stop next",
    ),
    _stage(
        "stage.stop.previous", "K,comma", "stop before", "The stop before, as it was left",
        run=stage_moves.previous_stop, waits=Wait.FOR_KEYS, script="stop back",
    ),
    _stage(
        "stage.skip", "L", "skip lesson", "Skip the rest of this lesson", run=stage_moves.skip,
        waits=Wait.FOR_KEYS, script="skip", words=[phrase(46, "of a deck: the next lesson")],
    ),
    _stage(
        "stage.goto", "g", "go to", "Go to a step by its number, then ↵; gg is the first stop",
        waits=Wait.FOR_RUN,
    ),
    _stage(
        "stage.first", "ctrl+home", "first stop", "The first stop, as gg",
        run=lambda session: stage_moves.go_to_stop(session, 1), waits=Wait.FOR_KEYS, script=writing.deck_stop,
    ),
    _stage(
        "stage.last", "G", "last stop", "The last stop; after a number, that stop",
        run=lambda session: stage_moves.go_to_stop(
            session, len(stage_moves.require_talk(session).deck.stops)
        ),
        waits=Wait.FOR_KEYS, script=writing.deck_stop,
    ),
    _stage("stage.index", "l,slash", "stops", "Find a stop in the index", 4),
    _stage(
        "stage.reset", "R", "as rehearsed", "Undo everything that was changed on this stop", 5,
        stage_moves.reset, waits=Wait.FOR_KEYS, script="reset",
        words=[phrase(46, "of a deck: the stop as it was rehearsed")],
    ),
    _stage(
        "stage.black", "b,full_stop", "black", "A black screen; any key ends it", 6, display.toggle_black,
        waits=Wait.NOTHING, script="black",
        words=[phrase(46, "of a deck: nothing at all, or the picture again")],
    ),
    _stage(
        "stage.big", "B", "large", "Large cells, readable from the back row", 7, display.toggle_big,
        waits=Wait.NOTHING, script="big", words=[phrase(46, "of a deck: large cells, or not")],
    ),
    _stage(
        "stage.play", "greater_than_sign", "play", "Play this animation, or pause",
        run=step_commands.play_by(1), script="play",
    ),
    _stage(
        "stage.auto", "A", "by itself", "Go on by itself, or by key only", run=display.toggle_auto,
        waits=Wait.NOTHING, script=_DISPLAY,
    ),
    _stage(
        "stage.clock", "C", "clock", "The time passed, the time left, or no clock", 8, display.next_clock,
        waits=Wait.NOTHING, script=_DISPLAY,
    ),
    _stage(
        "stage.pause", "P", "stop clock", "Stop the clock, or let it go on", run=display.toggle_clock,
        waits=Wait.NOTHING, script=_DISPLAY,
    ),
    _stage(
        "stage.zero", "Z", "zero", "Set the clock to zero", run=display.reset_clock, waits=Wait.NOTHING,
        script=_DISPLAY,
    ),
    _stage(
        "stage.footer", "backslash", "keys", "Show or hide the keys", run=display.toggle_footer,
        waits=Wait.NOTHING, script=_DISPLAY,
    ),
    _stage("stage.quit", "q,ctrl+c", "leave", "Leave the stage, when pressed twice", 25),
    # Everywhere else.
    _of(Topic.BOARD, Context.BOARD_VISIT)(
        "board.return", "backspace", "go back", "Return to the board that opened this lesson", 4,
        board_commands.come_back, waits=Wait.FOR_KEYS, script="board", footer_stay=4,
        words=[phrase(34, "back to the board that opened this lesson")],
    ),
    _of(Topic.PLAYGROUND, Context.PLAYGROUND)(
        "edit", "E,tab", "editor", "Give the keys to the editor", 9, playground_commands.edit,
        waits=Wait.NOTHING, script="edit", footer_stay=3,
        words=[phrase(42, "the keys to the playground's editor")],
    ),
    _of(Topic.PLAYGROUND, Context.LESSON_PROGRAM)(
        "play.take", "E", "edit", "Open this program in the playground", 23, playground_commands.take_program,
        waits=Wait.NOTHING, script="take", words=[phrase(42, "this program into the playground")],
    ),
    _step(
        "play", "space", "play", "Play or pause", 10, step_commands.play_by(1), script="play", footer_stay=1,
        words=[
            ScriptWord(
                6, "play [N]", "every step from here to the end, or to step N", actions.play(1), shows=False,
            ),
        ],
    ),
    _step(
        "back", "left", "back", "Step back", run=motion(steps.back), script=writing.word_or_step("back"),
        words=[ScriptWord(2, "back [N]", "a step back, or N", actions.key("back", "stage.back"), many=True)],
    ),
    _step(
        "forward", "right", "step", "Step forward", 11, step_commands.forward, script=writing.step_or_stop,
        footer_stay=3,
        words=[
            ScriptWord(
                1, "next [N]", "a step on, or N; an empty line too", actions.key("forward", "stage.next"),
                many=True,
            ),
        ],
    ),
    _lesson(
        "on", "right", "go on", "Say what comes next, and on a second press go there",
        run=step_commands.go_on, script=writing.step_or_stop,
    ),
    _step(
        "play.back", "less_than_sign", "rewind", "Play backwards, or pause", run=step_commands.play_by(-1),
        script="rewind",
        words=[ScriptWord(7, "rewind [N]", "the same backwards", actions.play(-1), shows=False)],
    ),
    _step("goto", "g", "go to", "Go to a step by its number", 20, waits=Wait.FOR_RUN),
    _step(
        "first", "0,home", "first", "Go before the first step", run=motion(steps.first), script="first",
        words=[phrase(3, "before the first step")],
    ),
    _step(
        "last", "dollar_sign,end", "last", "Go to the last step", run=motion(steps.last), script="last",
        words=[phrase(3, "to the last step")],
    ),
    _step(
        "finish", "f", "finish", "Finish this animation", run=motion(steps.finish),
        script=writing.word_or_step("finish"),
        words=[ScriptWord(4, "finish", "the end of this animation", actions.key("finish", "stage.finish"))],
    ),
    _of(Topic.MOTION, Context.ALWAYS)(
        "faster", "plus,equals_sign", "faster", "Play faster",
        run=lambda session: replace(session, player=session.player.faster(), notice=""), waits=Wait.NOTHING,
        script=writing.speed, words=[ScriptWord(8, "speed X", "steps a second", actions.set_speed)],
    ),
    _of(Topic.MOTION, Context.ALWAYS)(
        "slower", "minus", "slower", "Play slower",
        run=lambda session: replace(session, player=session.player.slower(), notice=""), waits=Wait.NOTHING,
        script=writing.speed,
    ),
    _node(
        "into", "enter", "into", "Go into the box, the operation, or the cell", 12, motion(steps.into),
        script="into", footer_stay=2, words=[phrase(10, "into the operation, or into the cell")],
    ),
    _node(
        "over", "n", "next op", "Go to the next operation", 17, motion(steps.over), script="over",
        words=[phrase(10, "the next operation")],
    ),
    _node(
        "previous", "b,N", "op before", "Go to the operation before",
        run=motion(lambda view, navigation: steps.over(view, navigation, -1)), script="previous",
        words=[phrase(10, "the operation before")],
    ),
    _of(Topic.DEPTH, Context.ALWAYS)(
        "out", "escape", "out", "Close what is open first, then go out a depth", 13, step_commands.out,
        script="out", footer_stay=3, words=[phrase(10, "close what is open, then a depth out")],
    ),
    _of(Topic.CELL_CURSOR, Context.TENSORS)(
        "cursor", "c", "cell", "Cell cursor: ask a cell where it came from", 16, step_commands.toggle_cursor,
        script="cell", footer_stay=4,
    ),
    _lesson(
        "stop.next", "full_stop", "next", "Go to the next stop of the lesson", 14,
        by(stop_commands.stop_by, 1), waits=Wait.FOR_KEYS, script=writing.stop("next"), footer_stay=5,
    ),
    _lesson(
        "stop.previous", "comma", "before", "Go to the stop before", run=by(stop_commands.stop_by, -1),
        waits=Wait.FOR_KEYS, script=writing.stop("back"),
    ),
    _lesson(
        "list", "l", "lessons", "Choose a lesson in the sidebar", 23, by(control_commands.choose_by, 0),
        waits=Wait.NOTHING, leads_away=True, script="show",
    ),
    _lesson(
        "list.up", "up", "choose", "Choose the lesson above in the sidebar",
        run=by(control_commands.choose_by, -1), waits=Wait.NOTHING, leads_away=True, script="show",
    ),
    _lesson(
        "list.down", "down", "menu", "Choose the lesson below in the sidebar", 16,
        by(control_commands.choose_by, 1), waits=Wait.NOTHING, leads_away=True, script="show", footer_stay=1,
    ),
    _repair(
        "repair", "r", "repair", "Apply the first repair", 5, by(control_commands.repair_by, 1),
        script="repair 1", footer_stay=3,
        words=[ScriptWord(37, "repair [N]", "apply a repair", actions.repair)],
    ),
    *(
        _repair(
            f"repair.{n}", f"{n}", "repair", f"Apply repair {n}", run=by(control_commands.repair_by, n),
            script=f"repair {n}",
        )
        for n in range(1, 10)
    ),
    _of(Topic.DEPTH, Context.FAILED)(
        "failed", "M,v,w,c,Q,r", "why not", "Say why there is no map and no picture of it",
        run=step_commands.explain_failure, script=Unwritten("it says only what there isn't"),
    ),
    _of(Topic.LESSON, Context.LINKS)(
        "link", "asterisk", "lesson¹", "Open the lesson at the text's footnote; of several, say which", 16,
        control_commands.open_link, waits=Wait.FOR_KEYS, script=writing.link_or_none, footer_stay=2,
    ),
    _of(Topic.LESSON, Context.DEVICES)(
        "processes", "D", "processes", "Run this program on real processes, one a device", 19,
        words=[
            ScriptWord(
                49, "processes", "this program on real processes, one a device", actions.on_processes,
                shows=False,
            ),
        ],
    ),
    _of(Topic.LESSON, Context.NAMED_FILES)(
        "files.read", "F", "read files", "Let the document read the files beside it that it names", 2,
        consent_commands.read_files, waits=Wait.NOTHING, script="read", footer_stay=4,
        words=[phrase(40, "let the document read the files beside it that it names")],
    ),
    _control(
        "control.down", "left_square_bracket", "less", "Lower the selected control",
        run=by(control_commands.move_selection, -1), waits=Wait.FOR_KEYS, script=writing.control,
    ),
    _control(
        "control.up", "right_square_bracket", "more", "Raise the selected control",
        run=by(control_commands.move_selection, 1), waits=Wait.FOR_KEYS, script=writing.control_or_append,
        words=[
            ScriptWord(
                18, "append [NAME]", "to a list what the program says, such as the next token",
                actions.append,
            ),
        ],
    ),
    _control(
        "control.next", "tab", "control", "Select the next control", run=by(control_commands.select_by, 1),
        waits=Wait.NOTHING, script=writing.control_choice,
    ),
    _control(
        "control.previous", "shift+tab", "control", "Select the control before",
        run=by(control_commands.select_by, -1), waits=Wait.NOTHING, script=writing.control_choice,
    ),
    _control(
        "seed.up", "s", "seed +1", "Take the next seed", run=by(control_commands.seed_by, 1),
        waits=Wait.FOR_KEYS, script=writing.seed,
        words=[ScriptWord(20, "seed N", "the seed of the random numbers", actions.set_seed)],
    ),
    _control(
        "seed.down", "S", "seed -1", "Take the seed before", run=by(control_commands.seed_by, -1),
        waits=Wait.FOR_KEYS, script=writing.seed,
    ),
    _control(
        "reset", "X", "reset", "Take back all that was changed in this lesson: controls, seed, repairs",
        run=control_commands.reset, waits=Wait.FOR_KEYS, script="defaults",
        words=[phrase(41, "controls, seed and program as the lesson has them")],
    ),
    _of(Topic.CONTROLS, Context.UNDO)(
        "undo", "u", "undo", "Undo the last change", 22, by(control_commands.undo_or_redo, "undo"),
        waits=Wait.FOR_KEYS, script="undo", words=[phrase(41, "undo the last change")],
    ),
    _of(Topic.CONTROLS, Context.REDO)(
        "redo", "U,ctrl+r", "redo", "Do again what was undone", run=by(control_commands.undo_or_redo, "redo"),
        waits=Wait.FOR_KEYS, script="redo", words=[phrase(41, "do it again")],
    ),
    _of(Topic.VIEW, Context.TENSORS)(
        "order", "o", "order", "Take the next loop order, at the same place", 15, motion(steps.reorder),
        script=writing.order,
        words=[ScriptWord(16, "order [NAME]", "a loop order; the next one without a name", actions.in_order)],
    ),
    _of(Topic.QUESTIONS, Context.TENSORS)(
        "predict", "Q", "predict", "Ask what the next step shows; again, ask something else", 20,
        guess_commands.predict, script="predict",
        words=[phrase(25, "ask what the next step shows; again: something else")],
    ),
    _of(Topic.VIEW, Context.TENSORS)(
        "look", "v", "look", "Numbers, a drawing, or heat", 21, control_commands.next_look,
        script=writing.look,
        words=[
            ScriptWord(39, "look [NAME]", "how the picture is drawn: numbers, bars, heat…", actions.set_look),
        ],
    ),
    _of(Topic.VIEW, Context.BACKWARD)(
        "twin", "w", "backward", "Forward or backward pass", 18, step_commands.switch_pass, script="twin",
        words=[phrase(38, "forward or backward pass")],
    ),
    _of(Topic.VIEW, Context.SLICES)(
        "slice.next", "right_curly_bracket", "slice", "Show the next slice", 19,
        on_run(lambda run, view: cursor_moves.next_slice(run, view, 1)), script="slice",
        words=[phrase(38, "the next slice")],
    ),
    _of(Topic.VIEW, Context.SLICES)(
        "slice.previous", "left_curly_bracket", "slice", "Show the slice before",
        run=on_run(lambda run, view: cursor_moves.next_slice(run, view, -1)), script="slice back",
    ),
    _view("text", "p", "text", "The program and the text, large"),
    _view("sidebar", "backslash", "sidebar", "Show or hide the sidebar"),
    _view("theme", "T", "theme", "Take the next theme"),
    _share(
        "copy.code", "y", "copy code", "Copy the program as torch code",
        words=[ScriptWord(50, "code", "the program as torch code", actions.stay, shows=False)],
    ),
    _share("script.save", "R", "record", "Save what was done so far as a script"),
    _share(
        "copy.command", "Y", "copy command", "Copy the command that reopens this view",
        words=[ScriptWord(51, "command", "the command that reopens this view", actions.stay, shows=False)],
    ),
    _of(Topic.APP, Context.EVERYWHERE)("palette", "ctrl+p", "palette", "Find a lesson or a command"),
    _of(Topic.APP, Context.EVERYWHERE)("redraw", "ctrl+l", "redraw", "Draw the whole screen anew"),
    _app(
        "help", "question_mark,f1", "help", "Show the keys that work now", 24,
        words=[ScriptWord(53, "help", "these words", actions.stay, shows=False)],
    ),
    _of(Topic.QUESTIONS, Context.NO_PRESENTATION)(
        "practice", "P", "practice", "Practice: questions without end",
    ),
    _course(
        "start", "f4", "door", "Go to the door: start, or begin anew", run=door.at_door, waits=Wait.NOTHING,
        leads_away=True, script="start", words=[phrase(47, "to the door: where to begin")],
    ),
    _course(
        "exercise.next", "W", "exercise", "Go to the next exercise that is not solved",
        run=stop_commands.next_exercise, waits=Wait.FOR_KEYS, leads_away=True, script=writing.stop_of_lesson,
    ),
    _course(
        "more", "V", "more", "Leave out the stops marked More, or take them in again",
        run=stop_commands.leave_out_more, waits=Wait.NOTHING, script="more",
        words=[phrase(46, "leave out stops marked More, or take them in")],
    ),
    _course("progress", "f3", "progress", "See what you have seen and solved of the course"),
    _course("guides", "f2", "guides", "Read a guide"),
    _app("suspend", "ctrl+z", "suspend", "Suspend to the shell; fg comes back"),
    _app(
        "quit", "q,ctrl+c", "quit", "Quit", 25,
        words=[ScriptWord(54, "quit", "leave; the end of a script", actions.stay, shows=False)],
    ),
    _with_argument(
        "trust", "Run this with your rights until the app ends", Topic.APP,
        lambda session, _: consent_commands.once(session), _CONSENT, Wait.NOTHING, Context.UNLOCKED,
    ),
    # Without keys, and with an argument.
    _with_argument(
        "open", "Open a lesson by its slug", Topic.LESSON, control_commands.open_lesson, writing.lesson,
        Wait.NOTHING, leads_away=True,
        words=[
            ScriptWord(
                27, "lesson SLUG [FLAGS]", "another lesson; flags as of 'frame'",
                actions.off_stage(actions.to_lesson),
            ),
        ],
    ),
    _with_argument(
        "stop", "Go to a stop by its number", Topic.LESSON, control_commands.stop_at,
        writing.with_argument("stop"), Wait.FOR_KEYS, leads_away=True,
        words=[
            ScriptWord(
                26, "stop N", "a stop of the lesson or deck; also stop next, stop back", actions.to_stop,
            ),
        ],
    ),
    _with_argument(
        "example", "Begin with an example in the playground", Topic.PLAYGROUND, playground_commands.example,
        writing.with_argument("example"), Wait.NOTHING, leads_away=True,
        words=[ScriptWord(43, "example NAME", "begin with an example there", actions.example)],
    ),
    _with_argument(
        "answer", "Answer the exercise with an expression", Topic.EXERCISE, exercise_commands.answer,
        writing.answer, when=Context.EXERCISE,
        words=[ScriptWord(35, "answer EXPRESSION", "write this to the exercise here", actions.answer)],
    ),
    _with_argument(
        "row", "Open the lesson of a board's row by its number", Topic.BOARD, board_commands.open_row_at,
        writing.with_argument("row"), Wait.NOTHING, Context.BOARD,
        words=[ScriptWord(31, "row N", "open a row of a board", actions.off_stage(actions.open_row))],
    ),
    _with_argument(
        "set", "Move a control by its name, up or down", Topic.CONTROLS, control_commands.set_control,
        writing.control_or_append, Wait.FOR_KEYS,
        words=[ScriptWord(17, "set NAME VALUE", "a control's value", actions.set_control)],
    ),
    _with_argument(
        "pick", "Select a control by its name", Topic.CONTROLS, control_commands.pick_control,
        writing.control_choice, Wait.NOTHING,
        words=[ScriptWord(19, "pick NAME", "select a control", actions.pick)],
    ),
    _with_argument(
        "guess", "Answer what is asked", Topic.QUESTIONS, guess_commands.answer, guess_commands.write_answer,
        words=[
            ScriptWord(
                24, "guess ANSWER", "answer what is asked: a choice, a number, a shape, a cell",
                actions.guess,
            ),
        ],
    ),
    _with_argument(
        "go", "Go to a step by its number", Topic.MOTION, step_commands.go_to, writing.step,
        words=[ScriptWord(5, "step N", "to a step by its number", actions.to_step)],
    ),
    _with_argument(
        "scrub", "Go to a part of the way, in thousandths", Topic.MOTION, step_commands.scrub, writing.step,
    ),
    _with_argument(
        "node", "Go to a node by its position in the trace", Topic.DEPTH, control_commands.node_at,
        writing.node, words=[ScriptWord(11, "node NAME", "an operation by its name", actions.to_node)],
    ),
    _with_argument(
        "module", "Go to the first node of a module by its path", Topic.DEPTH, control_commands.module_at,
        writing.node,
    ),
    _with_argument(
        "cell", "Put the cell cursor on a cell by its indices and its tensor's name", Topic.CELL_CURSOR,
        step_commands.cell_at, writing.cell,
        words=[ScriptWord(21, "cell [NAME] [I J…]", "ask a cell where it came from", actions.ask_cell)],
    ),
    _with_argument(
        "box", "Select a box of the map by its row, or go into it", Topic.MAP, map_commands.select_box,
        writing.box, words=[ScriptWord(13, "box NAME/NAME…", "to a box of the map", actions.to_box)],
    ),
    _with_argument(
        "write", "Write another program in the editor", Topic.PLAYGROUND, playground_commands.write,
        writing.program,
        words=[ScriptWord(44, "write TEXT [LINE]", "its program, and the line of the cursor", actions.write)],
    ),
    _with_argument(
        "line", "Put the editor's cursor on a line by its number", Topic.PLAYGROUND,
        playground_commands.move_caret, writing.with_argument("line"),
        words=[ScriptWord(45, "line N", "its cursor on another line", actions.to_line)],
    ),
    _with_argument(
        "stage.go", "Go to a stop of the deck by its number", Topic.STAGE,
        lambda session, number: stage_moves.go_to_stop(session, int(number)), writing.deck_stop,
        Wait.FOR_KEYS, Context.PRESENTATION,
    ),
))  # fmt: skip

BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}


def find_command(text: str) -> Command:
    """Return the record of a command, with or without its argument. Raises KeyError where there is none."""
    return BY_ID[text.partition(":")[0]]


def run(session: Session, text: str) -> Session:
    """Return the session after a command; the same session for one that has nothing to do here.

    A listed lesson is read when it is opened: of one that is broken, the session tells why.

    Raises:
        KeyError: There is no command of that name, or it is the screen's.
    """
    command, (_, colon, argument) = find_command(text), text.partition(":")
    try:
        if command.run_with is not None and argument:
            return command.run_with(session, argument)
        if command.run is not None and not colon:
            return command.run(session)
    except LessonError as error:
        return session.with_notice(f"{Path(error.file).name}:{error.line}: {error.reason}")
    raise KeyError(text)
