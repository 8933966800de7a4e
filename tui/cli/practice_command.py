"""`llm-linalg practice`: questions without end, or a sheet of them."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import CleanText, clean, clean_lines
from llm_linalg.lessons.markdown import plain_text
from tui.cli import launch
from tui.cli.frame_command import no_environment
from tui.cli.parser import command_parser, format_flag, setting_flags
from tui.cli.settings import COLOURS, resolve
from tui.files.output import is_terminal, write
from tui.model.flags import Parser, whole_number
from tui.model.flags import seed as seed_number
from tui.model.usage_error import UsageError
from tui.plain_prompt import lines
from tui.text.glyphs import ascii_text
from tui.text.json_line import json_line

if TYPE_CHECKING:
    from llm_linalg.questions.practice import Practice, PracticeProgram, PracticeQuestion
    from tui.app import ScreenApp

MOST = 1000  # questions of a sheet
SHEET = "'llm-linalg practice --count 10' prints a sheet"
WIDTH = 80


def parser() -> Parser:
    """Return the parser of `llm-linalg practice`."""
    parser = command_parser(
        "practice",
        "Questions without end, made from short programs with small whole numbers. They become "
        "harder as answers are right, and what was missed comes back.",
    )
    parser.add_argument("what", nargs="?", metavar="PART|LESSON", help="practise this alone: 3, or matmul")
    parser.add_argument(
        "--seed", type=seed_number, default=0, metavar="N", help="which questions; 0 unless given"
    )
    parser.add_argument("--count", type=whole_number, metavar="N", help="print a sheet of N questions")
    format_flag(parser, says="of the sheet: plain, json")
    parser.add_argument("--answers", action="store_true", help="with the answers")
    setting_flags(parser, (*COLOURS, "plain"))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print a sheet, or ask until the learner leaves; return the exit code.

    Raises:
        UsageError: For a part or a lesson of which nothing is practised.
    """
    if flags.count is None:
        if flags.answers or flags.format != "plain":
            which = "answers" if flags.answers else "format"
            raise UsageError(f"--{which} is of a sheet: --count says how many questions it has")
        return _session(flags)
    if not 1 <= flags.count <= MOST:
        raise UsageError(f"a sheet has 1 to {MOST:,} questions, not {flags.count}")
    no_environment()
    from llm_linalg.questions.practice import sheet

    for number, drawn in enumerate(sheet(programs(flags.what), flags.seed, flags.count), 1):
        if flags.format == "json":
            write(json_line(question_object(number, drawn, answers=flags.answers)))
        else:
            text = "\n" * (number > 1) + question_text(number, drawn, ascii_only=bool(flags.ascii))
            if flags.answers:
                text += f"answer: {plain_text(drawn.question.answer.text)}\n"
            write(_spelled(text, bool(flags.ascii)))
    return 0


def _spelled(text: str, ascii_only: bool) -> CleanText:
    """Return text to be written, in ASCII if that is all there is."""
    return clean_lines(ascii_text(text) if ascii_only else text)


def programs(what: str | None) -> tuple[PracticeProgram, ...]:
    """Return what is practised of a part or a lesson; all without a word. Raises UsageError."""
    from llm_linalg.questions.practice import PROGRAMS, programs_of

    if what is None:
        return PROGRAMS
    found = programs_of(part=int(what)) if what.isdecimal() and len(what) < 3 else programs_of(lesson=what)
    if not found:
        parts = ", ".join(dict.fromkeys(str(one.part) for one in PROGRAMS))
        slugs = ", ".join(sorted({slug for one in PROGRAMS for slug in one.lessons}))
        raise UsageError(
            f"there is nothing to practise in {quote(what)}: the parts are {parts}, the lessons {slugs}"
        )
    return found


def question_object(number: int, drawn: PracticeQuestion, *, answers: bool) -> dict[str, object]:
    """Return a question of a sheet as an object for JSON."""
    ask = drawn.question.ask
    record: dict[str, object] = {
        "format": 1,
        "number": number,
        "kind": drawn.question.kind,
        "level": drawn.level,
        "question": plain_text(ask.question),
        "choices": [plain_text(choice) for choice in ask.choices],
        "picture": picture_text(drawn),
    }
    return record | {"answer": plain_text(drawn.question.answer.text)} if answers else record


def picture_text(drawn: PracticeQuestion, *, ascii_only: bool = False) -> CleanText:
    """Return the picture that a question is asked about, as text."""
    from tui.compose.practice_picture import practice_frame
    from tui.render.plain import puzzle

    return puzzle(practice_frame(drawn, ascii_only=ascii_only), WIDTH)


def question_text(number: int, drawn: PracticeQuestion, *, ascii_only: bool) -> CleanText:
    """Return a question with its picture and its choices."""
    ask = drawn.question.ask
    choices = "".join(f"  {k}  {plain_text(choice)}\n" for k, choice in enumerate(ask.choices, 1))
    picture = picture_text(drawn, ascii_only=ascii_only)
    return _spelled(f"{number}. {plain_text(ask.question)}\n{choices}\n{picture}\n", ascii_only)


def _session(flags: argparse.Namespace) -> int:
    """Ask question after question."""
    settings = resolve(flags, os.environ)
    launch.report_problems(settings)
    some = flags.what
    if settings.values.plain or launch.is_dumb(os.environ):
        from llm_linalg.questions.practice import Practice

        return _at_a_prompt(Practice(programs(some), flags.seed), ascii_only=settings.values.ascii)

    def make() -> ScreenApp:
        from tui.app import ScreenApp
        from tui.screens.practice_screen import PracticeScreen

        return ScreenApp(PracticeScreen(lambda: _begin(some, flags.seed)), launch.options_of(settings))

    if some is not None:
        programs(some)  # said before the screen opens
    return launch.run_on_terminal(make, settings, SHEET)[1]


def _begin(what: str | None, seed: int) -> Practice:
    """Return a session of practice; for a thread, as it imports torch."""
    from llm_linalg.questions.practice import Practice

    return Practice(programs(what), seed)


def _at_a_prompt(practice: Practice, *, ascii_only: bool) -> int:
    """Ask on standard output and read answers from standard input; an empty line passes."""
    from tui.compose.guess_frame import answered

    typed = is_terminal(sys.stdin)
    drawn = practice.question
    write(question_text(practice.number, drawn, ascii_only=ascii_only))
    for line in lines("> " if typed else "", write):
        text = clean(line.strip(), 200)
        if text in ("quit", "q"):
            break
        given = answered(drawn.question, text) if text else None
        if text and given is None:
            write(clean_lines("That is not an answer to this question. An empty line passes it.\n"))
            continue
        said = f"It is {plain_text(drawn.question.answer.text)}." if given is None else given.sentence
        practice = practice.after(drawn, right=given is not None and given.right)
        drawn = practice.question
        asked = question_text(practice.number, drawn, ascii_only=ascii_only)
        write(_spelled(f"{said}\n\n{asked}", ascii_only))
    return 0
