"""A program that several devices run together: `dist.all_reduce` and `dist.all_gather`.

Each device runs the same text, with its own number as the name `rank` and their count as `ranks`. They
exchange tensors in these two calls alone, which are those of `torch.distributed.nn.functional`. In one
process they run one after the other, each up to the first exchange whose parts are not there yet. Once all
have reached it, they run again from the start, for a program does the same each time, and go on with the
parts. An all-reduce is a sum of the parts and an all-gather a list of them, recorded like any other call.
In rooms each is a process of its own (`llm_linalg.api.room_devices`).

A gradient flows back to a device's own part from its own result. What the others make of that part is not
in it, as it would be if they exchanged gradients as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from llm_linalg.base.constants import MOST_RANKS
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.capture.limits import Interruption

if TYPE_CHECKING:
    from torch import Tensor

    from llm_linalg.recording.record import Record
    from llm_linalg.recording.recorder import Recorder

MOST_EXCHANGES = 32
DIFFERENT_EXCHANGES = "the devices don't exchange the same: each has to reach every dist call, with one shape"
R = TypeVar("R", bound="Record[Any]")


class DevicePart(NamedTuple):
    """What a device hands over in an exchange."""

    call: str  # the name of the call
    tensor: Tensor  # a copy of the device's part
    name: str  # what the program calls it


Parts = tuple[Sequence["Tensor"], str]
"""The parts of all devices, and what the first calls its own."""


def _alone(own: DevicePart) -> Parts:
    return [own.tensor], own.name


class LocalDevice:
    """One of several devices, as the process sees it that runs its program; a single one waits for nobody.

    `exchange` takes its part, and returns those of all.
    """

    def __init__(
        self, rank: int = 0, ranks: int = 1, exchange: Callable[[DevicePart], Parts] = _alone
    ) -> None:
        self.rank, self.ranks = rank, ranks
        self._exchange = exchange
        self._recorder: Recorder | None = None

    def connect(self, recorder: Recorder) -> None:
        """Take what records its calls."""
        self._recorder = recorder

    def leave(self) -> None:
        """Take note that the program has ended: what is asked in its state is asked of one device alone."""
        self._recorder, self._exchange = None, _alone

    @property
    def module(self) -> ModuleType:
        """What its program has under the name `dist`."""
        module: Any = ModuleType("dist", "What devices exchange, as in `torch.distributed.nn.functional`.")
        module.all_reduce, module.all_gather = self.all_reduce, self.all_gather
        return module  # type: ignore[no-any-return]

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Wait for all devices, and return copies of their tensors, in the order of their numbers."""
        return self._parts("all_gather", tensor)

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Wait for all devices, and return the sum of their tensors."""
        return reduce(add, self._parts("all_reduce", tensor))  # the additions are recorded

    def _parts(self, call: str, tensor: Tensor) -> list[Tensor]:
        recorder = self._recorder
        node = recorder.node_of(tensor) if recorder else None
        name = node.bound_name or "part" if node else "part"
        others, title = self._exchange(DevicePart(call, _copy(tensor, detached=True), name))
        parts = [_copy(tensor if rank == self.rank else part) for rank, part in enumerate(others)]
        for rank, part in enumerate(parts):
            if recorder is not None and rank != self.rank:
                recorder.label(part, f"{title}_{rank}", f"{title} on device {rank}")
            elif recorder is not None and node is not None:
                recorder.adopt(part, node)
        return parts


def _copy(tensor: Tensor, *, detached: bool = False) -> Tensor:
    """Return a copy with memory of its own: devices don't see what the others write."""
    with untraced():
        return (tensor.detach() if detached else tensor).clone()


class _Rerun:
    """One run of a device, up to the first exchange whose parts are not there."""

    def __init__(self, known: Sequence[Sequence[DevicePart]]) -> None:
        self._known = iter(known)
        self.missing: DevicePart | None = None

    def exchange(self, own: DevicePart) -> Parts:
        """Return the parts of an exchange."""
        parts = next(self._known, None)
        if parts is None:
            self.missing = self.missing or own
            raise Interruption(ProgramError("the other devices are not here yet"))
        return [part.tensor for part in parts], parts[0].name


def run_together(
    run: Callable[[LocalDevice, Mapping[str, Any]], R], names: Mapping[str, Any], ranks: int
) -> tuple[R, ...]:
    """Run a program on several devices in this process.

    Returns:
        The record of each device.

    Raises:
        ProgramError: If it fails on one of them, or they don't all make the same exchanges.
    """
    if not 1 <= ranks <= MOST_RANKS:
        raise ProgramError(f"a program runs on 1 to {MOST_RANKS} devices, not {ranks}")
    known: list[Sequence[DevicePart]] = []
    while len(known) <= MOST_EXCHANGES:
        records, missing = [], []
        for rank in range(ranks):
            rerun = _Rerun(known)
            try:
                device = LocalDevice(rank, ranks, rerun.exchange)
                records.append(run(device, {**names, "rank": rank, "ranks": ranks}))
            except ProgramError:
                if rerun.missing is None:
                    raise
            if rerun.missing is not None:
                missing.append(rerun.missing)
        if not missing:
            return tuple(records)
        kinds = {(own.call, own.tensor.shape, own.tensor.dtype) for own in missing}
        if len(missing) < ranks or len(kinds) > 1:
            raise ProgramError(DIFFERENT_EXCHANGES)
        known.append(missing)
    raise ProgramError(f"the devices exchange more than {MOST_EXCHANGES} times")


def trace_of_rank(traces: Sequence[R], names: Mapping[str, Any]) -> R:
    """Return the trace of the device whose number the name `rank` gives; it holds those of all devices.

    Raises:
        ProgramError: If there is no such device.
    """
    rank = names.get("rank", 0)
    if not isinstance(rank, int) or not 0 <= rank < len(traces):
        raise ProgramError(f"the devices are 0 to {len(traces) - 1}: there is no rank {rank!r:.40}")
    traces[rank].ranks = tuple(traces)
    return traces[rank]
