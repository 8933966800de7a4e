"""The rows of the stage, by what is on it: a slide, a board, the map, a document's cell, or panels."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui.layout.pane_sizes import Picture
from tui.model.board_view import BoardView
from tui.panes.board_pane import board_rows
from tui.panes.cell_rows import cell_rows, shows_cell
from tui.panes.gallery_pane import gallery_rows
from tui.panes.map_pane import map_rows
from tui.panes.map_table_pane import table_rows
from tui.panes.slide_pane import slide_rows
from tui.panes.slide_pictures import PictureSource
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
        shades: Those of a picture on a slide, where the theme has no colours.
    """

    picture: Picture
    glyphs: Glyphs
    big: bool
    across: int
    down: int
    shades: str = ""

    @classmethod
    def of(cls, picture: Picture, glyphs: Glyphs, *, colourless: bool = False) -> StageRoom:
        """Return the stage of a picture."""
        board = None if picture.frame is None else picture.frame.stage.board
        big = picture.room.big and board is None
        letters = (ACROSS, DOWN) if big else (1, 1)
        return cls(picture, glyphs, big, *letters, glyphs.shades if colourless else "")

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


def stage_rows(stage: StageRoom, shown: list[StageArea]) -> list[Row]:
    """Return the rows of what is on the stage; of panels, their labels around the areas that are shown."""
    picture, room, glyphs = stage.picture, stage.picture.room, stage.glyphs
    if picture.slide is not None:
        hues, source = picture.name_hues, PictureSource(picture.session.view.lesson.path, stage.shades)
        return slide_rows(
            *picture.slide, room.main, room.stage, big=room.big, glyphs=glyphs, hues=hues, source=source
        )
    frame = picture.frame
    if frame is not None and frame.stage.board is not None:
        return board_rows(_shown_board(frame.stage.board, stage), stage.width, stage.height, glyphs)
    if frame is not None and frame.stage.map is not None:
        progress = picture.session.learner.progress
        level, table = frame.stage.map, frame.stage.map.table
        if level.gallery is not None:
            return gallery_rows(level.gallery, room.main, room.stage, glyphs)
        rows = (
            map_rows(level, stage.width, stage.height, glyphs, large=stage.big, progress=progress)
            if table is None
            else table_rows(table, stage.width, stage.height, glyphs)
        )
    elif frame is not None and shows_cell(frame):
        return cell_rows(frame, room.main, room.stage, glyphs)
    else:
        rows = labels(shown, stage.height)
    return enlarge_rows(rows) if stage.big else rows


def _shown_board(board: BoardView, stage: StageRoom) -> BoardView:
    """Return a board as it is shown: without what a guess is asked about, and on a stage without keys."""
    ask = None if stage.picture.frame is None else stage.picture.frame.ask
    if ask is not None and ask.is_asked and ask.guess is None:
        board = replace(board.without_values(ask.check, stage.glyphs.text("·")), has_digits=False)
    return board.on_stage if stage.picture.session.talk is not None else board
