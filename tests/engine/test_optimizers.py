"""`torch.optim`, its schedulers, `nn.init` and clipping: bit for bit as torch, and opened into steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from llm_linalg import LimitError, ProgramError, run
from llm_linalg.language import initializers, optimizers, schedulers
from tests.engine.alike import SETUP, printed, programs

ALIKE = """
W = torch.randn(3, 2, requires_grad=True)
b = torch.zeros(2, requires_grad=True)
X = torch.randn(5, 3)
opt = torch.optim.SGD([W, b], lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
for i in range(5):
    loss = ((X @ W + b) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(W, b, loss.item(), opt)
for group in opt.param_groups:
    group['lr'] = 0.01
print(opt.param_groups[0]['lr'], opt.state_dict())

w = nn.Parameter(torch.ones(3))
v = nn.Parameter(torch.ones(1))
opt = torch.optim.Adam([{'params': [w], 'lr': 0.1}, {'params': [v]}], lr=1e-3, amsgrad=True)
(w * w).sum().backward()
opt.step()
kept = opt.state_dict()
opt.load_state_dict(kept)
opt.step()
opt.zero_grad(set_to_none=False)
opt.add_param_group({'params': nn.Parameter(torch.zeros(2))})
print(w, w.grad, v, opt, opt.state_dict())

w = nn.Parameter(torch.ones(3))
opt = torch.optim.RMSprop([w], lr=0.1, centered=True, momentum=0.9)
def closure():
    opt.zero_grad()
    loss = (w * w).sum()
    loss.backward()
    return loss
for i in range(3):
    print(opt.step(closure))
print(w, opt.state_dict())

net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
opt = torch.optim.AdamW(net.parameters(), lr=0.05)
plan = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4)
X = torch.randn(8, 3)
for i in range(9):
    loss = F.mse_loss(net(X), X.sum(1, keepdim=True))
    opt.zero_grad()
    loss.backward()
    print(torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5))
    opt.step()
    plan.step()
print(plan.get_last_lr(), plan.last_epoch, list(net.parameters()))

w = nn.Parameter(torch.ones(3))
(w * w).sum().backward()
nn.utils.clip_grad_value_([w], 0.5)
print(w.grad)

w = torch.empty(3, 4)
print(nn.init.xavier_uniform_(w), nn.init.kaiming_normal_(w, nonlinearity='relu'))
print(nn.init.kaiming_uniform_(w, a=5**0.5), nn.init.xavier_normal_(w, gain=2.0))
print(nn.init.trunc_normal_(w, std=0.02), nn.init.trunc_normal_(w), nn.init.uniform_(w, -1, 1))
print(nn.init.ones_(w), nn.init.eye_(w), nn.init.constant_(w, 3), nn.init.calculate_gain('relu'))

layer = nn.Linear(3, 2)
nn.init.normal_(layer.weight, 0, 0.1)
nn.init.zeros_(layer.bias)
print(layer.weight, layer.bias)
"""
PLANS = [
    "StepLR(opt, 3)",
    "MultiStepLR(opt, [2, 5, 5], 0.5)",
    "ExponentialLR(opt, gamma=0.9)",
    "CosineAnnealingLR(opt, 3, 0.01)",
    "LinearLR(opt, total_iters=4)",
    "ConstantLR(opt, 0.5, 3)",
    "PolynomialLR(opt, 4, 2.0)",
    "LambdaLR(opt, lr_lambda=lambda epoch: 0.95 ** epoch)",
]
REFUSED = [
    ("torch.optim.SGD([], lr=0.1)", "no parameters"),
    ("torch.optim.SGD(torch.ones(2), lr=0.1)", "a list of parameters"),
    ("torch.optim.SGD([1], lr=0.1)", "takes parameters"),
    ("torch.optim.SGD([w, w], lr=0.1)", "twice"),
    ("torch.optim.SGD([w * 2], lr=0.1)", "leaves"),
    ("torch.optim.SGD([w], lr=-1)", "not less than 0"),
    ("torch.optim.SGD([w], nesterov=True)", "momentum"),
    ("torch.optim.Adam([w], betas=(0.9, 1.0))", "from 0 to less than 1"),
    ("torch.optim.Adam([w], foreach=True)", "leave it out"),
    ("torch.optim.Adam([w], lr='x' * 1000)", "is a number"),
    ("opt = torch.optim.Adam([w])\nopt.param_groups[0]['lr'] = []\nopt.step()", "is a number"),
    ("opt = torch.optim.Adam([w])\nopt.param_groups[0].pop('eps')\nopt.step()", "is a number"),
    ("opt = torch.optim.Adam([w])\nopt.param_groups[0]['params'].append(5)\nopt.step()", "takes parameters"),
    ("opt = torch.optim.Adam([w])\nopt.load_state_dict({'state': {}, 'param_groups': []})", "as many groups"),
    ("torch.optim.lr_scheduler.StepLR(w, 1)", "takes an optimizer"),
    ("torch.optim.lr_scheduler.StepLR(torch.optim.SGD([w], lr=1), 0)", "more than 0"),
    ("torch.optim.lr_scheduler.StepLR(torch.optim.SGD([w], lr=1))", "also needs step_size"),
    ("torch.optim.SGD([w], lr=1).__class__(1, 2, 3)", "can't be called"),
    ("torch.optim.SGD([w], lr=1).kind", ".kind is not"),
    ("torch.optim.SGD([w], lr=1).states", ".states is not"),
    ("torch.optim.SGD([w], lr=1).step.function", ".function is not"),
    ("torch.optim.SGD([w], lr=1).groups = []", "can be assigned"),
    ("nn.init.xavier_uniform_(w)", "two axes"),
    ("nn.init.normal_(5)", "fills a tensor"),
    ("nn.init.trunc_normal_(w, a=5, b=6)", "30 %"),
]
NUMBERS = st.sampled_from([0.0, 0.01, 0.5, 0.9])


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program).printed == printed(program)


@st.composite
def settings(draw: st.DrawFn) -> str:
    """Draws an optimizer with settings."""
    title = draw(st.sampled_from(sorted(optimizers.MAKERS)))
    given: dict[str, Any] = {"lr": draw(st.sampled_from([0.001, 0.1, 1])), "weight_decay": draw(NUMBERS)}
    given["maximize"] = draw(st.booleans())
    known = optimizers.KINDS[title].settings
    for name, values in {
        "momentum": NUMBERS,
        "dampening": NUMBERS,
        "alpha": NUMBERS,
        "lr_decay": NUMBERS,
        "initial_accumulator_value": NUMBERS,
        "betas": st.tuples(NUMBERS, NUMBERS),
        "amsgrad": st.booleans(),
        "centered": st.booleans(),
    }.items():
        if name in known and draw(st.booleans()):
            given[name] = draw(values)
    if given.get("momentum") and title == "SGD" and not given.get("dampening"):
        given["nesterov"] = draw(st.booleans())
    return f"torch.optim.{title}([w, v], {', '.join(f'{name}={value!r}' for name, value in given.items())})"


@given(settings())
def test_an_optimizer_gives_torch_s_bits(text: str) -> None:
    program = (
        "w, v = nn.Parameter(torch.randn(3)), nn.Parameter(torch.randn(2, 2))\n"
        f"opt = {text}\nfor i in range(3):\n    loss = (w ** 2).sum() + (v ** 3).sum() * w[0]\n"
        "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n"
        "print(w.tolist(), v.tolist(), opt, opt.state_dict())"
    )
    assert run(SETUP + program).printed == printed(program)


@pytest.mark.parametrize("plan", PLANS)
def test_a_scheduler_gives_torch_s_rates(plan: str) -> None:
    program = (
        f"opt = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1)\n"
        f"plan = torch.optim.lr_scheduler.{plan}\nfor i in range(9):\n    opt.step()\n    plan.step()\n"
        "    print(plan.get_last_lr(), opt.param_groups[0]['lr'])\nprint(opt, plan.last_epoch, plan.base_lrs)"
    )
    assert run(SETUP + program).printed == printed(program)


def test_each_scheduler_is_held_against_torch() -> None:
    assert {plan.partition("(")[0] for plan in PLANS} == set(schedulers.MAKERS)


def test_each_initializer_is_torch_s_and_is_held_against_it() -> None:
    assert all(name in ALIKE and name in vars(nn.init) for name in initializers.MEMBERS)


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_what_no_optimizer_takes_is_refused(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(f"{SETUP}w = nn.Parameter(torch.ones(2))\n{program}")


def test_a_step_is_a_node_for_each_parameter_and_opens_into_its_arithmetic() -> None:
    trace = run(
        "W = torch.ones(2, requires_grad=True)\nopt = torch.optim.Adam([W], lr=0.5)\n"
        "(W * 3).sum().backward()\nopt.step()"
    )
    made = [(node.name, node.op) for node in trace.nodes if node.line == 4]
    assert made == [
        ("W.grad", "grad"),
        ("W.exp_avg", "input"),
        ("W.exp_avg_sq", "input"),
        ("W", "adam"),
        ("W.exp_avg", "adam"),
        ("W.exp_avg_sq", "adam"),
    ]
    step = trace["W"]
    assert [part.name for part in step.parts if not part.name[-1].isdigit()] == [
        *("average", "spread", "scale", "change", "stepped"),
    ]
    assert torch.allclose(step.parts[-1].value, step.value)
    assert step.no_grad
    assert trace["W:1"].value.tolist() == [1, 1]  # as it was before


def test_an_optimizer_is_charged() -> None:
    with pytest.raises(LimitError):
        run(
            "w = nn.Parameter(torch.ones(2**20))\nopt = torch.optim.Adam([w])\nw.sum().backward()\n"
            "for i in range(10_000):\n    opt.step()",
            seconds=None,
        )
