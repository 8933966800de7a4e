"""Which entry of the table a torch function means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.overrides import resolve_name

from llm_linalg.ops.call import Function
from llm_linalg.ops.fallback import TENSOR_QUERIES
from llm_linalg.ops.operation import Operation

_HOMES = ("torch.{}", "torch.Tensor.{}", "torch.nn.functional.{}", "torch.Tensor.__{}__")
# What writes its result into the first operand is the same operation.
_IN_PLACE = ("torch.Tensor.{}_", "torch.{}_", "torch.nn.functional.{}_", "torch.Tensor.__i{}__")
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


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation, and whether this spelling takes its first two arguments the other way round."""

    operation: Operation
    swap: bool = False


class Registry:
    """The table: operations by name, entries by torch function."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations: dict[str, Operation] = {}
        self._entries: dict[Any, Entry] = {}
        for operation in operations:
            if operation.name in self.operations:
                raise ValueError(f"the operation {operation.name} is in the table twice")
            self.operations[operation.name] = operation
            for function in _functions(operation):
                self._entries.setdefault(function, Entry(operation))
            for spelling in operation.reflected:
                for function in _resolve(spelling):
                    self._entries[function] = Entry(operation, swap=True)

    def entry(self, function: Function) -> Entry | None:
        """Return the entry of a torch function, or None."""
        try:
            return self._entries.get(function)
        except TypeError:  # not hashable: no function of torch's
            return None


@lru_cache(1_000)
def short_name(function: Function) -> str:
    """Return torch's short name of any function: ``conv1d`` for ``torch.nn.functional.conv1d``."""
    name = str(getattr(function, "__name__", ""))
    of_property = getattr(getattr(function, "__self__", None), "__name__", "") if name == "__get__" else ""
    if of_property:  # such as Tensor.T
        name = str(of_property)
    elif function in _OTHERWISE:
        name = _OTHERWISE[function]
    elif not any(function in _resolve(space.format(name)) for space in _SPACES):
        # torch's own table takes ten milliseconds to make, and is asked only for the few that are elsewhere
        name = (resolve_name(function) or name).removesuffix(".__get__").rpartition(".")[2]
    return name.strip("_") or "call"


def _functions(operation: Operation) -> Iterator[Function]:
    for home in _HOMES + (_IN_PLACE if operation.kind in ("pointwise", "mask") else ()):
        yield from _resolve(home.format(operation.name))
    for spelling in operation.spellings:
        yield from _resolve(spelling)


def _resolve(dotted: str) -> Iterator[Function]:
    """Yield what a dotted name of torch's means; nothing if this torch lacks it."""
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
    function for name in TENSOR_QUERIES for function in _resolve(f"torch.Tensor.{name}")
)
"""What tells of a tensor, or of its only cell, and makes none: nothing is recorded of it."""

GRADIENT_SETTERS: frozenset[Function] = frozenset(
    [torch.Tensor.grad.__set__, torch.Tensor.requires_grad.__set__]  # type: ignore[union-attr, attr-defined]
)
"""What puts a gradient to a tensor, or away: no cell changes, and nothing is recorded of it."""

_OTHERWISE: Mapping[Function, str] = {
    function: name
    for dotted, name in (
        ("torch.mm", "spmm"),
        ("torch.hsmm", "hspmm"),
        ("torch.saddmm", "sspaddmm"),
        ("torch.Tensor.__itruediv__", "itruediv"),
        ("torch.Tensor.__rtruediv__", "rtruediv"),
    )
    for function in _resolve(dotted)
}
"""What is the same function under several names (`torch.mm == torch.spmm`): the one in torch's own table."""
