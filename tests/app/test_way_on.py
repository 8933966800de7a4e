"""Where one can go from here: out of a map, on from the last step, and by which keys, as the footer says."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.markdown import first_sentence, plain_text
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import opened
from tests.app.lessons import lesson as softmax
from tui.headless import render_all
from tui.model.view import View
from tui.navigation.playground import PLAYGROUND
from tui.session.commands import run
from tui.session.contexts import Context
from tui.session.script.running import ensure_run
from tui.session.session import Session

DEEPEST = 12  # levels of a map, with room to spare


def session_at(view: View) -> Session:
    """A session whose program has been run."""
    return ensure_run(Session.start(view, [*catalog(), PLAYGROUND]))


def done(session: Session, *commands: str) -> Session:
    """The session after commands."""
    for command in commands:
        session = ensure_run(run(session, command), session)
    return session


def cells_of(lesson: Lesson) -> list[Session]:
    """The cell cursor at the end of every stop that has cells."""
    found = []
    for stop in lesson.stops:
        opening = session_at(replace(View.opening(lesson, stop.number), depth="cells"))
        if Context.TENSORS in opening.contexts and not opening.view.backward:
            found.append(done(opening, "last", "cursor"))
    return [session for session in found if session.view.cursor is not None]


@pytest.mark.parametrize("slug", ["matvec", "block", "causal", "mlp"])
def test_escape_leads_from_the_map_of_a_cell_back_to_the_cell(slug: str) -> None:
    for asked in cells_of(find(slug)):
        lit = done(asked, "follow")
        if lit.view.depth != "map":
            continue
        for _ in range(DEEPEST):
            lit = done(lit, "out")
            if lit.view.depth != "map":
                break
        assert lit.view == asked.view, (slug, asked.view.stop)


def test_escape_puts_out_the_light_of_a_map_that_no_cell_led_to() -> None:
    shown = session_at(View.opening(find("why"), 2))
    lit = replace(shown, view=replace(shown.view, follows=View.opening(find("why"), 6).follows))
    assert lit.view.follows is not None
    dark = done(lit, "out")
    assert dark.view == shown.view
    assert "M: back" in done(dark, "out").notice  # and never nothing at all


async def test_the_map_of_a_cell_names_escape_in_its_footer() -> None:
    async with opened("matvec") as d:
        await d.press("f", "c", "I")
        assert "esc out" in d.rows[-1]
        assert d.view.depth == "map"
        await d.press("escape")
        assert d.view.cursor is not None
        await d.press("escape")
        assert d.has(cursor=None, depth="cells")


@pytest.mark.parametrize("lesson", catalog(), ids=lambda lesson: lesson.slug)
def test_a_step_past_the_last_says_what_comes_next_and_a_second_goes_there(lesson: Lesson) -> None:
    for number in (1, len(lesson.stops)):
        shown = session_at(View.opening(lesson, number))
        end = done(shown, "last") if Context.STEPS in shown.contexts else shown
        key = "forward" if Context.STEPS in shown.contexts else "on"
        past = done(end, key)
        assert past.view == end.view
        following = shown.neighbour(1)
        on = run(past, key)
        assert not past.notice.endswith(("?.", "!.", ".."))
        if number < len(lesson.stops):
            assert lesson.stops[number].title in past.notice
            assert (on.view.lesson, on.view.stop) == (lesson, number + 1)
        elif following is not None:
            assert following.title in past.notice
            assert (on.view.lesson.slug, on.view.stop) == (following.slug, 1)
        else:
            assert "end" in past.notice
            assert on.view == past.view
        assert run(on, "undo").view == past.view or on.view == past.view


def test_inside_an_operation_the_next_part_comes_next_and_then_the_way_out() -> None:
    inside = done(session_at(View.opening(softmax(), 2)), "into")
    parts = [inside.view.path]
    assert len(parts[0]) > 1
    while len(inside.view.path) > 1:
        end = done(inside, "last", "forward")
        assert end.view == done(inside, "last").view
        inside = done(end, "forward")
        told = "out of" if len(inside.view.path) == 1 else "the next part"
        assert told in end.notice
        assert inside.view.path not in parts
        parts.append(inside.view.path)
    assert len(parts) > 3


def test_only_a_press_right_after_goes_on() -> None:
    end = done(session_at(View.opening(find("matvec"))), "last", "forward")
    assert end.ended_at == end.view
    moved = done(end, "back", "forward", "forward")
    assert moved.view == end.view
    assert moved.notice == end.notice
    assert done(moved, "forward").view.stop == 2


def test_the_next_lesson_says_that_it_begins() -> None:
    lessons = catalog()
    for left, entered in itertools.pairwise(lessons):
        last = Session.start(View.opening(left, len(left.stops)), [*lessons, PLAYGROUND])
        begun = run(last, "stop.next")
        assert begun.view.lesson is entered
        assert begun.notice.startswith(f"Next lesson: {entered.title}.")
        assert (f"Part {entered.place}" in begun.notice) == (
            left.part != entered.part and entered.place != entered.title
        )
        assert left.title in run(begun, "stop.previous").notice


@pytest.mark.slow
def test_every_lesson_names_the_cell_cursor_and_the_way_out_at_80_columns() -> None:
    views = [View.opening(lesson) for lesson in catalog() if not lesson.stops[0].fails]
    for view, screen in zip(views, render_all(views, (80, 24), "screen"), strict=True):
        footer = screen.splitlines()[-1]
        assert "c cell" in footer, view.lesson.slug
        assert "esc out" in footer, view.lesson.slug
        for control in view.lesson.controls:
            assert control.key is None or f" {control.key} " in footer, view.lesson.slug


def words_of_screen(screen: str) -> str:
    """The words right of the sidebar, one space apart."""
    rows = screen.splitlines()[2:-1]
    return " ".join(" ".join(row.partition("│")[2] or row for row in rows).split())


def story(view: View) -> str:
    """The words of a stop's title and first sentence."""
    stop = view.at_stop
    return letters(f"{stop.title} {plain_text(first_sentence(stop.prose)[0])}")


def letters(text: str) -> str:
    """A text's words alone."""
    return " ".join(re.findall(r"[^\W\d_]+", text))


def test_a_stop_that_fails_says_what_it_is_about_beside_why_it_fails() -> None:
    views = [View.opening(lesson, stop.number) for lesson in catalog() for stop in lesson.stops if stop.fails]
    assert len(views) > 3
    for view, screen in zip(views, render_all(views, (80, 24), "screen"), strict=True):
        shown = letters(words_of_screen(screen))
        assert story(view) in shown, view.lesson.slug
        assert "axis" in shown or "be paired up" in shown, view.lesson.slug  # and the reason


@pytest.mark.parametrize("text", ["the,cat", "the,cat,saw,the,dog,saw,the,cat,ran", ",".join(["saw"] * 12)])
def test_the_text_that_a_model_writes_can_be_read_whole(text: str) -> None:
    views = [View.opening(find("sampling"), stop.number).set("text", text) for stop in find("sampling").stops]
    for view, screen in zip(views, render_all(views, (80, 24), "screen"), strict=True):
        assert text.replace(",", " ") in screen, view.stop
        assert "top_p 0.9" in screen
        assert len(screen.splitlines()) == 24


def test_a_choice_that_sets_other_controls_says_so() -> None:
    session = run(session_at(View.opening(softmax())), "set:kind:+1")
    assert dict(session.view.controls)["diagonal"] == "0"
    assert session.notice == "With it: diagonal 0."
    assert not run(session_at(View.opening(softmax(), 4)), "set:diagonal:+1").notice
