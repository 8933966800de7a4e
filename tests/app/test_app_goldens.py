"""The rendered screen of every lesson, stop by stop, as text that can be read in a diff.

`UPDATE_SNAPSHOTS=1 pytest tests/app/test_app_goldens.py` writes what the app shows now.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import Lesson, catalog, find
from tui.headless import render, render_all
from tui.layout.panes import SIDEBAR
from tui.model.view import View

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
UPDATE = os.environ.get("UPDATE_SNAPSHOTS") == "1"
LAST = 10**6


def views(lesson: Lesson) -> list[tuple[str, View]]:
    """Every stop at its third step, and the first before its first and after its last."""
    first = View.opening(lesson)
    chosen = [("stop 1, before the first step", first), ("stop 1, the last step", replace(first, step=LAST))]
    for stop in lesson.stops:
        view = View.opening(lesson, stop.number)
        chosen.append((f"stop {stop.number}, step 3", replace(view, step=3)))
    return chosen


def without_sidebar(screen: str) -> str:
    """Title, main part and footer: what a lesson shows, whatever other lessons there are."""
    first, _, *rows, last = screen.splitlines()
    return "\n".join([first, *(row[SIDEBAR:].rstrip() for row in rows), last, ""])


def golden(lesson: Lesson) -> str:
    """All the pictures of a lesson in one text."""
    chosen = views(lesson)
    parts = []
    small = render_all([view for _, view in chosen], (80, 24), "screen")
    for (name, _), screen in zip(chosen, small, strict=True):
        parts.append(f"== 80x24, {name}\n{without_sidebar(screen)}")
    large = chosen[1:3]
    for (name, _), screen in zip(large, render_all([v for _, v in large], (120, 40), "screen"), strict=True):
        parts.append(f"== 120x40, {name}\n{without_sidebar(screen)}")
    return "\n".join(parts)


def compare(path: Path, made: str) -> None:
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert path.exists(), f"no snapshot {path.name}: run with UPDATE_SNAPSHOTS=1"
    assert made == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("slug", [lesson.slug for lesson in catalog()])
def test_the_screens_of_a_lesson(slug: str) -> None:
    compare(SNAPSHOTS / "screens" / f"{slug}.txt", golden(find(slug)))


def test_no_snapshot_is_left_over() -> None:
    assert {path.stem for path in (SNAPSHOTS / "screens").glob("*.txt")} == {
        lesson.slug for lesson in catalog()
    }


MATMUL = View.opening(find("matmul"))
PICTURES: dict[str, tuple[View, str]] = {
    "matmul": (replace(MATMUL, step=6), "dark"),
    "matmul-heat-light": (replace(MATMUL, step=9, look="both"), "light"),
    "matmul-cursor-contrast": (replace(MATMUL, step=12, cursor=("Y", (1, 2))), "high-contrast"),
    "shapes-no-colour": (View.opening(find("shapes")), "no-colour"),
}


def test_the_whole_screen() -> None:
    compare(SNAPSHOTS / "whole-screen.txt", render(replace(MATMUL, step=6), (80, 24), "screen"))


@pytest.mark.parametrize("name", PICTURES)
def test_a_few_pictures(name: str) -> None:
    view, theme = PICTURES[name]
    compare(SNAPSHOTS / "pictures" / f"{name}.svg", render(view, (80, 24), "svg", theme=theme))


@pytest.mark.parametrize("slug", [lesson.slug for lesson in catalog()])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_nothing_is_clipped_with_the_default_controls(slug: str, size: tuple[int, int]) -> None:
    lesson = find(slug)
    chosen = views(lesson)
    for (name, view), screen in zip(chosen, render_all([v for _, v in chosen], size, "screen"), strict=True):
        rows = screen.splitlines()
        main = [row.partition("│")[2] for row in rows[2:-1]]
        where = f"{slug}, {name}"
        assert lesson.title in rows[0], where
        assert not any("p more" in row for row in main) or view.at_stop.fails, where
        code = "".join(row.strip() for row in main)
        shown = view.at_stop.shown_in(lesson.run(view.at_stop)) if view.twin else None
        last = (view.program if shown is None else shown.source).splitlines()
        assert any(line.strip() in code for line in last) or len(last) == 0, where
