"""What the values of a tensor are, as far as a picture depends on it: numbers, probabilities, in order."""

from __future__ import annotations

import torch

from llm_linalg.recording.record_node import Value

TOLERANCE = 1e-3  # by which the probabilities of a row may miss 1: half precision has three digits


def is_numeric(value: Value) -> bool:
    """Return whether the cells are real numbers, and not truth values."""
    return not value.is_complex() and value.dtype != torch.bool


def is_distribution(value: Value) -> bool:
    """Return whether each row along the last axis holds probabilities: none negative, with the sum 1."""
    if not value.is_floating_point() or not value.dim() or not value.numel():
        return False
    first = value.detach()[(0,) * (value.dim() - 1)].double()
    if not abs(float(first.sum()) - 1) <= TOLERANCE:  # which spares most large tensors
        return False
    rows = value.detach().double()
    return bool((rows >= 0).all() and ((rows.sum(-1) - 1).abs() <= TOLERANCE).all())


def largest(value: Value) -> float:
    """Return the largest magnitude among the finite cells; 0 if there is none."""
    sizes = value.detach().double().abs()
    sizes = sizes[sizes.isfinite()]
    return float(sizes.max()) if sizes.numel() else 0.0
