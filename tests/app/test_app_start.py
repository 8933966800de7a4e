"""Starting: text before torch, nothing that jumps, and a key that waits."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import LONGEST, Driver
from tui.app import Explorer, Options
from tui.compose import view_runner
from tui.model.view import View


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What has to be set before there is torch."""
    gate = threading.Event()
    monkeypatch.setattr(view_runner, "warm", lambda _: gate.wait(LONGEST))
    return gate


@pytest.mark.parametrize(
    ("keys", "said", "step", "cursor", "m"),
    [
        (["right", "right", "left", "right"], "→", 1, None, "3"),
        (["right", "left", "c"], "c", 0, ("Y", (0, 0)), "3"),
        (["right", "right_square_bracket", "right_square_bracket"], "]", 0, None, "4"),
        (["right", "end"], "end", 12, None, "3"),
    ],
)
async def test_of_the_keys_pressed_before_torch_the_last_waits(
    gate: threading.Event, keys: list[str], said: str, step: int, cursor: object, m: str
) -> None:
    app = Explorer(View.opening(find("matmul")), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        try:
            await pilot.pause()
            assert "loading torch…" in d.screen
            assert "Row by column. What do two matrices do, one after another?" in d.screen
            assert "Y = x @ W" in d.screen
            assert "Matrix × matrix" in d.screen
            await pilot.press(*keys)
            assert d.view.step == 0
            assert f"loading torch… then {said}" in d.screen
            await pilot.press("question_mark", "escape")
        finally:
            gate.set()
        await d.settle()
        assert d.view.step == step
        assert d.view.cursor == cursor
        assert dict(d.view.controls)["m"] == m
        assert "loading torch…" not in d.screen


async def test_a_node_that_is_not_there_is_not_passed_over() -> None:
    app = Explorer(replace(View.opening(find("matmul")), path=("nope",)), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        await d.settle()
        assert d.rows[-1].strip() == 'Unknown node "nope": there is x, W, Y.'
        assert d.view.path == ()


async def test_quitting_before_torch(gate: threading.Event) -> None:
    app = Explorer(View.opening(find("matmul")), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("q")
        gate.set()
    assert app.return_code == 0


async def test_playing_from_the_start_waits_for_torch(gate: threading.Event) -> None:
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


async def test_another_lesson_is_opened_before_torch(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.explorer.PATIENCE", 1e-6)
    app = Explorer(View.opening(find("matmul")), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        d = Driver(app, pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "Rounding" in d.rows[0]
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert "loading torch…" in d.screen  # and not that a call is waited for
        gate.set()
        await d.settle()
        assert d.view.lesson.slug == "rounding"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)])
async def test_the_door_stands_still_while_torch_loads(gate: threading.Event, size: tuple[int, int]) -> None:
    app = Explorer(View.opening(catalog()[0]), catalog(), Options(door=True))
    async with app.run_test(size=size) as pilot:
        d = Driver(app, pilot)
        try:
            await pilot.pause()
            assert "loading torch…" in d.screen
            before = d.rows
        finally:
            gate.set()
        await d.settle()
        gone = [row for row, now in zip(before, d.rows, strict=True) if row.strip() and row != now]
        assert [row.strip() for row in gone] == ["loading torch…"]
