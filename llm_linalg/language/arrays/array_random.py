"""`np.random`: what a program draws from its run's own generator."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arrays.array import Array, as_array
from llm_linalg.language.arrays.array_creation import MOST_AXES
from llm_linalg.language.arrays.mersenne_twister import GENERATOR, MOST_DRAWN, MersenneTwister, drawing_from
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.tensor_types import broadcast_shapes
from llm_linalg.language.type_function import TypeFunction
from llm_linalg.ops.randomness import draw as as_tensor

_TOLERANCE = 2.0**-26
Size = int | Sequence[int] | None
Draw = Callable[[int], Sequence[Any]]
"""Returns so many numbers."""


def shape_of(size: Size) -> tuple[int, ...]:
    """Return a size as a shape; () for one number.

    Raises:
        LimitError: If it is too large.
        ValueError: If it is negative.
    """
    sizes = size if isinstance(size, list | tuple) else () if size is None else (size,)
    shape = tuple(operator.index(each) for each in sizes)
    if any(each < 0 for each in shape):
        raise ValueError("a size is no negative number")
    if prod(shape) > MOST_DRAWN or len(shape) > MOST_AXES:
        raise LimitError(f"random numbers of shape {shape}; {MOST_DRAWN:,} numbers are allowed at once")
    return shape


def size_of(size: Size, *parameters: Any) -> Size:
    """Return the size that is given, or that of arrays among the parameters: each cell has a number drawn."""
    arrays = [each.tensor for each in parameters if isinstance(each, Array) and each.tensor.dim()]
    if size is not None or not arrays:
        return size
    return tuple(broadcast_shapes(*(tuple(tensor.shape) for tensor in arrays)))


def shares_of(p: Any, count: int) -> list[float]:
    """Return the chances that `p=` gives to so many items.

    Raises:
        ValueError: If they are others, or no chances.
    """
    shares = [float(share) for share in as_array(p).tensor.flatten().tolist()]
    if len(shares) != count:
        raise ValueError("a and p must have same size")
    if any(not share >= 0 for share in shares):
        raise ValueError("probabilities are not non-negative")
    if abs(math.fsum(shares) - 1) > _TOLERANCE:
        raise ValueError("probabilities do not sum to 1")
    return shares


def drawn(draw: Draw, size: Size, dtype: torch.dtype = torch.float64) -> Any:
    """Return an array of drawn numbers, or one number where no size is given."""
    shape = shape_of(size)
    numbers = draw(prod(shape))
    return numbers[0] if size is None else array_of(numbers, shape, dtype)


def array_of(numbers: Sequence[float], shape: tuple[int, ...], dtype: torch.dtype = torch.int64) -> Array:
    """Return drawn numbers as an array, which is a node of its own whatever they were made from."""
    return Array(as_tensor(numbers, shape, dtype))


def spread(draw: Draw, start: Any, scale: Any, size: Size) -> Any:
    """Return `start + scale * n` of drawn numbers n: of arrays by cells, each with a number of its own."""
    if isinstance(start, int | float) and isinstance(scale, int | float):
        return drawn(lambda count: [start + scale * number for number in draw(count)], size)
    return start + scale * drawn(draw, size_of(size, start, scale))


def seed(seed: int | None = None) -> None:
    """Do what `np.random.seed` does."""
    GENERATOR.get().seed(0 if seed is None else operator.index(seed))


def rand(*sizes: int) -> Any:
    """Do what `np.random.rand` does."""
    return drawn(GENERATOR.get().uniform, sizes or None)


def random(size: Size = None) -> Any:
    """Do what `np.random.random` does."""
    return drawn(GENERATOR.get().uniform, size)


def randn(*sizes: int) -> Any:
    """Do what `np.random.randn` does."""
    return drawn(GENERATOR.get().normal, sizes or None)


def normal(loc: Any = 0.0, scale: Any = 1.0, size: Size = None) -> Any:
    """Do what `np.random.normal` does."""
    return spread(GENERATOR.get().normal, loc, scale, size)


def uniform(low: Any = 0.0, high: Any = 1.0, size: Size = None) -> Any:
    """Do what `np.random.uniform` does."""
    return spread(GENERATOR.get().uniform, low, high - low, size)


def randint(low: int, high: int | None = None, size: Size = None) -> Any:
    """Do what `np.random.randint` does: without `high`."""
    first, last = (0, low) if high is None else (low, high)
    return drawn(lambda count: GENERATOR.get().whole(first, last, count), size, torch.int64)


def permutation(x: Any) -> Array:
    """Do what `np.random.permutation` does."""
    if isinstance(x, int):
        shape_of(x)
        return array_of(GENERATOR.get().shuffled(x), (x,))
    values = as_array(x)
    return values[GENERATOR.get().shuffled(len(values))]


def shuffle(x: Any) -> None:
    """Do what `np.random.shuffle` does, in place."""
    if isinstance(x, list):
        shape_of(len(x))
        x[:] = [x[place] for place in GENERATOR.get().shuffled(len(x))]
    elif isinstance(x, Array):
        x[:] = x[GENERATOR.get().shuffled(len(x))]
    else:
        raise TypeError("a list or an array is shuffled in place")


def choice(a: Any, size: Size = None, replace: bool = True, p: Any = None) -> Any:
    """Do what `np.random.choice` does.

    Raises:
        ValueError: If more are drawn without replacement than there are.
        RefusalError: If they are, with chances of their own.
    """
    values = None if isinstance(a, int) else as_array(a)
    count, wanted = a if values is None else len(values), prod(shape_of(size))
    generator = GENERATOR.get()
    if p is not None:
        if not replace:
            raise RefusalError("with p=, items are drawn with replacement here")
        places: Sequence[int] = generator.chosen(shares_of(p, count), wanted)
    elif replace:
        places = generator.whole(0, count, wanted)
    else:
        shape_of(count)
        if wanted > count:
            raise ValueError(f"{wanted} of {count} can't be drawn without replacement")
        places = generator.shuffled(count)[:wanted]
    if size is None:
        return places[0] if values is None else values[places[0]]
    chosen = array_of(places, shape_of(size))
    return chosen if values is None else values[chosen]


class RandomState:
    """What `np.random.RandomState` makes: a generator beside that of `np.random`.

    Attributes:
        generator: Its twister.
    """

    __slots__ = ("generator",)

    def __init__(self, generator: MersenneTwister) -> None:
        self.generator = generator

    def __repr__(self) -> str:
        return "RandomState(MT19937)"


def make_state(seed: int | None = None) -> RandomState:
    """Do what `np.random.RandomState` does; without a seed, that of 0."""
    return RandomState(GENERATOR.get().another(0 if seed is None else operator.index(seed)))


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of `np.random` as a method of a state of its own."""

    def draw(state: RandomState, *arguments: Any, **named: Any) -> Any:
        with drawing_from(state.generator):
            return function(*arguments, **named)

    return draw


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "seed": seed, "rand": rand, "random": random, "random_sample": random, "randn": randn,
    "standard_normal": lambda size=None: drawn(GENERATOR.get().normal, size), "normal": normal,
    "uniform": uniform, "randint": randint, "permutation": permutation, "shuffle": shuffle, "choice": choice,
}  # fmt: skip
METHODS: Mapping[str, Callable[..., Any]] = {name: _method(function) for name, function in _FUNCTIONS.items()}
"""Those of a state."""
RANDOM: Mapping[str, Any] = {**_FUNCTIONS, "RandomState": TypeFunction(RandomState, make_state)}
"""The functions of `np.random`."""
