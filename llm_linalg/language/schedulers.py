"""`torch.optim.lr_scheduler`: learning rates that change from step to step, as torch's formulas say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from math import floor, inf, log
from typing import Any

from torch import Tensor

from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import take_items
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.schedule_rates import NEEDED, SCHEDULES, Scheduler

_STEPS = 10
MAX_MILESTONES = 1_000
MAX_SCHEDULERS = 100  # in one
_MOST = 10**12  # of a count, or an epoch
_WORDS: Mapping[str, Sequence[str]] = {
    "mode": ("min", "max", "triangular", "triangular2", "exp_range"),
    "threshold_mode": ("rel", "abs"),
    "anneal_strategy": ("cos", "linear"),
    "scale_mode": ("cycle",),
}
_SWITCHES = frozenset(["cycle_momentum", "three_phase"])
_COUNTS = frozenset(["step_size", "T_max", "T_0", "T_mult", "total_steps", "epochs", "steps_per_epoch"])
_FREE = frozenset(["lr_lambda", "milestones"])
_PLATEAU: Mapping[str, Any] = {
    "mode": "min",
    "factor": 0.1,
    "patience": 10,
    "threshold": 1e-4,
    "threshold_mode": "rel",
    "cooldown": 0,
    "min_lr": 0,
    "eps": 1e-8,
}


def _settings(
    title: str, defaults: Mapping[str, Any], arguments: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all settings of a scheduler, checked."""
    if len(arguments) > len(defaults) or named.keys() - defaults.keys():
        raise TypeError(f"{title} takes {', '.join(defaults)}")
    given = {**defaults, **dict(zip(defaults, arguments, strict=False)), **named}
    for name, value in given.items():
        _check(title, name, value, defaults[name])
    return given


def _check(title: str, name: str, value: Any, default: Any) -> None:
    """Raise `TypeError` or `ValueError` if a setting is none."""
    if value is NEEDED:
        raise TypeError(f"{title} also needs {name}")
    if name in _FREE or (value is None and default is None):
        return
    if name in _WORDS:
        if not isinstance(value, str) or value not in _WORDS[name]:
            raise ValueError(f"{name} is {' or '.join(_WORDS[name])}, not {short_repr(value)}")
        return
    if name in _SWITCHES:
        if not isinstance(value, bool):
            raise TypeError(f"{name} is True or False, not {short_repr(value)}")
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number, not {short_repr(value)}")
    if name in _COUNTS and not 0 < value < _MOST:
        raise ValueError(f"{name} is more than 0, and {short_repr(value)} is not")
    if name == "last_epoch" and value != -1:
        raise RefusalError("last_epoch= is not part of the language: leave it out")


def _optimizer(title: str, optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{title} takes an optimizer, not {short_repr(optimizer)}")
    return optimizer


def _maker(title: str) -> RunFunction:
    schedule = SCHEDULES[title]
    defaults = {**schedule.settings, "last_epoch": -1}

    def make(run: Interpreter, optimizer: Any, *arguments: Any, **named: Any) -> Scheduler:
        given = _settings(title, defaults, arguments, named)
        if "milestones" in given:
            given["milestones"] = _milestones(run, given["milestones"])
        own = Scheduler(title, _optimizer(title, optimizer), given)
        if schedule.start is not None:
            schedule.start(own)
        for group in own.optimizer.groups:
            group.setdefault("initial_lr", group["lr"])
        own.base = [group["initial_lr"] for group in own.optimizer.groups]
        _advance(run, own)
        return own

    return RunFunction(title, make)


def _milestones(run: Interpreter, value: Any) -> list[int]:
    found = take_items(run, value, MAX_MILESTONES)
    if not all(isinstance(item, int) for item in found):
        raise TypeError("milestones are whole numbers")
    return list(found)


def _make_plateau(run: Interpreter, optimizer: Any, *arguments: Any, **named: Any) -> Scheduler:
    """Do what `ReduceLROnPlateau` does when it is called."""
    given = _settings("ReduceLROnPlateau", _PLATEAU, arguments, named)
    if given["mode"] not in ("min", "max"):
        raise ValueError("mode is min or max")
    if given["factor"] >= 1.0:
        raise ValueError("Factor should be < 1.0.")
    own = Scheduler("ReduceLROnPlateau", _optimizer("ReduceLROnPlateau", optimizer), given, epoch=0)
    own.counts.update(best=inf if given["mode"] == "min" else -inf, num_bad_epochs=0, cooldown_counter=0)
    own.last = own.now
    run.budget.step(_STEPS)
    return own


def _is_better(own: Scheduler, value: float) -> bool:
    best, threshold = own.counts["best"], own["threshold"]
    if own["mode"] == "min":
        return bool(
            value < (best * (1.0 - threshold) if own["threshold_mode"] == "rel" else best - threshold)
        )
    return bool(value > (best * (threshold + 1.0) if own["threshold_mode"] == "rel" else best + threshold))


def _step_plateau(_run: Interpreter, own: Scheduler, metrics: Any) -> None:
    """Lower the rates once what is measured has not got better for some steps."""
    value, counts = _number(metrics), own.counts
    own.epoch += 1
    is_better = _is_better(own, value)
    counts["best"] = value if is_better else counts["best"]
    counts["num_bad_epochs"] = 0 if is_better else counts["num_bad_epochs"] + 1
    if counts["cooldown_counter"] > 0:
        counts["cooldown_counter"] -= 1
        counts["num_bad_epochs"] = 0
    if counts["num_bad_epochs"] > own["patience"]:
        for group in own.optimizer.groups:
            rate = float(group["lr"])
            lower = max(rate * own["factor"], own["min_lr"])
            group["lr"] = lower if rate - lower > own["eps"] else group["lr"]
        counts.update(cooldown_counter=own["cooldown"], num_bad_epochs=0)
    own.last = own.now


def _number(value: Any) -> float:
    value = value.tensor if isinstance(value, Array) else value
    if isinstance(value, Tensor) and value.numel() == 1:
        with untraced():
            return float(value)
    if not isinstance(value, int | float):
        raise TypeError(f"the scheduler's step takes a number, not {short_repr(value)}")
    return float(value)


def _step_restarts(run: Interpreter, own: Scheduler, epoch: Any = None) -> None:
    """Go on along the cosine, or to an epoch, which may lie between two."""
    counts, first, times = own.counts, own["T_0"], own["T_mult"]
    if epoch is None:
        own.epoch += 1
        counts["T_cur"] += 1
        if counts["T_cur"] >= counts["T_i"]:
            counts["T_cur"] %= counts["T_i"]
            counts["T_i"] *= times
    else:
        if isinstance(epoch, bool) or not isinstance(epoch, int | float) or not 0 <= epoch < _MOST:
            raise ValueError(f"an epoch is a number from 0, not {short_repr(epoch)}")
        own.epoch = floor(epoch)
        if epoch < first or times == 1:
            counts.update(T_cur=epoch % first if epoch >= first else epoch, T_i=first)
        else:
            turns = int(log((epoch / first * (times - 1) + 1), times))
            passed = first * (times**turns - 1) / (times - 1)
            counts.update(T_cur=epoch - passed, T_i=first * times**turns)
    _set_rates(own, SCHEDULES[own.title].rates(run, own))


def _inner(run: Interpreter, title: str, schedulers: Any, optimizer: Optimizer | None) -> list[Scheduler]:
    found = take_items(run, schedulers, MAX_SCHEDULERS)
    if not found or not all(
        isinstance(each, Scheduler) and each.title != "ReduceLROnPlateau" for each in found
    ):
        raise ValueError(f"{title} takes a list of schedulers, of which none is ReduceLROnPlateau")
    if any(each.optimizer is not (optimizer or found[0].optimizer) for each in found):
        raise ValueError(f"{title} takes schedulers of one optimizer")
    return list(found)


def _make_sequence(
    run: Interpreter, optimizer: Any, schedulers: Any, milestones: Any, last_epoch: int = -1
) -> Scheduler:
    """Do what `SequentialLR` does when it is called: begin again, with the first of some schedulers."""
    title = "SequentialLR"
    _check(title, "last_epoch", last_epoch, -1)
    inner, own = _inner(run, title, schedulers, _optimizer(title, optimizer)), _milestones(run, milestones)
    if len(own) != len(inner) - 1:
        raise ValueError("SequentialLR takes one milestone between each scheduler and the next")
    made = Scheduler(title, optimizer, {"milestones": own}, epoch=0, inner=inner)
    for group in optimizer.groups:
        group["lr"] = group["initial_lr"]
    _undo(run, made)
    first = inner[bisect_right(own, 0)]
    _advance(run, first)
    made.last = first.last
    return made


def _undo(run: Interpreter, own: Scheduler) -> None:
    """Take back the first step of the schedulers within one."""
    run.budget.step(_STEPS)
    for each in own.inner:
        if each.inner:
            _undo(run, each)
        else:
            each.epoch -= 1


def _step_sequence(run: Interpreter, own: Scheduler) -> None:
    milestones = own["milestones"]
    own.epoch += 1
    place = bisect_right(milestones, own.epoch)
    each = own.inner[place]
    if place and milestones[place - 1] == own.epoch and not each.inner:
        each.epoch = 0
        schedule = SCHEDULES[each.title]
        _set_rates(each, (schedule.restart or schedule.rates)(run, each))
    else:
        step(run, each)
    own.last = each.last


def _make_chain(run: Interpreter, schedulers: Any, optimizer: Any = None) -> Scheduler:
    """Do what `ChainedScheduler` does when it is called."""
    if optimizer is not None:
        _optimizer("ChainedScheduler", optimizer)
    inner = _inner(run, "ChainedScheduler", schedulers, optimizer)
    own = Scheduler("ChainedScheduler", inner[0].optimizer, {}, inner=inner)
    own.last = own.now
    return own


def _step_chain(run: Interpreter, own: Scheduler) -> None:
    for each in own.inner:
        step(run, each)
    own.last = own.now


def _set_rates(own: Scheduler, rates: Sequence[float]) -> None:
    for group, rate in zip(own.optimizer.groups, rates, strict=True):
        group["lr"] = rate
    own.last = own.now


def _advance(run: Interpreter, own: Scheduler) -> None:
    if own.inner:
        step(run, own)
        return
    own.epoch += 1
    if len(own.base) != len(own.optimizer.groups):
        raise ValueError("the optimizer got a group after its scheduler was made")
    _set_rates(own, SCHEDULES[own.title].rates(run, own))


_STEPPED: Mapping[str, Callable[..., None]] = {
    "ReduceLROnPlateau": _step_plateau,
    "CosineAnnealingWarmRestarts": _step_restarts,
    "SequentialLR": _step_sequence,
    "ChainedScheduler": _step_chain,
}


def step(run: Interpreter, own: Scheduler, *arguments: Any, **named: Any) -> None:
    """Do what `scheduler.step()` does."""
    run.budget.step(_STEPS * (1 + len(own.optimizer.groups)))
    _STEPPED.get(own.title, _advance)(run, own, *arguments, **named)


def last_rates(own: Scheduler) -> Sequence[float]:
    """Do what `scheduler.get_last_lr()` does."""
    return list(own.last)


MAKERS: Mapping[str, RunFunction] = {
    **{title: _maker(title) for title in SCHEDULES},
    "ReduceLROnPlateau": RunFunction("ReduceLROnPlateau", _make_plateau),
    "SequentialLR": RunFunction("SequentialLR", _make_sequence),
    "ChainedScheduler": RunFunction("ChainedScheduler", _make_chain),
}
METHODS: Mapping[str, Callable[..., Any] | RunFunction] = {
    "step": RunFunction("step", step),
    "get_last_lr": last_rates,
}
ATTRIBUTES: Mapping[str, Callable[[Scheduler], Any]] = {
    "last_epoch": lambda own: own.epoch,
    "base_lrs": lambda own: list(own.base),
    "optimizer": lambda own: own.optimizer,
}
