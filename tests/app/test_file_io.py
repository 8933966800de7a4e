"""Files of the user are replaced whole or not at all, and nothing is written elsewhere through a link."""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llm_linalg.base.errors import ProgramError
from llm_linalg.base.file_io import FileReplacement, read_bytes, set_aside, written_path
from llm_linalg.base.text import clean_lines
from tests.common import file_at
from tui.cli.main import main
from tui.files import user_dirs
from tui.files.drafts import Drafts
from tui.files.output import Sink, explain, say
from tui.files.state_file import State, StateFile
from tui.session.script.saving import save_script

NOBODY = 65_534
FULL = State(("matmul",), "light", (("/a.md", 3),))
BIG = "x = 1\n" * 20_000


def to_sink(path: Path, text: str) -> None:
    with Sink(str(path)) as sink:
        sink.write(clean_lines(text))


def to_script(path: Path, text: str) -> None:
    told, saved = save_script(text, str(path), "matmul")
    if not saved:
        raise OSError(told)


def test_a_script_is_played_by_the_line_that_is_said(tmp_path: Path) -> None:
    told, _ = save_script("lesson matmul\n", str(tmp_path / "my talk.steps"), "matmul")
    assert told.endswith(f"llm-linalg play-script '{tmp_path}/my talk.steps'")


def to_draft(path: Path, text: str) -> None:
    Drafts(path.parent).keep(text)


def to_opened_file(path: Path, text: str) -> None:
    told, saved = Drafts(None, path).save(text)
    if not saved:
        raise OSError(told)


Writer = Callable[[Path, str], None]
WRITERS: dict[str, Writer] = {
    "export": to_sink, "script": to_script, "draft": to_draft, "file": to_opened_file, "kept": user_dirs.keep,
}  # fmt: skip


@contextmanager
def user_folder() -> Iterator[Path]:
    """A folder of an ordinary user, who we are meanwhile."""
    "".encode("utf-8-sig")  # an ordinary user may have no way to the module of this codec
    if os.geteuid() == 0:
        with tempfile.TemporaryDirectory() as name:
            os.chown(name, NOBODY, NOBODY)
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
            try:
                yield Path(name)
            finally:
                os.seteuid(0)
                os.setegid(0)
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


@contextmanager
def root_folder() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can test what root does")
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(params=[user_folder, root_folder], ids=["user", "root"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder, once as an ordinary user and once as root."""
    with request.param() as folder:
        yield folder


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nothing_is_written_through_a_link_that_leads_out(place: Path, write: Writer) -> None:
    victim, folder = place / "precious", place / "work"
    victim.write_text("mine", encoding="utf-8")
    folder.mkdir()
    for link_to in (victim, Path("../precious"), place / "yet to be"):
        link = folder / "program.py"
        link.symlink_to(link_to)
        if write in (to_draft, user_dirs.keep):  # nobody named this file: the link is set aside
            write(link, "new")
            assert link.read_text(encoding="utf-8") == "new"
            assert not link.is_symlink()
            assert (folder / "program.py.bak").readlink() == link_to
            (folder / "program.py.bak").unlink()
        else:
            with pytest.raises(OSError, match="a link that leads out of its folder"):
                write(link, "new")
            assert link.readlink() == link_to
        link.unlink()
        assert victim.read_text(encoding="utf-8") == "mine"
        assert listing(place) == ["precious"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_link_within_the_folder_stays_one(place: Path, write: Writer) -> None:
    (place / "deep").mkdir()
    (place / "deep" / "real").write_text("old", encoding="utf-8")
    (place / "program.py").symlink_to("deep/real")
    write(place / "program.py", "new")
    assert (place / "program.py").is_symlink()
    assert (place / "deep" / "real").read_text(encoding="utf-8") == "new"
    assert [name for name in listing(place) if name != "before.py"] == ["deep/real", "program.py"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_full_disk_changes_nothing(
    place: Path, write: Writer, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk takes some of it, then no more."""
    path = file_at(place, "program.py", "old")
    real, room = os.write, [2000]

    def into_little_room(descriptor: int, data: memoryview) -> int:
        if room[0] <= 0:
            raise OSError(fault, os.strerror(fault))
        done = real(descriptor, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", into_little_room)
    with pytest.raises(OSError, match=os.strerror(fault)):
        write(path, BIG)
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "old"
    assert [name for name in listing(place) if name != "before.py"] == ["program.py"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_late_fault_changes_nothing(
    place: Path, write: Writer, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_at(place, "program.py", "old")

    def fails(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "it failed")

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match="it failed"):
        write(path, "new")
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "old"
    assert listing(place) == ["program.py"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_folder_that_cannot_be_written_is_said(write: Writer) -> None:
    with user_folder() as place:
        (place / "program.py").write_text("old", encoding="utf-8")
        place.chmod(0o500)
        with pytest.raises(OSError, match="ermission denied"):
            write(place / "program.py", "new")
        assert (place / "program.py").read_text(encoding="utf-8") == "old"
        place.chmod(0o700)


@pytest.mark.parametrize("write", [to_sink, to_script, to_opened_file])
def test_a_file_that_cannot_be_written_is_not_replaced(write: Writer) -> None:
    with user_folder() as place:
        (place / "a").write_text("old", encoding="utf-8")
        (place / "a").chmod(0o400)
        with pytest.raises(OSError, match="ermission denied"):
            write(place / "a", "new")
        assert (place / "a").read_text(encoding="utf-8") == "old"


def test_a_state_that_cannot_be_opened_is_kept_beside_the_new_one() -> None:
    with user_folder() as place:
        (place / "state.json").write_text('{"format": 1}', encoding="utf-8")
        (place / "state.json").chmod(0)
        assert StateFile(place).update(lambda _: FULL) is True
        assert StateFile(place).load() == (State() if os.geteuid() == 0 else FULL)
        assert listing(place) == ["state.json", "state.json.bak"]


def test_what_is_yet_to_be_a_file_is_private_or_as_the_umask_says(place: Path) -> None:
    mask = os.umask(0o027)
    try:
        to_sink(place / "page", "new")
        user_dirs.keep(place / "mine", "n\udc80w")
    finally:
        os.umask(mask)
    assert (place / "page").stat().st_mode & 0o777 == 0o640
    assert (place / "mine").stat().st_mode & 0o777 == 0o600
    assert (place / "mine").read_text(encoding="utf-8") == "n?w"


def test_what_is_interrupted_as_it_begins_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def interrupted(path: str, flags: int, *args: int, **folder: int) -> int:
        handle = opened(path, flags, *args, **folder)
        if not flags & os.O_EXCL:
            return handle
        os.close(handle)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt), FileReplacement(tmp_path / "a"):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_name_as_long_as_names_may_be(place: Path) -> None:
    for name in ("a" * 255, "漢" * 85, "é" * 127):
        user_dirs.keep(place / name, "new")
        assert (place / name).read_text(encoding="utf-8") == "new"


def test_copies_have_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for number in range(20):
        path.write_text(str(number), encoding="utf-8")
        set_aside(path)
    path.write_text("20", encoding="utf-8")
    with pytest.raises(FileExistsError):
        set_aside(path)
    assert {file.read_text(encoding="utf-8") for file in tmp_path.iterdir()} == {str(n) for n in range(21)}


@pytest.mark.parametrize("name", [".", "..", "/", "a/.."])
def test_a_folder_is_no_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="directory"):
        to_sink(Path(name), "new")
    assert written_path(tmp_path / "new") == Path(os.path.realpath(tmp_path)) / "new"


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path):
        with pytest.raises(ValueError, match="not a file"):
            read_bytes(path, 100)


def test_a_file_of_the_kernel_that_waits_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "talk.md").symlink_to("/proc/kmsg")  # a regular file, says the system
    try:
        os.close(os.open("/proc/kmsg", os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        pytest.skip("/proc/kmsg can't be opened here")
    with pytest.raises(ValueError, match="not a file"):
        read_bytes(tmp_path / "talk.md", 1 << 30)


def test_a_file_as_large_as_the_system_allows(tmp_path: Path) -> None:
    import resource

    (tmp_path / "page.html").write_text("old", encoding="utf-8")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            to_sink(tmp_path / "page.html", BIG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "old"
    assert listing(tmp_path) == ["page.html"]


def test_standard_output_by_any_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["frame", "matmul", "-o", "-"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("3 Changing words")
    for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        to_sink(Path(name), "written")
        assert capsys.readouterr().out == "written"
    assert main(["export", "matmul", "-o", "-"]) == 2
    assert "--format" in capsys.readouterr().err
    assert listing(tmp_path) == []


def test_what_is_open_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb", buffering=0) as file:  # others write there too
        file.write(b"above\n")
        to_sink(Path(f"/dev/fd/{file.fileno()}"), "between\n")
        file.write(b"below\n")
    assert log.read_bytes() == b"above\nbetween\nbelow\n"
    read, write = os.pipe()
    to_sink(Path(f"/dev/fd/{write}"), "through a pipe")
    os.close(write)
    with os.fdopen(read, "rb") as reader:
        assert reader.read() == b"through a pipe"
    with pytest.raises(OSError, match="Bad file descriptor"):
        to_sink(Path("/dev/fd/999999"), "new")


class GoneTerminal(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, _text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


def test_what_is_said_to_a_terminal_that_has_gone_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", GoneTerminal())
    say("nobody reads this")
    explain(ProgramError("nor this"))


def test_a_link_out_of_the_folder_is_told_before_work_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "precious").write_text("x = 1", encoding="utf-8")
    link = tmp_path / "work" / "mine.py"
    link.symlink_to(tmp_path / "precious")
    for words in (["play", str(link)], ["matmul", "--plain", "--record", str(link)]):
        assert main(words) == 2
        out, narration = capsys.readouterr()
        assert out == ""
        assert narration.endswith("it is a link that leads out of its folder\n")


def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link.trace"
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(OSError, match="no ordinary file"), FileReplacement(path) as file:
            file.write(b"text")
        assert pipe.is_fifo()
    assert sorted(own.name for own in tmp_path.iterdir()) == ["link.trace", "pipe"]
