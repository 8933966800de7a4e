"""Measure all models: `python -m tests.models [NAME…]` prints a row for each, and sums.

× is the CPU time of a traced run over that of a plain one, both the best of three; µs is what it takes longer
for each node.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable

import torch

from llm_linalg import trace
from llm_linalg.base.rng import seed_rng
from tests.models.measures import Measure, Weighed, measure
from tests.models.programs import PROGRAMS, Build

HEAD = ("model", "nodes", "ops", "×", "µs", "autograd", "opaque", "output", "gradients")


def main(names: list[str]) -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # those that wait would count
    logging.disable(logging.WARNING)
    print(" | ".join(HEAD))
    print("|".join(["---"] * len(HEAD)))
    sums: Counter[str] = Counter()
    for name in names or PROGRAMS:
        try:
            found, times = measure(PROGRAMS[name]), _times(PROGRAMS[name])
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its row
            print(f"{name} | {type(error).__name__}: {str(error).splitlines()[0][:100]}")
            continue
        _print(name, found, times, sums)
    print(", ".join(f"{count:,} {what}" for what, count in sums.items()))


def _print(name: str, found: Measure, times: tuple[float, float], sums: Counter[str]) -> None:
    by = {
        kind: sum(n for (own, _), n in found.unknown.items() if own == kind)
        for kind in ("autograd", "opaque")
    }
    right = found.gradients - len(found.wrong)
    sums.update(
        operations=found.operations, **by, gradients=found.gradients, right=right, untrue=len(found.untrue)
    )
    traced, plain = times
    cells = [
        name,
        found.nodes,
        found.operations,
        f"{traced / plain:.1f}",
        f"{(traced - plain) / found.nodes * 1e6:.0f}",
        *by.values(),
        found.output,
    ]
    print(" | ".join(map(str, [*cells, found.refusal or f"{right} of {found.gradients}"])), flush=True)
    for odd in (*found.untrue, *found.wrong, *map(str, found.unknown)):
        print(f"  {odd}")


def _times(build: Build) -> tuple[float, float]:
    with seed_rng(0):
        program = build()
    model = Weighed(program.model)
    return _best(lambda: trace(model, **program.inputs)), _best(lambda: model(**program.inputs))


def _best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return max(min(times), 1e-9)


main(sys.argv[1:])
