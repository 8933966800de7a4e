"""Training loops beside plain Python: what a turn costs that is not recorded any more."""

from __future__ import annotations

from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row

STEPS = 2_000
LOOPS = ("line by hand", "line with optim", "mlp on a sine")
TRAINING = """
import contextlib, io, json, time
import torch
from llm_linalg import run
from tests.engine.training_loops import LOOPS

torch.set_num_threads(1)
torch.optim.SGD([torch.ones(1)], lr=1.0)
run("x = torch.ones(2)\\nimport torch._dynamo", seconds=None)

def plainly(program):
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, {})

def in_room(program):
    run(program, seconds=None)

def seconds(way, loop, turns):
    program = loop.program.replace("TURNS", str(turns))
    start = time.perf_counter()
    way(program)
    return time.perf_counter() - start

found = {}
for name in {loops}:
    # Nodes are recorded up to a number of them: of so many turns more none is.
    loop = LOOPS[name]
    found[name] = [
        min(seconds(way, loop, loop.turns + {steps}) for _ in range(3))
        - min(seconds(way, loop, loop.turns) for _ in range(3))
        for way in (plainly, in_room)
    ]
print(json.dumps(found))
"""


def training() -> list[Row]:
    """Runs each loop plainly and in the room, with many turns and with more, in turn."""
    measured = fresh(TRAINING.replace("{steps}", str(STEPS)).replace("{loops}", str(LOOPS)))
    rows = cast("dict[str, list[float]]", measured)
    return [
        Row(f"{STEPS:,} steps more, {name}", own * 1000, "ms", plain * 1000, "plain Python", most_ratio=2.0)
        for name, (plain, own) in rows.items()
    ]
