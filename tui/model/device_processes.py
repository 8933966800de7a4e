"""Running a program of several devices in as many locked processes, and comparing them with the one process.

Only on the learner's request. Whatever happens, none of the processes outlives the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from tui.model.view import View

PATIENCE = 90.0  # seconds until the processes are ended
CLOSE = 1e-5  # relative; sums of more than two parts may round differently
MOST_CELLS = 4096  # of a tensor that is compared


class DevicesError(Exception):
    """The processes could not be run; the text says why, in one line."""


class DeviceProcesses:
    """Locked processes that run a program together.

    Args:
        job: The program as `source`, its `seed`, its plain `names`, and how many `ranks` there are.
        patience: Seconds until they are ended.
    """

    def __init__(self, job: dict[str, Any], patience: float = PATIENCE) -> None:
        self._job = job
        self._patience = patience
        self._stopped = Event()

    def stop(self) -> None:
        """End the processes, from another thread."""
        self._stopped.set()

    def run(self) -> tuple[Trace, ...]:
        """Start the processes, wait for them, and return the trace of each.

        Raises:
            DevicesError: If they can't be started, one fails, they take too long, or are stopped.
        """
        from llm_linalg import ProgramError
        from llm_linalg.api.programs import ProgramTask
        from llm_linalg.api.room_devices import run_on_devices

        end = monotonic() + self._patience
        try:
            return run_on_devices(
                ProgramTask(
                    self._job["source"],
                    self._job["seed"],
                    self._job["names"],
                    seconds=None,
                    halt=lambda: self._stopped.is_set() or monotonic() > end,
                ),
                self._job["ranks"],
            )
        except ProgramError as error:
            if self._stopped.is_set():
                raise DevicesError("stopped") from None
            if monotonic() > end:
                reason = f"the processes took longer than {self._patience:g} s, and were ended"
                raise DevicesError(reason) from None
            raise DevicesError(clean(error.message, 200)) from None


def job_of(view: View) -> dict[str, Any]:
    """Return the job of a stop whose program runs on several devices."""
    return {
        "source": view.program,
        "seed": view.seed,
        "names": {name: value for name, value in view.names.items() if name != "rank"},
        "ranks": view.at_stop.ranks,
    }


def verdict(results: Sequence[Trace], trace: Trace) -> tuple[str, bool]:
    """Compare the processes' tensors with the one process's: a sentence, and whether they are equal."""
    largest, count = 0.0, 0
    head = f"{len(results)} processes"
    for rank, (theirs, one) in enumerate(zip(results, trace.ranks, strict=True)):
        for name, node in theirs.names.items():
            if node.value.numel() > MOST_CELLS:
                continue
            apart = _apart(node, one.names.get(name))
            if apart is None or apart > CLOSE:
                return f"{head}: {clean(name, 40)} of device {rank} is another than in one process.", False
            largest, count = max(largest, apart), count + 1
    same = "equal to" if not largest else f"within {largest:.0e} of"
    return f"{head}: all {count} tensors are {same} the one process's.", True


def _apart(one: Node, other: Node | None) -> float | None:
    """Return the largest relative difference of two tensors; None if shape or dtype differ."""
    if other is None or (one.shape, one.dtype) != (other.shape, other.dtype):
        return None
    pairs = zip(one.value.reshape(-1).tolist(), other.value.reshape(-1).tolist(), strict=True)
    gaps = [abs(a - b) / max(1.0, abs(b)) for a, b in pairs if a != b and not (a != a and b != b)]
    return max(gaps, default=0.0)
