"""Laws of navigation, over drawn views of drawn programs: what moves there moves back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.app.lessons import lesson
from tests.app.lessons import opened as program
from tests.common import known
from tui.compose.nodes import labels
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.model.view import END, Depth, View
from tui.navigation import steps
from tui.navigation.playground import playground_view
from tui.navigation.steps import SPEEDS, Navigable, Player

LINES = (
    "x = x @ torch.ones(x.shape[-1], 3)",
    "x = x + 1",
    "x = torch.softmax(x, dim=-1)",
    "x = F.layer_norm(x, x.shape[-1:])",
    "x = F.scaled_dot_product_attention(x, x, x)",
    "x = x.T @ x",
    "x = F.relu(x)",
    "x = x.sum(0, keepdim=True)",
)
ALWAYS = ("x = block(x)", "x = F.layer_norm(x, x.shape[-1:])")  # a box with boxes, and a node with parts
BLOCK = "def block(x):\n    y = torch.tanh(x)\n    return y * y\n\n"
DEPTHS: tuple[Depth, ...] = ("map", "operations", "cells", "terms")

programs = st.lists(st.sampled_from(LINES), max_size=2).map(tuple)


@cache
def opened(lines: tuple[str, ...]) -> tuple[View, Run]:
    view = playground_view("\n".join([BLOCK + "x = torch.randn(2, 3)", *lines, *ALWAYS]))
    run = open_view(view)
    assert run.error is None, run.error
    return view, run


def place_of_first(view: View) -> int:
    """The number of the first step: the whole has none before it."""
    return 1 if view.depth in steps.WHOLE else 0


class Place:
    """A drawn view, and its run."""

    def __init__(self, view: View, run: Run) -> None:
        self.view = view
        self.run = run

    def at(self, view: View) -> Navigable:
        return self.run.navigation(view)

    def moved(self, move: Callable[[View, Navigable], View], view: View | None = None) -> View:
        view = self.view if view is None else view
        return move(view, self.at(view))

    def position(self, view: View | None = None) -> tuple[int, int]:
        view = self.view if view is None else view
        return steps.position(view, self.at(view))

    @property
    def first(self) -> int:
        return place_of_first(self.view)


@st.composite
def places(draw: st.DrawFn) -> Place:
    view, run = opened(draw(programs))
    nodes = known(run.trace).nodes
    composites = [node for node in nodes if node.parts]
    node = draw(st.sampled_from(composites if draw(st.booleans()) and composites else nodes))
    path: tuple[str, ...] = (labels(nodes)[nodes.index(node)],)
    depth = draw(st.sampled_from(DEPTHS))
    if draw(st.booleans()) and node.parts:
        parts = labels(node.parts)
        path = (*path, draw(st.sampled_from([parts[0], parts[-1], *parts])))
        depth = "terms" if depth == "terms" else "cells"  # a part is never gone into as a whole
    view = replace(view, path=path, depth=depth)
    ground = run.navigation(view)
    if depth == "map":
        box: tuple[str, ...] = ()
        while inside := ground.boxes(box):
            box = (*box, draw(st.sampled_from(inside)))
            if draw(st.booleans()):
                break
        return Place(replace(view, box=box), run)
    if depth == "terms" and "terms" not in ground.orders:
        view = replace(view, depth="cells")
    orders = [order for order in ground.orders if order != "terms"]
    own = draw(st.sampled_from([None, *orders]))
    view = replace(view, order=own)
    _, count = steps.position(view, ground)
    return Place(steps.goto(view, ground, draw(st.integers(0, max(1, count)))), run)


laws = settings(max_examples=50, deadline=None)


@given(places())
@laws
def test_a_step_on_and_one_back_is_none(place: Place) -> None:
    number, count = place.position()
    assert place.first <= number <= count or not count
    if number < count:
        there = place.moved(steps.forward)
        assert place.position(there) == (number + 1, count)
        assert place.position(place.moved(steps.back, there)) == (number, count)
    else:
        assert place.moved(steps.forward) == place.view
    if number > place.first:
        there = place.moved(steps.back)
        assert place.position(there) == (number - 1, count)
        assert place.position(place.moved(steps.forward, there)) == (number, count)
    else:
        assert place.position(place.moved(steps.back)) == (number, count)


@given(places(), st.sampled_from([END, END + 1, -1, -END, 0, 1, 2, 3]))
@laws
def test_a_step_is_gone_to_within_the_walk_from_anywhere(place: Place, wanted: int) -> None:
    _, count = place.position()
    assume(count)
    nearest = max(place.first, min(wanted, count))
    for start in (place.view, replace(place.view, step=END)):
        there = place.moved(lambda view, ground: steps.goto(view, ground, wanted), start)
        assert place.position(there) == (nearest, count)
        assert place.position(place.moved(steps.first, there)) == (place.first, count)
        assert place.position(place.moved(steps.last, there)) == (count, count)
        if place.view.depth not in steps.WHOLE:
            assert there.step == nearest, "a view names its step, wherever it came from"
    if place.view.depth not in steps.WHOLE:  # END is the last step: one back from it is the one before
        back = place.moved(steps.back, replace(place.view, step=END))
        assert back.step == max(0, count - 1)


@given(places())
@laws
def test_in_and_out_again_is_the_same_place(place: Place) -> None:
    inside = place.moved(steps.into)
    if inside == place.view:
        return
    out = place.moved(steps.out, inside)
    before, after = place.at(place.view), place.at(out)
    depth = place.view.depth
    assert out.depth == depth
    if inside.depth in ("map", "cells"):
        assert place.position(inside)[0] == place_of_first(inside)
    if depth == "map":
        assert place.position(out) == place.position()
        return
    assert after.path == before.path
    assert out.return_path == place.view.return_path
    if depth == "operations":
        assert place.position(out) == place.position()
    elif inside.depth == "terms":
        order = known(steps.order_of(place.view, before))
        cell = known(before.cell(order, max(1, place.position()[0])))
        assert out.step == before.locate(order, cell)
        number, _ = place.position(inside)
        assert before.cell("terms", number) == cell
        assert number == 1 or before.cell("terms", number - 1) != cell, "before the cell's other products"
    else:
        assert (out.order, out.step) == (place.view.order, place.position()[0])


@given(places(), st.sampled_from([1, -1]))
@laws
def test_the_next_operation_and_the_one_before_undo_each_other(place: Place, direction: int) -> None:
    there = place.moved(lambda view, ground: steps.over(view, ground, direction))
    before, after = place.at(place.view), place.at(there)
    if place.view.depth == "map":
        back = place.moved(lambda view, ground: steps.over(view, ground, -direction), there)
        assert there == place.view or place.position(back) == place.position()
        return
    number = before.siblings.index(before.path[-1]) + direction
    if 0 <= number < len(before.siblings):
        assert after.path == (*before.path[:-1], before.siblings[number])
        assert there.step == 0
        back = place.moved(lambda view, ground: steps.over(view, ground, -direction), there)
        assert place.at(back).path == before.path
    elif len(before.path) == 1:
        assert there == place.view


@given(places(), st.sampled_from([1, -1]))
@laws
def test_past_the_last_part_is_after_the_whole_and_before_the_first_before_it(
    place: Place, direction: int
) -> None:
    view, path = place.view, place.at(place.view).path
    assume(len(path) > 1)
    while len(place.at(view).path) > 1:
        view = place.moved(lambda view, ground: steps.over(view, ground, direction), view)
    number, count = place.position(view)
    assert (place.at(view).path, view.depth) == (path[:-1], "cells")
    assert number == (0 if direction < 0 else count)


@given(places(), st.sampled_from([1, -1]), st.integers(0, 6) | st.none())
@laws
def test_playing_ends_at_an_end_or_where_it_was_to(place: Place, direction: int, until: int | None) -> None:
    player = Player(playing=True, until=until).in_direction(direction)
    view, (number, count) = place.view, place.position()
    for _ in range(count + 2):
        if not player.playing:
            break
        moved, player = steps.tick(view, place.at(view), player)
        reached = place.position(moved)[0]
        assert abs(reached - number) <= 1
        at_end = reached >= count if direction > 0 else reached <= place.first
        assert player.playing == (not at_end and reached != until)
        view, number = moved, reached
    assert not player.playing
    assert steps.tick(view, place.at(view), player) == (view, player)


@given(st.integers(0, 9))
@settings(max_examples=10, deadline=None)
def test_a_stop_with_some_steps_is_played_to_the_last_of_them(start: int) -> None:
    view = View.opening(lesson(), 5)
    run = open_view(view)
    assert run.error is None, run.error
    first, last = view.at_stop.steps or (0, 0)
    view, player = replace(view, step=start), Player(playing=True)
    while player.playing:
        view, player = steps.tick(view, run.navigation(view), player)
    assert view.step == max(last, min(start + 1, steps.position(view, run.navigation(view))[1]))
    assert first < last


@given(places(), st.integers(0, 5))
@laws
def test_another_order_shows_the_same_cell(place: Place, number: int) -> None:
    ground = place.at(place.view)
    orders = [order for order in ground.orders if order != "terms"]
    now, (step, _) = steps.order_of(place.view, ground), place.position()
    assume(orders and now is not None and place.view.depth not in steps.WHOLE)
    assert now is not None
    order = orders[number % len(orders)]
    there = steps.in_order(place.view, ground, order)
    assert (there.depth, steps.order_of(there, ground)) == ("cells", order)
    cell = ground.cell(now, step) if step else None
    assert there.step == (0 if cell is None else ground.locate(order, cell))
    around = place.view
    for _ in orders:
        around, before = steps.reorder(around, ground), around
        old, new = (steps.order_of(replace(view, depth="cells"), ground) for view in (before, around))
        assert old is None or new == orders[(orders.index(old) + 1) % len(orders)]
    if place.view.depth == "cells":
        assert steps.order_of(around, ground) == now


@given(places(), st.integers(0, 40))
@laws
def test_an_animation_ends_with_the_last_step_that_writes_its_cell(place: Place, start: int) -> None:
    if "terms" in place.at(place.view).orders:
        place = Place(replace(place.view, depth="terms", step=start), place.run)
    ground, (step, count) = place.at(place.view), place.position()
    end = place.moved(steps.finish)
    if place.view.depth != "terms" or not count:
        assert place.position(end) == (count, count)
        return
    cell = ground.cell("terms", max(1, step))
    assert step <= end.step <= count
    assert ground.cell("terms", end.step) == cell
    assert end.step == count or ground.cell("terms", end.step + 1) != cell


@given(places())
@laws
def test_the_way_out_ends_on_the_top_of_the_map_and_the_way_in_on_a_cell(place: Place) -> None:
    view = place.view
    for _ in range(12):
        view, before = place.moved(steps.out, view), view
        if view == before:
            break
    assert view.depth == "map"
    assert len(view.box) == 1
    for _ in range(12):
        view, before = place.moved(steps.into, view), view
        if view == before:
            break
    assert view.depth in ("cells", "terms")


def test_a_program_without_operations_has_no_place_to_go() -> None:
    view, run = program("x = 1")
    moves = (steps.forward, steps.back, steps.over, steps.into, steps.out, steps.finish)
    assert all(move(view, run.navigation(view)) == view for move in moves)


PRODUCT = "x = torch.ones(3, 2)\nY = x @ torch.ones(2, 4)"


def test_the_order_of_the_stop_is_in_force_until_another_is_chosen() -> None:
    view, run = program(PRODUCT, 'order="rows"')
    ground = run.navigation(view)
    orders = [steps.order_of(replace(view, order=order), ground) for order in (None, "columns", "sideways")]
    assert orders == ["rows", "columns", "rows"]


def test_a_stop_in_terms_has_a_plainer_order_to_come_out_to() -> None:
    view, run = program(PRODUCT, 'order="terms"')
    ground = run.navigation(view)
    orders = [steps.order_of(replace(view, depth=depth), ground) for depth in ("terms", "cells")]
    assert orders == ["terms", "cells"]


def test_out_of_a_part_that_was_opened_directly_goes_to_the_whole() -> None:
    view, run = program("S = torch.softmax(torch.ones(2, 2), dim=-1)")
    part = replace(view, path=("S", "power"), step=4)
    whole = steps.out(part, run.navigation(part))
    assert (whole.path, whole.step) == (("S",), 0)


def test_parts_of_parts_are_left_one_after_the_other_where_they_were_gone_into() -> None:
    view, run = program("x = torch.ones(2, 2)\nA = F.scaled_dot_product_attention(x, x, x)")
    view = replace(view, path=("A",), depth="cells", order=None)
    around: list[View] = []
    while (ground := run.navigation(view)).parts:
        view = replace(view, step=2 + len(around))
        around.append(view)
        view = steps.into(view, ground)
        while (ground := run.navigation(view)).path[-1] in ground.siblings[:-1] and not ground.parts:
            view = steps.over(view, ground)
    assert len(around) > 1
    for whole in reversed(around):
        view = steps.out(view, run.navigation(view))
        assert view == whole


def test_speeds_go_up_and_down_and_end() -> None:
    going = Player(speed=4.0)
    assert (going.faster().speed, going.slower().speed, going.interval) == (8.0, 2.0, 0.25)
    assert Player(speed=SPEEDS[-1]).faster().speed == SPEEDS[-1]
    assert Player(speed=SPEEDS[0]).slower().speed == SPEEDS[0]
    assert Player(speed=3.0).faster().speed == 4.0
    assert Player(speed=100.0).faster().speed == 100.0
    assert Player(speed=0.1).slower().speed == 0.1


def test_the_walk_of_a_huge_product_is_gone_about_by_arithmetic() -> None:
    view, run = program("x = torch.ones(1000, 300)\nY = x @ x.T")
    navigation = run.navigation(view)
    assert navigation.length("terms") == 1000 * 1000 * 300
    inside = steps.into(steps.goto(view, navigation, 654_321), navigation)
    assert navigation.cell("terms", inside.step) == (654, 320)
    assert steps.finish(inside, navigation).step == inside.step + 299
    assert steps.out(inside, navigation).step == 654_321
