"""The process that runs one program: locked and rehearsed before it is asked, and ended with it.

Requests come by a pipe, one a line. What the program does is written to memory that the app shares (`serve`);
by a second pipe goes only when it begins, how it ended, and the answers to what is asked afterwards.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from llm_linalg.capture.sites import FILE
from llm_linalg.recording.ending import Ending
from llm_linalg.room.child_program import MOMENT, Timeout, serve
from llm_linalg.room.lock import Lock, LockError
from llm_linalg.room.requests import Requests
from llm_linalg.room.room_limits import LOG_SIZE
from llm_linalg.tracefile.log_format import running_line

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
BACKWARD = """\
import torch
x = torch.ones(2, 3, requires_grad=True)
(x @ x.T).relu().mean().backward()
with torch.no_grad():
    x -= 0.1 * x.grad
"""
_ENGINE = Path(__file__).parent.parent
_TELLING = (str(_ENGINE / "recording"), str(_ENGINE / "tracefile"))
_RESERVE = 2**23  # bytes of memory with which to tell that there is no more


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
        rehearse(BACKWARD)
    except (LockError, OSError) as error:
        channel.say("fault", str(error))
        return
    request = channel.read()
    if request is not None:
        signal.signal(signal.SIGALRM, _raise)
        reserve = mmap.mmap(-1, _RESERVE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        channel.say("begin")
        try:
            serve(request, memory, channel)
        except Timeout:  # it came when the program had just ended
            channel.say("end", *Ending("time", running_line(memory)))
        except MemoryError:  # there was not even enough to say so
            reserve.close()
            channel.say("end", *Ending("memory", running_line(memory)))
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of a program that reached into us
            channel.say("fault", f"{type(error).__name__}: {error}"[:600])


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
