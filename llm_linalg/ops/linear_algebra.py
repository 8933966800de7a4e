"""Functions of whole matrices: determinants, inverses, factorizations, solutions of equations.

A cell of the result is computed from the whole matrix in its own place of the batch, and from no other. How
long a call takes grows with the cube of the matrix's sides; an entry says how many times as long as the cube.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isqrt, log2, prod
from typing import Any

import torch

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch, extent, pointwise
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call, Operation
from llm_linalg.ops.reads import AxesReads, OpaqueReads, Reads
from llm_linalg.ops.reduction import reduced_axes
from llm_linalg.ops.subnormals import has_small_numbers

Cores = Callable[[Call], Sequence[int]]
_BATCH = "the axes before the matrices count them: both sides have as many along each, or 1"
_FEW = 500  # numbers that are handled at once, however slow
_LARGEST = 1.7e308
_SMALL_NUMBERS = 54  # times as long as others a factorization of subnormal numbers takes
_TINY = 100  # elements that the call for one matrix of a batch takes as long as


@dataclass(frozen=True, eq=False)
class MatrixFunction(Operation):
    """A function of whole matrices, one for each place of the batch.

    Attributes:
        times: How many elements of a sum take as long as a part of the cube of a matrix's sides.
        beside: Likewise a part of their square, which is what small matrices take.
        square: The first operand's matrices have equal sides.
        factors: It returns factors of the matrix, which are square if it is asked for them.
        more_cells: The cells that it makes for each matrix besides those, if any.
        cores_for_call: The number of each operand's last axes that make up its matrix or vector, if not two.
        axes_for_call: The axes spec of what it reads, where its matrices may lie along any axes.
        turns: How often the cube is done, if not once.
    """

    times: float = 1.0
    beside: int = 20
    square: bool = False
    factors: bool = False
    more_cells: Callable[[Call], int] | None = None
    cores_for_call: Cores | None = None
    axes_for_call: Callable[[Call], Axes] | None = None
    turns: Callable[[Call], float] | None = None
    kind: str = "matrix"

    def cores(self, call: Call) -> Sequence[int]:
        """Return the number of each operand's last axes that its matrix or vector has."""
        return self.cores_for_call(call) if self.cores_for_call else [2] * len(call.tensors)

    def check(self, call: Call) -> None:
        """Raise `ShapeMismatch` where an operand holds no matrices, or none with equal sides."""
        for place, (shape, core) in enumerate(zip(call.shapes, self.cores(call), strict=True)):
            if len(shape) < core:
                raise ShapeMismatch(f"{self.name} takes a matrix: a tensor with at least two axes", at=place)
        shape = call.shapes[0]
        if self.square and shape[-1] != shape[-2]:
            last = len(shape) - 1
            ends = [MismatchedAxis(0, axis, shape[axis]) for axis in (last - 1, last)]
            raise ShapeMismatch(f"{self.name} takes matrices with as many rows as columns", *ends)

    def infer(self, call: Call) -> Shape | None:
        self.check(call)
        return None

    def batch(self, call: Call) -> Shape:
        """Return the sizes of the axes that count matrices."""
        pairs = zip(call.shapes, self.cores(call), strict=True)
        return pointwise([shape[: len(shape) - core] for shape, core in pairs], _BATCH).shape

    def peak(self, call: Call, shape: Shape | None) -> int:
        if self.peak_for_call:
            return self.peak_for_call(call)
        pairs = list(zip(call.shapes, self.cores(call), strict=True))
        whole = sum(extent(own[len(own) - core :]) for own, core in pairs)  # no cells have a norm too
        if self.factors:
            rows, columns = call.shapes[0][-2:]
            least = min(rows, columns)
            whole += rows * rows + columns * columns if _whole_factors(call) else (rows + columns) * least
        if self.more_cells:
            whole += self.more_cells(call)
        return extent(self.batch(call)) * whole

    def cost(self, call: Call, shape: Shape | None) -> int:
        """Return the work, in elements that take as long."""
        self.check(call)
        cube = self.work_for_call(call) if self.work_for_call else _cube(call)
        square = self.beside * max((prod(own[-2:]) for own in call.shapes), default=0)
        turns = self.turns(call) if self.turns else 1.0
        one = _TINY + ceil(turns * (self.times * cube + square))
        return extent(self.batch(call)) * one * _slow_by(call) + 2 * self.peak(call, shape)

    def multiplications(self, call: Call) -> int | None:
        return None

    def operand_reads(self, call: Call) -> tuple[Reads, ...]:
        if self.axes_for_call:
            return (AxesReads(self.axes_for_call(call), 0),)
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


def _slow_by(call: Call) -> int:
    large = extent(call.shapes[0]) if call.shapes else 0
    return _SMALL_NUMBERS if large > _FEW and has_small_numbers(call) else 1


def _whole_factors(call: Call) -> bool:
    """Return whether a factorization gives square factors, however long and narrow the matrix is."""
    if "mode" in call.arguments:
        return bool(call["mode"] == "complete")
    if "full_matrices" not in call.arguments:
        return False
    whole = call["full_matrices"]
    if call.function is torch.linalg.svd:
        return whole is not False
    return whole is False or call["some"] is False  # torch.svd asks whether some are enough


def _cube(call: Call) -> int:
    """Return the product of a matrix's sides and the shorter one, plus what it does to other operands."""
    rows, columns = call.shapes[0][-2:]
    beside = [prod(shape[-1:]) if len(shape) > 1 else 1 for shape in call.shapes[1:]]
    return rows * columns * (min(rows, columns) + sum(beside))


def _solved_cores(call: Call) -> Sequence[int]:
    """Return the cores of `solve(A, B)`, whose B may hold vectors."""
    first, second = call.shapes[:2]
    left = call.arguments.get("left", True)
    vectors = len(second) == 1 or (left and second == first[:-1] and len(second) == len(first) - 1)
    return [2, 1 if vectors else 2]


def _solution_cells(call: Call) -> int:
    """Return the cells of a solution X of A X = B, which may have more rows than B."""
    width = call.shapes[1][-1] if _solved_cores(call)[1] == 2 else 1
    return call.shapes[0][-1] * width


def _permutation_cells(call: Call) -> int:
    """Return the cells of the matrix that permutes the rows of another."""
    return call.shapes[0][-2] ** 2


def _one_rank_less(call: Call) -> Sequence[int]:
    """Return the cores of an operation on matrices and tolerances: a tolerance is one number a matrix."""
    return [2, *([0] * (len(call.tensors) - 1))]


def _householder_cores(call: Call) -> Sequence[int]:
    return [2, 1, 2][: len(call.tensors)]


def _powers(call: Call) -> float:
    """Return the products of a power, by squaring; a negative one inverts the matrix first."""
    n = abs(int(call["n"]))
    return 2.0 * n.bit_length() + 4


def _squarings(call: Call) -> float:
    """Return the products of a matrix's exponential: the larger its numbers, the more squarings."""
    with untraced():
        most = float(call.tensors[0].detach().abs().sum(-1).max()) if call.tensors[0].numel() else 0.0
    return 12.0 + max(0.0, log2(min(max(most, 1.0), _LARGEST)))


def _chain_work(call: Call) -> int:
    """Return the multiplications of a product of several matrices from left to right; torch needs no more."""
    shapes = [shape if len(shape) > 1 else (1, *shape) for shape in call.shapes]
    return sum(prod(shapes[0][:1]) * prod(shape[-2:]) for shape in shapes[1:]) + 1


def _chain_peak(call: Call) -> int:
    sides = [size for shape in call.shapes for size in shape]
    return max(sides, default=1) ** 2


def _kron_sides(call: Call) -> int:
    """Return the cube of a system of equations between tensors, seen as matrices."""
    whole = prod(call.shapes[0])
    return whole * (isqrt(whole) + 1)


def _norm_work(call: Call) -> int:
    """Return the work of a norm of matrices; one by singular values takes the cube of their sides."""
    cells = prod(call.shapes[0])
    return cells * max(call.shapes[0], default=1) if call["ord"] in (2, -2, "nuc") else cells


def _tensor_cores(call: Call) -> Sequence[int]:
    return [len(shape) for shape in call.shapes]


def _function(
    name: str, signature: str, in_language: str, times: float, beside: int, **more: Any
) -> MatrixFunction:
    homes = [word.partition(".") for word in in_language.split()]
    own = [f"torch.{_HOMES[home]}{other or name}" for home, _, other in homes]
    return MatrixFunction(
        name,
        signature,
        in_language=in_language,
        times=times,
        beside=beside,
        autograd=True,
        spellings=tuple(own),
        **more,
    )


_HOMES = {"torch": "", "Tensor": "Tensor.", "linalg": "linalg."}
_OUT = "*, out=None"
_INVERSE = {"input": "-{out}.mT @ {d} @ {out}.mT"}
MATRIX_FUNCTIONS: tuple[Operation, ...] = (
    _function("det", f"input, {_OUT}", "torch Tensor linalg", 0.2, 20, square=True),
    _function("slogdet", f"input, {_OUT}", "torch Tensor linalg", 0.2, 20, square=True),
    _function("logdet", "input", "torch Tensor", 0.2, 20, square=True),
    MatrixFunction(
        "inverse",
        f"input, {_OUT}",
        in_language="torch Tensor linalg.inv",
        spellings=("torch.linalg.inv",),
        gradient=_INVERSE,
        vjp_explanation="To move A by dA moves its inverse by -A⁻¹ dA A⁻¹, so the gradient is carried "
        "through the inverse on both sides.",
        square=True,
        times=0.25,
    ),
    _function("inv_ex", "input, *, check_errors=False, out=None", "linalg", 0.25, 20, square=True),
    _function(
        "pinv",
        "input, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None",
        "linalg torch.pinverse Tensor.pinverse",
        1.2,
        250,
        cores_for_call=_one_rank_less,
        factors=True,
    ),
    _function(
        "svd",
        "input, full_matrices=None, compute_uv=True, *, some=None, driver=None, out=None",
        "torch Tensor linalg",
        1.2,
        200,
        factors=True,
    ),
    _function("svdvals", "input, *, driver=None, out=None", "linalg", 0.5, 100),
    _function("eig", f"input, {_OUT}", "linalg", 2.5, 150, square=True, factors=True),
    _function("eigvals", f"input, {_OUT}", "linalg", 1.3, 100, square=True),
    _function("eigh", "input, UPLO='L', *, out=None", "linalg", 0.6, 90, square=True, factors=True),
    _function("eigvalsh", "input, UPLO='L', *, out=None", "linalg", 0.2, 60, square=True),
    _function("qr", "input, mode='reduced', *, out=None", "linalg", 0.2, 25, factors=True),
    _function("cholesky", "input, *, upper=False, out=None", "linalg", 0.06, 10, square=True),
    _function(
        "cholesky_ex", "input, *, upper=False, check_errors=False, out=None", "linalg", 0.06, 10, square=True
    ),
    _function("cholesky_inverse", "input, upper=False, *, out=None", "torch Tensor", 0.12, 12, square=True),
    _function("cholesky_solve", "input, input2, upper=False, *, out=None", "torch Tensor", 0.12, 12),
    _function(
        "lu",
        "input, pivot=True, get_infos=False, out=None",
        "linalg",
        0.1,
        20,
        factors=True,
        more_cells=_permutation_cells,
    ),
    _function("lu_factor", "input, *, pivot=True, out=None", "linalg", 0.1, 20),
    _function(
        "solve",
        "input, other, *, left=True, out=None",
        "linalg",
        0.2,
        20,
        square=True,
        cores_for_call=_solved_cores,
    ),
    _function(
        "solve_ex",
        "input, other, *, left=True, check_errors=False, out=None",
        "linalg",
        0.2,
        20,
        square=True,
        cores_for_call=_solved_cores,
    ),
    _function(
        "solve_triangular",
        "input, other, *, upper, left=True, unitriangular=False, out=None",
        "linalg",
        0.12,
        12,
        square=True,
    ),
    _function(
        "lstsq",
        "input, other, rcond=None, *, driver=None",
        "linalg",
        0.6,
        200,
        factors=True,
        more_cells=_solution_cells,
        cores_for_call=_solved_cores,
    ),
    _function(
        "matrix_rank",
        "input, tol=None, hermitian=False, *, atol=None, rtol=None, out=None",
        "linalg",
        0.5,
        100,
        cores_for_call=_one_rank_less,
    ),
    _function("cond", "input, p=None, *, out=None", "linalg", 0.6, 100),
    _function(
        "matrix_norm",
        "input, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None, out=None",
        "linalg",
        0.5,
        100,
        cores_for_call=_tensor_cores,
        axes_for_call=reduced_axes,
        work_for_call=_norm_work,
    ),
    _function(
        "matrix_power", "input, n, *, out=None", "torch Tensor linalg", 0.3, 3, square=True, turns=_powers
    ),
    _function("matrix_exp", "input", "torch Tensor linalg", 0.4, 10, square=True, turns=_squarings),
    _function(
        "multi_dot",
        "tensors, *, out=None",
        "linalg",
        0.1,
        10,
        cores_for_call=_tensor_cores,
        work_for_call=_chain_work,
        peak_for_call=_chain_peak,
    ),
    _function(
        "chain_matmul",
        "*matrices, out=None",
        "torch",
        0.1,
        10,
        cores_for_call=_tensor_cores,
        work_for_call=_chain_work,
        peak_for_call=_chain_peak,
    ),
    _function(
        "tensorinv",
        "input, ind=2, *, out=None",
        "linalg",
        0.4,
        20,
        cores_for_call=_tensor_cores,
        work_for_call=_kron_sides,
    ),
    _function(
        "tensorsolve",
        "input, other, dims=None, *, out=None",
        "linalg",
        0.3,
        20,
        cores_for_call=_tensor_cores,
        work_for_call=_kron_sides,
    ),
    _function(
        "householder_product",
        "input, tau, *, out=None",
        "linalg",
        0.12,
        12,
        cores_for_call=_householder_cores,
    ),
)
