"""What a stop of a lesson is, and a heading of a document's outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from llm_linalg.lessons.board import Board

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace


@dataclass(frozen=True, slots=True)
class FollowedCell:
    """A cell that is followed through the whole program.

    Attributes:
        way: ``lineage``, back to what it depends on, or ``reach``, on to what it feeds.
        name: The node's name; one of several of that name as ``x:1``.
        index: The cell.
    """

    way: Literal["lineage", "reach"]
    name: str
    index: tuple[int, ...]


class Stop(NamedTuple):
    """One idea: a few sentences and a program.

    Attributes:
        number: From 1.
        title: The heading above it, or the lesson's title.
        prose: Markdown; a paragraph is one line, a blank line stands between two.
        code: The program of its own fence; empty for a stop of prose alone.
        program: What runs: the fences above it that do not fail, and its own; nothing for prose alone.
        show: The node to show, by name; None means the last one.
        beside: Nodes shown together with it.
        order: The loop order to begin with, or None.
        steps: The first and the last step to play, from 1, or None for all.
        margin: What stands beside each row of the result: its ``sum``, ``mean``, ``max`` or ``min``; or None.
        fails: Whether the program is meant to fail.
        backward: Whether it shows the gradient program of its own: the nodes named are that one's.
        ranks: On how many devices its program runs together; 0 for one that knows of none.
        map: The box of the map with which it opens, by the names that lead to it; None: not on the map.
        follow: The cell that is followed when it opens, or None.
        line: The line of the fence in the file (of the prose, without a fence), from 1.
        board: What it shows in place of one node, or None.
        refusal: Of a document's cell that the language refuses as it stands: the reason.
        notes: What the speaker reads at it, as prose.
        minutes: How long it is meant to take on stage, or None.
        expects: What is claimed of the state after its program: the file's line, from 1, and an expression.
        slide: Whether it is prose alone: a slide, on a stage and elsewhere.
    """

    number: int
    title: str
    prose: str = ""
    code: str = ""
    program: str = ""
    show: str | None = None
    beside: tuple[str, ...] = ()
    order: str | None = None
    steps: tuple[int, int] | None = None
    margin: str | None = None
    fails: bool = False
    backward: bool = False
    ranks: int = 0
    map: tuple[str, ...] | None = None
    follow: FollowedCell | None = None
    line: int = 1
    board: Board | None = None
    refusal: str | None = None
    notes: str = ""
    minutes: float | None = None
    expects: tuple[tuple[int, str], ...] = ()
    slide: bool = False

    def trace_to_show(self, trace: Trace) -> Trace | None:
        """The trace whose nodes it names: the program's or its gradient program; None where there is none."""
        if not self.backward:
            return trace
        return None if trace.loss is None else trace.backward(trace.loss)


class Heading(NamedTuple):
    """An entry of a document's outline: its level from 1, its text, and the stop that it leads to."""

    level: int
    title: str
    stop: int
