"""The playground: typing, shapes beside lines, errors and repairs, the stage, what is kept, hostile text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from llm_linalg.lessons.reader import Lesson, catalog, find
from tests.app.driving import Driver
from tests.app.lessons import failure_of
from tests.app.test_app_goldens import SNAPSHOTS, compare
from tui.app import Explorer, Options
from tui.files.drafts import NAME, Drafts, play_folder
from tui.model.examples import EXAMPLES
from tui.model.view import View
from tui.model.view_words import arguments
from tui.navigation.playground import LONGEST, PLAYGROUND, as_program
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
    found = d.app.explorer.editor.widget
    assert found is not None
    return found


def note(d: Driver, line: int) -> str:
    """The end of the row on which a line of the program stands."""
    return next(row for row in d.rows if f"│{line:>2}" in row).rstrip()


async def test_the_first_and_the_last_line_are_a_key_away() -> None:
    async with bench(PRODUCT) as d:
        await d.pilot.press("ctrl+home")
        assert editor(d).cursor_location == (0, 0)
        await d.pilot.press("ctrl+end")
        assert editor(d).cursor_location == (2, len("Y = x @ W"))
        await d.pilot.press("ctrl+shift+home")
        assert editor(d).selected_text == PRODUCT


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


async def test_the_picture_follows_the_line_and_esc_gives_the_stage_the_keys() -> None:
    async with bench(PRODUCT) as d:
        assert d.session.navigation is not None
        assert d.session.navigation.path == ("Y",)
        await d.press("up")
        assert d.session.navigation.path == ("W",)
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


async def test_an_error_is_marked_and_a_key_repairs_it() -> None:
    async with bench(PRODUCT) as d:
        await d.press("enter", *"Z=Y@W")
        assert "│ 4✗ Z=Y@W" in d.screen
        assert "the last good picture" in d.screen
        assert "a row of Y (3, 4) has 4 entries" in d.screen
        assert note(d, 3).endswith("(3, 4) float32")
        await d.press("ctrl+r")
        assert editor(d).text.endswith("Z=Y@W.T")
        assert note(d, 4).endswith("(3, 2) float32")
        await d.press("ctrl+z")
        assert editor(d).text.endswith("Z=Y@W")
        await d.press("f1")
        assert "Take the last change of the text back" in d.screen


async def test_one_key_reaches_every_repair_and_then_the_text_as_it_was() -> None:
    async with bench(PRODUCT + "\nZ = Y @ W") as d:
        count = failure_of(d.session.current).repair_count
        assert count > 2
        assert "2×" in d.screen
        tried = []
        for number in range(1, count + 1):
            await d.press("ctrl+r")
            assert f"Repair {number} of {count}" in d.screen
            assert d.session.current is not None
            assert d.session.current.error is None
            tried.append(editor(d).text)
        assert len(set(tried)) == count
        await d.press("ctrl+r")
        assert editor(d).text == PRODUCT + "\nZ = Y @ W"
        await d.press("ctrl+r", "x")  # what is typed in between begins anew
        assert editor(d).text.endswith("Z = Y @ W.Tx")


async def test_lines_above_an_error_are_fresh_and_those_below_say_what_they_were() -> None:
    async with bench(PRODUCT + "\nn = Y.sum(0)") as d:
        await d.press("up", "up", *["home"], *["delete"] * 20, *"W=torch.ones(5,4).T[")
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


async def test_broken_text_keeps_the_last_good_picture() -> None:
    async with bench(PRODUCT) as d:
        await d.press("enter", *"Z=(")
        assert "the last good picture" in d.screen
        assert "Y (3, 4)" in d.screen
        await d.press("1", ")")
        assert "the last good picture" not in d.screen


async def test_more_of_an_error_is_behind_the_key_that_works_where_one_is() -> None:
    async with bench(
        "the_weights, the_states = torch.ones(5, 5), torch.ones(5, 4)\nthe_weights @ the_states.T", (60, 18)
    ) as d:
        await d.press("ctrl+end", "space", "backspace")
        assert d.session.editor.is_open
        assert "esc p more" in d.screen
        await d.press("escape")
        assert "esc p more" not in d.screen
        assert " p more" in d.screen


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


async def test_a_lesson_opens_in_the_playground_with_its_controls() -> None:
    async with bench(lesson=find("matmul")) as d:
        await d.press("right_square_bracket", "s", "E")
        assert d.view.lesson is PLAYGROUND
        assert d.has(seed=1)
        assert editor(d).text.startswith("m = 4\n")
        assert "Y = x @ W" in editor(d).text
        assert d.session.current is not None
        assert d.session.current.error is None
        await d.press("escape", "u")
        assert d.view.lesson.slug == "matmul"
        await d.press("l", *["down"] * 60, "enter")  # and the sidebar's last row leads back to it
        assert d.view.lesson is PLAYGROUND
        assert editor(d).text.startswith("m = 4\n")


@pytest.mark.parametrize("slug", [lesson.slug for lesson in catalog()])
def test_every_lesson_stands_alone(slug: str) -> None:
    from llm_linalg import ProgramError, run

    for stop in find(slug).stops:
        view = View.opening(find(slug), stop.number)
        try:
            mine = run(as_program(view), seed=view.seed)
        except ProgramError:
            assert stop.fails
            continue
        alone = {**view.names, "rank": 0}  # of several devices: a single one, which has all of it
        theirs = (
            run(stop.program, seed=view.seed, names=alone, ranks=1) if stop.ranks else find(slug).run(stop)
        )
        assert [node.shape for node in mine.nodes] == [node.shape for node in theirs.nodes]


@pytest.mark.parametrize("name", [example.name for example in EXAMPLES])
async def test_every_example_runs_and_fits(name: str) -> None:
    async with bench() as d:
        await d.app.explorer.perform(f"example:{name}")
        await d.settle()
        run = d.session.current
        assert run is not None
        assert (run.error is not None) == (name == "clash")
        assert all(len(line) < 56 for line in editor(d).text.split("\n"))


async def test_it_is_kept_and_restored(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path / "play")
    async with bench(drafts=drafts) as d:
        await d.press("enter", *"k=1")
    kept = tmp_path / "play" / NAME
    assert kept.read_text(encoding="utf-8").endswith("\nk=1\n")
    assert kept.stat().st_mode & 0o777 == 0o600
    async with bench(drafts=drafts) as d:
        assert "k=1" in editor(d).text
    kept.write_bytes(b"\xff\x00")
    async with bench(drafts=drafts) as d:
        assert editor(d).text == EXAMPLES[0].program


async def test_a_place_that_cannot_be_written_is_no_harm(tmp_path: Path) -> None:
    (tmp_path / "play").write_text("a file", encoding="utf-8")
    async with bench(drafts=Drafts(tmp_path / "play")) as d:
        await d.press("a", "ctrl+s")
        assert "can't be saved" in d.screen


async def test_a_file_is_written_by_its_key_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PRODUCT, encoding="utf-8")
    drafts = Drafts(tmp_path / "state", file)
    async with bench(PRODUCT, drafts=drafts) as d:
        await d.press("enter", "k", "equals_sign", "2")
        assert file.read_text(encoding="utf-8") == PRODUCT
        await d.press("ctrl+s")
        assert file.read_text(encoding="utf-8") == PRODUCT + "\nk=2"
        await d.press("enter")
    assert file.read_text(encoding="utf-8") == PRODUCT + "\nk=2"
    assert not (tmp_path / "state").exists()


def test_the_folder_is_the_states() -> None:
    assert play_folder({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/llm-linalg/play")
    assert play_folder({"XDG_STATE_HOME": "s", "HOME": "/h"}) == Path("/h/.local/state/llm-linalg/play")
    assert play_folder({}) is None


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


async def test_too_small_and_back_again() -> None:
    async with bench(PRODUCT) as d:
        await d.pilot.resize_terminal(40, 10)
        await d.pilot.press("x")
        await d.pilot.resize_terminal(80, 24)
        await d.press("z")
        assert editor(d).text == PRODUCT + "z"
        await d.pilot.resize_terminal(20, 5)
        await d.pilot.press("q")
        assert d.app.return_code == 0


def test_a_view_has_a_command() -> None:
    assert arguments(View(PLAYGROUND, code="x = 1"))[:1] == ["play"]


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
