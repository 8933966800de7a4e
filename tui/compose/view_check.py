"""Checking a view against the run: its node, order, box, cell, slice and step."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote, unknown
from tui.model.frame import CELL_LOOKS
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.navigation.steps import WHOLE, Navigable, goto, order_of, position

if TYPE_CHECKING:
    from tui.compose.program_run import Run


def check_view(view: View, run: Run, flags: argparse.Namespace) -> View:
    """Return the view with all that it names checked against the run, and what is asked there.

    Raises:
        UsageError: As `_check_place`, and for an answer where nothing is asked, or that is none.
    """
    checked = _check_place(view, run, flags)
    if flags.predict is None and flags.guess is None:
        return checked
    from tui.compose.guess_frame import answered

    checked = checked.with_guess(flags.predict or 0, flags.guess)
    question = run.question(checked)
    if question is None:
        raise UsageError("nothing is asked here")
    if flags.guess is not None and answered(question, flags.guess) is None:
        raise UsageError(f"{quote(flags.guess)} is no answer to what is asked here")
    return checked


def _check_place(view: View, run: Run, flags: argparse.Namespace) -> View:
    """Return the view with its node, order and step checked against the run.

    Raises:
        UsageError: For an unknown node, order, slice or cell, or a step out of range.
    """
    if run.trace is None:
        return view
    try:
        navigation = run.navigation(view)
    except LookupError as error:
        raise UsageError(str(error.args[0])) from None
    if view.backward and run.trace_of(view) is None:
        why = run.passes.refusal or "nothing in it is a differentiable result"
        raise UsageError(f"this program has no backward pass: {why.removeprefix('No way back: ')}")
    if not navigation.path:
        if view.step or flags.order:
            raise UsageError("this stop has no tensors, so it has no steps and no orders")
        return view
    follows = (flags.lineage, flags.reach) != (None, None)  # a stop's own cell may be gone with its controls
    if follows and view.follows is not None and (refusal := run.lineages.refusal(view)):
        raise UsageError(refusal)
    _on_map(view, navigation)
    if flags.order is not None and flags.order not in navigation.orders:
        raise UsageError(unknown(f"order of {navigation.path[-1]}", flags.order, navigation.orders))
    if view.depth == "terms" and "terms" not in navigation.orders:
        raise UsageError(
            f"{navigation.path[-1]} is not a sum of terms: its depths are map, operations and cells"
        )
    if view.cursor is not None and run.cursor_cell(view) is None:
        names = dict.fromkeys(panel.name for panel in run.frame(replace(view, cursor=None)).stage.panels)
        raise UsageError(f"no such cell on this picture, whose tensors are {', '.join(names)}")
    _inside(view, run)
    if flags.look is not None:
        frame = run.frame(view)
        looks = frame.stage.looks
        carried = frame.stage.map is not None and flags.look in CELL_LOOKS  # from a node, and back to it
        if flags.look not in looks and not carried:
            raise UsageError(unknown(f"look of {navigation.path[-1]}", flags.look, looks))
    return _with_step(view, run, flags.step)


def _on_map(view: View, navigation: Navigable) -> None:
    """Check the box of a view against the map."""
    path: tuple[str, ...] = ()
    for name in view.box if view.depth == "map" else ():
        known = navigation.boxes(path)
        if name not in known:
            raise UsageError(unknown("box", name, known))
        path = (*path, name)


def _inside(view: View, run: Run) -> None:
    """Check the indices of a cursor and of a slice against the shapes."""
    cell, node = run.cursor_cell(view), run.navigation(view).node
    if cell is not None and view.cursor is not None and cell.index != view.cursor[1]:
        shape = tuple(cell.tensor.shape)
        raise UsageError(f"{cell.tensor.name} has shape {shape}: there is no cell {list(view.cursor[1])}")
    if view.at is None or node is None or view.depth == "map":
        return
    sizes = node.shape[:-2]
    if len(view.at) != len(sizes) or any(i >= n for i, n in zip(view.at, sizes, strict=True)):
        given = ",".join(map(str, view.at))
        if not sizes:
            raise UsageError(f"{node.name} {node.shape} has no slices, so there is no slice {given}")
        ranges = ", ".join(f"0 to {n - 1}" for n in sizes)
        raise UsageError(f"{node.name} {node.shape} has slices {ranges}: there is no slice {given}")


def _with_step(view: View, run: Run, wanted: int | str | None) -> View:
    """Return the view at a step that is wanted: a number, first, last or all."""
    navigation = run.navigation(view)
    _, steps = position(view, navigation)
    if wanted == "last":
        return at_step(view, navigation, steps)
    if wanted in ("first", "all"):
        return at_step(view, navigation, min(1, steps))
    if isinstance(wanted, int):
        if wanted > steps:
            how = f"order {order_of(view, navigation)}" if view.depth not in WHOLE else f"depth {view.depth}"
            raise UsageError(
                f"{navigation.path[-1]} has steps 0 to {steps} ({how}): there is no step {wanted}"
            )
        return at_step(view, navigation, wanted)
    return view


def at_step(view: View, navigation: Navigable, step: int) -> View:
    """Return the view at a step, in the slice that was asked for."""
    there = goto(view, navigation, step)
    return there if view.depth in WHOLE else replace(there, at=view.at)
