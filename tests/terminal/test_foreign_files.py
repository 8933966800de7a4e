"""Hostile text in what the program reads by itself: settings, state, decks, scripts, and sockets."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import APP, LONGEST, Console, environment, printed
from tests.terminal.evil import ALL, HIDDEN, foreign, lesson
from tests.thinning import thin
from tui.audience import meeting

pytestmark = pytest.mark.slow  # a process on a terminal for each

TEXT = ALL.replace("\n", " ")
SAID = json.dumps(TEXT)  # as it stands in a string of JSON or TOML
Home = dict[str, str | None]


def is_open(console: Console) -> bool:
    """Whether a lesson or the door is on the screen."""
    return re.search(r"seed \d|code of my own", console.text) is not None


def seen(*words: str, env: Home, keys: str = "") -> list[str]:
    """The foreign characters that reach the terminal while a command runs, gets keys and is left."""
    with Console(*words, env=env) as console:
        console.until(lambda: console.process.poll() is not None or is_open(console))
        console.quiet(0.3)
        for key in [*re.findall(r"\x1b\[.|.", keys), "\x1b", "q", "q"]:
            if console.process.poll() is None:
                console.send(key)
                console.quiet(0.1)
        if console.process.poll() is None:
            console.process.terminate()
        console.wait()
        return foreign(console.raw)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name in ("config", "state"):
        (tmp_path / name / "llm-linalg").mkdir(parents=True)
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    return {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_RUNTIME_DIR": str(run),
    }


CONFIGS = {
    "a value": f"theme = {SAID}\n",
    "a lesson": f"lesson = {SAID}\n",
    "a name": f"{SAID} = 1\n",
    "a key": f'[keys]\n"forward" = {SAID}\n',
    "a command": f'[keys]\n{SAID} = "x"\n',
    "a comment": f"# {TEXT}\ntheme = 1\n",
    "as it is": f'theme = "{TEXT}"\n',
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_settings(home: Home, tmp_path: Path, text: str) -> None:
    (tmp_path / "config" / "llm-linalg" / "config.toml").write_text(text, encoding="utf-8")
    for command in (("config",), ("config", "--format", "json"), ("doctor",)):
        assert HIDDEN.findall(printed(*command, env=home)) == [], command


def test_settings_that_the_screen_tells_of(home: Home, tmp_path: Path) -> None:
    (tmp_path / "config" / "llm-linalg" / "config.toml").write_text(CONFIGS["as it is"], encoding="utf-8")
    assert seen(env=home) == []


@pytest.mark.parametrize(
    "state",
    thin(
        [{"place": ["matmul", "--code", TEXT], "way": "map"}, {"place": [TEXT], "theme": TEXT, "way": TEXT}],
        2,
    ),
)
def test_what_was_kept(home: Home, tmp_path: Path, state: dict[str, object]) -> None:
    file_at(tmp_path / "state" / "llm-linalg", "state.json", json.dumps(state))
    assert seen(env=home) == []


def deck(text: str) -> str:
    said = json.dumps(text)[1:-1]
    return (
        f'+++\ntitle = "D {said}"\n+++\n## W {text}\nWords {text}.\n\n```notes\nSay {text}\n```\n\n'
        f"## A sum {text}\nIt.\n\n```python\nx = torch.ones(2)  # {text}\ny = x + 1\n```\n\n"
        "## Elsewhere\n```stops\nmatmul --step 1\n```\n"
    )


def test_decks(home: Home, tmp_path: Path) -> None:
    file = str(tmp_path / "talk.md")
    for extra in ("", f"```stops\n{TEXT}\n```\n", f"```{TEXT}\nx\n```\n", f"+++\n{TEXT}"):
        file_at(tmp_path, "talk.md", deck(TEXT) + extra)
        said = printed("present", file, "--plain", env=home, said="next\nnotes\nnext\n")
        assert HIDDEN.findall(said + printed("check", file, env=home)) == []
    file_at(tmp_path, "talk.md", deck(TEXT))
    assert seen("present", file, env=home, keys="\x1b[C\x1b[C\x1b[C\\l\x1b?") == []


SCRIPTS = {
    "an unknown word": TEXT,
    "a word's argument": f"lesson matmul\nset {SAID} 3",
    "a lesson": f"lesson {SAID}",
    "a program": f"lesson matmul --code {json.dumps(f'x = torch.ones(2)  # {TEXT}')}\nnext",
    "a broken program": f"lesson matmul --code {SAID}\nnext",
    "a comment": f"lesson matmul  # {TEXT}\nnext",
    "an open quote": f'lesson "{TEXT}',
}


def test_scripts(home: Home, tmp_path: Path) -> None:
    file = str(tmp_path / "evil.lin")
    for text in SCRIPTS.values():
        file_at(tmp_path, "evil.lin", text + "\n")
        assert HIDDEN.findall(printed("play-script", file, "--plain", env=home)) == []
    file_at(tmp_path, "evil.lin", SCRIPTS["a program"] + "\n")
    assert seen("play-script", file, "--speed", "20", env=home) == []


def test_errors_of_trusted_code(home: Home, tmp_path: Path) -> None:
    """Python of the user's own raises what it likes."""
    file = file_at(
        tmp_path,
        "model.py",
        f"def f(x):\n    raise ValueError({TEXT!r})\n\ndef g(x):\n    return x @ x  # {TEXT}\n",
    )
    for name in ("g", TEXT):
        said = printed("trace", f"{file}:{name}", "--inputs", "2x3", "--format", "plain", env=home)
        assert HIDDEN.findall(said) == []
    assert seen("trace", f"{file}:f", "--inputs", "2x3", env=home) == []


@contextmanager
def presenter(home: Home, *lines: bytes) -> Iterator[None]:
    """Somebody who listens where presenters do, and says these lines to whoever comes."""
    given = {name: value for name, value in home.items() if value is not None}
    listening, path = meeting.listening_socket(meeting.folder(given))
    listening.setblocking(True)
    listening.settimeout(0.1)
    ended = threading.Event()

    def serve() -> None:
        held = []
        while not ended.is_set():
            with suppress(OSError):
                peer, _ = listening.accept()
                held.append(peer)
                for line in lines:
                    peer.sendall(line)
        for peer in held:
            peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        listening.close()
        path.unlink(missing_ok=True)


def message(**what: object) -> bytes:
    return json.dumps(what).encode() + b"\n"


DECK = message(deck={"title": TEXT, "path": TEXT, "stops": [[TEXT, 1], [TEXT, 2]]})
FAULTS = {
    "words": (
        DECK,
        message(lesson={"path": f"/{TEXT}.md", "text": lesson(TEXT)}),
        message(show={"number": 1, "stop": 1, "rehearsed": [TEXT], "view": ["--code", TEXT], "black": False,
                      "clock": TEXT, "seconds": 1.0, "running": True, "planned": 9, "notes": TEXT,
                      "minutes": 1, "next": TEXT, "changed": True, "fault": TEXT}),
    ),
    "a view": (
        DECK,
        message(lesson={"slug": "matmul"}),
        message(show={"number": 1, "stop": 1, "rehearsed": [], "view": ["--order", TEXT], "notes": TEXT,
                      "next": TEXT, "fault": TEXT}),
    ),
    "refused": (message(refused=TEXT),),
    "no line": (TEXT.encode() + b"\n", b"\xff\xfe\n"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("role", "fault"),
    [
        ("notes", "words"),
        ("notes", "refused"),
        ("notes", "no line"),
        ("follow", "words"),
        ("follow", "a view"),
    ],
)
def test_a_presenter_that_lies(home: Home, role: str, fault: str) -> None:
    with presenter(home, *FAULTS[fault]):
        with Console(role, env=home) as console:
            console.until(lambda: console.process.poll() is not None or len(console.raw) > 500)
            console.quiet()  # for less than a second: a clock goes on
            assert console.process.poll() in (None, 1, 2)
            console.send("\x1b")
            console.leave()
            assert foreign(console.raw) == []
            assert console.left_over == []
        if role == "follow":
            return
        told = subprocess.Popen(
            [*APP, role, "--plain"], env=environment(**home), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            told.wait(6)
        told.kill()
        out, _ = told.communicate()
        assert HIDDEN.findall(out.decode("utf-8")) == []


def test_followers_that_lie(home: Home, tmp_path: Path) -> None:
    file = file_at(tmp_path, "talk.md", deck("fine"))
    with Console("present", str(file), env=home) as console:
        console.until("Words fine")
        place = Path(str(home["XDG_RUNTIME_DIR"])) / "llm-linalg"
        console.until(lambda: bool(meeting.presenters(place)))
        for lines in (
            (TEXT.encode(),), (b"\xff" * 5000,),
            (message(**{"llm-linalg": TEXT, "as": TEXT}),),
            (message(**{"llm-linalg": 1, "as": "notes"}), message(do=TEXT), message(do="go", stop=TEXT)),
        ):  # fmt: skip
            with socket.socket(socket.AF_UNIX) as peer, suppress(OSError):
                peer.settimeout(LONGEST)
                peer.connect(os.fspath(meeting.presenters(place)[0]))
                for line in lines:
                    peer.sendall(line + b"\n")
                console.quiet(0.2)
                answer = peer.recv(1 << 16)
                assert HIDDEN.findall(answer.decode("utf-8")) == []
        console.send("\x1b[C")
        console.quiet(0.3)
        assert foreign(console.raw) == []
        console.send("qq")
        assert console.wait() == 0
