"""Fold by frame: what an installed package does within one call of the program's is one box with parts.

A step of `torch.optim.AdamW` is thirty torch calls, made by torch's own Python. It is one to the program, so
its nodes have a scope of their own, `step()`, below that of the program's frame: the innermost frame that
is the program's. The outermost of the package's frames above it tells one call from the next.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from sysconfig import get_path
from types import CodeType, FrameType
from typing import NamedTuple

import torch
from torch import nn

from llm_linalg.recording.scopes import FOLD

_ENGINE = str(Path(__file__).parents[1])
_TORCH = str(Path(torch.__file__).parent)
# Files that forward a call as it is; torch's other files may make several calls out of one.
_PASSING = (str(Path(_TORCH) / "nn" / "functional.py"), _ENGINE)
_PYTHON = tuple({get_path(kind) for kind in ("stdlib", "platstdlib")})
_LIBRARIES = (_TORCH, _ENGINE, *_PYTHON, "<frozen ")
_PACKAGES = re.compile(r"[/\\](?:site|dist)-packages[/\\]")
# Files of decorators, whose functions may be called what they decorate with: `no_grad`.
_DECORATORS = ("contextlib.py", "grad_mode.py", "overrides.py")
_PROGRAM, _PASSES, _MAKES = range(3)
_MODULE_CALL = nn.Module._wrapped_call_impl.__code__  # noqa: SLF001 - a module's call is a scope by itself
_FEW = 4  # calls that may be under way at once, such as a step that evaluates a loss which samples


class CallFrame(NamedTuple):
    """Where the program makes a call.

    Attributes:
        frame: Its innermost frame that is the program's; None if there is none.
        outer: The package's frame that the program called, which tells one call from the next.
        fold: The package's function that the torch call is a part of, such as `step`; or empty.
        direct: Whether the torch call is all that the program's call does, as far as the frames say.
    """

    frame: FrameType | None
    outer: FrameType | None = None
    fold: str = ""
    direct: bool = True


class Folding:
    """Finds the program's call that a torch call is made for.

    Beyond the file `door` the frames belong to whoever runs the program.
    """

    def __init__(self, is_program: Callable[[str], bool], door: str = "") -> None:
        self._is_program = is_program
        self._door = door
        self._kinds: dict[str, int] = {}
        self._labels: dict[tuple[int, int, int], str] = {}
        self._codes: list[CodeType] = []  # kept so that their ids are not reused
        # The scopes of folds, the latest last, by frames that are kept for the same reason.
        self._under_way: list[tuple[FrameType, str]] = []
        self._count = 0

    def find(self, start: FrameType | None = None) -> CallFrame:
        """Return the program's call around a frame; without one, around the caller."""
        start = sys._getframe(1) if start is None else start
        frame: FrameType | None = start
        outer: FrameType | None = None
        kinds, direct, is_in_module = self._kinds, True, False
        while frame is not None:
            file = frame.f_code.co_filename
            kind = kinds.get(file)
            if kind is None:
                kind = kinds[file] = self._kind(file)
            if kind == _PROGRAM:
                break
            direct = direct and kind == _PASSES
            is_in_module = is_in_module or frame.f_code is _MODULE_CALL
            outer = frame
            frame = None if file == self._door else frame.f_back
        if frame is None or outer is None:
            return CallFrame(frame, direct=direct)
        # A module that a package's function calls, such as `checkpoint`, is a scope of its own.
        return CallFrame(frame, outer, "" if is_in_module else self._label(frame, outer, start), direct)

    def scope(self, call: CallFrame, within: str) -> str:
        """Return the scope of a torch call, given that of the program's frame: each fold has its own."""
        if not call.fold or call.outer is None:
            return within
        entry = next((own for own in self._under_way if own[0] is call.outer), None)
        if entry is None:
            self._count += 1
            path = f"{within}.{call.fold}" if within else call.fold
            entry = call.outer, f"{path}{FOLD}:{self._count}"
        self._under_way = [*[own for own in self._under_way if own is not entry][1 - _FEW :], entry]
        return entry[1]

    def release(self) -> None:
        """Let go of frames, which hold what is in their variables."""
        self._under_way.clear()

    def _kind(self, file: str) -> int:
        if self._is_program(file) and file != self._door:
            return _PROGRAM
        return _PASSES if file.startswith(_PASSING) else _MAKES

    def _label(self, frame: FrameType, outer: FrameType, start: FrameType) -> str:
        """Return what to call the program's call; empty if it folds nothing."""
        key = id(frame.f_code), frame.f_lasti, id(outer.f_code)
        label = self._labels.get(key)
        if label is None:
            self._codes += frame.f_code, outer.f_code
            own: list[FrameType] = []
            inner: FrameType | None = start
            while inner is not None and inner is not frame:
                own.insert(0, inner)
                inner = inner.f_back
            label = self._labels[key] = _label_of(own)
        return label


def is_library(file: str) -> bool:
    """Return whether a file is Python's, torch's, ours or an installed package's."""
    return file.startswith(_LIBRARIES) or _PACKAGES.search(file) is not None


def program_files(modules: Iterable[str]) -> Callable[[str], bool]:
    """Return what says whether a file is the program's: no library's, or one of the packages of some modules.

    Args:
        modules: Names of modules, such as those of the classes of a model. Torch's and Python's do not count.
    """
    names = {name.partition(".")[0] for name in modules} - {"torch", "builtins", "llm_linalg"}
    files = [getattr(sys.modules.get(name), "__file__", None) for name in names]
    others = (file for file in files if file and (not file.startswith(_PYTHON) or _PACKAGES.search(file)))
    own = tuple(file.removesuffix("__init__.py") for file in others)
    return lambda file: not is_library(file) or (bool(own) and file.startswith(own))


def _label_of(frames: list[FrameType]) -> str:
    """Return the name of the function that the program called, by the frames from its own inwards.

    Decorators stand around it: the first function that is not defined within another is the one.
    """
    first = frames[0].f_code
    if first.co_filename.startswith(_ENGINE):
        return ""
    if first.co_filename.startswith("<frozen importlib"):
        return "import"
    for frame in frames:
        code = frame.f_code
        is_decorator = "<" in code.co_qualname or code.co_filename.endswith(_DECORATORS)
        if not is_decorator and not code.co_filename.startswith(_ENGINE):
            return _name(frame)
    return first.co_qualname.rpartition(".")[2].strip("<_>")


def _name(frame: FrameType) -> str:
    name = frame.f_code.co_name
    if name in ("__init__", "__new__", "__call__"):
        own = next(iter(frame.f_locals.values()), None)
        return (own if isinstance(own, type) else type(own)).__name__
    return name.strip("_") if name.startswith("__") else name
