"""The app as text: the same each time, for every theme; and goldens, to be read in a diff.

`UPDATE_SNAPSHOTS=1 pytest tests/app` writes the goldens that the app shows now.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from textual import pilot

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from tests.thinning import thin
from tui.compose.view_runner import open_view
from tui.headless import render, render_all
from tui.model.view import View
from tui.render.json_text import frame_object
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


@pytest.mark.slow
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
    code = "A, x, y = torch.ones(3), torch.ones(3), torch.ones(3)\nw = x*A + y*A + torch.ones(2, 1)"
    screen = render(replace(View.opening(find("scalar")), code=code, step=1), (80, 24), "screen")
    assert "one cell of x*A + y*A and one of" in screen


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


SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
UPDATE = os.environ.get("UPDATE_SNAPSHOTS") == "1"
LAST = 10**6
# Of a frame, what it says: without the program, and the tables of numbers.
SAID = ("lesson", "stop", "node", "order", "step", "steps", "writes", "formula", "shape_line", "text")


def compare(path: Path, text: str) -> None:
    """Hold a text against its golden."""
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no snapshot {path.name}: run with UPDATE_SNAPSHOTS=1"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_every_stop_says_at_its_third_step() -> None:
    lines = []
    for lesson in catalog():
        for stop in lesson.stops:
            view = replace(View.opening(lesson, stop.number), step=3)
            frame = frame_object(open_view(view).frame(view))
            lines.append(json.dumps({name: frame[name] for name in SAID}, ensure_ascii=False))
    compare(SNAPSHOTS / "frames.jsonl", "\n".join(lines) + "\n")


MATMUL = View.opening(find("matmul"))
SCREENS = {
    "matmul": (replace(MATMUL, step=6), (80, 24)),
    "shapes": (View.opening(find("shapes")), (80, 24)),
    "summary": (View.opening(find("summary")), (80, 24)),
    "why": (View.opening(find("why"), 2), (120, 40)),
}  # the playground's is written by its own tests


@pytest.mark.parametrize("name", SCREENS)
def test_a_whole_screen(name: str) -> None:
    view, size = SCREENS[name]
    compare(SNAPSHOTS / f"{name}.txt", render(view, size, "screen"))


def test_a_picture() -> None:
    view = replace(MATMUL, step=9, look="both")
    compare(SNAPSHOTS / "matmul-heat-light.svg", render(view, (80, 24), "svg", theme="light"))


def views(lesson: Lesson) -> list[View]:
    """Every second stop at its third step, and the first before its first and after its last."""
    first = View.opening(lesson)
    stops = [replace(View.opening(lesson, stop.number), step=3) for stop in lesson.stops[1::2]]
    return [first, replace(first, step=LAST), *stops]


@pytest.mark.parametrize("slug", thin((lesson.slug for lesson in catalog()), 12))
def test_nothing_is_clipped_with_the_default_controls(slug: str) -> None:
    lesson = find(slug)
    chosen = views(lesson)
    for view, screen in zip(chosen, render_all(chosen, (80, 24), "screen"), strict=True):
        rows = screen.splitlines()
        main = [row.partition("│")[2] for row in rows[2:-1]]
        where = f"{slug}, stop {view.stop}, step {view.step}"
        assert lesson.title in rows[0], where
        assert not any("p more" in row for row in main) or view.at_stop.fails, where
        code = "".join("".join(main).split())  # a long line is broken at a space
        shown = view.at_stop.trace_to_show(lesson.run(view.at_stop)) if view.backward else None
        last = (view.program if shown is None else shown.source).splitlines()
        assert any("".join(line.split()) in code for line in last if line.strip()) or len(last) == 0, where
