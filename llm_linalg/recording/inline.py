"""Record the inner calls of torch functions that make several, instead of one opaque call.

Two are `multi_head_attention_forward` and `gumbel_softmax` of `torch.nn.functional`, which a function mode is
handed as single calls; `flex_attention` is a third. Others are `torch._foreach_mul_` and its like, which
clipping and optimizers call: on the CPU they call the operation for each tensor of their lists.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import getmembers
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from llm_linalg.ops.torch_names import schema_name
from llm_linalg.recording.core_operators import core_body
from llm_linalg.recording.flexible_attention import flexible_attention, is_flexible

_INLINED = (functional.multi_head_attention_forward, functional.gumbel_softmax)
_MODE_CHECKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
_OF_TENSORS = (Tensor.maximum, Tensor.minimum)


@cache
def inline_body(function: Any) -> Callable[..., Any] | None:
    """Return a copy of a torch function that runs call by call under a mode; None to record it as one call.

    The copy is the same code, except that its `has_torch_function` checks always say no, so that it doesn't
    hand itself to the mode as a whole.
    """
    if (name := getattr(function, "__name__", "")).startswith("_foreach_"):
        return _for_each(name.removeprefix("_foreach_"))
    if is_flexible(function):
        return flexible_attention
    if (body := core_body(function, schema_name(function))) is not None:
        return body
    if function not in _INLINED or not isinstance(function, FunctionType):
        return None
    names = {**dict(getmembers(functional)), **dict.fromkeys(_MODE_CHECKS, lambda *_: False)}
    body = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__
    return body


def _for_each(name: str) -> Callable[..., Any] | None:
    """Return what calls an operation for each item of its lists; None if tensors have no such method."""
    one = torch.linalg.vector_norm if name == "norm" else getattr(Tensor, name, None)
    if one is None:
        return None

    def body(*args: Any, **kwargs: Any) -> Any:
        if name.startswith("addc") and len(args) > 3:  # which the method has by name
            numbers = args[3].tolist() if isinstance(args[3], Tensor) else args[3]
            args, kwargs = args[:3], {"value": numbers}
        count = next(len(own) for own in args if isinstance(own, list | tuple))
        made = [
            _call(one, [_item(own, k) for own in args], {key: _item(own, k) for key, own in kwargs.items()})
            for k in range(count)
        ]
        return args[0] if name.endswith("_") else tuple(made)

    return body


def _call(one: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call an operation on tensors, some of which a list operation may have as numbers."""
    if isinstance(args[0], Tensor) and one not in _OF_TENSORS:
        return one(*args, **kwargs)
    return one(*[own if isinstance(own, Tensor) else torch.tensor(own) for own in args], **kwargs)


def _item(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, list | tuple) else value
