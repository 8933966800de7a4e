"""Layers in another dtype print what torch's do, and their new weights are inputs of the trace."""

from __future__ import annotations

import pytest

from llm_linalg import LimitError, ProgramError, run
from tests.engine.alike import printed

PROGRAMS = (
    """
m = nn.Linear(2, 2).to(torch.float64)
print(m.weight, m(torch.ones(1, 2).double()))
""",
    """
m = nn.Linear(2, 2)
w = m.weight
m.double()
print(w is m.weight, w)
m(torch.ones(1, 2).double()).sum().backward()
torch.optim.SGD(m.parameters(), lr=0.1).step()
print(m.weight.grad, m.weight)
""",
    """
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.half = 3
        self.l = nn.Linear(2, 2)
        self.register_buffer("b", torch.ones(2))
        self.register_buffer("n", torch.arange(2))
        self.norm = nn.BatchNorm1d(2)
    def forward(self, x):
        return self.norm(self.l(x) * self.b + self.n)
m = M().double()
y = m(torch.randn(3, 2, dtype=torch.double))
y.sum().backward()
print(y, m.half, m.norm.running_mean, m.l.weight.grad, {k: v.dtype for k, v in m.state_dict().items()})
""",
    """
m = nn.Sequential(nn.Linear(2, 2), nn.ReLU()).to("cpu", torch.bfloat16)
print(m(torch.ones(1, 2).bfloat16()), m[0].weight)
print(m.float()(torch.ones(1, 2)), m.to(torch.float32)[0].bias.dtype)
""",
    """
a, b = nn.Linear(2, 2), nn.Linear(2, 2)
b.weight = a.weight
m = nn.ModuleList([a, b]).half()
print(a.weight is b.weight, a.weight, m[1].bias.dtype)
""",
    """
m = nn.Embedding(3, 2)
y = m(torch.tensor([0]))
m.double()
print(y, m(torch.tensor([0])))
y.sum().backward()
print(m.weight.grad)
""",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_layer_in_another_dtype_prints_what_torch_s_does(program: str) -> None:
    assert run(program, seconds=None).printed == printed(program)


def test_the_new_weights_are_inputs_under_their_name() -> None:
    trace = run("m = nn.Linear(2, 2)\ny = m(torch.ones(2))\nm.double()\nz = m(torch.ones(2).double())")
    weights = [node for node in trace.nodes if node.name == "m.weight"]
    assert [node.dtype for node in weights] == ["float32", "float64"]
    assert trace["m.weight"] is weights[1]
    assert [trace[name].operands[1].node for name in "yz"] == weights
    assert all(node.is_input for node in weights)


def test_a_weight_that_was_written_is_an_input_under_its_name_too() -> None:
    trace = run("m = nn.Linear(2, 2)\nnn.init.ones_(m.weight)\nm.half()\ny = m.weight * 2")
    (weight,) = (operand.node for operand in trace["y"].operands)
    assert (weight.op, weight.dtype) == ("parameter", "float16")
    assert trace["m.weight"] is weight


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("nn.Linear(2, 2).to(torch.int64)", "only accepts floating"),
        ("nn.Linear(2, 2).to('cuda')", "only the CPU"),
        ("m = nn.Linear(2, 2)\nm(torch.ones(2)).sum().backward()\nm.double()", "before its first"),
        ("nn.LazyLinear(2).double()", "before its first"),
        ("nn.Linear(2, 2).double(1)", ""),
    ],
)
def test_what_is_refused(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(program)


def test_each_turn_of_a_dtype_is_charged() -> None:
    with pytest.raises(LimitError):
        run("m = nn.Linear(1000, 1000)\nfor i in range(10_000):\n    m.double()\n    m.float()", seconds=None)
