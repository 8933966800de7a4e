"""Run one device as a process of its own, which the app starts.

`python -m llm_linalg.api.device_process FOLDER RANK` reads the job from the folder and writes its answer
there. The devices rendezvous through a file in it and exchange tensors by `torch.distributed` with gloo, over
the machine's loopback. A device exits when its parent closes its standard input, so none is left behind.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from llm_linalg.base.errors import ProgramError

if TYPE_CHECKING:
    from torch import Tensor

    from llm_linalg.recording.record import Record
    from llm_linalg.recording.recorder import Recorder

JOB = "job.json"
MOST_CELLS = 4096  # of a tensor in the answer
PATIENCE = timedelta(seconds=60)
DeviceValues = dict[str, dict[str, Any]]


def answer_of(rank: int) -> str:
    """Return the name of the file that holds a device's answer."""
    return f"rank-{rank}.json"


def available() -> bool:
    """Return whether this torch can exchange tensors between processes."""
    from torch import distributed

    return bool(distributed.is_available()) and bool(distributed.is_gloo_available())


def values_by_name(trace: Record[Any]) -> DeviceValues:
    """Return shape, dtype and values of the small tensors that have a name in a program."""
    return {
        name: {
            "shape": list(node.shape),
            "dtype": node.dtype,
            "values": _real(node.value).reshape(-1).tolist(),
        }
        for name, node in sorted(trace.names.items())
        if node.value.numel() <= MOST_CELLS
    }


def _real(value: Tensor) -> Tensor:
    """Return complex numbers as pairs of real ones, which JSON has; other tensors as they are."""
    import torch

    return torch.view_as_real(value.resolve_conj()) if value.is_complex() else value


class _Process:
    """The process group, as this process sees it."""

    def __init__(self, rank: int, ranks: int) -> None:
        self.rank, self.ranks = rank, ranks

    def connect(self, recorder: Recorder, charge_copy: Callable[[int], None]) -> None:
        """Do nothing: a tensor that comes from another process is an input."""

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Return the sum over the processes (all-reduce)."""
        from torch import distributed

        from llm_linalg.base.untraced import untraced

        with untraced():  # the exchange is not part of the trace, only its result
            total = tensor.clone()  # the gradient flows to this process's own part, unchanged
            distributed.all_reduce(total.data)
        return total

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors of all processes, by rank (all-gather)."""
        from torch import distributed

        from llm_linalg.base.untraced import untraced

        with untraced():
            own = tensor.detach().contiguous()
            parts = [own.new_empty(own.shape) for _ in range(self.ranks)]
            distributed.all_gather(parts, own)
            parts[self.rank] = tensor.clone()
        return parts


def run(job: Mapping[str, Any], folder: Path, rank: int) -> dict[str, Any]:
    """Run a job as one of its devices; return its values, or its error's message."""
    from torch import distributed

    from llm_linalg.api.run import EXPLANATIONS
    from llm_linalg.language.execute import execute
    from llm_linalg.recording.record_node import RecordNode

    ranks = int(job["ranks"])
    meeting = (folder / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=ranks, timeout=PATIENCE)
    try:
        names = {**job["names"], "rank": rank, "ranks": ranks}
        trace = execute(
            job["source"],
            job["seed"],
            names,
            EXPLANATIONS,
            group=_Process(rank, ranks),
            node_type=RecordNode,
            seconds=job.get("seconds"),
        )
        distributed.barrier()  # nobody leaves while another still reads
    except ProgramError as error:
        return {"error": error.message}
    finally:
        distributed.destroy_process_group()
    return {"told": values_by_name(trace)}


def main() -> int:
    """Run the device that the command line names, and return the exit code."""
    folder, rank = Path(sys.argv[1]), int(sys.argv[2])
    Thread(target=_end_with_the_input, daemon=True).start()
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    answer = run(job, folder, rank)
    (folder / answer_of(rank)).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _end_with_the_input() -> None:
    """Exit when the parent process closes standard input."""
    while os.read(sys.stdin.fileno(), 1024):  # unbuffered: a buffer's lock would block Python's exit
        pass
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
