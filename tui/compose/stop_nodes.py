"""The node at which a view is: the one that its path names, or the one that its stop shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.compose.nodes import NodeNavigation, find_nodes, labels
from tui.model.view import SOLUTION

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from tui.model.view import View


def navigation_at(view: View, trace: Trace | None) -> NodeNavigation:
    """Return what the player must know about the view's node in the trace that the view shows.

    Raises:
        LookupError: For a path that isn't there, with the nearest spelling.
    """
    nodes = () if trace is None else trace.nodes
    stop = view.at_stop
    own = view.backward == stop.backward
    standard = _stop_node(trace, stop.show if own else None)
    if view.lesson.document and own and stop.exercise is None:
        standard = _cell_node(trace, stop.number)
    if view.solution_line is not None and SOLUTION not in labels(nodes):
        chain = _solution_node(trace, view.solution_line)
    else:
        names = {} if trace is None else trace.names
        chain = find_nodes(nodes, view.path, names) if view.path else standard
    wanted = stop.order if chain and chain == standard and own else None
    return NodeNavigation(chain, nodes, wanted, None if trace is None else trace.map)


def nodes_beside(view: View, trace: Trace | None, node: Node) -> tuple[Node, ...]:
    """Return the nodes that the stop shows together with this one."""
    stop = view.at_stop
    if trace is None or view.backward != stop.backward or not stop.beside:
        return ()
    group = [trace[name] for name in (stop.show, *stop.beside) if name and name in trace]
    if not any(other is node for other in group):
        return ()
    return tuple(other for other in group if other is not node)


def _cell_node(trace: Trace | None, number: int) -> tuple[Node, ...]:
    """Return the node that a document's cell shows: none, if it has made none itself."""
    if trace is None:
        return ()
    if len(trace.cells) < number:  # not run cell by cell
        return _stop_node(trace, None)
    node = trace.cells[number - 1].node
    return () if node is None else (trace.nodes[node],)


def _solution_node(trace: Trace | None, line: int) -> tuple[Node, ...]:
    """Return the node that a solution without one of its name is: a tensor that was there, or part of it."""
    if trace is None:
        return ()
    own = [node for node in trace.nodes if node.line is not None and node.line >= line]
    node = trace.names.get(SOLUTION, own[-1] if own else None)
    return () if node is None else (node,)


def _stop_node(trace: Trace | None, show: str | None) -> tuple[Node, ...]:
    """Return the node that a stop shows: by name, else the last, as a repaired program may lack the name."""
    if trace is None or not trace.nodes:
        return ()
    return (trace[show] if show is not None and show in trace else trace.nodes[-1],)
