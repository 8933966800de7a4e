"""Find torch functions by name, and the short names of torch functions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch._ops import OpOverload, OpOverloadPacket
from torch.overrides import resolve_name

from llm_linalg.ops.arguments import Function
from llm_linalg.ops.fallback import TENSOR_QUERIES


@lru_cache(1_000)
def short_name(function: Function) -> str:
    """Return torch's short name of any function: `conv1d` for `torch.nn.functional.conv1d`."""
    if isinstance(function, torch._C.ScriptFunction):
        return str(function.name)
    name = schema_name(function).replace("::", ".") or resolve_name(function)
    name = name or str(getattr(function, "__name__", ""))
    return name.removesuffix(".__get__").rpartition(".")[2].strip("_") or "call"


def schema_name(function: Function) -> str:
    """Return the name of an operator, `aten::mm` for `torch.ops.aten.mm.default`; empty for any other."""
    if isinstance(function, OpOverload):
        return str(function._schema.name)  # noqa: SLF001 - torch has no other name for it
    return function._qualified_op_name if isinstance(function, OpOverloadPacket) else ""  # noqa: SLF001


def resolve(dotted: str) -> Iterator[Function]:
    """Yield the torch function with a dotted name; nothing if this version of torch lacks it."""
    value: Any = torch
    for name in dotted.split(".")[1:]:
        value = getattr(value, name, None)
        if value is None:
            return
    if not callable(value):  # a property such as Tensor.T: a mode sees its getter
        value = getattr(value, "__get__", None)
    if value is not None:
        yield value


QUERY_FUNCTIONS: frozenset[Function] = frozenset(
    function
    for name in TENSOR_QUERIES
    for space in ("torch.Tensor", "torch")
    for function in resolve(f"{space}.{name}")
)
"""Functions that return facts about a tensor and no tensor: calls of them are not recorded."""

GRADIENT_SETTERS: frozenset[Function] = frozenset(
    [
        torch.Tensor.requires_grad_,
        torch.Tensor.requires_grad.__set__,  # type: ignore[attr-defined]
        torch.Tensor.grad.__set__,  # type: ignore[union-attr]
    ]
)
"""Functions that set `grad` and `requires_grad`: they change no cell, and are not recorded."""
