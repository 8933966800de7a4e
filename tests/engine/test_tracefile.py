"""A trace as data: what is read is what was written, and nothing that is read is believed."""

from __future__ import annotations

import json
import math
import mmap
import random
import struct
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from linecache import getline
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

from llm_linalg import FormatError, Node, ProgramError, Trace, load_trace, trace
from llm_linalg.base.untraced import untraced
from llm_linalg.explain.shape_errors import explain_call
from llm_linalg.lessons.reader import catalog
from llm_linalg.recording.ending import Ending
from llm_linalg.recording.failed_call import FailedCall, FailedOperand
from llm_linalg.recording.record_node import Origin
from llm_linalg.recording.recorder import Recorder
from llm_linalg.tracefile import log_format
from llm_linalg.tracefile.log_format import AROUND
from llm_linalg.tracefile.log_reader import Reader
from llm_linalg.tracefile.log_writer import Writer, lines_around
from tests.common import known
from tests.engine.here import run
from tests.ops.drawing import Sample
from tests.ops.samples import BUILDERS, samples
from tests.thinning import thin

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own, of odd calls
F = nn.functional
FACTS = (
    *(
        "op",
        "name",
        "title",
        "title_of_cells",
        "span",
        "source",
        "file",
        "scope",
        "target",
        "dropped",
        "no_grad",
    ),
    *(
        "is_one_of_several",
        "is_inner",
        "is_returned",
        "words",
        "member",
        "gap",
        "flows_on",
        "requires_grad",
        "checkpoint",
        "missed",
        "shape",
        "dtype",
        "kind",
    ),
    *("bound_name", "evidence", "term_count", "bias_position", "is_input"),
)


def log_of(t: Trace) -> bytearray:
    """The log of a trace."""
    data = bytearray()
    with untraced():
        Writer(log_format.FileLog(data.extend), t.source, t.seed).record(t)
    return data


def again(t: Trace) -> Trace:
    """A trace, written and read."""
    return Trace.of(Reader(log_of(t), Node, whole=True).record())


def alike(value: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same bits."""
    if value.dtype != other.dtype or value.shape != other.shape or value.is_meta != other.is_meta:
        return False
    if value.is_meta or not value.numel():
        return True
    value, other = (one.resolve_conj().resolve_neg().contiguous().reshape(-1) for one in (value, other))
    return torch.equal(value.view(torch.uint8), other.view(torch.uint8))


def plain(value: Any) -> Any:
    """An argument with the shapes of its tensors in their place."""
    if isinstance(value, Tensor):
        return "tensor", tuple(value.shape)
    if isinstance(value, list | tuple):
        return type(value).__name__, [plain(item) for item in value]
    return "generator" if isinstance(value, torch.Generator) else repr(value)


def check_alike(t: Trace, other: Trace, opaque: tuple[str, ...] = ()) -> None:
    """Checks that two traces are the same, but for operations whose function no file holds."""
    assert len(t.nodes) == len(other.nodes)
    for node, own in zip(t.nodes, other.nodes, strict=True):
        lost = node.op in opaque
        for fact in FACTS:
            if not (lost and fact in ("evidence", "kind", "term_count", "bias_position")):
                assert getattr(node, fact) == getattr(own, fact), (node, fact)
        assert not lost or own.evidence == "opaque"
        assert [made.node.index for made in node.operands] == [made.node.index for made in own.operands]
        assert alike(node.value, own.value), node
        assert all(alike(a.value, b.value) for a, b in zip(node.operands, own.operands, strict=True)), node
        if node.call is not None and not lost:
            assert own.call is not None
            assert node.call.operation.name == own.call.operation.name
            assert {k: plain(v) for k, v in node.call.arguments.items()} == {
                k: plain(v) for k, v in own.call.arguments.items()
            }
            assert (node.call.order, node.call.position) == (own.call.order, own.call.position)
    for name in ("names", "lines"):
        were = [(key, node.index) for key, node in getattr(t, name).items()]
        assert were == [(key, node.index) for key, node in getattr(other, name).items()]
    for name in ("printed", "prints", "lists", "failed_line", "gaps", "cells", "source", "seed", "ending"):
        assert getattr(t, name) == getattr(other, name), name
    assert list(map(str, t.cell_errors)) == list(map(str, other.cell_errors))


def check_views(t: Trace, other: Trace, most: int = 40) -> None:
    """Checks what is shown of two traces: walks, reads, parts, lineage, the map, the backward pass."""
    for node, own in zip(islice(t.nodes, most), other.nodes, strict=False):
        assert node.orders == own.orders
        assert node.shape_line == own.shape_line
        assert [part.op for part in node.parts] == [part.op for part in own.parts]
        if node.dropped or not node.value.numel() or node.value.is_meta:
            continue
        for order in node.orders:
            walk, same = node.walk(order), own.walk(order)
            assert len(walk) == len(same)
            for at in {0, len(walk) // 2, len(walk) - 1} if len(walk) else ():
                assert walk[at].text == same[at].text
        last = tuple(size - 1 for size in node.shape)
        assert [set(cells) for cells in node.reads(last)] == [set(cells) for cells in own.reads(last)]
        if node.operands and node.operands[0].value.numel():
            first = (0,) * node.operands[0].value.dim()
            assert set(node.feeds(0, first)) == set(own.feeds(0, first))
    last_node = t.nodes[-1] if t.nodes else None
    if last_node is not None and last_node.value.numel() and not t.dropped and not last_node.value.is_meta:
        cell = (0,) * last_node.value.dim()
        back = {node.index: len(cells) for node, cells in t.lineage(last_node, cell).items()}
        mine = {node.index: len(cells) for node, cells in other.lineage(other.nodes[-1], cell).items()}
        assert back == mine
    assert [box.label for box in t.map.level().boxes] == [box.label for box in other.map.level().boxes]


def check_backward(t: Trace, other: Trace) -> None:
    """Checks that both have the same gradient program."""
    if t.loss is None:
        return
    try:
        program = t.backward(t.loss)
    except (ProgramError, LookupError, ValueError) as error:
        with pytest.raises(type(error)):
            other.backward(other.nodes[t.loss.index])
        return
    mine = other.backward(other.nodes[t.loss.index])
    assert program.source == mine.source
    assert all(alike(a.value, b.value) for a, b in zip(program.nodes, mine.nodes, strict=True))


class Mlp(nn.Module):
    """Two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        """The loss of a few steps in one."""
        return F.mse_loss(self.two(torch.tanh(self.one(x))), torch.ones(len(x), 3))


class Doubled(torch.autograd.Function):
    """A function of somebody's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ARG004
        """Twice as much."""
        return x * 2

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:  # noqa: ARG004
        """Thrice as much, which is wrong on purpose."""
        return slopes[0] * 3


def x(*shape: int) -> Tensor:
    """Numbers of a shape."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def train(a: Tensor) -> Tensor:
    """A loop whose calls are bound once."""
    weight, rate, loss = torch.zeros(3, requires_grad=True), 0.1, a
    for turn in range(6):
        loss = ((a @ weight - 1) ** 2).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            weight -= rate / (turn + 1) * weight.grad  # type: ignore[operator]
            weight.grad = None
    return loss


def aliases(a: Tensor) -> Tensor:
    """Writes through views."""
    b = a.clone()
    row, column = b[1], b[:, 2]
    row.zero_()
    column += 5
    b[b > 4] = -1
    b.t_()
    return row.sum() + column.sum() + b.sum()


def hooked(a: Tensor) -> Tensor:
    """A gradient that the program changes."""
    b = a.clone().requires_grad_()
    c = b * 2
    c.register_hook(lambda slope: slope * 0)  # type: ignore[no-untyped-call]
    return (c * c).sum()


def kinds(a: Tensor) -> Tensor:
    """Dtypes, slices, words."""
    b = a.to(torch.bfloat16).float() + a.double().half().to(dtype=torch.float32)
    c = torch.einsum("ij,kj->ik", b, a)[..., None, ::2]
    d = (a > 0) & ~(a < -1) | torch.zeros_like(a, dtype=torch.bool)
    e = torch.where(d, a, float("-inf")).softmax(-1).nan_to_num(nan=0.5)
    f = torch.view_as_real(torch.complex(a, a).conj() * (2 + 1j))
    g = a.to(memory_format=torch.contiguous_format, device="cpu").new_zeros(torch.Size([2, 2]))
    h = a.topk(2, dim=-1)[1].to(torch.uint8) + torch.arange(2, dtype=torch.int16)
    return c.sum() + e.sum() + f.sum() + g.sum() + h.sum()


def odd(a: Tensor) -> Tensor:
    """Shapes without cells or axes, views with strides of their own."""
    b = torch.empty(0, 3).sum() + a.new_zeros(2, 0).sum() + a[0, 0] * torch.tensor(2)
    c = a.t()[:, ::2].expand(5, *a.t()[:, ::2].shape) + x(1).expand(1000)[3]
    return b + c.transpose(0, 2).flatten().sum() + a.as_strided((2, 2), (1, 2)).sum()


def of_numpy(a: Tensor) -> Tensor:
    """Numbers and keys of NumPy."""
    two: Any = np.int64(2)
    third: Any = np.float32(0.3)
    places = np.array([2, 0])
    b = a * third / two + torch.lerp(a, a * a, third)
    c = b[places] + b[np.array([True, False, True])] * a.view(two, -1)[:, : np.int64(4)]
    made: Tensor = nn.functional.layer_norm(c[:, places], (two,)) * c.sum(two - 1, keepdim=True)
    return made


MODELS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], tuple[str, ...]]] = {
    "mlp": (Mlp(), (x(5, 4),), ()),
    "lstm": (nn.LSTM(3, 4), (x(5, 2, 3),), ()),
    "attention": (nn.MultiheadAttention(4, 2, batch_first=True), (x(2, 3, 4),) * 3, ()),
    "batch norm": (nn.Sequential(nn.BatchNorm1d(4), nn.Sigmoid()), (x(6, 4),), ()),
    "dropout": (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 2)), (x(3, 4),), ()),
    "own function": (lambda a: Doubled.apply(a.requires_grad_()).sum(), (x(3),), ("Doubled",)),
    "hook": (hooked, (x(3),), ()),
    "training": (train, (x(4, 3),), ()),
    "aliases": (aliases, (x(3, 4),), ()),
    "large aliases": (aliases, (x(30, 40),), ()),
    "large turned": (lambda a: torch.complex(a, a * 2).conj().imag * a, (x(30, 40),), ()),
    "by name": (lambda a: torch.addcmul(tensor1=a, tensor2=a * 2, input=a - 1), (x(2, 3),), ()),
    "kinds": (kinds, (x(3, 4),), ()),
    "odd": (odd, (x(3, 4),), ()),
    "NumPy's numbers": (of_numpy, (x(3, 4),), ()),
    "sparse": (lambda a: a.to_sparse().to_dense() @ a, (torch.eye(3),), ("to_sparse", "to_dense")),
    "meta": (lambda a: (a @ a).relu(), (torch.empty(3, 3, device="meta"),), ()),
    "unlisted": (lambda a: torch.fft.hfft2(a).sum() + torch.trace(a), (x(3, 3),), ("hfft2",)),
    "vmap": (lambda a: torch.vmap(torch.sum)(a) * 2, (x(3, 2),), ()),
    "long": (lambda a: a @ torch.tensor([[float(i)] for i in range(40)]), (x(30, 40),), ()),
    "views": (lambda a: (a[100:].view(30, 10).T @ a[:300].view(30, 10)).sum(), (x(400),), ()),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_is_read_is_what_was_written_of_models(name: str) -> None:
    function, inputs, opaque = MODELS[name]
    t = trace(function, *inputs)
    other = again(t)
    check_alike(t, other, opaque)
    if not opaque:
        check_views(t, other)
    if not (opaque or name == "hook"):
        check_backward(t, other)


def test_cells_are_whole_that_a_file_takes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_format.FileLog, "PIECE", 1_000)
    t = trace(aliases, x(30, 40))
    check_alike(t, again(t))


def test_a_file_holds_the_lines_around_a_node_and_no_others() -> None:
    t = trace(aliases, x(3, 4))
    here = [line for line in (node.line for node in t.nodes if node.file == __file__) if line is not None]
    read = known(again(t).files)[__file__]
    near = {number for line in here for number in range(line - AROUND, line + AROUND + 1)}
    lines = Path(__file__).read_text(encoding="utf-8").split("\n")
    assert len(read) == min(max(near), len(lines) - 1)
    for number, line in enumerate(read, 1):
        assert line == (lines[number - 1] if number in near else ""), number


def test_a_program_is_read_with_its_tabs_and_scopes_as_they_were_written() -> None:
    t = run("def f(x):\n\treturn x * 2\ny = f(torch.ones(2))\nz = f(y)")
    assert again(t).source == t.source
    assert [node.scope for node in again(t).nodes] == [node.scope for node in t.nodes]


def test_no_gradient_flows_through_what_the_file_does_not_hold() -> None:
    t = again(trace(lambda a: torch.fft.hfft2(a).sum(), x(3, 3)))
    with pytest.raises(LookupError, match="hfft2"):
        t.backward(t.nodes[-1])


@pytest.mark.parametrize("name", thin(BUILDERS, 3))
def test_what_is_read_is_what_was_written_of_each_operation(name: str) -> None:
    @settings(max_examples=2)
    @given(samples(name))
    def check(sample: Sample) -> None:
        try:
            t = trace(lambda *inputs: sample.function(*inputs), *sample.inputs)  # noqa: PLW0108 - so that it has names
        except ProgramError:
            return
        other = again(t)
        check_alike(t, other)
        check_views(t, other)

    check()


@pytest.mark.parametrize("lesson", thin(catalog(), 4), ids=lambda own: own.slug)
def test_what_is_read_is_what_was_written_of_lessons(lesson: Any) -> None:
    try:
        t = lesson.run(lesson.stops[-1])
    except ProgramError as error:
        t = error.trace
    other = again(t)
    check_alike(t, other)
    check_views(t, other, 12)
    check_backward(t, other)


def test_dropped_values_stay_dropped() -> None:
    t = trace(lambda a: [a := a @ a for _ in range(30)][-1], x(20, 20), keep=20_000)
    assert t.dropped
    check_alike(t, again(t))


def test_what_a_notebook_shows_is_kept() -> None:
    source = "x = torch.ones(3)\nprint(x.sum())\nwords = ['a', 'b']\n\ny = x @ torch.ones(4)\n\nz = x * 2\n"
    t = run(source, cells=(1, 5, 7))
    assert t.cell_errors
    assert t.prints
    assert t.lists
    check_alike(t, again(t))


INWARDS = """
class Deep:
    def f(self, n):
        return self.f(n - 1) if n else torch.ones(2) @ torch.ones(3)

Deep().f(50)

x = torch.ones(2)
"""


def test_of_many_calls_that_an_error_went_through_the_innermost_are_kept() -> None:
    t = run(INWARDS, cells=(1, 6, 8))
    frames = t.cell_errors[0].frames
    assert len(frames) > log_format.MOST_FRAMES
    assert again(t).cell_errors[0].frames == frames[-log_format.MOST_FRAMES :]


LOOP = "w = torch.zeros(3)\nfor i in range(30_000):\n    w = w * 0.5 + 1\n    loss = (w * w).sum()\n"


def test_gaps_are_kept() -> None:
    t = run(LOOP)
    assert t.gaps
    check_alike(t, again(t))


# While it is written


def recorded(function: Callable[[], Any], memory: mmap.mmap | bytearray) -> Trace:
    """The trace of a function, told to a log as it is made."""
    recorder = Recorder(lambda: Origin(scope="here"))
    recorder.node_type = Node
    recorder.listener = writer = Writer(log_format.MemoryLog(memory))
    with recorder:
        function()
    t = Trace.of(recorder.finish("", 0))
    writer.ended(Ending())
    return t


@pytest.mark.parametrize("name", ["training", "aliases", "large aliases", "kinds", "odd"])
def test_a_listener_hears_what_a_record_holds(name: str) -> None:
    function, inputs, _ = MODELS[name]
    memory = mmap.mmap(-1, 2**22)
    t = recorded(lambda: function(*inputs), memory)
    reader = Reader(memory, Node)
    while reader.poll(7):
        pass
    check_alike(t, Trace.of(reader.record()), MODELS[name][2])


def test_what_was_told_is_there_at_each_moment() -> None:
    memory = mmap.mmap(-1, 2**22)
    reader, seen = Reader(memory, Node), list[int]()

    def program() -> None:
        total = x(3)
        for _ in range(20):
            total = total * 2 + x(3)
            reader.poll()
            seen.append(len(reader.nodes))

    t = recorded(program, memory)
    assert seen == [len([node for node in t.nodes if node.index < at]) for at in seen]
    assert seen[-1] > seen[0] > 0
    assert reader.record().ending.kind == "exit"


def test_a_log_is_whole_at_each_moment_of_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, head = mmap.mmap(-1, 2**17), log_format.HEAD
    reader = Reader(memory, Node)

    class WordByWord:  # as another process sees it, which may look between any two
        def pack_into(self, _memory: mmap.mmap, at: int, *words: Any) -> None:
            own = head.pack(*words)
            for first in range(0, len(own), 8):
                memory[at + first : at + first + 8] = own[first : first + 8]
                assert reader.poll() == 0

        def unpack_from(self, *memory: Any) -> tuple[Any, ...]:
            return head.unpack_from(*memory)

    monkeypatch.setattr(log_format, "HEAD", WordByWord())
    log = log_format.MemoryLog(memory)
    assert reader.poll() == 0
    log.append(log_format.ABOUT, b'["", 0]')
    assert reader.poll() == 1


def test_a_log_stays_damaged() -> None:
    memory = mmap.mmap(-1, 2**17)
    log = log_format.MemoryLog(memory)
    reader = Reader(memory, Node)
    memory[24:32] = bytes(8)
    for read in (reader.poll, reader.read, reader.poll):
        with pytest.raises(FormatError, match="version 0"):
            read()
    memory[24:32] = struct.pack("<Q", log_format.VERSION)
    log.append(log_format.ABOUT, b'["", 0]')
    with pytest.raises(FormatError, match="version 0"):
        reader.read()


def test_a_writer_that_changes_what_it_has_told_changes_nothing() -> None:
    memory = mmap.mmap(-1, 2**22)
    t = recorded(lambda: x(3) @ x(3, 200), memory)
    reader = Reader(memory, Node)
    reader.poll()
    memory[log_format.START :] = bytes(len(memory) - log_format.START)
    check_alike(t, Trace.of(reader.record()))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: a @ torch.ones(7),
        lambda a: a.view(4, 5),
        lambda a: F.linear(a, a, a),
        lambda a: torch.addmm(mat1=a, mat2=a * 2, input=a[0]),  # in another order than the parameters
    ],
)
def test_the_call_that_failed_is_told(wrong: Callable[[Tensor], Tensor]) -> None:
    memory = bytearray(2**20)
    recorder = Recorder(Origin)
    recorder.listener = writer = Writer(log_format.MemoryLog(memory))
    a = x(3, 2)
    recorder.bind("a", a)
    with pytest.raises(RuntimeError), recorder:
        wrong(a)
    assert recorder.failed is not None
    operands = tuple(FailedOperand(recorder.node_of(own), ("a",), "w") for own in recorder.failed.tensors)
    writer.failed(FailedCall(recorder.failed, str(recorder.failure), operands))
    reader = Reader(memory, Node)
    reader.poll()
    assert reader.failed is not None
    call = reader.failed.call
    assert call.operation is recorder.failed.operation
    assert {k: plain(v) for k, v in call.arguments.items()} == {
        k: plain(v) for k, v in recorder.failed.arguments.items()
    }
    assert all(alike(own, other) for own, other in zip(call.tensors, recorder.failed.tensors, strict=True))
    assert reader.failed.message == str(recorder.failure)
    known = [None if own.node is None else own.node.index for own in operands]
    assert [None if own.node is None else own.node.index for own in reader.failed.operands] == known
    said = [
        str(explain_call(own, RuntimeError(reader.failed.message), (), ["a"] * len(operands)))
        for own in (call, recorder.failed)
    ]
    assert said[0] == said[1]


def test_what_is_noted_on_a_node_later_is_told_with_its_reader_or_at_the_end() -> None:
    memory = bytearray(2**20)
    recorder = Recorder(Origin)
    recorder.listener = writer = Writer(log_format.MemoryLog(memory))
    reader = Reader(memory, Node)
    with recorder:
        first = x(3) * 2
        other = first * 3
        recorder.nodes[-2].is_inner = True
        other = other + first
        recorder.nodes[-1].scope = "f"
    reader.poll()
    assert [node.is_inner for node in reader.nodes[-3:]] == [True, False, False]
    writer.ended(Ending())
    reader.poll()
    assert reader.nodes[-1].scope == "f"


def test_of_more_text_than_a_file_may_take_no_lines_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    t = trace(aliases, x(3, 4))
    assert lines_around(t)
    monkeypatch.setattr(log_format, "MOST_FILES", 10)
    assert not lines_around(t)


def test_a_memory_that_is_full_ends_the_run_and_holds_what_was_told() -> None:
    memory = bytearray(2**17)
    with pytest.raises(ProgramError, match="MB"):
        recorded(lambda: [x(40) + turn for turn in range(10_000)], memory)
    reader = Reader(memory, Node)
    reader.poll()
    assert len(reader.nodes) > 100
    assert all(node.op in ("randn", "add", "input") for node in reader.nodes)


# What nobody wrote


def forged(
    form: dict[str, Any] | None = None, cells: bytes | None = None, node: bytes | None = None
) -> bytearray:
    """A log with one form, some cells and a node, each another than a writer makes it where that is given."""
    told: dict[str, Any] = {
        "function": log_format.INPUT,
        "op": "input",
        "flags": 0,
        "args": [],
        "kwargs": {},
        "position": 0,
        "dtype": "float32",
        "shape": [3],
        "strides": [1],
        "span": None,
        "source": "",
        "file": "",
        "scope": "",
        "target": "",
        "name": "x",
        **(form or {}),
    }
    data = bytearray(log_format.HEAD.pack(log_format.MAGIC, 0, 0, log_format.VERSION).ljust(64, b"\0"))
    records = [
        (log_format.ABOUT, b'["", 0]'),
        (log_format.FORM, json.dumps(list(told.values())).encode()),
        (log_format.CELLS, bytes(12) if cells is None else cells),
        (log_format.NODES, log_format.NODE.pack(0, 0, 0, 0, 0, 0) if node is None else node),
        (log_format.END, b'["done",null,""]'),
    ]
    return data + joined(*records)


def joined(*records: tuple[int, bytes]) -> bytes:
    """Records as they stand in a log."""
    return b"".join(
        log_format.RECORD.pack(len(payload), kind) + payload + bytes(-len(payload) % 8)
        for kind, payload in records
    )


def read(data: bytearray) -> Trace:
    """The trace of a log."""
    return Trace.of(Reader(data, Node, whole=True).record())


NUMBERS: list[Any] = [-9, 2**31, 2**70, 1.5, None, "a", "", "1", [], [1], {}, float("nan")]
SHAPES = [*([number] for number in [*NUMBERS, 2**48, -1]), None, 3, "33", {"0": 1}, [1] * 65, [[1]]]
TEXTS: list[Any] = [None, 3, [], {}, True]
DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]
ARGUMENTS = [
    *(
        {"d": "os.system"},
        {"x": 1},
        {"d": 1, "t": 0},
        {},
        {"s": [1]},
        {"s": [1, 2, "3"]},
        {"z": ["a"]},
        {"u": 3},
    ),
    *({"c": [1]}, {"c": ["a", 1]}, {"o": [1]}, {"o": [[1, 2]]}, {"m": "x"}, {"v": "cuda:0"}, {"l": "x"}),
    *({"r": [0, 1, 0]}, {"r": [0, 2**60, 1]}, 2**65, -(2**65), DEEP, [[]] * 20_000),
]
WRONG: dict[str, list[Any]] = {
    **{key: [*NUMBERS, True] for key in ("position", "flags")},
    **dict.fromkeys(["shape", "strides"], SHAPES),
    "function": [word for word in NUMBERS if not isinstance(word, str)],
    **dict.fromkeys(["op", "source", "file", "scope", "target"], TEXTS),
    "name": TEXTS[1:],
    "dtype": ["", "float", "qint8", "__class__", None, 3, "torch.float32", []],
    "span": [[1, 2, 3], [1, 2, 3, -1], [1, 2, 3, 2**40], 5, "1234", [[1]] * 4],
    "args": [*([value] for value in ARGUMENTS), None, 3, "a", {}],
    "kwargs": [
        *({"a": value} for value in ARGUMENTS),
        None,
        3,
        "a",
        [],
        dict.fromkeys(map(str, range(99)), 0),
    ],
}


def wrong_forms() -> Iterator[dict[str, Any]]:
    """Forms that no writer makes."""
    return ({key: value} for key, values in WRONG.items() for value in values)


def wrong_nodes() -> Iterator[bytes]:
    """Nodes that no writer makes."""
    pack = log_format.NODE.pack
    yield from (
        b"",
        b"\0" * 8,
        pack(1, 0, 0, 0, 0, 0),
        pack(0, 1, 0, 0, 0, 0),
        pack(0, 2**32 - 1, 0, 0, 0, 0),
    )
    yield from (pack(0, 0, place, 0, 0, 0) for place in (1, 4, 2**63))
    yield pack(0, 0, 0, 1, 0, 0) + b"\0\0\0\0"
    yield pack(0, 0, 0, 255, 0, 0)
    yield pack(0, 0, 0, 0, log_format.INLINE, 0)
    yield pack(0, 0, 0, 0, log_format.INLINE, 0) + bytes(4 + 11)
    yield pack(0, 0, 0, 0, 0, 0) + b"\0"
    for told in (b"", b"{", b"[]", b"3", b'{"own":3}', b'{"own":{"0":[]}}', b'{"n":[1]}', b"{" * 50_000):
        yield pack(0, 0, 0, 0, log_format.MORE, 0) + struct.pack("<I", len(told)) + told
    yield pack(0, 0, 0, 0, log_format.MORE, 0) + struct.pack("<I", 2**31)


def test_what_no_writer_makes_is_refused_in_one_line() -> None:
    assert read(forged()).nodes[0].value.tolist() == [0, 0, 0]
    logs = [*(forged(form=form) for form in wrong_forms()), *(forged(node=node) for node in wrong_nodes())]
    logs += [forged(cells=bytes(count)) for count in range(12)]
    assert len(logs) >= 200
    for data in logs:
        with pytest.raises(FormatError) as info:
            read(data)
        assert "\n" not in str(info.value)
        assert len(str(info.value)) < 200


def made_of(call: Any, args: list[Any], shape: list[int], op: str) -> Trace:
    """The trace of a forged call on a vector of three."""
    operands = str(args).count("'t'")
    form: list[Any] = [log_format.function_name(call), op, 0, args, {}, 0, "float32", shape]
    form += [[0] * len(shape), None, "", "", "", "", None]
    node = log_format.NODE.pack(1, 0, 0, operands, 0, 0) + struct.pack(f"<{operands}I", *[0] * operands)
    end = (log_format.END, b'["done",null,""]')
    data = forged()
    del data[-len(joined(end)) :]
    return read(data + joined((log_format.FORM, json.dumps(form).encode()), (log_format.NODES, node), end))


T: dict[str, int] = {"t": 0}
LIES: list[tuple[Any, list[Any], list[int], str]] = [
    (Tensor.repeat, [T, 2**40], [2**40], "repeat"),
    (Tensor.repeat, [T, 2**40], [3], "repeat"),
    (Tensor.expand, [T, 2**40, 3], [2**40, 3], "expand"),
    (torch.roll, [T, [1] * 10_000], [4], "roll"),
    (torch.zeros, [[2**30, 2**30]], [2**30, 2**30], "zeros"),
    (torch.arange, [0, 2**60], [5], "arange"),
    (torch.eye, [2**30], [2**30, 2**30], "eye"),
    (torch.diag, [T], [9, 9], "diag"),
    (torch.diag, [T, 2**40], [3, 3], "diag"),
    (F.pad, [T, [0, 2**40]], [2**40 + 3], "pad"),
    (F.one_hot, [T, 2**50], [3, 2**10], "one_hot"),
    (torch.outer, [T, T], [2**20, 2**20], "outer"),
    (Tensor.sum, [T], [2**20, 2**19], "sum"),
    (torch.softmax, [T, 0], [2**39], "softmax"),
    (torch.repeat_interleave, [T, 2**50], [7], "repeat_interleave"),
    (torch.linspace, [0, 1, 2**45], [2**45], "linspace"),
    (torch.matmul, [T, T], [2**20, 2**20], "matmul"),
    (torch.Tensor.as_strided, [T, [2**40], [0]], [2**40], "as_strided"),
]


@pytest.mark.parametrize(("function", "args", "shape", "op"), LIES)
def test_a_call_that_its_operation_does_not_describe_is_opaque(
    function: Any, args: list[Any], shape: list[int], op: str
) -> None:
    t = made_of(function, args, shape, op)
    node = t.nodes[-1]
    large = math.prod(shape) > 2**30
    assert node.dropped == large
    assert node.evidence == "opaque" or large
    assert node.shape == tuple(shape)
    if not large:
        assert len(node.operand_reads) == len(node.operands)
        t.lineage(node, (0,) * len(shape))


@pytest.mark.parametrize("order", [2, -2, "nuc"])
@pytest.mark.parametrize(("number", "evidence"), [(3.0, "rule"), (math.inf, "opaque"), (math.nan, "opaque")])
def test_nobody_is_asked_for_singular_values_of_what_is_not_finite(
    order: Any, number: float, evidence: str
) -> None:
    for norm in (torch.linalg.norm, torch.linalg.matrix_norm):
        t = trace(lambda a, norm=norm: norm(a, order), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        t.nodes[0].value[0, 1] = number  # torch may refuse to begin with it
        assert again(t).nodes[-1].evidence == evidence


def test_a_view_that_repeats_one_cell_takes_no_memory() -> None:
    small = read(forged({"shape": [2**13, 2**12], "strides": [0, 0]})).nodes[0]
    assert small.value.untyped_storage().nbytes() < 1000
    large = read(forged({"shape": [2**20, 2**20], "strides": [0, 0]})).nodes[0]
    assert large.dropped
    assert large.shape == (2**20, 2**20)


def test_texts_are_clean_and_never_more_than_text() -> None:
    code = "__import__('os').system('x')"
    t = read(forged({"name": f"{code}\x1b[31m", "source": code, "scope": code, "op": code}))
    assert t.nodes[0].name.startswith(code)
    assert "\x1b" not in t.nodes[0].name
    assert t.nodes[0].op == code


def test_a_function_that_this_table_lacks_is_opaque() -> None:
    t = trace(lambda a: (a @ a).relu(), x(3, 3))
    data = log_of(t)
    assert t.nodes[-1].call is not None
    name = log_format.function_name(t.nodes[-1].call.function)
    at = data.index(f'"{name}"'.encode())
    data[at + 1 : at + 5] = b"????"
    other = read(data)
    assert [node.evidence for node in other.nodes][-1] == "opaque"
    assert all(alike(a.value, b.value) for a, b in zip(t.nodes, other.nodes, strict=True))


@cache
def real_logs() -> tuple[bytes, ...]:
    """Small logs of all kinds."""
    traces = [
        trace(*[MODELS[name][0], *MODELS[name][1]])
        for name in ("mlp", "kinds", "aliases", "dropout", "views")
    ]
    traces.append(run("x = torch.ones(3)\nprint(x)\n\ny = x @ torch.ones(4)\n\nz = x * 2\n", cells=(1, 4, 6)))
    return tuple(bytes(log_of(t)) for t in traces)


def damaged(data: bytes, draw: random.Random) -> bytearray:
    """A log of which some bytes are others, or missing, or twice there."""
    log = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5))):
        kind, at = draw.randrange(5), draw.randrange(len(log))
        if kind == 0:
            log[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            log[at : at + 4] = draw.randbytes(4)
        elif kind == 2:
            del log[at:]
        elif kind == 3:
            log[at : at + 8] = struct.pack("<Q", draw.choice((0, 1, 2**31, 2**32 - 1, 2**63)))
        else:
            other = draw.choice(real_logs())
            start = draw.randrange(len(other)) & ~7
            log[at & ~7 : (at & ~7) + draw.choice((0, 64))] = other[start : start + draw.choice((8, 64, 512))]
        if len(log) < 2:
            break
    return log


@pytest.mark.parametrize("part", thin(range(10), 5))
def test_a_damaged_log_is_refused_or_read(part: int) -> None:
    draw = random.Random(part)  # noqa: S311
    read_well = 0
    for _ in range(1_000):
        log = damaged(draw.choice(real_logs()), draw)
        try:
            t = read(log)
        except FormatError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        read_well += 1
        for node in t.nodes:
            _ = node.title, node.kind, node.call
    assert 0 < read_well < 900


# Files


def test_a_file_holds_a_trace(tmp_path: Path) -> None:
    t = trace(Mlp(), x(5, 4))
    t.save(tmp_path / "mlp.trace")
    other = load_trace(str(tmp_path / "mlp.trace"))
    check_alike(t, other)
    assert other.ending == Ending()
    other.save(tmp_path / "again.trace")
    assert (tmp_path / "again.trace").read_bytes() == (tmp_path / "mlp.trace").read_bytes()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    t = trace(lambda a: (a * a).sum(), x(3))
    path = tmp_path / "a.trace"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="another trace"):
        t.backward(t.nodes[-1]).save(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_holds_the_lines_around_its_nodes(tmp_path: Path) -> None:
    t = trace(Mlp(), x(5, 4))
    t.save(tmp_path / "mlp.trace")
    other = load_trace(tmp_path / "mlp.trace")
    assert t.files is None
    assert other.files is not None
    for node in other.nodes:
        if node.file and node.line is not None:
            assert other.files[node.file][node.line - 1].strip() == getline(node.file, node.line).strip()
    assert len(other.files) == 1


def test_each_shorter_file_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.trace"
    monkeypatch.setattr(log_format, "AROUND", 1)  # one of the lines of this file is as good as all
    trace(lambda a: (a * a).sum(), x(3)).save(path)
    data = path.read_bytes()
    for end in range(len(data)):
        with pytest.raises(FormatError):
            Reader(bytearray(data[:end]), Node, whole=True)
    for end in (*range(0, len(data), 40), len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(FormatError, match=r"a\.trace is"):
            load_trace(path)
    path.write_bytes(data + b"\0" * 8)
    with pytest.raises(FormatError):
        load_trace(path)
    with pytest.raises(FormatError):
        load_trace(tmp_path)


def test_what_a_program_did_before_it_failed_can_be_saved(tmp_path: Path) -> None:
    def wrong(a: Tensor) -> Tensor:
        b = a + 1
        return b @ torch.ones(7)

    with pytest.raises(ProgramError) as info:
        trace(wrong, x(3))
    left: Trace = info.value.trace
    left.save(tmp_path / "left.trace")
    again_left = load_trace(tmp_path / "left.trace")
    assert [node.op for node in again_left.nodes] == ["input", "add", "ones"]
    assert again_left.ending.kind == "failed"
    assert str(again_left.ending).startswith("it failed")


def test_cells_beyond_the_bound_of_a_memory_are_not_kept_and_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = torch.zeros(64, dtype=torch.uint8)
    memory = bytearray(2**17)
    monkeypatch.setattr(log_format, "MOST_CELL_BYTES", 100)
    log = log_format.MemoryLog(memory)
    log.append(log_format.ABOUT, b'["", 0]')
    assert [log.append_cells(cells), log.append_cells(cells)] == [True, False]
    Reader(memory, Node).read()
    monkeypatch.setattr(log_format, "MOST_CELL_BYTES", 63)
    with pytest.raises(FormatError, match="too many cells"):
        Reader(memory, Node).read()


def test_what_is_told_without_end_is_refused_and_what_comes_meanwhile_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = bytearray(2**17)
    log = log_format.MemoryLog(memory)
    log.append(log_format.ABOUT, b'["", 0]')
    for _ in range(3):
        log.append(log_format.PRINT, b'[1, "x"]')
    reader = Reader(memory, Node)

    def printed(own: Reader[Node], told: tuple[int, str]) -> None:
        log.append(log_format.PRINT, b'[1, "x"]')
        own.prints.append(told)

    with monkeypatch.context() as patch:
        patch.setitem(Reader._takers, log_format.PRINT, printed)
        reader.poll(1)
        reader.read()
    assert len(reader.prints) == 3  # as many as there were
    monkeypatch.setitem(log_format.MOST_RECORDS, log_format.PRINT, 2)
    with pytest.raises(FormatError, match="too many records"):
        Reader(memory, Node).read()
    log = log_format.MemoryLog(memory)
    log.append(log_format.ABOUT, b'["", 0]')
    log.append(log_format.PRINT, b'[1, ""]')
    with pytest.raises(FormatError, match="a print of nothing"):
        Reader(memory, Node).read()
