"""Deep recursion asks the system for memory once, not at each of its leaves."""

from __future__ import annotations

import resource

from llm_linalg.language.roomy import roomy

LEAVES = 2_000


def leaf() -> None:
    pass


def deep(depth: int) -> None:
    """Calls a leaf many times, so many calls deep."""
    if depth:
        deep(depth - 1)
    else:
        for _ in range(LEAVES):
            leaf()


def faults() -> int:
    """Returns how often a leaf found memory that the system had not given yet, over many depths."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for depth in range(300):
        deep(depth)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_frames_lie_in_one_piece_of_memory() -> None:
    assert roomy(faults) < LEAVES


def test_what_is_returned_is_what_the_function_returns() -> None:
    assert roomy(lambda: 3) == 3
