"""Programs in the room: what they cost above plain Python, and what their processes cost."""

from __future__ import annotations

from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row, middle

ROUNDS = 15
# A program of ten lines, and nodes of one line; a node's cost is that of a run in the room above one that is
# recorded in its own process, by the processor time of both sides.
ROOM = """
import json, os, subprocess, sys, time
from pathlib import Path
start = time.perf_counter()
import torch
imported = time.perf_counter() - start
torch.set_num_threads(1)
from torch.overrides import TorchFunctionMode
from llm_linalg import run
from llm_linalg.api.node import Node
from llm_linalg.api.run import run_text
from llm_linalg.room.room_client import room
from llm_linalg.tracefile.log_reader import Reader

TEN = "\\n".join(["x = torch.ones(4, 4)", *(f"y{n} = x @ x + {n}" for n in range(9))])
NODES = "x = torch.ones(4)\\nfor i in range({nodes}):\\n    y = x + 1\\n"

class Empty(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))

def private(process):
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")) / 1024

def on_processor(process):
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9

def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun

start = time.perf_counter()
run("x = 1")
ready = time.perf_counter() - start
run("import torch._dynamo", seconds=None)  # it waits until all is there

ten, plain, bare, telling, held = [], [], [], [], []
code = compile(TEN, "ten", "exec")
for _ in range({rounds}):
    time.sleep(0.2)  # the next child is made meanwhile, as between two keys
    ten.append(timed(lambda: run(TEN)))
    plain.append(timed(lambda: exec(code, {"torch": torch})))
    bare.append(timed(lambda: subprocess.run([sys.executable, "-I", "-S", "-c", ""])))
for _ in range(3):
    time.sleep(0.2)
    child = room().start({"source": NODES})
    begun = on_processor(child.process)
    child.wait(None)
    told = on_processor(child.process) - begun
    held.append(private(child.process))
    begun = time.thread_time()
    reader = Reader(child.memory, Node)
    while reader.poll():
        pass
    reader.record()
    read = time.thread_time() - begun
    child.close()
    run_text(NODES, own=True)
    begun = time.thread_time()
    run_text(NODES, own=True)
    telling.append((told + read - (time.thread_time() - begun)) / {nodes})
x = torch.ones(4)
with Empty():
    begun = time.thread_time()
    for _ in range(10 * {nodes}):
        x + 1
    call = (time.thread_time() - begun) / (10 * {nodes})
child = room().start({"source": TEN})
child.wait(None)
small = private(child.process)
child.close()
print(json.dumps({"imported": imported, "ready": ready, "ten": ten, "plain": plain, "bare": bare,
                  "telling": min(telling), "call": call, "held": small}))
"""
NODES = 3_000
MOST_CALLS = 30.0  # as long as so many calls of torch that a mode sees
MOST_PRIVATE = 12.0  # MB


def room() -> list[Row]:
    """Runs a short program in the room and plainly, in turn with a start of Python that does nothing."""
    measured = fresh(ROOM.replace("{rounds}", str(ROUNDS)).replace("{nodes}", str(NODES)))
    told = cast("dict[str, float]", measured)
    lists = cast("dict[str, list[float]]", measured)
    above = middle(lists["ten"]) - middle(lists["plain"])
    return [
        Row("a run of ten lines, above plain Python", above * 1000, "ms", middle(lists["bare"]) * 1000,
            "a start of Python that does nothing", most_ratio=1.5),
        Row("telling and reading a node", told["telling"] * 1e6, "µs", told["call"] * 1e6,
            "a call that a mode sees", most_ratio=MOST_CALLS),
        Row("the first program, from nothing", told["ready"] * 1000, "ms", told["imported"] * 1000,
            "importing torch", most_ratio=1.5),
        Row("private memory of a child", told["held"], "MB", 0, "none", most=MOST_PRIVATE),
    ]  # fmt: skip
