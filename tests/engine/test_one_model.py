"""The one model of the course: its weights are what training gives, and every lesson draws these."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from llm_linalg.lessons.reader import catalog, find
from tests.engine.test_curriculum import last

WEIGHTS = ("table", "W_Q", "W_K", "W_V", "W_up", "W_down")
WORDS = ["the", "cat", "saw", "dog", "ran"]


@cache
def shipped() -> dict[str, Tensor]:
    """The weights of the first screen."""
    trace = find("why").run(1)
    return {name: trace[name].value for name in WEIGHTS}


SHOWN = {
    "vector": {"table"},
    "transpose": {"table"},
    "rank": {"table"},
    "rounding": {"table"},
    "eightbits": {"table"},
    "similarity": {"table"},
    "embedding": {"table"},
    "position": {"table"},
    "projections": {"W_Q", "W_K", "W_V"},
    "attention": {"W_Q", "W_K", "W_V"},
    "mlp": {"W_Q", "W_K", "W_V", "W_up", "W_down"},
    "logits": {"table"},
    "cache": {"W_Q", "W_K", "W_V", "W_up", "W_down"},
    "bytes": {"W_up"},
    "why": set(WEIGHTS),
    "sampling": set(WEIGHTS),
    "backward": set(WEIGHTS),
    "trained": set(WEIGHTS),
    "summary": {"table", "W_up", "W_down"},
}


def chances(first: str) -> Tensor:
    return find("why").run(1, {"first": first})["next_word"].value


def test_it_is_small_and_made_of_halves() -> None:
    assert sum(weight.numel() for weight in shipped().values()) == 38
    assert all(torch.equal(2 * weight, (2 * weight).round()) for weight in shipped().values())
    assert max(weight.abs().max().item() for weight in shipped().values()) == 2.5


def test_training_it_again_gives_its_weights() -> None:
    trace = find("trained").run(6)
    for name, weight in shipped().items():
        assert torch.equal(trace[name].value, weight), name


def test_the_bars_say_what_the_words_say() -> None:
    for first, other in (("cat", "dog"), ("dog", "cat")):
        bars = chances(first)
        assert WORDS[int(bars.argmax())] == other
        assert bars.max() > 0.9
    assert torch.allclose(find("trained").run(7)["after"].value, chances("cat"))


@pytest.mark.parametrize("slug", [lesson.slug for lesson in catalog()])
def test_whoever_names_a_weight_of_its_shape_shows_the_models(slug: str) -> None:
    trace = last(slug)
    found = {name for name in WEIGHTS if name in trace and trace[name].shape == shipped()[name].shape}
    assert found == SHOWN.get(slug, set())
    for name in found:
        assert torch.equal(trace[name].value, shipped()[name]), name


def test_its_rows_are_the_same_wherever_they_are_shown() -> None:
    trace = find("mlp").run(4)
    assert torch.equal(trace["R"].value, find("summary").run(9)["seen"].value)
    Y = find("logits").run(1)["Y"].value
    assert torch.allclose(trace["Y"].value, Y, atol=5e-4)
    assert torch.equal(find("attention").run(4)["out"].value + trace["X"].value, trace["R"].value)
    assert torch.allclose(find("causal").run(2)["S"].value, find("scores").run(4)["scaled"].value)
