"""What a program may use up: steps, tensors, elements, multiplications, and time.

Counts decide, the same on every machine; the clock is a backstop. Everything is charged before it is done, so
that a program is stopped before it takes the machine's memory, and at a line that can be shown.
"""

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
from llm_linalg.language.printing import TextSize
from llm_linalg.language.sets import OrderedSet
from llm_linalg.ops import subnormals
from llm_linalg.ops.operation import Call
from llm_linalg.ops.price import ELEMENT, SMALL, Price, price_of
from llm_linalg.recording.write_log import storage_numel

SECONDS = 2.0
LOOK_EVERY = 100  # steps between two looks at the clock, and at whether somebody stops the run
TRIALS = 30_000  # steps that may be spent on finding what would have worked
ALIKE = 0.7  # how alike a name and another are, from 0 to 1, if one may be the other's misspelling
MAX_SHARES = 16  # the least that a cell gets after cells that used it up is a 16th of the budget

# What takes longer than a step, in steps: one is about a microsecond.
CALL_STEPS, FUNCTION_CALL_STEPS, DICT_STEPS = 2, 9, 6
QUERY_STEPS, GRAD_MODE_STEPS = 6, 7
LAYER_CALL_STEPS, LAYER_VISIT_STEPS, NEW_LAYER_STEPS, LAYER_NAME_STEPS = 58, 7, 270, 5
LAYER_LOAD_STEPS, MISSING_STEPS = 60, 20
NEW_INSTANCE_STEPS, CLASS_STEPS, NATIVE_CALL_STEPS = 8, 300, 6
BACKWARD_STEPS, BACKWARD_IN_GAP_STEPS = 300, 120
RECORDING_STEPS = 30  # of those of a call
ALIAS_UPDATE_STEPS, WRITER_QUERY_STEPS, WRITE_STEPS = 285, 9, 38
TENSOR_TEXT_STEPS, CELL_TEXT_STEPS, LIST_TEXT_STEPS, ITEM_TEXT_STEPS = 460, 9, 7, 2
NOTEBOOK_CELL_STEPS, FAILURE_STEPS, SHAPE_ERROR_STEPS = 100, 400, 1_500
ITEMS_PER_STEP = 8  # of lists and text that something goes through
NAMES_PER_STEP = 4
CHARACTERS_PER_STEP = 1_000  # of text that is copied or hashed
_SORTED = 8  # an item that is sorted, or put into a set or a tuple, takes as long as this many others
_LISTS = frozenset([list, tuple, str, range])
_NEW_NUMBER = 4  # likewise a number of a range, or a part of a text
_NEW_CHARACTERS = 50


@dataclass(slots=True)
class Budget:
    """What a program may still use up.

    Attributes:
        steps: Expressions and statements, repetitions included; what takes longer, such as any torch call,
            counts as several.
        tensors: Tensors that all calls together may make.
        elements: Elements that all of those may have.
        multiplications: Multiplications of all calls, or what takes as long.
        call_tensors: Tensors that one call may make.
        call_elements: Elements that one call may make.
        call_multiplications: Multiplications of one call or backward pass, which nothing can interrupt: about
            a second.
        pass_steps: Steps of one backward pass, likewise.
        loop_nodes: Nodes of one loop, beyond which turns in its middle are run without being recorded.
        seconds: Time for the run; None if counts alone decide.
        halt: Asked before each torch call and every hundred steps; once it returns True, the run ends.
        trials: Steps for trying repairs of a call that failed.
        next_look: Once fewer steps than this are left, `look` is due.
    """

    steps: int = 6_000_000
    tensors: int = 100_000
    elements: int = 2**27
    multiplications: int = 2**36
    call_tensors: int = 1_000
    call_elements: int = 2**25
    call_multiplications: int = 2**33
    pass_steps: int = 1_500_000
    loop_nodes: int = 20_000
    seconds: float | None = SECONDS
    halt: Callable[[], bool] | None = None
    trials: int = field(default=TRIALS, init=False)
    next_look: int = field(default=2**63, init=False)
    _allowed: tuple[int, int, int, int] = field(init=False)
    _shares: int = field(default=1, init=False)
    _deadline: float | None = field(default=None, init=False)
    _uninspected: int = field(default=0, init=False)  # products since numbers were last looked at

    def __post_init__(self) -> None:
        self._allowed = self.left

    @property
    def left(self) -> tuple[int, int, int, int]:
        """The steps, tensors, elements and multiplications that are left."""
        return self.steps, self.tensors, self.elements, self.multiplications

    @property
    def steps_used(self) -> int:
        """The steps that were taken."""
        return self._allowed[0] - self.steps

    def start(self) -> None:
        """Start the clock, unless it is running: the devices of a group share one."""
        if self.seconds is not None and self._deadline is None:
            self._deadline = monotonic() + self.seconds

    def grant_share(self) -> None:
        """Leave the cells below one that used up its budget at least half of what it had."""
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
        """Charge steps.

        Raises:
            LimitError: If there are not so many left, or the time is over.
            HaltedError: If the run is halted.
        """
        self.steps -= count
        if self.steps < self.next_look:
            self.look()

    def look(self) -> None:
        """Check steps, clock and `halt`, and raise what `step` does; rarely done, as the clock costs more."""
        self.next_look = self.steps - LOOK_EVERY if self.steps > LOOK_EVERY else 0
        self._check_stop()
        if self.steps < 0:
            raise self._exceeded(0, "takes more than {} steps")

    def _check_stop(self) -> None:
        if self.halt is not None and self.halt():
            raise HaltedError("stopped: what stands below was not run")
        if self._deadline is not None and monotonic() > self._deadline:
            raise LimitError(self.timeout_message())

    def timeout_message(self, line: int | None = None) -> str:
        """Return the message for a run whose time is over, with the line that it had reached."""
        place = f" at line {line}" if line else ""
        return f"stopped after {self.seconds or 0:g} s{place}: let it do less, or give it a longer time limit"

    def _exceeded(self, kind: int, what: str) -> LimitError:
        return LimitError(f"the program {what.format(f'{self._allowed[kind]:,}')}: let it do less")

    # Torch calls

    def charge(self, call: Call) -> Price | None:
        """Charge a torch call before it is made, and return its price, or None if that is unknown.

        Raises:
            ShapeMismatch: If torch would accept the call, though its shapes don't fit.
            LimitError: If it needs more than one call may, or than is left.
            HaltedError: If the run is halted.
        """
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
        self._charge_price(price, call.write_target if call.tensors and call.may_write else None)
        self._uninspected += price.products
        if self._uninspected > subnormals.FEW_PRODUCTS:
            products, self._uninspected = self._uninspected, 0
            self._charge_slow_products(name, subnormals.slow_products(call, products))
        return price

    def charge_again(
        self, name: str, price: Price, tensors: Sequence[Tensor], written: Tensor | None = None
    ) -> None:
        """Charge a call whose price is known from one like it; raises what `charge` does.

        Args:
            name: The name of its operation.
            price: The price of a call.
            tensors: Its operands.
            written: The tensor that the call writes into.
        """
        self._charge_price(price, written)
        self._uninspected += price.products
        if self._uninspected > subnormals.FEW_PRODUCTS:
            products, self._uninspected = self._uninspected, 0
            self._charge_slow_products(name, subnormals.slow_products_of(name, tensors, products))

    def refund(self, price: Price) -> None:
        """Give back what it costs to record a call, which was charged: nobody keeps its tensors."""
        self.tensors += price.outputs
        self.steps += min(RECORDING_STEPS, 3 * price.steps // 4)

    def _charge_slow_products(self, name: str, products: int) -> None:
        most = self.call_multiplications // subnormals.SLOWNESS
        if products > most:
            raise LimitError(
                f"{name} would need {products:,} products of tiny numbers, which take long: {most:,} "
                "are allowed"
            )
        self._spend(0, 0, subnormals.SLOWNESS * products)

    def _charge_price(self, price: Price, written: Tensor | None) -> None:
        # `_spend` and `step`, written out: this runs at each torch call.
        tensors, elements = self.tensors - price.outputs, self.elements - price.elements
        multiplications = self.multiplications - price.multiplications
        if tensors < 0 or elements < 0 or multiplications < 0:
            self._spend(price.outputs, price.elements, price.multiplications)
        self.tensors, self.elements, self.multiplications = tensors, elements, multiplications
        steps = self.steps = self.steps - price.steps
        if steps < self.next_look:
            self.look()
        elif self.halt is not None or self._deadline is not None:
            self._check_stop()
        if written is not None:
            self.charge_write(written.numel(), storage_numel(written))

    def charge_query(self) -> None:
        """Charge a question to a tensor, such as its size or its only number, which gives no tensor."""
        self.step(QUERY_STEPS)

    def charge_backward(self, prices: Iterable[Price], leaves: int, *, recorded: bool = True) -> None:
        """Charge a backward pass.

        Args:
            prices: The prices of the calls that it goes through.
            leaves: The elements of all leaves.
            recorded: Whether it is recorded.
        """
        steps, reads, multiplications = BACKWARD_STEPS if recorded else BACKWARD_IN_GAP_STEPS, 0, 0
        for price in prices:
            steps += price.backward_steps
            reads += price.reads
            multiplications += price.multiplications
        multiplications = 2 * multiplications + 2 * ELEMENT * (reads + leaves)
        for needed, most, what in (
            (multiplications, self.call_multiplications, "multiplications, or what takes as long"),
            (steps, self.pass_steps, "steps"),
        ):
            if needed > most:
                raise LimitError(f"backward would need {needed:,} {what}; {most:,} are allowed")
        self.step(steps)
        if reads > self.elements:
            raise self._exceeded(2, "makes tensors of more than {} cells in all")
        self._spend(0, 0, multiplications)

    def charge_gradient(self, name: str, price: Price, tensors: Sequence[Tensor]) -> None:
        """Charge the part of a backward pass that goes through a call: products of these tensors."""
        self._check_stop()
        slow = 2 * subnormals.slow_products_of(name, tensors, price.products)
        self._charge_slow_products(f"backward of {name}", slow)

    def charge_elements(self, count: int) -> None:
        """Charge elements that are about to be filled or copied."""
        self._spend(0, count, ELEMENT * count)

    def charge_copy(self, count: int) -> None:
        """Charge the copy of a tensor of so many elements."""
        self._spend(1, count, ELEMENT * count)
        self.step(WRITE_STEPS)

    def charge_layer(self, name: str, elements: int) -> None:
        """Charge a new layer whose weights have so many elements."""
        self.step(NEW_LAYER_STEPS)
        self._check_elements(name, elements)
        self._spend(0, elements, 4 * ELEMENT * elements)

    def charge_write(self, elements: int, memory: int) -> None:
        """Charge a write in place: the record keeps what was in the memory before.

        Args:
            elements: The size of the tensor that is written.
            memory: The size of the storage it lies in.
        """
        self.step(WRITE_STEPS)
        if memory > SMALL:
            self.charge_elements(memory if memory == elements else 4 * memory)

    def charge_alias_update(self, memory: int, writers: int) -> None:
        """Charge a new node for a tensor whose memory, of so many elements, other tensors have written."""
        self.step(ALIAS_UPDATE_STEPS + 2 * writers)
        self._spend(0, 0, 3 * ELEMENT * memory)

    def charge_inspection(self, elements: int) -> None:
        """Charge finding out which calls wrote so many elements last."""
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
        if not fewer:
            return f"{name} would take as long as {price.multiplications:,} products; {most:,} are allowed"
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
        """Charge plain values and layers before something goes through all their items."""
        nested = False
        for value in values:
            if value.__class__ in arithmetic.ITEMLESS_TYPES:
                continue
            if isinstance(value, arithmetic.TYPES_WITH_ITEMS):
                nested = True
                if value.__class__ not in _LISTS:  # looked through by a longer way
                    self.step(DICT_STEPS)
            elif isinstance(value, nn.Module):
                self.step(2 * module_count.count_layers(value))
        if nested:
            items, levels, surcharge = arithmetic.nesting(*values)
            self.step(2 + 4 * levels + (items + surcharge) // ITEMS_PER_STEP)

    def charge_call(self, function: Any, arguments: Sequence[Any], named: Collection[Any]) -> None:
        """Charge a call of a Python function: it goes through its arguments."""
        self.charge_items(*arguments, *named)
        for value in arguments:
            if value.__class__ in (range, str):  # its numbers, or characters, are made now
                self.charge_new_items(len(value))
        if function is OrderedSet and arguments and isinstance(arguments[0], arithmetic.TYPES_WITH_ITEMS):
            self.step(_SORTED * len(arguments[0]) // ITEMS_PER_STEP)

    def charge_sort(self, items: Sequence[Any]) -> None:
        """Charge sorting items."""
        self.charge_items(items)
        self.step(_SORTED * len(items) // ITEMS_PER_STEP)

    def charge_list(self, items: int) -> None:
        """Charge so many items of a list that something makes or goes through."""
        self.step(items // ITEMS_PER_STEP)

    def charge_text(self, size: TextSize) -> None:
        """Charge text before it is made."""
        self.step(
            ITEM_TEXT_STEPS
            + TENSOR_TEXT_STEPS * size.tensors
            + CELL_TEXT_STEPS * size.cells
            + LIST_TEXT_STEPS * size.lists
            + ITEM_TEXT_STEPS * size.items
        )
        self.charge_new_text(size.characters)

    def charge_new_text(self, characters: int) -> None:
        """Charge a text for the memory that it takes: to copy one is far quicker than all else."""
        self.step(characters // _NEW_CHARACTERS)

    def charge_new_items(self, items: int) -> None:
        """Charge items of a list that are made with it, such as the words of a text."""
        self.step(_NEW_NUMBER * items // ITEMS_PER_STEP)

    # Trials

    def trial(self, characters: int, **bounds: Any) -> Budget:
        """Return a small budget for trying a repair, whose text has so many characters."""
        self.trials -= 2 * characters
        bounds = {"steps": TRIALS, **bounds}
        budget = Budget(**{**bounds, "steps": max(min(bounds["steps"], self.trials), 0)}, halt=self.halt)
        budget.seconds, budget._deadline = self.seconds, self._deadline
        return budget

    def hint(self, name: str, known: Collection[str]) -> str:
        """Return a hint at the known name nearest to one, or nothing once many hints have been worked out."""
        self.trials -= min(len(name) * sum(map(len, known)), MOST_COMPARED) // 10
        return hint(name, known, ALIKE) if self.trials > 0 else ""
