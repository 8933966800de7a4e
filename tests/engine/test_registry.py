"""What torch functions are called: torch's own short names, also where its table of them is not asked."""

from __future__ import annotations

from torch.overrides import get_overridable_functions, resolve_name

from llm_linalg.ops.torch_names import short_name


def test_each_function_has_torch_s_own_short_name() -> None:
    functions = [function for each in get_overridable_functions().values() for function in each]
    named = {}
    for function in functions:
        full = (resolve_name(function) or "").removesuffix(".__get__")
        if full:
            named[full] = (full.rpartition(".")[2].strip("_"), short_name(function))
    assert len(named) > 1_000
    assert {full: names for full, names in named.items() if names[0] != names[1]} == {}
