"""`copy`: copies of lists, dicts, tensors and layers, and of what they hold."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.autograd import set_grad
from llm_linalg.language.budget import LAYER_VISIT_STEPS
from llm_linalg.language.classes.program_class import Instance
from llm_linalg.language.data_loading import DATASETS, DataLoader
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.methods import Bindable, Method
from llm_linalg.language.module_count import count_layers
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.schedule_rates import Scheduler
from llm_linalg.language.sets import OrderedSet, copy_set

MAX_COPIED = 100_000  # values in a copy
MAX_DEPTH = 40
_PLAIN: Any = list | dict | OrderedSet | deque
_UNCOPIED: Any = Optimizer | Scheduler | DataLoader | DATASETS | Random | torch.Generator | ItemIterator
"""What can change, and has no copies here."""


def _shallow(run: Interpreter, value: Any) -> Any:
    """Do what `copy.copy` does."""
    run.budget.charge_items(value)
    if isinstance(value, dict | OrderedSet | deque | list):
        return _copied(value)
    if isinstance(value, Tensor | nn.Module | Instance):
        raise RefusalError("copy.copy of a tensor or an object shares its parts: write copy.deepcopy(x)")
    if isinstance(value, Array):
        return Array(value.tensor.clone())
    return _shared(value)


def _shared(value: Any) -> Any:
    """Return a value that is its own copy, since it never changes.

    Raises:
        RefusalError: If it may change.
    """
    if isinstance(value, _UNCOPIED):
        raise RefusalError(f"{type(value).__name__} has no copies here: make another")
    return value


class _Copying:
    """A deep copy that is under way: each value is copied once.

    Args:
        run: The run.
    """

    def __init__(self, run: Interpreter) -> None:
        self._run = run
        self._copies: dict[int, Any] = {}
        self._kept: list[Any] = []  # so that no other value gets the id of one that was copied

    def copy_of(self, value: Any, depth: int = 0) -> Any:
        """Return the copy of a value.

        Raises:
            LimitError: If it holds too many others, or is nested too deeply.
        """
        if id(value) in self._copies:
            return self._copies[id(value)]
        if depth > MAX_DEPTH:
            raise LimitError(f"a copy of values in values, more than {MAX_DEPTH} deep")
        if len(self._kept) > MAX_COPIED:
            raise LimitError(f"a copy of more than {MAX_COPIED:,} values")
        if not isinstance(value, _PLAIN | tuple | Tensor | Array | nn.Module | Instance):
            return self._without_parts(value, depth)
        self._run.budget.step()
        self._kept.append(value)
        if isinstance(value, Tensor):
            return self._keep(value, self._tensor(value, depth + 1))
        if isinstance(value, Array):
            return self._keep(value, Array(self.copy_of(value.tensor, depth + 1)))
        if isinstance(value, nn.Module):
            return self._module(value, depth + 1)
        if isinstance(value, Instance):
            return self._instance(value, depth + 1)
        if isinstance(value, tuple):
            return self._keep(value, self._tuple(value, depth + 1))
        return self._container(value, depth + 1)

    def _without_parts(self, value: Any, depth: int) -> Any:
        """Return the copy of a value that holds no others; a method of the program's belongs to an object."""
        if value.__class__ is Method and isinstance(value.function, Bindable):
            return Method(value.function, self.copy_of(value.owner, depth + 1))
        return _shared(value)

    def _keep(self, value: Any, made: Any) -> Any:
        self._copies[id(value)] = made
        return made

    def _tuple(self, value: tuple[Any, ...], depth: int) -> Any:
        items = [self.copy_of(item, depth) for item in value]
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same or type(value).__module__ == "torch" else type(value)(items)

    def _container(self, value: Any, depth: int) -> Any:
        self._run.budget.charge_items(value)
        self._run.budget.step(len(value))
        made = self._keep(value, _copied(value))
        if isinstance(value, dict):
            made.clear()
            for key, item in value.items():
                made[self.copy_of(key, depth)] = self.copy_of(item, depth)
        elif isinstance(value, list | deque):
            made.clear()
            made.extend(self.copy_of(item, depth) for item in value)
        return made

    def _tensor(self, value: Tensor, depth: int) -> Tensor:
        if not value.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol "
                "at the moment."
            )
        if isinstance(value, nn.Parameter):
            return self._parameter(value)
        made = value.detach().clone()
        with untraced():
            made.requires_grad_(value.requires_grad)
        if value.grad is not None:
            set_grad(made, self.copy_of(value.grad, depth))
        return made

    def _parameter(self, value: nn.Parameter) -> nn.Parameter:
        self._run.budget.charge_elements(value.numel())
        with untraced():
            made = nn.Parameter(value.detach().clone(), value.requires_grad)
        self._run.recorder.note_input(made, None, "parameter")
        return made

    def _instance(self, value: Instance, depth: int) -> Instance:
        made: Instance = self._keep(value, type(value).__new__(type(value)))
        made.__fields__.update(self._parts(value.__fields__, depth))
        return made

    def _module(self, value: nn.Module, depth: int) -> nn.Module:
        self._run.budget.step(LAYER_VISIT_STEPS * count_layers(value))
        with untraced():
            made: nn.Module = self._keep(value, copy.copy(value))
        vars(made)["_parameters"] = self._parts(vars(value)["_parameters"], depth)
        vars(made)["_buffers"] = self._parts(vars(value)["_buffers"], depth)
        vars(made)["_modules"] = self._parts(vars(value)["_modules"], depth)
        fields = vars(value).get("__fields__")
        if fields is not None:  # a layer of torch's has some once the program puts one there
            object.__setattr__(made, "__fields__", self._parts(fields, depth))
        return made

    def _parts(self, parts: Mapping[str, Any], depth: int) -> dict[str, Any]:
        return {name: self.copy_of(part, depth) for name, part in parts.items()}


def _copied(value: Any) -> Any:
    return copy_set(value) if isinstance(value, OrderedSet) else value.copy()


def deep_copy(run: Interpreter, value: Any) -> Any:
    """Do what `copy.deepcopy` does."""
    return _Copying(run).copy_of(value)


MEMBERS: Mapping[str, RunFunction] = {
    "copy": RunFunction("copy", _shallow),
    "deepcopy": RunFunction("deepcopy", deep_copy),
}
