"""A tensor's memory, as programs look at it: `x.data_ptr()`, `x.storage()`, `x.untyped_storage()`.

Two tensors have one storage here if they have one in torch, and cells are as far apart. Where it lies differs
in each run of Python's, so the addresses are stand-ins, the same in every run, as those of `id` are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

_MOST_NUMBERS = 20_000  # as many as a text shows of tensors
_FIRST_ADDRESS, _ALIGNMENT = 0x7E0000000000, 64  # apart from those of `id`
_SAME = "storages are told apart by a.storage().data_ptr() == b.storage().data_ptr()"


class TensorStorage:
    """The memory of a tensor, as `x.storage()` or `x.untyped_storage()` gives it.

    Attributes:
        tensor: Its cells, in a tensor that shares it.
        address: What stands for its address.
        is_typed: Whether its cells are numbers of the tensor, and not bytes.
    """

    __slots__ = ("address", "is_typed", "tensor")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tensor: Tensor, address: int, *, is_typed: bool) -> None:
        self.tensor, self.address, self.is_typed = tensor, address, is_typed

    def __len__(self) -> int:
        with untraced():
            return self.tensor.numel()

    def __eq__(self, other: object) -> bool:
        raise RefusalError(_SAME)

    def __getitem__(self, place: Any) -> Any:
        with untraced():
            return self.tensor[self._checked(place)].item()

    def __setitem__(self, place: Any, value: Any) -> None:
        if not self.is_typed or not isinstance(value, bool | int | float):
            raise RefusalError("a number is written into x.storage() here, at one place")
        self.tensor[self._checked(place)] = value

    def _checked(self, place: Any) -> int:
        if place.__class__ is not int:
            kind = "TypedStorage" if self.is_typed else "UntypedStorage"
            failure = TypeError if place.__class__ is bool else RuntimeError
            raise failure(f"can't index a <class 'torch.storage.{kind}'> with {type(place)}")
        if not -len(self) <= place < len(self):
            raise IndexError(f"index {place} out of range for storage of size {len(self)}")
        return place

    def numbers(self) -> list[Any]:
        """Return what it holds.

        Raises:
            LimitError: If that is too much for a list.
        """
        if len(self) > _MOST_NUMBERS:
            raise LimitError(f"a storage of {len(self):,} numbers; {_MOST_NUMBERS:,} are allowed")
        with untraced():
            found: list[Any] = self.tensor.tolist()
            return found

    def __repr__(self) -> str:
        lines = "\n ".join(map(str, self.numbers()))
        about = f"dtype={self.tensor.dtype}, device=cpu" if self.is_typed else "device=cpu"
        kind = "TypedStorage" if self.is_typed else "UntypedStorage"
        return f" {lines}\n[torch.storage.{kind}({about}) of size {len(self)}]"


class StorageTable:
    """The storages of a run that the program has looked at, and the addresses that it was told."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Tensor, TensorStorage]] = {}  # by address; held, so that it stays theirs
        self._next = _FIRST_ADDRESS

    def storage_of(self, tensor: Tensor) -> TensorStorage:
        """Return a tensor's storage as bytes: the same for all tensors that share it."""
        with untraced():
            memory = tensor.untyped_storage()
            key = memory.data_ptr() or id(memory)
            if key not in self._known:
                held = tensor.detach()
                made = TensorStorage(_flat(held, torch.uint8), self._next, is_typed=False)
                self._next += -(-max(memory.nbytes(), 1) // _ALIGNMENT) * _ALIGNMENT
                self._known[key] = held, made
            return self._known[key][1]


def _flat(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.empty(0, dtype=dtype).set_(tensor.untyped_storage())


def _data_ptr(run: Any, tensor: Tensor) -> int:
    """Do what `x.data_ptr()` does: return what stands for the address of its first cell."""
    run.budget.charge_query()
    with untraced():
        if not tensor.numel():
            return 0
        start = int(tensor.storage_offset()) * tensor.element_size()
    return int(run.storages.storage_of(tensor).address) + start


def _storage(run: Any, tensor: Tensor) -> TensorStorage:
    run.budget.charge_query()
    address = run.storages.storage_of(tensor).address
    with untraced():
        flat = _flat(tensor, tensor.dtype)
    run.recorder.label(flat, "storage", "storage")
    return TensorStorage(flat, address, is_typed=True)


def _untyped_storage(run: Any, tensor: Tensor) -> Any:
    run.budget.charge_query()
    return run.storages.storage_of(tensor)


def _numbers(run: Any, storage: TensorStorage) -> list[Any]:
    run.budget.charge_list(len(storage))
    return storage.numbers()


def _bytes(storage: TensorStorage) -> int:
    with untraced():
        return storage.tensor.nbytes


OF_TENSORS: Mapping[str, RunFunction] = {
    "data_ptr": RunFunction("data_ptr", _data_ptr),
    "storage": RunFunction("storage", _storage),
    "untyped_storage": RunFunction("untyped_storage", _untyped_storage),
}
"""The methods of a tensor by which a program looks at its memory."""
METHODS: Mapping[str, Callable[..., Any] | RunFunction] = {
    "data_ptr": lambda storage: storage.address if len(storage) else 0,
    "nbytes": _bytes,
    "size": len,
    "element_size": lambda storage: storage.tensor.element_size(),
    "tolist": RunFunction("tolist", _numbers),
}
"""Those of a storage."""
ATTRIBUTES: Mapping[str, Callable[[TensorStorage], Any]] = {
    "device": lambda storage: storage.tensor.device,
    "dtype": lambda storage: storage.tensor.dtype,
}
"""Its attributes."""
