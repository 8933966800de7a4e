"""Random numbers that change because what is drawn before them takes another count from the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch

from llm_linalg.ops.randomness import makes_random_numbers
from llm_linalg.recording.record_node import RecordNode

MOST = 500  # nodes that are looked at: what is drawn stands at the beginning


def redrawn(before: Sequence[RecordNode], after: Sequence[RecordNode]) -> tuple[str, str] | None:
    """Return what has other numbers in a second run though its shape is the same, and what is to blame.

    The two are runs of one program with the same seed, the second with other sizes.

    Returns:
        The titles of the first tensor that was drawn anew, and of the one of another size drawn before it;
        None if there are none.
    """
    blamed = None
    drawn = [[node for node in islice(nodes, MOST) if is_drawn(node)] for nodes in (before, after)]
    for old, new in zip(*drawn, strict=False):
        if old.op != new.op or old.title != new.title:
            return None
        if old.shape != new.shape:
            blamed = blamed or new.title
        elif blamed is not None and not torch.equal(old.value, new.value):
            return new.title, blamed
    return None


def is_drawn(node: RecordNode) -> bool:
    """Return whether a tensor is random numbers from the seed."""
    return node.call is not None and makes_random_numbers(node.call.function)
