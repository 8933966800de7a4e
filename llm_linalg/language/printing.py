"""The text of values, as Python's `print`, `str` and f-strings show it, measured before it is made."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from itertools import accumulate
from math import inf, prod
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._tensor_str import PRINT_OPTS, printoptions

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.language.arrays import array_text
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.arrays.array_dtypes import DType
from llm_linalg.language.classes.program_class import Instance
from llm_linalg.language.containers import DICT_VIEWS, MAX_TEXT
from llm_linalg.language.distribution_value import Distribution
from llm_linalg.language.figures import Figure
from llm_linalg.language.gradient_functions import GradientFunction
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.methods import Bindable, Method
from llm_linalg.language.module_count import count_layers
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.python_modules.package_versions import PackageVersion
from llm_linalg.language.records import DefaultDict
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.type_function import TypeFunction, TypeName, TypeUnion, kind_of

MAX_SHOWN = 20_000  # cells; each takes some five microseconds
MAX_TENSORS = 700
_SHOWN = (
    bool
    | int
    | float
    | complex
    | str
    | Tensor
    | Array
    | TensorStorage
    | DType
    | nn.Module
    | slice
    | ItemIterator
    | range
    | type(None)
    | type(...)
    | torch.dtype
    | torch.device
    | Distribution
    | torch.layout
    | torch.finfo
    | torch.iinfo
    | GradientFunction
    | Instance
    | type
    | TypeFunction
    | TypeName
    | TypeUnion
    | PackageVersion
    | re.Match
    | re.Pattern
)
_WIDE = 4  # a cell that may have hundreds of digits takes as long as this many others
_A_LAYER = 10  # the text of a layer takes as long as this many items
_WITHOUT_CELLS = frozenset([bool, int, float, str, type(None)])
_OPTIONS: Mapping[str, tuple[int, int]] = {
    "precision": (0, 20),
    "threshold": (0, MAX_SHOWN),
    "edgeitems": (0, 50),
    "linewidth": (10, 1_000),
}
PRINT_OPTIONS: ContextVar[Mapping[str, Any] | None] = ContextVar("print options", default=None)
"""The print options that the running program has set; torch's own are left as they are."""


_PROFILES: Mapping[str, Mapping[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: Any = None,
    sci_mode: bool | None = None,
) -> None:
    """Do what `torch.set_printoptions` does, for this run alone.

    What it would show of tensors is bounded where it is printed, whatever the threshold is.

    Raises:
        LimitError: If an option would make endless text.
        TypeError: If an option is not what torch takes.
    """
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    options = {name: value for name, value in given.items() if value is not None}
    for name, value in options.items():
        if name == "threshold" and value.__class__ in (int, float) and value > MAX_SHOWN:
            options[name] = inf
            continue
        if name not in _OPTIONS or not isinstance(value, int):
            raise TypeError(f"set_printoptions takes a whole number for {name}")
        least, most = _OPTIONS[name]
        if not least <= value <= most:
            raise LimitError(f"{name} is from {least} to {most:,}")
    if sci_mode not in (True, False, None):
        raise TypeError("sci_mode is True, False or None")
    if profile is not None and not (isinstance(profile, str) and profile in _PROFILES):
        raise TypeError(f"the profiles are {', '.join(_PROFILES)}")
    before = _PROFILES[profile] if profile is not None else PRINT_OPTIONS.get() or {}
    PRINT_OPTIONS.set({**before, **options, "sci_mode": sci_mode})


class TextSize(NamedTuple):
    """How much the text of a value will show.

    Attributes:
        tensors: Tensors.
        cells: Cells of all of them; torch leaves out the middle of large ones.
        items: Items of lists and the like.
        lists: Brackets around the cells.
        characters: Characters of all texts.
    """

    tensors: int
    cells: int
    items: int
    lists: int
    characters: int = 0


def _textless(value: Any) -> Exception:
    """Return the error for a value that has no text."""
    if isinstance(value, Figure):
        return value.error()
    if callable(value) or isinstance(value, Bindable | Method | RunFunction):
        return RefusalError("a function has no text of its own: call it, or print its result")
    kind = type(value).__name__
    return RefusalError(f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind} has no text here")


def text_size(value: Any) -> TextSize:
    """Return how much the text of a value will show, without making it.

    Raises:
        LimitError: If that is too much.
        TypeError: If a part of it has no text that is the same in every run.
    """
    if value.__class__ is str:
        return TextSize(0, 0, 0, 0, len(value))
    items = tensors = cells = lists = characters = 0
    todo = [value]
    while todo:
        item = _shown_parts(todo.pop())
        if isinstance(item, list | tuple | DICT_VIEWS):
            items += len(item)
            if 3 * items > MAX_TEXT:  # an item takes three characters at least
                raise LimitError(f"the text of {items:,} items; {MAX_TEXT // 3:,} are allowed: print a slice")
            characters += sum(len(own) for own in item if own.__class__ is str)
            _check_characters(characters)
            todo += [] if set(map(type, item)) <= _WITHOUT_CELLS else item
        elif isinstance(item, Optimizer):
            settings = [{**group, "params": None} for group in item.groups]
            items += sum(map(len, settings))
            todo += settings
        elif not isinstance(item, _SHOWN) and kind_of(item) is None:
            raise _textless(item)
        elif isinstance(item, nn.Module):
            items += _A_LAYER * count_layers(item)
        elif isinstance(item, Tensor | Array):
            tensors += 1
            if tensors > MAX_TENSORS:
                raise LimitError(f"the text of more than {MAX_TENSORS} tensors: print a slice")
            own_cells, own_lists = _size_of_tensor(item)
            cells, lists = cells + own_cells, lists + own_lists
            if cells > MAX_SHOWN:
                raise LimitError(
                    f"the text of {cells:,} cells; {MAX_SHOWN:,} are allowed: print a slice, or the shape"
                )
    return TextSize(tensors, cells, items, lists, characters)


def _size_of_tensor(value: Tensor | Array) -> tuple[int, int]:
    """Return how many cells the text of a tensor or an array shows, and how many brackets within it."""
    is_array = isinstance(value, Array)
    tensor = value.tensor if isinstance(value, Array) else value
    options: Mapping[str, Any] = {
        "threshold": PRINT_OPTS.threshold,
        "edgeitems": PRINT_OPTS.edgeitems,
        **(PRINT_OPTIONS.get() or {}),
    }
    chosen = array_text.options() if is_array else options
    whole = tensor.numel() <= chosen["threshold"]
    edges = 2 * chosen["edgeitems"] or tensor.numel()  # with edgeitems=0 torch shows all
    sizes = tensor.shape if whole else [min(size, edges) for size in tensor.shape]
    wide = is_array or (options.get("sci_mode") is False and _long(tensor))
    # torch shows no brackets within a tensor without cells, only its shape
    brackets = sum(accumulate(sizes[:-1], mul)) if tensor.numel() else 0
    return prod(sizes) * (_WIDE if wide else 1), brackets


def _check_characters(count: int) -> None:
    """Refuse texts within a value that are very long together: one may be in it many times."""
    if count > MAX_TEXT:
        raise LimitError(f"the text of {count:,} characters; {MAX_TEXT:,} are allowed: print a part of it")


def _shown_parts(value: Any) -> Any:
    """Return the values that the text of a value shows, as a list; the value itself if it has none."""
    if isinstance(value, DefaultDict) and value.factory is not None and not isinstance(value.factory, type):
        return [value.factory]
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, OrderedSet | deque):
        return list(value)
    if isinstance(value, TensorStorage):
        return value.numbers()
    return value.args if isinstance(value, BaseException) else value


def _long(tensor: Tensor) -> bool:
    return tensor.dtype is torch.float64


def is_number(value: Any, conversion: int) -> bool:
    """Return whether an f-string shows a value as a number: a tensor without axes is its only cell."""
    with untraced():
        return isinstance(value, Tensor) and not value.dim() and conversion < 0


def str_text(value: Any = "") -> str:
    """Return `str(value)`; whoever calls it has charged its `text_size`."""
    return _with_options(value, str)


def repr_text(value: Any) -> str:
    """Return `repr(value)`; whoever calls it has charged its `text_size`."""
    return _with_options(value, repr)


def ascii_text(value: Any) -> str:
    """Return `ascii(value)`; whoever calls it has charged its `text_size`."""
    return _with_options(value, ascii)


def _with_options(value: Any, show: Any) -> str:
    options = PRINT_OPTIONS.get()
    with untraced():
        if not options or value.__class__ in _WITHOUT_CELLS:
            return str(show(value))
        with printoptions(**options):
            return str(show(value))


def check_format(spec: str) -> None:
    """Raise `LimitError` if a format, such as `>8.3f`, asks for a long text."""
    if any(int(number) > 200 for number in re.findall(r"\d+", spec)[:8]) or len(spec) > 40:
        raise LimitError("a number is formatted with at most 200 places")


def format_value(value: Any, conversion: int, spec: str) -> str:
    """Return a value as an f-string shows it, after its conversion (`!r`) and in its format."""
    check_format(spec)
    if is_number(value, conversion):
        with untraced():
            return format(value, spec)
    if conversion == ord("r"):
        value = repr_text(value)
    elif conversion == ord("s"):
        value = str_text(value)
    elif conversion == ord("a"):
        value = ascii_text(value)
    return _with_options(value, lambda shown: format(shown, spec))
