"""Looks: which a node has, and drawings of any values at any size, read back."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from llm_linalg.base.constants import LOOK_NAMES, LookName
from llm_linalg.lessons.reader import parse
from tests.app.lessons import opened
from tests.app.test_plane_drawn import dots_of
from tests.common import known
from tui.compose.view_runner import open_view
from tui.looks.bars import EIGHTHS, FULL, NEGATIVE, Bars, bar_text
from tui.looks.curve import Axis, Curve, Series
from tui.looks.look_table import LOOKS
from tui.looks.ruler import BLOCKS, DART, RulerDrawing
from tui.looks.top import Top
from tui.model.drawing import Drawing
from tui.model.frame import CELL_LOOKS, CellMark, Frame
from tui.model.map_table import MAP_LOOKS
from tui.model.view import View
from tui.render.json_text import frame_object
from tui.render.plain import to_plain
from tui.text.rows import Row

NUMBERS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 3e38, -3e38, 1e-40, 1.0, math.inf, -math.inf])
FINITE = st.floats(-1e6, 1e6, width=32)
SIZES = st.tuples(st.integers(1, 100), st.integers(0, 30))


def text_of(row: Row) -> str:
    return "".join(span.text for span in row)


def spelled(numbers: list[float]) -> str:
    """The numbers as Python writes them."""
    return repr(numbers).replace("nan", "math.nan").replace("inf", "math.inf")


def frame_of(code: str, look: LookName, *, whole: bool = False, step: int = 0) -> Frame:
    """The frame of the last node of a program in a look, complete or at a step."""
    view, run = opened(code)
    view = replace(view, look=look, step=step, depth="operations" if whole else "cells")
    return run.frame(view)


def drawing_of(code: str, look: LookName, *, whole: bool = True, step: int = 0) -> Drawing:
    return known(frame_of(code, look, whole=whole, step=step).stage.drawing)


def test_the_table_is_in_the_order_of_the_names() -> None:
    others = (*CELL_LOOKS, *MAP_LOOKS)
    assert tuple(look.name for look in LOOKS) == tuple(name for name in LOOK_NAMES if name not in others)


# Programs that have a look, with a place for numbers, and the looks that each has.
PROGRAMS: dict[str, tuple[LookName, ...]] = {
    "x = torch.tensor({})\ny = torch.tanh(x)": ("bars", "symbols"),
    "X = torch.tensor([{0}, {0}])\ny = X.sum(0)": ("bars",),
    "x = torch.tensor([{0}, {0}])\nP = torch.softmax(1.0 * (x > 0), 1)": ("bars",),
    "x = torch.tensor([{0}, {0}])\nP = torch.softmax(1.0 * (x > 0), 0)": ("bars",),
    "P = torch.softmax(1.0 * (torch.tensor({}) > 0), 0)\nends = P.cumsum(0)\nhits = ends <= 0.4": ("bars",),
    "y = torch.tensor({}).unflatten(0, (-1, 1)) * torch.ones(2)": ("plane",),
    "t = torch.arange(7.0)\ny = t * torch.tensor({})[0]": ("bars", "curve"),
    "for k in range(3):\n    loss = torch.tensor({}).sum()": ("curve",),
    "y = torch.stack([torch.tensor({}).repeat(40)] * 2) * 1.0": ("top",),
    "y = torch.tensor({}).reshape(1, 1, -1).transpose(0, 2)": ("weave",),
    "y = dist.all_reduce(torch.tensor({}) * (rank + 1))": ("devices",),
    "y = torch.cat(dist.all_gather(torch.tensor({}).unsqueeze(0)), dim=1)": ("devices",),
}


@settings(max_examples=25)
@example("for k in range(3):\n    loss = torch.tensor({}).sum()", [3e38, 3e38], (60, 12), 1)
@given(st.sampled_from(sorted(PROGRAMS)), st.lists(NUMBERS, min_size=1, max_size=9), SIZES, st.integers(0, 9))
@pytest.mark.slow
def test_every_look_is_drawn_of_any_values_at_any_size(
    program: str, numbers: list[float], size: tuple[int, int], step: int
) -> None:
    view, run = opened(program.format(spelled(numbers)), "ranks=3" if "dist." in program else "")
    for name in PROGRAMS[program]:
        wanted = replace(view, look=name, step=step)
        for ascii_only in (False, True):
            frame = run.frame(wanted, ascii_only=ascii_only)
            assert frame.error is None
            assert name in frame.stage.looks
            rows = known(frame.stage.drawing).rows(*size)
            assert len(rows) <= size[1]
            assert all(cell_len(text_of(row)) <= size[0] for row in rows)
            drawn = [*map(text_of, rows), *known(frame.stage.drawing).words]
            assert all(line.isprintable() for line in drawn)
            assert not ascii_only or all(line.isascii() for line in drawn)
            again = known(run.frame(wanted, ascii_only=ascii_only).stage.drawing)
            assert again.rows(*size) == rows
            assert frame_object(frame)["look"] == name
            assert f"look: {name}\n" in to_plain(frame)


@pytest.mark.parametrize(
    ("program", "look"),
    [
        ("y = torch.zeros(0) * 2", "bars"),
        ("y = torch.randn(3, 4) @ torch.randn(4, 5)", "bars"),
        ("y = torch.randn(3) > 0", "bars"),
        ("y = torch.randn(3).sum()", "bars"),
        ("x = torch.randn(4)\ny = x.cumsum(0) <= 0.4", "bars"),  # a running sum of no probabilities
        ("x = torch.softmax(torch.randn(4), 0)\ny = x.cumsum(0) <= 2.0", "bars"),
        ("y = torch.randn(3, 31) * 2", "top"),  # short
        ("y = torch.arange(99)", "top"),  # whole numbers
        ("t = torch.randn(9)\ny = t * 2", "curve"),  # not in order
        ("t = torch.arange(9.0)\ny = t.cumsum(0)", "curve"),  # an entry reads more than its own
        ("t = torch.arange(9.0)\ny = t.flip(0) + t", "curve"),
        ("t = torch.arange(3.0)\ny = t @ torch.randn(3, 3)", "curve"),
        ("for k in range(2):\n    y = torch.tensor(1.0) * k", "curve"),
    ],
)
def test_a_look_is_not_offered_where_it_would_say_nothing(program: str, look: LookName) -> None:
    frame = frame_of(program, look)
    assert frame.error is None
    assert look not in frame.stage.looks
    assert (frame.stage.look, frame.stage.drawing) == ("numbers", None)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_part_is_in_the_box_of_its_device_whichever_is_shown(rank: int) -> None:
    names = [f"device {other}" if other != rank else "this device" for other in (0, 1)]
    for exchange, sign, result in (
        ("dist.all_reduce(x)", "+", ["  3. 6."]),
        ("torch.cat(dist.all_gather(x))", "side by side", ["  1. 2. 2. 4."]),
        ("torch.stack(dist.all_gather(x))", "one on the other", ["  1. 2.", "  2. 4."]),
        ("torch.stack(dist.all_gather(x), dim=1)", "side by side", ["  1. 2.", "  2. 4."]),
    ):
        program = f"x = torch.tensor([1.0, 2.0]) * (rank + 1)\ny = {exchange}"
        front = f'+++\ntitle = "T"\n[controls.rank]\nchoices = [0, 1]\ndefault = {rank}\n+++\n'
        view = View.opening(parse(f'{front}\n```python ranks=2 look="devices"\n{program}\n```\n', "t.md"))
        drawing = known(open_view(view).frame(replace(view, depth="operations")).stage.drawing)
        assert list(drawing.words) == [
            *(f"{names[0]} has x:", "  1. 2."),
            *(f"{names[1]} has x:", "  2. 4."),
            *(f"{sign}: y", *result),
        ]
        top = next(row for row in map(text_of, drawing.rows(60, 12)) if row.strip())
        assert 0 < top.index(f" {names[0]}: x ") < top.index(f" {names[1]}: x ")


def test_what_one_device_makes_has_no_boxes() -> None:
    x = "x = torch.ones(2)\n"
    for program in (
        "y = x + x",
        "y = dist.all_reduce(x) * 2",
        "y = x - dist.all_gather(x)[1]",
        "y = torch.add(*dist.all_gather(x), alpha=2)",
        "y = dist.all_reduce(x.sum())",
    ):
        view, run = opened(x + program, "ranks=2")
        assert "devices" not in run.frame(view).stage.looks


def test_what_is_drawn_is_what_is_computed() -> None:
    program = "t = torch.arange(5.0)\ny = t ** 2 + 1"
    bars = [drawing_of(program, "bars", whole=False, step=step) for step in range(6)]
    for step, drawing in enumerate(bars):
        assert isinstance(drawing, Bars)
        assert sum(number is not None for number, _, _ in drawing.columns[-1].cells(range(5))) == step
        said = [word for word in drawing.words[-1].split(", ") if "not yet computed" in word]
        assert len(said) == 5 - step
    for step in range(6):
        drawing = drawing_of(program, "curve", whole=False, step=step)
        assert isinstance(drawing, Curve)
        assert [y for _, y in drawing.series[0].points] == [k * k + 1.0 for k in range(step)] + [None] * (
            5 - step
        )
        assert (drawing.across.first, drawing.across.last) == (0, 4)
        assert (drawing.up.first, drawing.up.last) == (1, 17)


@given(st.lists(NUMBERS, min_size=2, max_size=9), st.integers(0, 200), st.booleans())
@pytest.mark.slow
def test_the_top_is_torchs_of_what_is_computed(numbers: list[float], step: int, turned: bool) -> None:
    program = f"x = torch.tensor({spelled(numbers)}).repeat(33)[:33]\ny = torch.stack([x, -x, 2 * x])"
    program += "\nz = y.T.contiguous().T * 1.0" if turned else "\nz = y * 1.0"
    view, run = opened(program)
    values = known(run.trace)["z"].value
    step = min(step, values.numel())
    row = max(0, step - 1) // 33 if step else 2
    done = values[row, : step - 33 * row] if step else values[row, :0]
    frame = run.frame(replace(view, look="top", step=step, depth="cells"))
    drawing = known(frame.stage.drawing)
    assert isinstance(drawing, Top)
    best = done[~done.isnan()].sort(descending=True, stable=True)
    known_places = (~done.isnan()).nonzero().flatten()
    assert [int(entry.label) for entry in drawing.entries] == known_places[best.indices].tolist()
    assert [entry.size for entry in drawing.entries] == best.values.tolist()
    assert f"row {row}" in drawing.title


def test_the_whole_of_a_matrix_shows_the_last_row_and_the_cursor_another() -> None:
    view, run = opened("z = torch.arange(99.0).reshape(3, 33) * 1.0")
    whole = replace(view, look="top", depth="operations")
    assert (
        known(run.frame(whole).stage.drawing).words[0].startswith("the largest 10 of 33 in row 2 of z: 32 98")
    )
    asked = replace(whole, cursor=("z", (1, 4)))
    shown = known(run.frame(asked).stage.drawing)
    assert isinstance(shown, Top)
    assert shown.title == "row 1 of z"
    assert [entry.label for entry in shown.entries if entry.mark & CellMark.CURSOR] == ["4"]


def test_a_loop_is_drawn_up_to_the_turn_that_is_shown() -> None:
    view, run = opened("x = torch.tensor(8.0)\nfor k in range(5):\n    x = x / 10")
    for path, turns in ((("x:2",), 1), (("x:3",), 2), (("x",), 5)):
        drawing = run.frame(View.opening(view.lesson)).stage.drawing
        view = replace(view, look="curve", path=path, depth="operations")
        drawing = run.frame(view).stage.drawing
        assert isinstance(drawing, Curve)
        assert sum(y is not None for _, y in drawing.series[0].points) == turns
        assert len(drawing.series[0].points) == 5
        assert drawing.up.logarithmic


# Drawings read back.


@given(
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
    st.floats(min_value=1e-300, allow_infinity=False),
    st.integers(1, 60),
)
def test_a_bar_gives_its_number_back_within_an_eighth(number: float, scale: float, room: int) -> None:
    number = max(-scale, min(scale, number))
    bar = bar_text(number, scale, room)
    assert cell_len(bar) <= room
    assert abs(eighths(bar) / (8 * room) - abs(number) / scale) <= 0.5 / (8 * room) + 1e-12
    assert (NEGATIVE in bar) <= (number < 0)
    assert (FULL in bar) <= (number > 0)


def eighths(bar: str) -> int:
    return sum(8 if part in (FULL, NEGATIVE) else EIGHTHS.index(part) for part in bar)


@settings(max_examples=25)
@given(st.lists(FINITE, min_size=1, max_size=12), st.integers(40, 90))
@example([-1.0, 0.5, 0.25], 59)
@pytest.mark.slow
def test_bars_on_the_screen_are_in_proportion(numbers: list[float], width: int) -> None:
    drawing = drawing_of(f"X = torch.tensor([{numbers}])\ny = X.sum(0)", "bars")
    lines = [text_of(row).rstrip() for row in drawing.rows(width, 30)][-2 * len(numbers) :]
    bars = [line[len(line.rstrip("".join([FULL, NEGATIVE, *EIGHTHS[1:]]))) :] for line in lines if line]
    bars = bars[-len(numbers) :]
    sizes = [abs(number) for number in numbers]
    longest = max(map(eighths, bars))
    if max(sizes):
        for bar, size in zip(bars, sizes, strict=True):
            assert abs(eighths(bar) - longest * size / max(sizes)) <= 1


@given(st.lists(FINITE, min_size=3, max_size=40), st.sampled_from([(59, 12), (40, 8), (100, 30)]))
@example([1.0, 1.0, 1.0], (59, 12))
@example([3e38, -3e38, 0.0], (59, 12))
def test_a_curve_gives_its_numbers_back_within_a_dot(numbers: list[float], size: tuple[int, int]) -> None:
    points = tuple((k / 4 - 1, number) for k, number in enumerate(numbers))
    axes = Axis.over([x for x, _ in points]), Axis.over(numbers)
    drawing = Curve("t", (Series("y", points),), *axes, ascii_only=False)
    plot = drawing.plot(*size)
    dots = dots_of(drawing.rows(*size)[1:])
    across, down = 2 * plot.width - 1, 4 * plot.height - 1
    by_column: dict[int, list[float]] = {}
    for x, row in dots:
        by_column.setdefault(x - 2 * plot.left, []).append(drawing.up.number((down - row) / down))
    dot = drawing.up.last / down - drawing.up.first / down
    for place, y in drawing.series[0].points:
        assert y is not None
        column = round((place - drawing.across.first) / (drawing.across.last - drawing.across.first) * across)
        assert min(abs(found - y) for found in by_column[column]) <= dot


@settings(max_examples=25)
@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=9), st.floats(0, 1, exclude_max=True), st.integers(5, 90)
)
def test_a_ruler_gives_its_probabilities_back_within_a_column(
    logits: list[float], dart: float, width: int
) -> None:
    code = f"ends = torch.softmax(torch.tensor({logits}), 0).cumsum(0)\nhits = (ends <= {dart}).sum()"
    view, run = opened(code)
    drawing = run.frame(replace(view, look="bars", depth="operations")).stage.drawing
    assert isinstance(drawing, RulerDrawing)
    ends = known(run.trace)["ends"].value.tolist()
    hit = min(int(known(run.trace)["hits"].value), len(logits) - 1)
    assert (drawing.hit, drawing.dart) == (hit, dart)
    _, _, blocks, at, scale = map(text_of, drawing.rows(width, 5))
    assert (len(blocks), scale) == (width, "0" + " " * (width - 2) + "1")
    edges = [0, *(round(min(1.0, end) * width) for end in ends)]
    for k, (start, end) in enumerate(pairwise(edges)):
        assert blocks[start:end] == BLOCKS[k % 2] * (end - start)
    place = at.index(DART)
    assert edges[hit] <= place < edges[hit + 1] or edges[hit] == edges[hit + 1]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.booleans())
@example([1.7e308, 1.7e308], False)
def test_an_axis_has_all_its_numbers_in_order(numbers: list[float], logarithmic: bool) -> None:
    axis = Axis.over([*numbers, math.nan, math.inf], logarithmic=logarithmic)
    parts = [axis.part(number) for number in sorted(numbers)]
    assert parts == sorted(parts)
    assert all(-1e-9 <= part <= 1 + 1e-9 for part in parts)
    for part in (0.0, 0.25, 1.0):
        assert axis.part(axis.number(part)) == pytest.approx(part, abs=1e-6)


def test_bars_say_which_rows_there_is_room_for() -> None:
    view, run = opened("x = torch.arange(12.0)\ny = x * 2")
    frame = run.frame(replace(view, look="bars", step=9))
    tall, low = (
        [text_of(row).strip() for row in known(frame.stage.drawing).rows(60, height)] for height in (13, 8)
    )
    assert "of 12" not in " ".join(tall)
    assert low[-1] == "rows 6–11 of 12"
    assert any("16." in line for line in low)


def test_a_weave_names_as_many_slices_as_there_is_room_for() -> None:
    drawing = drawing_of("x = torch.arange(24.0).view(2, 3, 2, 2)\ny = x.transpose(1, 2)", "weave")
    named = text_of(drawing.rows(100, 20)[-1]).strip().split("   ")
    assert [one[0] for one in named] == [*"abcdef"]
    legends = ["   ".join([*named[:count], f"… {6 - count} more"]) for count in range(1, 6)]
    legends.append("   ".join(named))
    for width in range(len(legends[0]), 100):
        said = text_of(drawing.rows(width, 20)[-1]).strip()
        assert said == [legend for legend in legends if len(legend) <= width][-1]


def test_a_curve_cuts_none_of_the_numbers_of_now() -> None:
    up = Axis(1e-9, 3.0, logarithmic=True)
    series = tuple(Series(name, ((1.0, 3.0), (20.0, 6.37e-9)), 1) for name in ("with_sum", "without"))
    curve = Curve("turn", series, Axis(1.0, 20.0), up, ascii_only=False)
    points = [f"   {one.name} 20 → 6.37e-09" for one in series]
    rows = {f"with_sum, without{''.join(points[:shown])}   log scale" for shown in range(3)}
    rows |= {row.replace("without", "without against turn", 1) for row in rows}
    for width in range(30, 120):
        assert text_of(curve.rows(width, 9)[0]).rstrip() in rows


def test_a_bars_scale_is_said_whole_or_left_out() -> None:
    drawing = drawing_of("x = torch.tensor([0.5, -1.0, 2.0])\ny = x * x", "bars")
    for width in range(20, 100):
        head = next(text for row in drawing.rows(width, 12) if (text := text_of(row)).strip())
        assert not head.replace("0 … ", "").rstrip().endswith("…")
        assert "… " not in head.replace("0 … ", "")
    assert "0 … 2, ▒ < 0" in "".join(map(text_of, drawing.rows(99, 12)))
