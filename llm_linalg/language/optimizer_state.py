"""An optimizer as a program has it: its groups, and what it keeps of each parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

State = dict[str, Any]
Group = dict[str, Any]


class Kind(NamedTuple):
    """An optimizer of torch.

    Attributes:
        like: Its class in torch.
        settings: The settings of a group, in torch's order, each with its default.
        update: Writes a parameter, and updates its state.
        start: Returns a parameter's state before the first step.
    """

    like: type[torch.optim.Optimizer]
    settings: Mapping[str, Any]
    update: Callable[[Tensor, Tensor, Group, State], None]
    start: Callable[[Tensor, Group], State]

    @property
    def title(self) -> str:
        """The name of its class."""
        return self.like.__name__


@dataclass(eq=False, repr=False)
class Optimizer:
    """An optimizer that a program made.

    Attributes:
        kind: Which of torch's it is.
        defaults: The settings of a group that has none of its own.
        groups: Its parameters with their settings; a program may change these.
        states: What it keeps of each parameter, by its id; the parameter stands beside it, so that the id is
            not reused.
    """

    kind: Kind
    defaults: Mapping[str, Any]
    groups: list[Group] = field(default_factory=list)
    states: dict[int, tuple[Tensor, State]] = field(default_factory=dict)

    def __repr__(self) -> str:
        text = f"{self.kind.title} ("
        for place, group in enumerate(self.groups):
            text += f"\nParameter Group {place}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"
