"""The stage on the screen: keys, counts, the black screen, large cells, what is said and what is hidden."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len

from llm_linalg.lessons.deck import load
from tests.app.driving import SMALL, Driver
from tests.app.talks import DECK, deck_at, where
from tui.app import Explorer, Options
from tui.files.state_file import StateFile
from tui.screens.presenter import PresenterScreen
from tui.session.presentation.stage_moves import go_to_stop, require_talk
from tui.session.presentation.state import Talk
from tui.session.script.running import ensure_run
from tui.text.large import ACROSS, DOWN, enlarge, in_font


@asynccontextmanager
async def staged(
    file: Path, size: tuple[int, int] = SMALL, *, big: bool = False, options: Options | None = None
) -> AsyncIterator[Driver]:
    deck = load(file)
    talk = Talk(deck, big=big)
    app = Explorer(talk.first_view(1), deck.lessons, options or Options(), talk)
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        yield driver


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return deck_at(tmp_path)


async def test_a_slide_is_its_words_and_nothing_else(file: Path) -> None:
    async with staged(file) as d:
        assert "Only words." in d.screen
        assert enlarge("Welcome")[1] in d.screen
        assert d.rows[0].split() == ["1/4"]
        assert "steps" not in d.screen
        assert "Say hello" not in d.screen
        assert "llm-linalg" not in d.screen


def test_large_letters_are_twice_as_wide_as_the_text_whatever_stands_in_it() -> None:
    for text in ("Wörter", "Ü é à ñ ç Å ß", "e\u0301te\u0301", "ab 日本 c", "x 🙂 y", "φ"):
        assert {cell_len(line) for line in enlarge(text)} == {ACROSS * cell_len(text)}
    assert enlarge("ö") != enlarge("o")
    assert enlarge("Ü")[0] != enlarge("U")[0]
    assert enlarge("e\u0301") == enlarge("é")
    assert in_font("Wörter für Öfen, ça été")
    assert not in_font("注意")


async def test_a_long_title_is_large_in_several_rows(tmp_path: Path) -> None:
    long = "Where does the matrix of attention weights come from?"
    text = f'+++\ntitle = "T"\n+++\n## {long}\nWords.\n\n## {"wordwithoutanyspace" * 3}\nMore.\n'
    async with staged(deck_at(tmp_path, text)) as d:
        for part in ("Where does the matrix of", "come from?"):
            assert enlarge(part)[1].strip() in d.screen
        await d.press("right")
        assert "wordwithoutanyspacewordwithoutanyspacewordwithoutanyspace" in d.screen


async def test_a_picture_that_comes_while_the_app_ends_is_dropped(file: Path) -> None:
    async with staged(file) as d:
        shown = d.app.explorer.session
        d.app.exit()
        # The slide had no matrices: these would be mounted.
        d.app.explorer.update_session(ensure_run(go_to_stop(shown, 3)))
        assert d.app.explorer.session.view.lesson.slug == "matmul"


@pytest.mark.slow
async def test_the_keys_of_a_clicker(file: Path) -> None:
    async with staged(file) as d:
        for key in ("pagedown", "space", "right", "down"):
            await d.press(key)
        assert where(d.session) == (3, 1)
        for key in ("pageup", "left", "up", "backspace"):
            await d.press(key)
        assert where(d.session) == (1, 0)
        await d.press("full_stop")
        assert d.screen.strip() == ""
        await d.press("pagedown")  # any key ends it, and does nothing else
        assert "Only words." in d.screen
        assert where(d.session) == (1, 0)


@pytest.mark.slow
async def test_numbers_go_to_stops_and_steps(file: Path) -> None:
    async with staged(file) as d:
        await d.press("3", "G")
        assert where(d.session) == (3, 1)
        await d.press("g", "g")
        assert where(d.session) == (1, 0)
        await d.press("2", "enter")
        assert where(d.session) == (2, 0)
        await d.press("g", "2", "enter")
        assert where(d.session) == (2, 2)
        await d.press("0")
        assert where(d.session) == (2, 0)
        await d.press("1", "2")
        assert "12" in d.rows[-1]
        await d.press("G")
        assert "There is no stop 12" in d.rows[-1]
        await d.press("1", "escape")
        assert where(d.session) == (4, 0)
        await d.press("1", "right")
        assert where(d.session) == (4, 1)


@pytest.mark.slow
async def test_the_index_knows_what_a_heading_hides_and_takes_a_slash(file: Path) -> None:
    async with staged(file) as d:
        await d.press("slash")
        await d.pilot.press("slash", *"row by")  # of the other lesson's own title
        await d.settle()
        await d.pilot.press("down", "enter")
        await d.settle()
        assert where(d.session) == (3, 1)


@pytest.mark.parametrize("title", ["[/foo]", "[@click=app.quit]x[/] [draft] $a [ \\["])
@pytest.mark.slow
async def test_brackets_of_titles_are_text_in_the_index_and_in_the_palette(
    tmp_path: Path, title: str
) -> None:
    """A title that Textual's palette takes for markup ends the app, or acts when it is clicked."""
    slides = "".join(f"## {name} {title}\nWords.\n\n" for name in ("First", "Second"))
    async with staged(deck_at(tmp_path, f"+++\ntitle = 'All {title}'\n+++\n{slides}")) as d:
        for key in ("l", "ctrl+p"):
            await d.press(key)
            assert all(said in d.screen for said in (f"1 First {title}", f"2 Second {title}", f"All {title}"))
            row = next(y for y, text in enumerate(d.rows) if f"All {title}" in text)
            await d.pilot.click(offset=(d.rows[row].index(title) + 1, row))
            await d.settle()
            assert d.app.is_running


async def test_leaving_is_asked_for_twice(file: Path) -> None:
    async with staged(file) as d:
        await d.press("q")
        assert "again" in d.rows[-1]
        await d.press("right", "q")
        assert d.app.is_running
        await d.press("q")
        assert d.app._exit


@pytest.mark.parametrize("size", [(60, 18), (160, 50)])
async def test_large_cells_show_the_same_numbers(file: Path, size: tuple[int, int]) -> None:
    async with staged(file, size, big=True) as d:
        await d.press("3", "G")
        matrices = [m for m in d.app.screen.query("Matrix").results() if m.display]
        assert matrices
        for matrix in matrices:
            slot = matrix.slot  # type: ignore[attr-defined]
            assert matrix.size == (slot.width * ACROSS, slot.height * DOWN)
            assert matrix.region.right <= size[0]
            assert matrix.region.bottom <= size[1]
        assert enlarge("1.")[0].strip() in d.screen
        await d.press("B")
        assert "1.5410" in d.screen


@pytest.mark.parametrize("size", [(60, 18), (160, 50)])
async def test_a_map_is_large_too(tmp_path: Path, size: tuple[int, int]) -> None:
    text = '+++\ntitle = "T"\n+++\n```python map\nY = torch.ones(2, 3) @ torch.ones(3, 4)\nz = Y.sum()\n```\n'
    async with staged(deck_at(tmp_path, text), size, big=True) as d:
        for part in (enlarge("Y")[1], enlarge("(2, 4)")[1]):
            assert part.strip() in d.screen
        await d.press("B")
        assert "(2, 4)" in d.screen


async def test_the_clock_is_shown_when_asked(file: Path) -> None:
    async with staged(file) as d:
        await d.press("C", "C")
        assert "(10:00)" in d.rows[0]
        await d.press("right", "P")
        assert ":" in d.rows[0]
        screen = d.app.explorer
        assert isinstance(screen, PresenterScreen)
        assert not screen.page._clock.running
        await d.press("P")
        assert screen.page._clock.running
        await d.press("C")
        assert not screen.page._clock.running


@pytest.mark.slow
async def test_a_saved_file_appears_and_a_broken_one_does_not(file: Path) -> None:
    async with staged(file) as d:
        await d.press("2", "G")
        screen = d.app.explorer
        assert isinstance(screen, PresenterScreen)
        file.write_text(DECK.replace("It adds up.", "It adds up well."), encoding="utf-8")
        await screen._look()
        await d.settle()
        await d.press("C")
        assert "It adds up well." in d.screen
        file.write_text(DECK.replace("## The last", "## The last\n## Empty"), encoding="utf-8")
        await screen._look()
        await d.settle()
        assert "nothing stands below" in d.screen
        assert "file broken" in d.rows[0]
        await d.press("right")
        assert "file broken" in d.rows[0]
        assert where(d.session) == (2, 1)
        file.write_text(DECK, encoding="utf-8")
        await screen._look()
        await d.settle()
        assert "file broken" not in d.rows[0]
        assert where(d.session) == (2, 1)


async def test_the_stop_is_remembered_however_soon_the_talk_ends(file: Path, tmp_path: Path) -> None:
    memory = StateFile(tmp_path / "state")
    async with staged(file, options=Options(state_file=memory)) as d:
        assert memory.load().deck(file) is None
        for number in (2, 4, 3):
            d.app.explorer.update_session(go_to_stop(d.app.explorer.session, number))
        d.app.exit()
    assert memory.load().deck(file) == 3


async def test_it_goes_on_by_itself_and_stops_at_the_end(file: Path) -> None:
    async with staged(file) as d:
        screen = d.app.explorer
        assert isinstance(screen, PresenterScreen)
        await d.press("A")
        assert require_talk(d.session).auto
        assert screen._next is not None
        screen._go_on()
        await d.settle()
        assert where(d.session) == (2, 0)
        await d.press("G")
        for _ in range(2):
            screen._go_on()
            await d.settle()
        assert not require_talk(d.session).auto
        assert screen._next is None


async def test_links_do_not_lead_off_the_stage(tmp_path: Path) -> None:
    text = '+++\ntitle = "T"\n+++\nSee [a product](lesson:matmul).\n'
    async with staged(deck_at(tmp_path, text)) as d:
        await d.app.explorer.perform("open:matmul")
        await d.settle()
        assert "only the deck's own stops" in d.screen
        assert d.view.lesson.title == "T"
