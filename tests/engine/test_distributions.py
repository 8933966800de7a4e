"""`torch.distributions`: torch's bits, opened into their arithmetic; and `torch.sin_` and its like."""

from __future__ import annotations

import ast

import pytest
import torch
from llm_linalg.language import distributions
from llm_linalg.language.effects.statement_effects import Definitions

from llm_linalg import LimitError, run
from tests.engine.alike import SETUP, printed, programs

ALIKE = """
from torch.distributions import Normal, Bernoulli, Categorical, kl_divergence
mu = torch.tensor([0.0, 1.0], requires_grad=True)
s = torch.tensor([1.0, 2.0], requires_grad=True)
d = Normal(mu, s)
print(d, d.sample(), d.sample((2,)), d.log_prob(torch.tensor([0.5, 0.5])), d.entropy(), d.mean, d.stddev)
print(d.variance, d.batch_shape, d.event_shape)
z = d.rsample()
z.sum().backward()
print(z, mu.grad, s.grad)
q = Normal(torch.zeros(2), torch.ones(2))
print(kl_divergence(d, q), torch.distributions.kl.kl_divergence(q, d), d.cdf(torch.zeros(2)))
print(d.icdf(torch.tensor([0.1, 0.5])))
print(Normal(0.0, 1.0), Normal(0, 1).sample())
print(Normal(loc=0.0, scale=torch.tensor(2.0)).log_prob(torch.tensor(1.0)))

probs = torch.tensor([0.1, 0.2, 0.7], requires_grad=True)
m = torch.distributions.Categorical(probs)
a = m.sample()
print(a, m.log_prob(a), m.entropy(), m.probs, m.logits, m.mode, m, m.sample([3]), m.perplexity())
(-m.log_prob(a) * 2).backward()
print(probs.grad)
b = torch.distributions.Bernoulli(logits=torch.tensor([0.5, -1.0]))
print(b, b.sample(), b.log_prob(torch.ones(2)), b.entropy(), b.probs, b.mean, b.variance)
print(torch.distributions.Bernoulli(0.3).sample((4,)), torch.distributions.Uniform(0, 2).sample((2,)))
print(torch.distributions.Uniform(torch.zeros(1), 2.0).log_prob(torch.ones(1)))

from torch.distributions.multinomial import Multinomial
fair = torch.ones(6) / 6
print(Multinomial(10, fair).sample(), Multinomial(1, fair).sample())
print(Multinomial(3, probs=fair).sample((2,)), Multinomial(100, fair).sample() / 100)
print(Multinomial(2, fair).log_prob(torch.tensor([1., 1, 0, 0, 0, 0])))
print(torch.distributions.Exponential(torch.tensor([1.0, 2.0])).sample())
print(torch.distributions.Poisson(3.0).sample((2,)), torch.distributions.LogNormal(0.0, 1.0).sample())
print(torch.distributions.OneHotCategorical(fair).sample())
print(torch.distributions.LogNormal(0.0, 1.0).log_prob(torch.tensor(2.0)))
print(torch.distributions.LogNormal(0.0, 1.0).mean)
for bad in (
    lambda: torch.distributions.Normal(0.0, -1.0),
    lambda: torch.distributions.Categorical(fair).log_prob(torch.tensor(9)),
    lambda: torch.distributions.Bernoulli(probs=2.0),
    lambda: torch.distributions.Bernoulli(),
    lambda: torch.distributions.Categorical(fair).rsample(),
):
    try: bad()
    except (ValueError, NotImplementedError) as e: print(type(e).__name__, str(e)[:60])

x = torch.tensor([1.0, 4.0])
torch.sqrt_(x)
torch.sin_(x)
print(x, torch.relu_(torch.tensor([-1.0, 1])), torch.zero_(x), x)
"""


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program, seconds=None).printed == printed(program)


def test_each_distribution_is_held_against_torch() -> None:
    known = [name for name, does in distributions.MEMBERS.items() if not isinstance(does, dict)]
    assert all(name in ALIKE for name in known)


def test_a_log_probability_is_opened_and_checks_are_no_steps() -> None:
    trace = run(
        "mu, x = torch.tensor([0.0, 1.0], requires_grad=True), torch.ones(2)\n"
        "d = torch.distributions.Normal(mu, 2.0)\ny = d.log_prob(x).sum()\ny.backward()\ng = mu.grad"
    )
    ops = [node.op for node in trace.nodes]
    assert {"sub", "pow", "log", "div"} <= set(ops)
    assert not {"all", "ge", "is_all_true"} & set(ops)
    assert torch.allclose(trace.backward("y")["dmu"].value, trace["g"].value)


def test_no_gradient_goes_back_through_a_sample() -> None:
    start = "m = torch.ones(2, requires_grad=True)\nd = torch.distributions.Normal(m, 1.0)\n"
    assert run(f"{start}x = d.sample()")["x"].no_grad
    trace = run(f"{start}y = d.rsample().sum()")
    assert torch.equal(trace.backward("y")["dm"].value, torch.ones(2))


MADE = [
    "Normal(m, s)",
    "LogNormal(m, s)",
    "Uniform(m, m + s)",
    "Exponential(s)",
    "Bernoulli(p)",
    "Categorical(p)",
    "OneHotCategorical(p)",
    "Multinomial(3, p)",
    "Poisson(s)",
]
DRAWN = """
m, s, p = torch.zeros(2), torch.ones(2), torch.tensor([0.5, 0.5])
d = torch.distributions.{}
print(d.sample(), d.sample((3,)))
try: print(d.rsample(), d.rsample((3,)))
except NotImplementedError: print("has none")
"""
FILLED = "nn.init.trunc_normal_(torch.zeros(9, 9))"  # some of its cells are drawn again


@pytest.mark.parametrize("program", [*map(DRAWN.format, MADE), FILLED])
def test_no_cell_is_what_memory_happens_to_hold(program: str) -> None:
    trace = run(SETUP + program)
    assert trace.printed == printed(program)
    assert not [node.name for node in trace.nodes if node.op == "new" or "empty" in node.op]


def test_torch_s_own_checks_are_as_they_were() -> None:
    before = torch.distributions.Distribution._validate_args
    run("torch.distributions.Multinomial(3, torch.ones(2)).sample()")
    assert torch.distributions.Distribution._validate_args is before


def test_a_check_is_charged_before_it_is_made() -> None:
    with pytest.raises(LimitError):
        run("a = torch.ones(20_000_000)\ntorch.distributions.Normal(a.view(-1, 1), a)")


def test_a_sample_that_is_not_run_would_draw() -> None:
    statement = ast.parse("x = missing(d.sample())").body[0]
    assert "torch" in Definitions().effects(statement, lambda _: False).draws


@pytest.mark.parametrize("call", ["sample(3)", "randn(2)", "choice([1, 2])", "rand()"])
def test_what_numpy_draws_is_drawn_from_its_own_generator_alone(call: str) -> None:
    statement = ast.parse(f"x = missing(np.random.{call})").body[0]
    assert Definitions().effects(statement, lambda _: False).draws == {"numpy"}
