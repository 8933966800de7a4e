"""Controls: text to value and back, moves, and what a choice sets besides."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from llm_linalg.lessons.control import Control, Value
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, parse

FRONT = """\
+++
title = "T"
[controls.kind]
choices = ["triu", "tril", 3, 2.5, true]
default = "triu"
key = "t"
sets = { triu = { k = 1 }, tril = { k = 0 } }
[controls.k]
range = [-4, 4]
default = 1
[controls.c]
range = [-1, 1.0]
default = 0
[controls.d]
default = [1.0, 2.0, 3.0]
range = [-9, 9]
[controls.w]
default = [1, 2]
[controls.s]
choices = ["a", 2, true]
default = ["a", true]
+++
Hi.
"""
LESSON = parse(FRONT, "x.md")
CONTROLS = [*LESSON.controls, *(control for lesson in catalog() for control in lesson.controls)]


def values(control: Control) -> st.SearchStrategy[Value]:
    if control.kind == "choice":
        return st.sampled_from(control.choices)
    if control.choices:
        return st.lists(st.sampled_from(control.choices), min_size=1, max_size=5).map(tuple)
    if control.kind == "grid":
        rows = control.show(control.default).split("/")
        return st.tuples(*(st.tuples(*(st.integers(0, 1) for _ in row)) for row in rows))
    low = -100 if control.minimum is None else control.minimum
    high = 100 if control.maximum is None else control.maximum
    number = st.integers(int(low), int(high)) if control.whole else st.floats(low, high)
    return st.lists(number, min_size=1, max_size=5).map(tuple) if control.kind == "list" else number


@given(st.data())
def test_text_and_value_are_each_others_inverse(data: st.DataObject) -> None:
    control = data.draw(st.sampled_from(CONTROLS))
    value = control.check(data.draw(values(control)))
    text = control.show(value)
    again = control.parse(text)
    assert again == value
    assert type(again) is type(value)
    assert " " not in text


@given(st.data())
def test_a_move_gives_a_value_that_the_control_takes(data: st.DataObject) -> None:
    control = data.draw(st.sampled_from(CONTROLS))
    value = control.check(data.draw(values(control)))
    for direction in (1, -1):
        moved = control.move(value, direction)
        assert control.check(moved) == moved
        assert type(moved) is type(value) or control.kind == "choice"


@given(st.sampled_from(CONTROLS), st.text() | st.floats().map(str) | st.integers().map(str))
def test_any_text_is_a_value_or_a_sentence(control: Control, text: str) -> None:
    try:
        value = control.parse(text)
        said = control.name
    except ValueError as error:
        value, said = control.default, str(error)
    assert control.check(value) == value
    assert control.name in said
    assert clean(said) == said


@pytest.mark.parametrize(("key", "after_last"), [("", 2.0), ('key = "t"\n', 0.1)])
def test_numbers_to_choose_from_have_ends_unless_one_key_goes_round(key: str, after_last: float) -> None:
    text = f'+++\ntitle = "T"\n[controls.rate]\nchoices = [0.1, 1.0, 2.0]\ndefault = 1.0\n{key}+++\nHi.\n'
    (rate,) = parse(text, "x.md").controls
    assert [rate.move(1.0, 1), rate.move(2.0, 1)] == [2.0, after_last]


def test_moves() -> None:
    kind, k, c, d, w, s = LESSON.controls
    assert s.move(("a", True), 1) == ("a", "a")
    assert s.move(("a", True), -1) == ("a", 2)
    assert [kind.move("triu", 1), kind.move("triu", -1), kind.move(True, 1)] == ["tril", True, "triu"]
    assert [k.move(3, 1), k.move(4, 1), k.move(-4, -1)] == [4, 4, -4]
    assert c.move(c.move(0.1, 1), 1) == 0.3  # on the grid of its step, not 0.30000000000000004
    assert d.move((1.0, 8.5), 1) == (1.0, 9.0)
    assert w.move((1, 2), -1) == (1, 1)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("k", "5", "k is a whole number from -4 to 4, not 5"),
        ("k", "1.0", "k is a whole number from -4 to 4, not 1.0"),
        ("k", "٣", 'k is a whole number from -4 to 4, not "٣"'),
        ("c", "nan", "c is a number from -1 to 1.0, not nan"),
        ("d", "1,,2", 'd takes numbers from -9 to 9, not ""'),
        ("d", ",".join("1" * 17), "d takes 1 to 16 numbers, such as 1,2,3"),
        ("w", "1,2.5", "w takes numbers, not 2.5"),
        ("kind", "tri", 'unknown value of kind "tri": did you mean "triu"? (triu, tril, 3, 2.5, true)'),
    ],
)
def test_what_is_refused_says_what_is_taken(name: str, text: str, says: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(says)):
        LESSON.control(name).parse(text)


def test_text_is_taken_as_it_is_written_elsewhere() -> None:
    assert LESSON.control("d").parse("[1, 0, -2]") == (1.0, 0.0, -2.0)
    assert LESSON.control("c").parse("1") == 1.0
    assert LESSON.control("kind").parse("true") is True
    with pytest.raises(ValueError, match="kind"):
        LESSON.control("kind").check(1)  # True == 1, and is not meant


def test_a_choice_sets_others_besides() -> None:
    lesson: Lesson = LESSON
    assert lesson.values()["k"] == 1
    assert lesson.values({"kind": "tril"})["k"] == 0
    assert lesson.values({"kind": "tril", "k": -2})["k"] == -2  # what is given counts
    lower = lesson.change(lesson.values(), "kind", "tril")
    assert (lower["kind"], lower["k"]) == ("tril", 0)
    moved = lesson.change(lower, "k", 3)
    assert (moved["kind"], moved["k"]) == ("tril", 3)
    assert lesson.change(lower, "kind", "triu") == lesson.values()
    back = lesson.change(moved, "kind", "triu")
    assert back == {**lesson.values(), "k": 3}  # what the reader has set stays
    with pytest.raises(ValueError, match="from -4 to 4"):
        lesson.change(back, "k", 9)
