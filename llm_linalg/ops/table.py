"""The table of operations, and the lookup of its entries by torch function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llm_linalg.ops.arguments import Function
from llm_linalg.ops.arrangement import ARRANGEMENTS
from llm_linalg.ops.batch_norms import BATCH_NORMS
from llm_linalg.ops.complex_numbers import COMPLEX_NUMBERS
from llm_linalg.ops.composite import COMPOSITES
from llm_linalg.ops.contraction import CONTRACTIONS
from llm_linalg.ops.creation import CREATIONS, DRAWS
from llm_linalg.ops.in_place import WRITES
from llm_linalg.ops.linear_algebra import MATRIX_FUNCTIONS
from llm_linalg.ops.losses import LOSSES
from llm_linalg.ops.mask import MASKS
from llm_linalg.ops.measured import MEASURED
from llm_linalg.ops.movement import MOVEMENTS
from llm_linalg.ops.operation import Operation
from llm_linalg.ops.pointwise_table import POINTWISE
from llm_linalg.ops.recurrent import RECURRENT
from llm_linalg.ops.reduction import reductions
from llm_linalg.ops.resampling import RESAMPLINGS
from llm_linalg.ops.rowwise import ROWWISE
from llm_linalg.ops.searches import SEARCHES
from llm_linalg.ops.special_table import SPECIAL_FUNCTIONS
from llm_linalg.ops.torch_names import resolve, schema_name
from llm_linalg.ops.windows import WINDOWS

_HOMES = ("torch.{}", "torch.Tensor.{}", "torch.nn.functional.{}", "torch.Tensor.__{}__", "torch.special.{}")
# A function that writes its result to the first operand is the same operation.
_IN_PLACE = ("torch.Tensor.{}_", "torch.{}_", "torch.nn.functional.{}_", "torch.Tensor.__i{}__")


@dataclass(frozen=True, slots=True)
class TableEntry:
    """An operation, and whether this torch function takes its first two arguments in reverse."""

    operation: Operation
    swap: bool = False


class OperationTable:
    """The operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations: dict[str, Operation] = {}
        self.entries: dict[Any, TableEntry] = {}
        for operation in operations:
            if operation.name in self.operations:
                raise ValueError(f"the operation {operation.name} is in the table twice")
            self.operations[operation.name] = operation
            for function in _functions(operation):
                self.entries.setdefault(function, TableEntry(operation))
            for spelling in operation.reflected:
                for function in resolve(spelling):
                    self.entries[function] = TableEntry(operation, swap=True)

    def find(self, name: str) -> Operation | None:
        """Return the operation with a name or an alias; None if there is none."""
        if name in self.operations:
            return self.operations[name]
        return next((own for own in self.operations.values() if name in own.aliases), None)

    def operator(self, name: str) -> str:
        """Return Python's operator for an operation, such as `@`; empty if it has none."""
        operation = self.find(name)
        return operation.operator if operation else ""

    def entry(self, function: Function) -> TableEntry | None:
        """Return the entry of a torch function, or of what an operator of it is called by; else None."""
        try:
            entry = self.entries.get(function)
        except TypeError:  # not hashable, so not a torch function
            return None
        home, _, name = schema_name(function).partition("::")
        if entry is not None or home != "aten":
            return entry
        places = (place.format(name) for place in _HOMES + _IN_PLACE)
        return next(
            (self.entries[own] for place in places for own in resolve(place) if own in self.entries), None
        )


def _functions(operation: Operation) -> Iterator[Function]:
    yield from operation.functions
    for home in _HOMES + _IN_PLACE:
        yield from resolve(home.format(operation.name))
    homes = (*_HOMES[:2], _IN_PLACE[0])
    aliases = (home.format(alias) for alias in operation.aliases for home in homes)
    for spelling in (*aliases, *operation.spellings):
        yield from resolve(spelling)


TABLE = OperationTable(
    (
        *CONTRACTIONS,
        *POINTWISE,
        *reductions({operation.name: operation for operation in POINTWISE}),
        *WINDOWS,
        *MOVEMENTS,
        *ROWWISE,
        *MASKS,
        *CREATIONS,
        *WRITES,
        *DRAWS,
        *COMPOSITES,
        *SPECIAL_FUNCTIONS,
        *ARRANGEMENTS,
        *MATRIX_FUNCTIONS,
        *SEARCHES,
        *RESAMPLINGS,
        *MEASURED,
        *COMPLEX_NUMBERS,
        *LOSSES,
        *BATCH_NORMS,
        *RECURRENT,
    )
)
