"""`llm-linalg practice`: questions without end, or a sheet of them."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import CleanText, clean, clean_lines
from llm_linalg.lessons.markdown import plain_text
from tui.cli import launch
from tui.cli.frame_command import no_environment
from tui.cli.parser import command_parser, format_flag, setting_flags
from tui.cli.settings import COLOURS, resolve
from tui.files import user_dirs
from tui.files.output import is_terminal, write
from tui.files.state_file import StateFile
from tui.model.flags import Parser, whole_number
from tui.model.flags import seed as seed_number
from tui.model.usage_error import UsageError
from tui.plain_prompt import lines
from tui.text.glyphs import ascii_text
from tui.text.json_line import json_line
from tui.text.rows import wrap

if TYPE_CHECKING:
    from llm_linalg.questions.practice import Practice, PracticeProgram, PracticeQuestion
    from tui.app import ScreenApp
    from tui.model.question_view import GuessView

MOST = 1000  # questions of a sheet
SHEET = "'llm-linalg practice --count 10' prints a sheet"
WIDTH = 80


def parser() -> Parser:
    """Return the parser of `llm-linalg practice`."""
    parser = command_parser(
        "practice",
        "Questions without end, made from short programs with small whole numbers: of what you have seen "
        "of the course, if you have seen any. They become harder as answers are right, and what was missed "
        "comes back with other numbers.",
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
                text += f"answer: {plain_text(drawn.question.answer.text)}\n{_because(drawn, None)}"
            write(_spelled(text, bool(flags.ascii)))
    return 0


def _spelled(text: str, ascii_only: bool) -> CleanText:
    """Return text to be written, in ASCII if that is all there is."""
    return clean_lines(ascii_text(text) if ascii_only else text)


def programs(what: str | None) -> tuple[PracticeProgram, ...]:
    """Return what is practised of a part or a lesson; all without a word. Raises UsageError."""
    from llm_linalg.lessons.reader import shelf
    from llm_linalg.questions.practice import PROGRAMS, programs_of

    if what is None:
        return PROGRAMS
    is_part = what.isdecimal() and len(what) < 3
    practised = programs_of([one.slug for one in shelf() if one.part == int(what)] if is_part else [what])
    if not practised:
        taught = {slug for one in PROGRAMS for slug in one.lessons}
        parts = ", ".join(dict.fromkeys(str(one.part) for one in shelf() if one.slug in taught))
        slugs = ", ".join(sorted(taught))
        raise UsageError(
            f"there is nothing to practise in {quote(what)}: the parts are {parts}, the lessons {slugs}"
        )
    return practised


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
    if not answers:
        return record
    from tui.compose.practice_picture import taught_stop

    taught = taught_stop(drawn)
    solution = {"answer": plain_text(drawn.question.answer.text), "why": plain_text(drawn.question.why)}
    return record | solution | ({} if taught is None else {"lesson": taught.slug, "stop": taught.number})


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
    asked = "\n".join(wrap(f"{number}. {plain_text(ask.question)}", WIDTH))
    return _spelled(f"{asked}\n{choices}\n{picture}\n", ascii_only)


def _session(flags: argparse.Namespace) -> int:
    """Ask question after question."""
    settings = resolve(flags, os.environ)
    launch.report_problems(settings)
    some = flags.what
    if settings.values.plain or launch.is_dumb(os.environ):
        return _at_a_prompt(_begin(some, flags.seed), ascii_only=settings.values.ascii)

    def make() -> ScreenApp:
        from tui.app import ScreenApp
        from tui.screens.practice_screen import PracticeScreen

        whole = None if some is not None or not _seen() else partial(_whole, flags.seed)
        return ScreenApp(PracticeScreen(lambda: _begin(some, flags.seed), whole), launch.options_of(settings))

    if some is not None:
        programs(some)  # said before the screen opens
    return launch.run_on_terminal(make, settings, SHEET)[1]


def _begin(what: str | None, seed: int) -> Practice:
    """Return a session of practice; for a thread, as it imports torch.

    Without a word it is of what was seen, if that is practised.
    """
    from llm_linalg.questions.practice import Practice, programs_seen

    seen = programs_seen(_seen()) if what is None else ()
    return Practice(seen or programs(what), seed)


def _whole(seed: int) -> Practice:
    """Return a session of practice of all of the course."""
    from llm_linalg.questions.practice import Practice

    return Practice(seed=seed)


def _seen() -> frozenset[tuple[str, str]]:
    """Return the stops of the course that were seen."""
    return StateFile(user_dirs.folder(os.environ)).load().progress.seen_stops


def _because(drawn: PracticeQuestion, given: GuessView | None) -> str:
    """Return the mistake that was made, why the answer is right, and what opens the stop that teaches it."""
    from tui.compose.practice_picture import reasons, taught_stop

    taught = taught_stop(drawn)
    lines = [*reasons(drawn, given)]
    if taught is not None:
        lines += [taught.words, f"llm-linalg {taught.slug} --stop {taught.number}"]
    return "".join(f"{line}\n" for text in lines for line in wrap(text, WIDTH))


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
        verdict = f"It is {plain_text(drawn.question.answer.text)}." if given is None else given.sentence
        why = _because(drawn, given)
        practice = practice.after(drawn, right=given is not None and given.right)
        drawn = practice.question
        asked = question_text(practice.number, drawn, ascii_only=ascii_only)
        write(_spelled(f"{verdict}\n{why}\n{asked}", ascii_only))
    return 0
