"""The calls of a program's functions that are running: each is a scope of the nodes that it makes.

A scope is called after the function and numbered, as `block:2.attention:1`; the `forward` of a module after
the place of the module, such as `blocks.0.attention`. What a generator makes is in the call that resumes it.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

from torch import nn
from torch.nn.modules import module as torch_modules

from llm_linalg.capture.sites import FILE

_UNLIKE_NAMES = re.compile(r"[^\w.]")
_NUMBER = re.compile(r":\d+")
_CALLS_FORWARD = torch_modules.__file__


class CallScope:
    """A call of a function; the outermost is the program itself.

    Attributes:
        path: Its path, with the number of each call in it.
        is_of_module: Whether it runs a method of a module.
    """

    __slots__ = ("_counts", "is_of_module", "path")

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.is_of_module = False
        self._counts: dict[str, int] = {}

    def inner(self, name: str) -> CallScope:
        """Return the scope of a call that is made in this one."""
        number = self._counts[name] = self._counts.get(name, 0) + 1
        return CallScope(f"{self.path}.{name}:{number}" if self.path else f"{name}:{number}")


class CallScopes:
    """The scopes of a run.

    Attributes:
        current: The innermost call that is running.
    """

    def __init__(self) -> None:
        self.current = CallScope()
        self._stack: list[CallScope] = []
        self._paths: dict[int, tuple[nn.Module, str]] = {}  # kept with it, so that its id is not reused
        self._within: list[str] = [""]  # the paths of the modules whose `forward` runs

    # Called by the program

    def enter(self, name: str, owner: Any = None) -> None:
        """Take note that a function begins.

        Without a name it is one that is called after the class of its owner; a plain function has no owner.
        """
        self._stack.append(self.current)
        self.current = self.current.inner(name or type(owner).__name__)
        self.current.is_of_module = isinstance(owner, nn.Module)

    def forward(self, name: str, owner: Any) -> None:
        """Do the same for a method called `forward`, whose module may have been called."""
        caller = sys._getframe(2)
        outer = self._within[-1]
        if isinstance(owner, nn.Module) and caller.f_code.co_filename == _CALLS_FORWARD:
            path = self._path_of(owner, caller)
            self.enter(path.removeprefix(f"{outer}.") if outer else path, owner)
            self._within.append(path)
        else:
            self.enter(name, owner)
            self._within.append(outer)

    def leave(self) -> None:
        """Take note that the innermost function ends."""
        self.current = self._stack.pop()

    def leave_forward(self) -> None:
        """Take note that a `forward` ends."""
        self._within.pop()
        self.leave()

    # Where modules stand

    def _path_of(self, module: nn.Module, frame: FrameType | None) -> str:
        """Return the path of a module that is called from a frame."""
        if id(module) not in self._paths:
            called = [module]  # and the modules of torch's own around it
            while frame is not None and frame.f_code.co_filename != FILE:
                owner = frame.f_locals.get("self") if frame.f_code.co_filename == _CALLS_FORWARD else None
                if isinstance(owner, nn.Module):
                    called.append(owner)
                frame = frame.f_back
            for own in reversed(called):
                self._note(own, frame)
        return self._paths[id(module)][1]

    def _note(self, module: nn.Module, frame: FrameType | None) -> None:
        if id(module) in self._paths:
            return
        scopes = () if frame is None else (frame.f_locals, frame.f_globals)
        own = (name for scope in scopes for name, value in scope.items() if value is module)
        root = next(own, "") if not self._within[-1] else ""
        for inner, part in module.named_modules():
            path = _UNLIKE_NAMES.sub("_", ".".join(filter(None, (root or type(module).__name__, inner))))
            self._paths.setdefault(id(part), (part, path))


def plain_paths(paths: Iterable[str]) -> Mapping[str, str]:
    """Return paths of scopes without the numbers of calls that are alone, by those with all numbers."""
    known = {*paths}
    calls: Mapping[str, set[str]] = defaultdict(set)
    for path in known:
        for number in _NUMBER.finditer(path):
            calls[path[: number.start()]].add(number[0])

    def plain(path: str) -> str:
        return _NUMBER.sub(lambda own: own[0] if len(calls[path[: own.start()]]) > 1 else "", path)

    return {path: plain(path) for path in known}
