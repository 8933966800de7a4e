"""The rows of the stage, by what is on it: a slide, a board, the map, a document's cell, or panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tui.layout.pane_sizes import Picture
from tui.model.board_view import BoardView
from tui.panes.board_pane import board_rows
from tui.panes.cell_rows import cell_rows, shows_cell
from tui.panes.map_pane import map_rows
from tui.panes.slide_pane import slide_rows
from tui.panes.stage_areas import StageArea, areas, labels
from tui.text.glyphs import Glyphs
from tui.text.large import ACROSS, DOWN, enlarge_rows
from tui.text.rows import Row


@dataclass(frozen=True, slots=True)
class StageRoom:
    """The stage of a picture, and its room in letters.

    Attributes:
        picture: The picture.
        glyphs: The characters in force.
        big: Whether letters are large, as they are on no board.
        across: The columns of a letter.
        down: Its rows.
    """

    picture: Picture
    glyphs: Glyphs
    big: bool
    across: int
    down: int

    @classmethod
    def of(cls, picture: Picture, glyphs: Glyphs) -> StageRoom:
        """Return the stage of a picture."""
        board = None if picture.frame is None else picture.frame.stage.board
        big = picture.room.big and board is None
        return cls(picture, glyphs, big, *((ACROSS, DOWN) if big else (1, 1)))

    @property
    def width(self) -> int:
        """The letters of a row."""
        return self.picture.room.main // self.across

    @property
    def height(self) -> int:
        """The rows of letters."""
        return self.picture.room.stage // self.down

    @property
    def areas(self) -> list[StageArea]:
        """The areas of panels."""
        return areas(self.picture, self.width, self.height)

    def enlarge(self, rows: list[Row]) -> list[Row]:
        """Return rows of letters as they are shown."""
        return enlarge_rows(rows) if self.big else rows


def stage_rows(stage: StageRoom, shown: list[StageArea]) -> list[Row]:
    """Return the rows of what is on the stage; of panels, their labels around the areas that are shown."""
    rows = (rows_of(stage) for rows_of in KINDS)
    own = next((own for own in rows if own is not None), None)
    return stage.enlarge(labels(shown, stage.height)) if own is None else own


def _slide(stage: StageRoom) -> list[Row] | None:
    slide, room = stage.picture.slide, stage.picture.room
    if slide is None:
        return None
    return slide_rows(*slide, room.main, room.stage, big=room.big, glyphs=stage.glyphs)


def _board(stage: StageRoom) -> list[Row] | None:
    frame = stage.picture.frame
    board = None if frame is None else frame.stage.board
    if board is None:
        return None
    return board_rows(_shown_board(board, stage), stage.width, stage.height, stage.glyphs)


def _shown_board(board: BoardView, stage: StageRoom) -> BoardView:
    """Return a board as it is shown: without what a guess is asked about, and on a stage without keys."""
    ask = None if stage.picture.frame is None else stage.picture.frame.ask
    if ask is not None and ask.is_asked and ask.guess is None:
        board = replace(board.without_values(ask.check, stage.glyphs.text("·")), has_digits=False)
    return board.on_stage if stage.picture.session.talk is not None else board


def _map(stage: StageRoom) -> list[Row] | None:
    picture = stage.picture
    level = None if picture.frame is None else picture.frame.stage.map
    if level is None:
        return None
    progress = picture.session.learner.progress
    rows = map_rows(level, stage.width, stage.height, stage.glyphs, large=stage.big, progress=progress)
    return stage.enlarge(rows)


def _cell(stage: StageRoom) -> list[Row] | None:
    frame, room = stage.picture.frame, stage.picture.room
    if frame is None or not shows_cell(frame):
        return None
    return cell_rows(frame, room.main, room.stage, stage.glyphs)


KINDS: tuple[Callable[[StageRoom], list[Row] | None], ...] = (_slide, _board, _map, _cell)
"""What may be on the stage in place of panels: each gives its rows, or None if that is not there."""
