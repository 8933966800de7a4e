"""The looks of a run's nodes, and a frame drawn in one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_linalg.api.node import Node
    from llm_linalg.illustrations.look_names import LookName
    from tui.compose.node_views import NodeViews
    from tui.compose.pictures import PictureInput
    from tui.model.frame import Frame
    from tui.model.view import View


class NodeLooks:
    """The looks that each node has, found once."""

    def __init__(self, views: NodeViews) -> None:
        self._views = views
        self._looks: dict[Node, tuple[LookName, ...]] = {}

    def of(self, node: Node, level: Sequence[Node]) -> tuple[LookName, ...]:
        """Return the looks of a node among those of its level."""
        from tui.looks.look_table import looks_of

        if node not in self._looks:
            self._looks[node] = looks_of(self._views.of(node), level)
        return self._looks[node]

    def draw(self, frame: Frame, view: View, level: Sequence[Node], picture: PictureInput) -> Frame:
        """Return a frame with the looks that its node has, drawn in the view's if that is one of them."""
        from tui.looks.look import LookInput
        from tui.looks.look_table import drawing_of

        node = picture.node
        looks = self.of(node.node, level)
        look = view.look if view.look in looks else frame.stage.look
        shown = self._views.of(node.node) if picture.whole else node  # no step of a whole is under way
        drawing = drawing_of(
            look,
            LookInput(
                shown,
                frame.stage.panels,
                picture.beside,
                level,
                self._views.axis_names,
                picture.ascii_only,
            ),
        )
        return replace(frame, stage=frame.stage._replace(look=look, looks=looks, drawing=drawing))
