"""Torch calls made on shapes alone: each gives a tensor without cells, and takes its part of a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.overrides import TorchFunctionMode

from llm_linalg.axes import Clash, Shape, extent
from llm_linalg.errors import HaltedError, LimitError, ProgramError
from llm_linalg.foresight import back
from llm_linalg.foresight.nowhere import hold_truths, holds_truths, look_into, memory, without_cells
from llm_linalg.foresight.results import (
    HOLDS,
    by_values,
    dtype_of,
    items_of,
    listed,
    number_kind,
    picked_by_values,
    plain_kind,
    shape_of,
    sliced,
)
from llm_linalg.foresight.unknown import UNKNOWN, Undecided, Unknown
from llm_linalg.foresight.wholes import between
from llm_linalg.language.bounds import as_numbers
from llm_linalg.language.budget import Asked, Budget
from llm_linalg.language.costs import A_CALL, AN_ANSWER
from llm_linalg.ops import TABLE, Call
from llm_linalg.ops.call import Written, writes
from llm_linalg.ops.call_cache import Common, likeness
from llm_linalg.ops.call_errors import danger
from llm_linalg.ops.fallback import Unlisted
from llm_linalg.ops.registry import ASKING, PUTTING, short_name
from llm_linalg.recorder import MOST_OPERANDS, call_of

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
_A_CALL = 20  # operands that take as long as a call
_GIVEN = 15  # tensors, likewise
_NUMBERS = 5_000  # of a list
_LISTS = 100  # of numbers
_VIEWING = """
    split chunk unbind getitem flatten unflatten detach t transpose permute squeeze unsqueeze movedim
    diagonal narrow select unfold expand_as T mT
"""
_VIEWS = frozenset(_VIEWING.split())  # they move no cell, so torch makes them of tensors that have none
_LOOKING = (_VIEWS - {"flatten"}) | {"expand", "broadcast_to", "view"}  # as large a memory is looked into
_PAIRS: Mapping[str, Callable[..., Any]] = {
    "max": torch.return_types.max,
    "min": torch.return_types.min,
    "sort": torch.return_types.sort,
    "topk": torch.return_types.topk,
}
_SHAPED = back.KINDS - {"movement"}  # they give what hangs on shapes, types and plain values alone
_A_FEW = 50  # calls; a builtin may make many of them


class Fails(Exception):  # noqa: N818
    """The program fails here, whatever it is given: what comes after is not reached.

    Attributes:
        refused: What is refused here, if it is not part of the language.
        told: Whether it is known what the program does until then.
    """

    def __init__(self, refused: ProgramError | None = None) -> None:
        super().__init__()
        self.refused = refused
        self.told = True


@contextmanager
def doubted() -> Iterator[None]:
    """Let it be known that what fails meanwhile may not be reached."""
    try:
        yield
    except Fails as fails:
        fails.refused, fails.told = None, False
        raise


class Made(NamedTuple):
    """A call of which those that are like it give the like, and take as much.

    Attributes:
        call: The call.
        asked: What it asks for.
        shape: The shape of what it gave.
        kind: Its type.
        truths: Whether its cells are truths, for sure.
    """

    call: Call
    asked: Asked
    shape: Shape
    kind: torch.dtype
    truths: bool


class Hollow(TorchFunctionMode):
    """A function mode under which torch calls take their part of a budget, and compute nothing.

    Args:
        budget: What they take it of.
        severed: Whether what is called now has no gradient.
        went_on: Is called after each few calls; it may end the rehearsal.
        made: Calls that were made before, by what they have in common with those that are like them.
    """

    def __init__(
        self,
        budget: Budget,
        severed: Callable[[], bool],
        went_on: Callable[[], None] = lambda: None,
        made: dict[Common, Made] | None = None,
    ) -> None:
        super().__init__()
        self._made = {} if made is None else made
        self._went_on = went_on
        self._next = _A_FEW
        self._severed = severed
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
                raise Undecided(kind, _read(kind, args[0]))
            if self._making and _fills(func):
                return kwargs.get("tensor", args[0] if args else None)
            if func in PUTTING:
                return None
            entry = TABLE.entry(func)
            if entry is None:
                name = short_name(func)
                if name in _ANSWERED:
                    if name == "grad":  # a call of the program's own, or of its layers: the run counts it
                        self._budget.step(AN_ANSWER)
                    return func(*args, **kwargs)
                if name in _ITSELF:
                    return args[0]
            self.calls += 1
            if self.calls > self._next:
                self._next = self.calls + _A_FEW
                self._went_on()
            if entry is None or self._making or entry.operation.kind not in _SHAPED:
                return self._call(func, args, kwargs)
            like = likeness(func, entry.operation, args, kwargs)
            if like is None:
                return self._call(func, args, kwargs)
            made = self._made.get(like[0])
            return self._call(func, args, kwargs, like[0]) if made is None else self._again(made, like[1])

    def _again(self, made: Made, own: Sequence[Any]) -> Tensor:
        """Make a call that is like one that was made."""
        self._budget.take(made.call, made.asked)
        given = without_cells(made.shape, made.kind)
        if made.truths:
            hold_truths(given)
        if not self._severed():
            back.lead(given, made.call, made.asked, [item for item in own if isinstance(item, Tensor)])
        return given

    def _call(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], common: Common | None = None
    ) -> Any:
        if func is cross_entropy:  # which operation that is hangs on its targets
            return self._entropy(*args, **kwargs)
        written = Written.of(args, kwargs, MOST_OPERANDS)
        self.calls += len(written.tensors) // _A_CALL
        call = call_of(func, written, written.tensors)
        asked = self._asked(call)
        if writes(func):
            self._budget.write(call.written.numel(), memory(call.written))
            return None if call.operation.name == "setitem" else args[0]
        if call.operation.name == "contiguous" and memory(args[0]) == args[0].numel():
            return args[0]
        given = self._given(call, asked, func, args, kwargs)
        if isinstance(given, tuple):
            self.calls += len(given) // _GIVEN
        if call.operation.kind == "movement":
            for tensor in (given,) if isinstance(given, Tensor) else given:
                look_into(tensor, memory(call.tensors[0]) if _looks(call) else 0)
        if isinstance(given, Tensor):
            if call.arguments.get("requires_grad") is True:
                back.ask(given, wanted=True)
            elif not self._severed():
                back.lead(given, call, asked, call.tensors)
            if common is not None and call.operation.kind in _SHAPED and not call.may_write:
                shape = tuple(given.shape)
                self._made[common] = Made(call, asked, shape, given.dtype, holds_truths(given))
        return given

    def _given(
        self, call: Call, asked: Asked, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Return what a call gives, without cells."""
        name = call.operation.name
        if name in _VIEWS and (name != "getitem" or sliced(call["key"])):
            return func(*args, **kwargs)
        if name == "tolist":
            self.calls += extent(call.shapes[0][:-1]) // _LISTS + extent(call.shapes[0]) // _NUMBERS
            return listed(tuple(call.tensors[0].shape), UNKNOWN[number_kind(call)])
        shape = shape_of(call, asked.shape)
        if shape is None:
            raise Undecided(plain_kind(call), picked_by_values(call))
        kind = dtype_of(call)
        if name in ("sort", "topk") or (name in ("max", "min") and call.arguments.get("dim") is not None):
            return _PAIRS[name]((without_cells(shape, kind), without_cells(shape, torch.int64)))
        given = without_cells(shape, kind)
        if name in HOLDS:
            hold_truths(given)
        return given

    def _entropy(self, logits: Tensor, *others: Any, reduction: str = "mean", **_: Any) -> Tensor:
        if len(others) > 1 or reduction == "none":
            raise Undecided
        cells = logits.numel() + others[0].numel() if isinstance(others[0], Tensor) else logits.numel()
        self._budget.tensors -= 1
        self._budget.works(cells)
        self._budget.step(A_CALL)
        self._budget.fill(cells)
        given = without_cells((), logits.dtype)
        if not self._severed():
            back.follow(given, (logits,), cells)
        return given

    def _asked(self, call: Call) -> Asked:
        """Take what a call asks for, and return it; what is refused anyway fails."""
        if isinstance(call.operation, Unlisted) and not call.operation.bounded:
            raise Undecided
        if by_values(call) or _unlike(call) or as_numbers(call):
            raise Undecided(value=picked_by_values(call))
        try:
            if danger(call) is not None:
                raise Fails
            asked = self._budget.asked(call)
        except Clash:
            raise Fails from None
        except (Fails, HaltedError, LimitError):
            raise
        except Exception:  # noqa: BLE001  what a rule asks of an argument that only the run will know
            raise Undecided from None
        if not self._making and call.function not in ASKING:
            self._budget.take(call, asked)
        return asked


def _read(kind: type, tensor: Any) -> Unknown | None:
    """Return what is known of a tensor's only cell as a plain value, if that is more than its kind."""
    return between(0, 1) if kind is int and holds_truths(tensor) else None


def _unlike(call: Call) -> bool:
    """Return whether a call has a tensor where most have a number: what it gives then hangs on its cells."""
    name = call.operation.name
    if name == "getitem":
        return any(item is True or item is False for item in items_of(call["key"]))
    return len(call.tensors) > 1 and (call.operation.kind == "reduction" or name in _VIEWS - {"expand_as"})


def _looks(call: Call) -> bool:
    """Return whether a call surely gives views."""
    name = call.operation.name
    return name in _LOOKING and (name != "getitem" or sliced(call["key"]))


@cache
def _fills(func: Any) -> bool:
    name = str(func.__name__)
    return name.endswith("_") and not name.startswith("_")
