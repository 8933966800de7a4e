"""Textual's variables of the environment: what they do is not done to a user who did not ask for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import textual

from tests.terminal.console import Console
from tui.terminal.textual_variables import HARMLESS, PERMISSION, remove

READY = "q quit"


def read_by_textual() -> set[str]:
    """The names that stand in Textual's own code."""
    folder = Path(textual.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    return set(re.findall(r"""["'](TEXTUAL(?:_[A-Z_]+)?)["']""", text))


def test_what_is_left_is_known_and_everything_else_goes() -> None:
    names = read_by_textual()
    assert names >= HARMLESS
    assert {"TEXTUAL", "TEXTUAL_DRIVER", "TEXTUAL_PRESS", "TEXTUAL_LOG", "TEXTUAL_DEBUG"} <= names
    others = {"TERM": "xterm", "TEXTUAL_OF_TOMORROW": "1"}
    environment = {**dict.fromkeys(names, "x"), **others}
    remove(environment)
    assert environment == {**dict.fromkeys(HARMLESS, "x"), "TERM": "xterm"}
    for said, left in (("1", 3), ("0", 2), ("yes", 2)):
        environment = {PERMISSION: said, "TEXTUAL_PRESS": "q", "TEXTUAL_FPS": "30"}
        remove(environment)
        assert len(environment) == left


@pytest.mark.parametrize("permission", [None, "1"])
@pytest.mark.slow
def test_in_the_app(tmp_path: Path, permission: str | None) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')\nclass D: pass\n", "utf-8")
    foreign = {
        "TEXTUAL": "debug,devtools", "TEXTUAL_DEBUG": "1", "TEXTUAL_DRIVER": "evil:D",
        "TEXTUAL_LOG": str(tmp_path / "log"), "TEXTUAL_PRESS": "q", "TEXTUAL_SCREENSHOT": "0",
        "TEXTUAL_SCREENSHOT_LOCATION": str(tmp_path), "TEXTUAL_SHOW_RETURN": "1",
    }  # fmt: skip
    if permission:
        foreign = {"TEXTUAL_PRESS": "q"}
    path = {"PYTHONPATH": f"{Path(__file__).parents[2]}:{tmp_path}", PERMISSION: permission}
    with Console("matmul", env=foreign | path) as console:
        if permission is None:
            console.until(READY)
            console.send("q")
        assert console.wait() == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["evil.py"]
