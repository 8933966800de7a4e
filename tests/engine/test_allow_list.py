"""All that a program reaches of torch stands in the table of operations, or in its list of exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType
from typing import Any

import pytest
import torch
from llm_linalg.language import allowlist, modules, weight_files
from llm_linalg.language.allowlist import Namespace
from llm_linalg.language.arrays.array_dtypes import DType
from llm_linalg.language.arrays.array_joiners import BRACKETS
from llm_linalg.language.classes import own_functions
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.tensor_types import TensorType
from llm_linalg.language.type_function import TypeFunction, TypeHint
from torch import Tensor, nn

from llm_linalg.ops import TABLE, fallback
from llm_linalg.ops.torch_names import resolve

PLACES = ("torch", "Tensor", "F", "linalg", "special", "attribute")
HOMES = {
    "torch": "torch",
    "Tensor": "torch.Tensor",
    "F": "torch.nn.functional",
    "linalg": "torch.linalg",
    "special": "torch.special",
}


PLAIN = (
    bool
    | int
    | float
    | str
    | None
    | torch.dtype
    | torch.layout
    | torch.memory_format
    | TensorType
    | DType
    | BRACKETS
    | TypeHint
)


def is_own(value: Any) -> bool:
    """Whether a function is the language's own, or of Python's ``math``."""
    if isinstance(value, RunFunction):
        return True
    function = isinstance(value, FunctionType | BuiltinFunctionType | type)
    return function and str(value.__module__).startswith(("llm_linalg.", "math"))


def members(namespace: Namespace, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in namespace.members.items():
        if isinstance(value, Namespace):
            yield from members(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


REACHABLE = {
    **{
        f"{module} {name}": value for module, own in allowlist.MODULES.items() for name, value in members(own)
    },
    **{
        f"{module} {name}": value
        for module, own in allowlist.IMPORTED.items()
        for name, value in members(own)
    },
    **{f"Tensor {name}": value for name, value in allowlist.METHODS.items()},
}


def listed() -> set[Any]:
    """torch's functions that the table or its list of exceptions name, wherever programs may write them."""
    found: set[Any] = set()
    for place, home in HOMES.items():
        for name in (*TABLE.names_in(place), *fallback.names_in(place)):
            found.update(resolve(f"{home}.{name}"))
    return found


def test_every_function_of_torch_that_a_program_reaches_is_listed() -> None:
    made_here = {torch.zeros, torch.zeros_like, torch.utils.data.Dataset, own_functions.FUNCTION}
    allowed = listed() | made_here
    for name, value in REACHABLE.items():
        if isinstance(value, type) and issubclass(value, nn.Module):
            assert value is nn.Module or value.__name__ in modules.LAYER_NAMES.split()
        elif isinstance(value, TypeFunction):
            assert is_own(value.make), name
        elif not isinstance(value, PLAIN) and value is not re.error and not is_own(value):
            assert value in allowed, name


@pytest.mark.parametrize("place", sorted(HOMES))
def test_each_listed_name_is_torch_s_and_is_reached(place: str) -> None:
    reached = {
        "torch": allowlist.TORCH.members,
        "Tensor": allowlist.METHODS,
        "F": allowlist.F.members,
        "linalg": allowlist.LINALG.members,
        "special": allowlist.SPECIAL.members,
    }[place]
    names = (*TABLE.names_in(place), *fallback.names_in(place))
    assert len(set(names)) == len(names)
    for name in names:
        assert list(resolve(f"{HOMES[place]}.{name}")), name
        assert name in reached


def test_attributes_are_listed() -> None:
    names = (*TABLE.names_in("attribute"), *fallback.names_in("attribute"))
    assert sorted(names) == sorted(allowlist.ATTRIBUTES)
    assert set(allowlist.STORED) <= set(names)


def test_places_are_those_that_the_language_has() -> None:
    for operation in TABLE.operations.values():
        assert {word.partition(".")[0] for word in operation.in_language.split()} <= set(PLACES)
    assert {place for places, _, _ in fallback.IN_LANGUAGE for place in places.split()} <= set(PLACES)


def test_an_exception_has_no_entry_and_gives_its_reason() -> None:
    for places, names, reason in fallback.IN_LANGUAGE:
        assert reason.endswith(".")
        for place in set(places.split()) - {"attribute"}:
            for name in names.split():
                for function in resolve(f"{HOMES[place]}.{name}"):
                    assert TABLE.entry(function) is None, name


def test_a_tensor_s_other_methods_and_torch_s_other_functions_are_out_of_reach() -> None:
    for name in (
        "apply_",
        "map_",
        "share_memory_",
        "__reduce__",
        "set_",
    ):
        assert hasattr(Tensor, name)
        assert name not in allowlist.METHODS
        assert name not in allowlist.ATTRIBUTES
    assert allowlist.TORCH.members["load"] is weight_files.LOAD  # a reader of ours
    for name in ("save", "hub", "ops", "from_file", "jit", "classes"):
        assert hasattr(torch, name)
        assert name not in allowlist.TORCH.members
