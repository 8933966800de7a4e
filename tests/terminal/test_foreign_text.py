"""Text that the team did not write, through every way in, on a real pty: no control byte of it arrives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import Console, printed
from tests.terminal.evil import ALL, EVIL, HIDDEN, deck, foreign, notebook, questions
from tests.thinning import thin

pytestmark = pytest.mark.slow  # a process on a terminal for each


def walk_through(console: Console, keys: str = "\x1b[C.np\x1bc\x1b[B?\x1b,l\x1b[B\x1b") -> None:
    """Waits for the picture, goes through some screens, and leaves."""
    console.until(lambda: "seed 0" in console.text and "loading" not in console.text)
    for key in re.findall(r"\x1b\[.|.|\x1b", keys, re.DOTALL):
        console.send(key)
        console.quiet(0.05)
    console.send("\x1b")
    assert console.leave() == 0


@pytest.mark.parametrize("suffix", thin([" on stage.md", ".md", ".ipynb", ".py"], 4))
def test_files(tmp_path: Path, suffix: str) -> None:
    text = ALL.replace("\n", " ")
    script = f"# {text}\nx = torch.ones(2, 2)\n# %%\ny = x\n"
    body = {".md": deck(ALL), " on stage.md": deck(ALL), ".ipynb": notebook(text), ".py": script}
    file = file_at(tmp_path, f"evil{suffix}", body[suffix])
    words = {".md": (), " on stage.md": ("present",)}.get(suffix, ("open",))
    with Console(*words, str(file)) as console:
        if words == ("present",):
            console.until("1/4").send("l")
            console.until("2 P [/foo]").send("elsewhere")
            console.until("No matches").send("\x1b")
            console.until(lambda: "elsewhere" not in console.text).send("J")
            console.until("2/4").send("?")
            console.until("Keys that work now").send("\x1b")
            console.until(lambda: "Keys that work now" not in console.text).send("q")
            console.until("Press it again").send("q")
            assert console.wait() == 0
        else:
            walk_through(console)
        assert foreign(console.raw) == []
        assert console.left_over == []


def test_questions(tmp_path: Path) -> None:
    """A guess is answered, an exercise is got wrong, hints are taken, and the palette and text are opened."""
    file = file_at(tmp_path, "asks.md", questions(ALL.replace("\n", " ")))
    with Console(str(file)) as console:
        console.until("1 guess").send("p")
        console.until("esc close").send("\x1b")
        console.until("1 guess").send("1")
        console.until("No. It is").send(".")
        console.until("H hint").send("H")
        console.until("hint 1").send("\r3 * P\r")
        console.until("three [/foo]").send("v")
        console.quiet(0.2)
        console.send("Q")
        console.quiet(0.2)
        assert console.leave() == 0
        assert foreign(console.raw) == []
        assert console.left_over == []


@pytest.mark.parametrize("broken", thin([True, False], 2))
def test_programs(broken: bool) -> None:
    """In strings, comments, what is printed; and where it is an error."""
    lines = [f"print({evil!r})  # {evil}\nprint('''{evil}''')" for evil in EVIL]
    code = "\n".join(["x = torch.ones(2, 3)", *lines, "y = x @ x", f"z = x {ALL}" if broken else "z = y"])
    with Console("matmul", "--code", code) as console:
        console.until(lambda: console.process.poll() is not None or "seed 0" in console.text)
        if console.process.poll() is None:
            walk_through(console, "p\x1b?\x1b")
        assert foreign(console.raw) == []


def test_arguments_and_paths() -> None:
    for words in (
        ("frame", ALL), ("frame", "matmul", "--set", f"m={ALL}"), ("frame", "matmul", "--set", f"{ALL}=3"),
        ("frame", "matmul", "--order", ALL), ("frame", "matmul", "--node", ALL),
        ("frame", "matmul", "--theme", ALL), ("frame", "matmul", "--stop", ALL), ("frame", f"--{ALL}"),
        ("frame", "matmul", "-o", f"/nowhere/{ALL}"), ("frame", f"/nowhere/{ALL}.md"), ("run", "-c", ALL),
        ("open", f"/nowhere/{ALL}.ipynb"), ("play", f"/nowhere/{ALL}/x.py"), ("run", f"/nowhere/{ALL}"),
        ("trace", f"{ALL}:f", "--format", "plain"),
    ):  # fmt: skip
        said = printed(*words)
        assert said.strip()
        assert HIDDEN.findall(said) == []


@pytest.mark.parametrize("words", [(ALL,), ("matmul", "--set", f"m={ALL}")], ids=len)
def test_arguments_at_a_terminal(words: tuple[str, ...]) -> None:
    with Console(*words) as console:
        assert console.wait() == 2
        assert HIDDEN.findall(console.raw.decode("utf-8").replace("\r\n", "\n")) == []
        assert b"\x1b" not in console.raw


NAMES = ("TEXTUAL_COLOR_SYSTEM", "COLORTERM", "NO_COLOR", "LANG", "SSH_CONNECTION", "XDG_STATE_HOME", "HOME")
OPENED = re.compile(r"seed \d|code of my own")  # a lesson, or the door
OPENS = ("LLM_LINALG_LESSON", "HOME")


def test_the_environment_that_the_doctor_tells_of() -> None:
    for name in NAMES:
        assert HIDDEN.findall(printed("doctor", env={name: ALL})) == []


@pytest.mark.parametrize("name", OPENS)
def test_the_environment(name: str) -> None:
    with Console(env={name: ALL}) as console:
        console.until(lambda: console.process.poll() is not None or OPENED.search(console.text) is not None)
        if console.process.poll() is None:
            console.send("q")
            console.wait()
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
        assert console.leave("\x11") == 1  # the program can't be kept: it asks, and says so


@pytest.mark.parametrize("keys", thin(["g", ""], 2))
def test_nothing_that_is_pasted_is_a_key(keys: str) -> None:
    """A sequence that no terminal knows is read as the keys that it is made of: q leaves."""
    with Console("matmul") as console:
        console.until("/12 steps").until("q quit")
        console.send(keys)
        console.quiet(0.2)
        console.send("\x1b[200~" + "\x1bP+q544e\x1b\\ \x1b[9q \x1bqq" + ALL.replace("\n", " ") + "\x1b[201~")
        console.quiet(0.5)
        assert foreign(console.raw) == []
        if keys:
            console.send("\x1b")
        console.until("q quit").send("\x1b[C")
        console.until("1/12 steps")
