"""What an operation does to vectors of two numbers, as arrows, lines and curves in the plane.

`plane_of` looks at an operation at a step and returns what of it can be drawn: the rows of a tensor
whose last axis has two cells, a sum tip to tail, the shadow of one vector on another, a grid and what a
(2, 2) matrix makes of it, a weighted sum of arrows, the line of a layer with one input and one output.
Everything in it is read from the tensors or follows from them by geometry; what a step has not computed yet
is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from llm_linalg.illustrations.plane.products import moved_plane, shadow, straight_line, weighted_sum
from llm_linalg.illustrations.plane.vectors import (
    PlaneVector,
    as_arrows,
    axis_words,
    figure,
    known,
    row_vectors,
    said,
    vectors_now,
)

ROLES: tuple[PlaneRole, ...] = ("first", "second")  # of the operands


def plane_of(node: NodeView, at: Index | None = None) -> Plane | None:
    """Return an operation in the plane; None if nothing in it is a vector of two numbers.

    Args:
        node: The operation at its step.
        at: The index along the result's leading axes of the slice to show; None follows the step.
    """
    tensors = (node.result, *node.operands)
    if node.dropped or not (node.op == "stack" or any(set(x.shape[-2:]) & {1, 2} for x in tensors)):
        return None
    if any(tensor.value.is_complex() for tensor in tensors) or not all(node.result.shape):
        return None
    found = next((plane for rule in RULES if (plane := rule(node, at)) is not None), None)
    return None if found is None else _with_own_labels(found)


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


def _gathered(node: NodeView, at: Index | None) -> Plane | None:  # noqa: ARG001 - it has one slice
    """Return dot products that are put into one vector: all their arrows, and the shadow of one of them."""
    makers = [operand.node for operand in node.operands]
    if node.op != "stack" or len(node.shape) != 1 or not 0 < len(makers) <= MOST_ARROWS:
        return None
    if any(maker.kind != "contraction" or maker.shape for maker in makers):
        return None
    planes = [shadow(node_view(maker), None) for maker in makers]
    found = [plane for plane in planes if plane is not None]
    if len(found) < len(planes):
        return None
    now = next(iter(node.step.writes))[0] if node.step is not None else None
    lit = Plane() if now is None else found[now]
    shadows = {plane.words[0] for plane in found if plane.paths} - set(lit.words)
    words = dict.fromkeys(line for plane in (lit, *found) for line in plane.words)
    return Plane(
        tuple(dict.fromkeys(arrow for plane in found for arrow in plane.arrows)),
        (),
        lit.paths,
        tuple(dict.fromkeys(corner for plane in found for corner in plane.corners)),
        tuple(line for line in words if line not in shadows),
        found[0].axes,
        tensors=found[0].tensors,
    )


def _sum(node: NodeView, at: Index | None) -> Plane | None:
    """Return a sum or a difference of vectors, tip to tail."""
    if node.op not in ("add", "sub") or node.kind != "pointwise" or len(node.operands) != 2:
        return None
    pair = [row_vectors(node, operand, at) for operand in node.operands]
    made = row_vectors(node, node.result, at)
    if made is None or any(vectors is None for vectors in pair):
        return None
    first, second = (vectors.read() for vectors in pair if vectors is not None)
    after, final = made.read(), made.final()
    now = vectors_now(node, made)
    sign = 1 if node.op == "add" else -1
    tips: list[PlaneArrow] = []
    results: list[PlaneArrow] = []
    for i, vector in enumerate(after):
        one, other = (_nth(some, i) for some in (first, second))
        shown = i in now or (not now and len(after) <= 3)
        if vector.at is None or one is None or other is None or not shown:
            continue
        if not _adds_up(one, other, vector.at, sign):
            return None
        role: PlaneRole = "now" if i in now else "result"
        if sign > 0:
            tips.append(PlaneArrow("", vector.at, one, "helper"))
            results.append(PlaneArrow(vector.label, vector.at, ORIGIN, role))
        else:
            results.append(PlaneArrow(vector.label, one, other, role))
    drawn, points = as_arrows(first, "first")
    others, other_points = as_arrows(second, "second")
    rest = tuple(PlaneVector(v.label, None if i in now else v.at, v.numbers) for i, v in enumerate(after))
    done, done_points = ((), ()) if not now and len(after) <= 3 else as_arrows(rest, "result")
    corners = (ORIGIN, *known(first), *known(second), *known(final))
    return Plane(
        (*drawn, *others, *done, *tips, *results),
        (*points, *other_points, *done_points),
        (),
        corners,
        (*said(first), *said(second), *said(after, node.result.title)),
        axis_words(made.tensor, made.along),
        tensors=(*zip(ROLES, node.operands, strict=True), ("result", node.result)),
    )


def _nth(vectors: Sequence[PlaneVector], i: int) -> Point | None:
    """Return a vector of some that are broadcast if there is one alone."""
    return (
        vectors[i if len(vectors) > 1 else 0].at
        if vectors and (len(vectors) == 1 or i < len(vectors))
        else None
    )


def _adds_up(one: Point, other: Point, total: Point, sign: int) -> bool:
    """Return whether a result is the plain sum, or difference, of two vectors, and not of a multiple."""
    return all(
        abs(a + sign * b - c) <= ALIKE * max(abs(a), abs(b), abs(c))
        for a, b, c in zip(one, other, total, strict=True)
    )


def _plain(node: NodeView, at: Index | None) -> Plane | None:
    """Return the vectors of the result and of the operands that it is made from, each as an arrow.

    Where all vectors of the result have one length, the circle on which they end is drawn; where they are
    picked from an operand, a line leads from each to the next.
    """
    made = row_vectors(node, node.result, at)
    given = [row_vectors(node, operand, at) for operand in node.operands]
    given = [vectors for vectors in given if vectors is not None and _is_number(vectors.tensor)]
    if (made is None or not _is_number(node.result)) and not (
        given and node.kind in ("reduction", "rowwise")
    ):
        return None
    after = made.read() if made is not None else ()
    final = made.final() if made is not None else ()
    now = vectors_now(node, made) if made is not None else frozenset()
    before = [vectors.read() for vectors in given if vectors is not None]
    arrows: list[PlaneArrow] = []
    points: list[PlanePoint] = []
    paths: list[PlanePath] = []
    for vectors, role in zip(before, ROLES, strict=False):
        some, many = as_arrows(vectors, role)
        arrows, points = [*arrows, *some], [*points, *many]
    some, many = as_arrows(after, "result", now)
    picked = bool(before) and node.kind == "movement" and len(after) > 1
    if picked:
        points += [PlanePoint("" if arrows else v.label, v.at, "result") for v in after if v.at is not None]
        walked = known(after)
        if len(after) <= MOST_ARROWS and len(walked) > 1:
            paths.append(PlanePath(walked, "helper", dashed=True))
    else:
        arrows, points = [*arrows, *some], [*points, *many]
    radius = None if picked else _radius(node, before, final)
    words: list[str] = []
    if radius is not None:
        paths.append(PlanePath(circle(radius), "helper", closed=True))
        words.append(f"each ends on the circle of radius {figure(radius)}")
    corners = (ORIGIN, *known(final), *(point for vectors in before for point in known(vectors)))
    rim = circle(radius)[::CIRCLE] if radius is not None else ()
    shown = made if made is not None else given[0]
    return Plane(
        tuple(arrows),
        tuple(points),
        tuple(paths),
        finite((*corners, *rim)),
        (*words, *(line for vectors in before for line in said(vectors)), *said(after, node.result.title)),
        ("", "") if shown is None else axis_words(shown.tensor, shown.along),
        tensors=(
            *((role, one.tensor) for role, one in zip(ROLES, given, strict=False) if one is not None),
            ("result", node.result),
        ),
    )


def _radius(
    node: NodeView, before: Sequence[Sequence[PlaneVector]], final: Sequence[PlaneVector]
) -> float | None:
    """Return the length to which an operation brings all vectors; None if it does not."""
    places = known(final)
    radius = common_length(places)
    if radius is None or len(places) < len(final) or not before or len(before[0]) != len(final):
        return None
    of_one_length = len(final) == 1 or common_length(known(before[0])) is not None
    divided = node.op == "div" and abs(radius - 1) <= ALIKE
    return radius if divided or not of_one_length else None


def _is_number(tensor: TensorView) -> bool:
    return tensor.dtype != "bool"


RULES: tuple[Callable[[NodeView, Index | None], Plane | None], ...] = (
    moved_plane,
    weighted_sum,
    shadow,
    straight_line,
    _gathered,
    _sum,
    _plain,
)
"""The kinds of pictures, the most particular first."""
