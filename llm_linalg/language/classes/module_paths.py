"""Where a module stands: its path from the outermost, by which the map calls the box of what it does."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

_UNLIKE_NAMES = re.compile(r"[^\w.]")


class ModulePaths:
    """The paths of the modules that a run has called, and the one that it is in."""

    def __init__(self) -> None:
        self._paths: dict[int, tuple[nn.Module, str]] = {}  # kept with it, so that its id is not reused
        self._within = ""

    @contextmanager
    def entered(self, module: nn.Module, names: ChainMap[str, Any]) -> Iterator[str]:
        """Yield a module's path from the module that calls it, which it is within while the context is open.

        Args:
            module: The module.
            names: The program's names: the first of them that the module has begins its path.
        """
        path = self._path_of(module, names)
        outer, self._within = self._within, path
        try:
            yield path.removeprefix(f"{outer}.") if outer else path
        finally:
            self._within = outer

    def note(self, layer: nn.Module, names: ChainMap[str, Any]) -> None:
        """Note a layer that is called, since modules in it will be; the arguments are those of `entered`."""
        if layer._modules:  # noqa: SLF001  it has layers in it
            self._path_of(layer, names)

    def _path_of(self, module: nn.Module, names: ChainMap[str, Any]) -> str:
        if id(module) not in self._paths:
            own = (name for scope in names.maps for name, value in scope.items() if value is module)
            root = next(own, "") if not self._within else ""
            for inner, part in module.named_modules():
                path = _UNLIKE_NAMES.sub("_", ".".join(filter(None, (root or type(module).__name__, inner))))
                self._paths.setdefault(id(part), (part, path))
        return self._paths[id(module)][1]
