"""What many tests begin with: a file that has a text, a command that is done, and a value that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest

from tui.cli.main import main

T = TypeVar("T")


def file_at(folder: Path, name: str, text: str) -> Path:
    """Returns a new file."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def ours(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Returns the exit code of `llm-linalg`, what it prints, and what it says of that."""
    code = main(words)
    out, narration = capsys.readouterr()
    return code, out, narration


def known(value: T | None) -> T:
    """Returns a value that must not be None."""
    assert value is not None
    return value
