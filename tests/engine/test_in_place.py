"""Writes in place, generators, gradients and devices: a program prints what plain torch prints."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import ProgramError
from tests.engine.alike import SETUP, printed, programs
from tests.engine.here import run

pytestmark = pytest.mark.filterwarnings("ignore:CUDA is not")
ALIKE = """
x = torch.ones(2, 3)
v = x.view(-1)
x.zero_()
print(v)
v.add_(2)
print(x)

x = torch.zeros(2, 3)
x.copy_(torch.arange(3.))
x[0].fill_(7)
x[:, 1].fill_(torch.tensor(4))
print(x)

x = torch.ones(3)
y = x.mul_(2).sub_(1)
print(y is x, x)

x = torch.arange(6.).view(2, 3)
x.masked_fill_(x > 2, -1).clamp_(0).pow_(2)
print(x)

x = torch.zeros(3, 5)
x.scatter_(1, torch.tensor([[0], [2], [4]]), 1.0)
print(x)

x = torch.zeros(3)
x.scatter_add_(0, torch.tensor([0, 0, 2]), torch.ones(3))
print(x)

x = torch.tensor([-1.0, 2.0])
F.relu(x, inplace=True)
print(x)
nn.ReLU(inplace=True)(x.neg_())
print(x)

x = torch.arange(6)
y = x.view(2, 3)
y.t_()
print(x, y, y.is_contiguous())

x = torch.ones(3)
x.unsqueeze_(0)
print(x.shape)
print(x.squeeze_().shape, x.unsqueeze_(1).transpose_(0, 1).shape)

x = torch.arange(24.0).view(2, 12)
y, z = torch.Tensor(x), x[0]
print(y.resize_(3, 8), y.shape, x.shape, y.resize_([24])[:2])
y.zero_()
print(x.sum(), z, torch.ones(6).resize_(torch.Size([2, 3])))

x = torch.ones(4)
v = x[:2]
print(x.resize_(5).shape, x[:4], v)
print(torch.ones(2, 3).t().resize_(6), torch.zeros(3).resize_(2))

x = torch.empty(3)
x.normal_(1, 2)
print(x)
x.uniform_(-1, 1)
print(x)
x.exponential_()
print(x)

x = torch.tensor([2.0, 3.0], requires_grad=True)
y = x * x
y.backward(y, retain_graph=True)
(g,) = torch.autograd.grad(y, x, y, retain_graph=True)
(h,) = torch.autograd.grad(y, x, y, create_graph=True)
h.sum().backward()
print(x.grad, g, h)

x = torch.arange(6.0).view(2, 3)
y, g = torch.empty(2, 3), torch.zeros(2, 2)
z = torch.add(x, 1, out=y)
print(y, z is y, torch.matmul(x, x.T, out=g) is g, g, torch.rand(2, 2, out=g) is g, g)
print(torch.max(x, 1, out=(torch.zeros(2), torch.zeros(2, dtype=torch.int64)))[1])
torch.exp(y[0], out=y[0])
torch.add(x, y, out=x)
print(x, y)

x = torch.empty(4)
print(x.random_(0, 9), x.bernoulli_(0.5), x.bernoulli_(torch.rand(4)))

g = torch.Generator().manual_seed(5)
print(torch.randn(2, generator=g), torch.rand(2), g.initial_seed())

g = torch.Generator()
g.manual_seed(3)
print(torch.randint(0, 9, (4,), generator=g))
print(torch.randperm(5, generator=g), torch.empty(2).normal_(generator=g))
print(torch.multinomial(torch.ones(6), 9, replacement=True, generator=g))

w = torch.ones(2, requires_grad=True)
(w * 3).sum().backward()
w.grad.zero_()
print(w.grad)
w.data.sub_(0.5)
print(w)
w.data -= torch.ones(2)
print(w)

w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    w.mul_(3)
print(w, w.requires_grad)

x = torch.tensor(2.0, requires_grad=True)
(g,) = torch.autograd.grad(x ** 3, x, create_graph=True)
(h,) = torch.autograd.grad(g, x, create_graph=True)
print(g, h, torch.autograd.grad(h, x))

x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
y = x ** 3 * w
print(torch.autograd.grad(y, [x, w], grad_outputs=torch.tensor([1.0, 2.0]), retain_graph=True))
print(torch.autograd.grad(y.sum(), w), torch.autograd.grad(x.sum(), [x, w], allow_unused=True))

from torch.autograd import Variable
x = Variable(torch.ones(2), requires_grad=True)
print(x)

x = torch.ones(2, requires_grad=True)
torch.set_grad_enabled(False)
print((x * 2).requires_grad, torch.is_grad_enabled())
with torch.set_grad_enabled(True):
    print((x * 2).requires_grad)
print((x * 2).requires_grad)

x = torch.ones(2, requires_grad=True)
with torch.set_grad_enabled(False):
    y = x * 2
print(y.requires_grad, (x * 2).requires_grad)

@torch.inference_mode()
def f(x):
    return x * 2
x = torch.ones(2, requires_grad=True)
print(f(x).requires_grad)

x = torch.ones(2, requires_grad=True)
print(x.detach_(), x.requires_grad)

device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
x = torch.ones(2).to(device)
print(x.device, device.type, x.cpu(), x.is_cuda, torch.cuda.device_count())
print(torch.backends.mps.is_available())
torch.backends.cudnn.deterministic = True
torch.cuda.manual_seed_all(5)
if torch.cuda.is_available():
    x = x.cuda()

with torch.autocast('cuda', dtype=torch.float16), torch.autograd.set_detect_anomaly(True):
    print(1)
"""
REFUSED = [
    ("torch.ones(4, requires_grad=True).resize_(2, 2)", "cannot resize variables that require grad"),
    ("torch.ones(4).resize_('4')", "must be tuple of ints"),
    ("torch.ones(4).resize_(10**30)", "Overflow"),
    ("x = torch.ones(2, requires_grad=True)\nx.add_(1)", "no_grad"),
    ("x = torch.ones(2, requires_grad=True)\nx[0] = 1", "no_grad"),
    ("x = torch.ones(2)\nx.add_(torch.ones(3, 2))", "keeps its shape"),
    ("x = torch.ones(2)\nx.copy_(torch.ones(3, 2))", "has more axes"),
    ("x = torch.ones(2)\nx.copy_(torch.ones(3))", "broadcast to the shape"),
    (
        "x = torch.ones(2, requires_grad=True)\ny = x.exp()\ny.add_(1)\ny.sum().backward()",
        "modified by an inplace operation",
    ),
    (
        "x = torch.ones(2, requires_grad=True)\ny = x.sum()\ny = y * y\ny.backward()\ny.backward()",
        "retain_graph",
    ),
    ("x = torch.ones(2, requires_grad=True)\nx.exp().backward()", "only for scalar outputs"),
    ("torch.ones(2).sum().backward()", "does not require grad"),
    ("x = torch.ones(2).expand(3, 2)\nx.add_(1)", "one number in memory"),
    ("x = torch.ones(3)\nx.add_(x[0])", "x.clone"),
    ("torch.ones(2, out=3)", "must be Tensor"),
    ("torch.ones(2).add(1, out=torch.ones(2))", "unexpected keyword argument 'out'"),
    (
        "torch.exp(torch.ones(2, requires_grad=True), out=torch.ones(2))",
        "don't support automatic",
    ),
]
WRITES = [
    "x.add_(n)",
    "x[0].mul_(2)",
    "v.sub_(x[0, 0].clone())",
    "x.t_()",
    "x.zero_()",
    "v.fill_(n)",
    "x.copy_(v[2].clone())",
    "v.copy_(v.flip(0))",
    "x.unsqueeze_(0).squeeze_()",
    "x.resize_(1, 4).resize_((2, 2))",
    "x += v.sum()",
    "v[n] = x.sum()",
    "w = x.clone().neg_()",
    "x.masked_fill_(x > n, n)",
    "w = v.detach()",
    "w.clamp_(-2, 2)",
]


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program).printed == printed(program)


@given(st.lists(st.sampled_from(WRITES), min_size=1, max_size=6), st.integers(0, 3))
def test_writes_change_views_as_in_torch_and_no_earlier_node(lines: list[str], n: int) -> None:
    program = "\n".join(
        [f"n = {n}", "v = torch.arange(4.0)", "x = v.view(2, 2)", "w = v", *lines, "print(v, x, w)"]
    )
    trace = run(SETUP + program)
    assert trace.printed == printed(program)
    for node in trace.nodes:
        if node.call is not None:
            assert torch.equal(node.call.replay([operand.value for operand in node.operands]), node.value)


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_what_torch_refuses_is_said(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(SETUP + program)


def test_a_write_is_a_node_of_its_name() -> None:
    trace = run("x = torch.ones(2)\ny = x * 2\nx.add_(1)\nx.zero_()")
    assert [(node.name, node.op, node.value.tolist()) for node in trace.nodes] == [
        ("x", "ones", [1, 1]),
        ("y", "mul", [2, 2]),
        ("x", "add", [2, 2]),
        ("x", "zero", [0, 0]),
    ]


def test_a_turn_in_place_writes_no_cell_that_a_view_shows() -> None:
    trace = run("x = torch.ones(2, 3)\nv = x[0]\nx.t_()\ny = v * 2")
    assert [node.op for node in trace.nodes] == ["ones", "getitem", "t", "mul"]


def test_running_statistics_are_written_and_earlier_ones_stay_as_they_were() -> None:
    trace = run(
        "norm = nn.BatchNorm1d(2)\nbefore = norm.running_mean.clone()\nx = torch.randn(4, 2)\ny = norm(x)\n"
        "mean = norm.running_mean\nprint(before, mean, norm.running_var)"
    )
    made = {node.op: node for node in trace.nodes}
    assert torch.allclose(made["running_mean"].value, 0.1 * trace["x"].value.mean(0))
    assert made["running_mean"].operands[0].value.tolist() == [0, 0]
    assert trace["mean"].value.tolist() == made["running_mean"].value.tolist()
    assert made["running_var"].reads((0,))[1]


@pytest.mark.parametrize("key", ["j:", "j:j + 2", "None, j:", "::j"])
def test_a_slice_stays_where_it_was_when_what_bounds_it_is_written(key: str) -> None:
    program = f"x = torch.arange(10.0)\nj = torch.tensor(2)\na = x[{key}]\nx[{key}] = -1.0\n"
    before, after = run(program), run(f"{program}j += 3")
    for op in ("getitem", "setitem"):
        one, other = (next(node for node in trace.nodes if node.op == op) for trace in (before, after))
        last = tuple(size - 1 for size in one.shape)
        assert [set(cells) for cells in other.reads(last)] == [set(cells) for cells in one.reads(last)]
