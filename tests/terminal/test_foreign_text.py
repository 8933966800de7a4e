"""Text that the team did not write, through every way in, on a real pty: no control byte of it arrives.

What the terminal is sent is read as a terminal reads it. Our own output is a short list of sequences; any
other, and any of the text's own, is a failure.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from llm_linalg.text import clean
from tests.terminal.console import APP, LONGEST, Console, environment

EVIL = (
    "\x1b]52;c;aGk=\x07",  # writes to the clipboard
    "\x1b]0;owned\x07",  # the title
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",  # clears
    "\x1b[?1049l",  # leaves the screen
    "\x1bP+q544e\x1b\\",  # a device string
    "\x9b31m\x9d0;c1\x9c",  # C1
    "\x07\x08\x0b\x0c\x0e\x0f\x7f",
    "\u202eabc\u202c\u2066x\u2069",  # bidi
    "\u200b\u200d\ufeff\u00ad",  # nothing to see
    "e\u0301\u0301\u0301\u0301\u0301\u0301",  # a tower of marks
    "[@click=app.quit]x[/] [/foo] $[bold]",  # markup
)
ALL = "".join(EVIL)
# What we send: the cursor's place, styles, modes, the keyboard protocol, questions, one of the background.
OURS = re.compile(
    r"\x1b\[\d*(?:;\d*)?H|\x1b\[\d*C|\x1b\[[\d;]*m|\x1b\[\?\d+(?:;\d+)*[hl]|\x1b\[[<>=]\d*(?:;\d+)?u"
    r"|\x1b\[\?\d+\$p|\x1b\[\d*J|\x1b\]11;\?\x1b\\|\x1b\[>4;\d+m|\x1b\[\?u|\x1b\[c"
)
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad]"
)
TITLE = "\x1b]0;llm-linalg\x07"


def foreign(raw: bytes) -> list[str]:
    """The characters that are neither text nor ours."""
    text = OURS.sub("", raw.decode("utf-8").replace(TITLE, ""))
    return HIDDEN.findall(text)


def lesson(text: str) -> str:
    words = " ".join(text.split()) or text
    said = json.dumps(words)[1:-1].replace("\\u00", "\\u00")
    return (
        f'+++\ntitle = "T {said}"\n[controls.n]\nrange = [1, 3]\ndefault = 2\nlabel = "n {said[:20]}"\n+++\n'
        f"## H {words}\nProse {words} **x** `{words}`.\n\n```python\nx = torch.ones(n, 3)  # {words}\n"
        f"y = x @ x.T\nprint({json.dumps(words)})\n```\n"
    )


def notebook(text: str) -> str:
    cells = [
        {"cell_type": "markdown", "source": [f"# {text}\n", text], "metadata": {}},
        *(
            {"cell_type": "code", "source": [code], "metadata": {}, "outputs": [], "execution_count": None}
            for code in (f"x = torch.ones(2, 2)  # {text}\nprint({text!r})\n", f"y = x @ {text}")
        ),
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def walk_through(console: Console, keys: str = "\x1b[C.np\x1bc\x1b[B?\x1b,l\x1b[B\x1b") -> None:
    """Waits for the picture, goes through some screens, and leaves."""
    console.until(lambda: "seed 0" in console.text and "loading" not in console.text)
    for key in re.findall(r"\x1b\[.|.|\x1b", keys, re.DOTALL):
        console.send(key)
        console.quiet(0.05)
    console.send("\x1b")
    console.quiet(0.3)
    console.send("q")
    console.quiet(0.2)
    if console.process.poll() is None:
        console.send("q")
    assert console.wait() == 0


@pytest.mark.parametrize("suffix", [".md", ".ipynb", ".py"])
def test_files(tmp_path: Path, suffix: str) -> None:
    text = ALL.replace("\n", " ")
    script = f"# {text}\nx = torch.ones(2, 2)\n# %%\ny = x\n"
    body = {".md": lesson(text), ".ipynb": notebook(text), ".py": script}
    file = tmp_path / f"evil{suffix}"
    file.write_text(body[suffix], encoding="utf-8")
    words = (str(file),) if suffix == ".md" else ("open", str(file))
    with Console(*words) as console:
        console.until(lambda: console.process.poll() is not None or "seed 0" in console.text)
        if console.process.poll() is None:
            walk_through(console)
        assert foreign(console.raw) == []
        assert console.left_over == []


@pytest.mark.parametrize("broken", [False, True])
def test_programs(broken: bool) -> None:
    """In strings, comments, what is printed; and where it is an error."""
    lines = [f"print({evil!r})  # {evil}\nprint('''{evil}''')" for evil in EVIL]
    code = "\n".join(["x = torch.ones(2, 3)", *lines, "y = x @ x", f"z = x {ALL}" if broken else "z = y"])
    with Console("matmul", "--code", code) as console:
        console.until(lambda: console.process.poll() is not None or "seed 0" in console.text)
        if console.process.poll() is None:
            walk_through(console, "p\x1b?\x1b")
        assert foreign(console.raw) == []


@pytest.mark.parametrize("evil", EVIL, ids=repr)
def test_each_of_them_is_cleaned(evil: str) -> None:
    assert not HIDDEN.search(clean(evil)), clean(evil)


@pytest.mark.parametrize(
    "words",
    [
        (ALL,),
        ("matmul", "--set", f"m={ALL}"),
        ("matmul", "--set", f"{ALL}=3"),
        ("matmul", "--order", ALL),
        ("frame", "matmul", "--node", ALL),
        ("matmul", "--theme", ALL),
        ("matmul", "--stop", ALL),
        ("matmul", f"--{ALL}"),
        ("open", f"/nowhere/{ALL}.ipynb"),
        ("play", f"/nowhere/{ALL}/x.py"),
        ("trace", f"{ALL}:f"),
        ("frame", ALL),
        ("frame", "matmul", "-o", f"/nowhere/{ALL}"),
        ("run", "-c", ALL),
        ("run", f"/nowhere/{ALL}"),
        (f"/nowhere/{ALL}.md",),
    ],
    ids=lambda words: " ".join(words)[:24].encode("ascii", "replace").decode(),
)
def test_arguments_and_paths(words: tuple[str, ...]) -> None:
    with Console(*words) as console:
        code = console.wait()
        assert code in (1, 2)
        assert HIDDEN.findall(console.raw.decode("utf-8").replace("\r\n", "\n")) == []
        assert b"\x1b" not in console.raw


NAMES = ("TEXTUAL_COLOR_SYSTEM", "COLORTERM", "NO_COLOR", "LANG", "SSH_CONNECTION", "XDG_STATE_HOME", "HOME")
OPENS = ("LLM_LINALG_LESSON", "LLM_LINALG_THEME", "XDG_CONFIG_HOME", "HOME", "LANG")


@pytest.mark.parametrize(
    ("command", "name"), [*(("doctor", name) for name in NAMES), *(("", name) for name in OPENS)]
)
def test_the_environment(name: str, command: str) -> None:
    with Console(*command.split(), env={name: ALL}) as console:
        console.until(lambda: console.process.poll() is not None or "seed 0" in console.text)
        if console.process.poll() is None:
            console.send("q")
            console.wait()
        assert foreign(console.raw) == []


def test_a_terminal_of_any_name() -> None:
    """A name with an escape in it is one that nobody knows."""
    with Console("doctor", env={"TERM": "x\x1b]0;t\x07"}) as console:
        assert console.wait() == 0
        assert foreign(console.raw) == []


def test_typed_and_pasted() -> None:
    """Into the playground's editor, where every character is a program's."""
    with Console("play", env={"XDG_STATE_HOME": "/dev/null"}) as console:
        console.until("seed 0")
        console.send("\x1b[200~" + ALL.replace("\x1b[201~", "") + "\x1b[201~")
        console.quiet(0.5)
        console.send("\x07\x0b")
        console.quiet(0.3)
        assert foreign(console.raw) == []
        console.send("\x11")
        assert console.wait() == 0


@pytest.mark.parametrize("where", ["program", "lesson", "words"])
def test_the_plain_session(tmp_path: Path, where: str) -> None:
    file = tmp_path / "evil.md"
    file.write_text(lesson(ALL.replace("\n", " ")) if where == "lesson" else lesson("fine"), encoding="utf-8")
    words = ["--code", f"print({ALL!r})\nx = torch.ones(2)  # {ALL}"] if where == "program" else []
    said = f"next\ncode\nhelp\nlessons\n{ALL if where == 'words' else ''}\nset {ALL}\nlesson {ALL}\nquit\n"
    done = subprocess.run(
        [*APP, str(file), *words, "--plain"],
        env=environment(), input=said.encode(), capture_output=True, check=False, timeout=LONGEST,
    )  # fmt: skip
    out = (done.stdout + done.stderr).decode("utf-8")
    assert HIDDEN.findall(out) == []
    assert "\x1b" not in out
