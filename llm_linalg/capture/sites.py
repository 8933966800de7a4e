"""Find the part of a program that is being evaluated: by the columns that each instruction came from."""

from __future__ import annotations

import ast
import sys
from functools import cached_property
from types import CodeType, FrameType, TracebackType
from typing import Any

from llm_linalg.base.errors import Span, StackFrame
from llm_linalg.base.source import Source
from llm_linalg.base.text import characters

FILE = "<program>"
"""What Python calls the file of a program: all frames of it have this very string."""

Site = tuple[Span, str]
"""The place of an expression, and its text."""
_Position = tuple[int, int, int, int]
"""First line, column, last line and last column, in bytes, as `ast` has them."""


class Sites:
    """The places of a program's instructions."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[_Position, Site] = {}  # one object for all instructions of an expression
        # By the id of a code, which is kept so that the id is not reused: what Python copies at each request.
        self._codes: dict[int, tuple[CodeType, list[Any]]] = {}

    @cached_property
    def _places(self) -> dict[_Position, _Position]:
        """Where what runs at a position stands for the reader, if Python has another position for it.

        A write to `x[0]` is the assignment around it. Of a method's call over several lines Python has the
        last of them.
        """
        places: dict[_Position, _Position] = {}
        for node in ast.walk(self._source.tree):
            match node:
                case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                    for part in ast.walk(node):
                        if isinstance(getattr(part, "ctx", None), ast.Store):
                            places[_position(part)] = _position(node)
                case ast.Call(func=ast.Attribute() as part) | (ast.Attribute() as part):
                    _, _, line, end = _position(part)
                    if part.lineno != line:
                        own = _position(node)
                        places[line, end - len(part.attr.encode()), own[2], own[3]] = own
        return places

    def at(self, code: CodeType, instruction: int) -> Site | None:
        """Return the place of an instruction, given by its offset; None if nothing is known of it."""
        position = self._position(code, instruction)
        return None if position is None else self.of(position)

    def of(self, position: _Position) -> Site:
        """Return the place of a position."""
        site = self._known.get(position)
        if site is None:
            first, column, last, end = position
            lines = self._source.lines
            span = Span(first, characters(lines[first - 1], column), last, characters(lines[last - 1], end))
            site = self._known[position] = span, span.of(lines)
        return site

    def _position(self, code: CodeType, instruction: int) -> _Position | None:
        _, positions = self._codes.setdefault(id(code), (code, []))
        if not positions:
            positions += code.co_positions()
        first, last, column, end = positions[instruction // 2]
        if None in (first, last, column, end) or last > len(self._source.lines):
            return None
        position: _Position = first, column, last, end
        return self._places.get(position, position)

    def frames(self, traceback: TracebackType | None) -> list[tuple[FrameType, int]]:
        """Return the program's frames that led to an error, outermost first, each with its instruction."""
        frames = []
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == FILE:
                frames.append((traceback.tb_frame, traceback.tb_lasti))
            traceback = traceback.tb_next
        return frames

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


def _position(node: ast.AST) -> _Position:
    place: Any = node
    return place.lineno, place.col_offset, place.end_lineno, place.end_col_offset


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
