"""Turn the VJP rule of one operand, a template in the operation's entry, into lines of a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.analysis.own_programs import run_over
from llm_linalg.base.axes import Shape
from llm_linalg.ops.operation import Call, fill_template
from llm_linalg.ops.vjp import autograd_vjp, rerun
from llm_linalg.recording.record_node import RecordNode

TO = "{to}"
"""The last line of a rule whose other lines bind the cotangent, and in these its name."""


def rename_locals(template: str, rename: Callable[[str], str]) -> str:
    """Return a rule with other names for those that its lines bind; names in braces stay."""
    for name in dict.fromkeys(re.findall(r"^(\w+) = ", template, flags=re.MULTILINE)):
        template = re.sub(rf"(?<![\w{{.]){name}(?![\w}}])", rename(name), template)
    return template


def fit_rule(
    template: str, text: str, call: Call, place: int, given: Mapping[str, Tensor]
) -> tuple[str, tuple[int, ...]]:
    """Return a rule completed by a sum and a cast, so that it has its operand's shape and dtype.

    Its last line is the cotangent; those before it bind what it needs.

    Args:
        template: The rule as the table has it.
        text: The rule with the program's names filled in.
        call: The call.
        place: The operand's position.
        given: The tensors that the names in braces stand for.

    Returns:
        The rule, and the axes over which it is summed because the operand was broadcast along them.
    """
    *lines, last = text.split("\n")
    whole = template == "{d}"
    if last == TO or (_fits(call, place) and not whole):
        return text, ()
    value, own = given["d"] if whole else _value(template, call, given), call.tensors[place]
    axes = _broadcast_axes(tuple(value.shape), call.shapes[place])
    last = _sum_over(last, axes, value.dim() - own.dim())
    if value.dtype != own.dtype:
        last = f"{last if last.isidentifier() else f'({last})'}.to({own.dtype})"
    return "\n".join([*lines, last]), axes


def _fits(call: Call, place: int) -> bool:
    """Return whether a rule surely has its operand's shape and dtype: nothing was broadcast or cast."""
    own, out, kind = call.tensors[place], call.result, call.operation.kind
    if own.dtype != out.dtype:
        return False
    if kind == "contraction":
        return place != call.operation.bias_position(call) and max(map(len, call.shapes)) < 3
    if kind == "movement":
        return place == 0 or call.operation.name != "setitem"  # a value may be repeated where it is set
    return kind in ("pointwise", "mask", "rowwise") and own.shape == out.shape


def _value(template: str, call: Call, given: Mapping[str, Tensor]) -> Tensor:
    """Run a rule on tensors of the right shapes, and return the result for its shape and dtype."""
    text = template.replace("{alpha}", "")
    names: dict[str, RecordNode] = {}
    for name, tensor in given.items():
        if "{" + name + "}" in text:
            text = text.replace("{" + name + "}", f"own_{name}")
            names[f"own_{name}"] = RecordNode(0, "input", tensor.detach(), name=f"own_{name}")
    plain: dict[str, Any] = {name: value for name, value in call.arguments.items() if name != "alpha"}
    *lines, last = fill_template(text, plain).split("\n")
    result = run_over("\n".join([*lines, f"own_result = {last}"]), names, node_type=RecordNode)
    return result["own_result"].value


def _broadcast_axes(result: Shape, own: Shape) -> tuple[int, ...]:
    """Return the axes of a result along which an operand was broadcast."""
    gap = len(result) - len(own)
    inner = (axis for axis, size in enumerate(own, gap) if size == 1 and result[axis] != 1)
    return (*range(gap), *inner)


def _sum_over(text: str, axes: tuple[int, ...], gap: int) -> str:
    """Return the text of a cotangent summed over axes, of which its operand lacks the first `gap`."""
    if axes and not text.isidentifier():
        text = f"({text})"
    for axis in axes[gap:]:
        text += f".sum({axis}, keepdim=True)"
    dims = "0" if gap == 1 else str(tuple(range(gap)))
    return f"{text}.sum({dims})" if gap else text


def vjp(cotangent: Tensor, call: Call, place: int) -> Tensor:
    """Return the VJP of a call for one operand, by autograd."""
    if torch.overrides.has_torch_function((cotangent,)):
        taken: Tensor = torch.overrides.handle_torch_function(vjp, (cotangent,), cotangent, call, place)
        return taken
    with torch.enable_grad():
        operands = [tensor.detach() for tensor in call.tensors]
        leaf = operands[place].clone().requires_grad_(True)
        operands[place] = leaf
        result = rerun(call, operands)
        if not leaf.requires_grad or not result.requires_grad:
            return torch.zeros_like(leaf)
        (gradient,) = autograd_vjp([result], [leaf], [cotangent], twice=cotangent.requires_grad)
    return torch.zeros_like(leaf) if gradient is None else gradient
