"""Consent, where nothing locks programs in: what is not run unasked, what asks, and what is remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import RoomError, run
from llm_linalg.api.trust import VARIABLE, trust_everything
from llm_linalg.lessons.deck import load
from llm_linalg.lessons.reader import catalog, find
from llm_linalg.lessons.reader import load as load_lesson
from llm_linalg.room import lock
from llm_linalg.room.tier import tier
from tests.app.driving import Driver, opened
from tests.app.talks import deck_at
from tests.common import known, ours
from tui.app import Explorer, Options
from tui.cli import launch
from tui.cli.command_table import COMMANDS
from tui.cli.main import command, main
from tui.cli.settings import resolve
from tui.compose.error_frame import NOT_LOCKED
from tui.files.state_file import StateFile
from tui.files.trusted_folders import FORMAT, MOST, NAME, TrustedFolders
from tui.model.view import View
from tui.model.view_words import arguments, explicit_flags
from tui.navigation.playground import PLAYGROUND, playground_view
from tui.screens.consent import ConsentScreen
from tui.session.commands import COMMANDS as KEYS
from tui.session.commands import Unwritten
from tui.session.consent_commands import trusted_view
from tui.session.presentation.state import Talk
from tui.session.script.actions import to_lesson
from tui.session.script.script_words import WORDS
from tui.session.session import Session

Capture = pytest.CaptureFixture[str]
LESSON = """\
+++
title = "Mine"
+++
## One
Some words.

```python
x = torch.ones(2, 3)
y = x @ x.T
```

## Two

```exercise
question: What is the sum of y?
check: answer == y.sum()
answer: y.sum()
```
"""
TRUST_FLAG = (
    "run",
    "answer",
    "frame",
    "check",
    "export",
    "present",
    "open",
    "play",
    "play-script",
    "trace",
    "start",
)
EXERCISE = next(stop.number for stop in find("dot").stops if stop.exercise is not None)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without a lock."""
    monkeypatch.setattr(lock, "HIDDEN", {"landlock_create_ruleset"})
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    trust_everything(False)


@pytest.fixture
def locked() -> None:
    """A machine with one."""
    if tier().lock is None:
        pytest.skip(tier().reason)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return deck_at(tmp_path, LESSON, "mine.md")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that leaves a file where it ran."""
    return deck_at(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w').close()\nx = torch.ones(2)\n", "p.py")


# Commands.


@pytest.mark.parametrize(
    "words",
    [
        ("run", "p.py"),
        ("run", "-c", "x = torch.ones(2)"),
        ("run", "mine.md"),
        ("frame", "mine.md"),
        ("frame", "mine.md", "--format", "svg"),
        ("export", "mine.md", "-o", "page.html"),
        ("export", "mine.tape", "-o", "page.html"),
        ("present", "mine.md", "--plain"),
        ("open", "mine.md", "--plain"),
        ("answer", "mine.md", "12."),
        ("answer", "dot", "torch.dot(x, y)"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.usefixtures("unlocked", "program")
def test_without_a_terminal_one_line_names_the_flag(
    words: tuple[str, ...], file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.parent / "mine.tape").write_text("lesson ./mine.md\nnext\n", encoding="utf-8")
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr("sys.stdin", None)
    done, out, narration = ours(capsys, *words)
    assert (done, out) == (2, "")
    assert narration.count("\n") == 1
    assert "--trust" in narration
    assert not (file.parent / "ran").exists()
    assert not (file.parent / "page.html").exists()


@pytest.mark.usefixtures("unlocked")
def test_the_flag_runs_it_with_the_users_rights(program: Path, capsys: Capture) -> None:
    done, out, narration = ours(capsys, "run", str(program), "--trust")
    assert (done, narration) == (0, "")
    assert "x = " in out
    assert (program.parent / "ran").exists()


@pytest.mark.usefixtures("unlocked")
@pytest.mark.parametrize(("value", "done"), [("1", 0), ("yes", 0), ("0", 2), ("", 2), ("2", 2)])
def test_so_does_the_variable(
    value: str, done: int, program: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert ours(capsys, "run", str(program))[0] == done
    assert (program.parent / "ran").exists() == (not done)


@pytest.mark.usefixtures("locked")
def test_with_a_lock_the_flag_unlocks_nothing(program: Path, capsys: Capture) -> None:
    try:
        done, _, narration = ours(capsys, "run", str(program), "--trust")
    finally:
        trust_everything(False)
    assert done == 1
    assert "PermissionError" in narration
    assert not (program.parent / "ran").exists()


@pytest.mark.usefixtures("unlocked")
def test_a_check_still_reports_what_reading_finds(tmp_path: Path, capsys: Capture) -> None:
    sound = deck_at(tmp_path, LESSON, "sound.md")
    done, out, narration = ours(capsys, "check", str(sound))
    assert (done, out) == (2, "")
    assert narration.splitlines()[0] == "llm-linalg: 1 read, 2 stops: nothing wrong"
    assert "--trust" in narration.splitlines()[1]
    wrong = deck_at(
        tmp_path, LESSON.replace("Some", "[Some](nowhere.md)").replace("## Two", "# Two"), "wrong.md"
    )
    done, out, narration = ours(capsys, "check", str(wrong))
    assert done == 2
    assert "a stop's heading has two signs" in out
    assert "1 wrong" in narration
    unreadable = deck_at(tmp_path, LESSON.replace("x @ x.T", "x @"), "unreadable.md")
    assert "syntax" in ours(capsys, "check", str(unreadable))[1]
    assert ours(capsys, "check", str(sound), "--trust")[0] != 2


@pytest.mark.usefixtures("unlocked")
def test_the_course_is_not_affected(capsys: Capture) -> None:
    assert ours(capsys, "frame", "matmul")[0] == 0
    assert ours(capsys, "run", "matmul")[0] == 0
    assert ours(capsys, "check", "matmul")[0] == 0
    assert ours(capsys, "frame", "dot", "--set", "n=3")[0] in (0, 2)
    assert ours(capsys, "practice", "--count", "1")[0] == 0


@pytest.mark.usefixtures("unlocked")
@pytest.mark.parametrize("answer", ["3.7416575", "[1, 2]", "(1, 2)", "'a'", "-3"])
def test_answers_that_are_no_code_are_judged_everywhere(answer: str, capsys: Capture) -> None:
    done, out, narration = ours(capsys, "answer", "dot", answer)
    assert done in (0, 1)
    assert out
    assert "--trust" not in narration


def test_every_command_that_runs_foreign_text_has_the_flag() -> None:
    having = {
        name
        for name in COMMANDS
        if any("--trust" in flag.option_strings for flag in command(name).parser().actions)
    }
    assert having == {*TRUST_FLAG, "follow"}


@pytest.mark.usefixtures("unlocked")
def test_the_library_says_so_by_an_error() -> None:
    with pytest.raises(RoomError, match="lock it in"):
        run("x = torch.ones(2)")
    assert len(run("x = torch.ones(2)", trust=True)) == 1


# The app.


@pytest.mark.usefixtures("unlocked")
@pytest.mark.slow
async def test_a_lesson_opens_as_text_and_a_key_asks(file: Path, tmp_path: Path) -> None:
    state = StateFile(tmp_path / "elsewhere" / "state")
    (tmp_path / "deck").mkdir()
    here = deck_at(tmp_path / "deck", LESSON, "mine.md")
    async with opened(load_lesson(here), options=Options(state_file=state)) as app:
        assert "Some words." in app.screen
        assert "y = x @ x.T" in app.screen
        assert NOT_LOCKED in " ".join(app.screen.split())
        await app.pilot.press("enter")
        await app.pilot.pause()
        assert isinstance(app.app.screen, ConsentScreen)
        await app.pilot.press("escape")
        await app.settle()
        assert not app.view.trusted
        assert known(app.session.current).is_unlocked
        await app.pilot.press("enter")
        await app.pilot.press("1")
        await app.settle()
        assert app.view.trusted
        assert known(app.session.current).trace is not None
        await app.press("full_stop")
        assert app.view.stop == 2
        assert app.view.trusted
        await app.press("u", "comma")
    assert not TrustedFolders(state.folder).load()


@pytest.mark.usefixtures("unlocked")
async def test_a_folder_is_trusted_for_good(tmp_path: Path) -> None:
    (tmp_path / "deck").mkdir()
    here = deck_at(tmp_path / "deck", LESSON, "mine.md")
    folder = tmp_path / "state" / "llm-linalg"
    async with opened(load_lesson(here), options=Options(state_file=StateFile(folder))) as app:
        await app.pilot.press("enter")
        await app.pilot.press("2")
        await app.settle()
        assert app.view.trusted
    assert TrustedFolders(folder).load() == (str(here.parent.resolve()),)
    flags = command("open").parser().read([str(here)])
    view, _ = launch.opening(flags, resolve(flags, {}), StateFile(folder), None)
    assert not view.trusted
    known = TrustedFolders(folder)
    assert trusted_view(view, known).trusted
    assert not trusted_view(view.with_program("x = 1"), known).trusted, "another's text beside the file's own"
    outside = deck_at(tmp_path, LESSON, "other.md")
    assert not trusted_view(View.opening(load_lesson(outside)), known).trusted
    assert not trusted_view(view, known, outside).trusted, "named by a script from elsewhere"
    link = tmp_path / "deck" / "link.md"
    link.symlink_to(outside)
    assert not trusted_view(View.opening(load_lesson(link)), known).trusted


def test_another_file_is_not_trusted_with_this_one(tmp_path: Path) -> None:
    view = View.opening(load_lesson(deck_at(tmp_path, LESSON, "mine.md")))
    session = Session.start(replace(view, trusted=True), [view.lesson])
    assert session.with_undo(view.at_stop_number(2)).view.trusted
    assert not to_lesson(session, [str(deck_at(tmp_path, LESSON, "other.md"))]).view.trusted


@pytest.mark.usefixtures("unlocked")
async def test_a_talk_is_trusted_as_a_whole(tmp_path: Path) -> None:
    deck = load(deck_at(tmp_path))
    talk = Talk(deck, 2)
    app = Explorer(talk.first_view(2), deck.lessons, Options(), talk)
    async with app.run_test(size=(80, 24)) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        assert known(driver.session.current).is_unlocked
        await pilot.press("enter")
        await pilot.press("1")
        await driver.settle()
        await driver.press("J", "J")
        assert known(driver.session.talk).number == 4
        assert known(driver.session.current).trace is not None


@pytest.mark.usefixtures("unlocked")
@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.slow
async def test_the_playground_runs_at_no_other_key(everything: bool, tmp_path: Path) -> None:
    trust_everything(everything)
    ran = tmp_path / "ran"
    view = playground_view(f"open({str(ran)!r}, 'w').close()\nx = torch.ones(2)")
    app = Explorer(view, [*catalog()[:2], PLAYGROUND], Options())
    async with app.run_test(size=(80, 24)) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        await driver.press("number_sign", "a", "b")
        assert not ran.exists()
        assert known(driver.session.current).is_unlocked
        await driver.press("ctrl+r")
        assert ran.exists()
        assert known(driver.session.current).trace is not None
        ran.unlink()
        await driver.press("c")
        assert not ran.exists()
        assert known(driver.session.current).is_unlocked
        await driver.press("enter")
        assert ran.exists()


@pytest.mark.usefixtures("unlocked")
@pytest.mark.slow
async def test_an_answer_that_is_code_is_asked_about_once(tmp_path: Path) -> None:
    async with opened("dot", stop=EXERCISE) as app:
        await app.press("enter", *"3", "enter")
        verdict = known(app.session.attempt.verdict)
        assert not verdict.right
        await app.press("enter", "backspace", *"x.sum", "left_parenthesis", "right_parenthesis", "enter")
        assert app.session.attempt.verdict is None
        assert "↵ ↵ runs it" in app.session.notice
        await app.press("enter", "enter")
        assert app.session.attempt.verdict is not None
        app.app.explorer.do("answer:x.max()")  # as a script says it
        await app.settle()
        assert app.session.attempt.verdict is None


def test_no_script_and_no_deck_can_say_it(tmp_path: Path) -> None:
    said = [key for key in KEYS if key.id.startswith(("trust", "edit.run"))]
    assert all(key.by_screen or isinstance(key.script, Unwritten) for key in said)
    assert "trust" not in [word.name for word in WORDS]
    view = View.opening(find("matmul"))
    trusted = replace(view, trusted=True)
    assert arguments(trusted) == arguments(view)
    assert explicit_flags(trusted) == explicit_flags(view)
    assert launch.place(trusted) == launch.place(view)
    assert Session.start(view, [view.lesson]).view.trusted is False
    deck = deck_at(tmp_path, '+++\ntitle = "T"\n+++\n```stops\nmatmul --trust\n```\n', "t.md")
    assert main(["frame", str(deck)]) == 1


# What is remembered.


def test_a_folder_holds_for_what_lies_below_it(tmp_path: Path) -> None:
    folders = TrustedFolders(tmp_path / "state")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert folders.add(tmp_path / "a" / "x.md") == ""
    assert folders.cover([below / "y.md"])
    assert folders.cover([below / "y.md", tmp_path / "a" / "x.md"])
    assert not folders.cover([tmp_path / "y.md"])
    assert not folders.cover([below / "y.md", tmp_path / "y.md"])
    assert not folders.cover([tmp_path / "ab" / "y.md"])
    assert not folders.cover([below / ".." / ".." / "y.md"])
    assert not folders.cover([])


def test_nothing_is_remembered_within_the_folder_that_is_trusted(tmp_path: Path) -> None:
    folders = TrustedFolders(tmp_path / "home" / ".local" / "state")
    assert "within that folder" in folders.add(tmp_path / "home" / "x.md")
    assert "within that folder" in folders.add(tmp_path / "x.md")
    assert folders.load() == ()
    assert TrustedFolders().add(tmp_path / "x.md")
    assert not TrustedFolders().cover([tmp_path / "x.md"])


@given(data=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_a_damaged_file_trusts_nothing(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("state")
    folders = TrustedFolders(place)
    (place / NAME).write_bytes(data)
    assert folders.load() == ()
    assert not folders.cover([Path("/")])
    assert folders.add(Path("/somewhere/else/x.md")) == ""
    assert folders.load() == ("/somewhere/else",)


@pytest.mark.parametrize(
    "folders", [["relative"], ["/a", 1], "/a", None, ["/" + "a" * 2000], ["/a"] * (MOST + 1), {"/a": 1}]
)  # fmt: skip
def test_so_does_one_of_another_kind(folders: object, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"format": FORMAT, "folders": folders}), encoding="utf-8")
    assert TrustedFolders(tmp_path).load() == ()


def test_one_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    text = json.dumps({"format": FORMAT + 1, "folders": ["/a"]})
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    assert TrustedFolders(tmp_path).load() == ()
    assert "newer" in TrustedFolders(tmp_path).add(Path("/b/x.md"))
    assert (tmp_path / NAME).read_text(encoding="utf-8") == text


def test_it_is_bounded_and_private(tmp_path: Path) -> None:
    folders = TrustedFolders(tmp_path / "state")
    for number in range(MOST + 5):
        assert folders.add(Path(f"/{number}/x.md")) == ""
    assert folders.load() == tuple(f"/{number}" for number in range(5, MOST + 5))
    assert (tmp_path / "state" / NAME).stat().st_mode & 0o077 == 0
    longest = "/" + "/".join("\N{SNOWMAN}" * 200 for _ in range(4))
    for number in range(MOST):
        assert folders.add(Path(f"{longest}{number}/x.md")) == ""
    assert len(folders.load()) == MOST


# The doctor.


@pytest.mark.usefixtures("unlocked")
def test_the_doctor_says_first_what_locks_programs_in(capsys: Capture) -> None:
    first, *_ = ours(capsys, "doctor")[1].splitlines()
    assert first.startswith("foreign programs")
    assert "only if you say so" in first
    told = json.loads(ours(capsys, "doctor", "--format", "json")[1])
    assert (told["format"], told["lock"], told["tried"]) == (1, None, {})
    assert "Landlock" in told["reason"]
    assert told["keys from"]["why"] == "standard input"


@pytest.mark.usefixtures("locked")
def test_and_what_it_has_tried(capsys: Capture) -> None:
    told = json.loads(ours(capsys, "doctor", "--format", "json")[1])
    assert told["lock"] == "landlock+seccomp"
    assert set(told["tried"].values()) == {"refused"}
    assert told["reason"] == ""
    out = ours(capsys, "doctor")[1]
    assert "they run unasked" in out.splitlines()[0]
    assert "open a socket" in out
