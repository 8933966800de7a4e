"""From flags to a view.

The lesson that is meant, and whether it has such a stop, control, node, order and step.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.spelling import quoted, unknown
from tui.cli_parse import UsageError
from tui.player import END, WHOLE, Ground, order_of, position
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg.lesson import Asked, Lesson
    from tui.stage import Opened
    from tui.view import Depth


def lesson_named(word: str) -> Lesson:
    """The lesson of a slug or a path.

    Raises:
        UsageError: If there is none.
        LessonError: If the file is broken.
    """
    from llm_linalg.lesson import UnknownNameError, find

    if "." in word or is_path(word):
        from llm_linalg.documents import is_document, read

        if is_document(word) or is_path(word):
            there(word)
            return read(word)
    try:
        return find(word)
    except UnknownNameError as error:
        raise UsageError(str(error)) from None


def is_path(word: str) -> bool:
    """Whether a word names a place in the file system by its looks."""
    return "/" in word or "\\" in word


def there(word: str) -> Path:
    """The path of a word. Raises UsageError if nothing is there."""
    try:
        found = Path(word).exists()
    except (OSError, ValueError):
        found = False
    if not found and word.endswith((".py", ".ipynb")):
        raise UsageError(f"no file {quoted(word, 200)}")
    if not found:
        raise UsageError(f"no lesson file {quoted(word, 200)}; 'llm-linalg lessons' lists the built-in ones")
    return Path(word)


def first_lesson() -> Lesson:
    """The lesson with which the curriculum begins."""
    from llm_linalg.lesson import shelf

    lessons = shelf()
    if not lessons:
        raise UsageError("there are no lessons in this installation")
    return lessons[0]


def view_of(flags: argparse.Namespace, lesson: Lesson | None = None) -> View:
    """The view that the flags ask for, as far as can be said without running the program.

    Raises:
        UsageError: For an unknown lesson, stop or control, or a value that a control does not take.
        LessonError: If the lesson is broken.
    """
    if lesson is None:
        lesson = lesson_named(flags.lesson) if flags.lesson is not None else first_lesson()
    if flags.stop is not None and not 1 <= flags.stop <= len(lesson.stops):
        raise UsageError(f"{lesson.slug} has stops 1 to {len(lesson.stops)}: there is no stop {flags.stop}")
    opening = View.opening(lesson, flags.stop or 1)
    terms = flags.order == "terms"
    cells = flags.order is not None and not terms
    return replace(
        opening,
        controls=_controls(lesson, flags.set),
        seed=lesson.seed if flags.seed is None else flags.seed,
        path=tuple(flags.node.split("/")) if flags.node else (),
        order=flags.order if cells else None,
        depth=flags.depth or _depth(flags, opening),
        step=flags.step if isinstance(flags.step, int) else opening.step if flags.node is None else 0,
        cursor=flags.cursor,
        at=flags.at,
        look=flags.look or "numbers",
        twin=opening.twin if flags.twin is None else flags.twin,
        code=flags.code,
        patient=flags.patient,
        row=_row(flags.row, opening),
        box=opening.box if flags.box is None else flags.box,
        asked=_asked(flags, opening),
    )


def _depth(flags: argparse.Namespace, opening: View) -> Depth:
    """The depth that is meant where none is named: that of what is asked for."""
    if flags.order is not None:
        return "terms" if flags.order == "terms" else "cells"
    if flags.box is not None:
        return "map"
    below = any(given is not None for given in (flags.node, flags.cursor, flags.at, flags.step))
    if opening.depth == "map" and below:
        return "cells"
    lit = opening.depth == "cells" and bool(flags.lineage or flags.reach)
    return "map" if lit and not below else opening.depth


def _asked(flags: argparse.Namespace, opening: View) -> Asked | None:
    """The cell that is followed.

    Raises:
        UsageError: For two.
    """
    from llm_linalg.lesson import Asked

    if flags.lineage is not None and flags.reach is not None:
        raise UsageError("a cell is followed one way at a time: --lineage or --reach")
    given = flags.reach if flags.lineage is None else flags.lineage
    if given is None:
        return opening.asked
    return None if given == "none" else Asked("reach" if flags.lineage is None else "lineage", *given)


def _row(row: int | None, opening: View) -> int:
    if row is None:
        return 1
    board = opening.at_stop.board
    if board is None:
        raise UsageError(f"stop {opening.stop} of {opening.lesson.slug} has no board, so it has no rows")
    if not 1 <= row <= len(board.rows):
        raise UsageError(f"this board has rows 1 to {len(board.rows)}: there is no row {row}")
    return row


def _controls(lesson: Lesson, given: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    from llm_linalg.lesson import UnknownNameError, Value

    parsed: dict[str, Value] = {}
    try:
        for name, text in given:
            parsed[name] = lesson.control(name).parse(text)
        values: Mapping[str, Value] = lesson.values(parsed)
    except (UnknownNameError, ValueError) as error:
        raise UsageError(str(error)) from None
    return tuple((control.name, control.show(values[control.name])) for control in lesson.controls)


def starting(view: View, flags: argparse.Namespace) -> View:
    """The view that is opened; a step named in words is found when the program has run.

    Raises:
        UsageError: For all steps at once.
    """
    if flags.step == "last":
        return replace(view, step=END)
    if flags.step == "all":
        raise UsageError("--step all belongs to 'llm-linalg frame': the app shows one step at a time")
    return replace(view, step=1) if flags.step == "first" else view


def settled(view: View, opened: Opened, flags: argparse.Namespace) -> View:
    """The view with its node, order and step checked against the run.

    Raises:
        UsageError: For an unknown node, order, slice or cell, or a step out of range.
    """
    from tui.stage.light import dark

    if opened.trace is None:
        return view
    try:
        ground = opened.ground(view)
    except LookupError as error:
        raise UsageError(str(error.args[0])) from None
    if view.twin and opened.program(view) is None:
        raise UsageError("this program has no backward pass: nothing in it is a differentiable result")
    if not ground.path:
        if view.step or flags.order:
            raise UsageError("this stop has no tensors, so it has no steps and no orders")
        return view
    follows = (flags.lineage, flags.reach) != (None, None)  # a stop's own cell may be gone with its controls
    if follows and view.asked is not None and (said := dark(opened, view)):
        raise UsageError(said)
    _on_map(view, ground)
    if flags.order is not None and flags.order not in ground.orders:
        raise UsageError(unknown(f"order of {ground.path[-1]}", flags.order, ground.orders))
    if view.depth == "terms" and "terms" not in ground.orders:
        raise UsageError(f"{ground.path[-1]} is not a sum of terms: its depths are map, operations and cells")
    if view.cursor is not None and opened.spotted(view) is None:
        names = dict.fromkeys(panel.name for panel in opened.frame(replace(view, cursor=None)).panels)
        raise UsageError(f"no such cell on this picture, whose tensors are {', '.join(names)}")
    _inside(view, opened)
    return _with_step(view, opened, flags.step)


def _on_map(view: View, ground: Ground) -> None:
    """Holds the box of a view against the map."""
    path: tuple[str, ...] = ()
    for name in view.box if view.depth == "map" else ():
        known = ground.boxes(path)
        if name not in known:
            raise UsageError(unknown("box", name, known))
        path = (*path, name)


def _inside(view: View, opened: Opened) -> None:
    """Holds the indices of a cursor and of a slice against the shapes."""
    found, node = opened.spotted(view), opened.ground(view).node
    if found is not None and view.cursor is not None and found.index != view.cursor[1]:
        shape = tuple(found.tensor.shape)
        raise UsageError(f"{found.name} has shape {shape}: there is no cell {list(view.cursor[1])}")
    if view.at is None or node is None:
        return
    sizes = node.shape[:-2]
    if len(view.at) != len(sizes) or any(i >= n for i, n in zip(view.at, sizes, strict=True)):
        given = ",".join(map(str, view.at))
        if not sizes:
            raise UsageError(f"{node.name} {node.shape} has no slices, so there is no slice {given}")
        ranges = ", ".join(f"0 to {n - 1}" for n in sizes)
        raise UsageError(f"{node.name} {node.shape} has slices {ranges}: there is no slice {given}")


def _with_step(view: View, opened: Opened, wanted: int | str | None) -> View:
    from tui.player import goto

    ground = opened.ground(view)
    _, steps = position(view, ground)
    if wanted == "last":
        return goto(view, ground, steps)
    if wanted in ("first", "all"):
        return goto(view, ground, min(1, steps))
    if isinstance(wanted, int):
        if wanted > steps:
            how = f"order {order_of(view, ground)}" if view.depth not in WHOLE else f"depth {view.depth}"
            raise UsageError(f"{ground.path[-1]} has steps 0 to {steps} ({how}): there is no step {wanted}")
        return goto(view, ground, wanted)
    return view
