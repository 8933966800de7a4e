"""The process that runs one program: locked and rehearsed before it is asked, and ended with it.

Requests come by a pipe, one a line. What the program does is written to memory that the app shares (`serve`);
by a second pipe goes only when it begins, how it ended, and the answers to what is asked afterwards.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from llm_linalg.capture.sites import FILE
from llm_linalg.recording.ending import Ending
from llm_linalg.room.child_program import MOMENT, Timeout, serve
from llm_linalg.room.lock import Lock, LockError
from llm_linalg.room.room_limits import LOG_SIZE, MOST_ANSWER, MOST_REQUEST

REHEARSAL = """\
import torch
from torch import nn
import torch.nn.functional as F
x = torch.randn(4, 3, requires_grad=True)
for turn in range(2):
    y = (x @ torch.ones(3, 2) * 2 + torch.zeros(2) - 1) ** 2
    loss = F.cross_entropy(torch.relu(y).softmax(-1), torch.tensor([0, 1, 0, 1])) + y.mean() / 2
print(nn.Sequential(nn.Linear(3, 3), nn.ReLU())(x).sum(-1), loss.item(), x.T.shape)
"""
"""A program without a backward pass: a process that has made one could not be copied for another."""
BACKWARD = "loss.backward()\nx.grad.sum()\nwith torch.no_grad():\n    x -= 0.1 * x.grad\n"
_PIECE = 2**20
_ENGINE = Path(__file__).parent.parent
_TELLING = (str(_ENGINE / "recording"), str(_ENGINE / "tracefile"))
_RESERVE = 2**23  # bytes of memory with which to tell that there is no more


class Requests:
    """What the app asks of this process, and the way back.

    Args:
        requests: The pipe by which it is asked.
        answers: The pipe by which it answers.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = requests
        self._answers = answers
        self._rest = b""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Wait for each request in turn, until the app lets go of this process."""
        while (request := self.read()) is not None:
            yield request

    def read(self) -> dict[str, Any] | None:
        """Wait for a request; return None if there will be none."""
        while b"\n" not in self._rest:
            piece = os.read(self._requests, _PIECE)
            if not piece or len(self._rest) > MOST_REQUEST:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        request = json.loads(line)
        return request if isinstance(request, dict) else None

    def begin(self) -> None:
        """Say that the program begins: its clock starts."""
        self._write("begin")

    def end(self, ending: Ending) -> None:
        """Say how the program ended; this process waits for further requests."""
        self._write("end", *ending)

    def answer(self, answer: object) -> None:
        """Answer a request after the program's end."""
        self._write("answer", answer)

    def exchange(self, part: object) -> None:
        """Hand out this device's part of an exchange; the parts of all come as the next request."""
        self._write("exchange", part)

    def fault(self, message: str) -> None:
        """Say that no program can run here."""
        self._write("fault", message)

    def _write(self, *words: object) -> None:
        line = json.dumps(words).encode() + b"\n"
        if len(line) > MOST_ANSWER:
            raise ValueError("the answer is too long")
        while line:
            line = line[os.write(self._answers, line) :]


def run(lock: Lock, folder: str, parent: int, requests: int, answers: int, log: int) -> None:
    """Lock this process, rehearse, wait for a request, run its program, answer what is asked then.

    It works in the folder that it may read, if there is one, and imports modules from there.
    """
    channel = Requests(requests, answers)
    try:
        memory = mmap.mmap(log, LOG_SIZE)
        if folder:
            os.chdir(folder)
            sys.path.insert(0, folder)
        lock.apply(parent, [requests, answers])
        rehearse(REHEARSAL + BACKWARD)
    except (LockError, OSError) as error:
        channel.fault(str(error))
        return
    request = channel.read()
    if request is not None:
        signal.signal(signal.SIGALRM, _raise)
        reserve = mmap.mmap(-1, _RESERVE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        channel.begin()
        try:
            serve(request, memory, channel)
        except Timeout:  # it came when the program had just ended
            channel.end(Ending("time"))
        except MemoryError:  # there was not even enough to say so
            reserve.close()
            channel.end(Ending("memory"))
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of a program that reached into us
            channel.fault(f"{type(error).__name__}: {error}"[:600])


def rehearse(text: str) -> None:
    """Run a program of ours, so that what is made at the first use is made before the clock runs."""
    serve({"source": text}, mmap.mmap(-1, 2**22), None)


def _raise(_number: int, frame: FrameType | None) -> None:
    """End the program, but while its recorder is at work once that is done: what is told has to be whole."""
    is_telling = False
    while frame is not None and frame.f_code.co_filename != FILE:
        is_telling |= frame.f_code.co_filename.startswith(_TELLING)
        frame = frame.f_back
    if not is_telling:
        raise Timeout
    if frame is None:
        signal.setitimer(signal.ITIMER_REAL, MOMENT)
        return
    frame.f_trace, frame.f_trace_opcodes = _raise_here, True
    sys.settrace(lambda *_: None)


def _raise_here(*_: object) -> None:
    """End the program in the frame that is traced."""
    sys.settrace(None)
    raise Timeout
