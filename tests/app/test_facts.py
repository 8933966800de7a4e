"""The facts of an operation: its shapes are seen whole, in every lesson and in every solution."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from llm_linalg.api.node import Node
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import opened, solution
from tests.thinning import thin
from tui.compose.nodes import labels
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.model.view import View
from tui.panes.facts_pane import facts_rows
from tui.text.glyphs import Glyphs
from tui.text.rows import width_of

MAIN = 59  # columns of the main part at 80 × 24
MOST_PATHS = 8  # of a stop, evenly over its operations
DEEPEST = 3


def paths(nodes: Sequence[Node], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of operations, and of those inside them."""
    for name, node in zip(labels(nodes), nodes, strict=True):
        yield (*above, name)
        if node.parts and len(above) < DEEPEST:
            yield from paths(node.parts, (*above, name))


def frames(lesson: Lesson) -> Iterator[Frame]:
    """The frames of the operations of each stop, forward and backward, and of each solution."""
    for stop in lesson.stops:
        for view in (View.opening(lesson, stop.number), solution(lesson, stop.number)):
            run = None if view is None else open_view(view)
            trace = None if view is None or run is None else run.trace_of(view)
            if view is None or run is None or trace is None:
                continue
            ways = list(paths(trace.nodes))
            for path in ways[:: 1 + len(ways) // MOST_PATHS]:
                shown = replace(view, path=path, depth="cells", step=1, follows=None)
                yield run.frame(shown)


def texts(frame: Frame, width: int) -> list[str]:
    """The rows of a frame's facts as text."""
    rows = facts_rows(frame, width, Glyphs())
    assert all(width_of(row) <= width for row in rows)
    return ["".join(span.text for span in row) for row in rows]


@pytest.mark.parametrize("slug", thin([lesson.slug for lesson in catalog()], 12))
def test_every_shape_is_seen_whole_in_two_rows(slug: str) -> None:
    for frame in frames(find(slug)):
        rows = texts(frame, MAIN)
        said = " ".join(" ".join(rows).split())
        shapes, _, note = frame.captions.shape_line.partition("   ")
        assert shapes in said, (slug, frame.lesson.stop, frame.place.path)
        assert note in said, (slug, frame.lesson.stop, frame.place.path)
        assert len(rows) <= 2
        assert frame.place.trail == () or "›" in rows[0]


@pytest.mark.parametrize("width", [8, 20, 33, MAIN, 78])
def test_in_any_width_nothing_is_lost_and_no_shape_is_broken(width: int) -> None:
    view = View.opening(find("backward"))
    run = open_view(view)
    for path in list(paths(run.trace.nodes if run.trace else ()))[::9]:
        frame = run.frame(replace(view, path=path, depth="cells", backward=False))
        said = "\n".join(texts(frame, width))
        shapes = re.findall(r"\(.*?\)", frame.captions.shape_line)
        if width > max(map(len, [*shapes, ""])) + 4:
            assert all(shape in said for shape in shapes), (width, said)


async def test_the_second_row_is_the_programs() -> None:
    async with opened("elementwise", stop=4) as d:
        await d.press("H", "H", "H", "H")
        rows = [row.partition("│")[2].strip() for row in d.rows]
        assert "(3, 4) - (3, 1) → (3, 4)" in rows
        place = rows.index("(3, 4) - (3, 1) → (3, 4)")
        assert rows[place + 1].endswith("repeats along axis 1")
        assert "answer = table" in rows[place - 1]
