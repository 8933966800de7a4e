"""Find torch functions by name, and the short names of torch functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch.overrides import resolve_name

from llm_linalg.ops.arguments import Function
from llm_linalg.ops.fallback import TENSOR_QUERIES

_SPACES = (
    "torch.Tensor.{}",
    "torch.{}",
    "torch.nn.functional.{}",
    "torch.linalg.{}",
    "torch.fft.{}",
    "torch.special.{}",
    "torch.nn.init.{}",
    "torch._C.{}",
)


@lru_cache(1_000)
def short_name(function: Function) -> str:
    """Return torch's short name of any function: `conv1d` for `torch.nn.functional.conv1d`."""
    name = str(getattr(function, "__name__", ""))
    of_property = getattr(getattr(function, "__self__", None), "__name__", "") if name == "__get__" else ""
    if of_property:  # such as Tensor.T
        name = str(of_property)
    elif function in _OTHERWISE:
        name = _OTHERWISE[function]
    elif not any(function in resolve(space.format(name)) for space in _SPACES):
        # torch's own table takes ten milliseconds to build, so it serves only the few functions elsewhere
        name = (resolve_name(function) or name).removesuffix(".__get__").rpartition(".")[2]
    return name.strip("_") or "call"


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
    [torch.Tensor.grad.__set__, torch.Tensor.requires_grad.__set__]  # type: ignore[union-attr, attr-defined]
)
"""Functions that set `grad` and `requires_grad`: they change no cell, and are not recorded."""

_OTHERWISE: Mapping[Function, str] = {
    function: name
    for dotted, name in (
        ("torch.mm", "spmm"),
        ("torch.hsmm", "hspmm"),
        ("torch.saddmm", "sspaddmm"),
        ("torch.Tensor.__itruediv__", "itruediv"),
        ("torch.Tensor.__rtruediv__", "rtruediv"),
    )
    for function in resolve(dotted)
}
"""Functions with several names (`torch.mm is torch.spmm`), with the name in torch's own table."""
