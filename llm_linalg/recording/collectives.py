"""See which tensors the processes of a job exchange: torch counts none of what is written there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, distributed
from torch.utils._python_dispatch import TorchDispatchMode

from llm_linalg.base.untraced import untraced
from llm_linalg.ops.arguments import tensors_in

_NAMESPACES = ("c10d", "_c10d_functional")


class _ExchangeMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells of the tensors that a collective call may write, now or once it is waited for."""

    def __init__(self, tell: Callable[[Tensor], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tell = tell

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.namespace in _NAMESPACES:
            with untraced():
                for tensor in tensors_in((args, kwargs)):
                    self._tell(tensor)
        return func(*args, **kwargs)


def exchanges(tell: Callable[[Tensor], None]) -> AbstractContextManager[Any]:
    """Return a context in which one is told of the tensors that are exchanged; without a job, of none.

    Each operation costs a call of Python in it.
    """
    if distributed.is_available() and distributed.is_initialized():
        return _ExchangeMode(tell)
    return nullcontext()
