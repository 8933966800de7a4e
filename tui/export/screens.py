"""Draw shots as screens with the app itself, without a terminal: there is no second renderer."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tui.app import Explorer, Options
from tui.export.format import Shot
from tui.terminal.signals import ENDING
from tui.terminal.textual_private import still_rows


def draw(
    shots: Sequence[Shot], size: tuple[int, int], options: Options, take: Callable[[Shot], None]
) -> None:
    """Draw each shot, in order, and hand it on with its rows: the same rows each time.

    A lesson and a deck stand on a clean stage, as in a talk; a script has the whole screen. A signal
    that says to end cancels the work where it waits, and leads to SystemExit; SIGINT to KeyboardInterrupt.
    """
    signals: list[int] = []
    before = {number: signal.getsignal(number) for number in ENDING}
    runner = asyncio.Runner()
    try:
        with _held_back():  # a loop that is only half made can't be closed
            runner.get_loop()
        runner.run(_endable(_draw(shots, size, options, take), signals))
    except (Exception, asyncio.CancelledError):  # an app that is cancelled while it starts may fail, too
        if not signals:
            raise
    finally:
        runner.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    if signals:
        raise KeyboardInterrupt if signals[0] == signal.SIGINT else SystemExit(128 + signals[0])


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold back the signals that say to end while the context is open; they come at its end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def _endable(work: Coroutine[object, object, None], signals: list[int]) -> None:
    """Do the work, which a signal cancels; an exception in a handler would tear the app apart."""
    task = asyncio.ensure_future(work)

    def end(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in ENDING:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    await task


async def _draw(
    shots: Sequence[Shot], size: tuple[int, int], options: Options, take: Callable[[Shot], None]
) -> None:
    first = shots[0].session
    app = Explorer(first.view, first.lessons, options, first.talk)
    async with app.run_test(size=size) as pilot:
        for shot in shots:
            app.explorer.update_session(shot.session)
            take(replace(shot, screen=await still_rows(pilot, lambda: app.explorer.is_settled)))
