"""The names of the axes of a run's tensors, cleaned for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from llm_linalg.analysis.axis_names import AxisNaming
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.axis_labels import AxisDeclarations

WORD = 24  # characters of a label


def axis_names(declared: AxisDeclarations, trace: Trace | None) -> AxisNaming | None:
    """Return the names of axes in a program, in its backward pass and in the parts of composites.

    None if the lesson declares no axes.
    """
    if not declared or trace is None:
        return None
    from llm_linalg.analysis.axis_names import AxisNaming

    lists = {name: [clean(word, WORD) for word in words] for name, words in trace.lists.items()}
    return AxisNaming(declared, lists)
