"""The calls of a program's functions that are running: each is a scope of the nodes that it makes.

A scope is called after the function and numbered, as `block:2.attention:1`; the `forward` of a module after
the place of the module, such as `blocks.0.attention`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

from torch import nn
from torch.nn.modules import module as torch_modules

from llm_linalg.capture.sites import FILE, program_frame
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.scopes import is_fold

_UNLIKE_NAMES = re.compile(r"[^\w.]")
_CALLS_FORWARD = torch_modules.__file__


class CallScope:
    """A call of a function; the outermost is the program itself.

    Attributes:
        outer: The call that it was made in.
        name: What it is called.
        number: Which of the calls of that name in the outer one it is, from 1.
        is_of_module: Whether it runs a method of a module.
    """

    __slots__ = ("_counts", "_path", "is_of_module", "name", "number", "outer")

    def __init__(self, outer: CallScope | None = None, name: str = "", number: int = 0) -> None:
        self.outer, self.name, self.number = outer, name, number
        self.is_of_module = False
        self._counts: dict[str, int] | None = None
        self._path: str | None = None if outer is not None else ""

    def inner(self, name: str) -> CallScope:
        """Return the scope of a call that is made in this one."""
        counts = self._counts
        if counts is None:
            counts = self._counts = {}
        number = counts[name] = counts.get(name, 0) + 1
        return CallScope(self, name, number)

    @property
    def path(self) -> str:
        """Its path, with the number of each call in it."""
        if self._path is None:
            self._path = self._behind(self.outer.path if self.outer else "", f"{self.name}:{self.number}")
        return self._path

    @property
    def plain_path(self) -> str:
        """Its path without the numbers of functions that were called only once, once all calls are made."""
        if self.outer is None:
            return ""
        name = self.name if self.outer.called_once(self.name) else f"{self.name}:{self.number}"
        return self._behind(self.outer.plain_path, name)

    def called_once(self, name: str) -> bool:
        """Return whether it has made one call of a name, and no other."""
        return self._counts is not None and self._counts.get(name) == 1

    @staticmethod
    def _behind(outer: str, name: str) -> str:
        return f"{outer}.{name}" if outer else name


class CallScopes:
    """The scopes of a run.

    Attributes:
        current: The innermost call that is running, but for generators.
        bind_layer: Called with each parameter that is a module, and with the module.
    """

    def __init__(self) -> None:
        self.current = CallScope()
        self.bind_layer: Callable[[str, nn.Module], None] = lambda _name, _layer: None
        self._stack: list[CallScope] = []
        self._generators: dict[FrameType, CallScope] = {}
        self._met: dict[str, CallScope] = {}
        self._paths: dict[int, tuple[nn.Module, str]] = {}  # kept with it, so that its id is not reused
        self._within: list[str] = [""]  # the paths of the modules whose `forward` runs

    @property
    def is_outside(self) -> bool:
        """Whether no function of the program runs."""
        return self.current.outer is None

    def at(self, frame: FrameType | None) -> CallScope:
        """Return the innermost call around a frame that is running: a generator, or the current one."""
        while self._generators and frame is not None:
            if frame.f_code.co_filename == FILE:
                if frame in self._generators:
                    return self._generators[frame]
                if not frame.f_code.co_name.startswith("<"):  # as a comprehension's, which is in a call
                    break
            frame = frame.f_back
        return self.current

    def path(self, scope: CallScope) -> str:
        """Return the path of a call, which has made a node."""
        self._met.setdefault(scope.path, scope)
        return scope.path

    @property
    def plain_paths(self) -> dict[str, str]:
        """The paths without the numbers of what was called only once, by those with them."""
        return {path: scope.plain_path for path, scope in self._met.items()}

    def finish(self, nodes: Iterable[RecordNode]) -> None:
        """Leave out the numbers of what was called only once."""
        plain = self.plain_paths
        for node in nodes:
            node.scope = _plain_path(node.scope, plain)

    # Called by the program

    def enter(self, name: str, owner: Any = None, layers: tuple[str, ...] = (), *values: Any) -> None:
        """Take note that a function begins.

        Args:
            name: Its name; empty for one that is called after the class of its owner.
            owner: The object whose method it is; None for a plain function.
            layers: The names of those of its parameters that may be modules.
            values: Their values.
        """
        self._stack.append(self.current)
        frame = program_frame() if self._generators else None
        outer = self.current if frame is None else self.at(frame.f_back)
        scope = self.current = outer.inner(name or type(owner).__name__)
        if isinstance(owner, nn.Module):
            scope.is_of_module = True
        for place, value in enumerate(values):
            if isinstance(value, nn.Module):
                self.bind_layer(layers[place], value)

    def forward(self, name: str, owner: Any, layers: tuple[str, ...] = (), *values: Any) -> None:
        """Do the same for a method called `forward`, whose module may have been called."""
        caller = sys._getframe(2)
        outer = self._within[-1]
        if isinstance(owner, nn.Module) and caller.f_code.co_filename == _CALLS_FORWARD:
            path = self._path_of(owner, caller)
            self.enter(path.removeprefix(f"{outer}.") if outer else path, owner, layers, *values)
            self._within.append(path)
        else:
            self.enter(name, owner, layers, *values)
            self._within.append(outer)

    def leave(self) -> None:
        """Take note that the innermost function ends."""
        self.current = self._stack.pop()

    def leave_forward(self) -> None:
        """Take note that a `forward` ends."""
        self._within.pop()
        self.leave()

    def begin(self, name: str) -> None:
        """Take note that a generator begins, which others resume while they run."""
        frame = sys._getframe(1)
        self._generators[frame] = self.at(frame.f_back).inner(name)

    def end(self) -> None:
        """Take note that a generator ends."""
        self._generators.pop(sys._getframe(1), None)

    # Where modules stand

    def _path_of(self, module: nn.Module, frame: FrameType | None) -> str:
        """Return the path of a module that is called from a frame."""
        if id(module) not in self._paths:
            called = [module]  # and the modules of torch's own around it
            while frame is not None and frame.f_code.co_filename != FILE:
                owner = frame.f_locals.get("self") if frame.f_code.co_filename == _CALLS_FORWARD else None
                if isinstance(owner, nn.Module) and owner is not called[-1]:
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


def _plain_path(path: str, plain: Mapping[str, str]) -> str:
    """Return the plain path of a call, or of what is folded within one."""
    call, _, fold = path.rpartition(".")
    if path in plain or not is_fold(fold):
        return plain.get(path, path)
    return f"{_plain_path(call, plain)}.{fold}" if call else path
