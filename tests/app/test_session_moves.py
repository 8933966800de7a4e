"""What a command leaves as it was, where it leads, and what is told once: sessions without an event loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from llm_linalg.api.trust import trust_everything
from llm_linalg.lessons.markdown import links
from llm_linalg.lessons.reader import catalog, find
from llm_linalg.questions.verdict import Verdict
from llm_linalg.recording.cell_state import CellState, State
from llm_linalg.room import lock
from tests.app.lessons import lesson, one
from tests.common import known
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.model.cell_survey import CellSurvey
from tui.model.view import Depth, History, View
from tui.model.view_words import picture_parser, setting_words, view_of
from tui.navigation.playground import PLAYGROUND, as_program, at_operation, playground_view
from tui.session.commands import run
from tui.session.consent_commands import once
from tui.session.contexts import Context
from tui.session.control_commands import link_by, open_link
from tui.session.exercise_commands import session_frame, with_verdict
from tui.session.first_numbers import go_to_first, with_first_told
from tui.session.script.running import ensure_run
from tui.session.session import Session, first_control

LISTED = [*catalog(), PLAYGROUND]
SLUGS = [listed.slug for listed in LISTED]
ASKING = [slug for slug in SLUGS[:-1] if find(slug).exercises]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a lock, on which programs are trusted: no process is started for them."""
    monkeypatch.setattr(lock, "HIDDEN", {"landlock_create_ruleset"})
    trust_everything(True)
    yield
    trust_everything(False)


def begun(view: View) -> Session:
    """A session that has run its view."""
    return ensure_run(Session.start(view, LISTED))


def at(slug: str, stop: int = 1) -> Session:
    """The same at a stop of a lesson, without its run."""
    return Session.start(View.opening(find(slug), stop), LISTED)


def done_without_run(session: Session, *commands: str) -> Session:
    """The session after commands that need no run."""
    for command in commands:
        session = run(session, command)
    return session


def exercises(slug: str) -> Sequence[int]:
    """The stops of a lesson that are exercises."""
    return [stop.number for stop in find(slug).stops if stop.exercise is not None]


# Where it leads


def test_a_choice_in_the_sidebar_goes_on_from_the_last_one() -> None:
    session, here = at("dot"), SLUGS.index("dot")
    for away in (1, 2, 3):
        session = run(session, "list.down")
        assert session.selection.sidebar == SLUGS[here + away]
    back = done_without_run(session, "list.up", "list.up", "list.up")
    assert back.selection.sidebar == "dot"
    assert run(back, "list.open").selection.sidebar is None  # also of the lesson that is open


def test_each_link_of_a_text_is_opened_by_its_number_and_a_single_one_at_once() -> None:
    counts = set()
    for stop in [at(listed.slug, number + 1) for listed in LISTED[:8] for number in range(len(listed.stops))]:
        slugs = links(stop.view.at_stop.prose)
        counts.add(min(len(slugs), 2))
        opened = [link_by(stop, number).view.lesson.slug for number in range(1, len(slugs) + 1)]
        assert opened == slugs
        if len(slugs) == 1:
            assert open_link(stop).view.lesson.slug == slugs[0]
    assert counts == {0, 1, 2}


def test_back_from_a_first_stop_is_the_last_of_the_lesson_before() -> None:
    session = run(at(SLUGS[1]), "stop.previous")
    assert (session.view.lesson.slug, session.view.stop) == (SLUGS[0], len(find(SLUGS[0]).stops))
    assert run(session, "stop.next").view.stop == 1


def test_exercises_come_in_the_order_of_the_course_and_from_the_first_again() -> None:
    for here, there in [*pairwise(ASKING[:4]), (ASKING[-1], ASKING[0])]:
        session = run(at(here, exercises(here)[-1]), "exercise.next")
        assert (session.view.lesson.slug, session.view.stop) == (there, exercises(there)[0])


def test_boards_are_left_in_the_order_in_which_they_were_opened() -> None:
    outer = lesson(
        '+++\ntitle = "Outer"\npart = 9\n+++\nOne row.\n\n```python show="x"\nx = torch.ones(2)\n```\n\n'
        "```board\nAll | x | lesson:summary |\nIt | x | lesson:vector |\n```\n",
        "outer.md",
    )
    session = Session.start(View.opening(outer), [outer, *LISTED])
    rows = [run(session, command).view.row for command in ("board.up", "board.down")]
    assert rows == [1, 2]
    for _ in range(2):
        session = run(session, "row:1")
    assert session.view.board is None or session.view.lesson.slug not in (outer.slug, "summary")
    assert run(session, "board.return").view.lesson.slug == "summary"
    assert done_without_run(session, "board.return", "board.return").view.lesson is outer


def test_beside_a_failure_stands_no_run_of_another_stop() -> None:
    session = begun(View.opening(find("matmul")))
    assert session.before() is session.last_run
    assert run(session, "stop.next").before() is None
    assert run(session, "control.up").before() is session.last_run


def test_the_command_of_a_view_names_what_a_choice_would_set_otherwise() -> None:
    view = View.opening(lesson())
    turned = view.set("kind", "tril")
    assert setting_words(turned) == ["--set", "kind=tril", "--set", "diagonal=0"]
    assert setting_words(turned.set("diagonal", "1")) == ["--set", "kind=tril", "--set", "diagonal=1"]


BELOW = [["--at", "0"], ["--cursor", "P[0,0]"], ["--step", "1"], ["--node", "P"]]


@pytest.mark.parametrize("flags", BELOW)
def test_what_is_named_below_a_map_is_shown_there(flags: list[str]) -> None:
    read = picture_parser("a picture").read([*flags, "--stop", "3"])
    assert View.opening(find("why"), 3).depth == "map"
    assert view_of(read, find("why")).depth == "cells"


@pytest.mark.parametrize("flags", BELOW)
def test_a_cell_to_follow_leads_to_the_map_unless_a_place_below_is_named(flags: list[str]) -> None:
    lit, parser = ["--lineage", "Y[1,2]"], picture_parser("a picture")
    assert view_of(parser.read(lit), find("matmul")).depth == "map"
    assert view_of(parser.read([*lit, *flags]), find("matmul")).depth == "cells"


def test_at_a_board_that_was_come_back_to_nothing_leads_back() -> None:
    board = Session.start(View.opening(find("summary")), LISTED)
    visit = run(board, "row:2")
    assert Context.BOARD_VISIT in visit.contexts
    within = run(visit, "stop.next")
    assert Context.BOARD_VISIT in within.contexts
    assert run(within, "board.return").view == replace(board.view, row=2)
    back = run(visit, "undo")
    assert back.view == replace(board.view, row=2)
    assert Context.BOARD_VISIT not in back.contexts


def test_on_a_board_a_digit_answers_what_is_asked_and_then_opens_a_row() -> None:
    asking = lesson(
        '+++\ntitle = "Board"\npart = 9\n+++\nRows.\n\n```ask\nHow many rows?\n- 2\n- 3\ncheck: x.shape[0]\n'
        '```\n\n```python show="x"\nx = torch.ones(2)\n```\n\n```board\nAll | x | lesson:dot |\n```\n',
        "board.md",
    )
    session = ensure_run(Session.start(View.opening(asking), [asking, *LISTED]))
    assert Context.GUESS_CHOICE in session.contexts
    answered = run(session, "guess.1")
    assert known(answered.view.guess).answer == "1"
    assert Context.GUESS_CHOICE not in answered.contexts
    assert Context.BOARD in answered.contexts


def test_a_repair_on_the_stage_shows_the_line_that_was_repaired() -> None:
    program = "a = torch.ones(2, 3)\nb = a @ a\nc = a + 1"
    session = begun(playground_view(program))
    session = replace(session, editor=session.editor._replace(is_open=False, caret=3))
    mended = ensure_run(run(session, "repair"))
    assert mended.view.path == ("b",)


def test_a_click_beside_the_cells_of_a_tensor_moves_nothing() -> None:
    session = begun(View.opening(find("matmul")))
    assert run(session, "cell:0,0:Y").view.cursor == ("Y", (0, 0))
    for beside in ("cell:99,0:Y", "cell:0:Y", "cell:0,99:Y"):
        assert run(session, beside) is session


def test_a_number_that_is_no_step_is_told_with_those_that_are() -> None:
    cells = begun(View.opening(find("matmul")))
    for session, first in ((cells, 0), (run(cells, "out"), 1)):
        assert f": {first} to " in run(session, "go:99999").notice
        assert run(session, f"go:{first}").notice == ""
    assert run(run(cells, "out"), "go:0").notice


def test_a_part_of_the_way_is_the_nearest_step() -> None:
    session = begun(View.opening(find("matmul")))
    count = int(run(session, "go:99999").notice.rpartition(" ")[2].strip("."))
    for part in (0, 1, 499, 500, 501, 999, 1000):
        assert abs(run(session, f"scrub:{part}").view.step - count * part / 1000) <= 0.5


def test_a_table_that_another_column_has_sorted_begins_with_its_first_column() -> None:
    session = begun(View.opening(find("why"), 3))
    table = replace(session, view=replace(session.view, look="sizes", sort="nan"))
    assert run(table, "map.sort").view.sort == "parameters"


def test_at_the_outermost_level_of_a_map_that_lights_its_own_cell_out_says_where_to() -> None:
    session = begun(View.opening(find("why"), 6))
    assert session.view.follows is not None
    for _ in range(12):
        session = run(session, "out")
    assert run(session, "out").view == session.view
    assert "M: back" in session.notice


def test_a_solution_stands_in_the_first_line_where_nothing_is_set_up() -> None:
    asked = lesson(
        '+++\ntitle = "Asks"\npart = 9\n+++\nWrite.\n\n```exercise\nquestion: Two?\n'
        "check: answer == 2\nanswer: torch.tensor(2)\n```\n",
        "asks.md",
    )
    view = View.opening(asked).with_program("answer = torch.tensor(2)")
    assert replace(view, path=("answer",)).solution_line == 1
    assert view.solution_line is None


def test_a_cell_that_was_followed_leads_back_by_the_way_it_came() -> None:
    session = begun(View.opening(find("attention"), 4))
    session = done_without_run(session, "last", "cursor")
    views = [session.view]
    while (moved := run(session, "cursor.follow")).view != views[-1]:
        session = moved
        views.append(session.view)
    assert len(views) > 2
    made = [view for view in views if view.path == known(view.cursor)[:1]]
    for view in made:  # the step that makes the cell is the last one done
        navigation = known(known(session.current).navigation(view))
        assert navigation.cell("cells", view.step) == known(view.cursor)[1]
    assert len(made) > 2
    for view in reversed(views[:-1]):
        session = run(session, "cursor.return")
        assert session.view == view
    assert not session.trail.cells


def test_what_is_followed_on_the_map_is_followed_off_it() -> None:
    session = done_without_run(begun(View.opening(find("attention"), 4)), "last", "cursor")
    before = done_without_run(run(run(session, "follow"), "map"), "cursor")
    assert before.view.cursor
    assert known(before.view.follows).way == "lineage"
    other = run(run(before, "map"), "follow")
    assert known(other.view.follows).way == "reach"
    assert run(other, "map").view == replace(before.view, follows=other.view.follows)


@pytest.mark.parametrize("away", [["heads"], ["heads", "map.ask"], ["follow"], ["follow", "map.ask"]])
def test_what_leads_elsewhere_leads_back_and_on_to_what_was_before(away: list[str]) -> None:
    session = done_without_run(begun(View.opening(find("attention"), 4)), "last", "cursor", "cursor.follow")
    seen = [session]
    for word in away:
        seen.append(run(seen[-1], word))
        assert seen[-1].view != seen[-2].view
    back = seen.pop()
    for before in reversed(seen):
        back = run(back, "cursor.return")
        assert (back.view, back.trail.cells) == (before.view, before.trail.cells)
    assert back.trail.cells


@pytest.mark.parametrize("depth", ["operations", "cells", "terms"])
def test_the_map_and_off_it_again_is_where_one_was(depth: Depth) -> None:
    session = begun(View.opening(find("attention"), 4))
    session = replace(session, view=replace(session.view, depth=depth, step=3))
    for before in (session, run(session, "cursor")):
        on_map = run(before, "map")
        for there in (on_map, run(on_map, "map.up"), run(on_map, "map.look")):
            assert run(there, "map").view == before.view
        other = on_map.at_view(on_map.view.with_seed(3))
        assert run(ensure_run(other), "map").view.seed == 3


@pytest.mark.parametrize("back", ["cursor.return", "out"])
def test_what_a_board_is_asked_leads_back_to_it_and_to_what_led_there(back: str) -> None:
    board = begun(replace(View.opening(find("why"), 7), row=2))
    board = board.with_trail((replace(board.view, row=1),))
    asked = run(board, "board.ask")
    assert asked.view.cursor is not None
    there = run(asked, back)
    assert (there.view, there.trail) == (board.view, board.trail)


def test_what_was_right_stays_so_and_is_said_at_every_step() -> None:
    (number, *_) = exercises("dot")
    session = begun(View.opening(find("dot"), number))
    pending = session.attempt._replace(view=session.view)
    half = with_verdict(session.with_attempt(session.view, pending), Verdict(right=True, is_general=False))
    assert (half.attempt.is_half, half.attempt.is_solved) == (True, False)
    wrong = with_verdict(half, Verdict(right=False))
    assert (wrong.attempt.is_half, wrong.attempt.is_solved) == (True, False)
    whole = with_verdict(wrong, Verdict(right=True))
    assert (whole.attempt.is_half, whole.attempt.is_solved) == (True, True)
    again = with_verdict(whole, Verdict(right=False))
    assert again.attempt.is_solved
    moved = run(whole, "into")
    assert moved.view != whole.view
    for at_step in (whole, moved):
        assert known(known(session_frame(at_step)).exercise).is_right


# What it leaves as it was


def test_what_grows_a_list_leaves_the_control_that_is_chosen() -> None:
    asked = find("sampling").stops
    ends = next(stop.number for stop in asked if "next =" in stop.code or "next =" in stop.program)
    session = begun(View.opening(find("sampling"), ends)).with_control("top_k")
    grown = run(session, "set:text:+1")
    assert len(dict(grown.view.controls)["text"].split(",")) == 3
    assert grown.selection.control == "top_k"
    assert grown.notice.startswith("Appended")
    early = run(begun(View.opening(find("sampling"), 1)), "set:text:+1")
    assert "ends before next" in early.notice


def test_a_control_with_a_key_of_its_own_is_chosen_where_none_is() -> None:
    session = at("triangular")
    keyed = next(control.name for control in session.view.lesson.controls if control.key)
    moved = f"set:{keyed}:+1"
    assert run(session.with_control(None), moved).selection.control == keyed
    assert run(session.with_control("n"), moved).selection.control == "n"


def test_the_control_to_begin_with_is_one_of_the_lines_or_a_range() -> None:
    assert first_control(View.opening(find("sampling"))) == "temperature"
    assert first_control(View.opening(lesson())) == "m"


def test_the_editor_stays_closed_where_the_playground_is_open_and_opens_where_it_was_not() -> None:
    view = playground_view("x = torch.ones(2)")
    session = Session.start(replace(view, path=("x",)), LISTED)
    assert not session.editor.is_open
    assert not session.with_undo(view.with_seed(3)).editor.is_open
    assert at("dot").with_undo(view).editor.is_open


def test_an_answer_is_one_to_the_question_also_where_the_solution_is_shown() -> None:
    (number, *_) = exercises("dot")
    session = at("dot", number)
    shown = replace(session, view=session.view.with_program("x = torch.ones(2)\nanswer = x + 1"))
    answered = run(shown, "answer:x")
    assert answered.view.code is None
    assert answered.attempt.view == answered.view == session.view


def test_only_the_stop_s_own_question_answers_the_stop() -> None:
    asking = next(stop.number for stop in find("dot").stops if stop.ask is not None)
    session = begun(View.opening(find("dot"), asking))
    assert session.view.own_ask is not None
    own = run(session, "guess.1")
    assert ("dot", asking) in own.learner.guessed
    other = replace(session, view=session.view.with_guess(2))
    assert other.view.own_ask is None
    softmax = begun(View.opening(find("softmax")))
    asked = run(replace(softmax, view=replace(softmax.view, step=1)), "predict")
    tried = [run(asked, f"guess:{text}") for text in ("1", "(0, 0)", "0.5")]
    answered = next(one for one in tried if known(one.view.guess).answer is not None)
    assert not answered.learner.guessed
    assert run(asked, "play").view.guess is None  # what moves asks nothing


def test_no_seed_is_below_the_first() -> None:
    session = replace(at("matmul"), view=at("matmul").view.with_seed(1))
    assert done_without_run(session, "seed.down", "seed.down").view.seed == 0


def test_a_slice_stays_at_its_own_operation_alone() -> None:
    view = replace(View.opening(find("matmul")), path=("Y",), at=(1,))
    assert at_operation(view, ("Y",)).at == (1,)
    assert at_operation(view, ("x",)).at is None


def test_only_what_is_opened_is_trusted_and_not_what_was_open_before() -> None:
    own = one("x = torch.ones(2)")
    view, other = View.opening(own), View.opening(find("dot"))
    session = Session.start(view, LISTED)
    session = replace(
        session,
        last_run=replace_view(open_view(view), replace(view, trusted=True)),
        history=History((other, view), (view, other)),
    )
    now = once(session)
    assert now.view.trusted
    assert [one.trusted for one in now.history.past] == [False, True]
    assert [one.trusted for one in now.history.future] == [True, False]


def replace_view(made: Run, view: View) -> Run:
    """The run as that of another view."""
    made.view = view
    return made


def test_a_stop_s_question_is_asked_again_under_an_order_that_its_node_lacks() -> None:
    session = begun(View.opening(find("softmax")))
    lacking = replace(session, view=replace(session.view, order="outer", step=1))
    asked = run(lacking, "predict")
    assert asked.view.guess is not None
    assert asked.reopening_view.guess == asked.view.guess


@pytest.mark.parametrize("field", ["controls", "seed", "code", "reads"])
def test_the_choices_of_a_view_are_taken_over_all_of_them(field: str) -> None:
    view = View.opening(find("matmul"))
    other = replace(view.set("m", "5").with_seed(9).with_program("x = torch.ones(2)"), reads=True)
    taken = replace(view, step=3).with_choices_of(other)
    assert getattr(taken, field) == getattr(other, field) != getattr(view, field)
    assert taken.step == 3


def test_a_program_of_several_devices_becomes_that_of_a_single_one() -> None:
    stops = find("parallel").stops
    view = View.opening(find("parallel"), next(stop.number for stop in stops if stop.ranks)).set("rank", "1")
    program = as_program(view)
    assert "rank = 0\n" in program
    assert "ranks = 1\n" in program
    assert open_view(playground_view(program)).error is None


# What is told, and when

LOG = "y = torch.tensor([0.0, -1.0]).log()"


def told(text: str, before: Run | None = None) -> tuple[Session, Run]:
    """A session of a program that was just run, and what it says of it, beside its run."""
    view = playground_view(text)
    session = begun(view)
    session = replace(session, editor=session.editor._replace(is_open=False), notice="")
    return with_first_told(session, before), known(session.last_run)


def test_the_first_number_that_is_not_finite_is_told_once_for_each_place() -> None:
    session, shown = told(LOG)
    assert "NaN: y" in session.notice
    assert told(LOG + " ", shown)[0].notice == ""
    assert told(f"x = torch.ones(2)\n{LOG}", shown)[0].notice.endswith("line 2")


def test_the_key_leads_to_a_nan_before_an_infinity_and_stays_until_the_cursor_is_there() -> None:
    session, _ = told(LOG)
    there = go_to_first(session)
    assert there.view.cursor == ("y", (1,))  # before it an infinity
    assert Context.NOT_FINITE not in there.contexts
    assert Context.NOT_FINITE in replace(there, view=replace(there.view, cursor=None)).contexts


def test_the_key_leads_into_the_backward_pass_where_a_gradient_is_not_finite() -> None:
    view = playground_view("x = torch.zeros(2, requires_grad=True)\nloss = x.sqrt().sum()")
    there = go_to_first(begun(replace(view, backward=True)))
    assert there.view.backward
    assert there.view.cursor is not None
    assert known(there.current).frame(there.view).stage.panels


def test_how_cells_ended_is_told_at_opening_and_once_more_when_files_may_be_read() -> None:
    view = View.opening(find("dot"))
    failed = (CellState(1, "failed"),)
    session = at("dot").with_survey(CellSurvey(view, failed))
    assert session.notice
    quiet = replace(session, notice="")
    assert quiet.with_survey(CellSurvey(view.with_seed(3), failed)).notice == ""
    assert quiet.with_survey(CellSurvey(replace(view, reads=True), failed)).notice
    assert not CellSurvey(view, failed).serves(replace(view, trusted=True))
    assert CellSurvey(view, failed).serves(replace(view, step=2))


def test_what_is_said_of_a_document_with_all_kinds_of_cells_fits_a_row() -> None:
    ends: Sequence[State] = ("run",) * 10 + ("stopped", "failed", "rests") * 2
    cells = tuple(CellState(number, state, root=1) for number, state in enumerate(ends, 1))
    said = CellSurvey(View.opening(find("dot")), cells, ("names.txt",)).says
    assert said == "F: let it read names.txt. 16 cells: 10 run, 6 don't."
