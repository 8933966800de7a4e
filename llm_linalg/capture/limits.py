"""What a program may ask of torch: calls, elements, multiplications, and how large one call may be.

Counts are the same on every machine. The one call that is too large is refused before it is made, by its name
and its size, which follow from the shapes of what goes in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.ops.call_errors import unequal_values
from llm_linalg.ops.operation import CELL, Call, Price, price_of

SMALL = 2**14  # cells whose copy takes no noticeable time
MOST_AXES = 24  # of a tensor that goes into a call


class Interruption(BaseException):
    """Ends a program with an error that is not the program's, and that it can't catch as one of its own.

    Attributes:
        error: The error: a limit that it exceeds, or that it was stopped.
    """

    def __init__(self, error: ProgramError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a program may do.

    Attributes:
        calls: Calls of torch.
        tensors: Tensors that all calls together may make.
        elements: Elements that all of those may have.
        multiplications: Multiplications of all calls, or what takes as long.
        call_elements: Elements that one call may make.
        call_multiplications: Multiplications of one call: about a second.
        printed: Characters that it may print.
        loop_nodes: Nodes of one loop, beyond which turns in its middle are run without being recorded.
    """

    calls: int = 1_000_000
    tensors: int = 100_000
    elements: int = 2**27
    multiplications: int = 2**36
    call_elements: int = 2**25
    call_multiplications: int = 2**33
    printed: int = 1_000_000
    loop_nodes: int = 20_000


class Counts:
    """What a program has done of what it may: a `Guard` of the recorder.

    `halt` is asked before each torch call whether the run is to stop.
    """

    def __init__(self, limits: Limits, halt: Callable[[], bool] | None = None) -> None:
        self.limits = limits
        self._halt = halt
        self.calls = self.tensors = self.elements = self.multiplications = 0

    def charge(self, call: Call) -> Price | None:
        """Charge a call before it is made, and return its price; None if that is unknown.

        Raises:
            Interruption: If it needs more than one call may, or than is left.
            ShapeMismatch: If torch would read foreign memory.
        """
        if (why := unequal_values(call)) is not None:
            raise why
        if any(tensor.dim() > MOST_AXES for tensor in call.tensors):
            raise _exceeded(f"a tensor has more than {MOST_AXES} axes: use fewer")
        price = price_of(call)
        if price is None:
            self.charge_query()
            return None
        name, limits = call.operation.name, self.limits
        if price.cells > limits.call_elements:
            made = f"{price.cells:,} cells; {limits.call_elements:,} are allowed"
            raise _exceeded(f"{name} would make {made}: use smaller sizes")
        if price.multiplications > limits.call_multiplications:
            needed = f"{price.multiplications:,} multiplications, or what takes as long"
            allowed = f"{limits.call_multiplications:,} are allowed"
            raise _exceeded(f"{name} would need {needed}; {allowed}: use smaller sizes")
        written = call.write_target if call.tensors and call.may_write else None
        self.charge_again(name, price, written)
        return price

    def charge_again(self, name: str, price: Price, written: Tensor | None = None) -> None:
        """Charge a repetition of a call by its known price; raises what `charge` does."""
        del name
        self.charge_query()
        self._spend(price.outputs, price.cells, price.multiplications)
        if written is not None and written.numel() > SMALL:
            self._spend(0, written.numel(), CELL * written.numel())

    def charge_query(self) -> None:
        """Charge a call of which no more is known than that it is made.

        Raises:
            Interruption: If there are too many, or the run is to stop.
        """
        self.calls += 1
        if self.calls > self.limits.calls:
            raise _exceeded(f"the program calls torch more than {self.limits.calls:,} times: let it do less")
        if self._halt is not None and self._halt():
            raise Interruption(HaltedError("stopped: what stands below was not run"))

    def _spend(self, tensors: int, elements: int, multiplications: int) -> None:
        limits = self.limits
        self.tensors += tensors
        self.elements += elements
        self.multiplications += multiplications
        if self.tensors > limits.tensors:
            what = f"makes more than {limits.tensors:,} tensors"
        elif self.elements > limits.elements:
            what = f"makes tensors of more than {limits.elements:,} cells in all"
        elif self.multiplications > limits.multiplications:
            what = f"needs more than {limits.multiplications:,} multiplications in all, or what takes as long"
        else:
            return
        raise _exceeded(f"the program {what}: let it do less")


def _exceeded(message: str) -> Interruption:
    return Interruption(LimitError(message))
