"""An entry of the table of operations is complete: each test names the entry that lacks something."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from torch.overrides import get_overridable_functions, resolve_name

from llm_linalg import ops
from llm_linalg.ops import TABLE, Operation
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.reduction import Reduction
from llm_linalg.ops.rowwise import Rowwise
from llm_linalg.ops.signature import parse_signature
from llm_linalg.ops.table import OperationTable
from llm_linalg.ops.torch_names import QUERY_FUNCTIONS, short_name

OPERATIONS = sorted(TABLE.operations.values(), key=lambda operation: operation.name)
# Their cells are shown as what they read: no number is computed from another.
SHOWN_AS_READ = {"one_hot", "scatter_add", "index_add", "scatter_reduce", "index_reduce", "normalize"}


def test_an_entry_has_a_phrase_where_its_cells_are_computed() -> None:
    for operation in OPERATIONS:
        if operation.kind in ("pointwise", "reduction", "rowwise") and operation.name not in SHOWN_AS_READ:
            kind = type(operation)
            summed = kind.terms is not Operation.terms and not isinstance(operation, Pointwise | Reduction)
            moved = isinstance(operation, Rowwise) and operation.sorts
            adds = isinstance(operation, Reduction) and operation.adds
            assert operation.phrase or summed or moved or adds, operation.name


def test_no_two_entries_have_one_name() -> None:
    with pytest.raises(ValueError, match="in the table twice"):
        OperationTable([*OPERATIONS, OPERATIONS[0]])


def test_an_entry_s_gradient_is_for_its_parameters() -> None:
    for operation in OPERATIONS:
        signature = parse_signature(operation.signature)
        assert set(operation.gradient) <= {*signature.positional, *signature.keyword}, operation.name


def test_an_entry_s_functions_are_those_that_are_called() -> None:
    assert all(map(callable, TABLE.entries))  # of a property its getter
    assert all(map(callable, QUERY_FUNCTIONS))


def test_each_function_has_torch_s_own_short_name() -> None:
    functions = [function for each in get_overridable_functions().values() for function in each]
    named = {}
    for function in functions:
        full = (resolve_name(function) or "").removesuffix(".__get__")
        if full:
            named[full] = (full.rpartition(".")[2].strip("_"), short_name(function))
    assert len(named) > 1_000
    assert {full: names for full, names in named.items() if names[0] != names[1]} == {}


README = Path(ops.__file__).with_name("README.md").read_text(encoding="utf-8")


EXAMPLE = re.search(r"```python\n(.*?)```", README, re.DOTALL)


def entry() -> Operation:
    assert EXAMPLE is not None
    made: Any = eval(EXAMPLE[1], {"Pointwise": Pointwise})  # noqa: S307 - our own text
    assert isinstance(made, Operation)
    return made


def test_the_entry_that_the_readme_shows_is_the_one_that_the_table_has() -> None:
    own = TABLE.operations[entry().name]
    for fact in ("signature", "phrase", "gradient"):
        assert getattr(own, fact) == getattr(entry(), fact)
