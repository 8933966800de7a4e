"""What takes a while is computed by a run, in its thread, and never at a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llm_linalg.api.trace import Trace
from llm_linalg.lessons.stop import FollowedCell
from tui.compose import key_budget
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.model.view import View
from tui.navigation.playground import playground_view
from tui.session.commands import COMMANDS
from tui.session.contexts import Context
from tui.session.session import EditorState, Session

PROGRAM = "x = torch.randn(3, 3)\ny = x @ x\nloss = y.sum()"
HEAVY = {
    "multiplications": ("x = torch.randn(500, 500)\ny = x @ x", "AT_A_KEY_MULTIPLICATIONS"),
    "cells": ("x = torch.randn(800, 800)\ny = x + 1", "AT_A_KEY_CELLS"),
    "operations": ("y = torch.zeros(2)\nfor i in range(501):\n    y = y + 1", "AT_A_KEY_OPERATIONS"),
}


@pytest.mark.parametrize(("program", "limit"), HEAVY.values(), ids=HEAVY)
def test_work_is_not_counted_in_operations_alone(program: str, limit: str) -> None:
    view = playground_view(f"{program}\nloss = y.sum()")
    assert open_view(view).passes.awaits(replace(view, backward=True)), limit


@pytest.mark.parametrize("way", ["backward", "lineage", "reach"])
def test_a_key_leaves_it_to_the_next_run(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view = playground_view(PROGRAM)
    opened = open_view(view)

    def computed(*_: object) -> None:
        raise AssertionError("at a key")

    with monkeypatch.context() as patch:
        patch.setattr(key_budget, "AT_A_KEY_CELLS", 1)
        for name in ("backward", "lineage", "reach", "influence", "effect"):
            patch.setattr(Trace, name, computed)
        asked = asked_view(opened, view, way)
        assert not opened.serves(asked)
    monkeypatch.setattr(key_budget, "AT_A_KEY_CELLS", 1)
    again = open_view(asked)
    assert again.serves(asked)
    frame = again.frame(asked)
    assert frame.place.backward if way == "backward" else again.lineages.of(asked) is not None


def asked_view(opened: Run, view: View, way: str) -> View:
    if way == "backward":
        asked = opened.passes.switch(view)
        assert isinstance(asked, View)
        return asked
    asked = replace(view, follows=FollowedCell("reach" if way == "reach" else "lineage", "y", (0, 0)))
    assert opened.lineages.refusal(asked) == ""
    return asked


def test_what_speaks_against_following_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_budget, "AT_A_KEY_CELLS", 1)
    view = replace(playground_view(PROGRAM), follows=FollowedCell("lineage", "y", (7, 7)))
    assert "there is no cell [7, 7]" in open_view(view).lineages.refusal(view)


@pytest.mark.parametrize("program", ["x = torch.ones(2) + torch.ones(3)", "x ="])
def test_no_command_minds_a_place_that_a_failed_run_does_not_have(program: str) -> None:
    view = replace(playground_view(program), path=("y", "z"), cursor=("x", (0, 0)), step=3)
    session = replace(Session.start(view, []), editor=EditorState(), last_run=open_view(view))
    for depth in ("cells", "operations", "map"):
        for one in COMMANDS:
            if one.run is not None and one.when is not Context.PRESENTATION:
                one.run(replace(session, view=replace(view, depth=depth)))
