"""Errors of a program, as values that a screen can show.

A message is one sentence. `str(error)` is the message, the place, and the line with a caret under it: one
screen at most, and free of control characters whatever the program contains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from llm_linalg.base.text import clean, one_line

if TYPE_CHECKING:
    from torch import Tensor


_MESSAGE_LIMIT = 600
_LINE_LIMIT = 160
_PATH_LIMIT = 90


class Span(NamedTuple):
    """A place in a program: lines count from 1, columns from 0, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of_line(cls, line: int, text: str) -> Span:
        """Return the place of a whole line, given its text, but for its indentation."""
        return cls(line, len(text) - len(text.lstrip()), line, len(text))

    def text(self, source: str) -> str:
        """Return the part of the program that the span covers."""
        return self.of(source.split("\n"))

    def of(self, lines: Sequence[str]) -> str:
        """Return the text that the span covers, given the program's lines."""
        lines = [*lines[self.line - 1 : self.end_line]]
        if not lines:
            return ""
        lines[-1] = lines[-1][: self.end_column]
        lines[0] = lines[0][self.column :]
        return "\n".join(lines)

    def shift(self, lines: int) -> Span:
        """Return the span `lines` further down."""
        return Span(self.line + lines, self.column, self.end_line + lines, self.end_column)

    def replace_in(self, source: str, text: str) -> str:
        """Return the program with the span's part replaced by `text`."""
        lines = source.split("\n")
        head = [*lines[: self.line - 1], lines[self.line - 1][: self.column]]
        tail = [lines[self.end_line - 1][self.end_column :], *lines[self.end_line :]]
        return "\n".join(head) + text + "\n".join(tail)


class StackFrame(NamedTuple):
    """A stack frame of trusted Python, or a call of a program's method, on the way to a call that failed.

    Attributes:
        file: The file's path; empty in a program.
        span: The expression that the frame was evaluating.
        function: The function's qualified name; empty outside of all.
        text: The source line.
        module: The path of the module whose method the function is; empty for any other.
    """

    file: str
    span: Span
    function: str
    text: str
    module: str = ""

    @property
    def line(self) -> int:
        """The line, counted from 1."""
        return self.span.line

    def __str__(self) -> str:
        if not self.file:
            place = f" in {self.function}" if self.function else ""
            return clean(f"line {self.line}{place}: {self.text.strip()}", limit=_LINE_LIMIT)
        file = self.file if len(self.file) <= _PATH_LIMIT else f"...{self.file[3 - _PATH_LIMIT :]}"
        function = f"{self.function} ({self.module})" if self.module else self.function
        return clean(f"{file}:{self.line} in {function}: {self.text.strip()}", limit=_LINE_LIMIT)


def innermost(frames: tuple[StackFrame, ...]) -> tuple[Span | None, str]:
    """Return the innermost frame's span, and a source that contains it: its line, below empty ones."""
    if not frames:
        return None, ""
    return frames[-1].span, "\n" * (frames[-1].line - 1) + frames[-1].text


class ProgramError(Exception):
    """A program that can't be read or run.

    Attributes:
        message: One sentence.
        span: The place of the error; None if it has none.
        source: The program's text.
        frames: The stack frames of trusted Python that led to the failing call, outermost first; in a
            program the calls of methods that did.
        trace: What a program did before it failed; None if it did not start.
        exception: What Python itself raises there, which the program may catch; None if it is not Python
            that refuses.
        lacks_lock: Whether it was not run as nothing on this machine would lock it in: see `RoomError`.
    """

    frames: tuple[StackFrame, ...] = ()
    trace: Any = None
    exception: BaseException | None = None
    lacks_lock: bool = False

    def __init__(self, message: str, span: Span | None = None, source: str = "") -> None:
        super().__init__(message)
        self.message = clean(one_line(message), limit=_MESSAGE_LIMIT)
        self.span = span
        self.source = source

    def shift(self, lines: int) -> Self:
        """Return the error as it would be with `lines` more lines above the program (fewer if negative)."""
        other = copy(self)
        if self.span is not None:
            other.span = self.span.shift(lines)
            other.frames = tuple([own._replace(span=own.span.shift(lines)) for own in self.frames])
            line = self.span.line
            moved = self.message.replace(f" at line {line}:", f" at line {line + lines}:")
            other.message = clean(moved, limit=None)
            other.source = "\n" * lines + "\n".join(self.source.split("\n")[max(0, -lines) :])
        return other

    @property
    def line(self) -> int | None:
        """The line, counted from 1."""
        return self.span.line if self.span else None

    @property
    def column(self) -> int | None:
        """The column, counted from 0."""
        return self.span.column if self.span else None

    @property
    def end_column(self) -> int | None:
        """The column after the last, on the first line of the span."""
        if self.span is None:
            return None
        if self.span.end_line == self.span.line:
            return self.span.end_column
        return len(self._source_line())

    @property
    def caret(self) -> str:
        """The program's line and a second one with carets under the place."""
        if self.span is None or self.column is None or self.end_column is None:
            return ""
        line = self._source_line()
        start, end = self.column, max(self.end_column, self.column + 1)
        offset = max(0, start - _LINE_LIMIT // 2)
        shown = clean(line[offset : offset + _LINE_LIMIT], limit=_LINE_LIMIT)
        before = len(clean(line[offset:start], limit=_LINE_LIMIT))
        length = max(1, min(len(clean(line[start:end], limit=_LINE_LIMIT)), _LINE_LIMIT - before))
        return f"{shown}\n{' ' * before}{'^' * length}"

    def __str__(self) -> str:
        if self.span is None:
            return self.message
        return f"line {self.line}, column {self.span.column + 1}: {self.message}\n{self.caret}"

    def _source_line(self) -> str:
        lines = self.source.split("\n")
        return lines[self.span.line - 1] if self.span and self.span.line <= len(lines) else ""


class MissingValueError(ProgramError):
    """A statement that reads what another would have made or changed, which was not run."""


class LimitError(ProgramError):
    """A program that exceeds its budget of cells, multiplications, steps, text or time."""


class HaltedError(ProgramError):
    """A program that was stopped from outside while it ran."""


def stop_if(halt: Callable[[], bool] | None, what: str = "stopped") -> None:
    """Raise `HaltedError` if somebody asks to stop."""
    if halt is not None and halt():
        raise HaltedError(what)


class InternalError(ProgramError):
    """A fault of this package's own, in running a program or in showing it; its cause is what was raised."""

    @classmethod
    def of(cls, error: Exception, what: str) -> Self:
        """Return an exception that nobody foresaw as an error to show; `what` says what failed."""
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        shown = cls(f"{what}, and the fault is not the program's: {words}")
        shown.__cause__ = error
        return shown


class FormatError(ValueError):
    """A file or a log that is not in the format that it claims; its message is one line."""

    def __init__(self, message: str) -> None:
        super().__init__(clean(one_line(message), limit=_MESSAGE_LIMIT))


class RoomError(ProgramError):
    """A program that can't be run, because nothing foreign may run here, or its process does not start."""

    @classmethod
    def without_lock(cls, reason: str) -> Self:
        """Return the error of a machine that has no lock, for a reason."""
        error = cls(f"not run, as nothing on this machine would lock it in: {reason}")
        error.lacks_lock = True
        return error


class OperandInfo(NamedTuple):
    """An operand of a failed call: its name, its shape, and the text of its expression."""

    name: str
    shape: tuple[int, ...]
    source: str


class MismatchedAxis(NamedTuple):
    """One side of a mismatch: axis `axis` of operand `operand` has size `size`."""

    operand: int
    axis: int
    size: int


class Repair(str):
    """Source text that can replace the failing expression; it was run and worked.

    Attributes:
        shape: The shape of its result.
        why: What it changes, in a few words.
    """

    shape: tuple[int, ...]
    why: str

    def __new__(cls, source: str, shape: tuple[int, ...], why: str) -> Repair:
        """Create the text with its attributes; a `str` is immutable, so `__init__` comes too late."""
        repair = super().__new__(cls, source)
        repair.shape = shape
        repair.why = why
        return repair


class ShapeError(ProgramError):
    """A call whose operands' shapes don't fit.

    Attributes:
        operation: torch's short name of the operation.
        operands: Its operands, in the order of the parameters.
        axes: The axes that clash.
        repairs: Expressions that can replace the failing one.
        detail: torch's own message.
        most: The largest index of a failed look-up; None for other operations.
        values: The operands' tensors.
    """

    values: tuple[Tensor, ...] = ()
    most: int | None = None

    def __init__(
        self,
        message: str,
        span: Span | None = None,
        source: str = "",
        *,
        operation: str = "",
        operands: tuple[OperandInfo, ...] = (),
        axes: tuple[MismatchedAxis, ...] = (),
        repairs: tuple[Repair, ...] = (),
        detail: str = "",
    ) -> None:
        super().__init__(message, span, source)
        self.operation = operation
        self.operands = operands
        self.axes = axes
        self.repairs = repairs
        self.detail = clean(detail, limit=_MESSAGE_LIMIT)

    @property
    def expression(self) -> str:
        """The text of the failing expression."""
        return self.span.text(self.source) if self.span else ""

    def apply_repair(self, repair: str) -> str:
        """Return the program with `repair` in place of the failing expression."""
        return self.span.replace_in(self.source, repair) if self.span else self.source

    def __str__(self) -> str:
        lines = [super().__str__()]
        lines += [f"try: {clean(repair, limit=_LINE_LIMIT)}    {repair.why}" for repair in self.repairs[:6]]
        return "\n".join(lines)
