"""NumPy's `np.random`: the numbers of its Mersenne Twister, to the bit, for a seed.

Python's own generator is the same twister, filled in another way: it is given NumPy's state, and what NumPy
makes of its bits is done here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from llm_linalg.base.errors import LimitError

MOST_DRAWN = 2**18  # numbers of one call: each takes a fraction of a microsecond
_WORDS, _MASK = 624, 0xFFFFFFFF


class MersenneTwister:
    """A generator as `np.random.RandomState` has it.

    Args:
        seed: A whole number from 0 to 2³² − 1.
        charge: Called with how many numbers are about to be drawn; it may raise.
    """

    def __init__(self, seed: int = 0, charge: Callable[[int], None] = lambda _numbers: None) -> None:
        self._first_seed = seed
        self._made: random.Random | None = None
        self._charge = charge
        self._spare: float | None = None

    @property
    def _generator(self) -> random.Random:
        return self._made or self.seed(self._first_seed)

    def seed(self, seed: int) -> random.Random:
        """Start again from a seed, and return Python's generator in that state.

        Raises:
            ValueError: If it is none.
        """
        if not 0 <= seed <= _MASK:
            raise ValueError("a seed is a whole number from 0 to 2**32 - 1")
        words = [seed]
        for place in range(1, _WORDS):
            words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + place) & _MASK)
        self._made, self._spare = random.Random(), None  # noqa: S311 - numbers for pictures
        self._made.setstate((3, (*words, _WORDS), None))
        return self._made

    def another(self, seed: int) -> MersenneTwister:
        """Return a generator of its own, whose numbers are charged likewise."""
        made = MersenneTwister(seed, self._charge)
        made.seed(seed)
        return made

    def _begin(self, count: int) -> None:
        if count > MOST_DRAWN:
            raise LimitError(f"{count:,} random numbers; {MOST_DRAWN:,} are allowed at once")
        self._charge(count)

    def uniform(self, count: int) -> list[float]:
        """Return numbers from 0 to 1."""
        self._begin(count)
        draw = self._generator.random
        return [draw() for _ in range(count)]

    def normal(self, count: int) -> list[float]:
        """Return numbers from the standard normal distribution, by the polar method, two at a time."""
        self._begin(count)
        found: list[float] = []
        draw = self._generator.random
        while len(found) < count:
            if self._spare is not None:
                found.append(self._spare)
                self._spare = None
                continue
            first, second = 2.0 * draw() - 1.0, 2.0 * draw() - 1.0
            square = first * first + second * second
            if 0.0 < square < 1.0:
                factor = math.sqrt(-2.0 * math.log(square) / square)
                found.append(factor * second)
                self._spare = factor * first
        return found

    def whole(self, low: int, high: int, count: int) -> list[int]:
        """Return whole numbers from `low` up to, and without, `high`.

        Raises:
            ValueError: If there are none between them.
        """
        if low >= high:
            raise ValueError("low is less than high")
        self._begin(count)
        span = high - low - 1
        if not span:
            return [low] * count
        return [low + self._masked(span) for _ in range(count)]

    def _masked(self, most: int) -> int:
        """Return a number from 0 to `most`: bits are drawn until they are no more."""
        if not most:
            return 0
        mask = (1 << most.bit_length()) - 1
        bits = self._generator.getrandbits
        while True:
            value = (bits(32) if most <= _MASK else (bits(32) << 32) | bits(32)) & mask
            if value <= most:
                return value

    def shuffled(self, count: int) -> list[int]:
        """Return the places from 0 to `count` in the order of `np.random.permutation`."""
        self._begin(count)
        order = list(range(count))
        for place in range(count - 1, 0, -1):
            other = self._masked(place)
            order[place], order[other] = order[other], order[place]
        return order

    def chosen(self, shares: Sequence[float], count: int) -> list[int]:
        """Return places, each drawn with its share of the probability, which add up to 1."""
        sums, total = [], 0.0
        for share in shares:
            total += share
            sums.append(total)
        sums = [each / total for each in sums]
        return [_first_above(sums, drawn) for drawn in self.uniform(count)]


def _first_above(sums: Sequence[float], value: float) -> int:
    low, high = 0, len(sums)
    while low < high:
        middle = (low + high) // 2
        if value < sums[middle]:
            high = middle
        else:
            low = middle + 1
    return low


GENERATOR: ContextVar[MersenneTwister] = ContextVar("the generator of np.random")
"""That of the running program."""


@contextmanager
def drawing_from(generator: MersenneTwister) -> Iterator[None]:
    """Draw from another generator while the context is open."""
    token = GENERATOR.set(generator)
    try:
        yield
    finally:
        GENERATOR.reset(token)


@contextmanager
def own_generator(seed: int, charge: Callable[[int], None]) -> Iterator[None]:
    """Give the program that is run within this block a generator of its own."""
    token = GENERATOR.set(MersenneTwister(seed & _MASK, charge))
    try:
        yield
    finally:
        GENERATOR.reset(token)
