"""The actions of the map's words: go to a box, follow a cell through the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from llm_linalg.lessons.stop import FollowedCell
from tui.model.usage_error import UsageError
from tui.navigation import map_moves
from tui.session.script.actions import Action, key, one_of
from tui.session.session import Session


def to_box(session: Session, rest: Sequence[str]) -> Session:
    """Go to a box of the map, by the names that lead to it."""
    navigation = session.navigation
    if navigation is None or not navigation.path:
        raise UsageError("there is no map here")
    if len(rest) != 1:
        raise UsageError("which box? its name, or the names that lead to it: box block:1/attention")
    path: tuple[str, ...] = ()
    for name in rest[0].split("/"):
        path = (*path, one_of([name], "box", navigation.boxes(path)))
    return session.at_view(replace(session.view, depth="map", box=path, cursor=None))


def ask(session: Session, rest: Sequence[str]) -> str | Session:
    """Put the cell cursor on what a row of a board shows, or a box of the map gives."""
    return key("map.ask" if session.view.depth == "map" else "board.ask")(session, rest)


def follow_cell(way: Literal["lineage", "reach"]) -> Action:
    """Follow a cell through the program: the one named, or the one under the cursor; or none."""

    def act(session: Session, rest: Sequence[str]) -> Session:
        from tui.compose.cell_following import followable

        run_ = session.current
        if run_ is None or session.navigation is None:
            raise UsageError("there are no cells here")
        if tuple(rest) == ("none",):
            return session.at_view(replace(session.view, follows=None))
        found = followable(run_, session.view)
        if rest:
            if not all(word.isdecimal() and len(word) < 10 for word in rest[1:]):
                raise UsageError(f"which cell? its tensor and indices, such as {way} Y 1 2")
            found = FollowedCell(way, rest[0], tuple(map(int, rest[1:])))
        if found is None:
            raise UsageError(f"which cell? the one under the cursor, or its name and indices: {way} Y 1 2")
        lit = replace(session.view, follows=found._replace(way=way))
        said = run_.lineages.refusal(lit)
        if said:
            raise UsageError(said)
        there = (
            lit if lit.depth == "map" else map_moves.onto(lit, session.navigation, session.navigation.path)
        )
        return session.at_view(there)

    return act
