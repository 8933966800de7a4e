"""`torch.nn.init`: weights that are filled anew, in place and without a gradient. Each write is a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import erf, prod, sqrt
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import number_of
from llm_linalg.language.autograd import without_gradients
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

Generator = torch.Generator | None
_MOST_DRAWS = 100  # of a normal number that is drawn again where it is cut off
_LIKELY = 0.3  # torch draws anew where less than this share is within the bounds in another way


def calculate_gain(nonlinearity: Any, param: float | None = None) -> float:
    """Do what `torch.nn.init.calculate_gain` does."""
    if not isinstance(nonlinearity, str) or len(nonlinearity) > 50:
        raise TypeError(f"calculate_gain takes the name of a function, not {short_repr(nonlinearity)}")
    name: Any = nonlinearity  # torch refuses one that it does not know
    return nn.init.calculate_gain(name, param)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs and outputs a weight's cells have.

    Raises:
        ValueError: If the tensor has fewer than two axes.
    """
    shape = tensor.shape
    if len(shape) < 2:
        raise ValueError("a fan is counted of a weight with at least two axes")
    window = prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _spread(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is fan_in or fan_out, not {short_repr(mode)}")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / sqrt(fan)


def uniform(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Do what `uniform_` does."""
    return tensor.uniform_(a, b, generator=generator)


def normal(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Do what `normal_` does."""
    return tensor.normal_(mean, std, generator=generator)


def constant(tensor: Tensor, val: float) -> Tensor:
    """Do what `constant_` does."""
    return tensor.fill_(val)


def ones(tensor: Tensor) -> Tensor:
    """Do what `ones_` does."""
    return tensor.fill_(1.0)


def zeros(tensor: Tensor) -> Tensor:
    """Do what `zeros_` does."""
    return tensor.zero_()


def eye(tensor: Tensor) -> Tensor:
    """Do what `eye_` does."""
    if tensor.dim() != 2:
        raise ValueError("only a matrix is made an identity")
    return tensor.copy_(torch.eye(*tensor.shape))


def xavier_uniform(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Do what `xavier_uniform_` does (Glorot and Bengio, 2010)."""
    std = gain * sqrt(2.0 / float(sum(_fans(tensor))))
    bound = sqrt(3.0) * std
    return tensor.uniform_(-bound, bound, generator=generator)


def xavier_normal(tensor: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Do what `xavier_normal_` does (Glorot and Bengio, 2010)."""
    return tensor.normal_(0.0, gain * sqrt(2.0 / float(sum(_fans(tensor)))), generator=generator)


def kaiming_uniform(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Do what `kaiming_uniform_` does (He and others, 2015)."""
    bound = sqrt(3.0) * _spread(tensor, a, mode, nonlinearity)
    return tensor.uniform_(-bound, bound, generator=generator)


def kaiming_normal(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:
    """Do what `kaiming_normal_` does (He and others, 2015)."""
    return tensor.normal_(0, _spread(tensor, a, mode, nonlinearity), generator=generator)


def trunc_normal(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator = None,
) -> Tensor:
    """Do what `trunc_normal_` does: draw again what lies outside the bounds.

    Raises:
        RefusalError: If less than 30 % of the numbers would lie within.
    """

    def share(x: float) -> float:
        return (1.0 + erf(x / sqrt(2.0))) / 2.0

    if share((b - mean) / std) - share((a - mean) / std) <= _LIKELY:
        raise RefusalError("bounds that hold less than 30 % of the numbers are not part of the language")
    with untraced():
        low, high = (tensor.new_tensor(bound).item() for bound in (a, b))
    tensor.normal_(mean, std, generator=generator)
    found = tensor
    for _ in range(_MOST_DRAWS):
        outside = (found < low) | (found > high)
        if not outside.any():
            break
        again = torch.zeros_like(found).normal_(mean, std, generator=generator)
        found = torch.where(outside, again, found)
    return tensor if found is tensor else tensor.copy_(found)


def orthogonal(tensor: Tensor, gain: float = 1, generator: Generator = None) -> Tensor:
    """Do what `orthogonal_` does: write the Q of a QR of normal numbers (Saxe and others, 2014).

    Raises:
        ValueError: If the tensor has fewer than two axes.
    """
    if tensor.dim() < 2:
        raise ValueError("only a tensor of two axes or more is made orthogonal")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    drawn = tensor.new_zeros((rows, columns)).normal_(0, 1, generator=generator)
    q, r = torch.linalg.qr(drawn if rows >= columns else drawn.T)
    q = q * torch.diag(r, 0).sign()  # so that no matrix is likelier than another: arXiv math-ph/0609050
    return tensor.copy_((q if rows >= columns else q.T).reshape(tensor.shape)).mul_(gain)


def dirac(tensor: Tensor, groups: int = 1) -> Tensor:
    """Do what `dirac_` does: make a convolution that keeps its input.

    Raises:
        ValueError: If the weight is none of a convolution's, or doesn't have as many groups.
    """
    if tensor.dim() not in (3, 4, 5) or groups < 1 or tensor.shape[0] % groups:
        raise ValueError("dirac_ fills the weight of a convolution, of so many groups")
    share = tensor.shape[0] // groups
    tensor.zero_()
    middle = [size // 2 for size in tensor.shape[2:]]
    kept = min(share, tensor.shape[1])
    if not kept * groups:
        return tensor
    outs = torch.tensor([group * share + place for group in range(groups) for place in range(kept)])
    place: tuple[Any, ...] = (outs, torch.arange(kept).repeat(groups), *middle)
    tensor[place] = 1
    return tensor


_FUNCTIONS = (uniform, normal, constant, ones, zeros, eye, xavier_uniform, xavier_normal, kaiming_uniform)
FUNCTIONS: tuple[Callable[..., Tensor], ...] = (*_FUNCTIONS, kaiming_normal, trunc_normal, orthogonal, dirac)


def _in_place(function: Callable[..., Tensor]) -> RunFunction:
    """Return an initializer of `torch.nn.init` as the language has it."""

    def fill(run: Interpreter, tensor: Tensor, *arguments: Any, **named: Any) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"it fills a tensor, not {short_repr(tensor)}")
        arguments = tuple(map(number_of, arguments))
        named = {name: number_of(value) for name, value in named.items()}
        for value in (*arguments, *named.values()):
            if value is not None and not isinstance(value, int | float | str | torch.Generator):
                raise TypeError(f"it takes numbers and words, not {short_repr(value)}")
        with without_gradients(run.recorder):
            return function(tensor, *arguments, **named)

    return RunFunction(f"{function.__name__}_", fill)


MEMBERS: Mapping[str, Any] = {
    **{f"{function.__name__}_": _in_place(function) for function in FUNCTIONS},
    "calculate_gain": calculate_gain,
}
"""Members of `torch.nn.init`."""
