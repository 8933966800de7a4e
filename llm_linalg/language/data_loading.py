"""`torch.utils.data` over what is in memory: datasets, subsets, and loaders that give batches.

A loader draws the order of its items from the same generators as torch's, in the same order, so a program
gets the same batches. The batches of a `TensorDataset` are one index a tensor; those of a program's own
dataset are its items, stacked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arithmetic import MAX_ITEMS
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.classes.program_class import Instance
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

MAX_NESTING = 20  # lists in lists of one item
_IGNORED = frozenset(
    ["num_workers", "pin_memory", "persistent_workers", "prefetch_factor", "worker_init_fn", "timeout"]
)
"""Arguments that say how a loader works, and not what it gives."""


class TensorDataset:
    """What `TensorDataset(*tensors)` makes: item i is the i-th part of each tensor."""

    __slots__ = ("tensors",)

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors or not all(isinstance(tensor, Tensor) for tensor in tensors) or not tensors[0].dim():
            raise TypeError("TensorDataset takes tensors with an axis for the items")
        if any(not tensor.dim() or len(tensor) != len(tensors[0]) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, place: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[place] for tensor in self.tensors)


class Subset:
    """What `Subset(dataset, indices)` makes: some of a dataset's items."""

    __slots__ = ("dataset", "indices")

    dataset: Any

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        if len(indices) > MAX_ITEMS:
            raise LimitError(f"a subset of {len(indices):,} items; {MAX_ITEMS:,} are allowed")
        _check_dataset(dataset)
        depth, inner = 1, dataset
        while isinstance(inner, Subset):
            depth, inner = depth + 1, inner.dataset
        if depth > MAX_NESTING:
            raise LimitError(f"subsets of subsets, more than {MAX_NESTING} deep")
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Any:
        return self.dataset[self.indices[place]]


class DataLoader:
    """What `DataLoader(dataset, batch_size, shuffle)` makes.

    Raises:
        TypeError: If it gets an argument that loaders don't have here.
        ValueError: If a batch would have no items.
    """

    __slots__ = ("batch_size", "collate", "dataset", "drop_last", "generator", "run", "shuffle")

    def __init__(
        self,
        run: Interpreter,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = False,
        drop_last: bool = False,
        collate_fn: Any = None,
        generator: torch.Generator | None = None,
        **others: Any,
    ) -> None:
        unknown = others.keys() - _IGNORED
        if unknown:
            raise RefusalError(f"a DataLoader takes no {min(unknown)}= here")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size is a number of items from 1, not {short_repr(batch_size)}")
        _check_dataset(dataset)
        if shuffle and not len(dataset):
            raise ValueError("num_samples should be a positive integer value, but got num_samples=0")
        self.run = run
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.collate = collate_fn
        self.generator = generator

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def batches(self) -> Iterator[Any]:
        """Return an iterator over the batches of one pass; what torch draws when it begins is drawn now."""
        _draw(self.generator)  # torch seeds the workers with it, though there are none
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        batch: list[int] = []
        for place in self._places():
            batch.append(place)
            if len(batch) == self.batch_size:
                yield self._batch(batch)
                batch = []
        if batch and not self.drop_last:
            yield self._batch(batch)

    def _places(self) -> Iterator[int]:
        count = len(self.dataset)
        if not self.shuffle:
            yield from range(count)
            return
        if not count:
            raise ValueError("num_samples should be a positive integer value, but got num_samples=0")
        self.run.budget.step(count // 8)
        generator = self.generator
        if generator is None:
            generator = torch.Generator().manual_seed(_draw(None))
        yield from _permutation(count, generator)
        _permutation(count, generator)  # torch draws once more, and takes none of it

    def _batch(self, places: list[int]) -> Any:
        self.run.budget.step(2 * len(places))
        if self.collate is None:
            together = _take(self.dataset, places)
            if together is not None:
                return together
        items = [self.dataset[place] for place in places]
        return collate(items) if self.collate is None else self.run.call(self.collate, [items])


def _check_dataset(dataset: Any) -> None:
    kinds = Tensor, TensorDataset, Subset, list, tuple, range, str, Array, Instance
    if not isinstance(dataset, kinds) or isinstance(dataset, nn.Module):
        raise TypeError(f"a dataset has a length and items, which {short_repr(dataset)} has not")


def _draw(generator: torch.Generator | None) -> int:
    with untraced():
        return int(torch.empty((), dtype=torch.int64).random_(generator=generator).item())


def _permutation(count: int, generator: torch.Generator | None) -> list[int]:
    if count > MAX_ITEMS:
        raise LimitError(f"the order of {count:,} items; {MAX_ITEMS:,} are allowed")
    with untraced():
        places: list[int] = torch.randperm(count, generator=generator).tolist()
    return places


def _take(dataset: Any, places: list[int]) -> Any:
    """Return the batch of items whose places are given, if it can be taken at once; else None."""
    while isinstance(dataset, Subset):
        dataset, places = dataset.dataset, [dataset.indices[place] for place in places]
    if isinstance(dataset, TensorDataset):
        return [tensor[places] for tensor in dataset.tensors]
    return dataset[places] if isinstance(dataset, Tensor) and dataset.dim() else None


def collate(items: Sequence[Any], depth: int = 0) -> Any:
    """Do what `default_collate` does: tensors are stacked, numbers become tensors, tuples are taken apart.

    Raises:
        TypeError: If an item is of a kind that has no batch.
        RuntimeError: If items are of different lengths.
    """
    first = items[0]
    if depth > MAX_NESTING:
        raise LimitError(f"items in items, more than {MAX_NESTING} deep")
    if isinstance(first, Tensor):
        return torch.stack(list(items))
    if isinstance(first, Array):
        return torch.stack([item.tensor for item in items])
    if isinstance(first, float):
        return torch.tensor(items, dtype=torch.float64)
    if isinstance(first, int):
        return torch.tensor(items)
    if isinstance(first, str):
        return list(items)
    if isinstance(first, dict):
        return {key: collate([item[key] for item in items], depth + 1) for key in first}
    if isinstance(first, tuple | list):
        if any(len(item) != len(first) for item in items):
            raise RuntimeError("each element in list of batch should be of equal size")
        return [collate(parts, depth + 1) for parts in zip(*items, strict=True)]
    raise TypeError(f"items of type {type(first).__name__} have no batch: give tensors, numbers or tuples")


def random_split(
    run: Interpreter, dataset: Any, lengths: Sequence[float], generator: torch.Generator | None = None
) -> list[Subset]:
    """Do what `torch.utils.data.random_split` does.

    Raises:
        ValueError: If the lengths don't add up to the dataset's.
    """
    _check_dataset(dataset)
    count = len(dataset)
    counts = [int(length) for length in lengths]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = [math.floor(count * share) for share in lengths]
        for place in range(count - sum(counts)):
            counts[place % len(counts)] += 1
    if sum(counts) != count:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    run.budget.step(count // 8)
    order = _permutation(count, generator)
    ends = zip(counts, accumulate(counts), strict=True)
    return [Subset(dataset, order[end - size : end]) for size, end in ends]


DATASETS = TensorDataset | Subset
FUNCTIONS: Mapping[str, Any] = {
    "TensorDataset": RunFunction(
        "TensorDataset", lambda _run, *tensors: TensorDataset(*tensors), TensorDataset
    ),
    "Subset": RunFunction("Subset", lambda _run, dataset, indices: Subset(dataset, indices), Subset),
    "DataLoader": RunFunction("DataLoader", DataLoader, DataLoader),
    "random_split": RunFunction("random_split", random_split),
    "default_collate": collate,
}
"""What stands in `torch.utils.data`, beside `Dataset`."""
ATTRIBUTES: Mapping[type, Mapping[str, Callable[[Any], Any]]] = {
    TensorDataset: {"tensors": lambda dataset: dataset.tensors},
    Subset: {"dataset": lambda subset: subset.dataset, "indices": lambda subset: subset.indices},
    DataLoader: {
        "dataset": lambda loader: loader.dataset,
        "batch_size": lambda loader: loader.batch_size,
        "drop_last": lambda loader: loader.drop_last,
    },
}
"""What stands after their dots."""
# Where they are in torch, as their types are printed.
TensorDataset.__module__, DataLoader.__module__ = "torch.utils.data.dataset", "torch.utils.data.dataloader"
