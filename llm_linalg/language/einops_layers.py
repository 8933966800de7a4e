"""einops as layers: `Rearrange` and `Reduce`, which stand in an `nn.Sequential`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.budget import NEW_LAYER_STEPS
from llm_linalg.language.einops_functions import FUNCTIONS, MAX_PATTERN
from llm_linalg.language.run_function import RunFunction

_MOST_LENGTHS = 50


class Rearrange(nn.Module):
    """A layer that does what `einops.rearrange` does.

    Args:
        pattern: The pattern.
        lengths: The lengths of axes that the tensor doesn't tell.
    """

    def __init__(self, pattern: str, lengths: Mapping[str, int]) -> None:
        super().__init__()
        self._pattern, self._lengths = pattern, dict(lengths)

    def forward(self, input: Tensor) -> Any:  # noqa: A002  as einops calls it
        """Return the tensor, rearranged."""
        return FUNCTIONS["rearrange"](input, self._pattern, **self._lengths)

    def __repr__(self) -> str:
        return f"Rearrange({_listed(repr(self._pattern), self._lengths)})"


class Reduce(nn.Module):
    """A layer that does what `einops.reduce` does.

    Args:
        pattern: The pattern.
        reduction: What becomes of the axes that are gone.
        lengths: The lengths of axes that the tensor doesn't tell.
    """

    def __init__(self, pattern: str, reduction: str, lengths: Mapping[str, int]) -> None:
        super().__init__()
        self._pattern, self._reduction, self._lengths = pattern, reduction, dict(lengths)

    def forward(self, input: Tensor) -> Any:  # noqa: A002  as einops calls it
        """Return the tensor, reduced."""
        return FUNCTIONS["reduce"](input, self._pattern, self._reduction, **self._lengths)

    def __repr__(self) -> str:
        return f"Reduce({_listed(f'{self._pattern!r}, {self._reduction!r}', self._lengths)})"


Rearrange.__module__ = Reduce.__module__ = "einops.layers.torch"  # as programs see them


def _listed(first: str, lengths: Mapping[str, int]) -> str:
    return ", ".join([first, *(f"{name}={length}" for name, length in lengths.items())])


def _check(pattern: Any, lengths: Mapping[str, Any]) -> None:
    """Refuse what can't be a layer's pattern, since the text of the layer shows all of it.

    Raises:
        TypeError: If the pattern is no text, or a length no whole number.
        LimitError: If there is too much of them.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"a pattern is text, not {short_repr(pattern)}")
    if len(pattern) > MAX_PATTERN or len(lengths) > _MOST_LENGTHS:
        raise LimitError(f"a pattern of {len(pattern):,} characters; {MAX_PATTERN} are allowed")
    for name, length in lengths.items():
        if length.__class__ is not int:
            raise TypeError(f"{name} is a whole number, not {short_repr(length)}")


def _make_rearrange(run: Any, pattern: Any, **lengths: Any) -> Rearrange:
    _check(pattern, lengths)
    run.budget.step(NEW_LAYER_STEPS)
    return Rearrange(pattern, lengths)


def _make_reduce(run: Any, pattern: Any, reduction: Any, **lengths: Any) -> Reduce:
    _check(pattern, lengths)
    if reduction not in ("min", "max", "sum", "mean", "prod"):
        raise ValueError(f"a reduction is a word such as 'mean', not {short_repr(reduction)}")
    run.budget.step(NEW_LAYER_STEPS)
    return Reduce(pattern, reduction, lengths)


LAYERS: Mapping[str, RunFunction] = {
    "Rearrange": RunFunction("Rearrange", _make_rearrange, kind=Rearrange),
    "Reduce": RunFunction("Reduce", _make_reduce, kind=Reduce),
}
"""What stands in `einops.layers.torch`."""
