"""Functions that take turns, each in a thread of its own: one goes on only while the others wait."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from threading import Semaphore, Thread
from typing import Generic, TypeVar

from torch import get_num_threads, set_num_threads

from llm_linalg.base.rng import restore_rng

T = TypeVar("T")


class Cancelled(Exception):  # noqa: N818  a way out of a function, not an error
    """Nobody waits for what the function would return."""


class PausableThread(Generic[T]):
    """A function that can pause anywhere below its own frame.

    It sees the context's variables as they were where this was made, and draws its own random numbers: those
    that the others draw meanwhile are none of them.

    Args:
        function: What is run. It calls `pause` to let others go on, and is ended there if it is left.

    Attributes:
        ended: Whether it has returned or raised.
        left: Whether nobody waits for it any more: it had better end soon.
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
        """Let it run until it pauses or ends.

        Raises:
            BaseException: What it raised, if it ended so.
        """
        if self._thread.ident is None:
            self._thread.start()
        self._its_turn.release()
        self._others_turn.acquire()
        if self._error is not None:
            raise self._error

    @property
    def result(self) -> T:
        """What it returned.

        Raises:
            LookupError: If it has not.
        """
        if self._result is None:
            raise LookupError("it has not returned anything")
        return self._result

    def pause(self) -> None:
        """Let the others go on: called by the function.

        Raises:
            Left: If nobody waits for it any more.
        """
        with restore_rng():
            self._others_turn.release()
            self._its_turn.acquire()
        if self.is_cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """End it where it is, and wait until it has."""
        self.is_cancelled = True
        if self._thread.ident is not None:
            self._its_turn.release()
            self._thread.join()

    def _run(self) -> None:
        self._its_turn.acquire()
        set_num_threads(self._torch_threads)  # a new thread would take as many as there are processors
        try:
            self._result = self._function()
        except Cancelled:
            pass
        except BaseException as error:  # noqa: BLE001  it is raised where one waits for it
            self._error = error
        self.has_ended = True
        self._others_turn.release()
