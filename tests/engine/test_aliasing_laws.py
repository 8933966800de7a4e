"""Laws of aliasing, over drawn programs with views and writes in place: nodes hold what torch had then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from llm_linalg.base.untraced import untraced
from llm_linalg.recording.aliasing import storage_id
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.record_node import OUTSIDE, Origin, RecordNode
from llm_linalg.recording.recorder import Recorder

Tensors = dict[str, Tensor]
SHAPES = ((3,), (2, 3), (4,), (1,), (2, 2))
VIEWS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x[1:],
    lambda x: x[..., :1],
    lambda x: x[0],
    lambda x: x.mT if x.dim() > 1 else x[::2],
    lambda x: x.unsqueeze(0),
    lambda x: x.detach(),
    lambda x: x.view_as(x),
    lambda x: x.expand(2, *x.shape),
    lambda x: x.reshape(-1),
)
WRITES: tuple[Callable[[Tensor, float], Any], ...] = (
    lambda x, c: x.add_(c),
    lambda x, c: x.mul_(c),
    lambda x, c: x.fill_(c),
    lambda x, c: x.__setitem__(..., c),
    lambda x, c: x.__setitem__(0, c),
    lambda x, c: x.__setitem__((..., -1), c),
    lambda x, c: x[1:].add_(c),
    lambda x, c: x.copy_(x * c),
    lambda x, c: functional.leaky_relu(x, c, True) if c > 3 else functional.leaky_relu(x, c, inplace=True),
)
PART = 6  # the write that goes through a view of its own
READS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    lambda x, _: x + 1,
    lambda x, _: x.clone(),
    lambda x, _: x.sum(),
    lambda x, y: x * y if x.shape == y.shape else x * 2,
)


class Statement(NamedTuple):
    """A line of a program; numbers are taken modulo what there is to choose from."""

    kind: str
    form: int
    source: int
    other: int
    target: int


statements = st.builds(
    Statement,
    st.sampled_from(["make", "view", "view", "write", "write", "write", "read", "share", "name", "gap"]),
    st.integers(0, 8),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 5),
)
programs = st.lists(statements, min_size=3, max_size=14)


def do(tensors: Tensors, statement: Statement, number: int) -> tuple[str | None, Tensor | None]:
    """Runs a statement; returns the name that it binds, and the tensor that it writes."""
    kind, form, source, other, target = statement
    names = [*tensors]
    if kind == "make" or not names:
        name = f"t{target}"
        tensors[name] = torch.full(SHAPES[form % len(SHAPES)], float(number))
        return name, None
    one, another = (tensors[names[place % len(names)]] for place in (source, other))
    name = f"t{target}"
    if kind == "name":
        tensors[name] = one
        return name, None
    if kind == "read":
        tensors[name] = READS[form % len(READS)](one, another)
        return name, None
    cells = one.numel() and one.dim()
    if kind == "view":
        tensors[name] = VIEWS[form % len(VIEWS)](one) if cells else one.view_as(one)
        return name, None
    if any(not stride and size > 1 for stride, size in zip(one.stride(), one.shape, strict=True)):
        return None, None  # torch refuses to write to cells that share an element
    if kind == "share":
        one.data = torch.full(tuple(one.shape), -float(number))
    elif cells:
        WRITES[form % len(WRITES)](one, float(number % 5 + 2))
    else:
        one.add_(1)
    return None, one


def copies(tensors: Mapping[str, Tensor]) -> Tensors:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def plain(program: Sequence[Statement]) -> Iterator[Tensors]:
    """What torch has after each statement, where nothing is recorded."""
    tensors: Tensors = {}
    for number, statement in enumerate(program, 1):
        do(tensors, statement, number)
        yield copies(tensors)


@dataclass
class Recorded:
    """A program that was recorded, with the values of each statement's nodes at once, copied."""

    recorder: Recorder
    tensors: Tensors = field(default_factory=dict)
    then: list[tuple[RecordNode, list[Tensor]]] = field(default_factory=list)
    bound: list[tuple[int, str, RecordNode]] = field(default_factory=list)
    written: list[tuple[Tensor, RecordNode]] = field(default_factory=list)
    outside: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, program: Sequence[Statement], keep: int | None = None) -> Recorded:
        recorded = cls(Recorder(Origin, keep=keep))
        with recorded.recorder:
            for number, statement in enumerate(program, 1):
                recorded.run(number, statement)
        return recorded

    def run(self, number: int, statement: Statement) -> None:
        nodes = self.recorder.nodes
        first = len(nodes)
        if statement.kind == "gap" and self.tensors:  # a write that is made, and not recorded
            self.recorder.pause()
            do(self.tensors, statement, number)
            self.recorder.resume(Gap(number, number, number, number, first))
            self.outside |= set(map(storage_id, self.tensors.values()))  # they come in from there
            return
        name, written = do(self.tensors, statement, number)
        if name is not None:
            node = self.recorder.bind(name, self.tensors[name])
            assert node is not None
            self.bound.append((number, name, node))
        elif written is not None and (statement.kind, statement.form % len(WRITES)) != ("write", PART):
            wrote = nodes[-1]
            assert self.recorder.node_of(written) is wrote, "what was just written is fresh"
            self.written.append((written, wrote))
        with untraced():
            for node in nodes[first:]:
                self.then.append((node, [one.clone() for one in values(node)]))


def values(node: RecordNode) -> list[Tensor]:
    return [node.value, *(operand.value for operand in node.operands)]


def size(nodes: Sequence[RecordNode], outside: set[int]) -> int:
    """The bytes that nodes hold cells in, those of a storage counted once, and of inputs none."""
    found = [node for node in nodes if not node.is_input]
    held = [one for node in found for one in values(node) if one.numel() and not one.is_meta]
    held = [one for one in held if storage_id(one) not in outside]
    return sum({storage_id(one): one.untyped_storage().nbytes() for one in held}.values())


def same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one, other)


def check_values(program: Sequence[Statement], keep: int | None) -> None:
    after = list(plain(program))
    recorded = Recorded.of(program, keep)
    record = recorded.recorder.finish("", 0)
    for number, name, node in recorded.bound:
        assert node.dropped or same(node.value, after[number - 1][name]), (number, name)
    for node, held in recorded.then:
        if node.dropped:
            continue
        assert all(map(same, values(node), held)), node.op
        if node.call is not None and not any(one.value.is_meta for one in node.operands):
            assert same(node.call.replay([one.value for one in node.operands]), node.value), node.op
    if all(statement.kind != "share" for statement in program):  # which parts what lay in one storage
        assert not [node for node in record.nodes if node.op == OUTSIDE], "no write went unseen"
        kept = [node for node in record.nodes if not node.dropped]
        assert keep is None or size(kept, recorded.outside) <= keep
    for name, expected in after[-1].items():
        node = record.names[name]
        assert node.dropped or same(node.value, expected), name


SHOWN_LONGER = [  # the sum's node is dropped before the one that reads the sum, which is then written
    Statement("make", 1, 0, 0, 0),
    Statement("read", 2, 0, 0, 1),
    Statement("read", 0, 1, 0, 2),
    Statement("make", 0, 0, 0, 3),
    Statement("write", 0, 1, 0, 0),
]


@given(st.lists(statements, min_size=3, max_size=16), st.none() | st.integers(0, 80))
@example(SHOWN_LONGER, 36)
@settings(max_examples=150, deadline=None)
def test_nodes_hold_what_torch_had_then_all_or_those_in_a_budget(
    program: list[Statement], keep: int | None
) -> None:
    check_values(program, keep)


@given(programs)
@settings(max_examples=40, deadline=None)
def test_a_name_leads_to_the_writes_that_its_cells_show(program: list[Statement]) -> None:
    recorded = Recorded.of(program)
    names = recorded.recorder.finish("", 0).names
    for name, tensor in recorded.tensors.items():
        node: RecordNode = names[name]
        assert recorded.recorder.node_of(tensor) is node, "it is fresh"
        wrote: list[RecordNode] = [own for written, own in recorded.written if written is tensor]
        assert not wrote or node.index >= wrote[-1].index, "its last write, or what came over it since"


@given(programs, programs)
@settings(max_examples=40, deadline=None)
def test_writes_are_undone_however_often_a_storage_was_written(
    program: list[Statement], more: list[Statement]
) -> None:
    recorded = Recorded.of(program)
    before = copies(recorded.tensors)
    tensors = dict(recorded.tensors)
    with recorded.recorder, recorded.recorder.undoing_writes():
        for number, statement in enumerate(more, 1):
            if statement.kind != "share":  # which moves a tensor elsewhere, and writes nothing
                do(tensors, statement, 10 * number)
    assert all(same(tensor, before[name]) for name, tensor in recorded.tensors.items())


@given(st.sampled_from([(3,), (2, 3), (16,), (64,)]), st.integers(0, 1), st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_no_tensor_is_taken_for_one_whose_storage_was_left(
    shape: tuple[int, ...], form: int, turns: int
) -> None:
    recorder, left = Recorder(Origin, keep=0), set()
    with recorder:
        x = torch.zeros(shape)
        for turn in range(turns):
            WRITES[form](x, 2.0)
            left.add(storage_id(x))
            x.data = torch.full(shape, float(turn))
            fresh = [torch.ones(shape) for _ in range(20)]
            assert not left & {storage_id(one) for one in (x, *fresh)}
