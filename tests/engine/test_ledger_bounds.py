"""What a recording does beside the calls: a write goes through no other names, and renewals are bounded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from llm_linalg import ProgramError, Trace
from llm_linalg.capture.limits import Counts, Limits
from llm_linalg.recording import tensor_index
from llm_linalg.recording.record_node import Origin
from llm_linalg.recording.recorder import Recorder
from llm_linalg.recording.tensor_index import FEW_CELLS, FEW_NAMES
from tests.engine.here import run

if TYPE_CHECKING:
    from types import FrameType

    from llm_linalg.api.trace import Trace

SHARED = (
    "x = torch.zeros({size})\n{views}, = x.expand({count}, {size})\nfor i in range({writes}):\n    x[i] = 1\n"
)


def shared(count: int, writes: int, size: int = 0) -> str:
    """Returns a program with so many names that see a memory, after so many writes into it."""
    views = ", ".join(f"v{place}" for place in range(count))
    return SHARED.format(count=count, writes=writes, size=size or writes, views=views)


def renewed(trace: Trace) -> int:
    return sum(node.op == "alias" for node in trace.nodes)


def failed(program: str) -> Trace:
    with pytest.raises(ProgramError) as caught:
        run(program)
    assert isinstance(caught.value.trace, Trace)
    return caught.value.trace


def lines_of_writes(names: int, *, own: bool) -> int:
    """Returns how many lines of the ledger are run while a tensor is written some times."""
    recorder = Recorder(Origin)
    written, other = torch.zeros(3), torch.zeros(3)
    recorder.bind("x", written)
    for place in range(names):
        recorder.bind(f"v{place}", written if own else other)
    made = [0]

    def seen(frame: FrameType, event: str, _what: Any) -> Any:
        if frame.f_code.co_filename != tensor_index.__file__:
            return None
        made[0] += event == "line"
        return seen

    before = sys.gettrace()
    with recorder:
        written += 1  # the first two of a kind take longer
        written += 1
        sys.settrace(seen)
        try:
            for _ in range(10):
                written += 1
        finally:
            sys.settrace(before)
    return made[0]


@pytest.mark.parametrize("own", [True, False])
def test_a_write_takes_as_long_whatever_has_names(*, own: bool) -> None:
    assert 0 < lines_of_writes(2_000, own=own) == lines_of_writes(2, own=own)


def test_a_written_tensor_is_called_by_its_name_that_was_bound_first() -> None:
    trace = run("a = torch.zeros(2)\nb = torch.ones(2)\na = b\nb += 1")
    assert [node.bound_name for node in trace.nodes] == ["a", "b", "a"]
    assert trace.names["a"] is trace.names["b"] is trace.nodes[2]


def test_a_name_that_means_another_tensor_by_now_is_no_name_of_the_first() -> None:
    trace = run("a = torch.zeros(2)\nb = a\na = torch.ones(2)\nb += 1\nb += 1\na += 1\na = b\nb += 1\nc = a")
    assert [node.bound_name for node in trace.nodes] == ["a", "a", "b", "b", "a", "a"]
    assert {name: node.index for name, node in trace.names.items()} == {"a": 5, "b": 5, "c": 5}


def test_a_name_bound_after_the_last_write_means_what_the_others_do() -> None:
    trace = run("a = torch.zeros(2)\na += 1\nb = a\nc = b[:1]\nb[0] = 5\nd = a")
    assert {name: node.value.tolist() for name, node in trace.names.items()} == {
        "a": [5, 1],
        "b": [5, 1],
        "c": [5],
        "d": [5, 1],
    }


def test_at_the_end_all_names_show_what_they_hold() -> None:
    trace = run(shared(3 * FEW_NAMES, 4))
    assert renewed(trace) == 3 * FEW_NAMES
    assert all(node.value.tolist() == [1, 1, 1, 1] for node in trace.names.values())
    assert [node.bound_name for node in trace.nodes[-2:]] == ["v58", "v59"]


def test_when_a_run_failed_few_names_are_looked_after() -> None:
    trace = failed(shared(3 * FEW_NAMES, 4) + "now")
    assert renewed(trace) == FEW_NAMES
    shown = [trace.names[f"v{place}"].value.tolist() for place in range(3 * FEW_NAMES)]
    assert shown == FEW_NAMES * [[1, 1, 1, 1]] + 2 * FEW_NAMES * [[0, 0, 0, 0]]


def test_when_a_run_failed_large_tensors_are_not_looked_at() -> None:
    trace = failed(shared(2, 2, FEW_CELLS) + "y = torch.zeros(2)\nz = y[:1]\ny[0] = 1\nnow")
    assert renewed(trace) == 1
    assert trace["z"].value.tolist() == [1]


def test_a_failed_run_is_not_held_against_its_counts_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_counts: Counts, _memory: int, _writers: int) -> None:
        raise AssertionError

    monkeypatch.setattr(Counts, "charge_alias_update", never)
    assert renewed(failed(shared(2, 2) + "now")) == 2


class Counting(Counts):
    """Counts that note what renewals are charged."""

    renewals: list[tuple[int, int]]

    def charge_alias_update(self, memory: int, writers: int) -> None:
        self.renewals.append((memory, writers))
        Counts.charge_alias_update(self, memory, writers)


@pytest.mark.parametrize("writes", [1, 2, 60])
def test_a_renewal_is_charged_with_its_writers(writes: int) -> None:
    counts = Counting(Limits())
    counts.renewals = []
    recorder = Recorder(Origin, counts)
    with recorder:
        x = torch.zeros(60)
        view, parts = x.view(60), x.view(60, 1).unbind()
        for part in parts[:writes]:
            part.add_(1)
        assert view.sum() == writes
    (node,) = [node for node in recorder.nodes if node.op == "alias"]
    assert len(node.operands) == 1 + writes
    assert counts.renewals == [(60, writes)]
