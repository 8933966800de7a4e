"""The app as text: the same each time, for every theme, without anything from outside."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from textual import pilot

from llm_linalg.lessons.reader import find
from tui.headless import render, render_all
from tui.model.view import View
from tui.text.themes import THEMES
from tui.widgets.matrix import Matrix

STEP = replace(View.opening(find("matmul")), step=6)


def test_a_screen_is_its_characters() -> None:
    screen = render(STEP, (80, 24), "screen")
    rows = screen.splitlines()
    assert len(rows) == 24
    assert all(len(row) <= 80 for row in rows)
    assert "\x1b" not in screen
    assert re.search(r"\[-2\.1788 +0\.5684\] +-1\.2180 \[-1\.7224\]", screen)


@pytest.mark.parametrize("kind", ["screen", "svg", "ansi"])
def test_the_same_view_is_the_same_text(kind: str) -> None:
    first = render(STEP, (80, 24), kind)  # type: ignore[arg-type]
    assert render(STEP, (80, 24), kind) == first  # type: ignore[arg-type]


def test_a_picture_does_not_depend_on_those_before() -> None:
    views = [
        View.opening(find("matmul")),
        STEP,
        View.opening(find("shapes")),
        View.opening(find("shapes"), 2),
    ]
    together = render_all(views, (80, 24), "screen")
    assert together == [render(view, (80, 24), "screen") for view in views]
    assert render_all(list(reversed(views)), (80, 24), "screen") == list(reversed(together))


def test_an_svg_asks_nothing_of_the_network() -> None:
    svg = render(STEP, (80, 24), "svg")
    assert re.findall(r"https?://[^\s\"<]*", svg) == ["http://www.w3.org/2000/svg"]
    assert "@font-face" not in svg


def test_ansi_strips_to_the_screen() -> None:
    ansi = render(STEP, (80, 24), "ansi")
    bare = re.sub(r"\x1b\[[0-9;]*m", "", ansi)
    assert [line.rstrip() for line in bare.splitlines()] == render(STEP, (80, 24), "screen").splitlines()
    assert "38;5;" in ansi


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_shows_the_same_characters(theme: str) -> None:
    assert render(STEP, (80, 24), "screen", theme=theme) == render(STEP, (80, 24), "screen")


def test_without_colour_there_is_none() -> None:
    ansi = render(STEP, (80, 24), "ansi", theme="no-colour")
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", ansi) for code in found.split(";") if code}
    assert codes <= {"0", "1", "2", "4", "7", "39", "49"}


def test_ascii_is_ascii() -> None:
    for slug in ("matmul", "triangular", "shapes", "backprop"):
        view = replace(View.opening(find(slug)), step=2)
        screen = render(view, (80, 24), "screen", ascii=True)
        assert screen.isascii(), [row for row in screen.splitlines() if not row.isascii()]
        assert all(len(row) <= 80 for row in screen.splitlines())


def test_an_expression_keeps_its_asterisks() -> None:
    code = "A, x, y = torch.ones(3), torch.ones(3), torch.ones(3)\nw = x*A + y*A + A"
    screen = render(replace(View.opening(find("scalar")), code=code, step=1), (80, 24), "screen")
    assert "the same cell of x*A + y*A and A." in screen


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = replace(STEP, look="both")
    before = render(coloured, (80, 24), "ansi")
    for name, value in {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert render(coloured, (80, 24), "ansi") == before


async def _yield_often(_: object = None) -> None:
    for _ in range(40):
        await asyncio.sleep(0)


@pytest.mark.parametrize("slug", ["matmul", "shapes", "causal", "summary"])
def test_a_slow_machine_draws_the_same_screen(monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    views = [View.opening(find(slug)), replace(View.opening(find(slug), 2), step=1)]
    expected = render_all(views, (80, 24), "screen")
    # On a loaded machine a process looks idle early, and a widget is mounted late.
    monkeypatch.setattr(pilot, "wait_for_idle", _yield_often)
    monkeypatch.setattr(Matrix, "on_mount", _yield_often, raising=False)
    assert render_all(views, (80, 24), "screen") == expected
