"""The process that runs one program: locked and rehearsed before it is asked, and ended with it.

Requests come by a pipe, one a line. What the program does is written to memory that the app shares (`serve`);
by a second pipe goes only when it begins, how it ended, and the answers to what is asked afterwards.
"""

from __future__ import annotations

import ast
import json
import mmap
import os
import signal
import struct
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import TextIOBase
from typing import Any

from llm_linalg.base.text import one_line
from llm_linalg.recording.ending import Ending
from llm_linalg.room.lock import Lock, LockError
from llm_linalg.room.room_limits import LOG_SIZE, MOST_ANSWER, MOST_REQUEST

HEADER = struct.Struct("<QQ")  # of the shared memory: the bytes that count, the line that runs
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
_RESERVE = 2**23  # bytes of memory with which to tell that there is no more


class Alarm(BaseException):
    """The program's time is up: it ends now by itself, or is ended."""


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

    def fault(self, message: str) -> None:
        """Say that no program can run here."""
        self._write("fault", message)

    def _write(self, *words: object) -> None:
        line = json.dumps(words).encode() + b"\n"
        if len(line) > MOST_ANSWER:
            raise ValueError("the answer is too long")
        while line:
            line = line[os.write(self._answers, line) :]


def run(lock: Lock, parent: int, requests: int, answers: int, log: int) -> None:
    """Lock this process, rehearse, wait for a request, run its program, answer what is asked then."""
    channel = Requests(requests, answers)
    try:
        memory = mmap.mmap(log, LOG_SIZE)
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
        except Alarm:  # it came when the program had just ended
            channel.end(Ending("time", HEADER.unpack_from(memory)[1] or None))
        except MemoryError:  # there was not even enough to say so
            reserve.close()
            channel.end(Ending("memory", HEADER.unpack_from(memory)[1] or None))
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of a program that reached into us
            channel.fault(f"{type(error).__name__}: {error}"[:600])


def rehearse(text: str) -> None:
    """Run a program of ours, so that what is made at the first use is made before the clock runs."""
    with mmap.mmap(-1, 2**22) as memory:
        serve({"source": text}, memory, None)


def _raise(*_: object) -> None:
    raise Alarm


class _Prints(TextIOBase):
    """Standard output of the stand-in below: what is printed goes to the shared memory."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def write(self, text: str) -> int:
        used, line = HEADER.unpack_from(self._memory)
        start = HEADER.size + used
        data = text.encode(errors="replace")[: max(0, len(self._memory) - start)]
        self._memory[start : start + len(data)] = data
        HEADER.pack_into(self._memory, 0, used + len(data), line)
        return len(text)


def serve(request: dict[str, Any], memory: mmap.mmap, requests: Requests | None) -> None:
    """Run the program of a request, telling of it in `memory`, then answer `requests`.

    This is the seam to what records a program and writes its trace: until that is here, a stand-in which
    keeps what is printed and which line runs.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    ending = Ending()
    with redirect_stdout(_Prints(memory)):
        line = 0
        try:
            for statement in ast.parse(str(request["source"])).body:
                line = statement.lineno
                HEADER.pack_into(memory, 0, HEADER.unpack_from(memory)[0], line)
                exec(compile(ast.Module([statement], []), "<program>", "exec"), names)  # noqa: S102
        except Alarm:
            ending = Ending("time", line or None)
        except MemoryError:
            ending = Ending("memory", line or None)
        except BaseException as error:  # noqa: BLE001 - SystemExit is the program's own, too
            ending = Ending("failed", line or None, f"{type(error).__name__}: {one_line(str(error))}"[:600])
        if requests is None:
            return
        requests.end(ending)
        for further in requests:
            try:
                answer = repr(eval(str(further["ask"]), names))[:2000]  # noqa: S307
            except BaseException as error:  # noqa: BLE001 - likewise
                answer = f"{type(error).__name__}: {error}"[:600]
            requests.answer(answer)
