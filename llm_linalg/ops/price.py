"""Price a call before it runs, from its shapes and plain arguments alone.

The unit is a multiplication in a matrix product; one thread does about 6·10⁹ of these in a second. A cell
that is made costs `ELEMENT` of them. What a function of several steps makes on the way is not counted: the
process that runs a program has a bound of its own for memory, and a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.ops.operation import Call, Work, output_cells

ELEMENT = 48  # multiplications that take as long as one element of a sum
SMALL = 2**14  # elements whose copy takes no noticeable time


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a call.

    Attributes:
        outputs: The number of tensors that it returns.
        elements: The number of elements that it allocates at once.
        multiplications: The number of multiplications, or equivalent work.
    """

    outputs: int = 0
    elements: int = 0
    multiplications: int = 0


def price_of(call: Call) -> Price | None:
    """Return the price of a call; None if its operands don't fit, which torch will say."""
    operation, outputs = call.operation, 1
    try:
        work = operation.work(call, operation.infer(call))
        outputs = operation.output_count(call)
    except ShapeMismatch:
        return None
    except (TypeError, ValueError, IndexError, OverflowError, KeyError, ZeroDivisionError):
        work = Work(output_cells(call, None))  # an argument that the rule doesn't know
    return Price(outputs, work.cells, work.products + ELEMENT * work.cells)
