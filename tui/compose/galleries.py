"""The attention heads of a run as a gallery, and the way from head to head in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, starmap
from typing import TYPE_CHECKING

from llm_linalg.base.axis_labels import AxisLabels
from llm_linalg.base.text import clean
from tui.compose.nodes import labels, path_of
from tui.model.frame import Cell, CellMark, CellSource, Number
from tui.model.gallery import Blocks, Gallery, GalleryLayer, HeadPicture, focus_text
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from llm_linalg.analysis.attention import Head
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from tui.compose.nodes import NodeNavigation
    from tui.compose.passes import Passes
    from tui.model.frame import Frame
    from tui.model.view import View

Path = tuple[str, ...]
LABEL = 50  # characters of a layer's label


@dataclass(frozen=True, eq=False)
class HeadPlaces:
    """The heads of a program as places of its map, a `HeadNavigable`."""

    trace: Trace

    def chosen(self, view: View) -> Head[Node]:
        """Return the head that is selected: the view's, else the first in its box or behind it."""
        heads, first = self.trace.heads, 0
        with suppress(LookupError):
            box = self.trace.map.level(view.box[:-1]).box(view.box[-1])
            own = [head for head in heads if head.node is box.node and head.index == view.at]
            if own:
                return own[0]
            first = box.nodes[0].index
        return next((head for head in heads if head.node.index >= first), heads[0])

    def shown(self, chosen: Head[Node]) -> list[Head[Node]]:
        """Return the heads of all layers, of the same of a batch as one."""
        return [head for head in self.trace.heads if head.batch == chosen.batch]

    def position(self, view: View) -> tuple[int, int]:
        """Return the number of the selected head, from 1, and how many are shown."""
        chosen = self.chosen(view)
        shown = self.shown(chosen)
        return shown.index(chosen) + 1, len(shown)

    def goto(self, view: View, number: int) -> View:
        """Select a head by its number, clamped into range."""
        shown = self.shown(self.chosen(view))
        return self._at(view, shown[max(1, min(number, len(shown))) - 1])

    def beside(self, view: View, direction: int) -> View:
        """Select the head of the same number in the next layer, or in the one before."""
        chosen = self.chosen(view)
        layers = [list(heads) for _, heads in groupby(self.shown(chosen), lambda head: head.layer)]
        place = next(k for k, heads in enumerate(layers) if chosen in heads)
        heads = layers[max(0, min(place + direction, len(layers) - 1))]
        return self._at(view, heads[min(layers[place].index(chosen), len(heads) - 1)])

    def of_batch(self, view: View, direction: int) -> View:
        """Select the same head of the next of a batch, or of the one before, around its ends."""
        chosen = self.chosen(view)
        same = [own for own in self.trace.heads if (own.layer, own.head) == (chosen.layer, chosen.head)]
        return self._at(view, same[(same.index(chosen) + direction) % len(same)])

    def into(self, view: View) -> View:
        """Open the selected head: its weights alone."""
        chosen = self.chosen(view)
        node, weights = chosen.node, chosen.weights_node
        path: Path = (labels(self.trace.nodes)[node.index],)
        if weights is not node:
            path = path_of(self.trace.nodes, weights, (node,)) or path
        there = replace(self._at(view, chosen), depth="operations", path=path, order=None, step=0)
        return replace(there, cursor=None, return_path=())

    def settled(self, view: View) -> View:
        """Return the view at the head that is selected in it."""
        return self._at(view, self.chosen(view))

    def _at(self, view: View, head: Head[Node]) -> View:
        box = self.trace.map.locate(head.node) or view.box
        return replace(view, box=box, at=head.index)


class Galleries:
    """The gallery of a run's attention heads, whose pictures are made once.

    Args:
        passes: The forward and the backward pass of the run.
    """

    def __init__(self, passes: Passes) -> None:
        self._trace = passes.forward
        self._blocks: dict[tuple[Head[Node], int], Sequence[Sequence[float]] | None] = {}

    def has_heads(self, view: View) -> bool:
        """Return whether the program that a view shows has attention heads."""
        return not view.backward and self._trace is not None and bool(self._trace.heads)

    def navigation(self, view: View, known: NodeNavigation) -> NodeNavigation:
        """Return what the player must know; in the gallery its moves are from head to head."""
        shows = view.depth == "map" and view.look == "attention" and self.has_heads(view)
        return replace(known, gallery=HeadPlaces(self._trace)) if shows and self._trace is not None else known

    def shows_weights(self, view: View, node: Node) -> bool:
        """Return whether a node's value is the weights of heads."""
        if not self.has_heads(view):
            return False
        outer = node if node.composite is None else node.composite
        return any(head.weights_node is node for head in self._of_node.get(outer, ()))

    def gallery(self, view: View, ascii_only: bool) -> Gallery | None:
        """Return the gallery with the head selected that a view is at."""
        if self._trace is None:
            return None
        places = HeadPlaces(self._trace)
        chosen = places.chosen(view)
        layers = [list(heads) for _, heads in groupby(places.shown(chosen), lambda head: head.layer)]
        layer = next(k for k, heads in enumerate(layers) if chosen in heads)
        words = focus_text(None if chosen.node.dropped else chosen.focus)
        batches = max(head.batch for head in self._trace.heads) + 1
        return Gallery(
            tuple(self._layer(heads, ascii_only) for heads in layers),
            layer, layers[layer].index(chosen), chosen.batch, batches, words,
        )  # fmt: skip

    @cached_property
    def _of_node(self) -> dict[Node, tuple[Head[Node], ...]]:
        heads = () if self._trace is None else self._trace.heads
        return {head.node: (head,) for head in heads}

    def _layer(self, heads: Sequence[Head[Node]], ascii_only: bool) -> GalleryLayer:
        label = clean(heads[0].layer_path, LABEL)
        pictures = tuple(HeadPicture(head.head, head.shape, self._blocks_of(head)) for head in heads)
        return GalleryLayer(ascii_text(label) if ascii_only else label, pictures)

    def _blocks_of(self, head: Head[Node]) -> Blocks:
        def blocks(size: int) -> Sequence[Sequence[float]] | None:
            if (head, size) not in self._blocks:
                self._blocks[head, size] = None if head.node.dropped else head.largest(size)
            return self._blocks[head, size]

        return blocks


@dataclass(frozen=True, slots=True, eq=False)
class PercentCells:
    """Weights in percent, a `CellSource`: as many keys as can be stand beside each other."""

    cells: CellSource

    def width(self, decimals: int) -> int:  # noqa: ARG002 - it takes none
        """Return the columns of 100."""
        return 3

    def values(self, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the weights of a window."""
        return self.cells.values(rows, columns)

    def window(self, rows: range, columns: range, decimals: int = 4) -> tuple[tuple[Cell, ...], ...]:
        """Return the cells of a window; what is not yet computed, or masked, as ever."""
        return tuple(
            tuple(starmap(_percent, zip(cells, line, strict=True)))
            for cells, line in zip(
                self.cells.window(rows, columns, decimals), self.values(rows, columns), strict=True
            )
        )


def _percent(cell: Cell, value: Number | None) -> Cell:
    if value is None or cell.mark & (CellMark.MASKED | CellMark.PENDING) or isinstance(value, complex):
        return replace(cell, text=cell.text[-3:])
    return replace(cell, text=f"{100 * value:.0f}")


def weights_alone(frame: Frame) -> Frame:
    """Return the frame of weights with them alone, in percent, a query a row and a key a column."""
    result = next(panel for panel in frame.stage.panels if panel.role == "result")
    names = ("query", "key")[-min(2, len(result.shape)) :]
    known = result.edges or (AxisLabels(),) * len(result.shape)
    edges = (*known[: -len(names)], *(
        AxisLabels(name, own.labels or tuple(map(str, range(size))))
        for own, name, size in zip(known[-2:], names, result.shape[-2:], strict=True)
    ))  # fmt: skip
    shown = replace(result, cells=PercentCells(result.cells), edges=edges, sign="")
    stage = frame.stage._replace(
        panels=(shown,), arrangement="row", look="attention", note=f"{shown.title} in %"
    )
    return replace(frame, stage=stage)
