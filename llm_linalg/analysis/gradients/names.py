"""Name the nodes of a trace in its gradient program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from keyword import iskeyword

from llm_linalg.analysis.own_programs import TAKEN
from llm_linalg.base.text import elide_expression
from llm_linalg.recording.record_node import TITLE_LIMIT, RecordNode, has_operator

_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")


class GradientNames:
    """Unique names for the nodes and cotangents of a gradient program.

    Attributes:
        of: The name of each forward node.
        known: The forward nodes that the program mentions, by name.
        titles: What is meant by a name that was made here: `x @ W` by `matmul_3`, `P` by `P_19`.
        former: By the numbers that they had once, `dX_1`: what is called by where it comes from now, `dX_Q`.
    """

    def __init__(self, nodes: Iterable[RecordNode]) -> None:
        self._taken = set(TAKEN)
        self.of: dict[RecordNode, str] = {}
        self.known: dict[str, RecordNode] = {}
        self.titles: dict[str, str] = {}
        self.former: dict[str, str] = {}
        for node in nodes:
            if node not in self.of:
                self.give(node, node.name)

    def give(self, node: RecordNode, name: str) -> None:
        """Give a node a name such that neither it nor `d` + the name is taken."""
        name = _identifier(name)
        while self._taken & {name, f"d{name}"}:
            name = f"{name}_{node.index}"
        self.of[node] = name
        self._taken |= {name, f"d{name}"}
        if node.composite is not None:
            return
        if node.bound_name is None and node.source:
            self._entitle(name, node.title)
        elif name != node.name:  # as where a function is called twice
            self.titles |= {name: node.name, f"d{name}": f"d{node.name}"}

    def free(self, name: str) -> str:
        """Reserve and return an unused name, numbered if need be."""
        name, number = re.sub(r"\W", "_", name), 1
        own = name
        while own in self._taken:
            number += 1
            own = f"{name}_{number}"
        self._taken.add(own)
        return own

    def ways(self, name: str, users: Sequence[RecordNode]) -> list[str]:
        """Reserve and return names for the gradients that come to one tensor by each of its users.

        They are called by the users, `dX_Q` and `dX_K`; where these have no names of their own, or one has
        several, by numbers: `dX_1`.
        """
        ways = [self.of[user] for user in users if user.bound_name and user in self.of]
        if len({*ways}) < len(users) or any(f"{name}_{way}" in self._taken for way in ways):
            ways = [str(number) for number in range(1, len(users) + 1)]
        several = [self.free(f"{name}_{way}") for way in ways]
        self.former |= {f"{name}_{number}": own for number, own in enumerate(several, 1)}
        titles = [f"{self.titles.get(name, name)}_{way}" for way in ways]
        self.titles |= {own: title for own, title in zip(several, titles, strict=True) if own != title}
        return several

    def inner(self, node: RecordNode, name: str) -> str:
        """Return the name of something inside a node's step: `N_center`, `norm35_center`."""
        last = node.op.rpartition("_")[2]
        if node.bound_name:
            return f"{self.of[node]}_{name}"
        made = _identifier(f"{last}{node.index}_{name}")  # `atleast_1d` ends in no name
        if node.source:
            self._entitle(made, f"{name} of {node.title}")
        return made

    def _entitle(self, name: str, title: str) -> None:
        """Take note of what is meant by a name that was made, and by its gradient's."""
        title = elide_expression(title, TITLE_LIMIT)
        self.titles |= {name: title, f"d{name}": f"d({title})"}

    def in_words(self, text: str) -> str:
        """Return a text in which what is meant stands in the place of each name that was made."""

        def instead(match: re.Match[str]) -> str:
            title = self.titles.get(match[0], "")
            return f"({title})" if title and has_operator(title) else title or match[0]

        return _NAME.sub(instead, text)

    def mention(self, node: RecordNode) -> str:
        """Return the text that refers to a node in the program: its name, or `W.T`."""
        turned = transpose_of(node)
        if turned is not None:
            return f"{self.mention(turned[0])}.{turned[1]}"
        if node not in self.of:
            self.give(node, node.name)
        name = self.of[node]
        self.known[name] = node
        return name


def transpose_of(node: RecordNode) -> tuple[RecordNode, str] | None:
    """Return the operand of an unnamed `W.T` or `K.mT`, and `T` or `mT`; None for other nodes."""
    if node.call is None or node.bound_name or not node.operands:
        return None
    source, rank = node.operands[0].node, len(node.shape)
    if node.op == "transpose":
        turns = {int(node.call[dim]) % max(rank, 1) for dim in ("dim0", "dim1")} == {rank - 2, rank - 1}
    else:
        turns = node.op == "mT" or (node.op in ("T", "t") and rank == 2)
    return (source, "T" if rank == 2 else "mT") if turns else None


def _identifier(name: str) -> str:
    """Return a name as an identifier: `0.weight` becomes `p0_weight`."""
    name = re.sub(r"[\W_]+", "_", name)
    return name if name.isidentifier() and not iskeyword(name) else f"p{name}"
