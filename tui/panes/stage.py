"""The stage: the matrices of a frame where the layout puts them, with their labels."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.geometry import Offset

from tui.frame import Arrangement, Panel
from tui.layout import Layout, arrange
from tui.picture import Picture
from tui.widgets.lines import Lines
from tui.widgets.matrix import Matrix
from tui.widgets.rows import Row, Span

LABEL_ROLES = {"title": "title", "sign": "label", "window": "dim", "caption": "dim"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Some panels in a part of the stage."""

    panels: tuple[Panel, ...]
    layout: Layout
    x: int
    caption: str


def scenes(picture: Picture, width: int, height: int) -> list[Scene]:
    """What stands on the stage: the frame's panels, and beside a failed program the last good picture."""
    frame = picture.frame
    if frame is None:
        return []
    good = frame.error.good if frame.error is not None else None
    if good is None or not good.panels:
        return [_scene(frame.panels, frame.arrangement, 0, width, height, "")]
    if not frame.panels:
        return [_scene(good.panels, good.arrangement, 0, width, height - 1, "the last good picture")]
    half = width // 2
    return [
        _scene(frame.panels, frame.arrangement, 0, half - 1, height - 1, "this fails"),
        _scene(
            good.panels, good.arrangement, half + 1, width - half - 1, height - 1, "the last good picture"
        ),
    ]


def _scene(
    panels: tuple[Panel, ...], arrangement: Arrangement, x: int, width: int, height: int, caption: str
) -> Scene:
    return Scene(panels, arrange(panels, arrangement, max(1, width), max(1, height)), x, caption)


class StagePane(Lines):
    """Labels on its own rows; each matrix is a widget of its own above them."""

    DEFAULT_CSS = "StagePane { height: 1fr; layout: vertical; overflow: hidden hidden; }"

    def __init__(self) -> None:
        super().__init__()
        self._matrices: list[Matrix] = []

    def show_picture(self, picture: Picture) -> None:
        """Shows the panels; only a change of the layout moves a widget."""
        width, height = picture.room.main, picture.room.stage
        shown = scenes(picture, width, height)
        self.show(labels(shown, height))
        wanted = [(scene, slot) for scene in shown for slot in scene.layout.slots]
        fresh = [Matrix() for _ in range(len(wanted) - len(self._matrices))]
        if fresh:
            self._matrices += fresh
            self.mount(*fresh)
        for matrix, (scene, slot) in zip(self._matrices, wanted, strict=False):
            self._put(matrix, slot.x + scene.x, slot.y + bool(scene.caption), slot.width, slot.height)
            matrix.show(scene.panels[slot.panel], slot, picture.session.view.look)
        for matrix in self._matrices[len(wanted) :]:
            if matrix.display:
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


def labels(shown: list[Scene], height: int) -> list[Row]:
    """The labels of the scenes as rows of the stage."""
    lines: list[list[tuple[int, str, str]]] = [[] for _ in range(height)]
    for scene in shown:
        down = bool(scene.caption)
        if scene.caption:
            lines[0].append((scene.x, scene.caption, "caption"))
        for label in scene.layout.labels:
            if 0 <= label.y + down < height:
                lines[label.y + down].append((label.x + scene.x, label.text, label.kind))
    return [_row(sorted(line)) for line in lines]


def _row(words: list[tuple[int, str, str]]) -> Row:
    spans: list[Span] = []
    x = 0
    for start, text, kind in words:
        if start > x:
            spans.append(Span(" " * (start - x)))
        spans.append(Span(text, LABEL_ROLES.get(kind, "label")))
        x = max(x, start) + cell_len(text)
    return tuple(spans)
