"""The forward and the backward pass of a run, and the way from a place of one to that of the other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from tui.compose.key_budget import exceeds_key
from tui.compose.nodes import path_of
from tui.compose.stop_nodes import navigation_at
from tui.navigation.map_moves import current_box

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from tui.model.view import View

MOST_BACKWARD = 30_000  # operations beyond which there is none


class Passes:
    """A program's trace and its gradient program, which is computed when it is first shown.

    Attributes:
        forward: The program's trace; None if it failed.
        refusal: Why there is no gradient program of what has a gradient, once that was tried; else empty.
    """

    def __init__(self, forward: Trace | None) -> None:
        self.forward = forward
        self.refusal = ""
        self._has_gradients = False

    def of(self, view: View) -> Trace | None:
        """Return the trace that a view shows: the program's as long as the gradient program is awaited."""
        return self.gradients if view.backward and not self.awaits(view) else self.forward

    @cached_property
    def gradients(self) -> Trace | None:
        """The gradient program; None if there is none."""
        self._has_gradients = True
        if not self.has_backward:
            return None
        result = _gradients(self.forward)
        self.refusal = result if isinstance(result, str) else ""
        return None if isinstance(result, str) else result

    @cached_property
    def has_backward(self) -> bool:
        """Whether there is a gradient program to show."""
        return self.forward is not None and self.forward.has_loss

    def awaits(self, view: View) -> bool:
        """Return whether a view shows a gradient program that is not yet computed and takes a while."""
        return view.backward and not self._has_gradients and self._exceeds_key

    @cached_property
    def _exceeds_key(self) -> bool:
        return exceeds_key(self.forward)

    def switch(self, view: View) -> View | str:
        """Return the view at the other pass; or why there is none."""
        why = "" if view.backward or self.forward is None else _backward_refusal(self.forward)
        other = self.other(view)
        return why or (self.refusal if other is view else other)

    def other(self, view: View) -> View:
        """Return the view at its node's step in the gradient program, or back; the same view without one.

        A gradient that the program itself computes (`dW = dY.T @ X`) belongs to the node of its name.
        """
        other = replace(
            view, backward=not view.backward, path=(), order=None, step=0, at=None, return_path=()
        )
        whole = other if view.depth == "map" else replace(other, depth="cells")
        if self.awaits(other) and self.has_backward:
            return whole
        chain = navigation_at(view, self.of(view)).chain
        trace = self.forward if view.backward else self.gradients
        if trace is None:
            return view
        if view.depth == "map":
            return replace(whole, box=self._box_in(trace, view))
        if view.backward:
            wanted = chain[0].forward_node if chain else None
            inside = _around(wanted)
        else:
            wanted, inside = _step_of(trace.nodes, chain), ()
            if wanted is None:
                return view
        path = None if wanted is None else path_of(trace.nodes, wanted, inside)
        return replace(whole, path=path or ())

    def _box_in(self, trace: Trace, view: View) -> tuple[str, ...]:
        """Return the box of the other pass's map that has the same name, as functions have, or step."""
        here = navigation_at(view, self.of(view))
        box = current_box(view, here)
        with suppress(LookupError):
            if not trace.map.level(box[:-1]).box(box[-1]).foreign:
                return box
        node = here.box(box).node
        twin = node.forward_node if view.backward else _step_of(trace.nodes, (node,))
        place = None if twin is None else trace.map.locate((*_around(twin), twin)[0])
        return view.box if place is None else place


def _backward_refusal(trace: Trace) -> str:
    """Return why there is no backward pass through a long trace; empty if there is."""
    if trace.dropped:
        return "Some values of this run were dropped, so there is no way back: --keep keeps more of them."
    if len(trace.nodes) > MOST_BACKWARD:
        return f"This run has more than {MOST_BACKWARD:,} operations: too many for a backward pass."
    return ""


def _gradients(trace: Trace | None) -> Trace | str:
    """Return the gradient program of a trace that has a loss; or why there is none."""
    from llm_linalg.base.errors import ProgramError

    loss = None if trace is None else trace.loss
    if trace is None or loss is None:
        return ""
    try:
        return trace.backward(loss)
    except (LookupError, ProgramError) as error:
        return f"No way back: {error.message if isinstance(error, ProgramError) else error.args[0]}."


def _around(part: Node | None) -> tuple[Node, ...]:
    """Return the composites that a part is in, the outermost first."""
    chain: tuple[Node, ...] = ()
    while part is not None and part.composite is not None:
        part = part.composite
        chain = (part, *chain)
    return chain


def _step_of(steps: Sequence[Node], chain: Sequence[Node]) -> Node | None:
    """Return the gradient program's step of the innermost of some nodes that has one.

    A composite's steps are those of its parts; a node that is a gradient itself has the step of its name.
    """
    named = [step for step in steps if step.forward_node is not None and step.bound_name]
    for node in reversed(chain):
        own = [step for step in named if step.forward_node is node or node in _around(step.forward_node)]
        own = own or [step for step in named if step.name == node.name]
        if own:
            return own[0]
    return next(iter(named), None)
