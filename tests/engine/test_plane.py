"""Operations in the plane: every arrow is a vector of a tensor, and the geometry holds."""

from __future__ import annotations

from math import atan2, hypot, isfinite

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.api.node_view import NodeView, node_view
from llm_linalg.base.axis_labels import AxisLabels
from llm_linalg.base.errors import ProgramError
from llm_linalg.illustrations.plane.picture import plane_of
from llm_linalg.illustrations.plane.plane import CIRCLE, Plane, circle
from tests.engine.here import run

NUMBERS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 3e38, -3e38, 1e-40, 1.0, 2.0])
EXPRESSIONS = st.sampled_from(["X", "X + X[:1]", "X @ X[:2]", "X @ X.T"])


def plane_at(source: str, order: str | None = None, step: int | None = None) -> tuple[NodeView, Plane | None]:
    """Returns the last node of a program at a step, counted from 0, and its picture."""
    node = run(source).nodes[-1]
    view = node_view(node, order or node.orders[0], step)
    return view, plane_of(view)


def shown(source: str, order: str | None = None, step: int | None = None) -> Plane:
    """Returns the picture of a program's last node."""
    plane = plane_at(source, order, step)[1]
    assert plane is not None
    return plane


def tips(plane: Plane, *labels: str) -> list[tuple[float, ...]]:
    """Returns the tips of the arrows of these labels, as they follow."""
    by_label = {arrow.label: arrow for arrow in plane.arrows}
    return [tuple(round(x, 4) for x in by_label[label].tip) for label in labels]


CAST = "table = torch.tensor([[-1.0, -1], [2, 0], [0, 2], [2, 1], [1, 2]])\n"
PROGRAMS = (
    "x = torch.tensor([1.0, 2])",
    CAST + "y = table[[0, 1, 2, 0]]",
    CAST + "y = table[1] + table[2]",
    CAST + "y = table - table.mean(0)",
    CAST + "y = 2.5 * table",
    CAST + "y = table / table.norm(dim=1, keepdim=True)",
    CAST + "y = table @ torch.tensor([[0.0, 1], [1, 0]])",
    CAST + "y = F.linear(table, torch.tensor([[1.0, 2], [0, 1]]), torch.tensor([1.0, -1]))",
    CAST + "y = torch.tensor([[1.0, 2], [-1, 1]]) @ torch.tensor([2.0, 1])",
    CAST + "y = torch.softmax(torch.randn(3, 5), -1) @ table",
    CAST + "y = table @ torch.randn(2, 4)",
    CAST + "y = table @ table.T",
    CAST + "y = torch.dot(table[1], table[3])",
    "A = torch.tensor([[1.0, 2, 3], [4, 5, 6]])\ny = A @ torch.tensor([1.0, 2, 3])",
    "y = torch.randn(2, 3, 2) @ torch.randn(2, 2)",
    "y = torch.randn(2, 3, 4) @ torch.randn(2, 4, 2)",
    "y = torch.randn(2, 3, 2) + torch.randn(3, 2)",
    "y = F.layer_norm(torch.randn(5, 2), (2,))",
    CAST + "y = table.mean(0)",
    CAST + "y = table.norm(dim=1)",
)


@pytest.mark.parametrize("source", PROGRAMS)
def test_each_step_shows_what_is_computed_and_no_more(source: str) -> None:
    node = run(source).nodes[-1]
    for order in node.orders:
        count = len(node.walk(order))
        for step in range(-1, min(count, 6)):
            view = node_view(node, order, step)
            plane = plane_of(view)
            assert plane is not None, (order, step)
            results = [arrow for arrow in plane.arrows if arrow.role in ("result", "now") and arrow.label]
            assert step >= 0 or not results
            for arrow in results:
                numbers = [arrow.tip[k] - arrow.tail[k] for k in (0, 1)]
                assert any(
                    torch.allclose(torch.tensor(numbers), torch.tensor(row), atol=1e-5)
                    for row in pairs(view.result.tolist(), node.op == "matmul" and node.shape[-1] != 2)
                ), (order, step, arrow)
            assert all(map(isfinite, plane.bounds))


def pairs(values: object, turned: bool) -> list[list[float]]:
    """Returns the vectors of two numbers in nested lists, those not computed left out."""
    if turned and isinstance(values, list) and values and isinstance(values[0], list):
        values = [list(column) for column in zip(*values, strict=True)]
    if isinstance(values, list) and len(values) == 2 and not isinstance(values[0], list):
        return [] if None in values else [values]
    return [pair for part in values for pair in pairs(part, False)] if isinstance(values, list) else []


def test_a_line_leads_through_what_was_picked_and_not_through_a_copy() -> None:
    picked = shown(CAST + "y = table[torch.tensor([0, 1, 2])]")
    assert picked.paths[0].points == ((-1, -1), (2, 0), (0, 2))
    assert not shown(CAST + "y = table.clone()").paths
    two = shown(CAST + "ids = torch.tensor([0, 1])\ny = table[ids]")
    assert "ids" not in {arrow.label for arrow in two.arrows}


def test_a_sum_goes_tip_to_tail_and_a_difference_leads_from_tip_to_tip() -> None:
    total = shown("x = torch.tensor([1.0, 2])\ny = torch.tensor([3.0, 1])\nz = x + y")
    assert tips(total, "x", "y", "z") == [(1, 2), (3, 1), (4, 3)]
    helper = next(arrow for arrow in total.arrows if arrow.role == "helper")
    assert (helper.tail, helper.tip) == ((1, 2), (4, 3))
    way = shown("x = torch.tensor([1.0, 2])\ny = torch.tensor([3.0, 1])\nz = x - y")
    last = way.arrows[-1]
    assert (last.label, last.tail, last.tip) == ("z", (3, 1), (1, 2))
    assert shown("x = torch.tensor([1.0, 2])\nz = torch.add(x, x, alpha=3)").arrows[-1].tip == (4, 8)


def test_a_shadow_meets_its_line_at_a_right_angle() -> None:
    source = "q = torch.tensor([0.9, 1.9])\nk = torch.tensor([1.0, 1])\ns = torch.dot(q, k)"
    plane = shown(source)
    (start, foot), (tip, end) = (path.points for path in plane.paths[:2])
    assert (start, end) == ((0.0, 0.0), foot)
    assert tip == pytest.approx((0.9, 1.9))
    assert (tip[0] - foot[0]) * 1 + (tip[1] - foot[1]) * 1 == pytest.approx(0, abs=1e-6)
    assert foot[0] == pytest.approx(foot[1])
    angle = round((atan2(1.9, 0.9) - atan2(1, 1)) * 57.29578)
    assert plane.words[0].startswith("the shadow of q on k ends at (1.4, 1.4)")
    assert plane.words[0].endswith(f"the angle between them is {angle}°")
    assert not shown(source, "cells", -1).paths


def test_a_grid_moves_from_where_it_is_to_where_the_matrix_sends_it() -> None:
    source = "A = torch.tensor([[1.0, 3], [2, 4]])\nx = torch.tensor([1.0, -1])\ny = A @ x"
    for step, share in ((-1, 0.0), (0, 0.5), (1, 1.0)):
        plane = shown(source, "outer", step)
        one, two = (1 - share + share * 1, share * 2), (share * 3, 1 - share + share * 4)
        assert tips(plane, "e₁", "e₂") == [one, two]
    words = shown(source).words
    assert "e₁ goes to (1, 2), e₂ to (3, 4)" in words
    assert "areas become 2 times as large, and are flipped" in words
    moved = shown(CAST + "y = F.linear(table, torch.tensor([[1.0, 2], [0, 1]]), torch.tensor([1.0, -1]))")
    assert tips(moved, "e₁", "e₂") == [(2, -1), (3, 0)]
    assert moved.arrows[0].tail == (1, -1)
    assert shown(source).note == "e₁ and e₂ land on the columns of A"
    assert shown(source.replace("A @ x", "x @ A")).note == "e₁ and e₂ land on the rows of A"
    assert moved.note == ""
    assert "the plane falls onto a line" in shown("y = torch.ones(2, 2) @ torch.ones(2)").words


def test_the_parts_of_a_weighted_sum_lie_end_to_end() -> None:
    source = "A = torch.tensor([[1.0, 2, 3], [4, 5, 6]])\ny = A @ torch.tensor([1.0, 2, 3])"
    assert shown(source, "outer", 1).paths[0].points == ((0, 0), (1, 4), (5, 14))
    assert shown(source, "outer", 1).words[0] == "y = 1·A[:,0] + 2·A[:,1]"
    assert shown(source, "outer", 2).arrows[-1].tip == (14, 32)


def test_a_vector_that_repeats_along_the_sum_is_not_drawn_as_its_parts() -> None:
    source = "V = torch.tensor([[3.], [4.]])\nw = torch.tensor([1., 2.])\ny = torch.tensordot(V, w, 1)"
    assert torch.equal(run(source)["y"].value, torch.tensor([9.0, 12.0]))
    assert [shown(source, "terms", step).paths for step in range(4)] == 4 * [()]
    assert tips(shown(source, "terms", 3), "w", "y") == [(1.0, 2.0), (9.0, 12.0)]


def test_what_is_divided_by_its_length_lands_on_the_circle() -> None:
    plane = shown(PROGRAMS[5])
    assert plane.words[0] == "each ends on the circle of radius 1"
    assert all(hypot(*point) == pytest.approx(1) for path in plane.paths for point in path.points)
    assert len(circle()) == 4 * CIRCLE
    assert all(hypot(*point) == pytest.approx(2) for point in circle(2.0))


def test_words_along_an_axis_name_the_arrows() -> None:
    node = run(CAST + "y = 1 * table").nodes[-1]
    words = AxisLabels("word", ("the", "cat", "saw", "dog", "ran")), AxisLabels("", ("thing", "action"))
    plane = plane_of(node_view(node, None, None, lambda _: words))
    assert plane is not None
    assert plane.axes == ("thing", "action")
    assert "cat (2, 0): length 2, 0°" in plane.words


@pytest.mark.parametrize(
    "source",
    [
        "torch.randn(3, 4)",
        "torch.zeros(0, 3)",
        "torch.zeros(0, 4, 1, 2) @ torch.zeros(0, 4, 2, 1)",
        "torch.zeros(0, 2, 1) @ torch.zeros(1, 2)",
        "torch.randn(3, 3) @ torch.randn(3)",
        "torch.ones(4)",
    ],
)
def test_nothing_is_offered_where_no_vector_has_two_numbers(source: str) -> None:
    assert plane_at(f"y = {source}")[1] is None


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5),
    EXPRESSIONS,
)
def test_any_numbers_have_a_picture(rows: list[tuple[float, float]], expression: str) -> None:
    values = repr(rows).replace("nan", "math.nan").replace("inf", "math.inf")
    source = f"X = torch.tensor({values}).reshape({len(rows)}, 2)"
    try:
        node = run(f"{source}\ny = {expression}" if expression != "X" else source).nodes[-1]
    except ProgramError:  # shapes that don't fit
        return
    plane = plane_of(node_view(node, node.orders[0]))
    if plane is None:
        assert not node.value.numel()
        return
    assert all(map(isfinite, plane.bounds))
    for arrow in plane.arrows:
        assert all(map(isfinite, (*arrow.tip, *arrow.tail)))


def test_dot_products_that_are_gathered_keep_their_arrows() -> None:
    source = "q = torch.tensor([1.0, 2])\nk = torch.tensor([2.0, 0])\nv = torch.tensor([1.0, 1])\n"
    source += "s = torch.stack([torch.dot(q, k), torch.dot(q, v)])"
    before, first, second = (shown(source, "cells", step) for step in (-1, 0, 1))
    assert tips(second, "q", "k", "v") == [(1, 2), (2, 0), (1, 1)]
    assert len(second.arrows) == 3
    assert not before.paths
    assert first.paths[0].points[1] == pytest.approx((1, 0))
    assert second.paths[0].points[1] == pytest.approx((1.5, 1.5))
    assert [line for line in second.words if "shadow" in line] == [second.words[0]]
    assert plane_at("s = torch.stack([torch.ones(3).sum()] * 3)")[1] is None


def test_a_result_that_has_an_operand_s_word_is_told_apart() -> None:
    node = run(CAST + "y = table @ torch.tensor([[0.0, 1], [1, 0]])").nodes[-1]
    words = AxisLabels("word", ("the", "cat", "saw", "dog", "ran"))
    named = {"table": (words, AxisLabels()), "y": (words, AxisLabels())}
    plane = plane_of(node_view(node, "rows", 1, lambda one: named.get(one.name, ())))
    assert plane is not None
    assert tips(plane, "cat", "→cat") == [(2, 0), (0, 2)]
    assert "cat (2, 0): length 2, 0°" in plane.words
    assert "y, cat (0, 2): length 2, 90°" in plane.words
    assert "y, saw: not yet computed" in plane.words
