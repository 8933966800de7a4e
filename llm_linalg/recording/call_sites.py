"""Find where trusted Python makes torch calls: the file and line, the stack frames, the module."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dis import get_instructions
from functools import lru_cache
from itertools import pairwise
from linecache import getline
from pathlib import Path
from types import CodeType, FrameType, MappingProxyType, TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from llm_linalg.base.errors import Span, StackFrame
from llm_linalg.base.text import characters
from llm_linalg.recording.folding import Folding, program_files
from llm_linalg.recording.record_node import Origin

_ENGINE = Path(__file__).parents[1]
# Code below these folders is torch's or ours; a call site is the innermost frame in neither.
_OWN = (str(Path(torch.__file__).parent), str(_ENGINE), "<frozen ")
_RECORDER = str(_ENGINE / "recording" / "recorder.py")
_DOOR = str(_ENGINE / "api" / "trace.py")
_VARIABLE = re.compile(r"(?<![\w.])[^\W\d]\w*")
_STORES = frozenset(
    [
        *("STORE_FAST", "STORE_NAME", "STORE_DEREF", "STORE_GLOBAL"),
        *("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST"),  # since Python 3.13
    ]
)
_NAMED = Tensor, nn.Module, dict  # a union would be made anew for each variable
_HELD = 32
NO_PATHS: Mapping[int, str] = MappingProxyType({})
_DEEPEST = 8  # dicts and lists within one another that are looked into


class CallSites:
    """Finds the call site of each torch call while a function runs.

    Args:
        function: The function that runs; if it is a module or its method, scopes are paths below that module.

    Attributes:
        on_module: Called with each module that the function's own does not contain, and its path.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._frames: dict[int, FrameType] = {}
        # By instruction. The code object is kept so that its id is not reused.
        self._sites: dict[tuple[int, int], tuple[CodeType, Origin]] = {}
        self._latest: dict[tuple[int, int], Origin] = {}  # what the latest call at each was given
        self._paths: dict[int, str] = {}
        self._modules: list[nn.Module] = []  # kept so that their ids are not reused
        self._scopes: list[str] = [""]
        self._entered: list[str] = [""]  # the same without the numbers of calls
        self._inside: list[nn.Module | None] = [None]  # the modules that they are of
        self._names: dict[tuple[int, int], str] = {}  # of a module within another
        self._calls: Counter[str] = Counter()
        self._running = False  # calls before the function starts have no site
        self.on_module: Callable[[nn.Module, str], None] = lambda _module, _path: None
        owner = function if isinstance(function, nn.Module) else owner_of(function)
        if isinstance(owner, nn.Module):
            self._name(owner, "")
        homes = [
            getattr(function, "__module__", None) or "",
            *(type(own).__module__ for own in self._modules),
        ]
        self._folding = Folding(program_files(homes), _DOOR)

    def current(self) -> Origin:
        """Return the call site of the innermost frame that is neither torch's nor ours."""
        if not self._running:
            return Origin()
        nearest = sys._getframe(3)  # the frames within are the recorder's, and so may be some around it
        while nearest.f_code.co_filename == _RECORDER and nearest.f_back is not None:
            nearest = nearest.f_back
        frame, scope, direct = nearest, self._scopes[-1], True
        key = id(frame.f_code), frame.f_lasti
        if key not in self._sites:  # else it is the program's own frame, as found before
            call = self._folding.find(nearest)
            scope, direct = self._folding.scope(call, scope), call.direct
            if call.frame is None:
                return Origin(scope=scope)
            frame = call.frame
            key = id(frame.f_code), frame.f_lasti
            if key not in self._sites:
                self._sites[key] = frame.f_code, _origin(frame)
        self._frames.setdefault(id(frame), frame)
        origin = self._sites[key][1]
        target = origin.target if direct else ""
        latest = self._latest.get(key)
        if latest is None or latest.scope != scope or latest.target != target:
            latest = Origin(origin.span, origin.source, origin.file, scope, target)
            self._latest[key] = latest
        return latest

    @property
    def is_full(self) -> bool:
        """Whether so many frames are held that their local variables should be released."""
        return len(self._frames) > _HELD

    def locals(self) -> Iterator[tuple[str, Tensor | nn.Module | dict[Any, Any]]]:
        """Yield the tensors, modules and dicts that variables of ended frames hold, and let go of these."""
        self._folding.release()
        frames, self._frames = self._frames, {}
        running = set()
        now: FrameType | None = sys._getframe(1)
        while now is not None:
            running.add(id(now))
            now = now.f_back
        seen: set[CodeType] = set()  # whose globals were told
        for key, frame in frames.items():
            if key in running:
                self._frames[key] = frame
                continue
            code, around = frame.f_code, frame.f_globals
            used = () if code in seen else [name for name in code.co_names if name in around]
            seen.add(code)
            for name, value in (*frame.f_locals.items(), *[(name, around[name]) for name in used]):
                if isinstance(value, _NAMED):
                    yield name, value

    def frames(self, traceback: TracebackType | None) -> tuple[StackFrame, ...]:
        """Return the frames that led to an error, with the paths of the modules whose methods they run."""
        return frames_of(traceback, self._paths)

    @contextmanager
    def track_modules(self) -> Iterator[None]:
        """Track which module is running, through torch's global module hooks."""
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
            self.on_module(module, path)
        elif not _holds(self._entered[-1], path):
            path = self._within(module) or path
        self._scopes.append(self._numbered(path))
        self._entered.append(path)
        self._inside.append(module)

    def _within(self, module: nn.Module) -> str:
        """Return the path of a module by the one that runs, if that has it, too; else empty."""
        outer = self._inside[-1]
        if outer is None:
            return ""
        key = id(outer), id(module)
        if key not in self._names:
            self._names[key] = next((name for name, own in outer.named_modules() if own is module), "")
        return f"{self._entered[-1]}.{self._names[key]}" if self._names[key] else ""

    def _leave(self, _module: nn.Module, _args: Any, _result: Any) -> None:
        if len(self._scopes) > 1:
            for stack in (self._scopes, self._entered, self._inside):
                stack.pop()

    def _numbered(self, path: str) -> str:
        """Return the scope of a call of a module: its path below the call that it stands in, with a number.

        The first call of a module within another's has none.
        """
        within = [(own, at) for own, at in zip(self._entered, self._scopes, strict=True) if _holds(own, path)]
        outer, scope = within[-1]
        below = path[len(outer) :].lstrip(".")
        scope = f"{scope}.{below}" if scope and below else scope or below
        if not below:  # it is the outermost
            return scope
        self._calls[scope] += 1
        count = self._calls[scope]
        return scope if count == 1 else f"{scope}:{count}"

    def _name(self, module: nn.Module, path: str) -> None:
        for name, inner in module.named_modules():
            self._modules.append(inner)
            self._paths.setdefault(id(inner), ".".join(filter(None, (path, name))))


def _holds(outer: str, path: str) -> bool:
    return not outer or path.startswith(f"{outer}.")


def held_in(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in dicts, lists and tuples within one another, with the keys that lead to them."""
    items = enumerate(value) if isinstance(value, list | tuple) else ()
    for key, inner in value.items() if isinstance(value, dict) else items:
        place = f"{path}.{key}" if path else str(key)
        if isinstance(inner, Tensor):
            yield place, inner
        elif isinstance(inner, dict | list | tuple) and depth < _DEEPEST:
            yield from held_in(inner, place, depth + 1)


def frames_of(
    traceback: TracebackType | None, modules: Mapping[int, str] = NO_PATHS
) -> tuple[StackFrame, ...]:
    """Return the frames that led to an error, outermost first, without those of torch, of imports and ours.

    A method's frame names the path of its module, given those of modules by their ids.
    """
    frames = []
    for frame, span, text in _own_frames(traceback):
        path = modules.get(id(frame.f_locals.get("self")), "")
        frames.append(StackFrame(frame.f_code.co_filename, span, frame.f_code.co_qualname, text, path))
    return tuple(frames)


def place_of_thread(thread: int) -> str:
    """Return where a thread is in code that is neither torch's nor ours, as `model.py:7`; or empty."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def variables_in(traceback: TracebackType | None) -> dict[int, str]:
    """Return the variables in the expression that failed, by the ids of the tensors that they hold."""
    variables: dict[int, str] = {}
    for frame, span, text in _own_frames(traceback):
        words = dict.fromkeys(_VARIABLE.findall(text[span.column : span.end_column]))
        held = {word: frame.f_locals.get(word) for word in words}
        variables = {id(value): word for word, value in held.items() if isinstance(value, Tensor)}
    return variables


def _own_frames(traceback: TracebackType | None) -> Iterator[tuple[FrameType, Span, str]]:
    """Yield the frames that are neither torch's nor ours, with the expression of each and its line."""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(_OWN):
            text = getline(file, traceback.tb_lineno).rstrip("\n")
            yield traceback.tb_frame, _expression(traceback, text), text
        traceback = traceback.tb_next


def owner_of(function: Callable[..., Any]) -> object:
    """Return the object that a method is bound to; None for a plain function."""
    return getattr(function, "__self__", None)


def _origin(frame: FrameType) -> Origin:
    """Return the call site that a frame is at."""
    code, line = frame.f_code, frame.f_lineno
    text = getline(code.co_filename, line).rstrip("\n")
    span = _span(code, frame.f_lasti, line, text)
    if span is None:
        return Origin(Span.of_line(line, text), file=code.co_filename)
    target = _targets(code).get(frame.f_lasti, "")
    return Origin(span, text[span.column : span.end_column], code.co_filename, target=target)


@lru_cache(256)
def _targets(code: CodeType) -> Mapping[int, str]:
    """Return the variables that values are assigned to at once, by the instructions that compute these."""
    steps = [step for step in get_instructions(code) if step.opname != "EXTENDED_ARG"]
    names = {step.offset: after.argval for step, after in pairwise(steps) if after.opname in _STORES}
    return {place: name if isinstance(name, str) else name[0] for place, name in names.items()}


@lru_cache(256)
def _positions(code: CodeType) -> Sequence[tuple[int | None, int | None, int | None, int | None]]:
    """Return the lines and columns of a code's instructions; none where Python was told to keep none."""
    return (*code.co_positions(), (None, None, None, None))


def _expression(traceback: TracebackType, text: str) -> Span:
    """Return the place of the expression that a frame was evaluating."""
    line = traceback.tb_lineno
    return _span(traceback.tb_frame.f_code, traceback.tb_lasti, line, text) or Span.of_line(line, text)


def _span(code: CodeType, at: int, line: int, text: str) -> Span | None:
    """Return the place of an instruction's expression if it lies in this line; code columns are in bytes."""
    first, last, column, end = _positions(code)[at // 2]
    if first != line or last != line or column is None or end is None:
        return None
    return Span(line, characters(text, column), line, characters(text, end))
