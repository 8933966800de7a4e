"""`torch.distributions`: chances and draws, opened into the arithmetic of torch's own formulas.

Torch writes its distributions in Python, over its operations. Here they are called as they are, so that each
operation is a node and is charged. What torch does to check arguments is no step of the program: that is
done apart, on the values alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch import distributions as of_torch

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.autograd import without_gradients
from llm_linalg.language.distribution_value import Distribution
from llm_linalg.language.run_function import RunFunction

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

_STEPS = 80
_TIMES = 4  # tensors that a check makes
MOST_COUNT = 10_000  # draws that a multinomial counts, or categories beyond which its chances are not listed
_KINDS: Mapping[str, tuple[str, ...]] = {
    "Normal": ("loc", "scale"),
    "LogNormal": ("loc", "scale"),
    "Uniform": ("low", "high"),
    "Exponential": ("rate",),
    "Bernoulli": ("probs", "logits"),
    "Categorical": ("probs", "logits"),
    "OneHotCategorical": ("probs", "logits"),
    "Multinomial": ("total_count", "probs", "logits"),
    "Poisson": ("rate",),
}
"""torch's distributions, and their parameters in order."""


def _of_torch(owner: Any, name: str) -> Any:
    """Return what torch has under a word of our tables."""
    return getattr(owner, name)


def _maker(title: str) -> RunFunction:
    parameters, kind = _KINDS[title], _of_torch(of_torch, title)

    def make(run: Interpreter, *arguments: Any, **named: Any) -> Distribution:
        checks = named.pop("validate_args", None)
        if len(arguments) > len(parameters) or named.keys() - set(parameters):
            raise TypeError(f"{title} takes {', '.join(parameters)}")
        given = {**dict(zip(parameters, arguments, strict=False)), **named}
        given = {name: value for name, value in given.items() if value is not None}
        for name, value in given.items():
            _check(title, name, value)
        run.budget.step(_STEPS)
        _charge(run, *[value.shape for value in given.values() if isinstance(value, Tensor)])
        checking = None
        if checks is not False:
            with untraced():
                plain = {name: _plain(value) for name, value in given.items()}
                checking = kind(**plain, validate_args=True)
        with _unchecked():
            return Distribution(kind(**given, validate_args=False), checking)

    return RunFunction(title, make)


def _charge(run: Interpreter, *shapes: Sequence[int]) -> None:
    """Charge a check of tensors of these shapes, which torch broadcasts against each other."""
    with untraced():
        try:
            broadcast: Any = torch.broadcast_shapes
            cells = broadcast(*shapes).numel()
        except RuntimeError:  # torch will say so
            cells = 0
    run.budget.charge_elements(_TIMES * (cells + sum(map(prod, shapes))))


def _plain(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _check(title: str, name: str, value: Any) -> None:
    """Refuse what is no parameter of a distribution.

    Raises:
        TypeError: If it is neither a tensor nor a number.
        LimitError: If it is a count that is too large.
    """
    if name == "total_count":
        if not isinstance(value, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        if value > MOST_COUNT:
            raise LimitError(f"a count of {value:,} draws; {MOST_COUNT:,} are allowed")
    elif not isinstance(value, Tensor | int | float):
        raise TypeError(f"{title} takes tensors and numbers for {name}, not {short_repr(value)}")


def _shape(value: Any) -> torch.Size:
    """Return a shape that is given to `sample`."""
    sizes = [value] if isinstance(value, int) else value
    if not isinstance(sizes, list | tuple) or not all(isinstance(size, int) for size in sizes):
        raise TypeError(f"sample takes a shape, such as (3, 2), not {short_repr(value)}")
    return torch.Size(sizes)


def _sample(run: Interpreter, own: Distribution, sample_shape: Any = ()) -> Tensor:
    """Do what `d.sample(shape)` does: no gradient goes back through it."""
    run.budget.step(_STEPS)
    _hold(own, sample_shape)
    draw = _DRAWS.get(type(own.native).__name__, type(own.native).sample)
    with without_gradients(run.recorder), _unchecked():
        found: Tensor = draw(own.native, _shape(sample_shape))
    return found


def _exponential(native: Any, sample_shape: torch.Size) -> Tensor:
    """Draw as torch does, but from cells that are 0 before: torch takes them as they happen to be."""
    shape = native._extended_shape(sample_shape)  # noqa: SLF001
    found: Tensor = native.rate.new_zeros(shape).exponential_() / native.rate
    return found


def _normal(native: Any, sample_shape: torch.Size) -> Tensor:
    """Scale and shift draws of a standard normal, likewise."""
    noise = native.loc.new_zeros(native._extended_shape(sample_shape)).normal_()  # noqa: SLF001
    found: Tensor = native.loc + noise * native.scale
    return found


def _log_normal(native: Any, sample_shape: torch.Size) -> Tensor:
    return _normal(native.base_dist, sample_shape).exp()


def _multinomial(native: Any, sample_shape: torch.Size) -> Tensor:
    """Count the draws of each category, likewise."""
    drawn = native._categorical.sample(torch.Size((native.total_count, *sample_shape)))  # noqa: SLF001
    drawn = drawn.permute(*range(1, drawn.dim()), 0)
    counts = drawn.new_zeros(native._extended_shape(sample_shape))  # noqa: SLF001
    found: Tensor = counts.scatter_add(-1, drawn, torch.ones_like(drawn)).type_as(native.probs)
    return found


_DRAWS: Mapping[str, Callable[[Any, torch.Size], Tensor]] = {
    "Exponential": _exponential,
    "Multinomial": _multinomial,
}
_REDRAWS: Mapping[str, Callable[[Any, torch.Size], Tensor]] = {
    "Exponential": _exponential,
    "LogNormal": _log_normal,
    "Normal": _normal,
}
"""The same of `rsample`."""


@contextmanager
def _unchecked() -> Iterator[None]:
    """Let torch make the distributions within another without checks, which would be steps of the program."""
    kind: Any = of_torch.Distribution
    was = kind._validate_args  # noqa: SLF001
    kind.set_default_validate_args(False)
    try:
        yield
    finally:
        kind.set_default_validate_args(was)


def _resample(run: Interpreter, own: Distribution, sample_shape: Any = ()) -> Tensor:
    """Do what `d.rsample(shape)` does: the gradient goes back to the parameters."""
    run.budget.step(_STEPS)
    _hold(own, sample_shape)
    if not own.native.has_rsample:
        raise NotImplementedError
    draw = _REDRAWS.get(type(own.native).__name__, type(own.native).rsample)
    with _unchecked():
        found: Tensor = draw(own.native, _shape(sample_shape))
    return found


def _draws(own: Distribution) -> int:
    """Return how many draws make one sample."""
    return max(own.native.total_count, 1) if isinstance(own.native, of_torch.Multinomial) else 1


def _hold(own: Distribution, sample_shape: Any) -> None:
    """Refuse a sample that would be too large in the midst of torch's own code."""
    count = _shape(sample_shape).numel() * max(own.native.batch_shape.numel(), 1)
    if count * _draws(own) > MOST_COUNT * 100:
        raise LimitError(f"{count:,} draws at once")


def _of_value(name: str) -> RunFunction:
    """Return a method that takes a value, which torch may refuse."""

    def ask(run: Interpreter, own: Distribution, value: Any) -> Tensor:
        run.budget.step(_STEPS)
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        if own.checking is not None:
            _charge(run, value.shape, (*own.native.batch_shape, *own.native.event_shape))
            with untraced():
                own.checking._validate_sample(value.detach())  # noqa: SLF001  it has no other name
        with _unchecked():
            found: Tensor = _of_torch(own.native, name)(value)
        return found

    return RunFunction(name, ask)


def _of_itself(name: str) -> RunFunction:
    def ask(run: Interpreter, own: Distribution) -> Tensor:
        run.budget.step(_STEPS)
        with _unchecked():
            found: Tensor = _of_torch(own.native, name)()
        return found

    return RunFunction(name, ask)


def _attribute(name: str) -> Callable[[Distribution], Any]:
    def read(own: Distribution) -> Any:
        with _unchecked():
            return _of_torch(own.native, name)

    return read


def divergence(run: Interpreter, p: Any, q: Any) -> Tensor:
    """Do what `torch.distributions.kl_divergence` does."""
    run.budget.step(_STEPS)
    if not isinstance(p, Distribution) or not isinstance(q, Distribution):
        raise TypeError("kl_divergence takes two distributions")
    with _unchecked():
        found: Tensor = of_torch.kl_divergence(p.native, q.native)
    return found


_VALUES = "mean mode variance stddev loc scale probs logits low high rate total_count batch_shape event_shape"
METHODS: Mapping[str, RunFunction] = {
    "sample": RunFunction("sample", _sample),
    "rsample": RunFunction("rsample", _resample),
    **{name: _of_value(name) for name in ("log_prob", "cdf", "icdf")},
    "entropy": _of_itself("entropy"),
    "perplexity": _of_itself("perplexity"),
}
ATTRIBUTES: Mapping[str, Callable[[Distribution], Any]] = {name: _attribute(name) for name in _VALUES.split()}
_MAKERS: Mapping[str, RunFunction] = {title: _maker(title) for title in _KINDS}
MEMBERS: Mapping[str, Any] = {
    **_MAKERS,
    "kl_divergence": RunFunction("kl_divergence", divergence),
    "kl": {"kl_divergence": RunFunction("kl_divergence", divergence)},
    **{title.lower(): {title: make} for title, make in _MAKERS.items() if title != "OneHotCategorical"},
}
"""Members of `torch.distributions`, and of its modules."""
