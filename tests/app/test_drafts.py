"""What is kept of the playground's programs, and what is told before something is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_linalg.lessons.reader import find
from tests.app.test_playground import PRODUCT, bench
from tui.files.drafts import BEFORE, Drafts


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


async def test_a_repair_is_kept(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "play")
    async with bench("x = torch.ones(2, 3)\ny = x @ x", drafts=drafts) as d:
        await d.press("ctrl+r")
        await d.settle()
    assert drafts.load() == "x = torch.ones(2, 3)\ny = x @ x.T"


@pytest.mark.parametrize("keys", [("ctrl+q",), ("escape", "q")])
async def test_a_file_that_is_not_saved_is_told_before_it_is_left(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PRODUCT, encoding="utf-8")
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
