"""Moves on the map, as pure functions from a view to a view.

The map folds a program's operations by the calls in which they were made. A level of it is the content of
one box; a step is a box of the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from llm_linalg.base.constants import LookName
from tui.model.view import View

Path = tuple[str, ...]


class HeadNavigable(Protocol):
    """The moves in the gallery of attention heads, in which a step is a head."""

    def position(self, view: View) -> tuple[int, int]:
        """Return the number of the selected head, from 1, and how many are shown."""

    def goto(self, view: View, number: int) -> View:
        """Select a head by its number, clamped into range."""

    def beside(self, view: View, direction: int) -> View:
        """Select the head of the same number in the next layer, or in the one before."""

    def of_batch(self, view: View, direction: int) -> View:
        """Select the same head of the next of a batch, or of the one before."""

    def into(self, view: View) -> View:
        """Open the selected head."""

    def settled(self, view: View) -> View:
        """Return the view at the head that is selected in it."""


class MapNavigable(Protocol):
    """What a move on the map asks of the program's map."""

    @property
    def gallery(self) -> HeadNavigable | None:
        """The moves in the gallery, where it is shown in place of boxes."""

    def boxes(self, path: Path) -> tuple[str, ...]:
        """Return the boxes inside a box, in order; none in an operation."""

    def rows(self, path: Path) -> Sequence[Path]:
        """Return the same in rows, as they are shown: of a table, several boxes may be in one."""

    def node_path(self, path: Path) -> Path:
        """Return the path of the node that a box gives."""

    def box_of(self, path: Path) -> Path:
        """Return the box of a node, by the node's path; empty if there are no boxes."""


def current_box(view: View, navigation: MapNavigable) -> Path:
    """Return the box of a view, or the nearest that this program has; empty if there are none."""
    path: Path = ()
    for name in view.box:
        if name not in navigation.boxes(path):
            break
        path = (*path, name)
    first = navigation.boxes(())
    return path or first[:1]


def position(view: View, navigation: MapNavigable) -> tuple[int, int]:
    """Return `(row, rows)` on the level, from 1; in the gallery, the head's."""
    if navigation.gallery is not None:
        return navigation.gallery.position(view)
    box = current_box(view, navigation)
    rows = navigation.rows(box[:-1]) if box else ()
    return (next(k for k, row in enumerate(rows, 1) if box[-1] in row), len(rows)) if box else (0, 0)


def goto(view: View, navigation: MapNavigable, number: int) -> View:
    """Go to a row of the level by its number, clamped into range: to its first box; or to a head."""
    if navigation.gallery is not None:
        return navigation.gallery.goto(view, number)
    box = current_box(view, navigation)
    rows = navigation.rows(box[:-1]) if box else ()
    if not rows:
        return view
    row = rows[max(1, min(number, len(rows))) - 1]
    return view if box[-1] in row else replace(view, box=(*box[:-1], row[0]))


def beside(view: View, navigation: MapNavigable, direction: int) -> View:
    """Go to the next row or the one before; in the gallery, to the next layer."""
    if navigation.gallery is not None:
        return navigation.gallery.beside(view, direction)
    return goto(view, navigation, position(view, navigation)[0] + direction)


def into(view: View, navigation: MapNavigable) -> View:
    """Go into a box: to the first row of the level inside it, or to the operation that it is; open a head."""
    if navigation.gallery is not None:
        return navigation.gallery.into(view)
    box = current_box(view, navigation)
    if not box:
        return view
    if navigation.boxes(box):
        return replace(view, box=(*box, navigation.rows(box)[0][0]))
    path = navigation.node_path(box)
    return replace(
        view, depth="operations", path=path, box=box, order=None, step=0, at=None, cursor=None, return_path=()
    )


def out(view: View, navigation: MapNavigable) -> View:
    """Go out of a level, to the box around it; at the top, and in the gallery, return the same view."""
    if navigation.gallery is not None:
        return view
    box = current_box(view, navigation)
    return replace(view, box=box[:-1]) if len(box) > 1 else view


def onto(view: View, navigation: MapNavigable, path: Path) -> View:
    """Go onto the map, to the box of the node with that path; from an opened head, to the boxes too."""
    box = navigation.box_of(path)
    look: LookName = "numbers" if view.look == "attention" else view.look
    return replace(view, depth="map", box=box, cursor=None, look=look) if box else view
