"""Products in the plane: a matrix that moves it, weighted sums of arrows, shadows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import atan2, degrees, hypot, isfinite

from llm_linalg.api.node_view import NodeView
from llm_linalg.base.axes import Axes
from llm_linalg.base.cells import Index, TensorSlice
from llm_linalg.illustrations.plane.plane import (
    MOST_ARROWS,
    ORIGIN,
    Plane,
    PlaneArrow,
    PlanePath,
    Point,
    circle,
    finite,
)
from llm_linalg.illustrations.plane.vectors import (
    Layer,
    PlaneVector,
    Vectors,
    figure,
    known,
    plane_with,
    shown_cell,
    vectors_now,
)

UNIT = ((1.0, 0.0), (0.0, 1.0))
STAGE = 2.5  # how much wider than high a stage is
FRAMES = 8  # positions in which a grid is drawn on its way
LINES = 2  # of a grid on each side of the origin
ROOM = 2.2  # how much larger a picture may become for a circle to be whole


@dataclass(frozen=True, slots=True)
class _Product:
    """A contraction of two operands over one axis, by the labels of its axes."""

    node: NodeView
    axes: Axes
    factors: tuple[int, int]  # the positions of the two operands
    bias: int | None  # that of a bias, or None
    inner: str  # the label of the axis that is summed
    own: Mapping[int, str | None]  # for each of the two the label that the other lacks; None if it has none
    cell: Mapping[str, int]  # where each label stands at this step

    @classmethod
    def of(cls, view: NodeView, at: Index | None) -> _Product | None:
        """Return a node as such a product; None if it is none, or an operand has two labels of its own."""
        node, axes = view.node, view.node.axes
        is_sum = node.kind == "contraction" and node.term_count is not None
        if not is_sum or axes is None or len(axes.reduction_labels) != 1:
            return None
        bias, (inner,) = node.bias_position, axes.reduction_labels
        factors = [p for p in range(len(axes.operands)) if p != bias]
        if len(factors) != 2 or any(inner not in axes.operands[p] for p in factors):
            return None
        first, second = factors
        own = {
            one: [label for label in axes.operands[one] if label not in axes.operands[other]]
            for one, other in ((first, second), (second, first))
        }
        if max(map(len, own.values())) > 1:
            return None
        only = {place: next(iter(labels), None) for place, labels in own.items()}
        cell = dict(zip(axes.output, shown_cell(view, at), strict=True))
        return cls(view, axes, (first, second), bias, inner, only, cell)

    def vectors(self, operand: int | None, along: str, over: str | None) -> Vectors | None:
        """Return vectors of an operand, or of the result, by labels; None if it has none of two numbers."""
        labels = self.axes.output if operand is None else self.axes.operands[operand]
        tensor = self.node.result if operand is None else self.node.operands[operand]
        if along not in labels or tensor.shape[labels.index(along)] != 2 or labels.count(along) > 1:
            return None
        fixed = {
            axis: 0 if tensor.shape[axis] == 1 else self.cell.get(label, 0)
            for axis, label in enumerate(labels)
            if label not in (along, over)
        }
        return Vectors(tensor, labels.index(along), labels.index(over) if over in labels else None, fixed)


def moved_plane(node: NodeView, at: Index | None) -> Plane | None:
    """Return a product with a (2, 2) matrix: a grid, the unit circle and some vectors, on their way to it."""
    product = _Product.of(node, at)
    if product is None or product.axes.sizes[product.inner] != 2:
        return None
    first, second = product.factors
    # Of a layer the matrix is the weight.
    for matrix, other in [(first, second), (second, first)][product.bias is not None :]:
        to, over = product.own[matrix], product.own[other]
        if to is None or set(product.axes.operands[matrix]) != {product.inner, to}:
            continue
        columns = product.vectors(matrix, to, product.inner)
        given, made = product.vectors(other, product.inner, over), product.vectors(None, to, over)
        if columns is not None and given is not None and made is not None:
            return _moved(product, columns, given, made)
    return None


def _share(done: int, steps: int) -> float:
    """Return how far the grid has moved after so many steps: in a long walk it moves in eight frames.

    All of it is sent anew when it moves.
    """
    if not steps:
        return 1.0
    return done / steps if steps <= FRAMES else done * FRAMES // steps / FRAMES


@dataclass(frozen=True, slots=True)
class _LinearMap:
    """The map of the plane by a (2, 2) matrix and a shift, on its way."""

    first: Point  # where e₁ goes, before the shift
    second: Point  # where e₂ goes
    shift: Point  # where the origin goes
    share: float  # how far all points have moved, from 0 to 1

    def image(self, point: Point) -> Point:
        """Return where a point is on its straight way to its image."""
        (x, y), (to_x, to_y) = point, self.end(point)
        return (1 - self.share) * x + self.share * to_x, (1 - self.share) * y + self.share * to_y

    def end(self, point: Point) -> Point:
        """Return the image of a point."""
        (a, c), (b, d), (x, y) = self.first, self.second, point
        return a * x + b * y + self.shift[0], c * x + d * y + self.shift[1]

    @property
    def area(self) -> float:
        """The determinant of the matrix."""
        return self.first[0] * self.second[1] - self.second[0] * self.first[1]


def _moved(product: _Product, columns: Vectors, given: Vectors, made: Vectors) -> Plane | None:
    node, ends, shift = product.node, columns.shown, _shift(product, made)
    if len(ends) != 2 or ends[0].at is None or ends[1].at is None or shift is None:
        return None
    linear = _LinearMap(ends[0].at, ends[1].at, shift, _share(node.position + 1, node.steps))
    layers = [Layer("second", given), Layer("result", made, vectors_now(node, made))]
    lines = tuple(_moved_lines(linear, known(given.shown)))
    plane = plane_with(layers, made, lines, _moved_words(linear))
    foot = linear.image(ORIGIN)
    basis = (
        PlaneArrow(name, linear.image(e), foot, "first") for name, e in zip(("e₁", "e₂"), UNIT, strict=True)
    )
    return replace(
        plane,
        arrows=(*basis, *plane.arrows),
        corners=_moved_corners(linear, plane.corners),
        share=linear.share,
        note="" if any(shift) else _places(columns),
        tensors=(("first", columns.tensor), *plane.tensors),
    )


def _places(images: Vectors) -> str:
    """Return where in the matrix the images of e₁ and e₂ stand: in M v its columns, in v M its rows."""
    return f"e₁ and e₂ land on the {'columns' if images.along == 0 else 'rows'} of {images.tensor.title}"


def _moved_lines(linear: _LinearMap, points: Sequence[Point]) -> Iterator[PlanePath]:
    """Yield a grid wide enough for some points, and the unit circle, on their way."""
    most = max((abs(x) for point in points for x in point), default=1.0)
    step = _grid_step(max(1.0, most) if most <= 4 else most)
    reach = LINES * step
    paths = [
        PlanePath(tuple(map(linear.image, ends)), "grid")
        for k in range(-LINES, LINES + 1)
        if k  # along the axes lie e₁ and e₂
        for ends in (((k * step, -reach), (k * step, reach)), ((-reach, k * step), (reach, k * step)))
    ]
    paths.append(PlanePath(tuple(map(linear.image, circle())), "helper", closed=True))
    yield from (path for path in paths if len(finite(path.points)) == len(path.points))


def _moved_corners(linear: _LinearMap, points: Sequence[Point]) -> tuple[Point, ...]:
    """Return what a picture has room for: some points, e₁, e₂ and the unit circle, from first to last.

    Without the circle, if that would make all else much smaller.
    """
    rim = circle()
    corners = finite((*points, *UNIT, *map(linear.end, UNIT)))
    both = (*corners, *finite((*rim, *map(linear.end, rim))))
    return both if _size(both) <= ROOM * _size(corners) else corners


def _moved_words(linear: _LinearMap) -> Iterator[str]:
    """Yield what the map does with e₁, e₂, areas and the origin."""
    (a, c), (b, d), shift, area = linear.first, linear.second, linear.shift, linear.area
    yield f"e₁ goes to ({figure(a)}, {figure(c)}), e₂ to ({figure(b)}, {figure(d)})"
    if area:
        yield f"areas become {figure(abs(area))} times as large{', and are flipped' if area < 0 else ''}"
    else:
        yield "the plane falls onto a line" if any((a, b, c, d)) else "the plane falls onto the origin"
    if any(shift):
        yield f"and everything shifts by ({figure(shift[0])}, {figure(shift[1])})"
    if linear.share < 1:
        yield f"the grid is {round(100 * linear.share)} % of its way"


def _size(corners: tuple[Point, ...]) -> float:
    """Return how large a box of points is on a stage, which is wider than it is high."""
    across, up = [x for x, _ in corners], [y for _, y in corners]
    return max((max(across) - min(across)) / STAGE, max(up) - min(up))


def _shift(product: _Product, made: Vectors) -> Point | None:
    """Return the bias of a product, as a vector; None if it is not one vector."""
    if product.bias is None:
        return ORIGIN
    label = product.axes.output[made.along]
    bias = product.vectors(product.bias, label, None)
    return None if bias is None else bias.shown[0].at


def _grid_step(reach: float) -> float:
    """Return a round distance between lines such that the lines on a side reach so far."""
    power = float(f"1e{int(f'{reach / LINES:e}'.partition('e')[2])}") if isfinite(reach) else 1.0
    return next((power * k for k in (1, 2, 5) if power * k * LINES >= reach), power * 10)


def weighted_sum(node: NodeView, at: Index | None) -> Plane | None:
    """Return a weighted sum of vectors: the arrows, the sums, and the weighted parts of one end to end."""
    product = _Product.of(node, at)
    if product is None or product.bias is not None:
        return None
    first, second = product.factors
    for weights, parts in ((first, second), (second, first)):
        to, over = product.own[parts], product.own[weights]
        size = node.operands[parts].shape[product.axes.operands[parts].index(product.inner)]
        if to is None or size != product.axes.sizes[product.inner]:  # it repeats one vector
            continue
        given, made = product.vectors(parts, to, product.inner), product.vectors(None, to, over)
        if given is not None and made is not None and given.over is not None:
            return _mixed(product, given, made, weights)
    return None


def _mixed(product: _Product, given: Vectors, made: Vectors, weights: int) -> Plane:
    node, vectors, after, now = product.node, given.shown, made.shown, vectors_now(product.node, made)
    paths: list[PlanePath] = []
    words: list[str] = []
    i = min(now, default=0)
    if node.step is not None and len(vectors) <= MOST_ARROWS and i < len(after) and after[i].at is not None:
        terms = list(zip(_weights(product, weights, i), vectors, strict=True))
        term = None if node.walk is None else node.walk.loop.term(node.walk.grid, node.step.index)
        terms = terms if term is None else terms[: term + 1]  # those that are added by now
        chain = [ORIGIN]
        for weight, vector in terms:
            if vector.at is None:
                break
            (x, y), (dx, dy) = chain[-1], vector.at
            chain.append((x + weight * dx, y + weight * dy))
        if len(finite(chain)) == len(chain):
            paths.append(PlanePath(tuple(chain), "helper", dashed=True))
        total = " + ".join(f"{figure(weight)}·{vector.label}" for weight, vector in terms)
        words.append(f"{after[i].label} = {total}".replace("·-", "·−").replace("+ -", "− "))
    return plane_with([Layer("first", given), Layer("result", made, now)], made, paths, words)


def _weights(product: _Product, weights: int, i: int) -> list[float]:
    """Return the weights of the sum of vector `i`, in the order of its terms."""
    labels, inner = product.axes.operands[weights], product.inner
    tensor, own = product.node.operands[weights], product.own[weights]
    rest = tuple(
        0 if size == 1 else i if label == own else product.cell.get(label, 0)
        for label, size in zip(labels, tensor.shape, strict=True)
        if label != inner
    )
    count, axis = product.axes.sizes[inner], labels.index(inner)
    row = tensor.window(TensorSlice(None, axis, rest), range(1), range(min(count, tensor.shape[axis])))[0]
    numbers = [float(x) if isinstance(x, int | float) else 0.0 for x in row]
    return numbers * count if len(numbers) == 1 != count else numbers


def shadow(node: NodeView, at: Index | None) -> Plane | None:
    """Return dot products of vectors in the plane: both, and the shadow of the one on the other."""
    product = _Product.of(node, at)
    if product is None or product.axes.sizes[product.inner] != 2:
        return None
    factors = product.factors
    casting, ground = (product.vectors(place, product.inner, product.own[place]) for place in factors)
    if casting is None or ground is None:
        return None
    # One vector casts its shadow on each of many: of a single one and several, on the several.
    if casting.over is not None and ground.over is None:
        casting, ground, factors = ground, casting, factors[::-1]
    falls, onto = casting.shown, ground.shown
    i, j = (product.cell.get(product.own[place] or "", 0) for place in factors)
    paths: list[PlanePath] = []
    words: list[str] = []
    is_done = node.step is not None or not node.steps
    if is_done and i < len(falls) and j < len(onto) and (foot := _foot(falls[i], onto[j])) is not None:
        paths, words = _shadow_lines(falls[i], onto[j], foot)
    few = len(falls) * len(onto) <= MOST_ARROWS**2
    feet = [_foot(one, other) for one in falls for other in onto] if few else []
    layers = [Layer("first", casting), Layer("second", ground)]
    return plane_with(layers, casting, paths, words, [foot for foot in feet if foot is not None])


def _foot(one: PlaneVector, other: PlaneVector) -> Point | None:
    """Return where the shadow of a vector on another ends; None if that has no length."""
    if one.at is None or other.at is None:
        return None
    size = hypot(*other.at)
    if not size or not isfinite(size):
        return None
    unit = (other.at[0] / size, other.at[1] / size)
    long = one.at[0] * unit[0] + one.at[1] * unit[1]
    return (long * unit[0], long * unit[1]) if isfinite(long) else None


def _shadow_lines(one: PlaneVector, other: PlaneVector, foot: Point) -> tuple[list[PlanePath], list[str]]:
    """Return the shadow, the line that falls from the vector's tip, and the right angle between them."""
    if one.at is None or other.at is None:
        return [], []
    paths = [PlanePath((ORIGIN, foot), "now"), PlanePath((one.at, foot), "helper", dashed=True)]
    up = (one.at[0] - foot[0], one.at[1] - foot[1])
    tall, wide = hypot(*up), hypot(*foot)
    if tall and wide and isfinite(tall) and isfinite(wide):
        size = min(tall, wide) / 5
        across = (-foot[0] / wide * size, -foot[1] / wide * size)
        rise = (up[0] / tall * size, up[1] / tall * size)
        corner = [
            (foot[0] + dx, foot[1] + dy)
            for dx, dy in (across, (across[0] + rise[0], across[1] + rise[1]), rise)
        ]
        paths.append(PlanePath(tuple(corner), "now"))
    (x, y), (u, v) = one.at, other.at
    turned = abs(atan2(x * v - y * u, x * u + y * v))
    shadow = f"the shadow of {one.label} on {other.label} ends at ({figure(foot[0])}, {figure(foot[1])})"
    return paths, [
        f"{shadow}: length {figure(wide)}, and the angle between them is {round(degrees(turned))}°"
    ]
