"""The language of scripts and of the prompt: one table of words, functions from a session to a session."""

from __future__ import annotations

from dataclasses import dataclass

from llm_linalg.spelling import unknown
from tui.model.errors import UsageError
from tui.script import acts, mapped
from tui.script.acts import Act, key


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


WORDS: tuple[Word, ...] = (
    Word("next", "[N]", "a step on, or N; an empty line too", key("forward", None, "stage.next", many=True)),
    Word("back", "[N]", "a step back, or N", key("back", None, "stage.back", many=True)),
    Word("first", "", "before the first step", key("first")),
    Word("last", "", "to the last step", key("last")),
    Word("finish", "", "the end of this animation", key("finish", on_stage="stage.finish")),
    Word("step", "N", "to a step by its number", acts.to_step),
    Word("play", "[N]", "every step from here to the end, or to step N", acts.play(1), shows=False),
    Word("rewind", "[N]", "the same backwards", acts.play(-1), shows=False),
    Word("speed", "X", "steps a second", acts.set_speed),
    Word("wait", "[SECONDS]", "nothing for a while; in a script", acts.wait),
    Word("into", "", "into the operation, or into the cell", key("into")),
    Word("out", "", "close what is open, then a depth out", key("out")),
    Word("over", "", "the next operation", key("over")),
    Word("previous", "", "the operation before", key("previous")),
    Word("node", "NAME", "an operation by its name", acts.to_node),
    Word("map", "", "onto the map of the program, and off it", key("map")),
    Word("box", "NAME/NAME…", "to a box of the map", mapped.to_box),
    Word("about", "", "the lesson of a box of the map", acts.off_stage(key("map.lesson"))),
    Word("lineage", "[NAME I J…]", "light what a cell depends on; none: nothing", mapped.asked("lineage")),
    Word("reach", "[NAME I J…]", "light what a cell feeds; none: nothing", mapped.asked("reach")),
    Word("order", "[NAME]", "a loop order; the next one without a name", acts.in_order),
    Word("set", "NAME VALUE", "a control's value", acts.set_control),
    Word("append", "[NAME]", "to a list what the program says, such as the next token", acts.append),
    Word("pick", "NAME", "select a control", acts.pick),
    Word("seed", "N", "the seed of the random numbers", acts.set_seed),
    Word("cell", "[NAME] [I J…]", "ask a cell where it came from", acts.ask_cell),
    Word("turn", "[NAME] [I J…]", "turn a cell of a mask over", acts.turn),
    Word("left", "", "the cell before", key("cursor.left")),
    Word("right", "", "the cell after", key("cursor.right")),
    Word("up", "", "the cell above", key("cursor.up")),
    Word("down", "", "the cell below", key("cursor.down")),
    Word("tensor", "[back]", "the next tensor's cells", key("cursor.panel", "cursor.panel.back")),
    Word("follow", "", "to the operation that made the cell", key("cursor.follow")),
    Word("return", "", "back to where it was followed from", key("cursor.return")),
    Word("stop", "N", "a stop of the lesson or deck; also stop next, stop back", acts.to_stop),
    Word("lesson", "SLUG [FLAGS]", "another lesson; flags as of 'frame'", acts.off_stage(acts.to_lesson)),
    Word("lessons", "", "list the lessons", acts.stay, shows=False),
    Word("deck", "DECK [--stop N]", "a deck on stage; a script begins with it", acts.to_deck),
    Word("row", "N", "open a row of a board", acts.off_stage(acts.open_row)),
    Word("choose", "N", "select a row of a board", acts.choose_row),
    Word("ask", "", "ask a board's row, or a box of the map, where it came from", mapped.ask),
    Word("board", "", "back to the board that opened this lesson", key("board.return")),
    Word("repair", "[N]", "apply a repair", acts.repair),
    Word("twin", "", "forward or backward pass", key("twin")),
    Word("slice", "[back]", "the next slice", key("slice.next", "slice.previous")),
    Word("look", "[NAME]", "numbers, heat or both", acts.set_look),
    Word("undo", "", "undo the last change", key("undo")),
    Word("redo", "", "do it again", key("redo")),
    Word("take", "", "this program into the playground", key("play.take")),
    Word("example", "NAME", "begin with an example there", acts.example),
    Word("edit", "", "the keys to the playground's editor", key("edit")),
    Word("write", "TEXT [LINE]", "its program, and the line of the cursor", acts.write),
    Word("line", "N", "its cursor on another line", acts.to_line),
    Word("mend", "", "a repair there, the next one if said again", key("edit.repair")),
    Word("leave", "", "from the editor to the stage", key("edit.leave")),
    Word("skip", "", "of a deck: the next lesson", key("stage.skip")),
    Word("reset", "", "of a deck: the stop as it was rehearsed", key("stage.reset")),
    Word("big", "", "of a deck: large cells, or not", key("stage.big")),
    Word("black", "", "of a deck: nothing at all, or the picture again", key("stage.black")),
    Word("notes", "", "of a deck: what the speaker reads here", acts.stay, shows=False),
    Word("processes", "", "this program on real processes, one a device", acts.on_processes, shows=False),
    Word("code", "", "the program as torch code", acts.stay, shows=False),
    Word("command", "", "the command that reopens this view", acts.stay, shows=False),
    Word("show", "", "the frame again", acts.stay),
    Word("help", "", "these words", acts.stay, shows=False),
    Word("quit", "", "leave; the end of a script", acts.stay, shows=False),
)
BY_NAME = {word.name: word for word in WORDS}


def find(name: str) -> Word:
    """The word of that name. Raises UsageError with the nearest one."""
    word = BY_NAME.get(name.lower())
    if word is None:
        raise UsageError(unknown("word", name, [*BY_NAME]) + " ('help' lists all)")
    return word


def help_text() -> str:
    """What may be said, a line a word."""
    return "".join(f"{f'{word.name} {word.takes}':<20} {word.says}\n" for word in WORDS)
