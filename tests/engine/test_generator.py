"""Random numbers are a run's own: those of other threads, and of the process, are others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from llm_linalg import run, trace
from llm_linalg.base.rng import lock_rng, seed_rng

PROGRAM = "s = torch.zeros(3)\nfor i in range(20):\n    s = s + torch.randn(3)"
DROPPED = "x = torch.ones(20)\ny = F.dropout(x, 0.5)\nz = torch.kron(y, x)"


@pytest.fixture(autouse=True)
def _hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def drawn(seed: int) -> list[float]:
    values: list[float] = run(PROGRAM, seed=seed)["s"].value.tolist()
    return values


def traced(seed: int) -> list[float]:
    def function(x: Tensor) -> Tensor:
        for _ in range(20):
            x = x + torch.randn(3)
        return x

    values: list[float] = trace(function, torch.zeros(3), seed=seed).nodes[-1].value.tolist()
    return values


@pytest.mark.parametrize("numbers", [drawn, traced])
def test_runs_in_threads_draw_what_each_draws_alone(numbers: Callable[[int], list[float]]) -> None:
    alone = [numbers(seed) for seed in range(3)]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(numbers, [0, 1, 2] * 8))
    assert together == alone * 8
    assert torch.equal(before, torch.get_rng_state())


def test_what_is_looked_at_meanwhile_changes_nothing_of_a_run() -> None:
    alone = drawn(0)
    seen = run(DROPPED)
    node = seen["y"]
    assert node.call is not None

    def looked() -> None:
        for _ in range(40):
            assert node.call is not None
            assert torch.equal(node.call.replay([seen["x"].value]), node.value)
            fresh = run(DROPPED)
            assert fresh["z"].reads((3,)) == seen["z"].reads((3,))
            assert fresh["y"].reads((3,)) == seen["y"].reads((3,))

    with ThreadPoolExecutor(2) as pool:
        looking = pool.submit(looked)
        together = [drawn(0) for _ in range(40)]
        looking.result()
    assert together == [alone] * 40


def test_the_generator_is_left_as_it_was() -> None:
    before = torch.get_rng_state()
    with seed_rng(3):
        first = torch.rand(2)
        with lock_rng():
            torch.rand(9)
        second = torch.rand(2)
    assert torch.equal(before, torch.get_rng_state())
    with seed_rng(3):
        assert torch.equal(torch.rand(4), torch.cat([first, second]))
