"""Training loops of a thousand steps and more, beside plain Python: each within the time limit of a run."""

from __future__ import annotations

from typing import cast

from llm_linalg.language.budget import SECONDS

from tests.bench.fresh import fresh
from tests.bench.stats import Row

TRAINING = """
import contextlib, io, json, time
import torch
from llm_linalg import run
from tests.engine.training_loops import LOOPS

torch.set_num_threads(1)
run("x = torch.ones(2)")
found = {}
for name, loop in LOOPS.items():
    program = loop.program.replace("TURNS", str(loop.turns))
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, {})
    plain = time.perf_counter() - start
    start = time.perf_counter()
    trace = run(program, seconds=None)
    found[f"{name}, {loop.turns:,} steps"] = [plain, time.perf_counter() - start]
    del trace
print(json.dumps(found))
"""


def training() -> list[Row]:
    """Runs each loop plainly and as a program, and holds the latter against the time limit."""
    measured, _ = fresh(TRAINING)
    rows = cast("dict[str, list[float]]", measured)
    return [
        Row(name, own * 1000, "ms", plain * 1000, "plain Python", SECONDS * 1000)
        for name, (plain, own) in rows.items()
    ]
