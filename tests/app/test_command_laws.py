"""Laws that hold for every command of the table, along walks through sessions of every kind.

A walk draws commands that are live, some of them before the program has been run again. Nothing here names a
command for its own sake: a new record of the table is walked over too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg.lessons.documents import read
from llm_linalg.lessons.reader import catalog, find
from tests.app.talks import deck_at
from tests.app.talks import started as talk_at
from tests.common import known
from tests.thinning import thin
from tui.cli import present_command
from tui.compose.view_runner import open_view, survey
from tui.model.view import View
from tui.model.view_words import arguments, start_view, view_of
from tui.navigation import steps as player
from tui.navigation.playground import PLAYGROUND
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.screens.key_input import contexts_of
from tui.session.commands import COMMANDS, Unwritten, Wait, find_command, run
from tui.session.contexts import Context
from tui.session.decks import flags_at
from tui.session.keys import live_commands
from tui.session.presentation.stage_moves import require_talk
from tui.session.reopening import reopening_words
from tui.session.script.opening import opening_view
from tui.session.script.playback import last_session
from tui.session.script.running import ensure_run
from tui.session.script.script_reader import parse_script
from tui.session.script.script_recorder import ScriptRecorder
from tui.session.session import Session

PROGRAMS = ("x = torch.ones(2, 3)\ny = x @ x.T", "x = torch.ones(2", "a = torch.ones(2) + torch.ones(3)")
EXERCISE = next(stop.number for stop in find("dot").stops if stop.exercise is not None)
KINDS = {
    "a walk": ("matmul", 1),
    "an error": ("shapes", 1),
    "a mask": ("triangular", 1),
    "a board": ("summary", 1),
    "links": ("block", 3),
    "the map": ("why", 3),
    "a backward pass": ("backprop", 1),
    "slices": ("attention", 2),
    "a list that grows": ("sampling", 7),
    "devices": ("parallel", 3),
    "an exercise": ("dot", EXERCISE),
    "the playground": ("play", 1),
}
MADE = ("a talk", "a document")
"""Kinds whose files are made for them."""
DOCUMENT = """\
# Names

```python
words = open("names.txt").read().split()
```

```python
x = torch.tensor([len(word) for word in words])
y = x + x
```
"""


def begun(kind: str, folder: Path) -> Session:
    """A session of a kind, as it opens."""
    if kind == "a talk":
        return talk_at(deck_at(folder))
    if kind == "a document":
        (folder / "names.txt").write_text("emma olivia", encoding="utf-8")
        (folder / "names.md").write_text(DOCUMENT, encoding="utf-8")
        view = View.opening(read(folder / "names.md"), 2)
        return Session.start(view, [*catalog(), PLAYGROUND]).with_survey(survey(view))
    slug, stop = KINDS[kind]
    lesson = PLAYGROUND if slug == "play" else find(slug)
    return Session.start(View.opening(lesson, stop), [*catalog(), PLAYGROUND])


def texts(session: Session) -> list[str]:
    """The commands that are live, and clicks on what is shown."""
    run_ = session.current
    frame = None if run_ is None else run_.frame(session.view)
    commands = [
        command.id
        for command in live_commands(contexts_of(session, frame, ""))
        if not command.by_screen and not isinstance(command.script, Unwritten)
    ]
    clicks = ["go:2", "scrub:400", *(f"set:{control.name}:+1" for control in session.view.lesson.controls)]
    if session.talk is not None:
        clicks += ["stage.go:1", "stage.go:3"]
    else:
        clicks += ["open:shapes", "example:causal", "stop:1", "node:0"]
    if session.editor.is_open:
        clicks += [*(f"write:1:{program}" for program in PROGRAMS), "line:1"]
    if session.view.board is not None:
        clicks.append("row:1")
    if Context.EXERCISE in session.contexts:
        clicks += ["answer:x", "answer:torch.dot(x, x) ** 0.5"]
    if frame is not None:
        clicks += [f"cell:{','.join('0' * len(panel.shape))}:{panel.name}" for panel in frame.stage.panels]
    if Context.MAP in session.contexts:
        clicks += ["box:1", "box:2"]
    if run_ is None:
        return [text for text in commands + clicks if find_command(text).waits is not Wait.FOR_RUN]
    return commands + clicks


@dataclass
class Step:
    """A command, and the sessions around it; `after` has its program run, unless the next came first."""

    before: Session
    text: str
    done: Session
    after: Session


@dataclass
class Walk:
    """Commands one after the other, and the script that was recorded."""

    start: Session
    steps: list[Step] = field(default_factory=list)
    script: str = ""

    @property
    def end(self) -> Session:
        """The session at the end, its program run."""
        return self.steps[-1].after if self.steps else self.start


def walk(start: Session, draw: Callable[[st.SearchStrategy[int]], int], length: int) -> Walk:
    """A walk from a session; `draw` draws a number."""
    recorder = ScriptRecorder(start.view, start.talk)
    session = ensure_run(start)
    walked = Walk(session)
    for number in range(length):
        choices = texts(session)
        text = choices[draw(st.integers(0, 10**6)) % len(choices)]
        done = run(session, text)
        recorder.add_command(session, text, done)
        hurried = number < length - 1 and draw(st.integers(0, 4)) == 0
        after = done if hurried else ensure_run(done, session)
        walked.steps.append(Step(session, text, done, after))
        session = after
    walked.script = recorder.text(session)
    return walked


def pictures(session: Session) -> tuple[str, str]:
    """What is shown, as text."""
    shown = ensure_run(session)
    frame = known(shown.current).frame(shown.view)
    return to_json(frame), to_plain(frame)


def kept(session: Session) -> dict[str, object]:
    """What of a session a script brings back."""
    talk = session.talk
    editor = (session.editor.is_open, session.editor.caret, session.editor.draft)
    stage = None if talk is None else (talk.number, dict(talk.last_views), talk.black, talk.big)
    tried = {place: (one.answer, one.rungs, one.is_solved) for place, one in session.learner.attempts}
    return {
        "talk": stage, "attempts": tried, "editor": editor, "view": session.view, "history": session.history,
        "trail": session.trail, "control": session.selection.control, "settings": session.learner.settings,
    }  # fmt: skip


def law_undo_takes_a_change_back(step: Step) -> None:
    before, done = step.before, step.done
    if len(done.history.past) > len(before.history.past):
        undone = run(done, "undo")
        assert replace(undone.view, row=before.view.row) == before.view  # a row's digit selects it, too
        assert undone.history.past == before.history.past
        assert run(undone, "redo").view == done.view
    elif step.text == "undo":
        assert run(done, "redo").view == before.view


def law_a_step_on_and_one_back_is_none(step: Step) -> None:
    session = step.after
    ground = session.navigation
    if session.talk is not None:
        there = run(session, "stage.next")
        if there.view != session.view:
            back = run(ensure_run(there), "stage.back")
            assert (back.view, require_talk(back).number) == (session.view, require_talk(session).number)
    if ground is not None and ground.path:
        number, steps = player.position(session.view, ground)
        if number < steps:
            back = run(ensure_run(run(session, "forward")), "back")
            assert player.position(back.view, ground) == (number, steps)
            assert back.view.depth == session.view.depth


def law_a_command_that_waits_for_no_run_needs_none(step: Step) -> None:
    if find_command(step.text).waits is Wait.FOR_KEYS and not step.before.awaits(step.text):
        without = run(replace(step.before, last_run=None), step.text)
        assert without.view == step.done.view
        assert without.history == step.done.history


def law_nothing_leads_out_of_a_deck(step: Step) -> None:
    if step.before.talk is not None:
        talk = require_talk(step.after)
        assert step.after.view.lesson is talk.stop.lesson
        assert not find_command(step.text).leaves_deck


def law_a_view_is_reopened_by_its_command(step: Step) -> None:
    session = ensure_run(step.after)
    if session.talk is None:
        words = arguments(session.reopening_view)
        view = opening_view(words)
    else:
        words = reopening_words(session)
        flags = present_command.parser().read(words[1:])
        assert flags.stop == session.talk.number
        named = flags_at(session.talk.stop, flags.words, present_command.parser())
        view = start_view(view_of(named, session.talk.stop.lesson), named)
    frame = open_view(view).frame(view)
    assert (to_json(frame), to_plain(frame)) == pictures(session), words


LAWS = (
    law_undo_takes_a_change_back,
    law_a_step_on_and_one_back_is_none,
    law_a_command_that_waits_for_no_run_needs_none,
    law_nothing_leads_out_of_a_deck,
    law_a_view_is_reopened_by_its_command,
)


@pytest.mark.parametrize("kind", thin([*KINDS, *MADE], 3))
@settings(max_examples=4)
@given(data=st.data())
def test_laws_hold_along_a_walk(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    start = begun(kind, tmp_path_factory.getbasetemp())
    walked = walk(start, data.draw, data.draw(st.integers(1, 8)))
    for step in walked.steps:
        for law in LAWS:
            law(step)
    again, end = last_session(parse_script(walked.script, "walk.steps")), walked.end
    assert kept(again) == kept(end), walked.script
    assert pictures(again) == pictures(end), walked.script


def test_a_script_goes_on_from_the_last_box_as_from_the_last_step(tmp_path: Path) -> None:
    session = ensure_run(begun("slices", tmp_path))
    stop, recorder = session.view.stop, ScriptRecorder(session.view)
    for text in ("map", "map.down", "map.down"):
        done = run(session, text)
        recorder.add_command(session, text, done)
        session = ensure_run(done, session)
    assert session.view.stop == stop + 1
    again = last_session(parse_script(recorder.text(session), "x.steps"))
    assert kept(again) == kept(session)


@pytest.mark.parametrize("kind", [*KINDS, *MADE])
def test_a_command_is_harmless_where_it_is_not_live(kind: str, tmp_path: Path) -> None:
    start = ensure_run(begun(kind, tmp_path))
    for session in (
        start,
        replace(start, last_run=None),
        start.with_choice(start.view.lesson.slug),
        replace(start, lessons=(find("dot"),)),  # what is open was not among them
    ):
        for command in COMMANDS:
            if command.run is not None and (command.when is not Context.PRESENTATION or session.talk):
                assert isinstance(command.run(session), Session)


def test_a_click_on_a_picture_that_has_gone_is_harmless(tmp_path: Path) -> None:
    sessions = {kind: ensure_run(begun(kind, tmp_path)) for kind in (*KINDS, *MADE)}
    clicks = {text for session in sessions.values() for text in texts(session) if ":" in text}
    moved = [text.split(":")[1] for text in clicks if text.startswith("set:")]
    clicks |= {f"pick:{name}" for name in moved}
    clicks = {text for text in clicks if not text.startswith(("answer:", "stage."))}
    clicks |= {"stop:99", "node:99999", "module:gone", "row:99", "box:99", "cell:9,9:gone", "go:99999"}
    for kind, session in sessions.items():
        for text in sorted(clicks):
            assert isinstance(run(session, text), Session), (kind, text)
