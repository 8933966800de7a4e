"""One pass through the table of operations: each sample is traced once and held against all laws."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg.ops import TABLE
from tests.ops.drawing import Sample
from tests.ops.laws import LAWS, law_formula_is_one_clean_line, traced
from tests.ops.layer_calls import LAYER_CALLS
from tests.ops.listed import LISTED, ODD_FORMS, listed_sample
from tests.ops.samples import BUILDERS, makes, samples
from tests.thinning import thin

ODD = [float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 1e-30, 1e30, 123456.789, -1.0]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of a variance of one number


PARTS = 12  # of the list of calls, two of which are quick tests


def test_an_operation_has_a_sample_and_a_sample_an_operation() -> None:
    assert BUILDERS.keys() & LISTED.keys() == set()
    lacking = TABLE.operations.keys() - BUILDERS.keys() - LISTED.keys()
    assert not lacking, f"no sample of {lacking}: add a line to tests/ops/listed.py"
    assert TABLE.operations.keys() == BUILDERS.keys() | LISTED.keys()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", thin(range(PARTS), 6))
def test_what_is_listed_keeps_the_laws(part: int) -> None:
    for name in sorted(LISTED)[part::PARTS]:
        calls = [traced(name, listed_sample(text), number) for number, text in enumerate(LISTED[name])]
        made = [node.call.operation for call in calls for node in call.nodes if node.call]
        assert TABLE.operations[name] in made, "its sample stands for a call of its own"
        for call in calls:
            for law in LAWS:
                law(call)


# All their odd forms are measured, as are most that say an axis by a tensor.
MEASURED = {"avg_pool2d", "binary_cross_entropy_with_logits", "interpolate"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ODD_FORMS)
def test_an_odd_call_keeps_the_laws(name: str) -> None:
    calls = [traced(name, listed_sample(text), number) for number, text in enumerate(ODD_FORMS[name])]
    made = [node.call.operation for call in calls for node in call.nodes if node.call]
    assert TABLE.operations[name] in made or name in MEASURED or "torch.tensor(" in ODD_FORMS[name][0]
    for call in calls:
        for law in LAWS:
            law(call)


@pytest.mark.parametrize("name", sorted(BUILDERS.keys() - LAYER_CALLS.keys()))
@settings(max_examples=10)
@given(data=st.data())
def test_an_operation_keeps_the_laws(name: str, data: st.DataObject) -> None:
    hold(name, data)


@pytest.mark.parametrize("name", thin(sorted(LAYER_CALLS), 6))  # each is a program, and takes long
@settings(max_examples=1)
@given(data=st.data())
def test_an_operation_of_a_layer_keeps_the_laws(name: str, data: st.DataObject) -> None:
    hold(name, data)


@pytest.mark.parametrize("name", ["matmul", "linear", "einsum"])  # with more forms and orders than others
@settings(max_examples=30)
@given(data=st.data())
def test_a_product_keeps_the_laws(name: str, data: st.DataObject) -> None:
    hold(name, data)


def hold(name: str, data: st.DataObject) -> None:
    """Holds a sample of an operation against each law."""
    call = traced(name, data.draw(samples(name)), data.draw(st.integers(0, 99)))
    made = [node.call.operation for node in call.nodes if node.call]
    assert TABLE.operations[name] in made or name not in LAYER_CALLS, (
        "its sample stands for a call of its own"
    )
    for law in LAWS:
        law(call)


# The one takes no number outside of 0 to 1, the other makes nothing of what is laid out in order.
LEFT_OUT = {"binary_cross_entropy", "contiguous"}


@pytest.mark.parametrize("name", thin(sorted(BUILDERS.keys() - LAYER_CALLS.keys() - LEFT_OUT), 3))
@settings(max_examples=3)
@given(data=st.data())
def test_odd_numbers_have_words_too(name: str, data: st.DataObject) -> None:
    sample = data.draw(samples(name))

    def odd(x: Tensor) -> Tensor:
        if not x.is_floating_point():
            return x
        picks = data.draw(st.lists(st.sampled_from(ODD), min_size=x.numel(), max_size=x.numel()))
        return torch.tensor(picks, dtype=x.dtype).reshape(x.shape)

    odd_sample = Sample(sample.function, tuple(map(odd, sample.inputs)))
    assume(makes(odd_sample))
    law_formula_is_one_clean_line(traced(name, odd_sample))
