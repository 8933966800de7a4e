"""Boards in the app: select, open, come back; digits, the mouse, controls, and the cells behind a row."""

from __future__ import annotations

import pytest

from tests.app.driving import lesson, opened
from tui.app import Options
from tui.text.themes import THEMES

LINKED = lesson(
    "See [the dot product](lesson:dot).\n\n```python\nx = torch.ones(3)\n```\n"
    "```board\nRow | x | lesson:matmul | a row\nNext | | lesson:own | nowhere\n```\n"
)


async def test_a_row_is_selected_by_arrows_and_enter_opens_its_lesson() -> None:
    async with opened("summary") as d:
        assert "1 ▸ Ranks" in d.screen
        await d.press("up")
        assert d.view.row == 1
        await d.press("down", "down")
        assert "3 ▸ Matmul" in d.screen
        assert "opens Matrix × matrix" in d.screen
        assert "row 3 of 6" in d.screen
        await d.press(*["down"] * 9)
        assert d.view.row == 6
        await d.press("up", "up", "up", "enter")
        assert d.view.lesson.slug == "matmul"
        assert d.view.board is None


@pytest.mark.parametrize("key", ["backspace", "u"])
async def test_one_comes_back_to_the_row(key: str) -> None:
    async with opened("summary") as d:
        before = d.rows
        await d.press("down", "down", "enter")
        assert d.view.lesson.slug == "matmul"
        await d.press("right", "right", key)
        assert (d.view.lesson.slug, d.view.row) == ("summary", 3)
        assert "3 ▸ Matmul" in d.screen
        await d.press("up", "up")
        assert d.rows[2:22] == before[2:22]
        assert "go back" not in d.rows[-1]


async def test_one_comes_back_after_moving_about_in_the_lesson() -> None:
    async with opened("summary") as d:
        await d.press("3")
        assert d.view.lesson.slug == "matmul"
        assert "go back" in d.rows[-1]
        await d.press("full_stop", "right_square_bracket", "c", "tab", "enter", "escape", "backspace")
        assert d.view.lesson.slug == "summary"
        await d.press("backspace")
        assert d.view.lesson.slug == "summary"


async def test_a_lesson_opened_otherwise_forgets_the_way_back() -> None:
    async with opened("summary") as d:
        await d.press("3", "l", "down", "enter")
        assert d.view.lesson.slug not in ("matmul", "summary")
        slug = d.view.lesson.slug
        await d.press("backspace")
        assert d.view.lesson.slug == slug


async def test_digits_and_clicks_open_rows() -> None:
    async with opened("why", stop=7) as d:
        await d.press("9")
        assert "There is no row 9" in d.rows[-1]
        await d.press("4")
        assert d.view.lesson.slug == "attention"
        await d.press("backspace")
        assert d.view.row == 4
        y = next(y for y, text in enumerate(d.rows) if "Linear layers" in text)
        for x in (d.rows[y].index("Linear"), d.rows[y].index("matrix")):
            await d.pilot.click(offset=(x, y))
            await d.settle()
            assert d.view.lesson.slug == "linear"
            await d.press("backspace")


async def test_links_in_the_text_keep_the_digits() -> None:
    async with opened(LINKED) as d:
        await d.press("1")
        assert d.view.lesson.slug == "dot"
        await d.press("u", "enter")
        assert d.view.lesson.slug == "matmul"


async def test_a_lesson_that_is_not_listed_is_said() -> None:
    async with opened(LINKED) as d:
        await d.press("down", "enter")
        assert d.view.lesson is LINKED
        assert "There is no lesson own" in d.rows[-1]
        await d.press("c")
        assert "Next has no cells to ask" in d.rows[-1]


async def test_controls_change_the_numbers_at_once() -> None:
    async with opened("why", stop=7) as d:
        assert "315,187,200" in d.screen
        await d.press("down", "right_square_bracket")
        assert "315,187,200" not in d.screen
        assert f"{12 * 100 * 1024 * 1024 + 12 * 100 * 1024:,}" in d.screen
        assert d.view.row == 2


async def test_a_board_has_no_steps() -> None:
    async with opened("why", stop=7) as d:
        before = d.rows[:-1]
        await d.press("right", "space")
        assert d.rows[:-1] == before
        assert "the next stop" in d.rows[-1]
        assert "steps" not in d.screen


async def test_the_cells_behind_a_row_are_asked_and_closed() -> None:
    async with opened("summary") as d:
        await d.press("down", "down", "c")
        assert d.view.cursor == ("Y", (0, 0))
        assert "made from A[0, :], B[:, 0]" in d.screen
        await d.press("escape")
        assert "3 ▸ Matmul" in d.screen
        await d.press("c", "tab", "backspace")
        assert "3 ▸ Matmul" in d.screen


async def test_out_and_into_leave_the_board_and_come_back() -> None:
    async with opened("why", stop=7) as d:
        await d.press("escape")
        assert d.view.depth == "operations"
        assert "▸ Embedding" not in d.screen
        await d.press("enter")
        assert "▸ Embedding" in d.screen
        await d.press("b")
        assert "▸ Embedding" not in d.screen
        await d.press("n")
        assert "▸ Embedding" in d.screen


async def test_the_text_view_reads_the_rows() -> None:
    async with opened("why", stop=7) as d:
        await d.press("p")
        while "more below" in d.screen:
            await d.press("pagedown")
        assert "Attention: Q Kᵀ, then P V; value 10,400,000; lesson attention" in d.screen


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_the_selection_is_told_without_colour(theme: str, ascii_only: bool) -> None:
    async with opened("why", stop=7, options=Options(theme=theme, ascii_only=ascii_only)) as d:
        await d.press("down")
        pointer = ">" if ascii_only else "▸"
        assert f"{pointer} Normalisation" in d.screen
        assert f"{pointer} Embedding" not in d.screen
        assert not ascii_only or d.screen.isascii()


async def test_moving_the_selection_repaints_two_rows() -> None:
    from tui.panes.stage_pane import StagePane

    async with opened("why", stop=7) as d:
        stage = d.app.explorer.query_one(StagePane)
        before = stage.rows
        await d.press("down")
        assert sum(old != new for old, new in zip(before, stage.rows, strict=True)) == 2
