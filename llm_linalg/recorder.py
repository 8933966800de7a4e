"""Records torch calls as they are written, through torch's function mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from llm_linalg.errors import Span
from llm_linalg.node import Node, Operand
from llm_linalg.ops import TABLE, Call, Operation
from llm_linalg.ops.call import make_call
from llm_linalg.ops.registry import short_name
from llm_linalg.ops.unlisted import Unlisted
from llm_linalg.tracing import Trace

Where = Callable[[], tuple[Span | None, str]]
Guard = Callable[[Call], None]


class Recorder(TorchFunctionMode):
    """A function mode that turns calls into nodes while it is entered.

    Args:
        where: Gives the place and the text of the call that is being made.
        guard: Is asked before each call is computed; it may raise.
    """

    def __init__(self, where: Where, guard: Guard | None = None) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.names: dict[str, Node] = {}
        self.failed: Call | None = None
        self._labels: dict[int, tuple[Tensor, str]] = {}
        self._where = where
        self._guard = guard
        self._made: dict[int, tuple[Tensor, Node]] = {}  # the tensor is kept, so that its id stays its own

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        call = _call(func, args, kwargs)
        if call is None:
            return func(*args, **kwargs)
        if self._guard:
            self._guard(call)
        if _may_write(func, kwargs):
            self._preserve(call.tensors)
        versions = [tensor._version for tensor in call.tensors]
        self.failed = call
        result = func(*args, **kwargs)
        self.failed = None
        if any(tensor._version != old for tensor, old in zip(call.tensors, versions, strict=True)):
            self._record_in_place(call, result)
        else:
            self._record(call, result)
        return result

    def input(self, tensor: Tensor, name: str | None, op: str = "input") -> Node:
        """Make a node of a tensor that comes from outside."""
        span, source = self._where()
        return self._add(
            Node(len(self.nodes), op, shown(tensor), span=span, source=source, name=name), tensor
        )

    def know(self, tensor: Tensor, node: Node) -> None:
        """Let a tensor be another trace's node."""
        self._made[id(tensor)] = (tensor, node)

    def node_of(self, tensor: Tensor) -> Node | None:
        """Return the node that made a tensor."""
        made = self._made.get(id(tensor))
        return made[1] if made else None

    def bind(self, name: str, tensor: Tensor) -> None:
        """Give a tensor's node a name of the program's."""
        node = self.node_of(tensor) or self.input(tensor, name)
        if node.bound_name is None:
            node.bound_name = name
        self.names[name] = node

    def label(self, tensor: Tensor, name: str) -> None:
        """Say what a tensor that may come in later is called."""
        self._labels[id(tensor)] = (tensor, name)

    def finish(self, source: str, seed: int, printed: str = "") -> Trace:
        """Return the trace of what was recorded."""
        return Trace(self.nodes, self.names, source, seed, printed)

    def _add(self, node: Node, tensor: Tensor) -> Node:
        self.nodes.append(node)
        self._made[id(tensor)] = (tensor, node)
        return node

    def _record(self, call: Call, result: Any) -> None:
        outputs = [result] if isinstance(result, Tensor) else list(_outputs(result))
        if not outputs:
            return
        if isinstance(call.operation, Unlisted) and any(result is tensor for tensor in call.tensors):
            return  # requires_grad_() and its like: the tensor itself
        operands = tuple(self._operand(tensor) for tensor in call.tensors)
        span, source = self._where()
        for position, output in enumerate(outputs):
            own = replace(call, position=position)
            node = Node(len(self.nodes), call.operation.name, shown(output), operands, own, span, source)
            self._add(node, output)

    def _record_in_place(self, call: Call, result: Any) -> None:
        """Record a call that wrote into an operand: a node of its own, with the values as they are now."""
        operands = tuple(self._operand(tensor) for tensor in call.tensors)
        target = result if isinstance(result, Tensor) else call.tensors[0]
        span, source = self._where()
        now = shown(target).clone()
        own = replace(call, tensors=tuple(operand.value for operand in operands))
        self._add(Node(len(self.nodes), call.operation.name, now, operands, own, span, source), target)

    def _operand(self, tensor: Tensor) -> Operand:
        node = self.node_of(tensor)
        if node is None:
            name = self._labels.get(id(tensor), (tensor, None))[1]
            node = self.input(tensor, name, _origin(tensor))
            if name:
                self.names.setdefault(name, node)
        return Operand(node.value, node)

    def _preserve(self, written: Sequence[Tensor]) -> None:
        """Copy what nodes hold of the memory that an in-place call is about to write."""
        storages = {tensor.untyped_storage().data_ptr() for tensor in written}
        for tensor, node in self._made.values():
            if tensor.untyped_storage().data_ptr() in storages and _shares(node.value, tensor):
                node.value = node.value.clone()


def _call(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call | None:
    """Return the call that a torch function means, or None for what is no operation on tensors."""
    entry = TABLE.entry(func)
    if entry is not None:
        try:
            return make_call(entry.operation, func, args, kwargs, swap=entry.swap)
        except (TypeError, IndexError, ValueError):
            pass  # an overload that the entry doesn't describe, or a wrong call: torch will say
    operation: Operation = Unlisted(entry.operation.name if entry else short_name(func), "*args, **kwargs")
    return make_call(operation, func, args, kwargs)


def _outputs(result: Any) -> Sequence[Tensor]:
    if isinstance(result, tuple | list) and result and all(isinstance(item, Tensor) for item in result):
        return result
    return ()


def _may_write(func: Any, kwargs: Mapping[str, Any]) -> bool:
    name = str(getattr(func, "__name__", ""))
    return (
        name == "__setitem__"
        or (name.endswith("_") and not name.endswith("__"))
        or kwargs.get("out") is not None
    )


def _origin(tensor: Tensor) -> str:
    return "parameter" if isinstance(tensor, torch.nn.Parameter) else "input"


def _shares(value: Tensor, tensor: Tensor) -> bool:
    return value.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()


def shown(tensor: Tensor) -> Tensor:
    """Return the values to show: detached, and a copy if they live on another device."""
    with torch._C.DisableTorchFunction():  # showing is no part of the program
        value = tensor.detach()
        return value if value.device.type == "cpu" else value.cpu()
