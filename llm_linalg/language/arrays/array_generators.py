"""`np.random.default_rng`: a generator with a seed of its own, and what a program draws from it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch

from llm_linalg.language.arrays.array import Array, as_array
from llm_linalg.language.arrays.array_dtypes import torch_dtype
from llm_linalg.language.arrays.array_random import Size, array_of, drawn, shape_of, shares_of, spread
from llm_linalg.language.arrays.permuted_generator import PermutedGenerator
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.type_function import TypeFunction

_WHOLE = (torch.int64, torch.int32)  # other dtypes are drawn several at once
_MOST_WORDS = 100


class ArrayGenerator:
    """What `np.random.default_rng` makes.

    Attributes:
        source: Where its numbers come from.
    """

    __slots__ = ("source",)

    def __init__(self, source: PermutedGenerator) -> None:
        self.source = source

    def __repr__(self) -> str:
        return "Generator(PCG64)"


ArrayGenerator.__name__, ArrayGenerator.__qualname__ = "Generator", "Generator"  # as programs see it
ArrayGenerator.__module__ = "numpy.random._generator"


def _make(run: Any, seed: Any = None) -> ArrayGenerator:
    """Do what `np.random.default_rng` does; without a seed, that of 0."""
    if isinstance(seed, ArrayGenerator):
        return seed
    if isinstance(seed, list | tuple):
        if not 0 < len(seed) <= _MOST_WORDS:
            raise ValueError(f"a seed of {len(seed)} numbers; there are 1 to {_MOST_WORDS} here")
        return ArrayGenerator(PermutedGenerator(list(map(operator.index, seed)), run.budget.step))
    return ArrayGenerator(PermutedGenerator(0 if seed is None else operator.index(seed), run.budget.step))


def _made(bit_generator: Any) -> ArrayGenerator:
    """Do what `np.random.Generator` does, for the `PCG64` that there is."""
    if not isinstance(bit_generator, ArrayGenerator):
        raise RefusalError("write np.random.default_rng(seed)")
    return bit_generator


def _random(rng: ArrayGenerator, size: Size = None) -> Any:
    return drawn(rng.source.uniform, size)


def _standard_normal(rng: ArrayGenerator, size: Size = None) -> Any:
    return drawn(rng.source.normal, size)


def _normal(rng: ArrayGenerator, loc: Any = 0.0, scale: Any = 1.0, size: Size = None) -> Any:
    return spread(rng.source.normal, loc, scale, size)


def _uniform(rng: ArrayGenerator, low: Any = 0.0, high: Any = 1.0, size: Size = None) -> Any:
    if isinstance(low, int | float) and isinstance(high, int | float) and high < low:
        raise ValueError("high - low < 0")
    return spread(rng.source.uniform, low, high - low, size)


def _integers(
    rng: ArrayGenerator,
    low: Any,
    high: Any = None,
    size: Size = None,
    dtype: Any = None,
    endpoint: bool = False,
) -> Any:
    """Do what `rng.integers` does for whole numbers of 32 or 64 bits."""
    first, last = (0, operator.index(low)) if high is None else (operator.index(low), operator.index(high))
    last += bool(endpoint)
    kind = torch.int64 if dtype is None else torch_dtype(dtype)
    limits = torch.iinfo(kind) if kind in _WHOLE else None
    if limits is None:
        raise TypeError("whole numbers of 32 or 64 bits are drawn here")
    if first < limits.min or last - 1 > limits.max:
        raise ValueError(f"low or high is out of bounds for {str(kind).removeprefix('torch.')}")
    numbers = rng.source.whole(first, last, prod(shape_of(size)))
    if size is None and dtype is int:
        return numbers[0]
    return array_of(numbers, shape_of(size), kind)


def _order(rng: ArrayGenerator, count: int) -> list[int]:
    shape_of(count)
    return rng.source.shuffled(count)


def _permutation(rng: ArrayGenerator, x: Any) -> Array:
    if isinstance(x, int):
        return array_of(_order(rng, x), (x,))
    values = as_array(x)
    return values[_order(rng, len(values))]


def _shuffle(rng: ArrayGenerator, x: Any) -> None:
    if isinstance(x, list):
        x[:] = [x[place] for place in _order(rng, len(x))]
    elif isinstance(x, Array):
        x[:] = x[_order(rng, len(x))]
    else:
        raise TypeError("a list or an array is shuffled in place")


def _choice(rng: ArrayGenerator, a: Any, size: Size = None, replace: bool = True, p: Any = None) -> Any:
    """Do what `rng.choice` does along the first axis.

    Raises:
        ValueError: If more are drawn without replacement than there are.
    """
    values = None if isinstance(a, int) else as_array(a)
    count, wanted = a if values is None else len(values), prod(shape_of(size))
    shape_of(count)
    shares = None if p is None else shares_of(p, count)
    if not replace and wanted > (count if shares is None else sum(share > 0 for share in shares)):
        raise ValueError(f"{wanted} of {count} can't be drawn without replacement")
    if shares is not None:
        draw = rng.source.chosen if replace else rng.source.chosen_once
        places: Sequence[int] = draw(shares, wanted)
    elif replace:
        places = rng.source.whole(0, count, wanted)
    else:
        places = rng.source.sample(count, wanted)
    chosen = array_of(places, shape_of(size))
    if values is None:
        return chosen
    return values[places[0]] if size is None else values[chosen]


METHODS: Mapping[str, Callable[..., Any]] = {
    "random": _random,
    "standard_normal": _standard_normal,
    "normal": _normal,
    "uniform": _uniform,
    "integers": _integers,
    "permutation": _permutation,
    "shuffle": _shuffle,
    "choice": _choice,
}
"""Those of a generator."""
MEMBERS: Mapping[str, Any] = {
    "default_rng": RunFunction("default_rng", _make),
    "PCG64": RunFunction("PCG64", _make),
    "Generator": TypeFunction(ArrayGenerator, _made),
}
"""What `np.random` has of it."""
