"""The formulas of `torch.optim.lr_scheduler`: what each scheduler makes of the learning rates at a step."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import cos, floor, pi
from typing import Any, NamedTuple

from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.optimizer_state import Group, Optimizer

NEEDED = object()
"""The default of a setting that has none."""
Rates = list[float]


@dataclass(eq=False, repr=False)
class Scheduler:
    """A scheduler that a program made.

    Attributes:
        title: Its class in torch.
        optimizer: The optimizer whose rates it sets.
        settings: What it was made with.
        base: The rates before the first step.
        last: The rates that it set last.
        epoch: How many steps it has taken.
        counts: What else it keeps from step to step.
        inner: The schedulers that it hands its steps to.
    """

    title: str
    optimizer: Optimizer
    settings: Mapping[str, Any]
    base: Rates = field(default_factory=list)
    last: Rates = field(default_factory=list)
    epoch: int = -1
    counts: dict[str, Any] = field(default_factory=dict)
    inner: list[Scheduler] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<torch.optim.lr_scheduler.{self.title} object>"

    def __getitem__(self, name: str) -> Any:
        """Return a setting."""
        return self.settings[name]

    @property
    def now(self) -> Rates:
        """The groups' rates as they are."""
        return [group["lr"] for group in self.optimizer.groups]

    def times(self, factor: float) -> Rates:
        """Return the groups' rates times a factor."""
        return [rate * factor for rate in self.now]


RatesRule = Callable[[Interpreter, Scheduler], Rates]


class Schedule(NamedTuple):
    """A scheduler of torch.

    Attributes:
        rates: Returns the rates of the groups at its epoch.
        settings: Its settings, in torch's order, each with its default.
        start: Writes what it adds to the groups, before the first step.
        restart: Returns the rates with which it begins again within a sequence, where that differs.
    """

    rates: RatesRule
    settings: Mapping[str, Any]
    start: Callable[[Scheduler], None] | None = None
    restart: RatesRule | None = None


def _step_rates(_run: Interpreter, own: Scheduler) -> Rates:
    held = own.epoch == 0 or own.epoch % own["step_size"] != 0
    return own.now if held else own.times(own["gamma"])


def _milestone_rates(_run: Interpreter, own: Scheduler) -> Rates:
    count = own["milestones"].count(own.epoch)
    return own.times(own["gamma"] ** count) if count else own.now


def _exponential_rates(_run: Interpreter, own: Scheduler) -> Rates:
    return own.times(own["gamma"]) if own.epoch else own.now


def _constant_rates(_run: Interpreter, own: Scheduler) -> Rates:
    factor = own["factor"]
    if own.epoch == 0:
        return own.times(factor)
    return own.times(1.0 / factor) if own.epoch == own["total_iters"] else own.now


def _linear_rates(_run: Interpreter, own: Scheduler) -> Rates:
    start, end, total = (own[name] for name in ("start_factor", "end_factor", "total_iters"))
    if own.epoch == 0:
        return own.times(start)
    if own.epoch > total:
        return own.now
    return own.times(1.0 + (end - start) / (total * start + (own.epoch - 1) * (end - start)))


def _polynomial_rates(_run: Interpreter, own: Scheduler) -> Rates:
    total = own["total_iters"]
    if own.epoch == 0 or own.epoch > total:
        return own.now
    share = (1.0 - own.epoch / total) / (1.0 - (own.epoch - 1) / total)
    return own.times(share ** own["power"])


def _cosine_rates(_run: Interpreter, own: Scheduler) -> Rates:
    most, least = own["T_max"], own["eta_min"]
    if own.epoch == 0:
        return own.now
    if (own.epoch - 1 - most) % (2 * most) == 0:
        both = zip(own.base, own.now, strict=True)
        return [rate + (base - least) * (1 - cos(pi / most)) / 2 for base, rate in both]
    ratio = (1 + cos(pi * own.epoch / most)) / (1 + cos(pi * (own.epoch - 1) / most))
    return [ratio * (rate - least) + least for rate in own.now]


def _from_functions(run: Interpreter, own: Scheduler, rates: Rates) -> Rates:
    functions = own["lr_lambda"]
    if not isinstance(functions, list | tuple):
        functions = [functions] * len(rates)
    return [rate * run.call(each, [own.epoch]) for rate, each in zip(rates, functions, strict=True)]


def _lambda_rates(run: Interpreter, own: Scheduler) -> Rates:
    return _from_functions(run, own, own.base)


def _multiplicative_rates(run: Interpreter, own: Scheduler) -> Rates:
    return _from_functions(run, own, own.now) if own.epoch else own.now


def _restarting_rates(_run: Interpreter, own: Scheduler) -> Rates:
    least, share = own["eta_min"], 1 + cos(pi * own.counts["T_cur"] / own.counts["T_i"])
    return [least + (base - least) * share / 2 for base in own.base]


def _set_momentum(group: Group, value: float) -> None:
    """Set the momentum of a group, which Adam and its like call the first of their betas."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def _start_momentum(own: Scheduler) -> None:
    if own["cycle_momentum"]:
        if not own.optimizer.defaults.keys() & {"momentum", "betas"}:
            raise ValueError("the optimizer has no momentum: write cycle_momentum=False")
        for group in own.optimizer.groups:
            _set_momentum(group, own["max_momentum"])
            group["max_momentum"], group["base_momentum"] = own["max_momentum"], own["base_momentum"]


def _start_one_cycle(own: Scheduler) -> None:
    steps = own["total_steps"]
    if steps is None:
        if own["epochs"] is None or own["steps_per_epoch"] is None:
            raise ValueError("OneCycleLR takes total_steps, or epochs and steps_per_epoch")
        steps = own["epochs"] * own["steps_per_epoch"]
    own.counts["total_steps"] = steps
    if not 0 <= own["pct_start"] <= 1 or not isinstance(own["pct_start"], float):
        raise ValueError("pct_start is a float from 0 to 1")
    for group in own.optimizer.groups:
        group["initial_lr"] = own["max_lr"] / own["div_factor"]
        group["max_lr"] = own["max_lr"]
        group["min_lr"] = group["initial_lr"] / own["final_div_factor"]
    _start_momentum(own)


def _phases(own: Scheduler) -> list[tuple[float, str, str, str, str]]:
    """Return the phases of a cycle: the step that each ends at, and between what it goes."""
    share, steps = own["pct_start"], own.counts["total_steps"]
    up = (float(share * steps) - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not own["three_phase"]:
        return [up, (steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
    down = (float(2 * share * steps) - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    return [up, down, (steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]


def _between(own: Scheduler, start: float, end: float, share: float) -> float:
    if own["anneal_strategy"] == "linear":
        return (end - start) * share + start
    return end + (start - end) / 2.0 * (cos(pi * share) + 1)


def _one_cycle_rates(_run: Interpreter, own: Scheduler) -> Rates:
    steps = own.counts["total_steps"]
    if own.epoch > steps:
        raise ValueError(f"Tried to step {own.epoch} times. The specified number of total steps is {steps}")
    phases = _phases(own)
    place = next((place for place, phase in enumerate(phases) if own.epoch <= phase[0]), len(phases) - 1)
    start = phases[place - 1][0] if place else 0.0
    end, low, high, first, last = phases[place]
    share = (own.epoch - start) / (end - start)
    for group in own.optimizer.groups if own["cycle_momentum"] else ():
        _set_momentum(group, _between(own, group[first], group[last], share))
    return [_between(own, group[low], group[high], share) for group in own.optimizer.groups]


def _start_cyclic(own: Scheduler) -> None:
    for group in own.optimizer.groups:
        group["lr"] = own["base_lr"]
    _start_momentum(own)


def _cyclic_scale(own: Scheduler, cycle: int) -> float:
    if own["mode"] == "triangular2":
        return float(1 / (2.0 ** (cycle - 1)))
    return float(own["gamma"] ** own.epoch) if own["mode"] == "exp_range" else 1.0


def _cyclic_rates(_run: Interpreter, own: Scheduler) -> Rates:
    up = float(own["step_size_up"])
    whole = up + (up if own["step_size_down"] is None else float(own["step_size_down"]))
    cycle = floor(1 + own.epoch / whole)
    x = 1.0 + own.epoch / whole - cycle
    height = x / (up / whole) if x <= up / whole else (x - 1) / (up / whole - 1)
    scale = _cyclic_scale(own, cycle)
    rate = own["base_lr"] + (own["max_lr"] - own["base_lr"]) * height * scale
    for group in own.optimizer.groups if own["cycle_momentum"] else ():
        most, least = own["max_momentum"], own["base_momentum"]
        _set_momentum(group, most - (most - least) * height * scale)
    return [rate] * len(own.optimizer.groups)


def _times_base(factor: Callable[[Scheduler], float]) -> RatesRule:
    return lambda _run, own: [base * factor(own) for base in own.base]


def _constant_restart(own: Scheduler) -> float:
    return 1.0 if own["total_iters"] <= 0 else float(own["factor"])


def _linear_restart(own: Scheduler) -> float:
    start, total = own["start_factor"], own["total_iters"]
    return float(start + (own["end_factor"] - start) * min(total, 0) / total)


def _cosine_restart(_run: Interpreter, own: Scheduler) -> Rates:
    least = own["eta_min"]
    return [least + (base - least) * (1 + cos(0.0)) / 2 for base in own.base]


_MOMENTA: Mapping[str, Any] = {"cycle_momentum": True, "base_momentum": 0.85, "max_momentum": 0.95}
SCHEDULES: Mapping[str, Schedule] = {
    "StepLR": Schedule(
        _step_rates, {"step_size": NEEDED, "gamma": 0.1}, restart=_times_base(lambda _own: 1.0)
    ),
    "MultiStepLR": Schedule(
        _milestone_rates,
        {"milestones": NEEDED, "gamma": 0.1},
        restart=_times_base(lambda own: own["gamma"] ** bisect_right(sorted(own["milestones"]), 0)),
    ),
    "ExponentialLR": Schedule(_exponential_rates, {"gamma": NEEDED}, restart=_times_base(lambda _own: 1.0)),
    "ConstantLR": Schedule(
        _constant_rates, {"factor": 1.0 / 3, "total_iters": 5}, restart=_times_base(_constant_restart)
    ),
    "LinearLR": Schedule(
        _linear_rates,
        {"start_factor": 1.0 / 3, "end_factor": 1.0, "total_iters": 5},
        restart=_times_base(_linear_restart),
    ),
    "PolynomialLR": Schedule(
        _polynomial_rates,
        {"total_iters": 5, "power": 1.0},
        restart=_times_base(lambda _own: 1.0),
    ),
    "CosineAnnealingLR": Schedule(_cosine_rates, {"T_max": NEEDED, "eta_min": 0.0}, restart=_cosine_restart),
    "LambdaLR": Schedule(_lambda_rates, {"lr_lambda": NEEDED}),
    "MultiplicativeLR": Schedule(
        _multiplicative_rates,
        {"lr_lambda": NEEDED},
        restart=lambda run, own: _from_functions(run, own, own.now),
    ),
    "CosineAnnealingWarmRestarts": Schedule(
        _restarting_rates,
        {"T_0": NEEDED, "T_mult": 1, "eta_min": 0.0},
        lambda own: own.counts.update(T_cur=0, T_i=own["T_0"]),
    ),
    "OneCycleLR": Schedule(
        _one_cycle_rates,
        {
            "max_lr": NEEDED,
            "total_steps": None,
            "epochs": None,
            "steps_per_epoch": None,
            "pct_start": 0.3,
            "anneal_strategy": "cos",
            **_MOMENTA,
            "div_factor": 25.0,
            "final_div_factor": 1e4,
            "three_phase": False,
        },
        _start_one_cycle,
    ),
    "CyclicLR": Schedule(
        _cyclic_rates,
        {
            "base_lr": NEEDED,
            "max_lr": NEEDED,
            "step_size_up": 2000,
            "step_size_down": None,
            "mode": "triangular",
            "gamma": 1.0,
            "scale_fn": None,
            "scale_mode": "cycle",
            **_MOMENTA,
            "base_momentum": 0.8,
            "max_momentum": 0.9,
        },
        _start_cyclic,
    ),
}
