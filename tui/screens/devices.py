"""Runs a stop's program on real processes, in a thread, and hands over in a sentence what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from tui.devices import Devices, DevicesError, job_of, verdict
from tui.screens.editor import Workbench

if TYPE_CHECKING:
    from textual.widget import Widget

    from llm_linalg.tracing import Trace
    from tui.drafts import Drafts
    from tui.session import Session


class Held(Message):
    """What the processes made was held against the one process."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Processes(Workbench):
    """A page whose program can be run on real processes."""

    def __init__(self, drafts: Drafts | None = None) -> None:
        super().__init__(drafts)
        self._release: Callable[[], None] = lambda: None  # ends the processes that run

    def on_unmount(self) -> None:
        """Leaves no process behind."""
        self._release()

    def hold(self) -> None:
        """Starts them, those that ran before ended."""
        self._release()
        self._release = start(self, self.session)
        said = f"Starting {self.session.view.at_stop.ranks} processes; go on meanwhile."
        self.update_session(self.session.told(said))

    def on_held(self, event: Held) -> None:
        """They have ended."""
        self.update_session(self.session.told(event.text))


def start(owner: Widget, session: Session) -> Callable[[], None]:
    """Starts the processes of the stop that is open; `owner` gets `Held`.

    Returns:
        What ends them.
    """
    run = session.current
    if run is None or run.trace is None:
        return lambda: None
    devices = Devices(job_of(session.view))
    owner.run_worker(
        partial(_work, owner, devices, run.trace), name="processes", group="processes", thread=True
    )
    return devices.stop


def _work(owner: Widget, devices: Devices, trace: Trace) -> None:
    try:
        text, _ = verdict(devices.run(), trace)
    except DevicesError as error:
        text = str(error)
    owner.post_message(Held(text))
