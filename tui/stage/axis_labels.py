"""What the axes of a run's tensors are called, made fit for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_linalg.edge import Edges
from llm_linalg.text import clean

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from tui.stage.run import Run

WORD = 24  # characters of a label


def edges_of(opened: Run, node: Node) -> Edges:
    """What a node's axes are called, be it of the program, its backward pass, or a composite's parts."""
    declared = opened.view.lesson.declared
    if not declared or opened.trace is None:
        return ()
    if not opened.namings:
        from llm_linalg.naming import Naming

        lists = {name: [clean(word, WORD) for word in words] for name, words in opened.trace.lists.items()}
        opened.namings.append(Naming(declared, lists))
    return opened.namings[0].of(node)
