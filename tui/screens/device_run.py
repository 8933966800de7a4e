"""Run a stop's program on real processes, in a thread, and compare what they compute."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from tui.model.device_processes import DeviceProcesses, DevicesError, job_of, verdict

if TYPE_CHECKING:
    from textual.widget import Widget

    from llm_linalg.api.trace import Trace
    from tui.session.session import Session


class DevicesCompared(Message):
    """The values of the processes were compared with those of the one process."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class DeviceRun:
    """The processes of one run at a time; their owner gets `DevicesCompared`."""

    def __init__(self, owner: Widget) -> None:
        self._owner = owner
        self._stop: Callable[[], None] = lambda: None

    def start(self, session: Session) -> str:
        """Start the processes of the stop that is open, those that ran before ended; say so."""
        self.stop()
        run = session.current
        if run is not None and run.trace is not None:
            devices = DeviceProcesses(job_of(session.view))
            self._stop = devices.stop
            self._owner.run_worker(
                partial(_work, self._owner, devices, run.trace), name="processes", group="processes",
                thread=True,
            )  # fmt: skip
        return f"Starting {session.view.at_stop.ranks} processes; go on meanwhile."

    def stop(self) -> None:
        """Leave no process behind."""
        self._stop()
        self._stop = lambda: None


def _work(owner: Widget, devices: DeviceProcesses, trace: Trace) -> None:
    try:
        text, _ = verdict(devices.run(), trace)
    except DevicesError as error:
        text = str(error)
    owner.post_message(DevicesCompared(text))
