"""The cell cursor: where it goes, what it says, how it follows a cell and comes back; and the mouse."""

from __future__ import annotations

from dataclasses import replace

from tests.app.driving import Driver, lesson, opened
from tests.app.lessons import opened as program
from tui.model.view import END
from tui.panes.text_pane import about_cell
from tui.panes.transport import Bar
from tui.widgets.matrix import Matrix

CHAIN = lesson(
    "A chain.\n\n```python\nx = torch.tensor([[1.0, 2.0], [3.0, 4.0]])\ny = x.T\nz = y + 1\nw = z @ y\n```\n"
)


def matrix(d: Driver, name: str) -> Matrix:
    return next(m for m in d.app.explorer.query(Matrix) if m.display and m.panel and m.panel.name == name)


async def test_the_cursor_moves_by_arrows_and_says_what_a_cell_is() -> None:
    async with opened("matmul") as d:
        await d.press("dollar_sign", "c")
        assert d.view.cursor is not None
        assert d.view.cursor[0] == "Y"
        await d.press("left", "left", "left", "up", "up", "up", "right", "down")
        assert d.view.cursor == ("Y", (1, 1))
        assert "Y[1,1] = -1.7224" in d.screen
        assert "y₂₂ counting from 1" in d.screen
        assert "made from x[1, :], W[:, 1]" in d.screen
        assert ">-1.7224<" in d.screen
        assert "(-2.1788   0.5684)" in d.screen
        await d.press("up", "up", "up", "left", "left", "left")
        assert d.view.cursor == ("Y", (0, 0))
        await d.press("escape")
        assert d.view.cursor is None


async def test_tab_goes_to_the_next_tensor_and_says_what_it_feeds() -> None:
    async with opened("matmul") as d:
        await d.press("dollar_sign", "c", "tab")
        assert d.view.cursor is not None
        assert d.view.cursor[0] in ("x", "W")
        assert "feeds Y[" in d.screen
        first = d.view.cursor[0]
        await d.press("shift+tab")
        assert d.view.cursor[0] == "Y"
        await d.press("tab", "tab")
        assert {first, d.view.cursor[0]} == {"x", "W"}


async def test_following_leads_to_the_inputs_and_back() -> None:
    async with opened(CHAIN) as d:
        await d.press("dollar_sign", "c")
        seen = [d.view]
        for _ in range(10):
            await d.press("tab")
            if d.view.cursor is not None and d.view.cursor[0] == "z":
                break
        seen = [d.view]
        await d.press("enter")
        assert d.view.path == ("z",)
        seen.append(d.view)
        await d.press("tab", "enter")
        assert d.view.path == ("y",)
        await d.press("tab")
        assert d.view.cursor is not None
        assert d.view.cursor[0] == "x"
        await d.press("enter")
        assert "An input" in d.rows[-1]
        await d.press("backspace", "backspace")
        assert d.view.path == seen[0].path
        assert d.view.cursor == seen[0].cursor
        await d.press("backspace")
        assert d.view.path == seen[0].path


async def test_a_click_puts_the_cursor_on_the_cell() -> None:
    async with opened("matmul") as d:
        grid = matrix(d, "W")
        assert grid.slot is not None
        await d.pilot.click(grid, offset=(grid.slot.cell * 2 + 1, 1))
        await d.settle()
        assert d.view.cursor == ("W", (1, 2))


async def test_clicks_on_the_sidebar_the_title_and_the_controls() -> None:
    async with opened("matmul") as d:
        row = next(y for y, text in enumerate(d.rows) if "nn.Linear" in text)
        await d.pilot.click(offset=(6, row))
        await d.settle()
        assert d.view.lesson.slug == "linear"
        for words in ("all parts", "4 Learning"):
            row = next(y for y, text in enumerate(d.rows) if words in text)
            await d.pilot.click(offset=(6, row))
            await d.settle()
        await d.settle()
        assert d.view.lesson.part == 4
        controls = d.rows[-3]
        await d.pilot.click(offset=(controls.rindex("]"), 21))
        await d.settle()
        name = d.session.selection.control
        assert dict(d.view.controls)[name or ""] != ""
        assert d.session.history.past[-1].controls != d.view.controls
        await d.pilot.click(offset=(77, 0))
        await d.settle()
        assert "Keys that work now" in d.screen


async def test_the_bar_scrubs() -> None:
    async with opened("matmul") as d:
        bar = d.app.explorer.query_one(Bar)
        await d.pilot.mouse_down(bar, offset=(bar.size.width // 2, 0))
        await d.pilot.mouse_up(bar, offset=(bar.size.width // 2, 0))
        await d.settle()
        assert d.view.step == 6
        await d.pilot.mouse_down(bar, offset=(bar.size.width // 2, 0))
        await d.pilot.hover(bar, offset=(bar.size.width - 1, 0))
        await d.pilot.mouse_up(bar, offset=(bar.size.width - 1, 0))
        await d.settle()
        assert d.view.step == 12


async def test_slices_of_a_tensor_with_more_axes() -> None:
    async with opened("tensor3") as d:
        assert "X[0] (2, 4, 3)" in d.screen
        await d.press("right_curly_bracket")
        assert "X[1] (2, 4, 3)" in d.screen
        await d.press("left_curly_bracket")
        assert "X[0] (2, 4, 3)" in d.screen


def test_what_has_no_room_beside_a_cell_is_left_out_whole() -> None:
    view, run = program("total = torch.ones(2, 2).sum(0)")
    shown = run.frame(replace(view, step=END, cursor=("total", (1,)))).cursor
    assert shown is not None
    lines = ["".join(span.text for span in about_cell(shown, width)[0]) for width in (80, 40, 30)]
    assert lines == [
        "total[1] = 2.0   total₂ counting from 1   by rule",
        "total[1] = 2.0   total₂ counting from 1",
        "total[1] = 2.0   by rule",
    ]
