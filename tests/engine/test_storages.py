"""A tensor's memory: stand-in addresses are the same in every run, and a write through a storage is seen."""

from __future__ import annotations

import pytest
import torch

from llm_linalg import ProgramError, run, trace
from tests.engine.alike import printed

PROGRAM = """
a = torch.arange(6.0)
b = torch.ones(40)
print(a.data_ptr(), a[1:].data_ptr(), b.data_ptr(), a.storage().data_ptr())
"""


def test_addresses_are_the_same_in_every_run_and_lie_apart() -> None:
    first, again = (run(PROGRAM, seed=seed, seconds=None).printed for seed in (0, 1))
    assert first == again
    whole, part, other, stored = map(int, first.split())
    assert (part - whole, stored) == (4, whole)
    assert other >= whole + 24


def test_a_write_through_a_storage_is_a_node_that_its_tensors_read() -> None:
    t = run("x = torch.arange(4.0)\ns = x.storage()\ns[1] = 9.0\ny = x * 2", seconds=None)
    assert t["y"].value.tolist() == [0.0, 18.0, 4.0, 6.0]
    seen = t["y"].operands[0].node
    assert seen.op == "alias"
    assert [operand.node.op for operand in seen.operands] == ["arange", "setitem"]
    assert seen.reads((1,))[0] == set()


def test_a_tensor_over_a_storage_shares_all_of_it() -> None:
    program = (
        "a = torch.arange(6.0)\nb, c = a.view(2, 3), a[2:]\nd = torch.Tensor(c.storage())\nd[0] = 7.0\n"
        "print(b, d.shape, d.data_ptr() == a.data_ptr(), torch.LongTensor(torch.arange(3).storage()))"
    )
    t = run(program, seconds=None)
    assert t.printed == printed(program)
    assert [operand.node.op for operand in t["b"].operands] == ["view", "setitem"]
    for wrong in ("torch.LongTensor(a.storage())", "torch.Tensor(a.untyped_storage())"):
        with pytest.raises(ProgramError):
            run(f"a = torch.arange(6.0)\n{wrong}")


def test_data_that_is_set_shares_memory_in_code_that_is_trusted_too() -> None:
    def step(w: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        w.data = t
        t[0] = 5.0
        return w * 2

    t = trace(step, torch.ones(2), torch.tensor([3.0, 4.0]))
    assert t.nodes[-1].value.tolist() == [10.0, 8.0]
    seen = t.nodes[-1].operands[0]
    assert seen.value.tolist() == [5.0, 4.0]
    assert {node.name for node in t.lineage(t.nodes[-1], (1,))} >= {"t"}


def test_gradients_go_to_a_weight_whose_data_was_set() -> None:
    program = """
w = torch.ones(2, requires_grad=True)
w.data = torch.tensor([3.0, 4.0])
loss = (w * w).sum()
loss.backward()
g = w.grad
"""
    t = run(program, seconds=None)
    assert t["g"].value.tolist() == [6.0, 8.0]
    assert t.backward("loss")["dw"].value.tolist() == [6.0, 8.0]


def test_a_storage_that_a_tensor_left_is_taken_for_no_other() -> None:
    program = """
x = torch.zeros(3)
total = torch.zeros(3)
for k in range(30):
    x += 1
    x.data = torch.full((3,), float(k))
    y = torch.ones(3) * k
    y[0] = -1.0
    total = total + y + x
"""
    expected = torch.zeros(3)
    for k in range(30):
        expected = expected + torch.tensor([-1.0, k, k]) + k
    t = run(program, seconds=None)
    assert torch.equal(t["total"].value, expected)
    assert all(node.evidence != "opaque" for node in t.nodes if node.op == "alias")
