"""What a module holds, by name: `self._modules`, `self._parameters` and `self._buffers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from torch import nn

from llm_linalg.language import modules
from llm_linalg.language.budget import DICT_STEPS, NAMES_PER_STEP
from llm_linalg.language.classes.program_class import caller
from llm_linalg.language.refusal import RefusalError

_REGISTER: Mapping[str, Any] = {
    "_modules": modules.METHODS["add_module"],
    "_parameters": modules.METHODS["register_parameter"],
    "_buffers": modules.METHODS["register_buffer"],
}


class ModuleTable(dict[str, Any]):
    """A copy of one of a module's tables; what is put into it is registered with the module.

    Attributes:
        register: Registers a part of the module under a name.
    """

    register: Callable[[str, Any], None]

    def __setitem__(self, name: str, part: Any) -> None:
        self.register(name, part)
        super().__setitem__(name, part)

    def __delitem__(self, name: str) -> NoReturn:
        raise RefusalError("a part of a module is deleted by its name: del module.name")


ModuleTable.__name__ = "dict"


def refuse(_table: ModuleTable, *_arguments: Any, **_named: Any) -> NoReturn:
    """Refuse a method that would change the copy, and not the module.

    Raises:
        TypeError: Always.
    """
    raise RefusalError("what a module holds is changed by its names: write module.name = part")


def table_of(module: nn.Module, name: str, parts: Mapping[str, Any]) -> ModuleTable:
    """Return a copy of the table that a module has under a name such as `_modules`, given its parts."""
    caller().budget.step(DICT_STEPS + len(parts) // NAMES_PER_STEP)
    found = ModuleTable(parts)
    found.register = lambda key, part: _REGISTER[name](module, key, part)
    return found
