"""Calls that torch shows to no function mode: of what TorchScript has compiled, and in other threads.

A scripted function takes all that it reads as arguments: it is recorded as any function of the program. A
scripted method reads parameters that are no arguments, and what a thread does nobody sees. Of one function
torch shows the call without its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import handle_torch_function

from llm_linalg.recording.recorder import Recorder, is_recording

_FUNCTION: Any = torch._C.ScriptFunction
_METHOD: Any = torch._C.ScriptMethod
_CALL, _CALL_METHOD = _FUNCTION.__call__, _METHOD.__call__
_START: Callable[[Thread], None] = Thread.start
_L1: Any = functional.l1_loss
_WEIGHT = 5  # the position of its weights


@contextmanager
def unseen_calls(recorder: Recorder) -> Iterator[None]:
    """Record calls of scripted functions while the context is open, and tell of what can't be recorded."""

    def call(function: Any, *arguments: Any, **named: Any) -> Any:
        if is_recording():
            return handle_torch_function(function, (), *arguments, **named)
        return _CALL(function, *arguments, **named)

    def call_method(method: Any, *arguments: Any, **named: Any) -> Any:
        if is_recording():
            recorder.expect_unseen()
        return _CALL_METHOD(method, *arguments, **named)

    def start(thread: Thread) -> None:
        if is_recording():
            recorder.expect_unseen()
        _START(thread)

    def l1_loss(*arguments: Any, **named: Any) -> Any:
        weight = arguments[_WEIGHT] if len(arguments) > _WEIGHT else named.get("weight")
        if weight is not None and is_recording():
            return handle_torch_function(_L1, (), *arguments, **named)
        return _L1(*arguments, **named)

    home: Any = Thread
    losses: Any = functional
    _FUNCTION.__call__, _METHOD.__call__, home.start = call, call_method, start
    losses.l1_loss = l1_loss
    try:
        yield
    finally:
        _FUNCTION.__call__, _METHOD.__call__, home.start = _CALL, _CALL_METHOD, _START
        losses.l1_loss = _L1
