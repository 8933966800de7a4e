"""Functions of whole matrices: determinants, inverses, factorizations, solutions of equations.

A cell of the result is computed from the whole matrix in its own place of the batch, and from no other. How
long a call takes grows with the cube of the matrix's sides; an entry says how many times as long as the cube.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import Any

import torch

from llm_linalg.base.axes import Axes, Shape, ShapeMismatch, extent, pointwise
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.operation import Call, Operation, Work, operand_cells
from llm_linalg.ops.reads import AxesReads, OpaqueReads, Reads
from llm_linalg.ops.reduction import reduced_axes

Cores = Callable[[Call], Sequence[int]]
_BATCH = "the axes before the matrices count them: both sides have as many along each, or 1"


@dataclass(frozen=True, eq=False)
class MatrixFunction(Operation):
    """A function of whole matrices, one for each place of the batch.

    Attributes:
        times: How many multiplications take as long as one part of the cube of a matrix's sides.
        square: The first operand's matrices have equal sides.
        factors: It returns factors of the matrix, which are square if it is asked for them.
        more_cells: The cells that it makes for each matrix besides those, if any.
        cores_for_call: The number of each operand's last axes that make up its matrix or vector, if not two.
        axes_for_call: The axes spec of what it reads, where its matrices may lie along any axes.
    """

    times: int = 10
    square: bool = False
    factors: bool = False
    more_cells: Callable[[Call], int] | None = None
    cores_for_call: Cores | None = None
    axes_for_call: Callable[[Call], Axes] | None = None
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

    def own_work(self, call: Call, shape: Shape | None) -> Work:
        self.check(call)
        pairs = list(zip(call.shapes, self.cores(call), strict=True))
        whole = sum(extent(own[len(own) - core :]) for own, core in pairs)  # no cells have a norm too
        if self.factors:
            rows, columns = call.shapes[0][-2:]
            least = min(rows, columns)
            whole += rows * rows + columns * columns if _whole_factors(call) else (rows + columns) * least
        if self.more_cells:
            whole += self.more_cells(call)
        batch = extent(self.batch(call))
        return Work(batch * whole, batch * self.times * _cube(call))

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


def _power_work(call: Call) -> Work:
    """Return what a power takes, by squaring; a negative one inverts the matrix first."""
    cells = prod(call.shapes[0])
    return Work(cells, (2 * abs(int(call["n"])).bit_length() + 8) * cells * call.shapes[0][-1])


def _chain_work(call: Call) -> Work:
    """Return what a product of several matrices takes from left to right; torch needs no more."""
    shapes = [shape if len(shape) > 1 else (1, *shape) for shape in call.shapes]
    products = sum(prod(shapes[0][:1]) * prod(shape[-2:]) for shape in shapes[1:])
    return Work(max([size for shape in call.shapes for size in shape], default=1) ** 2, products)


def _tensor_work(call: Call) -> Work:
    """Return what a system of equations between tensors takes, seen as matrices."""
    whole = prod(call.shapes[0])
    return Work(operand_cells(call), 10 * whole * (isqrt(whole) + 1))


def _norm_work(call: Call) -> Work:
    """Return what a norm of matrices takes; one by singular values takes the cube of their sides."""
    cells = extent(call.shapes[0])  # no cells have a norm too
    is_spectral = call["ord"] in (2, -2, "nuc")
    return Work(cells, 20 * cells * max(call.shapes[0], default=1) if is_spectral else cells)


def _tensor_cores(call: Call) -> Sequence[int]:
    return [len(shape) for shape in call.shapes]


def _function(name: str, signature: str, homes: str, times: int = 10, **more: Any) -> MatrixFunction:
    """Return the entry of a function at some of torch's homes; `home.other` is another name for it."""
    words = [word.partition(".") for word in homes.split()]
    own = [f"torch.{_HOMES[home]}{other or name}" for home, _, other in words]
    return MatrixFunction(name, signature, times=times, autograd=True, spellings=tuple(own), **more)


_HOMES = {"torch": "", "Tensor": "Tensor.", "linalg": "linalg."}
_OUT = "*, out=None"
_INVERSE = {"input": "-{out}.mT @ {d} @ {out}.mT"}
MATRIX_FUNCTIONS: tuple[Operation, ...] = (
    _function("det", f"input, {_OUT}", "torch Tensor linalg", square=True),
    _function("slogdet", f"input, {_OUT}", "torch Tensor linalg", square=True),
    _function("logdet", "input", "torch Tensor", square=True),
    MatrixFunction(
        "inverse",
        f"input, {_OUT}",
        spellings=("torch.linalg.inv",),
        gradient=_INVERSE,
        vjp_explanation="To move A by dA moves its inverse by -A⁻¹ dA A⁻¹, so the gradient is carried "
        "through the inverse on both sides.",
        square=True,
    ),
    _function("inv_ex", "input, *, check_errors=False, out=None", "linalg", square=True),
    _function(
        "pinv",
        "input, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None",
        "linalg torch.pinverse Tensor.pinverse",
        60,
        cores_for_call=_one_rank_less,
        factors=True,
    ),
    _function(
        "svd",
        "input, full_matrices=None, compute_uv=True, *, some=None, driver=None, out=None",
        "torch Tensor linalg",
        60,
        factors=True,
    ),
    _function("svdvals", "input, *, driver=None, out=None", "linalg", 25),
    _function("eig", f"input, {_OUT}", "linalg", 125, square=True, factors=True),
    _function("eigvals", f"input, {_OUT}", "linalg", 65, square=True),
    _function("eigh", "input, UPLO='L', *, out=None", "linalg", 30, square=True, factors=True),
    _function("eigvalsh", "input, UPLO='L', *, out=None", "linalg", square=True),
    _function("qr", "input, mode='reduced', *, out=None", "linalg", factors=True),
    _function("cholesky", "input, *, upper=False, out=None", "linalg", square=True),
    _function("cholesky_ex", "input, *, upper=False, check_errors=False, out=None", "linalg", square=True),
    _function("cholesky_inverse", "input, upper=False, *, out=None", "torch Tensor", square=True),
    _function("cholesky_solve", "input, input2, upper=False, *, out=None", "torch Tensor"),
    _function(
        "lu",
        "input, pivot=True, get_infos=False, out=None",
        "linalg",
        factors=True,
        more_cells=_permutation_cells,
    ),
    _function("lu_factor", "input, *, pivot=True, out=None", "linalg"),
    _function(
        "solve", "input, other, *, left=True, out=None", "linalg", square=True, cores_for_call=_solved_cores
    ),
    _function(
        "solve_ex",
        "input, other, *, left=True, check_errors=False, out=None",
        "linalg",
        square=True,
        cores_for_call=_solved_cores,
    ),
    _function(
        "solve_triangular",
        "input, other, *, upper, left=True, unitriangular=False, out=None",
        "linalg",
        square=True,
    ),
    _function(
        "lstsq",
        "input, other, rcond=None, *, driver=None",
        "linalg",
        30,
        factors=True,
        more_cells=_solution_cells,
        cores_for_call=_solved_cores,
    ),
    _function(
        "matrix_rank",
        "input, tol=None, hermitian=False, *, atol=None, rtol=None, out=None",
        "linalg",
        25,
        cores_for_call=_one_rank_less,
    ),
    _function("cond", "input, p=None, *, out=None", "linalg", 30),
    _function(
        "matrix_norm",
        "input, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None, out=None",
        "linalg",
        25,
        cores_for_call=_tensor_cores,
        axes_for_call=reduced_axes,
        price=_norm_work,
    ),
    _function("matrix_power", "input, n, *, out=None", "torch Tensor linalg", square=True, price=_power_work),
    _function("matrix_exp", "input", "torch Tensor linalg", 400, square=True),
    _function("multi_dot", "tensors, *, out=None", "linalg", cores_for_call=_tensor_cores, price=_chain_work),
    _function(
        "chain_matmul", "*matrices, out=None", "torch", cores_for_call=_tensor_cores, price=_chain_work
    ),
    _function(
        "tensorinv", "input, ind=2, *, out=None", "linalg", cores_for_call=_tensor_cores, price=_tensor_work
    ),
    _function(
        "tensorsolve",
        "input, other, dims=None, *, out=None",
        "linalg",
        cores_for_call=_tensor_cores,
        price=_tensor_work,
    ),
    _function("householder_product", "input, tau, *, out=None", "linalg", cores_for_call=_householder_cores),
)
