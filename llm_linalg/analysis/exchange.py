"""On which devices the parts of an exchange were made, and how they are joined."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_linalg.recording.record_node import RecordNode

_ELSEWHERE = re.compile(r" on device (\d+)")  # at the end of a part's words, which `capture.devices` gives it


def devices_of(node: RecordNode) -> tuple[int | None, ...]:
    """Return the device that each operand came from, None for the node's own; () without one from another."""
    matches = [_ELSEWHERE.search(operand.node.words) for operand in node.operands]
    return tuple(None if one is None else int(one[1]) for one in matches) if any(matches) else ()


def join_of(node: RecordNode) -> str:
    """Return how an operation joins its operands, as a line between them says it; empty for another one."""
    call = node.call
    if call is None:
        return ""
    if node.op == "add":
        return "+" if call["alpha"] == 1 else ""
    if node.op not in ("cat", "stack"):
        return ""
    last = len(node.shape) - 1
    return "side by side" if call["dim"] in (-1, last) else "one on the other"
