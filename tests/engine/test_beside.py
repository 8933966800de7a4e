"""What stands beside torch: parts of calls that are looked at, and bounds on what they make."""

from __future__ import annotations

import random
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import text_methods
from torch import Tensor

from llm_linalg.ops.arguments import tensors_in
from llm_linalg.ops.creation import inner_lists
from llm_linalg.ops.movement_shapes import getitem_cells
from llm_linalg.ops.operation import SlottedArguments
from llm_linalg.recording.recorder import call_of

NUMBER = torch.ones(1)


def listed(items: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([items, tuple(items)])


leaves = st.one_of(st.integers(), st.none(), st.text(max_size=2), st.just(NUMBER), st.just(...))
nested = st.recursive(
    leaves, lambda items: st.lists(items, max_size=3) | st.lists(items, max_size=3).map(tuple)
)


def within(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [found for item in value for found in within(item)] if isinstance(value, list | tuple) else []


@given(nested)
def test_tensors_are_found_in_lists_within_lists(value: Any) -> None:
    assert len(list(tensors_in(value))) == len(within(value))


@given(st.text("ab cé", max_size=12), st.one_of(st.none(), st.text("ab é", max_size=4)))
def test_characters_are_stripped_as_python_does(text: str, others: str | None) -> None:
    assert text_methods.METHODS["strip"](text, others) == text.strip(others)


def test_lists_within_lists_are_counted() -> None:
    lists: list[Any] = [1, [1, 2], [[1], [2]], [[[]] * 3] * 2]
    assert list(map(inner_lists, lists)) == [0, 0, 2, 8]


def item(draw: random.Random, shape: list[int], axis: int) -> tuple[Any, int]:
    """Returns an item of a key, and how many axes it stands for."""
    size = shape[axis]
    kinds: list[tuple[Any, int]] = [
        (draw.randrange(size), 1),
        (draw.choice([slice(None), slice(1, None), slice(None, None, 2)]), 1),
        (torch.rand(size) > 0.4, 1),
        ([draw.randrange(size) for _ in range(2)], 1),
        (torch.randint(0, size, draw.choice([(), (2,), (2, 2)])), 1),
        (None, 0),
    ]
    if axis + 1 < len(shape):
        kinds.append((torch.rand(shape[axis : axis + 2]) > 0.5, 2))
    return draw.choice(kinds)


@given(st.randoms(use_true_random=False), st.integers(0, 10**6))
def test_as_many_cells_are_counted_as_a_key_picks(draw: random.Random, seed: int) -> None:
    torch.manual_seed(seed)
    shape = [draw.randint(1, 4) for _ in range(draw.randint(1, 4))]
    x, key, axis = torch.zeros(shape), list[Any](), 0
    while axis < len(shape) and draw.random() < 0.85:
        found, axes = item(draw, shape, axis)
        key.append(found)
        axis += axes
    if draw.random() < 0.3:
        key.append(...)
    try:
        picked = x[tuple(key)]
    except (IndexError, RuntimeError):
        return
    written = SlottedArguments.of((x, tuple(key)), {})
    counted = getitem_cells(call_of(Tensor.__getitem__, written, written.tensors))
    by_places = any(isinstance(part, Tensor | list) for part in key)
    assert counted == (picked.numel() if by_places else 0)
