"""What writes a tensor's memory behind the recorder falsifies no node.

The law: unless a node is marked, its operation on its shown operands gives its shown value.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, library, nn

from llm_linalg import Node, Trace, trace
from llm_linalg.recording import aliasing
from llm_linalg.recording.record_node import OUTSIDE
from tests.common import known

NO_LAW = ("grad", "empty")
"""What is read from a leaf, and cells that nobody has set."""


@library.custom_op("llm_linalg_tests::bump", mutates_args=("x",))
def bump(x: Tensor) -> None:
    """Writes its operand."""
    x.add_(1)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")

    @torch.jit.script
    def scripted(x: Tensor) -> Tensor:
        """Writes its operand, all within C++."""
        return x.fill_(7.0)

    @torch.jit.script
    def scripted_beside(x: Tensor) -> Tensor:
        """Writes its operand, and gives another tensor."""
        x.add_(1)
        return x + 1


def in_thread(write: Callable[[], object]) -> None:
    """Calls a function in another thread."""
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


def write_by_another(y: Tensor, way: str) -> None:
    """Writes a tensor in a way that torch's own types don't tell of."""
    other: Any = y
    if way == "set":
        other.set_(torch.full((3,), 4.0))
    elif way == "storage":
        other.untyped_storage().fill_(0)
    elif way == "DLPack":
        torch.utils.dlpack.from_dlpack(other).fill_(5.0)
    elif way == "operator":
        torch.ops.llm_linalg_tests.bump(other)
    elif way == "overload":
        torch.ops.llm_linalg_tests.bump.default(other)


WAYS: dict[str, Callable[[Tensor], object]] = {
    "numpy": lambda y: np.copyto(y.numpy(), 7.0),
    "array": lambda y: np.asarray(y).fill(6.0),
    "custom op": bump,
    "script": scripted,
    "thread": lambda y: in_thread(lambda: y.fill_(3.0)),
    "transform": torch.vmap(lambda cell: cell.fill_(2.5)),
    "pointer": lambda y: ctypes.memset(y.data_ptr(), 0, 4),
    "data": lambda y: y.data.__setitem__(0, 9.0),
    "list": lambda y: torch._foreach_add_([y, y[:1]], 1.5),
    "recorded": lambda y: y.mul_(2.0),
    "view": lambda y: y[1:].add_(1.0),
    "nobody": id,
    **{
        way: partial(write_by_another, way=way)
        for way in ("set", "storage", "DLPack", "operator", "overload")
    },
}


def broken(made: Trace, nodes: Sequence[Node] | None = None) -> list[str]:
    """Returns the nodes, or those of some, of which the law doesn't hold."""
    found = []
    for node in made.nodes if nodes is None else nodes:
        if node.call is None or node.op in NO_LAW:
            continue
        again = node.call.replay([operand.value for operand in node.operands])
        if again.shape != node.value.shape or not torch.allclose(again, node.value, equal_nan=True):
            found.append(f"{node}: {again.flatten()[:3].tolist()}, not {node.value.flatten()[:3].tolist()}")
    return found


def result(function: Callable[..., Any], *inputs: Tensor) -> Tensor:
    """Returns what a function gives without being traced."""
    found: Tensor = function(*[own.clone() for own in inputs])
    return found


@pytest.mark.parametrize("used", ["later", "before", "by a view", "never"])
@pytest.mark.parametrize("way", WAYS)
def test_a_write_falsifies_no_node(way: str, used: str) -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 2
        view = y[:2]
        z = y + 1
        WAYS[way](y)
        if used == "later":
            z = y * x
        elif used == "by a view":
            z = view.sum() + z
        return z

    x = torch.tensor([1.0, 2.0, 3.0])
    made = trace(function, x.clone())
    assert broken(made) == []
    assert torch.equal(made["z"].value, result(function, x))
    product = next(node for node in made.nodes if node.op == "mul")
    assert product.value.tolist() == [2.0, 4.0, 6.0]
    marked = [node for node in made.nodes if node.evidence == "outside"]
    assert all(node.op == OUTSIDE and "written from outside" in repr(node) for node in marked)
    if used == "later" and way not in ("custom op", "overload", "data", "list", "recorded", "view", "nobody"):
        assert [node.name for node in marked][:1] == ["y"]
        assert list(made.lineage(made["z"], (0,))) != []


@pytest.mark.parametrize(
    "write",
    [
        lambda y: y.view(torch.int32).add_(1),
        lambda y: torch.view_as_real(torch.view_as_complex(y.view(1, 2)))[0, 1].mul_(3),
        lambda y: torch.view_as_complex(y.view(1, 2)).mul_(2j),
    ],
)
def test_a_write_as_numbers_of_another_type_is_no_movement_of_cells(
    write: Callable[[Tensor], Tensor],
) -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 2
        write(y)
        return (y * x).sum()

    x = torch.tensor([1.0, 2.0])
    made = trace(function, x)
    described = [node for node in made.nodes if node.evidence != "opaque"]
    assert broken(made, described) == []
    assert made.nodes[-1].value == function(x)
    own = x.clone().requires_grad_()
    function(own).backward()  # type: ignore[no-untyped-call]
    with suppress(LookupError):  # it is refused
        assert torch.allclose(made.backward(made.nodes[-1])["dx"].value, known(own.grad))


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("dtype", [torch.complex32, torch.complex64, torch.float8_e5m2, torch.uint16])
def test_what_torch_hardly_compares_is_marked_where_it_was_written(dtype: torch.dtype) -> None:
    def function(x: Tensor) -> Tensor:
        y = x.clone()
        y.view(torch.uint8).numpy()[0] ^= 1
        return y.clone()

    made = trace(function, torch.ones(3).to(dtype))
    assert [node.op for node in made.nodes if node.is_made_outside] == [OUTSIDE]


@pytest.mark.parametrize("view", [Tensor.conj, lambda z: z.conj().imag, lambda z: z.mH])
@pytest.mark.parametrize("by_view", [False, True])
def test_a_write_beside_a_conjugate_leaves_each_its_own_cells(
    view: Callable[[Tensor], Tensor], by_view: bool
) -> None:
    def function(x: Tensor) -> Tensor:
        z = x * 1
        w = view(z)
        (w if by_view else z).mul_(2)
        return (z * w).abs().sum()

    x = torch.tensor([[1 + 2j, 3j], [0.5 - 1j, 2]])
    made = trace(function, x)
    assert broken(made, [node for node in made.nodes if node.evidence != "opaque"]) == []
    assert {node.evidence for node in made.nodes if node.op == "alias"} == {"opaque"}
    assert made.nodes[-1].value == function(x)
    with pytest.raises(LookupError):
        made.backward(made.nodes[-1])


def test_a_look_in_inference_mode_leaves_later_writes_alone() -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 2
        with torch.inference_mode():
            y[0].mul_(2)
            y.sum()
        y[1].mul_(3)
        return y + 1

    x = torch.ones(2, 3)
    made = trace(function, x)
    assert broken(made) == []
    assert torch.equal(made.nodes[-1].value, function(x))


def test_what_is_written_into_several_tensors_is_marked() -> None:
    def function(x: Tensor) -> Tensor:
        values, places = torch.empty(3), torch.empty(3, dtype=torch.long)
        for _ in range(3):
            x = x + 0
            torch.sort(x, out=(values, places))
        return values * 2

    x = torch.tensor([3.0, 1.0, 2.0])
    made = trace(function, x)
    assert broken(made) == []
    assert made.nodes[-1].value.tolist() == [2.0, 4.0, 6.0]
    assert made["values"].evidence == "outside"
    assert all(node.value.tolist() == [3.0, 1.0, 2.0] for node in made.nodes if node.name.startswith("x"))


@pytest.mark.parametrize("lend", [torch.from_numpy, torch.frombuffer])
def test_memory_that_somebody_lends_may_be_written_by_its_owner(lend: Callable[..., Tensor]) -> None:
    def function(x: Tensor) -> Tensor:
        array = np.zeros(3, dtype=np.float32)
        y = lend(array, dtype=torch.float32) if lend is torch.frombuffer else lend(array)
        before = y[:2] + x[:2]
        array[0] = 5.0
        return before.sum() + y * x

    x = torch.tensor([1.0, 2.0, 3.0])
    made = trace(function, x.clone())
    assert broken(made) == []
    assert made["before"].operands[0].value.tolist() == [0.0, 0.0]
    assert torch.equal(made.nodes[-1].value, result(function, x))


@pytest.mark.parametrize("written", [True, False])
def test_what_rests_on_large_memory_that_its_owner_wrote_is_marked(
    written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliasing, "MOST_BORROWED", 8)
    array = np.array([1.0, 2.0, 3.0])

    def function(x: Tensor) -> Tensor:
        y = torch.from_numpy(array)
        z = (y * 2).sum()
        if written:
            array[:2] = array[1::-1].copy()  # what was there, in another order
        return z * x + y[0]

    made = trace(function, torch.ones(2, dtype=torch.float64))
    assert broken(made) == []
    marked = [node.op for node in made.nodes if node.evidence == "outside"]
    assert len(marked) == (4 if written else 0)  # y, what is made from its cells, and y[0]
    assert torch.equal(made["y"].value, torch.from_numpy(array))


@given(st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.integers(0, 3)), max_size=6), st.booleans())
def test_programs_with_such_writes_are_true(writes: list[tuple[str, int]], views: bool) -> None:
    def function(x: Tensor) -> Tensor:
        held = [x * 2, x + 1, x.exp(), (x - 2).clone()]
        total = x
        for way, place in writes:
            target = held[place]
            part = target[1:] if views else target
            WAYS[way](target)
            total = total + part.sum() * held[(place + 1) % 4]
            held[place - 1] = held[place - 1] * 0.5
        return total + held[0] - held[1] * held[2] + held[3]

    x = torch.tensor([0.5, 1.0, -1.0])
    made = trace(function, x.clone())
    assert broken(made) == []
    assert torch.equal(made.nodes[-1].value, result(function, x))


class Net(nn.Module):
    """Two layers, with biases."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns a number for each row."""
        found: Tensor = self.second(self.first(x).relu())
        return found


@pytest.mark.parametrize("words", [{}, {"foreach": True}, {"fused": True}], ids=["one", "list", "fused"])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad])
def test_steps_of_optimizers_falsify_nothing(kind: Any, words: dict[str, bool]) -> None:
    def function(x: Tensor) -> Tensor:
        torch.manual_seed(0)
        net = Net()
        steps = kind(net.parameters(), lr=0.1, **words)
        for _ in range(3):
            steps.zero_grad()
            net(x).square().sum().backward()
            steps.step()
        found: Tensor = net(x)
        return found

    x = torch.ones(2, 3)
    made = trace(function, x)
    assert broken(made) == []
    assert torch.equal(made.nodes[-1].value, result(function, x).detach())


def exchange(rank: int, port: int, folder: str) -> None:
    """Traces programs on one of two processes, and writes what is wrong into a file."""
    from torch import distributed as dist

    all_reduce: Any = importlib.import_module("torch.distributed.nn.functional").all_reduce

    def in_place(x: Tensor) -> Tensor:
        y = x * 2
        dist.all_reduce(y)
        return y + 1

    def gathered(x: Tensor) -> Tensor:
        parts = [torch.empty(3), torch.empty(3)]
        dist.all_gather(parts, x * 3)
        return parts[0] + parts[1]

    def differentiable(x: Tensor) -> Tensor:
        found: Tensor = all_reduce(x * 2) + 1
        return found

    def later(x: Tensor) -> Tensor:
        y = x * 2
        work = dist.all_reduce(y, async_op=True)
        assert work is not None
        work.wait()
        return y + 1

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    warnings.simplefilter("ignore")
    dist.init_process_group("gloo", rank=rank, world_size=2)
    x, said = torch.ones(3) * (rank + 1), []
    for function, wanted in ((in_place, 7.0), (gathered, 9.0), (differentiable, 7.0), (later, 7.0)):
        made = trace(function, x.clone())
        said += broken(made)
        outside = [node for node in made.nodes if node.evidence == "outside"]
        if made.nodes[-1].value.tolist() != [wanted] * 3 or not outside:
            said.append(f"{function.__name__}: {made.nodes[-1].value.tolist()}, {outside}")
    Path(folder, str(rank)).write_text("\n".join(said), encoding="utf-8")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no processes that exchange")
def test_what_processes_exchange_is_marked(tmp_path: Any) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes: Any = importlib.import_module("torch.multiprocessing")
    processes.spawn(exchange, (port, str(tmp_path)), nprocs=2)
    assert [(tmp_path / str(rank)).read_text() for rank in range(2)] == ["", ""]


@pytest.mark.parametrize("grad", [True, False])
def test_what_a_script_gives_beside_what_it_writes_is_opaque(grad: bool) -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 2
        made: Tensor = scripted_beside(y)
        return made * y

    made = trace(function, torch.ones(3).requires_grad_(grad))
    assert broken(made, [node for node in made.nodes if node.evidence == "rule"]) == []
    assert (made["y"].op, made["made"].op, made["made"].evidence) == (OUTSIDE, "scripted_beside", "opaque")
    assert [operand.node for operand in made["made"].operands] == [made["y"]]
    assert made.nodes[-1].value.tolist() == [12.0, 12.0, 12.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_what_nobody_saw_being_made_is_marked_so(dtype: torch.dtype) -> None:
    held: list[Tensor] = []

    def function(x: Tensor) -> Tensor:
        in_thread(lambda: held.append(x * 2))
        mapped: Tensor = torch.vmap(lambda row: row + 1)(x)
        return held[0] * mapped * x

    made = trace(function, torch.ones(3, dtype=dtype))
    assert [node.op for node in made.nodes if node.evidence == "outside"] == ["input", "input"]
    assert made["mapped"].evidence == "outside"
    assert made["x"].evidence == "rule"
    assert "written from outside" in repr(made["mapped"])
