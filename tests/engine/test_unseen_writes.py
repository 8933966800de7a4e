"""Writes over what was used before, which has no gradient of ours then, and of what is used later."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from weakref import ref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from llm_linalg import trace
from tests.engine.here import run

STEPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exp": lambda a, _: (a / 4).exp(),
    "tanh": lambda a, _: a.tanh(),
    "relu": lambda a, _: a.relu(),
    "softmax": lambda a, _: a.softmax(-1),
    "product": lambda a, w: a * w,
    "matmul": lambda a, w: a @ w,
    "sum": lambda a, w: a + w,
    "turned": lambda a, _: a.T,
    "rows": lambda a, _: torch.cat([a[1:], a[:1]]),
    "picked": lambda a, _: a[[1, 0, 2]],
    "copy": lambda a, _: a.clone(),
}


def unseen(a: Tensor) -> None:
    with torch.no_grad():
        a.add_(1)


def moved(a: Tensor) -> None:
    a.data = a.detach() * 1.5


def moved_to_what_is_written(a: Tensor) -> None:
    other = a.detach() * 1
    a.data = other
    a.exp()
    other.mul_(1.5)


WRITES: dict[str, Callable[[Tensor], object]] = {
    "data": lambda a: a.data.mul_(1.5),
    "row": lambda a: a.data[0].zero_(),
    "detached": lambda a: a.detach().T.neg_(),
    "unseen": unseen,
    "seen": lambda a: a.mul_(1.5),
    "seen row": lambda a: a[1].mul_(a[0]),
    "moved": moved,
    "moved to what is written": moved_to_what_is_written,
    "of a copy": lambda a: a.clone().data.zero_(),
    "nothing": lambda a: a.data.mul_(1),
}
HARMLESS = ("of a copy", "nothing")
COUNTED = ("detached", "unseen", "seen", "seen row")  # torch counts them, and raises an error on the way back


@given(st.lists(st.sampled_from([*STEPS]), min_size=1, max_size=6), st.sampled_from([*WRITES]), st.data())
def test_a_gradient_is_autograds_or_none(steps: Sequence[str], write: str, data: st.DataObject) -> None:
    after = data.draw(st.integers(0, len(steps)))
    target = data.draw(st.integers(0, after + 1))
    is_leaf = data.draw(st.booleans()) and "seen" not in write.split()

    def program(one: Tensor, other: Tensor) -> Tensor:
        states = [other if is_leaf else other * 1, one * 1]
        for place, step in enumerate(steps):
            if place == after:
                WRITES[write](states[target])
            states.append(STEPS[step](states[-1], states[0]))
        if after == len(steps):
            WRITES[write](states[target])
        loss = (states[-1] * torch.arange(9.0).reshape(3, 3)).sum() + one.sum()
        return loss  # noqa: RET504

    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(3, 3, generator=generator, dtype=torch.float64) for _ in range(2)]
    leaves = [own.clone().requires_grad_() for own in inputs]
    try:
        asked = torch.autograd.grad(program(*leaves), leaves, allow_unused=True)
    except RuntimeError:  # it counts writes by storage, and says so
        asked = None
    made = trace(program, *[own.clone().requires_grad_() for own in inputs])
    try:
        gradients = made.backward("loss").names
    except LookupError:
        assert write not in HARMLESS
        assert write not in COUNTED or asked is None
        return
    assert asked is not None
    for name, gradient in zip(("one", "other"), asked, strict=True):
        if gradient is None:
            assert f"d{name}" not in gradients
        else:
            assert torch.allclose(gradients[f"d{name}"].value, gradient)


@pytest.mark.parametrize(
    ("program", "is_known"),
    [
        ("y = (x * 2).exp()\ny.data.mul_(2)\nloss = y.sum()", False),
        ("y = x * 2\ny.data.mul_(2)\nloss = y.sum()", True),  # the way back does not read it
        ("y = x.exp()\nz = y + 1\nz.data.mul_(2)\nloss = z.sum()", True),
        ("y = x.exp()\nloss = y.sum()\ny.data.mul_(2)", True),  # the loss was there before
        ("h = x * 1\ny = h[0] * h[0]\nh.data[1] = 5\nloss = y.sum()", True),
        ("h = x * 1\ny = h[0] * h[0]\nh.data[0] = 5\nloss = y.sum()", False),
        ("h = x * 1\ny = h.T.exp()\ny.T.data[0] = 5\nloss = y.sum()", False),
        ("w = x * 1\ny = x * w\nw.data = torch.zeros(2, 3)\nloss = y.sum()", False),
        ("w = x * 1\nw.data = torch.zeros(2, 3)\ny = x * w\nloss = y.sum()", True),
        ("w = x * 1\no = w * 0\nw.data = o\ny = x * w\no.add_(1)\nloss = y.sum()", False),
        ("w = x * 1\no = w.data\ny = x * o\nw.add_(1)\nloss = y.sum()", False),
    ],
)
def test_only_what_is_read_on_the_way_back_counts(program: str, is_known: bool) -> None:
    made = run(f"x = torch.randn(2, 3)\n{program}", seed=0)
    if is_known:
        made.backward("loss")
        return
    with pytest.raises(LookupError, match=r"needs numbers that .* has changed since"):
        made.backward("loss")


OVER: dict[str, Callable[[Tensor], object]] = {
    "a method": lambda a: a.tanh_(),
    "an overload": lambda a: torch.ops.aten.mul_.Tensor(a, a.clone()),
    "in place": lambda a: functional.leaky_relu(a, 0.1, inplace=True),
    "in place, by position": lambda a: functional.elu(a, 1.0, True),
    "a layer": nn.ReLU(inplace=True),
    "out": lambda a: torch.add(a, 1, out=a),
    "out of others": lambda a: torch.matmul(a.clone(), a.clone(), out=a),
    "out of a list": lambda a: torch.cat([a.clone()[1:], a.clone()[:1]], out=a),
    "a row": lambda a: functional.threshold(a[0], 0.1, 0.0, inplace=True),
}


@pytest.mark.parametrize("write", [*OVER])
@pytest.mark.parametrize("way", ["under no_grad", "data"])
@pytest.mark.parametrize("required", [True, False])
def test_what_is_used_later_has_its_gradient_however_it_was_written(
    write: str, way: str, required: bool
) -> None:
    def program(x: Tensor, w: Tensor) -> Tensor:
        a = x * 2
        with torch.set_grad_enabled(way == "data"):
            OVER[write](a.data if way == "data" else a)
            OVER[write](w.data if way == "data" else w)
        loss = (a * w).sum()
        return loss  # noqa: RET504

    def inputs(required: bool) -> list[Tensor]:
        generator = torch.Generator().manual_seed(0)
        made = [torch.randn(3, 3, generator=generator, dtype=torch.float64) for _ in range(2)]
        return [own.requires_grad_(required) for own in made]

    leaves = inputs(True)
    asked = torch.autograd.grad(program(*leaves), leaves)
    made = trace(program, *inputs(required))
    gradients = made.backward("loss").names
    for name, gradient in zip("xw", asked, strict=True):
        assert torch.allclose(gradients[f"d{name}"].value, gradient)


AS_IT_WAS: dict[str, Callable[[Tensor], Tensor]] = {
    "float": lambda a: a.double(),
    "to": lambda a: a.to("cpu", torch.float64),
    "contiguous": lambda a: a.contiguous(),
    "type_as": lambda a: a.type_as(a),
    "real": lambda a: a.real,
    "positive": lambda a: +a,
    "several": lambda a: torch.atleast_1d(a, a[0, 0])[0],  # type: ignore[no-untyped-call]
    "of one type": lambda a: a.view(torch.float64),
    "whole": lambda a: a[:],
}


def statistics(x: Tensor, same: Callable[[Tensor], Tensor]) -> Tensor:
    with torch.no_grad():
        size = same(x).abs().amax()
    return (x * x / size).sum()


def straight_through(x: Tensor, same: Callable[[Tensor], Tensor]) -> Tensor:
    h = x * 2
    with torch.no_grad():
        rounded = same(h).round()
    return (h + (rounded - h).detach()).square().sum()


def detached_and_written(x: Tensor, same: Callable[[Tensor], Tensor]) -> Tensor:
    h = x * 2
    b = same(h.detach())
    b[0].add_(1)
    return (h * x).sum() + b.sum()


def hooked(x: Tensor, same: Callable[[Tensor], Tensor]) -> Tensor:
    h = x * 2
    o, y = h * 3, same(h)
    h.register_hook(lambda gradient: gradient * 10)  # type: ignore[no-untyped-call]
    return y.sum() + o.sum()


def hooked_leaf(x: Tensor, same: Callable[[Tensor], Tensor]) -> Tensor:
    x.register_hook(lambda gradient: gradient * 10)  # type: ignore[no-untyped-call]
    return same(x).square().sum()


def written_leaf(x: Tensor, same: Callable[[Tensor], Tensor]) -> Tensor:
    z = same(x)[:]
    with torch.no_grad():
        x.mul_(2)
    return z.sum()


@pytest.mark.parametrize("same", [*AS_IT_WAS])
@pytest.mark.parametrize(
    "program", [statistics, straight_through, detached_and_written, hooked, hooked_leaf, written_leaf]
)
def test_what_gives_a_tensor_as_it_was_makes_nothing(program: Callable[..., Tensor], same: str) -> None:
    hold_against_autograd(lambda x: program(x, AS_IT_WAS[same]) + x.sum())


def hold_against_autograd(program: Callable[[Tensor], Tensor]) -> None:
    """Holds the gradient of a number, both ways that there are, against autograd's."""
    leaf, own = (torch.arange(1.0, 10).double().reshape(3, 3).clone().requires_grad_() for _ in range(2))
    (asked,) = torch.autograd.grad(program(leaf), leaf)

    def loss(first: Tensor) -> Tensor:
        return program(first)

    made = trace(loss, own)
    last = next(node for node in reversed(made.nodes) if node.is_returned)
    assert torch.allclose(made.backward(last).names["dfirst"].value, asked)
    assert torch.allclose(made.influence(last, ())[made.nodes[0]], asked)


NEW: dict[str, Callable[[Tensor], Tensor]] = {
    "clone": lambda a: a.detach().clone(),
    "data": lambda a: a.data.clone(),
    "joined": lambda a: torch.cat([a.detach(), a.detach()])[1:4],
    "rolled": lambda a: a.detach().roll(1, 0),
    "picked": lambda a: a.detach()[[1, 0, 2]],
    "masked": lambda a: a.detach()[a.detach() > 0].reshape(3, 3),
    "padded": lambda a: functional.pad(a.detach(), (0, 0, 0, 0)),
    "zeros": lambda a: torch.zeros_like(a).detach(),
    "shared": lambda a: (a * 2).detach(),
}
INTO: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "a part": lambda b, x: (b[:2].mul_(x[:2]), b)[1],
    "turned": lambda b, x: (b.T[0].copy_(x[0]), b)[1],
    "a row": lambda b, x: (b.view(-1)[:3].add_(x[1]), b)[1],
    "a part of before": lambda b, x: (w := b[:2], b.mul_(x), w)[2],
    "a part of before, as it is": lambda b, x: (w := b[:2], w.mul_(x[1:]), b)[2],
    "twice": lambda b, x: (b[0].add_(x[0]), b.detach()[1].add_(x[1]), b)[2],
}


@pytest.mark.parametrize("new", [*NEW])
@pytest.mark.parametrize("into", [*INTO])
def test_what_is_written_into_a_part_of_what_was_detached_has_its_gradient(new: str, into: str) -> None:
    def program(x: Tensor) -> Tensor:
        written = INTO[into](NEW[new](x), x)
        return (written * written).sum() + x.sum()

    hold_against_autograd(program)


def rounded_by_data(x: Tensor) -> Tensor:
    y = x.sigmoid()
    y.data = y.data.round()
    return y * x


def moved_and_then_counted(x: Tensor) -> Tensor:
    w = torch.ones(3, 3).double().requires_grad_()
    for _ in range(2):
        w.data = w.detach() - 0.1 * x.detach()
        with torch.no_grad():
            w.mul_(2)
    return x * w


@pytest.mark.parametrize("program", [rounded_by_data, moved_and_then_counted])
def test_what_lies_elsewhere_goes_back_as_before(program: Callable[[Tensor], Tensor]) -> None:
    hold_against_autograd(lambda x: program(x).sum() + x.sum())
    made = trace(program, torch.ones(3, 3).double())
    assert not [node for node in made.nodes if node.is_made_outside]


def test_a_model_whose_weights_are_rounded_each_step_is_known() -> None:
    model = nn.Linear(3, 2)
    step = torch.optim.SGD(model.parameters(), 0.1)

    def trained(x: Tensor) -> Tensor:
        for _ in range(2):
            for own in model.parameters():
                own.data = (own.detach() * 16).round() / 16
            loss: Tensor = model(x).square().mean()
            step.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            step.step()
        made: Tensor = model(x).sum()
        return made

    x = torch.ones(2, 3).requires_grad_()
    made = trace(trained, x)
    assert not [node for node in made.nodes if node.is_made_outside]
    last = next(node for node in reversed(made.nodes) if node.is_returned)
    (asked,) = torch.autograd.grad(model(x).sum(), x)
    assert torch.allclose(made.backward(last)["dx"].value, asked)


def test_a_part_that_was_moved_has_no_gradient_of_ours() -> None:
    def program(x: Tensor) -> Tensor:
        a = x * 1
        b = a.T
        b.data = b.detach().clone()
        a[:, 1].mul_(2)
        return (b * 2).sum()

    made = trace(program, torch.ones(3, 3).requires_grad_())
    with pytest.raises(LookupError, match="no longer its memory"):
        made.backward(next(node for node in reversed(made.nodes) if node.is_returned))


def test_what_shares_memory_is_not_kept_when_the_trace_is_gone() -> None:
    def program(x: Tensor) -> Tensor:
        b = x.detach().clone()
        b[0].mul_(x[0])
        return b.sum()

    made = trace(program, torch.ones(3, 3).requires_grad_())
    made.backward(made.nodes[-1])
    nodes = [ref(node) for node in made.nodes]
    del made
    gc.collect()
    assert not [own for own in nodes if own() is not None]
