"""A call that failed, and what its operands are called: all that an explanation of it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_linalg.base.short_repr import short_repr
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
    """A call of torch's that failed.

    Attributes:
        call: The call; its tensors hold what they held then.
        message: What torch says.
        operands: What is known of each of the call's tensors, in their order.
    """

    call: Call = field(repr=False)
    message: str
    operands: tuple[FailedOperand, ...]


_NAMING = ("attribute '", "module name ", "parameter name ", "buffer name ")
"""What torch says, as of a missing key, of the name of a part that can't be one."""


def message_of(error: BaseException) -> str:
    """Return what an exception says, without its class; the class if it says nothing."""
    if isinstance(error, OverflowError) and len(error.args) > 1:  # errno and C's message
        return "the result is too large for a float"
    if isinstance(error, KeyError) and error.args:
        key = error.args[0]
        return str(key) if str(key).startswith(_NAMING) else f"there is no item {short_repr(key)}"
    return str(error) if str(error).strip() else type(error).__name__
