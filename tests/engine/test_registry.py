"""What torch functions are called: torch's own short names, also where its table of them is not asked."""

from __future__ import annotations

import pytest
from torch.overrides import get_overridable_functions, resolve_name

from llm_linalg import ProgramError, run
from llm_linalg.ops import torch_names
from llm_linalg.ops.torch_names import short_name
from tests.thinning import thin


def test_each_function_has_torch_s_own_short_name() -> None:
    functions = [function for each in get_overridable_functions().values() for function in each]
    named = {}
    for function in functions:
        full = (resolve_name(function) or "").removesuffix(".__get__")
        if full:
            named[full] = (full.rpartition(".")[2].strip("_"), short_name(function))
    assert len(named) > 1_000
    assert {full: names for full, names in named.items() if names[0] != names[1]} == {}


LAYERS = ["Linear(3, 3)", "LayerNorm(3)", "Embedding(3, 3)", "Conv1d(3, 3, 1)", "RMSNorm(3)"]


@pytest.mark.slow
@pytest.mark.parametrize("layer", thin(LAYERS, 5))
def test_what_makes_a_layer_in_a_rehearsal_is_named_without_torch_s_own_table(
    layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(torch_names, "resolve_name", asked.append)
    short_name.cache_clear()
    program = f"x = torch.ones(3)\nfor i in range(100_000):\n    if x.sum() > 5: break\n    nn.{layer}"
    with pytest.raises(ProgramError):
        run(program)
    assert asked == []
