"""What is kept of the playground's programs, and what is told before something is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import find
from tests.app.test_playground import PRODUCT, bench
from tests.common import file_at
from tui.files.drafts import BEFORE, NAME, Drafts
from tui.files.user_dirs import LARGEST


@pytest.mark.slow
async def test_another_program_stays_beside_the_one_that_takes_its_place(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "play")
    drafts.keep(PRODUCT)
    async with bench(lesson=find("matmul"), drafts=drafts) as d:
        await d.press("E")
        assert drafts.load() == PRODUCT  # nothing was typed yet
        await d.press("enter", "k", "equals_sign", "1")
    assert "\nk=1" in str(drafts.load())
    assert (tmp_path / "play" / BEFORE).read_text(encoding="utf-8") == PRODUCT
    async with bench(drafts.load(), drafts=drafts) as d:
        await d.press("enter", "k", "equals_sign", "2")
    assert (tmp_path / "play" / BEFORE).read_text(encoding="utf-8") == PRODUCT  # that was the same program


@pytest.mark.parametrize("keys", [("ctrl+q",), ("escape", "q")])
@pytest.mark.slow
async def test_a_file_that_is_not_saved_is_told_before_it_is_left(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    file = file_at(tmp_path, "mine.py", PRODUCT)
    async with bench(PRODUCT, drafts=Drafts(None, file)) as d:
        await d.press("enter", "k", "equals_sign", "2", *keys)
        await d.settle()
        assert "Not saved: ^s" in d.screen
        assert not d.app._exit
        await d.press(keys[-1])
        assert d.app._exit
    async with bench(PRODUCT, drafts=Drafts(None, file)) as d:
        await d.press("enter", "k", "equals_sign", "2", "ctrl+s", *keys)
        assert d.app._exit


@pytest.mark.slow
async def test_a_file_that_another_program_has_changed_is_written_when_asked_again(tmp_path: Path) -> None:
    file = file_at(tmp_path, "mine.py", PRODUCT)
    async with bench(PRODUCT, drafts=Drafts(None, file)) as d:
        await d.press("enter", "k", "equals_sign", "2")
        file.write_text("theirs = 1\n", encoding="utf-8")
        await d.press("ctrl+s")
        assert "Another program has changed" in d.screen
        assert file.read_text(encoding="utf-8") == "theirs = 1\n"
        file.write_bytes(b"\xff")  # once more, and not as text
        await d.press("ctrl+s")
        assert file.read_bytes() == b"\xff"
        await d.press("ctrl+s")
        assert "Saved as" in d.screen
        assert file.read_text(encoding="utf-8") == PRODUCT + "\nk=2"
        await d.press("enter", "ctrl+s")  # what we wrote ourselves is no change
        assert "Saved as" in d.screen


def test_two_windows_lose_neither_program(tmp_path: Path) -> None:
    one, other = Drafts(tmp_path), Drafts(tmp_path)
    assert one.load() is other.load() is None
    assert one.keep("a = 1\n") == ""
    assert one.keep("a = 12\n") == ""
    assert f"it is in {BEFORE} now" in other.keep("b = 1\n")
    assert (other.load(), (tmp_path / BEFORE).read_text(encoding="utf-8")) == ("b = 1\n", "a = 12\n")
    one.keep("a = 123\n")
    assert (one.load(), (tmp_path / BEFORE).read_text(encoding="utf-8")) == ("a = 123\n", "b = 1\n")


@pytest.mark.parametrize("data", [b"\xff\x00", b"x" * (LARGEST + 1)])
def test_a_draft_that_cannot_be_read_is_set_aside(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    drafts = Drafts(tmp_path)
    assert drafts.load() is None
    assert f"renamed to {NAME}.bak." in drafts.keep("x = 1")
    assert drafts.keep("x = 2") == ""
    assert (tmp_path / f"{NAME}.bak").read_bytes() == data
    assert drafts.load() == "x = 2"


@pytest.mark.parametrize("keys", [("ctrl+q",), ("escape", "q")])
@pytest.mark.slow
async def test_a_draft_that_cannot_be_kept_is_told_before_it_is_left(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    (tmp_path / "play").write_text("no folder", encoding="utf-8")
    async with bench(PRODUCT, drafts=Drafts(tmp_path / "play")) as d:
        await d.press("enter", "k", "equals_sign", "2", *keys)
        assert "The program is not kept" in d.screen
        assert "Again leaves" in d.screen
        assert not d.app._exit
        await d.press(keys[-1])
        assert d.app._exit
    assert any("not kept" in loss for loss in d.app.start.losses.work)  # and once more, below the app
    (tmp_path / "play").unlink()
    async with bench(PRODUCT, drafts=Drafts(tmp_path / "play")) as d:
        await d.press("enter", "k", "equals_sign", "3", *keys)
        assert d.app._exit
    assert (tmp_path / "play" / NAME).read_text(encoding="utf-8") == PRODUCT + "\nk=3"
    assert not any(d.app.start.losses.work)


def test_on_a_full_disk_the_row_names_the_reason_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("llm_linalg.base.file_io.write_all", fill)
    file = tmp_path / ("deep" * 20) / "mine.py"
    file.parent.mkdir()
    said, is_saved = Drafts(None, file).save("x = 1\n")
    assert not is_saved
    assert said.startswith("Not saved, No space left on device: ")
    assert said.endswith("/mine.py")
    assert len(said) <= 78
    assert not list(file.parent.iterdir())
