from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.constants import LOOK_NAMES, LookName
from llm_linalg.lessons.lesson import UnknownNameError
from llm_linalg.lessons.reader import find
from tests.app.lessons import PRODUCT, lesson, shell_split
from tui.cli.parser import app_parser
from tui.compose.view_runner import open_view
from tui.model.view import Depth, History, View
from tui.model.view_words import command, view_of


def reopened(view: View) -> View:
    """The view that the command of a view opens, read as the command line reads it."""
    words = shell_split(command(view))
    assert words[0] == "llm-linalg"
    return view_of(app_parser().read(words[1:]))


def test_a_lesson_opens_at_the_cells_of_its_node_before_the_first_step() -> None:
    view = View.opening(lesson())
    assert (view.stop, view.step, view.depth, view.seed, view.path) == (1, 0, "cells", 3, ())
    assert view.values == {"m": 3, "k": 2, "kind": "triu", "diagonal": 1}


def test_a_stop_with_steps_opens_before_the_first_of_them() -> None:
    assert View.opening(lesson(), 5).step == 2


def test_the_command_of_the_issue() -> None:
    view = View.opening(find("matmul")).set("m", "4")
    view = replace(view, order="outer", step=7, seed=3)
    assert command(view) == "llm-linalg matmul --set m=4 --order outer --step 7 --seed 3"


def test_a_lesson_of_a_file_is_named_by_its_path_and_quoted() -> None:
    view = View.opening(lesson(name="my lessons/it's.md"))
    assert shell_split(command(view)) == ["llm-linalg", "my lessons/it's.md"]


@given(
    m=st.integers(1, 12),
    seed=st.integers(-5, 5),
    stop=st.integers(1, 7),
    step=st.integers(0, 50),
    order=st.sampled_from([None, "cells", "rows", "columns", "outer", "wave"]),
    depth=st.sampled_from(["operations", "cells", "terms"]),
    path=st.sampled_from([(), ("Y",), ("Y:1", "exp"), ("W",)]),
    cursor=st.sampled_from([None, ("Y", (1, 2)), ("s", ()), ("layer.weight", (0, 1))]),
    at=st.sampled_from([None, (0,), (1, 2)]),
    look=st.sampled_from(LOOK_NAMES),
    backward=st.booleans(),
    code=st.sampled_from([None, "Y = x @ W.T\nZ = 'a b; $(rm) `q` \"'"]),
)
def test_the_command_reopens_exactly_the_view(
    m: int,
    seed: int,
    stop: int,
    step: int,
    order: str | None,
    depth: Depth,
    path: tuple[str, ...],
    cursor: tuple[str, tuple[int, ...]] | None,
    at: tuple[int, ...] | None,
    look: LookName,
    backward: bool,
    code: str | None,
) -> None:
    opening = View.opening(find("matmul"), stop).set("m", str(m))
    view = replace(
        opening,
        seed=seed,
        step=step,
        depth=depth,
        path=path,
        cursor=cursor,
        at=at,
        look=look,
        backward=backward,
        code=code,
    )
    if order is not None and order != view.at_stop.order:
        view = replace(view, order=order)
    assert reopened(view) == view


@pytest.mark.parametrize("step", [0, 2, 5])
def test_the_command_of_a_node_reopens_its_step_wherever_its_stop_opens(step: int, tmp_path: Path) -> None:
    file = tmp_path / "product.md"
    file.write_text(PRODUCT)
    stop = View.opening(lesson(name=str(file)), 5)
    assert stop.step == 2
    assert reopened(replace(stop, path=("Y",), step=step)).step == step


def test_a_choice_sets_other_controls_and_drops_a_repair() -> None:
    view = replace(View.opening(lesson()), code="Y = 1", at=(1,), step=4)
    changed = view.set("kind", "tril")
    assert changed.values["diagonal"] == 0
    assert (changed.code, changed.at, changed.step) == (None, None, 4)
    assert view.move("kind", 1) == changed


def test_a_control_that_is_not_there_or_a_value_that_is_wrong_is_refused() -> None:
    view = View.opening(lesson())
    with pytest.raises(UnknownNameError, match="did you mean"):
        view.set("kin", "tril")
    with pytest.raises(ValueError, match="from 1 to 9"):
        view.set("m", "10")
    assert view.set("m", "3") is view


def test_a_move_ends_at_the_ends_of_a_range() -> None:
    view = View.opening(lesson()).set("m", "9")
    assert view.move("m", 1) is view
    assert view.move("m", -1).values["m"] == 8


def test_views_of_the_same_run() -> None:
    view = View.opening(lesson())
    assert view.same_program(replace(view, step=4, order="rows", cursor=("Y", (0, 0)), backward=True))
    for other in (view.set("m", "4"), view.with_seed(9), view.at_stop_number(2), view.with_program("x = 1")):
        assert not view.same_program(other)


@pytest.mark.parametrize(("once", "now"), [("dX_1", "dR"), ("dX_2", "dX_V"), ("dtable_2", "dtable_X")])
def test_a_link_by_a_gradients_number_leads_to_its_name(once: str, now: str) -> None:
    words = f"backward --stop 11 --backward --node {once} --depth cells"
    view = view_of(app_parser().read(words.split()))
    shown = open_view(view).top_node(view)
    assert shown is not None
    assert shown.name == now


def test_another_stop_keeps_controls_and_seed() -> None:
    view = View.opening(lesson()).set("m", "5").with_seed(8)
    there = replace(view, step=7, path=("W",)).at_stop_number(2)
    assert (there.stop, there.controls, there.seed, there.step, there.path) == (2, view.controls, 8, 0, ())


def test_another_stop_has_its_own_look_unless_another_was_chosen() -> None:
    openings = [View.opening(find("why"), stop.number) for stop in find("why").stops]
    assert len({view.look for view in openings}) > 1
    for view in openings:
        chosen = next(look for look in LOOK_NAMES if look != view.look)
        for there in openings:
            assert view.at_stop_number(there.stop).look == there.look
            assert replace(view, look=chosen).at_stop_number(there.stop).look == chosen


def test_what_was_undone_comes_back_in_its_order() -> None:
    views = [View.opening(lesson()).with_seed(seed) for seed in range(5)]
    now, history = views[-1], History(tuple(views[:-1]))
    for view in reversed(views[:-1]):
        now, history = history.undo(now)
        assert now == view
    for view in views[1:]:
        now, history = history.redo(now)
        assert now == view
    assert history == History(tuple(views[:-1]))


def test_history_is_bounded() -> None:
    view = View.opening(lesson())
    history = History(limit=3)
    for seed in range(10):
        history = history.push(view.with_seed(seed))
    assert [past.seed for past in history.past] == [7, 8, 9]


def test_what_was_undone_is_forgotten_once_something_else_is_done() -> None:
    first, second, third = (View.opening(lesson()).with_seed(seed) for seed in range(3))
    now, history = History().push(first).undo(second)
    assert (now, history.redo(now)[0]) == (first, second)
    assert history.push(first).redo(third)[0] == third


def test_the_course_is_waited_for_and_nobody_elses_program() -> None:
    trained = open_view(View.opening(find("trained"), 4), seconds=1e-3)
    assert trained.error is None
    foreign = open_view(View.opening(lesson()).with_program("x = 1\nwhile True:\n    x = 2"), seconds=0.2)
    assert "stopped after 0.2 s" in str(foreign.error)
