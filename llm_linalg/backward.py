"""The gradient program of a trace: the backward pass, written out in torch terms and run.

Each use of a tensor gives one line, from the rule in the using operation's entry, such as
``dW = dY.T @ X``. Where an operand was broadcast, its cotangent is summed over the repeated axes; where
a tensor was used more than once, the parts are added. An operation without a rule is asked of autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from keyword import iskeyword
from typing import Any

import torch
from torch import Tensor

from llm_linalg.axes import Shape
from llm_linalg.language.tables import BUILTINS, MODULES
from llm_linalg.node import Node
from llm_linalg.ops.base import filled
from llm_linalg.ops.call import Call
from llm_linalg.tracing import Trace


def backward(trace: Trace, loss: Node) -> Trace:
    """Return the gradient program of ``loss`` as a trace; see `Trace.backward`."""
    from llm_linalg.front import execute

    if not loss.value.dtype.is_floating_point:
        raise ValueError(f"{loss.name} is {loss.dtype}: only what is made of real numbers has a gradient")
    writer = _Writer(trace, loss)
    writer.write()
    program = execute("\n".join(writer.lines), trace.seed, writer.asked, writer.known)
    for node in program.nodes:
        node.twin = writer.twins.get(node.name)
    for node, name in writer.names.items():
        if f"d{name}" in program.names:
            program.names.setdefault(f"d{node.name}", program.names[f"d{name}"])
    return program


_FEW = 8  # parts that are added with plus signs; more are stacked


@dataclass(frozen=True, slots=True)
class _Part:
    """What one use of a tensor adds to its cotangent: the using node, and an expression."""

    user: Node
    text: str


class _Writer:
    """Writes the lines of a gradient program, from the loss to the inputs.

    Attributes:
        lines: The program.
        names: What each forward node is called in it.
        known: The forward nodes that it mentions, by those names.
        twins: For a name of the program, the forward node whose backward step it is.
        asked: Steps that autograd takes, by the names that the program calls them.
    """

    def __init__(self, trace: Trace, loss: Node) -> None:
        self._loss = loss
        self._needed = _needed(trace, loss)
        self._parts: dict[Node, list[_Part]] = {loss: []}
        self._aliases: dict[Node, str] = {}
        self.lines: list[str] = []
        self.names = _unique_names(trace.nodes[: loss.index + 1])
        self._taken = {taken for name in self.names.values() for taken in (name, f"d{name}")}
        self.known: dict[str, Node] = {}
        self.twins: dict[str, Node] = {}
        self.asked: dict[str, Callable[[Tensor], Tensor]] = {}

    def write(self) -> None:
        """Write a node's cotangent when all its uses have been passed, then pass it on."""
        for node in sorted(self._needed, key=lambda n: -n.index):
            if node in self._parts:
                self._emit(node)
                for place in range(len(node.operands)):
                    self._pass_on(node, place)

    def _emit(self, node: Node) -> None:
        parts, name = self._parts[node], f"d{self.names[node]}"
        if node is self._loss:
            parts = [_Part(node, f"torch.ones_like({self._name(node)})"), *parts]
        if len(parts) == 1 and node.bound_name is None and parts[0].text.isidentifier():
            self._aliases[node] = parts[0].text  # a step that only hands the cotangent on needs no line
            return
        if len(parts) == 1:
            self._line(name, parts[0].text, parts[0].user)
            return
        several = [self._free(f"{name}_{number}") for number in range(1, len(parts) + 1)]
        for own, part in zip(several, parts, strict=True):
            self._line(own, part.text, part.user)
        few = len(several) <= _FEW
        self._line(name, " + ".join(several) if few else f"torch.stack([{', '.join(several)}]).sum(0)", node)

    def _free(self, name: str) -> str:
        """Return a name that nothing else in the program has."""
        while name in self._taken:
            name += "_"
        return name

    def _line(self, name: str, text: str, twin: Node) -> None:
        self.lines.append(f"{name} = {text}")
        self.twins[name] = twin

    def _pass_on(self, node: Node, place: int) -> None:
        target, call = node.operands[place].node, node.call
        if call is None or target not in self._needed:
            return
        turned = self._through_transpose(node, place)
        if turned is not None:
            self._parts.setdefault(turned[0], []).append(_Part(node, turned[1]))
            return
        template = call.operation.cotangents(call).get(_key(call, place))
        if template == "":
            return  # nothing goes back through a detach
        text = self._ask(node, call, place) if template is None else self._filled(node, call, template)
        if template is not None:
            given, own = rule_value(call, template, node.shape), call.tensors[place]
            text = summed(text, tuple(given.shape), call.shapes[place])
            if given.dtype != own.dtype:
                text = f"{text if text.isidentifier() else f'({text})'}.to({own.dtype})"
        self._parts.setdefault(target, []).append(_Part(node, text))

    def _through_transpose(self, node: Node, place: int) -> tuple[Node, str] | None:
        """Return the cotangent of W in a product with ``W.T``, in one step: ``dW = dY.T @ X``."""
        shapes = node.call.shapes if node.call else ()
        if node.op != "matmul" or list(map(len, shapes)) != [2, 2]:
            return None
        source, other = _transposed_of(node.operands[place].node), node.operands[1 - place].node
        if source is None or source not in self._needed:
            return None
        cotangent, partner = self._d(node), self._name(other)
        return source, f"{cotangent}.T @ {partner}" if place else f"{partner} @ {cotangent}.T"

    def _d(self, node: Node) -> str:
        return self._aliases.get(node, f"d{self.names[node]}")

    def _filled(self, node: Node, call: Call, template: str) -> str:
        plain = dict(call.arguments)
        alpha = plain.pop("alpha", 1)
        template = template.replace("{alpha}", "" if alpha == 1 else f"{alpha!r} * ")
        for name, place in _tensor_places(call):
            operand = node.operands[place].node
            plain_side = _transposed_of(operand)
            if plain_side is not None and "{" + name + "}.T" in template:  # (W.T).T is W
                template = template.replace("{" + name + "}.T", self._name(plain_side))
            if "{" + name + "}" in template and operand is not None:
                template = template.replace("{" + name + "}", self._name(operand))
        if "{out}" in template:
            template = template.replace("{out}", self._name(node))
        return filled(template.replace("{d}", self._d(node)), plain)

    def _ask(self, node: Node, call: Call, place: int) -> str:
        name = f"vjp_{node.op}_{node.index}_{place}"
        self.asked[name] = partial(vjp, call=call, place=place)
        return f"{name}({self._d(node)})"

    def _name(self, node: Node) -> str:
        plain_side = _transposed_of(node)
        if plain_side is not None:
            return f"{self._name(plain_side)}.T"
        name = self.names[node]
        self.known[name] = node
        return name


def _transposed_of(node: Node) -> Node | None:
    """Return the matrix that an expression such as ``W.T`` transposes; None for anything else."""
    if node.op not in ("T", "t") or node.bound_name or len(node.shape) != 2:
        return None
    return node.operands[0].node


def vjp(cotangent: Tensor, call: Call, place: int) -> Tensor:
    """Return a cotangent taken back through a call to one of its operands, by autograd."""
    if torch.overrides.has_torch_function((cotangent,)):
        taken: Tensor = torch.overrides.handle_torch_function(vjp, (cotangent,), cotangent, call, place)
        return taken
    with torch.enable_grad():
        operands = [tensor.detach() for tensor in call.tensors]
        leaf = operands[place].clone().requires_grad_(True)
        operands[place] = leaf
        result = call.replay(operands)
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
            result, leaf, cotangent, allow_unused=True, create_graph=cotangent.requires_grad
        )
    return torch.zeros_like(leaf) if gradients[0] is None else gradients[0]


def rule_value(call: Call, template: str, out: Shape) -> Tensor:
    """Return what a rule's expression gives, for its shape and type before they are made its operand's.

    The expression is run on tensors of the right shapes: what it gives is not in question here.
    """
    from llm_linalg.front import execute

    names: dict[str, Node] = {"d": Node(0, "input", torch.ones(out, dtype=call.result.dtype), name="d")}
    text = template.replace("{d}", "d").replace("{alpha}", "")
    given: dict[str, Tensor] = {name: call.tensors[place] for name, place in _tensor_places(call)}
    if call.output is not None:
        given["out"] = call.output
    for name, tensor in given.items():
        if "{" + name + "}" in text:
            text = text.replace("{" + name + "}", f"own_{name}")
            names[f"own_{name}"] = Node(0, "input", tensor.detach(), name=f"own_{name}")
    plain = {name: value for name, value in call.arguments.items() if name != "alpha"}
    return execute(f"result = {filled(text, plain)}", 0, {}, names)["result"].value


def summed(text: str, result: Shape, own: Shape) -> str:
    """Return a cotangent summed over the axes along which its operand was repeated."""
    if result == own:
        return text
    gap = len(result) - len(own)
    kept = [axis for axis, size in enumerate(own, gap) if size == 1 and result[axis] != 1]
    wrapped = text if text.isidentifier() else f"({text})"
    for axis in kept:
        wrapped = f"{wrapped}.sum({axis}, keepdim=True)"
    if gap:
        dims = "0" if gap == 1 else str(tuple(range(gap)))
        wrapped = f"{wrapped}.sum({dims})"
    return wrapped


def _needed(trace: Trace, loss: Node) -> set[Node]:
    """Return the nodes that the loss was made from and that have a gradient."""
    needed = {loss}
    for node in reversed(trace.nodes[: loss.index + 1]):
        if node in needed:
            needed |= {operand.node for operand in node.operands}
    return {node for node in needed if node.value.dtype.is_floating_point}


def _unique_names(nodes: Iterable[Node]) -> dict[Node, str]:
    """Return a name for each node: its own, unless that or its cotangent's is another's in the program."""
    names: dict[Node, str] = {}
    taken = {*BUILTINS, *MODULES, "nn", "F", "print"}
    for node in sorted(nodes, key=lambda n: -n.index):
        name = _identifier(node.name)
        while taken & {name, f"d{name}"}:
            name = f"{name}_{node.index}"
        names[node] = name
        taken |= {name, f"d{name}"}
    return names


def _identifier(name: str) -> str:
    """Return a name as the language takes it: ``0.weight`` is ``p0_weight``."""
    name = name.replace(".", "_")
    while "__" in name:
        name = name.replace("__", "_")
    return name if name.isidentifier() and not iskeyword(name) else f"p{name}"


def _tensor_places(call: Call) -> list[tuple[str, int]]:
    return [(_key(call, place), place) for place in range(len(call.tensors))]


def _key(call: Call, place: int) -> str:
    """Return the parameter of an operand; one of several in a list has its position behind it."""
    owners: Mapping[str, Any] = call.arguments
    for name, places in call.places.items():
        if place in places:
            several = isinstance(owners[name], list | tuple | dict)
            return f"{name}_{places.index(place)}" if several else name
    raise LookupError(place)
