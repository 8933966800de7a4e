"""An entry of the table of operations is complete: each test names the entry that lacks something."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import Node
from llm_linalg.ops import TABLE, Operation
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.price import price_of
from llm_linalg.ops.reduction import Reduction
from llm_linalg.ops.rowwise import Rowwise
from llm_linalg.ops.signature import parse_signature
from tests.ops.drawing import Sample
from tests.ops.laws import traced
from tests.ops.listed import LISTED, listed_sample
from tests.ops.samples import BUILDERS, samples

F = torch.nn.functional
OPERATIONS = sorted(TABLE.operations.values(), key=lambda operation: operation.name)
DRAWN = sorted(BUILDERS)
# Their cells are shown as what they read: no number is computed from another.
SHOWN_AS_READ = {"one_hot", "scatter_add", "normalize"}


def test_an_entry_has_a_phrase_where_its_cells_are_computed() -> None:
    for operation in OPERATIONS:
        if operation.kind in ("pointwise", "reduction", "rowwise") and operation.name not in SHOWN_AS_READ:
            kind = type(operation)
            summed = kind.terms is not Operation.terms and not isinstance(operation, Pointwise | Reduction)
            moved = isinstance(operation, Rowwise) and operation.sorts
            adds = isinstance(operation, Reduction) and operation.adds
            assert operation.phrase or summed or moved or adds, operation.name


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", DRAWN)
@settings(max_examples=5)
@given(data=st.data())
def test_an_entry_has_a_price_that_covers_what_its_shape_rule_tells(name: str, data: st.DataObject) -> None:
    _is_covered(name, data.draw(samples(name)))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_listed_entry_has_a_price_that_covers_what_its_shape_rule_tells() -> None:
    for name, calls in LISTED.items():
        for text in calls:
            _is_covered(name, listed_sample(text))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_listed_entry_stands_for_a_call_of_its_own() -> None:
    for name, calls in LISTED.items():
        nodes = [node for text in calls for node in traced(name, listed_sample(text)).nodes]
        assert any(node.call and node.call.operation is TABLE.operations[name] for node in nodes), name


def _is_covered(name: str, sample: Sample) -> None:
    for node in traced(name, sample).nodes:
        assert node.call is not None
        price = price_of(node.call)
        assert price is not None, name
        unknown = node.call.operation.infer(node.call) is None
        assert unknown or price.elements >= node.value.numel() or is_view(node), name
        assert price.multiplications >= 0


def is_view(node: Node) -> bool:
    """Whether a call gives cells of its operand's own memory."""
    assert node.call is not None
    operation = node.call.operation
    picks = operation.name == "getitem" and shares_memory(node.value, node.call.tensors[0])
    return isinstance(operation, Movement) and (operation.views or picks)


def shares_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def test_an_entry_s_gradient_is_for_its_parameters() -> None:
    for operation in OPERATIONS:
        signature = parse_signature(operation.signature)
        assert set(operation.gradient) <= {*signature.positional, *signature.keyword}, operation.name
