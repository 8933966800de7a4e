"""What is remembered between two runs: written whole, for its owner alone, and never needed."""

from __future__ import annotations

import errno
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base import file_io
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find, load
from tests.app.lessons import PRODUCT
from tests.fuzz.files import wrong
from tui.cli.launch import place
from tui.cli.parser import app_parser
from tui.files import user_dirs
from tui.files.state_file import MOST_DECKS, NAME, StageMark, State, StateFile, of_json
from tui.files.user_dirs import CONFIG, LARGEST, folder
from tui.model.view import View
from tui.model.view_words import view_of
from tui.navigation.playground import PLAYGROUND, playground_view

FULL = State(("matmul", "--stop", "2"), "light", (("/a.md", 3), ("/b.md", 12)))


def test_it_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    memory = StateFile(tmp_path / "state" / "llm-linalg")
    assert memory.load() == State()
    assert memory.update(lambda _: FULL)
    assert memory.load() == FULL
    kept = tmp_path / "state" / "llm-linalg" / NAME
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in kept.parent.iterdir()] == [NAME]  # no half file is left


def test_apps_that_write_in_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    def write(app: int) -> None:
        for path in (f"/{app}-{number}" for number in range(8)):
            assert StateFile(tmp_path).update(partial(State.with_deck, path=path, stop=1))

    with ThreadPoolExecutor(4) as apps:
        list(apps.map(write, range(4)))
    assert len(StateFile(tmp_path).load().decks) == 32
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_an_app_that_is_stopped_while_it_writes_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_io, "LONGEST_WAIT", 0.0)
    with file_io.lock_folder(tmp_path):
        assert StateFile(tmp_path).update(lambda state: state.with_deck("/talk", 2))
    assert StateFile(tmp_path).load().deck("/talk") == 2


WHOLE = json.dumps({"format": 1, "place": ["matmul"], "theme": "light", "decks": {"/a.md": 3}}).encode()


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_no_harm(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    place = tmp_path_factory.mktemp("state")
    (place / NAME).write_bytes(data)
    assert isinstance(StateFile(place).load(), State)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
PARTS = st.fixed_dictionaries({}, optional={"place": JSON, "theme": JSON, "decks": JSON})


@given(JSON | PARTS)
def test_what_is_read_has_the_right_types(value: object) -> None:
    state = of_json(value)
    assert all(isinstance(word, str) for word in state.place)
    assert state.theme is None or isinstance(state.theme, str)
    assert all(type(stop) is int and stop > 0 for _, stop in state.decks)


def test_one_damaged_part_leaves_the_others() -> None:
    assert of_json({"place": ["matmul", 3], "theme": "light", "decks": {"/a": 2, "/b": True, "/c": -1}}) == (
        State((), "light", (("/a", 2),))
    )
    assert of_json({"place": ["matmul"], "theme": ["light"], "decks": 7}) == State(("matmul",))


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "dangling", "file above"])
def test_what_is_no_file_is_no_harm(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "llm-linalg"
    if kind == "file above":
        place.write_text("", encoding="utf-8")
    else:
        place.mkdir()
    if kind == "folder":
        (place / NAME).mkdir()
    elif kind == "pipe":
        os.mkfifo(place / NAME)
    elif kind == "loop":
        (place / NAME).symlink_to(place / NAME)
    elif kind == "dangling":
        (place / NAME).symlink_to(tmp_path / "nowhere" / "at all")
    assert StateFile(place).load() == State()
    done = StateFile(place).update(lambda _: FULL)
    assert done == (kind != "file above")
    assert StateFile(place).load() == (FULL if done else State())
    if kind in ("folder", "pipe", "dangling"):  # it is kept beside the new file
        assert {path.name for path in place.iterdir()} == {NAME, f"{NAME}.bak"}


def test_forgetting_what_is_no_file_waits_for_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    copy = StateFile(tmp_path).forget_progress()
    assert copy is not None
    assert copy.is_fifo()
    assert StateFile(tmp_path).load() == State()
    (tmp_path / NAME).write_text('{"format": 7}', encoding="utf-8")
    with pytest.raises(PermissionError, match="newer version"):
        StateFile(tmp_path).forget_progress()


def test_a_link_within_the_folder_is_followed_and_one_that_leads_out_of_it_is_not(tmp_path: Path) -> None:
    victim, folder = tmp_path / "notes.txt", tmp_path / "state"
    victim.write_bytes(WHOLE)  # also if it could be read as a state
    folder.mkdir()
    (folder / NAME).symlink_to(victim)
    assert StateFile(folder).load() == State()
    assert StateFile(folder).update(lambda _: FULL)
    assert victim.read_bytes() == WHOLE
    assert not (folder / NAME).is_symlink()
    assert (folder / f"{NAME}.bak").readlink() == victim

    (folder / NAME).rename(folder / "mine.json")
    (folder / NAME).symlink_to("mine.json")
    assert StateFile(folder).load() == FULL
    assert StateFile(folder).update(lambda state: state._replace(theme="dark"))
    assert (folder / NAME).is_symlink()
    assert json.loads((folder / "mine.json").read_text(encoding="utf-8"))["theme"] == "dark"


DAMAGED = [
    b"", WHOLE[:30], WHOLE[:-1], b"1" * 5000, b"[]", b"{}", b"null", b"\xff", b'{"format": "1"}',
    b'{"format": 1, "place": [3]}', b'{"format": 1, "decks": {"/a": true}}', b'{"theme": "light"}',
    b"[" * 100_000, b" " * (LARGEST + 1),
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_what_cannot_be_read_is_kept_and_said_once(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / NAME
    for number in ("", "2"):
        file.write_bytes(data)
        assert f"renamed to {NAME}.bak{number}." in StateFile(tmp_path).set_aside_damaged()
        assert (tmp_path / f"{NAME}.bak{number}").read_bytes() == data
        assert StateFile(tmp_path).set_aside_damaged() == ""
    file.write_bytes(data)
    assert StateFile(tmp_path).update(lambda _: FULL)  # who says nothing loses nothing
    assert StateFile(tmp_path).load() == FULL
    assert (tmp_path / f"{NAME}.bak3").read_bytes() == data


def test_what_a_newer_version_wrote_is_left_alone(tmp_path: Path) -> None:
    file, text = tmp_path / NAME, '{"format": 7, "place": {"lesson": "matmul"}, "theme": "light"}'
    file.write_text(text, encoding="utf-8")
    assert StateFile(tmp_path).load() == State()
    assert not StateFile(tmp_path).update(lambda _: FULL)
    assert "newer version" in StateFile(tmp_path).set_aside_damaged()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert file.read_text(encoding="utf-8") == text


WORD = st.text(max_size=8)
WORDS = st.lists(WORD, max_size=3).map(tuple)
STATES = st.builds(
    State,
    place=WORDS,
    theme=st.none() | WORD,
    decks=st.lists(st.tuples(WORD, st.integers(-1, 3)), max_size=3).map(tuple),
    marks=st.lists(
        st.tuples(
            WORD, st.builds(StageMark, st.integers(-1, 3), WORDS, st.floats(), st.booleans(), st.floats())
        ),
        max_size=2,
    ).map(tuple),
    lessons=st.lists(st.tuples(WORD, WORDS), max_size=3).map(tuple),
)


@given(STATES)
def test_what_is_written_can_be_read(tmp_path_factory: pytest.TempPathFactory, state: State) -> None:
    file = StateFile(tmp_path_factory.mktemp("state"))
    assert file.update(lambda _: state)
    kept = file.load()
    assert file.set_aside_damaged() == ""
    assert file.update(lambda now: now)
    assert file.load() == kept


def test_what_another_version_added_stays(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"format": 1, "theme": "light", "pace": 3}', encoding="utf-8")
    assert StateFile(tmp_path).update(lambda state: state.with_deck("/a.md", 2))
    assert json.loads((tmp_path / NAME).read_text(encoding="utf-8")) == {
        "format": 1, "theme": "light", "pace": 3, "place": [], "decks": {"/a.md": 2}, "marks": {},
        "lessons": {}, "progress": {}, "way": None, "course": "", "brief": False,
    }  # fmt: skip


def test_decks_are_known_by_their_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = State().with_deck("talk.md", 4)
    assert state.deck(tmp_path / "talk.md") == state.deck("x/../talk.md") == 4
    assert state.with_deck("talk.md", 5).decks == ((str(tmp_path / "talk.md"), 5),)
    assert state.deck("other.md") is None


def test_the_decks_used_longest_ago_are_forgotten() -> None:
    state = State()
    for number in range(1, MOST_DECKS + 3):
        state = state.with_deck(f"/{number}.md", number).with_deck("/1.md", 1)
    assert len(state.decks) == MOST_DECKS
    assert state.deck("/1.md") == 1
    assert state.deck("/2.md") is None


@pytest.mark.parametrize("lesson", [one for one in catalog() if one.controls], ids=lambda one: one.slug)
def test_a_place_opens_the_same_view_again(lesson: Lesson) -> None:
    view = View.opening(lesson)
    view = view.move(view.controls[0][0], 1).with_seed(7)
    assert view_of(app_parser().read(place(view))) == view


def test_a_file_is_named_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("product.md").write_text(PRODUCT, encoding="utf-8")
    assert place(View.opening(load("product.md"), 2)) == (str(tmp_path / "product.md"), "--stop", "2")
    assert place(View.opening(find("matmul"))) == ("matmul",)


def test_the_playgrounds_program_is_not_in_it() -> None:
    assert place(playground_view("secret = 1"))[0] == PLAYGROUND.slug
    assert "secret" not in " ".join(place(playground_view("secret = 1")))


def test_the_folders() -> None:
    assert folder({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/llm-linalg")
    assert folder({"XDG_STATE_HOME": "s", "HOME": "/h"}) == Path("/h/.local/state/llm-linalg")
    assert folder({"HOME": "/h"}, CONFIG) == Path("/h/.config/llm-linalg")
    assert folder({"XDG_CONFIG_HOME": "/c"}, CONFIG) == Path("/c/llm-linalg")
    assert folder({"HOME": ""}) is None


def test_a_talk_that_did_not_end_is_marked(tmp_path: Path) -> None:
    memory = StateFile(tmp_path)
    mark = StageMark(3, ("--step", "2", "--set", "n=4"), 37.5, True, 1_790_000_000.25)
    assert memory.update(lambda state: state.with_deck("/a.md", 3).with_mark("/a.md", mark))
    assert memory.load().mark("/a.md") == mark
    assert memory.update(lambda state: state.with_mark("/b.md", mark._replace(stop=1)))
    assert memory.update(lambda state: state.with_mark("/a.md", None))
    assert (memory.load().mark("/a.md"), memory.load().deck("/a.md")) == (None, 3)
    assert memory.load().mark("/b.md") == mark._replace(stop=1)


@given(st.fixed_dictionaries({}, optional={"marks": st.dictionaries(st.text(max_size=4), JSON, max_size=3)}))
def test_marks_of_other_types_are_left_out(value: object) -> None:
    assert of_json(value).marks == ()


def test_why_nothing_is_remembered_is_said_unless_the_start_said_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    said: list[str] = []
    file = StateFile(tmp_path)
    assert file.update(lambda _: FULL, said.append)
    monkeypatch.setattr(user_dirs, "keep", full)
    assert not file.update(lambda _: State(), said.append)
    assert said == ["nothing of this is remembered: state.json can't be written: No space left on device"]
    monkeypatch.setattr(user_dirs, "writable", lambda _: False)
    assert not file.update(lambda _: State(), said.append)
    assert len(said) == 1
    assert file.load() == FULL


@pytest.mark.slow  # `python -m tests.fuzz files` is the long run, of which this is a fiftieth
def test_a_start_with_damaged_files_is_one_and_loses_nothing(tmp_path: Path) -> None:
    for number in range(100):
        assert not wrong(random.Random(f"7/{number}"), tmp_path / str(number)), number  # noqa: S311
