"""Starting: text before torch, no key lost meanwhile, and what a fresh process imports and prints."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import LONGEST, Driver
from tui.app import Explorer, Options
from tui.model.view import View


@pytest.mark.parametrize(
    ("keys", "step", "cursor", "m"),
    [
        (["right", "right", "left", "right"], 2, None, "3"),
        (["right", "c", "left"], 1, ("Y", (0, 0)), "3"),
        (["right_square_bracket", "right_square_bracket", "right"], 1, None, "5"),
        (["g", "7", "enter"], 7, None, "3"),
    ],
)
async def test_keys_pressed_before_torch_are_not_lost(
    monkeypatch: pytest.MonkeyPatch, keys: list[str], step: int, cursor: object, m: str
) -> None:
    from tui.compose import view_runner

    gate = threading.Event()
    monkeypatch.setattr(view_runner, "warm", lambda _: gate.wait(LONGEST))
    app = Explorer(View.opening(find("matmul")), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        try:
            await pilot.pause()
            assert "loading torch…" in d.screen
            assert "Row by column. What are two machines in a row?" in d.screen
            assert "Y = x @ W" in d.screen
            assert "Matrix × matrix" in d.screen
            await pilot.press(*keys)
            assert d.view.step == 0
            await pilot.press("question_mark", "escape")
        finally:
            gate.set()
        await d.settle()
        assert d.view.step == step
        assert d.view.cursor == cursor
        assert dict(d.view.controls)["m"] == m
        assert "loading torch…" not in d.screen


async def test_quitting_before_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.compose import view_runner

    gate = threading.Event()
    monkeypatch.setattr(view_runner, "warm", lambda _: gate.wait(LONGEST))
    app = Explorer(View.opening(find("matmul")), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("q")
        gate.set()
    assert app.return_code == 0


async def test_playing_from_the_start_waits_for_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.compose import view_runner

    gate = threading.Event()
    monkeypatch.setattr(view_runner, "warm", lambda _: gate.wait(LONGEST))
    app = Explorer(View.opening(find("matmul")), catalog(), Options(play=True, speed=0.5))
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        await pilot.pause()
        assert not d.ticks()
        gate.set()
        await d.settle()
        assert d.ticks()


async def test_without_motion_space_steps() -> None:
    app = Explorer(View.opening(find("matmul")), catalog(), Options(motion=False, play=True))
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        await d.settle()
        await d.press("space", "space", "less_than_sign")
        assert not d.ticks()
        assert d.view.step == 1


async def test_a_step_beyond_the_end_is_the_last() -> None:
    app = Explorer(replace(View.opening(find("matmul")), step=10**12), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        await d.settle()
        assert d.view.step == 12


async def test_another_lesson_is_opened_before_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.compose import view_runner

    gate = threading.Event()
    monkeypatch.setattr(view_runner, "warm", lambda _: gate.wait(LONGEST))
    monkeypatch.setattr("tui.screens.explorer.PATIENCE", 1e-6)
    app = Explorer(View.opening(find("matmul")), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "Shapes" in d.rows[0]
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert "loading torch…" in d.screen  # and not that a call is waited for
        gate.set()
        await d.settle()
        assert d.view.lesson.slug == "shapes"


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_app_is_imported_without_torch_and_without_what_the_first_screen_does_not_need() -> None:
    code = (
        "import sys, tui.app, llm_linalg.lessons.reader as l; l.find('matmul')\n"
        "late = ['torch', 'tui.compose.view_runner', 'tui.layout.arrange']\n"
        "late += ['tui.model.frame', 'tui.screens.pager', 'tui.screens.palette', 'hashlib']\n"
        "print([name for name in late if name in sys.modules])"
    )
    assert run(code).stdout.strip() == "[]"


EVERY_LESSON = """
from llm_linalg.lessons.reader import catalog
from tui.headless import render_all
from tui.model.view import View
from dataclasses import replace
for number, lesson in enumerate(catalog()):
    view = View.opening(lesson)
    view = (view, replace(view, step=2), replace(view, look="heat", step=2))[number % 3]
    (screen,) = render_all([view], (80, 24), "ansi", theme="no-colour")
    assert lesson.title in screen
    assert "\\x1b[38" not in screen and "\\x1b[48" not in screen and "\\x1b[31" not in screen, lesson.slug
print("all")
"""


@pytest.mark.slow
def test_every_lesson_without_colour_in_a_fresh_process() -> None:
    done = run(EVERY_LESSON, NO_COLOR="1")
    assert done.stdout.strip() == "all", done.stderr[-2000:]
