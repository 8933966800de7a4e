"""A frame as the JSON object of the command line: whole tensors, indices from 0, six significant digits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm_linalg.edge import Edges
from llm_linalg.numbers import significant
from tui.frame import Frame

if TYPE_CHECKING:
    from llm_linalg.api.node import Node, Operand
    from llm_linalg.errors import ProgramError
    from llm_linalg.node import Value
    from llm_linalg.walk import Term, Walk

LARGEST = 4096  # cells; values of larger tensors are left out


def record(
    frame: Frame,
    controls: Mapping[str, object],
    node: Node | None = None,
    order: str | None = None,
    k: int = -1,
    error: ProgramError | None = None,
    edges: Callable[[Node], Edges] = lambda _: (),
) -> dict[str, object]:
    """The object of a step; ``k`` is the step from 0, −1 before the first; ``edges`` names a node's axes."""
    walk = node.walk(order) if node is not None and order is not None else None
    step = walk[k] if walk is not None and k >= 0 and len(walk) else None
    made: dict[str, object] = {
        "format": 1,
        "lesson": frame.lesson,
        "stop": frame.stop,
        "seed": frame.seed,
        "controls": dict(controls),
        "code": "\n".join(frame.code),
        "node": _node(frame),
        "order": order,
        "step": k + 1,
        "steps": len(walk) if walk is not None else 0,
        "operands": [] if node is None else [_operand(o, edges(o.node)) for o in node.operands],
        "output": None if node is None else _output(node, walk, k) | _axes(edges(node)),
        "writes": [] if step is None else _cells(step.writes),
        "reads": [] if step is None else [_cells(cells) for cells in step.reads],
        "terms": [] if step is None else _terms(step.terms),
        "value": None if step is None or step.value is None else significant(step.value),
        "formula": "\n".join(frame.formula_text),
        "shape_line": frame.shape_line,
        "text": step.text if step is not None else frame.sentence,
    }
    for panel in frame.panels:
        if panel.role == "margin" and panel.rows <= LARGEST:
            values = [row[0] for row in panel.read(range(panel.rows), range(1))]
            made["margin"] = {"name": panel.name, "values": _numbers(values)}
    if frame.board is not None:
        made["board"] = _numbers(frame.board.record())
    if error is not None:
        made["error"] = _error(error)
    return made


def _node(frame: Frame) -> dict[str, object] | None:
    facts = frame.node
    if facts is None:
        return None
    return {
        "name": facts.name,
        "op": facts.op,
        "line": facts.line,
        "shape": list(facts.shape),
        "dtype": facts.dtype,
        "evidence": facts.evidence,
    }


def _cells(cells: Collection[tuple[int, ...]]) -> list[list[int]] | None:
    """The cells; None for more than fit into a line."""
    return [list(index) for index in cells] if len(cells) <= LARGEST else None


def _terms(terms: Sequence[Term]) -> list[dict[str, object]] | None:
    if len(terms) > LARGEST:
        return None
    return [
        {"factors": [significant(x) for x in t.factors], "value": significant(t.value), "state": t.state}
        for t in terms
    ]


def _numbers(values: Any) -> Any:
    if isinstance(values, list | tuple):
        return [_numbers(value) for value in values]
    return None if values is None else significant(values)


def tensor_record(name: str, tensor: Value) -> dict[str, object]:
    """A tensor by name and shape, with its values unless there are too many."""
    made: dict[str, object] = {"name": name, "shape": list(tensor.shape)}
    if tensor.numel() <= LARGEST:
        made["values"] = _numbers(tensor.detach().tolist())
    return made


def _operand(operand: Operand, edges: Edges) -> dict[str, object]:
    return tensor_record(operand.name, operand.value) | _axes(edges)


def _axes(edges: Edges) -> dict[str, object]:
    """What the axes are called, if they are called anything."""
    return {"axes": [{"name": edge.name, "labels": list(edge.labels)} for edge in edges]} if edges else {}


def _output(node: Node, walk: Walk | None, k: int) -> dict[str, object]:
    made: dict[str, object] = {"name": node.name, "shape": list(node.shape)}
    if node.value.numel() > LARGEST:
        return made
    made["values"] = _numbers(node.value.detach().tolist() if walk is None else _partial(walk, k, node.shape))
    return made


def _partial(walk: Walk, k: int, shape: tuple[int, ...], at: tuple[int, ...] = ()) -> Any:
    """The result's values after step ``k``, nested like the tensor."""
    left = shape[len(at) :]
    if len(left) > 2:
        return [_partial(walk, k, shape, (*at, i)) for i in range(left[0])]
    if len(left) == 2:
        return walk.values(k, at, range(left[0]), range(left[1]))
    values = walk.values(k, (), range(1), range(left[0] if left else 1))
    return values[0] if left else values[0][0]


def _error(error: ProgramError) -> dict[str, object]:
    from llm_linalg.errors import ShapeError

    made: dict[str, object] = {
        "type": type(error).__name__,
        "message": error.message,
        "line": error.line,
        "column": error.column,
    }
    if isinstance(error, ShapeError):
        made["operation"] = error.operation
        made["operands"] = [{"name": o.name, "shape": list(o.shape)} for o in error.operands]
        made["axes"] = [{"operand": a.operand, "axis": a.axis, "size": a.size} for a in error.axes]
        made["repairs"] = [{"text": str(r), "shape": list(r.shape), "why": r.why} for r in error.repairs]
    return made
