from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from tests.app.lessons import lesson, opened
from tui.model.view import View
from tui.navigation import steps
from tui.navigation.steps import SPEEDS, Navigable, Player, position

ROWS, COLUMNS, TERMS = 3, 4, 2
LEVELS = {(): ("x", "block", "Z"), ("block",): ("W", "Y")}


@dataclass(frozen=True)
class Product:
    """A 3 × 4 product of two terms a cell.

    The second of three operations; ``parts`` where it is composite.
    """

    path: tuple[str, ...] = ("Y",)
    siblings: tuple[str, ...] = ("x", "Y", "Z")
    parts: tuple[str, ...] = ()
    orders: tuple[str, ...] = ("cells", "terms", "rows", "columns")
    order: str | None = "cells"

    def boxes(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return LEVELS.get(path, ())

    def node_path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return path[-1:]

    def box_of(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return ("block", path[0]) if path[:1] == ("Y",) else path[:1]

    def length(self, order: str) -> int:
        return {"cells": 12, "terms": 24, "rows": 3, "columns": 4}[order]

    def cell(self, order: str, step: int) -> tuple[int, ...]:
        k = step - 1
        return {
            "cells": (k // COLUMNS, k % COLUMNS),
            "terms": (k // TERMS // COLUMNS, k // TERMS % COLUMNS),
            "rows": (k, 0),
            "columns": (0, k),
        }[order]

    def locate(self, order: str, index: tuple[int, ...]) -> int:
        row, column = index
        cell = row * COLUMNS + column
        return {"cells": cell, "terms": cell * TERMS, "rows": row, "columns": column}[order] + 1


Y = Product()
START = View.opening(lesson())


def test_the_fake_is_a_ground() -> None:
    navigation: Navigable = Y
    assert position(START, navigation) == (0, 12)


def test_forward_and_back_stay_within_the_walk() -> None:
    view = START
    for _ in range(40):
        view = steps.forward(view, Y)
    assert position(view, Y) == (12, 12)
    for _ in range(40):
        view = steps.back(view, Y)
    assert view == START


@given(st.integers(-(10**12), 10**18))
def test_goto_clamps(step: int) -> None:
    assert position(steps.goto(START, Y, step), Y)[0] == max(0, min(step, 12))


def test_a_step_beyond_the_walk_is_shown_as_its_last() -> None:
    assert position(replace(START, step=99), Y) == (12, 12)


@given(st.sampled_from(["cells", "rows", "columns"]), st.integers(0, 12))
def test_into_a_cell_and_out_comes_back_to_it(order: str, step: int) -> None:
    view = steps.goto(replace(START, order=order), Y, step)
    inside = steps.into(view, Y)
    assert inside.depth == "terms"
    assert steps.order_of(inside, Y) == "terms"
    written = Y.cell(order, max(1, position(view, Y)[0]))
    assert Y.cell("terms", inside.step) == written
    outside = steps.out(inside, Y)
    assert (outside.depth, outside.order, outside.step) == ("cells", order, max(1, view.step))


def test_out_after_stepping_on_comes_back_to_the_cell_one_is_in() -> None:
    inside = steps.into(steps.goto(START, Y, 5), Y)
    for _ in range(3):
        inside = steps.forward(inside, Y)
    assert steps.out(inside, Y).step == 6


def test_finish_ends_the_cell_at_terms_and_the_walk_elsewhere() -> None:
    inside = steps.into(steps.goto(START, Y, 5), Y)
    assert steps.finish(inside, Y).step == 10
    assert steps.finish(steps.finish(inside, Y), Y).step == 10
    assert steps.finish(START, Y).step == 12


def test_operations_are_counted_from_one_and_stepped_over() -> None:
    view = steps.out(steps.goto(START, Y, 5), Y)
    assert (view.depth, view.path, position(view, Y)) == ("operations", ("Y",), (2, 3))
    assert steps.forward(view, Y).path == ("Z",)
    assert steps.back(view, Y).path == ("x",)
    assert steps.last(view, Y).path == ("Z",)
    assert steps.first(view, Y).path == ("x",)
    inside = steps.into(view, Y)
    assert (inside.depth, inside.step, inside.path) == ("cells", 0, ("Y",))


def test_over_goes_to_the_next_operation_before_its_first_step() -> None:
    view = replace(steps.goto(START, Y, 5), depth="terms", at=(1,))
    there = steps.over(view, Y)
    assert (there.path, there.step, there.depth, there.at) == (("Z",), 0, "cells", None)
    last = Product(path=("Z",))
    assert steps.over(there, last) == there
    assert steps.over(there, last, -1).path == ("Y",)


def test_into_a_composite_opens_its_parts_and_out_comes_back_to_the_same_place() -> None:
    softmax = Product(path=("S",), siblings=("Y", "S"), parts=("max", "exp"))
    view = replace(steps.goto(START, softmax, 7), path=("S",), order="rows", step=2)
    inside = steps.into(view, softmax)
    assert (inside.path, inside.step, inside.depth) == (("S", "max"), 0, "cells")
    part = Product(path=("S", "max"), siblings=("max", "exp"))
    assert steps.out(steps.forward(inside, part), part) == view
    end = Product(path=("S", "exp"), siblings=("max", "exp"))
    whole = steps.over(steps.over(inside, part), end)
    assert (whole.path, position(whole, softmax)) == (("S",), (3, 3))


def test_out_of_a_part_that_was_opened_directly_goes_to_the_whole() -> None:
    part = Product(path=("S", "max"), siblings=("max", "exp"))
    view = steps.out(replace(START, path=("S", "max"), step=4), part)
    assert (view.path, view.step) == (("S",), 0)


@given(st.sampled_from(["cells", "rows", "columns"]), st.integers(0, 12), st.sampled_from([1, -1]))
def test_another_order_keeps_the_place(order: str, step: int, direction: int) -> None:
    view = steps.goto(replace(START, order=order), Y, step)
    turned = steps.reorder(view, Y, direction)
    assert turned.order in {"cells", "rows", "columns"} - {order}
    if view.step:
        cell = Y.cell(order, view.step)
        assert turned.step == Y.locate(turned.order or "", cell)
    else:
        assert turned.step == 0


def test_the_order_of_the_stop_is_in_force_until_another_is_chosen() -> None:
    rows = Product(order="rows")
    assert steps.order_of(START, rows) == "rows"
    assert steps.order_of(replace(START, order="columns"), rows) == "columns"
    assert steps.order_of(replace(START, order="wave"), rows) == "rows"


def test_a_stop_in_terms_has_a_plainer_order_to_come_out_to() -> None:
    terms = Product(order="terms")
    assert steps.order_of(replace(START, depth="terms"), terms) == "terms"
    assert steps.order_of(START, terms) == "cells"


def test_playing_pauses_at_the_end_of_either_direction() -> None:
    view, going = START, Player(playing=True)
    beats = 0
    while going.playing:
        view, going = steps.tick(view, Y, going)
        beats += 1
    assert (beats, view.step) == (12, 12)
    assert steps.tick(view, Y, going) == (view, going)
    view, going = steps.goto(view, Y, 2), Player(playing=True, direction=-1)
    view, going = steps.tick(view, Y, going)
    assert going.playing
    view, going = steps.tick(view, Y, going)
    assert (view.step, going.playing) == (0, False)


def test_playing_a_stop_with_steps_ends_at_the_last_of_them() -> None:
    view, going = View.opening(lesson(), 5), Player(playing=True)
    while going.playing:
        view, going = steps.tick(view, Y, going)
    assert view.step == 5


def test_speeds_go_up_and_down_and_end() -> None:
    going = Player(speed=4.0)
    assert (going.faster().speed, going.slower().speed, going.interval) == (8.0, 2.0, 0.25)
    assert Player(speed=SPEEDS[-1]).faster().speed == SPEEDS[-1]
    assert Player(speed=SPEEDS[0]).slower().speed == SPEEDS[0]
    assert Player(speed=3.0).faster().speed == 4.0
    assert Player(speed=100.0).faster().speed == 100.0
    assert Player(speed=0.1).slower().speed == 0.1


def test_without_a_node_nothing_moves() -> None:
    nothing = Product(path=(), siblings=(), orders=(), order=None)
    for move in (steps.forward, steps.back, steps.first, steps.last, steps.finish):
        assert move(START, nothing) == START
    for move in (steps.into, steps.out, steps.over, steps.reorder):
        assert move(START, nothing) == START
    assert position(START, nothing) == (0, 0)


def test_the_real_ground_answers_for_a_huge_product() -> None:
    view, run = opened("x = torch.ones(1000, 300)\nY = x @ x.T")
    navigation = run.navigation(view)
    assert navigation.length("terms") == 1000 * 1000 * 300
    inside = steps.into(steps.goto(view, navigation, 654_321), navigation)
    assert navigation.cell("terms", inside.step) == (654, 320)
    assert steps.finish(inside, navigation).step == inside.step + 299
    assert steps.out(inside, navigation).step == 654_321
