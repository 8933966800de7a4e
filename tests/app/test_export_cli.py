"""The command: nothing from the network, the same bytes everywhere, a file that is whole or not there."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.app.test_export import exported
from tests.conftest import pinned
from tests.terminal.console import within
from tui.app import Options
from tui.cli import export_command
from tui.cli.export_command import parser
from tui.cli.main import main
from tui.export import screens
from tui.export.formats import FORMATS

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = re.compile(r"https?:|url\(|@import|@font-face|//cdn|\bsrc=", re.IGNORECASE)


@pytest.mark.parametrize("form", [one.name for one in FORMATS])
def test_nothing_is_asked_of_the_network(form: str, tmp_path: Path) -> None:
    text = exported(tmp_path, form, "--stop", "1").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert ELSEWHERE.findall(text) == []


ALL = """\
import sys
from tui.cli.main import main
for name in sys.argv[2:]:
    words = ["export", "why", "--stop", "1", "--format", name, "-o", f"{sys.argv[1]}/{name}"]
    assert main(words) == 0
"""


@pytest.mark.slow
def test_the_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    names = [one.name for one in FORMATS]
    made = []
    for number, changed in enumerate(
        (
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8", "COLUMNS": "80"},
            {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C", "COLUMNS": "200", "NO_COLOR": "1"},
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ALL, str(folder), *names],
            cwd=ROOT,
            env=pinned(dict(os.environ)) | changed,
            capture_output=True,
            text=True,
            check=False,
        )
        player = "llm-linalg: asciicast 3: asciinema 3 plays it\n"
        assert (done.returncode, done.stderr) == (0, player)  # no bar where nobody looks
        made.append({name: (folder / name).read_bytes() for name in names})
    assert made[0] == made[1]
    assert not any(str(tmp_path).encode() in data for data in made[0].values())


# A signal, the exit code, and how many bytes have been written by then.
ENDS = [
    (signal.SIGTERM, 143, 20_000),
    (signal.SIGINT, 130, 0),
    (signal.SIGHUP, 129, 20_000),
    (signal.SIGQUIT, 131, 0),
]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code", "written"), ENDS)
def test_an_export_that_is_interrupted_leaves_what_was_there(
    number: signal.Signals, code: int, written: int, tmp_path: Path
) -> None:
    def parts() -> list[Path]:
        return [file for file in tmp_path.iterdir() if file.name != "lesson.cast"]

    (tmp_path / "lesson.cast").write_text("before")
    with subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tui",
            "export",
            "matmul",
            "-o",
            str(tmp_path / "lesson.cast"),
        ],
        cwd=ROOT,
        env=pinned(dict(os.environ)),
        stderr=subprocess.PIPE,
    ) as process:
        assert within(
            lambda: process.poll() is not None or any(part.stat().st_size >= written for part in parts())
        )
        assert len(parts()) == 1  # it is being written, beside
        process.send_signal(number)
        said = process.communicate()[1]
    assert (process.returncode, said) == (code, b"")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("lesson.cast", "before")]


def test_a_signal_that_comes_while_the_loop_is_made_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.events.new_event_loop

    def told_meanwhile() -> asyncio.AbstractEventLoop:
        signal.raise_signal(signal.SIGTERM)
        made.append(make())
        return made[0]

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    monkeypatch.setattr(asyncio.events, "new_event_loop", told_meanwhile)
    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(SystemExit, match="143"):
            screens.draw([], (80, 24), Options(), lambda *_: None)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [loop.is_closed() for loop in made] == [True]


def test_what_fails_once_it_was_told_to_end_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def starts(ends: signal.Signals | None, *_: object) -> None:
        try:
            if ends is not None:
                signal.raise_signal(ends)
                await asyncio.Event().wait()  # until it is cancelled
        finally:
            raise RuntimeError("no panes yet")

    cases: list[tuple[signal.Signals | None, type[BaseException], tuple[object, ...]]] = [
        (signal.SIGTERM, SystemExit, (143,)),
        (signal.SIGINT, KeyboardInterrupt, ()),
        (None, RuntimeError, ("no panes yet",)),
    ]
    before = signal.getsignal(signal.SIGINT)
    for ends, kind, said in cases:
        monkeypatch.setattr(screens, "_draw", partial(starts, ends))
        with pytest.raises(kind) as caught:
            screens.draw([], (80, 24), Options(), lambda *_: None)
        assert caught.value.args == said
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["matmul"], "export where?"),
        (["matmul", "-o", "x.gif"], 'unknown suffix ".gif"'),
        (["matmul", "--format", "gif"], "unknown format"),
        (["matmul", "-o", "x.svg", "--step", "all"], "one picture"),
        (["matmul", "-o", "x.cast", "--stop", "99"], "there are stops 1 to 10: there is no stop 99"),
        (["matmul", "-o", "x.cast", "--node", "x"], "--node is said of one stop"),
        (["matmul", "-o", "x.cast", "--set", "q=1"], "unknown control"),
        (["matmul", "-o", "x.cast", "--stop", "1", "--order", "wave9"], "unknown order"),
        (["nope", "-o", "x.cast"], "unknown lesson"),
        (["nope.steps", "-o", "x.cast"], "cannot read"),
        (["matmul", "-o", "/nowhere/x.md"], "cannot write"),
        (["matmul", "-o", "x.svg", "--size", "20x5"], "--size: the app's screen has 60x18"),
    ],
)
def test_what_cannot_be_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_script_names_its_own_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "demo.steps"
    script.write_text("lesson matmul\nnext\nrow 3\n", encoding="utf-8")
    assert main(["export", str(script), "-o", str(tmp_path / "x.cast"), "--seed", "3"]) == 2
    assert "a script itself says what it shows" in capsys.readouterr().err
    assert main(["export", str(script), "-o", str(tmp_path / "x.cast")]) == 1
    assert "demo.steps:3: there is no board here" in capsys.readouterr().err
    assert not (tmp_path / "x.cast").exists()


def test_a_program_that_fails_and_should_not_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = tmp_path / "bad.md"
    lesson.write_text(
        '+++\ntitle = "Bad"\n+++\n## One\nA.\n\n```python\nx = torch.ones(2) @ torch.ones(3)\n```\n'
    )
    assert main(["export", str(lesson), "-o", str(tmp_path / "bad.html")]) == 1
    assert "bad.md:8" in capsys.readouterr().err
    book = tmp_path / "book.md"
    book.write_text("# A\n\n```python\nimport numpy\n```\n\n```python\nx = torch.ones(2)\n```\n")
    assert main(["export", str(book), "-o", str(tmp_path / "book.html")]) == 0  # refused, and said so
    assert "numpy" in (tmp_path / "book.html").read_text()
    assert "<strong>" in (tmp_path / "bad.html").read_text()


def test_every_suffix_names_one_format() -> None:
    suffixes = [suffix for one in FORMATS for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for one in FORMATS:
        for suffix in one.suffixes:
            flags = parser().read(["matmul", "-o", f"x{suffix}"])
            assert export_command.format_of(flags) is one
