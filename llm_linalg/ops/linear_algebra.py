"""Functions of whole matrices: determinants, inverses, factorizations, solutions of equations.

A cell of the result is computed from the whole matrix in its own place of the batch, and from no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.operation import Call, Operation, Price, operand_cells, output_cells
from llm_linalg.ops.reads import AxesReads, OpaqueReads, Reads

_BATCH = "the axes before the matrices count them: both sides have as many along each, or 1"


@dataclass(frozen=True, eq=False)
class MatrixFunction(Operation):
    """A function of whole matrices, one for each place of the batch.

    Attributes:
        square: The first operand's matrices have equal sides.
        cores: Returns how many of each operand's last axes make up its matrix, its vector or its number.
    """

    square: bool = False
    cores: Callable[[Call], Sequence[int]] = lambda call: [2] * len(call.tensors)
    kind: str = "matrix"

    def infer(self, call: Call) -> None:
        """Raise `ShapeMismatch` where an operand holds no matrices, or none with equal sides."""
        for place, (shape, core) in enumerate(zip(call.shapes, self.cores(call), strict=True)):
            if len(shape) < core:
                raise ShapeMismatch(f"{self.name} takes a matrix: a tensor with at least two axes", at=place)
        shape = call.shapes[0]
        if self.square and shape[-1] != shape[-2]:
            last = len(shape) - 1
            ends = [MismatchedAxis(0, axis, shape[axis]) for axis in (last - 1, last)]
            raise ShapeMismatch(f"{self.name} takes matrices with as many rows as columns", *ends)

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        """Return what a call takes, about: ten times the cube of a matrix's sides, where it is square."""
        cells = operand_cells(call)
        return Price(cells + output_cells(call, shape), 10 * cells * max(call.shapes[0][-2:]))

    def multiplications(self, call: Call) -> int | None:
        return None

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        cores = self.cores(call)
        rank = max(len(shape) - core for shape, core in zip(call.shapes, cores, strict=True))
        if len(call.shape) < rank:  # lstsq's rank of no matrix at all
            return tuple(OpaqueReads(call.shape, shape) for shape in call.shapes)
        counted = [f"b{axis}" for axis in range(rank)]
        own = [f"o{axis}" for axis in range(len(call.shape) - rank)]
        operands = []
        for place, (shape, core) in enumerate(zip(call.shapes, cores, strict=True)):
            outer = len(shape) - core
            operands.append((*counted[rank - outer :], *(f"k{place}{axis}" for axis in range(core))))
        given = dict(zip(own, call.shape[rank:], strict=True))
        axes = Axes.solve((*counted, *own), operands, call.shapes, rule=_BATCH, given=given)
        return tuple(AxesReads(axes, place) for place in range(len(call.tensors)))


def _solved_cores(call: Call) -> Sequence[int]:
    """Return the cores of `solve(A, B)`, whose B may hold vectors."""
    first, second = call.shapes[:2]
    return [2, 1 if len(second) == 1 or second == first[:-1] else 2]


def _numbers_beside(call: Call) -> Sequence[int]:
    """Return the cores of a function of matrices and tolerances: a tolerance is one number a matrix."""
    return [2, *([0] * (len(call.tensors) - 1))]


def _function(name: str, signature: str, *spellings: str, **more: Any) -> MatrixFunction:
    return MatrixFunction(name, signature, spellings=(f"torch.linalg.{name}", *spellings), **more)


_OUT = "*, out=None"
_INVERSE = {"input": "-{out}.mT @ {d} @ {out}.mT"}
MATRIX_FUNCTIONS: tuple[Operation, ...] = (
    *(_function(name, f"input, {_OUT}", square=True) for name in ("det", "slogdet", "eig", "eigvals")),
    _function("logdet", "input", square=True),
    MatrixFunction(
        "inverse",
        f"input, {_OUT}",
        spellings=("torch.linalg.inv",),
        gradient=_INVERSE,
        vjp_explanation="To move A by dA moves its inverse by -A⁻¹ dA A⁻¹, so the gradient is carried "
        "through the inverse on both sides.",
        square=True,
    ),
    _function(
        "pinv",
        "input, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None",
        "torch.pinverse",
        "torch.Tensor.pinverse",
        cores=_numbers_beside,
    ),
    _function("svd", "input, full_matrices=None, compute_uv=True, *, some=None, driver=None, out=None"),
    _function("svdvals", "input, *, driver=None, out=None"),
    *(_function(name, "input, UPLO='L', *, out=None", square=True) for name in ("eigh", "eigvalsh")),
    _function("qr", "input, mode='reduced', *, out=None"),
    _function("cholesky", "input, *, upper=False, out=None", square=True),
    _function("cholesky_ex", "input, *, upper=False, check_errors=False, out=None", square=True),
    _function("cholesky_inverse", "input, upper=False, *, out=None", square=True),
    _function("cholesky_solve", "input, input2, upper=False, *, out=None"),
    _function("lu", "input, pivot=True, get_infos=False, out=None"),
    _function("lu_factor", "input, *, pivot=True, out=None"),
    _function("solve", "input, other, *, left=True, out=None", square=True, cores=_solved_cores),
    _function(
        "solve_triangular", "input, other, *, upper, left=True, unitriangular=False, out=None", square=True
    ),
    _function("lstsq", "input, other, rcond=None, *, driver=None", cores=_solved_cores),
    _function(
        "matrix_rank",
        "input, tol=None, hermitian=False, *, atol=None, rtol=None, out=None",
        cores=_numbers_beside,
    ),
    _function("cond", "input, p=None, *, out=None"),
    _function("matrix_power", "input, n, *, out=None", square=True),
    _function("matrix_exp", "input", square=True),
    _function("multi_dot", "tensors, *, out=None", cores=lambda call: [*map(len, call.shapes)]),
)
