"""A program that several devices run together, each on its part: ``dist.all_reduce`` and ``dist.all_gather``.

Each device runs the same text, with its own number as the name ``rank`` and how many there are as ``ranks``.
What they exchange they exchange at these two calls, which are `torch.distributed.nn.functional`'s. In one
process the devices run in turn: each up to such a call, where it waits for the others' parts. There an
all-reduce is a sum of blocks and an all-gather a list of them, in the trace like any other.
`llm_linalg.api.device_process` is one device that is a process of its own.

A gradient goes back to a device's own part, from its own result: what the others make of that part is not in
it, as it would be if they exchanged gradients, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, reduce
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from llm_linalg.base.constants import MOST_RANKS
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.language.pausable import PausableThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from llm_linalg.recording.record import Record
    from llm_linalg.recording.recorder import Recorder

MOST_EXCHANGES = 32
R = TypeVar("R", bound="Record[Any]")
Run = Callable[[Mapping[str, Any], "LocalDevice"], "Record[Any]"]


class DeviceGroup(Protocol):
    """The devices that run a program together, as one of them sees them.

    Attributes:
        rank: Its own number.
        ranks: How many there are.
    """

    rank: int
    ranks: int

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Return the sum of what each device gives."""

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Return what each device gives, in the order of their numbers."""

    def connect(self, recorder: Recorder, charge_copy: Callable[[int], None]) -> None:
        """Be told what the device's calls are recorded by, and what counts cells that are to be filled."""


_GROUP: ContextVar[DeviceGroup | None] = ContextVar("group", default=None)


def current_group() -> DeviceGroup:
    """Return the group that the program at hand is a part of: itself, if it has no other."""
    return _GROUP.get() or LocalDevice()


def all_reduce(tensor: Tensor) -> Tensor:
    """Return the sum of the devices' tensors: each of them gets it."""
    return current_group().all_reduce(tensor)


def all_gather(tensor: Tensor) -> list[Tensor]:
    """Return the devices' tensors: each of them gets all."""
    return current_group().all_gather(tensor)


@contextmanager
def in_group(group: DeviceGroup) -> Iterator[None]:
    """Let a program that is run meanwhile be one device of a group."""
    token = _GROUP.set(group)
    try:
        yield
    finally:
        _GROUP.reset(token)


def sum_parts(parts: Sequence[Tensor]) -> Tensor:
    """Return the sum of what each device gave, as calls that are recorded."""
    return reduce(add, parts)


class LocalDevice:
    """One of several devices that run in turn in one process; or one alone, which waits for nobody.

    Attributes:
        rank: Its number.
        ranks: How many there are.
        asked: What it gave for the others, and waits for theirs; None while it does not wait.
        parts: What each device gave, once all have.
        name: What the first one calls that.
        left: Whether nobody waits for what it does any more.
    """

    def __init__(self, rank: int = 0, ranks: int = 1) -> None:
        self.rank, self.ranks = rank, ranks
        self._recorder: Recorder | None = None
        self._charge_copy: Callable[[int], None] = lambda _: None
        self._pause: Callable[[], None] = lambda: exchange([self])
        self.pending: PendingExchange | None = None
        self.parts: Sequence[Tensor] = ()
        self.name = ""
        self.is_cancelled = False

    def on_pause(self, pause: Callable[[], None]) -> None:
        """Be told how it lets the others go on."""
        self._pause = pause

    def connect(self, recorder: Recorder, charge_copy: Callable[[int], None]) -> None:
        """Be told what its calls are recorded by, and what counts the cells that are copied for it."""
        self._recorder, self._charge_copy = recorder, charge_copy

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Return what each device gives, once all have: copies of its own tensor and the others'.

        Raises:
            Left: If nobody waits for this device any more.
            LimitError: If there is no room for the copies.
        """
        return self._exchange("all_gather", tensor)

    def all_reduce(self, tensor: Tensor) -> Tensor:
        """Return the sum of what each device gives; raises what `all_gather` does."""
        return sum_parts(self._exchange("all_reduce", tensor))

    def _exchange(self, call: str, tensor: Tensor) -> list[Tensor]:
        recorder = self._recorder
        node = recorder.node_of(tensor) if recorder else None
        given = self._copy(tensor, alone=True)
        self.pending = PendingExchange(call, given, node.bound_name or "part" if node else "part")
        self._wait()
        parts = [self._copy(tensor if rank == self.rank else part) for rank, part in enumerate(self.parts)]
        for rank, part in enumerate(parts):
            if recorder is not None and rank != self.rank:
                recorder.label(part, f"{self.name}_{rank}")
            elif recorder is not None and node is not None:
                recorder.adopt(part, node)
        return parts

    def _wait(self) -> None:
        """Let the others go on until all have given something."""
        while self.pending is not None:
            self._pause()

    def _copy(self, tensor: Tensor, *, alone: bool = False) -> Tensor:
        """Return a copy, to which what is written is written nowhere else; alone, without its way back."""
        self._charge_copy(tensor.numel())
        with untraced():
            return (tensor.detach() if alone else tensor).clone()


class PendingExchange(NamedTuple):
    """What a device gave for the others: for which call, a copy of the tensor, and what it calls that."""

    call: str
    tensor: Tensor
    name: str


def run_in_turn(run: Run, names: Mapping[str, Any], ranks: int) -> tuple[Record[Any], ...]:
    """Run a program on several devices in one process.

    Args:
        run: Runs it once, with some names, as one of a group.
        names: Names that all devices have.
        ranks: How many there are.

    Returns:
        The trace of each.

    Raises:
        ProgramError: If it fails on one of them, or they don't exchange the same things.
    """
    if not 1 <= ranks <= MOST_RANKS:
        raise ProgramError(f"a program runs on 1 to {MOST_RANKS} devices, not {ranks}")
    devices = [LocalDevice(rank, ranks) for rank in range(ranks)]
    turns = [
        PausableThread(partial(run, {**names, "rank": rank, "ranks": ranks}, device))
        for rank, device in enumerate(devices)
    ]
    for device, turn in zip(devices, turns, strict=True):
        device.on_pause(turn.pause)
    exchanges = 0
    try:
        while not all(turn.has_ended for turn in turns):
            pairs = zip(turns, devices, strict=True)
            going = [
                (turn, device) for turn, device in pairs if not turn.has_ended and device.pending is None
            ]
            for turn, _ in going:
                turn.resume()
            if going:
                continue
            exchange(devices)
            exchanges += 1
            if exchanges > MOST_EXCHANGES:
                raise ProgramError(f"the devices exchange more than {MOST_EXCHANGES} times")
        return tuple([turn.result for turn in turns])
    finally:
        for device, turn in zip(devices, turns, strict=True):
            device.is_cancelled = True
            turn.cancel()


def exchange(devices: Sequence[LocalDevice]) -> None:
    """Let each device have what all gave.

    Raises:
        ProgramError: If one gave nothing, or something of another shape, or for another call.
    """
    pending = [device.pending for device in devices if device.pending is not None]
    kinds = {(call, tensor.shape, tensor.dtype) for call, tensor, _ in pending}
    if len(pending) < len(devices) or len(kinds) > 1:
        raise ProgramError(
            "the devices don't exchange the same: each has to reach every dist call, with one shape"
        )
    for device in devices:
        device.parts, device.name, device.pending = [one.tensor for one in pending], pending[0].name, None


def trace_of_rank(traces: Sequence[R], names: Mapping[str, Any]) -> R:
    """Return the trace of the device that the names ask for, with all of them.

    Raises:
        ProgramError: If there is no such device.
    """
    rank = names.get("rank", 0)
    if not isinstance(rank, int) or not 0 <= rank < len(traces):
        raise ProgramError(f"the devices are 0 to {len(traces) - 1}: there is no rank {rank!r:.40}")
    traces[rank].ranks = tuple(traces)
    return traces[rank]
