"""No gradient is shown that torch would not give: each equals autograd's, or is refused by a sentence."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, library, nn
from torch.autograd import Function
from torch.utils.checkpoint import checkpoint

from llm_linalg import load_trace, trace
from llm_linalg.recording.record_node import ALIAS
from tests.engine.gradient_models import MODELS, Reversed, Sign
from tests.engine.here import run
from tests.ops.drawing import values

F = nn.functional


@pytest.mark.parametrize("side", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_of_a_model_each_gradient_is_that_of_autograd(name: str, side: bool) -> None:
    kind, inputs = MODELS[name]
    torch.manual_seed(0)
    model = kind()

    def loss(*given: Tensor) -> Tensor:
        total: Tensor = model(*given)
        return total + sum(own.sum() for own in model.parameters()) if side else total

    before = {key: own.clone() for key, own in model.state_dict().items()}
    wanted = torch.autograd.grad(loss(*inputs), list(model.parameters()))
    model.load_state_dict(before)
    made = trace(loss, *inputs)
    last = made.nodes[-1]
    program, influence = made.backward(last), made.influence(last, ())
    for (own, _), gradient in zip(model.named_parameters(), wanted, strict=True):
        node = next(node for node in made.nodes if node.name in (f"model.{own}", f"{kind.__name__}.{own}"))
        for found in (program[f"d{node.name}"].value, influence[node]):
            assert torch.allclose(found, gradient, rtol=1e-4, atol=1e-6), own


class Pair(Function):
    """Two results, and gradients that are wrong on purpose."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, times: int = 2) -> Any:
        """A product and a sum."""
        ctx.save_for_backward(x, y)
        ctx.times = times
        return x * y, x + y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        """Something else, which is not even linear."""
        x, y = ctx.saved_tensors
        return slopes[0].sign() * y * ctx.times + slopes[1], slopes[0] * x + slopes[1], None


class Elsewhere(Function):
    """A forward pass that torch does not see."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """A sine by NumPy."""
        ctx.save_for_backward(x)
        return torch.from_numpy(np.sin(x.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        """Its slope."""
        (x,) = ctx.saved_tensors
        slope: Tensor = slopes[0] * x.cos()
        return slope


class Drawn(Function):
    """A dropout of one's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Half of it."""
        ctx.kept = torch.rand_like(x) > 0.5
        half: Tensor = x * ctx.kept
        return half

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        """The same half."""
        half: Tensor = slopes[0] * ctx.kept
        return half


class Counting(Function):
    """A function that gives other values each time."""

    calls = 0

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        """How often it was called, times x."""
        Counting.calls += 1
        return x * Counting.calls

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:  # noqa: ARG004
        """The slope of the first call."""
        return slopes[0]


@library.custom_op("llm_linalg_tests::wave", mutates_args=())
def wave(x: Tensor) -> Tensor:
    """A sine."""
    return x.sin()


wave.register_autograd(
    lambda ctx, slope: slope * ctx.x.cos() * 2,  # wrong on purpose
    setup_context=lambda ctx, inputs, output: setattr(ctx, "x", inputs[0]),  # noqa: ARG005
)


def hooked(x: Tensor) -> Tensor:
    """A hook after another, and one that was taken off."""
    y = x * 2
    y.register_hook(lambda slope: slope.clamp(-1, 1))  # type: ignore[no-untyped-call]
    y.register_hook(lambda slope: None)  # type: ignore[no-untyped-call]  # noqa: ARG005
    y.register_hook(lambda slope: slope * 9).remove()  # type: ignore[no-untyped-call]
    return y * y


def with_no_grad(x: Tensor) -> Tensor:
    """A factor of which torch knows nothing, and writes that it has not seen."""
    y = x * 2
    with torch.no_grad():
        z = x.exp()
        y[0] = 9
        y.mul_(3)
    return y * z * x


def detached(x: Tensor) -> Tensor:
    """Writes by way of what shares the memory, and not the gradient."""
    y = x * 2
    y.data[0] = 9
    y.detach()[:, 1] = 5
    return y * x.exp()


def complex_writes(x: Tensor) -> Tensor:
    """Writes into complex numbers, of real ones too."""
    z = torch.zeros(3, 4, dtype=torch.complex128)
    z[1:] = torch.complex(x, x.flip(0))[1:] * 1j
    z[0] = x[0]
    z *= x + 2j
    return z.real + z.imag.cumsum(0)


def underscores(x: Tensor) -> Tensor:
    """Variables that are called so."""
    _ = x * 2
    __, _ = _.chunk(2, 1)
    return __ * _


def running_means(x: Tensor) -> Tensor:
    """A batch norm by the means of a batch, of which torch keeps no graph."""
    norm = nn.BatchNorm1d(4).double()
    once: Tensor = norm(x)
    again: Tensor = norm.eval()(x)
    return once * again


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that torch would rather compile them otherwise

    @torch.jit.script
    def scripted(x: Tensor, share: float = 0.5) -> tuple[Tensor, Tensor]:
        """Two results of what C++ alone runs; one draws."""
        return torch.dropout(x * x, share, True), x.sin()

    scripted_layer = torch.jit.script(nn.Linear(4, 4, dtype=torch.float64))


@library.custom_op("llm_linalg_tests::noisy", mutates_args=())
def noisy(x: Tensor) -> Tensor:
    """An operator that draws, and says nothing of it."""
    return x * torch.rand_like(x)


noisy.register_autograd(
    lambda ctx, gradient: gradient * ctx.saved_tensors[0],
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(output / inputs[0]),
)


def scripts_that_draw(x: Tensor) -> Tensor:
    """Calls of a script, between which others draw."""
    one, other = scripted(x)
    made: Tensor = one + scripted(x * torch.rand(4), share=0.25)[0] * other
    return made


def written_as_it_was(x: Tensor) -> Tensor:
    """Writes of what was there: no number changes, and the gradient goes another way."""
    y, z = x.detach().clone(), x.detach().clone()
    y.index_put_((torch.tensor([0, 2]),), x[[0, 2]])
    z.put_(torch.tensor([1, 5]), x.flatten()[[1, 5]])
    return y * z


def leaf_with_hooks(x: Tensor) -> Tensor:
    """Hooks of a leaf before its first use and after, of which one is taken off."""
    taken_off = x.register_hook(lambda slope: slope * 9)  # type: ignore[no-untyped-call]
    x.register_hook(lambda slope: slope.clamp(-1, 1))  # type: ignore[no-untyped-call]
    once = x * 3
    x.register_hook(lambda slope: slope * 2)  # type: ignore[no-untyped-call]
    taken_off.remove()
    return once + x.roll(1, 0) * 5


LAYER = nn.Linear(4, 4).double()


def frozen_once(x: Tensor) -> Tensor:
    """A layer of which autograd follows one use and not the other."""
    LAYER.weight.requires_grad_(requires_grad=False)  # type: ignore[call-arg]
    LAYER.bias.requires_grad = False
    once: Tensor = LAYER(x)
    LAYER.requires_grad_(True)
    made: Tensor = once * LAYER(x.detach())
    return made


def averaged(x: Tensor, y: Tensor) -> Tensor:
    """A parameter that averages over others are copied into, by way of what was detached from it."""
    mean = nn.Parameter(torch.zeros(3, 4).double())
    for own in (y, y * x):
        mean.detach().copy_(mean.detach() * 0.5 + own)
    return mean * x


FACTOR = torch.ones(4).double()


def with_what_it_leaves(x: Tensor) -> Tensor:
    """A product of whose factor another tensor takes the memory, so that nobody knows what it was."""
    made = FACTOR * x
    torch.zeros(4).double().set_(FACTOR)  # type: ignore[call-overload]
    return made


def hooked_view(x: Tensor, whole: bool) -> Tensor:
    """A hook of a view, which is written afterwards, or what it is a view of."""
    y = x * 2
    view = y[0]
    view.register_hook(lambda slope: -slope)  # type: ignore[no-untyped-call]
    (y if whole else view)[0] = 5
    return view.sin() * y


def in_a_thread(x: Tensor) -> Tensor:
    """A step that another thread takes."""
    made: list[Tensor] = []
    thread = threading.Thread(target=lambda: made.append(x.sin()))
    thread.start()
    thread.join()
    return made[0] * x


def items_normalized(x: Tensor, y: Tensor) -> Tensor:
    norm = nn.InstanceNorm1d(3, affine=True, track_running_stats=True).double()
    made: Tensor = norm(norm(x[None]) * y) * torch.sum(norm.running_var)  # type: ignore[arg-type]
    return made


def moved_data(x: Tensor) -> Tensor:
    """A tensor with the memory of another."""
    y = x * 2
    y.data = x.detach() * 5
    return y * x


def part_of_complex(x: Tensor) -> Tensor:
    """Complex numbers that are written as real ones."""
    z = torch.complex(x, x) * 1
    z.real.mul_(2)
    return z.real * z.imag


def doubled_by_numpy(x: Tensor) -> Tensor:
    y = x * 1
    y.detach().numpy()[...] *= 2
    return y * y


def with_module_hook(x: Tensor) -> Tensor:
    """A hook of a module's gradient, which may change it, and one of its result."""
    layer = nn.Linear(4, 4).double()
    layer.register_full_backward_hook(lambda _layer, _in, _out: None)
    result: Tensor = layer(x)
    if result.requires_grad:
        result.register_hook(lambda slope: slope)  # type: ignore[no-untyped-call]
    return result


def of_a_gradient(x: Tensor) -> Tensor:
    """A gradient within a loss."""
    (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    return slope * x


Program = Callable[..., Tensor]


def with_a_hook_at_its_step(x: Tensor) -> Tensor:
    y = x * 2
    if y.grad_fn is not None:
        y.grad_fn.register_hook(lambda given, _: tuple(own and own * 10 for own in given[:1]))
    return y * y


def with_a_hook_beforehand(x: Tensor) -> Tensor:
    y = x * 2
    z = y + 1
    step = None if z.grad_fn is None else z.grad_fn.next_functions[0][0]
    if step is not None:
        step.register_prehook(lambda given: tuple(own * 10 for own in given))
    return z * y


def saved_otherwise(x: Tensor) -> Tensor:
    with torch.autograd.graph.saved_tensors_hooks(torch.round, lambda own: own):
        return x * x


def saved_on_the_cpu(x: Tensor) -> Tensor:
    with torch.autograd.graph.save_on_cpu():
        y = x * x
    return (
        torch.utils.checkpoint.checkpoint(torch.sin, y, use_reentrant=False) if x.requires_grad else y.sin()
    )


def written_out(x: Tensor) -> Tensor:
    y, made = x * 2, torch.empty_like(x)
    with torch.no_grad():
        torch.mul(x, 3, out=made)
        torch.add(y, made, out=made)
    return y * made


def detached_in_place(x: Tensor) -> Tensor:
    """Constants that were results, and a leaf that torch may detach as often as it likes."""
    y, z, leaf = x * 2, x * 3, torch.ones(4, dtype=x.dtype).detach_()
    part = (z + y).exp()
    y.detach_()
    torch.detach_(part)
    total = z * leaf
    for _ in range(2):
        total = total.detach_() + y * x + part
    return total * y


def looked_at(x: Tensor) -> Tensor:
    """What was written through a view, and is only looked at where no gradients are kept."""
    y = x * 2
    y[0].mul_(3)
    with torch.no_grad():
        y.norm()
    return y * y


def filled(x: Tensor) -> Tensor:
    """What is written with gradients and without, cell by cell."""
    made = torch.zeros_like(x)
    made[1].copy_(x[0])
    with torch.no_grad():
        made[2] = x[1]
    return made * made


deeper: Callable[[Tensor], Tensor] = torch.atleast_3d


def sampled(kind: str, count: int, x: Tensor, _: Tensor) -> Tensor:
    """What a distribution draws after something else was drawn."""
    others = torch.rand(4)
    drawn: Tensor = getattr(torch.distributions, kind)(*[x.exp()] * count).rsample()
    return drawn * others if drawn.shape == x.shape else drawn


def in_layers(kind: type[nn.LSTM | nn.GRU], x: Tensor) -> Tensor:
    """What layers give one after another, with dropout between them."""
    others = torch.rand(5)
    layers = kind(4, 5, num_layers=2, dropout=0.5, dtype=x.dtype)
    out: Tensor = layers(x)[0]
    return out * others


TWICE = torch.tensor([[0, 0, 1, 2], [2, 1, 1, 2]])
FOLLOWED: dict[str, Program] = {
    "straight through": lambda x, _: Sign.apply(x * 2),
    "reversed": lambda x, _: Reversed.apply(x, 0.5) * x,
    "two results": lambda x, y: torch.stack(Pair.apply(x, y, 3)).exp(),
    "one of two": lambda x, y: Pair.apply(x * 2, y)[0],
    "the same twice": lambda x, _: sum(Pair.apply(x, x)),
    "one after another": lambda x, _: Sign.apply(Reversed.apply(x, 2.0)) * Sign.apply(x),
    "elsewhere": lambda x, _: Elsewhere.apply(x * 1),
    "drawn": lambda x, _: Drawn.apply(x) * 3,
    "custom operation": lambda x, _: wave(x * 2),
    "hooks": lambda x, _: hooked(x),
    "no_grad": lambda x, _: with_no_grad(x),
    "looked at": lambda x, _: looked_at(x),
    "filled": lambda x, _: filled(x),
    "detached": lambda x, _: detached(x),
    "detached in place": lambda x, _: detached_in_place(x),
    "complex writes": lambda x, _: complex_writes(x),
    "spectrum": lambda x, _: torch.stft(
        x.flatten(), 4, window=torch.ones(4).double(), return_complex=True
    ).abs(),
    "complex matrices": lambda x, y: (
        torch.linalg.eigvals(x @ y.mT).abs() + torch.linalg.det(x @ x.mT + 1j).real
    ),
    "vdot": lambda x, y: torch.vdot(torch.complex(x[0], y[0]), torch.complex(y[1], x[1])).imag,
    "equal cells": lambda x, _: F.max_pool2d(x.round()[None, None], 2) + torch.atan2(x * 0, x * 0).sum(),
    "underscores": lambda x, _: underscores(x),
    "running means": lambda x, _: running_means(x),
    "saved on the CPU": lambda x, _: saved_on_the_cpu(x),
    "written out": lambda x, _: written_out(x),
    "one place twice": lambda x, y: (
        x.scatter(0, TWICE, y[:2]) * x.index_copy(-1, TWICE[0, :2], y[:, :2]).scatter_(1, TWICE, x[1:])
    ),
    "more axes": lambda x, y: torch.cat([own[0].T for own in map(deeper, (x * 2, y))]),
    **{
        kind: partial(sampled, kind, count)
        for kind, count in (("Gamma", 2), ("Dirichlet", 1), ("Beta", 2), ("StudentT", 1))
    },
    "LSTM with dropout": lambda x, _: in_layers(nn.LSTM, x),
    "GRU with dropout": lambda x, _: in_layers(nn.GRU, x),
    "averages": averaged,
    "running means of items": items_normalized,
    "how many are not 0": lambda x, _: (x / x).norm(0) + torch.linalg.vector_norm(x - x, 0, dim=1),
    "written by wider numbers": lambda x, y: y.half().mul_(x * 100).div_(x + 9).double(),
    "another's memory": lambda x, _: moved_data(x),
    "written as it was": lambda x, _: written_as_it_was(x),
    "a leaf's hooks": lambda x, _: leaf_with_hooks(x),
    "scripts that draw": lambda x, _: scripts_that_draw(x),
    "operators that draw": lambda x, y: noisy(x) + noisy(y) * x,
    "overload that draws": lambda x, y: sum(
        (torch.ops.aten.dropout.default(own, 0.5, True) * torch.rand(4) for own in (x, y)), start=x
    ),
    "dropout of torch's core": lambda x, _: torch.native_dropout(x, 0.5, True)[0] * torch.rand(4),
}
REFUSED: dict[str, tuple[Program, str]] = {
    "no derivative": (
        lambda x, _: x // 0.5,
        r"result \(floor_divide, .*\), which has no derivative in torch",
    ),
    "other values": (lambda x, _: Counting.apply(x), r"\(Counting, .*other values when it is called again"),
    "thread": (lambda x, _: in_a_thread(x), "calls that were not recorded"),
    "memory left to another": (lambda x, _: with_what_it_leaves(x), "calls that were not recorded"),
    "frozen once": (lambda x, _: frozen_once(x), r"bias, which is frozen for some .* \(linear,"),
    "scripted layer": (lambda x, _: scripted_layer(x), "calls that were not recorded"),
    "written by NumPy": (lambda x, _: doubled_by_numpy(x), "calls that were not recorded"),
    "vmap": (
        lambda x, _: torch.vmap(torch.sin)(x) * 2,
        r"made by calls that were not recorded, which is first used in .* \(mul, ",
    ),
    "slope of a function": (
        lambda x, _: torch.func.grad(lambda y: (y**3).sum())(x),
        "calls that were not recorded",
    ),
    "numbers of another type": (lambda x, _: part_of_complex(x), "numbers of another type"),
    "module's hook": (lambda x, _: with_module_hook(x), "a hook may change"),
    "step's hook": (lambda x, _: with_a_hook_at_its_step(x), r"\(mul, .*calls that were not recorded"),
    "written view's hook": (lambda x, _: hooked_view(x, whole=False), "calls that were not recorded"),
    "written whole's hook": (lambda x, _: hooked_view(x, whole=True), "calls that were not recorded"),
    "hook beforehand": (lambda x, _: with_a_hook_beforehand(x), "calls that were not recorded"),
    "saved otherwise": (lambda x, _: saved_otherwise(x), r"\(mul, .*calls that were not recorded"),
    "gradient": (lambda x, _: of_a_gradient(x), r"\(grad, .*calls that were not recorded"),
}


WITH_A_GRAPH = ("written view's hook", "written whole's hook", "step's hook", "hook beforehand", "gradient")
"""Where nothing requires a gradient, nothing tells that another tensor was made from one of these."""


def weighed(result: Tensor, *inputs: Tensor) -> Tensor:
    """A number that each cell goes into, and each input beside it."""
    return (result * values(tuple(result.shape), 9)).sum() + sum(own.sum() for own in inputs)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("name", FOLLOWED)
def test_a_gradient_follows_what_autograd_does(name: str, grad: bool) -> None:
    def loss(*inputs: Tensor) -> Tensor:
        return weighed(FOLLOWED[name](*inputs), *inputs)

    leaves = [values((3, 4), number).requires_grad_() for number in (1, 2)]
    torch.manual_seed(0)
    wanted = torch.autograd.grad(loss(*leaves), leaves)
    if not grad and "hook" in name:
        return  # torch takes none there
    made = trace(loss, *(own.detach().clone().requires_grad_(grad) for own in leaves))
    last = made.nodes[-1]
    program, influence = made.backward(last), made.influence(last, ())
    for number, gradient in enumerate(wanted):
        for found in (program[f"dinputs_{number}"].value, influence[made[f"inputs_{number}"]]):
            assert torch.allclose(found, gradient, equal_nan=True), number


@pytest.mark.parametrize(
    ("name", "grad"),
    [(name, grad) for name in REFUSED for grad in (True, False) if grad or name not in WITH_A_GRAPH],
)
def test_what_nobody_knows_is_refused_with_operation_and_line(name: str, grad: bool) -> None:
    function, why = REFUSED[name]
    made = trace(lambda x: weighed(function(x, x), x), values((3, 4), 1).requires_grad_(grad))
    last = made.nodes[-1]
    for ask in (lambda: made.backward(last), lambda: made.influence(last, ())):
        with pytest.raises(LookupError, match=why) as refused:
            ask()
        assert re.match(
            r"the gradient flows through .* \(\w+, test_gradient_laws.py:\d+\)", str(refused.value)
        )


def test_a_hook_from_before_the_trace_changes_the_gradient() -> None:
    x = torch.ones(3).requires_grad_()
    x.register_hook(lambda slope: slope * 4)  # type: ignore[no-untyped-call]
    x.register_hook(lambda slope: slope * 9).remove()  # type: ignore[no-untyped-call]
    made = trace(lambda x: (x * 2).sum(), x)
    assert made.backward(made.nodes[-1])["dx"].value.tolist() == [8, 8, 8]
    assert made.influence(made.nodes[-1], ())[made["x"]].tolist() == [8, 8, 8]


def test_a_modules_hook_is_refused_where_a_program_is_run() -> None:
    made = run(
        """torch.manual_seed(0)
layer = torch.nn.Linear(2, 2)
layer.register_full_backward_hook(lambda layer, into, out: (into[0] * 2,))
x = torch.ones(2, requires_grad=True)
y = layer(x * 1)
loss = (y + x).sum()"""
    )
    with pytest.raises(LookupError, match="a hook may change"):
        made.backward("loss")


def test_a_leaf_that_was_written_has_one_gradient() -> None:
    made = run(
        """W = torch.ones(2, requires_grad=True)
W.register_hook(lambda slope: slope * 2)
y = W * 3
with torch.no_grad():
    W.mul_(2)
z = W * 5
with torch.no_grad():
    W.add_(1)
loss = (y + z + W).sum()"""
    )
    assert made.backward("loss")["dW"].value.tolist() == [18, 18]


def test_a_constant_from_before_a_transform_is_one_after_it() -> None:
    scale = torch.arange(4.0)
    made = trace(lambda x: (torch.vmap(torch.sin)(x), (x * scale).sum())[1], torch.ones(4))
    assert made.backward(made.nodes[-1])["dx"].value.equal(scale)


def test_a_constant_may_be_made_by_what_has_no_derivative() -> None:
    made = run("x = torch.ones(4)\nscale = 10.0 ** (torch.arange(4.0) // 2)\nloss = (x * scale).sum()")
    assert made.backward("loss")["dx"].value.tolist() == [1, 1, 10, 10]
    with pytest.raises(LookupError, match=r"floor_divide, line 2"):
        run("x = torch.ones(4)\nloss = (x // 2).sum()").backward("loss")


def test_a_function_under_no_grad_as_a_whole_has_gradients(tmp_path: Path) -> None:
    made = torch.no_grad()(lambda: trace(torch.no_grad()(lambda x: (x * x).sum()), torch.ones(3)))()
    assert made.backward(made.nodes[-1])["dx"].value.tolist() == [2, 2, 2]
    made.save(tmp_path / "a.trace")
    again = load_trace(tmp_path / "a.trace")
    assert again.backward(again.nodes[-1])["dx"].value.tolist() == [2, 2, 2]


@pytest.mark.parametrize("again", [True, False])
def test_a_gradient_goes_through_a_checkpoint(again: bool) -> None:
    layer = nn.Linear(4, 4).double()

    def loss(x: Tensor) -> Tensor:
        made: Tensor = checkpoint(lambda own: layer(own).sin(), x * 2, use_reentrant=again)
        return weighed(made, x)

    x = values((3, 4), 1).requires_grad_()
    loss(x).backward()  # type: ignore[no-untyped-call]
    for inputs in (x, x.detach()):
        made = trace(loss, inputs)
        program = made.backward(made.nodes[-1])
        assert torch.allclose(program["dx"].value, x.grad if x.grad is not None else x)
        assert torch.allclose(program["dLinear.weight"].value, layer.weight.grad)  # type: ignore[arg-type]


def test_what_was_made_under_no_grad_has_none() -> None:
    made = run("x = torch.ones(3)\ny = x * 2\nwith torch.no_grad():\n    loss = (y * x).sum()")
    for ask in (made.backward, lambda name: made.influence(name, ())):
        with pytest.raises(LookupError, match=r"loss \(sum, line 4\) was made under no_grad"):
            ask("loss")
    assert made.backward("y")["dx"].value.tolist() == [2, 2, 2]


def test_what_a_file_does_not_hold_is_refused(tmp_path: Path) -> None:
    for name, why in (("straight through", "Sign"), ("hooks", "a hook may change"), ("spectrum", "stft")):
        made = trace(
            lambda x, name=name: weighed(FOLLOWED[name](x, x), x), values((3, 4), 1).requires_grad_()
        )
        made.save(tmp_path / "a.trace")
        again = load_trace(tmp_path / "a.trace")
        with pytest.raises(LookupError, match=why):
            again.backward(again.nodes[-1])


SETUP = """
class Thrice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x)
        return x * y, y.exp()
    @staticmethod
    def backward(ctx, one, other):
        return 3 * one, other + ctx.saved_tensors[0]
x, w = torch.randn(3, 4).double().requires_grad_(), torch.randn(3, 4).double().requires_grad_()
"""
STEPS = [
    "{t} = {a} * {b} + {a}.sum()",
    "{t} = {a} @ {b}.T @ {a}",
    "_ = torch.view_as_complex({a}.clone().view(3, 2, 2))\n{t} = torch.view_as_real(_ * _.exp()).flatten(1)",
    "{t} = torch.polar({b}, {a}).real + 0",
    "{t} = torch.fft.ifft(torch.fft.fft({a}) * torch.fft.fft({b})).real",
    "{t} = (torch.complex({a}, {b}) @ torch.complex({b}, {a}).mH).abs()[:, [0, 1, 2, 1]]",
    "{t} = {a} + ({b}.round() - {a}).detach()",
    "{t} = Thrice.apply({a}, {b})[0]",
    "{t}, _ = Thrice.apply({a}, {b})\n{t} = {t} * _",
    "_ = torch.stack([{a}, {b}])\n{t} = _[1] * _.mean(0)",
    "with torch.no_grad(): _ = {a} * 2\n{t} = _ * {b} + {a}",
    "{t} = {a}.clone()\n{t}[1:] = {b}[1:]\n{t} = {t} * {a}",
    "{t} = {a} * 1\n{t}.register_hook(lambda slope: 2 * slope)\n{t} = {t} * {b}",
    "{t} = {a} * 1\nwith torch.no_grad(): {t}[0] = 7\n{t} = {t} * {b}",
    "{t} = {a} * 1\n{t}[0].mul_(2)\nwith torch.no_grad(): {t}.norm()\n{t} = {t} * {b}",
    "{t} = F.layer_norm({a}, (4,)) * {b}.softmax(-1)",
    "{t} = {a}.sort(1)[0] + {b}.amax(1, keepdim=True)",
]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draws a program with a side path from each of its tensors."""
    names, lines = ["x", "w"], []
    for number in range(draw(st.integers(1, 4))):
        one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        target = draw(st.sampled_from([f"h{number}", "h"]))
        lines.append(draw(st.sampled_from(STEPS)).format(t=target, a=one, b=other))
        names.append(target)
    side = " + ".join(f"{name}.sum()" for name in names)
    return "\n".join([*lines, f"loss = ({names[-1]} ** 2).mean() + {side}"])


def hold(program: str) -> None:
    """Holds the gradients of a program, and its influence, against those that the program asks of torch."""
    made = run(f"{SETUP}{program}\nloss.backward()\ngx, gw = x.grad, w.grad", seed=1)
    gradients, influence = made.backward("loss"), made.influence("loss", ())
    inputs = {
        node.name: node for node in made.nodes if node.op == "requires_grad_" or node.name in ("x", "w")
    }
    for name in ("x", "w"):
        wanted = made[f"g{name}"].value
        if not wanted.isfinite().all():  # too large, and nan takes the place of inf by another order of steps
            continue
        for found in (gradients[f"d{name}"].value, influence[inputs[name]]):
            assert torch.allclose(found, wanted, rtol=1e-6, atol=1e-9, equal_nan=True), (name, program)


@pytest.mark.parametrize(
    "key", ["t", "t, 0", "None, t", "..., t", "t[:, None], t + 1", "0:2, t", "[0, 0], [1, 1]"]
)
def test_each_value_takes_part_that_a_key_puts_into_one_cell(key: str) -> None:
    hold(f"t = torch.tensor([0, 0])\nh = x * 1\nh[{key}] = w[{key}] * x[{key}]\nloss = (h * x.exp()).sum()")


@pytest.mark.parametrize(("dim", "index"), [(1, [[0, 2, 1]]), (0, [[1, 0], [0, 1]])])
def test_what_a_scatter_leaves_of_its_source_has_no_gradient(dim: int, index: list[list[int]]) -> None:
    def gradients(source: str) -> list[Tensor]:
        made = run(
            f"x, w = torch.ones(2, 3), torch.ones(2, 3)\nk = torch.tensor({index})\n"
            f"loss = (x.scatter({dim}, k, {source}) * torch.arange(6.0).view(2, 3)).sum()"
        )
        return [made.backward("loss")[name].value for name in ("dx", "dw")]

    assert all(map(torch.equal, gradients("w"), gradients("w[: k.shape[0], : k.shape[1]]")))


VIEW_WRITES = [
    "row.mul_(2)",
    "column.add_(x[:, 0])",
    "t.neg_()",
    "t.T[1] = 3",
    "column.index_put_((torch.tensor([0, 0]),), w.sum(), accumulate=True)",
    "row[1:] = w[0, 1:]",
]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(VIEW_WRITES), st.booleans()), min_size=2, max_size=5))
@example([("row.mul_(2)", True), ("row.mul_(2)", False)])
@example([(VIEW_WRITES[4], False), ("t.neg_()", False)])
def test_writes_that_autograd_misses_give_its_gradient_or_are_refused(writes: list[tuple[str, bool]]) -> None:
    lines = [line if seen else f"with torch.no_grad(): {line}" for line, seen in writes]
    program = "\n".join(
        [SETUP, "t = x * 1", "row, column = t[0], t[:, 0]", *lines, "loss = (t * w).sum() + column.sum()"]
    )
    made = run(f"{program}\nloss.backward()\ngx, gw = x.grad, w.grad", seed=1)
    for node in made.nodes:
        if node.op == ALIAS:
            assert len({own.node for own in node.operands}) == len(node.operands), "it names each write once"
    with TemporaryDirectory() as folder:
        made.save(f"{folder}/a.trace")
        again = load_trace(f"{folder}/a.trace")
    mixed = "autograd has seen some writes and not others" if len({seen for _, seen in writes}) > 1 else "$."
    for own, why in ((made, mixed), (again, f"{mixed}|does not hold")):
        try:
            gradients = own.backward("loss")
        except LookupError as refusal:
            assert re.search(why, str(refusal)), program  # noqa: PT017
            continue
        for name in ("x", "w"):
            assert torch.allclose(gradients[f"d{name}"].value, made[f"g{name}"].value), (name, program)


@settings(max_examples=25)
@given(programs())
def test_of_a_program_each_gradient_is_that_of_autograd(program: str) -> None:
    hold(program)


@pytest.mark.slow
@settings(max_examples=600)
@given(programs())
def test_of_many_programs_each_gradient_is_that_of_autograd(program: str) -> None:
    hold(program)


@pytest.mark.parametrize("name", ["var", "std"])
@given(dim=st.sampled_from([None, 0, 1]), correction=st.integers(0, 1), seed=st.integers(0, 99))
def test_a_variance_of_complex_numbers_moves_as_in_torch(
    name: str, dim: int | None, correction: int, seed: int
) -> None:
    x = torch.complex(values((3, 2), seed), values((3, 2), seed + 1))

    def loss(a: Tensor) -> Tensor:
        spread: Tensor = getattr(torch, name)(a, dim, correction=correction)
        return spread.sum()

    made = trace(loss, x)
    leaf = x.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(loss(leaf), leaf)
    assert torch.allclose(made.backward(made.nodes[-1])["da"].value, wanted)
