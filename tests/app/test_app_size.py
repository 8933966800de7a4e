"""Sizes: every terminal gets a picture or is told what is needed; the sidebar comes and goes."""

from __future__ import annotations

import pytest

from llm_linalg.lessons.reader import parse
from tests.app.driving import opened
from tests.common import known
from tui.app import Options
from tui.layout.pane_sizes import LARGEST, SMALLEST, sizes
from tui.model.view import View


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (1, 1), (59, 24), (80, 17), (5, 60)])
async def test_too_small_says_what_is_needed(size: tuple[int, int]) -> None:
    async with opened("matmul", size) as d:
        told = "".join(d.rows)
        assert told.startswith(f"too small: needs 60×18, has {size[0]}×{size[1]}"[: size[0] * size[1]])
        await d.pilot.press("q")
        assert d.app.return_code == 0


async def test_growing_and_shrinking_ends_in_the_same_picture() -> None:
    async with opened("matmul") as d:
        await d.press("right", "right")
        before = d.screen
        for size in ((200, 60), (60, 18), (20, 5), (120, 40), (1, 1), (80, 24)):
            await d.pilot.resize_terminal(*size)
        await d.settle()
        assert d.screen == before


@pytest.mark.parametrize("size", [(60, 18), (79, 24), (200, 60), (500, 200)])
async def test_the_picture_is_whole_and_centred(size: tuple[int, int]) -> None:
    async with opened("matmul", size) as d:
        await d.press("right", "right", "right")
        rows = d.rows
        width = min(size[0], LARGEST[0])
        margin = (size[0] - width) // 2
        shown = [row for row in rows if row.strip()]
        assert len(rows) == size[1]
        assert all(len(row) <= margin + width for row in rows)
        assert all(row[:margin].strip() == "" for row in shown)
        text = "\n".join(rows)
        assert "[-0.7193]" in text
        assert "(3, 2) @ (2, 4) → (3, 4)" in text
        assert "3/12" in text


async def test_the_sidebar_by_key_and_by_width() -> None:
    async with opened("matmul", (70, 24)) as d:
        assert "nn.Linear" not in d.screen
        await d.press("backslash")
        assert "nn.Linear" in d.screen
        await d.press("backslash")
        assert "nn.Linear" not in d.screen
    async with opened("matmul") as d:
        assert "nn.Linear" in d.screen
        await d.press("backslash")
        assert "nn.Linear" not in d.screen


async def test_who_chooses_in_a_narrow_terminal_sees_the_sidebar() -> None:
    async with opened("matmul", SMALLEST) as d:
        assert "Changing words" not in d.screen
        await d.press("l")
        assert "3 Changing words" in d.screen
        await d.press("escape")
        assert "Changing words" not in d.screen


async def test_the_help_is_whole_in_a_narrow_terminal() -> None:
    async with opened("matmul", SMALLEST) as d:
        await d.press("question_mark")
        told = " ".join(d.screen.split())
        assert "One step on; at the last one, twice, on to what comes next" in told
        assert "Into what is shown, down to a single product; esc leads out" in told


@pytest.mark.slow
async def test_choosing_in_the_sidebar() -> None:
    async with opened("matmul") as d:
        await d.press("down", "down", "up", "down")
        assert "↑↓↵ choose, open" in d.rows[-1]
        chosen = known(d.session.selection.sidebar)
        await d.press("enter")
        assert d.view.lesson.slug == chosen
        await d.press("l", "down", "escape")
        assert d.view.lesson.slug == chosen
        assert "choose, open" not in d.rows[-1]


@pytest.mark.parametrize("prose", ["", "Short.", "A sentence of many words. " * 12, "words " * 60])
def test_the_room_adds_up(prose: str) -> None:
    view = View.opening(parse(f"+++\ntitle = 'A'\n+++\n{prose}\n```python\nx = torch.ones(2)\n```", "a.md"))
    for width in range(SMALLEST[0], 220, 7):
        for height in range(SMALLEST[1], 80):
            for failed in (False, True):
                room = known(sizes(width, height, ["x = 1"] * 6, view, sidebar=None, failed=failed))
                around = 4 + room.story + room.program + room.controls + room.transport
                assert around + room.stage + room.words == min(height, LARGEST[1])
                assert room.stage >= 5
    assert sizes(SMALLEST[0] - 1, 40, [], view, sidebar=None, failed=False) is None
    assert sizes(100, SMALLEST[1] - 1, [], view, sidebar=None, failed=False) is None


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_the_footer_ends_with_help_and_quit_in_ascii_too(
    ascii_only: bool,
) -> None:
    options = Options(ascii_only=ascii_only)
    for name, keys in (("matmul", ()), ("matmul", ("M",)), ("triangular", ()), ("matmul", ("c",))):
        async with opened(name, options=options) as d:
            await d.press(*keys)
            assert d.rows[-1].rstrip().endswith("? help  q quit")
