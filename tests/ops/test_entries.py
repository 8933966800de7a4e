"""An entry of the table of operations is complete: each test names the entry that lacks something."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import Node
from llm_linalg.language.reference import page
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

OPERATIONS = sorted(TABLE.operations.values(), key=lambda operation: operation.name)
DRAWN = sorted(BUILDERS)
# Their cells are shown as what they read: no number is computed from another.
SHOWN_AS_READ = {"one_hot", "scatter_add", "normalize"}
SECTIONS = {
    "torch": "`import torch`",
    "F": "`import torch.nn.functional`",
    "Tensor": "Methods of a tensor",
    "attribute": "Attributes of a tensor",
    "linalg": "`import torch.linalg`",
    "special": "`import torch.special`",
}


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
def test_an_entry_has_a_gradient_where_torch_has_one(name: str, data: st.DataObject) -> None:
    _has_one_where_torch_has(TABLE.operations[name], data.draw(samples(name)))


def test_a_listed_entry_has_a_gradient_where_torch_has_one() -> None:
    for name, calls in LISTED.items():
        _has_one_where_torch_has(TABLE.operations[name], listed_sample(calls[0]))


def _has_one_where_torch_has(operation: Operation, sample: Sample) -> None:
    inputs = [x.clone().requires_grad_() if x.is_floating_point() else x for x in sample.inputs]
    outside = [x.clone() for x in inputs]  # setitem writes into what it is given
    results = sample.function(*outside)
    results = [outside[0]] if results is None else results if isinstance(results, tuple | list) else [results]
    if any(isinstance(result, Tensor) and result.requires_grad for result in results):
        assert has_gradient(operation), operation.name


def has_gradient(operation: Operation) -> bool:
    written = operation.gradient or operation.vjp_for_call or operation.joint_vjp
    moved = isinstance(operation, Movement) and operation.scatters_back
    opened = operation.program or operation.kind == "composite"
    return bool(written or moved or opened or operation.autograd)


def test_an_entry_does_not_leave_to_autograd_what_it_has_a_rule_for() -> None:
    for operation in OPERATIONS:
        assert not (operation.autograd and (operation.gradient or operation.vjp_for_call)), operation.name


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", DRAWN)
@settings(max_examples=5)
@given(data=st.data())
def test_an_entry_has_a_price_that_covers_what_it_makes(name: str, data: st.DataObject) -> None:
    _is_covered(name, data.draw(samples(name)))


def test_a_listed_entry_has_a_price_that_covers_what_it_makes() -> None:
    for name, calls in LISTED.items():
        for text in calls:
            _is_covered(name, listed_sample(text))


def test_a_price_covers_what_torch_broadcasts_along_the_axis_of_a_sum() -> None:
    _is_covered(
        "cumulative_trapezoid", listed_sample("torch.cumulative_trapezoid(a[:, :2], x.reshape(1, 6))")
    )


def _is_covered(name: str, sample: Sample) -> None:
    for node in traced(name, sample).nodes:
        assert node.call is not None
        price = price_of(node.call)
        assert price is not None, name
        assert price.elements >= node.value.numel() or is_view(node.call.operation, node), name
        assert price.multiplications >= 0


def is_view(operation: Operation, node: Node) -> bool:
    """Whether a call gives cells of its operand's own memory."""
    return isinstance(operation, Movement) and (operation.views or operation.name == "getitem")


def test_an_entry_stands_on_the_reference_page_where_the_language_has_it() -> None:
    sections = {part.partition("\n")[0]: part.split() for part in page().split("\n## ")}
    for operation in OPERATIONS:
        for place in set(operation.in_language.split()) & SECTIONS.keys():
            for name in (operation.name, *operation.aliases):
                assert name in sections[SECTIONS[place]]


def test_an_entry_s_gradient_is_for_its_parameters() -> None:
    for operation in OPERATIONS:
        signature = parse_signature(operation.signature)
        assert set(operation.gradient) <= {*signature.positional, *signature.keyword}, operation.name
