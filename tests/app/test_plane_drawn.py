"""Drawings read back: they give the tensor's numbers within a dot; and how a plane moves between steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from math import isfinite

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from llm_linalg import run
from llm_linalg.api.node_view import node_view
from llm_linalg.illustrations.plane.picture import plane_of
from llm_linalg.illustrations.plane.plane import Plane, PlaneArrow
from llm_linalg.illustrations.weave import weave_of
from tests.app.driving import Driver, lesson, opened
from tests.common import known
from tui.app import Options
from tui.looks.canvas import ACROSS, DASHED, DOWN, SOLID, Canvas
from tui.looks.plane_drawing import FRAMES, PlaneDrawing
from tui.looks.plane_scale import PlaneScale
from tui.looks.weave_drawing import WeaveDrawing, letter_of
from tui.panes.stage_pane import StagePane
from tui.text.rows import Row
from tui.text.themes import THEMES

FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 3e38, -3e38, 1e-40, 1.0, -2.0])
SIZES = st.sampled_from([(59, 12), (40, 8), (20, 6), (100, 30), (7, 3)])
BITS = ((0, 3), (1, 4), (2, 5), (6, 7))


def text_of(row: Row) -> str:
    return "".join(span.text for span in row)


def dots_of(rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Returns the dots that are set in rows of braille; text is none."""
    return {
        (column * ACROSS + x, y * DOWN + down)
        for y, row in enumerate(rows)
        for column, letter in enumerate(text_of(row))
        if 0x2800 <= ord(letter) <= 0x28FF
        for down, x in product(range(DOWN), range(ACROSS))
        if (ord(letter) - 0x2800) >> BITS[down][x] & 1
    }


def test_a_canvas_gives_back_the_dots_that_were_set() -> None:
    canvas = Canvas(6, 3)
    wanted = {(0, 0), (11, 11), (5, 7), (6, 3)}
    for x, y in [*wanted, (-1, 0), (12, 0), (0, 12)]:
        canvas.dot(x, y)
    assert dots_of(canvas.rows()) == wanted
    assert canvas.is_set(5, 7)
    assert not canvas.is_set(5, 6)


@given(*[st.tuples(st.integers(-60, 60), st.integers(-60, 60)) for _ in range(2)])
def test_a_line_has_both_ends_and_no_gaps_and_is_cut_at_the_edge(
    start: tuple[int, int], end: tuple[int, int]
) -> None:
    canvas = Canvas(16, 8)
    canvas.line(start, end)
    dots = dots_of(canvas.rows())
    for x, y in (start, end):
        assert ((x, y) in dots) == (0 <= x < canvas.across and 0 <= y < canvas.down)
    dx, dy = end[0] - start[0], end[1] - start[1]
    for x, y in dots:  # the distance to the line, times its length
        assert abs((x - start[0]) * dy - (y - start[1]) * dx) <= max(abs(dx), abs(dy)) or (dx, dy) == (0, 0)
    along = sorted(dots, key=lambda dot: dot[0] * dx + dot[1] * dy)
    assert all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1 for a, b in pairwise(along))


def test_a_pattern_leaves_dots_out_and_goes_around_corners() -> None:
    canvas = Canvas(10, 5)
    canvas.path([(0, 0), (0, 9), (9, 9)], pattern=DASHED)
    assert len(dots_of(canvas.rows())) == 9 + 1
    canvas.path([(0, 0), (0, 9), (9, 9)], pattern=SOLID, closed=True)
    assert {(0, 5), (4, 9), (4, 4)} <= dots_of(canvas.rows())


def test_labels_stand_free_of_each_other_and_of_dots_where_they_can() -> None:
    canvas = Canvas(30, 6)
    canvas.arrow((4, 20), (40, 4))
    places = [canvas.label((40, 4), text, towards=(36, -16)) for text in ("one", "two", "three")]
    said = [text_of(row) for row in canvas.rows()]
    assert all(places)
    assert all(any(word in line for line in said) for word in ("one", "two", "three"))
    full = Canvas(3, 1)
    assert not full.label((0, 0), "long word")


@pytest.mark.parametrize("head", [(30, 12), (1, 12), (12, 1), (30, 0), (14, 14)])
def test_in_ascii_a_head_is_a_sign(head: tuple[int, int]) -> None:
    canvas = Canvas(20, 8, ascii_only=True)
    canvas.arrow((12, 12), head)
    drawn = "".join(map(text_of, canvas.rows()))
    assert drawn.isascii()
    assert any(sign in drawn for sign in "<>^v")


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=5), SIZES)
@pytest.mark.slow
def test_the_tip_of_an_arrow_gives_its_numbers_back_within_a_dot(
    rows: list[tuple[float, float]], size: tuple[int, int]
) -> None:
    values = repr(rows).replace("nan", "math.nan").replace("inf", "math.inf")
    node = run(f"X = torch.tensor({values}).reshape({len(rows)}, 2)\nY = 1 * X", seconds=None)["Y"]
    plane = known(plane_of(node_view(node, "rows")))
    drawing = PlaneDrawing.of(plane, ascii_only=False)
    canvas = Canvas(*size)
    scale = drawing.scale(canvas)
    picture = drawing.rows(*size)
    dots, lettered = dots_of(picture), [text_of(row) for row in picture]
    assert all(cell_len(text_of(row)) <= size[0] for row in picture)
    assert len(picture) == size[1]
    tips = [arrow for arrow in plane.arrows if arrow.label.startswith("Y")]
    finite = [pair for pair in node.value.tolist() if all(map(isfinite, pair))]
    assert sorted(arrow.tip for arrow in tips) == sorted(map(tuple, finite))
    for arrow in tips:
        x, y = scale.dot(*arrow.tip)
        assert 0 <= x < canvas.across
        assert 0 <= y < canvas.down
        letter = lettered[y // DOWN].ljust(size[0])[x // ACROSS]
        covered = letter != " " and not 0x2800 <= ord(letter) <= 0x28FF  # by a label
        assert (x, y) in dots or covered
        there = scale.point((x, y))
        for found, wanted in zip(there, arrow.tip, strict=True):
            assert abs(found - wanted) <= scale.size * 0.51
    assert all(line.isascii() for line in map(text_of, PlaneDrawing.of(plane, ascii_only=True).rows(*size)))


def test_labels_of_a_long_name_keep_what_tells_them_apart() -> None:
    source = "spread = torch.tensor([[2.0, 8], [9, 1], [-8, -3]])\nmean = (spread ** 2 - spread).mean()"
    plane = known(plane_of(node_view(run(source, seconds=None)["mean"])))
    text = " ".join(text_of(row) for row in PlaneDrawing.of(plane, ascii_only=False).rows(59, 12))
    assert all(f"[{k}]" in text for k in range(3)), text


@pytest.mark.parametrize("across", [-0.4, 0.0, 0.4])
def test_both_axes_keep_their_names_beside_a_label(across: float) -> None:
    arrow = PlaneArrow("cat", (across, 1.5), (0.0, 0.0), "first")
    plane = Plane(arrows=(arrow,), corners=((0.0, 0.0), arrow.tip, (2.0, -1.0)), axes=("right", "noun"))
    text = " ".join(text_of(row) for row in PlaneDrawing.of(plane, ascii_only=False).rows(59, 11))
    assert all(name in text for name in ("cat", *plane.axes)), text


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=6), SIZES)
def test_a_scale_is_the_same_across_and_up(corners: list[tuple[float, float]], size: tuple[int, int]) -> None:
    finite = [(x, y) for x, y in corners if isfinite(x) and isfinite(y)] + [(0.0, 0.0)]
    across, up = zip(*finite, strict=True)
    canvas = Canvas(*size)
    scale = PlaneScale.of((min(across), min(up), max(across), max(up)), canvas)
    one, two = scale.dot(scale.size * 2, 0.0), scale.dot(0.0, scale.size * 2)
    assert one[0] - scale.origin[0] == scale.origin[1] - two[1] == 2
    for corner in finite:
        x, y = scale.dot(*corner)
        assert 0 <= x < canvas.across
        assert 0 <= y < canvas.down


def test_numbers_that_differ_in_their_last_bit_stand_on_the_same_dots() -> None:
    canvas = Canvas(59, 12)
    for value in torch.linspace(-2, 2, 41).tolist():
        near = torch.nextafter(torch.tensor(value), torch.tensor(9.0)).item()
        pictures = [PlaneScale.of((-2.0, -1.0, 2.0, 1.0), canvas).dot(x, x / 2) for x in (value, near)]
        assert pictures[0] == pictures[1]


def test_letters_and_numbers_of_a_weave_are_the_tensor_s() -> None:
    node = run("X = torch.arange(24.0).reshape(2, 4, 3)\nY = X.transpose(1, 2)", seconds=None)["Y"]
    rows = WeaveDrawing(weave_of(node_view(node)), ascii_only=False).rows(59, 12)
    text = " ".join(map(text_of, rows)).replace("[", " ").replace("]", " ")
    drawn = [word for word in text.replace("a ", "a").replace("b ", "b").split() if word[1:].isdigit()]
    numbers = [int(word[1:]) for word in drawn if word[0] in "ab"]
    assert sorted(numbers) == sorted([*range(24), *range(24)])
    assert all(word[0] == letter_of(int(word[1:]) // 12) for word in drawn)
    roles = {span.role.split()[0] for row in rows for span in row if span.role}
    assert {"slice-0", "slice-1"} <= roles


def test_every_theme_with_colours_has_one_for_each_slice() -> None:
    for theme in THEMES.values():
        styles = {str(theme.style(f"slice-{k}")) for k in range(6)}
        assert len(styles) == (1 if theme.colourless else 6), theme.name


@pytest.mark.parametrize("size", [(59, 12), (40, 8), (20, 5), (9, 3), (3, 1)])
@pytest.mark.parametrize("shapes", [("2, 4, 3", "1, 2"), ("3, 4, 2, 5", "0, 2"), ("1, 1, 9", "0, 2")])
def test_a_weave_stays_in_its_room(shapes: tuple[str, str], size: tuple[int, int]) -> None:
    node = run(f"X = torch.randn({shapes[0]})\nY = X.transpose({shapes[1]})", seconds=None)["Y"]
    for ascii_only, step in ((False, 0), (True, None)):
        drawing = WeaveDrawing(weave_of(node_view(node, "rows", step)), ascii_only)
        texts = [text_of(row) for row in drawing.rows(*size)]
        assert len(texts) <= size[1]
        assert all(cell_len(text) <= size[0] for text in texts)
        assert not ascii_only or all(text.isascii() for text in (*texts, *drawing.words))


MOVING = (
    ("A @ v", "cells"),
    ("A @ v", "outer"),
    ("v @ A", "cells"),
    ("X @ A", "rows"),
    ("X @ A", "cells"),
    ("F.linear(X, A, v)", "rows"),
)


@pytest.mark.parametrize(("expression", "order"), MOVING)
def test_a_plane_moves_in_frames_that_lie_between_its_steps(expression: str, order: str) -> None:
    values = "A, v, X = torch.tensor([[2.0, -1], [1, 1]]), torch.tensor([1.0, 2]), torch.randn(3, 2)"
    source = f"{values}\ny = {expression}"
    node = run(source, seconds=None)["y"]
    steps = [plane_of(node_view(node, order, k)) for k in range(-1, len(node.walk(order)))]
    drawings = [PlaneDrawing.of(plane, ascii_only=False) for plane in steps if plane is not None]
    assert len(drawings) == len(steps)
    pictures = 0
    for start, end in pairwise(drawings):
        way = end.way_from(start)
        pictures += len(way) + 1
        for part, picture in enumerate(way, 1):
            for before, now, after in zip(*(grid_of(one) for one in (start, picture, end)), strict=True):
                mixed = before + (after - before) * part / (len(way) + 1)
                assert torch.allclose(now, mixed, atol=1e-5)
            assert picture.scale(Canvas(59, 10)) == end.scale(Canvas(59, 10))
            new = {arrow.label for arrow in end.plane.arrows} - {arrow.label for arrow in start.plane.arrows}
            assert new.isdisjoint(arrow.label for arrow in picture.plane.arrows)
            assert picture.rows(59, 10) not in (start.rows(59, 10), end.rows(59, 10))
    assert pictures >= FRAMES


def grid_of(drawing: PlaneDrawing) -> list[torch.Tensor]:
    """Returns the points of all lines that move, and the tips of e₁ and e₂."""
    tips = [arrow.tip for arrow in drawing.plane.arrows if arrow.label in ("e₁", "e₂")]
    return [torch.tensor(tips), *(torch.tensor(path.points) for path in drawing.plane.paths)]


def test_what_has_no_plane_to_move_has_no_way() -> None:
    node = run("x = torch.tensor([1.0, 2])\ny = x + x", seconds=None)["y"]
    steps = [plane_of(node_view(node, "cells", k)) for k in (-1, 0, 1)]
    drawings = [PlaneDrawing.of(plane, ascii_only=False) for plane in steps if plane is not None]
    assert all(one.way_from(other) == () for one, other in product(drawings, drawings))


GRID = """
## Grid
It moves.

```python look="plane"
A = torch.tensor([[2.0, -1], [1, 1]])
y = A @ torch.tensor([1.0, 2])
```

## Again
It moves as well.

```python look="plane"
z = A.T @ y
```
"""


def watched(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Row, ...]]:
    """The pictures that the stage shows from now on."""
    stage = driver.app.explorer.page.query_one(StagePane)
    pictures: list[tuple[Row, ...]] = []
    show = stage.show

    def note(rows: Sequence[Row]) -> None:
        pictures.append(tuple(rows))
        show(rows)

    monkeypatch.setattr(stage, "show", note)
    return pictures


@pytest.mark.slow
async def test_a_plane_moves_to_where_a_step_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(lesson(GRID)) as driver, opened(lesson(GRID), options=Options(motion=False)) as still:
        moving, alone = watched(driver, monkeypatch), watched(still, monkeypatch)
        # The last two are another stop's: to it nothing moves.
        for key, count in (("right", 4), ("right", 4), ("0", 8), ("f", 8), (".", 1), ("f", 8)):
            moving.clear()
            alone.clear()
            await driver.press(key)
            await still.press(key)
            assert len(set(moving)) - len(set(alone)) == count - 1, key
            assert moving[-1] == alone[-1]
            assert driver.screen == still.screen


@pytest.mark.slow
async def test_a_key_during_a_motion_is_served_at_once() -> None:
    async with opened(lesson(GRID)) as driver:
        await driver.pilot.press("right", "right", "left", "right")
        assert driver.view.step == 2
        await driver.settle()
        moved = driver.screen
        await driver.press("0", "f")
        assert driver.screen == moved
