"""NumPy's `np.random.default_rng`: the numbers of its PCG64, to the bit, for a seed.

O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
Generation" (2014): a linear congruence of 128 bits, of which 64 come out. What NumPy makes of them is done
here: Lemire's whole numbers, the ziggurat's normal ones, Floyd's samples.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arrays.mersenne_twister import MOST_DRAWN
from llm_linalg.language.arrays.normal_ziggurat import START, ziggurat

_32, _64, _128 = 2**32 - 1, 2**64 - 1, 2**128 - 1
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_DOUBLE = 1.0 / 9007199254740992.0
_LARGE, _SHARE = 10_000, 50  # of the shuffle of which a part is taken


class PermutedGenerator:
    """A generator as `np.random.default_rng` makes it.

    Args:
        seed: A whole number that is not negative, or several.
        charge: Called with how many numbers are about to be drawn; it may raise.

    Raises:
        ValueError: If the seed is negative.
    """

    def __init__(self, seed: int | Sequence[int], charge: Callable[[int], None]) -> None:
        words = _seed_words(seed)
        state, stream = words[0] << 64 | words[1], words[2] << 64 | words[3]
        self._charge = charge
        self._step = (stream << 1 | 1) & _128
        self._state = ((self._step + state) * _MULTIPLIER + self._step) & _128
        self._half: int | None = None  # of 64 bits of which 32 were drawn

    def _begin(self, count: int) -> None:
        if count > MOST_DRAWN:
            raise LimitError(f"{count:,} random numbers; {MOST_DRAWN:,} are allowed at once")
        self._charge(count)

    def _bits64(self) -> int:
        state = self._state = (self._state * _MULTIPLIER + self._step) & _128
        mixed, turn = (state >> 64 ^ state) & _64, state >> 122
        return (mixed >> turn | mixed << (64 - turn)) & _64

    def _bits32(self) -> int:
        if self._half is not None:
            found, self._half = self._half, None
            return found
        bits = self._bits64()
        self._half = bits >> 32
        return bits & _32

    def _double(self) -> float:
        return (self._bits64() >> 11) * _DOUBLE

    def uniform(self, count: int) -> list[float]:
        """Return numbers from 0 to 1."""
        self._begin(count)
        return [self._double() for _ in range(count)]

    def normal(self, count: int) -> list[float]:
        """Return numbers from the standard normal distribution."""
        self._begin(count)
        return [self._normal() for _ in range(count)]

    def _normal(self) -> float:
        surely, widths, heights = ziggurat()
        while True:
            bits = self._bits64()
            layer, is_negative, place = bits & 0xFF, bits >> 8 & 1, bits >> 9 & 0x000FFFFFFFFFFFFF
            x = place * widths[layer]
            x = -x if is_negative else x
            if place < surely[layer]:
                return x
            if layer == 0:
                return self._tail(is_negative=bool(place >> 8 & 1))
            height = (heights[layer - 1] - heights[layer]) * self._double() + heights[layer]
            if height < math.exp(-0.5 * x * x):
                return x

    def _tail(self, *, is_negative: bool) -> float:
        while True:
            beyond = -(1.0 / START) * math.log1p(-self._double())
            height = -math.log1p(-self._double())
            if height + height > beyond * beyond:
                return -(START + beyond) if is_negative else START + beyond

    def whole(self, low: int, high: int, count: int) -> list[int]:
        """Return whole numbers from `low` up to, and without, `high`.

        Raises:
            ValueError: If there are none between them.
        """
        if low >= high:
            raise ValueError("low >= high")
        self._begin(count)
        return [low + self._below(high - low - 1) for _ in range(count)]

    def _below(self, most: int) -> int:
        """Return a number from 0 to `most`, by Lemire's multiplication."""
        if not most:
            return 0
        size, bits = (32, self._bits32) if most <= _32 else (64, self._bits64)
        if most == (1 << size) - 1:
            return bits()
        mask, span = (1 << size) - 1, most + 1
        product = bits() * span
        if product & mask < span:
            least = (mask - most) % span
            while product & mask < least:
                product = bits() * span
        return product >> size

    def shuffled(self, count: int) -> list[int]:
        """Return the places from 0 to `count` in the order of `permutation`."""
        self._begin(count)
        order = list(range(count))
        for place in range(count - 1, 0, -1):
            other = self._masked(place)
            order[place], order[other] = order[other], order[place]
        return order

    def _masked(self, most: int) -> int:
        """Return a number from 0 to `most`: bits are drawn until they are no more."""
        mask = (1 << most.bit_length()) - 1
        while True:
            value = self._bits32() & mask
            if value <= most:
                return value

    def _shuffle(self, order: list[int], first: int) -> None:
        for place in range(len(order) - 1, first - 1, -1):
            other = self._below(place)
            order[place], order[other] = order[other], order[place]

    def sample(self, population: int, count: int) -> list[int]:
        """Return places from 0 to `population`, each once at most, in random order."""
        self._begin(max(population, count))
        if population > _LARGE and count > population // _SHARE:
            order = list(range(population))
            self._shuffle(order, max(population - count, 1))
            return order[population - count :]
        found: list[int] = []
        taken: set[int] = set()
        for last in range(population - count, population):
            place = self._below(last)
            place = last if place in taken else place
            taken.add(place)
            found.append(place)
        self._shuffle(found, 1)
        return found

    def chosen(self, shares: Sequence[float], count: int) -> list[int]:
        """Return places, each drawn with its share of the probability, which add up to 1."""
        sums = list(accumulate(shares))
        sums = [each / sums[-1] for each in sums]
        return [bisect_right(sums, drawn) for drawn in self.uniform(count)]

    def chosen_once(self, shares: Sequence[float], count: int) -> list[int]:
        """Return places, each drawn with its share of the probability and once at most."""
        left, found = list(shares), list[int]()
        while len(found) < count:
            for place in dict.fromkeys(self.chosen(left, count - len(found))):
                found.append(place)
            for place in found:
                left[place] = 0.0
        return found


def _seed_words(seed: int | Sequence[int]) -> list[int]:
    """Return four words of 64 bits that NumPy's `SeedSequence` makes of a seed."""
    entropy: list[int] = []
    for each in [seed] if isinstance(seed, int) else seed:
        if each < 0:
            raise ValueError("expected non-negative integer")
        entropy += [each >> shift & _32 for shift in range(0, max(each.bit_length(), 1), 32)]
    constant = 0x43B0D7E5

    def hashed(value: int) -> int:
        nonlocal constant
        value ^= constant
        constant = constant * 0x931E8875 & _32
        value = value * constant & _32
        return value ^ value >> 16

    def mixed(first: int, second: int) -> int:
        found = (0xCA01F9DD * first - 0x4973F715 * second) & _32
        return found ^ found >> 16

    pool = [hashed(entropy[place] if place < len(entropy) else 0) for place in range(4)]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = mixed(pool[target], hashed(pool[source]))
    for word in entropy[4:]:
        for target in range(4):
            pool[target] = mixed(pool[target], hashed(word))
    constant = 0x8B51F9DD
    words = []
    for place in range(8):
        value = pool[place % 4] ^ constant
        constant = constant * 0x58F38DED & _32
        value = value * constant & _32
        words.append(value ^ value >> 16)
    return [words[place] | words[place + 1] << 32 for place in range(0, 8, 2)]
