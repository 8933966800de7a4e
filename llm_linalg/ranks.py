"""A program that several devices run together, each on its part: ``dist.all_reduce`` and ``dist.all_gather``.

Each device runs the same text, with its own number as the name ``rank`` and how many there are as ``ranks``.
What they exchange they exchange at these two calls, which are `torch.distributed.nn.functional`'s. In one
process the devices are run in turn: each up to a call for which the others' parts are not there yet, and
again when they are. There an all-reduce is a sum of blocks and an all-gather a list of them, in the trace
like any other. `llm_linalg.rank` is one device that is a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from llm_linalg.errors import ProgramError
from llm_linalg.vocabulary import MOST_RANKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from llm_linalg.recorder import Recorder
    from llm_linalg.tracing import Trace

MOST_EXCHANGES = 32
Run = Callable[[Mapping[str, Any], "Group"], "Trace"]


class Group(Protocol):
    """The devices that run a program together, as one of them sees them."""

    def reduced(self, tensor: Tensor) -> Tensor:
        """Return the sum of what each device gives."""

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Return what each device gives, in the order of their numbers."""

    def records(self, recorder: Recorder) -> None:
        """Be told which recorder the device's calls are recorded by."""


class Alone:
    """One device: there is nobody to exchange anything with."""

    def reduced(self, tensor: Tensor) -> Tensor:
        """Return the tensor itself."""
        return tensor

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensor alone."""
        return [tensor]

    def records(self, recorder: Recorder) -> None:
        """Nothing has to be recorded."""


_GROUP: ContextVar[Group | None] = ContextVar("group", default=None)


def all_reduce(tensor: Tensor) -> Tensor:
    """Return the sum of the devices' tensors: each of them gets it."""
    return (_GROUP.get() or Alone()).reduced(tensor)


def all_gather(tensor: Tensor) -> list[Tensor]:
    """Return the devices' tensors: each of them gets all."""
    return (_GROUP.get() or Alone()).gathered(tensor)


@contextmanager
def joined(group: Group) -> Iterator[None]:
    """Let a program that is run meanwhile be one device of a group."""
    token = _GROUP.set(group)
    try:
        yield
    finally:
        _GROUP.reset(token)


class _Waiting(Exception):  # noqa: N818  a way out of a program, not an error
    """A device can't go on: it has given its tensor, and the others' are not there yet."""

    def __init__(self, tensor: Tensor, name: str) -> None:
        super().__init__()
        self.tensor = tensor
        self.name = name


class _InTurn:
    """One of several devices that are run in turn in one process.

    Args:
        rank: Its number.
        past: For each exchange that is known, what each device gave, and what the first one calls it.
    """

    def __init__(self, rank: int, past: Sequence[tuple[Sequence[Tensor], str]]) -> None:
        self._rank = rank
        self._past = past
        self._count = 0
        self._recorder: Recorder | None = None

    def records(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        node = None if self._recorder is None else self._recorder.node_of(tensor)
        if self._count == len(self._past):
            raise _Waiting(tensor.detach(), node.bound_name or "part" if node else "part")
        given, name = self._past[self._count]
        self._count += 1
        parts = list(given)
        for rank, part in enumerate(parts):
            if self._recorder is not None and rank != self._rank:
                self._recorder.label(part, f"{name}_{rank}")
        parts[self._rank] = tensor
        return parts

    def reduced(self, tensor: Tensor) -> Tensor:
        first, *others = self.gathered(tensor)
        for part in others:
            first = first + part
        return first


def in_turn(run: Run, names: Mapping[str, Any], ranks: int) -> tuple[Trace, ...]:
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
    past: list[tuple[list[Tensor], str]] = []
    while len(past) <= MOST_EXCHANGES:
        traces: list[Trace] = []
        waiting: list[_Waiting] = []
        for rank in range(ranks):
            try:
                traces.append(run({**names, "rank": rank, "ranks": ranks}, _InTurn(rank, past)))
            except _Waiting as wait:
                waiting.append(wait)
        if not waiting:
            return tuple(traces)
        if traces or len({(wait.tensor.shape, wait.tensor.dtype) for wait in waiting}) > 1:
            raise ProgramError(
                "the devices don't exchange the same: each has to reach every dist call, with one shape"
            )
        past.append(([wait.tensor for wait in waiting], waiting[0].name))
    raise ProgramError(f"the devices exchange more than {MOST_EXCHANGES} times")


def chosen(traces: Sequence[Trace], names: Mapping[str, Any]) -> Trace:
    """Return the trace of the device that the names ask for, with all of them.

    Raises:
        ProgramError: If there is no such device.
    """
    rank = names.get("rank", 0)
    if not isinstance(rank, int) or not 0 <= rank < len(traces):
        raise ProgramError(f"the devices are 0 to {len(traces) - 1}: there is no rank {rank!r:.40}")
    traces[rank].ranks = tuple(traces)
    return traces[rank]
