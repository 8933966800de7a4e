"""Functions that take turns, each in a thread of its own: only one runs while the others wait."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from threading import Semaphore, Thread
from typing import Generic, TypeVar

from torch import get_num_threads, set_num_threads

from llm_linalg.base.rng import restore_rng

T = TypeVar("T")


class Cancelled(Exception):  # noqa: N818  a way out of a function, not an error
    """Ends a function whose result nobody waits for."""


class PausableThread(Generic[T]):
    """A function that can pause at any depth of its own calls, which a generator can't.

    It sees the context variables of the place that made it, and what the others draw while it pauses does not
    disturb its random numbers.

    Args:
        function: The function; it calls `pause` to let the others run.

    Attributes:
        has_ended: Whether the function has returned or raised.
        is_cancelled: Whether it is to end at its next pause.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._its_turn, self._others_turn = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=copy_context().run, args=(self._run,), daemon=True)
        self._torch_threads = get_num_threads()
        self._result: T | None = None
        self._error: BaseException | None = None
        self.has_ended = False
        self.is_cancelled = False

    def resume(self) -> None:
        """Run the function until it pauses or ends; raise what it raised."""
        if self._thread.ident is None:
            self._thread.start()
        self._its_turn.release()
        self._others_turn.acquire()
        if self._error is not None:
            raise self._error

    @property
    def result(self) -> T:
        """The return value; `LookupError` if there is none yet."""
        if self._result is None:
            raise LookupError("it has not returned anything")
        return self._result

    def pause(self) -> None:
        """Let the others run; called by the function itself.

        Raises:
            Cancelled: If the function is to end.
        """
        with restore_rng():
            self._others_turn.release()
            self._its_turn.acquire()
        if self.is_cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """End the function at its pause, and wait until it has ended."""
        self.is_cancelled = True
        if self._thread.ident is not None:
            self._its_turn.release()
            self._thread.join()

    def _run(self) -> None:
        self._its_turn.acquire()
        set_num_threads(self._torch_threads)  # a new thread starts with one for each processor
        try:
            self._result = self._function()
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001  raised again in `resume`
            self._error = error
        self.has_ended = True
        self._others_turn.release()
