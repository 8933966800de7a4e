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
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial, reduce
from operator import add
from threading import Semaphore
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from torch import get_num_threads, set_num_threads

from llm_linalg.base.constants import MOST_RANKS
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.rng import restore_rng
from llm_linalg.base.untraced import untraced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from llm_linalg.recording.record import Record
    from llm_linalg.recording.recorder import Recorder

MOST_EXCHANGES = 32
DIFFERENT_EXCHANGES = "the devices don't exchange the same: each has to reach every dist call, with one shape"
R = TypeVar("R", bound="Record[Any]")


_DEVICE: ContextVar[LocalDevice | None] = ContextVar("device", default=None)


def all_reduce(tensor: Tensor) -> Tensor:
    """Return the sum of the devices' tensors."""
    return _current_device().all_reduce(tensor)


def all_gather(tensor: Tensor) -> list[Tensor]:
    """Return the devices' tensors, in the order of their numbers."""
    return _current_device().all_gather(tensor)


DIST = ModuleType("dist", "What devices exchange, as in `torch.distributed.nn.functional`.")
DIST.all_reduce, DIST.all_gather = all_reduce, all_gather  # type: ignore[attr-defined]


def _current_device() -> LocalDevice:
    return _DEVICE.get() or LocalDevice()


@contextmanager
def on_device(device: LocalDevice) -> Iterator[None]:
    """Make the program that runs within the context run on a device."""
    token = _DEVICE.set(device)
    try:
        yield
    finally:
        _DEVICE.reset(token)


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
    """One of several devices, as the process sees it that runs its program; a single one waits for nobody.

    Args:
        rank: Its number.
        ranks: How many devices there are.
        wait: Lets the other devices run, or asks them, until an exchange is made.

    Attributes:
        pending: The exchange that it waits for.
        parts: The parts of all devices, after an exchange.
        part_name: What the first device calls its part.
    """

    def __init__(
        self, rank: int = 0, ranks: int = 1, wait: Callable[[LocalDevice], None] | None = None
    ) -> None:
        self.rank, self.ranks = rank, ranks
        self.pending: PendingExchange | None = None
        self.parts: Sequence[Tensor] = ()
        self.part_name = ""
        self._recorder: Recorder | None = None
        self._charge_copy: Callable[[int], None] = lambda _: None
        self._wait = wait or (lambda device: exchange([device]))

    def connect(self, recorder: Recorder, charge_copy: Callable[[int], None]) -> None:
        """Take what records its calls, and what charges the elements that are copied for it."""
        self._recorder, self._charge_copy = recorder, charge_copy

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        """Wait for all devices, and return copies of their tensors.

        Raises:
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
        self._wait(self)
        parts = [self._copy(tensor if rank == self.rank else part) for rank, part in enumerate(self.parts)]
        for rank, part in enumerate(parts):
            if recorder is not None and rank != self.rank:
                recorder.label(part, f"{self.part_name}_{rank}", f"{self.part_name} on device {rank}")
            elif recorder is not None and node is not None:
                recorder.adopt(part, node)
        return parts

    def _copy(self, tensor: Tensor, *, detached: bool = False) -> Tensor:
        """Return a copy with memory of its own: devices don't see what the others write."""
        self._charge_copy(tensor.numel())
        with untraced():
            return (tensor.detach() if detached else tensor).clone()


class _Cancelled(Exception):  # noqa: N818  a way out of a program, not an error
    """Ends a program whose record nobody waits for."""


class _DeviceThread(Generic[R]):
    """A device whose program can pause at any depth of its calls, which a generator can't.

    It sees the context variables of the place that made it, and what the others draw while it pauses does not
    disturb its random numbers.
    """

    def __init__(self, run: Callable[[LocalDevice], R], rank: int, ranks: int, pool: Executor) -> None:
        self.device = LocalDevice(rank, ranks, self._pause)
        self.has_ended = self._is_cancelled = False
        self._its_turn, self._others_turn = Semaphore(0), Semaphore(0)
        self.record = pool.submit(copy_context().run, self._run, partial(run, self.device), get_num_threads())

    def resume(self) -> None:
        """Run the program until it pauses or ends; raise what it raised."""
        self._its_turn.release()
        self._others_turn.acquire()
        if self.has_ended:
            self.record.result()

    def cancel(self) -> None:
        """End the program at its pause."""
        self._is_cancelled = True
        self._its_turn.release()

    def _pause(self, device: LocalDevice) -> None:
        while device.pending is not None:
            with restore_rng():
                self._others_turn.release()
                self._its_turn.acquire()
            if self._is_cancelled:
                raise _Cancelled

    def _run(self, run: Callable[[], R], torch_threads: int) -> R:
        self._its_turn.acquire()
        try:
            if self._is_cancelled:
                raise _Cancelled
            set_num_threads(torch_threads)  # a new thread starts with one for each processor
            return run()
        finally:
            self.has_ended = True
            self._others_turn.release()


def run_in_turn(
    run: Callable[[LocalDevice, Mapping[str, Any]], R], names: Mapping[str, Any], ranks: int
) -> tuple[R, ...]:
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

    def run_on(device: LocalDevice) -> R:
        return run(device, {**names, "rank": device.rank, "ranks": ranks})

    exchanges = 0
    with ThreadPoolExecutor(ranks) as pool:
        threads = [_DeviceThread(run_on, rank, ranks, pool) for rank in range(ranks)]
        try:
            while running := [thread for thread in threads if not thread.has_ended]:
                ready = [thread for thread in running if thread.device.pending is None]
                for thread in ready:
                    thread.resume()
                if ready:
                    continue
                exchange([thread.device for thread in threads])
                exchanges += 1
                if exchanges > MOST_EXCHANGES:
                    raise ProgramError(f"the devices exchange more than {MOST_EXCHANGES} times")
            return tuple([thread.record.result() for thread in threads])
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
