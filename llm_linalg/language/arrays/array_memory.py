"""Whether two arrays lie in the same memory, as NumPy tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import as_array
from llm_linalg.language.refusal import RefusalError
from llm_linalg.recording.write_log import StorageView, storage_numel


def _in_one_storage(a: Any, b: Any) -> tuple[Tensor, Tensor] | None:
    """Return the cells of two arrays if both lie in one storage, and neither is empty."""
    arrays = as_array(a), as_array(b)
    if any(array.turned is not None for array in arrays):
        raise RefusalError("an array that was turned around and then reshaped is a copy here")
    first, second = (array.cells for array in arrays)
    with untraced():
        same = first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
        return (first, second) if same and first.numel() and second.numel() else None


def shares_memory(a: Any, b: Any) -> bool:
    """Do what `np.shares_memory` does: whether a cell of the one is a cell of the other."""
    both = _in_one_storage(a, b)
    if both is None:
        return False
    with untraced():
        first, second = (StorageView.of(cells).visible_mask(storage_numel(cells)) for cells in both)
        return bool((first & second).any())


def may_share_memory(a: Any, b: Any) -> bool:
    """Do what `np.may_share_memory` does: whether the stretches of memory overlap in which they lie."""
    both = _in_one_storage(a, b)
    if both is None:
        return False
    with untraced():
        (first, first_end), (second, second_end) = map(_stretch, both)
    return first < second_end and second < first_end


def _stretch(cells: Tensor) -> tuple[int, int]:
    """Return where a tensor begins and ends in its storage, in elements."""
    start = int(cells.storage_offset())
    last = sum((size - 1) * step for size, step in zip(cells.shape, cells.stride(), strict=True))
    return start, start + last + 1


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "shares_memory": shares_memory,
    "may_share_memory": may_share_memory,
}
