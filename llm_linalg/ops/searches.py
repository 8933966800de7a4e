"""Counts and searches: what is read off all cells of a tensor, or of a row of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch
from llm_linalg.ops.operation import NO_DERIVATIVE, Call, Operation, Price, operand_cells
from llm_linalg.ops.reads import AxesReads, IndexReads, InverseIndexReads, Reads


@dataclass(frozen=True, eq=False)
class Search(Operation):
    """An operation whose cells are counted or looked for among the cells of an operand.

    Attributes:
        among: The parameter that is searched.
        along: Returns how many of its last axes are: those before them count rows, each searched by itself.
        single: The parameter of which each cell of the result reads the one in its own place; or empty.
        weights: The parameter of which each count reads the cells that stand at its number; or empty.
    """

    among: str = field(kw_only=True)
    along: Callable[[Call], int] = lambda call: max(map(len, call.shapes))
    single: str = ""
    weights: str = ""
    kind: str = "search"

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        own = tuple([f"o{axis}" for axis in range(len(call.shape))])
        operands = []
        for place, shape in enumerate(call.shapes):
            rows = max(len(shape) - self.along(call), 0)
            whole = (*own[:rows], *[f"k{place}{axis}" for axis in range(len(shape) - rows)])
            operands.append(own if place == call.place(self.single) else whole)
        given = dict(zip(own, call.shape, strict=True))
        axes = Axes.solve(own, operands, call.shapes, given=given)
        reads: list[Reads] = [AxesReads(axes, place) for place in range(len(operands))]
        weights = call.place(self.weights)
        if weights is not None:
            goes = call.tensor(self.among) + 1
            reads[weights] = InverseIndexReads(IndexReads(goes, call.shape))
        return tuple(reads)


def _counts(call: Call) -> Shape:
    """Return the shape of a bincount, which has a cell for each number up to the largest."""
    numbers = call.tensor("input")
    if numbers.is_floating_point() or numbers.dim() != 1:
        raise ShapeMismatch("bincount counts whole numbers in a vector", at=0)
    return (max(int(numbers.max()) + 1 if numbers.numel() else 0, int(call["minlength"])),)


def _places(call: Call) -> Price:
    """Return what the places of cells take: an index along each axis, for all cells at most."""
    return Price(operand_cells(call) * max(len(call.shapes[0]), 1))


def _drawn(call: Call) -> Shape:
    return (*call.shapes[0][:-1], int(call["num_samples"]))


def _one_axis(_: Call) -> int:
    return 1


def _sorted_axes(call: Call) -> int:
    """Return how many axes of a sorted sequence are searched: one of several rows has one for each row."""
    return len(call.tensor("sorted_sequence").shape[-1:])


PLACES = Search("nonzero", "condition", among="condition", price_for_call=_places, depends_on_cells=True)
"""`torch.where` of a condition alone: the places where it holds, a vector for each axis."""
_IN_ORDER = "right=False, side=None, out=None, sorter=None"
SEARCHES: tuple[Operation, ...] = (
    Search(
        "bincount",
        "input, weights=None, minlength=0",
        among="input",
        weights="weights",
        rule=_counts,
        gradient={"weights": NO_DERIVATIVE},
        depends_on_cells=True,
    ),
    Search("histc", "input, bins=100, min=0, max=0, *, out=None", among="input", gradient={"input": ""}),
    Search(
        "histogram",
        "input, bins=100, *, range=None, weight=None, density=False, out=None",
        among="input",
        gradient={"input": NO_DERIVATIVE, "weight": NO_DERIVATIVE},
    ),
    *(
        Search(name, signature, among="input", price_for_call=_places, depends_on_cells=True)
        for name, signature in (
            ("argwhere", "input"),
            ("nonzero", "input, *, out=None, as_tuple=False"),
            ("unique", "input, sorted=True, return_inverse=False, return_counts=False, dim=None"),
            ("unique_consecutive", "input, return_inverse=False, return_counts=False, dim=None"),
        )
    ),
    Search(
        "isin",
        "elements, test_elements, *, assume_unique=False, invert=False",
        among="test_elements",
        single="elements",
    ),
    Search(
        "searchsorted",
        f"sorted_sequence, input, *, out_int32=False, {_IN_ORDER}",
        among="sorted_sequence",
        along=_sorted_axes,
        single="input",
    ),
    Search(
        "bucketize",
        "input, boundaries, *, out_int32=False, right=False, out=None",
        among="boundaries",
        single="input",
    ),
    Search(
        "multinomial",
        "input, num_samples, replacement=False, *, generator=None, out=None",
        among="input",
        along=_one_axis,
        rule=_drawn,
        gradient={"input": ""},
    ),
)
