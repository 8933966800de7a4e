"""What a recording does beside the calls: which names a write has, and what they show in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from llm_linalg import ProgramError, Trace
from llm_linalg.recording.record_node import Origin
from llm_linalg.recording.recorder import Recorder
from tests.engine.here import run

if TYPE_CHECKING:
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
    trace = run(shared(60, 4))
    assert renewed(trace) == 60
    assert all(node.value.tolist() == [1, 1, 1, 1] for node in trace.names.values())
    assert [node.bound_name for node in trace.nodes[-2:]] == ["v58", "v59"]


def test_when_a_run_failed_all_names_show_what_they_hold() -> None:
    trace = failed(shared(60, 4) + "now")
    assert renewed(trace) == 60
    assert all(trace.names[f"v{place}"].value.tolist() == [1, 1, 1, 1] for place in range(60))


@pytest.mark.parametrize("writes", [1, 2, 60])
def test_a_renewal_reads_its_writers(writes: int) -> None:
    recorder = Recorder(Origin)
    with recorder:
        x = torch.zeros(60)
        view, parts = x.view(60), x.view(60, 1).unbind()
        for part in parts[:writes]:
            part.add_(1)
        assert view.sum() == writes
    (node,) = [node for node in recorder.nodes if node.op == "alias"]
    assert len(node.operands) == 1 + writes
