"""Peak memory, a phase at a time."""

from __future__ import annotations

from tests.bench.first_paint import useful
from tests.bench.fresh import fresh
from tests.bench.programs import EMPTY, MATMUL, STEPS
from tests.bench.seek import SEEK, SEEKS
from tests.bench.stats import Row
from tests.bench.steps import press, ready
from tests.bench.terminal import Terminal


def memory() -> list[Row]:
    """Compares the peaks: the engine with torch alone, the app with an empty app and torch together."""
    _, python = fresh("")
    _, torch = fresh("import torch")
    _, product = fresh("import torch; x, w = torch.rand(4096, 4096), torch.rand(4096, 4096); y = x @ w")
    _, walk = fresh(SEEK.format(seeks=SEEKS))
    with Terminal(EMPTY) as empty:
        empty.until(lambda screen: screen.full)
    with Terminal(MATMUL) as opened:
        opened.until(useful)
    with Terminal(MATMUL) as stepped:
        stepped.until(ready)
        for _ in range(STEPS // 4):
            press(stepped)
    both = torch + empty.peak - python
    return [
        Row("peak memory, first paint", opened.peak, "MB", empty.peak, "an empty Textual app"),
        Row(
            "peak memory, torch there, stepped", stepped.peak, "MB", both, "the empty app and torch imported"
        ),
        Row("peak memory, 4096³ walk and seeks", walk, "MB", product, "the product in plain torch"),
    ]
