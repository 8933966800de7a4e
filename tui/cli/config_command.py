"""`llm-linalg config`: each setting, and where it is from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from llm_linalg.base.text import clean, clean_lines
from tui.cli.launch import wrong_lesson
from tui.cli.parser import command_parser, format_flag
from tui.cli.settings import SETTINGS, Settings, example, resolve
from tui.files import user_dirs
from tui.files.output import say, write
from tui.files.state_file import StateFile
from tui.model.flags import Parser
from tui.text.json_line import json_line
from tui.text.key_names import written_key


def parser() -> Parser:
    """Return the parser of `llm-linalg config`."""
    parser = command_parser("config", "Show each setting and where it is from.")
    parser.add_argument("--example", action="store_true", help="print a file with every setting and key")
    format_flag(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print the settings as they are for the app started now, or a file to begin with."""
    if flags.example:
        write(clean_lines(example()))
        return 0
    settings = resolve(argparse.Namespace(), os.environ, StateFile(user_dirs.folder(os.environ)))
    problems = [*settings.problems, *filter(None, [wrong_lesson(settings)])]
    if flags.format == "json":
        write(json_line(as_json(settings)))
    else:
        for line in as_text(settings):
            write(clean_lines(f"{line}\n"))
    for problem in problems:
        say(problem)
    return 2 if problems else 0


def as_json(settings: Settings) -> dict[str, object]:
    """Return the settings as one JSON object."""
    by_name = settings.by_name
    return {
        "format": 1,
        "file": settings.file,
        "there": _there(settings),
        "settings": [
            {"name": name, "value": one.value, "source": one.source, "where": one.where or None}
            for name, one in by_name.items()
        ],
        "keys": [
            {
                "command": key.id,
                "keys": [*map(written_key, key.key_names)],
                "where": settings.key_sources[key.id],
            }
            for key in settings.keys
            if key.id in settings.key_sources
        ],
    }


def as_text(settings: Settings) -> Iterator[str]:
    """Yield the settings in lines of three columns: name, value, and where it is from."""
    file = "nowhere: no home is known" if settings.file is None else clean(settings.file, 200)
    yield f"file: {file}{'' if _there(settings) else ' (not there)'}"
    rows = [*_rows(settings)]
    names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
    yield from (f"{name:<{names}}  {value:<{values}}  {where}" for name, value, where in rows)


def _rows(settings: Settings) -> Iterator[tuple[str, str, str]]:
    says = {"state": "the last run", "default": "default"}
    for setting in SETTINGS:
        one = settings.by_name[setting.name]
        value = f"{one.value:g}" if isinstance(one.value, float) else str(one.value)
        value = value.lower() if isinstance(one.value, bool) else value
        yield setting.name, clean(value, 40) or "-", clean(one.where or says[one.source], 300)
    for key in settings.keys:
        if key.id in settings.key_sources:
            names = " ".join(map(written_key, key.key_names))
            yield key.id, clean(names, 60), clean(settings.key_sources[key.id], 300)


def _there(settings: Settings) -> bool:
    return settings.file is not None and Path(settings.file).is_file()
