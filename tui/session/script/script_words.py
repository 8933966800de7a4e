"""The words of scripts and of the prompt, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_linalg.base.spelling import unknown
from tui.model.usage_error import UsageError
from tui.session.commands import COMMANDS, Topic
from tui.session.script import actions, map_actions
from tui.session.script.actions import Action, key, phrase


@dataclass(frozen=True, slots=True)
class ScriptWord:
    """One word of scripts and of the prompt.

    Attributes:
        name: The word.
        takes: What may follow it, as the help writes it.
        says: What it does, in one line.
        act: The action. Raises UsageError for what can't be done.
        shows: Whether the frame is printed afterwards.
    """

    name: str
    takes: str
    says: str
    act: Action
    shows: bool = True


def of_commands(group: Topic) -> Iterator[ScriptWord]:
    """Return the words that are nothing but the commands of a topic, as their records say."""
    for command in COMMANDS:
        if command.topic is group and command.word_help and isinstance(command.script, str):
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
    *of_commands(Topic.MOTION),
    ScriptWord("finish", "", "the end of this animation", key("finish", "stage.finish")),
    ScriptWord("step", "N", "to a step by its number", actions.to_step),
    ScriptWord("play", "[N]", "every step from here to the end, or to step N", actions.play(1), shows=False),
    ScriptWord("rewind", "[N]", "the same backwards", actions.play(-1), shows=False),
    ScriptWord("speed", "X", "steps a second", actions.set_speed),
    ScriptWord("wait", "[SECONDS]", "nothing for a while; in a script", actions.wait),
    *of_commands(Topic.DEPTH),
    ScriptWord("node", "NAME", "an operation by its name", actions.to_node),
    *of_commands(Topic.MAP),
    ScriptWord("box", "NAME/NAME…", "to a box of the map", map_actions.to_box),
    ScriptWord(
        "lineage",
        "[NAME I J…]",
        "light what a cell depends on; none: nothing",
        map_actions.follow_cell("lineage"),
    ),
    ScriptWord(
        "reach", "[NAME I J…]", "light what a cell feeds; none: nothing", map_actions.follow_cell("reach")
    ),
    ScriptWord("order", "[NAME]", "a loop order; the next one without a name", actions.in_order),
    ScriptWord("set", "NAME VALUE", "a control's value", actions.set_control),
    ScriptWord("append", "[NAME]", "to a list what the program says, such as the next token", actions.append),
    ScriptWord("pick", "NAME", "select a control", actions.pick),
    ScriptWord("seed", "N", "the seed of the random numbers", actions.set_seed),
    ScriptWord("cell", "[NAME] [I J…]", "ask a cell where it came from", actions.ask_cell),
    ScriptWord("turn", "[NAME] [I J…]", "turn a cell of a mask over", actions.turn),
    *of_commands(Topic.CELL_CURSOR),
    ScriptWord("guess", "ANSWER", "answer what is asked: a choice, a number, a shape, a cell", actions.guess),
    *of_commands(Topic.QUESTIONS),
    ScriptWord("stop", "N", "a stop of the lesson or deck; also stop next, stop back", actions.to_stop),
    ScriptWord(
        "lesson", "SLUG [FLAGS]", "another lesson; flags as of 'frame'", actions.off_stage(actions.to_lesson)
    ),
    ScriptWord(
        "settings",
        "SLUG [FLAGS]",
        "with what a lesson opens later on",
        actions.off_stage(actions.keep_settings),
        shows=False,
    ),
    ScriptWord("lessons", "", "list the lessons", actions.stay, shows=False),
    ScriptWord("deck", "DECK [--stop N]", "a deck on stage; a script begins with it", actions.to_deck),
    ScriptWord("row", "N", "open a row of a board", actions.off_stage(actions.open_row)),
    ScriptWord("choose", "N", "select a row of a board", actions.choose_row),
    ScriptWord("ask", "", "ask a board's row, or a box of the map, where it came from", map_actions.ask),
    *of_commands(Topic.BOARD),
    ScriptWord("answer", "EXPRESSION", "write this to the exercise here", actions.answer),
    *of_commands(Topic.EXERCISE),
    ScriptWord("repair", "[N]", "apply a repair", actions.repair),
    *of_commands(Topic.VIEW),
    ScriptWord("look", "[NAME]", "how the picture is drawn: numbers, bars, heat…", actions.set_look),
    *of_commands(Topic.LESSON),
    *of_commands(Topic.CONTROLS),
    *of_commands(Topic.PLAYGROUND),
    ScriptWord("example", "NAME", "begin with an example there", actions.example),
    ScriptWord("write", "TEXT [LINE]", "its program, and the line of the cursor", actions.write),
    ScriptWord("line", "N", "its cursor on another line", actions.to_line),
    *of_commands(Topic.STAGE),
    *of_commands(Topic.APP),
    ScriptWord("notes", "", "of a deck: what the speaker reads here", actions.stay, shows=False),
    ScriptWord(
        "processes", "", "this program on real processes, one a device", actions.on_processes, shows=False
    ),
    ScriptWord("code", "", "the program as torch code", actions.stay, shows=False),
    ScriptWord("command", "", "the command that reopens this view", actions.stay, shows=False),
    ScriptWord("show", "", "the frame again", actions.stay),
    ScriptWord("help", "", "these words", actions.stay, shows=False),
    ScriptWord("quit", "", "leave; the end of a script", actions.stay, shows=False),
)
BY_NAME = {word.name: word for word in WORDS}


def find_word(name: str, listing: str = "'help' lists all") -> ScriptWord:
    """Return the word of that name. Raises UsageError with the nearest one, and what lists all."""
    word = BY_NAME.get(name.lower())
    if word is None:
        raise UsageError(unknown("word", name, [*BY_NAME]) + f" ({listing})")
    return word


def help_text() -> str:
    """Return what may be said, a line a word."""
    return "".join(f"{f'{word.name} {word.takes}':<20} {word.says}\n" for word in WORDS)
