"""Stepping through a program, as pure functions from a view to a view.

There are four depths, as in a debugger. On the `map` a step is a box; at `operations` it is a node; at
`cells` a step of the node's walk under a loop order; at `terms` a single product. What the player must
know about the program is the protocol `Navigable`; every answer costs the same whatever the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

from tui.model.view import END, Depth, ReturnPoint, View
from tui.navigation import map_moves

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # steps a second


class Navigable(map_moves.MapNavigable, Protocol):
    """What a step asks of the program: the node shown, its siblings, its walks, and the map."""

    @property
    def path(self) -> tuple[str, ...]:
        """Names from the trace down to the node shown; empty if there is none."""

    @property
    def siblings(self) -> tuple[str, ...]:
        """The operations at the node's level, in order; the path's last name is among them."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The operations inside the node; empty if it is not composite."""

    @property
    def orders(self) -> tuple[str, ...]:
        """The node's loop orders."""

    @property
    def order(self) -> str | None:
        """The order in which the node is shown unless the view says otherwise."""

    def length(self, order: str) -> int:
        """Return the number of steps of the node's walk in an order."""

    def cell(self, order: str, step: int) -> tuple[int, ...] | None:
        """Return a cell written by a step (from 1); None if it writes nothing."""

    def locate(self, order: str, index: tuple[int, ...]) -> int:
        """Return the first step (from 1) that writes a cell."""


WHOLE = ("map", "operations")
"""Depths at which all of a result is shown, and steps count from 1."""


class Player(NamedTuple):
    """Playing: whether, how fast, which way, and until which step (None: to the end of the animation)."""

    playing: bool = False
    speed: float = 4.0
    direction: int = 1
    until: int | None = None

    @property
    def interval(self) -> float:
        """Seconds between two steps."""
        return 1.0 / self.speed

    def pause(self) -> Player:
        """Return the player, stopped."""
        return self._replace(playing=False, until=None)

    def faster(self) -> Player:
        """Return the player at the next speed up; at the top, at the same."""
        return self._replace(speed=next((s for s in SPEEDS if s > self.speed), self.speed))

    def slower(self) -> Player:
        """Return the player at the next speed down; at the bottom, at the same."""
        return self._replace(speed=next((s for s in reversed(SPEEDS) if s < self.speed), self.speed))

    def in_direction(self, direction: int) -> Player:
        """Return the player going forwards (1) or backwards (−1)."""
        return self._replace(direction=1 if direction >= 0 else -1)


def order_of(view: View, navigation: Navigable) -> str | None:
    """Return the loop order in force."""
    if view.depth == "terms" and "terms" in navigation.orders:
        return "terms"
    wanted = view.order if view.order in navigation.orders else navigation.order
    if wanted == "terms":
        return next((order for order in navigation.orders if order != "terms"), wanted)
    return wanted


def position(view: View, navigation: Navigable) -> tuple[int, int]:
    """Return `(step, steps)` at the view's depth, the step clamped into range.

    Operations and boxes count from 1, without a 0. A board is one picture, without steps.
    """
    if not navigation.path or view.board is not None:
        return 0, 0
    if view.depth == "map":
        return map_moves.position(view, navigation)
    if view.depth == "operations":
        name = next((name for name in view.path[-1:] if name in navigation.siblings), navigation.path[-1])
        return navigation.siblings.index(name) + 1, len(navigation.siblings)
    order = order_of(view, navigation)
    steps = navigation.length(order) if order is not None else 0
    return max(0, min(view.step, steps)), steps


def goto(view: View, navigation: Navigable, step: int) -> View:
    """Go to a step of the current depth, clamped into range.

    The slice shown follows the active cells again.
    """
    now, steps = position(view, navigation)
    if view.depth == "map":
        return map_moves.goto(view, navigation, step)
    if view.depth == "operations":
        return _at(view, navigation, max(1, min(step, steps))) if steps else view
    wanted = max(0, min(step, steps))
    return view if wanted == now == view.step else replace(view, step=wanted, at=None)


def forward(view: View, navigation: Navigable) -> View:
    """Go one step forward; at the last step, return the same view."""
    return goto(view, navigation, position(view, navigation)[0] + 1)


def back(view: View, navigation: Navigable) -> View:
    """Go one step back; before the first step, return the same view."""
    return goto(view, navigation, position(view, navigation)[0] - 1)


def first(view: View, navigation: Navigable) -> View:
    """Go before the first step."""
    return goto(view, navigation, 0)


def last(view: View, navigation: Navigable) -> View:
    """Go after the last step."""
    return goto(view, navigation, position(view, navigation)[1])


def finish(view: View, navigation: Navigable) -> View:
    """Go to the end of this animation: of the cell's terms at depth `terms`, else of the node's walk."""
    if view.depth != "terms" or order_of(view, navigation) != "terms":
        return last(view, navigation)
    step, steps = position(view, navigation)
    cell = navigation.cell("terms", max(step, 1)) if steps else None
    if cell is None:
        return last(view, navigation)
    start = navigation.locate("terms", cell)
    low, high = max(step, start), steps  # the last step that still writes this cell lies between
    while low < high:
        middle = (low + high + 1) // 2
        if navigation.locate("terms", navigation.cell("terms", middle) or cell) == start:
            low = middle
        else:
            high = middle - 1
    return replace(view, step=low, at=None)


def over(view: View, navigation: Navigable, direction: int = 1) -> View:
    """Go to the next (1) or previous (−1) operation, before its first step; past the last part, go out."""
    if not navigation.path:
        return view
    if view.depth == "map":
        return map_moves.goto(view, navigation, position(view, navigation)[0] + direction)
    number = navigation.siblings.index(navigation.path[-1]) + 1 + direction
    if 1 <= number <= len(navigation.siblings):
        return _at(view, navigation, number)
    if len(navigation.path) == 1:
        return view
    outside = replace(_outside(view, navigation), depth="cells")
    return replace(outside, step=0 if direction < 0 else END)


def into(view: View, navigation: Navigable) -> View:
    """Go one depth deeper.

    From a box to what is in it, an operation to its cells, into a composite's parts, a cell to its terms.
    """
    if not navigation.path or view.depth == "terms":
        return view
    if view.depth == "map":
        return map_moves.into(view, navigation)
    if view.depth == "operations":
        return replace(view, depth="cells", step=0, path=navigation.path)
    here = ReturnPoint(navigation.path, view.order, view.depth, position(view, navigation)[0])
    if navigation.parts:
        inside = replace(view, path=(*navigation.path, navigation.parts[0]), step=0, order=None, at=None)
        return replace(inside, return_path=(*view.return_path, here))
    order = order_of(view, navigation)
    if "terms" not in navigation.orders or order is None or order == "terms":
        return view
    cell = navigation.cell(order, max(1, here.step)) if navigation.length(order) else None
    if cell is None:
        return view
    return replace(view, depth="terms", step=navigation.locate("terms", cell))


def out(view: View, navigation: Navigable) -> View:
    """Go one depth up, to the same place.

    From terms to their cell, a part to the whole, cells to operations, operations to the map.
    """
    if not navigation.path:
        return view
    if view.depth == "map":
        return map_moves.out(view, navigation)
    if view.depth == "operations":
        return replace(map_moves.onto(view, navigation, navigation.path), look=view.look)
    if view.depth == "terms":
        up = replace(view, depth="cells")
        step, steps = position(view, navigation)
        cell = navigation.cell("terms", step) if step and steps else None
        order = order_of(up, navigation)
        if cell is None or order is None:
            return replace(up, step=0)
        return replace(up, step=navigation.locate(order, cell))
    if len(navigation.path) > 1:
        return _outside(view, navigation)
    return replace(view, depth="operations", path=navigation.path, step=0)


def reorder(view: View, navigation: Navigable) -> View:
    """Take the next loop order, at the same place in the result."""
    orders = tuple(order for order in navigation.orders if order != "terms") or navigation.orders
    now = order_of(replace(view, depth="cells"), navigation)
    if not orders or now is None:
        return view
    spot = orders.index(now) if now in orders else -1
    return in_order(view, navigation, orders[(spot + 1) % len(orders)])


def in_order(view: View, navigation: Navigable, order: str) -> View:
    """Take another loop order, at the same place in the result."""
    step, _ = position(view, navigation)
    now = order_of(view, navigation)
    depth: Depth = view.depth if view.depth in WHOLE else "cells"
    changed = replace(view, depth="terms") if order == "terms" else replace(view, depth=depth, order=order)
    if step == 0 or now is None or view.depth in WHOLE:
        return changed
    cell = navigation.cell(now, step)
    return replace(changed, step=0 if cell is None else navigation.locate(order, cell))


def tick(view: View, navigation: Navigable, player: Player) -> tuple[View, Player]:
    """Play one step; at the end of the animation, pause."""
    if not player.playing:
        return view, player
    move: Callable[[View, Navigable], View] = forward if player.direction > 0 else back
    moved = move(view, navigation)
    step, steps = position(moved, navigation)
    stop = view.at_stop.steps
    if stop is not None and not view.path and view.depth not in WHOLE:
        steps = min(steps, stop[1])
    ended = step >= steps if player.direction > 0 else step <= (1 if view.depth in WHOLE else 0)
    return moved, player.pause() if ended or step == player.until else player


def _at(view: View, navigation: Navigable, number: int) -> View:
    path = (*navigation.path[:-1], navigation.siblings[number - 1])
    if path == navigation.path:
        return replace(view, path=path)
    depth = "cells" if view.depth == "terms" else view.depth
    return replace(view, path=path, step=0, depth=depth, at=None)


def _outside(view: View, navigation: Navigable) -> View:
    path = navigation.path[:-1]
    if view.return_path and view.return_path[-1].path == path:
        place = view.return_path[-1]
        return replace(
            view,
            path=path,
            order=place.order,
            depth=place.depth,
            step=place.step,
            at=None,
            return_path=view.return_path[:-1],
        )
    return replace(view, path=path, order=None, depth="cells", step=0, at=None)
