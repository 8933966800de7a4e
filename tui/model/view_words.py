"""Views in words: the flags that read one, and the command that writes it.

What `arguments` writes, `view_of` reads back to the same view. A new flag goes into `add_picture_flags`,
`view_of` and `arguments`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_linalg.base.constants import LOOK_NAMES, ORDER_NAMES
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import CleanText, clean
from tui.model.flags import Choice, Parser, add_switch, flag_value, seed, whole_number
from tui.model.lesson_words import find_lesson, first_lesson, lesson_word
from tui.model.map_table import SORTS
from tui.model.usage_error import UsageError
from tui.model.view import END, View

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.lessons.stop import FollowedCell
    from tui.model.view import Depth

DEPTHS = ("map", "operations", "cells", "terms")


def add_picture_flags(
    parser: Parser,
    *,
    stop: str = "the stop of the lesson or deck, from 1",
    all_steps: bool = False,
    leave_out: Sequence[str] = (),
) -> None:
    """Add the flags that name a picture.

    Args:
        parser: What gets them.
        stop: What `--stop` is.
        all_steps: Whether the command shows every step, if asked to.
        leave_out: The names of those that the command doesn't take; its help leaves them out.
    """
    group = parser.group("picture")

    def add(flag: str, says: str, **about: Any) -> None:
        group.add_argument(flag, help=argparse.SUPPRESS if flag[2:] in leave_out else says, **about)

    steps = "first, last or all" if all_steps else "first or last"
    add("--stop", stop, type=whole_number, metavar="N")
    add("--node", "the tensor to show; a part of a composite is S/exp", metavar="NAME")
    add("--step", f"a step: a number, {steps}", type=step, metavar="N")
    add("--set", "a control's value", type=setting, action="append", default=[], metavar="NAME=VALUE")
    add("--seed", "the seed of the random numbers", type=seed, metavar="N")
    add("--order", ", ".join(ORDER_NAMES), type=Choice("order", ORDER_NAMES), metavar="O")
    add("--depth", ", ".join(DEPTHS), type=Choice("depth", DEPTHS), metavar="D")
    add("--cursor", "put the cell cursor there: 'Y[1,2]'; or none", type=cell_or_none, metavar="CELL")
    add("--box", "a box of the map, by the names that lead to it", type=box_path, metavar="A/B")
    add("--lineage", "light what a cell depends on: 'Y[1,2]'; or none", type=cell_or_none, metavar="CELL")
    add("--reach", "light what a cell feeds", type=cell_or_none, metavar="CELL")
    add("--at", "the slice of an N-d tensor; or none", type=slice_index, metavar="I,J")
    add("--row", "the selected row of a board, from 1", type=whole_number, metavar="N")
    add("--look", ", ".join(LOOK_NAMES), type=Choice("look", LOOK_NAMES), metavar="L")
    add("--sort", "the column that sorts a table of the map", type=Choice("column", SORTS), metavar="C")
    forward, backward = "show the forward program", "show the backward program"
    if "backward" in leave_out:
        forward = backward = argparse.SUPPRESS
    add_switch(group, "--backward", backward, forward)
    for flag, value in (("--twin", True), ("--no-twin", False)):  # the former name: saved decks have it
        add(flag, argparse.SUPPRESS, dest="backward", action="store_const", const=value)
    add("--code", "run this program in place of the stop's", metavar="TEXT")
    add("--predict", "ask what comes next: the question of this number", type=whole_number, metavar="N")
    add("--guess", "answer what is asked: a choice's number, or what one would type", metavar="TEXT")


def picture_parser(name: str) -> Parser:
    """Return a parser of the flags that name a picture, as they stand in a script or a deck."""
    parser = Parser(prog=name, add_help=False)
    add_picture_flags(parser)
    return parser


def add_read_flag(parser: Parser) -> None:
    """Add `--read`, which lets a document's programs read text and weights beside it.

    It is none of the flags of a picture: those stand in decks and talks, whose authors may not say it.
    """
    parser.add_argument("--read", action="store_true", help="let it read text and weights beside it")


def add_trust_flag(parser: Parser) -> None:
    """Add `--trust`, by which foreign programs may run with the user's rights: a flag of no picture."""
    parser.add_argument(
        "--trust", action="store_true", help="where nothing locks programs in, run them with your rights"
    )


VIEW = (
    "stop", "node", "step", "set", "seed", "order", "depth", "cursor", "box", "lineage", "reach", "at", "row",
    "look", "sort", "backward", "code", "predict", "guess",
)  # fmt: skip
"""The flags that name a picture, as a namespace calls them: without them it is the lesson's own."""


def step(text: str) -> int | str:
    """Parse a step's number, or first, last, all."""
    if text in ("first", "last", "all"):
        return text
    if re.fullmatch(r"[0-9]{1,30}", text):
        return int(text)
    raise argparse.ArgumentTypeError(unknown("step", text, ["a number", "first", "last", "all"]))


def setting(text: str) -> tuple[str, str]:
    """Parse a control and its value."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{quote(text)} is not NAME=VALUE")
    return name.strip(), value


def cursor(text: str) -> tuple[str, tuple[int, ...]]:
    """Parse a cell, such as Y[1,2]."""
    match = re.fullmatch(r"(.{1,200})\[((?:[0-9]{1,9}(?:,\s*[0-9]{1,9})*)?)\]", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a cell, such as Y[1,2]")
    return match[1], tuple(int(part) for part in match[2].split(",") if part.strip())


def box_path(text: str) -> tuple[str, ...]:
    """Parse the names that lead to a box of the map."""
    return tuple(filter(None, text.split("/")))


def cell_or_none(text: str) -> tuple[str, tuple[int, ...]] | str:
    """Parse a cell to follow through the program, or none."""
    return text if text == "none" else cursor(text)


def slice_index(text: str) -> tuple[int, ...] | str:
    """Parse the index of a slice, such as 0,1, or none."""
    if text == "none":
        return text
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text):
        raise argparse.ArgumentTypeError(f"{quote(text)} is not the index of a slice, such as 0,1")
    return tuple(int(part) for part in text.split(","))


def view_of(flags: argparse.Namespace, lesson: Lesson | None = None) -> View:
    """Return the view that the flags name, as far as it is known without running the program.

    Raises:
        UsageError: For an unknown lesson, stop or control, or a value that a control does not take.
        LessonError: If the lesson is broken.
    """
    if lesson is None:
        lesson = find_lesson(flags.lesson) if flags.lesson is not None else first_lesson()
    if flags.stop is not None and not 1 <= flags.stop <= len(lesson.stops):
        raise UsageError(f"{lesson.slug} has stops 1 to {len(lesson.stops)}: there is no stop {flags.stop}")
    if lesson.external is not None and (flags.code is not None or flags.set):
        raise UsageError("a trace has no controls and no program of its own: --set and --code are a lesson's")
    opening = View.opening(lesson, flags.stop or lesson.opens_at)
    terms = flags.order == "terms"
    cells = flags.order is not None and not terms
    view = replace(
        opening,
        controls=_controls(lesson, flags.set),
        seed=lesson.seed if flags.seed is None else flags.seed,
        path=tuple(flags.node.split("/")) if flags.node else (),
        order=flags.order if cells else None,
        depth=flags.depth or _depth(flags, opening),
        step=flags.step if isinstance(flags.step, int) else opening.step if flags.node is None else 0,
        cursor=None if flags.cursor == "none" else flags.cursor,
        at=None if flags.at == "none" else flags.at,
        look=flags.look or opening.look,
        sort=flags.sort or "",
        backward=opening.backward if flags.backward is None else flags.backward,
        code=flags.code,
        row=_row(flags.row, opening),
        box=opening.box if flags.box is None else flags.box,
        follows=_cell_to_follow(flags, opening),
        reads=lesson.document and flag_value(flags, "read") is True,
    )
    asked = flags.predict is not None or flags.guess is not None
    return view.with_guess(flags.predict or 0, flags.guess) if asked else view


def _depth(flags: argparse.Namespace, opening: View) -> Depth:
    """Return the depth where no flag names it: the one at which what the flags name is shown."""
    if flags.order is not None:
        return "terms" if flags.order == "terms" else "cells"
    if flags.box is not None:
        return "map"
    below = any(given is not None for given in (flags.node, flags.cursor, flags.at, flags.step))
    if opening.depth == "map" and below:
        return "cells"
    lit = opening.depth == "cells" and bool(flags.lineage or flags.reach)
    return "map" if lit and not below else opening.depth


def _cell_to_follow(flags: argparse.Namespace, opening: View) -> FollowedCell | None:
    """Return the cell to follow.

    Raises:
        UsageError: For two.
    """
    from llm_linalg.lessons.stop import FollowedCell

    if flags.lineage is not None and flags.reach is not None:
        raise UsageError("a cell is followed one way at a time: --lineage or --reach")
    given = flags.reach if flags.lineage is None else flags.lineage
    if given is None:
        return opening.follows
    return None if given == "none" else FollowedCell("reach" if flags.lineage is None else "lineage", *given)


def _row(row: int | None, opening: View) -> int:
    if row is None:
        return 1
    board = opening.at_stop.board
    if board is None:
        raise UsageError(f"stop {opening.stop} of {opening.lesson.slug} has no board, so it has no rows")
    if not 1 <= row <= len(board.rows):
        raise UsageError(f"this board has rows 1 to {len(board.rows)}: there is no row {row}")
    return row


def _controls(lesson: Lesson, settings: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    from llm_linalg.lessons.control import Value
    from llm_linalg.lessons.lesson import UnknownNameError

    parsed: dict[str, Value] = {}
    try:
        for name, text in settings:
            parsed[name] = lesson.control(name).parse(text)
        values: Mapping[str, Value] = lesson.values(parsed)
    except (UnknownNameError, ValueError) as error:
        raise UsageError(str(error)) from None
    return tuple((control.name, control.show(values[control.name])) for control in lesson.controls)


def start_view(view: View, flags: argparse.Namespace) -> View:
    """Return the view to open; a step named in words is found when the program has run.

    Raises:
        UsageError: For all steps at once.
    """
    if flags.step == "last":
        return replace(view, step=END)
    if flags.step == "all":
        raise UsageError("--step all belongs to 'llm-linalg frame': the app shows one step at a time")
    return replace(view, step=1) if flags.step == "first" else view


def command(view: View) -> CleanText:
    """Return the shell line that reopens exactly this view, with what differs from the lesson's opening."""
    return shell_line(["llm-linalg", *arguments(view)])


def shell_line(words: Sequence[str]) -> CleanText:
    """Return words as one line for a shell."""
    return clean(" ".join(map(shell_word, words)), None)


_ESCAPES = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\t": r"\t"}


def shell_word(text: str) -> str:
    r"""Return a word quoted for a shell; a program of several lines as `$'x = 1\ny = 2'`: that is one line.

    bash, zsh and ksh read that form; a word that is clean text is quoted for any shell.
    """
    if clean(text, None) == text:
        import shlex  # no start needs it

        return shlex.quote(text)
    return f"$'{''.join(map(_escape, text))}'"


def _escape(char: str) -> str:
    plain = _ESCAPES.get(char)
    if plain is not None or clean(char, None) == char:
        return plain or char
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "replace"  # a byte of a path, or nothing
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", errors))


def arguments(view: View) -> list[str]:
    """Return the arguments of `command`, unquoted."""
    opening = View.opening(view.lesson, view.stop)
    given = view.lesson.external
    words = [lesson_word(view.lesson)] if given is None else list(given.words)
    if view.reads:
        words.append("--read")
    if view.stop != view.lesson.opens_at:
        words += ["--stop", str(view.stop)]
    if view.path:
        words += ["--node", "/".join(view.path)]
    words += _control_words(view, opening)
    words += _order_words(view, opening)
    words += _map_words(view, opening)
    if view.step != (0 if view.path else opening.step):
        words += ["--step", str(view.step)]
    own = _run_flags(opening)
    return words + [word for flag in _run_flags(view) if flag not in own for word in flag]


def explicit_flags(view: View) -> list[tuple[str, ...]]:
    """Return every flag that says something of a view, also where that is what its lesson opens with."""
    asked = view.follows
    flags = [
        ("--node", "/".join(view.path)),
        *(("--set", f"{name}={text}") for name, text in view.controls),
        *([("--order", view.order)] if view.order is not None else []),
        ("--depth", view.depth),
        ("--box", "/".join(view.box)),
        ("--lineage", "none") if asked is None else (f"--{asked.way}", cell(asked.name, asked.position)),
        ("--step", str(view.step)),
        *_run_flags(view),
    ]
    return [tuple(flag) for flag in flags]


def _run_flags(view: View) -> list[tuple[str, ...]]:
    """Return the flags that say how a step is shown, and of which program."""
    guess = view.guess
    return [
        ("--seed", str(view.seed)),
        ("--cursor", "none" if view.cursor is None else cell(*view.cursor)),
        ("--at", "none" if view.at is None else ",".join(map(str, view.at))),
        ("--look", view.look),
        *([("--sort", view.sort)] if view.sort else []),
        ("--backward" if view.backward else "--no-backward",),
        *([("--row", str(view.row))] if view.at_stop.board is not None else []),
        *([("--code", view.code)] if view.code is not None else []),
        *([("--predict", str(guess.number))] if guess is not None and guess.number else []),
        *([("--guess", guess.answer)] if guess is not None and guess.answer is not None else []),
    ]


def setting_words(view: View) -> list[str]:
    """Return the flags of what a view sets of its lesson: controls and seed that are not the lesson's own."""
    seed_words = ["--seed", str(view.seed)] if view.seed != view.lesson.seed else []
    return [*_control_words(view, View.opening(view.lesson, view.stop)), *seed_words]


def _control_words(view: View, opening: View) -> list[str]:
    """Return the controls that differ from the defaults, and those that these would set to something else."""
    given = {name: text for name, text in view.controls if text != dict(opening.controls)[name]}
    lesson = view.lesson
    implied = lesson.values({name: lesson.control(name).parse(text) for name, text in given.items()})
    moved = {
        name
        for name, value in implied.items()
        if lesson.control(name).show(value) != dict(view.controls)[name]
    }
    return [
        word
        for name, text in view.controls
        if name in given or name in moved
        for word in ("--set", f"{name}={text}")
    ]


def _order_words(view: View, opening: View) -> list[str]:
    words: list[str] = []
    implied = opening.depth
    if view.order is not None and view.order != view.at_stop.order:
        words, implied = ["--order", view.order], "cells"
    elif view.depth == "terms" and opening.depth != "terms":
        return ["--order", "terms"]
    return words if view.depth == implied else [*words, "--depth", view.depth]


def _map_words(view: View, opening: View) -> list[str]:
    words = ["--box", "/".join(view.box)] if view.depth == "map" and view.box != opening.box else []
    if view.follows != opening.follows:
        asked = view.follows
        words += (
            ["--lineage", "none"] if asked is None else [f"--{asked.way}", cell(asked.name, asked.position)]
        )
    return words


def cell(name: str, index: tuple[int, ...]) -> str:
    """Return a cell as the flags take it: `Y[1,2]`."""
    return f"{name}[{','.join(map(str, index))}]"
