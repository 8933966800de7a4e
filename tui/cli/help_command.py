"""`llm-linalg help`: the guides, the keys, and the words of scripts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator

from llm_linalg.base.text import clean_lines
from tui.cli.parser import command_parser
from tui.files.output import write
from tui.model.flags import Choice, Parser
from tui.text.guides import guide_rows, guides

WIDEST = 100  # columns of prose that are read well


def parser() -> Parser:
    """Return the parser of `llm-linalg help [TOPIC]`."""
    parser = command_parser("help", "Print a guide, or list the guides there are.")
    parser.add_argument(
        "topic", nargs="?", type=Choice("topic", topics()), metavar="TOPIC", help=", ".join(topics())
    )
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print a topic, or all there are."""
    if flags.topic is None:
        write(clean_lines("".join(_topic_list())))
        return 0
    generated = GENERATED.get(flags.topic)
    text = _guide(flags.topic, _width()) if generated is None else generated[1]()
    write(clean_lines(text))
    return 0


def topics() -> tuple[str, ...]:
    """Return what there is to read."""
    return tuple(sorted([*guides(), *GENERATED]))


def _topic_list() -> Iterator[str]:
    yield "llm-linalg help TOPIC prints one of these:\n\n"
    width = max(map(len, topics()))
    for topic in topics():
        title = GENERATED[topic][0] if topic in GENERATED else guides()[topic].title
        yield f"  {topic:<{width}}  {title}\n"
    yield "\nllm-linalg --help lists the commands, and llm-linalg COMMAND --help what each takes.\n"


def _guide(topic: str, width: int) -> str:
    guide = guides()[topic]
    rows = ["".join(span.text for span in spans).rstrip() for spans in guide_rows(guide.text, width)]
    return "\n".join([guide.title, "", *rows]) + "\n"


def _width() -> int:
    """Return the terminal's columns, within what is read well; 80 where nobody sits at one."""
    try:
        columns = os.get_terminal_size(1).columns if sys.stdout is sys.__stdout__ else 0
    except OSError:
        columns = 0
    return max(40, min(columns or 80, WIDEST))


def _keys() -> str:
    from tui.session.keys import KEYS, help_groups

    lines = ["The keys as they are by default. In the app, ? shows those that work now."]
    for group, commands in help_groups(KEYS):
        lines += ["", str(group), *(f"  {command.key_text:<10} {command.help}" for command in commands)]
    return "\n".join(lines) + "\n"


def _words() -> str:
    from tui.session.script.script_words import help_text

    return help_text()


GENERATED: dict[str, tuple[str, Callable[[], str]]] = {
    "keys": ("Every key of the app", _keys),
    "words": ("Every word of scripts and of the plain session", _words),
}
"""What is made from tables: its title, and its text."""
