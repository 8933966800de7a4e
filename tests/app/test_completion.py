"""Completion: each script is read by its shell, which then completes what there is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_linalg.lesson import catalog
from llm_linalg.vocabulary import ORDER_NAMES
from tui.cli import COMMANDS, main, parsers
from tui.cli_parse import THEMES
from tui.completion import table

SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
ASK_BASH = """
source "$1"
COMP_LINE=$2; COMP_POINT=${#2}
_llm_linalg
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What zsh would offer: its functions that add words are the test's own, and print them.
ASK_ZSH = """
compdef() { :; }
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@"; }
_describe() { local name=$@[-1]; print -rl -- ${${(P)name}%%:*}; }
_files() { print -rl -- *(N); }
compset() { :; }
source "$1"
words=(${(z)2}); [[ $2 == *' ' ]] && words+=('')
CURRENT=$#words
_llm_linalg
"""


def ask(shell: str, script: Path, line: str) -> list[str]:
    """What a shell offers for a line, in a folder with one file."""
    folder = script.parent / "here"
    folder.mkdir(exist_ok=True)
    (folder / "own lesson.md").touch()
    argv = {
        "bash": ["bash", "--norc", "-c", ASK_BASH, "bash", str(script), line],
        "zsh": ["zsh", "-f", "-c", ASK_ZSH, "zsh", str(script), line],
        "fish": ["fish", "-N", "-c", "source $argv[1]; complete -C $argv[2]", str(script), line],
    }[shell]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    last = line.rpartition(" ")[2]
    offered = [text.partition("\t")[0] for text in done.stdout.splitlines()]
    # zsh is handed everything and chooses itself; the others hand out what fits.
    return [text for text in offered if shell != "zsh" or text.startswith(last.rpartition("=")[2])]


@pytest.fixture(params=SHELLS)
def complete(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], set[str]]:
    shell = str(request.param)
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0

    def completed(line: str) -> set[str]:
        return {text.rpartition("=")[2] or text for text in ask(shell, script, line)}

    return completed


def test_commands_lessons_and_flags(complete: Callable[[str], set[str]]) -> None:
    assert complete("llm-linalg fr") == {"frame"}
    assert complete("llm-linalg ma") == {"matrix", "matvec", "matmul"}
    assert complete("llm-linalg frame ma") == {"matrix", "matvec", "matmul"}
    assert complete("llm-linalg frame --the") == {"--theme"}
    assert complete("llm-linalg check --th") == {"--thorough"}
    assert "frame" not in complete("llm-linalg frame fr")
    assert complete("llm-linalg completion ") == {"bash", "zsh", "fish"}
    assert "own lesson.md" in {name.replace("\\", "") for name in complete("llm-linalg check ow")}


def test_values(complete: Callable[[str], set[str]]) -> None:
    assert complete("llm-linalg --theme ") == set(THEMES)
    assert complete("llm-linalg frame matmul --order ") == set(ORDER_NAMES)
    assert complete("llm-linalg run --format ") == {"plain", "json"}
    assert "svg" in complete("llm-linalg frame --format ")


def test_controls_of_the_lesson_that_is_named(complete: Callable[[str], set[str]]) -> None:
    assert complete("llm-linalg triangular --set kind=") == {"triu", "tril"}
    assert complete("llm-linalg frame triangular --stop 2 --set kind=tri") == {"triu", "tril"}
    assert complete("llm-linalg elementwise --set op=") == {"+", "-", "*", "/"}
    assert complete("llm-linalg --set ").isdisjoint({"n=", "kind="})


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != "fish"])
def test_names_of_controls_end_with_an_equals_sign(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["completion", shell])
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    assert set(ask(shell, script, "llm-linalg triangular --set ")) == {"diagonal=", "kind=", "n="}


def test_the_table_has_every_command_and_flag() -> None:
    made = table(parsers(), catalog())
    assert [entry.name for entry in made.entries] == ["", *COMMANDS]
    for entry in made.entries:
        names = {name for flag in entry.flags for name in flag.names}
        assert names == {name for action in parsers()[entry.name].actions for name in action.option_strings}
        assert not any(set(flag.says) & set("'\"`\\$[]:\n") for flag in entry.flags)
    assert made.slugs.keys() == {lesson.slug for lesson in catalog()}
    assert made.controls["triangular"]["kind"] == ("triu", "tril")


def test_an_unknown_shell_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fihs"]) == 2
    assert 'did you mean "fish"' in capsys.readouterr().err
