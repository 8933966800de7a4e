"""The colours of a picture's tensors: a colour is a thing, the same in every picture and formula."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from llm_linalg.base.constants import HUES

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.lessons.lesson import Lesson
    from tui.model.frame import Frame
    from tui.text.formula_spans import NameHues

NO_HUE = ""


def colours_on_device(colours: Iterable[tuple[str, Sequence[str]]], device: int) -> dict[str, str]:
    """Return the colour of each name on a device, where a lesson may give a tensor one for each device.

    What another device sent is called after it, such as `mine_1`, and has the colour of that one.
    """
    by_name = {}
    for name, hues in colours:
        if len(hues) > 1:
            by_name.update({f"{name}_{other}": hue for other, hue in enumerate(hues)})
        by_name[name] = hues[device % len(hues)]
    return by_name


def hues_of(node: NodeView, declared: Mapping[str, str]) -> tuple[str, ...]:
    """Return the roles of the colours of a node's operands and, as the last, of its result.

    A tensor for which the lesson declares a colour has that, and so has what only moves its cells. The other
    tensors of a product have one each, in the order of the operands; those of other operations have none.
    """
    nodes = [*(operand.node for operand in node.operands), node.node]
    names = [_declared_hue(one, declared) for one in nodes]
    if node.node.kind == "contraction":
        names = list(_filled(names, {*declared.values()}))
    return tuple(_role(name) for name in names)


def name_hues(lesson: Lesson, frame: Frame | None) -> NameHues:
    """Return the colours of names, for formulas: of the tensors of a picture, and those that are declared."""
    shown = () if frame is None else frame.stage.panels
    by_name = {name: _role(hue) for name, hue in colours_on_device(lesson.colours, 0).items()}
    return tuple((by_name | {panel.name: panel.hue for panel in shown if panel.hue}).items())


def _role(hue: str) -> str:
    return f"slice-{HUES.index(hue)}" if hue else NO_HUE


def _filled(names: Sequence[str], taken: Collection[str]) -> Iterator[str]:
    """Yield colours, those that are missing filled with the first that no other tensor of the lesson has."""
    free = iter([hue for hue in HUES if hue not in taken])
    for name in names:
        yield name or next(free, NO_HUE)


def _declared_hue(node: Node, declared: Mapping[str, str]) -> str:
    """Return the colour that a lesson declares for a tensor, or for the one whose cells it moves."""
    while (node.bound_name or "") not in declared:
        if node.kind != "movement" or len(node.operands) != 1:
            return NO_HUE
        node = node.operands[0].node
    return declared[node.bound_name or ""]
