"""What every stop says at its third step, whole screens, and a picture: texts to be read in a diff.

`UPDATE_SNAPSHOTS=1 pytest tests/app` writes what the app shows now.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import Lesson, catalog, find
from tests.thinning import thin
from tui.compose.view_runner import open_view
from tui.headless import render, render_all
from tui.model.view import View
from tui.render.json_text import frame_object

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
    """Every stop at its third step, and the first before its first and after its last."""
    first = View.opening(lesson)
    stops = [replace(View.opening(lesson, stop.number), step=3) for stop in lesson.stops]
    return [first, replace(first, step=LAST), *stops]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("slug", thin((lesson.slug for lesson in catalog()), 12))
def test_nothing_is_clipped_with_the_default_controls(slug: str, size: tuple[int, int]) -> None:
    lesson = find(slug)
    chosen = views(lesson)
    for view, screen in zip(chosen, render_all(chosen, size, "screen"), strict=True):
        rows = screen.splitlines()
        main = [row.partition("│")[2] for row in rows[2:-1]]
        where = f"{slug}, stop {view.stop}, step {view.step}"
        assert lesson.title in rows[0], where
        assert not any("p more" in row for row in main) or view.at_stop.fails, where
        code = "".join("".join(main).split())  # a long line is broken at a space
        shown = view.at_stop.trace_to_show(lesson.run(view.at_stop)) if view.backward else None
        last = (view.program if shown is None else shown.source).splitlines()
        assert any("".join(line.split()) in code for line in last if line.strip()) or len(last) == 0, where
