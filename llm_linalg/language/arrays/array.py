"""NumPy's array: a tensor of this program with NumPy's rules of dtypes, items and text.

What is done to an array is done to its tensor by torch, so each step is a node like any other, and an array
shares its memory with the tensors that it was made from, or that are made from it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays.array_dtypes import dtype_of, floating, promoted, promoted_with_number
from llm_linalg.language.arrays.array_text import repr_of, text_of
from llm_linalg.language.refusal import RefusalError
from llm_linalg.recording.recorder import is_recording

Number = bool | int | float
_NUMBERS = (bool, int, float)
_COMPARISONS = frozenset([operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
_SHAPES: frozenset[Any] = frozenset([tuple, list])
_PLACES = frozenset([slice, int])
_NEGATIVE = "tensors with negative strides are not currently supported: write torch.from_numpy(a.copy())"
_COPIED = (
    "an array that was turned around and then reshaped is a copy here: take the array, or a .copy() of it"
)
MAX_NESTING = 32  # brackets in brackets; no array has as many axes


class Array:
    """An array.

    Torch has no view whose cells stand backwards, as those of `a[::-1]` do. Such an array has a turned copy
    of the cells, which follows them when it is asked for, and is turned back when it is written. What is made
    of that copy without a copy, such as `a[::-1].reshape(2, 3)`, follows it likewise, and can't be written.

    Args:
        tensor: A tensor that holds the cells.
        flips: The axes along which the array goes through them backwards.

    Attributes:
        cells: That tensor.
        flips: Those axes.
        turned: The array that goes backwards of whose copy it is a part; None for most.
    """

    __slots__ = ("_seen", "_turned", "cells", "flips", "turned")

    def __init__(self, tensor: Tensor, flips: tuple[int, ...] = ()) -> None:
        dtype_of(tensor.dtype)
        self.cells, self.flips = tensor, flips
        self.turned = _turned_array(tensor)
        if flips:
            self._turned = tensor.flip(flips)
            self._turned.turned_for = self  # type: ignore[attr-defined]
            self._seen = _version(tensor)

    @property
    def tensor(self) -> Tensor:
        """A tensor with its cells in its order."""
        if self.turned is not None:
            self.turned.follow()
        if not self.flips:
            return self.cells
        return self.follow()

    def follow(self) -> Tensor:
        """Return the turned copy, after it has been given what the cells hold now."""
        if _version(self.cells) != self._seen:
            found = self.cells.flip(self.flips)
            if not is_recording():  # it is only looked at
                return found
            self._turned.copy_(found)
            self._seen = _version(self.cells)
        return self._turned

    @contextmanager
    def writing(self) -> Iterator[Tensor]:
        """Give a tensor to write into, as what is written reaches the array.

        Raises:
            RefusalError: If it would reach a copy.
        """
        tensor = self.tensor
        if self.turned is not None:
            raise RefusalError(_COPIED)
        yield tensor
        if self.flips:
            self.cells.copy_(tensor.flip(self.flips))
            self._seen = _version(self.cells)

    def permuted(self, order: Sequence[int]) -> Array:
        """Return a view with its axes in another order."""
        if not self.flips:
            return Array(self.cells.permute(*order))
        axes = [axis % self.cells.dim() for axis in order]
        return Array(self.cells.permute(*order), tuple(axes.index(axis) for axis in self.flips))

    def __hash__(self) -> int:
        if self.tensor.dim():
            raise TypeError("unhashable type: 'numpy.ndarray'")
        return hash(self.tensor.item())

    # Text and numbers

    def __str__(self) -> str:
        with untraced():
            return text_of(self.tensor)

    def __repr__(self) -> str:
        with untraced():
            return repr_of(self.tensor)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self.tensor.dim():
            raise TypeError("a format such as :.2f is for a number, not for a whole array")
        return format(self.item(), spec)

    def item(self) -> Any:
        """Return the only number, as one of Python's."""
        return self.tensor.item()

    def __float__(self) -> float:
        return float(self._only_number())

    def __int__(self) -> int:
        return int(self._only_number())

    def __index__(self) -> int:
        if self.tensor.dim() or self.tensor.dtype.is_floating_point or self.tensor.dtype is torch.bool:
            raise TypeError("only a whole number without axes can be used as an index")
        return int(self.tensor.item())

    def _only_number(self) -> Any:
        if self.tensor.numel() != 1:
            raise TypeError("only an array of one cell can be made a number of Python's")
        return self.tensor.item()

    def __bool__(self) -> bool:
        with untraced():
            cells = self.tensor.numel()
        if cells != 1:
            raise ValueError("an array of several cells is neither true nor false: write a.any() or a.all()")
        return bool(self.tensor.item())

    # Items

    def __len__(self) -> int:
        if not self.tensor.dim():
            raise TypeError("a number has no length")
        return int(self.tensor.shape[0])

    def __iter__(self) -> Iterator[Array]:
        return iter(self.rows())

    def rows(self) -> list[Array]:
        """Return its items along the first axis."""
        if not self.tensor.dim():
            raise TypeError("a number has no items to go through")
        if self.flips and self.tensor.dim() > 1:
            return [self[place] for place in range(len(self))]
        whole = self.tensor.clone() if self.tensor.dim() == 1 else self.tensor  # of which numbers are no part
        return [Array(row) for row in whole.unbind(0)]

    def __getitem__(self, key: Any) -> Array:
        key = tensor_key(key)
        if self.flips or _goes_backwards(key):
            return self._turned_view(key)
        found = self.cells[key]
        is_number = not found.dim() and not any(part is ... for part in _parts(key))
        return Array(found.clone() if is_number else found)  # NumPy's numbers are no part of the array

    def __setitem__(self, key: Any, value: Any) -> None:
        key = tensor_key(key)
        if _goes_backwards(key):
            self._turned_view(key)[...] = value
            return
        if not isinstance(value, _NUMBERS):
            value = cast(as_array(value).tensor, self.cells.dtype)
        with self.writing() as tensor:
            tensor[key] = value

    def _turned_view(self, key: Any) -> Array:
        """Return `a[key]`, where the array or a slice of the key goes backwards.

        Raises:
            TypeError: If such a slice stands beside an array.
        """
        parts = _parts(key)
        if not all(part is None or part is ... or part.__class__ in _PLACES for part in parts):
            if _goes_backwards(key):
                raise RefusalError("a slice that goes backwards stands beside numbers and slices alone")
            return Array(self.tensor[key])  # a copy, as in NumPy
        new: list[Any] = []
        flips: list[int] = []
        axis = kept = 0
        for part in _whole_key(parts, self.cells.dim()):
            if part is None:
                new.append(None)
                kept += 1
                continue
            size, back = self.cells.shape[axis], axis in self.flips
            axis += 1
            if isinstance(part, slice):
                places = range(size)[::-1][part] if back else range(size)[part]
                if places.step < 0 and len(places) > 0:
                    flips.append(kept)
                    places = places[::-1]
                new.append(slice(places.start, places.stop, places.step) if len(places) else slice(0, 0))
                kept += 1
            else:
                new.append(-1 - part if back else part)
        is_whole = all(part == slice(0, size, 1) for part, size in zip(new, self.cells.shape, strict=False))
        found = self.cells if is_whole and len(new) == axis else self.cells[tuple(new)]
        if not found.dim() and ... not in parts:
            return Array(found.clone())
        return Array(found, tuple(flips))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).tensor.any().item())

    # Operators

    def __add__(self, other: Any) -> Array | Tensor:
        return operate(operator.add, self, other)

    def __radd__(self, other: Any) -> Array | Tensor:
        return operate(operator.add, other, self)

    def __sub__(self, other: Any) -> Array | Tensor:
        return operate(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Array | Tensor:
        return operate(operator.sub, other, self)

    def __mul__(self, other: Any) -> Array | Tensor:
        return operate(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Array | Tensor:
        return operate(operator.mul, other, self)

    def __truediv__(self, other: Any) -> Array | Tensor:
        return operate(operator.truediv, self, other, in_floats=True)

    def __rtruediv__(self, other: Any) -> Array | Tensor:
        return operate(operator.truediv, other, self, in_floats=True)

    def __floordiv__(self, other: Any) -> Array | Tensor:
        return operate(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Any) -> Array | Tensor:
        return operate(operator.floordiv, other, self)

    def __mod__(self, other: Any) -> Array | Tensor:
        return operate(operator.mod, self, other)

    def __rmod__(self, other: Any) -> Array | Tensor:
        return operate(operator.mod, other, self)

    def __pow__(self, other: Any) -> Array | Tensor:
        return operate(operator.pow, self, other)

    def __rpow__(self, other: Any) -> Array | Tensor:
        return operate(operator.pow, other, self)

    def __matmul__(self, other: Any) -> Array | Tensor:
        return operate(operator.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Array | Tensor:
        return operate(operator.matmul, other, self)

    def __and__(self, other: Any) -> Array | Tensor:
        return operate(operator.and_, self, other)

    def __rand__(self, other: Any) -> Array | Tensor:
        return operate(operator.and_, other, self)

    def __or__(self, other: Any) -> Array | Tensor:
        return operate(operator.or_, self, other)

    def __ror__(self, other: Any) -> Array | Tensor:
        return operate(operator.or_, other, self)

    def __xor__(self, other: Any) -> Array | Tensor:
        return operate(operator.xor, self, other)

    def __rxor__(self, other: Any) -> Array | Tensor:
        return operate(operator.xor, other, self)

    def __eq__(self, other: object) -> Array | Tensor:  # type: ignore[override]
        return operate(operator.eq, self, other)

    def __ne__(self, other: object) -> Array | Tensor:  # type: ignore[override]
        return operate(operator.ne, self, other)

    def __lt__(self, other: Any) -> Array | Tensor:
        return operate(operator.lt, self, other)

    def __le__(self, other: Any) -> Array | Tensor:
        return operate(operator.le, self, other)

    def __gt__(self, other: Any) -> Array | Tensor:
        return operate(operator.gt, self, other)

    def __ge__(self, other: Any) -> Array | Tensor:
        return operate(operator.ge, self, other)

    def __neg__(self) -> Array:
        return Array(-self.tensor)

    def __pos__(self) -> Array:
        return self

    def __abs__(self) -> Array:
        return Array(self.tensor.abs())

    def __invert__(self) -> Array:
        return Array(~self.tensor)

    def __iadd__(self, other: Any) -> Array:
        return self._in_place("+", operator.add, operator.iadd, other)

    def __isub__(self, other: Any) -> Array:
        return self._in_place("-", operator.sub, operator.isub, other)

    def __imul__(self, other: Any) -> Array:
        return self._in_place("*", operator.mul, operator.imul, other)

    def __itruediv__(self, other: Any) -> Array:
        return self._in_place("/", operator.truediv, operator.itruediv, other)

    def __ifloordiv__(self, other: Any) -> Array:
        return self._in_place("//", operator.floordiv, operator.ifloordiv, other)

    def __imod__(self, other: Any) -> Array:
        return self._in_place("%", operator.mod, operator.imod, other)

    def __ipow__(self, other: Any) -> Array:
        return self._in_place("**", operator.pow, operator.ipow, other)

    def __iand__(self, other: Any) -> Array:
        return self._in_place("&", operator.and_, operator.iand, other)

    def __ior__(self, other: Any) -> Array:
        return self._in_place("|", operator.or_, operator.ior, other)

    def __ixor__(self, other: Any) -> Array:
        return self._in_place("^", operator.xor, operator.ixor, other)

    def _in_place(
        self,
        sign: str,
        make: Callable[[Any, Any], Any],
        write: Callable[[Tensor, Any], Tensor],
        other: Any,
    ) -> Array:
        """Write a result into the cells; a number without axes is not changed, but made anew."""
        if not self.tensor.dim():
            found: Array = make(self, other)
            return found
        mine, second = self.tensor.dtype, operands(self, other)[1]
        dtype = floating(_dtype(self, second)) if sign == "/" else _dtype(self, second)
        if _rank(dtype) > _rank(mine):
            kinds = f"cells of {dtype_of(mine).name} can't hold {dtype_of(dtype).name}"
            raise TypeError(f"{kinds}: write a = a {sign} … instead of a {sign}= …")
        with self.writing() as tensor:
            write(tensor, _cast(second, mine))
        return self

    def __imatmul__(self, other: Any) -> Array:
        found = self @ other
        if _rank(found.tensor.dtype) > _rank(self.tensor.dtype):
            raise TypeError("cells of whole numbers can't hold floats: write a = a @ … instead of a @= …")
        if found.tensor.shape != self.tensor.shape:
            raise ValueError(
                f"a @ … has the shape {tuple(found.tensor.shape)}, and a has {tuple(self.tensor.shape)}"
            )
        self[...] = found
        return self


def _turned_array(tensor: Tensor) -> Array | None:
    """Return the array that goes backwards of whose copy a tensor is a part; None for most."""
    with untraced():
        whole = tensor._base
        return vars(tensor if whole is None else whole).get("turned_for")


def _version(tensor: Tensor) -> int:
    with untraced():
        return tensor._version


Array.__name__, Array.__qualname__, Array.__module__ = "ndarray", "ndarray", "numpy"  # as programs see it


def as_times(value: Any) -> Any:
    """Return a whole number of NumPy's as one of Python's, for a sequence that is repeated so often."""
    return int(value) if isinstance(value, Array) and not value.cells.dim() else value


def _rank(dtype: torch.dtype) -> int:
    """Return what kind of numbers a dtype has: a kind can be written into those that come after it."""
    return 2 if dtype.is_floating_point else 1 if dtype is not torch.bool else 0


def as_array(value: Any) -> Array:
    """Return an array as it is, a tensor as an array over it, and numbers and lists as a new array.

    Raises:
        TypeError: If the value is made of anything else.
    """
    if isinstance(value, Array):
        return value
    if isinstance(value, Tensor):
        return of_tensor(value)
    return Array(new_tensor(value))


def of_tensor(tensor: Tensor) -> Array:
    """Return an array that shares its memory with a tensor, as `tensor.numpy()` does.

    Raises:
        RuntimeError: If gradients flow to the tensor.
    """
    if tensor.requires_grad:
        raise RuntimeError("gradients flow to this tensor, and NumPy knows none: write x.detach().numpy()")
    return Array(tensor)


def tensor_of(array: Array) -> Tensor:
    """Do what `torch.from_numpy` does: the tensor shares the array's memory."""
    if not isinstance(array, Array):
        raise TypeError(f"torch.from_numpy takes an array, not {short_repr(array)}: write torch.tensor(...)")
    if array.flips:
        raise ValueError(_NEGATIVE)
    if array.turned is not None:
        raise RefusalError(_COPIED)
    return array.tensor


def new_tensor(value: Any, dtype: torch.dtype | None = None) -> Tensor:
    """Return a new tensor of numbers and lists, with the dtype that NumPy gives them unless one is given.

    Raises:
        TypeError: If it is no number, and no list of such.
        ValueError: If lists beside each other are of different lengths, or nested too deep.
    """
    if isinstance(value, Tensor | Array):
        tensor = value.tensor if isinstance(value, Array) else of_tensor(value).tensor
        return tensor.clone() if dtype in (None, tensor.dtype) else tensor.to(dtype)
    value = _without_arrays(value, 0)
    if isinstance(value, Array):
        return value.tensor if dtype is None else cast(value.tensor, dtype)
    return torch.tensor(value, dtype=dtype or dtype_of_numbers(value))


def tensor_data(value: Any) -> Any:
    """Return what `torch.tensor` is given, with tensors in place of arrays."""
    if isinstance(value, Array):
        return value.tensor if value.turned is not None else tensor_of(value)
    if isinstance(value, list | tuple) and Array in map(type, value):
        found = _without_arrays(value, 0)
        return found.tensor if isinstance(found, Array) else found
    return value


def _without_arrays(value: Any, depth: int) -> Any:
    """Return lists without arrays in them, or one array if there are any."""
    if isinstance(value, Tensor):
        return of_tensor(value)
    if isinstance(value, Array | Number):
        return value
    if not isinstance(value, list | tuple | range):
        raise TypeError(f"an array holds numbers here, not {short_repr(value)}")
    if depth > MAX_NESTING:
        raise ValueError(f"lists in lists, more than {MAX_NESTING} deep")
    items = [item if item.__class__ in _NUMBERS else _without_arrays(item, depth + 1) for item in value]
    if not any(isinstance(item, Array) for item in items):
        return items
    tensors = [as_array(item).tensor for item in items]
    dtype = tensors[0].dtype
    for tensor in tensors:
        dtype = promoted(dtype, tensor.dtype)
    return Array(torch.stack([cast(tensor, dtype) for tensor in tensors]))


def dtype_of_numbers(value: Any) -> torch.dtype:
    """Return NumPy's dtype for numbers in lists: float64 if one is a float, else int64 or bool."""
    level, kinds = [value], set[type]()
    while level:
        kinds |= {item.__class__ for item in level if item.__class__ in _NUMBERS}
        level = [item for items in level if isinstance(items, list) for item in items]
    if float in kinds or not kinds:
        return torch.float64
    return torch.int64 if int in kinds else torch.bool


def operands(first: Any, second: Any) -> tuple[Array | Number, Array | Number]:
    """Return the operands of an operation as arrays; numbers of Python's stay what they are."""
    return (
        first if isinstance(first, Number) else as_array(first),
        second if isinstance(second, Number) else as_array(second),
    )


def _dtype(first: Array | Number, second: Array | Number) -> torch.dtype:
    if isinstance(first, Array):
        mine = first.tensor.dtype
        if isinstance(second, Array):
            return promoted(mine, second.tensor.dtype)
        return promoted_with_number(mine, second)
    if isinstance(second, Array):
        return promoted_with_number(second.tensor.dtype, first)
    return dtype_of_numbers([first, second])


def operate(
    function: Callable[..., Tensor], first: Any, second: Any, *, in_floats: bool = False
) -> Array | Tensor:
    """Return what an operator makes of two operands, of which one is an array.

    A tensor takes a number of NumPy's for one of Python's, and gives a tensor. Behind a tensor, and in a
    comparison, an array with axes is one more tensor.

    Args:
        function: The operator.
        first: What stands before it.
        second: What stands behind it.
        in_floats: Whether it makes floats of whole numbers.
    """
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        sides = [number_of(first), number_of(second)]
        if not any(isinstance(side, Array) for side in sides):
            return function(*sides)
        if function in _COMPARISONS:
            return function(*[side.tensor if isinstance(side, Array) else side for side in sides])
    is_tensor = isinstance(first, Tensor)  # NumPy computes, and hands the result back as a tensor
    if function is operator.matmul:
        first, second = as_array(first), as_array(second)
    found = elementwise(function, first, second, in_floats=in_floats)
    return found.tensor if is_tensor else found


def number_of(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's, which torch takes it for; any other value as it is."""
    if value.__class__ is Array and not value.tensor.dim() and not value.tensor.is_complex():
        return value.tensor.item()
    return value


def numbers_in(value: Any) -> Any:
    """Return an argument of torch's with Python's numbers for NumPy's, also those of a shape."""
    if value.__class__ in _SHAPES and any(item.__class__ is Array for item in value):
        return [number_of(item) for item in value]
    return number_of(value)


def key_of_tensor(key: Any) -> Any:
    """Return a key of a tensor with numbers and tensors in place of arrays.

    Raises:
        IndexError: If it has floats in it.
    """
    if key.__class__ is tuple:
        return tuple([_place(part) for part in key])
    return _place(key)


def _place(part: Any) -> Any:
    if part.__class__ is not Array:
        return part
    if part.tensor.is_floating_point():
        raise IndexError("only whole numbers, and arrays of them or of True and False, say which cells")
    return part.tensor if part.tensor.dim() or part.tensor.dtype is torch.bool else int(part.tensor.item())


def elementwise(
    function: Callable[..., Tensor], first: Any, second: Any, *, in_floats: bool = False
) -> Array:
    """Return what a torch function makes of two operands in the dtype that NumPy promotes them to.

    Args:
        function: The function.
        first: Its first operand: an array, a tensor, lists or a number.
        second: Its second.
        in_floats: Whether whole numbers are made floats first.
    """
    first, second = operands(first, second)
    dtype = _dtype(first, second)
    dtype = floating(dtype) if in_floats else dtype
    if not isinstance(first, Array) and not isinstance(second, Array):
        first = Array(torch.tensor(first, dtype=dtype))
    return Array(function(_cast(first, dtype), _cast(second, dtype)))


def _cast(operand: Array | Number, dtype: torch.dtype) -> Tensor | Number:
    return cast(operand.tensor, dtype) if isinstance(operand, Array) else operand


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a tensor in a dtype; one that has it already is no step of the program."""
    return tensor if tensor.dtype is dtype else tensor.to(dtype)


def as_floats(tensor: Tensor) -> Tensor:
    """Return a tensor in the dtype in which NumPy computes `exp` or a mean of its numbers."""
    return cast(tensor, floating(tensor.dtype))


def tensor_key(key: Any) -> Any:
    """Return a key of an array as one of its tensor."""
    if isinstance(key, tuple):
        return tuple(map(_key_part, key))
    return _key_part(key)


def _key_part(part: Any) -> Any:
    if isinstance(part, Array):
        whole = part.tensor.dtype in (torch.bool, torch.uint8)
        return part.tensor.bool() if whole else part.tensor.long()
    if isinstance(part, list):
        return new_tensor(part, torch.int64 if not part else None)
    return part


def _parts(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _goes_backwards(key: Any) -> bool:
    """Return whether a key has a slice that goes backwards."""
    if key.__class__ is int:
        return False
    return any(
        part.__class__ is slice and isinstance(part.step, int) and part.step < 0 for part in _parts(key)
    )


def _whole_key(parts: tuple[Any, ...], axes: int) -> list[Any]:
    """Return a key with a part for each axis, in place of `...` or of what stands behind its end.

    Raises:
        IndexError: If it has more parts than there are axes.
    """
    given = [*parts] if ... in parts else [*parts, ...]
    place = given.index(...)
    missing = axes - sum(part is not None for part in given) + 1
    if missing < 0 or given.count(...) > 1:
        raise IndexError(f"too many indices for array: array is {axes}-dimensional")
    return [*given[:place], *[slice(None)] * missing, *given[place + 1 :]]
