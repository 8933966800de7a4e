"""Records torch calls as they are written, through torch's function mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from llm_linalg.axes import Clash
from llm_linalg.errors import HaltedError
from llm_linalg.ledger import Ledger, Where, shown
from llm_linalg.node import Node, Operand
from llm_linalg.ops import TABLE, Call, Operation
from llm_linalg.ops.call import Written, may_write
from llm_linalg.ops.draws import random_state
from llm_linalg.ops.registry import ASKING, short_name
from llm_linalg.ops.unlisted import Unlisted

Guard = Callable[[Call], None]
MOST_OPERANDS = 10_000  # of a call of a program
_SWITCH = torch._C._set_grad_enabled  # noqa: SLF001  what torch.no_grad() calls, going in and out


class Recorder(Ledger, TorchFunctionMode):
    """A function mode that turns calls into nodes while it is entered.

    Args:
        where: Gives the place and the text of the call that is being made.
        guard: Is asked before each call is computed; it may raise.
        keep: The most bytes of values that are kept; None for all.
        around: The position of a node around which they are kept; the latest if None.
        halt: Is asked at each call whether the run is to end.
    """

    def __init__(
        self,
        where: Where,
        guard: Guard | None = None,
        keep: int | None = None,
        around: int | None = None,
        halt: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(where, keep, around)
        self.failed: Call | None = None  # the last call that failed, and how
        self.failure: BaseException | None = None
        self._guard = guard
        self._halt = halt

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is _SWITCH:  # no step, and nothing may come between when it is put back
            return func(*args, **kwargs)
        if self._halt is not None and self._halt():
            raise HaltedError("stopped: what comes after this was not run")
        if func in ASKING:
            with suppress(Exception):  # what is asked wrongly fails as any call does
                return func(*args, **kwargs)
        written = Written.of(args, kwargs, MOST_OPERANDS if self._guard else None)
        if self._guard or may_write(func, args, kwargs):
            return self._guarded(func, args, kwargs, written)
        versions = [tensor._version for tensor in written.tensors]
        state = random_state(func, args, kwargs)
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self.failed, self.failure = call_of(func, written, written.tensors), error
            raise
        if [tensor._version for tensor in written.tensors] != versions:
            self._record(call_of(func, written, written.tensors), result)  # batch_norm's running means
            return result
        outputs = _outputs(result)
        if outputs:
            entry = TABLE.entry(func)
            if entry is not None or not any(result is tensor for tensor in written.tensors):
                operands = [self._operand(tensor) for tensor in written.tensors]
                call = call_of(func, written, [operand.value for operand in operands]).drawing(state)
                self._nodes(call, tuple([operands[place] for place in call.order]), outputs)
        return result

    def _guarded(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], written: Written) -> Any:
        """Run a call whose meaning must be known before: it is held against a budget, or it may write."""
        writes = may_write(func, args, kwargs)
        known = None if writes else self._known(written.tensors)
        tensors = written.tensors if known is None else [operand.value for operand in known]
        call = call_of(func, written, tensors).drawing(random_state(func, args, kwargs))
        if self._guard:
            try:
                self._guard(call)
            except Clash as clash:
                self.failed, self.failure = call_of(func, written, written.tensors), clash
                raise ValueError(clash.rule) from clash
        operands: tuple[Operand, ...] = ()
        if writes:  # what goes in is looked at before it changes
            operands = tuple(self._operand(tensor) for tensor in call.tensors)
            self._memory.keep(call.tensors)
        versions = [tensor._version for tensor in written.tensors]
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            self.failed, self.failure = call_of(func, written, written.tensors), error
            raise
        wrote = [tensor._version for tensor in written.tensors] != versions
        if wrote and writes:
            self._record_in_place(call, result, operands)
        elif known is None or wrote:
            self._record(call_of(func, written, written.tensors) if wrote else call, result)
        else:
            outputs = _outputs(result)
            if outputs and not _same(call, result, written.tensors):
                self._nodes(call, tuple([known[place] for place in call.order]), outputs)
        return result

    def _record(self, call: Call, result: Any) -> None:
        outputs = _outputs(result)
        if not outputs:
            return
        if _same(call, result, call.tensors):
            return
        operands = tuple(self._operand(tensor) for tensor in call.tensors)
        self._nodes(call.on([operand.value for operand in operands]), operands, outputs)

    def _nodes(self, call: Call, operands: tuple[Operand, ...], outputs: Sequence[Tensor]) -> None:
        """Make the nodes of a call's outputs."""
        origin = self._where()
        for position, output in enumerate(outputs):
            own = call if position == 0 else call.giving(output, position)
            self._add(
                Node(len(self.nodes), call.operation.name, shown(output), operands, own, origin), output
            )

    def _record_in_place(self, call: Call, result: Any, operands: tuple[Operand, ...]) -> None:
        """Record a call that wrote into an operand: a node of its own, with the values as they are now."""
        target = result if isinstance(result, Tensor) else call.written
        origin = self._where()
        own = call.on([operand.value for operand in operands])
        node = Node(len(self.nodes), call.operation.name, shown(target), operands, own, origin)
        self._add(node, target)
        self._memory.wrote(target, node)
        self._rename(target, node)


def call_of(func: Any, written: Written, tensors: Sequence[Tensor]) -> Call:
    """Return the call that a torch function means, over these tensors."""
    entry = TABLE.entry(func)
    if entry is not None:
        try:
            return written.call(entry.operation, func, tensors, entry.swap)
        except (TypeError, IndexError, ValueError):
            pass  # an overload that the entry doesn't describe, or a wrong call: torch will say
    return written.call(_unlisted(entry.operation.name if entry else short_name(func)), func, tensors)


@lru_cache(1_000)
def _unlisted(name: str) -> Operation:
    return Unlisted(name, "*args, **kwargs")


def _outputs(result: Any) -> Sequence[Tensor]:
    if isinstance(result, Tensor):
        return (result,)
    if isinstance(result, tuple | list) and result and all(isinstance(item, Tensor) for item in result):
        return result
    return ()


def _same(call: Call, result: Any, tensors: Sequence[Tensor]) -> bool:
    """Return whether a call gave back what it was given: requires_grad_() and its like."""
    return isinstance(call.operation, Unlisted) and any(result is tensor for tensor in tensors)
