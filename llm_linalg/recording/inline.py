"""What torch writes in Python out of other calls, and hands to a function mode as one: it is opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import getmembers
from types import FunctionType
from typing import Any

from torch.nn import functional

_OPENED = (functional.multi_head_attention_forward,)
_ASKED = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


@cache
def opened(function: Any) -> Callable[..., Any] | None:
    """Return what runs a function of torch's call by call under a mode; None if it is recorded as one call.

    It is the same code, but for its first question: whether to hand itself to the mode, whole.
    """
    if function not in _OPENED or not isinstance(function, FunctionType):
        return None
    names = {**dict(getmembers(functional)), **dict.fromkeys(_ASKED, _no)}
    body = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__
    return body


def _no(*_: Any) -> bool:
    return False
