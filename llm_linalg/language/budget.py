"""What a program may ask for, known before it is computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import torch
import torch.utils._device  # torch.device("meta") loads it, and no program loads anything
from torch import Tensor

from llm_linalg.axes import Shape, ShapeMismatch, extent
from llm_linalg.errors import LimitError
from llm_linalg.language import bounds, costs
from llm_linalg.language.allowance import NEVER, Allowance
from llm_linalg.language.effort import going_back, taking
from llm_linalg.language.printing import Shown
from llm_linalg.ops.call import Call
from llm_linalg.ops.call_errors import unsafe_reason
from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.spelling import hint
from llm_linalg.text import MOST_COMPARED
from llm_linalg.writes import storage_cells

MAX_AXES = 24
MAX_EMPTY = 100_000  # rows of a tensor without cells
# Of other arguments than it takes torch says so at once; without memory it would load a compiler first.
_REFUSED_AT_ONCE = frozenset(["embedding", "layer_norm", "rms_norm"])
SMALL = 2**14  # cells of a memory that is copied in no time


class Asked(NamedTuple):
    """What a call asks for.

    Attributes:
        outputs: How many tensors.
        shape: Their shape, if it is known.
        cells: How many cells of them, or on the way to them.
        work: How many multiplications.
        items: How many items of plain values are gone through.
        effort: How long it takes beside its steps, in steps.
    """

    outputs: int
    shape: Shape | None
    cells: int
    work: int
    items: int = 0
    effort: int = 0

    @classmethod
    def of(cls, call: Call, outputs: int, shape: Shape | None, cells: int, work: int, items: int) -> Asked:
        """Return what a call asks for, and how long it takes beside its steps."""
        operation = call.operation
        if shape and 0 in shape:
            cells = max(cells, extent(shape))
        effort = taking(call, cells, work)
        effort += items if operation.kind == "creation" else items // costs.ITEMS_AN_EFFORT
        if outputs:
            effort += costs.EFFORT_OF_A_TENSOR + costs.EFFORT_OF_ANOTHER * (outputs - 1)
        if isinstance(operation, FallbackOperation):
            effort += costs.EFFORT_OF_A_RARE_CALL
        if operation.name == "einsum":
            effort += costs.EFFORT_OF_A_FACTOR * max(len(call.tensors) - costs.FEW, 0)
        return cls(outputs, shape, cells, work, items, effort)


@dataclass(slots=True)
class Budget(Allowance):
    """An allowance of which each call takes what it asks for, before it is made.

    Attributes:
        trials: What may still be done to find what would work instead of what failed, in steps.
    """

    trials: int = field(default=30_000, init=False)

    def make(self, name: str, cells: int) -> None:
        """Take the cells of a layer that is about to be made.

        Raises:
            LimitError: If they are too many.
        """
        self._hold(name, cells)
        self.effort += costs.EFFORT_OF_A_NEW_LAYER + cells * costs.A_FILLED_CELL // costs.CELLS_AN_EFFORT
        self.fill(cells)

    def fill(self, cells: int) -> None:
        """Take cells that are about to be filled.

        Raises:
            LimitError: If they are too many.
        """
        self.total -= cells
        self.exceeded()
        self._watch()

    def copy(self, cells: int) -> None:
        """Take a tensor of so many cells that is about to be copied.

        Raises:
            LimitError: If they are too many.
        """
        self.tensors -= 1
        self.effort += costs.EFFORT_OF_A_TENSOR + cells // costs.CELLS_AN_EFFORT
        self.fill(cells)

    def _hold(self, name: str, cells: int) -> None:
        if cells > self.cells:
            raise LimitError(f"{name} would make {cells:,} cells; {self.cells:,} are allowed")

    def check(self, call: Call) -> Asked | None:
        """Hold a call against the budget before it is computed; return what it asks for, if that is known.

        Raises:
            ShapeMismatch: If torch would make it, and must not.
            LimitError: If it asks for more.
            HaltedError: If the run is to end.
        """
        self.heed()
        self.settled = self.effort
        self.effort += costs.EFFORT_OF_A_LOOK
        why = unsafe_reason(call)
        if why is not None:
            raise why
        try:
            asked = self.asked(call)
        except ShapeMismatch:
            if bounds.copied(call) > SMALL:
                raise  # torch would copy its operands for each matrix before it looks at their sizes
            return None  # torch refuses it too, before it makes anything: the tests hold each rule against it
        except (TypeError, ValueError, IndexError, OverflowError, KeyError, ZeroDivisionError):
            shape = None if call.operation.name in _REFUSED_AT_ONCE else on_meta(call)
            if shape is None:
                return None  # torch refuses it, and says why
            asked = Asked.of(call, 1, shape, prod(shape), prod(shape), 0)
        self.take(call, asked)
        if call.tensors and call.may_write:
            self.write(call.written.numel(), storage_cells(call.written))
        self._watch()
        return asked

    def again(self, asked: Asked, operands: int, written: Tensor | None = None) -> None:
        """Take what a call asks for that is like one that was held against the budget.

        Raises:
            LimitError: If it asks for more than is left.
            HaltedError: If the run is to end.
        """
        self.heed()
        self.settled = self.effort
        self._spend(asked, operands)
        if written is not None:
            self.write(written.numel(), storage_cells(written))
        self._watch()

    def asks_each(self, items: Sequence[Any]) -> None:
        """Count that it is asked whether each of some items is true, if there are tensors among them."""
        if Tensor in set(map(type, items)):
            self.effort += 2 * costs.EFFORT_OF_A_TRUTH * len(items)
            self._watch()

    def renews(self, memory: int) -> None:
        """Take what it takes to look anew at a tensor that was written through another; see `Guard`."""
        self.effort += costs.EFFORT_OF_A_RENEWAL + memory // costs.RENEWED_AN_EFFORT

    def write(self, cells: int, memory: int) -> None:
        """Take what it takes that a tensor's memory is written: what shares it is kept as it was.

        Args:
            cells: The tensor's cells.
            memory: The cells of its memory.
        """
        self.effort += costs.EFFORT_OF_A_WRITE
        if memory > SMALL:
            self.effort += memory // costs.WRITTEN_AN_EFFORT
            self.total -= memory if memory == cells else costs.A_VIEW_WRITTEN * memory
            self.exceeded()

    def trial(self, letters: int, **bounds: Any) -> Budget:
        """Return a budget for what is only tried: all that is may take as long as little of a program.

        Args:
            letters: How long the text is that is to be read.
            bounds: What else is held against others than a program's.
        """
        self.trials -= letters * costs.A_LETTER_READ
        budget = Budget(**bounds, halt=self.halt)
        budget._bound = self.trials
        return budget

    def hint(self, name: str, known: Collection[str]) -> str:
        """Say which of several names is nearest to one; nothing once much was tried to find such."""
        self.trials -= min(len(name) * sum(map(len, known)), MOST_COMPARED) // costs.COMPARED_A_STEP
        return hint(name, known) if self.trials > 0 else ""

    def foresee(self) -> None:
        """Let rehearsals begin: they take what there is room for, or some more if much was done before."""
        self._until = max(self._begun + self.room + self.room // 5, self.done + 3 * self.room // 4)

    @property
    def rehearsable(self) -> int:
        """How many steps a rehearsal may have, so that little more is done with it than there is room for."""
        if self.patient or self._free:
            return NEVER
        most = self._until if self._bound is None else max(self._until, self._bound + self.room // 5)
        return max(most - self.done, 0) // costs.EFFORT_OF_A_REHEARSAL

    def rehearsed(self, steps: int, walked: int) -> int:
        """Count a rehearsal of so many steps, back through so many calls; return how long it took."""
        effort = costs.EFFORT_OF_A_REHEARSAL * steps + costs.EFFORT_OF_A_CALL_WALKED * walked
        self.effort += effort
        self.settled += effort
        return effort

    def show(self, shown: Shown) -> None:
        """Count what is about to be made into text.

        Raises:
            LimitError: If there are too many.
        """
        self.step(costs.A_TEXT * shown.tensors)
        self.effort += costs.EFFORT_OF_A_SHOWING + costs.EFFORT_OF_A_SHOWN_LIST * shown.lists
        self.effort += costs.EFFORT_OF_A_TEXT * shown.tensors + costs.EFFORT_OF_A_SHOWN_CELL * shown.cells
        self.effort += costs.EFFORT_OF_A_SHOWN_ITEM * shown.items
        self.items -= costs.TEXT_OF_A_CELL * shown.cells + costs.TEXT_OF_AN_ITEM * shown.items
        if self.items < 0:
            raise LimitError("the program makes text of too many numbers in all")
        self._watch()

    def asked(self, call: Call) -> Asked:
        """Return what a call asks for, by the project's rules, or else by the same call without memory.

        Raises:
            ShapeMismatch: If its operands don't fit.
            LimitError: If it has more sizes than any tensor has axes: to say why it fails would take long.
        """
        bounds.hold(call)
        asked = self._asked(bounds.with_numbers(call))
        return asked._replace(effort=asked.effort + costs.EFFORT_OF_A_NUMBER * bounds.as_numbers(call))

    def _asked(self, call: Call) -> Asked:
        operation, shape = call.operation, _shape(call)
        outputs, items = operation.output_count(call), operation.items(call, shape)
        peak, cost = operation.peak(call, shape), max(operation.cost(call, shape), bounds.singular(call))
        return Asked.of(call, outputs, shape, peak, cost, items)

    def take(self, call: Call, asked: Asked) -> None:
        """Take what a call asks for.

        Raises:
            LimitError: If that is too much.
        """
        name = call.operation.name
        outputs, shape, cells, work, *_ = asked
        if outputs > self.outputs:
            raise LimitError(f"{name} would give {outputs:,} tensors; {self.outputs:,} are allowed")
        if max([len(shape or ()), *[tensor.dim() for tensor in call.tensors]]) > MAX_AXES:
            raise LimitError(f"a tensor with more than {MAX_AXES} axes")
        if shape and 0 in shape and extent(shape) > MAX_EMPTY:
            raise LimitError(f"{name} would make a tensor without cells of more than {MAX_EMPTY:,} rows")
        self._hold(name, cells)
        if work > self.multiplications:
            raise LimitError(
                f"{name} would need {work:,} multiplications; {self.multiplications:,} are allowed"
            )
        self._spend(asked, len(call.tensors))

    def _spend(self, asked: Asked, operands: int) -> None:
        outputs, _, cells, work, items, effort = asked
        self.effort += effort
        self.total -= cells
        self.work -= work
        self.tensors -= outputs
        self.items -= items
        self.steps -= costs.A_CALL if outputs else costs.AN_ANSWER
        if operands > costs.FEW:
            self.steps -= costs.AN_OPERAND * (operands - costs.FEW)
        if self.total < 0 or self.work < 0 or self.tensors < 0 or self.steps < 0 or self.items < 0:
            self.exceeded()


def _shape(call: Call) -> Shape | None:
    """Return the output's shape by rule, or from the same call on tensors without memory."""
    operation = call.operation
    if isinstance(operation, FallbackOperation) and not operation.bounded:
        return on_meta(call)
    return operation.infer(call)


def asked_back(call: Call) -> tuple[int, int]:
    """Return the multiplications that a call asked for that has been made, and how long going back takes."""
    operation = call.operation
    after = isinstance(operation, FallbackOperation) and not operation.bounded
    with torch._C.DisableTorchFunction():  # what the rules look at is no part of the program
        shape = call.shape if after else operation.infer(call)
        work = operation.cost(call, shape)
        return work, going_back(call, operation.peak(call, shape), work)


def on_meta(call: Call) -> Shape | None:
    """Return the output's shape from the same call on tensors without memory, or None.

    Shapes that clash don't come here: what torch says of them on this device is written in Python, and
    imports a compiler first.
    """
    try:
        with torch._C.DisableTorchFunction(), torch.device("meta"):
            result: Any = call.replay([tensor.detach().to("meta") for tensor in call.tensors])
    except Exception:  # noqa: BLE001  torch raises many kinds here, and each means: not known beforehand
        return None
    return tuple(result.shape) if isinstance(result, Tensor) else None
