"""Refusing what a text or the shapes of one call tell, the first time that a process does."""

from __future__ import annotations

from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row

ALLOWED = "torch.ones(2, 3) @ torch.ones(3, 2)"
REFUSED = (
    "torch.ones(10**6, 10**6)",
    "x = torch.ones(1).expand(4000, 4000)\nx @ x",
    (
        "q, k, v = torch.ones(9000, 1), torch.ones(2, 3, 0), torch.ones(0, 3, 9000)\n"
        "F.scaled_dot_product_attention(q, k, v)"
    ),
    "1" + "+1" * 24_000,
    "x = " + "-" * 9_000 + "1",
    "x" * 10**6,
)
# Each program is run in a copy of a process that has done nothing but import the engine.
REFUSAL = """
import json, os, time
import torch
from llm_linalg import ProgramError
from llm_linalg.api.run import run_text
from tests.bench.limits import ALLOWED, REFUSED

torch.set_num_threads(1)
run_text("", own=True)

def milliseconds(program):
    out, into = os.pipe()
    if not (child := os.fork()):
        start = time.perf_counter()
        try:
            run_text(program, own=True)
        except ProgramError:
            pass
        os.write(into, str(1000 * (time.perf_counter() - start)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    found = os.read(out, 100)
    os.close(out)
    os.close(into)
    return float(found)

print(json.dumps([min(milliseconds(program) for _ in range(3)) for program in (ALLOWED, *REFUSED)]))
"""


def limits() -> list[Row]:
    """Runs each program that is refused at once, as the first that a process runs; of three, the quickest."""
    measured, _ = fresh(REFUSAL)
    allowed, *refused = cast("list[float]", measured)
    most = max(refused)
    title = f"refusal at once, worst of {len(refused)}: #{refused.index(most)}"
    return [Row(title, most, "ms", allowed, "a product that is allowed", most_ratio=3.0)]
