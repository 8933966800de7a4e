"""The table of commands: everything known of a command is in its record here.

Bindings, footer, help, palette, settings, the words of scripts, how a command is recorded and whether it
waits for the run under way are made from it. A command that only changes the session has its function in its
record; what reaches outside (quitting, copying, opening a screen) is done by the screen. Commands without
keys take an argument after a colon, and are what clicks, typing and the palette use: `open:matmul`,
`set:n:+1`, `pick:n`, `go:12`.

`tui/session/README.md` says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, StrEnum
from pathlib import Path
from typing import NamedTuple

from llm_linalg.lessons.lesson import LessonError
from tui.compose import cursor_moves
from tui.navigation import steps
from tui.session import (
    board_commands,
    consent_commands,
    control_commands,
    door,
    exercise_commands,
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
from tui.session.stop_commands import Transition

ArgumentTransition = Callable[[Session, str], Session]
PAGE = 20  # places that the sidebar moves at once


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
        key_text: The keys as the footer and the help write them.
        label: One or two words, for the footer.
        help: One sentence, for the help and the palette.
        topic: The heading in the help.
        when: The context in which it does something.
        footer: Its place in the footer; 0 keeps it out.
        run: Makes a session from a session.
        run_with: The same, for a command that takes an argument.
        by_screen: Whether it reaches outside the session, and the screen does it.
        waits: How long it waits while a program runs.
        leads_away: Whether it leads to other lessons, whatever its context.
        script: How a script repeats it: a phrase, a function that writes one, or the reason why none does.
        words: The words of scripts and of the prompt that are documented with it.
        footer_stay: Where the footer has no room for all, those with the smallest number are left out first.
    """

    id: str
    keys: str
    key_text: str
    label: str
    help: str
    topic: Topic
    when: Context
    footer: int = 0
    run: Transition | None = None
    run_with: ArgumentTransition | None = None
    by_screen: bool = False
    waits: Wait = Wait.FOR_RUN
    leads_away: bool = False
    script: str | CommandWriter | Unwritten | None = None
    words: tuple[ScriptWord, ...] = ()
    footer_stay: int = 0

    @property
    def key_names(self) -> list[str]:
        """Textual's names of its keys."""
        return self.keys.split(",") if self.keys else []

    @property
    def leaves_deck(self) -> bool:
        """Whether it would lead out of a deck, so that it does nothing on stage."""
        return self.leads_away or self.when in OFF_STAGE


def _by_screen(
    command: str, keys: str, key_text: str, label: str, about: str, group: Topic, when: Context,
    footer: int = 0, waits: Wait = Wait.NOTHING, footer_stay: int = 0, words: tuple[ScriptWord, ...] = (),
) -> Command:  # fmt: skip
    return Command(
        command, keys, key_text, label, about, group, when, footer, by_screen=True, waits=waits,
        footer_stay=footer_stay, words=words,
    )  # fmt: skip


def _with_argument(
    command: str, about: str, group: Topic, run_with: ArgumentTransition, script: CommandWriter,
    waits: Wait = Wait.FOR_RUN, when: Context = Context.ALWAYS, *, leads_away: bool = False,
    words: tuple[ScriptWord, ...] = (),
) -> Command:  # fmt: skip
    return Command(
        command, "", "", "", about, group, when, run_with=run_with, waits=waits, script=script,
        leads_away=leads_away, words=words,
    )  # fmt: skip


_CONSENT = Unwritten("no script says with whose rights it runs")
_DISPLAY = Unwritten("how a talk is shown to this audience is no part of it")

COMMANDS: tuple[Command, ...] = (
    Command(
        "door.arrow", "1", "1", "begin", "New here? Begin with a word as an arrow", Topic.DOOR, Context.DOOR,
        1, door.take(door.WAYS[0]), waits=Wait.NOTHING, leads_away=True, script=writing.opened_lesson,
    ),
    Command(
        "door.map", "2", "2", "map", "I know matrices: the transformer's map", Topic.DOOR, Context.DOOR,
        2, door.take(door.WAYS[1]), waits=Wait.NOTHING, leads_away=True, script=writing.stop("next"),
    ),
    Command(
        "door.code", "3", "3", "own code", "I have code of my own", Topic.DOOR, Context.DOOR,
        3, door.take(door.WAYS[2]), waits=Wait.NOTHING, leads_away=True, script=writing.opened_lesson,
    ),
    Command(
        "door.leave", "escape", "esc", "back", "Go back to where you came from", Topic.DOOR, Context.DOOR,
        run=door.leave, waits=Wait.NOTHING, script="undo",
    ),
    _by_screen("door.theme", "T", "T", "theme", "Take the next theme", Topic.DOOR, Context.DOOR),
    _by_screen(
        "door.help", "question_mark,f1", "?", "help", "Show the keys that work now", Topic.DOOR,
        Context.DOOR, 24,
    ),
    _by_screen("door.quit", "q,ctrl+c", "q", "quit", "Quit", Topic.DOOR, Context.DOOR, 25),
    _by_screen(
        "halt", "ctrl+g", "^g", "stop", "Stop the program that is running", Topic.APP, Context.RUNNING, 1,
        footer_stay=9,
    ),
    # The playground's editor.
    Command(
        "edit.leave", "escape,f5", "esc", "stage", "To the stage, at the operation of the line",
        Topic.PLAYGROUND, Context.EDITOR, 1, playground_commands.leave, waits=Wait.NOTHING,
        script="leave", words=(phrase(42, "from the editor to the stage"),),
    ),
    _by_screen(
        "edit.examples", "ctrl+o", "^o", "examples", "Begin with an example",
        Topic.PLAYGROUND, Context.EDITOR, 3,
    ),
    _by_screen("edit.save", "ctrl+s", "^s", "save", "Save the program", Topic.PLAYGROUND, Context.EDITOR, 4),
    _by_screen(
        "edit.undo", "ctrl+z", "^z", "undo", "Take the last change of the text back",
        Topic.PLAYGROUND, Context.EDITOR,
    ),
    _by_screen("edit.redo", "ctrl+y", "^y", "redo", "Make it again", Topic.PLAYGROUND, Context.EDITOR),
    _by_screen(
        "edit.help", "f1", "F1", "help", "Show the keys that work in the editor",
        Topic.PLAYGROUND, Context.EDITOR, 24,
    ),
    _by_screen("edit.quit", "ctrl+q", "^q", "quit", "Quit", Topic.PLAYGROUND, Context.EDITOR, 25),
    Command(
        "edit.run", "ctrl+r", "^r", "run", "Run the program with your rights, as nothing would lock it in",
        Topic.PLAYGROUND, Context.EDITOR_UNLOCKED, 2, consent_commands.once, waits=Wait.NOTHING,
        script=_CONSENT, footer_stay=9,
    ),
    Command(
        "edit.repair", "ctrl+r", "^r", "repair", "Apply the first repair; again, the next one",
        Topic.PLAYGROUND, Context.EDITOR_REPAIRS, 2, playground_commands.next_repair,
        script="mend", words=(phrase(42, "a repair there, the next one if said again"),),
    ),
    # The sidebar.
    Command(
        "list.open", "enter", "↑↓↵", "choose, open", "Open the lesson chosen in the sidebar",
        Topic.LESSON, Context.SIDEBAR, 1, control_commands.open_choice, waits=Wait.NOTHING,
        script=writing.sidebar_choice, footer_stay=5,
    ),
    Command(
        "list.page.up", "K", "K", "up", "Choose twenty places further up in the sidebar",
        Topic.LESSON, Context.SIDEBAR, run=control_commands.choose_by(-PAGE), waits=Wait.NOTHING,
        script="show",
    ),
    Command(
        "list.page.down", "J", "J", "down", "Choose twenty places further down in the sidebar",
        Topic.LESSON, Context.SIDEBAR, run=control_commands.choose_by(PAGE), waits=Wait.NOTHING,
        script="show",
    ),
    Command(
        "list.first", "0,home", "0", "first", "Choose the first in the sidebar",
        Topic.LESSON, Context.SIDEBAR, run=control_commands.choose_end(last=False), waits=Wait.NOTHING,
        script="show",
    ),
    Command(
        "list.last", "dollar_sign,end", "$", "last", "Choose the last in the sidebar",
        Topic.LESSON, Context.SIDEBAR, run=control_commands.choose_end(last=True), waits=Wait.NOTHING,
        script="show",
    ),
    _by_screen(
        "trust.ask", "enter", "↵", "run it?",
        "Ask whether this may run with your rights, as nothing would lock it in",
        Topic.APP, Context.UNLOCKED, 1, Wait.FOR_RUN, 9,
    ),
    # What is asked has keys that links, repairs and steps have too.
    *(
        Command(
            f"guess.{n}", f"{n}", f"{n}", "guess", f"Answer with choice {n}",
            Topic.QUESTIONS, Context.GUESS_CHOICE, int(n == 1), guess_commands.choose(n), script=f"guess {n}",
            footer_stay=6,
        )
        for n in range(1, 10)
    ),
    Command(
        "guess.cell", "enter", "↵", "this cell", "Answer with the cell under the cursor",
        Topic.QUESTIONS, Context.GUESS_CELL, 1, guess_commands.point, script=guess_commands.write_answer,
        footer_stay=6,
    ),
    _by_screen(
        "guess.type", "enter", "↵", "guess", "Type an answer, then ↵", Topic.QUESTIONS, Context.GUESS_TEXT, 1,
        Wait.FOR_RUN, 6,
    ),
    # The cell cursor, a board and the map have keys that steps have too.
    Command(
        "cell.turn", "space", "space", "0 or 1", "Turn the cell over: draw the mask",
        Topic.CELL_CURSOR, Context.MASK_CURSOR, 3, control_commands.turn_cell, script="turn",
        footer_stay=5,
        words=(ScriptWord(22, "turn [NAME] [I J…]", "turn a cell of a mask over", actions.turn),),
    ),
    Command(
        "cursor.left", "left", "←↑↓→", "move", "Move the cell cursor left",
        Topic.CELL_CURSOR, Context.CURSOR, 1, on_run(lambda run, view: cursor_moves.move(run, view, 0, -1)),
        script="left", words=(phrase(23, "the cell before"),), footer_stay=5,
    ),
    Command(
        "cursor.right", "right", "→", "move", "Move the cell cursor right",
        Topic.CELL_CURSOR, Context.CURSOR, run=on_run(lambda run, view: cursor_moves.move(run, view, 0, 1)),
        script="right", words=(phrase(23, "the cell after"),),
    ),
    Command(
        "cursor.up", "up", "↑", "move", "Move the cell cursor up",
        Topic.CELL_CURSOR, Context.CURSOR, run=on_run(lambda run, view: cursor_moves.move(run, view, -1, 0)),
        script="up", words=(phrase(23, "the cell above"),),
    ),
    Command(
        "cursor.down", "down", "↓", "move", "Move the cell cursor down",
        Topic.CELL_CURSOR, Context.CURSOR, run=on_run(lambda run, view: cursor_moves.move(run, view, 1, 0)),
        script="down", words=(phrase(23, "the cell below"),),
    ),
    Command(
        "cursor.panel", "tab", "tab", "tensor", "Move the cell cursor to the next tensor",
        Topic.CELL_CURSOR, Context.CURSOR, 2, on_run(cursor_moves.next_panel),
        script="tensor", words=(phrase(23, "the next tensor's cells"),),
    ),
    Command(
        "cursor.panel.back", "shift+tab", "⇧tab", "tensor", "Move the cell cursor to the tensor before",
        Topic.CELL_CURSOR, Context.CURSOR,
        run=on_run(lambda run, view: cursor_moves.next_panel(run, view, -1)),
        script="tensor back",
    ),
    Command(
        "cursor.follow", "enter", "↵", "follow", "Follow the cell to the operation that made it",
        Topic.CELL_CURSOR, Context.CURSOR, 3, step_commands.follow,
        script="follow", words=(phrase(23, "to the operation that made the cell"),),
        footer_stay=5,
    ),
    Command(
        "board.open", "enter", "↑↓↵", "choose, open", "Open the lesson of the selected row",
        Topic.BOARD, Context.BOARD, 1, board_commands.open_row, waits=Wait.NOTHING, script=writing.open_row,
        footer_stay=4,
    ),
    Command(
        "board.up", "up", "↑", "row", "Select the row above", Topic.BOARD, Context.BOARD,
        run=board_commands.select_by(-1), waits=Wait.NOTHING, script=writing.row_choice,
    ),
    Command(
        "board.down", "down", "↓", "row", "Select the row below", Topic.BOARD, Context.BOARD,
        run=board_commands.select_by(1), waits=Wait.NOTHING, script=writing.row_choice,
        words=(ScriptWord(32, "choose N", "select a row of a board", actions.choose_row),),
    ),
    Command(
        "board.ask", "c", "c", "cell", "Ask a cell of the row's tensor where it came from",
        Topic.BOARD, Context.BOARD, 16, board_commands.ask, script="ask", footer_stay=4,
        words=(
            ScriptWord(
                33, "ask", "ask a board's row, or a box of the map, where it came from",
                actions.ask_box_or_row,
            ),
        ),
    ),
    Command(
        "map.up", "up", "↑↓", "box", "Select the box above", Topic.MAP, Context.MAP, 1, motion(steps.back),
        script="back",
    ),
    Command(
        "map.down", "down", "↓", "box", "Select the box below", Topic.MAP, Context.MAP,
        run=step_commands.forward, script=writing.step_or_stop,
    ),
    Command(
        "map.ask", "c", "c", "cell", "Ask a cell of what the box gives where it came from",
        Topic.MAP, Context.MAP, 16, map_commands.ask, script="ask", footer_stay=4,
    ),
    Command(
        "map.lesson", "L", "L", "lesson", "Open the lesson of the selected box",
        Topic.MAP, Context.MAP_LESSONS, 3, map_commands.open_lesson_of_box,
        script="about", words=(phrase(12, "the lesson of a box of the map"),),
    ),
    Command(
        "map", "M", "M", "map", "The map of the program, at the place that is shown; from there back",
        Topic.MAP, Context.NODE, 18, map_commands.toggle_map,
        script="map", words=(phrase(12, "onto the map of the program, and off it"),),
    ),
    Command(
        "follow", "I", "I", "lineage", "All that the cell depends on; all that it feeds; none",
        Topic.MAP, Context.LINEAGE, 4, map_commands.follow, script=writing.lineage,
        footer_stay=2,
        words=(
            ScriptWord(
                14, "lineage [NAME I J…]", "light what a cell depends on; none: nothing",
                actions.follow_cell("lineage"),
            ),
            ScriptWord(
                15, "reach [NAME I J…]", "light what a cell feeds; none: nothing",
                actions.follow_cell("reach"),
            ),
        ),
    ),
    *(
        Command(
            f"board.{n}", f"{n}", f"{n}", f"row {n}", f"Open the lesson of row {n}",
            Topic.BOARD, Context.BOARD_DIGITS, run=board_commands.open_row_of(n), waits=Wait.NOTHING,
            script=f"row {n}",
        )
        for n in range(1, 10)
    ),
    Command(
        "cursor.return", "backspace", "⌫", "return", "Return to where the cell was followed from",
        Topic.CELL_CURSOR, Context.CURSOR_TRAIL, 4, step_commands.come_back,
        script="return", words=(phrase(23, "back to where it was followed from"),), footer_stay=4,
    ),
    # An exercise.
    _by_screen(
        "exercise.write", "enter", "↵", "answer", "Write the answer to the exercise",
        Topic.EXERCISE, Context.EXERCISE, 1, footer_stay=6,
    ),
    Command(
        "exercise.hint", "H", "H", "hint",
        "The next hint; after the last one, or once it is solved, the solution",
        Topic.EXERCISE, Context.EXERCISE, 2, exercise_commands.hint, script="hint",
        words=(phrase(36, "the next hint of the exercise; at last its solution"),), footer_stay=5,
    ),
    # A deck on stage.
    Command(
        "stage.next", "space,pagedown,right,down", "→", "on", "The next step; at the end the next stop",
        Topic.STAGE, Context.PRESENTATION, 1, stage_moves.forward, script="next",
    ),
    Command(
        "stage.back", "pageup,left,up,backspace", "←", "back", "Exactly that undone",
        Topic.STAGE, Context.PRESENTATION, 2, stage_moves.back, script="back",
    ),
    Command(
        "stage.finish", "f", "f", "finish", "Finish this animation",
        Topic.STAGE, Context.PRESENTATION, 3, stage_moves.finish, script="finish",
    ),
    Command(
        "stage.stop.next", "J", "J", "next stop", "The next stop, whatever is left of this one",
        Topic.STAGE, Context.PRESENTATION, run=stage_moves.next_stop, waits=Wait.FOR_KEYS, script="stop next",
    ),
    Command(
        "stage.stop.previous", "K,comma", "K", "stop before", "The stop before, as it was left",
        Topic.STAGE, Context.PRESENTATION, run=stage_moves.previous_stop, waits=Wait.FOR_KEYS,
        script="stop back",
    ),
    Command(
        "stage.skip", "L", "L", "skip lesson", "Skip the rest of this lesson",
        Topic.STAGE, Context.PRESENTATION, run=stage_moves.skip, waits=Wait.FOR_KEYS,
        script="skip", words=(phrase(46, "of a deck: the next lesson"),),
    ),
    _by_screen(
        "stage.goto", "g", "g", "go to", "Go to a step by its number, then ↵; gg is the first stop",
        Topic.STAGE, Context.PRESENTATION, waits=Wait.FOR_RUN,
    ),
    Command(
        "stage.first", "ctrl+home", "^home", "first stop", "The first stop, as gg",
        Topic.STAGE, Context.PRESENTATION, run=lambda session: stage_moves.go_to_stop(session, 1),
        waits=Wait.FOR_KEYS, script=writing.deck_stop,
    ),
    Command(
        "stage.last", "G", "G", "last stop", "The last stop; after a number, that stop",
        Topic.STAGE, Context.PRESENTATION, waits=Wait.FOR_KEYS,
        run=lambda session: stage_moves.go_to_stop(
            session, len(stage_moves.require_talk(session).deck.stops)
        ),
        script=writing.deck_stop,
    ),
    _by_screen(
        "stage.index", "l,slash", "l", "stops", "Find a stop in the index",
        Topic.STAGE, Context.PRESENTATION, 4,
    ),
    Command(
        "stage.reset", "R", "R", "as rehearsed", "Undo everything that was changed on this stop",
        Topic.STAGE, Context.PRESENTATION, 5, stage_moves.reset, waits=Wait.FOR_KEYS,
        script="reset", words=(phrase(46, "of a deck: the stop as it was rehearsed"),),
    ),
    Command(
        "stage.black", "b,full_stop", "b", "black", "A black screen; any key ends it",
        Topic.STAGE, Context.PRESENTATION, 6, display.toggle_black, waits=Wait.NOTHING,
        script="black", words=(phrase(46, "of a deck: nothing at all, or the picture again"),),
    ),
    Command(
        "stage.big", "B", "B", "large", "Large cells, readable from the back row",
        Topic.STAGE, Context.PRESENTATION, 7, display.toggle_big, waits=Wait.NOTHING,
        script="big", words=(phrase(46, "of a deck: large cells, or not"),),
    ),
    Command(
        "stage.play", "greater_than_sign", ">", "play", "Play this animation, or pause",
        Topic.STAGE, Context.PRESENTATION, run=step_commands.play_by(1), script="play",
    ),
    Command(
        "stage.auto", "A", "A", "by itself", "Go on by itself, or by key only",
        Topic.STAGE, Context.PRESENTATION, run=display.toggle_auto, waits=Wait.NOTHING, script=_DISPLAY,
    ),
    Command(
        "stage.clock", "C", "C", "clock", "The time passed, the time left, or no clock",
        Topic.STAGE, Context.PRESENTATION, 8, display.next_clock, waits=Wait.NOTHING, script=_DISPLAY,
    ),
    Command(
        "stage.pause", "P", "P", "stop clock", "Stop the clock, or let it go on",
        Topic.STAGE, Context.PRESENTATION, run=display.toggle_clock, waits=Wait.NOTHING, script=_DISPLAY,
    ),
    Command(
        "stage.zero", "Z", "Z", "zero", "Set the clock to zero",
        Topic.STAGE, Context.PRESENTATION, run=display.reset_clock, waits=Wait.NOTHING, script=_DISPLAY,
    ),
    Command(
        "stage.footer", "backslash", "\\", "keys", "Show or hide the keys",
        Topic.STAGE, Context.PRESENTATION, run=display.toggle_footer, waits=Wait.NOTHING, script=_DISPLAY,
    ),
    _by_screen(
        "stage.quit", "q,ctrl+c", "q", "leave", "Leave the stage, when pressed twice",
        Topic.STAGE, Context.PRESENTATION, 25,
    ),
    # Everywhere else.
    Command(
        "board.return", "backspace", "⌫", "go back", "Return to the board that opened this lesson",
        Topic.BOARD, Context.BOARD_VISIT, 4, board_commands.come_back, waits=Wait.FOR_KEYS,
        script="board", words=(phrase(34, "back to the board that opened this lesson"),), footer_stay=4,
    ),
    Command(
        "edit", "E,tab", "E", "editor", "Give the keys to the editor",
        Topic.PLAYGROUND, Context.PLAYGROUND, 9, playground_commands.edit, waits=Wait.NOTHING,
        script="edit", words=(phrase(42, "the keys to the playground's editor"),), footer_stay=3,
    ),
    Command(
        "play.take", "E", "E", "edit", "Open this program in the playground",
        Topic.PLAYGROUND, Context.LESSON_PROGRAM, 23, playground_commands.take_program, waits=Wait.NOTHING,
        script="take", words=(phrase(42, "this program into the playground"),),
    ),
    Command(
        "play", "space", "space", "play", "Play or pause",
        Topic.MOTION, Context.STEPS, 10, step_commands.play_by(1), script="play", footer_stay=1,
        words=(
            ScriptWord(
                6, "play [N]", "every step from here to the end, or to step N",
                actions.play(1), shows=False,
            ),
        ),
    ),
    Command(
        "back", "left", "←", "back", "Step back",
        Topic.MOTION, Context.STEPS, run=motion(steps.back), script=writing.word_or_step("back"),
        words=(ScriptWord(2, "back [N]", "a step back, or N", actions.key("back", "stage.back"), many=True),),
    ),
    Command(
        "forward", "right", "←→", "step", "Step forward",
        Topic.MOTION, Context.STEPS, 11, step_commands.forward, script=writing.step_or_stop,
        footer_stay=3,
        words=(
            ScriptWord(
                1, "next [N]", "a step on, or N; an empty line too",
                actions.key("forward", "stage.next"), many=True,
            ),
        ),
    ),
    Command(
        "on", "right", "→", "go on", "Say what comes next, and on a second press go there",
        Topic.LESSON, Context.NO_PRESENTATION, run=step_commands.go_on, script=writing.step_or_stop,
    ),
    Command(
        "play.back", "less_than_sign", "<", "rewind", "Play backwards, or pause",
        Topic.MOTION, Context.STEPS, run=step_commands.play_by(-1), script="rewind",
        words=(ScriptWord(7, "rewind [N]", "the same backwards", actions.play(-1), shows=False),),
    ),
    _by_screen(
        "goto", "g", "g", "go to", "Go to a step by its number",
        Topic.MOTION, Context.STEPS, 20, Wait.FOR_RUN,
    ),
    Command(
        "first", "0,home", "0", "first", "Go before the first step",
        Topic.MOTION, Context.STEPS, run=motion(steps.first),
        script="first", words=(phrase(3, "before the first step"),),
    ),
    Command(
        "last", "dollar_sign,end", "$", "last", "Go to the last step",
        Topic.MOTION, Context.STEPS, run=motion(steps.last), script="last",
        words=(phrase(3, "to the last step"),),
    ),
    Command(
        "finish", "f", "f", "finish", "Finish this animation",
        Topic.MOTION, Context.STEPS, run=motion(steps.finish), script=writing.word_or_step("finish"),
        words=(ScriptWord(4, "finish", "the end of this animation", actions.key("finish", "stage.finish")),),
    ),
    Command(
        "faster", "plus,equals_sign", "+", "faster", "Play faster",
        Topic.MOTION, Context.ALWAYS, waits=Wait.NOTHING, script=writing.speed,
        run=lambda session: replace(session, player=session.player.faster(), notice=""),
        words=(ScriptWord(8, "speed X", "steps a second", actions.set_speed),),
    ),
    Command(
        "slower", "minus", "-", "slower", "Play slower",
        Topic.MOTION, Context.ALWAYS, waits=Wait.NOTHING, script=writing.speed,
        run=lambda session: replace(session, player=session.player.slower(), notice=""),
    ),
    Command(
        "into", "enter", "↵", "into", "Go into the box, the operation, or the cell",
        Topic.DEPTH, Context.NODE, 12, motion(steps.into),
        script="into", words=(phrase(10, "into the operation, or into the cell"),), footer_stay=2,
    ),
    Command(
        "over", "n", "n", "next op", "Go to the next operation",
        Topic.DEPTH, Context.NODE, 17, motion(steps.over), script="over",
        words=(phrase(10, "the next operation"),),
    ),
    Command(
        "previous", "b,N", "b", "op before", "Go to the operation before",
        Topic.DEPTH, Context.NODE, run=motion(lambda view, navigation: steps.over(view, navigation, -1)),
        script="previous", words=(phrase(10, "the operation before"),),
    ),
    Command(
        "out", "escape", "esc", "out", "Close what is open first, then go out a depth",
        Topic.DEPTH, Context.ALWAYS, 13, step_commands.out,
        script="out", words=(phrase(10, "close what is open, then a depth out"),), footer_stay=3,
    ),
    Command(
        "cursor", "c", "c", "cell", "Cell cursor: ask a cell where it came from",
        Topic.CELL_CURSOR, Context.TENSORS, 16, step_commands.toggle_cursor, script="cell", footer_stay=4,
    ),
    Command(
        "stop.next", "full_stop", ".", "next", "Go to the next stop of the lesson",
        Topic.LESSON, Context.NO_PRESENTATION, 14, stop_commands.stop_by(1), waits=Wait.FOR_KEYS,
        script=writing.stop("next"), footer_stay=3,
    ),
    Command(
        "stop.previous", "comma", ",", "before", "Go to the stop before",
        Topic.LESSON, Context.NO_PRESENTATION, run=stop_commands.stop_by(-1), waits=Wait.FOR_KEYS,
        script=writing.stop("back"),
    ),
    Command(
        "list", "l", "l", "lessons", "Choose a lesson in the sidebar",
        Topic.LESSON, Context.NO_PRESENTATION, 23, control_commands.choose_by(0), waits=Wait.NOTHING,
        leads_away=True, script="show",
    ),
    Command(
        "list.up", "up", "↑", "choose", "Choose the lesson above in the sidebar",
        Topic.LESSON, Context.NO_PRESENTATION, run=control_commands.choose_by(-1), waits=Wait.NOTHING,
        leads_away=True, script="show",
    ),
    Command(
        "list.down", "down", "↑↓", "menu", "Choose the lesson below in the sidebar",
        Topic.LESSON, Context.NO_PRESENTATION, 16, control_commands.choose_by(1), waits=Wait.NOTHING,
        leads_away=True, script="show", footer_stay=1,
    ),
    Command(
        "repair", "r", "r", "repair", "Apply the first repair",
        Topic.CONTROLS, Context.REPAIRS, 5, control_commands.repair_by(1), script="repair 1",
        footer_stay=3,
        words=(ScriptWord(37, "repair [N]", "apply a repair", actions.repair),),
    ),
    *(
        Command(
            f"repair.{n}", f"{n}", f"{n}", "repair", f"Apply repair {n}",
            Topic.CONTROLS, Context.REPAIRS, run=control_commands.repair_by(n), script=f"repair {n}",
        )
        for n in range(1, 10)
    ),
    *(
        Command(
            f"link.{n}", f"{n}", f"{n}", "link", f"Open the lesson at link {n}",
            Topic.LESSON, Context.LINKS, run=control_commands.link_by(n), waits=Wait.FOR_KEYS,
            script=writing.link(n),
        )
        for n in range(1, 10)
    ),
    _by_screen(
        "processes", "D", "D", "processes", "Run this program on real processes, one a device",
        Topic.LESSON, Context.DEVICES, 19,
        words=(
            ScriptWord(
                49, "processes", "this program on real processes, one a device",
                actions.on_processes, shows=False,
            ),
        ),
    ),
    Command(
        "files.read", "F", "F", "read files", "Let the document read the files beside it that it names",
        Topic.LESSON, Context.NAMED_FILES, 2, consent_commands.read_files, waits=Wait.NOTHING,
        script="read",
        words=(phrase(40, "let the document read the files beside it that it names"),),
        footer_stay=4,
    ),
    Command(
        "control.down", "left_square_bracket", "[", "less", "Lower the selected control",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.move_selection(-1), waits=Wait.FOR_KEYS,
        script=writing.control,
    ),
    Command(
        "control.up", "right_square_bracket", "]", "more", "Raise the selected control",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.move_selection(1), waits=Wait.FOR_KEYS,
        script=writing.control_or_append,
        words=(
            ScriptWord(
                18, "append [NAME]", "to a list what the program says, such as the next token",
                actions.append,
            ),
        ),
    ),
    Command(
        "control.next", "tab", "tab", "control", "Select the next control",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.select_by(1), waits=Wait.NOTHING,
        script=writing.control_choice,
    ),
    Command(
        "control.previous", "shift+tab", "⇧tab", "control", "Select the control before",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.select_by(-1), waits=Wait.NOTHING,
        script=writing.control_choice,
    ),
    Command(
        "seed.up", "s", "s", "seed +1", "Take the next seed",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.seed_by(1), waits=Wait.FOR_KEYS,
        script=writing.seed,
        words=(ScriptWord(20, "seed N", "the seed of the random numbers", actions.set_seed),),
    ),
    Command(
        "seed.down", "S", "S", "seed -1", "Take the seed before",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.seed_by(-1), waits=Wait.FOR_KEYS,
        script=writing.seed,
    ),
    Command(
        "reset", "X", "X", "reset", "Take back all that was changed in this lesson: controls, seed, repairs",
        Topic.CONTROLS, Context.ALWAYS, run=control_commands.reset, waits=Wait.FOR_KEYS,
        script="defaults", words=(phrase(41, "controls, seed and program as the lesson has them"),),
    ),
    Command(
        "undo", "u", "u", "undo", "Undo the last change",
        Topic.CONTROLS, Context.UNDO, 22, control_commands.undo_or_redo("undo"), waits=Wait.FOR_KEYS,
        script="undo", words=(phrase(41, "undo the last change"),),
    ),
    Command(
        "redo", "U,ctrl+r", "U", "redo", "Do again what was undone",
        Topic.CONTROLS, Context.REDO, run=control_commands.undo_or_redo("redo"), waits=Wait.FOR_KEYS,
        script="redo", words=(phrase(41, "do it again"),),
    ),
    Command(
        "order", "o", "o", "order", "Take the next loop order, at the same place",
        Topic.VIEW, Context.TENSORS, 15, motion(steps.reorder), script=writing.order,
        words=(
            ScriptWord(16, "order [NAME]", "a loop order; the next one without a name", actions.in_order),
        ),
    ),
    Command(
        "predict", "Q", "Q", "predict", "Ask what the next step shows; again, ask something else",
        Topic.QUESTIONS, Context.TENSORS, 20, guess_commands.predict,
        script="predict", words=(phrase(25, "ask what the next step shows; again: something else"),),
    ),
    Command(
        "look", "v", "v", "look", "Numbers, a drawing, or heat",
        Topic.VIEW, Context.TENSORS, 21, control_commands.next_look, script=writing.look,
        words=(
            ScriptWord(39, "look [NAME]", "how the picture is drawn: numbers, bars, heat…", actions.set_look),
        ),
    ),
    Command(
        "twin", "w", "w", "backward", "Forward or backward pass",
        Topic.VIEW, Context.BACKWARD, 18, step_commands.switch_pass,
        script="twin", words=(phrase(38, "forward or backward pass"),),
    ),
    Command(
        "slice.next", "right_curly_bracket", "}", "slice", "Show the next slice",
        Topic.VIEW, Context.SLICES, 19, on_run(lambda run, view: cursor_moves.next_slice(run, view, 1)),
        script="slice", words=(phrase(38, "the next slice"),),
    ),
    Command(
        "slice.previous", "left_curly_bracket", "{", "slice", "Show the slice before",
        Topic.VIEW, Context.SLICES, run=on_run(lambda run, view: cursor_moves.next_slice(run, view, -1)),
        script="slice back",
    ),
    _by_screen("text", "p", "p", "text", "The program and the text, large", Topic.VIEW, Context.ALWAYS),
    _by_screen(
        "sidebar", "backslash", "\\", "sidebar", "Show or hide the sidebar", Topic.VIEW, Context.ALWAYS
    ),
    _by_screen("theme", "T", "T", "theme", "Take the next theme", Topic.VIEW, Context.ALWAYS),
    _by_screen(
        "copy.code", "y", "y", "copy code", "Copy the program as torch code", Topic.SHARE, Context.ALWAYS,
        words=(ScriptWord(50, "code", "the program as torch code", actions.stay, shows=False),),
    ),
    _by_screen(
        "script.save", "R", "R", "record", "Save what was done so far as a script",
        Topic.SHARE, Context.ALWAYS,
    ),
    _by_screen(
        "copy.command", "Y", "Y", "copy command", "Copy the command that reopens this view",
        Topic.SHARE, Context.ALWAYS,
        words=(ScriptWord(51, "command", "the command that reopens this view", actions.stay, shows=False),),
    ),
    _by_screen(
        "palette", "ctrl+p", "^p", "palette", "Find a lesson or a command", Topic.APP, Context.EVERYWHERE
    ),
    _by_screen(
        "redraw", "ctrl+l", "^l", "redraw", "Draw the whole screen anew", Topic.APP, Context.EVERYWHERE
    ),
    _by_screen(
        "help", "question_mark,f1", "?", "help", "Show the keys that work now",
        Topic.APP, Context.ALWAYS, 24,
        words=(ScriptWord(53, "help", "these words", actions.stay, shows=False),),
    ),
    _by_screen(
        "practice", "P", "P", "practice", "Practice: questions without end", Topic.QUESTIONS,
        Context.NO_PRESENTATION,
    ),
    Command(
        "start", "f4", "F4", "door", "Go to the door: start, or begin anew",
        Topic.APP, Context.NO_PRESENTATION, run=door.at_door, waits=Wait.NOTHING, leads_away=True,
        script="start", words=(phrase(47, "to the door: where to begin"),),
    ),
    _by_screen(
        "progress", "f3", "F3", "progress", "See what you have seen and solved of the course",
        Topic.APP, Context.NO_PRESENTATION,
    ),
    _by_screen("guides", "f2", "F2", "guides", "Read a guide", Topic.APP, Context.NO_PRESENTATION),
    _by_screen(
        "suspend", "ctrl+z", "^z", "suspend", "Suspend to the shell; fg comes back",
        Topic.APP, Context.ALWAYS,
    ),
    _by_screen(
        "quit", "q,ctrl+c", "q", "quit", "Quit", Topic.APP, Context.ALWAYS, 25,
        words=(ScriptWord(54, "quit", "leave; the end of a script", actions.stay, shows=False),),
    ),
    Command(
        "trust", "", "", "", "Run this with your rights until the app ends", Topic.APP, Context.UNLOCKED,
        run_with=lambda session, _: consent_commands.once(session), waits=Wait.NOTHING, script=_CONSENT,
    ),
    # Without keys, and with an argument.
    _with_argument(
        "open", "Open a lesson by its slug", Topic.LESSON, control_commands.open_lesson, writing.lesson,
        Wait.NOTHING, leads_away=True,
        words=(
            ScriptWord(
                27, "lesson SLUG [FLAGS]", "another lesson; flags as of 'frame'",
                actions.off_stage(actions.to_lesson),
            ),
        ),
    ),
    _with_argument(
        "stop", "Go to a stop by its number", Topic.LESSON, control_commands.stop_at,
        writing.with_argument("stop"), Wait.FOR_KEYS, leads_away=True,
        words=(
            ScriptWord(
                26, "stop N", "a stop of the lesson or deck; also stop next, stop back",
                actions.to_stop,
            ),
        ),
    ),
    _with_argument(
        "example", "Begin with an example in the playground", Topic.PLAYGROUND, playground_commands.example,
        writing.with_argument("example"), Wait.NOTHING, leads_away=True,
        words=(ScriptWord(43, "example NAME", "begin with an example there", actions.example),),
    ),
    _with_argument(
        "answer", "Answer the exercise with an expression", Topic.EXERCISE, exercise_commands.answer,
        writing.answer, when=Context.EXERCISE,
        words=(ScriptWord(35, "answer EXPRESSION", "write this to the exercise here", actions.answer),),
    ),
    _with_argument(
        "row", "Open the lesson of a board's row by its number", Topic.BOARD, board_commands.open_row_at,
        writing.with_argument("row"), Wait.NOTHING, Context.BOARD,
        words=(ScriptWord(31, "row N", "open a row of a board", actions.off_stage(actions.open_row)),),
    ),
    _with_argument(
        "set", "Move a control by its name, up or down", Topic.CONTROLS, control_commands.set_control,
        writing.control_or_append, Wait.FOR_KEYS,
        words=(ScriptWord(17, "set NAME VALUE", "a control's value", actions.set_control),),
    ),
    _with_argument(
        "pick", "Select a control by its name", Topic.CONTROLS, control_commands.pick_control,
        writing.control_choice, Wait.NOTHING,
        words=(ScriptWord(19, "pick NAME", "select a control", actions.pick),),
    ),
    _with_argument(
        "guess", "Answer what is asked", Topic.QUESTIONS, guess_commands.answer, guess_commands.write_answer,
        words=(
            ScriptWord(
                24, "guess ANSWER", "answer what is asked: a choice, a number, a shape, a cell",
                actions.guess,
            ),
        ),
    ),
    _with_argument(
        "go", "Go to a step by its number", Topic.MOTION, step_commands.go_to, writing.step,
        words=(ScriptWord(5, "step N", "to a step by its number", actions.to_step),),
    ),
    _with_argument(
        "scrub", "Go to a part of the way, in thousandths", Topic.MOTION, step_commands.scrub, writing.step
    ),
    _with_argument(
        "node", "Go to a node by its position in the trace", Topic.DEPTH, control_commands.node_at,
        writing.node,
        words=(ScriptWord(11, "node NAME", "an operation by its name", actions.to_node),),
    ),
    _with_argument(
        "module", "Go to the first node of a module by its path", Topic.DEPTH, control_commands.module_at,
        writing.node,
    ),
    _with_argument(
        "cell", "Put the cell cursor on a cell by its indices and its tensor's name", Topic.CELL_CURSOR,
        step_commands.cell_at, writing.cell,
        words=(ScriptWord(21, "cell [NAME] [I J…]", "ask a cell where it came from", actions.ask_cell),),
    ),
    _with_argument(
        "box", "Select a box of the map by its row, or go into it", Topic.MAP, map_commands.select_box,
        writing.box,
        words=(ScriptWord(13, "box NAME/NAME…", "to a box of the map", actions.to_box),),
    ),
    _with_argument(
        "write", "Write another program in the editor", Topic.PLAYGROUND, playground_commands.write,
        writing.program,
        words=(
            ScriptWord(44, "write TEXT [LINE]", "its program, and the line of the cursor", actions.write),
        ),
    ),
    _with_argument(
        "line", "Put the editor's cursor on a line by its number", Topic.PLAYGROUND,
        playground_commands.move_caret, writing.with_argument("line"),
        words=(ScriptWord(45, "line N", "its cursor on another line", actions.to_line),),
    ),
    _with_argument(
        "stage.go", "Go to a stop of the deck by its number", Topic.STAGE,
        lambda session, number: stage_moves.go_to_stop(session, int(number)), writing.deck_stop,
        Wait.FOR_KEYS, Context.PRESENTATION,
    ),
)  # fmt: skip

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
