"""`torch.optim.lr_scheduler`: learning rates that change from step to step, as torch's formulas say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, pi
from typing import Any

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import take_items
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.run_function import RunFunction

_STEPS = 10
Rates = list[float]
MAX_MILESTONES = 1_000


@dataclass(eq=False, repr=False)
class Scheduler:
    """A scheduler that a program made.

    Attributes:
        title: Its class in torch.
        optimizer: The optimizer whose rates it sets.
        rates: Returns the rates of the groups at its epoch.
        settings: What it was made with.
        base: The rates before the first step.
        last: The rates that it set last.
        epoch: How many steps it has taken.
    """

    title: str
    optimizer: Optimizer
    rates: Callable[[Interpreter, Scheduler], Rates]
    settings: Mapping[str, Any]
    base: Rates = field(default_factory=list)
    last: Rates = field(default_factory=list)
    epoch: int = -1

    def __repr__(self) -> str:
        return f"<torch.optim.lr_scheduler.{self.title} object>"

    @property
    def now(self) -> Rates:
        """The groups' rates as they are."""
        return [group["lr"] for group in self.optimizer.groups]

    def times(self, factor: float) -> Rates:
        """Return the groups' rates times a factor."""
        return [rate * factor for rate in self.now]


def _step_rates(_run: Interpreter, own: Scheduler) -> Rates:
    held = own.epoch == 0 or own.epoch % own.settings["step_size"] != 0
    return own.now if held else own.times(own.settings["gamma"])


def _milestone_rates(_run: Interpreter, own: Scheduler) -> Rates:
    count = own.settings["milestones"].count(own.epoch)
    return own.times(own.settings["gamma"] ** count) if count else own.now


def _exponential_rates(_run: Interpreter, own: Scheduler) -> Rates:
    return own.times(own.settings["gamma"]) if own.epoch else own.now


def _constant_rates(_run: Interpreter, own: Scheduler) -> Rates:
    factor = own.settings["factor"]
    if own.epoch == 0:
        return own.times(factor)
    return own.times(1.0 / factor) if own.epoch == own.settings["total_iters"] else own.now


def _linear_rates(_run: Interpreter, own: Scheduler) -> Rates:
    start, end, total = (own.settings[name] for name in ("start_factor", "end_factor", "total_iters"))
    if own.epoch == 0:
        return own.times(start)
    if own.epoch > total:
        return own.now
    return own.times(1.0 + (end - start) / (total * start + (own.epoch - 1) * (end - start)))


def _polynomial_rates(_run: Interpreter, own: Scheduler) -> Rates:
    total = own.settings["total_iters"]
    if own.epoch == 0 or own.epoch > total:
        return own.now
    share = (1.0 - own.epoch / total) / (1.0 - (own.epoch - 1) / total)
    return own.times(share ** own.settings["power"])


def _cosine_rates(_run: Interpreter, own: Scheduler) -> Rates:
    most, least = own.settings["T_max"], own.settings["eta_min"]
    if own.epoch == 0:
        return own.now
    if (own.epoch - 1 - most) % (2 * most) == 0:
        both = zip(own.base, own.now, strict=True)
        return [rate + (base - least) * (1 - cos(pi / most)) / 2 for base, rate in both]
    ratio = (1 + cos(pi * own.epoch / most)) / (1 + cos(pi * (own.epoch - 1) / most))
    return [ratio * (rate - least) + least for rate in own.now]


def _lambda_rates(run: Interpreter, own: Scheduler) -> Rates:
    functions = own.settings["lr_lambda"]
    if not isinstance(functions, list | tuple):
        functions = [functions] * len(own.base)
    return [base * run.call(each, [own.epoch]) for base, each in zip(own.base, functions, strict=True)]


_NEEDED = object()
_KINDS: Mapping[str, tuple[Callable[[Interpreter, Scheduler], Rates], Mapping[str, Any]]] = {
    "StepLR": (_step_rates, {"step_size": _NEEDED, "gamma": 0.1}),
    "MultiStepLR": (_milestone_rates, {"milestones": _NEEDED, "gamma": 0.1}),
    "ExponentialLR": (_exponential_rates, {"gamma": _NEEDED}),
    "ConstantLR": (_constant_rates, {"factor": 1.0 / 3, "total_iters": 5}),
    "LinearLR": (_linear_rates, {"start_factor": 1.0 / 3, "end_factor": 1.0, "total_iters": 5}),
    "PolynomialLR": (_polynomial_rates, {"total_iters": 5, "power": 1.0}),
    "CosineAnnealingLR": (_cosine_rates, {"T_max": _NEEDED, "eta_min": 0.0}),
    "LambdaLR": (_lambda_rates, {"lr_lambda": _NEEDED}),
}


def _maker(title: str) -> RunFunction:
    rates, defaults = _KINDS[title]

    def make(run: Interpreter, optimizer: Any, *arguments: Any, **settings: Any) -> Scheduler:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{title} takes an optimizer, not {short_repr(optimizer)}")
        if len(arguments) > len(defaults) or settings.keys() - defaults.keys():
            raise TypeError(f"{title} takes {', '.join(defaults)}")
        given = {**defaults, **dict(zip(defaults, arguments, strict=False)), **settings}
        for name, value in given.items():
            _check(title, name, value)
        if "milestones" in given:
            given["milestones"] = take_items(run, given["milestones"], MAX_MILESTONES)
        own = Scheduler(title, optimizer, rates, given)
        for group in optimizer.groups:
            group.setdefault("initial_lr", group["lr"])
        own.base = [group["initial_lr"] for group in optimizer.groups]
        step(run, own)
        return own

    return RunFunction(title, make)


def _check(title: str, name: str, value: Any) -> None:
    """Raise `TypeError` or `ValueError` if a setting is none."""
    if value is _NEEDED:
        raise TypeError(f"{title} also needs {name}")
    if name in ("lr_lambda", "milestones"):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number, not {short_repr(value)}")
    if name in ("step_size", "T_max") and value <= 0:
        raise ValueError(f"{name} is more than 0, and {short_repr(value)} is not")


def step(run: Interpreter, own: Scheduler) -> None:
    """Do what `scheduler.step()` does."""
    run.budget.step(_STEPS * (1 + len(own.optimizer.groups)))
    own.epoch += 1
    if len(own.base) != len(own.optimizer.groups):
        raise ValueError("the optimizer got a group after its scheduler was made")
    for group, rate in zip(own.optimizer.groups, own.rates(run, own), strict=True):
        group["lr"] = rate
    own.last = own.now


def last_rates(own: Scheduler) -> Sequence[float]:
    """Do what `scheduler.get_last_lr()` does."""
    return list(own.last)


MAKERS: Mapping[str, RunFunction] = {title: _maker(title) for title in _KINDS}
METHODS: Mapping[str, Callable[..., Any] | RunFunction] = {
    "step": RunFunction("step", step),
    "get_last_lr": last_rates,
}
ATTRIBUTES: Mapping[str, Callable[[Scheduler], Any]] = {
    "last_epoch": lambda own: own.epoch,
    "base_lrs": lambda own: list(own.base),
}
