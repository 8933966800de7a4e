"""Running a program on local processes, one a device, and comparing them with the single process.

Only on the learner's request. The processes meet in a private temporary folder and talk over loopback;
whatever happens, none of them outlives the call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

from llm_linalg import launcher
from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from tui.model.view import View

PATIENCE = 90.0  # seconds until the processes are ended
BEAT = 0.1  # seconds between two checks
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
ABSENT = "This torch has no torch.distributed with gloo: the one process shows the arithmetic."
CLOSE = 1e-5  # relative; sums of more than two parts may round differently


class DevicesError(Exception):
    """The processes could not be run; the text says why, in one line."""


class DeviceProcesses:
    """Local processes that run a program together.

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

    def run(self) -> list[dict[str, Any]]:
        """Start the processes, wait for them, and return what each reports (`llm_linalg.api.device_process`).

        Raises:
            DevicesError: If they can't be started, one fails, they take too long, or are stopped.
        """
        from llm_linalg.api.device_process import JOB, available

        if not available():
            raise DevicesError(ABSENT)
        with tempfile.TemporaryDirectory(prefix="llm-linalg-") as folder, ExitStack() as ends:
            place = Path(folder)
            (place / JOB).write_text(json.dumps(self._job), encoding="utf-8")
            try:
                processes = [self._start(place, rank, ends) for rank in range(self._job["ranks"])]
            except OSError as error:
                raise DevicesError(f"no process could be started: {error.strerror}") from None
            self._wait(processes, place)
            return [self._answer(place, rank) for rank in range(len(processes))]

    def _start(self, place: Path, rank: int, ends: ExitStack) -> subprocess.Popen[bytes]:
        log = ends.enter_context((place / f"rank-{rank}.log").open("wb"))
        process = subprocess.Popen(  # noqa: S603 - this Python, our own module, our own paths
            [sys.executable, "-P", launcher.__file__, "llm_linalg.api.device_process", str(place), str(rank)],
            stdin=subprocess.PIPE,  # it ends when this closes, even if we are killed
            stdout=log,
            stderr=log,
            cwd=place,
            env={**os.environ, "GLOO_SOCKET_IFNAME": LOOPBACK},
            start_new_session=True,  # the terminal's ^C is the app's, which ends them
        )
        ends.callback(_end, process)
        return process

    def _wait(self, processes: Sequence[subprocess.Popen[bytes]], place: Path) -> None:
        end = monotonic() + self._patience
        while any(process.poll() is None for process in processes):
            if self._stopped.is_set():
                raise DevicesError("stopped")
            if monotonic() > end:
                raise DevicesError(f"the processes took longer than {self._patience:g} s, and were ended")
            if any(process.poll() for process in processes):
                break  # one failed: the others would wait for it
            self._stopped.wait(BEAT)
        for rank, process in enumerate(processes):
            if process.poll():
                raise DevicesError(f"the process of device {rank} failed: {_last_line(place, rank)}")

    def _answer(self, place: Path, rank: int) -> dict[str, Any]:
        from llm_linalg.api.device_process import answer_of

        answer = json.loads((place / answer_of(rank)).read_text(encoding="utf-8"))
        if "error" in answer:
            raise DevicesError(f"on device {rank}: {clean(answer['error'], 200)}")
        told: dict[str, Any] = answer["told"]
        return told


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and wait until it has."""
    if process.poll() is None:
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    process.wait()


def _last_line(place: Path, rank: int) -> str:
    lines = (place / f"rank-{rank}.log").read_text("utf-8", "replace").strip().splitlines()
    return clean(lines[-1], 200) if lines else "it said nothing"


def job_of(view: View) -> dict[str, Any]:
    """Return the job of a stop whose program runs on several devices."""
    return {
        "source": view.program,
        "seed": view.seed,
        "names": {name: value for name, value in view.names.items() if name != "rank"},
        "ranks": view.at_stop.ranks,
    }


def verdict(results: Sequence[dict[str, Any]], trace: Trace) -> tuple[str, bool]:
    """Compare the processes' tensors with the one process's: a sentence, and whether they are equal."""
    from llm_linalg.api.device_process import values_by_name

    largest, count = 0.0, 0
    head = f"{len(results)} processes, gloo"
    for rank, (theirs, one) in enumerate(zip(results, trace.ranks, strict=True)):
        ours = values_by_name(one)
        for name in theirs:  # in one process the others' parts have names as well
            apart = _apart(theirs[name], ours.get(name))
            if apart is None or apart > CLOSE:
                return f"{head}: {clean(name, 40)} of device {rank} is another than in one process.", False
            largest, count = max(largest, apart), count + 1
    same = "equal to" if not largest else f"within {largest:.0e} of"
    return f"{head}: all {count} tensors are {same} the one process's.", True


def _apart(one: dict[str, Any], other: dict[str, Any] | None) -> float | None:
    """Return the largest relative difference of two tensors; None if shape or dtype differ."""
    if other is None or (one["shape"], one["dtype"]) != (other["shape"], other["dtype"]):
        return None
    pairs = zip(one["values"], other["values"], strict=True)
    gaps = [abs(a - b) / max(1.0, abs(b)) for a, b in pairs if a != b and not (a != a and b != b)]
    return max(gaps, default=0.0)
