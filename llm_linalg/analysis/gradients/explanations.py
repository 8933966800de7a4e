"""Explain the lines of a gradient program, in a sentence or two each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_linalg.base.axes import axes_text
from llm_linalg.recording.record_node import RecordNode

_KINDS = {
    "movement": "Its cells are the same numbers under another index: each gradient goes back to where its "
    "cell came from, and what came from one cell is added up.",
    "mask": "Where the mask fixed a cell, nothing of {target} went through: there its gradient is 0.",
    "pointwise": "Each cell moved with the same cell of {target}: the gradient times that slope.",
    "reduction": "Each cell of {target} went into the result: the gradient goes back to each in proportion.",
    "rowwise": "A cell of {target} moved every cell that is made from it: its gradient collects from all.",
    "measured": "This step has no rule here: autograd has been asked.",
}
OWN = "Its function has a backward pass of its own, which has been called."
ASKED = "The trace does not hold its function: the program has run once more, to ask its backward pass."
NO_RULE = "It has no rule here: autograd has been asked."
NOT_FINITE = "What comes back is not finite, and a rule would multiply it by 0: autograd has been asked."
HOOK = "A hook of the program has been called with this gradient: what it returns takes its place."
UNSEEN = "Autograd has not seen this write: the gradient of what was there before is the same."
_TURNED = frozenset({"T", "mT", "t"})


@dataclass(frozen=True, slots=True)
class Reason:
    """The explanation of one line.

    Attributes:
        words: The text.
        user: The forward node whose VJP the line computes.
        target: The node that the line computes a gradient of.
    """

    words: str
    user: RecordNode
    target: RecordNode

    def of(self, node: RecordNode) -> str:
        """Return the words for one node of the line; a transposition on the way has its own."""
        if node.bound_name is None and node.op in _TURNED and self.user.kind == "contraction":
            own, name = node.operands[0].title, self.target.title
            return (
                f"{own} is transposed on the way to d{name}: {name} was used along an axis that it lacks, "
                "so its gradient sums over that axis, and the transpose puts the axis inside the product."
            )
        return self.words


def seed_reason(loss: RecordNode) -> str:
    """Explain why the backward pass begins with ones."""
    many = "" if not loss.shape else " Every cell counts the same, as if the loss were their sum."
    return f"The way back begins here: the derivative of {loss.title} by itself is 1.{many}"


def operand_reason(
    user: RecordNode, place: int, target: RecordNode, cotangent: str, axes: Sequence[int]
) -> str:
    """Explain the gradient that a node passes to one operand.

    Args:
        user: The forward node.
        place: The operand's position.
        target: The operand's own node.
        cotangent: The name of the user's gradient.
        axes: The axes along which the operand was broadcast, over which its gradient is summed.
    """
    own = user.call.operation.vjp_explanation_for(user.call) if user.call else ""
    if user.kind == "contraction":
        words = _contracted(user, place, target, cotangent)
    else:
        words = own or _KINDS.get(user.kind, "")
    words = words.replace("{target}", target.title).replace("{d}", cotangent)
    if axes:
        words += (
            f" {target.title} was repeated along {axes_text(axes)} (broadcast): "
            "its copies' gradients are summed."
        )
    return f"Back through {user.title} ({user.op}). {words}"


def _contracted(user: RecordNode, place: int, target: RecordNode, cotangent: str) -> str:
    if place == user.bias_position:
        return f"{target.title} was added, and a sum hands its gradient on as it is."
    axes = user.axes
    others = [
        item.title for other, item in enumerate(user.operands) if other not in (place, user.bias_position)
    ]
    if axes is None:
        return ""
    own = axes.operands[place]
    gone = [label for label in dict.fromkeys((*axes.output, *axes.reduction_labels)) if label not in own]
    sizes = " × ".join(str(axes.sizes[label]) for label in gone)
    over = f", summed over the axis that {target.title} lacks ({sizes})" if gone else ""
    met = " and ".join(others)
    return f"{target.title} was multiplied with {met}: its gradient is {cotangent} times that{over}."


def sum_reason(node: RecordNode, ways: Sequence[tuple[str, RecordNode, bool]]) -> str:
    """Explain why the gradients of several uses are added.

    Args:
        node: The node that was used more than once.
        ways: For each use the name of its gradient, the using node, and whether it passed it on unchanged.
    """
    parts = []
    for name, user, same in ways:
        as_it_is = " (unchanged, the identity path)" if same and user.op == "add" else ""
        parts.append(f"{name} by {user.title}{as_it_is}")
    *others, last = parts
    added = f"{', '.join(others)} and {last}" if others else last
    return f"{node.title} went {len(ways)} ways, so as many gradients are added: {added}."
