"""`torch.nn.utils.rnn`: sequences of several lengths side by side, padded, or packed step by step.

Packing only moves rows: the first steps of all sequences, then the second ones, and so on. It is opened into
the selection of those rows, and unpacking into putting them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.iteration import take_items
from llm_linalg.language.run_function import RunFunction

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MOST_ROWS = 200_000  # steps of all sequences together, the padding included
MOST_SEQUENCES = 5_000
_STEPS = 40


def _lengths_of(run: Interpreter, lengths: Any) -> list[int]:
    """Return lengths that are given as a list or a tensor.

    Raises:
        RuntimeError: If one of them is none.
    """
    if isinstance(lengths, Tensor):
        with untraced():
            run.budget.step(lengths.nelement() // 4)
            found = lengths.tolist() if lengths.dim() == 1 and lengths.numel() <= MOST_SEQUENCES else []
    else:
        found = take_items(run, lengths, MOST_SEQUENCES)
    if not found or not all(isinstance(item, int) for item in found):
        raise RuntimeError("lengths are whole numbers, one for each sequence")
    if min(found) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element that is <= 0"
        )
    return found


def _hold(steps: int, sequences: int) -> None:
    if steps * sequences > MOST_ROWS:
        raise LimitError(f"{steps:,} steps of {sequences:,} sequences; {MOST_ROWS:,} in all are allowed")


def pack(
    run: Interpreter,
    input: Any,  # noqa: A002  as torch calls it
    lengths: Any,
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Do what `pack_padded_sequence` does."""
    if not isinstance(input, Tensor) or input.dim() < 2:
        raise TypeError("pack_padded_sequence takes a tensor of steps and sequences")
    wanted = _lengths_of(run, lengths)
    order: Tensor | None = None
    if not enforce_sorted:
        with untraced():
            order = torch.sort(torch.tensor(wanted), descending=True).indices
            places = order.tolist()
        wanted = [wanted[place] for place in places]
    steps = input.transpose(0, 1) if batch_first else input
    if len(wanted) != steps.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(wanted)} "
            f"(batch_size={steps.shape[1]})"
        )
    if wanted != sorted(wanted, reverse=True):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
            "requirement if you do not need ONNX exportability."
        )
    _hold(steps.shape[0], len(wanted))
    if wanted[0] > steps.shape[0]:
        raise RuntimeError(f"a sequence of {wanted[0]} steps in a tensor of {steps.shape[0]}")
    run.budget.step(_STEPS + sum(wanted))
    if order is not None:
        steps = steps.index_select(1, order)
    sizes = [sum(length > step for length in wanted) for step in range(wanted[0])]
    data = steps.flatten(0, 1).index_select(0, torch.tensor(_rows(sizes, steps.shape[1])))
    return _packed(data, sizes, order)


def _packed(data: Tensor, sizes: Sequence[int], order: Tensor | None) -> PackedSequence:
    make: Any = PackedSequence
    with untraced():
        inverse = None if order is None else torch.argsort(order)
        counts = torch.tensor(sizes)
    packed: PackedSequence = make(data, counts, order, inverse)
    return packed


def _rows(sizes: Sequence[int], sequences: int) -> list[int]:
    """Return the places of the rows of a packed sequence among those of the padded one."""
    return [step * sequences + place for step, size in enumerate(sizes) for place in range(size)]


def _sizes_of(packed: Any) -> list[int]:
    """Return how many sequences are left at each step, if that is what stands there still.

    Raises:
        RuntimeError: If a program has written something else there.
    """
    if not isinstance(packed, PackedSequence):
        raise TypeError(f"pad_packed_sequence takes a packed sequence, not {short_repr(packed)}")
    with untraced():
        rows, sizes = len(packed.data), packed.batch_sizes.tolist()
        order = packed.unsorted_indices
        fits = order is None or sorted(order.tolist()) == list(range(sizes[0] if sizes else 0))
    falling = all(first >= second for first, second in pairwise(sizes))
    if not sizes or sizes[-1] < 1 or not falling or sum(sizes) != rows or not fits:
        raise RuntimeError("the sizes of the packed sequence don't fit its data")
    return [int(size) for size in sizes]


def pad_packed(
    run: Interpreter,
    sequence: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: Any = None,
) -> tuple[Tensor, Tensor]:
    """Do what `pad_packed_sequence` does."""
    sizes = _sizes_of(sequence)
    steps = len(sizes) if total_length is None else total_length
    if not isinstance(steps, int) or steps < len(sizes):
        raise ValueError("total_length is at least the length of the longest sequence")
    _hold(steps, sizes[0])
    run.budget.step(_STEPS + sum(sizes))
    data = sequence.data
    rest = data.shape[1:]
    empty = data.new_full((steps * sizes[0], *rest), padding_value)
    placed = empty.index_copy(0, torch.tensor(_rows(sizes, sizes[0])), data)
    padded = placed.reshape(steps, sizes[0], *rest)
    with untraced():
        lengths = torch.tensor([sum(size > place for size in sizes) for place in range(sizes[0])])
        if sequence.unsorted_indices is not None:
            lengths = lengths[sequence.unsorted_indices]
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad(
    run: Interpreter,
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Do what `pad_sequence` does."""
    if padding_side not in ("left", "right"):
        raise RuntimeError("padding_side must be left or right")
    tensors = take_items(run, sequences, MOST_SEQUENCES)
    if not tensors or not all(isinstance(tensor, Tensor) and tensor.dim() for tensor in tensors):
        raise TypeError("pad_sequence takes a list of tensors, each of some steps")
    longest = max(len(tensor) for tensor in tensors)
    _hold(longest, len(tensors))
    padded = []
    for tensor in tensors:
        sides = [longest - len(tensor), 0] if padding_side == "left" else [0, longest - len(tensor)]
        around = [0, 0] * (tensor.dim() - 1) + sides
        padded.append(torch.nn.functional.pad(tensor, around, value=padding_value))
    return torch.stack(padded, 0 if batch_first else 1)


def pack_several(run: Interpreter, sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Do what `pack_sequence` does."""
    tensors = take_items(run, sequences, MOST_SEQUENCES)
    padded = pad(run, tensors)
    return pack(run, padded, [len(tensor) for tensor in tensors], enforce_sorted=enforce_sorted)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "pack_padded_sequence": pack,
    "pad_packed_sequence": pad_packed,
    "pad_sequence": pad,
    "pack_sequence": pack_several,
}
MEMBERS: Mapping[str, RunFunction] = {name: RunFunction(name, does) for name, does in _FUNCTIONS.items()}
"""Members of `torch.nn.utils.rnn`."""
ATTRIBUTES: Mapping[str, Callable[[Any], Any]] = {
    "data": lambda packed: packed.data,
    "batch_sizes": lambda packed: packed.batch_sizes,
    "sorted_indices": lambda packed: packed.sorted_indices,
    "unsorted_indices": lambda packed: packed.unsorted_indices,
}
"""The attributes of a packed sequence."""
