"""`random`: Python's own numbers, from a generator that belongs to the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arithmetic import MAX_BITS, MAX_ITEMS, check_result
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import take_items
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

_ITEM_STEPS = 2  # a number that is drawn in Python's own code
_SEED_STEPS = 10
_SEEDS: Any = int | float | str
_LARGEST = 1e300
_REJECTING = frozenset([Random.gammavariate, Random.betavariate, Random.vonmisesvariate])
"""Methods that draw until a number fits, which with some parameters none does."""


def _seed(run: Interpreter, generator: Random, a: Any = None, version: int = 2) -> None:
    """Seed a generator. Without a seed Python takes one that nobody knows; here it is the run's next one."""
    if version != 2:
        raise RefusalError("random.seed has version=2 alone here")
    value = run.new_number() if a is None else a
    if not isinstance(value, _SEEDS):
        raise TypeError("The only supported seed types are: None, int, float, str, bytes, and bytearray.")
    run.budget.step(_SEED_STEPS)
    generator.seed(check_result(value))


def _choices(
    run: Interpreter,
    generator: Random,
    population: Any,
    weights: Any = None,
    *,
    cum_weights: Any = None,
    k: int = 1,
) -> list[Any]:
    given = [None if own is None else take_items(run, own) for own in (weights, cum_weights)]
    for own in given:
        if own is not None and not all(isinstance(weight, int | float | Tensor) for weight in own):
            raise TypeError("weights are numbers")  # of texts Python would make a sum at each place
    _charge(run, population, k)
    return generator.choices(population, given[0], cum_weights=given[1], k=k)


def _sample(run: Interpreter, generator: Random, population: Any, k: int, *, counts: Any = None) -> list[Any]:
    if counts is not None:
        raise RefusalError("random.sample has no counts= here: repeat the items in the list")
    _charge(run, population, k)
    return generator.sample(population, k)


def _shuffle(run: Interpreter, generator: Random, x: Any) -> None:
    if not isinstance(x, list):
        raise RefusalError("random.shuffle takes a list: of a tensor, take x[torch.randperm(len(x))]")
    run.budget.step(_ITEM_STEPS * len(x))
    generator.shuffle(x)


def _charge(run: Interpreter, population: Any, k: Any) -> None:
    """Charge a draw of so many of several items.

    Raises:
        TypeError: If a draw can't be made from such items.
        LimitError: If they are too many.
    """
    if not isinstance(population, list | tuple | str | range | Tensor):
        raise TypeError("Population must be a sequence.  For dicts or sets, use sorted(d).")
    if isinstance(k, int):
        if k > MAX_ITEMS:
            raise LimitError(f"a list of {k:,} items; {MAX_ITEMS:,} are allowed")
        run.budget.step(_ITEM_STEPS * max(k, 0))
    run.budget.charge_items(population)


def _getrandbits(_run: Interpreter, generator: Random, k: Any) -> int:
    if isinstance(k, int) and k > MAX_BITS:
        raise LimitError(f"a whole number of more than {MAX_BITS} bits")
    return generator.getrandbits(k)


def _check_shape(*numbers: Any) -> None:
    """Refuse what a gamma distribution and its like would go on drawing for without end.

    Raises:
        LimitError: If a number is none, or so large that it is none once it is doubled.
    """
    if any(isinstance(number, float) and not abs(number) < _LARGEST for number in numbers):
        raise LimitError(f"the numbers that shape a distribution are less than {_LARGEST:g}")


def _drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a generator whose cost is that of a few numbers."""

    def drawn(run: Interpreter, generator: Random, *arguments: Any, **named: Any) -> Any:
        run.budget.step(_ITEM_STEPS)
        for value in (*arguments, *named.values()):
            check_result(value)
        if draw in _REJECTING:
            _check_shape(*arguments, *named.values())
        return draw(generator, *arguments, **named)

    return drawn


_PLAIN: tuple[Callable[..., Any], ...] = (
    *(Random.random, Random.uniform, Random.randint, Random.randrange, Random.choice, Random.gauss),
    *(Random.normalvariate, Random.triangular, Random.betavariate, Random.expovariate, Random.gammavariate),
    *(Random.lognormvariate, Random.vonmisesvariate, Random.paretovariate, Random.weibullvariate),
)
_METHODS: Mapping[str, Callable[..., Any]] = {
    **{draw.__name__: _drawn(draw) for draw in _PLAIN},
    "seed": _seed,
    "choices": _choices,
    "sample": _sample,
    "shuffle": _shuffle,
    "getrandbits": _getrandbits,
}
METHODS: Mapping[str, RunFunction] = {name: RunFunction(name, does) for name, does in _METHODS.items()}
"""Methods of a generator that the program makes, with `random.Random(7)`."""


def _of_run(name: str, does: Callable[..., Any]) -> RunFunction:
    return RunFunction(name, lambda run, *args, **named: does(run, run.random, *args, **named))


def _make_generator(run: Interpreter, seed: Any = None) -> Random:
    generator = Random()  # noqa: S311  it has Python's own numbers, for a learner to compare
    _seed(run, generator, seed)
    return generator


MEMBERS: Mapping[str, Any] = {
    **{name: _of_run(name, does) for name, does in _METHODS.items()},
    "Random": RunFunction("Random", _make_generator, Random),
}
