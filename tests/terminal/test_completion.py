"""Completion at a real prompt, by the tab key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.terminal.console import Console
from tui.cli.main import main

BEGIN = {
    "bash": (("bash", "--norc", "-i"), "source {0}/_llm-linalg; PS1='ready> '\n"),
    "zsh": (
        ("zsh", "-f", "-i"),
        "fpath=({0} $fpath); autoload -Uz compinit; compinit -u -D; PS1='ready> '\n",
    ),
}


@pytest.mark.parametrize("shell", [shell for shell in BEGIN if shutil.which(shell)])
def test_the_tab_key(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", shell])
    (tmp_path / "_llm-linalg").write_text(capsys.readouterr().out, encoding="utf-8")
    argv, begin = BEGIN[shell]
    with Console(argv=argv, env={"HOME": str(tmp_path), "PYTHONPATH": None}) as console:
        console.send(begin.format(tmp_path))
        console.until(lambda: any(row.startswith("ready>") for row in console.screen.display))
        console.send("llm-linalg fr\t")
        console.until("llm-linalg frame ")
        console.send("triang\t--the\t")
        console.until("llm-linalg frame triangular --theme")
        console.send("li\t")
        console.until("--theme light")
        console.send("--look he\t")
        console.until("--look heat")
