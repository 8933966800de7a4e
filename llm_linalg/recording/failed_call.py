"""A call that failed, and what its operands are called: all that an explanation of it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_linalg.ops.operation import Call
from llm_linalg.recording.record_node import RecordNode


@dataclass(frozen=True, slots=True)
class FailedOperand:
    """A tensor that went into a call that failed.

    Attributes:
        node: The node that made it; None for one without, such as a weight that was not read before.
        names: The program's names that are bound to it.
        label: What the recorder calls it where no name does, such as a module's parameter.
    """

    node: RecordNode | None = None
    names: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call of torch's that failed."""

    call: Call = field(repr=False)  # the call; its tensors hold what they held then
    message: str  # what torch says
    operands: tuple[FailedOperand, ...]  # what is known of each of the call's tensors, in their order
