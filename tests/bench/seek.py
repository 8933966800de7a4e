"""Going to any step of a very long walk: 4096 × 4096 × 4096 in `terms` order has 6.9 × 10¹⁰ steps."""

from __future__ import annotations

from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row, middle

SEEKS = 200
SEEK = """
import json, random, time
import torch
from llm_linalg import trace

def seconds(size):
    x, w = torch.rand(size, size), torch.rand(size, size)
    walk = trace(lambda x, w: x @ w, x, w).nodes[-1].walk("terms")
    draw = random.Random(0)
    times = []
    for k in [draw.randrange(len(walk)) for _ in range({seeks})]:
        start = time.perf_counter()
        step = walk[k]
        step.writes, step.reads, step.current, step.value, step.text
        times.append(time.perf_counter() - start)
    return times

seconds(8)  # the first seek imports what a step needs
print(json.dumps([seconds(8), seconds(4096)]))
"""


def seek() -> list[Row]:
    """Opens random steps of a long walk and of a short one."""
    measured, _ = fresh(SEEK.format(seeks=SEEKS))
    short, long = cast("list[list[float]]", measured)
    against = "the same in an 8×8×8 walk"
    return [
        Row(
            "seek in a 4096³ walk, median",
            middle(long) * 1000,
            "ms",
            middle(short) * 1000,
            against,
            most_ratio=5.0,
        ),
        Row(
            "seek in a 4096³ walk, worst", max(long) * 1000, "ms", max(short) * 1000, against, most_ratio=5.0
        ),
    ]
