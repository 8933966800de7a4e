"""Record the inner calls of torch functions that are written in Python, instead of one opaque call.

One is `torch.nn.functional.multi_head_attention_forward`: a function mode is handed it as a single call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import getmembers
from types import FunctionType
from typing import Any

from torch.nn import functional

_INLINED = (functional.multi_head_attention_forward,)
_MODE_CHECKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


@cache
def inline_body(function: Any) -> Callable[..., Any] | None:
    """Return a copy of a torch function that runs call by call under a mode; None to record it as one call.

    The copy is the same code, except that its `has_torch_function` checks always say no, so that it doesn't
    hand itself to the mode as a whole.
    """
    if function not in _INLINED or not isinstance(function, FunctionType):
        return None
    names = {**dict(getmembers(functional)), **dict.fromkeys(_MODE_CHECKS, _no)}
    body = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__
    return body


def _no(*_: Any) -> bool:
    return False
