"""Types of tensors, such as `torch.LongTensor`, and the facts that torch tells of types and tensors.

All of it is for the CPU, where a type of tensor is no more than a dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array import Array, tensor_data, tensor_of
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.storages import TensorStorage

MOST_SIZES = 100
_FLOAT = torch.float32


@dataclass(frozen=True, slots=True, repr=False)
class TensorType:
    """A type of tensors of one dtype; called with sizes or lists it makes one.

    Attributes:
        name: Its name, as in `torch.LongTensor`.
        dtype: What its cells are.
    """

    name: str
    dtype: torch.dtype

    @property
    def kind(self) -> type:
        """Torch's own type, which tells by `isinstance` what is one."""
        kind: type = _KINDS[self.name]
        return kind

    def __repr__(self) -> str:
        return f"<class 'torch.{self.name}'>"

    def __call__(self, *data: Any) -> Tensor:
        """Return a tensor of lists, an array, another tensor, or sizes; its cells are then 0 in every run.

        Raises:
            TypeError: If it gets something else.
        """
        if len(data) == 1 and (isinstance(data[0], Array) or _has_arrays(data[0])):
            return as_tensor(data[0], self.dtype)
        if len(data) == 1 and isinstance(data[0], list | tuple) and not isinstance(data[0], torch.Size):
            return torch.tensor(data[0], dtype=self.dtype)
        if len(data) == 1 and isinstance(data[0], Tensor):
            return self._same(data[0])
        if len(data) == 1 and isinstance(data[0], TensorStorage):
            return self._over(data[0])
        sizes = data[0] if len(data) == 1 and isinstance(data[0], torch.Size) else data
        if not all(type(size) is int for size in sizes):
            raise TypeError(f"torch.{self.name} takes lists or sizes, not {short_repr(data)}")
        return torch.zeros(tuple(sizes) or (0,), dtype=self.dtype)

    def _over(self, storage: TensorStorage) -> Tensor:
        """Return a tensor with one axis that shares all of a storage."""
        if not storage.is_typed:
            raise RefusalError(f"torch.{self.name} takes the storage that x.storage() gives")
        if storage.tensor.dtype is not self.dtype:
            wanted, given = (str(kind).removeprefix("torch.") for kind in (self.dtype, storage.tensor.dtype))
            raise RuntimeError(f"Expected a Storage of type {wanted}, but got type {given}")
        return storage.tensor.detach()

    def _same(self, tensor: Tensor) -> Tensor:
        if tensor.dtype is not self.dtype:
            kinds = f"{tensor.dtype} and {self.dtype}"
            raise TypeError(f"torch.{self.name} takes a tensor of its own dtype: {kinds} differ")
        return tensor.detach()


_OF_DTYPES = {
    "FloatTensor": torch.float32,
    "DoubleTensor": torch.float64,
    "HalfTensor": torch.float16,
    "BFloat16Tensor": torch.bfloat16,
    "LongTensor": torch.int64,
    "IntTensor": torch.int32,
    "ShortTensor": torch.int16,
    "CharTensor": torch.int8,
    "ByteTensor": torch.uint8,
    "BoolTensor": torch.bool,
}
TYPES: Mapping[str, TensorType] = {
    "Tensor": TensorType("Tensor", _FLOAT),
    **{name: TensorType(name, dtype) for name, dtype in _OF_DTYPES.items()},
}
MOST_STEPS = 2**25
_KINDS: Mapping[str, Any] = {
    "Tensor": Tensor,
    "FloatTensor": torch.FloatTensor,
    "DoubleTensor": torch.DoubleTensor,
    "HalfTensor": torch.HalfTensor,
    "BFloat16Tensor": torch.BFloat16Tensor,
    "LongTensor": torch.LongTensor,
    "IntTensor": torch.IntTensor,
    "ShortTensor": torch.ShortTensor,
    "CharTensor": torch.CharTensor,
    "ByteTensor": torch.ByteTensor,
    "BoolTensor": torch.BoolTensor,
}
_NAMES = {dtype: f"torch.{name}" for name, dtype in _OF_DTYPES.items()}
_DTYPES = {f"torch.{name}": kind.dtype for name, kind in TYPES.items()}


def type_of(tensor: Tensor, kind: Any = None) -> Any:
    """Do what `tensor.type()` does: return the name of its type, or the tensor as another type.

    Raises:
        TypeError: If the type is none of a tensor on the CPU.
    """
    if kind is None:
        return _NAMES.get(tensor.dtype, f"torch.{str(tensor.dtype).removeprefix('torch.')}Tensor")
    if isinstance(kind, TensorType):
        kind = kind.dtype
    dtype = _DTYPES.get(kind) if isinstance(kind, str) else kind
    if not isinstance(dtype, torch.dtype):
        raise TypeError(
            f"a tensor's type is a dtype or a type such as torch.LongTensor, not {short_repr(kind)}"
        )
    return tensor.to(dtype)


def as_tensor(data: Any, dtype: torch.dtype | None = None, copy: bool | None = None) -> Tensor:
    """Do what `torch.as_tensor` does: return a tensor as it is, unless it is to have another dtype.

    An array of that dtype shares its memory with the tensor.
    """
    data = tensor_of(data) if isinstance(data, Array) else tensor_data(data)
    if not isinstance(data, Tensor):
        return torch.tensor(data, dtype=dtype)
    tensor: Tensor = data.clone() if copy else data
    return tensor if dtype is None or dtype is tensor.dtype else tensor.to(dtype)


def _has_arrays(data: Any) -> bool:
    return isinstance(data, list | tuple) and any(isinstance(item, Array) for item in data)


def closed_range(
    start: float, end: float | None = None, step: float = 1, dtype: torch.dtype | None = None
) -> Tensor:
    """Do what `torch.range` does: an arange that has its end too; torch lets nobody watch its own.

    Raises:
        LimitError: If it would be too long.
        ValueError: If the step doesn't lead from the start to the end.
    """
    start, end = (0, start) if end is None else (start, end)
    if not step or (end - start) / step < 0:
        raise ValueError("a range needs a step that leads from its start to its end")
    steps = (end - start) / step
    if not steps < MOST_STEPS:
        raise LimitError(f"a range of more than {MOST_STEPS:,} numbers")
    whole = start + (int(steps) + 0.5) * step
    return torch.arange(start, whole, step, dtype=dtype or torch.float32)


def float_limits(dtype: torch.dtype = torch.float32) -> torch.finfo:
    """Do what `torch.finfo` does."""
    return torch.finfo(dtype)


def whole_limits(dtype: torch.dtype) -> torch.iinfo:
    """Do what `torch.iinfo` does."""
    return torch.iinfo(dtype)


def broadcast_shapes(*shapes: Any) -> torch.Size:
    """Do what `torch.broadcast_shapes` does.

    Raises:
        LimitError: If a shape has too many axes.
        RuntimeError: If the shapes don't fit.
    """
    result: list[int] = []
    for given in shapes:
        shape = (given,) if isinstance(given, int) else tuple(given)
        if len(shape) > MOST_SIZES or not all(type(size) is int for size in shape):
            raise LimitError(f"a shape has at most {MOST_SIZES} whole numbers")
        result = [1] * (len(shape) - len(result)) + result
        gap = len(result) - len(shape)
        for axis, size in enumerate(shape, gap):
            if size != 1 and result[axis] not in (1, size):
                raise RuntimeError(f"shapes match from the right, or are 1: {result[axis]} is not {size}")
            result[axis] = size if size != 1 else result[axis]
    return torch.Size(result)


def is_nonzero(tensor: Tensor) -> bool:
    """Do what `torch.is_nonzero` does, which a tensor of one cell answers."""
    return bool(tensor)


def _fact(read: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    def fact(tensor: Tensor) -> Any:
        with untraced():
            return read(tensor)

    return fact


ATTRIBUTES: Mapping[str, Callable[[Any], Any]] = {
    "H": lambda x: x.H,
    "mH": lambda x: x.mH,
    "real": lambda x: x.real,
    "imag": lambda x: x.imag,
    "nbytes": _fact(lambda x: x.nbytes),
    "itemsize": _fact(lambda x: x.itemsize),
    "layout": _fact(lambda x: x.layout),
    "is_sparse": _fact(lambda x: x.is_sparse),
    "is_meta": _fact(lambda x: x.is_meta),
    "is_quantized": _fact(lambda x: x.is_quantized),
    "is_cpu": _fact(lambda x: x.is_cpu),
}
LIMITS: Mapping[str, Callable[[Any], Any]] = {
    "min": lambda limits: limits.min,
    "max": lambda limits: limits.max,
    "bits": lambda limits: limits.bits,
    "dtype": lambda limits: limits.dtype,
    "eps": lambda limits: limits.eps,
    "tiny": lambda limits: limits.tiny,
    "smallest_normal": lambda limits: limits.smallest_normal,
    "resolution": lambda limits: limits.resolution,
}
"""What `torch.finfo` and `torch.iinfo` tell; only the first has the last four."""
OF_DTYPES: Mapping[str, Callable[[torch.dtype], Any]] = {
    "itemsize": lambda dtype: dtype.itemsize,
    "is_floating_point": lambda dtype: dtype.is_floating_point,
    "is_complex": lambda dtype: dtype.is_complex,
    "is_signed": lambda dtype: dtype.is_signed,
}
"""What a dtype tells."""
METHODS: Mapping[str, Callable[..., Any]] = {
    "type": type_of,
    "new_empty": Tensor.new_zeros,  # torch leaves its cells undefined; here every run is the same
    "is_nonzero": is_nonzero,
}
MEMBERS: Mapping[str, Any] = {
    **TYPES,
    "as_tensor": as_tensor,
    "asarray": as_tensor,
    "finfo": float_limits,
    "iinfo": whole_limits,
    "broadcast_shapes": broadcast_shapes,
    "range": closed_range,
    "is_nonzero": is_nonzero,
    "e": torch.e,
    "newaxis": None,
    "strided": torch.strided,
    "contiguous_format": torch.contiguous_format,
    "preserve_format": torch.preserve_format,
    "__version__": str(torch.__version__),
}
"""Members of `torch` that are no operations."""
