"""A frame as one line of JSON: whole tensors, indices from 0, six significant digits."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from llm_linalg.base.numbers import significant
from llm_linalg.base.text import CleanText
from llm_linalg.lessons.markdown import plain_text
from tui.model.frame import Frame, NodeFacts, Panel, StagePlace
from tui.text.json_line import json_line

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.api.tensor_view import TensorView
    from llm_linalg.base.axis_labels import TensorLabels
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.ops.terms import Term
    from llm_linalg.recording.record_node import Value

LARGEST = 4096  # cells; values of larger tensors are left out


def to_json(frame: Frame, place: StagePlace | None = None) -> CleanText:
    """Return the frame's object on a line of its own; NaN and infinities are strings in it."""
    return json_line(frame_object(frame, place))


def frame_object(frame: Frame, place: StagePlace | None = None) -> dict[str, object]:
    """Return what a frame shows as an object for JSON, with its place in a deck if it has one."""
    node = frame.operation
    record: dict[str, object] = {
        "format": 1,
        "lesson": frame.lesson.slug,
        "stop": frame.lesson.stop,
        "story": {"title": frame.captions.story.title, "text": plain_text(frame.captions.story.text)},
        "seed": frame.lesson.seed,
        "controls": {control.name: _finite(control.value) for control in frame.lesson.controls},
        "code": "\n".join(frame.listing.code),
        "node": None if frame.node is None else _node(frame.node),
        **_step(frame, node),
        "formula": "\n".join(frame.captions.formula_text),
        "shape_line": frame.captions.shape_line,
        "look": frame.stage.look,
        "text": _text(frame),
    }
    for panel in frame.stage.panels:
        if panel.role == "margin" and panel.rows <= LARGEST:
            record["margin"] = {"name": panel.name, "values": _numbers(_column(panel))}
    if frame.stage.board is not None:
        record["board"] = [_row(row) for row in frame.stage.board.record()]
    if frame.ask is not None:
        record["ask"] = frame.ask.record()
    if frame.exercise is not None:
        record["exercise"] = frame.exercise.record()
    if frame.listing.cell is not None:
        record["cell"] = frame.listing.cell.record()
    if frame.error is not None:
        record["error"] = _error(frame.error.cause)
    if frame.stage.map is not None:
        record["map"] = _finite(frame.stage.map.record())
    if place is not None:
        deck = {"title": place.deck, "stop": place.stop, "stops": place.stops, "heading": place.title}
        record["deck"] = deck
    return record


def _text(frame: Frame) -> str:
    """Return the arithmetic of a step; before the first, how the node makes its cells."""
    node = frame.operation
    if node is not None and node.step is not None:
        return node.text
    return frame.captions.sentence or ("" if node is None or frame.node is None else node.sentence)


def _node(facts: NodeFacts) -> dict[str, object]:
    return {
        "name": facts.name,
        "op": facts.op,
        "line": facts.line,
        "shape": list(facts.shape),
        "dtype": facts.dtype,
        "evidence": facts.evidence,
    }


def _step(frame: Frame, node: NodeView | None) -> dict[str, object]:
    """Return where the operation stands, and all numbers of it."""
    step = None if node is None or frame.stage.board is not None else node.step
    # Steps are boxes, or there are none.
    whole = frame.stage.map is not None or frame.stage.board is not None or node is None
    shown = None if node is None or node.node.dropped else node
    return {
        "order": None if node is None else node.order,
        "step": frame.place.step if node is None or whole else node.position + 1,
        "steps": frame.place.steps if node is None or whole else node.steps,
        "operands": [] if shown is None else [_tensor(operand) for operand in shown.operands],
        "output": None if shown is None else _tensor(shown.result),
        "writes": [] if step is None else _cells(step.writes),
        "reads": [] if step is None else [_cells(cells) for cells in step.reads],
        "terms": [] if step is None else _terms(step.terms),
        "value": None if step is None or step.value is None else significant(step.value),
    }


def _row(row: dict[str, object]) -> dict[str, object]:
    return row | {"value": _numbers(row["value"])} if "value" in row else row


def _column(panel: Panel) -> list[Any]:
    return [row[0] for row in panel.cells.values(range(panel.rows), range(1))]


def _cells(cells: Collection[tuple[int, ...]]) -> list[list[int]] | None:
    """Return the cells; None for more than fit into a line."""
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


def _finite(record: Any) -> Any:
    """Return a record with texts in place of NaN and infinities, which JSON lacks."""
    if isinstance(record, dict):
        return {name: _finite(value) for name, value in record.items()}
    if isinstance(record, list | tuple):
        return [_finite(item) for item in record]
    return str(record) if isinstance(record, float) and not math.isfinite(record) else record


def _tensor(tensor: TensorView) -> dict[str, object]:
    record: dict[str, object] = {"name": tensor.name, "shape": list(tensor.shape)}
    if tensor.value.numel() <= LARGEST:
        record["values"] = _numbers(tensor.tolist())
    return record | _axes(tensor.axis_names)


def tensor_object(name: str, tensor: Value) -> dict[str, object]:
    """Return a tensor by name and shape, with its values unless there are too many."""
    record: dict[str, object] = {"name": name, "shape": list(tensor.shape)}
    if tensor.numel() <= LARGEST:
        record["values"] = _numbers(tensor.detach().tolist())
    return record


def _axes(edges: TensorLabels) -> dict[str, object]:
    """Return the names and labels of the axes, if there are any."""
    axes = [
        {"name": edge.name, "labels": list(edge.labels if len(edge.labels) <= LARGEST else ())}
        for edge in edges
    ]
    return {"axes": axes} if edges else {}


def _error(error: ProgramError) -> dict[str, object]:
    from llm_linalg.base.errors import ShapeError

    record: dict[str, object] = {
        "type": type(error).__name__,
        "message": error.message,
        "line": error.line,
        "column": error.column,
    }
    if isinstance(error, ShapeError):
        record["operation"] = error.operation
        record["operands"] = [{"name": o.name, "shape": list(o.shape)} for o in error.operands]
        record["axes"] = [{"operand": a.operand, "axis": a.axis, "size": a.size} for a in error.axes]
        record["repairs"] = [{"text": str(r), "shape": list(r.shape), "why": r.why} for r in error.repairs]
    return record
