"""How much may be computed of a whole program at a key; of a larger one a run computes it, in its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace

AT_A_KEY_OPERATIONS = 500
AT_A_KEY_CELLS = 500_000
AT_A_KEY_MULTIPLICATIONS = 10**8


def exceeds_key(trace: Trace | None) -> bool:
    """Return whether a gradient program, or the lineage of a cell, would make a key wait."""
    return trace is not None and (
        len(trace.nodes) > AT_A_KEY_OPERATIONS
        or sum(node.value.numel() for node in trace.nodes) > AT_A_KEY_CELLS
        or (trace.map.multiplications or 0) > AT_A_KEY_MULTIPLICATIONS
    )
