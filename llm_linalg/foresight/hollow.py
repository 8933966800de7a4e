"""Torch calls made on shapes alone: each gives a tensor without cells, and takes its part of a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.overrides import TorchFunctionMode

from llm_linalg.axes import Clash, Shape, pointwise
from llm_linalg.errors import HaltedError, LimitError
from llm_linalg.foresight.unknown import UNKNOWN, Undecided, Unknown
from llm_linalg.language.budget import Asked, Budget
from llm_linalg.ops import TABLE, Call
from llm_linalg.ops.call import Written, may_write
from llm_linalg.ops.registry import short_name
from llm_linalg.ops.unlisted import Unlisted
from llm_linalg.recorder import call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What a tensor without cells answers as another does.
_ANSWERS = """
    dim size numel nelement shape dtype ndim device len is_floating_point grad grad_fn set_grad_enabled
"""
_ANSWERED = frozenset(_ANSWERS.split())
_ITSELF = frozenset(["requires_grad_", "retain_grad"])
_READ = {
    Tensor.__bool__: bool,
    Tensor.__int__: int,
    Tensor.__index__: int,
    Tensor.__float__: float,
}
_TRUTHS = """
    lt le gt ge eq ne logical_and logical_or logical_not isnan isinf isfinite isclose any all bool
"""
_FLOATING = """
    div mean var std exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tanh sigmoid erf
    softmax log_softmax logsumexp norm normalize cross_entropy mse_loss pow
"""
_HOLDS = frozenset(_TRUTHS.split())
_FLOATS = frozenset(_FLOATING.split())
_COUNTS = frozenset(["argmax", "argmin", "argsort", "one_hot", "randint", "randperm", "long"])
_TAKES = frozenset(["getitem", "setitem", "gather", "index_select", "scatter", "scatter_add", "masked_fill"])
_SHAPED_ALIKE = frozenset(["clone", "flip", "roll", "dropout"])
_A_CALL = 20  # operands that take as long as a call
_MOST_LISTED = 10_000
_SUMS = frozenset(["sum", "prod", "cumsum", "cumprod"])
_CASTS = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "int": torch.int32,
}
_VIEWING = """
    split chunk unbind getitem flatten unflatten detach t transpose permute squeeze unsqueeze movedim
    diagonal narrow select unfold expand_as T mT
"""
_VIEWS = frozenset(_VIEWING.split())  # they move no cell, so torch makes them of tensors that have none
_PAIRS: Mapping[str, Callable[..., Any]] = {
    "max": torch.return_types.max,
    "min": torch.return_types.min,
    "sort": torch.return_types.sort,
    "topk": torch.return_types.topk,
}


class Fails(Exception):  # noqa: N818
    """The program fails here, whatever it is given: what comes after is not reached."""


class Hollow(TorchFunctionMode):
    """A function mode under which torch calls take their part of a budget, and compute nothing.

    Args:
        budget: What they take it of.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.severed = False
        self.calls = 0
        self._budget = budget
        self._making = False

    @contextmanager
    def making(self) -> Iterator[None]:
        """Let layers be made meanwhile: what fills their parameters is no step of the program."""
        self._making = True
        try:
            yield
        finally:
            self._making = False

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            kind = _READ.get(func)
            if kind is not None:
                raise Undecided(kind)
            if self._making and _fills(func):
                return kwargs.get("tensor", args[0] if args else None)
            if TABLE.entry(func) is None:
                name = _name(func)
                if name in _ANSWERED:
                    return func(*args, **kwargs)
                if name in _ITSELF:
                    return args[0]
            return self._call(func, args, kwargs)

    def _call(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        self.calls += 1
        if func is cross_entropy:  # which operation that is hangs on its targets
            return self._entropy(*args, **kwargs)
        written = Written.of(args, kwargs)
        self.calls += len(written.tensors) // _A_CALL
        call = call_of(func, written, written.tensors)
        asked, name = self._asked(call), call.operation.name
        if may_write(func, args, kwargs):
            return None if name == "setitem" else args[0]
        if name == "contiguous":
            return args[0]
        if name in _VIEWS and (name != "getitem" or _sliced(call["key"])):
            return func(*args, **kwargs)
        if name == "tolist":
            return _listed(tuple(call.tensors[0].shape), UNKNOWN[_numbers(call)])
        shape = _shape(call, asked.shape)
        if shape is None:
            raise Undecided(_plain(call))
        kind = _dtype(call)
        if name in ("sort", "topk") or (name in ("max", "min") and call.arguments.get("dim") is not None):
            return _PAIRS[name]((without_cells(shape, kind), without_cells(shape, torch.int64)))
        return without_cells(shape, kind)

    def _entropy(self, logits: Tensor, *others: Any, reduction: str = "mean", **_: Any) -> Tensor:
        if len(others) > 1 or reduction == "none":
            raise Undecided
        self._budget.tensors -= 1
        self._budget.exceeded()
        return without_cells((), logits.dtype)

    def _asked(self, call: Call) -> Asked:
        """Take what a call asks for, and return it; what is refused anyway fails."""
        if isinstance(call.operation, Unlisted) and not call.operation.bounded:
            raise Undecided
        if _by_values(call):
            raise Undecided
        try:
            asked = self._budget.asked(call)
        except Clash:
            raise Fails from None
        except (HaltedError, LimitError):
            raise
        except Exception:  # noqa: BLE001  what a rule asks of an argument that only the run will know
            raise Undecided from None
        if not self._making:
            self._budget.take(call, asked)
        return asked


@cache
def _name(func: Any) -> str:
    return short_name(func)


@cache
def _fills(func: Any) -> bool:
    name = str(func.__name__)
    return name.endswith("_") and not name.startswith("_")


def _plain(call: Call) -> type | None:
    """Return the kind of the plain value that a call gives that makes no tensor; None if it isn't known."""
    if call.operation.name == "item":
        return _numbers(call)
    return bool if call.operation.name in ("equal", "allclose") else None


def _shape(call: Call, known: Shape | None) -> Shape | None:
    """Return the shape of what a call gives, also where the run's rules name none, or more; None if open."""
    name, shapes = call.operation.name, call.shapes
    if name == "topk":
        axis = call.dim()
        return (*shapes[0][:axis], int(call["k"]), *shapes[0][axis + 1 :])
    if known is not None:
        return known
    if name == "getitem":
        return _picked(call)
    if name in _SHAPED_ALIKE:
        return shapes[0]
    if name == "mse_loss":
        given = call.arguments["reduction"] if "reduction" in call.arguments else call.kwargs.get("reduction")
        return () if given in ("mean", "sum") else shapes[0] if shapes[0] == shapes[1] else None
    if name == "scaled_dot_product_attention" and len({shape[:-2] for shape in shapes[:3]}) == 1:
        return (*shapes[0][:-1], shapes[2][-1])
    if name == "vstack":
        rows = [(1, *shape) if len(shape) == 1 else shape or (1, 1) for shape in shapes]
        return (sum(shape[0] for shape in rows), *rows[0][1:])
    if name == "hstack":
        axis = 0 if len(shapes[0]) < 2 else 1
        parts = [shape or (1,) for shape in shapes]
        return (*parts[0][:axis], sum(shape[axis] for shape in parts), *parts[0][axis + 1 :])
    return None


def _items(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _sliced(key: Any) -> bool:
    """Return whether a key has whole numbers, slices, None and ... alone: what it gives is a view."""
    return all(item is None or item is ... or isinstance(item, int | slice) for item in _items(key))


def _taken(item: Any) -> Shape | None:
    """Return the shape of an item of a key that picks places one by one; None if that isn't known."""
    if isinstance(item, Tensor):
        return tuple(item.shape) or None
    whole = isinstance(item, list | range) and all(type(place) is int for place in item)
    return (len(item),) if whole else None


def _picked(call: Call) -> Shape | None:
    """Return the shape of ``x[key]``, with lists or tensors of whole numbers among the key's items."""
    items = _items(call["key"])
    if any(isinstance(item, bool) for item in items):
        return None
    ones = [None if _sliced((item,)) else _taken(item) for item in items]
    shapes = [shape for shape in ones if shape is not None]
    if not all(shape or _sliced((item,)) for item, shape in zip(items, ones, strict=True)):
        return None
    rest = call.tensors[0][
        tuple(slice(None) if shape else item for item, shape in zip(items, ones, strict=True))
    ]
    taken = len([item for item in items if item is not None and item is not ...])
    axes: list[int] = []
    axis = 0
    for item, shape in zip(items, ones, strict=True):
        if shape:
            axes.append(axis)
        if item is ...:
            axis += len(call.shapes[0]) - taken
        elif not isinstance(item, int):
            axis += 1
    kept = [size for place, size in enumerate(rest.shape) if place not in axes]
    first = axes[0] if axes[-1] - axes[0] == len(axes) - 1 else 0
    return (*kept[:first], *pointwise(shapes).shape, *kept[first:])


def _listed(shape: Shape, item: Unknown) -> Any:
    """Return what ``tolist`` gives of a shape: nested lists of what isn't known."""
    if not shape:
        return item
    if prod(shape) > _MOST_LISTED:
        raise Undecided
    return [_listed(shape[1:], item) for _ in range(shape[0])]


def _numbers(call: Call) -> type:
    kind = call.tensors[0].dtype
    return bool if kind is torch.bool else float if kind.is_floating_point else int


def _by_values(call: Call) -> bool:
    """Return whether the shape that a call gives hangs on the values of its operands."""
    name, others = call.operation.name, call.tensors[1:]
    if name in ("getitem", "setitem"):
        keys = [call.tensors[place] for place in call.places.get("key", ())]
        return any(key.dtype is not torch.int64 for key in keys)
    if name == "one_hot":
        return int(call["num_classes"]) < 0
    if name in ("repeat_interleave", "narrow", "select"):
        return bool(others)
    return call.operation.kind == "creation" and bool(call.tensors) and not name.endswith("_like")


def _dtype(call: Call) -> torch.dtype:
    """Return the type of what a call gives.

    That it is `int64` is said of nothing that may hold truths: as a key those pick by their values.
    """
    name = call.operation.name
    if isinstance(call.arguments.get("dtype"), torch.dtype):
        return call.arguments["dtype"]  # type: ignore[no-any-return]
    if name in _HOLDS:
        return torch.bool
    if name in _COUNTS:
        return torch.int64
    if name in _CASTS:
        return _CASTS[name]
    if name == "type_as":
        return call.tensors[-1].dtype
    if name in _TAKES:
        return call.tensors[0].dtype
    if name == "embedding":
        return call.tensors[call.place("weight") or 0].dtype
    if not call.tensors:
        return _created(call)
    kind = call.tensors[0].dtype
    for tensor in call.tensors[1:]:
        kind = torch.promote_types(kind, tensor.dtype)
    if kind.is_floating_point:
        return kind
    if name in _FLOATS or any(isinstance(value, float) for value in call.arguments.values()):
        return torch.float32
    return torch.int64 if name in _SUMS else kind


def _created(call: Call) -> torch.dtype:
    """Return the type of a tensor that is made of plain values."""
    match call.operation.name:
        case "tensor":
            return torch.tensor(call["data"]).dtype
        case "full":
            return torch.tensor(call["fill_value"]).dtype
        case "arange":
            bounds = (*call["bounds"], *(call[name] or 0 for name in ("start", "end", "step")))
            whole = all(isinstance(bound, int) for bound in bounds)
            return torch.int64 if whole else torch.float32
    return torch.float32


@cache
def _cell(kind: torch.dtype, _of: str = "value") -> Tensor:
    with torch._C.DisableTorchFunction():
        return torch.empty((), dtype=kind, device="meta")


def gradient_like(tensor: Tensor) -> Tensor:
    """Return what a tensor's gradient may be, if it is not None."""
    with torch._C.DisableTorchFunction():
        return _cell(tensor.dtype, "gradient").expand(tensor.shape)


def may_be_none(value: Any) -> bool:
    """Return whether a value is a tensor that stands for a gradient that need not be there."""
    if not isinstance(value, Tensor):
        return False
    with torch._C.DisableTorchFunction():
        return value._base is _cell(value.dtype, "gradient")


def without_cells(shape: Shape, kind: torch.dtype) -> Tensor:
    """Return a tensor of a shape that has no memory: each cell is the same one, which is nowhere."""
    with torch._C.DisableTorchFunction():
        return _cell(kind).expand(shape)
