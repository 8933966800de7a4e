"""Find the part of a program that is being evaluated: by the columns that each instruction came from."""

from __future__ import annotations

import dis
import sys
from collections.abc import Mapping
from types import CodeType, FrameType, TracebackType
from typing import NamedTuple

from llm_linalg.base.errors import Span, StackFrame
from llm_linalg.base.source import Source
from llm_linalg.base.text import characters
from llm_linalg.capture.instrument import Instrumented, Position

FILE = "<program>"
"""What Python calls the file of a program: all frames of it have this very string."""

Site = tuple[Span, str]
"""The place of an expression, and its text."""
_GET_ITER = dis.opmap["GET_ITER"]


class _Instructions(NamedTuple):
    """A code's instructions, which Python copies each time that it is asked for them.

    The code is kept so that its id is not reused.
    """

    code: CodeType
    text: bytes
    positions: list[tuple[int | None, int | None, int | None, int | None]]


class Sites:
    """The places of a program's instructions.

    Args:
        source: The program.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._places: dict[Position, Position] = {}
        self._iterated: Mapping[Position, Position] = {}
        self._found: dict[tuple[int, int], Site] = {}
        self._known: dict[Position, Site] = {}  # one object for all instructions of an expression
        self._codes: dict[int, _Instructions] = {}

    def add(self, instrumented: Instrumented) -> None:
        """Take the places that Python has otherwise than the reader."""
        self._places.update(instrumented.places)
        self._iterated = {**self._iterated, **instrumented.iterated}

    def at(self, code: CodeType, instruction: int) -> Site | None:
        """Return the place of an instruction, given by its offset; None if nothing is known of it."""
        key = id(code), instruction
        site = self._found.get(key)
        if site is None:
            position = self._position(code, instruction)
            if position is None:
                return None
            site = self._found[key] = self.of(position)
        return site

    def of(self, position: Position) -> Site:
        """Return the place of a position."""
        site = self._known.get(position)
        if site is None:
            first, column, last, end = position
            lines = self._source.lines
            span = Span(first, characters(lines[first - 1], column), last, characters(lines[last - 1], end))
            site = self._known[position] = span, span.of(lines)
        return site

    def _position(self, code: CodeType, instruction: int) -> Position | None:
        instructions = self._codes.get(id(code))
        if instructions is None:
            instructions = self._codes[id(code)] = _Instructions(code, code.co_code, [*code.co_positions()])
        first, last, column, end = instructions.positions[instruction // 2]
        if first is None or last is None or column is None or end is None:
            return None
        position = first, column, last, end
        if instructions.text[instruction] == _GET_ITER:
            position = self._iterated.get(position, position)
        return self._places.get(position, position) if last <= len(self._source.lines) else None

    def frames(self, traceback: TracebackType | None) -> list[tuple[FrameType, int]]:
        """Return the program's frames that led to an error, outermost first, each with its instruction."""
        found = []
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == FILE:
                found.append((traceback.tb_frame, traceback.tb_lasti))
            traceback = traceback.tb_next
        return found

    def calls_of_methods(self, frames: list[tuple[FrameType, int]]) -> tuple[StackFrame, ...]:
        """Return the calls that led to the innermost method among frames."""
        inner = max((n for n, (frame, _) in enumerate(frames) if is_method(frame.f_code)), default=0)
        calls = []
        for frame, instruction in frames[:inner]:
            site = self.at(frame.f_code, instruction)
            if site is not None:
                name = "" if frame.f_code.co_name == "<module>" else frame.f_code.co_qualname
                calls.append(StackFrame("", site[0], name, site[1]))
        return tuple(calls)


def is_method(code: CodeType) -> bool:
    """Return whether a function was defined in a class."""
    outer = code.co_qualname.rpartition(".")[0]
    return bool(outer) and not outer.endswith("<locals>")


def program_frame(depth: int = 1) -> FrameType | None:
    """Return the innermost frame of the program, looked for from some frames above the caller's."""
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None and frame.f_code.co_filename != FILE:
        frame = frame.f_back
    return frame
