"""Products of arrays, and `np.linalg`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from llm_linalg.language.arrays.array import Array, as_array, as_floats
from llm_linalg.language.arrays.array_operands import flat, tensors_of


def dot(a: Any, b: Any) -> Array:
    """Do what `np.dot` does."""
    first, second = tensors_of([a, b])
    if not first.dim() or not second.dim():
        return Array(first * second)
    if second.dim() > 2:  # the last axis of the first against the last but one of the second
        return Array(torch.tensordot(first, second, dims=([-1], [-2])))
    return Array(torch.matmul(first, second))


def inner(a: Any, b: Any) -> Array:
    """Do what `np.inner` does: the last axes are multiplied."""
    return Array(torch.inner(*tensors_of([a, b])))


def outer(a: Any, b: Any) -> Array:
    """Do what `np.outer` does."""
    first, second = tensors_of([a, b])
    return Array(torch.outer(flat(first), flat(second)))


def einsum(subscripts: str, *given: Any) -> Array:
    """Do what `np.einsum` does."""
    if not isinstance(subscripts, str):
        raise TypeError('np.einsum begins with its subscripts: "ij,jk->ik"')
    return Array(torch.einsum(subscripts, *tensors_of(given)))


def kron(a: Any, b: Any) -> Array:
    """Do what `np.kron` does."""
    return Array(torch.kron(*tensors_of([a, b])))


def cross(a: Any, b: Any) -> Array:
    """Do what `np.cross` does."""
    return Array(torch.linalg.cross(*tensors_of([a, b])))


def cov(m: Any) -> Array:
    """Do what `np.cov` does: a row is a variable."""
    tensor = as_array(m).tensor
    return Array(torch.cov(as_floats(tensor)))


def corrcoef(x: Any) -> Array:
    """Do what `np.corrcoef` does: a row is a variable."""
    tensor = as_array(x).tensor
    return Array(torch.corrcoef(as_floats(tensor)))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:  # noqa: A002 - NumPy's name
    """Do what `np.linalg.norm` does."""
    tensor = as_array(x).tensor
    return Array(torch.linalg.norm(as_floats(tensor), ord, axis, keepdims))


def of_matrix(function: Callable[..., Any], count: int = 1) -> Callable[..., Any]:
    """Return NumPy's form of a torch function of matrices of floats that has so many results."""

    def apply(a: Any, *given: Any) -> Any:
        tensors = [as_floats(each) for each in tensors_of([a, *given])]
        found = function(*tensors)
        return Array(found) if count == 1 else tuple(Array(each) for each in found)

    return apply


def matrix_power(a: Any, n: int) -> Array:
    """Do what `np.linalg.matrix_power` does."""
    return Array(torch.linalg.matrix_power(as_array(a).tensor, n))


LINALG: Mapping[str, Callable[..., Any]] = {
    "norm": norm, "inv": of_matrix(torch.linalg.inv), "pinv": of_matrix(torch.linalg.pinv),
    "det": of_matrix(torch.linalg.det), "solve": of_matrix(torch.linalg.solve),
    "matrix_rank": of_matrix(torch.linalg.matrix_rank), "cholesky": of_matrix(torch.linalg.cholesky),
    "eigh": of_matrix(torch.linalg.eigh, 2), "eigvalsh": of_matrix(torch.linalg.eigvalsh),
    "qr": of_matrix(torch.linalg.qr, 2), "matrix_power": matrix_power,
    "svd": of_matrix(torch.linalg.svd, 3),
}  # fmt: skip
"""The functions of `np.linalg`."""


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        dot,
        inner,
        outer,
        einsum,
        kron,
        cross,
        cov,
        corrcoef,
    )
}
"""Those that `np` has under their own names."""
