"""A program that several devices run together: `dist.all_reduce` and `dist.all_gather`.

Each device runs the same text, with its own number as the name `rank` and their count as `ranks`. They
exchange tensors in these two calls alone, which are those of `torch.distributed.nn.functional`. In one
process the devices take turns: each runs up to such a call, and waits there for the others. An all-reduce
is then a sum of the parts and an all-gather a list of them, recorded like any other call.
In rooms each is a process of its own (`llm_linalg.api.room_devices`).

A gradient flows back to a device's own part from its own result. What the others make of that part is not
in it, as it would be if they exchanged gradients as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, reduce
from operator import add
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from llm_linalg.base.constants import MOST_RANKS
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.capture.pausable import PausableThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from llm_linalg.recording.record import Record
    from llm_linalg.recording.recorder import Recorder

MOST_EXCHANGES = 32
DIFFERENT_EXCHANGES = "the devices don't exchange the same: each has to reach every dist call, with one shape"
R = TypeVar("R", bound="Record[Any]")
Run = Callable[["LocalDevice", Mapping[str, Any]], "Record[Any]"]


class DeviceGroup(Protocol):
    """The devices that run a program together, as one of them sees them.

    Attributes:
        rank: The number of this device.
        ranks: How many devices there are.
    """

    rank: int
    ranks: int

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Return the sum of the devices' tensors."""

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Return the devices' tensors, in the order of their numbers."""

    def connect(self, recorder: Recorder, charge_copy: Callable[[int], None]) -> None:
        """Take what records this device's calls, and what charges the elements that are copied for it."""


_GROUP: ContextVar[DeviceGroup | None] = ContextVar("group", default=None)


def all_reduce(tensor: Tensor) -> Tensor:
    """Return the sum of the devices' tensors."""
    return _current_group().all_reduce(tensor)


def all_gather(tensor: Tensor) -> list[Tensor]:
    """Return the devices' tensors, in the order of their numbers."""
    return _current_group().all_gather(tensor)


DIST = ModuleType("dist", "What devices exchange, as in `torch.distributed.nn.functional`.")
DIST.all_reduce, DIST.all_gather = all_reduce, all_gather  # type: ignore[attr-defined]


def _current_group() -> DeviceGroup:
    return _GROUP.get() or LocalDevice()


@contextmanager
def in_group(group: DeviceGroup) -> Iterator[None]:
    """Make the program that runs within the context one device of a group."""
    token = _GROUP.set(group)
    try:
        yield
    finally:
        _GROUP.reset(token)


class PendingExchange(NamedTuple):
    """An exchange that a device waits for.

    Attributes:
        call: The name of the call.
        tensor: A copy of the device's part.
        name: What the program calls it.
    """

    call: str
    tensor: Tensor
    name: str


class LocalDevice:
    """One of several devices that take turns in this process, or a single one, which waits for nobody.

    Attributes:
        rank: Its number.
        ranks: How many devices there are.
        pending: The exchange that it waits for.
        parts: The parts of all devices, after an exchange.
        part_name: What the first device calls its part.
    """

    def __init__(self, rank: int = 0, ranks: int = 1) -> None:
        self.rank, self.ranks = rank, ranks
        self.pending: PendingExchange | None = None
        self.parts: Sequence[Tensor] = ()
        self.part_name = ""
        self._recorder: Recorder | None = None
        self._charge_copy: Callable[[int], None] = lambda _: None
        self._pause: Callable[[], None] | None = None  # a device without others goes on at once

    def on_pause(self, pause: Callable[[], None]) -> None:
        """Take what lets the other devices run."""
        self._pause = pause

    def connect(self, recorder: Recorder, charge_copy: Callable[[int], None]) -> None:
        """Take what records its calls, and what charges the elements that are copied for it."""
        self._recorder, self._charge_copy = recorder, charge_copy

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Wait for all devices, and return copies of their tensors.

        Raises:
            Cancelled: If the run has ended on another device.
            LimitError: If the budget has no room for the copies.
        """
        return self._exchange("all_gather", tensor)

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Wait for all devices, and return the sum of their tensors; raises what `all_gather` does."""
        return reduce(add, self._exchange("all_reduce", tensor))  # the additions are recorded

    def _exchange(self, call: str, tensor: Tensor) -> list[Tensor]:
        recorder = self._recorder
        node = recorder.node_of(tensor) if recorder else None
        name = node.bound_name or "part" if node else "part"
        self.pending = PendingExchange(call, self._copy(tensor, detached=True), name)
        self._wait()
        parts = [self._copy(tensor if rank == self.rank else part) for rank, part in enumerate(self.parts)]
        for rank, part in enumerate(parts):
            if recorder is not None and rank != self.rank:
                recorder.label(part, f"{self.part_name}_{rank}", f"{self.part_name} on device {rank}")
            elif recorder is not None and node is not None:
                recorder.adopt(part, node)
        return parts

    def _wait(self) -> None:
        while self.pending is not None:
            if self._pause is None:
                exchange([self])
            else:
                self._pause()

    def _copy(self, tensor: Tensor, *, detached: bool = False) -> Tensor:
        """Return a copy with memory of its own: devices don't see what the others write."""
        self._charge_copy(tensor.numel())
        with untraced():
            return (tensor.detach() if detached else tensor).clone()


def run_in_turn(run: Run, names: Mapping[str, Any], ranks: int) -> tuple[Record[Any], ...]:
    """Run a program on several devices in this process.

    Args:
        run: Runs it on one device, with some names.
        names: The names that all devices have.
        ranks: How many devices there are.

    Returns:
        The record of each device.

    Raises:
        ProgramError: If it fails on one of them, or they don't all make the same exchanges.
    """
    if not 1 <= ranks <= MOST_RANKS:
        raise ProgramError(f"a program runs on 1 to {MOST_RANKS} devices, not {ranks}")
    devices = [LocalDevice(rank, ranks) for rank in range(ranks)]
    threads = [
        PausableThread(partial(run, device, {**names, "rank": device.rank, "ranks": ranks}))
        for device in devices
    ]
    for device, thread in zip(devices, threads, strict=True):
        device.on_pause(thread.pause)
    exchanges = 0
    try:
        while not all(thread.has_ended for thread in threads):
            pairs = zip(threads, devices, strict=True)
            ready = [thread for thread, device in pairs if not thread.has_ended and device.pending is None]
            for thread in ready:
                thread.resume()
            if ready:
                continue
            exchange(devices)
            exchanges += 1
            if exchanges > MOST_EXCHANGES:
                raise ProgramError(f"the devices exchange more than {MOST_EXCHANGES} times")
        return tuple([thread.result for thread in threads])
    finally:
        for thread in threads:
            thread.cancel()


def exchange(devices: Sequence[LocalDevice]) -> None:
    """Give each device the parts of all.

    Raises:
        ProgramError: If one has no part, or one for another call or of another shape.
    """
    pending = [device.pending for device in devices if device.pending is not None]
    kinds = {(call, tensor.shape, tensor.dtype) for call, tensor, _ in pending}
    if len(pending) < len(devices) or len(kinds) > 1:
        raise ProgramError(DIFFERENT_EXCHANGES)
    for device in devices:
        device.parts, device.part_name = [part.tensor for part in pending], pending[0].name
        device.pending = None


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
