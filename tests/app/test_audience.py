"""Following a talk: the lines, the place where one meets, and what a presenter does with whoever comes."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from llm_linalg.lessons.lesson import LessonError
from tests.app.talks import deck_at, done, started
from tests.fuzz.peers import PEERS, attack
from tui.audience import meeting
from tui.audience.client import Link
from tui.audience.protocol import (
    LONGEST_REQUEST,
    Role,
    WireError,
    command_for,
    deck_message,
    decode,
    encode,
    greeting,
    lesson_from,
    lesson_message,
    role_of,
    show_message,
    with_line,
)
from tui.audience.server import Audience
from tui.model.broadcast import Broadcast
from tui.screens.follower import talk_of
from tui.session.presentation.stage_moves import is_edited, require_talk
from tui.session.session import Session


@pytest.fixture
def talk(tmp_path: Path) -> Session:
    return started(deck_at(tmp_path))


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(tmp_path_factory.mktemp("run"))}


def told(session: Session, role: Role = "follow") -> Broadcast:
    talk = require_talk(session)
    lines = [
        deck_message(talk.deck),
        lesson_message(talk.deck, talk.stop.lesson),
        show_message(session, role, 0.0),
    ]
    now = Broadcast()
    for line in lines:
        now = with_line(now, encode(line))
    return now


WAYS = (
    (),
    ("stage.go:2", "stage.next", "control.up", "seed.up", "order"),
    ("stage.go:3",),
    ("stage.go:3", "stage.next", "into", "stage.next", "cursor"),
    ("stage.last", "stage.finish", "look", "stage.black", "stage.clock"),
)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_told_is_what_is_shown(talk: Session, way: tuple[str, ...]) -> None:
    talk = done(talk, *way)
    now = told(talk)
    lesson = lesson_from(now.lesson)
    followed, view = talk_of(now, lesson)
    mine = require_talk(talk)
    assert (view.controls, view.seed, view.step, view.order, view.depth, view.cursor, view.look) == (
        talk.view.controls, talk.view.seed, talk.view.step, talk.reopening_view.order, talk.view.depth,
        talk.view.cursor, talk.view.look,
    )  # fmt: skip
    assert view.at_stop == talk.view.at_stop
    assert (followed.number, followed.black, followed.clock, followed.duration) == (
        mine.number, mine.black, mine.clock, mine.duration,
    )  # fmt: skip
    assert is_edited(talk.at_stop(view, followed)) == is_edited(talk)


def test_only_the_speaker_gets_the_notes(talk: Session) -> None:
    assert told(talk, "notes").show["notes"] == "Say hello."
    assert told(talk, "notes").show["next"] == "A sum"
    assert "Say hello" not in str(told(talk, "follow").show)


@pytest.mark.parametrize(
    "message",
    [
        {}, {"do": "quit"}, {"do": "stage.next"}, {"do": ["next"]}, {"do": "go"}, {"do": "go", "stop": "3"},
        {"do": "go", "stop": True}, {"do": "go", "stop": 0}, {"do": "go", "stop": 10**9},
        {"do": "next", "stop": 1}, {"do": "copy.code"}, {"do": "set", "n": 4},
    ],
)  # fmt: skip
def test_nothing_else_is_understood(message: dict[str, object]) -> None:
    with pytest.raises(WireError):
        command_for(message, "notes")


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"1\n", b"\xff\n", b"[" * 100_000])
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        decode(line)


def test_other_versions_are_refused() -> None:
    for message in ({}, {"llm-linalg": 2, "as": "notes"}, {"llm-linalg": 1, "as": "root"}, {"llm-linalg": 1}):
        with pytest.raises(WireError):
            role_of(message)
    assert role_of(greeting("notes")) == "notes"
    with pytest.raises(WireError, match="another version"):
        with_line(Broadcast(), b'{"new": {}}\n')


@pytest.mark.parametrize("change", [{"number": 99}, {"stop": 0}, {"view": None}, {"seconds": "x"}])
def test_what_is_told_in_another_way_is_refused(talk: Session, change: dict[str, object]) -> None:
    now = told(talk)
    with pytest.raises(WireError):
        talk_of(Broadcast(now.deck, now.lesson, {**now.show, **change}), lesson_from(now.lesson))


def test_a_rehearsed_picture_that_is_none_is_refused(talk: Session) -> None:
    now = told(talk)
    show = {**now.show, "rehearsed": ["--depth", "deep"]}
    with pytest.raises(LessonError, match="deep"):
        talk_of(Broadcast(now.deck, now.lesson, show), lesson_from(now.lesson))


# The place.


def test_the_folder_is_the_users_alone(home: dict[str, str], tmp_path: Path) -> None:
    place = meeting.folder(home)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    place.chmod(0o755)
    assert stat.S_IMODE(meeting.folder(home).stat().st_mode) == 0o700
    state = meeting.folder({"XDG_STATE_HOME": str(tmp_path)})
    assert state == tmp_path / "llm-linalg" / "stage"
    with pytest.raises(meeting.PlaceError):
        meeting.folder({})


def test_a_link_in_the_folders_place_is_refused(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (Path(home["XDG_RUNTIME_DIR"]) / "llm-linalg").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(meeting.PlaceError, match="not this user's own"):
        meeting.folder(home)


def test_what_dead_presenters_left_is_removed(home: dict[str, str]) -> None:
    place = meeting.folder(home)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(place / "1.sock"))
    dead.close()
    (place / "2.sock").write_text("no socket", encoding="utf-8")
    living, path = meeting.listening_socket(place)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert meeting.presenters(place) == [path]
    assert not (place / "1.sock").exists()
    living.close()
    assert meeting.presenters(place) == []


def test_a_path_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(meeting.PlaceError, match="too long"):
        meeting.listening_socket(tmp_path / ("x" * 100))


def test_the_peer_is_asked_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert meeting.same_user(one)
        monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
        assert not meeting.same_user(one)


# The presenter.


@asynccontextmanager
async def serving(
    session: Session, home: dict[str, str], do: Callable[[str], object] = lambda _: None
) -> AsyncIterator[Audience]:
    async def at_once(command: str) -> None:
        do(command)

    audience = Audience(session, at_once)
    await audience.open(meeting.folder(home))
    try:
        yield audience
    finally:
        audience.close()


async def raw(home: dict[str, str], *lines: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    (path,) = meeting.presenters(meeting.folder(home))
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 24)
    writer.writelines(lines)
    return reader, writer


async def test_a_follower_gets_what_is_shown_and_what_comes(talk: Session, home: dict[str, str]) -> None:
    commands: list[str] = []
    async with serving(talk, home, commands.append) as audience:
        link = Link("notes", home)
        shown = link.talk()
        now = await anext(shown)
        assert (now.show["number"], now.deck["title"], now.show["notes"]) == (1, "A talk", "Say hello.")
        audience.show(done(talk, "stage.next"))
        assert (await anext(shown)).show["number"] == 2
        assert link.say("go", 3)
        assert link.say("next")
        while len(commands) < 2:
            await asyncio.sleep(0)
        assert commands == ["stage.go:3", "stage.next"]
        audience.close()
        assert [now async for now in shown] == []
        assert not link.say("next")


async def test_another_lesson_is_told_before_it_is_shown(talk: Session, home: dict[str, str]) -> None:
    async with serving(talk, home) as audience:
        shown = Link("follow", home).talk()
        assert "path" in (await anext(shown)).lesson
        audience.show(done(talk, "stage.go:3"))
        now = await anext(shown)
        assert now.lesson == {"slug": "matmul"}
        assert lesson_from(now.lesson).slug == "matmul"


@pytest.mark.parametrize(
    "lines",
    [
        [b"GET / HTTP/1.1\r\n\r\n"],
        [b"x" * (LONGEST_REQUEST + 10)],
        [encode(greeting("notes")), b"x" * (LONGEST_REQUEST + 10) + b"\n"],
        [encode(greeting("follow")), encode({"do": "next"})],
        [encode(greeting("notes")), encode({"do": "quit"})],
        [encode({"llm-linalg": 99, "as": "notes"})],
    ],
)
async def test_what_is_hostile_is_refused_and_the_line_cut(
    talk: Session, home: dict[str, str], lines: list[bytes]
) -> None:
    commands: list[str] = []
    async with serving(talk, home, commands.append):
        reader, writer = await raw(home, *lines)
        data = await reader.read()  # to the end: it was cut
        assert b'"refused"' in data.splitlines()[-1]
        writer.close()
        assert (await anext(Link("follow", home).talk())).show["number"] == 1
    assert commands == []


async def test_one_that_does_not_read_is_not_waited_for(talk: Session, home: dict[str, str]) -> None:
    views = [done(talk, "stage.go:2"), done(talk, "stage.go:3")]
    async with serving(talk, home) as audience:
        _, deaf = await raw(home, encode(greeting("follow")))
        shown = Link("follow", home).talk()
        await anext(shown)
        for number in range(3000):
            audience.show(views[number % 2].with_notice(""))
            await asyncio.sleep(0)
        audience.show(done(talk, "stage.last"))
        numbers: list[int] = []
        while not numbers or numbers[-1] != 4:
            numbers.append((await anext(shown)).show["number"])
        sizes = [one.writer.transport.get_write_buffer_size() for one in audience._followers]
        longest = sum(
            len(encode(line)) for line in (deck_message(require_talk(talk).deck), told(talk).lesson)
        )
        assert max(sizes) <= longest + 2000
        deaf.close()


async def test_a_follower_s_next_command_waits_until_the_last_is_done(
    talk: Session, home: dict[str, str]
) -> None:
    begun: list[str] = []
    may_end = asyncio.Semaphore(0)

    async def slow(command: str) -> None:
        begun.append(command)
        await may_end.acquire()

    audience = Audience(talk, slow)
    await audience.open(meeting.folder(home))
    _, writer = await raw(home, encode(greeting("notes")), encode({"do": "next"}) * 50)
    for number in range(1, 4):
        while len(begun) < number:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(begun) == number
        may_end.release()
    writer.close()
    audience.close()


@pytest.mark.slow  # `python -m tests.fuzz peers` is the long run, of which this is a fiftieth
async def test_forty_bad_peers_at_once_are_no_harm(talk: Session, home: dict[str, str]) -> None:
    commands: list[str] = []
    async with serving(talk, home, commands.append) as audience:
        shown = Link("follow", home).talk()
        assert (await anext(shown)).show["number"] == 1
        (path,) = meeting.presenters(meeting.folder(home))
        attacked = asyncio.create_task(attack(path, 5))
        for command in ("stage.go:2", "stage.go:3", "stage.last"):
            audience.show(done(talk, command))
            await anext(shown)
        await attacked
        assert len(PEERS) == 40
        assert set(commands) == {"stage.next", "stage.go:1000000"}
        audience.show(done(talk, "stage.go:4"))
        assert (await anext(shown)).show["number"] == 4
        while len(audience._followers) > 1:  # the others are gone
            await asyncio.sleep(0)
