"""Stops of a lesson, their boards, and headings of a document's outline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from llm_linalg.base.constants import LookName
from llm_linalg.base.text import NOTHING, CleanText
from llm_linalg.questions.question import Ask, Exercise

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace


class FollowedCell(NamedTuple):
    """A cell whose dependences are followed through the whole program."""

    way: Literal["lineage", "reach"]  # `lineage`, back to what it depends on, or `reach`, on to what it feeds
    name: str  # the node's name; `x:1` for the first of several
    position: tuple[int, ...]  # the index of the cell


class BoardRow(NamedTuple):
    """One live cell of a board."""

    label: CleanText  # its title
    name: str | None  # the tensor of the program that it shows, or None
    lesson: str  # the slug of the lesson that it opens
    words: CleanText  # its meaning in linear algebra, in a few words
    apart: bool  # whether it is below the `---`: on the board, but not in the chain
    line: int  # its line in the file, from 1


class Board(NamedTuple):
    """A list of live cells, or a chain of boxes."""

    rows: tuple[BoardRow, ...]
    chain: bool = False


class Stop(NamedTuple):
    """One idea: a few sentences and a program.

    Attributes:
        number: Its number in the lesson, from 1.
        title: The heading above it, or the lesson's title.
        prose: Markdown, with a line for each block and a blank line between paragraphs.
        code: The program in its own fence; empty for a stop of prose alone.
        above: The fences above it that its own program continues.
        show: The name of the node to show; None for the last.
        beside: The names of nodes to show together with it.
        order: The loop order to begin with, or None.
        steps: The first and the last step to play, from 1, or None for all.
        margin: The summary beside each row of the result: `sum`, `mean`, `max` or `min`; or None.
        fails: Whether the program is meant to fail.
        backward: Whether to show the gradient program; `show` and `beside` are then names in it.
        ranks: The number of devices that the program runs on; 0 for a program that uses none.
        map: The path of the box of the map with which it opens; None to open off the map.
        follow: The cell whose lineage or reach is shown when it opens, or None.
        line: The line, from 1, of its fence in the file, or of its prose if it has none.
        board: The board that it shows in place of one node, or None.
        refusals: Of a document's cell the lines, from 1, of what is not run since it is no Python, and why.
        notes: The speaker's notes, as prose.
        minutes: Its planned length in a presentation, or None.
        expects: Claims about the state after its program: the file's line, from 1, and an expression.
        slide: Whether it is a slide: prose alone.
        ask: The guess that is asked for before its picture moves, or None.
        exercise: The exercise that it is, or None; its code is then the exercise's setup.
        look: The look in which its picture opens, or None.
        saved: Of a notebook's cell, the outputs that the notebook has saved, as text.
    """

    number: int
    title: CleanText
    prose: CleanText = NOTHING
    code: str = ""
    above: tuple[str, ...] = ()
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
    refusals: tuple[tuple[int, str], ...] = ()
    notes: CleanText = NOTHING
    minutes: float | None = None
    expects: tuple[tuple[int, str], ...] = ()
    slide: bool = False
    ask: Ask | None = None
    exercise: Exercise | None = None
    look: LookName | None = None
    saved: CleanText = NOTHING

    @property
    def refusal(self) -> str | None:
        """Why a document's cell, or a statement of it, is not run; None if nothing is against it."""
        return self.refusals[0][1] if self.refusals else None

    @property
    def program(self) -> str:
        """The program to run: the fences above it that it continues, and its own; empty for a slide."""
        return "" if self.slide else "\n".join((*self.above, *filter(None, [self.code])))

    def continues(self, other: Stop) -> bool:
        """Return whether its program begins with that of a stop above it.

        One that fails is left out, and on one device what several devices ran.
        """
        return not other.fails and other.exercise is None and (self.ranks > 0 or not other.ranks)

    def trace_to_show(self, trace: Trace) -> Trace | None:
        """Return the trace to show, that of the program or of its gradient; None without a gradient.

        Raises:
            LookupError: If the gradient flows through what has none, or none that is known.
        """
        if not self.backward:
            return trace
        return None if trace.loss is None else trace.backward(trace.loss)


class Heading(NamedTuple):
    """A heading in a document's outline: its level, from 1, its text, and the number of its stop."""

    level: int
    title: CleanText
    stop: int
