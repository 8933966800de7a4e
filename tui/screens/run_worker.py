"""Run a session's program in a thread, and post the result as a message.

A run is not killed: it asks, before each of its calls, whether it is to end. Code of the user's own may be in
a call that takes long, so nothing waits for its thread: the app ends without it, and the process too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Event, Lock, Thread
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING

from textual.message import Message

from tui.terminal.process import RUN_THREAD, resume_collection

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.compose.program_run import Run
    from tui.model.cell_survey import CellSurvey
    from tui.model.view import View

# Programs draw from torch's one generator, and to end takes one a moment: they run one after the other.
_ONE_AT_A_TIME = Lock()
_latest = Event()  # of the run that began last: set once its result is not wanted any more


class RunStarted(Message):
    """Torch is there, and a program is about to run."""


class RunFinished(Message):
    """A program was run."""

    def __init__(self, opened: Run) -> None:
        super().__init__()
        self.opened = opened


class CellsSurveyed(Message):
    """All cells of a document were run, or none of their states is known."""

    def __init__(self, survey: CellSurvey) -> None:
        super().__init__()
        self.survey = survey


def behind() -> bool:
    """Return whether an abandoned run is still in a call, so that no other can begin."""
    return _ONE_AT_A_TIME.locked() and _latest.is_set()


def run_program(
    owner: Widget, view: View, previous: Run | None, seconds: float | None = None
) -> Callable[[], None]:
    """Run the view's program in a thread, for so long at most; `owner` gets `RunFinished`.

    Returns:
        What halts the run, so that its result says that it was stopped. Another run halts it as well; then
        nobody waits for its result, and there is none.
    """
    halted = Event()
    _begin(owner, "run", lambda dropped: _work(owner, view, previous, halted, dropped, seconds))
    return halted.set


def survey_cells(owner: Widget, view: View, seconds: float | None = None) -> None:
    """Run all cells of a view's document in a thread; `owner` gets `CellsSurveyed`.

    A run that is asked for meanwhile halts it, and there is no message.
    """
    _begin(owner, "survey", lambda dropped: _survey(owner, view, dropped, seconds))


def _begin(owner: Widget, name: str, work: Callable[[Event], None]) -> None:
    """Begin work of the program's, which ends what was begun before; it is told when nobody waits for it."""

    async def wait() -> None:  # a function, and no coroutine yet: another run may come before it begins
        dropped = Event()
        await in_thread(lambda: work(dropped), dropped)

    owner.run_worker(wait, name=name, group="program", exclusive=True)  # type: ignore[arg-type]


def _survey(owner: Widget, view: View, dropped: Event, seconds: float | None) -> None:
    with _ONE_AT_A_TIME:
        if dropped.is_set():
            return
        global _latest  # noqa: PLW0603 - as the lock it is the process's
        _latest = dropped
        from tui.compose.view_runner import survey

        surveyed = survey(view, dropped.is_set, seconds)
    if not dropped.is_set():
        owner.post_message(CellsSurveyed(surveyed))


def running_place() -> str:
    """Return where a program of the user's own that runs is, as `model.py:7`; empty if that is not known."""
    from llm_linalg.recording.call_sites import place_of_thread

    threads = [own.ident for own in enumerate_threads() if own.name == RUN_THREAD and own.ident is not None]
    return next(filter(None, map(place_of_thread, threads)), "")


async def in_thread(work: Callable[[], None], dropped: Event) -> None:
    """Wait for work in a thread that holds nothing up, not even the end of the process.

    What it raises is raised here; `dropped` is set once nobody waits any more.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 - the worker raises it, and the app tells of it
            error = raised
        with suppress(RuntimeError):  # the app has ended meanwhile
            loop.call_soon_threadsafe(finish, error)

    Thread(target=copy_context().run, args=(run,), name=RUN_THREAD, daemon=True).start()
    try:
        await done
    finally:
        dropped.set()


def _work(
    owner: Widget,
    view: View,
    previous: Run | None,
    halted: Event,
    dropped: Event,
    seconds: float | None,
) -> None:
    with _ONE_AT_A_TIME:
        if dropped.is_set():
            return
        global _latest  # noqa: PLW0603 - as the lock it is the process's
        _latest = dropped
        from tui.compose.view_runner import leave_unlocked, open_view, unrun_reason, warm

        warm(view)
        resume_collection()
        owner.post_message(RunStarted())
        if reason := unrun_reason(view):
            opened = leave_unlocked(view, reason, previous)
        else:
            opened = open_view(view, previous, lambda: dropped.is_set() or halted.is_set(), seconds)
    if not dropped.is_set():
        owner.post_message(RunFinished(opened))
