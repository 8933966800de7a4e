"""The axes specs of contractions: which axis of an operand runs along which axis of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from llm_linalg.base.axes import Axes, Labels, Shape, ShapeMismatch, align_right
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.operation import Call
from llm_linalg.ops.torch_names import short_name

PAIRED = "they can't be paired up"
"""The rule of the entries that a product pairs: of a row with a column, or of two vectors."""
_BATCH = "the axes before the last two count matrices: both sides have as many along each, or 1"
_BMM = "the first axis counts matrices: bmm takes as many of them on both sides"
_RANKS = {"mm": (2, 2), "mv": (2, 1), "bmm": (3, 3), "dot": (1, 1), "vdot": (1, 1), "outer": (1, 1)}
_SPELT = {"spmm": "mm", "ger": "outer"}  # what torch calls these in its own code, nobody writes


def _check_ranks(name: str, shapes: Sequence[Shape]) -> None:
    """Raise `ShapeMismatch` where the spelling asks for operands of certain ranks."""
    ranks = tuple(len(shape) for shape in shapes)
    wanted = _RANKS.get(name, ranks)
    if ranks != wanted:
        raise ShapeMismatch(
            f"{name} takes a {wanted[0]}-D and a {wanted[1]}-D tensor, not {ranks[0]}-D and {ranks[1]}-D"
        )


def _by_shapes(spec: Callable[[str, tuple[Shape, ...]], Axes]) -> Callable[[Call], Axes]:
    """Return what gives the spec of a call, from its function's short name and the shapes of its operands."""
    known = lru_cache(1_000)(spec)

    def spec_of(call: Call) -> Axes:
        name = short_name(call.function)
        return known(_SPELT.get(name, name), call.shapes)

    return spec_of


@_by_shapes
def matmul_axes(name: str, shapes: tuple[Shape, ...]) -> Axes:
    """Return the spec of a matmul: dot, matrix-vector, vector-matrix, matrix-matrix or batched."""
    _check_ranks(name, shapes)
    left, right = (len(shape) for shape in shapes)
    if not left or not right:
        raise ShapeMismatch(
            "a matrix product needs at least one axis on both sides; a 0-d tensor is a scalar"
        )
    total = max(left, right) - 2
    rows: Labels = ("i",) if left > 1 else ()
    columns: Labels = ("j",) if right > 1 else ()
    first = (*align_right(max(left - 2, 0), total, "b"), *rows, "k")
    second = (*align_right(max(right - 2, 0), total, "b"), "k", *columns)
    batch = align_right(max(total, 0), max(total, 0), "b")
    rules = dict.fromkeys(batch, _BMM if name == "bmm" else _BATCH)
    strict = ["k", *batch] if name == "bmm" else ["k"]
    return Axes.solve((*batch, *rows, *columns), (first, second), shapes, strict, PAIRED, rules=rules)


@_by_shapes
def vector_axes(name: str, shapes: tuple[Shape, ...]) -> Axes:
    """Return the spec of a product of two vectors: `torch.dot` or `torch.outer`."""
    _check_ranks(name, shapes)
    if name == "outer":
        return Axes.solve(("i", "j"), (("i",), ("j",)), shapes)
    return Axes.solve((), (("k",), ("k",)), shapes, "k", PAIRED)


@_by_shapes
def linear_axes(_name: str, shapes: tuple[Shape, ...]) -> Axes:
    """Return the spec of `F.linear`: y = x Wᵀ + b, the weight stored (out, in), the bias broadcast."""
    if not shapes[0] or not 1 <= len(shapes[1]) <= 2:
        raise ShapeMismatch("a linear layer takes an input with at least one axis and a weight (out, in)")
    batch = tuple(f"b{axis}" for axis in range(len(shapes[0]) - 2))
    rows: Labels = ("i",) if len(shapes[0]) > 1 else ()
    out: Labels = ("j",) if len(shapes[1]) == 2 else ()
    operands: list[Labels] = [(*batch, *rows, "k"), (*out, "k")]
    output = (*batch, *rows, *out)
    if len(shapes) > 2:
        if len(shapes[2]) > len(output):
            raise ShapeMismatch("the bias has one entry for each output feature")
        operands.append(output[len(output) - len(shapes[2]) :])
    if len(shapes) > 2 and out and shapes[2] and shapes[2][-1] not in (1, shapes[1][0]):
        why = "the bias has one entry for each output feature, a row of the weight"
        last = len(shapes[2]) - 1
        raise ShapeMismatch(why, MismatchedAxis(1, 0, shapes[1][0]), MismatchedAxis(2, last, shapes[2][-1]))
    return Axes.solve(output, operands, shapes, "k", PAIRED)


def einsum_axes(call: Call) -> Axes:
    """Return the spec of an einsum equation."""
    equation = str(call["equation"]).replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    specs = inputs.split(",")
    if len(specs) != len(call.tensors):
        raise ShapeMismatch(f"the equation has {len(specs)} operands, the call {len(call.tensors)}")
    unnamed = [
        len(shape) - len(spec.replace("...", "")) for spec, shape in zip(specs, call.shapes, strict=True)
    ]
    dots = max((count for spec, count in zip(specs, unnamed, strict=True) if "..." in spec), default=0)
    operands = []
    for position, (spec, shape) in enumerate(zip(specs, call.shapes, strict=True)):
        labels = _einsum_labels(spec, unnamed[position], dots)
        if len(labels) != len(shape):
            rule = f"it has {len(shape)} axes, the equation gives it {len(labels)}: {spec}"
            raise ShapeMismatch(rule, at=position)
        _check_diagonal(position, labels, shape)
        operands.append(labels)
    if arrow:
        result = _einsum_labels(output, dots, dots)
    else:
        every = [label for labels in operands for label in labels]
        once = sorted(label for label in set(every) if every.count(label) == 1 and not label.startswith("."))
        result = (*(f".{d}" for d in range(dots)), *once)
    missing = set(result) - {label for labels in operands for label in labels}
    if missing or len(set(result)) < len(result):
        raise ShapeMismatch("each letter of the result stands there once, and in some operand")
    rule = "axes with the same letter must have the same size"
    return Axes.solve(result, operands, call.shapes, rule=rule)


def _check_diagonal(position: int, labels: Labels, shape: Shape) -> None:
    """Raise `ShapeMismatch` where a letter that occurs twice in an operand has two sizes, 1 or not."""
    first: dict[str, int] = {}
    for axis, label in enumerate(labels):
        known = first.setdefault(label, axis)
        if shape[known] != shape[axis]:
            ends = MismatchedAxis(position, known, shape[known]), MismatchedAxis(position, axis, shape[axis])
            raise ShapeMismatch(
                "a letter that stands twice means the diagonal: both axes have the same size", *ends
            )


def _einsum_labels(spec: str, own: int, total: int) -> Labels:
    before, dots, after = spec.partition("...")
    middle = tuple(f".{axis}" for axis in range(total - max(own, 0), total)) if dots else ()
    return (*before, *middle, *after)


_ADDED = {
    "addmm": ("ij", "ik", "kj"),
    "addmv": ("i", "ik", "k"),
    "addr": ("ij", "i", "j"),
    "baddbmm": ("bij", "bik", "bkj"),
    "addbmm": ("ij", "bik", "bkj"),
}


@_by_shapes
def added_axes(name: str, shapes: tuple[Shape, ...]) -> Axes:
    """Return the spec of a product that is added to `input`, such as `addmm` and `baddbmm`."""
    output, *factors = _ADDED[name]
    for place, (labels, shape) in enumerate(zip(factors, shapes[1:], strict=True), 1):
        if len(labels) != len(shape):
            raise ShapeMismatch(
                f"{name} multiplies a {len(factors[0])}-D and a {len(factors[1])}-D tensor", at=place
            )
    if len(shapes[0]) > len(output):
        raise ShapeMismatch(f"what {name} adds has at most {len(output)} axes", at=0)
    bias = output[len(output) - len(shapes[0]) :]
    operands = [(), *(tuple(labels) for labels in factors)]
    product = Axes.solve(tuple(output), operands, [(), *shapes[1:]], "bk", PAIRED)
    for axis, (label, size) in enumerate(zip(bias, shapes[0], strict=True)):
        if size not in (1, product.sizes[label]):
            rule = f"what is added has the shape of the product, {product.shape}, or is broadcast to it"
            raise ShapeMismatch(rule, MismatchedAxis(0, axis, size))
    return Axes(tuple(output), (tuple(bias), *product.operands[1:]), product.sizes, shapes)


def inner_axes(call: Call) -> Axes:
    """Return the spec of `torch.inner`: the last axes are summed over, the others make the result."""
    first, second = call.shapes
    if not first or not second:  # a number times a tensor
        whole = max(first, second, key=len)
        labels = align_right(len(whole), len(whole))
        return Axes.solve(labels, [labels if own else () for own in call.shapes], call.shapes)
    left = tuple(f"l{axis}" for axis in range(len(first) - 1))
    right = tuple(f"r{axis}" for axis in range(len(second) - 1))
    return Axes.solve((*left, *right), ((*left, "k"), (*right, "k")), call.shapes, "k", PAIRED)


def vecdot_axes(call: Call) -> Axes:
    """Return the spec of `torch.linalg.vecdot`: a dot product of the vectors along an axis."""
    rank = max(map(len, call.shapes))
    axis = rank + call["dim"] if call["dim"] < 0 else call["dim"]
    labels = align_right(rank, rank)
    operands = [labels[rank - len(shape) :] for shape in call.shapes]
    if not 0 <= axis < rank:
        raise ShapeMismatch(f"there is no axis {call['dim']} on either side")
    return Axes.solve(
        tuple(label for label in labels if label != labels[axis]), operands, call.shapes, rule=PAIRED
    )


def tensordot_axes(call: Call) -> Axes:
    """Return the spec of a tensordot: the axes named are summed over, those left make the result."""
    left, right = call.shapes
    dims = call["dims"]
    if isinstance(dims, int):
        if not 0 <= dims <= min(len(left), len(right)):
            raise ShapeMismatch(f"there are no {dims} axes on both sides")
        pairs = [(len(left) - dims + place, place) for place in range(dims)]
    else:
        first, second = dims
        ends = [[own] if isinstance(own, int) else list(own) for own in (first, second)]
        if len(ends[0]) != len(ends[1]):
            raise ShapeMismatch("as many axes of the one are summed over as of the other")
        pairs = [(one % len(left), other % len(right)) for one, other in zip(*ends, strict=True)]
    first_labels = [f"l{axis}" for axis in range(len(left))]
    second_labels = [f"r{axis}" for axis in range(len(right))]
    for number, (one, other) in enumerate(pairs):
        first_labels[one] = second_labels[other] = f"k{number}"
    output = [label for label in (*first_labels, *second_labels) if not label.startswith("k")]
    operands = (tuple(first_labels), tuple(second_labels))
    return Axes.solve(tuple(output), operands, call.shapes, rule=PAIRED)  # torch repeats an axis of size 1
