"""The playground: typing, shapes, errors and repairs, what is kept, hostile text, and stopped runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

import pytest
from textual import events
from textual._context import active_app

from llm_linalg import HaltedError, LimitError, ProgramError
from llm_linalg.api.run import run_text
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import Driver
from tests.app.lessons import failure_of
from tests.app.test_headless import SNAPSHOTS, compare
from tests.common import known
from tests.thinning import thin
from tui.app import Explorer, Options
from tui.cli.keymap import change_keys
from tui.files.drafts import Drafts
from tui.layout.pane_sizes import LOADING, RUNNING, STOPPING
from tui.model.examples import EXAMPLES
from tui.model.view import View
from tui.navigation.playground import LONGEST, PLAYGROUND, as_program
from tui.terminal import terminal_app
from tui.terminal.textual_private import whole_update
from tui.widgets.editor import Editor

PRODUCT = "x = torch.ones(3, 2)\nW = torch.ones(2, 4)\nY = x @ W"


@asynccontextmanager
async def bench(
    text: str | None = None,
    size: tuple[int, int] = (80, 24),
    *,
    lesson: Lesson = PLAYGROUND,
    drafts: Drafts | None = None,
    options: Options | None = None,
) -> AsyncIterator[Driver]:
    """The app at the playground, or at a lesson."""
    view = View.opening(lesson)
    if text is not None:
        view = View(lesson, code=text)
    app = Explorer(view, catalog(), options or Options(drafts=drafts or Drafts()))
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        yield driver


def editor(d: Driver) -> Editor:
    return known(d.app.explorer.editor.widget)


def note(d: Driver, line: int) -> str:
    """The end of the row on which a line of the program stands."""
    return next(row for row in d.rows if f"│{line:>2}" in row).rstrip()


@pytest.mark.slow
async def test_each_line_shows_its_shape_and_type_as_one_types() -> None:
    async with bench(PRODUCT) as d:
        assert note(d, 1).endswith("(3, 2) float32")
        assert note(d, 3).endswith("(3, 4) float32")
        await d.press("enter", *"n=Y.sum(0)>0")
        assert editor(d).text.endswith("\nn=Y.sum(0)>0")
        assert note(d, 4).endswith("(4,) bool")
        await d.press("up", "up", "up", "home", "enter")
        assert note(d, 5).endswith("(4,) bool")
        assert not note(d, 1).endswith("float32")


@pytest.mark.slow
async def test_the_picture_follows_the_line_and_esc_gives_the_stage_the_keys() -> None:
    async with bench(PRODUCT) as d:
        assert known(d.session.navigation).path == ("Y",)
        await d.press("up")
        assert known(d.session.navigation).path == ("W",)
        await d.press("down", "escape")
        assert not d.session.editor.is_open
        assert d.has(depth="cells", step=0)
        await d.press("right", "right")
        assert d.has(step=2)
        await d.press("n", "b")
        assert editor(d).cursor_location[0] == 1
        await d.press("E", "x")
        assert d.session.editor.is_open
        assert "x" in editor(d).text.split("\n")[1][-1]


@pytest.mark.slow
async def test_an_error_is_marked_and_a_key_repairs_it() -> None:
    async with bench(PRODUCT) as d:
        await d.press("enter", *"Z=Y@W")
        assert "│ 4✗ Z=Y@W" in d.screen
        assert "the last good picture" in d.screen
        assert "a row of Y (3, 4) has 4 entries" in d.screen
        assert note(d, 3).endswith("(3, 4) float32")
        await d.press("ctrl+r")
        assert editor(d).text.endswith("Z=Y @ W.T")
        assert note(d, 4).endswith("(3, 2) float32")
        await d.press("ctrl+z")
        assert editor(d).text.endswith("Z=Y@W")
        await d.press("f1")
        assert "Take the last change of the text back" in d.screen


@pytest.mark.slow
async def test_one_key_reaches_every_repair_and_then_the_text_as_it_was() -> None:
    async with bench(PRODUCT + "\nZ = Y @ W") as d:
        count = failure_of(d.session.current).repair_count
        assert count > 2
        assert "2×" in d.screen
        tried = []
        for number in range(1, count + 1):
            await d.press("ctrl+r")
            assert f"Repair {number} of {count}" in d.screen
            assert known(d.session.current).error is None
            tried.append(editor(d).text)
        assert len(set(tried)) == count
        await d.press("ctrl+r")
        assert editor(d).text == PRODUCT + "\nZ = Y @ W"
        await d.press("ctrl+r", "x")  # what is typed in between begins anew
        assert editor(d).text.endswith("Z = Y @ W.Tx")


@pytest.mark.slow
async def test_lines_above_an_error_are_fresh_and_those_below_say_what_they_were() -> None:
    async with bench(PRODUCT + "\nn = Y.sum(0)") as d:
        await d.press("up", "up", "home", "shift+end", "delete", *"W=torch.ones(5,4).T[")
        assert note(d, 1).endswith("(3, 2) float32")
        assert note(d, 3).endswith(" was (3, 4) float32")
        assert note(d, 4).endswith(" was (4,) float32")
        await d.press("up", "end", "left", "backspace", "7")
        assert note(d, 1).endswith("(3, 7) float32")  # fresh, though line 2 can't be read
        assert note(d, 3).endswith(" was (3, 4) float32")
        await d.press("down", "end", *":2]")  # now it runs, up to line 3
        assert note(d, 2).endswith("(2, 5) float32")
        assert "✗" in note(d, 3)
        assert note(d, 4).endswith(" was (4,) float32")


@pytest.mark.slow
async def test_a_processor_that_is_elsewhere_for_longer_than_the_pause_loses_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.widgets.editor.PAUSE", 1e-9)
    async with bench(PRODUCT) as d, asyncio.timeout(60):
        await d.press("ctrl+end", *" * 2")
        assert known(d.view.code).endswith("Y = x @ W * 2")
        assert d.session.current is not None


@pytest.mark.slow
async def test_broken_text_keeps_the_last_good_picture() -> None:
    async with bench(PRODUCT) as d:
        await d.press("enter", *"Z=(")
        assert "the last good picture" in d.screen
        assert "Y (3, 4)" in d.screen
        await d.press("1", ")")
        assert "the last good picture" not in d.screen


@pytest.mark.slow
async def test_all_of_an_error_and_of_what_was_printed_before_it_is_there() -> None:
    program = "print(0)\nY = torch.ones(3, 4)\nW = torch.ones(2, 4)\ns = torch.softmax((Y @ W) / 2, -1)"
    async with bench(program) as d:
        await d.press("ctrl+end", "space", "backspace")
        assert "3× Y[:, :2] @ W" in d.screen
        assert "torch: mat1 and mat2 shapes cannot be multiplied" in d.screen
        assert "prints 0" in d.screen
    async with bench(program.replace("print(0)", "")) as d:
        await d.press("ctrl+end", "space", "backspace")
        assert "(3x4 and" in d.screen
        assert "2x4)" in d.screen


async def test_prints_stand_on_a_row() -> None:
    async with bench("print(f'[b]{torch.ones(2)}[/b]')") as d:
        assert "prints [b]tensor([1., 1.])[/b]" in d.screen


@pytest.mark.slow
async def test_a_lesson_opens_in_the_playground_with_its_controls() -> None:
    async with bench(lesson=find("matmul")) as d:
        await d.press("right_square_bracket", "s", "E")
        assert d.view.lesson is PLAYGROUND
        assert d.has(seed=1)
        assert editor(d).text.startswith("m = 4\n")
        assert "Y = x @ W" in editor(d).text
        assert known(d.session.current).error is None
        await d.press("escape", "u")
        assert d.view.lesson.slug == "matmul"
        await d.press("l", "end", "enter")  # and the sidebar's last row leads back to it
        assert d.view.lesson is PLAYGROUND
        assert editor(d).text.startswith("m = 4\n")


@pytest.mark.parametrize("slug", thin([lesson.slug for lesson in catalog()], 4))
def test_every_lesson_stands_alone(slug: str) -> None:
    for stop in find(slug).stops[::2]:
        view = View.opening(find(slug), stop.number)
        try:
            mine = run_text(as_program(view), seed=view.seed, own=True)
        except ProgramError:
            assert stop.fails
            continue
        alone = {**view.names, "rank": 0}  # of several devices: a single one, which has all of it
        theirs = (
            run_text(stop.program, seed=view.seed, names=alone, ranks=1, own=True)
            if stop.ranks
            else find(slug).run(stop)
        )
        assert [node.shape for node in mine.nodes] == [node.shape for node in theirs.nodes]


@pytest.mark.parametrize("name", [example.name for example in EXAMPLES])
async def test_every_example_runs_and_fits(name: str) -> None:
    async with bench() as d:
        await d.app.explorer.perform(f"example:{name}")
        await d.settle()
        run = known(d.session.current)
        assert (run.error is not None) == (name == "clash")
        assert all(len(line) < 56 for line in editor(d).text.split("\n"))


@pytest.mark.slow
async def test_what_is_pasted_is_cut_and_made_harmless() -> None:
    async with bench("") as d:
        harm = "\x1b]52;c;x\x07[@click=app.quit]a[/]\u202e\n"
        editor(d).post_message(events.Paste(harm + "# é\r" * 500_000))
        await d.settle()
        text = editor(d).text
        assert len(text) <= LONGEST
        assert text.startswith("␛]52;c;x␇[@click=app.quit]a[/]\ufffd\n")
        assert text.count("\n") > 1000
        assert "it was cut" in d.screen
        assert "\x1b" not in d.screen
        editor(d).select_all()
        editor(d).post_message(events.Paste("[/foo]"))
        await d.settle()
        assert "[/foo]" in d.screen
        assert d.app.is_running


@pytest.mark.parametrize(("keys", "text"), [("left b", "ba"), ("backspace b", "b"), ("home b end c", "bac")])
async def test_keys_that_come_together_act_in_their_order(keys: str, text: str) -> None:
    async with bench("") as d:
        for key in ("a", *keys.split()):
            d.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await d.settle()
        assert editor(d).text == text


@pytest.mark.slow
async def test_what_is_typed_after_an_undo_is_a_change_of_its_own() -> None:
    async with bench(PRODUCT) as d:
        await d.press("ctrl+end", "enter", "a", "ctrl+z", "b", "ctrl+z")
        assert editor(d).text == f"{PRODUCT}\n"
        await d.press("ctrl+z", "pagedown")
        assert editor(d).text == PRODUCT
        assert editor(d).cursor_location[0] == PRODUCT.count("\n")


@pytest.mark.parametrize("keys", [("ctrl+z",), ("ctrl+z", "ctrl+y", "ctrl+z"), ("f7", "delete", "ctrl+z")])
async def test_what_scrolls_is_pasted_undone_and_deleted(keys: tuple[str, ...]) -> None:
    async with bench(PRODUCT) as d:
        d.app.post_message(events.Paste("y = x + 1\n" * 60))
        await d.settle()
        assert editor(d).document.line_count > 60
        await d.press(*keys)
        assert d.app.failure is None
        assert editor(d).cursor_location[0] < editor(d).document.line_count
        assert (editor(d).text == PRODUCT) is (keys[0] == "ctrl+z")


async def test_without_colour_and_in_ascii() -> None:
    async with bench(PRODUCT + "\nZ = Y @ W  # é", options=Options(theme="no-colour", ascii_only=True)) as d:
        assert "4! Z = Y @ W" in d.screen
        await d.press("escape", "T", "T")
        assert d.app.is_running


async def test_the_screen() -> None:
    parts = []
    async with bench(EXAMPLES[2].program) as d:
        parts.append(d.screen)
        await d.press("enter", *"bad=A@x.T")
        parts.append(d.screen)
        await d.press(*["backspace"] * 10, "escape", "right", "right")
        parts.append(d.screen)
    compare(SNAPSHOTS / "playground.txt", "\n".join(parts))


async def test_a_line_that_is_not_in_the_window_is_told_of_or_shown() -> None:
    lines = "\n" * 9 + "y = torch.ones(2, 3)" + " # far" * 20
    async with bench(f"{lines}\ny @ y" + "\n" * 12) as d:
        await d.pilot.press("ctrl+home")
        assert "✗ line 11, column 1, below" in d.screen
        await d.pilot.press("ctrl+end")
        assert "✗ line 11, column 1, above" in d.screen
    async with bench(lines) as d:
        await d.press("ctrl+end", "escape")
        assert "│ 10  y = torch.ones" in d.screen


async def test_what_is_printed_keeps_its_spaces() -> None:
    async with bench("print('a', end='   b\\n')\nprint(torch.eye(2))\nx = torch.ones(2)", (80, 40)) as d:
        await d.press("escape")
        assert "prints a   b" in d.screen
        assert "prints         [0., 1.]])" in d.screen


@pytest.mark.slow
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
        assert isinstance(known(d.session.current).error, HaltedError)
        assert "stopped" in d.screen
        assert "the last good picture" in d.screen or "what ran before it stopped" in d.screen
        explorer.do(f"write:2:{long}\n")
        explorer.do(f"write:3:{PRODUCT}")
        explorer.do(f"write:2:{long}\n\n")
        explorer.do(f"write:3:{PRODUCT}")
        await d.settle()
        assert known(d.session.current).error is None
        assert "Y (3, 4)" in d.screen


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_repair_in_the_stage_shows_what_was_repaired() -> None:
    async with bench(PRODUCT) as d:
        await d.press("enter", *"Z=Y@Y", "escape", "r")
        assert d.view.path == ("Z",)
        assert d.session.editor.caret == 4
        await d.press("u")
        assert "this fails" in d.screen


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_run_that_is_stopped_shows_what_ran_so_far() -> None:
    async with bench(PRODUCT, options=Options(drafts=Drafts(), time_limit=1.0)) as d:
        d.app.explorer.do(f"write:1:{ENDLESS}")
        await d.settle()
        stopped = known(d.session.current)
        assert isinstance(stopped.error, LimitError)
        assert f"what ran before it stopped in line {stopped.error.line}" in d.screen
        assert "last (2, 2)" in d.screen
        assert "Y (3, 4)" not in d.screen  # and not the run before
        d.app.explorer.do("write:1:a = torch.ones(2")
        await d.settle()
        assert "last (2, 2)" in d.screen  # a text that is no program keeps what was there


@pytest.mark.asyncio
async def test_the_thread_that_writes_may_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as d:
        found = list[Any]()

        def drawn(*shown: Any) -> Any:
            found.append(active_app.get(None))  # which lines of a list ask for, as they are drawn
            return whole_update(*shown)

        monkeypatch.setattr(terminal_app, "whole_update", drawn)
        d.app._late = True
        Context().run(d.app.catch_up)
        assert found == [d.app]
