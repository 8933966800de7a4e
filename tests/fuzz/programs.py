"""`python -m tests.fuzz programs [--count N] [--seed N]`: every picture of random programs, from a seed.

Each picture is drawn as text, as JSON and as the cells of a screen, in every look: a walk at both ends and in
the middle, what a cell depends on and feeds, the map, the backward pass. What fails is printed with its
program.
"""

from __future__ import annotations

import argparse
import random
import textwrap
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch

from llm_linalg.base.constants import LOOK_NAMES
from llm_linalg.base.errors import InternalError, ProgramError
from llm_linalg.lessons.stop import FollowedCell
from tests.fuzz.drawn import draw_program
from tui.compose import cursor_moves
from tui.compose.nodes import labels
from tui.compose.program_run import Run
from tui.compose.view_runner import open_view
from tui.layout.arrange import arrange, cell_texts
from tui.model.frame import Frame
from tui.model.view import Depth, View
from tui.navigation import steps
from tui.navigation.playground import playground_view
from tui.panes.board_pane import board_rows
from tui.panes.map_pane import map_rows
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.text.glyphs import UNICODE
from tui.widgets.matrix import heat_text

MOST_NODES = 2  # of a program, the last among them
SAY = 60.0  # seconds between two lines about how far a long run is
SCREEN = ((76, 14), (40, 9), (150, 40))  # columns and rows of a stage
LONGEST = 10.0  # seconds of a program: some are without end


@dataclass
class Tally:
    """What came of a long run; a loud one prints what fails at once."""

    loud: bool = False
    programs: int = 0
    pictures: int = 0
    failed: int = 0  # programs with an error of ours, whose pictures are drawn as well
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, program: str, view: View | None, error: Exception) -> None:
        """Note an exception that is none of ours, by the line that raised it."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        ours = [
            one
            for one in traceback.extract_tb(error.__traceback__)
            if "llm_linalg/" in one.filename or "tui/" in one.filename
        ]
        near = (ours or [last])[-1]
        key = f"{type(error).__name__} at {near.filename}:{near.lineno}: {str(error)[:100]!r}"
        self.faults[key] += 1
        if self.loud and key not in self.examples:
            print(f"{key}\n{textwrap.indent(program, '    ')}", flush=True)
        said = "" if view is None else f"\n  {replace(view, code=None)}"
        self.examples.setdefault(key, f"{program}{said}")


def draw(frame: Frame, size: tuple[int, int], as_json: bool) -> None:
    """Draw a frame as text or as JSON, and as the cells of a screen."""
    if as_json:
        to_json(frame)
    else:
        to_plain(frame)
    layout = arrange(frame.stage.panels, frame.stage.arrangement, *size)
    for slot in layout.slots:
        cells = frame.stage.panels[slot.panel].cells.window(slot.rows, slot.columns, slot.decimals)
        for row in cells:
            for piece in cell_texts(row, slot):
                heat_text(piece, UNICODE, False)
    if frame.stage.map is not None:
        map_rows(frame.stage.map, *size, UNICODE)
    if frame.stage.board is not None:
        board_rows(frame.stage.board, *size, UNICODE)


def views(run: Run, start: View, generator: random.Random) -> Iterator[View]:
    """Yield views of a run: its nodes in every order at both ends and between, its map, its other pass."""
    yield start
    yield replace(start, depth="operations")
    for backward in (False, True):
        whole = replace(start, backward=backward)
        if backward and not run.passes.has_backward:
            continue
        trace = run.trace_of(whole)
        if trace is None:
            continue
        yield from _on_map(run, replace(whole, depth="map"))
        names = labels(trace.nodes)
        picked = (
            {len(names) - 1, *(generator.randrange(len(names)) for _ in range(MOST_NODES - 1))}
            if names
            else ()
        )
        for place in sorted(picked):
            node, path = trace.nodes[place], (names[place],)
            yield from _of_node(run, replace(whole, path=path), generator)
            for part in labels(node.parts)[:1] if node.parts else ():
                yield from _of_node(run, replace(whole, path=(*path, part)), generator)
            if not backward and node.value.numel():
                yield from _followed(start, names[place], tuple(node.shape), generator)


def _on_map(run: Run, view: View) -> Iterator[View]:
    navigation = run.navigation(view)
    yield view
    yield steps.last(view, navigation)
    inside = steps.into(view, navigation)
    yield inside
    yield steps.out(inside, run.navigation(inside))


def _of_node(run: Run, view: View, generator: random.Random) -> Iterator[View]:
    navigation = run.navigation(view)
    yield replace(view, depth="operations")
    for number, order in enumerate(navigation.orders):
        depth: Depth = "terms" if order == "terms" else "cells"
        walked = replace(view, order=order, depth=depth)
        _, count = steps.position(walked, navigation)
        ends = {1, count // 2, count}
        for step in generator.sample(sorted(ends), 1) if number else ends:  # all of the first order alone
            yield replace(walked, step=step)
    node = navigation.node
    if node is None or not node.shape:
        return
    yield replace(view, at=tuple(max(0, size - 1) for size in node.shape[:-2]))
    yield replace(view, at=tuple(size // 2 for size in node.shape[:-1]))
    for tensor, shape in (
        (node.name, node.shape),
        *((one.name, tuple(one.value.shape)) for one in node.operands),
    ):
        index = tuple(generator.randrange(max(1, size)) for size in shape)
        yield replace(view, cursor=(tensor, index))


def _followed(start: View, name: str, shape: tuple[int, ...], generator: random.Random) -> Iterator[View]:
    index = tuple(generator.randrange(size) for size in shape)
    ways: tuple[Literal["lineage", "reach"], ...] = ("lineage", "reach")
    depths: tuple[Depth, ...] = ("map", "cells", "operations")
    for way in ways:
        follows = FollowedCell(way, name, index)
        for depth in generator.sample(depths, 2):
            yield replace(start, follows=follows, depth=depth, path=(name,) if depth == "cells" else ())
        yield replace(start, follows=follows, cursor=(name, index), path=(name,))


def reraise(error: ProgramError | None) -> None:
    """Raise what nobody foresaw, of which the app would only show a picture."""
    if isinstance(error, InternalError) and error.__cause__ is not None:
        raise error.__cause__


def move(run: Run, view: View) -> None:
    """Do what the keys of the cursor and of the player do."""
    navigation = run.navigation(view)
    for step in (steps.forward, steps.back, steps.finish, steps.over, steps.into, steps.out, steps.reorder):
        step(view, navigation)
    for moved in (
        cursor_moves.move(run, view, 1, 1),
        cursor_moves.next_panel(run, view),
        cursor_moves.next_slice(run, view, 1),
        cursor_moves.follow(run, view),
        run.passes.switch(view),
    ):
        if isinstance(moved, View):
            run.navigation(moved)


def draw_all(program: str, generator: random.Random, tally: Tally) -> None:
    """Draw every picture of a program, and note what fails."""
    tally.programs += 1
    start = playground_view(program)
    try:
        run = open_view(start, seconds=LONGEST)
        reraise(run.error)
        tally.failed += run.error is not None
        shown = list(views(run, start, generator)) if run.trace is not None else [start]
        if run.failure is not None and run.failure.partial_trace is not None:
            shown.append(replace(start, depth="operations"))
    except Exception as error:  # noqa: BLE001  what is looked for
        tally.note(program, None, error)
        return
    for number, view in enumerate(shown):
        view = replace(view, look=LOOK_NAMES[number % len(LOOK_NAMES)])
        try:
            frame = run.frame(view, ascii_only=number % 5 == 4)
            reraise(None if frame.error is None else frame.error.cause)
            draw(frame, generator.choice(SCREEN), number % 2 == 1)
            tally.pictures += 1
            if run.trace is not None and number % 5 == 0:
                move(run, view)
        except Exception as error:  # noqa: BLE001  what is looked for
            tally.note(program, view, error)


def search(count: int, seed: int, first: int = 0, say: float = 0) -> Tally:
    """Draw programs, each from a seed of its own, and all their pictures.

    Args:
        count: How many.
        seed: The seed of the whole search.
        first: The number of the first program, for a search in slices.
        say: Seconds between two lines about how far it is; 0 for none.
    """
    tally, told = Tally(loud=say > 0), time.monotonic()
    for number in range(first, first + count):
        generator = random.Random(f"{seed}/{number}")  # noqa: S311  the same programs each time
        draw_all(draw_program(generator), generator, tally)
        if say and time.monotonic() - told > say:
            told, faults = time.monotonic(), sum(tally.faults.values())
            print(f"{tally.programs} programs, {tally.pictures} pictures, {faults} faults", flush=True)
    return tally


def main(words: Sequence[str]) -> int:
    """Do a long run; the exit code says whether anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz programs", description=__doc__)
    parser.add_argument("--count", type=int, default=15_000, help="programs, 15000 unless given")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other programs")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first program, for slices of a run"
    )
    flags = parser.parse_args(words)
    torch.set_num_threads(1)
    tally = search(flags.count, flags.seed, flags.first, SAY)
    for fault, times in tally.faults.most_common():
        print(f"{times} times {fault}\n{textwrap.indent(tally.examples[fault], '    ')}")
    print(
        f"{tally.programs} programs, {tally.failed} of which fail; {tally.pictures} pictures; "
        f"{sum(tally.faults.values())} unforeseen exceptions; {time.process_time():.0f} s of CPU time"
    )
    return int(bool(tally.faults))
