"""The table of commands: what stands behind the name of each, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class CommandEntry(NamedTuple):
    """One command of the command line.

    Attributes:
        words: What stands behind its name.
        help: What it does, in a line.
    """

    words: str
    help: str


GROUPS: Mapping[str, Mapping[str, CommandEntry]] = {
    "learn and try": {
        "start": CommandEntry("", "open the door: three ways to begin"),
        "lessons": CommandEntry("", "list the lessons"),
        "open": CommandEntry("FILE", "open a notebook, Python, Markdown or a trace"),
        "play": CommandEntry("[FILE]", "write a program and see at once what torch did"),
        "practice": CommandEntry("[PART|LESSON]", "practise with endless questions, or print a sheet"),
        "answer": CommandEntry("LESSON EXPRESSION", "check an answer to an exercise"),
        "progress": CommandEntry("", "show what you have seen and solved"),
        "trace": CommandEntry("FILE.py:NAME", "run your own code and open its trace"),
        "compare": CommandEntry("ONE OTHER", "show where two traces that were saved differ"),
    },
    "teach": {
        "present": CommandEntry("DECK", "show a deck or a lesson on a stage"),
        "notes": CommandEntry("", "in a second terminal: the speaker's notes"),
        "follow": CommandEntry("", "in a second terminal: what is presented"),
        "check": CommandEntry("[FILE…]", "report what is wrong with lessons and decks"),
    },
    "without the app": {
        "frame": CommandEntry("LESSON", "print a picture, or one for each step"),
        "run": CommandEntry("[FILE|-|-c CODE]", "run a program and print its tensors"),
        "export": CommandEntry("WHAT", "write a page, a handout or a recording"),
        "play-script": CommandEntry("FILE", "play a recorded session in the app"),
    },
    "help and settings": {
        "help": CommandEntry("[TOPIC]", "print a guide, or list the guides"),
        "config": CommandEntry("", "show each setting and where it is from"),
        "doctor": CommandEntry("", "say what the lock and the terminal do"),
        "completion": CommandEntry("SHELL", "print the completion script of a shell"),
    },
}
"""The commands in groups, as `llm-linalg --help` lists them."""
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}


GONE = "programs are Python, and there is no language to list: 'llm-linalg help programs' says more"
"""What is said of the command `language`, and of the guide that was called so."""


def module_of(command: str) -> str:
    """Return the name of a command's module, imported when it is given."""
    return f"tui.cli.{command.replace('-', '_')}_command"


def overview() -> str:
    """Return the commands as lines, in their groups."""
    app = "[LESSON]"
    lines = {name: f"{name} {entry.words}".rstrip() for name, entry in COMMANDS.items()}
    width = max(map(len, lines.values()))
    rows = [f"  llm-linalg {app:<{width}}  open a lesson; without one, where you left off"]
    for title, group in GROUPS.items():
        rows += ["", f"{title}:"]
        rows += [f"  llm-linalg {lines[name]:<{width}}  {entry.help}" for name, entry in group.items()]
    return "\n".join(rows)
