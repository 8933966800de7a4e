"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from tui.files.output import is_terminal

WIDTH = 30


class Progress:
    """Counts the pictures that are done, or other things."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._made, self._shown = what, total, 0, ""
        self._stream = sys.stderr if is_terminal(sys.stderr) else None

    def __enter__(self) -> Progress:
        self._draw()
        return self

    def on(self, count: int = 1) -> None:
        """Count one more, or as many."""
        self._made += count
        self._draw()

    def _draw(self) -> None:
        done = WIDTH * self._made // max(1, self._total)
        bar = f"{self._what}  {'=' * done}{'-' * (WIDTH - done)}  {self._made}/{self._total}"
        if self._stream is not None and bar != self._shown:
            self._stream.write(f"\r{bar}")
            self._stream.flush()
            self._shown = bar

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.write(f"\r{' ' * len(self._shown)}\r")
            self._stream.flush()
