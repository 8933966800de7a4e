"""Completion for fish 3 and later."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from tui.completion import PROGRAM, Flag, Table, quoted


def script(table: Table) -> str:
    """The script: ``llm-linalg completion fish | source``, or a file in fish's folder of completions."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Table) -> Iterator[str]:
    names = " ".join(entry.name for entry in table.entries if entry.name)
    yield "# Completion of llm-linalg for fish, made by: llm-linalg completion fish"
    yield HELPERS.format(names=names)
    yield from _controls(table)
    yield "        end\n    end\nend\n"
    yield f"complete -c {PROGRAM} -f"
    for entry in table.entries:
        when = f"__llm_linalg_in '{entry.name}'"
        if not entry.name:
            for other in table.entries[1:]:
                yield f"{_complete(when)} -a {other.name} -d {quote(other.says)}"
        for word in entry.words:
            yield f"{_complete(when)} -a {word}"
        if entry.lessons:
            for slug, title in table.slugs.items():
                yield f"{_complete(when)} -a {slug} -d {quote(title)}"
        if entry.files:
            yield f"{_complete(when)} -F"
        for flag in entry.flags:
            yield f"{_complete(when)} {_flag(flag)} -d {quote(flag.says)}"


def _complete(when: str) -> str:
    return f'complete -c {PROGRAM} -n "{when}"'


def _flag(flag: Flag) -> str:
    names = " ".join(
        f"-l {name.removeprefix('--')}" if name.startswith("--") else f"-s {name.removeprefix('-')}"
        for name in flag.names
    )
    values = {
        "nothing": "",
        "words": f" -x -a {quote(' '.join(flag.words))}",
        "files": " -r -F",
        "controls": " -x -a '(__llm_linalg_controls)'",
        "anything": " -x",
    }
    return names + values[flag.takes]


def _controls(table: Table) -> Iterator[str]:
    for slug, controls in table.controls.items():
        said = [f"{name}={value}" for name, values in controls.items() for value in (values or ("",))]
        yield f"        case {slug}\n            printf '%s\\n' {quoted(said)}"


HELPERS = """
# Whether the command line is one of this command; of the app itself, if there is none.
function __llm_linalg_in
    set -l words (commandline -opc)
    set -l command ''
    if set -q words[2]; and contains -- $words[2] {names}
        set command $words[2]
    end
    test "$command" = "$argv[1]"
end

# NAME=VALUE for the controls of the lesson that is named.
function __llm_linalg_controls
    for word in (commandline -opc)
        switch $word"""
