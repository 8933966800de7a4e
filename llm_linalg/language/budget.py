"""What a program may ask for, known before it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Clash, Shape
from llm_linalg.errors import HaltedError, LimitError
from llm_linalg.language import plain
from llm_linalg.ops.call import Call
from llm_linalg.ops.refusals import danger
from llm_linalg.ops.unlisted import Unlisted

MAX_AXES = 24
MAX_STEPS = 100_000
MAX_WEIGHT = 1_000_000
ITEMS_A_CELL = 5  # making a number into text takes as long as going through so many items
HEED = 100  # steps between two looks at whether the run is to end


def never() -> bool:
    """No."""
    return False


@dataclass(slots=True)
class Budget:
    """Bounds on a program, held step by step and call by call; what is left of them where they are for all.

    Attributes:
        cells: The most cells of one tensor, also of one that torch makes on the way.
        multiplications: The most multiplications (or like work) of one call.
        total: The most cells of all tensors together.
        work: The most multiplications of all calls together.
        outputs: The most tensors that one call gives.
        tensors: The most tensors that all calls give together.
        steps: The most expressions and statements that are evaluated, repetitions included.
        items: The most items of plain values that something goes through.
        halt: Whether somebody wants the run to end; asked before each call, and every so many steps.
    """

    cells: int = 2**25
    multiplications: int = 2**37
    total: int = 2**27
    work: int = 2**38
    outputs: int = 1_000
    tensors: int = 5_000
    steps: int = MAX_STEPS
    items: int = MAX_WEIGHT
    halt: Callable[[], bool] = never

    def step(self, count: int = 1) -> None:
        """Count an expression, a statement or so many layers before they are evaluated.

        Raises:
            LimitError: If there are too many.
            HaltedError: If the run is to end.
        """
        before = self.steps // HEED
        self.steps -= count
        if self.steps // HEED != before:
            self.heed()
        if self.steps < 0:
            raise LimitError(f"the program takes more than {MAX_STEPS:,} steps")

    def weigh(self, *values: Any) -> None:
        """Count the items of plain values before something goes through all of them.

        Raises:
            LimitError: If there are too many.
        """
        self.items -= plain.weight(*values)
        if self.items < 0:
            raise LimitError(f"the program goes through more than {MAX_WEIGHT:,} items")

    def show(self, cells: int) -> None:
        """Count the cells of tensors that are about to be made into text.

        Raises:
            LimitError: If there are too many.
        """
        self.items -= ITEMS_A_CELL * cells
        if self.items < 0:
            raise LimitError("the program makes text of too many cells in all")

    def heed(self) -> None:
        """Go on, unless the run is to end.

        Raises:
            HaltedError: If it is.
        """
        if self.halt():
            raise HaltedError("stopped: what stands below was not run")

    def check(self, call: Call) -> None:
        """Hold a call against the budget before it is computed.

        Raises:
            Clash: If torch would make it, and must not.
            LimitError: If it asks for more.
            HaltedError: If the run is to end.
        """
        self.heed()
        why = danger(call)
        if why is not None:
            raise why
        name = call.operation.name
        try:
            outputs, shape = call.operation.outputs(call), _shape(call)
            cells, work = call.operation.peak(call, shape), call.operation.cost(call, shape)
        except Clash:
            return  # torch refuses it too, before it makes anything: the tests hold each rule against it
        except (TypeError, ValueError, IndexError, OverflowError, KeyError, ZeroDivisionError):
            shape = on_meta(call)
            if shape is None:
                return  # torch refuses it, and says why
            outputs, cells, work = 1, prod(shape), prod(shape)
        if outputs > self.outputs:
            raise LimitError(f"{name} would give {outputs:,} tensors; {self.outputs:,} are allowed")
        if max([len(shape or ()), *map(len, call.shapes)]) > MAX_AXES:
            raise LimitError(f"a tensor with more than {MAX_AXES} axes")
        if cells > self.cells:
            raise LimitError(f"{name} would make {cells:,} cells; {self.cells:,} are allowed")
        if work > self.multiplications:
            raise LimitError(
                f"{name} would need {work:,} multiplications; {self.multiplications:,} are allowed"
            )
        self.total -= cells
        self.work -= work
        self.tensors -= outputs
        if min(self.total, self.work, self.tensors) < 0:
            raise LimitError("the program as a whole asks for more than the budget allows")


def _shape(call: Call) -> Shape | None:
    """Return the output's shape by rule, or from the same call on tensors without memory."""
    operation = call.operation
    if isinstance(operation, Unlisted) and not operation.bounded:
        return on_meta(call)
    return operation.infer(call)


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
