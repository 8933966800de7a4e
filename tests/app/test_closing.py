"""What a stop says: its closing sentence outlasts the animation, and a guess is answered with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.markdown import first_sentence
from llm_linalg.lessons.reader import catalog, read_entry
from tests.app.driving import lesson
from tests.common import known
from tests.thinning import thin
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.layout.pane_sizes import Picture, sizes
from tui.model.view import END, View
from tui.navigation.steps import position
from tui.panes.story_pane import band, shorten
from tui.panes.text_pane import pane_rows
from tui.session.commands import run
from tui.session.script.running import ensure_run
from tui.session.session import Session
from tui.text.glyphs import UNICODE
from tui.text.prose import after_story, closing, paragraphs
from tui.text.rows import Row

SIZES = ((80, 24), (60, 20), (120, 40))
ONE_LINE = 10_000


def letters(rows: Sequence[Row]) -> str:
    """The letters of rows, wherever they were wrapped, without the numbers of links."""
    text = "".join(span.text for row in rows for span in row)
    return re.sub(r"[\s⁰¹²³⁴⁵⁶⁷⁸⁹]", "", text)


def picture(session: Session, size: tuple[int, int]) -> Picture:
    frame = known(session.current).frame(session.view)
    room = sizes(*size, frame.listing.code, session.view, sidebar=None, failed=frame.error is not None)
    return Picture(session, frame, known(room), ())


def said(session: Session, size: tuple[int, int]) -> str:
    """What the screen says of a session above and below the picture."""
    shown = picture(session, size)
    story = shorten(band(shown, shown.room.main), shown.room.story, shown.room.main, UNICODE.dots)
    return letters(story) + letters(pane_rows(shown, UNICODE))


def at(lesson: Lesson, view: View, run: Run) -> Session:
    return replace(Session.start(view, [lesson]), last_run=run)


SLUGS = [lesson.slug for lesson in catalog()]


def stops_of(slug: str) -> list[tuple[View, Run]]:
    """The opening views of a lesson's stops with a picture, and their runs."""
    opened = read_entry(next(lesson for lesson in catalog() if lesson.slug == slug))
    shown = [stop for stop in opened.stops if not (stop.slide or stop.exercise or stop.fails)]
    views = [View.opening(opened, stop.number) for stop in shown]
    return [(view, open_view(view)) for view in views]


@pytest.mark.parametrize("slug", thin(SLUGS, 4))
def test_the_closing_sentence_outlasts_the_picture_and_a_guess_is_explained(slug: str) -> None:
    for view, made in stops_of(slug):
        stop = view.at_stop
        if stop.board is None and stop.map is None:
            holds_closing_sentence(view, made)
        question = made.question(view)
        if question is None:
            continue
        right = "choice" if question.ask.choices else str(question.answer.text)
        wrong = "(7, 7)" if question.answer.kind in ("shape", "cell") else "77"
        choices = [str(number) for number, _ in enumerate(question.ask.choices, 1)]
        for answer in choices or [right, wrong]:
            holds_explanation(run(at(view.lesson, view, made), f"guess:{answer}"))


def holds_closing_sentence(view: View, made: Run) -> None:
    stop = view.at_stop
    told, rest = first_sentence(stop.prose)
    last = letters(closing(stop.prose, ONE_LINE) if rest else paragraphs(told, ONE_LINE))
    assert last
    _, steps = position(view, made.navigation(view))
    for size in SIZES:
        done = at(view.lesson, replace(view, step=steps), made)
        if steps or stop.ask is None:
            assert last in said(done, size), (stop.number, size)
        answered = done.with_learner(guessed=frozenset({(view.lesson.slug, stop.number)}))
        for step in range(1, 1 + min(steps, 3)):
            moving = replace(answered, view=replace(view, step=step))
            assert last in said(moving, size), (stop.number, size, step)


def holds_explanation(guessed: Session) -> None:
    stop = guessed.view.at_stop
    guess = known(known(known(guessed.current).frame(guessed.view).ask).guess)
    verdicts = [letters(paragraphs(text, ONE_LINE)) for text in (guess.sentence, guess.brief)]
    for size in SIZES:
        shown = said(guessed, size)
        assert letters(after_story(stop.prose, ONE_LINE)) in shown, (stop.number, size, guess.text)
        assert any(verdict in shown for verdict in verdicts), (stop.number, size, guess.text)


LONG = "This takes more rows than there are below the picture, as it goes on. " * 3
MOVING = f"""\
## Twice
What is twice a table? Each entry is doubled. And that is all.

```python show="y"
x = torch.tensor([[1.0, 2], [3, 4]])
y = x + x
```

## A product
A product. {LONG} The last sentence stays.

```python show="z"
z = x @ y
```

## Asked
```ask
How many?
check: z.numel()
```

Nine tenths are asked. And this answers.

```python show="w"
w = z @ x
```
"""


def rows_of(session: Session, step: int) -> list[str]:
    shown = picture(ensure_run(replace(session, view=replace(session.view, step=step))), (80, 24))
    return ["".join(span.text for span in row).rstrip() for row in pane_rows(shown, UNICODE)]


def opening(stop: int) -> Session:
    moving = lesson(MOVING)
    return ensure_run(Session.start(View.opening(moving, stop), [moving]))


def test_the_text_stands_still_while_the_picture_moves() -> None:
    before, after = rows_of(opening(1), 0), rows_of(opening(1), 4)
    assert before == ["", "", "Each entry is doubled. And that is all."]
    assert after == ["y[1,1] = 4 + 4 = 8", "", "Each entry is doubled. And that is all."]


def test_where_there_is_little_room_the_last_sentence_stays() -> None:
    assert rows_of(opening(2), 4)[2:] == ["The last sentence stays."]
    assert "z[1,1]" in rows_of(opening(2), 4)[0]


def test_who_has_answered_keeps_the_reason_while_the_picture_moves() -> None:
    passed, answered = opening(3), run(opening(3), "guess:4")
    assert "And this answers." not in rows_of(passed, 1)
    assert "And this answers." in rows_of(passed, END)
    assert "And this answers." in rows_of(answered, 1)


def test_a_step_says_nothing_of_its_cells_that_the_formula_says() -> None:
    frame = known(opening(1).current).frame(replace(opening(1).view, step=1))
    assert frame.captions.sentence == ""
    made = known(opening(2).current).frame(replace(opening(2).view, step=1))
    assert made.captions.sentence == "A cell of z is a row of x times a column of y, summed."
