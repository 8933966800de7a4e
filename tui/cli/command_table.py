"""The table of commands: the module of each, what stands behind its name, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class CommandEntry(NamedTuple):
    """One command of the command line.

    Attributes:
        module: Its module, imported when it is given.
        words: What stands behind its name.
        help: What it does, in a line.
    """

    module: str
    words: str
    help: str


GROUPS: Mapping[str, Mapping[str, CommandEntry]] = {
    "learn and try": {
        "start": CommandEntry("tui.cli.start_command", "", "open the door: three ways to begin"),
        "lessons": CommandEntry("tui.cli.lessons_command", "", "list the lessons"),
        "open": CommandEntry("tui.cli.open_command", "FILE", "open a notebook, Python, Markdown or a trace"),
        "play": CommandEntry(
            "tui.cli.play_command", "[FILE]", "write a program and see at once what torch did"
        ),
        "practice": CommandEntry(
            "tui.cli.practice_command", "[PART|LESSON]", "practise with endless questions, or print a sheet"
        ),
        "answer": CommandEntry(
            "tui.cli.answer_command", "LESSON EXPRESSION", "check an answer to an exercise"
        ),
        "progress": CommandEntry("tui.cli.progress_command", "", "show what you have seen and solved"),
        "trace": CommandEntry(
            "tui.cli.trace_command", "FILE.py:NAME", "run your own code and open its trace"
        ),
    },
    "teach": {
        "present": CommandEntry("tui.cli.present_command", "DECK", "show a deck or a lesson on a stage"),
        "notes": CommandEntry("tui.cli.notes_command", "", "in a second terminal: the speaker's notes"),
        "follow": CommandEntry("tui.cli.follow_command", "", "in a second terminal: what is presented"),
        "check": CommandEntry(
            "tui.cli.check_command", "[FILE…]", "report what is wrong with lessons and decks"
        ),
    },
    "without the app": {
        "frame": CommandEntry("tui.cli.frame_command", "LESSON", "print a picture, or one for each step"),
        "run": CommandEntry("tui.cli.run_command", "[FILE|-|-c CODE]", "run a program and print its tensors"),
        "export": CommandEntry("tui.cli.export_command", "WHAT", "write a page, a handout or a recording"),
        "play-script": CommandEntry("tui.cli.script_command", "FILE", "play a recorded session in the app"),
    },
    "help and settings": {
        "help": CommandEntry("tui.cli.help_command", "[TOPIC]", "print a guide, or list the guides"),
        "config": CommandEntry("tui.cli.config_command", "", "show each setting and where it is from"),
        "doctor": CommandEntry("tui.cli.doctor_command", "", "say what the lock and the terminal do"),
        "completion": CommandEntry(
            "tui.cli.completion_command", "SHELL", "print the completion script of a shell"
        ),
    },
}
"""The commands in groups, as `llm-linalg --help` lists them."""
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}


GONE = {
    "language": "programs are Python, and there is no language to list: 'llm-linalg help programs' says more"
}
"""What was a command, or a topic of the help, and what to do in its place."""


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
