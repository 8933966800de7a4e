"""`math` and `statistics`: on numbers, with limits where a whole number could grow without end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from llm_linalg.language.arithmetic import check_result
from llm_linalg.language.builtin_functions import prod
from llm_linalg.language.containers import check_keys
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import take_items
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

_TURNS = 30  # steps of what multiplies until the result is too large
_STATISTIC_STEPS = 20  # of a number, which Python turns into a fraction


def _is_count(*numbers: Any) -> bool:
    return all(isinstance(number, int) and number >= 0 for number in numbers)


def factorial(n: int, /) -> int:
    """Do what `math.factorial` does."""
    if not _is_count(n):
        return math.factorial(n)
    return int(check_result(prod(range(2, min(n, 100) + 1))))


def perm(n: int, k: int | None = None, /) -> int:
    """Do what `math.perm` does."""
    if k is None or not _is_count(n, k) or k > n:
        return factorial(n) if k is None else math.perm(n, k)
    return int(prod(range(n, n - min(k, 300), -1)))


def comb(n: int, k: int, /) -> int:
    """Do what `math.comb` does."""
    if not _is_count(n, k) or k > n:
        return math.comb(n, k)
    found = 1
    for turn in range(min(k, n - k)):
        found = check_result(found * (n - turn) // (turn + 1))
    return found


def lcm(*numbers: int) -> int:
    """Do what `math.lcm` does."""
    found = 1
    for number in numbers:
        found = check_result(math.lcm(found, number))
    return found


def _in_turns(does: Callable[..., int]) -> RunFunction:
    """Return a function that multiplies number after number."""

    def count(run: Interpreter, *numbers: Any) -> int:
        run.budget.step(_TURNS + len(numbers))
        return does(*numbers)

    return RunFunction(does.__name__, count)


def _mode(run: Interpreter, data: Any) -> Any:
    """Do what `statistics.mode` does, which counts items of any kind."""
    items = check_keys(take_items(run, data))
    run.budget.charge_sort(items)
    return statistics.mode(items)


def _on_numbers(name: str, does: Callable[..., Any]) -> RunFunction:
    """Return a function of the numbers that something holds."""

    def measure(run: Interpreter, data: Any, *others: Any, **named: Any) -> Any:
        numbers = take_items(run, data)
        run.budget.step(_STATISTIC_STEPS * len(numbers))
        if not all(isinstance(number, int | float) for number in (*numbers, *others, *named.values())):
            if any(isinstance(number, Tensor) for number in numbers):
                raise RefusalError(f"{name} takes numbers: of a tensor, take x.tolist()")
            raise TypeError(f"{name} takes numbers")
        return does(numbers, *others, **named)

    return RunFunction(name, measure)


_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    *(math.sqrt, math.exp, math.exp2, math.expm1, math.log, math.log2, math.log10, math.log1p, math.pow),
    *(math.sin, math.cos, math.tan, math.asin, math.acos, math.atan, math.atan2, math.sinh, math.cosh),
    *(math.tanh, math.asinh, math.acosh, math.atanh, math.hypot, math.erf, math.erfc, math.gamma),
    *(math.lgamma, math.floor, math.ceil, math.trunc, math.fabs, math.fmod, math.modf, math.frexp),
    *(math.ldexp, math.copysign, math.remainder, math.degrees, math.radians, math.isnan, math.isinf),
    *(math.isfinite, math.isclose, math.gcd, math.isqrt, math.cbrt, math.nextafter, math.ulp),
)
MATH: Mapping[str, Any] = {
    **{function.__name__: function for function in _FUNCTIONS},
    "pi": math.pi,
    "tau": math.tau,
    "e": math.e,
    "inf": math.inf,
    "nan": math.nan,
    "prod": prod,
    **{does.__name__: _in_turns(does) for does in (factorial, perm, comb, lcm)},
    "fsum": _on_numbers("fsum", math.fsum),
    "dist": RunFunction("dist", lambda run, p, q: math.dist(take_items(run, p), take_items(run, q))),
}
_STATISTICS: tuple[Callable[..., Any], ...] = (
    *(statistics.mean, statistics.fmean, statistics.median, statistics.median_low, statistics.median_high),
    *(statistics.stdev, statistics.pstdev, statistics.variance, statistics.pvariance),
)
STATISTICS: Mapping[str, Any] = {
    "mode": RunFunction("mode", _mode),
    **{function.__name__: _on_numbers(function.__name__, function) for function in _STATISTICS},
}
