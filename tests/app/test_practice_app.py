"""Practice in the app, at a prompt and as a sheet."""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from llm_linalg.questions.practice import PROGRAMS, Practice, sheet
from tests.app.driving import LONGEST, opened
from tests.common import known
from tui.app import ScreenApp
from tui.cli import practice_command
from tui.cli.main import main
from tui.screens.explorer import ExplorerScreen
from tui.screens.practice_screen import PracticePicture, PracticeScreen, whole_practice
from tui.terminal.textual_private import screen_rows

Capture = pytest.CaptureFixture[str]
SIGNS = {
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    ",": "comma",
    " ": "space",
    "-": "minus",
    ".": "full_stop",
}


def shown(screen: PracticeScreen) -> str:
    return "\n".join(strip.text for strip in screen_rows(screen))


def test_a_sheet_is_the_same_with_and_without_answers(capsys: Capture) -> None:
    words = ["practice", "matmul", "--count", "4", "--seed", "5"]
    assert main(words) == 0
    without = capsys.readouterr().out
    assert main([*words, "--answers"]) == 0
    answered = capsys.readouterr().out
    assert re.sub("answer: (?:.+\n)+", "", answered) == without
    assert answered.count("\nllm-linalg ") == 4
    assert answered.count("answer: ") == 4
    assert main([*words, "--format", "json", "--answers"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["number"] for record in records] == [1, 2, 3, 4]
    assert {"number", "question", "picture", "answer", "why", "lesson", "stop"} <= set(records[0])
    assert all(record["why"] and record["stop"] > 0 for record in records)
    assert [f"answer: {record['answer']}" for record in records] == re.findall("answer: .*", answered)
    assert main([*words, "--format", "json"]) == 0
    assert "answer" not in json.loads(capsys.readouterr().out.splitlines()[0])


def test_a_picture_does_not_have_the_answer(capsys: Capture) -> None:
    for drawn in sheet(PROGRAMS, 11, 12):
        picture = practice_command.picture_text(drawn)
        if drawn.question.kind == "shape":
            assert "Y (" not in picture
        if drawn.question.kind == "value":
            assert "_" in picture


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["42", "--count", "1"], "there is nothing to practise in"),
        (["nowhere", "--count", "1"], "the parts are 0, 1, 2"),
        (["--count", "0"], "a sheet has 1 to 1,000 questions"),
        (["--answers"], "--answers is of a sheet"),
        ([], "'llm-linalg practice --count 10' prints a sheet"),
    ],
)
def test_what_can_not_be_practised_is_said(words: list[str], said: str, capsys: Capture) -> None:
    assert main(["practice", *words]) == 2
    assert said in capsys.readouterr().err


def test_at_a_prompt_an_empty_line_passes(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Practice(PROGRAMS, 3).question
    heard = ["what?!", first.question.answer.text, "", "quit", "not heard"]
    monkeypatch.setattr(practice_command, "lines", lambda *_: iter(heard))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["practice", "--plain", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert out.index("That is not an answer to this question") < out.index("Right: ") < out.index("It is ")
    assert re.findall(r"^(\d)\. ", out, re.M) == ["1", "2", "3"]


async def test_the_screen_asks_judges_and_goes_on() -> None:
    app = ScreenApp(PracticeScreen(lambda: Practice(PROGRAMS, 3)))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, PracticeScreen)

        async def until(number: int) -> None:
            async with asyncio.timeout(LONGEST):
                while screen.practice is None or screen.practice.number != number or screen.given:
                    await pilot.pause()
                while screen.drawn is None or screen.passed:
                    await pilot.pause()

        await until(1)
        assert screen.drawn is not None
        text = screen.drawn.question.answer.text
        if screen.drawn.question.ask.choices:
            await pilot.press(str(screen.drawn.question.ask.choices.index(text) + 1))
        else:
            await pilot.press(*(char if char.isalnum() else SIGNS[char] for char in text), "enter")
        await pilot.pause()
        assert "Right: " in shown(screen)
        await pilot.press("enter")
        await until(2)
        await pilot.press("right")
        await pilot.pause()
        assert "It is " in shown(screen)
        await pilot.press("space")
        await until(3)
        assert len(known(screen.practice).missed) == 1
        await pilot.press("escape")


@pytest.mark.parametrize("form", ["sheet", "prompt"])
def test_it_is_in_ascii_if_that_is_asked_for(
    form: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice_command, "lines", lambda *_: iter([""] * 9))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["practice", "--ascii", *(["--count", "10"] if form == "sheet" else ["--plain"])]) == 0
    assert capsys.readouterr().out.isascii()


@pytest.mark.slow
async def test_a_picture_that_is_higher_than_the_screen_is_scrolled() -> None:
    app = ScreenApp(PracticeScreen(lambda: Practice(PROGRAMS, 3)))
    async with app.run_test(size=(80, 20)) as pilot:
        screen = app.screen
        assert isinstance(screen, PracticeScreen)
        async with asyncio.timeout(LONGEST):
            while screen.drawn is None:
                await pilot.pause()
        screen._picture = PracticePicture("\n".join(f"row {k}." for k in range(30)), None, None)
        screen.fill()
        await pilot.pause()
        assert "row 0." in shown(screen)
        assert "row 29." not in shown(screen)
        assert "of 30" in shown(screen)
        await pilot.press(*["down"] * 40)
        await pilot.pause()
        assert "row 29." in shown(screen)
        await pilot.press("up")
        await pilot.pause()
        assert "row 29." not in shown(screen)
        assert screen.text == ""


async def test_a_key_of_the_explorer_opens_it_and_escape_comes_back() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("P")
        await d.until_shown("your answer")
        await d.pilot.press("escape")
        await d.settle()
        assert isinstance(d.app.screen, ExplorerScreen)


async def until_asked(screen: PracticeScreen, pilot: Pilot[None]) -> None:
    """Until a question is on the screen that was not answered."""
    async with asyncio.timeout(LONGEST):
        while screen.drawn is None or screen.given is not None or screen.passed:
            await pilot.pause()


async def test_only_what_was_seen_is_asked_unless_more_is_wanted() -> None:
    async with opened("vector", stop=2) as d:
        await d.pilot.press("P")
        await d.until_shown("of what you have seen")
        screen = d.app.screen
        assert isinstance(screen, PracticeScreen)
        await until_asked(screen, d.pilot)
        assert {one.taught for one in known(screen.practice).programs} == {
            ("vector", "From one word to another")
        }
        assert known(screen.drawn).question.kind == "way"
        assert "a = torch.tensor(" in shown(screen)
        assert "Y = " not in shown(screen)
        await d.pilot.press("tab")
        await d.until_shown("all of the course")
        assert known(screen.practice).programs == PROGRAMS


async def test_where_nothing_is_practised_yet_it_says_so() -> None:
    async with opened("vector", stop=6) as d:
        await d.pilot.press("P")
        await d.until_shown("Nothing is practised yet of what you have seen.")
        await d.pilot.press("tab")
        await d.until_shown("your answer")


async def test_a_wrong_answer_has_its_mistake_the_reason_and_the_stop_that_teaches_it() -> None:
    async with opened("vector", stop=2) as d:
        await d.pilot.press("P")
        await d.until_shown("your answer")
        screen = d.app.screen
        assert isinstance(screen, PracticeScreen)
        ask = known(screen.drawn).question.ask
        mistakes = {one.text: one.name for one in known(screen.drawn).question.mistakes}
        wrong = next(choice for choice in ask.choices if mistakes.get(choice) == "the way back")
        await d.pilot.press("enter")  # an empty answer is none
        assert screen.given is None
        assert not screen.passed
        await d.pilot.press(str(ask.choices.index(wrong) + 1))
        await d.until_shown("That is the way back.")
        assert "Start plus way is end: " in shown(screen)
        assert "Vector, stop 2: From one word to another" in shown(screen)
        first = known(screen.drawn).program
        await d.pilot.press("enter")
        await until_asked(screen, d.pilot)
        assert known(screen.drawn).program != first
        await d.pilot.press("right")
        await d.until_shown("l its lesson")
        await d.pilot.press("l")
        await d.settle()
        assert (d.view.lesson.slug, d.view.stop) == ("vector", 2)


@pytest.mark.slow
async def test_each_question_of_the_course_fits_the_screen() -> None:
    practice = replace(whole_practice(), seed=215_475_543)
    app = ScreenApp(PracticeScreen(lambda: practice))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        assert isinstance(screen, PracticeScreen)
        for number in range(1, len(PROGRAMS) + 1):
            screen.practice = replace(practice, number=number)
            await screen._ask()
            assert "your answer" in shown(screen)
            assert re.search(r"rows \d+ to \d+ of", shown(screen)) is None, number
        await pilot.press("escape")


async def test_a_question_that_comes_when_the_screen_was_left_is_no_fault() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("P")
        await d.until_shown("your answer")
        screen = d.app.screen
        assert isinstance(screen, PracticeScreen)
        await d.pilot.press("escape")
        await d.settle()
        await screen._ask()
        assert screen not in d.app.screen_stack
