"""What an operation does to vectors of two numbers, as arrows, lines and curves in the plane.

`plane_of` looks at an operation at a step and returns what of it can be drawn: the rows of a tensor
whose last axis has two cells, a sum tip to tail, the shadow of one vector on another, a grid and what a
(2, 2) matrix makes of it, a weighted sum of arrows.
Everything in it is read from the tensors or follows from them by geometry; what a step has not computed yet
is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llm_linalg.api.node_view import NodeView, node_view
from llm_linalg.api.tensor_view import TensorView
from llm_linalg.base.cells import Index
from llm_linalg.illustrations.plane.plane import (
    ALIKE,
    CIRCLE,
    MOST_ARROWS,
    ORIGIN,
    Plane,
    PlaneArrow,
    PlanePath,
    PlanePoint,
    PlaneRole,
    Point,
    circle,
    common_length,
    finite,
)
from llm_linalg.illustrations.plane.products import moved_plane, shadow, weighted_sum
from llm_linalg.illustrations.plane.vectors import (
    Layer,
    Vectors,
    figure,
    known,
    plane_with,
    row_vectors,
    vectors_now,
)

ROLES: tuple[PlaneRole, ...] = ("first", "second")  # of the operands


def plane_of(view: NodeView, at: Index | None = None) -> Plane | None:
    """Return an operation in the plane; None if nothing in it is a vector of two numbers.

    It is that of the slice at an index along the result's leading axes; without one it follows the step.
    """
    tensors = (view.result, *view.operands)
    if view.node.dropped or not (view.node.op == "stack" or any(set(x.shape[-2:]) & {1, 2} for x in tensors)):
        return None
    if any(tensor.value.is_complex() for tensor in tensors) or not all(view.result.shape):
        return None
    picture = next((plane for rule in RULES if (plane := rule(view, at)) is not None), None)
    return None if picture is None else _with_own_labels(picture)


def _with_own_labels(plane: Plane) -> Plane:
    """Return a picture in which a result that has the same word as an operand is told apart: `→cat`."""
    given = {arrow.label for arrow in plane.arrows if arrow.role in ("first", "second")}
    arrows = tuple(
        arrow._replace(label=f"→{arrow.label}")
        if arrow.role in ("result", "now") and arrow.label in given
        else arrow
        for arrow in plane.arrows
    )
    return replace(plane, arrows=arrows)


def _gathered(view: NodeView, at: Index | None) -> Plane | None:  # noqa: ARG001 - it has one slice
    """Return dot products that are put into one vector: all their arrows, and the shadow of one of them."""
    makers = [operand.node for operand in view.operands]
    if view.node.op != "stack" or len(view.result.shape) != 1 or not 0 < len(makers) <= MOST_ARROWS:
        return None
    if any(maker.kind != "contraction" or maker.shape for maker in makers):
        return None
    planes = [shadow(node_view(maker), None) for maker in makers]
    drawn = [plane for plane in planes if plane is not None]
    if len(drawn) < len(planes):
        return None
    now = next(iter(view.step.writes))[0] if view.step is not None else None
    lit = Plane() if now is None else drawn[now]
    shadows = {plane.words[0] for plane in drawn if plane.paths} - set(lit.words)
    words = dict.fromkeys(line for plane in (lit, *drawn) for line in plane.words)
    return Plane(
        tuple(dict.fromkeys(arrow for plane in drawn for arrow in plane.arrows)),
        (),
        lit.paths,
        tuple(dict.fromkeys(corner for plane in drawn for corner in plane.corners)),
        tuple(line for line in words if line not in shadows),
        drawn[0].axes,
        tensors=drawn[0].tensors,
    )


def _sum(view: NodeView, at: Index | None) -> Plane | None:
    """Return a sum or a difference of vectors, tip to tail."""
    if view.node.op not in ("add", "sub") or view.node.kind != "pointwise" or len(view.operands) != 2:
        return None
    first, second = (row_vectors(view, operand, at) for operand in view.operands)
    made = row_vectors(view, view.result, at)
    if made is None or first is None or second is None:
        return None
    after, now = made.shown, vectors_now(view, made)
    shown = now or frozenset(range(len(after)) if len(after) <= 3 else ())
    sign = 1 if view.node.op == "add" else -1
    tips: list[PlaneArrow] = []
    results: list[PlaneArrow] = []
    for i, vector in enumerate(after):
        one, other = _nth(first, i), _nth(second, i)
        if vector.at is None or one is None or other is None or i not in shown:
            continue
        if not _adds_up(one, other, vector.at, sign):
            return None
        role: PlaneRole = "now" if i in now else "result"
        tail = ORIGIN if sign > 0 else other
        tips += [PlaneArrow("", vector.at, one, "helper")] * (sign > 0)
        results.append(PlaneArrow(vector.label, vector.at if sign > 0 else one, tail, role))
    layers = [Layer("first", first), Layer("second", second), Layer("result", made, hidden=shown)]
    plane = plane_with(layers, made)
    return replace(plane, arrows=(*plane.arrows, *tips, *results))


def _nth(vectors: Vectors, i: int) -> Point | None:
    """Return a vector of some that are broadcast if there is one alone."""
    some = vectors.shown if len(vectors.shown) != 1 else vectors.shown * (i + 1)
    return some[i].at if i < len(some) else None


def _adds_up(one: Point, other: Point, total: Point, sign: int) -> bool:
    """Return whether a result is the plain sum, or difference, of two vectors, and not of a multiple."""
    return all(
        abs(a + sign * b - c) <= ALIKE * max(abs(a), abs(b), abs(c))
        for a, b, c in zip(one, other, total, strict=True)
    )


def _plain(view: NodeView, at: Index | None) -> Plane | None:
    """Return the vectors of the result and of the operands that it is made from, each as an arrow.

    Where all vectors of the result have one length, the circle on which they end is drawn; where they are
    picked from an operand, and are no copy of it, a line leads from each to the next.
    """
    made = row_vectors(view, view.result, at)
    moved = view.node.kind == "movement"  # by an index, which is no vector, if it has another type
    parts = [x for x in view.operands if _is_number(x) and not (moved and x.dtype != view.result.dtype)]
    rows = [row_vectors(view, operand, at) for operand in parts]
    given = [vectors for vectors in rows if vectors is not None]
    if (made is None or not _is_number(view.result)) and not (
        given and view.node.kind in ("reduction", "rowwise")
    ):
        return None
    layers = [Layer(ROLES[k] if k < len(ROLES) else "helper", vectors) for k, vectors in enumerate(given)]
    if made is None:
        return plane_with(layers, given[0])
    after = made.shown
    if given and moved and len(after) > 1:
        plane = plane_with([*layers, Layer("result", made, hidden=frozenset(range(len(after))))], made)
        points = [
            PlanePoint("" if plane.arrows else v.label, v.at, "result") for v in after if v.at is not None
        ]
        walked = known(after)
        is_copy = known(made.final) == known(given[0].shown)
        leads = len(after) <= MOST_ARROWS and len(walked) > 1 and not is_copy
        paths = (PlanePath(walked, "helper", dashed=True),) * leads
        return replace(plane, points=(*plane.points, *points), paths=paths)
    layers.append(Layer("result", made, vectors_now(view, made)))
    radius = _radius(view, given, made)
    if radius is None:
        return plane_with(layers, made)
    rim = circle(radius)
    words = [f"each ends on the circle of radius {figure(radius)}"]
    return plane_with(layers, made, [PlanePath(rim, "helper", closed=True)], words, finite(rim[::CIRCLE]))


def _radius(view: NodeView, given: list[Vectors], made: Vectors) -> float | None:
    """Return the length to which an operation brings all vectors; None if it does not."""
    places = known(made.final)
    radius = common_length(places)
    before = given[0].shown if given else ()
    if radius is None or len(places) < len(made.final) or len(before) != len(made.final):
        return None
    of_one_length = len(before) == 1 or common_length(known(before)) is not None
    divided = view.node.op == "div" and abs(radius - 1) <= ALIKE
    return radius if divided or not of_one_length else None


def _is_number(tensor: TensorView) -> bool:
    return tensor.dtype != "bool"


RULES: tuple[Callable[[NodeView, Index | None], Plane | None], ...] = (
    moved_plane,
    weighted_sum,
    shadow,
    _gathered,
    _sum,
    _plain,
)
"""The kinds of pictures, the most particular first."""
