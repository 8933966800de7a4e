"""Exercises on the stage: written, judged beside the event loop, and shown beside what was asked for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import Driver, lesson, opened, solution
from tests.app.talks import deck_at
from tests.app.test_app_stage import staged
from tests.common import known
from tests.thinning import thin
from tui.app import Explorer, Options
from tui.compose.view_runner import open_view
from tui.model.frame import CellMark, Frame
from tui.model.view import View
from tui.panes.footer import answer_row
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.session.attempts import ExerciseAttempt, attempt_at, with_attempt
from tui.session.commands import run
from tui.session.exercise_commands import judged, session_frame
from tui.session.script.running import ensure_run
from tui.session.session import Session
from tui.text.line_edit import LineEdit

BODY = """\
## A product
```python
A = torch.arange(6.0).reshape(2, 3)
B = torch.ones(3, 2) + n
Y = A @ B
```

```ask
Its shape?
- (2, 2)
- (3, 3)
check: Y.shape
```

## Your turn
```exercise without="Y"
The product of `A` and `B`. Nothing more.
vary: n
hint: Rows meet columns.
hint: There is a sign for it.
answer: A @ B
wrong: B @ A # the wrong way round
```

```python
Z = Y + 1
```
"""
NAMES = {" ": "space", "@": "at", ".": "full_stop", "(": "left_parenthesis", ")": "right_parenthesis"}


@pytest.fixture
def asked() -> Lesson:
    return lesson(BODY, "[controls.n]\nrange = [0, 3]\ndefault = 0\n")


async def answer(d: Driver, text: str) -> None:
    await d.press("enter")
    await d.pilot.press("ctrl+u", "ctrl+k", *(NAMES.get(char, char) for char in text))
    await d.settle()
    assert "answer: " in d.screen
    await d.press("enter")


def at(session: Session) -> Frame:
    return known(session_frame(session))


def begun(asked: Lesson) -> Session:
    return ensure_run(Session.start(View.opening(asked, 2), [asked]))


async def test_an_exercise_is_solved_on_the_stage(asked: Lesson) -> None:
    async with opened(asked, stop=2) as d:
        assert "The product of A and B" in d.screen
        assert "answer" in d.rows[-1]
        await d.press("escape")  # nothing was gone into
        assert d.has(stop=2, depth="operations")
        assert "·" not in "".join(d.rows[7:12])  # all of the state is there
        await answer(d, "B @ A")
        assert "Not yet: the wrong way round." in d.screen
        assert "your answer (3, 3)" in d.screen
        assert "asked for (2, 2)" not in d.screen
        await d.press("H")
        assert "hint 1 Rows meet columns." in d.screen
        await d.press("H")  # after the last one, what is asked for is shown
        assert "asked for (2, 2)" in d.screen
        await answer(d, "[[3, 3], [12, 12]]")
        assert "Right here. Can you write it for any n?" in d.screen
        assert (d.session.attempt.is_solved, d.session.attempt.is_half) == (False, True)
        await answer(d, "A @ B")
        assert "Right. H steps" in d.screen
        assert d.session.attempt.is_solved
        await d.press("H")
        assert "This is the solution. → steps through it." in d.rows[-1]
        await d.press("right")
        assert "answer = A @ B" in d.screen
        assert d.has(path=("answer",), step=1)
        await d.press("u")
        assert d.view.code is None
        await d.press("full_stop")
        assert d.has(stop=3)


async def test_an_answer_can_be_begun_while_the_program_runs(asked: Lesson) -> None:
    stop = next(stop.number for stop in asked.stops if stop.exercise is not None)
    app = Explorer(View.opening(asked, stop), catalog(), Options())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "s", "u", "m")
        d = Driver(app, pilot)
        await d.settle()
        assert app.explorer.answer.edit == LineEdit("sum", 3)
        assert d.view.seed == 0


@pytest.mark.slow
async def test_why_an_answer_fails_is_a_sentence_and_gives_nothing_away(asked: Lesson) -> None:
    async with opened(asked, stop=2) as d:
        await answer(d, "A (2)")
        said = " ".join("".join(row.partition("│")[2] for row in d.rows).split())
        assert re.search(r"Not yet: TypeError: [^.]+ is not callable\.", said)
        assert "Asked for" not in said
        await answer(d, "banana")
        assert "Not yet: nothing here is called banana." in d.screen


async def test_a_hint_is_shown_as_it_is_written(asked: Lesson) -> None:
    said = "A ** __ * `B_2` [__, -1] * ____"
    blanks = lesson(BODY.replace("Rows meet columns.", said), "[controls.n]\nrange = [0, 3]\ndefault = 0\n")
    async with opened(blanks, stop=2) as d:
        await d.press("H")
        assert f"hint 1 {said.replace('`', '')}" in d.screen


@pytest.mark.slow
async def test_nothing_waits_for_an_answer(asked: Lesson) -> None:
    async with opened(asked, stop=2) as d:
        await d.press("full_stop", "comma")
        assert d.has(stop=2)
        await d.press("enter", "escape", "full_stop")
        assert d.has(stop=3)
        await d.press("comma", "enter")
        await d.pilot.press("A")
        await d.pilot.press("enter", "full_stop")  # what is judged is left behind
        await d.settle()
        assert d.has(stop=3)
        await d.press("comma")  # and judged once it is there again
        assert "Not yet" in d.screen


@pytest.mark.slow
async def test_a_name_is_completed_and_a_text_pasted(asked: Lesson) -> None:
    long = lesson(
        BODY.replace("A", "weights").replace("B", "inputs"), "[controls.n]\nrange = [0, 3]\ndefault = 0"
    )
    async with opened(long, stop=2) as d:
        await d.press("enter", "w", "tab")
        assert d.rows[-1].startswith(" answer: weights")
        d.app.explorer.answer.paste(" @\ninputs" + "\x1b[31m")
        await d.press("enter")
        assert "this is not Python" in d.screen or "can't be seen" in d.screen
        await answer(d, "weights @ inputs")
        assert "Right." in d.screen


@pytest.mark.slow
def test_the_cells_that_differ_are_marked(asked: Lesson) -> None:
    session = judged(run(begun(asked), "answer:A @ B + torch.eye(2)"))
    assert [panel.name for panel in at(session).stage.panels] == ["your answer"]
    assert at(session).stage.panels[0].cells.window(range(1), range(1))[0][0].mark & CellMark.CLASH
    for _ in range(2):  # after the last hint what is asked for stands beside it
        session = run(session, "exercise.hint")
    frame = at(session)
    assert [panel.name for panel in frame.stage.panels] == ["your answer", "asked for"]
    for panel in frame.stage.panels:
        marks = [
            [bool(cell.mark & CellMark.CLASH) for cell in row]
            for row in panel.cells.window(range(2), range(2))
        ]
        assert marks == [[True, False], [False, True]]
    assert known(frame.exercise).summary[0] == "Not yet: 2 of 4 cells differ here."
    moved = run(session, "first")  # the picture of the state is a key away
    assert [panel.name for panel in at(moved).stage.panels] != ["your answer", "asked for"]
    sized = judged(run(session, "answer:(A @ B)[:1]"))
    shown = at(sized).stage.panels[0].cells.window(range(1), range(2))
    assert [bool(cell.mark & CellMark.CLASH) for cell in shown[0]] == [True, False]


def test_where_more_than_one_answer_is_right_one_that_works_is_shown() -> None:
    read = lesson(
        BODY.replace("answer:", "check: answer.sum() > 99\nanswer: 99 +"),
        "[controls.n]\nrange = [0, 3]\ndefault = 0\n",
    )
    session = judged(run(begun(read), "answer:-A"))
    assert [panel.name for panel in at(session).stage.panels] == ["your answer"]
    for _ in range(2):
        session = run(session, "exercise.hint")
    assert [panel.name for panel in at(session).stage.panels] == ["your answer", "one that works"]
    failed = at(judged(run(session, "answer:A @ A")))
    assert any(line.startswith("One that works: [[") for line in known(failed.exercise).verdict)


@pytest.mark.parametrize(
    "text", ["A", "1", "torch.ones(2, 2)", "words", "[A, B]", "A @ A", "(", "'x'", "A[:0]"]
)
def test_any_answer_has_a_frame_in_every_form(asked: Lesson, text: str) -> None:
    session = judged(run(begun(asked), f"answer:{text}"))
    frame = at(session)
    assert not known(frame.exercise).is_right
    plain = to_plain(frame)
    assert f"your answer: {text}" in plain
    assert "Not yet" in plain
    assert "12" not in plain.partition("Not yet")[2].partition("Y (2, 2)")[0]
    assert json.loads(to_json(frame))["exercise"].keys() == {"question", "check", "hints"}


def test_frames_have_questions_and_no_answers(asked: Lesson) -> None:
    views = [View.opening(asked, stop) for stop in (1, 2, 3)]
    found = [json.loads(to_json(open_view(view).frame(view))) for view in views]
    assert found[0]["ask"] == {"question": "Its shape?", "choices": ["(2, 2)", "(3, 3)"], "check": "Y.shape"}
    assert "exercise" not in found[0]
    assert found[1]["exercise"]["hints"] == ["Rows meet columns.", "There is a sign for it."]
    assert not {"ask", "exercise"} & found[2].keys()
    for view in views:
        frame = open_view(view).frame(view)
        assert "answer: A @ B" not in to_plain(frame) + to_json(frame)
    assert "guess: Its shape?" in to_plain(open_view(views[0]).frame(views[0]))


@given(
    st.lists(
        st.sampled_from(
            ["a", "b", " ", "left", "right", "home", "end", "backspace", "delete", "ctrl+w", "ctrl+u"]
        )
    )
)
def test_a_line_is_edited_as_a_text_with_a_cursor(keys: list[str]) -> None:
    line = LineEdit()
    for key in keys:
        after = line.press(key, key if len(key) == 1 else None)
        assert 0 <= after.caret <= len(after.text)
        if len(key) == 1:
            assert after.before == line.before + key
            assert after.after == line.after
        elif key in ("left", "right", "home", "end"):
            assert after.text == line.text
        else:
            assert len(after.text) <= len(line.text)
        line = after
    assert LineEdit.of("soft").complete(["softmax", "softplus"]).text == "soft"
    assert LineEdit.of("2 * so").complete(["softmax", "softplus", "x"]).text == "2 * soft"


@pytest.mark.slow
async def test_a_presenter_writes_an_answer_on_the_stage(tmp_path: Path) -> None:
    front = '+++\ntitle = "A"\nminutes = 5\n[controls.n]\nrange = [0, 3]\ndefault = 0\n+++\n'
    deck = deck_at(tmp_path, front + BODY)
    async with staged(deck, big=True) as d:
        await d.press("J")
        await answer(d, "B @ A")
        assert "Not yet" in d.screen
        await answer(d, "A @ B")
        assert d.session.attempt.is_solved
        await d.press("H")
        assert d.view.program.endswith("answer = A @ B")
        await d.press("J")
        assert d.has(stop=3)


def test_a_line_of_code_is_underlined_where_it_can_no_longer_be_read() -> None:
    def marked(text: str, caret: int, *, code: bool = True) -> str:
        spans = answer_row(LineEdit(text, caret), 80, "|", code=code)
        return "".join(span.text for span in spans if "mark" in span.role)

    for caret in range(6):
        assert marked("x @ W", caret) == ""
        assert marked("x W", min(caret, 3)) in ("x W", "W")  # as Python's own parser sees it
    assert marked("(x @ W", 6) == "(x @ W"
    assert marked("  x +* 2", 8) == "* 2"
    assert marked("x +* 2", 6, code=False) == ""


@pytest.mark.parametrize("slug", thin([lesson.slug for lesson in catalog()], 12))
def test_the_line_of_a_solution_is_what_is_shown(slug: str) -> None:
    lesson = find(slug)
    for stop in lesson.stops:
        view = solution(lesson, stop.number)
        if view is None or stop.exercise is None or stop.exercise.answer is None:
            continue
        session = ensure_run(Session.start(view, [lesson]))
        assert session.view.path == ("answer",)
        frame = at(session)
        assert frame.listing.code[known(frame.listing.line) - 1] == f"answer = {stop.exercise.answer.text}"
        assert frame.stage.panels or frame.captions.sentence.startswith("answer is ")


@pytest.mark.parametrize(
    ("answer", "titles", "said"),
    [
        ("A", ["torch.arange(6.0)", "A"], "reshape (6,) → (2, 3)"),
        ("(B, A @ B)", ["A", "B", "A @ B"], "A @ B"),
        ("21 * A.shape[0]", ["A", "B", "Y"], "answer is 42."),  # the picture of what is asked
    ],
)
def test_a_solution_may_be_no_operation_of_its_own(answer: str, titles: list[str], said: str) -> None:
    body = BODY.replace("answer: A @ B", f"answer: {answer}")
    view = known(solution(lesson(body, "[controls.n]\nrange = [0, 3]\ndefault = 0\n"), 2))
    frame = at(ensure_run(Session.start(view, [view.lesson])))
    assert [panel.title for panel in frame.stage.panels] == titles
    assert said in f"{frame.captions.shape_line} {frame.captions.sentence}"
    assert frame.listing.code[known(frame.listing.line) - 1] == f"answer = {answer}"


async def test_the_prompt_says_what_is_wanted_and_offers_the_names_on_the_screen(asked: Lesson) -> None:
    async with opened(asked, stop=2) as d:
        await d.press("enter")
        assert "an expression in torch, for any n" in d.rows[-1]
        await d.press("tab")
        offered = d.rows[-1].split()
        assert {"A", "B", "n", "torch."} <= {*offered}
        assert "Y" not in offered  # it is barred
        await d.press("tab")
        assert d.rows[-1].split()[1].rstrip("▏") == offered[2]
        await d.press("tab")
        assert d.rows[-1].split()[1].rstrip("▏") == offered[3]


def test_names_are_offered_in_turn_once_they_go_no_further() -> None:
    names = ["weights", "words", "x"]
    line = LineEdit.of("2 * w").complete(names)
    assert (line.text, line.offered) == ("2 * w", ("weights", "words"))
    texts = []
    for _ in range(3):
        line = line.complete(names)
        texts.append(line.text)
    assert texts == ["2 * weights", "2 * words", "2 * weights"]
    assert line.press("left", None).offered == ()
    assert LineEdit().complete(names).offered == tuple(names)
    assert LineEdit().complete(["x"]).text == "x"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("A @ B", "an expression in torch, for any n"),
        ("A.numel() * n", "a number, or an expression for any n"),
        ("(A @ B).shape", "a shape, for any n"),
    ],
)
def test_what_is_wanted_is_said_wherever_an_exercise_is(answer: str, wanted: str) -> None:
    read = lesson(
        BODY.replace("answer: A @ B", f"answer: {answer}"), "[controls.n]\nrange = [0, 3]\ndefault = 0\n"
    )
    ours = replace(read, is_own=True)
    view = View.opening(ours, 2)
    assert f"exercise: write {wanted}" in to_plain(open_view(view).frame(view))


def test_before_a_guess_and_an_answer_nothing_that_is_said_holds_it() -> None:
    told = "First sentence. It has two rows and two columns."
    body = BODY.replace("## A product\n", f"## A product\n{told}\n").replace(
        "Y = A @ B\n", "Y = A @ B\nprint(Y)\n"
    )
    read = lesson(body, "[controls.n]\nrange = [0, 3]\ndefault = 0\n")
    asked, written = (
        to_plain(at(ensure_run(Session.start(View.opening(read, stop), [read])))) for stop in (1, 2)
    )
    assert "First sentence." in asked
    assert "two columns" not in asked
    assert "printed" not in asked + written


def test_what_the_lines_above_print_is_no_part_of_an_exercise() -> None:
    front = "[controls.n]\nrange = [0, 3]\ndefault = 0\n"
    printing = lesson(BODY.replace("Y = A @ B\n", 'Y = A @ B\nprint("above")\n'), front)
    setting_up = lesson(BODY.replace("vary: n", 'with: print("its own")\nvary: n'), front)
    assert at(begun(printing)).listing.own_printed == ""
    assert at(begun(setting_up)).listing.own_printed == "its own\n"
    view = known(solution(printing, 2))
    assert at(ensure_run(Session.start(view, [printing]))).listing.own_printed == ""


def test_an_attempt_stays_beside_another_of_its_lesson() -> None:
    first, second = (View.opening(find("softmax"), number) for number in (1, 2))
    solved = ExerciseAttempt(is_solved=True)
    attempts = with_attempt(with_attempt((), first, solved), second, ExerciseAttempt(rungs=1))
    assert (attempt_at(attempts, first), attempt_at(attempts, second).rungs) == (solved, 1)
