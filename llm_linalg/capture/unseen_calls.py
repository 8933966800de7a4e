"""Calls that torch shows to no function mode: of what TorchScript has compiled, and in other threads.

A scripted function takes all that it reads as arguments: it is recorded as any function of the program. A
scripted method reads parameters that are no arguments, and what a thread does nobody sees. Of
`l1_loss` torch shows the call without its weights, and the weights beside it.
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

    def handle(function: Any, given: Any, *arguments: Any, **named: Any) -> Any:
        if function is _L1 and len(given) > len(arguments):
            named.setdefault("weight", given[len(arguments)])
        return handle_torch_function(function, given, *arguments, **named)

    home: Any = Thread
    functions: Any = functional
    _FUNCTION.__call__, _METHOD.__call__, home.start = call, call_method, start
    functions.handle_torch_function = handle
    try:
        yield
    finally:
        _FUNCTION.__call__, _METHOD.__call__, home.start = _CALL, _CALL_METHOD, _START
        functions.handle_torch_function = handle_torch_function
