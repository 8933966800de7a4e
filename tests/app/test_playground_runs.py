"""The playground's runs: stopped, overtaken, waited for; and its editor's keys."""

from __future__ import annotations

from llm_linalg import HaltedError, LimitError
from tests.app.test_playground import PRODUCT, bench, editor
from tui.app import Options
from tui.cli.keymap import change_keys
from tui.files.drafts import Drafts
from tui.layout.pane_sizes import LOADING, RUNNING, STOPPING


async def test_the_editor_takes_back_what_the_keys_of_a_user_say() -> None:
    keys = change_keys({"edit.undo": ["ctrl+n"], "edit.redo": ["ctrl+t"]})
    async with bench(PRODUCT, options=Options(drafts=Drafts(), keys=keys)) as d:
        await d.press("enter", *"Z=Y")
        whole = editor(d).text
        await d.press("ctrl+n")
        assert editor(d).text != whole
        await d.press("ctrl+t")
        assert editor(d).text == whole


async def test_a_run_is_stopped_by_a_key_and_by_another_text() -> None:
    long = "x = torch.ones(2000, 2000)\nfor i in range(30): y = x @ x"
    async with bench(PRODUCT) as d:
        explorer = d.app.explorer
        explorer.do(f"write:2:{long}")
        await explorer.perform("halt")
        await d.settle()
        assert d.session.current is not None
        assert isinstance(d.session.current.error, HaltedError)
        assert "stopped" in d.screen
        assert "the last good picture" in d.screen or "what ran before it stopped" in d.screen
        explorer.do(f"write:2:{long}\n")
        explorer.do(f"write:3:{PRODUCT}")
        explorer.do(f"write:2:{long}\n\n")
        explorer.do(f"write:3:{PRODUCT}")
        await d.settle()
        assert d.session.current.error is None
        assert "Y (3, 4)" in d.screen


async def test_what_waits_is_told_apart_from_torch_being_loaded() -> None:
    async with bench(PRODUCT) as d:
        explorer = d.app.explorer
        explorer.run.waiting = LOADING  # as at the start of the app
        explorer.do("write:2:x = torch.ones(2000, 2000)\nfor i in range(30): y = x @ x")
        await d.until_told(RUNNING)
        assert "^g" in d.screen
        await explorer.perform("halt")
        assert explorer.run.waiting == STOPPING
        await d.settle()
        assert explorer.run.waiting == ""


async def test_a_repair_in_the_stage_shows_what_was_repaired() -> None:
    async with bench(PRODUCT) as d:
        await d.press("enter", *"Z=Y@Y", "escape", "r")
        assert d.view.path == ("Z",)
        assert d.session.editor.caret == 4
        await d.press("u")
        assert "this fails" in d.screen


async def test_beside_a_gradient_the_editor_shows_the_line_that_it_is_the_gradient_of() -> None:
    above = "x = torch.ones(2, 2, requires_grad=True)\n" + "# ...\n" * 20
    async with bench(above + "y = (x @ x).sum()\n" + "# ...\n" * 20 + "z = y * 3\nz.backward()") as d:
        await d.press("escape", "N", "N")  # the sum
        assert editor(d).cursor_location[0] == 21
        await d.press("w")
        assert d.session.view.backward
        assert editor(d).cursor_location[0] == 21
        assert any(" 22  y = (x @ x).sum()" in row for row in d.rows)
        await d.press("E")
        assert d.session.editor.caret == 22


ENDLESS = "a = torch.ones(2, 2)\nlast = a @ a\nfor i in range(10**9):\n    len([1, 2])\n"


async def test_a_run_that_is_stopped_shows_what_ran_so_far() -> None:
    async with bench(PRODUCT, options=Options(drafts=Drafts(), time_limit=1.0)) as d:
        d.app.explorer.do(f"write:1:{ENDLESS}")
        await d.settle()
        assert d.session.current is not None
        stopped = d.session.current
        assert isinstance(stopped.error, LimitError)
        assert f"what ran before it stopped in line {stopped.error.line}" in d.screen
        assert "last (2, 2)" in d.screen
        assert "Y (3, 4)" not in d.screen  # and not the run before
        d.app.explorer.do("write:1:a = torch.ones(2")
        await d.settle()
        assert "last (2, 2)" in d.screen  # a text that is no program keeps what was there


async def test_a_text_that_is_no_program_keeps_the_last_good_picture() -> None:
    async with bench(PRODUCT) as d:
        d.app.explorer.do("write:1:Z = torch.ones(2")
        await d.settle()
        assert "the last good picture" in d.screen
        assert "Y (3, 4)" in d.screen
