"""What calls of torch take, held against what they count for: the limits are counts, and stand for time."""

from __future__ import annotations

from itertools import product
from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row

STEPS = "t = 0\nfor i in range(5_000):\n    t = t + i * 2\n"
SHAPES = ("2, 20_000, 3", "100_000, 2", "2, 100_000", "1, 100_000", "20_000, 3", "300, 300", "100_000")
KINDS = ("float32", "float64", "float16", "bfloat16")
_CALLS = """
x.sum({d})
x.std({d})
x.amax({d})
x.argmax({d})
x.max({d})
x.softmax({d})
x.log_softmax({d})
x.logsumexp({d})
x.cumsum({d})
x.sort({d})
F.normalize(x, dim={d})
F.cosine_similarity(x, x, dim={d})
F.layer_norm(x, x.shape[-1:])
x + 1
x * x
x ** 3
x.exp()
torch.tanh(x)
F.gelu(x)
torch.where(x > 0, x, 0)
x[x > 0.5]
x[k]
x.gather(0, x.long())
x.flip({d})
x.transpose(0, -1).contiguous()
torch.cat([x, x], {d})
x.repeat_interleave(2, {d})
x.repeat(2, 2, 2)
torch.kron(torch.ones(2, 2), x)
torch.einsum('...i,...i->...', x, x)
x @ x.transpose(-1, -2)[..., :2]
F.embedding(k, x)
torch.rand(x.shape)
torch.tensor(x)
x.long()
str(x)
"""
CALLS = _CALLS.strip().split("\n")
PRICES = """
import json, time
import torch
import torch.nn.functional as F
from llm_linalg import ProgramError, front, run
from llm_linalg.language.budget import Budget
from tests.bench.prices import STEPS, programs

torch.set_num_threads(1)
made = []

def noted(**bounds):
    made.append(Budget(**{**bounds, "foresight": False}))
    return made[-1]

front.Budget = noted

def counted(program):
    run(program)
    return made[-1].effort + Budget().steps - made[-1].steps

def quickest(work):
    kept, times = [], []
    for _ in range(3):
        start = time.perf_counter()
        kept.append(work())
        times.append(time.perf_counter() - start)
    return min(times)

run(STEPS)
step = quickest(lambda: run(STEPS)) / counted(STEPS)
found = []
for title, before, call in programs():
    try:
        price = counted(before + call) - counted(before)
    except ProgramError:
        continue  # torch has none for numbers of this kind, or for so few axes
    names = {"torch": torch, "F": F}
    exec(before, names)
    code = compile(call, "", "exec")
    found.append([quickest(lambda: exec(code, names)) / price, title])
print(json.dumps([step, found]))
"""


def programs() -> list[tuple[str, str, str]]:
    """What each call is called, what comes before it, and the call: of each shape, kind and axis."""
    found = []
    for shape, kind, call in product(SHAPES, KINDS, CALLS):
        before = f"x = torch.rand({shape}).to(torch.{kind})\nk = torch.arange(x.shape[0]) % 2\n"
        axes = range(shape.count(",") + 1) if "{d}" in call else [0]
        calls = [call.format(d=axis) for axis in axes]
        found += [(f"{each}, {kind} ({shape})", before, f"y = {each}") for each in calls]
    return found


def prices() -> list[Row]:
    """Times each call as torch makes it, by what it counts for; the baseline is a step of plain numbers.

    A ratio far above 1 means a loop that is refused late: such an operation belongs into `costs`.
    """
    measured, _ = fresh(PRICES)
    step, found = cast("tuple[float, list[tuple[float, str]]]", measured)
    worst, name = max(found)
    return [
        Row(
            f"for what it counts, of {len(found)} calls: {name}",
            1e6 * worst, "µs", 1e6 * step, "a step of plain numbers", most_ratio=3,
        )
    ]  # fmt: skip
