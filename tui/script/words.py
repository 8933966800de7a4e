"""The language of scripts and of the prompt: one table of words, functions from a session to a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_linalg.spelling import unknown
from tui.commands import COMMANDS, Group
from tui.model.errors import UsageError
from tui.script import acts, mapped
from tui.script.acts import Action, key, phrase


@dataclass(frozen=True, slots=True)
class ScriptWord:
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
    act: Action
    shows: bool = True


def of_commands(group: Group) -> Iterator[ScriptWord]:
    """The words that are nothing but the commands of a group, as their records say."""
    for command in COMMANDS:
        if command.group is group and command.word_help and isinstance(command.script, str):
            name = command.script.split()[0]
            phrases = {
                tuple(other.script.split()[1:]): other
                for other in COMMANDS
                if isinstance(other.script, str) and other.script.split()[0] == name
            }
            takes = "|".join(f"[{' '.join(rest)}]" for rest in phrases if rest)
            yield ScriptWord(name, takes, command.word_help, phrase(phrases))


WORDS: tuple[ScriptWord, ...] = (
    ScriptWord("next", "[N]", "a step on, or N; an empty line too", key("forward", "stage.next", many=True)),
    ScriptWord("back", "[N]", "a step back, or N", key("back", "stage.back", many=True)),
    *of_commands(Group.MOTION),
    ScriptWord("finish", "", "the end of this animation", key("finish", "stage.finish")),
    ScriptWord("step", "N", "to a step by its number", acts.to_step),
    ScriptWord("play", "[N]", "every step from here to the end, or to step N", acts.play(1), shows=False),
    ScriptWord("rewind", "[N]", "the same backwards", acts.play(-1), shows=False),
    ScriptWord("speed", "X", "steps a second", acts.set_speed),
    ScriptWord("wait", "[SECONDS]", "nothing for a while; in a script", acts.wait),
    *of_commands(Group.DEPTH),
    ScriptWord("node", "NAME", "an operation by its name", acts.to_node),
    *of_commands(Group.MAP),
    ScriptWord("box", "NAME/NAME…", "to a box of the map", mapped.to_box),
    ScriptWord(
        "lineage", "[NAME I J…]", "light what a cell depends on; none: nothing", mapped.follow_cell("lineage")
    ),
    ScriptWord("reach", "[NAME I J…]", "light what a cell feeds; none: nothing", mapped.follow_cell("reach")),
    ScriptWord("order", "[NAME]", "a loop order; the next one without a name", acts.in_order),
    ScriptWord("set", "NAME VALUE", "a control's value", acts.set_control),
    ScriptWord("append", "[NAME]", "to a list what the program says, such as the next token", acts.append),
    ScriptWord("pick", "NAME", "select a control", acts.pick),
    ScriptWord("seed", "N", "the seed of the random numbers", acts.set_seed),
    ScriptWord("cell", "[NAME] [I J…]", "ask a cell where it came from", acts.ask_cell),
    ScriptWord("turn", "[NAME] [I J…]", "turn a cell of a mask over", acts.turn),
    *of_commands(Group.CELL_CURSOR),
    ScriptWord("stop", "N", "a stop of the lesson or deck; also stop next, stop back", acts.to_stop),
    ScriptWord(
        "lesson", "SLUG [FLAGS]", "another lesson; flags as of 'frame'", acts.off_stage(acts.to_lesson)
    ),
    ScriptWord("lessons", "", "list the lessons", acts.stay, shows=False),
    ScriptWord("deck", "DECK [--stop N]", "a deck on stage; a script begins with it", acts.to_deck),
    ScriptWord("row", "N", "open a row of a board", acts.off_stage(acts.open_row)),
    ScriptWord("choose", "N", "select a row of a board", acts.choose_row),
    ScriptWord("ask", "", "ask a board's row, or a box of the map, where it came from", mapped.ask),
    *of_commands(Group.BOARD),
    ScriptWord("repair", "[N]", "apply a repair", acts.repair),
    *of_commands(Group.VIEW),
    ScriptWord("look", "[NAME]", "numbers, heat or both", acts.set_look),
    *of_commands(Group.CONTROLS),
    *of_commands(Group.PLAYGROUND),
    ScriptWord("example", "NAME", "begin with an example there", acts.example),
    ScriptWord("write", "TEXT [LINE]", "its program, and the line of the cursor", acts.write),
    ScriptWord("line", "N", "its cursor on another line", acts.to_line),
    *of_commands(Group.STAGE),
    ScriptWord("notes", "", "of a deck: what the speaker reads here", acts.stay, shows=False),
    ScriptWord(
        "processes", "", "this program on real processes, one a device", acts.on_processes, shows=False
    ),
    ScriptWord("code", "", "the program as torch code", acts.stay, shows=False),
    ScriptWord("command", "", "the command that reopens this view", acts.stay, shows=False),
    ScriptWord("show", "", "the frame again", acts.stay),
    ScriptWord("help", "", "these words", acts.stay, shows=False),
    ScriptWord("quit", "", "leave; the end of a script", acts.stay, shows=False),
)
BY_NAME = {word.name: word for word in WORDS}


def find(name: str) -> ScriptWord:
    """The word of that name. Raises UsageError with the nearest one."""
    word = BY_NAME.get(name.lower())
    if word is None:
        raise UsageError(unknown("word", name, [*BY_NAME]) + " ('help' lists all)")
    return word


def help_text() -> str:
    """What may be said, a line a word."""
    return "".join(f"{f'{word.name} {word.takes}':<20} {word.says}\n" for word in WORDS)
