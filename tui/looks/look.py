"""What a look is: a name, the nodes that have it, and the drawing of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.constants import LookName
from tui.model.drawing import Drawing
from tui.model.frame import Panel

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.tensor_view import TensorView
    from llm_linalg.base.axis_labels import TensorLabels


@dataclass(frozen=True, slots=True, eq=False)
class LookInput:
    """What a drawing is made from.

    Attributes:
        node: The node, with its operands and its result as the step leaves them.
        panels: The panels that would show the numbers: the operands in order, the result, and what stands
            beside. Their cells know what is computed, lit and masked, and their numbers as text.
        beside: The nodes that the stop shows together with it.
        level: The operations of the node's level, in the order in which they ran.
        axis_names: Returns the axis names and labels of any node of the program.
        ascii_only: Whether to draw in ASCII.
    """

    node: NodeView
    panels: tuple[Panel, ...]
    beside: tuple[NodeView, ...]
    level: Sequence[Node]
    axis_names: Callable[[Node], TensorLabels]
    ascii_only: bool

    @property
    def tensors(self) -> list[tuple[Panel, TensorView]]:
        """The panels with their tensors: operands, result, and the results beside."""
        shown = [panel for panel in self.panels if panel.role != "margin"]
        tensors = [*self.node.operands, self.node.result, *(other.result for other in self.beside)]
        return list(zip(shown, tensors, strict=True))

    @property
    def operands(self) -> tuple[Panel, ...]:
        """The operands' panels."""
        return self.panels[: len(self.node.operands)]

    @property
    def result(self) -> Panel:
        """The result's panel."""
        return self.panels[len(self.node.operands)]

    @property
    def progress(self) -> float:
        """The part of the steps that is done, from 0 to 1; 1 where the whole result is shown."""
        return 1.0 if not self.node.steps else (self.node.position + 1) / self.node.steps


class Look(NamedTuple):
    """A look that is drawn.

    Attributes:
        name: Its name, one of `LOOK_NAMES`.
        suits: Whether a complete node, among the operations of its level, has the look. It is asked once a
            node, so it may read all values of the node, if they are few.
        draw: Return the drawing of a node that has the look, at a step.
    """

    name: LookName
    suits: Callable[[NodeView, Sequence[Node]], bool]
    draw: Callable[[LookInput], Drawing]
