"""The frame: everything that one picture shows, as immutable values.

A frame never changes and knows no widget. Its texts are clean, whoever wrote them. The cells of a `Panel` are
read a window at a time, so that a frame of a 4096 × 4096 tensor costs no more than what is drawn of it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from llm_linalg.base.axis_labels import AxisLabels, TensorLabels
from llm_linalg.base.cells import TensorSlice
from llm_linalg.base.constants import LookName
from llm_linalg.base.text import NOTHING, CleanText, clean
from tui.model.board_view import BoardView
from tui.model.drawing import Drawing
from tui.model.map_view import MapView
from tui.model.notebook_cell import NotebookCell
from tui.model.question_view import AskView, ExerciseView

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.base.errors import ProgramError

Index = tuple[int, ...]
Number = float | int | bool | complex
CELL_LOOKS: tuple[LookName, ...] = ("numbers", "heat", "both")
"""Looks that every tensor has: its cells, as numbers or colours."""
Role = Literal["left", "top", "result", "operand", "addend", "sibling", "margin"]
Arrangement = Literal["falk", "row", "column"]
TermState = Literal["plain", "done", "current", "pending", "error"]


class StagePlace(NamedTuple):
    """Where a frame stands in a deck.

    Attributes:
        deck: The deck's title.
        stop: The stop's number in the deck, from 1.
        stops: How many the deck has.
        title: What the deck calls the stop.
        source: The lesson and the stop that are shown, where they are called otherwise.
    """

    deck: str
    stop: int
    stops: int
    title: str
    source: str = ""


class Story(NamedTuple):
    """What stays on the screen while a stop's picture moves: its title and first sentence, as Markdown."""

    title: CleanText
    text: CleanText


class CellMark(enum.Flag):
    """The states of a cell, of which it may have several at once."""

    NONE = 0
    READ = enum.auto()  # read by this step
    FACTOR = enum.auto()  # read by the current term of this step
    WRITE = enum.auto()  # written by this step
    CURSOR = enum.auto()  # under the cell cursor
    SOURCE = enum.auto()  # the cell under the cursor was made of it
    CONSUMER = enum.auto()  # the cell under the cursor feeds it
    MASKED = enum.auto()  # hidden by a mask
    CLASH = enum.auto()  # lies along an axis that does not match
    PENDING = enum.auto()  # not yet computed

    @property
    def role(self) -> str:
        """The role that a cell with these marks is drawn in: the most particular one."""
        return _role(self)

    @property
    def brackets(self) -> str:
        """The two characters that stand around its number, spaces if there are none."""
        return _brackets(self)


@cache
def _role(mark: CellMark) -> str:
    return next((role for flag, role, _ in _MARKS if mark & flag and role), "")


@cache
def _brackets(mark: CellMark) -> str:
    return next((pair for flag, _, pair in _MARKS if mark & flag and pair), "  ")


# Marks, the most particular first, with the role and the brackets that they are drawn in.
_MARKS = (
    (CellMark.CURSOR, "cursor", "><"),
    (CellMark.CLASH, "clash", "!!"),
    (CellMark.FACTOR, "factor", "[]"),
    (CellMark.WRITE, "write", "[]"),
    (CellMark.SOURCE, "made", "()"),
    (CellMark.CONSUMER, "fed", "{}"),
    (CellMark.READ, "read", ""),
    (CellMark.MASKED, "masked", ""),
    (CellMark.PENDING, "pending", ""),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as drawn: its number without brackets, its level in the colour range, and its marks."""

    text: str
    level: float | None  # −1 … 1, the value over the range that the colours map; None: nothing to colour
    mark: CellMark


class CellSource(Protocol):
    """The cells of a panel, read a window at a time: nothing outside the window is computed."""

    def width(self, decimals: int) -> int:
        """Return the columns that the widest number needs at this many decimals, without brackets."""

    def values(self, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window; None where one is not yet computed."""

    def window(self, rows: range, columns: range, decimals: int = 4) -> tuple[tuple[Cell, ...], ...]:
        """Return the cells of a window as they are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One tensor, or the slice of it that is shown, as a grid of cells.

    `row_axis` and `column_axis` say which axes of the tensor run down and across (None: that side is 1
    cell); `at` is the index along the remaining axes, in order. A transposed panel has `row_axis >
    column_axis`.
    """

    name: str  # the tensor's name: what the cell cursor holds on to
    title: CleanText  # what stands beside it: "W", "Wᵀ", "Q[0, 1]"
    role: Role
    shape: tuple[int, ...]
    dtype: str
    row_axis: int | None
    column_axis: int | None
    at: Index
    cells: CellSource
    focus_rows: range = range(0)  # what must be in view
    focus_columns: range = range(0)
    sign: str = ""  # what stands before it: "+", "=", "→", "@"
    pending_glyph: str = "·"
    mask_glyph: str = "░"
    hue: str = ""  # the role of the tensor's own colour: of its title, and of its cells that are read
    reads_one_term: bool = False  # the cells in brackets are the current term of those that are read
    edges: TensorLabels = ()  # names and labels of the tensor's axes; () if there are none

    @property
    def colouring(self) -> tuple[str, bool]:
        """What decides the colours of cells with the same marks."""
        return self.hue, self.reads_one_term

    def role_of(self, mark: CellMark) -> str:
        """Return the role of a cell with these marks: while it is read it has the tensor's own colour.

        The current term of several is not the tensor's, but that of what is done now.
        """
        role = mark.role
        own = role == "read" or (role == "factor" and not self.reads_one_term)
        return f"read {self.hue}" if self.hue and own else role

    @property
    def rows(self) -> int:
        """Rows of the slice shown; 0 if the tensor has no slice, as another of its axes is empty."""
        if not self._has_slices:
            return 0
        return 1 if self.row_axis is None else self.shape[self.row_axis]

    @property
    def columns(self) -> int:
        """Columns of the slice shown."""
        return 1 if self.column_axis is None else self.shape[self.column_axis]

    @property
    def _has_slices(self) -> bool:
        shown = (self.row_axis, self.column_axis)
        return all(size for axis, size in enumerate(self.shape) if axis not in shown)

    @property
    def is_transposed(self) -> bool:
        """Whether the tensor is shown with rows and columns swapped."""
        return self.row_axis is not None and self.column_axis is not None and self.row_axis > self.column_axis

    @property
    def label(self) -> str:
        """The title with the shape, as it is shown: `W (2, 4)`, `Wᵀ (2, 6)`."""
        return self._label(list(map(str, self.shape)))

    @property
    def label_with_names(self) -> str:
        """The label with the names of the axes before their sizes: `S (query 4, key 4)`."""
        pairs = zip(self._names, self.shape, strict=True)
        return self._label([f"{name} {size}".lstrip() for name, size in pairs])

    @property
    def label_of_names(self) -> str:
        """The label with names in the place of sizes: `S (query, key)`."""
        return self._label([name or str(size) for name, size in zip(self._names, self.shape, strict=True)])

    @property
    def _names(self) -> list[str]:
        return [edge.name for edge in self.edges] or [""] * len(self.shape)

    def _label(self, sizes: list[str]) -> str:
        if self.row_axis is not None and self.column_axis is not None and self.is_transposed:
            sizes[self.row_axis], sizes[self.column_axis] = sizes[self.column_axis], sizes[self.row_axis]
        return f"{self.title} ({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    @property
    def row_edge(self) -> AxisLabels:
        """What runs down: its name, and a label for each row."""
        return self.edges[self.row_axis] if self.edges and self.row_axis is not None else AxisLabels()

    @property
    def column_edge(self) -> AxisLabels:
        """What runs across."""
        return self.edges[self.column_axis] if self.edges and self.column_axis is not None else AxisLabels()

    def width(self, decimals: int = 4) -> int:
        """Return the columns of a cell's number, without brackets."""
        return self.cells.width(decimals)

    def index(self, row: int, column: int) -> Index:
        """Return the tensor's index of the cell shown at `row`, `column`."""
        return TensorSlice(self.row_axis, self.column_axis, self.at).cell(row, column)

    def place(self, index: Index) -> tuple[int, int] | None:
        """Return the row and column at which a cell is shown; None if it is in another slice."""
        if len(index) != len(self.shape):
            return None
        shown = (self.row_axis, self.column_axis)
        if tuple(i for axis, i in enumerate(index) if axis not in shown) != self.at:
            return None
        row = 0 if self.row_axis is None else index[self.row_axis]
        return row, 0 if self.column_axis is None else index[self.column_axis]


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Name, operation, place, shape, dtype and evidence of the node shown."""

    name: CleanText
    op: str
    line: int
    shape: tuple[int, ...]
    dtype: str
    evidence: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """One control of the lesson, as shown: `m = 3`."""

    name: str
    label: CleanText
    kind: str  # "choice" | "int" | "float" | "list"
    text: CleanText
    key: str | None
    value: object  # what the program has under its name


@dataclass(frozen=True, slots=True)
class RepairFacts:
    """One repair that was run and worked; or another thing to do."""

    text: CleanText  # the source that replaces the expression
    shape: tuple[int, ...] | None  # of what that gives; None if it is no source
    why: CleanText


LAST_GOOD = clean("the last good picture")


@dataclass(frozen=True, slots=True, eq=False)
class ErrorView:
    """Why the program failed. For a shape error the frame's panels are the operands, clashing axes marked."""

    kind: str  # "ShapeError", "LimitError", …; of a notebook's cell "rests"; "unrun" for want of a lock
    sentence: CleanText
    line: int | None
    column: int | None
    caret: CleanText  # the source line and the caret under it; may be empty
    detail: CleanText  # torch's own words
    repairs: tuple[RepairFacts, ...]
    cause: ProgramError  # what the engine raised
    good: Frame | None = None  # the last good picture; of a run that was stopped, of what ran
    good_caption: CleanText = LAST_GOOD
    frames: tuple[CleanText, ...] = ()  # in trusted Python, what led to the call, outermost first


@dataclass(frozen=True, slots=True)
class CursorView:
    """The cell under the cursor: its value, its sources, and what it feeds."""

    name: str
    index: Index
    zero: CleanText  # "Y[1, 1]"
    one: CleanText  # "y₂₂"
    value: str  # full precision; "" where it is not yet computed
    mask_rule: str | None  # the rule that hides it
    sources: CleanText  # "x[1, 0], x[1, 1] and W[0, 1], W[1, 1]", or "" for an input
    formula: CleanText
    feeds: CleanText
    evidence: str
    maker: str | None  # the node that made it, where the cursor can follow
    where: CleanText = NOTHING  # its place by the names of the axes: "query saw, key cat"
    nan_reason: CleanText = NOTHING  # why it is no finite number
    relation: CleanText = NOTHING  # how it and the followed cell depend on each other

    @property
    def statement(self) -> tuple[str, str]:
        """What its value is, in two parts: a word, and the value."""
        return ("=", self.value) if self.value else ("is", "not yet computed")

    @property
    def lines(self) -> tuple[str, ...]:
        """The same as lines of text, most important first."""
        one = f"   ({self.one} counting from 1)" if self.index else ""
        first = f"{self.zero} {' '.join(self.statement)}{one}"
        rest = (
            self.where,
            self.relation,
            self.nan_reason,
            self.mask_rule,
            self.formula,
            self.sources and f"made from {self.sources}",
            self.feeds and f"feeds {self.feeds}",
            self.evidence and f"evidence: {self.evidence}",
        )
        return (first, *(line for line in rest if line))


FormulaLine = tuple[tuple[str, TermState], ...]


class LessonFacts(NamedTuple):
    """Where in which lesson a picture is.

    Attributes:
        slug: The lesson's.
        title: The lesson's.
        part: Its part, such as "3 Changing words".
        stop: The stop, from 1.
        stops: How many there are.
        stop_title: The stop's title.
        seed: The seed of the run.
        controls: The lesson's controls, at their values.
    """

    slug: CleanText
    title: CleanText
    part: CleanText
    stop: int
    stops: int
    stop_title: CleanText
    seed: int
    controls: tuple[ControlFacts, ...]


class Listing(NamedTuple):
    """The program beside a picture, and its output.

    Attributes:
        code: Its lines.
        line: The line, from 1, that is being shown.
        own_line: The line of the program itself, if `code` is that of its gradient.
        printed: The whole output.
        own_printed: The output of the stop's own lines, below those that it continues.
        cell: Of a document: the cell that the stop is.
    """

    code: tuple[CleanText, ...]
    line: int | None = None
    own_line: int | None = None
    printed: CleanText = NOTHING
    own_printed: CleanText = NOTHING
    cell: NotebookCell | None = None


class FramePlace(NamedTuple):
    """Where in a trace a picture is. `step` counts from 1; 0 is the picture before the first step.

    Attributes:
        path: The names from the trace down to the node, by which it is found.
        trail: The titles of the operations around the node.
        order: The loop order in force.
        orders: Those that the node has.
        step: The step.
        steps: How many there are.
        depth: How deep one is: map, operations, cells, terms.
        composite: Whether the node has parts to go into.
        backward: Whether it is the gradient program.
        has_backward: Whether there is a gradient program to show.
    """

    path: tuple[CleanText, ...] = ()
    trail: tuple[CleanText, ...] = ()
    order: str | None = None
    orders: tuple[str, ...] = ()
    step: int = 0
    steps: int = 0
    depth: str = "cells"
    composite: bool = False
    backward: bool = False
    has_backward: bool = False


class StagePicture(NamedTuple):
    """The picture on the stage.

    Attributes:
        panels: The tensors as grids of cells.
        arrangement: How the panels are placed.
        board: A board in place of panels.
        map: A level of the map in place of panels.
        drawing: The look's picture in place of panels; None: the cells themselves.
        look: How the panels are shown.
        looks: The looks that the node has.
        scales: Of heat: tensors, and what their full colour is, the result last.
        hues: Of the factors of a product in order, and of its result.
        legend: The meaning of a sign in the picture: "░ is 0".
        note: Anything else worth a line: "slice 0 of 8", "rounded".
    """

    panels: tuple[Panel, ...] = ()
    arrangement: Arrangement = "row"
    board: BoardView | None = None
    map: MapView | None = None
    drawing: Drawing | None = None
    look: LookName = "numbers"
    looks: tuple[LookName, ...] = CELL_LOOKS
    scales: tuple[tuple[str, str], ...] = ()
    hues: tuple[str, ...] = ()
    legend: str = ""
    note: str = ""

    def panel(self, name: str) -> Panel | None:
        """Return the first panel of that name."""
        return next((panel for panel in self.panels if panel.name == name), None)


class Captions(NamedTuple):
    """The words of a picture.

    Attributes:
        shape_line: The operation with its shapes.
        formula: The formula, in parts that have a state each.
        brief: The same on one line, without what stands between the terms and what they come to.
        sentence: How the step makes its cells, if the formula doesn't say that, after the reason.
        reason: Why the step gave no finite number.
        story: The stop's title and first sentence.
        prose: The stop's text.
    """

    shape_line: CleanText = NOTHING
    formula: tuple[FormulaLine, ...] = ()
    brief: FormulaLine = ()
    sentence: CleanText = NOTHING
    reason: CleanText = NOTHING
    story: Story = Story(NOTHING, NOTHING)
    prose: CleanText = NOTHING

    @property
    def formula_text(self) -> tuple[str, ...]:
        """The formula as plain lines."""
        return tuple("".join(text for text, _ in line) for line in self.formula)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture, and all that is said beside it.

    Attributes:
        lesson: Where in which lesson it is.
        listing: The program and its output.
        place: Where in the trace it is.
        stage: The picture itself.
        captions: Its words.
        node: The facts of the node that it shows.
        operation: The engine's view of that node.
        error: Why there is no picture, or none of this program.
        cursor: The cell under the cursor.
        ask: A guess that is asked for before the picture moves.
        exercise: What the stop asks to write.
    """

    lesson: LessonFacts
    listing: Listing
    place: FramePlace
    stage: StagePicture
    captions: Captions
    node: NodeFacts | None = None
    operation: NodeView | None = field(default=None, repr=False)
    error: ErrorView | None = None
    cursor: CursorView | None = None
    ask: AskView | None = None
    exercise: ExerciseView | None = None

    @property
    def moves(self) -> bool:
        """Whether it is a step of an animation, or is before the first."""
        return self.place.steps > 0 and self.place.depth in ("cells", "terms")

    @property
    def is_pending(self) -> bool:
        """Whether an animation has still to make a part of it."""
        return self.moves and self.place.step < self.place.steps
