"""Functions of a program in a room that a gradient goes through: the program runs once more, and is asked."""

from __future__ import annotations

import pytest
import torch

from llm_linalg import run

pytestmark = pytest.mark.usefixtures("locked")
PROGRAM = """
class Pair(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, times=2):
        print("forward")
        ctx.save_for_backward(x, y)
        ctx.times = times
        return x * y, x + y
    @staticmethod
    def backward(ctx, one, other):
        x, y = ctx.saved_tensors
        return one * y * ctx.times + other, one * x + other, None

class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()
    @staticmethod
    def backward(ctx, slope):
        return slope

x, w = torch.randn(3, 4).requires_grad_(), torch.randn(3, 4).requires_grad_()
a, b = Pair.apply(x, w, 3)
q = Step.apply(x * 4)
q.register_hook(lambda slope: slope.clamp(-1, 1))
c = torch.stft(x.flatten(), 4, window=torch.ones(4), return_complex=True)
loss = (a * b).sum() + (q * w).sum() + c.abs().sum() + x.sum() + torch.fft.rfft(w).abs().sum()
"""
ASKED = "loss.backward()\ngx, gw = x.grad, w.grad"


def test_a_gradient_goes_through_functions_of_a_room() -> None:
    made = run(PROGRAM + ASKED, seconds=20)
    gradients, influence = made.backward("loss"), made.influence("loss", ())
    inputs = {
        node.name: node for node in made.nodes if node.op == "requires_grad_" or node.name in ("x", "w")
    }
    for name in ("x", "w"):
        for found in (gradients[f"d{name}"].value, influence[inputs[name]]):
            assert torch.allclose(found, made[f"g{name}"].value, atol=1e-5), name
    asked = [node for node in gradients.nodes if node.op == "own_backward"]
    assert {node.forward_node.op for node in asked if node.forward_node} == {"Pair", "Step", "stft"}
    assert "the program has run once more" in asked[0].why
    assert made.printed == "forward\n"
    assert made.functions is not None


def test_a_gradient_goes_through_scripts_of_a_room() -> None:
    made = run(
        """import torch
@torch.jit.script
def written(x):
    return torch.relu(x) * x
def traced(x):
    return x.reshape(x.shape[0], -1) * 2
x = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
traced = torch.jit.trace(traced, torch.ones(2, 2))
loss = written(x).sum() + (traced(x) * x).sum()""",
        seconds=20,
    )
    assert {"written", "traced"} <= {node.op for node in made.nodes}
    assert made.backward("loss")["dx"].value.tolist() == [[6.0, -8.0], [18.0, 24.0]]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (PROGRAM.replace("return slope", "raise KeyError('no slope')"), "KeyError: 'no slope'"),
        (f"torch.manual_seed(time.time_ns() % 10**6)\n{PROGRAM}", "other values when it runs again"),
        pytest.param(PROGRAM.replace("(3, 4)", "(700, 700)"), "262,144 cells", marks=pytest.mark.slow),
        pytest.param(
            PROGRAM.replace("return slope", "while True: pass"), "it takes too long", marks=pytest.mark.slow
        ),
    ],
)
def test_what_a_function_of_a_room_does_not_give_is_refused(program: str, why: str) -> None:
    made = run(f"import time\n{program}", seconds=2)
    with pytest.raises(LookupError, match=rf"the gradient flows through .*line \d+\).*{why}"):
        made.backward("loss")


@pytest.mark.slow
def test_what_is_given_to_torchs_compiler_runs_as_it_is_written() -> None:
    made = run(
        """import torch
@torch.compile
def together(x):
    return (x.sin() * 2).sum()
y = together(torch.ones(3))
layer = torch.compile(torch.nn.Linear(3, 2))
z = layer(torch.ones(1, 3))""",
        seconds=20,
    )
    ops = [node.op for node in made.nodes]
    assert ops == ["ones", "sin", "mul", "sum", "parameter", "parameter", "ones", "linear"]
