"""Traces of models are true: every operation has a rule, the output and all gradients are torch's.

`pip install '.[models]'` brings the packages of real models; `python -m tests.models` measures all.
"""

from __future__ import annotations

import pytest

from tests.models.measures import measure
from tests.models.programs import PLAIN, PROGRAMS, SIX
from tests.thinning import thin

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("name", thin(PLAIN, 3))
def test_a_model_of_plain_torch_is_true(name: str) -> None:
    hold(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIX)
def test_a_real_model_is_true(name: str) -> None:
    pytest.importorskip(SIX[name], reason=f"{SIX[name]} is not installed: pip install '.[models]'")
    hold(name)


def hold(name: str) -> None:
    """Holds the trace of a model against what it is without a trace."""
    found = measure(PROGRAMS[name])
    # Under a function mode torch leaves the fused path of an encoder.
    assert found.output == ("close" if name == "nn.TransformerEncoder" else "same")
    assert not found.unknown
    assert not found.untrue
    assert not found.refusal
    assert not found.wrong
    assert found.gradients or name == "nn.TransformerEncoder", "it is under no_grad"
