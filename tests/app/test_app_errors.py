"""What fails: shapes and their repairs, broken programs, text that looks like markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from llm_linalg.base.text import clean
from llm_linalg.lessons.reader import ListedLesson, find
from tests.app.driving import lesson, opened
from tests.app.lessons import failure_of
from tui.compose.view_runner import open_view
from tui.model.view import View
from tui.navigation.playground import playground_view
from tui.session.commands import run
from tui.session.session import Session


async def test_a_stop_that_is_meant_to_fail_explains_itself_and_offers_repairs() -> None:
    async with opened("shapes") as d:
        assert (
            "a row of A (3, 2) has 2 entries, a column of B (3, 2) has 3: they can't be paired up"
            in " ".join(row.partition("│")[2].strip() for row in d.rows)
        )
        assert " 1 A @ B.T  → (3, 3)" in d.screen
        assert "last good picture" not in d.screen
        assert d.rows[-1].startswith(" r repair")


async def test_a_control_that_breaks_a_shape_keeps_the_last_good_picture_and_a_key_repairs_it() -> None:
    async with opened("shapes", stop=2) as d:
        names = [control.name for control in d.view.lesson.controls]
        good = d.screen
        broken = d.view
        for name in names:
            for direction in (1, -1):
                d.app.explorer.update_session(d.session.with_undo(d.view.move(name, direction)))
                await d.settle()
                run = d.session.current
                assert run is not None
                if run.error is not None:
                    break
                await d.press("u")
            else:
                continue
            break
        run = d.session.current
        assert run is not None
        if run.error is None:
            return  # this stop's shapes follow from each other
        assert "the last good picture" in d.screen
        await d.press("1")
        run = d.session.current
        assert run is not None
        assert run.error is None
        assert d.view.code is not None
        await d.press("u", "u")
        assert d.view.controls == broken.controls
        assert d.screen.splitlines()[:-1] == good.splitlines()[:-1]


async def test_repairs_by_number() -> None:
    for number in (1, 2):
        async with opened("shapes") as d:
            run = d.session.current
            assert run is not None
            wanted = failure_of(run).apply_repair(d.view, number).code
            await d.press(str(number))
            assert d.view.code == wanted
            repaired = d.session.current
            assert repaired is not None
            assert repaired.error is None
            await d.press("u")
            assert d.view.code is None


async def test_linear_with_another_in_features_fails_beside_the_picture_before() -> None:
    async with opened("linear") as d:
        assert "y (3, 6)" in d.screen
        moved = 0
        while d.session.current is not None and d.session.current.error is None and moved < 3:
            await d.press("right_square_bracket")
            moved += 1
        run = d.session.current
        assert run is not None
        assert run.error is not None
        assert "the last good picture" in d.screen
        assert "y (3, 6)" in d.screen


async def test_a_program_that_is_no_program_has_a_caret() -> None:
    broken = lesson("Text.\n\n```python\nx = torch.ones(2)\ny = x +\n```\n")
    async with opened(broken) as d:
        assert "^" in d.screen
        await d.press("right", "space", "enter", "c", "n", "o")
        assert d.app.is_running


async def test_text_is_never_markup() -> None:
    prose = "[@click=app.quit]press[/] [/foo] $x"
    hostile = lesson(f"{prose}\n\n```python\nx = torch.ones(2)  # [b]not bold[/b]\n```\n")
    async with opened(hostile) as d:
        assert prose in d.screen
        assert "# [b]not bold[/b]" in d.screen
        await d.press("p")
        assert "[/foo]" in d.screen


async def test_a_stale_result_is_dropped() -> None:
    async with opened("matmul") as d:
        screen = d.app.explorer
        stale = screen.session.last_run
        assert stale is not None
        later = d.view.move("m", 1)
        screen.update_session(screen.session.with_undo(later))
        from tui.screens.run_worker import RunFinished

        screen.post_message(RunFinished(stale))
        await d.settle()
        assert "(4, 2) @ (2, 4)" in d.screen


async def test_a_slow_run_says_that_it_runs_and_the_picture_stays() -> None:
    async with opened("matmul") as d:
        screen = d.app.explorer
        screen.session = replace(screen.session, view=d.view.move("m", 1))
        screen.run.waiting = ""
        screen._still_running()
        await d.pilot.pause()
        assert "running…" in d.screen
        assert "Y (3, 4)" in d.screen


def test_a_listed_lesson_that_is_broken_is_told_and_the_one_that_is_open_stays(tmp_path: Path) -> None:
    file = tmp_path / "own.md"
    file.write_text('+++\ntitle = "Own"\npart = 2\norder = 9\nseeed = 1\n+++\nHi.\n', encoding="utf-8")
    dot = find("dot")
    session = Session.start(View.opening(dot, len(dot.stops)), (dot, ListedLesson(file, clean("Own"), 2, 9)))
    for command in ("open:own", "stop.next"):
        after = run(session, command)
        assert (after.view, after.history) == (session.view, session.history)
        assert after.notice.startswith('own.md:5: unknown key "seeed": did you mean "seed"?')
    file.write_text('+++\ntitle = "Own"\npart = 2\norder = 9\n+++\nHi.\n', encoding="utf-8")  # mended
    assert run(session, "open:own").view.lesson.slug == "own"


CLASHES = {
    "A = torch.tensor([[1.0, 2]])\nB = torch.tensor([[3.0], [-4], [-5]])\nA @ B": "1·3 + 2·(-4) + [?·(-5)]",
    "x = torch.tensor([1.0, -2, 3, 4, 5, 6])\ntorch.dot(x, torch.ones(5))": (
        "1·1 - 2·1 + … 2 more … + 5·1 + [6·?]"
    ),
    "torch.ones(2, 0) @ torch.ones(1, 2)": "[?·1]",
    "torch.ones(2, 3) + torch.ones(2)": "",
}


def test_a_row_is_laid_along_the_column_that_it_clashes_with() -> None:
    for program, said in CLASHES.items():
        view = playground_view(program)
        frame = open_view(view).frame(view)
        assert " ".join(frame.captions.formula_text) == said
        states = [state for line in frame.captions.formula for _, state in line]
        assert not said or (states[-1] == "error" and "current" not in states)  # yellow is what is done now
