"""The one model of the course: its weights are what training gives, and every lesson draws these."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from llm_linalg.lessons.reader import find

WEIGHTS = ("table", "W_Q", "W_K", "W_V", "W_up", "W_down")
WORDS = ["the", "cat", "saw", "dog", "ran"]


@cache
def shipped() -> dict[str, Tensor]:
    """The weights of the first screen."""
    trace = find("why").run(1)
    return {name: trace[name].value for name in WEIGHTS}


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
    for first, last in (("cat", "dog"), ("dog", "cat")):
        bars = chances(first)
        assert WORDS[int(bars.argmax())] == last
        assert bars.max() > 0.9
    assert torch.allclose(find("trained").run(7)["after"].value, chances("cat"))
