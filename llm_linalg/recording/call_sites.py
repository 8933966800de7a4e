"""Where torch calls are made from in trusted Python: the file and line, the frames, the module."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from linecache import getline
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from llm_linalg.base.errors import Frame, Span
from llm_linalg.base.text import characters
from llm_linalg.recording.record_node import Origin

_ENGINE = Path(__file__).parents[1]
# Code below these folders is torch's or ours: a call is made from the innermost file that is neither.
_OWN = (str(Path(torch.__file__).parent), str(_ENGINE))
_DOOR = str(_ENGINE / "api" / "trace.py")
# Of these files some pass a call on as it is; others may make several calls of one.
_PASSING = (str(Path(torch.__file__).parent / "nn" / "functional.py"), str(_ENGINE))
# What stands in a line before the expression that it assigns to one variable, and what may stand after it.
_ASSIGNED = re.compile(r"\s*(?:.*[:;]\s*)??([^\W\d]\w*)\s*(?::[^=]+)?=\s*\(*\s*")
_REST = re.compile(r"\s*\)*\s*(?:[#;].*)?")
_VARIABLE = re.compile(r"(?<![\w.])[^\W\d]\w*")
_WRITTEN = re.compile(r"([^\W\d]\w*)\s*(?:[-+*/@%&|^]|//|\*\*|<<|>>)=[^=]")
_THEIRS, _PASSES, _MAKES = range(3)
NOWHERE = Origin()
_HELD = 32


class Places:
    """The place of the call that is being made, while a function runs.

    Args:
        function: What is run; a module's own submodules are named as it names them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._frames: dict[int, FrameType] = {}
        self._sites: dict[
            tuple[int, int], tuple[CodeType, Origin]
        ] = {}  # the code, so that its id stays its own
        self._known: dict[tuple[int, int, str, bool], Origin] = {}
        self._foreign: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._modules: list[nn.Module] = []  # kept, so that their ids stay their own
        self._scopes: list[str] = [""]
        self._running = False  # what is made before is no call of the function's
        self.met: Callable[[nn.Module, str], None] = lambda _module, _path: None  # one not known before
        owner = function if isinstance(function, nn.Module) else owner_of(function)
        if isinstance(owner, nn.Module):
            self._name(owner, "")

    def here(self) -> Origin:
        """Return the place of the innermost frame that is neither torch's nor ours."""
        if not self._running:
            return NOWHERE
        frame: FrameType | None = sys._getframe(1)
        foreign, file, direct = self._foreign, "", True
        while frame is not None:
            file = frame.f_code.co_filename
            whose = foreign.get(file)
            if whose is None:
                whose = foreign[file] = _kind(file)
            if whose == _THEIRS:
                break
            direct = direct and whose == _PASSES
            # Beyond it is whoever asked for the trace: a module of torch's own has no lines of theirs.
            frame = None if file == _DOOR else frame.f_back
        if frame is None:
            return Origin(scope=self._scopes[-1])
        self._frames.setdefault(id(frame), frame)
        key = (id(frame.f_code), frame.f_lasti, self._scopes[-1], direct)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(frame, *key)
        return found

    def _made(self, frame: FrameType, code: int, at: int, scope: str, direct: bool) -> Origin:
        site = self._sites.get((code, at))
        if site is None:
            site = self._sites[code, at] = (frame.f_code, _origin(frame))
        return site[1]._replace(scope=scope, target=site[1].target if direct else "")

    @property
    def many(self) -> bool:
        """Whether many frames are held, and with them what their variables hold."""
        return len(self._frames) > _HELD

    def locals(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the tensors that local variables hold, by name; the frames are let go."""
        frames, self._frames = self._frames, {}
        running = set()
        now: FrameType | None = sys._getframe(1)
        while now is not None:
            running.add(id(now))
            now = now.f_back
        for key, frame in frames.items():
            for name, value in frame.f_locals.items():
                if isinstance(value, Tensor):
                    yield name, value
            if key in running:
                self._frames[key] = frame

    @contextmanager
    def following(self) -> Iterator[None]:
        """Know which module a call is made in, while the context is open."""
        before = register_module_forward_pre_hook(self._enter)
        after = register_module_forward_hook(self._leave, always_call=True)
        self._running = True
        try:
            yield
        finally:
            self._running = False
            before.remove()
            after.remove()

    def _enter(self, module: nn.Module, _args: Any) -> None:
        path = self._paths.get(id(module))
        if path is None:
            outer = self._scopes[-1]
            path = f"{outer}.{type(module).__name__}" if outer else type(module).__name__
            self._name(module, path)
            self.met(module, path)
        self._scopes.append(path)

    def _leave(self, _module: nn.Module, _args: Any, _result: Any) -> None:
        if len(self._scopes) > 1:
            self._scopes.pop()

    def _name(self, module: nn.Module, path: str) -> None:
        for name, inner in module.named_modules():
            self._modules.append(inner)
            self._paths.setdefault(id(inner), ".".join(filter(None, (path, name))))


def frames_of(traceback: TracebackType | None) -> tuple[Frame, ...]:
    """Return the frames that led to an error, outermost first, those of torch and ours left out."""
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(_OWN):
            text = getline(code.co_filename, traceback.tb_lineno).rstrip("\n")
            found.append(Frame(code.co_filename, _expression(traceback, text), code.co_qualname, text))
        traceback = traceback.tb_next
    return tuple(found)


def named_in(traceback: TracebackType | None) -> dict[int, str]:
    """Return the variables that stand in the expression that failed, by the ids of the tensors they hold."""
    found: dict[int, str] = {}
    while traceback is not None:
        frame = traceback.tb_frame
        file = frame.f_code.co_filename
        if not file.startswith(_OWN):
            text = getline(file, traceback.tb_lineno).rstrip("\n")
            span = _expression(traceback, text)
            words = dict.fromkeys(_VARIABLE.findall(text[span.column : span.end_column]))
            held = {word: frame.f_locals.get(word) for word in words}
            found = {id(value): word for word, value in held.items() if isinstance(value, Tensor)}
        traceback = traceback.tb_next
    return found


def owner_of(function: Callable[..., Any]) -> object:
    """Return the object that a bound method is bound to."""
    return getattr(function, "__self__", None)


def _kind(file: str) -> int:
    """Return whose a file is: theirs, or one of torch's and ours, which passes a call on or makes others."""
    if not file.startswith(_OWN):
        return _THEIRS
    return _PASSES if file.startswith(_PASSING) else _MAKES


def _origin(frame: FrameType) -> Origin:
    """Return the place of the call that a frame is at."""
    code, line = frame.f_code, frame.f_lineno
    text = getline(code.co_filename, line).rstrip("\n")
    span = _span(code, frame.f_lasti, line, text)
    if span is None:
        return Origin(_whole(line, text), file=code.co_filename)
    source = text[span.column : span.end_column]
    target = _target(text[: span.column], source, text[span.end_column :])
    return Origin(span, source, code.co_filename, target=target)


def _target(before: str, expression: str, after: str) -> str:
    """Return the variable that a line assigns one of its expressions to; empty if it does not."""
    if before.isspace() or not before:
        written = _WRITTEN.match(expression)  # x += y is an expression to torch
        return written[1] if written else ""
    assigned = _ASSIGNED.fullmatch(before)
    return assigned[1] if assigned and _REST.fullmatch(after) else ""


def _expression(traceback: TracebackType, text: str) -> Span:
    """Return the place of the expression that a frame was at."""
    line = traceback.tb_lineno
    return _span(traceback.tb_frame.f_code, traceback.tb_lasti, line, text) or _whole(line, text)


def _whole(line: int, text: str) -> Span:
    return Span(line, min(len(text) - len(text.lstrip()), len(text)), line, len(text))


def _span(code: CodeType, at: int, line: int, text: str) -> Span | None:
    """Return the place of an instruction's expression, if it is in this line; columns come in bytes."""
    positions = islice(code.co_positions(), at // 2, None)
    first, last, column, end = next(positions, (None, None, None, None))
    if first != line or last != line or column is None or end is None:
        return None
    data = text.encode()
    return Span(line, characters(data, column), line, characters(data, end))
