"""The stage: the matrices of a frame where the layout puts them, with their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Offset

from tui.layout.pane_sizes import Picture
from tui.panes.drawing_motion import LONGEST, SHARE, DrawingMotion
from tui.session.door import bars_frame
from tui.text.large import ACROSS, DOWN, enlarge_rows
from tui.widgets.appearance import appearance_of
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from tui.widgets.matrix import Matrix


def _place(picture: Picture) -> tuple[object, ...]:
    """Return what a drawing is of: the operation in its order, whatever its step."""
    view, frame = picture.session.view, picture.frame
    path = () if frame is None else frame.place.path
    return (view.lesson.slug, view.stop, path, view.backward, None if frame is None else frame.place.order)


class StagePane(RowWidget):
    """Labels on its own rows; each matrix is a widget of its own above them."""

    DEFAULT_CSS = "StagePane { height: 1fr; layout: vertical; overflow: hidden hidden; }"

    def __init__(self) -> None:
        super().__init__()
        self.motion = DrawingMotion(self, self._show_drawing)
        self._matrices: list[Matrix] = []
        self._picture: Picture | None = None

    def show_picture(self, picture: Picture) -> None:
        """Show the panels; only a change of the layout moves a widget."""
        self._picture = picture
        drawing = None if picture.frame is None or picture.slide is not None else picture.frame.stage.drawing
        self.motion.follow(drawing, _place(picture), self._time_to_move(picture))
        if picture.session.door:
            self._show_door(picture)
            return
        if picture.frame is None and picture.slide is None and not self._matrices:
            # Nothing is there yet, nor imported before the first paint; a slide before it gives way.
            self.show([])
            return
        from tui.panes.stage_rows import StageRoom, stage_rows
        from tui.widgets.matrix import Matrix

        stage = StageRoom.of(picture, self.glyphs, colourless=self.theme.colourless)
        look = "numbers" if picture.frame is None else picture.frame.stage.look
        across, down = stage.across, stage.down
        shown = stage.areas if drawing is None and picture.slide is None else []
        if drawing is None:
            self.show(stage_rows(stage, shown))
        else:
            self._show_drawing()
        wanted = [(scene, slot) for scene in shown for slot in scene.layout.slots]
        fresh = [Matrix() for _ in range(len(wanted) - len(self._matrices))]
        if fresh:
            self._matrices += fresh
            self.mount(*fresh)
        for matrix, (scene, slot) in zip(self._matrices, wanted, strict=False):
            x, y = slot.x + scene.x, slot.y + bool(scene.caption)
            self._put(matrix, x * across, y * down, slot.width * across, slot.height * down)
            matrix.show_panel(scene.panels[slot.panel], slot, look, stage.big)
        for matrix in self._matrices[len(wanted) :]:
            if matrix.display:
                matrix.display = False
        for widget in (self, *self._matrices):
            widget.fade(bool(picture.waiting))  # what stands there is of the program before

    def _show_drawing(self) -> None:
        """Show the drawing, as far as it has moved, in the room of the picture."""
        picture, drawing = self._picture, self.motion.shown
        if picture is None or drawing is None:
            return
        width, height = picture.room.main, picture.room.stage
        if drawing.has_dots or not picture.room.big:
            self.show(drawing.rows(width, height))
        else:
            self.show(enlarge_rows(list(drawing.rows(width // ACROSS, height // DOWN))))

    def _time_to_move(self, picture: Picture) -> float:
        """Return the seconds that a drawing may take from one step to the next."""
        if not appearance_of(self.app).motion:
            return 0.0
        player = picture.session.player
        return SHARE * player.interval if player.playing else LONGEST

    def _show_door(self, picture: Picture) -> None:
        from tui.panes.door_pane import door_rows

        room, title = picture.room, picture.session.view.at_stop.title
        frame = bars_frame(picture.session, ascii_only=self.glyphs.plain)
        self.show(door_rows(title, frame, room.main, room.stage, self.glyphs, picture.waiting))
        for matrix in self._matrices:
            matrix.display = False

    @staticmethod
    def _put(matrix: Matrix, x: int, y: int, width: int, height: int) -> None:
        place = (x, y, width, height)
        if matrix.place != place:
            matrix.place = place
            matrix.styles.offset = Offset(x, y)
            matrix.styles.width = width
            matrix.styles.height = height
        if not matrix.display:
            matrix.display = True
