"""Which torch call a call of NumPy's is: that of the same name, or of another in a list, if the table has it.

It is tried, and believed if it gives NumPy's cells; any other call is opaque.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.ops import TABLE
from llm_linalg.ops.randomness import draw
from llm_linalg.ops.torch_names import resolve

Function = Callable[..., Any]
FAILURES = (TypeError, RuntimeError, ValueError, IndexError, AttributeError, KeyError, NotImplementedError)
"""What a call raises that torch does not know in this way."""
_OTHER_NAMES = """
    multiply:mul subtract:sub divide:div power:pow absolute:abs negative:neg equal:eq not_equal:ne
    less:lt less_equal:le greater:gt greater_equal:ge invert:bitwise_not rint:round min:amin
    max:amax concatenate:cat add.reduce:sum multiply.reduce:prod maximum.reduce:amax
    minimum.reduce:amin logical_and.reduce:all logical_or.reduce:any add.accumulate:cumsum
    multiply.outer:outer argwhere:nonzero split:tensor_split dot:matmul array_split:tensor_split
    repeat:repeat_interleave swapaxes:transpose clip:clamp conjugate:conj matrix_transpose:adjoint
    linalg.norm:linalg.vector_norm percentile:quantile left_shift:bitwise_left_shift
    right_shift:bitwise_right_shift fill:fill_ array:stack trace:trace kron:kron nonzero:nonzero
"""
_BY_POSITION = """
    array where outer dot einsum meshgrid tensordot kron swapaxes tile roll repeat split array_split
    inner isin cross diag triu tril searchsorted take_along_axis moveaxis broadcast_to isclose
"""
_OTHERWISE = dict(word.split(":") for word in _OTHER_NAMES.split())
_POSITIONAL = frozenset(_BY_POSITION.split())
CREATIONS = frozenset(["arange", "zeros", "ones", "full", "eye", "empty", "identity", "linspace", "logspace"])
"""Functions whose arguments say a size and numbers: an array among them is no operand."""
_RENAMED = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction", "a_min": "min", "a_max": "max"}
_DROPPED = frozenset(["dtype", "axes", "casting", "copy", "order", "out", "subok", "like"])


class TorchCall(NamedTuple):
    """A call of torch's."""

    function: Function
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def creation(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> TorchCall:
    """Return the call that makes a tensor of plain arguments alone, for what NumPy has made of them."""
    shape = tuple(result.shape)
    own = {"dtype": result.dtype}
    if name.startswith("random."):
        return TorchCall(draw, (_numbers(result), shape, result.dtype), {})
    try:
        match name:
            case "zeros" | "ones" | "empty":
                return TorchCall(_function(name), (shape,), own)
            case "full":
                return TorchCall(torch.full, (shape, args[1] if len(args) > 1 else kwargs["fill_value"]), own)
            case "eye" | "identity" if not any((*args[2:3], kwargs.get("k"))):
                return TorchCall(torch.eye, shape, own)
            case "arange" if not kwargs.keys() - {"dtype"}:
                return TorchCall(torch.arange, tuple(args[:3]), own)
            case "linspace" if len(shape) == 1 and kwargs.get("endpoint", True):
                return TorchCall(torch.linspace, (args[0], args[1], shape[0]), own)
    except (KeyError, IndexError):
        pass
    return TorchCall(torch.tensor, (_numbers(result) if shape else result.item(),), own)


MOST_NUMBERS = 10_000


def _numbers(result: Tensor) -> list[Any]:
    """Return the numbers of a tensor, which stand in the text or were drawn; none of a large one."""
    numbers: list[Any] = result.tolist() if result.numel() <= MOST_NUMBERS else []
    return numbers


@lru_cache(1_000)
def opaque(name: str) -> Function:
    """Return a function of a name that torch does not know."""

    def unknown(*_: Any, **__: Any) -> None:
        """Compute nothing: NumPy has."""

    unknown.__name__ = name.rpartition(".")[2].strip("_=") or "call"
    return unknown


_signature = lru_cache(1_000)(signature)


def translated(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor, dtype: torch.dtype | None
) -> TorchCall:
    """Return the torch call that should be the same as one of NumPy's.

    `name` is NumPy's, such as `mean`, `linalg.inv`, `random.rand`, `add.reduce`. Its arguments have tensors
    in place of arrays; of a method the array comes first. All operands are cast to `dtype`, if one is given,
    numbers among them.

    Raises:
        KeyError: If none is listed, or another of `FAILURES` if the arguments fit none.
    """
    numpy: Any = import_module("numpy")
    is_cellwise = isinstance(getattr(numpy, name, None), numpy.ufunc)
    if dtype is not None and (is_cellwise or name in ("dot", "__setitem__", "clip", "where")):
        first = {"__setitem__": 2, "where": 1}.get(name, 0)
        args = (*args[:first], *[torch.as_tensor(own, dtype=dtype) for own in args[first:]])
    special = _special(name, args, kwargs, result)
    if special is not None:
        return special
    function = _function(name)
    kwargs = {key: own for key, own in kwargs.items() if key not in _DROPPED}
    if not (name in _POSITIONAL or "." in name or is_cellwise):
        bound = dict(_signature(getattr(numpy, name)).bind(*args, **kwargs).arguments)
        first_name = next(iter(bound))
        args, kwargs = (bound.pop(first_name),), bound
    kwargs = {
        _RENAMED.get(key, key): own for key, own in kwargs.items() if own is not None and key not in _DROPPED
    }
    if name == "percentile":
        kwargs["q"] /= 100
    elif name == "meshgrid":
        kwargs.setdefault("indexing", "xy")
    elif name in ("std", "var"):
        kwargs.setdefault("correction", 0)
    elif name in ("cumsum", "cumprod", "concatenate"):
        kwargs.setdefault("dim", 0)
    return TorchCall(function, tuple(args), kwargs)


def _special(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Tensor) -> TorchCall | None:
    """Return the call for functions whose arguments torch writes otherwise."""
    match name:
        case "__getitem__":
            return _item(args[0], args[1])
        case "__setitem__":
            thing, index, value = args
            value = torch.as_tensor(value, dtype=thing.dtype) if isinstance(value, list | tuple) else value
            return TorchCall(Tensor.__setitem__, (thing, index, value), {})
        case "flip":
            axes = args[1] if len(args) > 1 else kwargs.get("axis")
            axes = range(args[0].dim()) if axes is None else [axes] if isinstance(axes, int) else axes
            return TorchCall(torch.flip, (args[0], tuple(axes)), {})
        case "fill":
            return TorchCall(Tensor.fill_, tuple(args), {})
        case "reshape" | "ravel" | "flatten" | "expand_dims" | "squeeze":
            return TorchCall(torch.reshape, (args[0], tuple(result.shape)), {})
        case "transpose":
            order = args[1:] if len(args) > 2 else args[1] if len(args) == 2 and args[1] else None
            order = range(args[0].dim())[::-1] if order is None else order
            return TorchCall(torch.permute, (args[0], tuple(order)), {})
        case "array" | "copy" | "asarray" | "ascontiguousarray" | "__copy__" | "__deepcopy__" | "astype":
            if isinstance(args[0], Tensor):
                if args[0].dtype == result.dtype:
                    return TorchCall(torch.clone, (args[0],), {})
                return TorchCall(Tensor.to, (args[0], result.dtype), {})
        case "pad" if (args[2:3] or (kwargs.get("mode", "constant"),))[0] == "constant":
            widths = torch.as_tensor(args[1]).broadcast_to((args[0].dim(), 2)).flip(0).ravel().tolist()
            value = kwargs.get("constant_values", 0)
            return TorchCall(torch.nn.functional.pad, (args[0], widths), {"value": value})
        case "maximum" | "minimum" if sum(isinstance(own, Tensor) for own in args) == 1:
            bound = "min" if name == "maximum" else "max"
            number = next(own for own in args if not isinstance(own, Tensor))
            tensor = next(own for own in args if isinstance(own, Tensor))
            return TorchCall(torch.clamp, (tensor,), {bound: number})
    return None


def _item(thing: Tensor, index: Any) -> TorchCall:
    """Return the call that reads an item; torch's slices don't count backwards."""
    parts = index if isinstance(index, tuple) else (index,)
    turned = [axis for axis, part in enumerate(parts) if isinstance(part, slice) and (part.step or 1) < 0]
    if not turned:
        return TorchCall(Tensor.__getitem__, (thing, index), {})
    if all(isinstance(part, slice) and part in (slice(None), slice(None, None, -1)) for part in parts):
        return TorchCall(torch.flip, (thing, tuple(turned)), {})
    if len(turned) > 1 or not all(isinstance(part, slice | int) for part in parts):
        raise KeyError(index)
    axis = turned[0]
    places = list(range(*parts[axis].indices(thing.shape[axis])))
    return TorchCall(Tensor.__getitem__, (thing, (*parts[:axis], places, *parts[axis + 1 :])), {})


@lru_cache(1_000)
def _function(name: str) -> Function:
    """Return the torch function that should be the same as one of NumPy's; KeyError if the table has none."""
    function = next(resolve(f"torch.{_OTHERWISE.get(name, name)}"), None)
    if function is None or (name not in _OTHERWISE and TABLE.entry(function) is None):
        raise KeyError(name)
    return function


def likeness(tried: Any, real: Sequence[Tensor]) -> str:
    """Return whether torch's results are NumPy's: "exact", "rounding", or "" for no. Torch may give more."""
    results = [tried] if isinstance(tried, Tensor) else list(tried)
    pairs = list(zip(results, real, strict=False))
    if len(results) < len(real) or any(own.shape != other.shape for own, other in pairs):
        return ""
    if all(own.dtype == other.dtype and _same_cells(own, other) for own, other in pairs):
        return "exact"
    most = 1e-5 if real[0].dtype.itemsize < 8 else 1e-10
    near = all(
        torch.allclose(own.to(other.dtype), other, most, 1e-12, equal_nan=True) for own, other in pairs
    )
    return "rounding" if near else ""


def _same_cells(own: Tensor, other: Tensor) -> bool:
    if torch.equal(own, other):
        return True
    return own.is_floating_point() and bool(((own == other) | (own.isnan() & other.isnan())).all())
