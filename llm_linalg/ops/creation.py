"""Creation of tensors from plain arguments, and look-ups in an embedding table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch, align_right, pointwise
from llm_linalg.ops.fallback import covered, fallback
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.movement_gradients import embedding_vjp
from llm_linalg.ops.movement_shapes import shape_by_torch
from llm_linalg.ops.operation import NO_DERIVATIVE, Call, Operation, operand_names
from llm_linalg.ops.randomness import draw
from llm_linalg.ops.reads import AxesReads, IndexReads, Reads, reads_nothing


@dataclass(frozen=True, eq=False)
class Creation(Operation):
    """A tensor made from plain arguments; an operand is a number among those, or provides only a shape."""

    kind: str = "creation"

    def infer(self, call: Call) -> Shape | None:
        match self.name:
            case "tensor" | "new_tensor" | "as_tensor":
                data = call["data"]
                return tuple(data.shape) if isinstance(data, Tensor) else list_shape(data)
            case "eye":
                n, m = call["n"], call["m"]
                return (int(n), int(n if m is None else m))
            case "linspace" | "logspace":
                return (int(call["steps"]),)
            case "arange" | "randperm":
                return shape_by_torch(replace(call, kwargs={**call.kwargs, "device": "meta"}))
            case "tril_indices" | "triu_indices":
                return (2, _triangle(call))
            case "scalar_tensor":
                return ()
        if "window_length" in call.arguments:
            return (int(call["window_length"]),)
        if "size" in call.arguments:
            size = (
                call["size"] if call["size"] is not None else call["bounds"][-1]
            )  # randint's may stand last
            return tuple(int(length) for length in ([size] if isinstance(size, int) else size))
        return call.shapes[0]

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        sources, numbers = _sources(call)
        return tuple(
            IndexReads(sources, shape, numbers.index(place))
            if place in numbers
            else reads_nothing(call.shape, shape)
            for place, shape in enumerate(call.shapes)
        )

    def cotangents(self, call: Call) -> Mapping[str, str]:
        return dict.fromkeys(operand_names(call).values(), "")  # of a number alone torch keeps no history


def _sources(call: Call) -> tuple[Tensor, Sequence[int]]:
    """Return where among the operands that are numbers each cell comes from, 0 for nowhere, and those."""
    data, numbers = call.arguments.get("data"), call.places.get("data", ())
    if isinstance(data, Tensor):
        return torch.arange(1, data.numel() + 1).reshape(call.shape), numbers
    if numbers:
        is_operand = torch.tensor([isinstance(item, Tensor) for item in _items(data)])
        return (is_operand.cumsum(0) * is_operand).reshape(call.shape), numbers
    return torch.ones((), dtype=torch.int64).expand(call.shape), call.places.get("fill_value", ())


def _items(data: Any) -> Iterator[Any]:
    """Yield what stands in nested lists, one after another."""
    if isinstance(data, list | tuple):
        for item in data:
            yield from _items(item)
    else:
        yield data


def list_shape(data: Any) -> Shape:
    """Return the shape of nested lists, judged by the first items; torch refuses ragged ones."""
    shape = []
    while isinstance(data, list | tuple):
        shape.append(len(data))
        data = data[0] if data else None
    return tuple(shape)


def _triangle(call: Call) -> int:
    """Return the number of cells of a matrix on one side of a diagonal."""
    rows, columns, offset = (int(call[name]) for name in ("row", "col", "offset"))
    if min(rows, columns) < 0:
        raise ShapeMismatch("a matrix has 0 rows and columns or more")
    is_lower = call.operation.name == "tril_indices"
    start = offset + is_lower  # the cells before the diagonal in line 0, if it is so far right
    below = _ramp(rows + start, columns) - _ramp(start, columns)
    return below if is_lower else rows * columns - below


def _ramp(stop: int, most: int) -> int:
    """Return the sum of 0, 1, 2 … below a number, of which each counts as `most` if it is larger."""
    stop = max(stop, 0)
    rising = min(stop, most)
    return rising * (rising - 1) // 2 + (stop - rising) * most


def _embedding_shape(call: Call) -> Shape:
    if len(call.shapes[1]) != 2:
        raise ShapeMismatch("an embedding table is a matrix: one row for each entry of the vocabulary")
    return (*call.shapes[0], call.shapes[1][1])


def _embedding_reads(call: Call) -> tuple[Reads, ...]:
    """Return the reads of an embedding: of each token, and of the row that it selects."""
    tokens, table = call.shapes
    labels = tuple(f"b{axis}" for axis in range(len(tokens)))
    axes = Axes.solve((*labels, "d"), (labels,), (tokens,), given={"d": table[1]})
    numbers = torch.arange(1, table[0] * table[1] + 1).reshape(table)
    return AxesReads(axes, 0), IndexReads(numbers[call.tensors[0].long()], table)


@dataclass(frozen=True, eq=False)
class OneHot(Operation):
    """one_hot: a row of zeros with a 1 at the position given by the cell."""

    kind: str = "pointwise"

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        return covered(self, arguments, ["input"])

    def axes(self, call: Call) -> Axes:
        tokens = call.tensor("input")
        labels = align_right(tokens.dim(), tokens.dim())
        classes = int(call["num_classes"])
        if classes < 0 and not tokens.numel():
            raise ShapeMismatch("of no tokens, one_hot needs to be told num_classes", at=0)
        if classes < 0:
            classes = int(tokens.max()) + 1
        return Axes.solve((*labels, "d"), (labels,), call.shapes, given={"d": classes})


@dataclass(frozen=True, eq=False)
class Draw(Operation):
    """Random numbers, each around a number of the operands: their mean, their chance."""

    sized: Operation | None = None  # the same drawn around plain numbers, in a shape that is given
    evidence: str = "rule"

    def axes(self, call: Call) -> Axes:
        return pointwise(call.shapes)

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        plain = not any(isinstance(value, Tensor) for value in arguments.values())
        return self.sized if self.sized and (plain or arguments.get("p") is not None) else self


def _of_tensor(arguments: Mapping[str, Any]) -> Operation | None:
    """Return what measures `as_tensor` of a tensor: it is a cast, or nothing."""
    return fallback("as_tensor", _AS_TENSOR) if isinstance(arguments["data"], Tensor) else None


_AS_TENSOR = "data, dtype=None, device=None"
_ANY = (torch.zeros(()),)
_KINDS = "dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False"
_SIZED = f"*size, generator=None, out=None, {_KINDS}"
_LIKE = f"input, *, memory_format=None, {_KINDS}"
# Each cell draws as many numbers as it needs, so what it draws depends on the cells before it.
_NORMAL = f"mean, std=1.0, size=None, *, generator=None, out=None, {_KINDS}"
_CHANCE = "input, p=None, *, generator=None, out=None"
CREATIONS: tuple[Operation, ...] = (
    *(Creation(name, _SIZED) for name in ("randn", "rand")),
    *(Creation(name, _SIZED) for name in ("ones", "zeros")),
    Creation("empty", f"{_SIZED}, memory_format=None"),
    Creation("full", f"size, fill_value, *, out=None, {_KINDS}"),
    Creation("randint", f"*bounds, low=0, high=None, size=None, generator=None, out=None, {_KINDS}"),
    Creation("randperm", f"n, *, generator=None, out=None, {_KINDS}"),
    Creation("eye", f"n, m=None, *, out=None, {_KINDS}"),
    Creation("arange", f"*bounds, start=None, end=None, step=None, out=None, {_KINDS}"),
    Creation("linspace", f"start, end, steps, *, out=None, {_KINDS}"),
    Creation("draw", "numbers, size, dtype", functions=(draw,)),
    Creation("tensor", f"data, *, {_KINDS}"),
    Creation("as_tensor", _AS_TENSOR, other_for=_of_tensor),
    Creation("scalar_tensor", f"value, *, {_KINDS}"),
    *(Creation(name, _LIKE) for name in ("rand_like", "randn_like")),
    *(Creation(name, _LIKE) for name in ("ones_like", "zeros_like", "empty_like")),
    *(Creation(name, f"input, *size, {_KINDS}") for name in ("new_zeros", "new_ones", "new_empty")),
    Creation("new_full", f"input, size, fill_value, *, {_KINDS}"),
    Creation("new_tensor", f"input, data, *, {_KINDS}"),
    Creation("randint_like", f"input, *bounds, {_LIKE.partition('*, ')[2]}"),
    Creation("logspace", f"start, end, steps, base=10.0, *, out=None, {_KINDS}"),
    *(Creation(name, f"row, col, offset=0, *, {_KINDS}") for name in ("tril_indices", "triu_indices")),
    *(
        Creation(f"{name}_window", f"window_length, periodic=True, {more}*, {_KINDS}")
        for name, more in (
            ("hann", ""),
            ("bartlett", ""),
            ("blackman", ""),
            ("hamming", "alpha=0.54, beta=0.46, "),
            ("kaiser", "beta=12.0, "),
        )
    ),
    Creation("full_like", f"input, fill_value, *, memory_format=None, {_KINDS}"),
    Movement(
        "embedding",
        "input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, "
        "sparse=False",
        spellings=("torch.nn.functional.embedding",),
        data=("weight",),
        rule=_embedding_shape,
        reads_for_call=_embedding_reads,
        vjp_for_call=embedding_vjp,
        scatters_back=False,
        vjp_explanation="A look-up is a one-hot row times the table, so the gradient is those rows "
        "transposed times {d}: it arrives at the rows that were looked up, added up where one was twice.",
    ),
    OneHot("one_hot", "input, num_classes=-1", depends_on_cells=True),
)
DRAWS: tuple[Operation, ...] = (
    Draw("normal", _NORMAL, sized=Creation("normal", _NORMAL), gradient={"mean": "", "std": ""}),
    Draw("bernoulli", _CHANCE, sized=Creation("bernoulli", _CHANCE), gradient={"input": ""}),
    Operation("poisson", "input, generator=None", evidence="opaque", gradient={"input": ""}),
    Operation(
        "binomial",
        "count, prob, generator=None",
        evidence="opaque",
        gradient={"count": NO_DERIVATIVE, "prob": NO_DERIVATIVE},
    ),
)
