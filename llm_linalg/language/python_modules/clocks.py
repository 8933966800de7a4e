"""`time` and `tqdm`: what they show of a run that is the same each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ProgressBar
from llm_linalg.language.run_function import RunFunction

_EPOCH = 1_700_000_000  # seconds: when every run begins
_SECONDS_PER_STEP = 1e-6


def _elapsed(run: Interpreter) -> float:
    """Return the time that a run has taken, told by its steps: about a microsecond each."""
    return run.budget.steps_used * _SECONDS_PER_STEP


def _clock(start: float, per_second: int | None = None) -> Callable[[Interpreter], float]:
    """Return a clock, which counts seconds, or whole parts of one."""

    def tell(run: Interpreter) -> float:
        seconds = start + _elapsed(run)
        return seconds if per_second is None else int(seconds * per_second)

    return tell


def _progress(_run: Interpreter, items: Any = (), *_arguments: Any, **_named: Any) -> ProgressBar:
    return ProgressBar(items)


def _progress_of_range(_run: Interpreter, *bounds: Any, **_named: Any) -> ProgressBar:
    return ProgressBar(range(*bounds))


_CLOCKS: Mapping[str, Callable[..., Any]] = {
    "time": _clock(_EPOCH),
    "perf_counter": _clock(0.0),
    "monotonic": _clock(0.0),
    "process_time": _clock(0.0),
    "time_ns": _clock(_EPOCH, 10**9),
    "perf_counter_ns": _clock(0.0, 10**9),
    "sleep": lambda _run, _seconds: None,
}
TIME: Mapping[str, RunFunction] = {name: RunFunction(name, does) for name, does in _CLOCKS.items()}
TQDM: Mapping[str, RunFunction] = {
    "tqdm": RunFunction("tqdm", _progress, ProgressBar),
    "trange": RunFunction("trange", _progress_of_range),
}


def _ignore(_bar: ProgressBar, *_arguments: Any, **_named: Any) -> None:
    """Do nothing: a bar is drawn beside the program's output."""


_METHODS = (
    "set_description set_description_str set_postfix set_postfix_str update close refresh reset clear write"
)
PROGRESS_METHODS: Mapping[str, Callable[..., Any]] = dict.fromkeys(_METHODS.split(), _ignore)
