"""`llm-linalg trace`: the user's own code, imported, run and opened; and what `llm_linalg.explore` opens."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean
from llm_linalg.lessons.documents import TRACE
from tui.cli.parser import app_flags, command_parser, format_flag, megabytes
from tui.cli.run_command import print_trace
from tui.files.output import explain, is_terminal, say, write
from tui.model.flags import Parser
from tui.model.map_table import TABLES
from tui.model.usage_error import UsageError
from tui.terminal import process

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.lessons.lesson import Lesson
    from llm_linalg.lessons.words import Words
    from llm_linalg.recording.record_node import Value

MEGABYTE = 2**20
PATIENCE = 3.0  # seconds of a module's own code after which it is said that it runs
_TARGET = re.compile(r"(?:.+\.py|(?!randint:)[\w.]+):[^\W\d][\w.]*(?:\(.*\))?", re.DOTALL)


def parser() -> Parser:
    """Return the parser of `llm-linalg trace TARGET …`."""
    parser = command_parser("trace", "Import and run your own code, and open the trace of its torch calls.")
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="FILE.py:FUNCTION, MODULE:FUNCTION, or an expression: 'model.py:GPT(Settings(heads=2))'",
    )
    parser.add_argument(
        "--inputs", action="extend", nargs="+", default=[], metavar="X",
        help="its inputs, one after another: 'torch.randn(2, 5, 8)', 2x5x8, randint:0:50:2x5, or NAME=2x5",
    )  # fmt: skip
    words_flag(parser)
    parser.add_argument("--keep", type=megabytes, metavar="MB", help="values kept, in MB: 1024 unless given")
    format_flag(parser, None, "print the nodes: plain or json")
    table_flags(parser)
    parser.add_argument("--save", metavar="FILE.trace", help="write the trace into a file, and open no app")
    app_flags(parser, leave_out=("set", "code", "stop", "row", "time_limit"))
    return parser


def table_flags(parser: Parser) -> None:
    """Add `--summary` and `--attention`."""
    parser.add_argument("--summary", action="store_true", help="print a table of its modules and operations")
    parser.add_argument(
        "--attention", action="store_true", help="print where the weights of each attention head go"
    )


def _print_attention(trace: Trace, form: str) -> None:
    """Write the attention heads of a trace as a table, or as JSON."""
    from tui.render.attention_text import attention_json, attention_plain

    for text in (attention_plain(trace),) if form == "plain" else attention_json(trace):
        write(text)


def words_flag(parser: Parser) -> None:
    """Add `--words`."""
    parser.add_argument(
        "--words",
        dest="positions",
        metavar="W",
        help="the words of the positions, as one text; or the path of a tokenizer.json",
    )


def run(flags: argparse.Namespace) -> int:
    """Run what the flags name; print its nodes, or open the app."""
    from llm_linalg.base.errors import ProgramError
    from tui.cli.launch import check_terminal, launch

    _settle(flags)
    if flags.format is None and flags.save is None:
        check_terminal(os.environ, "--format plain prints the nodes")  # before anything is run
    say(f"imports and runs {quote(flags.target, 200)}: your own code, with your rights")
    try:
        lesson = lesson_of_target(flags)
        if flags.format is None and flags.save is None:
            return launch(flags, lesson)
        return without_app(lesson.run(seed=flags.seed), flags)
    except ProgramError as error:
        if flags.save is not None and error.trace is not None:
            without_app(error.trace, flags)
        explain(error, _place(error))
        if flags.save is None and error.trace is not None and error.trace.nodes:
            several = len(error.trace) > 1
            before = f"{len(error.trace)} nodes come" if several else "1 node comes"
            say(f"{before} before it: --save FILE{TRACE} keeps {'them' if several else 'it'}")
        return 130 if isinstance(error.__cause__, KeyboardInterrupt) else 1


def _place(error: ProgramError) -> str:
    """Return the name of the file that an error's line is in, as it stands before the line; or nothing."""
    file = error.frames[-1].file if error.frames and error.span is not None else ""
    return f"{clean(Path(file).name, 80)}: " if file else ""


def _settle(flags: argparse.Namespace) -> None:
    """Give the flags what they leave open. Raises UsageError for those that contradict each other."""
    if flags.target is None:  # it may stand behind its inputs
        flags.target = next(filter(_TARGET.fullmatch, flags.inputs), None)
        if flags.target is None:
            raise UsageError("the following arguments are required: TARGET")
        flags.inputs.remove(flags.target)
    if flags.save is not None and not flags.save.endswith(TRACE):
        raise UsageError(f"{quote(flags.save, 200)} does not end in {TRACE}")
    if flags.sort is not None and not flags.summary and flags.look not in TABLES:
        raise UsageError("--sort sorts the table of --summary, or of the map with --look sizes or values")
    if flags.attention and flags.summary:
        raise UsageError("either --attention or --summary: both are tables")
    flags.format = flags.format or ("plain" if flags.summary or flags.attention else None)
    if flags.code is not None or flags.set:
        raise UsageError("a trace has no controls and no program of its own: --set and --code are a lesson's")
    file = flags.target.partition(":")[0]
    if file.endswith(".py") and not Path(file).is_file():
        raise UsageError(f"no file {quote(file, 200)}")


def without_app(trace: Trace, flags: argparse.Namespace) -> int:
    """Write a trace into its file and print its nodes, as the flags say; return the exit code."""
    try:
        gradients = trace.backward(trace.loss) if flags.backward and trace.loss is not None else None
    except LookupError as error:
        say(str(error.args[0]))
        return 1
    if flags.summary:
        _print_summary(trace, gradients, flags)
    elif flags.attention:
        _print_attention(trace, flags.format)
    elif flags.format is not None:
        print_trace(gradients or trace, flags.format)
    if gradients is not None:
        from tui.render.summary_text import alarming_gradients

        for line in alarming_gradients(gradients):
            say(line)
    if flags.save is None:
        return 0
    try:
        trace.save(flags.save)
    except (OSError, ValueError) as error:
        say(f"cannot write {quote(flags.save, 200)}: {getattr(error, 'strerror', None) or error}")
        return 1
    nodes = "1 node" if len(trace) == 1 else f"{len(trace)} nodes"
    say(f"{quote(flags.save, 200)} has {nodes}; 'llm-linalg open' shows it, also without the model")
    return 0


def _print_summary(trace: Trace, gradients: Trace | None, flags: argparse.Namespace) -> None:
    from tui.render.summary_text import summary_json, summary_plain

    plain = flags.format == "plain"
    for text in (summary_plain(trace, flags.sort),) if plain else summary_json(trace, flags.sort, gradients):
        write(text)


@contextmanager
def own_code_running(place: str) -> Iterator[None]:
    """Say so if a module's own code runs for long: it may train. Meanwhile `^g` ends it, as `^C` does."""
    end = "^C ends it" if not is_terminal(sys.stdin) else "^g or ^C ends it"
    notice = Timer(
        PATIENCE,
        lambda: say(
            f"{quote(place, 100)} is still running its own code; {end}; "
            "put its training under `if __name__ == '__main__':`"
        ),
    )
    notice.daemon = True
    notice.start()
    try:
        with process.interrupt_key(b"\x07"):
            yield
    finally:
        notice.cancel()


def lesson_of_target(flags: argparse.Namespace) -> Lesson:
    """Return what the flags name, in a lesson's place; it has been imported, and not yet run.

    Raises:
        UsageError: If there is no such thing, or an input is none.
        ProgramError: If importing it fails.
    """
    from llm_linalg.api import trusted
    from llm_linalg.lessons.external import of_function
    from llm_linalg.lessons.lesson import lesson_of
    from llm_linalg.lessons.words import NO_WORDS
    from llm_linalg.ops.arguments import tensors_in

    seed = flags.seed or 0
    try:
        given, named = trusted.evaluate_inputs(flags.inputs, seed)
        place = flags.target.partition(":")[0]
        function, path = trusted.load(flags.target, seed, own_code_running(place))
        many = len(given) + len(named)
        function = trusted.module_of(function, many, seed, own_code_running(place))
        trusted.check_inputs(function, given, flags.target.partition(":")[2], named)
    except trusted.TargetError as error:
        raise UsageError(str(error)) from None
    words = ("trace", flags.target, *(word for text in flags.inputs for word in ("--inputs", text)))
    named_positions = NO_WORDS
    if flags.positions is not None:
        words += ("--words", flags.positions)
        named_positions = words_of(flags.positions, list(tensors_in((*given, *named.values()))))
    keep = None if flags.keep is None else flags.keep * MEGABYTE
    title = flags.target.partition(":")[2].partition("(")[0]  # of a model made by an expression, its class
    program = of_function(function, given, words, keep, named)
    return lesson_of(program, title, path, words=named_positions)


def words_of(text: str, inputs: Sequence[Value]) -> Words:
    """Return the words that `--words` gives for the positions of a trace's inputs.

    Raises:
        UsageError: If there are none, or they fit no input.
    """
    from llm_linalg.lessons.words import read_words

    try:
        words = read_words(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"--words: {getattr(error, 'strerror', None) or error}") from None
    if not words.fit(inputs):
        shapes = ", ".join(str(tuple(value.shape)) for value in inputs) or "none"
        number = len(words.positions)
        what = f"{number} word{'s' if number != 1 else ''}" if number else "this tokenizer's ids"
        raise UsageError(f"--words: {what} fit no input; their shapes are {shapes}")
    return words
