"""What a program prints: each text with the line that printed it."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO, TextIOBase
from threading import get_ident
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.capture.limits import Interruption


class Output:
    """What a program prints while it runs.

    `printed` is called with each line and text.

    Attributes:
        texts: What was printed, text by text, each with its line.
    """

    def __init__(
        self, line: Callable[[], int], most: int, printed: Callable[[int, str], None] | None = None
    ) -> None:
        self.texts: list[tuple[int, str]] = []
        self._line, self._most, self._left, self._printed = line, most, most, printed

    def write(self, text: str) -> int:
        """Take a text; raise `Interruption` if it is more than a program may print."""
        self._left -= len(text)
        if self._left < 0:
            raise Interruption(LimitError(f"the program prints more than {self._most:,} characters"))
        line = self._line()
        self.texts.append((line, text))
        if self._printed is not None:
            self._printed(line, text)
        return len(text)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Forget at the end of the context what is printed meanwhile."""
        before = self.texts, self._left, self._printed
        self.texts, self._printed = [], None
        try:
            yield
        finally:
            self.texts, self._left, self._printed = before

    def printer(self) -> Callable[..., None]:
        """Return a function that does what `print` does; what one call prints is one text."""

        def print(*values: object, file: Any = None, **named: Any) -> None:  # noqa: A001  as a traceback has it
            if file is not None and file is not sys.stdout:
                builtins.print(*values, file=file, **named)
                return
            named.pop("flush", None)
            whole = StringIO()
            builtins.print(*values, file=whole, **named)
            self.write(whole.getvalue())

        print.__module__, print.__qualname__ = builtins.__name__, print.__name__  # as a message names it
        return print


class _Stream(TextIOBase):
    """A stream of the process: what the thread that makes it writes goes to an output, all else on as ever.

    Without an output it goes nowhere: nothing that a program writes to `sys.stderr` is shown.
    """

    encoding = "utf-8"

    def __init__(self, outer: Any, own: Output | None = None) -> None:
        self._outer, self._own, self._thread = outer, own, get_ident()

    def write(self, text: str) -> int:
        """Take a text."""
        if get_ident() != self._thread:
            self._outer.write(text)  # which not every stream counts
            return len(text)
        return len(text) if self._own is None else self._own.write(text)

    def flush(self) -> None:
        """Write out what other threads wrote."""
        if get_ident() != self._thread:
            self._outer.flush()

    def isatty(self) -> bool:
        """Return whether it is a terminal, which it is for no program."""
        return get_ident() != self._thread and bool(self._outer.isatty())

    def writable(self) -> bool:
        """Return that it takes text."""
        return True


@contextmanager
def printing_to(output: Output) -> Iterator[None]:
    """Hand what this thread prints to an output while the context is open; it reads no input then.

    One program runs at a time (`isolated`), but for those that it runs itself.
    """
    before = sys.stdout, sys.stderr, sys.stdin
    own = _Stream(sys.stdout, output), _Stream(sys.stderr), StringIO()
    sys.stdout, sys.stderr, sys.stdin = own
    try:
        yield
    finally:
        # Where a stream is not ours, an app has begun or ended since, with its own.
        now = zip((sys.stdout, sys.stderr, sys.stdin), own, before, strict=True)
        sys.stdout, sys.stderr, sys.stdin = [old if stream is ours else stream for stream, ours, old in now]
