"""Refusing a program, the first time that a process refuses one: at most 100 ms."""

from __future__ import annotations

from operator import sub
from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row

ALLOWED = "torch.ones(2, 3) @ torch.ones(3, 2)"
CLASHES = (
    "torch.ones(3, 3) @ torch.ones(2)",
    "torch.maximum(torch.ones(3, 3), torch.ones(2))",
    "torch.stack([torch.ones(2), torch.ones(3)])",
    "torch.ones(10**5, 1) @ torch.ones(3, 10**5)",
)
# Each program is run in a copy of a process that has done nothing but import the engine.
REFUSAL = """
import json, os, time
import torch
from llm_linalg import ProgramError, run
from tests.bench.left_open import LEFT_OPEN
from tests.bench.refusal import ALLOWED, CLASHES
from tests.engine.hostile import BOMBS
from tests.engine.late import LATE
from tests.engine.open_ended import OPEN_ENDED

torch.set_num_threads(1)
run("")

def milliseconds(program, ranks=0):
    out, into = os.pipe()
    if not (child := os.fork()):
        start = time.perf_counter()
        try:
            run(program, ranks=ranks)
        except ProgramError:
            pass
        os.write(into, str(1000 * (time.perf_counter() - start)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    found = os.read(out, 100)
    os.close(out)
    os.close(into)
    return float(found)

late, honest = ([program.replace("HUGE", turns) for program in LATE.values()] for turns in ("5000", "1"))
kinds = ((ALLOWED,), BOMBS, LEFT_OPEN, CLASHES, late, honest)
meets = "z = dist.all_reduce(torch.ones(1))\\n"
devices = [(meets + program, ranks) for program in OPEN_ENDED.values() for ranks in (2, 8)]
kinds = [[(program,) for program in kind] for kind in kinds] + [devices]
rounds = [[[milliseconds(*given) for given in kind] for kind in kinds] for _ in range(3)]
print(json.dumps([list(map(min, *times)) for times in zip(*rounds, strict=True)]))
"""


def refusal() -> list[Row]:
    """Runs each of the tests' bombs, as the first program that a process runs, loops and a few clashes.

    Of three processes, a round of all programs apart, the quickest counts: what else the machine does then
    is not the program's. What a tensor's value makes explode after many turns can't be told from an honest
    program before: from there on counts, so what the honest one takes is taken off.
    """
    measured, _ = fresh(REFUSAL)
    allowed, bombs, loops, clashes, late, honest, devices = cast("list[list[float]]", measured)

    def worst(of: str, times: list[float]) -> Row:
        """The program that took longest of a kind, by its place in the list of those."""
        most = max(times)
        title = f"{of}, worst of {len(times)}: #{times.index(most)}"
        return Row(title, most, "ms", min(allowed), "a product that is allowed", most=100)

    return [
        worst("refusal of a bomb", bombs),
        worst("of a loop that may be left", loops),
        worst("of one on 2 devices, or 8, that meet first", devices),
        worst("a clash with its repairs", clashes),
        worst("what explodes late, beyond an honest run", list(map(sub, late, honest))),
    ]
