"""Calls that are like others: what is recorded and what they take is as if each were looked at anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import trace
from llm_linalg.capture.limits import Counts, Limits
from llm_linalg.ops import TABLE
from llm_linalg.ops.call_cache import split_call
from llm_linalg.recording import recorder as recording
from llm_linalg.recording.record_node import Origin, RecordNode
from llm_linalg.recording.recorder import Recorder
from tests.ops.listed import LISTED, listed_sample
from tests.ops.samples import BUILDERS, samples
from tests.thinning import thin

F = nn.functional
ROUNDS = 4  # the first two are looked at, the others are like them
Recorded = tuple[list[RecordNode], tuple[int, ...], list[str]]


def recorded(function: Callable[..., Any], rounds: list[list[Tensor]], guarded: bool) -> Recorded:
    """Returns what rounds of the same call leave: nodes, what was counted, and how each round failed."""
    counts, failed = Counts(Limits()), []
    recorder = Recorder(Origin, counts if guarded else None)
    torch.manual_seed(0)
    for inputs in rounds:
        try:
            with recorder:
                function(*inputs)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            failed.append(f"{type(error).__name__}: {error}; {recorder.failed and recorder.failed.operation}")
    counted = counts.calls, counts.tensors, counts.elements, counts.multiplications
    return recorder.nodes, counted, failed


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has no call taken for one that is like another."""
    monkeypatch.setattr(recording, "split_call", lambda *_: None)


def same(one: object, other: object) -> bool:
    """Whether arguments are equal, by cells and by type."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one.nan_to_num(7), other.nan_to_num(7))
    if isinstance(one, dict):
        return isinstance(other, dict) and same(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)  # it tells 0.0 from -0.0, and 1 from True


def assert_alike(one: RecordNode, other: RecordNode) -> None:
    """Two nodes say the same of the same call."""
    assert (one.op, one.index, one.no_grad) == (other.op, other.index, other.no_grad)
    assert same(one.value, other.value)
    assert [operand.node.index for operand in one.operands] == [item.node.index for item in other.operands]
    assert same([operand.value for operand in one.operands], [item.value for item in other.operands])
    assert (one.call is None) == (other.call is None)
    if one.call is None or other.call is None:
        return
    if one.op != "alias":  # each look at memory that others wrote is an operation of its own
        assert one.call.operation is other.call.operation
        assert one.call.function == other.call.function
    assert list(one.call.arguments) == list(other.call.arguments)
    assert same(list(one.call.arguments.values()), list(other.call.arguments.values()))
    assert same(one.call.args, other.call.args)
    assert list(one.call.kwargs) == list(other.call.kwargs)
    assert same(list(one.call.kwargs.values()), list(other.call.kwargs.values()))
    assert same(one.call.tensors, other.call.tensors)
    assert dict(one.call.places) == dict(other.call.places)
    assert same(one.call.rng_state, other.call.rng_state)
    assert (one.call.order, one.call.position) == (other.call.order, other.call.position)
    assert same(one.call.result, one.value)
    assert same(other.call.result, other.value)


def hold(
    function: Callable[..., Any], rounds: list[list[Tensor]], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """What is like before leaves what is looked at anew."""
    copies = [[tensor.clone() for tensor in inputs] for inputs in rounds]
    nodes, counted, failed = recorded(function, rounds, guarded)
    with monkeypatch.context() as patched:
        forgetful(patched)
        anew, counted_anew, refused = recorded(function, copies, guarded)
    assert failed == refused
    assert counted == counted_anew
    assert len(nodes) == len(anew)
    for one, other in zip(nodes, anew, strict=True):
        assert_alike(one, other)


def other_cells(tensor: Tensor, number: int) -> Tensor:
    """Returns a tensor of the same shape and type, with other cells of the same kind."""
    if not tensor.numel():
        return tensor.clone()
    return tensor.flatten().roll(number).reshape(tensor.shape)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("guarded", [True, False], ids=["program", "python"])
@pytest.mark.parametrize("name", thin(sorted(BUILDERS.keys() - {"empty_like"}), 4))  # whose cells are any
@settings(max_examples=4)
@given(data=st.data())
def test_a_call_like_one_before_is_recorded_as_if_it_were_the_first(
    name: str, guarded: bool, data: st.DataObject
) -> None:
    sample = data.draw(samples(name))
    if name == "one_hot":  # its classes are as many as the largest token says: other cells, other shapes
        rounds = [[tensor.clone() for tensor in sample.inputs] for _ in range(ROUNDS)]
    else:
        rounds = [[other_cells(tensor, number) for tensor in sample.inputs] for number in range(ROUNDS)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        hold(sample.function, rounds, monkeypatch, guarded)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("guarded", [True, False], ids=["program", "python"])
def test_a_listed_call_like_one_before_is_recorded_as_if_it_were_the_first(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for calls in LISTED.values():
        sample = listed_sample(calls[-1])
        rounds = [[other_cells(tensor, number) for tensor in sample.inputs] for number in range(3)]
        hold(sample.function, rounds, monkeypatch, guarded)


def _several(x: Tensor, y: Tensor) -> None:
    """Calls that look alike, and are not."""
    for number in (0, 1, 2, 0.0, -0.0, 1.5, True):
        x + number
        number - x if number is not True else x
        x**number if number != 2 else x
        x.clamp(min=number)
        x.clamp(number, 2)
        torch.add(x, y, alpha=2 if isinstance(number, bool) else 3)
    for dim in (0, 1, -1, 0, 1, -1, None):
        x.sum(dim)
        x.sum(dim, keepdim=True)
        x.max() if dim is None else x.max(dim)
        x.var(dim, unbiased=False)
    for _ in range(3):
        torch.max(x, y)
        x @ y.T, y @ x.T, x @ x.T
        torch.cat([x, y]), torch.cat((y, x), dim=1), torch.stack([x, x])
        torch.einsum("ij,kj->ik", x, y), torch.einsum("ij,kj->ki", x, y), torch.einsum("ij,kj->ik", [x, y])
        x.view(-1), x.view(3, 2), x.view((3, 2)), x.reshape([6]), x.view(6), x.view(torch.int32)
        x[0], x[0, 1], x[:, 1], x[:, :2], x[..., 0], x[None], x[torch.tensor([1, 0])], x[x > 0], x[[0, 1]]
        torch.split(x, 1), torch.split(x, [1, 1]), x.chunk(2, dim=1), x.unbind(1)
        torch.where(x > 0, x, 0.5), torch.where(x > 0, 1, y), x.masked_fill(x > 0, 3)
        F.layer_norm(x, (3,)), F.layer_norm(x, [3], torch.ones(3)), F.softmax(x, dim=0), F.softmax(x, -1)
        torch.zeros(2), torch.zeros((2, 2)), torch.ones_like(x), torch.arange(3), torch.tensor([1.0, 2.0])
        F.one_hot(torch.tensor([1, 0]), 3), F.one_hot(torch.tensor([1, 0]))
        F.embedding(torch.tensor([1, 0]), x), x.repeat_interleave(torch.tensor([1, 2]), dim=0)
        x.roll(1, 0), x.roll((1, 1), (0, 1)), torch.dropout(x, 0.5, True), F.pad(x, (1, 0)), F.pad(x, (0, 1))
        torch.triu(x, 1), torch.triu(x), x.tril(-1), x.to(torch.float64), x.float(), x.type_as(y)
        F.gelu(x), F.gelu(x, approximate="tanh"), x.std(), x.mean(), x.norm(), torch.div(x, y)
        torch.div(x, y, rounding_mode="floor"), x.T, x.expand(2, 2, 3), x.scatter(0, (x > 9).long(), y)


def _turned(x: Tensor, y: Tensor) -> None:
    """Calls that take turns, and differ by one thing each."""
    for number in range(8):
        odd = number % 2
        x[x > 3 * odd], x[:, : 1 + odd], x[odd:], x[0, odd], x[:: 1 + odd]
        F.one_hot(torch.tensor([odd, 0])), F.one_hot(torch.tensor([1, 0]), 2 + odd)
        x.repeat_interleave(torch.tensor([1, 1 + odd]), dim=0)
        x.narrow(1, torch.tensor(odd), 1), x.narrow(1, odd, 1)
        x.sum(dim=0) if odd else x.sum(0)
        x.sum(keepdim=bool(odd), dim=1) if odd else x.sum(dim=1, keepdim=bool(odd))
        torch.full((2,), -0.0 if odd else 0.0), torch.full((2,), 0 if odd else 0.0)
        F.pad(x, (1, odd), value=-0.0 if odd else 0.0)
        F.dropout(x, 0.5), F.dropout(x, 0.5, training=False), torch.rand(2)
        kind = torch.float16 if odd else torch.float32
        one = x.to(kind)
        one @ one.T, one + odd, one.sum(), one.view(-1)[odd]
        torch.cat([x, y]) if odd else torch.cat((x, y)), torch.cat([x, y][: 1 + odd])
        torch.stack([x] * (1 + 16 * odd)), torch.split(x, [1, 1] if odd else 1)
        torch.max(x, 1) if odd else torch.max(x, y), x.var(bool(odd)) if odd else x.var(odd)


def _sliced(x: Tensor, y: Tensor) -> None:
    """Slices of other bounds each time."""
    row = torch.arange(20.0)
    for first in range(-12, 12):
        last = first + 3
        row[first:last] + 1, row[first:], row[:last], row[:], row[first::2]
        row[first : last + 2**40], row[None:None], x[:, first:last], x[[first % 2], first:last]
        row[first:last] = first
        row[first % 10 : first % 10 + 3] = y[0]
        x[: first % 2], x[first % 2 :] = y[0, 0], x[0]


def _large(x: Tensor, y: Tensor) -> None:
    """Calls that write into a large memory, whole or a part."""
    large = y.new_zeros(200, 100)
    for number in range(8):
        large[number], large.t()
        large[number, 0] = number
        large.t()[0] = x[0, 0]
        large += 1


def _writing(x: Tensor, y: Tensor) -> None:
    """Calls that write, and others between them."""
    view = x[0]
    for number in (0, 1, 2, 3):
        x[0] = number
        x[1, 2] = 0.5 + number
        x[:, 1] = y[:, 1]
        x[torch.tensor([0, 1])] = y
        x[x > 2] = number
        view + 1
        x += y
        x -= number
        x *= x
        view.mul_(2)
        x.add_(y, alpha=2)
        torch.add(x, 1, out=y) if number == 2 else torch.add(x, y)
        F.relu(x, inplace=number == 3)
        F.leaky_relu(x, 0.1, bool(number % 2))
        x.masked_fill_(x > 5, number)
        x.sum(0, True)
        x.clamp_(0, 3 + number)


def _entropies(x: Tensor, y: Tensor) -> None:
    """Calls that our program describes or not by what is in their targets, of one shape all."""
    for target in ([0, 2], [1, 1], [0, -100], [2, 0], [-100, -100], [1, 0]):
        F.cross_entropy(x, torch.tensor(target))
        F.nll_loss(y, torch.tensor(target), reduction="sum")
        F.cross_entropy(x, torch.tensor(target).relu(), ignore_index=2)


def _aliased(x: Tensor, y: Tensor) -> None:
    """Calls on what was written through an alias, in either order of the operands."""
    for number in range(4):
        1 - x
        x.detach().add_(number)
        y - x
        y.detach()[0] = x[0]
        torch.rsub(x, y)


def _failing(x: Tensor, y: Tensor) -> None:
    """Calls that fail from the third on, for what is in a tensor."""
    x[(y[0, 0] > 0).long() * 5 + torch.tensor([0])]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("guarded", [True, False], ids=["program", "python"])
@pytest.mark.parametrize("function", [_several, _turned, _writing, _entropies, _aliased, _large, _sliced])
def test_what_looks_alike_is_told_apart(
    function: Callable[..., Any], guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = torch.arange(6.0).reshape(2, 3), torch.full((2, 3), 2.0)
    assert recorded(function, [[x.clone(), y.clone()]], guarded)[2] == []
    hold(function, [[x, y]], monkeypatch, guarded)


@pytest.mark.parametrize("guarded", [True, False], ids=["program", "python"])
def test_what_is_like_before_may_fail_by_its_cells(guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = torch.zeros(2, 3), torch.ones(2, 3)
    rounds = [[torch.ones(2, 3), cells.clone()] for cells in (inside, inside, inside, outside, inside)]
    hold(_failing, rounds, monkeypatch, guarded)
    rounds = [[torch.ones(2, 3), cells.clone()] for cells in (inside, inside, inside, outside, inside)]
    _, _, failed = recorded(_failing, rounds, guarded)
    assert len(failed) == 1
    assert "out of bounds" in failed[0]


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations of the calls that are looked at."""
    found: list[str] = []
    before = recording.call_of

    def counting(*given: Any) -> Any:
        call = before(*given)
        found.append(call.operation.name)
        return call

    monkeypatch.setattr(recording, "call_of", counting)
    return found


def test_few_calls_of_many_are_looked_at(looked: list[str]) -> None:
    with Recorder(Origin, Counts(Limits())) as recorder:
        x = torch.ones(2, 2)
        for number in range(100):
            y = (x * number) @ x + x[number % 2]
            x[0, 1] = number
            y += 1
            F.mse_loss(x, y)
    assert len(recorder.nodes) == 1 + 7 * 100
    assert len(looked) <= 2 * 9


def test_what_a_program_takes_hangs_on_none_before() -> None:
    def program(x: Tensor) -> None:
        for _ in range(9):
            x = F.relu(x @ x.T @ x)

    first = recorded(program, [[torch.ones(2, 13)]], guarded=True)[1]
    trace(lambda x: x @ x.T @ x, torch.ones(2, 13))
    assert recorded(program, [[torch.ones(2, 13)]], guarded=True)[1] == first
    assert all(first)


def test_the_means_that_a_layer_keeps_are_nodes_each_time() -> None:
    norm = nn.BatchNorm1d(3)
    nodes = trace(lambda x: [norm(x * turn) for turn in range(5)][-1], torch.randn(4, 3)).nodes
    means = [node for node in nodes if node.op == "running_mean"]
    assert len(means) == 5
    assert [node.operands[0].node for node in means[1:]] == means[:-1]


def test_numbers_that_hash_alike_make_no_keys_that_do() -> None:
    """Keys are anyone's: with one hash for all of them, each would be compared with all."""
    step = 2**61 - 1
    assert len({hash(number * step) for number in range(100)}) == 1
    shape = torch.ones(2)
    for operation, arguments in (
        ("getitem", [(shape, slice(number * step, None)) for number in range(100)]),
        ("sum", [(shape, number * step) for number in range(100)]),
        ("tensor", [([number * step, 0],) for number in range(100)]),
        ("tensor", [([-1 if number & bit else -2 for bit in (1, 2, 4, 8, 16)],) for number in range(32)]),
    ):
        found = [split_call(torch.add, TABLE.operations[operation], given, {}) for given in arguments]
        assert len({hash(like[0]) for like in found if like is not None}) == len(arguments)


def test_numbers_that_say_whether_a_call_writes_are_never_any() -> None:
    for operation in TABLE.operations.values():
        if "inplace" in operation.signature:
            assert operation.first_free_number > 10
