"""Talks as scripts: what was done on a stage, played back, ends in the same picture of the same stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_linalg.lessons.deck import load
from tests.app.driving import Driver
from tests.app.talks import deck_at, started, where
from tests.common import file_at, known
from tui.app import Explorer, Options
from tui.cli.main import main
from tui.render.plain import to_plain
from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import Talk
from tui.session.script.playback import last_session
from tui.session.script.saving import Tape
from tui.session.script.script_reader import ScriptError, parse_script
from tui.session.script.script_recorder import ScriptRecorder
from tui.session.session import Session

DECK = """\
+++
title = "A talk"
+++
## Welcome
Words.

```stops
matmul --set n=2 --order rows
triangular --stop 2 --step 3
```

## Broken
```python fails
Y = torch.ones(2, 3) @ torch.ones(2, 3)
```

## The end
Thanks.
"""


@pytest.fixture
def deck(tmp_path: Path) -> Path:
    return file_at(tmp_path, "talk.md", DECK)


def seen(session: Session) -> tuple[object, ...]:
    talk = known(session.talk)
    frame = to_plain(known(session.current).frame(session.view))
    return talk.number, talk.big, talk.black, session.view, dict(talk.last_views), frame


def app_of(deck: Path, tape: Tape, number: int = 1) -> Explorer:
    talk = Talk(load(deck), number)
    return Explorer(talk.first_view(number), talk.deck.lessons, Options(tape=tape), talk)


async def test_steps_that_come_by_themselves_are_written_too(deck: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.steps"
    app = app_of(deck, Tape(record=str(file)))
    async with app.run_test(size=(80, 24)) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        app.explorer._go_on()  # type: ignore[attr-defined]
        await driver.settle()
        await driver.press("right", "B", "C")
    assert file.read_text() == f"deck {deck}\nnext\nnext\nbig\n"


def test_several_steps_lead_over_stops(deck: Path) -> None:
    apart = last_session(parse_script(f"deck {deck}\n" + "next\n" * 5, "x"))
    assert seen(last_session(parse_script(f"deck {deck}\nnext 5\n", "x"))) == seen(apart)
    assert (apart.view.lesson.slug, apart.view.step) == ("triangular", 3)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("deck\n", 1, "which deck"),
        ("deck nope.md\n", 1, "nope.md"),
        ("deck {} --stop 99\n", 1, "there is no stop 99"),
        ("deck {}\ndeck {}\n", 2, "begins with its deck"),
        ("deck {}\nlesson matmul\n", 2, "on stage only"),
        ("lesson matmul\nbig\n", 2, "nothing is on stage"),
    ],
)
def test_what_cannot_be_done_says_where(text: str, place: int, said: str, deck: Path) -> None:
    with pytest.raises(ScriptError, match=said) as caught:
        last_session(parse_script(text.format(deck, deck), "demo.steps"))
    assert caught.value.line == place


def test_a_talk_in_lines_is_written_and_exported(
    deck: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    script, page = tmp_path / "mine.steps", tmp_path / "mine.json"
    (tmp_path / "said").write_text("next\nset n 3\nbig\n")
    with (tmp_path / "said").open() as said:
        monkeypatch.setattr("sys.stdin", said)
        assert main(["present", str(deck), "--plain", "--record", str(script)]) == 0
    capfd.readouterr()
    assert script.read_text() == f"deck {deck}\nnext\nset n 3\nbig\n"
    script.write_text(f"deck {deck}\nnext\nset n 3\nnext 2\nstop 4\n", encoding="utf-8")
    assert main(["export", str(script), "-o", str(page)]) == 0
    frames = json.loads(page.read_text())["frames"]
    assert [(one["lesson"], one["step"]) for one in frames[1:4]] == [
        ("matmul", 0),
        ("matmul", 0),
        ("matmul", 2),
    ]
    assert frames[-1]["error"]


def test_paths_in_a_script_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talks").mkdir()
    (tmp_path / "far").mkdir()
    deck_at(tmp_path / "talks")
    monkeypatch.chdir(tmp_path)
    talk = started(Path("talks/talk.md"), 2)
    recorder = ScriptRecorder(talk.view, talk.talk)
    for folder, written in (("talks", "talk.md"), ("far", "../talks/talk.md"), ("", "talks/talk.md")):
        text = recorder.text(talk, Path(folder))
        assert text == f"deck {written} --stop 2\n"
        monkeypatch.chdir(tmp_path / "far")  # from anywhere
        script = parse_script(text, "demo.steps", tmp_path / folder)
        again = last_session(script)
        assert where(again) == where(talk)
        assert [*require_talk(again).deck.sources.values()] == [*require_talk(talk).deck.sources.values()]
        monkeypatch.chdir(tmp_path)
    for line in ("lesson matmul", f"deck {tmp_path}/talks/talk.md"):
        assert parse_script(line, "x", Path("far")).lines[0].acts == (tuple(line.split()),)
