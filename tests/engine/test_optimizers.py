"""`torch.optim`, its schedulers, `nn.init` and clipping: bit for bit as torch, and opened into steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import initializers, optimizers, schedulers
from llm_linalg.language.omissions import torch_release
from torch import nn

from llm_linalg import LimitError, ProgramError, run
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
print(nn.init.uniform_(w, -1, 1))
print(nn.init.ones_(w), nn.init.eye_(w), nn.init.constant_(w, 3), nn.init.calculate_gain('relu'))

for shape in [(4, 4), (2, 5), (5, 2), (3, 2, 2), (2, 0)]:
    w = torch.empty(shape)
    print(nn.init.orthogonal_(w), nn.init.orthogonal_(w, gain=2 ** 0.5))
w = nn.Conv2d(4, 6, 3).weight
print(nn.init.dirac_(w), nn.init.dirac_(w, 2), nn.init.dirac_(torch.empty(2, 3, 2)))
with torch.no_grad():
    w *= 2
print(nn.init.orthogonal_(w), w.grad_fn)

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
    "MultiplicativeLR(opt, lr_lambda=[lambda epoch: 0.9])",
    "CosineAnnealingWarmRestarts(opt, 2, T_mult=2, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(opt, 3)",
    "OneCycleLR(opt, 1.0, total_steps=10)",
    "OneCycleLR(opt, max_lr=0.5, epochs=3, steps_per_epoch=4, anneal_strategy='linear', three_phase=True)",
    "OneCycleLR(opt, 1.0, total_steps=9, pct_start=0.1, cycle_momentum=False)",
    "CyclicLR(opt, 0.01, 0.1, step_size_up=2)",
    "CyclicLR(opt, 0.01, 0.1, 3, 2, mode='triangular2')",
    "CyclicLR(opt, 0.01, 0.1, 2, mode='exp_range', gamma=0.9, cycle_momentum=False)",
    "ExponentialLR(opt, gamma=0.9, last_epoch=-1)",
]
MIXED = [
    "ReduceLROnPlateau(opt, patience=1)",
    "ReduceLROnPlateau(opt, 'max', factor=0.5, patience=0, cooldown=2, threshold_mode='abs', min_lr=0.02)",
    "ReduceLROnPlateau(opt, 'min', 0.5, 0, threshold=0.5, eps=0.01)",
    "SequentialLR(opt, [LinearLR(opt, 0.1, total_iters=3), CosineAnnealingLR(opt, 4)], milestones=[3])",
    "SequentialLR(opt, [ConstantLR(opt, 0.5, 9), ExponentialLR(opt, 0.9), StepLR(opt, 2)], [2, 5])",
    "SequentialLR(opt, [MultiStepLR(opt, [1]), PolynomialLR(opt, 4), MultiplicativeLR(opt, f)], [2, 4])",
    "SequentialLR(opt, [LambdaLR(opt, f), LinearLR(opt, 0.5), LambdaLR(opt, f)], [2, 4])",
    "SequentialLR(opt, [CosineAnnealingWarmRestarts(opt, 2), ConstantLR(opt), StepLR(opt, 2)], [3, 4])",
    "ChainedScheduler([ConstantLR(opt, 0.1, 2), ExponentialLR(opt, 0.9)], optimizer=opt)",
    "ChainedScheduler([SequentialLR(opt, [StepLR(opt, 2), StepLR(opt, 3)], [4])])",
]
_PLAN = "opt = torch.optim.SGD([w])\nplan = torch.optim.lr_scheduler."
_SEQUENCE = "torch.optim.lr_scheduler.SequentialLR(opt, [plan], [])"
_ENDLESS = "computing steps|too long|more than"
_CHAIN = "for i in range({}):\n    plan = torch.optim.lr_scheduler.ChainedScheduler([{}])\n"
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
    ("torch.optim.LBFGS([w])", "LBFGS is not part"),
    ("torch.optim.Adam([w], lr='x' * 1000)", "is a number"),
    ("opt = torch.optim.Adam([w])\nopt.param_groups[0]['lr'] = []\nopt.step()", "is a number"),
    ("opt = torch.optim.Adam([w])\nopt.param_groups[0].pop('eps')\nopt.step()", "is a number"),
    ("opt = torch.optim.Adam([w])\nopt.param_groups[0]['params'].append(5)\nopt.step()", "takes parameters"),
    ("opt = torch.optim.Adam([w])\nopt.load_state_dict({'state': {}, 'param_groups': []})", "as many groups"),
    ("torch.optim.lr_scheduler.StepLR(w, 1)", "takes an optimizer"),
    ("torch.optim.lr_scheduler.StepLR(torch.optim.SGD([w], lr=1), 0)", "more than 0"),
    ("torch.optim.lr_scheduler.StepLR(torch.optim.SGD([w], lr=1))", "also needs step_size"),
    ("torch.optim.lr_scheduler.OneCycleLR(torch.optim.SGD([w], lr=1), 1.0)", "total_steps"),
    ("torch.optim.lr_scheduler.OneCycleLR(torch.optim.Adagrad([w]), 1.0, 5)", "cycle_momentum=False"),
    (f"{_PLAN}OneCycleLR(opt, 1.0, 2)\nfor i in range(5):\n    plan.step()", "Tried to step 3"),
    ("torch.optim.lr_scheduler.OneCycleLR(torch.optim.SGD([w]), 1.0, 10 ** 30)", "more than 0"),
    ("torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([w]), 'x' * 999)", "mode is min or max"),
    ("torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([w])).step(w)", "takes a number"),
    ("torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([w])).counts", ".counts is not"),
    ("torch.optim.lr_scheduler.StepLR(torch.optim.SGD([w]), 1, last_epoch=5)", "leave it out"),
    ("torch.optim.lr_scheduler.SequentialLR(torch.optim.SGD([w]), [], [])", "a list of schedulers"),
    ("torch.optim.lr_scheduler.ChainedScheduler([w])", "a list of schedulers"),
    (f"{_PLAN}StepLR(opt, 1)\n{_CHAIN.format(80, 'plan, plan')}plan.step()", _ENDLESS),
    (f"{_PLAN}StepLR(opt, 1)\n{_CHAIN.format(80, 'plan, plan')}{_SEQUENCE}", _ENDLESS),
    (f"{_PLAN}StepLR(opt, 1)\n{_CHAIN.format(4000, 'plan')}plan.step()", "nested too deeply"),
    ("torch.optim.SGD([w], lr=1).__class__(1, 2, 3)", "can't be called"),
    ("torch.optim.SGD([w], lr=1).kind", ".kind is not"),
    ("torch.optim.SGD([w], lr=1).states", ".states is not"),
    ("torch.optim.SGD([w], lr=1).step.function", ".function is not"),
    ("torch.optim.SGD([w], lr=1).groups = []", "can be assigned"),
    ("nn.init.xavier_uniform_(w)", "two axes"),
    ("nn.init.normal_(5)", "fills a tensor"),
    ("nn.init.orthogonal_(w)", "two axes"),
    ("nn.init.orthogonal_(torch.empty(2000, 2000))", "would take too long"),
    ("nn.init.dirac_(w)", "a convolution"),
    ("nn.init.dirac_(torch.empty(2, 2, 2), 10 ** 9)", "a convolution"),
    ("nn.init.trunc_normal_(w, a=5, b=6)", "30 %"),
]
NUMBERS = st.sampled_from([0.0, 0.01, 0.5, 0.9])


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program).printed == printed(program)


TRUNCATED = "w = torch.empty(3, 4)\nprint(nn.init.trunc_normal_(w, std=0.02), nn.init.trunc_normal_(w))"


@pytest.mark.skipif(
    torch_release() < (2, 13), reason="an older torch draws truncated normals by their inverse function"
)
def test_truncated_normals_are_torch_s() -> None:
    assert run(SETUP + TRUNCATED).printed == printed(TRUNCATED)


@st.composite
def settings(draw: st.DrawFn) -> str:
    """Draws an optimizer with settings."""
    title = draw(st.sampled_from(sorted(optimizers.MAKERS)))
    given: dict[str, Any] = {"lr": draw(st.sampled_from([0.001, 0.1, 1]))}
    given["maximize"] = draw(st.booleans())
    known = optimizers.KINDS[title].settings
    for name, values in {
        "weight_decay": NUMBERS,
        "rho": NUMBERS,
        "momentum_decay": NUMBERS,
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
    if title in ("NAdam", "RAdam"):
        given["decoupled_weight_decay"] = draw(st.booleans())
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


@pytest.mark.parametrize("plan", MIXED)
def test_a_scheduler_of_others_or_of_a_loss_gives_torch_s_rates(plan: str) -> None:
    argument = "torch.tensor(losses[i])" if plan.startswith("Reduce") else ""
    program = (
        f"from torch.optim.lr_scheduler import {', '.join(sorted(schedulers.MAKERS))}\n"
        "f, losses = lambda epoch: 0.9 ** epoch, [3.0, 2.0, 2.0, 2.5, 2.0, 1.0, 1.1, 1.2, 0.2]\n"
        "opt = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1)\n"
        f"plan = {plan}\nfor i in range(9):\n    opt.step()\n    plan.step({argument})\n"
        "    print(plan.get_last_lr(), plan.optimizer.param_groups[0]['lr'])\nprint(opt)"
    )
    assert run(SETUP + program).printed == printed(program)


def test_warm_restarts_go_to_an_epoch_between_two() -> None:
    program = (
        "opt = torch.optim.Adam([nn.Parameter(torch.ones(2))], lr=0.1)\n"
        "for times in (1, 2, 3):\n"
        "    plan = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, 2, times)\n"
        "    for epoch in (0.5, 1.75, 2, 7.25, 30):\n        opt.step()\n        plan.step(epoch)\n"
        "        print(plan.get_last_lr(), plan.last_epoch)\n"
        "    plan.step()\n    print(plan.get_last_lr(), plan.last_epoch)"
    )
    assert run(SETUP + program).printed == printed(program)


def test_a_cycle_turns_the_first_of_adam_s_betas() -> None:
    program = (
        "opt = torch.optim.Adam([nn.Parameter(torch.ones(2))])\n"
        "plan = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=5)\n"
        "for i in range(4):\n    opt.step()\n    plan.step()\n    print(opt)"
    )
    assert run(SETUP + program).printed == printed(program)


def test_each_scheduler_is_held_against_torch() -> None:
    assert {plan.partition("(")[0] for plan in [*PLANS, *MIXED]} == set(schedulers.MAKERS)


def test_each_initializer_is_torch_s_and_is_held_against_it() -> None:
    assert all(name in ALIKE + TRUNCATED and name in vars(nn.init) for name in initializers.MEMBERS)


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


@pytest.mark.parametrize("title", ["Adadelta", "Adamax", "NAdam", "RAdam"])
@pytest.mark.parametrize("steps", [1, 7])
def test_the_parts_of_a_step_give_what_it_writes(title: str, steps: int) -> None:
    trace = run(
        "torch.manual_seed(0)\nW = torch.randn(3, requires_grad=True)\n"
        f"opt = torch.optim.{title}([W])\nfor i in range({steps}):\n    opt.zero_grad()\n"
        "    (W * W * W).sum().backward()\n    opt.step()"
    )
    written = [node for node in trace.nodes if node.op == title.lower()][-3:]
    for node in written:
        assert node.parts
        assert torch.allclose(node.parts[-1].value, node.value, atol=1e-6), node.name


def test_an_optimizer_is_charged() -> None:
    with pytest.raises(LimitError):
        run(
            "w = nn.Parameter(torch.ones(2**20))\nopt = torch.optim.Adam([w])\nw.sum().backward()\n"
            "for i in range(10_000):\n    opt.step()",
            seconds=None,
        )
