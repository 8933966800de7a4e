"""Turn the VJP rule of one operand, a template in the operation's entry, into lines of a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.analysis.gradients.flow import refusing
from llm_linalg.analysis.own_programs import run_over
from llm_linalg.base.axes import Shape
from llm_linalg.ops.complex_numbers import COMPLEX_NUMBERS
from llm_linalg.ops.operation import HALF_PRECISION, Call, fill_template, operand_names
from llm_linalg.ops.vjp import autograd_vjp, has_gradient, rerun
from llm_linalg.recording.record_node import RecordNode

AskedFunction = Callable[[Sequence[Tensor | None]], Sequence[Tensor]]
"""Returns the gradients for cotangents by calling a function of the program."""
TO = "{to}"
"""The last line of a rule whose other lines bind the cotangent, and in these its name."""


def rename_locals(template: str, rename: Callable[[str], str]) -> str:
    """Return a rule with other names for those that its lines bind; names in braces stay."""
    for name in dict.fromkeys(re.findall(r"^(\w+) = ", template, flags=re.MULTILINE)):
        template = re.sub(rf"(?<![\w{{.]){name}(?![\w}}])", rename(name), template)
    return template


_PRODUCTS = re.compile(r"[*/]+")  # of a rule, also its powers
_NUMBERS = re.compile(r"\{(?:d|out|input)\}")  # what a rule mentions that may be of half precision
_OWN = frozenset(operation.name for operation in COMPLEX_NUMBERS)
_HOLOMORPHIC = frozenset(
    [
        *("add", "sub", "mul", "div", "neg", "square", "reciprocal", "exp", "log", "sqrt"),
        *("sin", "cos", "tanh", "sum", "mean", "cumsum"),
    ]
)
_CONJUGATING = frozenset(["adjoint", "H", "mH", "vdot", "vecdot"])


def rules_of(call: Call) -> Mapping[str, str]:
    """Return the VJP of a call by parameter; without one, autograd has to be asked.

    That of a holomorphic function of complex numbers is the one of real numbers, with conjugates of what it
    mentions: torch's gradient is the direction of the steepest rise.
    """
    operation, tensors = call.operation, (*call.tensors, call.result)
    if operation.kind == "contraction" and len({tensor.dtype for tensor in tensors}) > 1:
        return {}  # one was converted on the way
    if not any(tensor.is_complex() for tensor in tensors) or operation.name in _OWN:
        real = operation.cotangents(call)
        if _widens(call):
            return {to: _NUMBERS.sub(r"\g<0>.float()", rule) for to, rule in real.items()}
        if call.result.dtype is not torch.float16:
            return real
        # One of several products may be too large: the order in which torch takes them counts.
        return {to: rule for to, rule in real.items() if len(_PRODUCTS.findall(rule)) < 2}
    is_linear = operation.kind in ("movement", "contraction") and operation.name not in _CONJUGATING
    if not is_linear and operation.name not in _HOLOMORPHIC:
        return {}
    rules = dict(operation.cotangents(call))
    if any(isinstance(value, complex) for value in call.arguments.values()):  # which has no text in a program
        return {name: rule for name, rule in rules.items() if rule == ""}
    if operation.kind != "movement":
        places = {name: call.tensors[place] for place, name in operand_names(call).items()}
        for name, value in {**places, "out": call.result}.items():
            if value.is_complex():
                own = f"{{{name}}}"
                rules = {to: rule.replace(own, f"{own}.conj()") for to, rule in rules.items()}
    return rules


def _widens(call: Call) -> bool:
    """Return whether a call's cotangents are computed in float32, and rounded at the end."""
    return call.operation.in_float32 and call.result.dtype in HALF_PRECISION


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
    if value.is_complex() and not own.is_complex():
        last, value = f"{last if last.isidentifier() else f'({last})'}.real", value.real
    if value.dtype != own.dtype:
        last = f"{last if last.isidentifier() else f'({last})'}.to({own.dtype})"
    return "\n".join([*lines, last]), axes


def _fits(call: Call, place: int) -> bool:
    """Return whether a rule surely has its operand's shape and dtype: nothing was broadcast or cast."""
    own, out, kind = call.tensors[place], call.result, call.operation.kind
    if _widens(call) or any(other.dtype != out.dtype for other in (own, *filter(has_gradient, call.tensors))):
        return False  # a write may have operands of wider dtypes than its result
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


def vjp(cotangent: Tensor, call: Call, place: int, step: str) -> Tensor:
    """Return the VJP of a call for one operand, by autograd; `step` says in errors which call it is."""
    if torch.overrides.has_torch_function((cotangent,)):
        handle: Any = torch.overrides.handle_torch_function
        taken: Tensor = handle(vjp, (cotangent,), cotangent, call=call, place=place, step=step)
        return taken
    with refusing(step), torch.enable_grad():
        operands = [tensor.detach() for tensor in call.tensors]
        leaf = operands[place].clone().requires_grad_(True)
        operands[place] = leaf
        result = rerun(call.replay, operands)
        if not leaf.requires_grad or not result.requires_grad:
            return torch.zeros_like(leaf)
        (gradient,) = autograd_vjp([result], [leaf], [cotangent], twice=cotangent.requires_grad)
    return torch.zeros_like(leaf) if gradient is None else gradient


def own_backward(*cotangents: Tensor | None, ask: AskedFunction, step: str) -> Tensor | tuple[Tensor, ...]:
    """Return what a function of the program gives for cotangents: a backward pass of its own, or a hook.

    Args:
        cotangents: One for each result of the function; None for one from which nothing arrives.
        ask: Calls the function.
        step: What it is called in errors.
    """
    given = [own for own in cotangents if own is not None]
    if torch.overrides.has_torch_function(given):
        handle: Any = torch.overrides.handle_torch_function
        taken: Tensor = handle(own_backward, given, *cotangents, ask=ask, step=step)
        return taken
    if any(own.requires_grad for own in given):
        raise NotImplementedError("nobody knows what a function of the program reads")
    with refusing(step):
        gradients = tuple(ask(cotangents))
    return gradients[0] if len(gradients) == 1 else gradients
