"""The looks that are drawn, in the order in which a key takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_linalg.base.constants import LOOK_NAMES, LookName
from tui.looks.bars import BARS
from tui.looks.curve import CURVE
from tui.looks.device_boxes import DEVICES
from tui.looks.look import Look, LookInput
from tui.looks.plane_drawing import PLANE
from tui.looks.symbols import SYMBOLS
from tui.looks.top import TOP
from tui.looks.weave_drawing import WEAVE
from tui.model.drawing import Drawing
from tui.model.frame import CELL_LOOKS

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView

LOOKS: tuple[Look, ...] = (PLANE, BARS, CURVE, WEAVE, SYMBOLS, TOP, DEVICES)
_BY_NAME = {look.name: look for look in LOOKS}


def looks_of(node: NodeView, level: Sequence[Node]) -> tuple[LookName, ...]:
    """Return the looks that a node has, among the operations of its level."""
    if node.node.dropped:
        return CELL_LOOKS
    drawn = {look.name for look in LOOKS if look.suits(node, level)}
    return tuple(name for name in LOOK_NAMES if name in drawn or name in CELL_LOOKS)


def drawing_of(name: LookName, given: LookInput) -> Drawing | None:
    """Return the drawing of a look that the node has; None for a look at its cells."""
    look = _BY_NAME.get(name)
    return None if look is None else look.draw(given)
