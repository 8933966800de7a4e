"""The frames of a program that ran: a node at a step, or a level of the map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llm_linalg.base.text import NOTHING, clean
from tui.compose.boards import board_view
from tui.compose.changes import beside_twin
from tui.compose.cursor import CursorCell, cursor_cell, cursor_view
from tui.compose.format_cache import FormatCache
from tui.compose.frames import frame_without_values, map_frame, node_frame, program_frame
from tui.compose.galleries import weights_alone
from tui.compose.hues import colours_on_device
from tui.compose.maps import BoxRows, map_view
from tui.compose.node_views import NodeLooks, NodeViews
from tui.compose.pictures import PictureInput
from tui.compose.stop_nodes import nodes_beside
from tui.model.map_table import MAP_LOOKS
from tui.model.view import SOLUTION
from tui.navigation.map_moves import current_box
from tui.navigation.steps import order_of, position

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from tui.compose.galleries import Galleries
    from tui.compose.lineage_highlight import Lineages
    from tui.compose.map_tables import MapTables
    from tui.compose.nodes import NodeNavigation
    from tui.compose.passes import Passes
    from tui.model.frame import Frame
    from tui.model.view import View


class RunPictures:
    """The pictures of a run, with what they share.

    Args:
        view: The view that the program was run for.
        passes: Its forward and its backward pass.
        lineages: The cells that are followed through it.
        tables: The tables of its maps.
        galleries: The gallery of its attention heads.
        solution: The value of an exercise's solution, as text, where no operation of torch has made it.
    """

    def __init__(
        self,
        view: View,
        passes: Passes,
        lineages: Lineages,
        tables: MapTables,
        galleries: Galleries,
        solution: str,
    ) -> None:
        self.cache = FormatCache()
        self._lesson = view.lesson
        self._comparison = None if view.lesson.external is None else view.lesson.external.comparison
        self._passes = passes
        self._lineages = lineages
        self._tables = tables
        self._galleries = galleries
        self._solution = solution
        self._views = NodeViews(view.lesson, passes.forward)
        self._looks = NodeLooks(self._views)
        self._levels: tuple[BoxRows, BoxRows] = ({}, {})  # of the maps of both passes

    def frame(self, view: View, ascii_only: bool) -> Frame:
        """Return the frame of a view. Raises LookupError for a path that isn't there."""
        return (self._map_frame if view.depth == "map" else self._node_frame)(view, ascii_only)

    def cursor_cell(self, view: View) -> CursorCell | None:
        """Return the cell under the cursor; None if its tensor is not in the picture."""
        try:
            node = self._navigation(view).node if view.cursor is not None else None
        except LookupError:  # the place of a run that didn't fail
            return None
        return None if node is None else cursor_cell(view, self._views.of(node), self._beside(view, node))

    def _navigation(self, view: View) -> NodeNavigation:
        return self._galleries.navigation(view, self._tables.navigation(view))

    def _beside(self, view: View, node: Node) -> tuple[NodeView, ...]:
        return tuple(map(self._views.of, nodes_beside(view, self._passes.of(view), node)))

    def _node_frame(self, view: View, ascii_only: bool) -> Frame:
        trace, navigation = self._passes.of(view), self._navigation(view)
        board = None if view.board is None else board_view(view.board, view, trace, ascii_only)
        if trace is None or navigation.node is None:
            frame, sentence = program_frame(view, trace, board), NOTHING
            if self._solution:  # the picture stays that of what is asked
                asked = replace(view.at_stop_number(view.stop), code=view.code)
                frame = replace(frame, stage=self._node_frame(asked, ascii_only).stage)
                sentence = clean(f"{SOLUTION} is {self._solution}.")
            return replace(
                frame,
                listing=frame.listing._replace(line=view.solution_line),
                captions=frame.captions._replace(sentence=sentence),
            )
        if navigation.node.dropped:
            return frame_without_values(view, trace, navigation, self._views.of(navigation.node))
        picture = self._picture(view, navigation, navigation.node, ascii_only)
        cell, about = picture.cursor, None
        if cell is not None:
            readers = trace.nodes if cell.operand is None else (cell.owner.node,)
            about = cursor_view(cell, self._views.maker_of(cell), readers, picture.follows)
        frame = node_frame(view, trace, navigation, picture, about, board)
        frame = replace(
            frame,
            place=frame.place._replace(has_backward=self._passes.has_backward),
            listing=frame.listing._replace(line=view.solution_line or frame.listing.line),
        )
        if board is not None:
            return frame
        frame = self._looks.draw(frame, view, navigation.level, picture)
        if self._galleries.shows_weights(view, navigation.node):
            frame = replace(frame, stage=frame.stage._replace(looks=(*frame.stage.looks, "attention")))
            frame = weights_alone(frame) if view.look == "attention" else frame
        compared = None if view.backward else self._comparison
        if compared is not None and navigation.node in compared.twins:
            frame = replace(frame, stage=frame.stage._replace(looks=(*frame.stage.looks, "changes")))
            if view.look == "changes":
                return beside_twin(frame, navigation.node, compared, self.cache, ascii_only=ascii_only)
        return frame

    def _picture(self, view: View, navigation: NodeNavigation, shown: Node, ascii_only: bool) -> PictureInput:
        """Return what the panels of a view's node are made from."""
        whole = view.depth == "operations"
        step, _ = position(view, navigation)
        node = self._views.of(shown, order_of(view, navigation), None if whole else step - 1)
        beside = self._beside(view, shown)
        return PictureInput(
            node=node,
            beside=beside,
            whole=whole,
            at=view.at,
            cursor=cursor_cell(view, node, beside),
            cache=self.cache,
            ascii_only=ascii_only,
            summary=self._row_summary(view, navigation),
            follows=self._lineages.of(view),
            colours=colours_on_device(self._lesson.colours, self._device),
        )

    def _row_summary(self, view: View, navigation: NodeNavigation) -> str | None:
        """Return the reduction that the stop wants beside the rows of its node."""
        kind = view.at_stop.margin
        if kind is None or view.backward:
            return None
        return kind if navigation.chain == self._navigation(replace(view, path=())).chain else None

    @property
    def _device(self) -> int:
        """The number of the device whose run this is; 0 for a program that runs on one."""
        own = self._passes.forward
        ranks = () if own is None else own.ranks
        return next((rank for rank, trace in enumerate(ranks) if trace is own), 0)

    def _map_frame(self, view: View, ascii_only: bool) -> Frame:
        trace, navigation = self._passes.of(view), self._navigation(view)
        view = view if navigation.gallery is None else navigation.gallery.settled(view)
        level = map_view(view, navigation, self._lineages.of(view), ascii_only, self._levels[view.backward])
        if trace is None or level is None:
            return self._node_frame(replace(view, depth="cells"), ascii_only)
        from llm_linalg.api.node_view import node_view

        gallery = None if navigation.gallery is None else self._galleries.gallery(view, ascii_only)
        level = replace(level, table=self._tables.table(view, ascii_only), gallery=gallery)
        box = navigation.box(current_box(view, navigation))
        shown = node_view(box.node, next(iter(box.node.orders), None))
        frame = map_frame(view, trace, navigation, level, shown, node_view(box.nodes[0]))
        own = {"attention": level.gallery is not None, "changes": self._comparison is not None}
        looks = tuple(look for look in MAP_LOOKS if own.get(look, True))
        return replace(
            frame,
            place=frame.place._replace(has_backward=self._passes.has_backward),
            stage=frame.stage._replace(looks=looks),
        )
