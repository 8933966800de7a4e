"""`torch.autograd.Function` and hooks: torch's bits, and gradient programs that call them."""

from __future__ import annotations

import pytest
import torch

from tests.engine.alike import SETUP, printed, programs
from tests.engine.here import run

ALIKE = """
class Poly(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, power=2):
        ctx.power = power
        ctx.save_for_backward(x, w)
        return w * x ** power, x + w
    @staticmethod
    def backward(ctx, g, h):
        x, w = ctx.saved_tensors
        print('back', ctx.needs_input_grad, g, h)
        return g * w * ctx.power * x ** (ctx.power - 1) + h, g * x ** ctx.power, None
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0])
f = Poly.apply
a, b = f(x, w, 3)
(a * 2).sum().backward(retain_graph=True)
print(x.grad, a, b, a.requires_grad)
print(torch.autograd.grad(a.sum(), x))
try:
    a.sum().backward()
except RuntimeError as e: print(str(e)[:40])

class STE(torch.autograd.Function):
    @staticmethod
    def forward(x): return x.round()
    @staticmethod
    def setup_context(ctx, inputs, output): ctx.mark_non_differentiable()
    @staticmethod
    def backward(ctx, g): return g
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(2, 2)
    def forward(self, x): return STE.apply(self.lin(x) * 5)
net = Net()
out = net(torch.ones(3, 2))
print(out)
out.pow(2).sum().backward()
print(net.lin.weight.grad, net.lin.bias.grad)

v = torch.tensor([0., 0., 0.], requires_grad=True)
h = v.register_hook(lambda grad: grad * 2)
(v * torch.tensor([1., 2., 3.])).sum().backward()
print(v.grad)
h.remove()
(v * torch.tensor([1., 2., 3.])).sum().backward()
print(v.grad)
grads = {}
def save(name):
    def hook(grad): grads[name] = grad
    return hook
z = v * 2
z.register_hook(save('z'))
z.sum().backward()
print(grads, z.grad_fn.next_functions[0][0].variable is v)

x = torch.ones(2, requires_grad=True)
class Same(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x
    @staticmethod
    def backward(ctx, g): return -g
y = Same.apply(x)
y.sum().backward()
print(x.grad, y, y is x)
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y): return x * y
    @staticmethod
    def backward(ctx, g): return g
try: Wrong.apply(x, x).sum().backward()
except RuntimeError as e: print(e)
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 3 * x ** 2
x = torch.tensor(2.0, requires_grad=True)
g, = torch.autograd.grad(Twice.apply(x), x, create_graph=True)
print(g, torch.autograd.grad(g, x))
"""
DOUBLED = """
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return 2 * g * y
x = torch.tensor([1.0, 2.0], requires_grad=True)
u = x * 3
y = Exp.apply(u)
loss = (y * y).sum()
loss.backward()
g = x.grad
"""


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_with_its_own_gradients_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program).printed == printed(program)


def test_the_forward_is_opened_and_a_gradient_goes_through_its_own_backward() -> None:
    trace = run(DOUBLED)
    forward = [node.op for node in trace.nodes if node.scope == "Exp.forward"]
    assert forward == ["exp"]
    assert [node.op for node in trace.nodes if node.scope == "backward"].count("mul") == 2
    assert trace["y"].op == "Exp"
    assert trace["y"].evidence == "opaque"
    gradients = trace.backward("loss")
    assert torch.equal(gradients["dx"].value, trace["g"].value)
    (called,) = [node for node in gradients.nodes if node.op == "own_backward"]
    assert called.forward_node is trace["y"]
    assert "a backward pass of its own" in called.why
    assert called.evidence == "opaque"


@pytest.mark.parametrize("hook", ["lambda g: 10 * g", "seen.append"])
def test_a_gradient_is_what_a_hook_makes_of_it(hook: str) -> None:
    program = "seen = []\n" + DOUBLED.replace("y = Exp.apply(u)", f"h = u.register_hook({hook})\ny = u * 2")
    trace = run(program)
    assert torch.equal(trace.backward("loss")["dx"].value, trace["g"].value)
    gone = run(program.replace("\ny = u", "\nh.remove()\ny = u"))
    assert torch.equal(gone.backward("loss")["dx"].value, gone["g"].value)


def test_hooks_are_called_in_the_order_in_which_they_were_set() -> None:
    hooks = "u.register_hook(lambda g: 10 * g)\nu.register_hook(lambda g: g + 1)\n"
    trace = run(DOUBLED.replace("y = Exp.apply(u)", f"{hooks}y = u * 2"))
    assert torch.equal(trace.backward("loss")["dx"].value, trace["g"].value)


def test_a_leaf_that_is_made_within_saving_hooks_has_its_gradient() -> None:
    t = run(
        "with torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):\n"
        "    k = torch.full((2,), 3.0, requires_grad=True)\nloss = (k * k).sum()"
    )
    assert t.backward("loss")["dk"].value.tolist() == [6, 6]


def test_a_hook_may_be_set_at_any_step_that_was_asked_for() -> None:
    t = run(
        "x = torch.ones(2, requires_grad=True)\ny, z = x * 2, x * 3\na, b = y.grad_fn, z.grad_fn\n"
        "a.register_hook(lambda *given: None)\nloss = (y + z.detach()).sum()"
    )
    with pytest.raises(LookupError, match=r"y \(mul, .*calls that were not recorded"):
        t.backward("loss")
