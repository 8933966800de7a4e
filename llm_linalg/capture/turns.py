"""Which turns of a long loop are recorded: its first and its last ones.

A loop of thousands of turns would make more nodes than anybody looks at, and take many times as long as
Python. So once it is clear that it will, by the nodes that its first turns made and by how many turns there
are, those in its middle run without being recorded. Of a loop of which nobody knows when it ends, as of
`while`, more of the first turns are recorded, and none after them. Counts decide, so that each run keeps the
same turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from operator import length_hint
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.instrument import LoopPlace
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.recorder import Recorder

_SHARE = 4  # the first turns that are recorded, and the last ones, make a fourth of the most nodes each
_LONGER = 2  # as many times the most nodes are recorded of a loop that may end at any turn
_NEVER = 2**63
_MOST_AT_ONCE = 1_024  # turns, of those that make no nodes
_BARREN = 8  # runs of a loop without a node after which it is gone through as it is
_SIZED = (list, tuple, range, str, dict, DataLoader)
_ONE_FOR_ONE = (enumerate, zip)


class LoopWindow:
    """The turns of one run of a loop that are recorded.

    How many turns it takes is None if only the loop itself will tell.
    """

    def __init__(self, recorder: Recorder, place: LoopPlace, turns: int | None, most: int) -> None:
        self._recorder, self._place, self._turns, self._most = recorder, place, turns, most
        self._first = len(recorder.nodes)
        self._next_check = self._first + most // _SHARE
        self._turn = self.gap_start = self._resume_at = self._position = 0

    @property
    def made(self) -> int:
        """How many nodes there are since it began."""
        return len(self._recorder.nodes) - self._first

    def start_turns(self, count: int = 1) -> None:
        """Take note that so many turns began, the last of them now; stop recording or go on with it."""
        self._turn += count
        if self.gap_start:
            if self._turn == self._resume_at:
                self.close()
        elif len(self._recorder.nodes) >= self._next_check:
            self._consider()

    def close(self) -> None:
        """End a gap, if there is one: the turn that begins now, or what comes after the loop, is recorded."""
        if self.gap_start:
            last = self._turn - (self._turn == self._resume_at)
            gap = Gap(self._place.line, self.gap_start, last, self._turns or last, self._position)
            self.gap_start = 0
            self._recorder.resume(gap)
            self._next_check = _NEVER

    def _consider(self) -> None:
        """Stop recording if the loop makes too many nodes."""
        most, done, made = self._most, self._turn - 1, self.made
        self._next_check = _NEVER
        if self._recorder.is_paused:
            return
        turns = self._turns
        if turns is None or self._place.may_leave:
            most *= _LONGER
            makes_more = made >= most
        else:
            makes_more = made * turns > most * done  # by what a turn has made so far
        if not makes_more:
            self._next_check = self._first + most
            return
        last = max(1, self._most // _SHARE * done // made)
        if turns is not None and turns - last <= done:
            return
        self._position = len(self._recorder.nodes)
        self.gap_start, self._resume_at = self._turn, _NEVER if turns is None else turns - last + 1
        self._recorder.pause()


class Turns:
    """The loops of a run; the program calls these methods.

    Attributes:
        places: The loops of the program.
        may_skip: Whether turns may go unrecorded.
    """

    def __init__(self, recorder: Recorder, most: int) -> None:
        self.places: list[LoopPlace] = []
        self.may_skip = True
        self._recorder, self._most = recorder, most
        self._open: list[LoopWindow] = []
        self._running: dict[int, LoopWindow] = {}  # of `for`, by their ids
        self._barren: dict[int, int] = {}

    def loop(self, place: int, items: Any) -> Any:
        """Return what a `for` goes through in place of `items`: the same, with a look at the turns.

        Turns that make no nodes are gone through many at a time, so that they cost next to nothing.
        """
        if self._barren.get(place, 0) >= _BARREN or not self.may_skip:
            return items
        window = LoopWindow(self._recorder, self.places[place], count_turns(items), self._most)
        return chain.from_iterable(self._portions(place, window, iter(items)))

    def _portions(self, place: int, window: LoopWindow, items: Iterator[Any]) -> Iterator[Iterable[Any]]:
        size, made = 1, 0
        self._running[id(window)] = window
        try:
            for first in items:
                window.start_turns(size)
                is_barren = window.made == made and not window.gap_start
                size = min(2 * size, _MOST_AT_ONCE) if is_barren else 1
                made = window.made
                yield (first,) if size == 1 else chain((first,), islice(items, size - 1))
        finally:
            self._running.pop(id(window), None)
            window.close()
            self._barren[place] = 0 if window.made else self._barren.get(place, 0) + 1

    def open(self, place: int) -> None:
        """Take note that a `while` begins."""
        self._open.append(LoopWindow(self._recorder, self.places[place], None, self._most))

    def turn(self) -> None:
        """Take note that a turn of it begins."""
        self._open[-1].start_turns()

    def close(self) -> None:
        """Take note that it ends."""
        self._open.pop().close()

    def finish(self) -> None:
        """End the gap of a loop that has not ended, in a generator that nobody goes on with."""
        for window in (*self._running.values(), *self._open):
            window.close()


def count_turns(items: Any) -> int | None:
    """Return how many turns a loop over a value takes; None if only the loop itself will tell."""
    if isinstance(items, _SIZED):
        try:
            return len(items)
        except (OverflowError, TypeError):  # a range beyond what a length may be; a loader that has none
            return None
    if isinstance(items, Tensor):
        with untraced():
            return len(items) if items.dim() else None
    if isinstance(items, _ONE_FOR_ONE):
        parts: Any = items.__reduce__()
        counts = [length_hint(inner, -1) for inner in parts[1] if not isinstance(inner, int)]
        return min(counts) if counts and min(counts) >= 0 else None
    return None
