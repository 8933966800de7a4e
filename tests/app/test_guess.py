"""What is asked before a picture moves: a stop's own question, and one that is drawn on any step."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from llm_linalg.base.text import clean
from llm_linalg.lessons import documents
from llm_linalg.lessons.deck import load
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog
from tests.app.driving import Driver, lesson, opened
from tests.common import file_at, known
from tui.app import Explorer, Options
from tui.cli.main import main
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.model.question_view import GuessView
from tui.model.view import View
from tui.navigation.playground import PLAYGROUND
from tui.session.commands import run
from tui.session.contexts import Context
from tui.session.presentation.state import Talk
from tui.session.script.running import ensure_run
from tui.session.session import Session

ASKING = """\
## Products
Two matrices. And more.

```ask
What shape comes out?
- (2, 2)
- (3, 3)
- an error
check: (x @ x.T).shape
```

```python show="y"
x = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
y = x @ x.T
```

## A number
```ask
What is the sum?
check: y.sum()
```

```python show="z"
z = y + 1
```

## A place
```ask
Where is the largest?
check: (int(z.argmax()) // 2, int(z.argmax()) % 2)
```

```python
w = z * 2
```
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def asking() -> Lesson:
    return lesson(ASKING)


def at(asking: Lesson, stop: int = 1) -> Session:
    return ensure_run(Session.start(View.opening(asking, stop), [asking]))


def frame(session: Session) -> Frame:
    return known(session.current).frame(session.view)


def test_the_shape_is_hidden_until_it_is_guessed_or_passed(asking: Lesson) -> None:
    session = at(asking)
    asked = frame(session)
    assert known(asked.ask).choices == ("(2, 2)", "(3, 3)", "an error")
    assert [panel.name for panel in asked.stage.panels] == ["x", "x.T"] or "y" not in {
        panel.name for panel in asked.stage.panels
    }
    assert asked.captions.shape_line == ""
    passed = frame(run(session, "forward"))
    assert not known(passed.ask).is_asked
    assert "y" in {panel.name for panel in passed.stage.panels}
    right = frame(run(session, "guess.1"))
    assert known(known(right.ask).guess).right
    assert "y" in {panel.name for panel in right.stage.panels}


def test_a_wrong_guess_shows_its_picture_beside_the_right_one(asking: Lesson) -> None:
    wrong = frame(run(at(asking), "guess.2"))
    assert [(panel.name, panel.shape) for panel in wrong.stage.panels] == [
        ("your guess", (3, 3)),
        ("torch", (2, 2)),
    ]
    assert known(known(wrong.ask).guess).sentence == "You said (3, 3). It is (2, 2)."
    number = frame(run(at(asking, 2), "guess:100"))
    assert [panel.cells.values(range(1), range(1)) for panel in number.stage.panels] == [[[100.0]], [[155.0]]]
    words = frame(run(at(asking), "guess.3"))
    assert "y" in {panel.name for panel in words.stage.panels}


@pytest.mark.parametrize(
    ("stop", "answer", "right"),
    [
        (1, "1", True),
        (1, "(2, 2)", True),
        (1, "3", False),
        (2, "155", True),
        (2, "154", False),
        (3, "(1, 1)", True),
    ],
)
def test_an_answer_is_what_torch_says(asking: Lesson, stop: int, answer: str, right: bool) -> None:
    given = known(frame(run(at(asking, stop), f"guess:{answer}")).ask)
    assert known(given.guess).right == right


def test_a_wrong_cell_is_shown_beside_the_right_one(asking: Lesson) -> None:
    told = frame(run(at(asking, 3), "guess:(0, 1)"))
    assert [panel.name for panel in told.stage.panels] == ["your guess", "torch"]
    marked = [
        {(i, j) for i in range(2) for j in range(2) if panel.cells.window(range(2), range(2), 4)[i][j].mark}
        for panel in told.stage.panels
    ]
    assert marked == [{(0, 1)}, {(1, 1)}]
    assert frame(run(at(asking, 3), "guess:(5, 1)")).stage.panels[0].name != "your guess"


BOARD = """\
## Rows
Values of a program.

```python
n = torch.tensor(3.0)
m = n * n
print(m.item())
```

```ask
What is n times n?
- 6
- 9
check: m
```

```board
Times | m | lesson:dot | n times n
Once  | n | lesson:dot | n
```
"""


async def test_a_board_hides_what_is_asked_about_until_it_is_guessed() -> None:
    async with opened(lesson(BOARD)) as d:
        assert "9." not in d.screen.split()
        assert "3." in d.screen.split()
        assert "prints" not in d.screen
        await d.press("2")
        assert "Right: 9." in d.screen
        assert "prints 9.0" in d.screen
        await d.press("1")
        assert d.view.lesson.slug == "dot"


async def test_who_passes_a_question_reads_the_rest_once_the_picture_is_complete(asking: Lesson) -> None:
    async with opened(asking) as d:
        await d.press("right")
        assert "And more." not in d.screen
        assert "A cell of y is" in d.screen
        await d.press("f")
        assert "And more." in d.screen
        assert "y[1,1] = " in d.screen
        assert "A cell of y is" not in d.screen
        await d.press("o")  # the stop's words are about its own order
        assert "And more." not in d.screen


def test_what_is_no_answer_says_what_one_is(asking: Lesson) -> None:
    for stop, text, said in ((1, "9", "a choice from 1 to 3"), (2, "many", "a number"), (3, "x", "a cell")):
        session = run(at(asking, stop), f"guess:{text}")
        assert session.view.guess is None
        assert said in session.notice
    assert run(run(at(asking), "forward"), "guess:1").notice == "Nothing is asked here."


def test_a_cell_is_pointed_at(asking: Lesson) -> None:
    session = run(run(at(asking, 3), "cursor"), "cursor.down")
    assert Context.GUESS_CELL in session.contexts
    session = run(run(session, "cursor.right"), "guess.cell")
    assert known(session.view.guess).answer == "(1, 1)"
    given = known(frame(session).ask)
    assert known(given.guess).right


def test_going_on_passes_with_one_press_and_playing_never_waits(asking: Lesson) -> None:
    session = at(asking)
    assert Context.GUESS_CHOICE in session.contexts
    for command in ("forward", "stop.next", "play", "last", "finish"):
        moved = run(session, command)
        assert moved.view != session.view or moved.player.playing
        assert not moved.notice
    assert run(session, "forward").view.step == 1


@pytest.mark.parametrize(
    ("given", "answer", "sentence"),
    [
        ("the first", "they give the same", 'You said "the first". It is "they give the same".'),
        ("-1", "0", "You said -1. It is 0."),
        ("[0, -1]", "2 x", 'You said [0, -1]. It is "2 x".'),
        ("1.48", "12", "You said 1.48. It is 12."),
    ],
)
def test_words_that_were_guessed_stand_in_quotation_marks(given: str, answer: str, sentence: str) -> None:
    assert GuessView(clean(given), right=False, answer=clean(answer)).sentence == sentence


def test_a_guess_is_gone_with_what_it_was_about(asking: Lesson) -> None:
    answered = run(at(asking), "guess.2")
    assert answered.view.guess is not None
    for command in ("forward", "seed.up", "stop.next", "order"):
        assert run(answered, command).view.guess is None
    assert run(run(answered, "forward"), "back").view.guess is None


def test_any_step_of_any_program_can_be_predicted() -> None:
    code = "x = torch.arange(6.).reshape(2, 3)\ny = x @ x.T"
    view = replace(View.opening(PLAYGROUND), code=code)
    session = run(ensure_run(Session.start(view, [PLAYGROUND])), "edit.leave")
    session = ensure_run(session)
    kinds = []
    for _ in range(4):
        session = run(session, "predict")
        asked = known(frame(session).ask)
        kinds.append(asked.question.split()[0])
    assert len(set(kinds)) >= 3
    assert run(run(session, "forward"), "predict").view.guess is not None
    end = run(session, "last")
    assert run(end, "predict").notice.startswith("There is nothing to predict here")
    on_map = run(end, "map")
    assert Context.MAP in on_map.contexts
    assert "↵ goes into the box" in run(on_map, "map.predict").notice


def test_what_was_printed_tells_no_answer_before_it_is_guessed() -> None:
    code = "x = torch.arange(6.).reshape(2, 3)\ny = x @ x.T\nprint(y)"
    document = documents.parse(code.encode(), "cells.py")
    for view in (View.opening(document), replace(View.opening(PLAYGROUND), code=code)):
        session = ensure_run(run(ensure_run(Session.start(view, [view.lesson])), "edit.leave"))
        asked = run(session, "predict")
        assert "50." in frame(session).listing.printed
        assert (frame(asked).listing.printed, frame(asked).listing.own_printed) == ("", "")
        assert "50." in frame(run(asked, "guess:1")).listing.printed


def test_frames_carry_the_question_and_never_the_answer(capsys: Capture) -> None:
    assert main(["frame", "elementwise", "--stop", "2", "--format", "json"]) == 0
    ask = json.loads(capsys.readouterr().out)["ask"]
    assert set(ask) == {"question", "choices", "check"}
    assert main(["frame", "matmul", "--predict", "1", "--guess", "0", "--format", "json"]) == 0
    ask = json.loads(capsys.readouterr().out)["ask"]
    assert (ask["guess"], ask["right"]) == ("0", False)
    for words, said in (
        (["--guess", "1", "--step", "2"], "nothing is asked here"),
        (["--predict", "1", "--guess", "maybe"], "is no answer to what is asked here"),
    ):
        assert main(["frame", "matmul", *words]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
async def test_the_keys_of_a_question_in_the_app(asking: Lesson) -> None:
    async with opened(asking) as d:
        assert "What shape comes out?" in d.screen
        assert "1: (2, 2)   2: (3, 3)   3: an error" in d.screen
        assert "1 guess" in d.rows[-1]
        await d.press("2")
        assert "You said (3, 3). It is (2, 2)." in d.screen
        assert "guess" not in d.rows[-1]
        await d.press("full_stop", "enter", "1", "5", "5")
        assert "answer: 155" in d.screen
        await d.press("enter")
        assert "Right: 155." in d.screen
        await d.press("right", "Q")
        assert "What will z[0,1] be?" in d.screen
        await d.press("right")
        assert "What will" not in d.screen


@pytest.mark.slow
async def test_a_presenters_guess_has_a_countdown_if_wanted(tmp_path: Path) -> None:
    file = file_at(tmp_path, "talk.md", f'+++\ntitle = "Talk"\nminutes = 5\n+++\n{ASKING}')
    deck = load(file)
    for think, shown in ((0.0, False), (600.0, True)):
        talk = Talk(deck, think=think, auto=think > 0, every=0.01)
        app = Explorer(talk.first_view(1), deck.lessons, Options(), talk)
        async with app.run_test(size=(80, 24)) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            assert ("guess 10:00" in driver.screen or "guess 9:5" in driver.screen) == shown
            assert driver.view.step == 0  # also by itself it waits for the countdown
            await driver.press("2")
            assert "You said (3, 3)" in driver.screen
            assert "guess 9:5" not in driver.screen
            await driver.press("R", "right")
            assert driver.view.step >= 1
            assert "guess 9:5" not in driver.screen


@pytest.mark.parametrize("slug", [one.slug for one in catalog() if one.asks])
def test_every_question_of_the_course_is_asked_and_judged(slug: str) -> None:
    lesson_ = next(one for one in catalog() if one.slug == slug)
    for stop in lesson_.stops:
        if stop.ask is None or stop.board is not None:
            continue
        opened_ = open_view(View.opening(lesson_, stop.number))
        question = opened_.question(opened_.view)
        assert question is not None, stop.title
        right = question.answer
        answer = right.text if right.choice is None else str(right.choice + 1)
        for text, is_right in (
            (answer, True),
            *((str(k + 1), k == right.choice) for k in range(len(stop.ask.choices))),
        ):
            shown = known(opened_.frame(opened_.view.with_guess(0, text)).ask)
            assert shown.guess is not None
            assert shown.guess.right == is_right, (stop.title, text)
            assert is_right or shown.guess.text not in ("", shown.guess.answer)


@pytest.mark.slow
async def test_escape_leaves_a_picture_alone_about_which_is_asked(asking: Lesson) -> None:
    async with opened(asking, stop=2) as d:
        asked = d.view
        await d.press("escape")
        assert d.view == asked
        assert "Nothing is open here." in d.rows[-1]
        await d.press("enter")
        await d.press(*"3", "enter")
        guessed = d.view
        assert guessed.guess is not None
        await d.press("escape", "escape")
        assert d.view == guessed
        await d.press("right", "Q")
        assert known(d.view.guess).number == 1
        await d.press("escape")  # closes what was drawn, and goes nowhere
        assert (d.view.guess, d.view.depth, d.view.step) == (None, "cells", 1)
        await d.press("escape")
        assert d.view.depth == "operations"


def test_a_second_digit_changes_the_guess(asking: Lesson) -> None:
    session = run(run(at(asking), "guess.2"), "guess.1")
    assert known(session.view.guess).answer == "1"
    assert known(known(frame(session).ask).guess).right


async def test_the_help_lists_as_many_choices_as_there_are(asking: Lesson) -> None:
    async with opened(asking) as d:
        await d.press("question_mark")
        while "Answer with choice 1" not in d.screen:
            await d.press("down")
        assert "Answer with choice 3" in d.screen
        assert "Answer with choice 4" not in d.screen
