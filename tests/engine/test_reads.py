"""What each operation reads and feeds, held against torch: change a cell and see what changes."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import Node, trace
from llm_linalg.ops import TABLE
from tests.engine.drawing import Sample
from tests.engine.samples import BUILDERS, samples

EXACT = {"contraction", "movement"}
EXACT_OPS = {
    "add",
    "sub",
    "mul",
    "sum",
    "mean",
    "cumsum",
    "triu",
    "tril",
    "masked_fill",
    "where",
    "exp",
}
KINDS = ["composite", "contraction", "pointwise", "reduction", "movement", "rowwise", "mask", "creation"]
Index = tuple[int, ...]


def nodes_of(sample: Sample, name: str) -> list[Node]:
    """Returns the nodes of the operation in the sample's trace: one for each output."""
    found = [node for node in trace(sample.function, *sample.inputs).nodes if node.op == name]
    assert found, name
    return found


def cells(shape: Index) -> list[Index]:
    return list(product(*map(range, shape)))


def differs(one: Tensor, other: Tensor) -> Tensor:
    return (one != other) & ~((one != one) & (other != other))


def changed(node: Node, place: int, cell: Index, by: float) -> set[Index]:
    """Returns the result's cells that change when a cell of an operand does, by torch itself."""
    assert node.call is not None
    tensors = [tensor.clone() for tensor in node.call.tensors]
    tensors[place][cell] += by
    if node.op == "setitem":
        result = tensors[0]
        result[node.call["key"]] = tensors[1] if len(tensors) > 1 else node.call["value"]
    else:
        result = node.call.replay(tensors)
    return {tuple(index) for index in differs(result, node.value).nonzero().tolist()}


def test_every_operation_of_the_table_has_a_sample() -> None:
    assert set(BUILDERS) == set(TABLE.operations)


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of a variance of one number
@pytest.mark.parametrize("name", sorted(TABLE.operations))
@settings(max_examples=25)
@given(data=st.data())
def test_reads_and_feeds(name: str, data: st.DataObject) -> None:
    for node in nodes_of(data.draw(samples(name)), name):
        assert node.kind == TABLE.operations[name].kind
        assert node.kind in KINDS
        assert node.evidence == TABLE.operations[name].evidence
        _inverse(node)
        _masks(node, data)
        for place, operand in enumerate(node.operands):
            if operand.value.is_floating_point() and node.kind != "creation":
                _perturbed(node, place)


def _inverse(node: Node) -> None:
    for place, operand in enumerate(node.operands):
        shape = tuple(operand.value.shape)
        read = {cell: node.reads(cell)[place] for cell in cells(node.shape)}
        for cell, own in read.items():
            assert set(own) <= set(cells(shape))
            assert len(own) == len(set(own))
            assert all(index in own for index in own)
            assert all(cell in node.feeds(place, index) for index in own)
        for index in cells(shape):
            fed = node.feeds(place, index)
            assert set(fed) == {cell for cell, own in read.items() if index in own}
            assert len(fed) == len(set(fed))


def _masks(node: Node, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 99))
    generator = torch.Generator().manual_seed(seed)
    for place, relation in enumerate(node.operand_reads):
        shape = tuple(node.operands[place].value.shape)
        out = torch.rand(node.shape, generator=generator) < 0.3
        own = torch.rand(shape, generator=generator) < 0.3
        back, forward = relation.back(out), relation.forward(own)
        assert (back.dtype, tuple(back.shape)) == (torch.bool, shape)
        assert (forward.dtype, tuple(forward.shape)) == (torch.bool, node.shape)
        reads = [node.reads(tuple(cell))[place] for cell in out.nonzero().tolist()]
        feeds = [node.feeds(place, tuple(cell)) for cell in own.nonzero().tolist()]
        assert {tuple(cell) for cell in back.nonzero().tolist()} == set().union(*reads)
        assert {tuple(cell) for cell in forward.nonzero().tolist()} == set().union(*feeds)


def _perturbed(node: Node, place: int) -> None:
    exact = node.kind in EXACT or node.op in EXACT_OPS
    for cell in cells(tuple(node.operands[place].value.shape))[:9]:
        fed = set(node.feeds(place, cell))
        moved = [changed(node, place, cell, by) for by in (0.1234, 87.65, -91.2)]
        assert set().union(*moved) <= fed
        if exact and "round" not in str(node.call.kwargs if node.call else ""):
            assert moved[0] == fed


@settings(max_examples=40)
@given(data=st.data())
def test_masked_cells_read_nothing_and_name_the_rule(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["triu", "tril", "masked_fill", "where"]))
    (node,) = nodes_of(data.draw(samples(name)), name)
    floats = [place for place, operand in enumerate(node.operands) if operand.value.is_floating_point()]
    for cell in cells(node.shape):
        rule = node.masked(cell)
        if name == "where" and len(node.operands) == 3:
            assert rule is None
        elif rule is None:
            assert any(node.reads(cell)[place] for place in floats)
        elif name != "where" and len(node.operands) < 3:
            assert not any(node.reads(cell)[place] for place in floats)
            assert rule.strip() == rule
            assert len(rule) > 8


def test_what_is_not_there_is_an_index_error() -> None:
    node = trace(torch.matmul, torch.ones(2, 3), torch.ones(3, 4)).nodes[-1]
    for index in ((2, 0), (0, -1), (0,), (0, 0, 0)):
        with pytest.raises(IndexError):
            node.reads(index)
        with pytest.raises(IndexError):
            node.masked(index)
    with pytest.raises(IndexError):
        node.feeds(0, (2, 0))
    with pytest.raises(IndexError):
        node.feeds(2, (0, 0))
