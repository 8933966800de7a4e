"""What the nodes of a trace are called in its gradient program."""

from __future__ import annotations

from collections.abc import Iterable
from keyword import iskeyword

from llm_linalg.language.allowlist import BUILTINS, MODULES
from llm_linalg.recording.record_node import RecordNode


class GradientNames:
    """Gives names that don't get in each other's way.

    Attributes:
        of: What each forward node is called.
        known: The forward nodes that the program mentions, by those names.
    """

    def __init__(self, nodes: Iterable[RecordNode]) -> None:
        self._taken = {*BUILTINS, *MODULES, "nn", "F", "print"}
        self.of: dict[RecordNode, str] = {}
        self.known: dict[str, RecordNode] = {}
        for node in nodes:
            self.give(node, node.name)

    def give(self, node: RecordNode, name: str) -> None:
        """Give a node its name, or one like it: neither that nor its cotangent's is another's."""
        name = _identifier(name)
        while self._taken & {name, f"d{name}"}:
            name = f"{name}_{node.index}"
        self.of[node] = name
        self._taken |= {name, f"d{name}"}

    def free(self, name: str) -> str:
        """Return a name that nothing else in the program has, and take it."""
        own, number = name, 1
        while own in self._taken:
            number += 1
            own = f"{name}_{number}"
        self._taken.add(own)
        return own

    def inner(self, node: RecordNode, name: str) -> str:
        """Return what something inside a node's step is called: ``N_center``, ``norm35_center``."""
        last = node.op.rpartition("_")[2]
        return f"{self.of[node] if node.bound_name else f'{last}{node.index}'}_{name}"

    def mention(self, node: RecordNode) -> str:
        """Return the text by which the program means a node: its name, or ``W.T``."""
        turned = transpose_of(node)
        if turned is not None:
            return f"{self.mention(turned[0])}.{turned[1]}"
        if node not in self.of:
            self.give(node, node.name)
        name = self.of[node]
        self.known[name] = node
        return name


def transpose_of(node: RecordNode) -> tuple[RecordNode, str] | None:
    """Return what an expression such as ``W.T`` or ``K.mT`` transposes, and the sign; None for another."""
    if node.call is None or node.bound_name or not node.operands:
        return None
    source, rank = node.operands[0].node, len(node.shape)
    if node.op == "transpose":
        turns = {int(node.call[dim]) % max(rank, 1) for dim in ("dim0", "dim1")} == {rank - 2, rank - 1}
    else:
        turns = node.op == "mT" or (node.op in ("T", "t") and rank == 2)
    return (source, "T" if rank == 2 else "mT") if turns else None


def _identifier(name: str) -> str:
    """Return a name as the language takes it: ``0.weight`` is ``p0_weight``."""
    name = name.replace(".", "_")
    while "__" in name:
        name = name.replace("__", "_")
    return name if name.isidentifier() and not iskeyword(name) else f"p{name}"
