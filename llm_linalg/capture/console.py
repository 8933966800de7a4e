"""What a program prints: each text with the line that printed it."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO, TextIOBase
from threading import Lock, get_ident
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.capture.limits import Interruption


class Output(TextIOBase):
    """Stands for `sys.stdout` while a program runs.

    Args:
        line: Returns the line of the program that runs.
        most: How many characters it may print.
        printed: Called with each line and text; None for nobody.

    Attributes:
        texts: What was printed, text by text, each with its line.
    """

    encoding = "utf-8"

    def __init__(
        self, line: Callable[[], int], most: int, printed: Callable[[int, str], None] | None = None
    ) -> None:
        self.texts: list[tuple[int, str]] = []
        self._line, self._most, self._left, self._printed = line, most, most, printed

    def write(self, text: str) -> int:
        """Take a text.

        Raises:
            Interruption: If it is more than a program may print.
        """
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

    def writable(self) -> bool:
        """Return that it takes text."""
        return True

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

        return print


class _Stream(TextIOBase):
    """A stream of the process: what a program's thread writes goes to its output, all else on as ever."""

    encoding = "utf-8"

    def __init__(self, outer: Any, outputs: dict[int, TextIOBase]) -> None:
        self._outer, self._outputs = outer, outputs

    def write(self, text: str) -> int:
        """Take a text."""
        return int(self._outputs.get(get_ident(), self._outer).write(text))

    def flush(self) -> None:
        """Write out what other threads wrote."""
        if get_ident() not in self._outputs:
            self._outer.flush()

    def isatty(self) -> bool:
        """Return whether it is a terminal, which it is for no program."""
        return get_ident() not in self._outputs and bool(self._outer.isatty())

    def writable(self) -> bool:
        """Return that it takes text."""
        return True


class _Nowhere(TextIOBase):
    """Takes what a program writes to `sys.stderr`, which is not shown: progress bars, for one."""

    def write(self, text: str) -> int:
        """Take a text."""
        return len(text)


_LOCK = Lock()
_outputs: dict[int, TextIOBase] = {}
_errors: dict[int, TextIOBase] = {}
_before: list[Any] = []
_own: list[Any] = []


@contextmanager
def printing_to(output: Output) -> Iterator[None]:
    """Hand what this thread prints to an output while the context is open; it reads no input then."""
    with _LOCK:
        if not _outputs:
            _before[:] = sys.stdout, sys.stderr, sys.stdin
            _own[:] = _Stream(sys.stdout, _outputs), _Stream(sys.stderr, _errors), StringIO()
            sys.stdout, sys.stderr, sys.stdin = _own
        outer = _outputs.get(get_ident()), _errors.get(get_ident())
        _outputs[get_ident()], _errors[get_ident()] = output, _Nowhere()
    try:
        yield
    finally:
        with _LOCK:
            for own, before in zip((_outputs, _errors), outer, strict=True):
                del own[get_ident()]
                if before is not None:
                    own[get_ident()] = before
            if not _outputs:
                # Where a stream is not ours, an app has begun or ended since, with its own.
                now = zip((sys.stdout, sys.stderr, sys.stdin), _own, _before, strict=True)
                sys.stdout, sys.stderr, sys.stdin = [
                    before if stream is own_stream else stream for stream, own_stream, before in now
                ]
