"""What the frames of a run show of its nodes and cells, and the looks in which its nodes are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean
from tui.compose.cursor import CursorCell

if TYPE_CHECKING:
    from llm_linalg.analysis.axis_names import AxisNaming
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.axis_labels import TensorLabels
    from llm_linalg.base.constants import LookName
    from llm_linalg.lessons.lesson import Lesson
    from tui.compose.pictures import PictureInput
    from tui.model.frame import Frame
    from tui.model.view import View

WORD = 24  # characters of a label


class NodeViews:
    """The views of a run's nodes: in its program, in its backward pass and in the parts of composites.

    Args:
        lesson: The lesson, which may declare axes, or have words for them.
        trace: The program's trace; None if it failed.
    """

    def __init__(self, lesson: Lesson, trace: Trace | None) -> None:
        self._lesson = lesson
        self._trace = trace

    def of(self, node: Node, order: str | None = None, step: int | None = None) -> NodeView:
        """Return the view of a node, whole or at a step of an order."""
        from llm_linalg.api.node_view import node_view

        return node_view(node, order, step, self.axis_names)

    def maker_of(self, cell: CursorCell) -> NodeView:
        """Return the view of the node that made the cell under the cursor, at the step that completes it."""
        node = cell.tensor.node
        order = node.orders[0]
        return self.of(node, order, node.walk(order).locate(cell.index))

    def axis_names(self, node: Node) -> TensorLabels:
        """Return the names of the axes of a node's result; () where nothing names any."""
        return () if self._naming is None else self._naming.of(node)

    @cached_property
    def _naming(self) -> AxisNaming | None:
        from llm_linalg.analysis.axis_names import AxisNaming
        from llm_linalg.lessons.words import named_axes

        if self._trace is None:
            return None
        if any(self._lesson.words):
            return AxisNaming(named_axes(self._lesson.words, self._trace), {})
        if not self._lesson.axis_declarations:
            return None
        lists = {name: [clean(word, WORD) for word in words] for name, words in self._trace.lists.items()}
        return AxisNaming(self._lesson.axis_declarations, lists)


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
