"""Calls that draw random numbers: the state to replay them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from llm_linalg.ops.arguments import Function

DROPOUT = 4  # where scaled_dot_product_attention takes how much it drops
_ANY = (torch.zeros(()),)
_PERTURBING = """
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout feature_dropout rrelu
    fractional_max_pool2d fractional_max_pool3d
    gumbel_softmax scaled_dot_product_attention multi_head_attention_forward native_dropout
"""
_SAMPLED = """
    bernoulli uniform normal random exponential poisson binomial multinomial cauchy log_normal geometric
    _standard_gamma _sample_dirichlet
"""
_RECURRENT = frozenset([torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu])
_DRAWN = frozenset(_SAMPLED.split())
_DRAWING = _DRAWN | frozenset(_PERTURBING.split())
_FACTORIES = frozenset(
    {"randn", "rand", "randint", "randperm", "randn_like", "rand_like", "randint_like", "draw"}
)


def draw(numbers: Sequence[float], size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return numbers that another generator than torch's has drawn as one tensor."""
    if has_torch_function(_ANY):  # whether a mode watches
        drawn: Tensor = handle_torch_function(draw, (), numbers, size, dtype)
        return drawn
    return torch.tensor(numbers, dtype=dtype).reshape(size)


def rng_state_before(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Return the state of torch's generator if a call will draw from it; else None."""
    if function in _RECURRENT:
        return torch.get_rng_state() if _drops_between_layers(args) else None
    if not draws_random_numbers(function):
        return None
    generator = kwargs.get("generator")
    if generator is not None:
        state: Tensor = generator.get_state()
        return state
    if function is torch.nn.functional.scaled_dot_product_attention and not uses_dropout(args, kwargs):
        return None
    return torch.get_rng_state()


def _drops_between_layers(args: Sequence[Any]) -> bool:
    """Return whether a recurrent layer with these arguments drops a share of cells, as while training."""
    return any(type(share) is float and share > 0 and on is True for share, on in pairwise(args))


def own_generator(value: Any, state: Tensor | None) -> Any:
    """Return an argument with a generator replaced by another at the same state: a replay draws from that."""
    if not isinstance(value, torch.Generator):
        return value
    return torch.Generator().set_state(value.get_state() if state is None else state)


def uses_dropout(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether an attention with these arguments uses dropout."""
    return bool(kwargs.get("dropout_p") or (args[DROPOUT] if len(args) > DROPOUT else 0))


@cache
def draws_random_numbers(function: Function) -> bool:
    """Return whether a torch function may draw random numbers, judged by its name."""
    if getattr(function, "__module__", "") == torch.nn.init.__name__:
        return True
    return _name(function).rstrip("_") in _DRAWING


def makes_random_numbers(function: Function) -> bool:
    """Return whether all that a torch function returns is drawn at random, judged by its name."""
    name = _name(function)
    return name.rstrip("_") in _DRAWN or name in _FACTORIES


def _name(function: Function) -> str:
    """Return a function's name, which an overload of an operator has before a dot: `dropout.default`."""
    return str(getattr(function, "__name__", "")).partition(".")[0]
