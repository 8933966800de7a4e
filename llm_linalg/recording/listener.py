"""Who is told what a recorder records, while it records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from llm_linalg.recording.cell_state import CellState
    from llm_linalg.recording.gap import Gap
    from llm_linalg.recording.record_node import RecordNode


class Listener(Protocol):
    """Is told each thing once it is known, so that what was told is whole at each moment.

    It is called untraced. It must not change what it is told of, and it keeps no tensor.
    """

    def node(self, node: RecordNode, tensor: Tensor, wrote: bool) -> None:
        """Take a node that was added for a tensor; `wrote`: its call wrote into the tensor's storage.

        What is noted on a node later, such as that it is inner, is there when the next one comes.
        """

    def bound(self, name: str, node: RecordNode) -> None:
        """Take what a name means from now on; the same may be told again."""

    def line_result(self, line: int, node: RecordNode) -> None:
        """Take the last node that a line has made so far."""

    def printed(self, line: int, text: str) -> None:
        """Take a text that a line printed."""

    def gap(self, gap: Gap) -> None:
        """Take turns of a loop that were not recorded, once they are over."""

    def cell(self, state: CellState) -> None:
        """Take the state of a cell of a notebook; a later one of the same cell counts."""

    def listed(self, name: str, words: Sequence[str]) -> None:
        """Take a list of words that a name is bound to."""
