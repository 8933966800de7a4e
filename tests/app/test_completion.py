"""Completion: each script is read by its shell, which then completes what there is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_linalg.base.constants import ORDER_NAMES
from llm_linalg.lessons.reader import catalog
from tests.common import file_at
from tui.cli.command_table import COMMANDS
from tui.cli.completion_command import SHELLS, whole_parser
from tui.cli.main import main, parsers
from tui.cli.settings import THEME_NAMES

# zsh completes at a prompt alone: tests/terminal/test_completion.py asks it there.
ASKED = [shell for shell in ("bash", "fish") if shutil.which(shell)]


ASK_BASH = """
source "$1"
read -ra COMP_WORDS <<< "$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_shtab_llm_linalg
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script_of(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The script for a shell, as a file."""
    assert main(["completion", shell]) == 0
    return file_at(folder, f"script.{shell}", capsys.readouterr().out)


def ask(shell: str, script: Path, line: str) -> set[str]:
    """What a shell offers for a line, in a folder with one file."""
    folder = script.parent / "here"
    folder.mkdir(exist_ok=True)
    (folder / "own lesson.md").touch()
    argv = {
        "bash": ["bash", "--norc", "-c", ASK_BASH, "bash", str(script), line],
        "fish": ["fish", "-N", "-c", "source $argv[1]; complete -C $argv[2]", str(script), line],
    }[shell]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done
    return {text.partition("\t")[0] for text in done.stdout.splitlines()}


@pytest.fixture(params=ASKED)
def complete(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], set[str]]:
    shell = str(request.param)
    script = script_of(shell, tmp_path, capsys)
    return lambda line: ask(shell, script, line)


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_its_shell_reads_the_script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert subprocess.run([shell, "-n", str(script_of(shell, tmp_path, capsys))], check=False).returncode == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_each_script_has_every_lesson(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = script_of(shell, tmp_path, capsys).read_text(encoding="utf-8")
    assert [lesson.slug for lesson in catalog() if lesson.slug not in script] == []


def test_commands_lessons_and_flags(complete: Callable[[str], set[str]]) -> None:
    assert complete("llm-linalg fr") == {"frame"}
    assert complete("llm-linalg ma") == {"matrix", "matvec", "matmul"}
    assert complete("llm-linalg frame ma") == {"matrix", "matvec", "matmul"}
    assert complete("llm-linalg frame --the") == {"--theme"}
    assert complete("llm-linalg check --th") == {"--thorough"}
    assert "frame" not in complete("llm-linalg frame fr")
    assert complete("llm-linalg completion ") == {"bash", "zsh", "fish"}
    assert complete("llm-linalg help sett") == {"settings"}
    assert "own lesson.md" in {name.replace("\\", "") for name in complete("llm-linalg check ow")}


def test_values(complete: Callable[[str], set[str]]) -> None:
    assert complete("llm-linalg --theme ") == set(THEME_NAMES)
    assert complete("llm-linalg frame matmul --order ") == set(ORDER_NAMES)
    assert complete("llm-linalg matmul --order ") == set(ORDER_NAMES)
    assert complete("llm-linalg run --format ") == {"plain", "json"}
    assert "svg" in complete("llm-linalg frame --format ")
    assert complete("llm-linalg triangular --set ") == {"diagonal=1", "kind=triu", "kind=tril", "n=5"}
    assert complete("llm-linalg triangular --set k") == {"kind=triu", "kind=tril"}


def test_the_parser_has_every_command_and_flag() -> None:
    (commands,) = (action for action in whole_parser().actions if action.dest == "==SUPPRESS==")
    assert isinstance(commands.choices, dict)
    assert [*commands.choices] == [*COMMANDS, *(lesson.slug for lesson in catalog())]
    for name, parser in parsers().items():
        has = {flag for action in parser.actions for flag in action.option_strings}
        made = whole_parser() if not name else commands.choices[name]
        assert {flag for action in made.actions for flag in action.option_strings} == has


def test_an_unknown_shell_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fihs"]) == 2
    assert 'did you mean "fish"' in capsys.readouterr().err
