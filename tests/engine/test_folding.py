"""What an installed package does within one call of the program's is one box, by the frames around it."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from einops import rearrange
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as programs call it
from torch.utils.checkpoint import checkpoint

from llm_linalg import Trace, trace
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.recording.scopes import FOLD, Scope, is_fold, scope_tree, settle_folds

OPTIMIZERS = [
    torch.optim.SGD,
    torch.optim.AdamW,
    torch.optim.NAdam,
]


def folds(made: Trace) -> dict[str, Scope[Any]]:
    return {scope.path: scope for scope in made.scopes if scope.is_fold}


def train(optimizer: type[torch.optim.Optimizer], steps: int = 3, **options: Any) -> Tensor:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizing = optimizer(model.parameters(), lr=0.1, **options)  # type: ignore[call-arg]
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    for _ in range(steps):
        loss = F.mse_loss(model(x), y)
        optimizing.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizing.step()
    return F.mse_loss(model(x), y)


@pytest.mark.parametrize("reentrant", [True, False])
def test_layers_that_a_package_calls_are_boxes_of_their_own(reentrant: bool) -> None:
    layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    plain = nn.Sequential(layers)

    class Checkpointed(nn.Sequential):
        def forward(self, x: Tensor) -> Any:
            return checkpoint(self[0], x, use_reentrant=reentrant)

    x = torch.randn(2, 3, requires_grad=True)
    scopes = [[scope.path for scope in trace(model, x).scopes] for model in (plain, Checkpointed(layers))]
    assert scopes[0] == scopes[1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_is_one_box_with_its_arithmetic_inside(optimizer: type[torch.optim.Optimizer]) -> None:
    plain = train(optimizer)
    losses = []
    made = trace(lambda: losses.append(train(optimizer)))
    assert losses[0].equal(plain)  # what is folded is computed as torch computes it
    steps = [folds(made)[f"step():{k}"] for k in (1, 2, 3)]
    assert all(
        sum(len(own.nodes) for own in step) >= 4 for step in steps
    )  # each of four parameters is written
    assert {node.line for step in steps for node in step.nodes} == {steps[0].nodes[0].line}
    names = made.map.level().names
    assert [name for name in names if name.startswith("step")] == ["step:1", "step:2", "step:3"]
    assert set(made.map.level(("step:2",)).own) >= {"model.0.weight", "model.2.bias"}


def test_a_step_reads_the_clipped_gradients() -> None:
    made = trace(lambda: train(torch.optim.SGD, 1))
    clipped = folds(made)["clip_grad_norm_()"].nodes[-4:]
    assert [node.op for node in clipped] == ["mul"] * 4
    written = [node for node in folds(made)["step()"].nodes if node.is_write]
    assert [node.operands[1].node for node in written] == clipped
    for step, gradient in zip(written, clipped, strict=True):
        torch.testing.assert_close(step.value, step.operands[0].value - 0.1 * gradient.value)


def test_two_that_one_decorator_wraps_have_names_of_their_own() -> None:
    def clipped(x: Tensor) -> Tensor:
        weights = [nn.Parameter(x * 2), nn.Parameter(x * 3)]
        for weight in weights:
            weight.grad = weight * 4
        nn.utils.clip_grad_norm_(weights, 1.0)
        nn.utils.clip_grad_value_(weights, 0.2)
        return weights[0] + weights[1]

    assert [*folds(trace(clipped, torch.ones(2)))] == ["clip_grad_norm_()", "clip_grad_value_()"]


def test_gradients_are_looked_at_once_a_step() -> None:
    made = trace(lambda: train(torch.optim.AdamW, 2))
    assert Counter(node.op for node in made.nodes)["grad"] == 8
    assert "zero_grad()" not in folds(made)


def test_a_layer_has_its_parameters_inside_and_they_have_its_names() -> None:
    def build(x: Tensor) -> Tensor:
        layer = nn.Linear(3, 4)
        y: Tensor = layer(x)
        return y

    torch.manual_seed(0)
    oracle = nn.Linear(3, 4)
    made = trace(build, torch.ones(2, 3), seed=0)
    inside = folds(made)["Linear()"]
    assert [node.op for node in inside.nodes if node.is_write] == ["init_kaiming_uniform", "init_uniform"]
    assert made["layer.weight"].value.equal(oracle.weight)
    assert made["layer.bias"].value.equal(oracle.bias)
    assert not any(
        box.scope and box.scope.is_fold for box in made.map.level().boxes
    )  # as parameters everywhere


def attention(x: Tensor) -> Tensor:
    w, b = torch.eye(4).repeat(3, 1), torch.zeros(12)
    y, _ = F.multi_head_attention_forward(
        x, x, x, 4, 2, w, b, None, None, False, 0.0, torch.eye(4), torch.zeros(4)
    )
    return y


def sampled(_: Tensor) -> Tensor:
    # torch's compiler, once imported, has distributions check no arguments.
    normal: Any = torch.distributions.Normal(torch.zeros(3), torch.ones(3), validate_args=True)
    y: Tensor = normal.log_prob(normal.sample((2,)))
    return y


CALLS: list[tuple[Callable[..., Any], set[str]]] = [
    (attention, {"multi_head_attention_forward()"}),
    (sampled, {"Normal()", "sample()", "log_prob()"}),
    (lambda x: rearrange(x, "a b (c d) -> b (a d) c", c=2), {"rearrange()"}),
    (lambda x: torch.distributions.AffineTransform(1.0, x)(x), {"AffineTransform()"}),
    (lambda x: copy.deepcopy([x, x + 1]), {"deepcopy()"}),
    (
        lambda x: (
            x.norm(),
            x.split(1),
            F.relu(x),
            torch.einsum("abc->c", x),
            torch.meshgrid(x[0, 0], x[0, 0]),
        ),
        set(),
    ),
    (nn.MultiheadAttention(4, 2), set()),  # a module is a scope, not a fold
]


@pytest.mark.parametrize(("function", "expected"), CALLS)
def test_a_call_of_a_package_is_a_box_if_it_makes_several_of_torchs(
    function: Callable[..., Any], expected: set[str]
) -> None:
    x = torch.arange(12.0).view(3, 1, 4)
    arguments = (x,) * 3 if isinstance(function, nn.Module) else (x,)
    torch.manual_seed(0)
    plain = function(*arguments)
    results = []
    made = trace(lambda *own: results.append(function(*own)), *arguments)
    assert {path for path in folds(made) if "Attention" not in path} == expected
    torch.testing.assert_close(results[0], plain, rtol=0, atol=0)
    for path in expected - {"Normal()", "deepcopy()"}:  # which are made of constants, or read by nobody
        assert path in {box.scope.path for box in made.map.level().boxes if box.scope is not None}


def test_a_closure_is_the_programs_and_the_step_around_it_one() -> None:
    def fit() -> None:
        w = torch.zeros(2, requires_grad=True)
        optimizing: Any = torch.optim.LBFGS([w], max_iter=3)

        def closure() -> Tensor:
            optimizing.zero_grad()
            loss = ((w - 1) ** 2).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizing.step(closure)

    made = trace(fit)
    assert set(folds(made)) == {"step()"}
    assert all(node.scope == "" for node in made.nodes if node.name.startswith("loss"))


def test_a_function_of_no_module_s_own_has_its_lines() -> None:
    names: dict[str, Any] = {"__name__": "notebook"}
    exec(compile("def f(x):\n    return x * 2", "<cell 1>", "exec"), names)  # noqa: S102 - our own text
    assert [node.line for node in trace(names["f"], torch.ones(2)).nodes] == [None, 2]


PARTS = st.sampled_from(["f()", "g()", "block:1.f()"])


@given(st.lists(st.tuples(PARTS, st.integers(1, 3))))
def test_settled_folds_have_several_calls_and_numbers_from_one(calls: list[tuple[str, int]]) -> None:
    seen: Counter[str] = Counter()
    nodes: list[RecordNode] = []
    for base, size in calls:
        seen[base] += 1
        for _ in range(size):
            nodes.append(RecordNode(len(nodes), "ones", torch.ones(1)))
            nodes[-1].scope = f"{base}:{seen[base]}"
    settle_folds(nodes)
    several = Counter(base for base, size in calls if size > 1)
    paths = {scope.path for scope in scope_tree(nodes) if is_fold(scope.name)}
    assert paths == {
        base if count == 1 else f"{base}:{k}" for base, count in several.items() for k in range(1, count + 1)
    }
    places = iter(nodes)
    for base, size in calls:
        own = {next(places).scope for _ in range(size)}
        assert len(own) == 1
        scope = own.pop()
        assert (FOLD in scope) == (size > 1)
        assert size == 1 or scope.partition(FOLD)[0] == base.removesuffix(FOLD)
