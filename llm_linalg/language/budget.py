"""What a program may use. Counts decide, the same on every machine; the clock is only a backstop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import HaltedError, LimitError
from llm_linalg.base.spelling import hint
from llm_linalg.base.text import MOST_COMPARED
from llm_linalg.language import arithmetic, module_count
from llm_linalg.language.containers import OrderedSet, sort_items
from llm_linalg.language.printing import TextSize
from llm_linalg.ops.operation import Call
from llm_linalg.ops.price import ELEMENT, SMALL, Price, price_of
from llm_linalg.recording.write_log import storage_numel

SECONDS = 2.0
LOOK_EVERY = 100  # steps between two looks at the clock, and at whether somebody stops the run
TRIALS = 30_000  # steps that may be spent on finding what would have worked
MAX_SHARES = 16  # so small a part of the budget a cell of a notebook has once several asked for too much

# What takes longer than a step, in steps, each of which takes about a microsecond.
FUNCTION_CALL_STEPS = 9
LAYER_CALL_STEPS, LAYER_VISIT_STEPS, NEW_LAYER_STEPS, LAYER_NAME_STEPS = 58, 7, 270, 5
BACKWARD_STEPS, BACKWARD_CALL_STEPS = 300, 16
ALIAS_UPDATE_STEPS, WRITER_QUERY_STEPS, WRITE_STEPS = 285, 9, 38
TENSOR_TEXT_STEPS, CELL_TEXT_STEPS, LIST_TEXT_STEPS, ITEM_TEXT_STEPS = 460, 9, 7, 2
NOTEBOOK_CELL_STEPS, FAILURE_STEPS, SHAPE_ERROR_STEPS = 100, 400, 1_500  # of a notebook; one that fails
ITEMS_PER_STEP = 8  # of lists and texts that are gone through
NAMES_PER_STEP = 4
CHARACTERS_PER_STEP = 1_000  # of a text that is copied or looked up
_SORTED = 8  # times as long as others takes an item that is put in order, or into a set


def never() -> bool:
    """No."""
    return False


@dataclass(slots=True)
class Budget:
    """What a program may use, and what is left of it.

    Attributes:
        steps: Expressions and statements that are evaluated, repetitions included; what takes longer, such as
            a torch call whatever its size, counts as several.
        tensors: How many tensors all calls may give together.
        elements: How many elements all tensors may have together.
        multiplications: How many multiplications all calls may take together, or what takes as long.
        call_tensors: How many tensors one call may give.
        call_elements: How many elements one call may make at once.
        call_multiplications: How many multiplications one call may take: about a second's.
        seconds: How long a run may take; None if counts alone decide.
        halt: Asked before each torch call and every so many steps whether somebody stops the run.
        trials: Steps left for finding what would have worked instead of what failed.
        next_look: Below so many steps left it is time to look at the clock.
    """

    steps: int = 6_000_000
    tensors: int = 60_000
    elements: int = 2**27
    multiplications: int = 2**36
    call_tensors: int = 1_000
    call_elements: int = 2**25
    call_multiplications: int = 2**33
    seconds: float | None = SECONDS
    halt: Callable[[], bool] = never
    trials: int = field(default=TRIALS, init=False)
    next_look: int = field(default=2**63, init=False)
    _allowed: tuple[int, int, int, int] = field(init=False)
    _shares: int = field(default=1, init=False)
    _deadline: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._allowed = self.left

    @property
    def left(self) -> tuple[int, int, int, int]:
        """Steps, tensors, elements and multiplications that are left."""
        return self.steps, self.tensors, self.elements, self.multiplications

    @property
    def steps_used(self) -> int:
        """How many steps were taken."""
        return self._allowed[0] - self.steps

    def start(self) -> None:
        """Start the clock, unless it runs."""
        if self.seconds is not None and self._deadline is None:
            self._deadline = monotonic() + self.seconds

    def grant_share(self) -> None:
        """After a cell that asked for too much, leave those below it at least half of what it had."""
        self._shares *= 2
        if self._shares > MAX_SHARES:
            return
        steps, tensors, _, multiplications = (allowed // self._shares for allowed in self._allowed)
        self.steps = max(self.steps, steps)
        self.tensors = max(self.tensors, tensors)
        self.multiplications = max(self.multiplications, multiplications)
        self.next_look = self.steps
        if self._deadline is not None and self.seconds is not None:
            self._deadline = max(self._deadline, monotonic() + self.seconds / self._shares)

    def step(self, count: int = 1) -> None:
        """Count steps before they are taken.

        Raises:
            LimitError: If they are too many, or the time is over.
            HaltedError: If the run is stopped.
        """
        self.steps -= count
        if self.steps < self.next_look:
            self.look()

    def look(self) -> None:
        """See whether the run may go on; raises what `step` does."""
        self.next_look = max(self.steps - LOOK_EVERY, 0)
        self._check_stop()
        if self.steps < 0:
            raise self._exceeded(0, "takes more than {} steps")

    def _check_stop(self) -> None:
        if self.halt():
            raise HaltedError("stopped: what stands below was not run")
        if self._deadline is not None and monotonic() > self._deadline:
            raise LimitError(self.timeout_message())

    def timeout_message(self, line: int | None = None) -> str:
        """Return what is said once the time is over, with the line at which the run was, if that is known."""
        place = f" at line {line}" if line else ""
        return f"stopped after {self.seconds or 0:g} s{place}: let it do less, or give it a longer time limit"

    def _exceeded(self, kind: int, what: str) -> LimitError:
        return LimitError(f"the program {what.format(f'{self._allowed[kind]:,}')}: let it do less")

    # Torch calls

    def charge(self, call: Call) -> Price | None:
        """Charge a call before it is made, from its shapes alone; return what it costs, if that is known.

        Raises:
            ShapeMismatch: If torch would make it, and must not.
            LimitError: If it asks for more than one call may, or than is left.
            HaltedError: If the run is stopped.
        """
        self._check_stop()
        price = price_of(call)
        if price is None:
            self.step(FAILURE_STEPS)
            return None
        name = call.operation.name
        if price.outputs > self.call_tensors:
            most = self.call_tensors
            raise LimitError(f"{name} would give {price.outputs:,} tensors; {most:,} are allowed")
        self._check_elements(name, price.elements)
        if price.multiplications > self.call_multiplications:
            raise LimitError(self._too_long(call, price))
        self.charge_again(price, call.write_target if call.tensors and call.may_write else None)
        return price

    def charge_again(self, price: Price, written: Tensor | None = None) -> None:
        """Charge a call that is like one that was charged; raises what `charge` does.

        Args:
            price: What that one cost.
            written: The tensor that it writes into.
        """
        self._check_stop()
        self._spend(price.outputs, price.elements, price.multiplications)
        self.step(price.steps)
        if written is not None:
            self.charge_write(written.numel(), storage_numel(written))

    def charge_backward(self, prices: Iterable[Price], leaves: int) -> None:
        """Charge a backward pass through calls of these prices, to leaves of so many elements in all."""
        calls = reads = multiplications = 0
        for price in prices:
            calls += 1
            reads += price.reads
            multiplications += price.multiplications
        self.step(BACKWARD_STEPS + BACKWARD_CALL_STEPS * calls)
        if reads > self.elements:
            raise self._exceeded(2, "makes tensors of more than {} cells in all")
        self._spend(0, 0, 2 * multiplications + 2 * ELEMENT * (reads + leaves))

    def charge_elements(self, count: int) -> None:
        """Charge elements that are about to be filled, or copied."""
        self._spend(0, count, ELEMENT * count)

    def charge_copy(self, count: int) -> None:
        """Charge a tensor of so many elements that is about to be copied."""
        self._spend(1, count, ELEMENT * count)
        self.step(WRITE_STEPS)

    def charge_layer(self, name: str, elements: int) -> None:
        """Charge a layer that is about to be made, with weights of so many elements."""
        self.step(NEW_LAYER_STEPS)
        self._check_elements(name, elements)
        self._spend(0, elements, 4 * ELEMENT * elements)

    def charge_write(self, elements: int, memory: int) -> None:
        """Charge what it takes that a memory is written: what shares it is kept as it was.

        Args:
            elements: Those of the tensor that is written.
            memory: Those of its memory.
        """
        self.step(WRITE_STEPS)
        if memory > SMALL:
            self.charge_elements(memory if memory == elements else 4 * memory)

    def charge_alias_update(self, memory: int, writers: int) -> None:
        """Charge a look at a tensor whose memory, of so many elements, was written through others."""
        self.step(ALIAS_UPDATE_STEPS + 2 * writers)
        self._spend(0, 0, 3 * ELEMENT * memory)

    def charge_inspection(self, elements: int) -> None:
        """Charge the question who wrote so many elements last."""
        self.step(WRITER_QUERY_STEPS)
        self._spend(0, 0, ELEMENT * elements // 8)

    def _check_elements(self, name: str, elements: int) -> None:
        if elements > self.call_elements:
            raise LimitError(f"{name} would make {elements:,} cells; {self.call_elements:,} are allowed")

    def _too_long(self, call: Call, price: Price) -> str:
        name, most = call.operation.name, self.call_multiplications
        if call.operation.kind == "contraction":
            return f"{name} would need {price.multiplications:,} multiplications; {most:,} are allowed"
        fewer = price.elements * most // price.multiplications
        return f"{name} of {price.elements:,} cells would take too long: {fewer:,} are allowed in a call"

    def _spend(self, tensors: int, elements: int, multiplications: int) -> None:
        tensors, elements = self.tensors - tensors, self.elements - elements
        multiplications = self.multiplications - multiplications
        if tensors < 0:
            raise self._exceeded(1, "makes more than {} tensors")
        if elements < 0:
            raise self._exceeded(2, "makes tensors of more than {} cells in all")
        if multiplications < 0:
            raise self._exceeded(3, "needs more than {} multiplications in all, or what takes as long")
        self.tensors, self.elements, self.multiplications = tensors, elements, multiplications

    # Plain values

    def charge_items(self, *values: Any) -> None:
        """Charge plain values, and layers, before something goes through all their items."""
        nested = False
        for value in values:
            if value.__class__ in arithmetic.ITEMLESS_TYPES:
                continue
            if isinstance(value, arithmetic.TYPES_WITH_ITEMS):
                nested = True
            elif isinstance(value, nn.Module):
                self.step(2 * module_count.count_layers(value))
        if nested:
            items, levels, others = arithmetic.nesting(*values)
            self.step(2 + 4 * levels + (items + others) // ITEMS_PER_STEP)

    def charge_call(self, function: Any, arguments: Sequence[Any], named: Collection[Any]) -> None:
        """Charge what a call of a Python function goes through: its arguments."""
        self.charge_items(*arguments, *named)
        if arguments and (
            function is sort_items or function is OrderedSet or function is any or function is all
        ):
            items = arguments[0]
            if isinstance(items, arithmetic.TYPES_WITH_ITEMS):
                self.step(_SORTED * len(items) // ITEMS_PER_STEP)

    def charge_list(self, items: int) -> None:
        """Charge so many items that something makes or goes through."""
        self.step(items // ITEMS_PER_STEP)

    def charge_text(self, size: TextSize) -> None:
        """Charge what is about to be made into text."""
        self.step(
            ITEM_TEXT_STEPS
            + TENSOR_TEXT_STEPS * size.tensors
            + CELL_TEXT_STEPS * size.cells
            + LIST_TEXT_STEPS * size.lists
            + ITEM_TEXT_STEPS * size.items
        )

    # Trials

    def trial(self, letters: int, **bounds: Any) -> Budget:
        """Return a budget for trying what would work instead, of a text of so many letters."""
        self.trials -= 2 * letters
        bounds = {"steps": TRIALS, **bounds}
        budget = Budget(**{**bounds, "steps": max(min(bounds["steps"], self.trials), 0)}, halt=self.halt)
        budget.seconds, budget._deadline = self.seconds, self._deadline
        return budget

    def hint(self, name: str, known: Collection[str]) -> str:
        """Say which of several names is nearest to one; nothing once much was tried to find such."""
        self.trials -= min(len(name) * sum(map(len, known)), MOST_COMPARED) // 10
        return hint(name, known) if self.trials > 0 else ""
